package transport

import (
	"math"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 9, 18, 12, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	const longest = time.Duration(math.MaxInt64)
	tests := []struct {
		name   string
		header http.Header
		status int
		want   time.Duration
	}{
		{"seconds", http.Header{"Retry-After": {"2"}}, 429, 2 * time.Second},
		{"spaces around", http.Header{"Retry-After": {" 7 "}}, 429, 7 * time.Second},
		{"on 503", http.Header{"Retry-After": {"2"}}, 503, 2 * time.Second},
		{"a day", http.Header{"Retry-After": {"86400"}}, 429, 24 * time.Hour},
		{"zero", http.Header{"Retry-After": {"0"}}, 429, 0},
		{"more than a duration holds", http.Header{"Retry-After": {"9223372037"}}, 429, longest},
		{"the largest int64", http.Header{"Retry-After": {"9223372036854775807"}}, 429, longest},
		{"more than an int64 holds", http.Header{"Retry-After": {"9223372036854775808"}}, 429, longest},
		{"twenty nines", http.Header{"Retry-After": {"99999999999999999999"}}, 429, longest},
		{"the overflow of go-retryablehttp", http.Header{"Retry-After": {"9300000000"}}, 429, longest},
		{"negative", http.Header{"Retry-After": {"-5"}}, 429, 0},
		{"with a plus", http.Header{"Retry-After": {"+5"}}, 429, 0},
		{"a fraction", http.Header{"Retry-After": {"1.5"}}, 429, 0},
		{"junk after digits", http.Header{"Retry-After": {"120junk"}}, 429, 0},
		{"underscores", http.Header{"Retry-After": {"1_000"}}, 429, 0},
		{"NaN", http.Header{"Retry-After": {"NaN"}}, 429, 0},
		{"other digits", http.Header{"Retry-After": {"٣"}}, 429, 0},
		{"junk", http.Header{"Retry-After": {"soon"}}, 429, 0},
		{"empty", http.Header{"Retry-After": {""}}, 429, 0},
		{"absent", http.Header{}, 429, 0},
		{"the first of two", http.Header{"Retry-After": {"2", "9"}}, 429, 2 * time.Second},
		{"a date", http.Header{"Retry-After": {date(10 * time.Second)}}, 429, 10 * time.Second},
		{"a past date", http.Header{"Retry-After": {date(-time.Hour)}}, 429, 0},
		{"an RFC 850 date", http.Header{"Retry-After": {now.Add(10 * time.Second).Format("Monday, 02-Jan-06 15:04:05 GMT")}}, 429, 10 * time.Second},
		{"an asctime date", http.Header{"Retry-After": {now.Add(10 * time.Second).Format(time.ANSIC)}}, 429, 10 * time.Second},
		{"a date by a clock that is an hour fast", http.Header{"Retry-After": {date(time.Hour + 10*time.Second)}, "Date": {date(time.Hour)}}, 429, 10 * time.Second},
		{"a date by a clock that is an hour slow", http.Header{"Retry-After": {date(-time.Hour + 10*time.Second)}, "Date": {date(-time.Hour)}}, 429, 10 * time.Second},
		{"a date beside a broken Date", http.Header{"Retry-After": {date(10 * time.Second)}, "Date": {"yesterday"}}, 429, 10 * time.Second},
		{"the reset in its place", http.Header{"X-Ratelimit-Reset": {"1789732812"}}, 429, 12 * time.Second},
		{"the reset of no rate limit", http.Header{"X-Ratelimit-Reset": {"1789732812"}}, 503, 0},
		{"junk beside a reset", http.Header{"Retry-After": {"soon"}, "X-Ratelimit-Reset": {"1789732812"}}, 429, 12 * time.Second},
		{"a reset in the past", http.Header{"X-Ratelimit-Reset": {"1789732799"}}, 429, 0},
		{"a reset in 2106", http.Header{"X-Ratelimit-Reset": {"4294967295"}}, 429, 0},
		{"a reset that is no number", http.Header{"X-Ratelimit-Reset": {"12s"}}, 429, 0},
		{"a reset in seconds that remain", http.Header{"X-Ratelimit-Reset": {"12"}}, 429, 12 * time.Second},
		{"the longest that remains", http.Header{"X-Ratelimit-Reset": {"86400"}}, 429, 24 * time.Hour},
		{"the earliest Unix time", http.Header{"X-Ratelimit-Reset": {"86401"}}, 429, 0},
		{"seconds that remain, by a clock that is an hour fast", http.Header{"X-Ratelimit-Reset": {"12"}, "Date": {date(time.Hour)}}, 429, 12 * time.Second},
		{"a reset of 0", http.Header{"X-Ratelimit-Reset": {"0"}}, 429, 0},
		{"Braze's seconds", http.Header{"X-Ratelimit-Retry-After": {"3"}}, 429, 3 * time.Second},
		{"Braze's seconds beside the usual ones", http.Header{"X-Ratelimit-Retry-After": {"3"}, "Retry-After": {"2"}}, 429, 2 * time.Second},
		{"Braze's seconds beside a reset", http.Header{"X-Ratelimit-Retry-After": {"3"}, "X-Ratelimit-Reset": {"1789732812"}}, 429, 3 * time.Second},
		{"Braze's seconds as junk", http.Header{"X-Ratelimit-Retry-After": {"-3"}, "X-Ratelimit-Reset": {"1789732812"}}, 429, 12 * time.Second},
		{"a reset by a clock that is an hour fast", http.Header{"X-Ratelimit-Reset": {"1789736412"}, "Date": {date(time.Hour)}}, 429, 12 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := retryAfter(tt.header, tt.status, now); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestBackoffCeilings(t *testing.T) {
	const lowest, highest = 500 * time.Millisecond, 30 * time.Second
	for attempts, ceiling := range map[int]time.Duration{
		1: 500 * time.Millisecond, 2: time.Second, 3: 2 * time.Second, 6: 16 * time.Second,
		7: highest, 8: highest, 1000: highest,
	} {
		var longest time.Duration
		for range 2000 {
			d := backoff(lowest, highest, attempts)
			if d <= 0 || d > ceiling {
				t.Fatalf("after %d attempts: %s is not above 0 and up to %s", attempts, d, ceiling)
			}
			longest = max(longest, d)
		}
		if longest < ceiling*9/10 {
			t.Errorf("after %d attempts: none of 2000 waits came near %s, the longest was %s", attempts, ceiling, longest)
		}
	}
}

func TestBackoffIsFullJitter(t *testing.T) {
	const draws, ceiling = 100_000, 30 * time.Second
	var sum time.Duration
	for range draws {
		sum += backoff(ceiling, ceiling, 1)
	}
	mean := sum / draws
	if off := (mean - ceiling/2).Abs(); off > ceiling/2/100 {
		t.Errorf("the mean of %d waits is %s, more than 1%% off %s", draws, mean, ceiling/2)
	}
}

// Whatever the headers say, a wait is not negative, and it is the plain number or the time until the date where there is
// one.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{
		"", "2", "0", "-5", "+5", "1.5", "1e100", "120junk", "NaN", "9223372036854775807", "9223372037", "1_000", "٣",
		"Fri, 18 Sep 2026 12:00:10 GMT", "Friday, 18-Sep-26 12:00:10 GMT", "Fri Sep 18 12:00:10 2026", "Fri, 18 Sep 1926 12:00:10 GMT",
	} {
		f.Add(s, "", "", 429)
		f.Add("", s, "1789732812", 429)
		f.Add(s, "Fri, 18 Sep 2026 11:00:00 GMT", s, 503)
	}
	now := time.Date(2026, 9, 18, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value, date, reset string, status int) {
		h := http.Header{"Retry-After": {value}, "Date": {date}, "X-Ratelimit-Reset": {reset}}
		got := retryAfter(h, status, now)
		if got < 0 {
			t.Fatalf("it asks for %s", got)
		}
		plain := strings.TrimSpace(value)
		n, isNumber := new(big.Int).SetString(plain, 10)
		isNumber = isNumber && !strings.ContainsAny(plain, "+-_")
		at, err := http.ParseTime(plain)
		var want time.Duration
		switch {
		case isNumber && !n.IsInt64(), isNumber && n.Int64() > int64(math.MaxInt64/time.Second):
			want = math.MaxInt64
		case isNumber:
			want = time.Duration(n.Int64()) * time.Second
		case err == nil:
			from := now
			if server, err := http.ParseTime(date); err == nil {
				from = server
			}
			want = max(at.Sub(from), 0)
		case status == http.StatusTooManyRequests && got <= maxAsked:
			want = got // of the reset
		}
		if got != want {
			t.Errorf("%q at %d asks for %s, want %s", value, status, got, want)
		}
		for attempts := range 10 {
			if wait := max(backoff(1, time.Minute, attempts), got); wait <= 0 {
				t.Errorf("it waits for %s", wait)
			}
		}
	})
}
