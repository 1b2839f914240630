package ada_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/internal/faults"
	"github.com/google/go-cmp/cmp"
)

func readCloser(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

// Ten goroutines make fifty calls each at the limits that Ada sets by default. Nobody may meet a 429, and nothing may
// be lost.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, adatest.RateLimit(10, 100))
		id := srv.AddEndUser(adatest.EndUser{InConversation: true})
		client := srv.Client()
		derived, err := client.WithAPIKey(adatest.APIKey)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		attempts := 0
		start := time.Now()
		var wg sync.WaitGroup
		for worker := range 10 {
			users := endusers.New(client)
			if worker%2 == 1 {
				users = endusers.New(derived) // clients that come from one another share their slots
			}
			wg.Go(func() {
				for range 50 {
					var resp ada.Response
					if _, err := users.Get(t.Context(), id, ada.WithResponse(&resp)); err != nil {
						t.Error(err)
					}
					mu.Lock()
					attempts += resp.Attempts
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if n := len(srv.Calls()); n != 500 || attempts != 500 {
			t.Errorf("%d requests in %d attempts, want 500", n, attempts)
		}
		if d := time.Since(start); d > 300*time.Second {
			t.Errorf("it took %s, want at most 300s", d)
		}
	})
}

// Another process uses the same limit, unseen. What it takes is learned from the headers and from what is refused, and
// nothing is lost.
func TestStormWithAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, adatest.RateLimit(10, 100))
		id := srv.AddEndUser(adatest.EndUser{InConversation: true})
		start := time.Now()
		var wg sync.WaitGroup
		for range 2 {
			users := endusers.New(srv.Client()) // with a limiter of its own
			for range 10 {
				wg.Go(func() {
					for range 25 {
						if _, err := users.Get(t.Context(), id); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		wg.Wait()
		refused := len(srv.Calls()) - 500
		if refused > 100 {
			t.Errorf("%d requests were refused, want at most 100", refused)
		}
		if d := time.Since(start); d > 10*time.Minute {
			t.Errorf("it took %s, want at most twice what one process needs", d)
		}
		t.Logf("500 calls, %d refused, %s", refused, time.Since(start))
	})
}

func TestFamiliesHaveTheirOwnSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var paces []ada.Pace
		n := faults.New(t, faults.Answer(faults.Say(200, "{}")))
		client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{
			Client:  &http.Client{Transport: n.Transport()},
			Limiter: func(p ada.Pace) ada.Limiter { paces = append(paces, p); return ada.NewLimiter(p) },
		}})
		slow := ada.Pace{Family: "slow", PerMinute: 1}
		start := time.Now()
		for _, pace := range []ada.Pace{slow, {}, {Family: "default", PerSecond: 10, PerMinute: 100, PerDay: 10_000}, slow} {
			op := createThing
			op.Pace = pace
			do(t, client, op, nil)
		}
		if diff := cmp.Diff([]ada.Pace{slow, {Family: "default", PerSecond: 10, PerMinute: 100, PerDay: 10_000}}, paces); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("it took %s, want 1m0s", d)
		}
	})
}

func do(t *testing.T, client *ada.Client, op ada.Operation, out any, opts ...ada.CallOption) *ada.Response {
	t.Helper()
	req, err := client.NewRequest(t.Context(), op, map[string]int{"a": 1})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req, op, out, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestUnpaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.Answer(faults.Say(200, "{}")))
		client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}, Limiter: ada.Unpaced}})
		start := time.Now()
		for range 200 {
			do(t, client, createThing, nil)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("200 calls took %s", d)
		}
	})
}

func TestResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.Answer(faults.Say(503, "")), faults.Answer(faults.Say(201, `{"n":7}`,
			"X-RateLimit-Limit: 300", "X-RateLimit-Remaining: 299", "X-RateLimit-Reset: 946684860", "X-Request-Id: 7f3", "Set-Cookie: canary")))
		client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}}})
		op := createThing
		op.Idempotent = true
		var out struct{ N int }
		var stored ada.Response
		resp := do(t, client, op, &out, ada.WithResponse(&stored))
		for _, r := range []*ada.Response{resp, &stored} {
			got := []any{r.StatusCode, r.Attempts, r.RequestID, r.RateLimit, string(r.Body()), out.N}
			want := []any{201, 2, "7f3", ada.RateLimit{Limit: 300, Remaining: 299, Reset: time.Unix(946684860, 0)}, `{"n":7}`, 7}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		}
		sent := n.Requests()[1]
		if ua := sent.UserAgent(); !strings.HasPrefix(ua, "ada-go/devel go/1.") {
			t.Errorf("User-Agent is %q", ua)
		}
		if got := sent.Header.Get("Content-Type"); got != "application/json" || string(sent.Content) != `{"a":1}` {
			t.Errorf("sent %q as %s", sent.Content, got)
		}
	})
}

func TestResponseOfAFailedCall(t *testing.T) {
	srv := adatest.NewServer(t)
	var resp ada.Response
	_, err := endusers.New(srv.Client()).Get(t.Context(), "65a17e3f43bec88e27920001", ada.WithResponse(&resp))
	wantIs(t, err, ada.ErrNotFound)
	if resp.StatusCode != 404 || resp.Attempts != 1 || len(resp.Body()) == 0 || resp.RateLimit.Limit != 300 {
		t.Errorf("got %d, %d attempts, body %q, %+v", resp.StatusCode, resp.Attempts, resp.Body(), resp.RateLimit)
	}
}

func TestKeyFunc(t *testing.T) {
	n := faults.New(t, faults.Answer(faults.Say(200, "{}")))
	keys := []ada.Secret{"first", "second"}
	config := ada.Config{BaseURL: "https://desk.example.com", HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}}}
	config.KeyFunc = func(context.Context) (ada.Secret, error) {
		if len(keys) == 0 {
			return "", errors.New("canary")
		}
		k := keys[0]
		keys = keys[1:]
		return k, nil
	}
	client, err := ada.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	do(t, client, createThing, nil)
	do(t, client, createThing, nil)
	for i, want := range []string{"Bearer first", "Bearer second"} {
		if got := n.Requests()[i].Header.Get("Authorization"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	req, err := client.NewRequest(t.Context(), createThing, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Do(req, createThing, nil)
	wantIs(t, err, ada.ErrUnauthorized)
	if want := "things.Create: no key to send"; err.Error() != want || ada.Retryable(err) {
		t.Errorf("got %v, want %s", err, want)
	}
	keys = []ada.Secret{"a\nb"}
	_, err = client.Do(req, createThing, nil)
	wantIs(t, err, ada.ErrInvalid)
	if len(n.Requests()) != 2 {
		t.Errorf("%d requests were sent, want 2", len(n.Requests()))
	}
}

func TestWithAPIKey(t *testing.T) {
	n := faults.New(t, faults.Answer(faults.Say(200, "{}")))
	client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}}})
	derived, err := client.WithAPIKey("other")
	if err != nil {
		t.Fatal(err)
	}
	do(t, derived, createThing, nil)
	do(t, client, createThing, nil)
	for i, want := range []string{"Bearer other", "Bearer test-key"} {
		if got := n.Requests()[i].Header.Get("Authorization"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	_, err = client.WithAPIKey("")
	wantFaults(t, err, ada.Fault{Field: "APIKey", Reason: "is empty"})
}

func TestPayloadLimits(t *testing.T) {
	small := createThing
	small.MaxPayload = 4096
	tests := []struct {
		op     ada.Operation
		raised int64
		size   int
		ok     bool
	}{
		{small, 0, 4096, true},
		{small, 0, 4097, false},
		{small, 10, 4096, true}, // it raises, and does not lower
		{small, 5000, 5000, true},
		{small, 5000, 5001, false},
		{createThing, 0, 10 << 20, true},
		{createThing, 0, 10<<20 + 1, false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d bytes of %d", tt.size, max(tt.op.MaxPayload, tt.raised)), func(t *testing.T) {
			n := faults.New(t, faults.Answer(faults.Say(200, "{}")))
			client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}, MaxPayload: tt.raised}})
			// A reader of no known length counts the same.
			for _, body := range []io.Reader{strings.NewReader(strings.Repeat("x", tt.size)), io.MultiReader(strings.NewReader(strings.Repeat("x", tt.size)))} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, client.BaseURL()+"api/v2/things/", body)
				if err != nil {
					t.Fatal(err)
				}
				_, err = client.Do(req, tt.op, nil)
				if tt.ok {
					if err != nil {
						t.Error(err)
					}
					continue
				}
				wantIs(t, err, ada.ErrTooLarge)
				size := fmt.Sprint(tt.size)
				if req.ContentLength <= 0 {
					size = fmt.Sprint("more than ", tt.size-1)
				}
				if want := fmt.Sprintf("things.Create: too large: the body has %s bytes, at most %d", size, tt.size-1); err.Error() != want {
					t.Errorf("got %v, want %s", err, want)
				}
			}
			if sent := len(n.Requests()); sent != 0 != tt.ok {
				t.Errorf("%d requests were sent", sent)
			}
		})
	}
}

func TestCallOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.Silence())
		client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}}})
		op := createThing
		op.Idempotent = true
		req, err := client.NewRequest(t.Context(), op, nil)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = client.Do(req, op, nil, ada.WithAttemptTimeout(2*time.Second), ada.WithRetry(ada.RetryPolicy{MaxAttempts: 2, FirstBackoff: 1}))
		wantIs(t, err)
		if d := time.Since(start); d < 4*time.Second || d > 4*time.Second+2 {
			t.Errorf("two attempts of 2s took %s", d)
		}
		_, err = client.Do(req, op, nil, ada.WithAttemptTimeout(0), ada.WithRetry(ada.RetryPolicy{MaxAttempts: -2}))
		wantFaults(t, err, ada.Fault{Field: "WithAttemptTimeout", Reason: "is not positive"}, ada.Fault{Field: "WithRetry.MaxAttempts", Reason: "is negative"})
	})
}

func TestTimeoutOfAnOperation(t *testing.T) {
	tests := []struct {
		name              string
		operation, config time.Duration
		client            time.Duration
		want              time.Duration
	}{
		{"the default", 0, 0, 0, 30 * time.Second},
		{"the operation's", 2 * time.Minute, 0, 0, 2 * time.Minute},
		{"the configuration's", 2 * time.Minute, 40 * time.Second, 0, 40 * time.Second},
		{"the caller's client's", 2 * time.Minute, 0, time.Minute, time.Minute},
		{"the client's, which is longer", 0, 0, time.Minute, 30 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := faults.New(t, faults.Silence())
				client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{
					Client: &http.Client{Transport: n.Transport(), Timeout: tt.client}, AttemptTimeout: tt.config,
				}})
				op := createThing
				op.AttemptTimeout = tt.operation
				req, err := client.NewRequest(t.Context(), op, nil)
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				_, err = client.Do(req, op, nil)
				wantIs(t, err, ada.ErrOutcomeUnknown)
				if d := time.Since(start); d != tt.want {
					t.Errorf("it took %s, want %s", d, tt.want)
				}
			})
		})
	}
}

func TestMaxResponse(t *testing.T) {
	tests := []struct {
		operation, config int64
		want              int
	}{
		{0, 0, 10 << 20},
		{0, 1000, 1000},
		{20 << 20, 0, 20 << 20},
		{20 << 20, 1000, 20 << 20},
		{1000, 2000, 2000},
	}
	for _, tt := range tests {
		for _, over := range []int{0, 1} {
			t.Run(fmt.Sprintf("%d and %d, %d over", tt.operation, tt.config, over), func(t *testing.T) {
				body := `"` + strings.Repeat("x", tt.want-2+over) + `"`
				n := faults.New(t, faults.Answer(faults.Say(200, body)))
				client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}, MaxResponse: tt.config}})
				op := ada.Operation{Name: "things.Get", Method: http.MethodGet, Route: "/api/v2/things/", MaxResponse: tt.operation}
				var whole string
				length := 0
				for _, out := range []any{&whole, ada.Stream(func(r io.Reader) error {
					n, err := io.Copy(io.Discard, r)
					length = int(n)
					return err
				})} {
					req, err := client.NewRequest(t.Context(), op, nil)
					if err != nil {
						t.Fatal(err)
					}
					_, err = client.Do(req, op, out)
					if over == 0 {
						if err != nil {
							t.Error(err)
						}
						continue
					}
					wantIs(t, err, ada.ErrAnswer)
				}
				if over == 0 && (len(whole) != tt.want-2 || length != tt.want) {
					t.Errorf("read %d and %d bytes, want %d", len(whole)+2, length, tt.want)
				}
				if got := len(n.Requests()); got != 2 {
					t.Errorf("%d requests, want 2: a body that is too long comes again", got)
				}
			})
		}
	}
}

func TestStream(t *testing.T) {
	op := ada.Operation{Name: "things.Get", Method: http.MethodGet, Route: "/api/v2/things/"}
	tests := []struct {
		name  string
		steps []faults.Step
		judge func(string) error // of what was read
		want  []string           // what was read, each time
		is    []error
		fault ada.Fault
	}{
		{name: "an answer", steps: []faults.Step{faults.Answer(faults.Say(200, "all of it"))}, want: []string{"all of it"}},
		{
			name: "cut short, then whole",
			steps: []faults.Step{
				faults.Answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall"), faults.Answer(faults.Say(200, "all of it")),
			},
			want: []string{"all", "all of it"},
		},
		{name: "an error first", steps: []faults.Step{faults.Answer(faults.Say(503, "no")), faults.Answer(faults.Say(200, "yes"))}, want: []string{"yes"}},
		{name: "an error", steps: []faults.Step{faults.Answer(faults.Say(404, "no"))}, is: []error{ada.ErrNotFound}},
		{
			name: "text that is no JSON, then JSON", steps: []faults.Step{faults.Answer(faults.Say(200, "<html>")), faults.Answer(faults.Say(200, "{}"))},
			judge: func(s string) error { return json.Unmarshal([]byte(s), new(any)) }, want: []string{"<html>", "{}"},
		},
		{
			name: "an answer that makes no sense", steps: []faults.Step{faults.Answer(faults.Say(200, "{}"))},
			judge: func(string) error { return ada.Fault{Field: "data", Reason: "is missing"} }, want: []string{"{}"},
			is: []error{ada.ErrAnswer}, fault: ada.Fault{Field: "data", Reason: "is missing"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := faults.New(t, tt.steps...)
				client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}}})
				req, err := client.NewRequest(t.Context(), op, nil)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				_, err = client.Do(req, op, ada.Stream(func(body io.Reader) error {
					b, err := io.ReadAll(body)
					got = append(got, string(b))
					if err == nil && tt.judge != nil {
						err = tt.judge(string(b))
					}
					return err
				}))
				if len(tt.is) == 0 && err != nil {
					t.Error(err)
				}
				if len(tt.is) > 0 {
					wantIs(t, err, tt.is...)
				}
				var e *ada.Error
				if tt.fault != (ada.Fault{}) && (!errors.As(err, &e) || !cmp.Equal(e.Faults, []ada.Fault{tt.fault})) {
					t.Errorf("got %v, want the fault %v", err, tt.fault)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("read (-want +got)\n%s", diff)
				}
			})
		})
	}
	client := newClient(t, ada.Config{})
	req, err := client.NewRequest(t.Context(), op, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Do(req, op, ada.Stream(nil))
	wantFaults(t, err, ada.Fault{Field: "out", Reason: "is no pointer to decode into"})
}

func TestUsedUpDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.Answer(faults.Say(200, "{}")))
		client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}}})
		op := createThing
		op.Pace = ada.Pace{Family: "things", PerDay: 2}
		do(t, client, op, nil)
		do(t, client, op, nil)
		req, err := client.NewRequest(t.Context(), op, nil)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = client.Do(req, op, nil)
		wantIs(t, err, ada.ErrRateLimited)
		var e *ada.Error
		if !errors.As(err, &e) || e.RetryAfter != 24*time.Hour || !ada.Retryable(err) || err.Error() != "things.Create: the limit of the day is used up: retry after 24h0m0s" {
			t.Errorf("got %v", err)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("it took %s to find out", d)
		}
		if got := len(n.Requests()); got != 2 {
			t.Errorf("%d requests, want 2", got)
		}
	})
}

func TestTimeoutOfTheCallersClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.Silence())
		client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport(), Timeout: time.Second}}})
		req, err := client.NewRequest(t.Context(), createThing, nil)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = client.Do(req, createThing, nil)
		wantIs(t, err, ada.ErrOutcomeUnknown)
		if d := time.Since(start); d != time.Second {
			t.Errorf("it took %s, want 1s", d)
		}
	})
}

func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type contextKey struct{}
		n := faults.New(t, faults.Answer(faults.Say(503, "", "Retry-After: 5")), faults.HangUp(), faults.Answer(faults.Say(200, "{}")))
		var got []string
		note := func(what string) func(context.Context, ada.Attempt) {
			return func(ctx context.Context, a ada.Attempt) {
				got = append(got, fmt.Sprintf("%s %s %s %s #%d paced %s, %d, again %t, %v, %v", what, a.Operation, a.Method, a.Route, a.Number,
					a.Paced.Round(time.Millisecond), a.StatusCode, a.RetryIn > 0, a.Err, ctx.Value(contextKey{})))
			}
		}
		op := createThing
		op.Idempotent, op.Pace = true, ada.Pace{PerSecond: 1}
		client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{
			Client: &http.Client{Transport: n.Transport()},
			Hooks:  ada.Hooks{Start: note("start"), Done: note("done")},
			Retry:  ada.RetryPolicy{FirstBackoff: 1},
		}})
		req, err := client.NewRequest(context.WithValue(t.Context(), contextKey{}, "mine"), op, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Do(req, op, nil); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"start things.Create POST /api/v2/things/ #1 paced 0s, 0, again false, <nil>, mine",
			"done things.Create POST /api/v2/things/ #1 paced 0s, 503, again true, things.Create: POST /api/v2/things/: 503 Service Unavailable: retry after 5s, mine",
			"start things.Create POST /api/v2/things/ #2 paced 0s, 0, again false, <nil>, mine",
			"done things.Create POST /api/v2/things/ #2 paced 0s, 0, again true, things.Create: POST /api/v2/things/: no answer: the connection failed: after 2 attempts, mine",
			"start things.Create POST /api/v2/things/ #3 paced 1s, 0, again false, <nil>, mine",
			"done things.Create POST /api/v2/things/ #3 paced 0s, 200, again false, <nil>, mine",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// Many goroutines on one client, for the race detector.
func TestConcurrentUse(t *testing.T) {
	const updates = 200 // each answer has all that came before it
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
		client := srv.Client()
		users := endusers.New(client)
		id := srv.AddEndUser(adatest.EndUser{InConversation: true})
		var wg sync.WaitGroup
		for i := range updates {
			wg.Go(func() {
				_, err := users.Update(t.Context(), id, endusers.Update{Metadata: ada.Set(map[string]any{fmt.Sprint("k", i): i})})
				if err != nil {
					t.Error(err)
				}
				_ = fmt.Sprint(client)
			})
		}
		wg.Wait()
		u, _ := srv.EndUser(id)
		if m := u.Profile["metadata"].(map[string]any); len(m) != updates {
			t.Errorf("%d of %d updates arrived", len(m), updates)
		}
	})
}
