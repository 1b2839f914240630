package braze

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/adasdk/ada-go/internal/scalar"
)

// custom writes the custom attributes.
func (e *encoder) custom(m Custom) {
	if len(m) == 0 {
		return
	}
	e.enter("Custom")
	e.members(m, func(k string, v any) {
		e.checkName(k)
		switch {
		case attributeNames[k]:
			e.fault("is a name of Braze's own")
		case strings.TrimSpace(k) != k:
			e.faultOfName("has spaces around it")
		}
		e.name(k)
		before := len(e.out)
		e.attribute(v)
		if n := len(e.out) - before; n > maxAttribute {
			e.fault("has %d bytes, at most %d", n, maxAttribute)
		}
	})
	e.leave()
}

// checkName checks a name that Braze shows in its dashboard.
func (e *encoder) checkName(s string) {
	if len(s) > maxName { // or else it has not too many characters either
		if n := utf8.RuneCountInString(s); n > maxName {
			e.faultOfName("has %d characters, at most %d", n, maxName)
		}
	}
	switch {
	case strings.TrimSpace(s) == "":
		e.faultOfName("is empty")
	case s[0] == '$':
		e.faultOfName("begins with a $")
	}
	if !utf8.ValidString(s) {
		e.faultOfName("is not valid UTF-8")
	}
}

// faultOfName says what is wrong with a name, which is the field at hand, or the key of the value at hand.
func (e *encoder) faultOfName(format string, args ...any) {
	if e.path[len(e.path)-1].field == "" {
		format = "has a name that " + format
	}
	e.fault(format, args...)
}

// attribute writes the value of a custom attribute.
func (e *encoder) attribute(v any) {
	switch v := v.(type) {
	case nil:
		e.fault("is nil: Unset removes an attribute")
		e.null()
	case Unset:
		e.null()
	case Inc:
		e.once = true
		e.out = append(e.out, `{"inc":`...)
		e.out = strconv.AppendInt(e.out, int64(v), 10)
		e.out = append(e.out, '}')
	case ArrayChange:
		e.arrayChange(v)
	case ObjectsChange:
		e.objectsChange(v)
	default:
		e.value(v, attributeTop, 0)
	}
}

func (e *encoder) arrayChange(c ArrayChange) {
	e.once = true
	if len(c.Add)+len(c.Remove) == 0 {
		e.fault("is an ArrayChange that changes nothing")
	}
	e.out = append(e.out, '{')
	e.scalars("Add", "add", c.Add)
	e.scalars("Remove", "remove", c.Remove)
	e.out = append(e.out, '}')
}

func (e *encoder) scalars(field, name string, values []any) {
	if len(values) > maxArray {
		e.faultOf(field, "has %d values, at most %d", len(values), maxArray)
	}
	e.list(field, name, len(values), func(i int) { e.scalar(values[i]) })
}

func (e *encoder) objectsChange(c ObjectsChange) {
	e.once = true
	if len(c.Add)+len(c.Remove)+len(c.Update) == 0 {
		e.fault("is an ObjectsChange that changes nothing")
	}
	if len(c.Update) > 0 && !e.merge {
		e.fault("is an ObjectsChange with Update, which needs MergeObjects or would replace the objects")
	}
	e.out = append(e.out, '{')
	e.list("Add", "$add", len(c.Add), func(i int) { e.object(c.Add[i], attributeInside, 1) })
	e.list("Remove", "$remove", len(c.Remove), func(i int) {
		e.out = append(e.out, '{')
		e.objectKey(c.Remove[i])
		e.out = append(e.out, '}')
	})
	e.list("Update", "$update", len(c.Update), func(i int) {
		u := c.Update[i]
		e.out = append(e.out, '{')
		e.enter("Key")
		e.objectKey(u.Key)
		e.leave()
		e.plainName("$new_object")
		e.enter("Object")
		e.object(u.Object, attributeInside, 1)
		e.leave()
		e.out = append(e.out, '}')
	})
	e.out = append(e.out, '}')
}

func (e *encoder) objectKey(k ObjectKey) {
	e.plainName("$identifier_key")
	e.string(k.Name)
	e.enter("Name")
	e.checkKey(k.Name)
	e.leave()
	e.plainName("$identifier_value")
	e.enter("Value")
	e.scalar(k.Value)
	e.leave()
}

// scalar writes a string, a bool or a number.
func (e *encoder) scalar(v any) {
	plain, reason := scalar.Of(v, true)
	if reason != "" {
		e.fault("%s", reason)
		e.null()
		return
	}
	e.value(plain, attributeInArray, 1)
}

// place is where a value stands, which decides what it can be.
type place uint8

const (
	attributeTop     place = iota // the value of a custom attribute
	attributeInArray              // in a slice of that
	attributeInside               // in an object of an attribute, at any depth
	propertyTop                   // the value of a property, or in an object there
	propertyInArray               // in a slice there
)

// value writes a value that is no operation.
func (e *encoder) value(v any, at place, depth int) {
	if depth > maxDepth {
		e.fault("is nested deeper than %d", maxDepth)
		e.null()
		return
	}
	switch v := v.(type) {
	case string:
		e.text(v)
	case bool:
		e.bool(v)
	case int:
		e.out = strconv.AppendInt(e.out, int64(v), 10)
	case int64:
		e.out = strconv.AppendInt(e.out, v, 10)
	case float64:
		e.float(v, 64)
	case map[string]any:
		e.object(v, at, depth)
	case []any:
		e.array(len(v), func(i int) any { return v[i] }, at, depth)
	case []string:
		e.array(len(v), func(i int) any { return v[i] }, at, depth)
	case []map[string]any:
		e.array(len(v), func(i int) any { return v[i] }, at, depth)
	case time.Time:
		e.timeValue(v, at)
	case json.Number:
		plain, reason := scalar.Of(v, true)
		if reason != "" {
			e.fault("%s", reason)
			plain = json.Number("0")
		}
		e.out = fmt.Append(e.out, plain)
	case Unset, Inc, ArrayChange, ObjectsChange:
		e.fault("is a %T, which only a custom attribute can be, and no part of it", v)
		e.null()
	default:
		e.reflected(v, at, depth)
	}
}

// reflected writes values of the types that are left.
func (e *encoder) reflected(v any, at place, depth int) {
	switch r := reflect.ValueOf(v); {
	case v == nil:
		e.fault("is nil, which Braze does not take there")
		e.null()
	case r.Kind() == reflect.String:
		e.text(r.String())
	case r.Kind() == reflect.Bool:
		e.bool(r.Bool())
	case r.CanInt():
		e.out = strconv.AppendInt(e.out, r.Int(), 10)
	case r.CanUint():
		e.out = strconv.AppendUint(e.out, r.Uint(), 10)
	case r.CanFloat():
		e.float(r.Float(), r.Type().Bits())
	case (r.Kind() == reflect.Slice || r.Kind() == reflect.Array) && r.Type().Elem().Kind() != reflect.Uint8:
		e.array(r.Len(), func(i int) any { return r.Index(i).Interface() }, at, depth)
	case r.Kind() == reflect.Map && r.Type().Key().Kind() == reflect.String:
		m := make(map[string]any, r.Len())
		for _, k := range r.MapKeys() {
			m[k.String()] = r.MapIndex(k).Interface()
		}
		e.object(m, at, depth)
	default:
		e.fault("is a %T, which Braze has no form for", v)
		e.null()
	}
}

func (e *encoder) text(s string) {
	if len(s) > maxString { // or else it has not too many characters either
		if n := utf8.RuneCountInString(s); n > maxString {
			e.fault("has %d characters, at most %d", n, maxString)
		}
	}
	if !utf8.ValidString(s) {
		e.fault("is not valid UTF-8")
	}
	e.string(s)
}

func (e *encoder) float(f float64, bits int) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		e.fault("is not a finite number")
		f = 0
	}
	e.out = appendFloat(e.out, f, bits)
}

func (e *encoder) timeValue(t time.Time, at place) {
	switch at {
	case attributeInArray, propertyInArray:
		e.fault("is a time in a slice, where Braze keeps none")
	case attributeInside:
		e.out = append(e.out, `{"$time":`...)
		e.when(t)
		e.out = append(e.out, '}')
		return
	}
	e.when(t)
}

func (e *encoder) array(n int, item func(int) any, at place, depth int) {
	within := attributeInArray
	switch at {
	case attributeInArray:
		e.fault("is a slice in a slice")
	case propertyTop, propertyInArray:
		within = propertyInArray
	}
	e.out = append(e.out, '[')
	scalars := 0
	for i := range n {
		e.enterIndex(i)
		e.comma()
		v := item(i)
		if reflect.ValueOf(v).Kind() != reflect.Map {
			scalars++
		}
		e.value(v, within, depth+1)
		e.leave()
	}
	if within == attributeInArray && scalars > maxArray {
		e.fault("has %d values, at most %d", scalars, maxArray)
	}
	e.out = append(e.out, ']')
}

// operators are the keys that make Braze take an object for an operation.
var operators = names("inc", "add", "remove")

func (e *encoder) object(m map[string]any, at place, depth int) {
	within := attributeInside
	if at == propertyTop || at == propertyInArray {
		within = propertyTop
	}
	e.out = append(e.out, '{')
	e.members(m, func(k string, v any) {
		if within == attributeInside {
			e.checkKey(k)
		} else {
			e.checkName(k)
		}
		if at == attributeTop && operators[k] {
			e.fault("is a key that Braze takes for an operation: there are Inc and ArrayChange")
		}
		e.name(k)
		e.value(v, within, depth+1)
	})
	e.out = append(e.out, '}')
}

// checkKey checks a key within an attribute.
func (e *encoder) checkKey(k string) {
	e.checkName(k)
	if strings.ContainsAny(k, " .") || strings.Contains(strings.TrimPrefix(k, "$"), "$") {
		e.faultOfName("has a space, a dot or a $ in it")
	}
}

const hexDigits = "0123456789abcdef"

// appendString appends s as JSON.
func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\r':
			out = append(out, '\\', 'r')
		case '\t':
			out = append(out, '\\', 't')
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	out = append(out, s[start:]...)
	return append(out, '"')
}

// appendFloat appends a finite number in the form that ECMAScript gives it, as encoding/json does.
func appendFloat(out []byte, f float64, bits int) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	start := len(out)
	out = strconv.AppendFloat(out, f, format, -1, bits)
	if format == 'e' {
		return append(out[:start], bytes.Replace(out[start:], []byte("e-0"), []byte("e-"), 1)...)
	}
	return out
}
