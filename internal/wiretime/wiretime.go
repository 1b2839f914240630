// Package wiretime reads the timestamps that Ada sends.
package wiretime

import "time"

// Parse reads a timestamp with a zone or without one, which is then UTC, and with any fraction of a second. Ada sends
// both kinds, sometimes in one document. ok is false for anything else, and for "".
func Parse(s []byte) (t time.Time, ok bool) {
	if n := len(s); n < 6 || s[n-1] != 'Z' && s[n-6] != '+' && s[n-6] != '-' {
		var zoned [40]byte
		s = append(append(zoned[:0], s...), 'Z')
	}
	if err := t.UnmarshalText(s); err != nil {
		return time.Time{}, false
	}
	return t.UTC(), true
}
