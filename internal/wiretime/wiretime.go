// Package wiretime reads the timestamps that Ada sends.
package wiretime

import "time"

// Parse reads a timestamp with a zone or without one, which is then UTC, and with any fraction of a second. Ada sends
// both kinds, sometimes in one document. ok is false for anything else, and for "".
func Parse(s string) (t time.Time, ok bool) {
	// The one layout is what package time reads quickly.
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		if t, err = time.Parse(time.RFC3339, s+"Z"); err != nil {
			return time.Time{}, false
		}
	}
	return t.UTC(), true
}
