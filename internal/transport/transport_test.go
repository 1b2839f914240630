package transport

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/internal/faults"
	"github.com/google/go-cmp/cmp"
)

var policy = Policy{MaxAttempts: 4, FirstBackoff: 500 * time.Millisecond, MaxBackoff: 30 * time.Second, MaxRetryAfter: 65 * time.Second}

// call returns a POST with a body, as an operation that is idempotent or is not would make it.
func call(ctx context.Context, idempotent bool) Call {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://acme.ada.support/api/v2/things/?q=canary", nil)
	if err != nil {
		panic(err)
	}
	return Call{
		Request: req, Body: []byte(`{"a":1}`), Idempotent: idempotent,
		MaxResponse: 1 << 20, Timeout: 30 * time.Second, Policy: policy,
		Key: func(context.Context) (string, error) { return "key", nil },
		Read: func(a *Answer, body io.Reader) error {
			if err := a.Keep(body); err != nil {
				return err
			}
			var v struct{ N int }
			return json.Unmarshal(a.Body, &v)
		},
	}
}

// summary is what the tests of this file look at of an outcome.
type summary struct {
	Requests  int // that reached the server whole
	Attempts  int
	Status    int
	Unknown   bool
	Transient bool
	Cause     string // "" for success
}

func summarize(n *faults.Network, o Outcome) summary {
	s := summary{Requests: len(n.Requests()), Attempts: o.Attempts, Unknown: o.Unknown, Transient: o.Transient}
	if o.Answer != nil {
		s.Status = o.Answer.Status
	}
	for name, cause := range map[string]error{
		"status": ErrStatus, "redirect": ErrRedirect, "unusable": ErrUnusable, "no answer": ErrNoAnswer,
		"timeout": ErrTimeout, "paced": ErrPaced, "key": ErrKey, "canceled": context.Canceled,
	} {
		if errors.Is(o.Err, cause) && s.Cause != "no answer" {
			s.Cause = name
		}
	}
	if o.Err != nil && s.Cause == "" {
		s.Cause = o.Err.Error()
	}
	return s
}

// Every status, on calls that may be repeated and on calls that may not. The last step of a network repeats.
func TestStatuses(t *testing.T) {
	type want struct{ idempotent, other summary }
	repeated := func(status int) summary {
		return summary{Requests: 4, Attempts: 4, Status: status, Transient: true, Cause: "status"}
	}
	once := func(status int) summary { return summary{Requests: 1, Attempts: 1, Status: status, Cause: "status"} }
	unknown := func(status int) summary {
		return summary{Requests: 1, Attempts: 1, Status: status, Unknown: true, Cause: "status"}
	}
	refused := repeated(429)
	refused.Requests, refused.Attempts = 7, 7 // two count as one
	tests := map[int]want{429: {refused, refused}}
	for _, status := range []int{408, 500, 502, 503, 504} {
		tests[status] = want{repeated(status), unknown(status)}
	}
	for _, status := range []int{400, 401, 403, 404, 405, 407, 409, 410, 413, 415, 418, 422, 451, 499, 501} {
		tests[status] = want{once(status), once(status)}
	}
	for _, status := range []int{505, 507, 511, 520, 599, 600, 999} {
		tests[status] = want{once(status), unknown(status)}
	}
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		w := want{once(status), unknown(status)}
		w.idempotent.Cause, w.other.Cause = "redirect", "redirect"
		tests[status] = w
	}
	for status, want := range tests {
		for idempotent, want := range map[bool]summary{true: want.idempotent, false: want.other} {
			t.Run(fmt.Sprintf("%d idempotent=%t", status, idempotent), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					body := `{"message":"no"}`
					if status == 304 {
						body = ""
					}
					n := faults.New(t, faults.Answer(faults.Say(status, body, "Location: http://evil.example/")))
					got := summarize(n, New(n.Transport(), "test").Do(call(t.Context(), idempotent)))
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("(-want +got)\n%s", diff)
					}
				})
			})
		}
	}
}

// Every way of breaking, on calls that may be repeated and on calls that may not. Where an idempotent call succeeds,
// the network has healed after the fault.
func TestFaults(t *testing.T) {
	ok := faults.Answer(faults.Say(200, `{"n":1}`))
	good := func(requests, attempts int) summary {
		return summary{Requests: requests, Attempts: attempts, Status: 200}
	}
	unknown := func(status int, cause string) summary {
		return summary{Requests: 1, Attempts: 1, Status: status, Unknown: true, Cause: cause}
	}
	zipped := faults.Gzip(`{"n":1}`)
	tests := []struct {
		name              string
		steps             []faults.Step
		idempotent, other summary
	}{
		{"refused, then well", []faults.Step{faults.Refused(), faults.Refused(), ok}, good(1, 3), good(1, 3)},
		{
			"refused for ever",
			[]faults.Step{faults.Refused()},
			summary{Attempts: 4, Transient: true, Cause: "no answer"},
			summary{Attempts: 4, Transient: true, Cause: "no answer"},
		},
		{
			"no such host",
			[]faults.Step{faults.NoHost()},
			summary{Attempts: 1, Cause: "no answer"},
			summary{Attempts: 1, Cause: "no answer"},
		},
		{"lookup fails, then well", []faults.Step{faults.LookupFails(), ok}, good(1, 2), good(1, 2)},
		{
			"certificate not accepted",
			[]faults.Step{faults.Error(x509.UnknownAuthorityError{})},
			summary{Attempts: 1, Cause: "no answer"},
			summary{Attempts: 1, Cause: "no answer"},
		},
		{"hung up on before the headers", []faults.Step{faults.HangUp(), ok}, good(2, 2), unknown(0, "no answer")},
		{"silence", []faults.Step{faults.Silence(), ok}, good(2, 2), unknown(0, "timeout")},
		{"answer drips", []faults.Step{faults.Drip(faults.Say(200, `{"n":1}`), time.Second), ok}, good(2, 2), unknown(0, "timeout")},
		{
			"body shorter than its length",
			[]faults.Step{faults.Answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"n\":1}"), ok},
			good(2, 2), unknown(200, "no answer"),
		},
		{"body longer than its length", []faults.Step{faults.Answer(faults.Say(200, `{"n":1}`) + "more")}, good(1, 1), good(1, 1)},
		{
			"chunks without an end",
			[]faults.Step{faults.Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"n\":1}\r\n"), ok},
			good(2, 2), unknown(200, "no answer"),
		},
		{
			"gzip",
			[]faults.Step{faults.Answer(faults.Say(200, zipped, "Content-Encoding: gzip"))},
			good(1, 1), good(1, 1),
		},
		{
			"half a gzip",
			[]faults.Step{faults.Answer(faults.Say(200, zipped[:len(zipped)/2], "Content-Encoding: gzip")), ok},
			good(2, 2), unknown(200, "no answer"),
		},
		{
			"gzip without its trailer",
			[]faults.Step{faults.Answer(faults.Say(200, zipped[:len(zipped)-8], "Content-Encoding: gzip")), ok},
			good(2, 2), unknown(200, "no answer"),
		},
		{
			"no gzip, though it says so",
			[]faults.Step{faults.Answer(faults.Say(200, `{"n":1}`, "Content-Encoding: gzip")), ok},
			good(2, 2), unknown(200, "no answer"),
		},
		{
			"an encoding that was not asked for",
			[]faults.Step{faults.Answer(faults.Say(200, `{"n":1}`, "Content-Encoding: br"))},
			summary{Requests: 1, Attempts: 1, Status: 200, Cause: "unusable"},
			unknown(200, "unusable"),
		},
		{
			"a gzip bomb",
			[]faults.Step{faults.Answer(faults.Say(200, faults.Gzip(strings.Repeat(" ", 64<<20)), "Content-Encoding: gzip"))},
			summary{Requests: 1, Attempts: 1, Status: 200, Cause: "unusable"},
			unknown(200, "unusable"),
		},
		{"HTML with 200", []faults.Step{faults.Answer(faults.Say(200, "<html>")), ok}, good(2, 2), unknown(200, "unusable")},
		{"an empty body with 200", []faults.Step{faults.Answer(faults.Say(200, "")), ok}, good(2, 2), unknown(200, "unusable")},
		{"half of the JSON", []faults.Step{faults.Answer(faults.Say(200, `{"n":`)), ok}, good(2, 2), unknown(200, "unusable")},
		{
			"JSON of another shape",
			[]faults.Step{faults.Answer(faults.Say(200, `{"n":"1"}`))},
			summary{Requests: 1, Attempts: 1, Status: 200, Cause: "unusable"},
			unknown(200, "unusable"),
		},
		{
			"no HTTP",
			[]faults.Step{faults.Answer("hello\r\n\r\n"), ok},
			good(2, 2), unknown(0, "no answer"),
		},
		{
			"endless headers",
			[]faults.Step{faults.Answer("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 11<<10) + "\r\n"), ok},
			good(2, 2), unknown(0, "no answer"),
		},
		{
			"a switch of protocols",
			[]faults.Step{faults.Drip("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"+strings.Repeat("x", 1000), 10*time.Millisecond)},
			summary{Requests: 1, Attempts: 1, Status: 101, Cause: "status"},
			unknown(101, "status"),
		},
		{"an encoding that is none", []faults.Step{faults.Answer(faults.Say(200, `{"n":1}`, "Content-Encoding: identity"))}, good(1, 1), good(1, 1)},
		{"503, then well", []faults.Step{faults.Answer(faults.Say(503, "")), ok}, good(2, 2), unknown(503, "status")},
		{
			"503, then hung up on",
			[]faults.Step{faults.Answer(faults.Say(503, "")), faults.HangUp()},
			summary{Requests: 4, Attempts: 4, Transient: true, Cause: "no answer"},
			unknown(503, "status"),
		},
		{"429, then well", []faults.Step{faults.Answer(faults.Say(429, "", "Retry-After: 60")), ok}, good(2, 2), good(2, 2)},
		{
			"429, then hung up on",
			[]faults.Step{faults.Answer(faults.Say(429, "")), faults.HangUp(), ok},
			good(3, 3),
			summary{Requests: 2, Attempts: 2, Unknown: true, Cause: "no answer"},
		},
		{
			"429 that asks for more than the policy allows",
			[]faults.Step{faults.Answer(faults.Say(429, "", "Retry-After: 66"))},
			summary{Requests: 1, Attempts: 1, Status: 429, Transient: true, Cause: "status"},
			summary{Requests: 1, Attempts: 1, Status: 429, Transient: true, Cause: "status"},
		},
		{
			"an error whose body never ends",
			[]faults.Step{faults.Drip("HTTP/1.1 404 Not Found\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat(" ", 1000), 10*time.Millisecond)},
			summary{Requests: 1, Attempts: 1, Status: 404, Cause: "status"},
			summary{Requests: 1, Attempts: 1, Status: 404, Cause: "status"},
		},
	}
	for _, tt := range tests {
		for idempotent, want := range map[bool]summary{true: tt.idempotent, false: tt.other} {
			t.Run(fmt.Sprintf("%s idempotent=%t", tt.name, idempotent), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := faults.New(t, tt.steps...)
					start := time.Now()
					got := summarize(n, New(n.Transport(), "test").Do(call(t.Context(), idempotent)))
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("(-want +got)\n%s", diff)
					}
					if d := time.Since(start); d > 4*30*time.Second+60*time.Second {
						t.Errorf("it took %s", d)
					}
					for i, r := range n.Requests() {
						if string(r.Content) != `{"a":1}` || r.Header.Get("Authorization") != "Bearer key" {
							t.Errorf("request %d had body %q and headers %v", i, r.Content, r.Header)
						}
					}
				})
			})
		}
	}
}

// A connection that is kept alive and dies as the next request is on it: net/http repeats that request by itself
// when it thinks that it may.
func TestKeptConnectionDies(t *testing.T) {
	for idempotent, want := range map[bool]summary{
		true:  {Requests: 3, Attempts: 2, Status: 200},
		false: {Requests: 2, Attempts: 1, Unknown: true, Cause: "no answer"},
	} {
		t.Run(fmt.Sprintf("idempotent=%t", idempotent), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := faults.New(t, faults.AnswerAndStay(faults.SayAndStay(200, `{"n":1}`)), faults.Answer(faults.Say(200, `{"n":1}`)))
				pool := n.Transport()
				defer pool.CloseIdleConnections()
				e := New(pool, "test")
				if o := e.Do(call(t.Context(), idempotent)); o.Err != nil {
					t.Fatal(o.Err)
				}
				if diff := cmp.Diff(want, summarize(n, e.Do(call(t.Context(), idempotent)))); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		})
	}
}

// Refused attempts must not cost a connection each.
func TestConnectionIsUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusal := faults.SayAndStay(429, strings.Repeat("x", 20_000))
		n := faults.New(t, faults.AnswerAndStay(refusal, refusal, refusal, faults.SayAndStay(200, `{"n":1}`)))
		pool := n.Transport()
		defer pool.CloseIdleConnections()
		if o := New(pool, "test").Do(call(t.Context(), false)); o.Err != nil || o.Attempts != 4 {
			t.Errorf("%d attempts, %v", o.Attempts, o.Err)
		}
		if d := n.Dials(); d != 1 {
			t.Errorf("%d connections, want 1", d)
		}
	})
}

func TestErrorBodyIsKeptWithinLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.Answer(faults.Say(404, strings.Repeat("x", 1<<20))))
		o := New(n.Transport(), "test").Do(call(t.Context(), false))
		if len(o.Answer.Body) != maxErrorBody {
			t.Errorf("kept %d bytes, want %d", len(o.Answer.Body), maxErrorBody)
		}
	})
}

func TestResponseLimitIsExact(t *testing.T) {
	for size, want := range map[int]bool{1 << 20: true, 1<<20 + 1: false} {
		synctest.Test(t, func(t *testing.T) {
			n := faults.New(t, faults.Answer(faults.Say(200, strings.Repeat(" ", size-7)+`{"n":1}`)))
			o := New(n.Transport(), "test").Do(call(t.Context(), true))
			if got := o.Err == nil; got != want {
				t.Errorf("%d bytes: %v", size, o.Err)
			}
		})
	}
}

func TestWaits(t *testing.T) {
	ok := faults.Say(200, `{"n":1}`)
	tests := []struct {
		name        string
		first       string
		least, most time.Duration
	}{
		{"seconds", faults.Say(429, "", "Retry-After: 2"), 2 * time.Second, 2 * time.Second},
		{"the longest that is waited for", faults.Say(429, "", "Retry-After: 65"), 65 * time.Second, 65 * time.Second},
		{"a date", faults.Say(429, "", "Retry-After: Sat, 01 Jan 2000 00:00:10 GMT"), 10 * time.Second, 10 * time.Second},
		{"a date by a fast clock", faults.Say(429, "", "Retry-After: Sat, 01 Jan 2000 01:00:10 GMT", "Date: Sat, 01 Jan 2000 01:00:00 GMT"), 10 * time.Second, 10 * time.Second},
		{"the reset", faults.Say(429, "", "X-RateLimit-Reset: 946684812"), 12 * time.Second, 12 * time.Second},
		{"nothing said", faults.Say(429, ""), 0, 500 * time.Millisecond},
		{"zero", faults.Say(429, "", "Retry-After: 0"), 0, 500 * time.Millisecond},
		{"503", faults.Say(503, "", "Retry-After: 3"), 3 * time.Second, 3 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := faults.New(t, faults.Answer(tt.first), faults.Answer(ok))
				start := time.Now()
				o := New(n.Transport(), "test").Do(call(t.Context(), true))
				if o.Err != nil || o.Attempts != 2 {
					t.Fatalf("%d attempts, %v", o.Attempts, o.Err)
				}
				if d := time.Since(start); d < tt.least || d > tt.most {
					t.Errorf("it waited %s, want %s to %s", d, tt.least, tt.most)
				}
			})
		})
	}
}

func TestTooLongAWaitIsReturnedAtOnce(t *testing.T) {
	for _, header := range []string{"Retry-After: 66", "Retry-After: 86400", "Retry-After: 9999999", "Retry-After: 99999999999999999999", "X-RateLimit-Reset: 946688400"} {
		t.Run(header, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := faults.New(t, faults.Answer(faults.Say(429, "", header)))
				start := time.Now()
				o := New(n.Transport(), "test").Do(call(t.Context(), true))
				if d := time.Since(start); d != 0 {
					t.Errorf("it took %s", d)
				}
				if o.Attempts != 1 || o.RetryAfter <= policy.MaxRetryAfter {
					t.Errorf("%d attempts, retry after %s", o.Attempts, o.RetryAfter)
				}
			})
		})
	}
}

func TestNoWaitTowardsADeadlineThatItCannotMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.Answer(faults.Say(429, "slow down", "Retry-After: 30")))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		start := time.Now()
		o := New(n.Transport(), "test").Do(call(ctx, true))
		want := summary{Requests: 1, Attempts: 1, Status: 429, Transient: true, Cause: "status"}
		if diff := cmp.Diff(want, summarize(n, o)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("it took %s", d)
		}
	})
}

func TestCancel(t *testing.T) {
	tests := []struct {
		name  string
		step  faults.Step
		after time.Duration
		want  summary
	}{
		{"before the call", faults.Silence(), 0, summary{Cause: "canceled"}},
		{"while it is under way", faults.Silence(), time.Second, summary{Requests: 1, Attempts: 1, Unknown: true, Cause: "canceled"}},
		{
			"in the middle of the body", faults.Drip(faults.Say(200, strings.Repeat(" ", 1000)), 10*time.Millisecond), time.Second,
			summary{Requests: 1, Attempts: 1, Status: 200, Unknown: true, Cause: "canceled"},
		},
		{
			"while it waits to repeat what did not happen", faults.Answer(faults.Say(429, "", "Retry-After: 60")), time.Second,
			summary{Requests: 1, Attempts: 1, Status: 429, Cause: "canceled"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := faults.New(t, tt.step)
				ctx, cancel := context.WithCancel(t.Context())
				start := time.Now()
				if tt.after == 0 {
					cancel()
				}
				stop := time.AfterFunc(tt.after, cancel)
				defer stop.Stop()
				o := New(n.Transport(), "test").Do(call(ctx, false))
				got := summarize(n, o)
				if errors.Is(o.Err, context.Canceled) {
					got.Cause = "canceled"
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				if d := time.Since(start); d != tt.after {
					t.Errorf("it returned after %s, want %s", d, tt.after)
				}
				cancel()
			})
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// RoundTrippers of the caller's own can break their contract, or tell nothing of connections.
func TestOddRoundTrippers(t *testing.T) {
	lost := errors.New("lost")
	tests := []struct {
		name string
		rt   roundTripper
		want summary
	}{
		{"nothing at all", func(*http.Request) (*http.Response, error) { return nil, nil }, summary{Attempts: 1, Unknown: true, Cause: "no answer"}},
		{"answer and error", func(r *http.Request) (*http.Response, error) { return carried(r), lost }, summary{Attempts: 1, Unknown: true, Cause: "no answer"}},
		{"an error that says nothing", func(*http.Request) (*http.Response, error) { return nil, lost }, summary{Attempts: 1, Unknown: true, Cause: "no answer"}},
		{"a connection, then an error of dialling", func(r *http.Request) (*http.Response, error) {
			trace := httptrace.ContextClientTrace(r.Context())
			trace.GetConn("")
			trace.GotConn(httptrace.GotConnInfo{})
			_, err := faults.New(t, faults.Refused()).Transport().RoundTrip(r)
			return nil, err
		}, summary{Attempts: 1, Unknown: true, Cause: "no answer"}},
		{"no body", func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 404, Header: http.Header{}}, nil
		}, summary{Attempts: 1, Status: 404, Cause: "status"}},
		{"no connection", func(r *http.Request) (*http.Response, error) {
			httptrace.ContextClientTrace(r.Context()).GetConn("")
			return nil, lost
		}, summary{Attempts: 4, Transient: true, Cause: "no answer"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := summarize(faults.New(t, faults.Refused()), New(tt.rt, "test").Do(call(t.Context(), false)))
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		})
	}
}

func TestKeyFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.Answer(faults.Say(200, "{}")))
		c := call(t.Context(), true)
		c.Key = func(context.Context) (string, error) { return "", errors.New("the vault is sealed") }
		if diff := cmp.Diff(summary{Cause: "key"}, summarize(n, New(n.Transport(), "test").Do(c))); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if n.Dials() != 0 {
			t.Errorf("%d connections, want none", n.Dials())
		}
	})
}

// The key is asked for each attempt, so that one which rotates in the middle of a call is used.
func TestKeyIsAskedForEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.Answer(faults.Say(503, "")), faults.Answer(faults.Say(200, "{}")))
		c := call(t.Context(), true)
		asked := 0
		c.Key = func(context.Context) (string, error) { asked++; return fmt.Sprint("key", asked), nil }
		New(n.Transport(), "test").Do(c)
		var got []string
		for _, r := range n.Requests() {
			got = append(got, r.Header.Get("Authorization"))
		}
		if diff := cmp.Diff([]string{"Bearer key1", "Bearer key2"}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// A context that ends with a cause of its own is a context that ended.
func TestContextWithACause(t *testing.T) {
	mine := errors.New("mine")
	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"canceled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			stop := time.AfterFunc(time.Second, func() { cancel(mine) })
			return ctx, func() { stop.Stop(); cancel(nil) }
		},
		"context deadline exceeded": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, time.Second, mine)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := end(t.Context())
				defer cancel()
				n := faults.New(t, faults.Silence())
				o := New(n.Transport(), "test").Do(call(ctx, true))
				if !errors.Is(o.Err, ctx.Err()) || o.Transient != errors.Is(o.Err, context.DeadlineExceeded) {
					t.Errorf("transient is %t, %v", o.Transient, o.Err)
				}
			})
		})
	}
}

func TestKeyThatOutlivesTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.Silence())
		ctx, cancel := context.WithCancel(t.Context())
		c := call(ctx, false)
		c.Key = func(context.Context) (string, error) { cancel(); return "key", nil }
		if diff := cmp.Diff(summary{Cause: "canceled"}, summarize(n, New(n.Transport(), "test").Do(c))); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

type limiter func(context.Context) error

func (f limiter) Wait(ctx context.Context) error { return f(ctx) }

func TestLimiterOfTheCallersFails(t *testing.T) {
	broken := limiter(func(context.Context) error { return errors.New("redis: connection refused") })
	for _, deadline := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if deadline {
				ctx, cancel = context.WithTimeout(ctx, time.Hour)
			}
			defer cancel()
			c := call(ctx, false)
			c.Pacer = NewPacer(broken, time.Hour)
			o := New(http.NewFileTransport(http.Dir(".")), "test").Do(c)
			want := ErrLimiter
			if deadline { // limiters have words of their own for a slot that comes too late
				want = ErrPaced
			}
			if !errors.Is(o.Err, want) || !o.Transient || o.Unknown || o.Attempts != 0 {
				t.Errorf("%d attempts, transient %t, unknown %t, %v", o.Attempts, o.Transient, o.Unknown, o.Err)
			}
		})
	}
}

func TestProxyThatRefuses(t *testing.T) {
	asked := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	pool := NewTransport()
	defer pool.CloseIdleConnections()
	pool.Proxy = http.ProxyURL(address)
	c := call(t.Context(), true)
	c.Request.URL.Scheme = "https"
	o := New(pool, "test").Do(c)
	if !errors.Is(o.Err, ErrProxy) || o.Attempts != 1 || o.Transient || asked != 1 {
		t.Errorf("%d attempts, the proxy was asked %d times: %v", o.Attempts, asked, o.Err)
	}
}

func TestAttemptsTakeSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.HangUp())
		c := call(t.Context(), true)
		c.Pacer = NewPacer(paced(0, 2), time.Hour)
		start := time.Now()
		o := New(n.Transport(), "test").Do(c)
		if o.Attempts != 4 {
			t.Errorf("%d attempts, want 4", o.Attempts)
		}
		if d := time.Since(start); d < time.Minute || d > 2*time.Minute {
			t.Errorf("4 attempts at 2 a minute took %s", d)
		}
	})
}

func TestEveryAttemptIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.Answer(faults.Say(429, "", "Retry-After: 5")), faults.HangUp(), faults.Answer(faults.Say(200, `{"n":1}`)))
		c := call(t.Context(), true)
		var got []string
		c.Started = func(number int, _ time.Duration) { got = append(got, fmt.Sprint("start ", number)) }
		c.Finished = func(o Outcome, _, retryIn time.Duration) {
			status := 0
			if o.Answer != nil {
				status = o.Answer.Status
			}
			got = append(got, fmt.Sprintf("done %d: %d, again: %t", o.Attempts, status, retryIn > 0))
		}
		New(n.Transport(), "test").Do(c)
		want := []string{
			"start 1", "done 1: 429, again: true",
			"start 2", "done 2: 0, again: true",
			"start 3", "done 3: 200, again: false",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
