package braze

import (
	"bytes"
	"strings"
)

// member is a member of an object, with its name as it stands, quoted.
type member struct{ name, value []byte }

// members returns the members of an object in compact JSON, of which the SDK has made sure that it is one.
func members(object []byte) (all []member) {
	at := 1 // behind the brace
	for at < len(object) && object[at] == '"' {
		name := object[at : at+skip(object[at:])]
		at += len(name) + len(":")
		value := object[at : at+skip(object[at:])]
		at += len(value) + len(",")
		all = append(all, member{name, value})
	}
	return all
}

// skip returns the length of the value that b begins with.
func skip(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return i // the end of what the value is in
			}
		case ',':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(b)
}

// operation reports whether a member of an attributes object changes what is there.
func (m member) operation() bool {
	if !bytes.HasPrefix(m.value, []byte("{")) || attributeNames[strings.Trim(string(m.name), `"`)] {
		return false
	}
	for _, within := range members(m.value) {
		switch string(within.name) {
		case `"inc"`, `"add"`, `"remove"`, `"$add"`, `"$remove"`, `"$update"`:
			return true
		}
	}
	return false
}
