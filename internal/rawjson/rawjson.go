// Package rawjson finds its way in JSON text without decoding it. encoding/json reads a record of Data Export several
// times over; here it is read once, at a gigabyte a second, and refused for all that JSON forbids.
//
// Keys are matched exactly, and of keys that come twice the caller sees both, in their order.
package rawjson

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrShort says that the text ends before the value does.
var ErrShort = errors.New("rawjson: the text ends too early")

// maxDepth is how deep values can be nested, as in encoding/json.
const maxDepth = 10_000

// Value returns the length of the one value that b begins with. A number has to be followed by something, or it could
// go on. The error is ErrShort, or a *json.SyntaxError.
func Value(b []byte) (n int, err error) { return value(b, 0, 0) }

// Object calls field for each field of the object that b begins with, and returns the length of the object. The key is
// decoded, but what is no UTF-8 in it stays. An error of field ends it.
func Object(b []byte, field func(key, value []byte) error) (n int, err error) {
	return object(b, 0, 1, field)
}

// Array calls element for each element of the array that b begins with, and returns the length of the array. An error
// of element ends it.
func Array(b []byte, element func(value []byte) error) (n int, err error) {
	return array(b, 0, 1, element)
}

// Space returns how many white space characters b begins with.
func Space(b []byte) int { return space(b, 0) }

// String decodes a string with its quotes. What is no UTF-8 in it becomes U+FFFD. ok is false for other values.
func String(b []byte) (s string, ok bool) {
	if inner, ok := plain(b); ok {
		return string(inner), true
	}
	var short [128]byte
	decoded, ok := AppendString(short[:0], b)
	return string(decoded), ok
}

// AppendString appends to dst what String returns.
func AppendString(dst, b []byte) (_ []byte, ok bool) {
	if len(b) < 2 || b[0] != '"' {
		return dst, false
	}
	for b = b[1 : len(b)-1]; len(b) > 0; {
		n := bytes.IndexByte(b, '\\')
		if n < 0 {
			n = len(b)
		}
		if utf8.Valid(b[:n]) {
			dst = append(dst, b[:n]...)
		} else {
			dst = append(dst, string([]rune(string(b[:n])))...)
		}
		if b = b[n:]; len(b) > 0 {
			var r rune
			r, n = escape(b)
			dst, b = utf8.AppendRune(dst, r), b[n:]
		}
	}
	return dst, true
}

// escape decodes the escape that b begins with, or two when they are one character. n is how long it is.
func escape(b []byte) (r rune, n int) {
	switch b[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r = hex(b)
		if utf16.IsSurrogate(r) && len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
			if pair := utf16.DecodeRune(r, hex(b[6:])); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return r, 6 // half a pair is no character, and is written as U+FFFD
	}
	return rune(b[1]), 2
}

// hex returns the number in \uXXXX.
func hex(b []byte) (r rune) {
	for _, c := range b[2:6] {
		if c = c | 0x20; c >= 'a' {
			c -= 'a' - 10 - '0'
		}
		r = r<<4 | rune(c-'0')
	}
	return r
}

// plain returns the inside of a string that stands for itself.
func plain(b []byte) (inner []byte, ok bool) {
	if len(b) < 2 || b[0] != '"' {
		return nil, false
	}
	inner = b[1 : len(b)-1]
	return inner, bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner)
}

// Null reports whether b is null.
func Null(b []byte) bool { return len(b) == 4 && b[0] == 'n' }

func syntax(at int) error { return &json.SyntaxError{Offset: int64(at)} }

func space(b []byte, i int) int {
	if i < len(b) && b[i] > ' ' { // as in most of what machines write
		return i
	}
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// value returns where the value ends that begins at i.
func value(b []byte, i, depth int) (int, error) {
	if i >= len(b) {
		return 0, ErrShort
	}
	switch b[i] {
	case '"':
		end, _, err := text(b, i+1)
		return end, err
	case '{':
		return object(b, i, depth+1, nil)
	case '[':
		return array(b, i, depth+1, nil)
	case 't':
		return word(b, i, "true")
	case 'f':
		return word(b, i, "false")
	case 'n':
		return word(b, i, "null")
	default:
		return number(b, i)
	}
}

func object(b []byte, i, depth int, field func(key, value []byte) error) (int, error) {
	if i >= len(b) {
		return 0, ErrShort
	}
	if b[i] != '{' || depth > maxDepth {
		return 0, syntax(i)
	}
	if i = space(b, i+1); i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	for {
		if i >= len(b) {
			return 0, ErrShort
		}
		if b[i] != '"' {
			return 0, syntax(i)
		}
		key := i
		end, escaped, err := text(b, i+1)
		if err != nil {
			return 0, err
		}
		if i = space(b, end); i >= len(b) {
			return 0, ErrShort
		}
		if b[i] != ':' {
			return 0, syntax(i)
		}
		i = space(b, i+1)
		from := i
		if i, err = value(b, i, depth); err != nil {
			return 0, err
		}
		if field != nil {
			name := b[key+1 : end-1]
			if escaped {
				s, _ := String(b[key:end])
				name = []byte(s)
			}
			if err := field(name, b[from:i:i]); err != nil {
				return 0, err
			}
		}
		if i = space(b, i); i >= len(b) {
			return 0, ErrShort
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case '}':
			return i + 1, nil
		default:
			return 0, syntax(i)
		}
	}
}

func array(b []byte, i, depth int, element func(value []byte) error) (int, error) {
	if i >= len(b) {
		return 0, ErrShort
	}
	if b[i] != '[' || depth > maxDepth {
		return 0, syntax(i)
	}
	if i = space(b, i+1); i < len(b) && b[i] == ']' {
		return i + 1, nil
	}
	for {
		end, err := value(b, i, depth)
		if err != nil {
			return 0, err
		}
		if element != nil {
			if err := element(b[i:end:end]); err != nil {
				return 0, err
			}
		}
		if i = space(b, end); i >= len(b) {
			return 0, ErrShort
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case ']':
			return i + 1, nil
		default:
			return 0, syntax(i)
		}
	}
}

func word(b []byte, i int, w string) (int, error) {
	rest := b[i:]
	if len(rest) >= len(w) {
		if string(rest[:len(w)]) == w {
			return i + len(w), nil
		}
		return 0, syntax(i)
	}
	if string(rest) == w[:len(rest)] {
		return 0, ErrShort
	}
	return 0, syntax(i)
}

// number reads -? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?
func number(b []byte, i int) (int, error) {
	digits := func() bool {
		start := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > start
	}
	refused := func() (int, error) {
		if i >= len(b) {
			return 0, ErrShort
		}
		return 0, syntax(i)
	}
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return refused()
	}
	if i < len(b) && b[i] == '.' {
		if i++; !digits() {
			return refused()
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return refused()
		}
	}
	if i >= len(b) {
		return 0, ErrShort
	}
	return i, nil
}

const (
	ones      = 0x0101010101010101
	high      = 0x80 * ones
	backslash = '\\' * ones
)

// special marks the bytes of x that are a quote, a backslash or a control character, with their highest bit. The lowest
// mark is always right; those above it can be false. Quotes and control characters, and no others, are below 0x21 once
// their bit of value 2 is flipped.
func special(x uint64) uint64 {
	return ((x ^ 2*ones - 0x21*ones) | (x ^ backslash - ones)) &^ x & high
}

// text returns where the string ends whose first character is at i, and whether it has escapes. It looks at eight bytes
// at a time.
func text(b []byte, i int) (end int, escaped bool, err error) {
	for {
		for i+16 <= len(b) {
			w := b[i : i+16]
			first, second := special(binary.LittleEndian.Uint64(w)), special(binary.LittleEndian.Uint64(w[8:]))
			if first|second == 0 {
				i += 16
				continue
			}
			j := i
			if first == 0 {
				first = second
				j = i + 8
			}
			i = j + bits.TrailingZeros64(first)/8
			if b[i] == '"' {
				return i + 1, escaped, nil
			}
			break
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
			i++
		}
		if i >= len(b) {
			return 0, false, ErrShort
		}
		switch b[i] {
		case '"':
			return i + 1, escaped, nil
		case '\\':
			escaped = true
			if i+1 >= len(b) {
				return 0, false, ErrShort
			}
			switch b[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				i += 2
				for range 4 {
					if i >= len(b) {
						return 0, false, ErrShort
					}
					if c := b[i] | 0x20; (b[i] < '0' || b[i] > '9') && (c < 'a' || c > 'f') {
						return 0, false, syntax(i)
					}
					i++
				}
			default:
				return 0, false, syntax(i + 1)
			}
		default:
			return 0, false, syntax(i)
		}
	}
}
