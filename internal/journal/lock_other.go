//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package journal

import "os"

// lock does nothing where the standard library has no lock for files: see to it that one process has the file.
func lock(*os.File) error { return nil }
