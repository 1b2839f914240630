package rawjson

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// Unmarshal decodes b into the struct that v points to, as encoding/json does, but for one thing: keys are matched
// exactly. To encoding/json a key in another case is as good as the right one, and wins when it comes after it.
func Unmarshal(b []byte, v any) error {
	return json.Unmarshal(exact(b, reflect.TypeOf(v).Elem()), v)
}

// exact returns b without the fields, of objects that become structs, whose keys are right but for their case. What is
// no JSON, or not of the type, is returned as it is, for encoding/json to refuse.
func exact(b []byte, t reflect.Type) []byte {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(unmarshaler) {
		return b
	}
	fields := fieldsOf(t)
	text := bytes.TrimSpace(b)
	wrong := false // there is something to leave out
	n, err := Object(text, func(key, value []byte) error {
		if field, known := fields[string(key)]; known {
			wrong = wrong || len(exact(value, field)) != len(value)
		} else {
			wrong = wrong || fields[folded(key)] != nil
		}
		return nil
	})
	if err != nil || !wrong || n != len(text) {
		return b
	}
	kept := []byte{'{'}
	_, _ = Object(text, func(key, value []byte) error {
		field, known := fields[string(key)]
		switch {
		case known:
			value = exact(value, field)
		case fields[folded(key)] != nil:
			return nil
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		name, _ := json.Marshal(string(key)) // a string always can be
		kept = append(append(append(kept, name...), ':'), value...)
		return nil
	})
	return append(kept, '}')
}

// folded returns a key as encoding/json compares it.
func folded(key []byte) string { return strings.ToLower(strings.ToUpper(string(key))) }

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

var fieldsByType sync.Map

// fieldsOf returns the fields of a struct by their keys, which are all of small letters.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if known, ok := fieldsByType.Load(t); ok {
		return known.(map[string]reflect.Type)
	}
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = f.Type
		}
	}
	fieldsByType.Store(t, fields)
	return fields
}
