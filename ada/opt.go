package ada

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"reflect"
)

// Opt is a field of a request that can be left alone, set to null, or set to a value. Its zero value leaves the field
// alone: the field is then not in the JSON at all.
//
//	endusers.Update{
//		Email:      ada.Set("ada@example.com"), // becomes this
//		ExternalID: ada.Null[string](),         // is removed
//		                                        // all others stay as they are
//	}
//
// An Opt prints its state and never its value. In JSON it needs the omitzero option to be absent.
type Opt[T any] struct {
	value *T // behind a pointer, which fmt does not follow where it cannot call Format
	null  bool
}

// Set returns an Opt that sets the field to v.
func Set[T any](v T) Opt[T] { return Opt[T]{value: &v} }

// Null returns an Opt that sets the field to null.
func Null[T any]() Opt[T] { return Opt[T]{null: true} }

// IsZero reports whether o leaves the field alone. It is what the omitzero option of encoding/json asks.
func (o Opt[T]) IsZero() bool { return o.value == nil && !o.null }

// IsNull reports whether o sets the field to null.
func (o Opt[T]) IsNull() bool { return o.null }

// Get returns the value, and whether o sets one.
func (o Opt[T]) Get() (value T, ok bool) {
	if o.value == nil {
		return value, false
	}
	return *o.value, true
}

// Equal reports whether o and p do the same. Values are compared with reflect.DeepEqual. It lets go-cmp compare
// structs that hold an Opt.
func (o Opt[T]) Equal(p Opt[T]) bool { return reflect.DeepEqual(o, p) }

// String returns "absent", "null" or "set".
func (o Opt[T]) String() string {
	switch {
	case o.null:
		return "null"
	case o.value != nil:
		return "set"
	default:
		return "absent"
	}
}

// Format writes the same as String for every verb.
func (o Opt[T]) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// LogValue returns the same as String.
func (o Opt[T]) LogValue() slog.Value { return slog.StringValue(o.String()) }

// MarshalJSON encodes the value, or null when there is none.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	return json.Marshal(o.value) // of nil it is null
}

// UnmarshalJSON decodes null and values. A field that is absent from the JSON keeps its Opt absent.
func (o *Opt[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*o = Null[T]()
		return nil
	}
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*o = Set(v)
	return nil
}
