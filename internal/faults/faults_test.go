package faults_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/internal/faults"
)

// What net/http makes of each step, after 10 seconds at most.
func TestSteps(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "well %s %s %d.%d", body, r.URL, r.ProtoMajor, r.ProtoMinor)
	})
	h2 := func(s ...faults.Stream) faults.Step { return faults.HTTP2(s...) }
	for _, tt := range []struct {
		name    string
		step    faults.Step
		secure  bool
		arrived int
		want    string // in the body or the error
	}{
		{"refused", faults.Refused(), false, 0, "connection refused"},
		{"no host", faults.NoHost(), false, 0, "no such host"},
		{"lookup fails", faults.LookupFails(), false, 0, "server misbehaving"},
		{"lookup times out", faults.LookupTimesOut(), false, 0, "i/o timeout"},
		{"error", faults.Error(errors.New("made up")), false, 0, "made up"},
		{"reset before", faults.ResetBeforeRequest(), false, 0, "connection reset"},
		{"reset in it", faults.ResetInRequest(), false, 0, "connection reset"},
		{"reset after", faults.Reset(), false, 1, "connection reset"},
		{"reset in the answer", faults.AnswerAndReset(faults.Say(200, "well")[:60]), false, 1, "connection reset"},
		{"hung up", faults.HangUp(), false, 1, "EOF"},
		{"black hole", faults.BlackHole(), false, 0, "deadline exceeded"},
		{"silence", faults.Silence(), false, 1, "deadline exceeded"},
		{"silence in the answer", faults.AnswerAndSilence(faults.Say(200, "well")[:60]), false, 1, "deadline exceeded"},
		{"answer", faults.Answer(faults.Say(200, "well")), false, 1, "200 well"},
		{"drip", faults.Drip(faults.Say(200, "well"), time.Second), false, 1, "deadline exceeded"},
		{"flood", faults.Flood("HTTP/1.1 200 OK\r\n", "X: "+strings.Repeat("x", 1000)+"\r\n", 100<<20), false, 1, "exceeded"},
		{"through", faults.Through(h, nil), false, 1, "200 well hello /path 1.1"},
		{"through gzip", faults.Through(h, func(r faults.Reply) faults.Step { return faults.Answer(r.Gzipped(0).String()) }), false, 1, "200 well hello /path 1.1"},
		{"through half a gzip", faults.Through(h, func(r faults.Reply) faults.Step { return faults.Answer(r.Gzipped(12).String()) }), false, 1, "unexpected EOF"},
		{"through no trailer", faults.Through(h, func(r faults.Reply) faults.Step { return faults.Answer(r.WithoutTrailer().String()) }), false, 1, "unexpected EOF"},
		{"TLS", faults.TLS(faults.Genuine, faults.Through(h, nil)), true, 1, "200 well hello /path 1.1"},
		{"unknown CA", faults.TLS(faults.OfUnknownCA, faults.Through(h, nil)), true, 0, "unknown authority"},
		{"expired", faults.TLS(faults.Expired, faults.Through(h, nil)), true, 0, "expired"},
		{"another host", faults.TLS(faults.OfAnotherHost, faults.Through(h, nil)), true, 0, "not acme.ada.support"},
		{"handshake reset", faults.HandshakeReset(), true, 0, "connection reset"},
		{"plain", faults.PlainHTTP(), true, 0, "does not look like a TLS handshake"},
		{"serve", faults.Serve(h), true, 1, "200 well hello /path 2.0"},
		{"h2", h2(faults.AnswerStream(201, "well")), true, 1, "201 well"},
		{"h2 reset", h2(faults.ResetStream(faults.InternalError)), true, 1, "INTERNAL_ERROR"},
		{"h2 reset in body", h2(faults.ResetInBody("we", faults.InternalError)), true, 1, "INTERNAL_ERROR"},
		{"h2 go away", h2(faults.GoAway()), true, 2, "200 well hello /path 2.0"},
		{"h2 refused once", h2(faults.ResetStream(faults.RefusedStream), faults.AnswerStream(200, "well")), true, 2, "200 well"},
		{"h2 refused and closed", h2(faults.ThenClose(faults.ResetStream(faults.RefusedStream))), true, 2, "200 well hello /path 2.0"},
		{"h2 dead", h2(faults.Dead()), true, 1, "connection lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := faults.New(t, tt.step, faults.Serve(h)) // where net/http itself tries again
				pool := n.Transport()
				if tt.secure {
					pool = n.Secure(&http.Transport{HTTP2: &http.HTTP2Config{SendPingTimeout: time.Second, PingTimeout: time.Second}})
				}
				got := exchange(t, pool)
				if !strings.Contains(got, tt.want) {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				if a := n.Arrived(); a != tt.arrived && tt.arrived > 0 {
					t.Errorf("%d requests arrived, want %d", a, tt.arrived)
				}
				pool.CloseIdleConnections()
				time.Sleep(5 * time.Second) // for pings that nobody answers
				synctest.Wait()
				if n.Open() != 0 {
					t.Errorf("%d connections are open", n.Open())
				}
			})
		})
	}
}

func exchange(t *testing.T, pool *http.Transport) string {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://acme.ada.support/path", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := pool.RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, body)
}

// A connection that stays, and what becomes of it after its last answer.
func TestKeepAlive(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "well") })
	for _, tt := range []struct {
		name  string
		then  []faults.Step
		dials int
		last  string
	}{
		{"closed before", nil, 2, "200 well"},
		{"closed with the next request", []faults.Step{faults.HangUp()}, 1, "EOF"},
		{"reset with the next request", []faults.Step{faults.Reset()}, 1, "connection reset"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := faults.New(t, faults.KeepAlive(h, 2, tt.then...), faults.Through(h, nil))
				pool := n.Transport()
				defer pool.CloseIdleConnections()
				for i, want := range []string{"200 well", "200 well", tt.last} {
					if got := exchange(t, pool); !strings.Contains(got, want) {
						t.Errorf("request %d: %s, want %s", i, got, want)
					}
					synctest.Wait()
				}
				if n.Dials() != tt.dials {
					t.Errorf("%d connections, want %d", n.Dials(), tt.dials)
				}
			})
		})
	}
}

// Errors are of the types that they have on a real network.
func TestErrorsAreReal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var op *net.OpError
		var dns *net.DNSError
		var certificate *tls.CertificateVerificationError
		for _, tt := range []struct {
			step faults.Step
			as   any
		}{{faults.Refused(), &op}, {faults.Reset(), &op}, {faults.NoHost(), &dns}, {faults.TLS(faults.Expired, faults.HangUp()), &certificate}} {
			n := faults.New(t, tt.step)
			pool := n.Transport()
			if _, ok := tt.as.(**tls.CertificateVerificationError); ok {
				pool = n.Secure(&http.Transport{})
			}
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.ada.support/", nil)
			resp, err := pool.RoundTrip(req)
			if err == nil {
				resp.Body.Close()
			}
			if !errors.As(err, tt.as) {
				t.Errorf("%v is no %T", err, tt.as)
			}
		}
	})
}
