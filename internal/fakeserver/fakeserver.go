// Package fakeserver is what the fakes of the SDK have in common: an HTTP server that is reached through memory, so that
// it works inside testing/synctest, and that can break.
package fakeserver

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is an HTTP server whose connections are pipes in memory.
type Server struct {
	// Transport reaches the server, whatever the host.
	Transport *http.Transport

	server *http.Server
	memory *memory
}

// Serve returns a server of the handler. Close it after use.
func Serve(handler http.Handler) *Server {
	m := &memory{conns: make(chan net.Conn), done: make(chan struct{})}
	s := &Server{
		Transport: &http.Transport{DialContext: m.dial, MaxIdleConnsPerHost: 1000},
		server:    &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute},
		memory:    m,
	}
	go func() { _ = s.server.Serve(m) }()
	return s
}

// Close ends the server and its connections.
func (s *Server) Close() {
	_ = s.server.Close()
	_ = s.memory.Close() // where Serve had not come to it yet
	s.Transport.CloseIdleConnections()
}

// Drop closes the connection without an answer. Over HTTP/1 the first line of one goes out before: when nothing comes
// back on a connection that was used before, net/http's client sends a GET again by itself, and nobody sees the failure.
func Drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // how net/http closes a connection, or resets a stream
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
	_ = conn.Close()
}

// Truncate writes half of the content, of which the header has told the length, and closes the connection.
func Truncate(w http.ResponseWriter, content string) {
	_, _ = io.WriteString(w, content[:len(content)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// Pause waits for d, or for the client to leave, and reports whether the client is still there.
func Pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// memory is a listener.
type memory struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case m.conns <- far:
		return near, nil
	case <-m.done:
		return nil, &net.OpError{Op: "dial", Net: "memory", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: "memory", Err: ctx.Err()}
	}
}

// Accept implements [net.Listener].
func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (m *memory) Close() error {
	m.once.Do(func() { close(m.done) })
	return nil
}

// Addr implements [net.Listener].
func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "memory"} }
