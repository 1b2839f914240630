package journal

import (
	"fmt"
	"os"
	"syscall"
)

// openAlone opens a file that no other process can write to until it is closed or the process ends. It can be renamed.
func openAlone(path string, flag int) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	mode := uint32(syscall.OPEN_ALWAYS)
	if flag&os.O_TRUNC != 0 {
		mode = syscall.CREATE_ALWAYS
	}
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE,
		syscall.FILE_SHARE_READ|syscall.FILE_SHARE_DELETE, nil, mode, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	const sharingViolation = syscall.Errno(32)
	switch err {
	case nil:
		return os.NewFile(uintptr(handle), path), nil
	case sharingViolation:
		return nil, fmt.Errorf("%w: %w", ErrLocked, err)
	default:
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
}

// replace puts the temporary file in the place of the one that is open, and closes that first: a file cannot be put in
// the place of one that is open.
func (f *File) replace(temporary string) error {
	_ = f.file.Close()
	err := os.Rename(temporary, f.path)
	if err != nil {
		var again error
		f.file, again = openAlone(f.path, 0)
		f.broken = again != nil
	}
	return err
}
