// Package faults is a network that breaks on demand, for the tests of the SDK. It is all in memory, so that it works
// inside testing/synctest, but what runs over it is net/http's own client and real bytes, real TLS and HTTP/2 where a
// test asks for them.
//
// A network is a list of steps, one for each connection in turn. Most steps close the connection after one answer, so
// that with them a step is one request:
//
//	n := faults.New(t, faults.Refused(), faults.HangUp(), faults.Answer(faults.Say(200, `{"n":1}`)))
//	client := &http.Client{Transport: n.Transport()}
package faults

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Step is what becomes of one connection.
type Step struct {
	dial  error          // instead of connecting
	serve func(*session) // the far end; the connection is closed when it returns
}

// session is one connection as its server sees it.
type session struct {
	net.Conn
	*bufio.Reader
	network *Network
	wire    *wire
	taken   *Request // a request that was read already
}

func (s *session) Read(b []byte) (int, error) { return s.Reader.Read(b) }

// over returns the same session on a layer above its connection.
func (s *session) over(conn net.Conn) *session {
	return &session{Conn: conn, Reader: bufio.NewReader(conn), network: s.network, wire: s.wire}
}

// take reads one whole request and records it.
func (s *session) take() (Request, bool) {
	if r := s.taken; r != nil {
		s.taken = nil
		return *r, true
	}
	req, err := http.ReadRequest(s.Reader)
	if err != nil {
		return Request{}, false
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return Request{}, false
	}
	r := Request{req, body}
	s.network.arrive(&r)
	return r, true
}

func (s *session) request() bool {
	_, ok := s.take()
	return ok
}

func (s *session) say(raw string) error {
	_, err := io.WriteString(s.Conn, raw)
	return err
}

// reset has the connection end as one does whose peer has crashed.
func (s *session) reset() { s.wire.broken.Store(true) }

// Connections that are not made.

// Refused is a connection that nobody accepts.
func Refused() Step {
	return Error(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})
}

// NoHost is a name that the DNS does not have.
func NoHost() Step {
	return Error(&net.DNSError{Err: "no such host", Name: "acme.ada.support", IsNotFound: true})
}

// LookupFails is a DNS that does not work for the moment.
func LookupFails() Step {
	return Error(&net.DNSError{Err: "server misbehaving", Name: "acme.ada.support", IsTemporary: true})
}

// LookupTimesOut is a DNS that does not answer.
func LookupTimesOut() Step {
	return Error(&net.DNSError{Err: "i/o timeout", Name: "acme.ada.support", IsTimeout: true, IsTemporary: true})
}

// Error is a connection that fails with err.
func Error(err error) Step { return Step{dial: err} }

// Connections that end without an answer, or before the end of one.

// ResetBeforeRequest is a server that is gone before the request can be written.
func ResetBeforeRequest() Step { return Step{serve: (*session).reset} }

// ResetInRequest is a server that crashes when it has read the beginning of the request.
func ResetInRequest() Step {
	return Step{serve: func(s *session) {
		_, _ = s.Peek(1)
		s.reset()
	}}
}

// Reset is a server that takes the request and crashes.
func Reset() Step { return AnswerAndReset("") }

// AnswerAndReset is a server that crashes when it has written these bytes.
func AnswerAndReset(raw string) Step {
	return Step{serve: func(s *session) {
		if s.request() {
			_ = s.say(raw)
			s.reset()
		}
	}}
}

// HangUp is a server that takes the request and closes the connection without an answer.
func HangUp() Step { return Answer("") }

// BlackHole is a server that takes not one byte.
func BlackHole() Step { return Step{serve: func(s *session) { <-s.wire.gone }} }

// Silence is a server that takes the request and says nothing until the client goes away.
func Silence() Step { return AnswerAndSilence("") }

// AnswerAndSilence is a server that answers with these bytes, and then says nothing until the client goes away.
func AnswerAndSilence(raw string) Step {
	return Step{serve: func(s *session) {
		if s.request() {
			_ = s.say(raw)
			_, _ = io.Copy(io.Discard, s)
		}
	}}
}

// Answers.

// Answer is a server that answers with these bytes, and closes the connection.
func Answer(raw string) Step {
	return Step{serve: func(s *session) {
		if s.request() {
			_ = s.say(raw)
		}
	}}
}

// AnswerAndStay is a server that answers with these bytes, one answer for each request on the one connection. After
// the last one it closes the connection when the next request has arrived.
func AnswerAndStay(raws ...string) Step {
	return Step{serve: func(s *session) {
		for _, raw := range raws {
			if !s.request() || s.say(raw) != nil {
				return
			}
		}
		s.request()
	}}
}

// Drip is a server that answers with these bytes, one at a time.
func Drip(raw string, every time.Duration) Step {
	return Step{serve: func(s *session) {
		if !s.request() {
			return
		}
		for i := range len(raw) {
			if time.Sleep(every); s.say(raw[i:i+1]) != nil {
				return
			}
		}
	}}
}

// Flood is a server that begins its answer with head and goes on with piece, again and again for as long as the client
// takes it, up to a limit in bytes.
func Flood(head, piece string, limit int) Step {
	return Step{serve: func(s *session) {
		if !s.request() || s.say(head) != nil {
			return
		}
		for sent := 0; sent < limit && s.say(piece) == nil; sent += len(piece) {
		}
	}}
}

// Through is a server whose answer h gives; send says what becomes of it on the way back. The request has taken effect
// then, whatever the client sees. A nil send sends it.
func Through(h http.Handler, send func(Reply) Step) Step {
	if send == nil {
		send = func(r Reply) Step { return Answer(r.String()) }
	}
	return Step{serve: func(s *session) {
		if req, ok := s.take(); ok {
			s.taken = &req
			send(reply(h, req)).serve(s)
		}
	}}
}

// KeepAlive is a server that answers each request on the connection as h does, n of them. Then it closes the connection,
// or, with a step, that becomes of it when the next request comes.
func KeepAlive(h http.Handler, n int, then ...Step) Step {
	return Step{serve: func(s *session) {
		for range n {
			req, ok := s.take()
			if !ok {
				return
			}
			r := reply(h, req)
			r.Stay = true
			if s.say(r.String()) != nil {
				return
			}
		}
		for _, step := range then {
			if _, err := s.Peek(1); err == nil {
				step.serve(s)
			}
		}
	}}
}

func reply(h http.Handler, req Request) Reply {
	r := req.WithContext(context.Background())
	r.Body = io.NopCloser(bytes.NewReader(req.Content))
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return Reply{Status: recorder.Code, Header: recorder.Result().Header, Body: recorder.Body.String()}
}

// Request is what arrived.
type Request struct {
	*http.Request
	Content []byte
}

// Network is a network whose connections go through the steps in their order. After the last step every connection
// takes that one.
type Network struct {
	script   func(i int) Step
	sessions sync.WaitGroup

	mu       sync.Mutex
	dials    int
	open     int
	arrived  int
	requests []Request
}

// New returns a network of these steps. The test ends when all of its connections have.
func New(tb testing.TB, steps ...Step) *Network {
	return NewScript(tb, func(i int) Step { return steps[min(i, len(steps)-1)] })
}

// NewScript returns a network whose connection i, from 0, is what script says.
func NewScript(tb testing.TB, script func(i int) Step) *Network {
	n := &Network{script: script}
	tb.Cleanup(n.sessions.Wait)
	return n
}

// Dials returns how many connections were tried.
func (n *Network) Dials() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials
}

// Open returns how many connections the client has not closed.
func (n *Network) Open() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.open
}

// Requests returns what arrived whole, but over HTTP/2.
func (n *Network) Requests() []Request {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Request(nil), n.requests...)
}

// Arrived returns how many requests arrived whole.
func (n *Network) Arrived() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.arrived
}

// arrive counts a request, and records it unless it is nil.
func (n *Network) arrive(r *Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.arrived++
	if r != nil {
		n.requests = append(n.requests, *r)
	}
}

// Transport returns a client's end of the network. For https it writes no TLS, but what http would.
func (n *Network) Transport() *http.Transport { return n.Under(&http.Transport{}) }

// Under returns a copy of t that dials into the network, with everything else as it is. For https it writes no TLS, but
// what http would: see [Network.Secure].
func (n *Network) Under(t *http.Transport) *http.Transport {
	t = t.Clone()
	t.Proxy, t.DialContext, t.DialTLSContext = nil, n.dial, n.dial
	return t
}

func (n *Network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	step := n.script(n.dials)
	n.dials++
	if step.dial == nil {
		n.open++
	}
	n.mu.Unlock()
	if step.dial != nil {
		return nil, step.dial
	}
	near, far := net.Pipe()
	client := &wire{Conn: near, gone: make(chan struct{})}
	client.leave = sync.OnceFunc(func() {
		n.mu.Lock()
		n.open--
		n.mu.Unlock()
		close(client.gone)
	})
	server := newBuffered(far, client.gone)
	n.sessions.Go(func() {
		defer server.Close()
		step.serve(&session{Conn: server, Reader: bufio.NewReader(server), network: n, wire: client})
	})
	return client, nil
}

// buffered is the server's end of a connection. As on a real network, some of what it has written can be under way.
type buffered struct {
	net.Conn
	out    chan []byte
	closed chan struct{}
	gone   <-chan struct{} // the client
	finish func()
}

func newBuffered(far net.Conn, gone <-chan struct{}) *buffered {
	b := &buffered{Conn: far, out: make(chan []byte, 64), closed: make(chan struct{}), gone: gone}
	sent, drained := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sent)
		for {
			select {
			case chunk := <-b.out:
				_, _ = far.Write(chunk)
			case <-b.closed:
				if len(b.out) == 0 {
					return
				}
			}
		}
	}()
	b.finish = sync.OnceFunc(func() {
		close(b.closed)
		go func() { // the client may have to write before it reads
			defer close(drained)
			_, _ = io.Copy(io.Discard, far)
		}()
		<-sent
		_ = far.Close()
		<-drained
	})
	return b
}

func (b *buffered) Write(p []byte) (int, error) { return b.send(bytes.Clone(p)) }

// WriteString is Write without a second copy.
func (b *buffered) WriteString(s string) (int, error) { return b.send([]byte(s)) }

// send takes p for good.
func (b *buffered) send(p []byte) (int, error) {
	select {
	case <-b.gone:
		return 0, io.ErrClosedPipe
	case <-b.closed:
		return 0, io.ErrClosedPipe
	case b.out <- p:
		return len(p), nil
	}
}

// SetWriteDeadline does nothing: what is under way arrives. crypto/tls sets one when it closes.
func (b *buffered) SetWriteDeadline(time.Time) error { return nil }

func (b *buffered) Close() error {
	b.finish()
	return nil
}

// wire is the client's end of a connection.
type wire struct {
	net.Conn
	broken atomic.Bool // it ends in a reset
	gone   chan struct{}
	leave  func()
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	return n, w.why("read", err)
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	return n, w.why("write", err)
}

func (w *wire) why(op string, err error) error {
	if w.broken.Load() && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)) {
		return &net.OpError{Op: op, Net: "tcp", Err: syscall.ECONNRESET}
	}
	return err
}

func (w *wire) Close() error {
	w.leave()
	return w.Conn.Close()
}

// RoundTripper is one that a caller has made up.
type RoundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f RoundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
