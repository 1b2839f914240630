package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/adasdk/ada-go/dataexport"
)

// output is where the records go.
type output struct {
	*bufio.Writer
	file      *os.File // nil: standard output
	statePath string   // empty: the state is not stored
	state     state
}

// state is what the checkpoint file holds. The output and it are two files, which cannot change at once: the output can
// be longer than the state says, by what was written and not committed.
type state struct {
	Output     string                `json:"output"`
	Format     string                `json:"format"`
	Length     int64                 `json:"length"`
	Checkpoint dataexport.Checkpoint `json:"checkpoint"`
}

// openOutput opens the output, at the place where its state says that the export goes on.
func openOutput(path, statePath, format string) (*output, error) {
	o := &output{statePath: statePath, state: state{Output: filepath.Base(path), Format: format}}
	known, err := o.load()
	if err != nil {
		return nil, err
	}
	if o.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil { // #nosec G304 -- its user says which
		return nil, err
	}
	if err := o.rewind(known); err != nil {
		_ = o.file.Close()
		return nil, err
	}
	o.Writer = bufio.NewWriterSize(o.file, 1<<20)
	return o, o.save() // before the first record: from here on the output is known
}

// rewind cuts off what was not committed.
func (o *output) rewind(known bool) error {
	length, err := o.file.Seek(0, io.SeekEnd)
	switch {
	case err != nil:
		return err
	case !known && length > 0:
		return fmt.Errorf("%s exists, and there is no checkpoint of it", o.file.Name())
	case length < o.state.Length:
		return fmt.Errorf("%s is shorter than %s says", o.file.Name(), o.statePath)
	}
	if err := o.file.Truncate(o.state.Length); err != nil {
		return err
	}
	_, err = o.file.Seek(o.state.Length, io.SeekStart)
	return err
}

// commit has all that was written stored, and then the state that says so.
func (o *output) commit(c dataexport.Checkpoint) (err error) {
	if err = o.Flush(); err != nil || o.file == nil {
		return err
	}
	if err = o.file.Sync(); err != nil {
		return err
	}
	o.state.Checkpoint = c
	if o.state.Length, err = o.file.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	return o.save()
}

// load reads the state, if there is one. It must be of the same output.
func (o *output) load() (found bool, err error) {
	text, err := os.ReadFile(o.statePath)
	if o.statePath == "" || errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var s state
	sum, content, _ := strings.Cut(strings.TrimSuffix(string(text), "\n"), " ")
	if sum != checksum([]byte(content)) || json.Unmarshal([]byte(content), &s) != nil {
		return false, fmt.Errorf("%s is damaged", o.statePath)
	}
	if s.Output != o.state.Output || s.Format != o.state.Format {
		return false, fmt.Errorf("%s is of %s as %s", o.statePath, s.Output, s.Format)
	}
	o.state = s
	return true, nil
}

// save replaces the state: whenever the program or the machine stops, there is the old one or the new one.
func (o *output) save() error {
	if o.statePath == "" {
		return nil
	}
	content, err := json.Marshal(o.state)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(o.statePath+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%s %s\n", checksum(content), content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), o.statePath)
}

func checksum(b []byte) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE(b)) }
