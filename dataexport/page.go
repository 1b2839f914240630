package dataexport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/rawjson"
	"github.com/adasdk/ada-go/internal/wiretime"
)

// Page is one page of an export, whole and checked. It is read from Ada to its end before it is handed out, and can be
// iterated over, any number of times, until the loop that it came from goes on. Its records are decoded on the way, so
// that memory holds one of them at a time.
type Page[T any] struct {
	// Since and Until are the part of the export that the page completes: all records from Since on and before Until
	// have been handed out with it, as far as Ada had them. They are on Ada's clock, and Since is that of the page
	// before.
	Since, Until time.Time
	// Next is where the export goes on after the page. Store it once the page's records are stored, or with them in
	// one transaction, and give it to [Query.Resume].
	Next Checkpoint

	content *content
	report  func(*RecordError) error // an end, or nil to go on
	closed  bool
}

// Len returns how many records the page has. Those that an earlier page had too do not count.
func (p *Page[T]) Len() int { return p.content.fresh }

// Raw returns an iterator over the records as Ada sent them, without decoding them. Each is the caller's to keep.
func (p *Page[T]) Raw() iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		p.each(func(_ int, _ entry, raw []byte) bool { return yield(raw, nil) }, func(err error) { yield(nil, err) })
	}
}

// Records returns an iterator over the records. A record that cannot be decoded ends it with a [*RecordError], unless
// [Query.OnBadRecord] takes it.
func (p *Page[T]) Records() iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		fail := func(err error) { yield(nil, err) }
		p.each(func(index int, e entry, raw []byte) bool {
			record := new(T)
			if err := any(record).(json.Unmarshaler).UnmarshalJSON(raw); err != nil {
				if err := p.report(newRecordError(index, e.id, raw, err)); err != nil {
					fail(err)
					return false
				}
				return true
			}
			return yield(record, nil)
		}, fail)
	}
}

func (p *Page[T]) each(yield func(index int, e entry, raw []byte) bool, fail func(error)) {
	if p.closed {
		fail(errors.New("dataexport: the page is used after the loop that it came from went on"))
		return
	}
	p.content.each(yield, fail)
}

// entry is what is known of a record of a page without decoding it.
type entry struct {
	id       string // empty where the record has none
	at       int64  // its place in the export, in nanoseconds of Unix time; unplaced where it cannot be read
	size     int    // in bytes
	repeated bool   // an earlier page had it
}

const unplaced = -1 << 63

// content is what one answer holds.
type content struct {
	spool   spool
	entries []entry
	bytes   int64  // of all records
	next    string // the link to the next page; empty: there is none
	found   bool   // there was an array of records
	fresh   int    // records that are not repeated
}

func (c *content) close() {
	c.spool.close()
	c.entries = nil
}

// each hands out the records that are not repeated.
func (c *content) each(yield func(index int, e entry, raw []byte) bool, fail func(error)) {
	r := c.spool.reader()
	for i, e := range c.entries {
		if e.repeated {
			if _, err := io.CopyN(io.Discard, r, int64(e.size)); err != nil {
				fail(err)
				return
			}
			continue
		}
		raw := make([]byte, e.size)
		if _, err := io.ReadFull(r, raw); err != nil {
			fail(err)
			return
		}
		if !yield(i, e, raw) {
			return
		}
	}
}

// read takes in the body of an answer: an object with an array of records under "data", or "items" as it was called
// once, and a link to the next page in one of the places where Ada's versions put it. date is the field that records
// are in order of. What an earlier attempt has left behind is thrown away.
//
// The body must be JSON to its last byte, and nothing but white space may follow. With keys that come twice the last
// one counts, except for the records, which may not come twice.
func (c *content) read(body io.Reader, date string) error {
	c.spool.reset()
	*c = content{spool: c.spool, entries: c.entries[:0]}
	in := &input{source: body, buffer: make([]byte, 128<<10)}
	first, err := in.peek()
	if err != nil {
		return err
	}
	if first != '{' {
		if _, err := in.take(rawjson.Value); err != nil {
			return err
		}
		return ada.Fault{Field: "the body", Reason: "is no object"}
	}
	if err := in.list('}', func() error { return c.field(in, date) }); err != nil {
		return err
	}
	if _, err := in.peek(); err != errEnd {
		if err == nil {
			err = in.syntax()
		}
		return err
	}
	c.fresh = len(c.entries)
	if !c.found {
		return ada.Fault{Field: "data", Reason: "is missing"}
	}
	return nil
}

// field takes in one field of the body.
func (c *content) field(in *input, date string) error {
	if first, err := in.peek(); err != nil {
		return err
	} else if first != '"' {
		return in.syntax()
	}
	quoted, err := in.take(rawjson.Value)
	if err != nil {
		return err
	}
	key, _ := rawjson.String(quoted)
	if first, err := in.peek(); err != nil {
		return err
	} else if first != ':' {
		return in.syntax()
	}
	in.start++
	first, err := in.peek()
	if err != nil {
		return err
	}
	if (key == "data" || key == "items") && first == '[' {
		if c.found {
			return ada.Fault{Field: key, Reason: "is there beside other records"}
		}
		c.found = true
		return c.records(in, date)
	}
	v, err := in.take(rawjson.Value)
	if err != nil {
		return err
	}
	switch key {
	case "data", "items":
		return ada.Fault{Field: key, Reason: "is no list"}
	case "meta":
		return within("meta", object(v, func(key, v []byte) error {
			switch string(key) {
			case "next_page_uri", "next_page_url":
				return text(&c.next, v)
			}
			return nil
		}))
	case "next_page_uri", "next_page_url":
		return within(key, text(&c.next, v))
	case "errors":
		switch string(bytes.Join(bytes.Fields(v), nil)) {
		case "null", "[]", "{}", `""`:
		default:
			return ada.Fault{Field: "the body", Reason: "is an error envelope"}
		}
	}
	return nil
}

// records takes in the array of records.
func (c *content) records(in *input, date string) error {
	var id, at []byte
	mark := func(key, v []byte) error {
		switch string(rawjson.Unescape(key)) {
		case "_id":
			id = v
		case date:
			at = v
		}
		return nil
	}
	scan := func(b []byte) (int, error) {
		id, at = nil, nil
		if len(b) > 0 && b[0] == '{' {
			return rawjson.Object(b, mark)
		}
		return rawjson.Value(b)
	}
	return in.list(']', func() error {
		if _, err := in.peek(); err != nil {
			return err
		}
		raw, err := in.take(scan)
		if err != nil {
			return err
		}
		e := entry{at: unplaced, size: len(raw)}
		e.id, _ = rawjson.String(id)
		if s, ok := rawjson.String(at); ok {
			if t, ok := wiretime.Parse(s); ok {
				e.at = t.UnixNano()
			}
		}
		c.entries = append(c.entries, e)
		c.bytes += int64(len(raw))
		_, err = c.spool.Write(raw)
		return err
	})
}

// input is JSON text that comes in through a buffer.
type input struct {
	source     io.Reader
	buffer     []byte
	start, end int   // what of the buffer was read and not yet taken
	before     int64 // how much was read before start
	err        error // why there is no more
}

// errEnd is where the text ends; within a value that is an error of syntax.
var errEnd = &json.SyntaxError{}

func (in *input) syntax() error { return &json.SyntaxError{Offset: in.before + int64(in.start)} }

// more reads on. What was taken before is overwritten.
func (in *input) more() error {
	if in.err != nil {
		if in.err == io.EOF || in.err == io.ErrUnexpectedEOF {
			return errEnd
		}
		return in.err
	}
	in.before += int64(in.start)
	in.end = copy(in.buffer, in.buffer[in.start:in.end])
	in.start = 0
	if in.end == len(in.buffer) {
		in.buffer = append(in.buffer, make([]byte, len(in.buffer))...)
	}
	n, err := io.ReadFull(in.source, in.buffer[in.end:])
	in.end += n
	in.err = err
	if n == 0 {
		return in.more()
	}
	return nil
}

// peek skips white space and returns the next byte without taking it.
func (in *input) peek() (byte, error) {
	for {
		in.start += rawjson.Space(in.buffer[in.start:in.end])
		if in.start < in.end {
			return in.buffer[in.start], nil
		}
		if err := in.more(); err != nil {
			return 0, err
		}
	}
}

// take returns what scan finds at the start. It is good until the next call.
func (in *input) take(scan func([]byte) (int, error)) ([]byte, error) {
	for {
		n, err := scan(in.buffer[in.start:in.end])
		if err == nil {
			v := in.buffer[in.start : in.start+n]
			in.start += n
			return v, nil
		}
		if err != rawjson.ErrShort {
			return nil, err
		}
		if err := in.more(); err != nil {
			return nil, err
		}
	}
}

// list takes an object or an array, from its bracket to the closing one, with element for each element.
func (in *input) list(closing byte, element func() error) error {
	in.start++
	if c, err := in.peek(); err != nil {
		return err
	} else if c == closing {
		in.start++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		c, err := in.peek()
		if err != nil {
			return err
		}
		switch c {
		case ',':
			in.start++
		case closing:
			in.start++
			return nil
		default:
			return in.syntax()
		}
	}
}
