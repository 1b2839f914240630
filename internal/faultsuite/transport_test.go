package faultsuite

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/faults"
	"github.com/adasdk/ada-go/internal/transport"
)

// A fault of one request that may have happened.
func doubtful(steps []func(*world) faults.Step, status int) fault {
	return fault{steps: steps, idempotent: again(1), other: unknown(status)}
}

func simple(f fault) func(*testing.T, operation) {
	return func(t *testing.T, op operation) { f.run(t, op, "the fault") }
}

func each(all map[string]fault) func(*testing.T, operation) {
	return func(t *testing.T, op operation) {
		for name, f := range all {
			f.run(t, op, name)
		}
	}
}

// network is a failure for which no answer came.
func network(attempts int, as func(error) bool) fault {
	w := want{is: []error{errAny}, attempts: attempts, as: as}
	return fault{idempotent: w, other: w}
}

// errAny is matched by every error of the SDK.
var errAny = errors.New("any error")

func isA[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

var transportScenarios = []scenario{
	{
		id: "T01", title: "Connection refused twice, then well: it succeeds, in 3 connections for 1.",
		run: func(t *testing.T, op operation) {
			fault{
				steps: to(faults.Refused(), faults.Refused()), idempotent: again(0), other: again(0),
				each: func(t *testing.T, o *outcome) {
					if n := cleanOf(op, usual).requests + 2; o.network.Dials() != n {
						t.Errorf("%d connections, want %d", o.network.Dials(), n)
					}
				},
			}.run(t, op, "refused")
		},
	},
	{
		id: "T02", title: "Connection refused for ever: a typed network error after 4 tries.",
		run: func(t *testing.T, op operation) {
			f := network(4, isA[*net.OpError])
			f.steps, f.forever = to(faults.Refused()), true
			f.run(t, op, "refused")
		},
	},
	{
		id: "T03", title: "No such host: one try.",
		run: func(t *testing.T, op operation) {
			f := network(1, isA[*net.DNSError])
			f.steps, f.forever = to(faults.NoHost()), true
			f.run(t, op, "no host")
		},
	},
	{
		id: "T04", title: "The DNS times out, then well: it succeeds.",
		run: simple(fault{steps: to(faults.LookupTimesOut())}),
	},
	{
		id: "T05", title: "The DNS fails for the moment, then well: it succeeds.",
		run: simple(fault{steps: to(faults.LookupFails())}),
	},
	{
		id: "T06", title: "A certificate of an unknown authority: one try, and the *tls.CertificateVerificationError is reached by errors.As.",
		run: func(t *testing.T, op operation) { certificate(t, op, faults.OfUnknownCA) },
	},
	{
		id: "T07", title: "A certificate that has expired, or is of another host: one try.",
		run: func(t *testing.T, op operation) {
			certificate(t, op, faults.Expired)
			certificate(t, op, faults.OfAnotherHost)
		},
	},
	{
		id: "T08", title: "Reset in the TLS handshake: repeated whatever it does, for nothing was sent.",
		run: simple(fault{secure: true, steps: to(faults.HandshakeReset())}),
	},
	{
		id: "T09", title: "Plain HTTP where TLS is expected: typed, one try.",
		run: func(t *testing.T, op operation) {
			f := network(1, transport.IsPlain)
			f.secure, f.steps, f.forever = true, to(faults.PlainHTTP()), true
			f.run(t, op, "plain")
		},
	},
	{
		id: "T10", title: "The server closes a kept connection before the next request: it succeeds at the first try, as if nothing had been.",
		run: func(t *testing.T, op operation) {
			kept(t, op, nil, func(t *testing.T, o *outcome) {
				want{}.check(t, op, o)
				for _, a := range o.attempts {
					if a.Number > 1 {
						t.Errorf("it took attempt %d", a.Number)
					}
				}
			})
		},
	},
	{
		id: "T11", title: "The server closes or resets a kept connection as the next request comes: what must not be repeated arrives once at most.",
		run: func(t *testing.T, op operation) {
			for name, then := range map[string]faults.Step{"closed": faults.HangUp(), "reset": faults.Reset(), "reset in the request": faults.ResetInRequest()} {
				kept(t, op, []faults.Step{then}, func(t *testing.T, o *outcome) {
					if op.idempotent {
						want{unsure: true}.check(t, op, o)
					} else if o.err != nil {
						unknown(0).check(t, op, o)
					}
					if n := o.network.Arrived() - 1; !op.idempotent && n > cleanOf(op, usual).requests {
						t.Errorf("%s: %d requests arrived, want %d", name, n, cleanOf(op, usual).requests)
					}
				})
			}
		},
	},
	{
		id: "T12", title: "Reset when the request was written, before an answer: repeated, or ErrOutcomeUnknown after 1 request.",
		run: each(map[string]fault{
			"without effect": doubtful(to(faults.Reset()), 0),
			"with effect":    doubtful(changed(func(faults.Reply) faults.Step { return faults.Reset() }), 0),
			"hung up":        doubtful(changed(func(faults.Reply) faults.Step { return faults.HangUp() }), 0),
			"in the request": {steps: to(faults.ResetInRequest()), idempotent: want{unsure: true}, other: unknown(0)},
			"before it":      {steps: to(faults.ResetBeforeRequest()), idempotent: want{unsure: true}, other: unknown(0)},
		}),
		note: "A connection that was made and reset before the request is ErrOutcomeUnknown too: that nothing was written cannot be proven there.",
	},
	{
		id: "T13", title: "No headers come: the attempt ends after its timeout and is made again; or the context ends it all.",
		run: func(t *testing.T, op operation) {
			for name, step := range map[string]faults.Step{"silence": faults.Silence(), "black hole": faults.BlackHole()} {
				f := doubtful(to(step), 0)
				f.idempotent.unsure = true
				f.run(t, op, name)
			}
			for k := range 1 {
				trial{
					op: op, label: "with a deadline",
					script: func(w *world, i int) faults.Step {
						if i < k {
							return well(w)
						}
						return faults.Silence()
					},
					ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
						return context.WithTimeout(ctx, 10*time.Second)
					},
				}.run(t, func(t *testing.T, o *outcome) {
					if !errors.Is(o.err, context.DeadlineExceeded) || o.took > 10*time.Second {
						t.Errorf("after %s: %v", o.took, o.err)
					}
					if unknown := errors.Is(o.err, ada.ErrOutcomeUnknown); unknown == op.idempotent {
						t.Errorf("outcome unknown is %t", unknown)
					}
				})
			}
		},
	},
	{
		id: "T14", title: "An answer of one byte a second: the attempt ends after its timeout, reading included.",
		run: simple(doubtful(changed(func(r faults.Reply) faults.Step { return faults.Drip(r.String(), time.Second) }), 0)),
		note: "Where the whole answer comes within the timeout it is taken, which of the answers here only short ones without a " +
			"body would; they drip slower.",
	},
	{
		id: "T15", title: "HTTP/2 GOAWAY and REFUSED_STREAM: made again on another connection.",
		note: "Deviation: what must not be repeated is ErrOutcomeUnknown. net/http repeats by itself here, without end and after other " +
			"resets too, and is stopped at the first repetition.",
		run: func(t *testing.T, op operation) {
			for name, s := range map[string]faults.Stream{
				"GOAWAY": faults.GoAway(), "REFUSED_STREAM": faults.ThenClose(faults.ResetStream(faults.RefusedStream)),
			} {
				http2(t, op, name, faults.HTTP2(s), 0)
			}
		},
	},
	{
		id: "T16", title: "HTTP/2 RST_STREAM with INTERNAL_ERROR, before the answer and in its body: made again.",
		run: func(t *testing.T, op operation) {
			http2(t, op, "before", faults.HTTP2(faults.ThenClose(faults.ResetStream(faults.InternalError))), 0)
			http2(t, op, "in the body", faults.HTTP2(faults.ThenClose(faults.ResetInBody(`{"data":[{"id":`, faults.InternalError))), 200)
		},
	},
	{
		id: "T17", title: "An HTTP/2 connection that died in silence is found out by pings within 30 s, and the call goes over a new one.",
		run: func(t *testing.T, op operation) { http2(t, op, "dead", faults.HTTP2(faults.Dead()), 0) },
	},
	{
		id: "T18", title: "Response headers of 100 MB: the attempt ends at 256 KiB.",
		run: func(t *testing.T, op operation) {
			line := "X-Flood: " + strings.Repeat("x", 4<<10) + "\r\n"
			flood(t, op, faults.Flood("HTTP/1.1 200 OK\r\n", line, 100<<20))
		},
	},
	{
		id: "T19", title: "A thousand answers of 103: the attempt ends.",
		run: func(t *testing.T, op operation) {
			flood(t, op, faults.Flood("", "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n", 54*1000))
		},
	},
	{
		id: "T20", title: "Redirects, 5 statuses to 5 places: 1 request, typed, and the key goes nowhere.",
		run: func(t *testing.T, op operation) {
			for _, status := range []int{301, 302, 303, 307, 308} {
				for _, to := range []string{
					"https://acme.ada.support/elsewhere", "https://acme.ada.support:8443/", "http://acme.ada.support/", "https://sub.acme.ada.support/", "https://evil.example/canary-name",
				} {
					if status != 307 && !strings.Contains(to, "evil") {
						continue // one row and one column
					}
					w := want{is: []error{ada.ErrAnswer}, attempts: 1, status: status}
					u := unknown(status)
					u.is = append(u.is, ada.ErrAnswer)
					fault{
						steps: toReply(faults.Say(status, "", "Location: "+to)), forever: true, idempotent: w, other: u,
						config: func(c *ada.Config) {
							c.HTTP.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
						},
						each: func(t *testing.T, o *outcome) {
							for _, r := range o.network.Requests() {
								if r.Host != "acme.ada.support" {
									t.Errorf("a request went to %s", r.Host)
								}
							}
						},
					}.run(t, op, fmt.Sprint(status, " ", to))
				}
			}
		},
	},
	{
		id: "T21", title: "A proxy answers 407: typed, one try, and the proxy never sees the key.",
		note: "A buffer keeps what it has, and makes the call anew until its context ends.",
		run: func(t *testing.T, op operation) {
			trial{
				op: op, label: "proxy", script: func(*world, int) faults.Step {
					return faults.Answer(faults.Say(407, "canary-name", "Proxy-Authenticate: Basic"))
				},
				secure: true,
				pool: func(pool *http.Transport) http.RoundTripper {
					pool.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example:3128"})
					return pool
				},
			}.run(t, func(t *testing.T, o *outcome) {
				n := 1
				if op.many {
					n = 3
				}
				if o.failure == nil || o.failure.Attempts != 1 || o.network.Dials() != n && !isBuffer(op) || errors.Is(o.err, ada.ErrOutcomeUnknown) || !errors.Is(o.err, transport.ErrProxy) {
					t.Errorf("%d connections, %v", o.network.Dials(), o.err)
				}
				for _, r := range o.network.Requests() {
					if r.Method != http.MethodConnect || r.Header.Get("Authorization") != "" {
						t.Errorf("the proxy saw %s with %v", r.Method, r.Header)
					}
				}
			})
		},
	},
}

// toReply is the step of a server that answers with these bytes.
func toReply(raws ...string) (all []func(*world) faults.Step) {
	for _, raw := range raws {
		all = append(all, func(*world) faults.Step { return faults.Answer(raw) })
	}
	return all
}

func certificate(t *testing.T, op operation, c faults.Certificate) {
	t.Helper()
	f := network(1, isA[*tls.CertificateVerificationError])
	f.secure, f.forever = true, true
	f.steps = []func(*world) faults.Step{func(w *world) faults.Step { return faults.TLS(c, well(w)) }}
	f.run(t, op, "certificate")
}

// ping is a call that leaves a connection open.
var ping = ada.Operation{Name: "channels.List", Method: http.MethodGet, Route: "/api/v2/channels/"}

func sendPing(t *testing.T, c *ada.Client) {
	t.Helper()
	req, err := c.NewRequest(context.Background(), ping, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(req, ping, nil); err != nil {
		t.Fatal(err)
	}
}

// kept makes the call over a connection that was used before, and of which then becomes what it says.
func kept(t *testing.T, op operation, then []faults.Step, check func(*testing.T, *outcome)) {
	t.Helper()
	pong := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	trial{
		op: op, label: "a kept connection", most: 8 + 1,
		script: func(w *world, i int) faults.Step {
			if i == 0 {
				return faults.KeepAlive(pong, 1, then...)
			}
			return well(w)
		},
		before: func(_ *world, c *ada.Client) {
			sendPing(t, c)
			time.Sleep(time.Second)
		},
	}.run(t, func(t *testing.T, o *outcome) {
		if then == nil && o.network.Arrived() != cleanOf(op, usual).requests+1 && !op.goesOn {
			t.Errorf("%d requests arrived", o.network.Arrived())
		}
		if then != nil {
			check(t, o)
			return
		}
		o.resp = ada.Response{}
		if o.err != nil {
			t.Errorf("it failed: %v", o.err)
		}
		for _, a := range o.attempts {
			if a.Number > 1 {
				t.Errorf("it took attempt %d", a.Number)
			}
		}
	})
}

// http2 makes the call over HTTP/2, where the first connection is step and the others are well.
func http2(t *testing.T, op operation, name string, step faults.Step, status int) {
	t.Helper()
	trial{
		op: op, label: name, secure: true, most: 20,
		script: func(w *world, i int) faults.Step {
			if i == 0 {
				return step
			}
			return faults.Serve(w.handler)
		},
	}.run(t, func(t *testing.T, o *outcome) {
		if op.idempotent {
			want{unsure: true}.check(t, op, o)
			if o.took > 2*time.Minute+cleanOf(op, usual).took+10*time.Minute*time.Duration(btoi(op.goesOn)) {
				t.Errorf("it took %s", o.took)
			}
			return
		}
		if op.many { // any number of its calls was on the one connection
			return
		}
		unknown(status).check(t, op, o)
		if o.network.Arrived() > 1 {
			t.Errorf("%d requests arrived", o.network.Arrived())
		}
	})
}

// flood meets more than a client should take, once and then for ever.
func flood(t *testing.T, op operation, step faults.Step) {
	t.Helper()
	doubtful(to(step), 0).run(t, op, "a flood, then well")
	f := network(4, nil)
	f.only, f.steps, f.forever, f.other = 1, to(step), true, unknown(0)
	f.run(t, op, "a flood for ever")
}
