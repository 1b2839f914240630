package braze

import (
	"bytes"
	"strings"

	"github.com/adasdk/ada-go/internal/rawjson"
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
	n, _ := rawjson.Value(b)
	return n
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
