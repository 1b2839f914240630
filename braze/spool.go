package braze

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/adasdk/ada-go/internal/journal"
)

// ErrSpool is what every failure of a spool matches.
var ErrSpool = errors.New("braze: spool")

func spoolError(err error) error { return fmt.Errorf("%w: %w", ErrSpool, err) }

const (
	spoolHeader = `{"spool":"ada-go/1"}`
	// compactFrom is how long a spool is before it is worth while to rewrite it.
	compactFrom = 1 << 20
)

func numbersOf(objects []kept) []uint64 {
	numbers := make([]uint64, len(objects))
	for i, k := range objects {
		numbers[i] = k.number
	}
	return numbers
}

// spool keeps the objects of a buffer in a file, with what is known of each: it has been accepted, it is being sent, it
// has come back unsent, it is done. A nil spool keeps nothing.
type spool struct {
	file *journal.File
	live map[uint64]int // what is not done, and how long its line is
	dead int            // bytes of lines that say nothing any more
	next uint64
}

// spooled is a line of a spool.
type spooled struct {
	Number   uint64          `json:"n"`
	Array    Array           `json:"a"`
	Object   json.RawMessage `json:"o"`
	Sending  []uint64        `json:"sending"`
	Returned []uint64        `json:"returned"`
	Done     []uint64        `json:"done"`
}

// kept is an object of a buffer, under its number in the spool.
type kept struct {
	Object
	number  uint64
	sending bool // it was being sent when the process ended
}

// openSpool opens the spool at path, and returns what is in it that is not done, in the order in which it was accepted.
func openSpool(path string) (s *spool, found []kept, err error) {
	file, err := journal.Open(path, []byte(spoolHeader))
	if err != nil {
		return nil, nil, spoolError(err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	s = &spool{file: file, live: map[uint64]int{}}
	at := map[uint64]int{} // in found
	n := 1
	for line, err := range file.Lines() {
		n++
		var l spooled
		if err == nil {
			err = json.Unmarshal(line, &l)
		}
		if err == nil && l.Number > 0 {
			var o Object
			if o, err = ParseObject(l.Array, l.Object); err == nil {
				at[l.Number] = len(found)
				found = append(found, kept{Object: o, number: l.Number})
				s.live[l.Number] = len(line) + 1
				s.next = max(s.next, l.Number)
			}
		} else {
			s.dead += len(line) + 1
		}
		if err != nil {
			return nil, nil, spoolError(fmt.Errorf("line %d cannot be read", n)) // without what it says
		}
		for _, number := range l.Done {
			s.forget(number)
		}
		for sending, numbers := range map[bool][]uint64{true: l.Sending, false: l.Returned} {
			for _, number := range numbers {
				if i, ok := at[number]; ok {
					found[i].sending = sending
				}
			}
		}
	}
	rest := found[:0]
	for _, k := range found {
		if _, ok := s.live[k.number]; ok {
			rest = append(rest, k)
		}
	}
	return s, rest, nil
}

func (s *spool) forget(number uint64) {
	s.dead += s.live[number]
	delete(s.live, number)
}

// accept numbers objects and writes them down. They outlive a crash once sync has returned.
func (s *spool) accept(objects []kept) error {
	if s == nil {
		return nil
	}
	var lines []byte
	sizes := make([]int, len(objects))
	for i := range objects {
		o := &objects[i]
		o.number = s.next + uint64(i) + 1
		before := len(lines)
		lines = strconv.AppendUint(append(lines, `{"n":`...), o.number, 10)
		lines = append(append(append(lines, `,"a":"`...), o.Array()...), `","o":`...)
		lines = append(append(lines, o.json...), "}\n"...)
		sizes[i] = len(lines) - before
	}
	if err := s.file.Append(lines); err != nil {
		return spoolError(err)
	}
	for i, o := range objects {
		s.live[o.number] = sizes[i]
	}
	s.next += uint64(len(objects))
	return nil
}

// sync has all that was written down outlive a crash of the machine. Unlike the other methods it can be called at any
// time.
func (s *spool) sync() error {
	if s == nil {
		return nil
	}
	if err := s.file.Sync(); err != nil {
		return spoolError(err)
	}
	return nil
}

// mark writes down what has become of objects: "sending", "returned" or "done".
func (s *spool) mark(what string, numbers []uint64) error {
	if s == nil || len(numbers) == 0 {
		return nil
	}
	line := append(append([]byte(`{"`), what...), `":[`...)
	for i, n := range numbers {
		if i > 0 {
			line = append(line, ',')
		}
		line = strconv.AppendUint(line, n, 10)
	}
	line = append(line, "]}\n"...)
	if err := s.file.Append(line); err != nil {
		return spoolError(err)
	}
	s.dead += len(line)
	if what == "done" {
		for _, n := range numbers {
			s.forget(n)
		}
	}
	return nil
}

// compact takes out of the file what is done, when that is most of it. What is left must not be being sent: what tells
// of it goes too.
func (s *spool) compact() error {
	if s == nil {
		return nil
	}
	if size := s.file.Size(); s.dead*2 < int(size) || size < compactFrom && len(s.live) > 0 || size < compactFrom/16 {
		return nil
	}
	err := s.file.Rewrite(func(line []byte) bool {
		number, _, found := bytes.Cut(bytes.TrimPrefix(line, []byte(`{"n":`)), []byte(","))
		n, err := strconv.ParseUint(string(number), 10, 64)
		_, live := s.live[n]
		return found && err == nil && live && bytes.HasPrefix(line, []byte(`{"n":`))
	})
	if err != nil {
		return spoolError(err)
	}
	s.dead = 0
	return nil
}

func (s *spool) close() error {
	if s == nil {
		return nil
	}
	if err := s.file.Close(); err != nil {
		return spoolError(err)
	}
	return nil
}
