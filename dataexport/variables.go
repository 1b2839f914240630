package dataexport

import (
	"encoding/json"
	"iter"

	"github.com/adasdk/ada-go/internal/rawjson"
)

// Variables are named values of any type, as the JSON object that Ada sent: json.RawMessage(v) is it. It is empty where
// Ada sent none. Many values are strings, flags too: "1", "False". It prints, logs and marshals as "[REDACTED]".
//
// A value is decoded to nil, a bool, a string or an int64, and so that nothing of it is lost otherwise: to a json.Number
// for every other number, and to a json.RawMessage for a list or an object.
type Variables json.RawMessage

// Get returns a value, and whether there is one of that name.
func (v Variables) Get(name string) (value any, ok bool) {
	for n, candidate := range v.All() {
		if n == name {
			value, ok = candidate, true // the last one counts
		}
	}
	return value, ok
}

// All returns an iterator over names and values, in Ada's order. It ends where v is no JSON.
func (v Variables) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if len(v) == 0 {
			return
		}
		_, _ = rawjson.Object(v, func(key, raw []byte) error {
			name, _ := rawjson.String(append(append([]byte{'"'}, key...), '"'))
			if !yield(name, value(raw)) {
				return errEnd
			}
			return nil
		})
	}
}
