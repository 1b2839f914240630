// Package scalar checks single values before they are sent: those of metadata, and ids.
package scalar

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"unicode/utf8"
)

// Of returns v as what it is underneath, so that a type which marshals as something else, such as an ada.Secret, goes
// out as its value. Or it says what is wrong with v, and nothing of its value. Numbers are integers, and with floats
// any that are finite.
func Of(v any, floats bool) (plain any, reason string) {
	want := "integer"
	if floats {
		want = "number"
	}
	if n, ok := v.(json.Number); ok {
		return number(n, floats)
	}
	switch r := reflect.ValueOf(v); {
	case v == nil:
		return nil, "is nil, not a string, bool or " + want
	case r.Kind() == reflect.String:
		if !utf8.ValidString(r.String()) {
			return nil, "is not valid UTF-8"
		}
		return r.String(), ""
	case r.Kind() == reflect.Bool:
		return r.Bool(), ""
	case r.CanInt():
		return r.Int(), ""
	case r.CanUint():
		return r.Uint(), ""
	case r.CanFloat() && floats:
		f := r.Float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, "is not a finite number"
		}
		if r.Kind() == reflect.Float32 {
			return float32(f), "" // in as few digits as it needs
		}
		return f, ""
	}
	return nil, fmt.Sprintf("is a %T, not a string, bool or %s", v, want)
}

func number(n json.Number, floats bool) (plain any, reason string) {
	reason = "is a number but no integer"
	_, err := strconv.ParseInt(n.String(), 10, 64)
	if floats {
		reason = "is not a finite number"
		_, err = n.Float64()
	}
	if err != nil || !json.Valid([]byte(n)) { // strconv takes +1 and 0x1p4 too
		return nil, reason
	}
	return n, ""
}

var word = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Key shows the key of a value in an error, if it is a plain word; another key could be anything.
func Key(k string) string {
	if word.MatchString(k) {
		return strconv.Quote(k)
	}
	return "…"
}

// ID says what is wrong with an id that is to stand in a path.
func ID(id string) (reason string) {
	switch {
	case id == "":
		return "is empty"
	case id == "." || id == "..":
		return "is a dot segment"
	case !utf8.ValidString(id):
		return "is not valid UTF-8"
	}
	return ""
}
