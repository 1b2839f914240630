package dataexport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
	fresh   int
	bad     func(*RecordError) error // nil: a record that cannot be decoded is the end
	wrap    func(error) error        // makes an Error
	closed  bool
}

// Len returns how many records the page has. Those that an earlier page had too do not count.
func (p *Page[T]) Len() int { return p.fresh }

// RawRecord is the JSON of one record, as Ada sent it, which is on one line unless Ada should put in line breaks. It is
// good until the loop that it came from goes on, as an sql.RawBytes is: what is to stay needs bytes.Clone. With fmt and
// log/slog it shows "[REDACTED]"; encoding/json writes the record itself, alone or within a larger value.
type RawRecord []byte

// Raw returns an iterator over the records as Ada sent them, without decoding or copying them.
func (p *Page[T]) Raw() iter.Seq2[RawRecord, error] {
	return func(yield func(RawRecord, error) bool) {
		p.each(func(_ int, raw []byte) bool { return yield(raw, nil) }, func(err error) { yield(nil, p.wrap(err)) })
	}
}

// Records returns an iterator over the records. A record that cannot be decoded ends it with an [*Error] that wraps a
// [*RecordError], unless [Query.OnBadRecord] takes it.
func (p *Page[T]) Records() iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		in := new(recent)
		fail := func(err error) { yield(nil, p.wrap(err)) }
		p.each(func(index int, raw []byte) bool {
			record := new(T)
			raw = bytes.Clone(raw)
			err := any(record).(decoder).decode(in, raw)
			if err == nil {
				return yield(record, nil)
			}
			bad := newRecordError(index, p.content.id(index), raw, err)
			if err = bad; p.bad != nil {
				err = p.bad(bad)
			}
			if err != nil {
				fail(err)
			}
			return err == nil
		}, fail)
	}
}

// decoder is a record that takes its JSON over.
type decoder interface {
	decode(in *recent, raw json.RawMessage) error
}

func (p *Page[T]) each(yield func(index int, raw []byte) bool, fail func(error)) {
	if p.closed {
		fail(errors.New("the page is used after the loop that it came from went on"))
		return
	}
	p.content.each(yield, fail)
}

// entry is what is known of a record of a page without decoding it.
type entry struct {
	at       int64 // its place in the export, in nanoseconds of Unix time; unplaced where it cannot be read
	offset   int64 // in the body
	size     int   // in bytes
	idEnd    int   // where its id ends in ids; it is empty where the record has none
	repeated bool  // an earlier page had it
}

const unplaced = -1 << 63

// content is what one answer holds.
type content struct {
	body    body
	entries []entry
	ids     []byte // all of them, one after the other
	bytes   int64  // of all records
	next    string // the link to the next page; empty: there is none
	found   bool   // there was an array of records
	fresh   int    // records that are not repeated
}

func (c *content) close() { c.body.close() }

// id returns the id of a record.
func (c *content) id(index int) string {
	begin := 0
	if index > 0 {
		begin = c.entries[index-1].idEnd
	}
	return string(c.ids[begin:c.entries[index].idEnd])
}

// each hands out the records that are not repeated.
func (c *content) each(yield func(index int, raw []byte) bool, fail func(error)) {
	r := c.body.reader()
	for i, e := range c.entries {
		if e.repeated {
			continue
		}
		raw, err := r.next(e.offset, e.size)
		if err != nil {
			fail(fmt.Errorf("the temporary file of a page cannot be read: %w", err))
			return
		}
		if !yield(i, raw) {
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
func (c *content) read(source io.Reader, date string) error {
	*c = content{body: c.body, entries: c.entries[:0], ids: c.ids[:0]}
	in := &c.body
	in.begin(source)
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
func (c *content) field(in *body, date string) error {
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
			return ada.Fault{Field: key, Reason: "is a second list of records"}
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
				return text(nil, &c.next, v)
			}
			return nil
		}))
	case "next_page_uri", "next_page_url":
		return within(key, text(nil, &c.next, v))
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
func (c *content) records(in *body, date string) error {
	var id, at []byte
	mark := func(key, v []byte) error {
		if string(key) == "_id" {
			id = v
		} else if string(key) == date {
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
		e := entry{at: unplaced, offset: in.offset() - int64(len(raw)), size: len(raw)}
		c.ids, _ = rawjson.AppendString(c.ids, id)
		e.idEnd = len(c.ids)
		var decoded [64]byte
		if s, ok := rawjson.AppendString(decoded[:0], at); ok {
			if t, ok := wiretime.Parse(s); ok {
				e.at = t.UnixNano()
			}
		}
		c.entries = append(c.entries, e)
		c.bytes += int64(len(raw))
		return nil
	})
}
