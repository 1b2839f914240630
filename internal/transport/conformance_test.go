package transport

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// What other SDKs test of their retries, and what this one makes of it. Each row has the source, its expectation, and,
// where ours is another, the reason.

// The vectors that the AWS SDKs have in common for their retry mode of 2026, at the scale of this SDK: a first backoff
// of 500 ms for their 50 ms, one repetition of a budget of 100 for their 14 tokens of 500. Vectors 11 to 15 are about
// long polling, which Ada does not have.
//
// What differs in all of them: waits are drawn below the ceiling, where theirs is the ceiling itself once jitter is
// taken out; three attempts are theirs, set here; what a call took comes back as a whole when it succeeds, where they
// give back the price of the last repetition; and with it comes a tenth, where their clean first try gives back 1 of 14.
func TestAWSVectors(t *testing.T) {
	type step struct {
		status     int
		retryAfter string
		again      bool
		most       time.Duration // the ceiling of the wait, or the wait itself if it was asked for
		left       int           // of the budget, in tenths
	}
	const ms = time.Millisecond
	tests := []struct {
		number   int
		attempts int
		first    time.Duration // 0: 500 ms
		highest  time.Duration // 0: 20 s
		budget   int           // tenths
		calls    [][]step
		differs  string
	}{
		{number: 1, attempts: 3, budget: 1000, calls: [][]step{{
			{500, "", true, 500 * ms, 990}, {500, "", true, 1000 * ms, 980}, {200, "", false, 0, 1000},
		}}},
		{number: 2, attempts: 3, budget: 1000, calls: [][]step{{
			{502, "", true, 500 * ms, 990}, {502, "", true, 1000 * ms, 980}, {502, "", false, 0, 980},
		}}},
		{number: 3, attempts: 3, budget: 10, calls: [][]step{{
			{500, "", true, 500 * ms, 0}, {500, "", false, 0, 0},
		}}},
		{number: 4, attempts: 3, budget: 0, calls: [][]step{{{500, "", false, 0, 0}}}},
		{number: 5, attempts: 5, budget: 1000, calls: [][]step{{
			{500, "", true, 500 * ms, 990}, {500, "", true, 1000 * ms, 980}, {500, "", true, 2000 * ms, 970}, {500, "", true, 4000 * ms, 960}, {500, "", false, 0, 960},
		}}},
		{number: 6, attempts: 5, highest: 2000 * ms, budget: 1000, calls: [][]step{{
			{500, "", true, 500 * ms, 990}, {500, "", true, 1000 * ms, 980}, {500, "", true, 2000 * ms, 970}, {500, "", true, 2000 * ms, 960}, {500, "", false, 0, 960},
		}}},
		{number: 7, attempts: 5, budget: 14, calls: [][]step{{
			{500, "", true, 500 * ms, 4}, {502, "", false, 0, 4},
		}}},
		{
			number: 8, attempts: 5, budget: 21, differs: "both repetitions come back, not the last alone",
			calls: [][]step{
				{{500, "", true, 500 * ms, 11}, {502, "", true, 1000 * ms, 1}, {200, "", false, 0, 22}},
				{{500, "", true, 500 * ms, 12}, {200, "", false, 0, 23}},
			},
		},
		{
			number: 9, attempts: 3, budget: 1000, differs: "a 429 costs nothing, and its first backoff is that of the others: where Ada asks for a wait it says so, and pacing adds a second where it does not",
			calls: [][]step{{{429, "", true, 500 * ms, 1000}, {200, "", false, 0, 1000}}},
		},
		{number: 10, attempts: 4, first: 250 * ms, budget: 1000, calls: [][]step{{
			{500, "", true, 250 * ms, 990}, {500, "", true, 500 * ms, 980}, {500, "", true, 1000 * ms, 970}, {500, "", false, 0, 970},
		}}},
		{
			number: 16, attempts: 3, budget: 1000, differs: "the header has seconds",
			calls: [][]step{{{500, "2", true, 2000 * ms, 990}, {200, "", false, 0, 1000}}},
		},
		{number: 17, attempts: 3, budget: 1000, calls: [][]step{{{500, "0", true, 500 * ms, 990}, {200, "", false, 0, 1000}}}},
		{
			number: 18, attempts: 3, budget: 1000, differs: "they wait for 5 s more than the backoff at most; this SDK does as asked, up to MaxRetryAfter",
			calls: [][]step{{{500, "10", true, 10_000 * ms, 990}, {200, "", false, 0, 1000}}},
		},
		{number: 19, attempts: 3, budget: 1000, calls: [][]step{{{500, "soon", true, 500 * ms, 990}, {200, "", false, 0, 1000}}}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.number), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var steps []step
				server := &backend{answer: func(request int) (int, string) {
					return steps[request-1].status, steps[request-1].retryAfter
				}}
				e := New(server, "test")
				e.budget.spent, e.budget.since = fullBudget-tt.budget, time.Now()
				left := func() int { return fullBudget - e.budget.spent }
				for n, call := range tt.calls {
					steps, server.requests = call, 0
					c := plain(t)
					c.Policy = Policy{MaxAttempts: tt.attempts, FirstBackoff: 500 * ms, MaxBackoff: 20 * time.Second, MaxRetryAfter: time.Minute}
					if tt.first > 0 {
						c.Policy.FirstBackoff = tt.first
					}
					if tt.highest > 0 {
						c.Policy.MaxBackoff = tt.highest
					}
					c.Finished = func(o Outcome, _, retryIn time.Duration) {
						s := call[o.Attempts-1]
						if again := retryIn > 0; again != s.again {
							t.Fatalf("call %d, attempt %d: again is %t, want %t", n, o.Attempts, again, s.again)
						}
						if !s.again {
							return
						}
						if left() != s.left {
							t.Errorf("call %d, attempt %d: %d left, want %d", n, o.Attempts, left(), s.left)
						}
						if o.RetryAfter > 0 {
							if retryIn != s.most {
								t.Errorf("call %d, attempt %d: waits %s, want %s", n, o.Attempts, retryIn, s.most)
							}
						} else if most := ceiling(c.Policy.FirstBackoff, c.Policy.MaxBackoff, o.Attempts); most != s.most || retryIn > most {
							t.Errorf("call %d, attempt %d: waits %s of %s, want up to %s", n, o.Attempts, retryIn, most, s.most)
						}
					}
					o := e.Do(c)
					last := call[len(call)-1]
					if o.Attempts != len(call) || o.Answer.Status != last.status || (o.Err == nil) != (last.status == 200) || left() != last.left {
						t.Errorf("call %d: %d attempts, status %d, %d left, want %d, %d, %d", n, o.Attempts, o.Answer.Status, left(), len(call), last.status, last.left)
					}
				}
			})
		})
	}
}

// Every Retry-After that four other clients test, and what each of them makes of it. A wait of 0 stands for the
// backoff, which is the least wait in any case; so where others disagree between none at all and a backoff, both get
// what they asked for. What is over MaxRetryAfter is returned at once and not cut down to it: a call that comes before
// the time that the server named would be refused again.
func TestRetryAfterOfOthers(t *testing.T) {
	now := time.Date(2015, time.October, 21, 7, 26, 0, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	const name, longest, millis = "Retry-After", time.Duration(math.MaxInt64), "Ada has no header of milliseconds"
	const integer, strict = "RFC 9110 has whole seconds", "it is not of RFC 9110's form, so nobody knows what is meant"
	tests := []struct {
		source string
		name   string
		values []string
		theirs string
		ours   time.Duration
		why    string // ours is another
	}{
		{"openai-go", "Retry-After-Ms", []string{"125"}, "125ms", 0, millis},
		{"openai-go", name, []string{"0.25"}, "250ms", 0, integer},
		{"openai-go", name, []string{"1e100"}, "the ceiling", 0, integer},
		{"openai-go", name, []string{"2" + strings.Repeat("0", 299)}, "the ceiling", longest, "over MaxRetryAfter, it is returned"},
		{"openai-go", name, []string{date(10 * 365 * 24 * time.Hour)}, "the ceiling", 10 * 365 * 24 * time.Hour, "over MaxRetryAfter, it is returned"},
		{"openai-go", "Retry-After-Ms", []string{"-1"}, "the other header", 0, ""},
		{"openai-go", name, []string{"0"}, "none", 0, ""},
		{"openai-go", name, []string{"NaN"}, "ignored", 0, ""},
		{"openai-go", name, []string{"+Inf"}, "ignored", 0, ""},
		{"openai-go", name, []string{"-100"}, "ignored", 0, ""},
		{"openai-go", name, []string{date(-time.Hour)}, "none", 0, ""},
		{"openai-go", name, []string{"31536000"}, "the ceiling", 31536000 * time.Second, "over MaxRetryAfter, it is returned"},

		{"basecamp", name, nil, "backoff", 0, ""},
		{"basecamp", name, []string{"soon"}, "backoff", 0, ""},
		{"basecamp", name, []string{"120junk"}, "backoff", 0, ""},
		{"basecamp", name, []string{"0"}, "backoff", 0, ""},
		{"basecamp", name, []string{"-5"}, "backoff", 0, ""},
		{"basecamp", name, []string{date(-time.Second)}, "backoff", 0, ""},
		{"basecamp", name, []string{"9223372036854775808"}, "backoff", longest, "digits are a number, however many there are: the longest wait, not none"},
		{"basecamp", name, []string{strings.Repeat("9", 20)}, "backoff", longest, "digits are a number, however many there are: the longest wait, not none"},
		{"basecamp", name, []string{"+5"}, "backoff", 0, ""},
		{"basecamp", name, []string{"9223372036854775807"}, "the ceiling", longest, "over MaxRetryAfter, it is returned"},

		{"go-retryablehttp", name, []string{"2"}, "2s", 2 * time.Second, ""},
		{"go-retryablehttp", name, []string{date(2 * time.Second)}, "2s", 2 * time.Second, ""},
		{"go-retryablehttp", name, []string{date(-2 * time.Second)}, "none", 0, ""},
		{"go-retryablehttp", name, nil, "backoff", 0, ""},
		{"go-retryablehttp", name, []string{"2", "3"}, "2s", 2 * time.Second, ""},
		{"go-retryablehttp", name, []string{""}, "backoff", 0, ""},
		{"go-retryablehttp", name, []string{"-2"}, "backoff", 0, ""},
		{"go-retryablehttp", name, []string{"Wed, 32 Oct 2015 07:28:00 GMT"}, "backoff", 0, ""},
		{"go-retryablehttp", name, []string{"2s"}, "backoff", 0, ""},

		{"svix", name, []string{"Wed, 21 Oct 2015 07:28:00 GMT"}, "until then", 2 * time.Minute, ""},
		{"svix", name, []string{"120"}, "2m", 2 * time.Minute, ""},
		{"svix", name, []string{"120.0"}, "2m", 0, strict},
		{"svix", name, []string{"120.1"}, "121s", 0, strict},
		{"svix", name, []string{"120.6"}, "121s", 0, strict},
		{"svix", name, []string{"invalid"}, "none", 0, ""},
	}
	if len(tests) != 37 {
		t.Errorf("%d rows, want 37", len(tests))
	}
	for i, tt := range tests {
		t.Run(fmt.Sprintf("%d %s %.30q", i+1, tt.source, tt.values), func(t *testing.T) {
			h := http.Header{}
			for _, v := range tt.values {
				h.Add(tt.name, v)
			}
			if got := retryAfter(h, http.StatusTooManyRequests, now); got != tt.ours {
				t.Errorf("got %s, want %s; theirs is %s (%s)", got, tt.ours, tt.theirs, tt.why)
			}
		})
	}
	// The arithmetic and the parsers that led others astray: an overflow that waits for -1 s, and numbers of Go's.
	for v, want := range map[string]time.Duration{
		"9223372036": 9223372036 * time.Second, "9223372037": longest, "9300000000": longest,
		"1_000": 0, "0x10": 0, "1e3": 0, "٣": 0, "２": 0, "2, 3": 0, "2 3": 0, "\t2": 2 * time.Second, "007": 7 * time.Second,
	} {
		if got := retryAfter(http.Header{name: {v}}, http.StatusTooManyRequests, now); got != want {
			t.Errorf("%q: got %s, want %s", v, got, want)
		}
	}
}

// The ceilings that gax tests, of a pause that starts at 1 s and is 20 s at most.
func TestCeilingsOfGax(t *testing.T) {
	for i, want := range []float64{1, 2, 4, 8, 16, 20, 20} {
		if got := ceiling(time.Second, 20*time.Second, i+1); got.Seconds() != want {
			t.Errorf("after %d attempts: %s, want %v s", i+1, got, want)
		}
	}
}

// Whether to try again, as others decide it.
func TestDecisionsOfOthers(t *testing.T) {
	type reply struct {
		status     int
		retryAfter string
		err        error
	}
	status := func(s int) reply { return reply{status: s} }
	refused := reply{err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	lost := reply{err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}
	const read, write = true, false
	const (
		duplicate = "Ada's 409 is a duplicate, which it will be again"
		noHeader  = "Ada has no header that says so"
		limited   = "Ada's 429 refuses before anything is done"
		harmless  = "a read that failed can be made again"
		unknown   = "it may have happened: ErrOutcomeUnknown"
		pushback  = "there is no such header; Retry-After that says nothing leaves the backoff"
	)
	tests := []struct {
		source, name string
		attempts     int // 0: 4
		idempotent   bool
		reply        reply // the first; after it all is well
		theirs, ours bool  // tried again
		why          string
	}{
		{"stripe-go", "retries used up", 1, read, status(503), false, false, ""},
		{"stripe-go", "canceled", 0, read, reply{err: context.Canceled}, false, false, ""},
		{"stripe-go", "error of the API", 0, read, status(400), false, false, ""},
		{"stripe-go", "redirects", 0, read, status(302), false, false, ""},
		{"stripe-go", "certificate", 0, read, reply{err: x509.UnknownAuthorityError{}}, false, false, ""},
		{"stripe-go", "connection", 0, read, lost, true, true, ""},
		{"stripe-go", "409 with should-retry: false", 0, read, status(409), false, false, ""},
		{"stripe-go", "400 with should-retry: true", 0, read, status(400), true, false, noHeader},
		{"stripe-go", "409", 0, read, status(409), true, false, duplicate},
		{"stripe-go", "429 for a lock", 0, read, status(429), true, true, ""},
		{"stripe-go", "429", 0, read, status(429), false, true, limited},
		{"stripe-go", "500 of what is no POST", 0, read, status(500), true, true, ""},
		{"stripe-go", "503", 0, read, status(503), true, true, ""},
		{"stripe-go", "503 of a POST", 0, write, status(503), true, false, "their POSTs carry a key that makes them idempotent; of ours " + unknown},

		{"openai-go", "408", 0, read, status(408), true, true, ""},
		{"openai-go", "408 of a POST", 0, write, status(408), true, false, unknown},
		{"openai-go", "409", 0, read, status(409), true, false, duplicate},
		{"openai-go", "429", 0, write, status(429), true, true, ""},
		{"openai-go", "502", 0, read, status(502), true, true, ""},

		{"go-retryablehttp", "429", 0, write, status(429), true, true, ""},
		{"go-retryablehttp", "500", 0, read, status(500), true, true, ""},
		{"go-retryablehttp", "501", 0, read, status(501), false, false, ""},
		{"go-retryablehttp", "500 of a POST", 0, write, status(500), true, false, unknown},
		{"go-retryablehttp", "connection lost, of a POST", 0, write, lost, true, false, unknown},

		{"azcore", "429 that asks for 300 s", 0, read, reply{status: 429, retryAfter: "300"}, false, false, ""},
		{"azcore", "429 that asks for 1 s", 0, read, reply{status: 429, retryAfter: "1"}, true, true, ""},
		{"azcore", "408", 0, read, status(408), true, true, ""},
		{"azcore", "504", 0, read, status(504), true, true, ""},
		{"azcore", "404", 0, read, status(404), false, false, ""},

		{"gRPC", "negative pushback", 0, read, reply{status: 503, retryAfter: "-1"}, false, true, pushback},
		{"gRPC", "pushback that is no number", 0, read, reply{status: 503, retryAfter: "soon"}, false, true, pushback},
		{"gRPC", "not sent", 0, write, refused, true, true, ""},

		{"AWS", "no such host", 0, read, reply{err: &net.DNSError{IsNotFound: true}}, false, false, ""},
		{"AWS", "lookup fails", 0, read, reply{err: &net.DNSError{IsTemporary: true}}, true, true, ""},
		{"AWS", "connection refused", 0, read, refused, true, true, ""},
		{"AWS", "connection reset", 0, read, lost, true, true, ""},

		{"basecamp", "GET 503", 0, read, status(503), true, true, ""},
		{"basecamp", "GET 429", 0, read, reply{status: 429, retryAfter: "2"}, true, true, ""},
		{"basecamp", "GET 429 with a past date", 0, read, reply{status: 429, retryAfter: "Fri, 31 Dec 1999 23:59:59 GMT"}, true, true, ""},
		{"basecamp", "GET 429 with 0", 0, read, reply{status: 429, retryAfter: "0"}, true, true, ""},
		{"basecamp", "GET 429 with -5", 0, read, reply{status: 429, retryAfter: "-5"}, true, true, ""},
		{"basecamp", "GET 429 with 120junk", 0, read, reply{status: 429, retryAfter: "120junk"}, true, true, ""},
		{"basecamp", "POST 503", 0, write, status(503), false, false, ""},
		{"basecamp", "POST 429", 0, write, status(429), false, true, limited},
		{"basecamp", "GET 403", 0, read, status(403), false, false, ""},
		{"basecamp", "GET 500", 0, read, status(500), false, true, harmless},
		{"basecamp", "no retries", 1, read, status(503), false, false, ""},

		{"svix", "429", 0, write, status(429), false, true, limited},
		{"svix", "500 of a POST", 0, write, status(500), true, false, "their POSTs carry a key that makes them idempotent; of ours " + unknown},
	}
	for _, tt := range tests {
		t.Run(tt.source+" "+tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				server := roundTripper(func(r *http.Request) (*http.Response, error) {
					requests++
					resp := carried(r)
					if requests == 1 {
						if tt.reply.err != nil {
							return nil, tt.reply.err
						}
						resp.StatusCode = tt.reply.status
						if tt.reply.retryAfter != "" {
							resp.Header.Set("Retry-After", tt.reply.retryAfter)
						}
					}
					return resp, nil
				})
				c := plain(t)
				c.Idempotent = tt.idempotent
				if tt.attempts > 0 {
					c.Policy.MaxAttempts = tt.attempts
				}
				start := time.Now()
				o := New(server, "test").Do(c)
				if again := requests > 1; again != tt.ours || again != (o.Err == nil) {
					t.Errorf("tried again: %t (%v), want %t", again, o.Err, tt.ours)
				}
				if (tt.theirs != tt.ours) != (tt.why != "") {
					t.Errorf("a deviation has a reason, and nothing else has")
				}
				if waited := time.Since(start); !tt.ours && waited != 0 {
					t.Errorf("it waited for %s after the last attempt", waited)
				}
			})
		})
	}
}

// A context that is done is seen although the timer is due: tried often, since a choice between the two is random.
func TestCancellationComesBeforeTheTimer(t *testing.T) {
	for range 64 {
		ctx, cancel := context.WithCancel(t.Context())
		server := &backend{answer: always(503, "")}
		c := plain(t)
		c.Request = c.Request.WithContext(ctx)
		c.Policy.FirstBackoff = 1
		c.Finished = func(Outcome, time.Duration, time.Duration) { cancel() }
		if o := New(server, "test").Do(c); !errors.Is(o.Err, context.Canceled) || server.requests != 1 || o.Answer.Status != 503 {
			t.Errorf("%d requests, %v", server.requests, o.Err)
		}
	}
}
