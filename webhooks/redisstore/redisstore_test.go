package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/adasdk/ada-go/webhooks"
	"github.com/adasdk/ada-go/webhooks/redisstore"
	"github.com/redis/go-redis/v9"
)

const (
	soon   = 2 * time.Second // for what takes milliseconds
	window = 8 * 24 * time.Hour
)

// server is a Redis that has nothing in it.
type server struct {
	*testing.T
	addr string
	stop func()
}

func newServer(t *testing.T) server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server in PATH: apt-get install redis-server")
	}
	addr, stop, err := startRedis(binary, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return server{t, addr, stop}
}

// startRedis returns the address of a Redis that keeps nothing.
func startRedis(binary, dir string) (addr string, stop func(), err error) {
	for range 3 { // another process can take the port first
		if addr, stop, err = tryRedis(binary, dir); err == nil {
			break
		}
	}
	return addr, stop, err
}

func tryRedis(binary, dir string) (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	addr = l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	l.Close()

	cmd := exec.Command(binary,
		"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, time.Second
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	stop = func() { _ = cmd.Process.Kill(); <-exited }

	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		select {
		case <-exited:
			return "", nil, fmt.Errorf("redis-server: %s", &out)
		case <-time.After(5 * time.Millisecond):
		}
		if conn, err := net.DialTimeout("tcp", addr, soon); err == nil {
			conn.Close()
			return addr, stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("redis-server: %s", &out)
}

// client returns one that tries once.
func (s server) client() *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1, DialerRetries: 1})
	s.Cleanup(func() { c.Close() })
	return c
}

// replica is a Store with a client of its own.
type replica struct {
	*testing.T
	*redisstore.Store
}

func (s server) replica() replica {
	s.Helper()
	return replica{s.T, newStore(s.T, redisstore.Config{Client: s.client()})}
}

func newStore(t *testing.T, c redisstore.Config) *redisstore.Store {
	t.Helper()
	store, err := redisstore.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func (r replica) claims(id string, want webhooks.State) {
	r.Helper()
	if got, err := r.Claim(r.Context(), id); err != nil || got != want {
		r.Fatalf("Claim(%q): got %s, %v, want %s", id, got, err, want)
	}
}

func (r replica) commits(id string) {
	r.Helper()
	if err := r.Commit(r.Context(), id); err != nil {
		r.Fatalf("Commit(%q): %v", id, err)
	}
}

func (r replica) releases(id string) {
	r.Helper()
	if err := r.Release(r.Context(), id); err != nil {
		r.Fatalf("Release(%q): %v", id, err)
	}
}

// claimsSoon claims what is in progress until it is not.
func (r replica) claimsSoon(id string) {
	r.Helper()
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		switch state, err := r.Claim(r.Context(), id); {
		case err != nil || state == webhooks.Handled:
			r.Fatalf("Claim(%q): %s, %v", id, state, err)
		case state == webhooks.Claimed:
			return
		}
	}
	r.Fatalf("the claim of %q does not end", id)
}

func TestOneClaim(t *testing.T) {
	server := newServer(t)
	var replicas []replica
	for range 5 {
		replicas = append(replicas, server.replica())
	}
	var wg sync.WaitGroup
	var states [webhooks.Handled + 1]atomic.Int32
	begin := make(chan struct{})
	for i := range 100 {
		wg.Go(func() {
			<-begin
			state, err := replicas[i%len(replicas)].Claim(t.Context(), "msg_1")
			if err != nil {
				t.Error(err)
			}
			states[state].Add(1)
		})
	}
	close(begin)
	wg.Wait()
	if n, others := states[webhooks.Claimed].Load(), states[webhooks.InProgress].Load(); n != 1 || others != 99 {
		t.Errorf("%d claimed, %d told to wait", n, others)
	}
}

func TestCommit(t *testing.T) {
	server := newServer(t)
	a, b := server.replica(), server.replica()
	a.claims("msg_1", webhooks.Claimed)
	b.claims("msg_1", webhooks.InProgress)
	a.claims("msg_1", webhooks.InProgress)
	b.claims("msg_2", webhooks.Claimed)
	a.commits("msg_1")
	for _, r := range []replica{a, b, server.replica()} {
		r.claims("msg_1", webhooks.Handled)
		r.releases("msg_1") // what was handled stays so
		r.commits("msg_1")
		r.claims("msg_1", webhooks.Handled)
		r.claims("msg_2", webhooks.InProgress)
	}
	a.commits("msg_3") // which nobody has claimed
	b.claims("msg_3", webhooks.Handled)
	if n := a.Claims(); n != 0 {
		t.Errorf("%d claims are left", n)
	}
}

func TestRelease(t *testing.T) {
	server := newServer(t)
	a, b := server.replica(), server.replica()
	a.claims("msg_1", webhooks.Claimed)
	b.releases("msg_1") // which is not b's
	b.claims("msg_1", webhooks.InProgress)
	a.releases("msg_1")
	b.claims("msg_1", webhooks.Claimed)
	a.releases("msg_1")
	a.claims("msg_1", webhooks.InProgress)
	if err := a.Commit(t.Context(), "msg_1"); !errors.Is(err, redisstore.ErrClaimLost) {
		t.Errorf("a commits the claim of b: %v", err)
	}
	b.releases("msg_1")
	b.releases("msg_1")
	a.claims("msg_1", webhooks.Claimed)
}

func TestLeaseEnds(t *testing.T) {
	server := newServer(t)
	redis := server.client()
	a, b, c := server.replica(), server.replica(), server.replica()
	a.SetLease(100 * time.Millisecond)

	a.claims("msg_1", webhooks.Claimed)
	b.claimsSoon("msg_1")
	token := redis.Get(t.Context(), "ada:webhook:msg_1").Val()
	a.releases("msg_1")
	if err := a.Commit(t.Context(), "msg_1"); !errors.Is(err, redisstore.ErrClaimLost) {
		t.Errorf("a late Commit: %v", err)
	}
	if now := redis.Get(t.Context(), "ada:webhook:msg_1").Val(); token == "" || now != token {
		t.Errorf("the claim of b was %q and is %q", token, now)
	}
	c.claims("msg_1", webhooks.InProgress)
	b.commits("msg_1")
	a.releases("msg_1")
	a.commits("msg_1") // it was handled, by whomever
	c.claims("msg_1", webhooks.Handled)

	// Late, but nobody else came.
	a.claims("msg_2", webhooks.Claimed)
	for deadline := time.Now().Add(soon); redis.Exists(t.Context(), "ada:webhook:msg_2").Val() == 1; {
		if time.Now().After(deadline) {
			t.Fatal("the lease does not end")
		}
		time.Sleep(5 * time.Millisecond)
	}
	a.commits("msg_2")
	c.claims("msg_2", webhooks.Handled)

	if n := a.Claims() + b.Claims() + c.Claims(); n != 0 {
		t.Errorf("%d claims are left", n)
	}
}

// The second claim of one Store is not ended by the handler of the first.
func TestLeaseEndsWithinOneStore(t *testing.T) {
	server := newServer(t)
	a, b := server.replica(), server.replica()
	for _, id := range []string{"msg_1", "msg_2", "msg_3"} {
		a.SetLease(50 * time.Millisecond)
		a.claims(id, webhooks.Claimed)
		a.SetLease(time.Minute)
		a.claimsSoon(id)
	}
	a.releases("msg_1") // by either
	b.claims("msg_1", webhooks.InProgress)
	a.releases("msg_1") // by the other
	b.claims("msg_1", webhooks.Claimed)

	a.releases("msg_2")
	a.commits("msg_2")
	b.claims("msg_2", webhooks.Handled)

	a.commits("msg_3")
	a.releases("msg_3")
	a.commits("msg_3")
	b.claims("msg_3", webhooks.Handled)
	if n := a.Claims(); n != 0 {
		t.Errorf("%d claims are left", n)
	}
}

// A Release that Redis did not get must not keep a later one from being acted upon.
func TestReleaseAfterOneThatFailed(t *testing.T) {
	server := newServer(t)
	a, b := server.replica(), server.replica()
	a.SetLease(50 * time.Millisecond)
	a.claims("msg_1", webhooks.Claimed)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Release(ended, "msg_1"); err == nil {
		t.Fatal("a Release with an ended context did not fail")
	}
	a.SetLease(time.Minute)
	a.claimsSoon("msg_1")
	a.releases("msg_1")
	b.claims("msg_1", webhooks.Claimed)
}

func TestKeys(t *testing.T) {
	server := newServer(t)
	client := server.client()
	for _, tt := range []struct {
		config        redisstore.Config
		key           string
		lease, window time.Duration
	}{
		{redisstore.Config{}, "ada:webhook:msg_1", time.Minute, window},
		{
			redisstore.Config{Prefix: "{acme} ", Lease: 20 * time.Second, Window: 30 * 24 * time.Hour},
			"{acme} msg_1", 20 * time.Second, 30 * 24 * time.Hour,
		},
	} {
		tt.config.Client = client
		r := replica{t, newStore(t, tt.config)}
		expires := func(want time.Duration) {
			t.Helper()
			if got := client.PTTL(t.Context(), tt.key).Val(); got > want || got < want-5*time.Second {
				t.Errorf("%s expires in %v, want %v", tt.key, got, want)
			}
		}
		r.claims("msg_1", webhooks.Claimed)
		expires(tt.lease)
		r.commits("msg_1")
		expires(tt.window)
		if got := client.Get(t.Context(), tt.key).Val(); got != "handled" {
			t.Errorf("%s is %q", tt.key, got)
		}

		// The window begins when the event was handled, and only then.
		client.PExpire(t.Context(), tt.key, time.Hour)
		r.commits("msg_1")
		r.claims("msg_1", webhooks.Handled)
		expires(time.Hour)
	}
	if n := client.DBSize(t.Context()).Val(); n != 2 {
		t.Errorf("%d keys", n)
	}
}

func TestOddIDs(t *testing.T) {
	server := newServer(t)
	client := server.client()
	r := server.replica()
	ids := []string{
		"", " ", "*", "a", "A", "a b", "a:b", "{a}", "{}", "handled", "\x00", "a\x00", "\r\n", "$1\r\nx\r\n", "\xff\xfe",
		"é", "e\u0301", "'..'", "%s", "KEYS[1]", strings.Repeat("x", 256),
	}
	for _, id := range ids {
		r.claims(id, webhooks.Claimed)
	}
	keys := client.Keys(t.Context(), "*").Val()
	for i, id := range ids {
		if !slices.Contains(keys, "ada:webhook:"+id) {
			t.Errorf("no key for %q", id)
		}
		r.claims(id, webhooks.InProgress)
		if i%2 == 0 {
			r.commits(id)
			r.claims(id, webhooks.Handled)
		} else {
			r.releases(id)
			r.claims(id, webhooks.Claimed)
		}
	}
	if len(keys) != len(ids) {
		t.Errorf("%d keys for %d ids", len(keys), len(ids))
	}
}

// The client sends a command again whose answer it did not get.
func TestSentTwice(t *testing.T) {
	server := newServer(t)
	client := server.client()
	client.AddHook(twice{})
	r, other := replica{t, newStore(t, redisstore.Config{Client: client})}, server.replica()
	r.claims("msg_1", webhooks.Claimed)
	other.claims("msg_1", webhooks.InProgress)
	r.releases("msg_1")
	r.claims("msg_1", webhooks.Claimed)
	r.commits("msg_1")
	other.claims("msg_1", webhooks.Handled)
}

type twice struct{}

func (twice) DialHook(next redis.DialHook) redis.DialHook { return next }

func (twice) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (twice) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		_ = next(ctx, cmd)
		cmd.SetErr(nil)
		return next(ctx, cmd)
	}
}

func TestServerDown(t *testing.T) {
	server := newServer(t)
	r := server.replica()
	r.claims("msg_1", webhooks.Claimed)
	server.stop()
	if state, err := r.Claim(t.Context(), "msg_2"); err == nil || state != 0 {
		t.Errorf("Claim: %d, %v", state, err)
	}
	if err := r.Commit(t.Context(), "msg_1"); err == nil || errors.Is(err, redisstore.ErrClaimLost) {
		t.Errorf("Commit: %v", err)
	}
	if err := r.Release(t.Context(), "msg_1"); err == nil {
		t.Error("Release: no error")
	}

	receiver := newReceiver(t, r)
	if status := receiver.deliver("msg_3"); status != http.StatusInternalServerError || receiver.runs.Load() != 0 {
		t.Errorf("the answer is %d, and the handler ran %d times", status, receiver.runs.Load())
	}
}

// What failed can be tried again.
func TestServerFails(t *testing.T) {
	server := newServer(t)
	client := server.client()
	r := server.replica()
	failing := func(f func()) {
		t.Helper()
		client.Rename(t.Context(), "ada:webhook:msg_1", "aside")
		client.LPush(t.Context(), "ada:webhook:msg_1", "a list")
		f()
		client.Rename(t.Context(), "aside", "ada:webhook:msg_1")
	}
	failing(func() {
		if state, err := r.Claim(t.Context(), "msg_1"); err == nil || state != 0 {
			t.Errorf("Claim: %d, %v", state, err)
		}
	})
	client.Del(t.Context(), "ada:webhook:msg_1")

	r.claims("msg_1", webhooks.Claimed)
	failing(func() {
		if err := r.Release(t.Context(), "msg_1"); err == nil {
			t.Error("Release: no error")
		}
	})
	r.releases("msg_1")
	r.claims("msg_1", webhooks.Claimed)
	failing(func() {
		if err := r.Commit(t.Context(), "msg_1"); err == nil || errors.Is(err, redisstore.ErrClaimLost) {
			t.Errorf("Commit: %v", err)
		}
	})
	r.commits("msg_1")
	r.claims("msg_1", webhooks.Handled)
}

func TestContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client := redis.NewClient(&redis.Options{Addr: silent.Addr().String(), ReadTimeout: 5 * time.Second, MaxRetries: -1})
	defer client.Close()
	store := newStore(t, redisstore.Config{Client: client})
	calls := map[string]func(context.Context, string) error{
		"Claim":  func(ctx context.Context, id string) error { _, err := store.Claim(ctx, id); return err },
		"Commit": store.Commit,
	}
	for name, call := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := call(ctx, "msg_1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > soon {
			t.Errorf("%s took %v", name, took)
		}

		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if err := call(ctx, "msg_1"); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := store.Claims(); n != 0 {
		t.Errorf("%d claims", n)
	}
}

func TestTooMany(t *testing.T) {
	server := newServer(t)
	a, b := server.replica(), server.replica()
	a.SetLimit(1)
	a.claims("msg_1", webhooks.Claimed)
	if state, err := a.Claim(t.Context(), "msg_2"); err == nil || state != 0 {
		t.Errorf("one too many: %d, %v", state, err)
	}
	b.claims("msg_2", webhooks.Claimed)

	a.SetLimit(2)
	a.SetLease(50 * time.Millisecond)
	a.claims("msg_3", webhooks.Claimed)
	for deadline := time.Now().Add(soon); ; time.Sleep(5 * time.Millisecond) { // until its lease has ended
		if state, _ := a.Claim(t.Context(), "msg_4"); state == webhooks.Claimed {
			break
		} else if time.Now().After(deadline) {
			t.Fatal("no room")
		}
	}
	b.claimsSoon("msg_3")
	a.releases("msg_3") // which is b's
	b.claims("msg_3", webhooks.InProgress)
	a.releases("msg_1") // which is still known
	b.claims("msg_1", webhooks.Claimed)
}

func TestNew(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer client.Close()
	for _, tt := range []struct {
		config redisstore.Config
		want   string
	}{
		{redisstore.Config{Client: client}, ""},
		{redisstore.Config{Client: client, Lease: 15*time.Second + 1, Window: window}, ""},
		{redisstore.Config{}, "redisstore: no Client"},
		{redisstore.Config{Client: (*redis.Client)(nil)}, "redisstore: no Client"},
		{
			redisstore.Config{Lease: 15 * time.Second, Window: window - 1},
			"redisstore: no Client\n" +
				"redisstore: Lease is 15s, want more than 15s\n" +
				"redisstore: Window is 191h59m59.999999999s, want 192h0m0s or more",
		},
		{
			redisstore.Config{Client: client, Lease: -1, Window: -1},
			"redisstore: Lease is -1ns, want more than 15s\nredisstore: Window is -1ns, want 192h0m0s or more",
		},
	} {
		store, err := redisstore.New(tt.config)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want || (store == nil) != (err != nil) {
			t.Errorf("%+v: got %v, %q, want %q", tt.config, store, got, tt.want)
		}
	}
}

// receiver is a Mux over HTTP that fails as often as it is told.
type receiver struct {
	*testing.T
	*httptest.Server
	verifier *webhooks.Verifier
	runs     *atomic.Int32
	failures *atomic.Int32 // that are left
}

func newReceiver(t *testing.T, store webhooks.Store) receiver {
	t.Helper()
	verifier, err := webhooks.NewVerifier("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	r := receiver{t, nil, verifier, new(atomic.Int32), new(atomic.Int32)}
	mux := webhooks.NewMux(webhooks.Config{Verifier: verifier, Store: store})
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[webhooks.EndUserUpdated]) error {
		r.runs.Add(1)
		time.Sleep(20 * time.Millisecond) // others come meanwhile
		if r.failures.Add(-1) >= 0 {
			return fmt.Errorf("no luck with %s", e.ID)
		}
		return nil
	})
	r.Server = httptest.NewServer(mux)
	t.Cleanup(r.Close)
	return r
}

// deliver returns the status of the answer.
func (r receiver) deliver(id string) int {
	body := []byte(`{"type":"v1.end_user.updated","timestamp":"2026-11-22T04:00:00Z","data":{"end_user_id":"1"}}`)
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.URL, bytes.NewReader(body))
	if err != nil {
		r.Error(err)
		return 0
	}
	req.Header = r.verifier.Sign(id, time.Now(), body)
	resp, err := r.Client().Do(req)
	if err != nil {
		r.Error(err)
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func TestReplicas(t *testing.T) {
	server := newServer(t)
	a, b := newReceiver(t, server.replica()), newReceiver(t, server.replica())
	runs := func() int32 { return a.runs.Load() + b.runs.Load() }

	var wg sync.WaitGroup
	var done atomic.Int32
	for i := range 50 {
		wg.Go(func() {
			switch status := []receiver{a, b}[i%2].deliver("msg_1"); status {
			case http.StatusOK:
				done.Add(1)
			case http.StatusServiceUnavailable: // comes again
			default:
				t.Errorf("the answer is %d", status)
			}
		})
	}
	wg.Wait()
	if runs() != 1 || done.Load() == 0 {
		t.Errorf("the handler ran %d times, and %d answers say so", runs(), done.Load())
	}
	if x, y := a.deliver("msg_1"), b.deliver("msg_1"); x != http.StatusOK || y != http.StatusOK || runs() != 1 {
		t.Errorf("later: %d and %d, and the handler ran %d times", x, y, runs())
	}

	a.failures.Store(1)
	x, y, z := a.deliver("msg_2"), b.deliver("msg_2"), a.deliver("msg_2")
	if x != http.StatusInternalServerError || y != http.StatusOK || z != http.StatusOK || runs() != 3 {
		t.Errorf("after a failure: %d, %d and %d, and the handler ran %d times", x, y, z, runs()-1)
	}
}
