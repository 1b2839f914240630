package dataexport

import (
	"encoding/json"
	"errors"
	"hash/maphash"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/rawjson"
	"github.com/adasdk/ada-go/internal/wiretime"
)

// mismatch is a value that is not of the type that its field has. object says which field.
type mismatch string

func (m mismatch) Error() string { return string(m) }

func isNull(v []byte) bool { return rawjson.Null(v) }

// record decodes an object that is a record, with its id. Its error is an [ada.Fault] where v is JSON.
func record(in *recent, v []byte, id *string, field func(key, value []byte) error) error {
	if len(v) == 0 || v[0] != '{' {
		return ada.Fault{Field: "the record", Reason: "is no object"}
	}
	err := object(v, func(key, v []byte) error {
		if string(key) == "_id" {
			return text(in, id, v)
		}
		return field(key, v)
	})
	if err == nil && *id == "" {
		return ada.Fault{Field: "_id", Reason: "is missing"}
	}
	return err
}

// object calls field for each field of an object; of null for none. An error says where it is.
func object(v []byte, field func(key, value []byte) error) error {
	if isNull(v) {
		return nil
	}
	if v[0] != '{' {
		return mismatch("is no object")
	}
	_, err := rawjson.Object(v, func(key, v []byte) error {
		if err := field(key, v); err != nil {
			return within(string(key), err)
		}
		return nil
	})
	return err
}

// list decodes an array, each element by decode; null is an empty one.
func list[T any](in *recent, dst *[]T, v []byte, decode func(*recent, *T, []byte) error) error {
	*dst = nil
	if isNull(v) {
		return nil
	}
	if v[0] != '[' {
		return mismatch("is no list")
	}
	_, err := rawjson.Array(v, func(v []byte) error {
		last := len(*dst)
		*dst = append(*dst, *new(T))
		if err := decode(in, &(*dst)[last], v); err != nil {
			return within("["+strconv.Itoa(last)+"]", err)
		}
		return nil
	})
	return err
}

// within puts the place of a fault in front of it. Names of fields come here only when this package knows them.
func within(place string, err error) error {
	var wrong mismatch
	var fault ada.Fault
	switch {
	case errors.As(err, &wrong):
		return ada.Fault{Field: place, Reason: string(wrong)}
	case errors.As(err, &fault) && strings.HasPrefix(fault.Field, "["):
		return ada.Fault{Field: place + fault.Field, Reason: fault.Reason}
	case errors.As(err, &fault):
		return ada.Fault{Field: place + "." + fault.Field, Reason: fault.Reason}
	}
	return err
}

func text(in *recent, dst *string, v []byte) error {
	if *dst = ""; isNull(v) {
		return nil
	}
	s, ok := in.string(v)
	if !ok {
		return mismatch("is no string")
	}
	*dst = s
	return nil
}

// recent has strings of the last records. Much of an export repeats, such as languages, topics and the names of agents,
// and comes as the same string, so that the records in memory share it. nil is ready too, and has none.
type recent [512]string

// maxRecent is how long a string in recent can be, in bytes, so that it stays small.
const maxRecent = 128

var seed = maphash.MakeSeed()

// string decodes a string. ok is false for other values.
func (r *recent) string(v []byte) (s string, ok bool) {
	if r == nil || len(v) > maxRecent {
		return rawjson.String(v)
	}
	var decoded [maxRecent]byte
	b, ok := rawjson.AppendString(decoded[:0], v)
	place := &r[maphash.Bytes(seed, b)%uint64(len(r))]
	if *place != string(b) {
		*place = string(b)
	}
	return *place, ok
}

func flag(dst *bool, v []byte) error {
	switch string(v) {
	case "true":
		*dst = true
	case "false", "null":
		*dst = false
	default:
		return mismatch("is no boolean")
	}
	return nil
}

// answer decodes a boolean that can be missing.
func answer(dst **bool, v []byte) error {
	if *dst = nil; isNull(v) {
		return nil
	}
	*dst = new(bool)
	return flag(*dst, v)
}

// instant decodes a timestamp. One that cannot be read is zero, and still in the raw record.
func instant(dst *time.Time, v []byte) error {
	if *dst = (time.Time{}); isNull(v) {
		return nil
	}
	var decoded [64]byte
	s, ok := rawjson.AppendString(decoded[:0], v)
	if !ok {
		return mismatch("is no string")
	}
	*dst, _ = wiretime.Parse(s)
	return nil
}

// number appends the text of a number to dst. Ada sends it as such or as a string, which can be empty.
func number(dst, v []byte) (_ []byte, ok bool) {
	if s, ok := rawjson.AppendString(dst, v); ok {
		return s, true
	}
	return append(dst, v...), v[0] == '-' || v[0] >= '0' && v[0] <= '9'
}

func integer(dst *int, v []byte) error {
	if *dst = 0; isNull(v) {
		return nil
	}
	var short [32]byte
	s, ok := number(short[:0], v)
	if !ok {
		return mismatch("is no number")
	}
	if len(s) == 0 {
		return nil
	}
	n, err := strconv.Atoi(string(s))
	if err != nil {
		f, err := strconv.ParseFloat(string(s), 64)
		if n = int(f); err != nil || float64(n) != f || math.Abs(f) > 1<<53 {
			return mismatch("is no integer")
		}
	}
	*dst = n
	return nil
}

// seconds decodes a length of time.
func seconds(dst *time.Duration, v []byte) error {
	if *dst = 0; isNull(v) {
		return nil
	}
	var short [32]byte
	s, ok := number(short[:0], v)
	if !ok {
		return mismatch("is no number")
	}
	if len(s) == 0 {
		return nil
	}
	f, err := strconv.ParseFloat(string(s), 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > math.MaxInt64/float64(time.Second)/2 {
		return mismatch("is no length of time")
	}
	*dst = time.Duration(math.Round(f * float64(time.Second)))
	return nil
}

func variables(dst *Variables, v []byte) error {
	if *dst = nil; isNull(v) {
		return nil
	}
	if v[0] != '{' {
		return mismatch("is no object")
	}
	*dst = Variables(v)
	return nil
}

// value decodes a value of any type, so that nothing of it is lost.
func value(v []byte) any {
	switch v[0] {
	case 'n':
		return nil
	case 't', 'f':
		return v[0] == 't'
	case '"':
		s, _ := rawjson.String(v)
		return s
	case '{', '[':
		return json.RawMessage(v)
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return n
	}
	return json.Number(v)
}
