//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package journal

import "os"

// openAlone opens a file. The standard library has no lock for files here: see to it that one process has it.
func openAlone(path string, flag int) (*os.File, error) { return openFile(path, flag) }
