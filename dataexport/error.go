package dataexport

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada"
)

// ErrStuck says that more records have one timestamp than a page can hold, which is 10,000: Ada's way of paging has no
// next page for them. The checkpoint of the [Error] is in front of them, and its Since is their time. To leave them out,
// begin another export a microsecond after it.
var ErrStuck = errors.New("more records have one timestamp than a page can hold")

// Error is how an export ends that has begun and did not come to its end. Its text names the part of the export in which
// it ended. It wraps an [*ada.Error], a [*RecordError], [ErrStuck], the context's error, or that of [Query.OnBadRecord].
type Error struct {
	Since, Until time.Time  // the part of the export that failed
	Checkpoint   Checkpoint // where the export goes on: after the last page that was handed out whole
	Err          error
}

// Error describes the failure in one line.
func (e *Error) Error() string {
	return fmt.Sprintf("%v: from %s until %s", e.Err, stamp(e.Since), stamp(e.Until))
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// RecordError is a record that cannot be decoded: it is no object, has no id, or has a field of another type. It matches
// [ada.ErrAnswer]. It prints without the record.
type RecordError struct {
	Index int             // in its page, from 0
	ID    string          // its _id, empty where it has none
	Fault ada.Fault       // what is wrong with it
	Raw   json.RawMessage // the record as Ada sent it
}

func newRecordError(index int, id string, raw []byte, err error) *RecordError {
	e := &RecordError{Index: index, ID: id, Raw: raw}
	errors.As(err, &e.Fault) // a record that is valid JSON fails with nothing else
	return e
}

// Error describes the fault in one line.
func (e *RecordError) Error() string {
	id := ""
	if e.ID != "" && len(e.ID) <= 64 && strings.Trim(e.ID, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == "" {
		id = ", _id " + e.ID
	}
	return fmt.Sprintf("record %d of the page%s: %v", e.Index, id, e.Fault)
}

// Unwrap returns Fault.
func (e *RecordError) Unwrap() error { return e.Fault }

// Is reports whether target is [ada.ErrAnswer].
func (e *RecordError) Is(target error) bool { return target == ada.ErrAnswer }

// Format writes the same as Error for every verb.
func (e RecordError) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.Error()) }

// MarshalText returns the same as Error.
func (e RecordError) MarshalText() ([]byte, error) { return []byte(e.Error()), nil }
