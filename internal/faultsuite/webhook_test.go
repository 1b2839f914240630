package faultsuite

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/webhooks"
)

// The published vector, of Standard Webhooks and Svix.
const (
	hookSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	hookID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	hookTime      = 1614265330
	hookBody      = `{"test": 2432232314}`
	hookSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func verifier(t *testing.T, at int64, secrets ...string) *webhooks.Verifier {
	t.Helper()
	v, err := webhooks.NewVerifier(secrets[0], secrets[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	return v.WithClock(func() time.Time { return time.Unix(at, 0) })
}

func hookHeader(id, at, signature string) http.Header {
	return http.Header{"Svix-Id": {id}, "Svix-Timestamp": {at}, "Svix-Signature": {signature}}
}

// receiver is a mux that counts, and what it has counted.
func receiver(t *testing.T, config webhooks.Config, handle func(context.Context) error) (*webhooks.Mux, *webhooks.Verifier, *atomic.Int32) {
	t.Helper()
	v, err := webhooks.NewVerifier(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	config.Verifier = v
	handled := new(atomic.Int32)
	m := webhooks.NewMux(config)
	m.Fallback(func(ctx context.Context, _ webhooks.Event[json.RawMessage]) error {
		handled.Add(1)
		if handle != nil {
			return handle(ctx)
		}
		return nil
	})
	return m, v, handled
}

// deliver sends a signed body, and returns the status.
func deliver(m http.Handler, v *webhooks.Verifier, id string, at time.Time, body string) int {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	maps.Copy(r.Header, v.Sign(id, at, []byte(body)))
	recorder := httptest.NewRecorder()
	m.ServeHTTP(recorder, r)
	if found := leaks(recorder.Body.String()); found != nil {
		return -1
	}
	return recorder.Code
}

const event = `{"type":"v1.end_user.created","timestamp":"2026-01-02T03:04:05Z","data":{"end_user_id":"canary-name"}}`

const oracle = "The differential with both official libraries, over a million mutations, is internal/webhookoracle."

var webhookScenarios = []scenario{
	{
		id: "W01", title: "What the published libraries take and a strict verifier must not: refused.", note: oracle,
		other: func(t *testing.T) {
			v := verifier(t, hookTime, hookSecret)
			at := strconv.Itoa(hookTime)
			for name, h := range map[string]http.Header{
				"plus":      hookHeader(hookID, "+"+at, hookSignature),
				"zeros":     hookHeader(hookID, "000"+at, hookSignature),
				"a third":   hookHeader(hookID, at, hookSignature+",x"),
				"dots":      v.Sign("msg_p5.1", time.Unix(hookTime, 0), []byte(hookBody)),
				"no id":     v.Sign("", time.Unix(hookTime, 0), []byte(hookBody)),
				"long id":   v.Sign(strings.Repeat("x", 257), time.Unix(hookTime, 0), []byte(hookBody)),
				"two ids":   {"Svix-Id": {hookID, hookID}, "Svix-Timestamp": {at}, "Svix-Signature": {hookSignature}},
				"bare":      hookHeader(hookID, at, strings.TrimPrefix(hookSignature, "v1,")),
				"v2":        hookHeader(hookID, at, strings.Replace(hookSignature, "v1", "v2", 1)),
				"prefix":    hookHeader(hookID, at, hookSignature[:20]),
				"empty":     hookHeader(hookID, at, "v1,"),
				"none":      hookHeader(hookID, at, ""),
				"no header": {},
				"families":  {"Svix-Id": {"msg_x"}, "Svix-Timestamp": {at}, "Svix-Signature": {hookSignature}, "Webhook-Id": {hookID}, "Webhook-Timestamp": {at}, "Webhook-Signature": {hookSignature}},
			} {
				if _, err := v.Verify(h, []byte(hookBody)); err == nil {
					t.Errorf("%s was taken", name)
				}
			}
			for _, secret := range []string{"", "whsec_", "w", "whsec_YQ==", "whsec_%", "hwsec_" + hookSecret[6:], hookSecret[:len(hookSecret)-1], "whsec_" + hookSecret} {
				if _, err := webhooks.NewVerifier(secret); err == nil {
					t.Errorf("the secret %q was taken", secret)
				}
			}
		},
	},
	{
		id: "W02", title: "The published vectors: taken.", note: oracle,
		other: func(t *testing.T) {
			for _, vector := range [][4]string{
				{hookSecret, hookID, hookBody, hookSignature},
				{strings.TrimPrefix(hookSecret, "whsec_"), hookID, hookBody, hookSignature},
				{hookSecret, hookID, strings.Repeat("a", 1<<20), "v1,txpEUxqWZJ5nteTnymUVa+7C4NHpBeXJ6CsBAW0c3/A="},
				{hookSecret, hookID, strings.Repeat("a", 262144), "v1,Mw4Pe2WgApuT7NSqnSq0PQPV9gbLdggCl9B865x5Xh0="},
				{hookSecret, hookID, "", "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A="},
				{hookSecret, hookID, "\ufeff{}", "v1,c6GTItmAwbOx6p4W1z3UPeZOoWZFPBiNo46aigDIswc="},
				{hookSecret, hookID, "\xff\xfe\x00", "v1,3jg4eW7u8bRdDDGq2uq+cH74GMn0QRxtzvZDV5Akycg="},
				{hookSecret, hookID, `{"n":"Zoë 🙂"}`, "v1,f6Yw2lGOIKg7HiRKhvs/PUjzVNHO2/LLAQccXIaHWHs="},
			} {
				v := verifier(t, hookTime, vector[0])
				if m, err := v.Verify(hookHeader(vector[1], strconv.Itoa(hookTime), vector[3]), []byte(vector[2])); err != nil || m.ID != hookID {
					t.Errorf("%.40q: %v", vector[2], err)
				}
			}
			other := verifier(t, 1649367553, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
			if _, err := other.Verify(hookHeader("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1649367553", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="), []byte(`{"email":"test@example.com","username":"test_user"}`)); err != nil {
				t.Error(err)
			}
		},
	},
	{
		id: "W03", title: "10,000 mutations of a good delivery: none is taken.", note: oracle,
		other: func(t *testing.T) {
			v := verifier(t, hookTime, hookSecret)
			random := rand.New(rand.NewPCG(1, 2))
			good := []string{hookID, strconv.Itoa(hookTime), hookSignature, hookBody}
			for range 10_000 {
				parts := append([]string(nil), good...)
				part := random.IntN(4)
				b := []byte(parts[part])
				i := random.IntN(len(b))
				switch random.IntN(3) {
				case 0:
					b[i] ^= 1 << random.IntN(7)
				case 1:
					b = append(b[:i], b[i+1:]...)
				default:
					b = append(b[:i], append([]byte{byte(random.IntN(128))}, b[i:]...)...)
				}
				parts[part] = string(b)
				if part == 2 && strings.Contains(" "+parts[2]+" ", " "+hookSignature+" ") || parts[part] == good[part] {
					continue // another entry beside the good one
				}
				if _, err := v.Verify(hookHeader(parts[0], parts[1], parts[2]), []byte(parts[3])); err == nil {
					t.Errorf("taken: %q", parts)
				}
			}
		},
	},
	{
		id: "W04", title: "The receiver: methods, signatures, bodies that are no events, handlers that fail or panic each have their status, and the answer quotes nothing.",
		other: func(t *testing.T) {
			now := time.Now()
			failing := errors.New("canary-name")
			for name, tt := range map[string]struct {
				handle func(context.Context) error
				send   func(m http.Handler, v *webhooks.Verifier) int
				status int
			}{
				"good":   {nil, func(m http.Handler, v *webhooks.Verifier) int { return deliver(m, v, "msg_1", now, event) }, 200},
				"failed": {func(context.Context) error { return failing }, func(m http.Handler, v *webhooks.Verifier) int { return deliver(m, v, "msg_1", now, event) }, 500},
				"panic":  {func(context.Context) error { panic("canary-name") }, func(m http.Handler, v *webhooks.Verifier) int { return deliver(m, v, "msg_1", now, event) }, 500},
				"none":   {nil, func(m http.Handler, v *webhooks.Verifier) int { return deliver(m, v, "msg_1", now, "canary-name") }, 400},
				"old": {nil, func(m http.Handler, v *webhooks.Verifier) int {
					return deliver(m, v, "msg_1", now.Add(-6*time.Minute), event)
				}, 401},
				"get": {nil, func(m http.Handler, _ *webhooks.Verifier) int {
					recorder := httptest.NewRecorder()
					m.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
					return recorder.Code
				}, 405},
				"unsigned": {nil, func(m http.Handler, _ *webhooks.Verifier) int {
					recorder := httptest.NewRecorder()
					m.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(event)))
					return recorder.Code
				}, 400},
			} {
				m, v, _ := receiver(t, webhooks.Config{}, tt.handle)
				if got := tt.send(m, v); got != tt.status {
					t.Errorf("%s: %d, want %d", name, got, tt.status)
				}
			}
			// A failure is handled again.
			var failed atomic.Bool
			m, v, handled := receiver(t, webhooks.Config{}, func(context.Context) error {
				if failed.CompareAndSwap(false, true) {
					return failing
				}
				return nil
			})
			for i, want := range []int{500, 200, 200} {
				if got := deliver(m, v, "msg_2", now, event); got != want {
					t.Errorf("delivery %d: %d, want %d", i, got, want)
				}
			}
			if handled.Load() != 2 {
				t.Errorf("it was handled %d times", handled.Load())
			}
		},
	},
	{
		id: "W05", title: "A sender that drips its body: the server's ReadTimeout ends it, and nothing is handled.",
		note:  "The timeout is the server's, as the documentation of Mux says.",
		other: slowSender,
	},
	{
		id: "W06", title: "A body of 1 MiB is taken, and one of a byte more is 413.",
		other: func(t *testing.T) {
			m, v, handled := receiver(t, webhooks.Config{}, nil)
			fill := 1<<20 - len(event)
			body := strings.Replace(event, "canary-name", "canary-name"+strings.Repeat("x", fill), 1)
			if got := deliver(m, v, "msg_1", time.Now(), body); got != 200 || handled.Load() != 1 {
				t.Errorf("%d for %d bytes", got, len(body))
			}
			if got := deliver(m, v, "msg_2", time.Now(), body+" "); got != 413 || handled.Load() != 1 {
				t.Errorf("%d for %d bytes", got, len(body)+1)
			}
		},
	},
	{
		id: "W07", title: "Two secrets while one is replaced by the other: deliveries of both are taken, and of a third are not.",
		other: func(t *testing.T) {
			secrets := make([]string, 3)
			for i := range secrets {
				secrets[i] = "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(i + 1)}, 24))
			}
			both := verifier(t, hookTime, secrets[0], secrets[1])
			for i, secret := range secrets {
				h := verifier(t, hookTime, secret).Sign("msg_1", time.Unix(hookTime, 0), []byte(event))
				if _, err := both.Verify(h, []byte(event)); (err == nil) != (i < 2) {
					t.Errorf("secret %d: %v", i, err)
				}
			}
		},
	},
	{
		id: "W08", title: "One event delivered 100 times at once, and again later: handled once.",
		other: func(t *testing.T) {
			release := make(chan struct{})
			m, v, handled := receiver(t, webhooks.Config{}, func(context.Context) error { <-release; return nil })
			var all sync.WaitGroup
			statuses := make(chan int, 100)
			for range 100 {
				all.Go(func() { statuses <- deliver(m, v, "msg_1", time.Now(), event) })
			}
			for range 99 {
				if s := <-statuses; s != 503 {
					t.Errorf("beside the first: %d", s)
				}
			}
			close(release)
			all.Wait()
			if s := <-statuses; s != 200 || deliver(m, v, "msg_1", time.Now(), event) != 200 || handled.Load() != 1 {
				t.Errorf("%d, handled %d times", s, handled.Load())
			}
		},
	},
	{
		id: "W09", title: "The store of events is down: 500, and nothing is handled; down after the handler: 200.",
		other: func(t *testing.T) {
			down := &downStore{claim: errors.New("canary-name")}
			m, v, handled := receiver(t, webhooks.Config{Store: down}, nil)
			if got := deliver(m, v, "msg_1", time.Now(), event); got != 500 || handled.Load() != 0 {
				t.Errorf("%d, handled %d times", got, handled.Load())
			}
			down.claim = nil
			if got := deliver(m, v, "msg_1", time.Now(), event); got != 200 || handled.Load() != 1 {
				t.Errorf("%d, handled %d times", got, handled.Load())
			}
		},
	},
	{
		id: "W10", title: "The clock is 5 minutes off either way: taken; a second more, or 10 minutes: refused.",
		other: func(t *testing.T) {
			for off, want := range map[int64]bool{0: true, 300: true, -300: true, 301: false, -301: false, 600: false, -600: false} {
				_, err := verifier(t, hookTime+off, hookSecret).Verify(hookHeader(hookID, strconv.Itoa(hookTime), hookSignature), []byte(hookBody))
				if (err == nil) != want || err != nil && !errors.Is(err, webhooks.ErrTimestamp) {
					t.Errorf("%d s off: %v", off, err)
				}
			}
		},
	},
}

// downStore is a store that fails.
type downStore struct{ claim error }

func (s *downStore) Claim(context.Context, string) (webhooks.State, error) {
	return webhooks.Claimed, s.claim
}
func (s *downStore) Commit(context.Context, string) error  { return errors.New("canary-name") }
func (s *downStore) Release(context.Context, string) error { return errors.New("canary-name") }

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.done); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func slowSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, v, handled := receiver(t, webhooks.Config{}, nil)
		listener := pipes{make(chan net.Conn, 1), make(chan struct{})}
		server := &http.Server{Handler: m, ReadTimeout: 10 * time.Second}
		go func() { _ = server.Serve(listener) }()
		near, far := net.Pipe()
		listener.conns <- far
		var head bytes.Buffer
		_ = v.Sign("msg_1", time.Now(), []byte(event)).Write(&head)
		start := time.Now()
		var sender sync.WaitGroup
		sender.Go(func() {
			_, _ = fmt.Fprintf(near, "POST / HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n", head.String(), len(event))
			for i := range event {
				time.Sleep(time.Second)
				if _, err := io.WriteString(near, event[i:i+1]); err != nil {
					return
				}
			}
		})
		answer, _ := io.ReadAll(near)
		if took := time.Since(start); took > 11*time.Second || handled.Load() != 0 || strings.Contains(string(answer), " 200 ") {
			t.Errorf("after %s, handled %d times: %q", took, handled.Load(), answer)
		}
		_ = near.Close()
		_ = server.Close()
		sender.Wait()
	})
}
