//go:build !windows

package journal

import (
	"fmt"
	"os"
)

// openAlone opens a file and keeps other processes from it, until it is closed or the process ends.
func openAlone(path string, flag int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|flag, 0o600) // #nosec G304 -- the program says where its files are
	if err != nil {
		return nil, err
	}
	if err := lockAt(path, file); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// lockAt locks a file, and refuses one that was replaced before it was locked: its lines would be in no file.
func lockAt(path string, file *os.File) error {
	if err := lock(file); err != nil {
		return fmt.Errorf("%w: %w", ErrLocked, err)
	}
	locked, err := file.Stat()
	if err != nil {
		return err
	}
	at, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !os.SameFile(locked, at) {
		return ErrLocked
	}
	return nil
}

// replace puts the temporary file in the place of the one that is open, and closes that.
func (f *File) replace(temporary string) error {
	err := os.Rename(temporary, f.path)
	if err == nil {
		_ = f.file.Close()
	}
	return err
}
