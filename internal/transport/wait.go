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

// retryAfter is how long the answer asks to wait: Retry-After, else, when the rate limit is what refused,
// X-RateLimit-Reset. Anything unreadable or past is 0.
func retryAfter(h http.Header, status int, now time.Time) time.Duration {
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if d, ok := seconds(v); ok {
			return d
		}
		if t, err := http.ParseTime(v); err == nil {
			return max(t.Sub(serverTime(h, now)), 0)
		}
	}
	if status == http.StatusTooManyRequests {
		return untilReset(h, now)
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

// untilReset is the time from the answer to its X-RateLimit-Reset; 0 when that is missing, past or absurd.
func untilReset(h http.Header, now time.Time) time.Duration {
	n, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || n <= 0 {
		return 0
	}
	d := time.Unix(n, 0).Sub(serverTime(h, now))
	if d < 0 || d > maxAsked {
		return 0
	}
	return d
}

// serverTime is the time by the server's clock, on which its dates are to be read.
func serverTime(h http.Header, now time.Time) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return now
}
