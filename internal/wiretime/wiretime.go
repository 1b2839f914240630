// Package wiretime reads the timestamps that Ada sends.
package wiretime

import "time"

// Parse reads a timestamp with a zone or without one, which is then UTC, and with any fraction of a second. Ada sends
// both kinds, sometimes in one document. ok is false for anything else, and for "".
func Parse(s string) (t time.Time, ok bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
