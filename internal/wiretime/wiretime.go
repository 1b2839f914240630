// Package wiretime reads the timestamps that Ada sends.
package wiretime

import "time"

// Parse reads a timestamp with a zone or without one, which is then UTC, and with any fraction of a second. Ada sends
// both kinds, sometimes in one document. ok is false for anything else, and for "".
func Parse(s string) (t time.Time, ok bool) {
	if n := len(s); n < 6 || s[n-1] != 'Z' && s[n-6] != '+' && s[n-6] != '-' {
		s += "Z" // package time reads this one layout quickly
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, false
	}
	return t.UTC(), true
}
