// Package journal keeps lines in a file that outlive a crash: what was appended and synced is there when the file is
// opened again, whole and in its order. One process at a time has it open.
package journal

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync"
)

// What opening a file can fail with, beside the errors of the file system.
var (
	ErrLocked  = errors.New("it cannot be locked, perhaps because it is open elsewhere")
	ErrForeign = errors.New("it was begun with another header")
	errBroken  = errors.New("an earlier line was written in part: open the file again")
)

// File is a journal. It is safe for concurrent use.
type File struct {
	path   string
	header []byte

	syncing  sync.Mutex // of doubtful; taken before mu
	doubtful bool       // a sync has failed
	mu       sync.Mutex
	file     *os.File
	size     int64 // of what is whole
	synced   int64 // of that, what outlives a crash of the machine
	broken   bool  // something follows that could not be taken back
}

// Open opens the journal at path, or begins one with header, a line without its end. A file with another first line is
// not changed. A last line that a crash has cut short is dropped.
func Open(path string, header []byte) (*File, error) {
	file, err := openAlone(path, 0)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, header: append(bytes.Clone(header), '\n'), file: file}
	if err := f.load(); err != nil {
		_ = file.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) load() error {
	head, err := io.ReadAll(io.NewSectionReader(f.file, 0, int64(len(f.header))))
	switch {
	case err != nil:
		return err
	case !bytes.HasPrefix(f.header, head):
		return ErrForeign
	case len(head) < len(f.header): // new, or a crash came at once
		if err := f.begin(f.file); err != nil {
			return err
		}
		f.size, f.synced = int64(len(f.header)), int64(len(f.header))
		return syncDirectory(f.path)
	}
	lines := bufio.NewReader(io.NewSectionReader(f.file, 0, 1<<62))
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			rest, err := lines.ReadBytes('\n')
			if errors.Is(err, io.EOF) {
				return f.file.Truncate(f.size)
			}
			if err != nil {
				return err
			}
			f.size += int64(len(line) + len(rest))
		case errors.Is(err, io.EOF): // a line without its end is none
			return f.file.Truncate(f.size)
		case err != nil:
			return err
		default:
			f.size += int64(len(line))
		}
	}
}

func (f *File) begin(file *os.File) error {
	if _, err := file.WriteAt(f.header, 0); err != nil {
		return err
	}
	return file.Sync()
}

// syncDirectory makes the existence of a new file outlive a crash. Not every system can do it.
func syncDirectory(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	_ = dir.Sync()
	return dir.Close()
}

// Lines returns the lines behind the header, without their ends, to where the file ends now. A line is good until the
// next one.
func (f *File) Lines() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		f.mu.Lock()
		head := int64(len(f.header))
		lines := bufio.NewReader(io.NewSectionReader(f.file, head, f.size-head))
		f.mu.Unlock()
		for {
			line, err := lines.ReadBytes('\n')
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(bytes.TrimSuffix(line, []byte("\n")), err) || err != nil {
				return
			}
		}
	}
}

// Size returns how long the file is, in bytes.
func (f *File) Size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size
}

// Append adds lines, each with its end. They outlive the process, but not the machine before [File.Sync].
func (f *File) Append(lines []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		return errBroken
	}
	if _, err := f.file.WriteAt(lines, f.size); err != nil {
		// What was written of it must not run into the next line.
		f.broken = f.file.Truncate(f.size) != nil
		return err
	}
	f.size += int64(len(lines))
	return nil
}

// Sync has all that was appended before outlive a crash of the machine. Those who call it at the same time share one
// sync.
func (f *File) Sync() error {
	f.mu.Lock()
	wanted := f.size
	f.mu.Unlock()
	f.syncing.Lock()
	defer f.syncing.Unlock()
	f.mu.Lock()
	if f.synced >= wanted {
		f.mu.Unlock()
		return nil
	}
	reaches, file := f.size, f.file
	f.mu.Unlock()
	if f.doubtful {
		// Systems forget what they could not write, and say so once: the next sync would succeed without it.
		return f.rewrite(func([]byte) bool { return true })
	}
	if err := file.Sync(); err != nil {
		f.doubtful = true
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.synced = max(f.synced, reaches)
	return nil
}

// Rewrite replaces the lines by those for which keep is true. A crash leaves the one or the other. Nothing can be
// appended meanwhile.
func (f *File) Rewrite(keep func(line []byte) bool) error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	return f.rewrite(keep)
}

func (f *File) rewrite(keep func([]byte) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		return errBroken
	}
	temporary := f.path + ".new"
	file, err := openAlone(temporary, os.O_TRUNC)
	if err != nil {
		return err
	}
	size, err := f.copy(file, keep)
	if err == nil {
		err = f.replace(temporary)
	}
	if err != nil {
		_ = file.Close()
		return err
	}
	f.file, f.size, f.synced, f.doubtful = file, size, size, false
	return syncDirectory(f.path)
}

func (f *File) copy(to *os.File, keep func([]byte) bool) (size int64, err error) {
	w := bufio.NewWriter(to)
	_, _ = w.Write(f.header)
	size = int64(len(f.header))
	lines := bufio.NewReader(io.NewSectionReader(f.file, size, f.size-size))
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		if keep(bytes.TrimSuffix(line, []byte("\n"))) {
			_, _ = w.Write(line) // Flush has the error
			size += int64(len(line))
		}
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	return size, to.Sync()
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Close()
}
