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
	var kept [][]byte
	changed := false
	n, err := Object(text, func(key, value []byte) error {
		field, known := fields[string(key)]
		if !known && fields[folded(string(key))] != nil {
			changed = true
			return nil
		}
		if known {
			inner := exact(value, field)
			changed = changed || len(inner) != len(value)
			value = inner
		}
		name, err := json.Marshal(string(key))
		kept = append(kept, append(append(name, ':'), value...))
		return err
	})
	if err != nil || !changed || n != len(text) {
		return b
	}
	return append(append([]byte{'{'}, bytes.Join(kept, []byte{','})...), '}')
}

// folded returns a key as encoding/json compares it.
func folded(key string) string { return strings.ToLower(strings.ToUpper(key)) }

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
