package webhooks_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/webhooks"
	"github.com/google/go-cmp/cmp"
)

const (
	secretA = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secretB = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

	updated = `{"type":"v1.end_user.updated","timestamp":"2024-01-17T22:23:35.835","data":{"end_user_id":"eu1"}}`
)

func newVerifier(t testing.TB, secret string, more ...string) *webhooks.Verifier {
	t.Helper()
	v, err := webhooks.NewVerifier(secret, more...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

type (
	user = webhooks.Event[webhooks.EndUserUpdated]
	raw  = webhooks.Event[json.RawMessage]
)

// newMux returns a mux with a handler for updated end users. The verifier of an empty config is that of secretA.
func newMux(t testing.TB, c webhooks.Config, handler func(context.Context, user) error) *webhooks.Mux {
	t.Helper()
	if c.Verifier == nil {
		c.Verifier = newVerifier(t, secretA)
	}
	mux := webhooks.NewMux(c)
	webhooks.Handle(mux, handler)
	return mux
}

// serve gives a delivery to a handler, and returns the status of the answer.
func serve(h http.Handler, header http.Header, body string) int {
	return serveContext(context.Background(), h, header, body)
}

func serveContext(ctx context.Context, h http.Handler, header http.Header, body string) int {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(body))
	r.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// deliver serves updated, signed now, under an id.
func deliver(t testing.TB, h http.Handler, id string) int {
	t.Helper()
	return serve(h, newVerifier(t, secretA).Sign(id, time.Now(), []byte(updated)), updated)
}

// post sends a delivery over HTTP, and returns the answer and its body.
func post(t *testing.T, url string, header http.Header, body io.Reader) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(answer)
}

// scriptedStore is a store whose calls fail on demand.
type scriptedStore struct {
	webhooks.MemoryStore
	claim, commit, release error
	state                  webhooks.State // answered by Claim instead, unless it is zero

	mu    sync.Mutex
	calls []string
}

func (s *scriptedStore) note(ctx context.Context, call, id string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 5*time.Second {
		call += " without a deadline"
	}
	if ctx.Err() != nil {
		call += " too late"
	}
	s.calls = append(s.calls, call+" "+id)
	return err
}

func (s *scriptedStore) Claim(ctx context.Context, id string) (webhooks.State, error) {
	if err := s.note(ctx, "claim", id, s.claim); err != nil || s.state != 0 {
		return s.state, err
	}
	return s.MemoryStore.Claim(ctx, id)
}

func (s *scriptedStore) Commit(ctx context.Context, id string) error {
	if err := s.note(ctx, "commit", id, s.commit); err != nil {
		return err
	}
	return s.MemoryStore.Commit(ctx, id)
}

func (s *scriptedStore) Release(ctx context.Context, id string) error {
	if err := s.note(ctx, "release", id, s.release); err != nil {
		return err
	}
	return s.MemoryStore.Release(ctx, id)
}

// Every answer, over HTTP.
func TestAnswers(t *testing.T) {
	const id = "msg_1"
	now := time.Now()
	sign := func(body string) http.Header { return newVerifier(t, secretA).Sign(id, now, []byte(body)) }
	without := func(name string) http.Header {
		h := sign(updated)
		h.Del(name)
		return h
	}
	standard := http.Header{}
	for name, values := range sign(updated) {
		standard[strings.Replace(name, "Svix", "Webhook", 1)] = values
	}
	down := errors.New("store is down")
	done := []string{"claim msg_1", "commit msg_1"}
	failed := []string{"claim msg_1", "release msg_1"}
	const malformed = `{"type":`
	tests := []struct {
		name   string
		header http.Header
		body   string
		want   int
		calls  int      // of the handler
		store  []string // its calls

		unverified bool // there is no verifier
		fallback   bool
		handler    func() error
		scripted   scriptedStore
	}{
		{name: "handled", header: sign(updated), body: updated, want: 200, calls: 1, store: done},
		{name: "webhook- headers", header: standard, body: updated, want: 200, calls: 1, store: done},
		{name: "no headers", header: nil, body: updated, want: 400},
		{name: "no id", header: without("Svix-Id"), body: updated, want: 400},
		{name: "no timestamp", header: without("Svix-Timestamp"), body: updated, want: 400},
		{name: "no signature", header: without("Svix-Signature"), body: updated, want: 400},
		{name: "another secret", header: newVerifier(t, secretB).Sign(id, now, []byte(updated)), body: updated, want: 401},
		{name: "another body", header: sign(updated + " "), body: updated, want: 401},
		{name: "too old", header: newVerifier(t, secretA).Sign(id, now.Add(-6*time.Minute), []byte(updated)), body: updated, want: 401},
		{name: "too new", header: newVerifier(t, secretA).Sign(id, now.Add(6*time.Minute), []byte(updated)), body: updated, want: 401},
		{name: "unsigned and malformed", header: sign(updated), body: malformed, want: 401},
		{name: "malformed", header: sign(malformed), body: malformed, want: 400},
		{name: "malformed, with a fallback", header: sign(malformed), body: malformed, want: 400, fallback: true},
		{name: "empty", header: sign(""), body: "", want: 400},
		{name: "no type", header: sign(`{"data":{}}`), body: `{"data":{}}`, want: 400, fallback: true},
		{name: "no UTF-8", header: sign("\xff\xfe\x00"), body: "\xff\xfe\x00", want: 400},
		{name: "no data", header: sign(`{"type":"v1.end_user.updated"}`), body: `{"type":"v1.end_user.updated"}`, want: 400},
		{name: "unknown type", header: sign(`{"type":"v9.new"}`), body: `{"type":"v9.new"}`, want: 200},
		{name: "unknown type, with a fallback", header: sign(`{"type":"v9.new"}`), body: `{"type":"v9.new"}`, want: 200, fallback: true, calls: 1, store: done},
		{name: "known type, with a fallback", header: sign(updated), body: updated, want: 200, fallback: true, calls: 1, store: done},
		{name: "no verifier", header: sign(updated), body: updated, want: 500, unverified: true},
		{name: "error", header: sign(updated), body: updated, want: 500, calls: 1, store: failed, handler: func() error { return errors.New("no") }},
		{name: "panic", header: sign(updated), body: updated, want: 500, calls: 1, store: failed, handler: func() error { panic("no") }},
		{name: "panic(nil)", header: sign(updated), body: updated, want: 500, calls: 1, store: failed, handler: func() error { panic(nil) }},
		{name: "store down", header: sign(updated), body: updated, want: 500, store: done[:1], scripted: scriptedStore{claim: down}},
		{name: "store forgets", header: sign(updated), body: updated, want: 200, calls: 1, store: done, scripted: scriptedStore{commit: down}},
		{name: "store does not release", header: sign(updated), body: updated, want: 500, calls: 1, store: failed, handler: func() error { return errors.New("no") }, scripted: scriptedStore{release: down}},
		{name: "panic, store does not release", header: sign(updated), body: updated, want: 500, calls: 1, store: failed, handler: func() error { panic("no") }, scripted: scriptedStore{release: down}},
		{name: "handled before", header: sign(updated), body: updated, want: 200, store: done[:1], scripted: scriptedStore{state: webhooks.Handled}},
		{name: "in progress elsewhere", header: sign(updated), body: updated, want: 503, store: done[:1], scripted: scriptedStore{state: webhooks.InProgress}},
		{name: "no known state", header: sign(updated), body: updated, want: 503, store: done[:1], scripted: scriptedStore{state: 99}},
	}
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			handle := func(id, typ string) error {
				calls++
				if id != "msg_1" || !strings.HasPrefix(typ, "v") {
					t.Errorf("got %s, %s", id, typ)
				}
				if tt.handler == nil {
					return nil
				}
				return tt.handler()
			}
			config := webhooks.Config{Verifier: newVerifier(t, secretA), Store: &tt.scripted}
			if tt.unverified {
				config.Verifier = nil
			}
			mux := webhooks.NewMux(config)
			webhooks.Handle(mux, func(_ context.Context, e user) error { return handle(e.ID, e.Type) })
			if tt.fallback {
				mux.Fallback(func(_ context.Context, e raw) error { return handle(e.ID, e.Type) })
			}
			srv := httptest.NewServer(mux)
			defer srv.Close()
			res, body := post(t, srv.URL, tt.header, strings.NewReader(tt.body))
			want := ""
			if tt.want != 200 {
				want = http.StatusText(tt.want) + "\n"
			}
			if res.StatusCode != tt.want || body != want || calls != tt.calls {
				t.Errorf("got %d, %q, and %d calls, want %d, %q, and %d", res.StatusCode, body, calls, tt.want, want, tt.calls)
			}
			if diff := cmp.Diff(tt.store, tt.scripted.calls); diff != "" {
				t.Errorf("calls of the store (-want +got)\n%s", diff)
			}
		})
	}
}

func TestMethods(t *testing.T) {
	mux := newMux(t, webhooks.Config{}, func(context.Context, user) error { panic("handled") })
	refusing := webhooks.NewMux(webhooks.Config{})
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW", "post"} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(updated))
		r.Header = newVerifier(t, secretA).Sign("msg_1", time.Now(), []byte(updated))
		r.Method = method
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != 405 || w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: %d, Allow: %s", method, w.Code, w.Header().Get("Allow"))
		}
		w = httptest.NewRecorder()
		refusing.ServeHTTP(w, r)
		if w.Code != 500 {
			t.Errorf("%s without a verifier: %d", method, w.Code)
		}
	}
}

// Without a verifier that was made from a secret, nothing is accepted.
func TestNoVerifier(t *testing.T) {
	called := false
	handler := func(context.Context, user) error { called = true; return nil }
	zero := new(webhooks.Mux)
	webhooks.Handle(zero, handler)
	none := webhooks.NewMux(webhooks.Config{Logger: slog.New(slog.DiscardHandler)})
	webhooks.Handle(none, handler)
	empty := newMux(t, webhooks.Config{Verifier: new(webhooks.Verifier)}, handler)
	for _, mux := range []*webhooks.Mux{zero, none, empty} {
		if status := deliver(t, mux, "msg_1"); status != 500 || called {
			t.Errorf("%d, called: %t", status, called)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	for _, tt := range []struct {
		max  int64
		size int
		want int
	}{
		{0, 1 << 20, 200},
		{0, 1<<20 + 1, 413},
		{0, 5 << 20, 413},
		{-1, 1 << 20, 200},
		{-1, 1<<20 + 1, 413},
		{200, 200, 200},
		{200, 201, 413},
		{2 << 20, 2 << 20, 200},
	} {
		calls := 0
		mux := newMux(t, webhooks.Config{MaxBody: tt.max}, func(context.Context, user) error { calls++; return nil })
		// The client of a server that stops reading may fail to send the rest, and so see no answer: 1 byte does not
		// matter, and for more there is a recorder.
		body := updated + strings.Repeat(" ", tt.size-len(updated))
		header := newVerifier(t, secretA).Sign("msg_1", time.Now(), []byte(body))
		if status := serve(mux, header, body); status != tt.want {
			t.Errorf("%d of %d bytes: %d, want %d", tt.size, tt.max, status, tt.want)
		}
		if tt.size > 2<<20 {
			continue
		}
		srv := httptest.NewServer(mux)
		for _, r := range []io.Reader{
			strings.NewReader(body),
			io.MultiReader(strings.NewReader(body)), // of unknown length: chunked
		} {
			if res, _ := post(t, srv.URL, header, r); res.StatusCode != tt.want {
				t.Errorf("%d of %d bytes: %d, want %d", tt.size, tt.max, res.StatusCode, tt.want)
			}
		}
		srv.Close()
		if want := 1; tt.want == 200 && calls != want || tt.want != 200 && calls != 0 {
			t.Errorf("%d of %d bytes: handled %d times", tt.size, tt.max, calls)
		}
	}
}

// A length that is only claimed costs no memory.
func TestClaimedLength(t *testing.T) {
	mux := newMux(t, webhooks.Config{MaxBody: 1 << 40}, func(context.Context, user) error { return nil })
	r := httptest.NewRequest("POST", "/", strings.NewReader("x"))
	r.ContentLength = 1 << 40
	r.Header = http.Header{}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; w.Code != 400 || n > 1<<20 {
		t.Errorf("%d, %d bytes allocated", w.Code, n)
	}
	r.Body = nil // as some adapters leave it
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if w.Code != 400 {
		t.Errorf("without a body: %d", w.Code)
	}
}

// A sender that is too slow runs into the ReadTimeout of the server, and one that goes away is no delivery.
func TestSlowBody(t *testing.T) {
	var served atomic.Int32
	mux := newMux(t, webhooks.Config{MaxBody: 64}, func(context.Context, user) error { panic("handled") })
	done := make(chan struct{}, 1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		mux.ServeHTTP(w, r)
		done <- struct{}{}
	}))
	srv.Config.ReadTimeout = 200 * time.Millisecond
	srv.Start()
	defer srv.Close()
	dial := func(send string) net.Conn {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, send); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	status := func(conn net.Conn) int {
		defer conn.Close()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n"
	if got := status(dial(head + "slow")); got != 400 {
		t.Errorf("too slow: %d", got)
	}
	<-done
	dial(head + "gone").Close()
	<-done
	// What is too long is refused as soon as it is, and not when it ends.
	conn := dial("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	for range 65 {
		if _, err := io.WriteString(conn, "1\r\nx\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	if got := status(conn); got != 413 {
		t.Errorf("too long: %d", got)
	}
	<-done
	if served.Load() != 3 {
		t.Errorf("%d requests", served.Load())
	}
}

func TestMuxRotation(t *testing.T) {
	a, b := newVerifier(t, secretA), newVerifier(t, secretB)
	now := time.Now()
	both := a.Sign("msg_both", now, []byte(updated))
	both.Set("Svix-Signature", both.Get("Svix-Signature")+" "+b.Sign("msg_both", now, []byte(updated)).Get("Svix-Signature"))
	signed := func(v *webhooks.Verifier, id string) http.Header { return v.Sign(id, now, []byte(updated)) }
	for _, tt := range []struct {
		name          string
		verifier      *webhooks.Verifier
		old, new, all int
	}{
		{"before", a, 200, 401, 200},
		{"overlap", newVerifier(t, secretB, secretA), 200, 200, 200},
		{"after", b, 401, 200, 200},
	} {
		mux := newMux(t, webhooks.Config{Verifier: tt.verifier}, func(context.Context, user) error { return nil })
		o, n, all := serve(mux, signed(a, "msg_a"), updated), serve(mux, signed(b, "msg_b"), updated), serve(mux, both, updated)
		if o != tt.old || n != tt.new || all != tt.all {
			t.Errorf("%s: old %d, new %d, both %d", tt.name, o, n, all)
		}
	}
}

// Of 100 deliveries of one event at the same time, one is handled.
func TestConcurrentDeliveries(t *testing.T) {
	var calls atomic.Int32
	running, finish := make(chan struct{}), make(chan struct{})
	mux := newMux(t, webhooks.Config{}, func(context.Context, user) error {
		if calls.Add(1) == 1 {
			close(running)
		}
		<-finish
		return nil
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	header := newVerifier(t, secretA).Sign("msg_1", time.Now(), []byte(updated))
	statuses := make(chan int, 100)
	for range 100 {
		go func() {
			r, _ := http.NewRequestWithContext(t.Context(), "POST", srv.URL, strings.NewReader(updated))
			r.Header = header.Clone()
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				statuses <- 0
				return
			}
			res.Body.Close()
			statuses <- res.StatusCode
		}()
	}
	<-running
	for range 99 { // all but the one that is being handled are told to come back
		if status := <-statuses; status != 503 {
			t.Errorf("in progress: %d", status)
		}
	}
	close(finish)
	if status := <-statuses; status != 200 {
		t.Errorf("handled: %d", status)
	}
	if status := deliver(t, mux, "msg_1"); status != 200 || calls.Load() != 1 {
		t.Errorf("afterwards: %d, handled %d times", status, calls.Load())
	}
	if status := deliver(t, mux, "msg_2"); status != 200 || calls.Load() != 2 {
		t.Errorf("another event: %d, handled %d times", status, calls.Load())
	}
}

// What fails is handled again, and what succeeded is not, for 8 days.
func TestRedelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outcomes := []func() error{
			func() error { return errors.New("no") },
			func() error { panic("no") },
			func() error { return context.Canceled },
			func() error { panic(http.ErrAbortHandler) },
			func() error { return nil },
		}
		calls := 0
		mux := newMux(t, webhooks.Config{}, func(context.Context, user) error {
			calls++
			return outcomes[min(calls, len(outcomes))-1]()
		})
		// The schedule on which Ada tries again.
		for i, wait := range []time.Duration{0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour} {
			time.Sleep(wait)
			status := 0
			aborted := panicValue(func() { status = deliver(t, mux, "msg_1") })
			want, wantAborted := 500, any(nil)
			switch i {
			case 3:
				want, wantAborted = 0, http.ErrAbortHandler
			case 4:
				want = 200
			}
			if status != want || aborted != wantAborted || calls != i+1 {
				t.Errorf("delivery %d: %d, panic %v, handled %d times", i, status, aborted, calls)
			}
		}
		for range 7 {
			time.Sleep(24 * time.Hour)
			if status := deliver(t, mux, "msg_1"); status != 200 || calls != 5 {
				t.Errorf("again: %d, handled %d times", status, calls)
			}
		}
		time.Sleep(24 * time.Hour)
		if status := deliver(t, mux, "msg_1"); status != 200 || calls != 6 {
			t.Errorf("after 8 days: %d, handled %d times", status, calls)
		}
	})
}

func panicValue(f func()) (p any) {
	defer func() { p = recover() }()
	f()
	return nil
}

// A sender that gives up ends the context of the handler, and the event is handled again.
func TestSenderGoesAway(t *testing.T) {
	store := new(scriptedStore)
	started, ended := make(chan struct{}), make(chan error, 1)
	calls := 0
	mux := newMux(t, webhooks.Config{Store: store}, func(ctx context.Context, _ user) error {
		if calls++; calls > 1 {
			return nil
		}
		close(started)
		<-ctx.Done()
		return ctx.Err()
	})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r)
		ended <- r.Context().Err()
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "POST", srv.URL, strings.NewReader(updated))
	r.Header = newVerifier(t, secretA).Sign("msg_1", time.Now(), []byte(updated))
	go func() {
		<-started
		cancel()
	}()
	if res, err := http.DefaultClient.Do(r); err == nil {
		res.Body.Close()
		t.Error(res.Status)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if status := deliver(t, mux, "msg_1"); status != 200 || calls != 2 {
		t.Errorf("again: %d, handled %d times", status, calls)
	}
	want := []string{"claim msg_1", "release msg_1", "claim msg_1", "commit msg_1"}
	if !slices.Equal(store.calls, want) {
		t.Errorf("calls of the store: %q", store.calls)
	}
}

// A handler that succeeds although its context has ended has succeeded. One whose context ended before is not called.
func TestEndedContext(t *testing.T) {
	store := new(scriptedStore)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	mux := newMux(t, webhooks.Config{Store: store}, func(context.Context, user) error {
		calls++
		cancel()
		return nil
	})
	header := newVerifier(t, secretA).Sign("msg_1", time.Now(), []byte(updated))
	if status := serveContext(ctx, mux, header, updated); status != 200 || calls != 1 {
		t.Errorf("%d, handled %d times", status, calls)
	}
	header = newVerifier(t, secretA).Sign("msg_2", time.Now(), []byte(updated))
	if status := serveContext(ctx, mux, header, updated); status != 500 || calls != 1 {
		t.Errorf("%d, handled %d times", status, calls)
	}
	want := []string{"claim msg_1", "commit msg_1", "claim too late msg_2"}
	if !slices.Equal(store.calls, want) {
		t.Errorf("calls of the store: %q", store.calls)
	}
}

// A handler that ends its goroutine, as t.FailNow does, releases the event.
func TestGoexit(t *testing.T) {
	store := new(scriptedStore)
	mux := newMux(t, webhooks.Config{Store: store}, func(context.Context, user) error {
		runtime.Goexit()
		return nil
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		deliver(t, mux, "msg_1")
	}()
	<-done
	if want := []string{"claim msg_1", "release msg_1"}; !slices.Equal(store.calls, want) {
		t.Errorf("calls of the store: %q", store.calls)
	}
}

// A store that hangs is given up within the time in which Ada waits for an answer.
func TestHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			hang string
			want int
			took time.Duration
		}{{"claim", 500, 5 * time.Second}, {"commit", 200, 5 * time.Second}} {
			mux := newMux(t, webhooks.Config{Store: hangingStore(tt.hang)}, func(context.Context, user) error { return nil })
			start := time.Now()
			if status := deliver(t, mux, "msg_1"); status != tt.want || time.Since(start) != tt.took {
				t.Errorf("%s: %d after %s", tt.hang, status, time.Since(start))
			}
		}
	})
}

type hangingStore string // the call that hangs

func (s hangingStore) wait(ctx context.Context, call string) error {
	if call != string(s) {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s hangingStore) Claim(ctx context.Context, _ string) (webhooks.State, error) {
	return webhooks.Claimed, s.wait(ctx, "claim")
}
func (s hangingStore) Commit(ctx context.Context, _ string) error  { return s.wait(ctx, "commit") }
func (s hangingStore) Release(ctx context.Context, _ string) error { return s.wait(ctx, "release") }

// Deliveries are refused while the clock is 10 minutes off, and are lost or handled twice by none of it.
func TestClockJump(t *testing.T) {
	for _, jump := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			var off time.Duration
			calls := 0
			mux := newMux(t, webhooks.Config{
				Verifier: newVerifier(t, secretA).WithClock(func() time.Time { return time.Now().Add(off) }),
			}, func(context.Context, user) error { calls++; return nil })
			for i, step := range []struct {
				off   time.Duration
				id    string
				want  int
				calls int
			}{
				{0, "msg_1", 200, 1},
				{jump, "msg_1", 401, 1},
				{jump, "msg_2", 401, 1},
				{0, "msg_2", 200, 2},
				{0, "msg_1", 200, 2},
				{jump / 2, "msg_3", 200, 3},
				{jump / 2, "msg_1", 200, 3},
			} {
				off = step.off
				if status := deliver(t, mux, step.id); status != step.want || calls != step.calls {
					t.Errorf("%s, step %d: %d, handled %d times", jump, i, status, calls)
				}
			}
		})
	}
}

// Each payload is handled under all its types, and the type tells which one it was.
func TestTypes(t *testing.T) {
	mux := webhooks.NewMux(webhooks.Config{Verifier: newVerifier(t, secretA)})
	var got []string
	register[webhooks.EndUserCreated](mux, &got)
	register[webhooks.EndUserUpdated](mux, &got)
	register[webhooks.ConversationCreated](mux, &got)
	register[webhooks.ConversationMessage](mux, &got)
	register[webhooks.ConversationEnded](mux, &got)
	register[webhooks.ConversationHandoffEnded](mux, &got)
	register[webhooks.AuditLogEmitted](mux, &got)
	register[webhooks.ProactiveCall](mux, &got)
	register[custom](mux, &got)
	mux.Fallback(func(_ context.Context, e raw) error {
		got = append(got, "fallback "+e.Type+" "+string(e.Data))
		return nil
	})
	want := []string{
		"webhooks.EndUserCreated v1.end_user.created",
		"webhooks.EndUserUpdated v1.end_user.updated",
		"webhooks.ConversationCreated v1.conversation.created",
		"webhooks.ConversationMessage v1.conversation.message",
		"webhooks.ConversationEnded v1.conversation.ended",
		"webhooks.ConversationHandoffEnded v1.conversation.handoff.ended",
		"webhooks.AuditLogEmitted v1.audit_log.emitted",
		"webhooks.ProactiveCall v1.proactive_call.queued",
		"webhooks.ProactiveCall v1.proactive_call.initiated",
		"webhooks.ProactiveCall v1.proactive_call.answered",
		"webhooks.ProactiveCall v1.proactive_call.machine_detected",
		"webhooks.ProactiveCall v1.proactive_call.failed",
		"webhooks_test.custom v1.ticket.created",
		`fallback v1.conversation.handoff.begun {"n":123456789012345678901}`,
		"fallback V1.END_USER.CREATED {}",
	}
	for i, w := range want {
		typ := strings.Fields(w)[1]
		body := `{"type":"` + typ + `","data":{}}`
		if strings.Contains(w, "begun") {
			body = `{"type":"` + typ + `","data":{"n":123456789012345678901}}`
		}
		header := newVerifier(t, secretA).Sign(fmt.Sprint("msg_", i), time.Now(), []byte(body))
		if status := serve(mux, header, body); status != 200 {
			t.Errorf("%s: %d", typ, status)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// custom is a payload that the package does not have.
type custom struct {
	TicketID string `json:"ticket_id"`
}

func (custom) EventTypes() []string { return []string{"v1.ticket.created"} }

func register[T webhooks.Payload](mux *webhooks.Mux, got *[]string) {
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[T]) error {
		*got = append(*got, strings.TrimPrefix(fmt.Sprintf("%T", &e.Data), "*")+" "+e.Type)
		return nil
	})
}

type typeless struct{}

func (typeless) EventTypes() []string { return nil }

type blank struct{}

func (blank) EventTypes() []string { return []string{""} }

func TestRegistration(t *testing.T) {
	mux := newMux(t, webhooks.Config{}, func(context.Context, user) error { return nil })
	mux.Fallback(func(context.Context, raw) error { return nil })
	for want, f := range map[string]func(){
		"webhooks: two handlers for v1.end_user.updated": func() {
			webhooks.Handle(mux, func(context.Context, user) error { return nil })
		},
		"webhooks: two fallbacks": func() { mux.Fallback(func(context.Context, raw) error { return nil }) },
		"webhooks: nil handler":   func() { webhooks.Handle[webhooks.EndUserCreated](mux, nil) },
		"webhooks: nil fallback":  func() { mux.Fallback(nil) },
		"webhooks: webhooks_test.typeless has no event type": func() {
			webhooks.Handle(mux, func(context.Context, webhooks.Event[typeless]) error { return nil })
		},
		"webhooks: webhooks_test.blank has no event type": func() {
			webhooks.Handle(mux, func(context.Context, webhooks.Event[blank]) error { return nil })
		},
	} {
		if got := panicValue(f); got != want {
			t.Errorf("panics with %v, want %s", got, want)
		}
	}
}

// Handlers can be registered while others run.
func TestLateRegistration(t *testing.T) {
	mux := newMux(t, webhooks.Config{}, func(context.Context, user) error { return nil })
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if status := deliver(t, mux, fmt.Sprint("msg_", i)); status != 200 {
				t.Error(status)
			}
		})
	}
	webhooks.Handle(mux, func(context.Context, webhooks.Event[webhooks.EndUserCreated]) error { return nil })
	mux.Fallback(func(context.Context, raw) error { return nil })
	wg.Wait()
}

// Nothing of a body, of a secret, of a signature, of an error or of a panic is in a log or an answer.
func TestCanary(t *testing.T) {
	const body = `{"type":"v1.end_user.updated","tags":["` + canary + `"],"data":{"end_user_id":"` + canary + `","profile":{"email":"` + canary + `"}}}`
	signed := func(v *webhooks.Verifier, id, body string) http.Header { return v.Sign(id, time.Now(), []byte(body)) }
	verifier := newVerifier(t, secretA)
	mismatch := strings.Replace(body, `"`+canary+`"}}`, `14165551234}}`, 1)
	broken := strings.TrimSuffix(body, "}")
	unknown := strings.Replace(body, "updated", "dreamed", 1)
	spaced := body + strings.Repeat(" ", 1<<20)
	var records, answers strings.Builder
	statuses := map[int]bool{}
	for _, json := range []bool{false, true} {
		options := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
		logger := slog.New(slog.NewTextHandler(&records, options))
		if json {
			logger = slog.New(slog.NewJSONHandler(&records, options))
		}
		var outcome func(e user) error
		store := &scriptedStore{}
		mux := newMux(t, webhooks.Config{Logger: logger, Store: store}, func(_ context.Context, e user) error {
			if e.Data.ID != canary {
				t.Error("the handler does not see the event")
			}
			return outcome(e)
		})
		refusing := webhooks.NewMux(webhooks.Config{Logger: logger})
		send := func(h http.Handler, header http.Header, body string) {
			r := httptest.NewRequest("POST", "/"+canary+"?q="+canary, strings.NewReader(body))
			r.Header = header
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			statuses[w.Code] = true
			for name, values := range w.Result().Header {
				fmt.Fprintln(&answers, name, values)
			}
			answers.WriteString(w.Body.String())
		}
		for i, o := range []func(e user) error{
			func(user) error { return nil },
			func(e user) error { return fmt.Errorf("no such user: %s", e.Data.Profile.Email) },
			func(e user) error { panic(e.Data.ID) },
			func(e user) error { panic(fmt.Errorf("no such user: %s", e.Data.ID)) },
			func(e user) error { panic(e) },
			func(e user) error { panic(e.Data.EndUser) },
			func(e user) error { panic([]byte(e.Data.ID)) },
			func(e user) error { return map[string]func() error{}[e.Data.ID]() }, // of the runtime
			func(e user) error { _ = any(e.Data.ID).(error); return nil },        // of the runtime
		} {
			outcome = o
			send(mux, signed(verifier, fmt.Sprint("msg_", i), body), body)
		}
		outcome = func(user) error { return nil }
		send(mux, signed(newVerifier(t, secretB), "msg_x", body), body)
		send(mux, signed(verifier, canary+".", body), body)
		send(mux, http.Header{"Svix-Id": {canary}}, body)
		send(mux, signed(verifier, "msg_y", mismatch), mismatch)
		send(mux, signed(verifier, "msg_y", broken), broken)
		send(mux, signed(verifier, "msg_y", unknown), unknown)
		send(mux, signed(verifier, "msg_y", spaced), spaced)
		send(refusing, signed(verifier, "msg_y", body), body)
		for _, err := range []*error{&store.commit, &store.claim} {
			*err = errors.New("store is down")
			send(mux, signed(verifier, fmt.Sprintf("msg_%p", err), body), body)
		}
		store.claim, store.state = nil, webhooks.InProgress
		send(mux, signed(verifier, "msg_z", body), body)
	}
	for _, status := range []int{200, 400, 401, 413, 500, 503} {
		if !statuses[status] {
			t.Errorf("no answer is %d", status)
		}
	}
	secret := strings.TrimPrefix(secretA, "whsec_")
	for _, text := range []string{records.String(), answers.String()} {
		for _, leak := range []string{canary, secret, "14165551234", "v1,", "no such user"} {
			if strings.Contains(text, leak) {
				t.Errorf("%q is in\n%s", leak, text)
			}
		}
	}
	for _, want := range []string{
		"msg_1", "v1.end_user.updated", "*errors.errorString", "nil pointer dereference", "interface conversion", "store is down",
		"mux_test.go", "nobody handles this type", "webhooks: not verified",
	} {
		if !strings.Contains(records.String(), want) {
			t.Errorf("%q is not in\n%s", want, records.String())
		}
	}
}

// panicking is a payload of a user's whose decoder is broken.
type panicking struct{}

func (panicking) EventTypes() []string { return []string{"mine"} }

func (*panicking) UnmarshalJSON([]byte) error { panic("jane@example.com") }

// A decoder that panics is a failure like another, and its value is nobody's to read.
func TestDecoderThatPanics(t *testing.T) {
	var log bytes.Buffer
	verifier := newVerifier(t, secretA)
	mux := webhooks.NewMux(webhooks.Config{Verifier: verifier, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	webhooks.Handle(mux, func(context.Context, webhooks.Event[panicking]) error { return nil })
	const body = `{"type":"mine","data":{}}`
	if status := serve(mux, verifier.Sign("msg_1", time.Now(), []byte(body)), body); status != 500 {
		t.Errorf("the answer is %d, want 500", status)
	}
	if log.Len() == 0 || strings.Contains(log.String(), "jane") {
		t.Errorf("the log is %s", &log)
	}
}

// What stands in the place of an event type, but is none, is not logged.
func TestOddTypeIsNotLogged(t *testing.T) {
	verifier := newVerifier(t, secretA)
	for typ, want := range map[string]bool{"v1.end_user.merged": true, "jane@example.com": false, strings.Repeat("x", 65): false} {
		var log bytes.Buffer
		mux := webhooks.NewMux(webhooks.Config{Verifier: verifier, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		mux.Fallback(func(context.Context, raw) error { return errors.New("no") })
		body := fmt.Sprintf(`{"type":%q,"tags":"odd","data":{}}`, typ)
		if status := serve(mux, verifier.Sign("msg_1", time.Now(), []byte(body)), body); status != 500 {
			t.Errorf("%s: the answer is %d, want 500", typ, status)
		}
		if got := strings.Contains(log.String(), typ); got != want || log.Len() == 0 {
			t.Errorf("the log is %s", &log)
		}
	}
}

// pair is a payload of a user's for two event types.
type pair struct{}

func (pair) EventTypes() []string { return []string{"mine", webhooks.TypeEndUserUpdated} }

// A registration that is refused registers nothing.
func TestHandleRegistersAllOrNothing(t *testing.T) {
	verifier := newVerifier(t, secretA)
	mux := newMux(t, webhooks.Config{Verifier: verifier}, func(context.Context, user) error { return nil })
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a second handler was taken")
			}
		}()
		webhooks.Handle(mux, func(context.Context, webhooks.Event[pair]) error { return errors.New("registered") })
	}()
	const body = `{"type":"mine","data":{}}`
	if status := serve(mux, verifier.Sign("msg_1", time.Now(), []byte(body)), body); status != 200 {
		t.Errorf("the answer is %d: one of the two types has a handler", status)
	}
}
