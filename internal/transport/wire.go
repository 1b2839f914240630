package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// content is the body of a 2xx answer, up to a limit. It remembers why it ended.
type content struct {
	body io.Reader
	left int64
	over bool  // there was more
	err  error // why it did not come to its end
}

func (c *content) Read(p []byte) (int, error) {
	if c.left < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.body.Read(p)
	if c.left -= int64(n); c.left < 0 {
		c.over = true
		return n - 1, io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// request is the one that goes out. The caller's is not changed.
func (r *run) request(ctx context.Context, key string, wire *watch) *http.Request {
	req := r.call.Request.Clone(ctx)
	if req.Header == nil {
		req.Header = http.Header{}
	}
	for name := range req.Header { // however it is spelled
		if strings.EqualFold(name, "Authorization") {
			delete(req.Header, name)
		}
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("User-Agent", r.engine.userAgent)
	req.Host = "" // the URL says where it goes
	req.Body, req.GetBody, req.ContentLength = http.NoBody, nil, 0
	if len(r.call.Body) > 0 {
		body := func() io.ReadCloser { return io.NopCloser(bytes.NewReader(r.call.Body)) }
		req.Body, req.ContentLength = body(), int64(len(r.call.Body))
		req.GetBody = func() (io.ReadCloser, error) {
			if wire.http2.Load() {
				return nil, errReplayed
			}
			return body(), nil
		}
	}
	return req
}

// watch follows one exchange below net/http, which sends some requests again by itself. Over HTTP/1 it does so only
// where nothing was written, or for a GET on a connection that had been idle. Over HTTP/2 it does so without end, and
// also when the server has worked on the request.
type watch struct {
	idempotent bool
	cancel     context.CancelFunc
	asked      atomic.Int32 // how often a connection was asked for
	connected  atomic.Bool
	http2      atomic.Bool
	replayed   atomic.Bool // once too often
}

func (w *watch) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) {
			if n := w.asked.Add(1); n > 2 || n > 1 && w.http2.Load() && !w.idempotent {
				w.replayed.Store(true)
				w.cancel()
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			w.connected.Store(true)
			if c, ok := info.Conn.(interface{ ConnectionState() tls.ConnectionState }); ok && c.ConnectionState().NegotiatedProtocol == "h2" {
				w.http2.Store(true)
			}
		},
	}
}

// sent reports whether the request may have reached the server although err came back. Without a connection nothing was
// written. A RoundTripper that reports no connections proves nothing, unless it failed in dialling.
func (w *watch) sent(base http.RoundTripper, err error) bool {
	if _, reports := base.(*http.Transport); reports || w.asked.Load() > 0 {
		return w.connected.Load()
	}
	return !isDial(err)
}
