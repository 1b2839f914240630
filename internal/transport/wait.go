package transport

import (
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAsked is the longest wait that Ada documents for Retry-After. What lies beyond it in X-RateLimit-Reset is not
// a wait but noise.
const maxAsked = 24 * time.Hour

// backoff is exponential with full jitter: anywhere above 0 and up to the ceiling of the attempt that just failed.
func backoff(lowest, highest time.Duration, attempts int) time.Duration {
	return rand.N(max(ceiling(lowest, highest, attempts), 1)) + 1 // #nosec G404 -- spreads clients out, hides nothing
}

func ceiling(lowest, highest time.Duration, attempts int) time.Duration {
	c := lowest
	for range attempts - 1 {
		if c >= highest/2 {
			return highest
		}
		c *= 2
	}
	return min(c, highest)
}

// retryAfter is how long the answer asks to wait: Retry-After, or the X-RateLimit-Retry-After in seconds that Braze has
// in its place, else, when the rate limit is what refused, X-RateLimit-Reset. Anything unreadable or past is 0.
func retryAfter(h http.Header, status int, now time.Time) time.Duration {
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if d, ok := seconds(v); ok {
			return d
		}
		if t, err := http.ParseTime(v); err == nil {
			return max(t.Sub(serverTime(h, now)), 0)
		}
	}
	if d, ok := seconds(strings.TrimSpace(h.Get("X-RateLimit-Retry-After"))); ok {
		return d
	}
	if status == http.StatusTooManyRequests {
		_, d := reset(h, now)
		return d
	}
	return 0
}

// seconds reads delta-seconds; a number too large for a duration is the largest one.
func seconds(v string) (time.Duration, bool) {
	if v == "" || strings.Trim(v, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n > int64(math.MaxInt64/time.Second) {
		return math.MaxInt64, true
	}
	return time.Duration(n) * time.Second, true
}

// ResetTime is the time of the answer's X-RateLimit-Reset, by the server's clock; zero when it has none. Ada sends a Unix
// time; Braze documents that and, elsewhere, the seconds that remain, which are never more than a wait can be.
func ResetTime(h http.Header, now time.Time) time.Time {
	n, ok := Number(h, "X-Ratelimit-Reset")
	switch {
	case !ok || n <= 0:
		return time.Time{}
	case remains(h):
		return serverTime(h, now).Add(time.Duration(n) * time.Second)
	}
	return time.Unix(n, 0)
}

// Number returns the number in a header, whose name is in the form that net/http has. ok is false where there is none.
func Number(h http.Header, name string) (n int64, ok bool) {
	v := h.Get(name)
	if v == "" {
		return 0, false
	}
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil
}

// remains reports whether X-RateLimit-Reset is in seconds that remain. Of one window that reading moves by a second from
// answer to answer.
func remains(h http.Header) bool {
	n, ok := Number(h, "X-Ratelimit-Reset")
	return ok && n <= int64(maxAsked/time.Second)
}

// reset is the second at which the window of the answer ends, and the time until then; 0 when that is missing, past or
// absurd.
func reset(h http.Header, now time.Time) (second int64, wait time.Duration) {
	at := ResetTime(h, now)
	if at.IsZero() {
		return 0, 0
	}
	d := at.Sub(serverTime(h, now))
	if d < 0 || d > maxAsked {
		return 0, 0
	}
	return at.Unix(), d
}

// serverTime is the time by the server's clock, on which its dates are to be read.
func serverTime(h http.Header, now time.Time) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return now
}
