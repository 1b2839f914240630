//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package journal

import (
	"fmt"
	"os"
	"syscall"
)

// openAlone opens a file and keeps other processes from it, until it is closed or the process ends.
func openAlone(path string, flag int) (*os.File, error) {
	file, err := openFile(path, flag)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%w: %w", ErrLocked, err)
	}
	return file, nil
}
