package wiretime_test

import (
	"testing"
	"time"

	"github.com/adasdk/ada-go/internal/wiretime"
)

func TestParse(t *testing.T) {
	at := func(nanos int) time.Time { return time.Date(2023, 12, 8, 19, 6, 4, nanos, time.UTC) }
	good := map[string]time.Time{
		"2023-12-08T19:06:04+00:00":           at(0),
		"2023-12-08T19:06:04Z":                at(0),
		"2023-12-08T19:06:04":                 at(0),
		"2023-12-08T19:06:04.890000":          at(890_000_000),
		"2023-12-08T19:06:04.835":             at(835_000_000),
		"2023-12-08T19:06:04.123456789Z":      at(123_456_789),
		"2023-12-08T19:06:04.1+00:00":         at(100_000_000),
		"2023-12-08T14:06:04-05:00":           at(0),
		"2023-12-09T04:51:04.123456789+09:45": at(123_456_789),
	}
	for s, want := range good {
		got, ok := wiretime.Parse([]byte(s))
		if !ok || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: got %s, %t, want %s", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "null", "2023-12-08", "19:06:04", "2023-12-08 19:06:04", "1702062364", "2023-13-08T19:06:04", "2023-02-29T19:06:04Z", "2023-12-08T19:06:04Zx", " 2023-12-08T19:06:04"} {
		if got, ok := wiretime.Parse([]byte(s)); ok || !got.IsZero() {
			t.Errorf("%q: got %s, %t", s, got, ok)
		}
	}
}

// What is read is read again as the same time, is in UTC, and is what package time makes of it.
func FuzzTime(f *testing.F) {
	for _, s := range []string{
		"2023-12-08T19:06:04.890000", "2023-12-08T19:06:04+00:00", "2023-12-09T04:51:04.123456789+09:45", "", "null", "Z", "+00:00",
		"2024-02-29T23:59:59.999999", "2023-02-29T19:06:04Z", "0000-01-01T00:00:00", "9999-12-31T23:59:59-23:59", "2023-12-08T19:06:04,5Z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := wiretime.Parse([]byte(s))
		if !ok {
			if !got.IsZero() {
				t.Errorf("%q is refused, with %s", s, got)
			}
			return
		}
		want, err := time.Parse(time.RFC3339, s)
		if err != nil {
			want, err = time.Parse("2006-01-02T15:04:05", s)
		}
		if err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%q is %s, want %s (%v)", s, got, want, err)
		}
		if got.Year() < 0 || got.Year() > 9999 {
			return // a zone can lead beyond the years that can be written
		}
		again, ok := wiretime.Parse([]byte(got.Format(time.RFC3339Nano)))
		if !ok || !again.Equal(got) {
			t.Errorf("%q is %s, which is read as %s, %t", s, got, again, ok)
		}
	})
}
