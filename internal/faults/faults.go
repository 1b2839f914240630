// Package faults is a network that breaks on demand, for the tests of the SDK. It is all in memory, so that it works
// inside testing/synctest, but what runs over it is net/http's own client and real bytes.
package faults

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
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
}

func (s *session) Read(b []byte) (int, error) { return s.Reader.Read(b) }

// request reads one whole request and records it.
func (s *session) request() bool {
	req, err := http.ReadRequest(s.Reader)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return false
	}
	s.network.mu.Lock()
	defer s.network.mu.Unlock()
	s.network.requests = append(s.network.requests, Request{req, body})
	return true
}

// Refused is a connection that nobody accepts.
func Refused() Step {
	return Step{dial: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
}

// NoHost is a name that the DNS does not have.
func NoHost() Step {
	return Step{dial: &net.DNSError{Err: "no such host", Name: "acme.ada.support", IsNotFound: true}}
}

// LookupFails is a DNS that does not work for the moment.
func LookupFails() Step {
	return Step{dial: &net.DNSError{Err: "server misbehaving", Name: "acme.ada.support", IsTemporary: true}}
}

// Error is a connection that fails with err.
func Error(err error) Step { return Step{dial: err} }

// HangUp is a server that takes the request and closes the connection without an answer.
func HangUp() Step { return Step{serve: func(s *session) { s.request() }} }

// Silence is a server that takes the request and says nothing until the client goes away.
func Silence() Step {
	return Step{serve: func(s *session) {
		s.request()
		_, _ = io.Copy(io.Discard, s)
	}}
}

// Answer is a server that answers with these bytes, and closes the connection.
func Answer(raw string) Step {
	return Step{serve: func(s *session) {
		if s.request() {
			_, _ = io.WriteString(s, raw)
		}
	}}
}

// AnswerAndStay is a server that answers with these bytes, one answer for each request on the one connection. After
// the last one it closes the connection when the next request has arrived.
func AnswerAndStay(raws ...string) Step {
	return Step{serve: func(s *session) {
		for _, raw := range raws {
			if !s.request() {
				return
			}
			if _, err := io.WriteString(s, raw); err != nil {
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
			time.Sleep(every)
			if _, err := io.WriteString(s, raw[i:i+1]); err != nil {
				return
			}
		}
	}}
}

// Request is what arrived.
type Request struct {
	*http.Request
	Content []byte
}

// Network is a network whose connections go through the steps in their order. After the last step every connection
// takes that one.
type Network struct {
	steps    []Step
	sessions sync.WaitGroup

	mu       sync.Mutex
	dials    int
	requests []Request
}

// New returns a network of these steps. The test ends when all of its connections have.
func New(tb testing.TB, steps ...Step) *Network {
	n := &Network{steps: steps}
	tb.Cleanup(n.sessions.Wait)
	return n
}

// Dials returns how many connections were tried.
func (n *Network) Dials() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials
}

// Requests returns what arrived whole.
func (n *Network) Requests() []Request {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Request(nil), n.requests...)
}

// Transport returns a client's end of the network.
func (n *Network) Transport() *http.Transport {
	return &http.Transport{DialContext: n.dial, DialTLSContext: n.dial}
}

func (n *Network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	step := n.steps[min(n.dials, len(n.steps)-1)]
	n.dials++
	n.mu.Unlock()
	if step.dial != nil {
		return nil, step.dial
	}
	near, far := net.Pipe()
	n.sessions.Go(func() {
		defer far.Close()
		step.serve(&session{far, bufio.NewReader(far), n})
	})
	return near, nil
}
