package ada_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/faults"
	"github.com/google/go-cmp/cmp"
)

var sentinels = []error{
	ada.ErrInvalid, ada.ErrUnauthorized, ada.ErrForbidden, ada.ErrNotFound, ada.ErrConflict, ada.ErrTooLarge,
	ada.ErrRateLimited, ada.ErrServer, ada.ErrAnswer, ada.ErrOutcomeUnknown,
}

// wantIs checks that err matches these sentinels and no others.
func wantIs(t *testing.T, err error, want ...error) {
	t.Helper()
	for _, s := range sentinels {
		if got := errors.Is(err, s); got != slices.Contains(want, s) {
			t.Errorf("%v: errors.Is with %q is %t", err, s, got)
		}
	}
}

// failing calls op over a network of these steps, which is at desk.example.com.
func failing(t *testing.T, ctx context.Context, op ada.Operation, config ada.Config, steps ...faults.Step) (*ada.Error, *faults.Network) {
	t.Helper()
	n := faults.New(t, steps...)
	config.HTTP.Client = &http.Client{Transport: n.Transport()}
	client := newClient(t, config)
	var values []string
	if op.Route == getThing.Route {
		values = []string{"g", "canary-id"}
	}
	req, err := client.NewRequest(ctx, op, map[string]string{"email": "canary@example.com"}, values...)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.RawQuery = "external_id=canary-query"
	var out struct {
		N int `json:"n"`
	}
	_, err = client.Do(req, op, &out)
	var e *ada.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *ada.Error", err)
	}
	if strings.Contains(e.Error(), "canary") {
		t.Errorf("the error says %s", e)
	}
	for _, c := range e.Error() {
		if c < ' ' || c > '~' {
			t.Errorf("the error has the character %q: %s", c, e)
		}
	}
	return e, n
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name      string
		op        ada.Operation
		step      faults.Step
		want      string
		is        []error
		retryable bool
	}{
		{"400", getThing, faults.Answer(faults.Say(400, "")), "400 Bad Request", []error{ada.ErrInvalid}, false},
		{"401", getThing, faults.Answer(faults.Say(401, "")), "401 Unauthorized", []error{ada.ErrUnauthorized}, false},
		{"403", getThing, faults.Answer(faults.Say(403, "")), "403 Forbidden", []error{ada.ErrForbidden}, false},
		{"404", getThing, faults.Answer(faults.Say(404, "")), "404 Not Found", []error{ada.ErrNotFound}, false},
		{"407", getThing, faults.Answer(faults.Say(407, "")), "407 Proxy Authentication Required", nil, false},
		{"409", createThing, faults.Answer(faults.Say(409, "")), "409 Conflict", []error{ada.ErrConflict}, false},
		{"413", createThing, faults.Answer(faults.Say(413, "")), "413 Request Entity Too Large", []error{ada.ErrTooLarge}, false},
		{"422", createThing, faults.Answer(faults.Say(422, "")), "422 Unprocessable Entity", []error{ada.ErrInvalid}, false},
		{"429", createThing, faults.Answer(faults.Say(429, "")), "429 Too Many Requests: after 7 attempts", []error{ada.ErrRateLimited}, true},
		{
			"429 for a day", createThing, faults.Answer(faults.Say(429, "", "Retry-After: 86400")),
			"429 Too Many Requests: retry after 24h0m0s",
			[]error{ada.ErrRateLimited},
			true,
		},
		{"500", getThing, faults.Answer(faults.Say(500, "")), "500 Internal Server Error: after 4 attempts", []error{ada.ErrServer}, true},
		{
			"502 with a page of HTML", createThing, faults.Answer(faults.Say(502, "<html>canary</html>")),
			"502 Bad Gateway: outcome unknown",
			[]error{ada.ErrServer, ada.ErrOutcomeUnknown},
			false,
		},
		{"501", createThing, faults.Answer(faults.Say(501, "")), "501 Not Implemented", []error{ada.ErrServer}, false},
		{"a status without a name", getThing, faults.Answer(faults.Say(599, "")), "599", []error{ada.ErrServer}, false},
		{
			"a redirect", getThing, faults.Answer(faults.Say(307, "", "Location: https://evil.example/?canary")),
			"307 Temporary Redirect: redirect refused to host evil.example",
			[]error{ada.ErrAnswer},
			false,
		},
		{
			"a redirect to nowhere", getThing, faults.Answer(faults.Say(302, "", "Location: /canary")),
			"302 Found: redirect refused",
			[]error{ada.ErrAnswer},
			false,
		},
		{
			"a redirect with a hostile host", getThing, faults.Answer(faults.Say(302, "", "Location: https://canary_/")),
			"302 Found: redirect refused",
			[]error{ada.ErrAnswer},
			false,
		},
		{
			"a server's own words", getThing,
			faults.Answer(faults.Say(400, `{"errors":[{"type":"validation_error","message":"canary","details":[{"parameter":"$.a","location":"body","message":"canary"},{"parameter":"canary@example.com","location":"body","message":"canary"}]},{"type":"no\ntoken","message":"canary"}]}`, "X-Request-Id: 7f3")),
			"400 Bad Request: validation_error at $.a: validation_error: request 7f3",
			[]error{ada.ErrInvalid},
			false,
		},
		{
			"JSON of another shape", getThing, faults.Answer(faults.Say(200, `{"n":"canary"}`)),
			"200 OK: the answer is not usable: n has another type",
			[]error{ada.ErrAnswer},
			false,
		},
		{
			"JSON of another shape, of a call that must not be repeated", createThing, faults.Answer(faults.Say(201, `[]`)),
			"201 Created: the answer is not usable: the body has another type: outcome unknown",
			[]error{ada.ErrAnswer, ada.ErrOutcomeUnknown},
			false,
		},
		{
			"null", getThing, faults.Answer(faults.Say(200, ` null `)),
			"200 OK: the answer is not usable: the body is null",
			[]error{ada.ErrAnswer},
			false,
		},
		{
			"an error envelope with 200", getThing, faults.Answer(faults.Say(200, `{"errors":[{"type":"oops","message":"canary"}]}`)),
			"200 OK: oops: the answer is not usable: the body is an error envelope",
			[]error{ada.ErrAnswer},
			false,
		},
		{
			"an error envelope of another kind", getThing,
			faults.Answer(faults.Say(200, `{"errors":"boom"}`)),
			"200 OK: the answer is not usable: the body is an error envelope",
			[]error{ada.ErrAnswer},
			false,
		},
		{
			"a server that echoes", getThing,
			faults.Answer(faults.Say(400, `{"errors":[{"type":"14165551234","message":"m","details":[{"parameter":"jane.doe"},{"parameter":"$.profile.metadata.canary"}]}]}`, "X-Request-Id: +1416")),
			"400 Bad Request: at $.profile.metadata",
			[]error{ada.ErrInvalid},
			false,
		},
		{
			"a redirect to a host without end", getThing,
			faults.Answer(faults.Say(302, "", "Location: https://"+strings.Repeat("a", 100_000)+"/")),
			"302 Found: redirect refused",
			[]error{ada.ErrAnswer},
			false,
		},
		{
			"HTML with 200", getThing, faults.Answer(faults.Say(200, `<html>canary`)),
			"200 OK: the answer is not usable: after 4 attempts",
			[]error{ada.ErrAnswer},
			true,
		},
		{
			"JSON and more", getThing, faults.Answer(faults.Say(200, `{"n":1}canary`)),
			"200 OK: the answer is not usable: after 4 attempts",
			[]error{ada.ErrAnswer},
			true,
		},
		{"refused", createThing, faults.Refused(), "no answer: connection refused: after 4 attempts", nil, true},
		{"no host", createThing, faults.NoHost(), "no such host", nil, false},
		{"lookup fails", createThing, faults.LookupFails(), "host lookup failed: after 4 attempts", nil, true},
		{"hung up on", createThing, faults.HangUp(), "no answer: the connection failed: outcome unknown", []error{ada.ErrOutcomeUnknown}, false},
		{"hung up on, repeatable", getThing, faults.HangUp(), "no answer: the connection failed: after 4 attempts", nil, true},
		{"silence", createThing, faults.Silence(), "the attempt timed out: outcome unknown", []error{ada.ErrOutcomeUnknown}, false},
		{
			"an error with words of its own", createThing, faults.Error(errors.New("canary")),
			"no answer: the connection failed: after 4 attempts", nil, true,
		},
		{"https on an http port", createThing, faults.Error(http.ErrSchemeMismatch), "the server does not speak https", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := failing(t, t.Context(), tt.op, ada.Config{HTTP: ada.HTTPConfig{Limiter: ada.Unpaced}}, tt.step)
				if want := tt.op.Name + ": " + tt.op.Method + " " + tt.op.Route + ": " + tt.want; e.Error() != want {
					t.Errorf("got  %s\nwant %s", e, want)
				}
				wantIs(t, e, tt.is...)
				if got := ada.Retryable(e); got != tt.retryable {
					t.Errorf("%v: Retryable is %t", e, got)
				}
			})
		})
	}
}

// Where no body is expected any will do, but not one of a proxy.
func TestAnswersWithoutAnOut(t *testing.T) {
	for raw, want := range map[string]error{
		faults.Say(200, ""): nil,
		faults.Say(200, "OK", "Content-Type: text/plain"): nil,
		faults.Say(204, ""): nil,
		faults.Say(200, "{", "Content-Type: application/json"):          ada.ErrOutcomeUnknown,
		faults.Say(200, " <!doctype html>"):                             ada.ErrOutcomeUnknown,
		faults.Say(200, `{"errors":["x"]}`):                             ada.ErrOutcomeUnknown,
		faults.Say(200, "<html>", "Content-Type: Text/HTML; charset=x"): ada.ErrOutcomeUnknown,
	} {
		n := faults.New(t, faults.Answer(raw))
		client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}}})
		req, err := client.NewRequest(t.Context(), createThing, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Do(req, createThing, nil); !errors.Is(err, want) {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// What one attempt may have done, the refusal of a later one does not undo.
func TestMayHaveHappened(t *testing.T) {
	op := createThing
	op.Idempotent = true
	for name, tt := range map[string]struct {
		steps []faults.Step
		want  bool
	}{
		"refused":                        {[]faults.Step{faults.Answer(faults.Say(403, ""))}, false},
		"never connected":                {[]faults.Step{faults.Refused()}, false},
		"refused after a lost answer":    {[]faults.Step{faults.HangUp(), faults.Answer(faults.Say(403, ""))}, true},
		"no connection after a 504":      {[]faults.Step{faults.Answer(faults.Say(504, "")), faults.NoHost()}, true},
		"refused after no connection":    {[]faults.Step{faults.Refused(), faults.Answer(faults.Say(400, ""))}, false},
		"an answer that is of no use":    {[]faults.Step{faults.Answer(faults.Say(202, "[]"))}, true},
		"limited for ever after a break": {[]faults.Step{faults.HangUp(), faults.Answer(faults.Say(429, ""))}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := failing(t, t.Context(), op, ada.Config{}, tt.steps...)
				if got := e.MayHaveHappened(); got != tt.want || errors.Is(e, ada.ErrOutcomeUnknown) {
					t.Errorf("%v: got %t, want %t", e, got, tt.want)
				}
			})
		})
	}
}

func TestErrorReachesItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := failing(t, t.Context(), createThing, ada.Config{}, faults.Refused())
		if !errors.Is(e, syscall.ECONNREFUSED) {
			t.Errorf("%v does not unwrap to ECONNREFUSED", e)
		}
	})
}

func TestPacedPastTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := createThing
		op.Pace = ada.Pace{Family: "slow", PerMinute: 1}
		config := ada.Config{}
		config.HTTP.Limiter = func(p ada.Pace) ada.Limiter {
			l := ada.NewLimiter(p)
			if err := l.Wait(t.Context()); err != nil { // the only slot of the minute
				t.Fatal(err)
			}
			return l
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		e, n := failing(t, ctx, op, config, faults.HangUp())
		if want := "things.Create: no free slot before the deadline"; e.Error() != want {
			t.Errorf("got %s, want %s", e, want)
		}
		wantIs(t, e, ada.ErrRateLimited)
		if !ada.Retryable(e) || !errors.Is(e, context.DeadlineExceeded) || n.Dials() != 0 || time.Since(start) != 0 {
			t.Errorf("retryable %t, deadline %t, %d dials after %s", ada.Retryable(e), errors.Is(e, context.DeadlineExceeded), n.Dials(), time.Since(start))
		}
	})
}

func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		e, _ := failing(t, ctx, createThing, ada.Config{}, faults.Answer(faults.Say(429, `{"message":"slow down"}`, "Retry-After: 60")))
		if want := "things.Create: POST /api/v2/things/: 429 Too Many Requests: context canceled: retry after 1m0s"; e.Error() != want {
			t.Errorf("got  %s\nwant %s", e, want)
		}
		if !errors.Is(e, context.Canceled) || !errors.Is(e, ada.ErrRateLimited) || ada.Retryable(e) {
			t.Errorf("canceled %t, rate limited %t, retryable %t", errors.Is(e, context.Canceled), errors.Is(e, ada.ErrRateLimited), ada.Retryable(e))
		}
		if string(e.Body()) != `{"message":"slow down"}` {
			t.Errorf("the last answer is lost: %q", e.Body())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		e, _ := failing(t, ctx, getThing, ada.Config{}, faults.Silence())
		if want := "things.Get: GET /api/v2/things/{group}/items/{id}/: context deadline exceeded"; e.Error() != want {
			t.Errorf("got  %s\nwant %s", e, want)
		}
		if !errors.Is(e, context.DeadlineExceeded) || !ada.Retryable(e) {
			t.Errorf("deadline %t, retryable %t", errors.Is(e, context.DeadlineExceeded), ada.Retryable(e))
		}
	})
}

// Ada's error bodies come in many forms; none may hide the status.
func TestProblems(t *testing.T) {
	said := func(details string) ada.Problem {
		return ada.Problem{Type: "t", Message: "m", Details: []byte(details)}
	}
	tests := []struct {
		body string
		want []ada.Problem
	}{
		{`{"errors":[{"type":"t","message":"m","details":"d"}]}`, []ada.Problem{said(`"d"`)}},
		{`{"errors":[{"type":"t","message":"m","details":null}]}`, []ada.Problem{said(`null`)}},
		{`{"errors":[{"type":"t","message":"m"}]}`, []ada.Problem{{Type: "t", Message: "m"}}},
		{`{"errors":[{"type":"t","message":"m","details":{"0":{"a":["b"]}}}]}`, []ada.Problem{said(`{"0":{"a":["b"]}}`)}},
		{`{"errors":[{"type":"t","message":"m","details":[]}]}`, []ada.Problem{said(`[]`)}},
		{
			`{"errors":[{"type":"t","message":"m","details":[{"parameter":"$[0].a","location":"body","message":"n"},{"parameter":"$.b"}]},{"type":"u","message":"o"}]}`,
			[]ada.Problem{
				{Type: "t", Message: "n", Parameter: "$[0].a", Location: "body", Details: []byte(`[{"parameter":"$[0].a","location":"body","message":"n"},{"parameter":"$.b"}]`)},
				{Type: "t", Message: "m", Parameter: "$.b", Details: []byte(`[{"parameter":"$[0].a","location":"body","message":"n"},{"parameter":"$.b"}]`)},
				{Type: "u", Message: "o"},
			},
		},
		{`{"message":"Unauthorized"}`, []ada.Problem{{Message: "Unauthorized"}}},
		{`{"errors":[]}`, nil},
		{`{"errors":null}`, nil},
		{`{"errors":"oops"}`, nil},
		{`{"errors":{"a":"b"}}`, nil},
		{`{"errors":[{"type":7}]}`, nil},
		{`{"errors":[`, nil},
		{`[1]`, nil},
		{`null`, nil},
		{`<html>Bad Gateway</html>`, nil},
		{``, nil},
		{strings.Repeat("x", 1<<20), nil},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.40s", tt.body), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := failing(t, t.Context(), getThing, ada.Config{}, faults.Answer(faults.Say(400, tt.body)))
				if diff := cmp.Diff(tt.want, e.Problems); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				if want := tt.body[:min(len(tt.body), 64<<10)]; string(e.Body()) != want || e.StatusCode != 400 {
					t.Errorf("status %d, body of %d bytes, want 400 and %d", e.StatusCode, len(e.Body()), len(want))
				}
			})
		})
	}
}

// Whatever a server answers, the error has its status and its body, and a text that is one short line of ASCII.
func FuzzErrorEnvelope(f *testing.F) {
	for _, s := range []string{
		"", "null", `{"errors":[{"type":"t","message":"m","details":[{"parameter":"$.a"}]}]}`, `{"message":"m"}`, `{"errors":[null]}`, "<html>",
		`{"errors":[{"type":"x","details":"d"}]}`,
	} {
		f.Add(400, s, "https://evil.example/", "01J2")
	}
	f.Add(307, "", "https://evil.example\x1b[31m/", "a\x1b[2Jb")
	f.Add(302, "", "//"+strings.Repeat("a.", 200)+"example", strings.Repeat("a", 65))
	f.Add(422, `{"errors":[`+strings.Repeat(`{"type":"`+strings.Repeat("t", 60)+`","details":[{"parameter":"$.`+strings.Repeat("p", 90)+`"}]},`, 20)+`{}]}`, "", "")
	var answer http.Response // of the one client
	client := newClient(f, ada.Config{HTTP: ada.HTTPConfig{
		Retry: ada.RetryPolicy{MaxAttempts: 1}, Limiter: ada.Unpaced,
		Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			resp := answer
			resp.Request = r
			return &resp, nil
		})},
	}})
	f.Fuzz(func(t *testing.T, status int, body, location, requestID string) {
		if status < 300 || status > 999 {
			return
		}
		answer = http.Response{
			StatusCode: status, Header: http.Header{"Location": {location}, "X-Request-Id": {requestID}}, Body: readCloser(body),
		}
		req, err := client.NewRequest(t.Context(), createThing, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Do(req, createThing, nil)
		var e *ada.Error
		if !errors.As(err, &e) || e.StatusCode != status {
			t.Fatalf("got %v, want an *ada.Error of status %d", err, status)
		}
		text := e.Error()
		if len(text) > 1024 || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Errorf("the error says %q", text)
		}
		if want := body[:min(len(body), 64<<10)]; string(e.Body()) != want {
			t.Errorf("of a body of %d bytes %d are kept", len(body), len(e.Body()))
		}
	})
}
