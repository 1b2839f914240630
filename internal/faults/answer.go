package faults

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Say returns the bytes of an answer after which the connection is closed.
func Say(status int, body string, header ...string) string {
	return SayAndStay(status, body, append(header, "Connection: close")...)
}

// SayAndStay returns the bytes of an answer that leaves the connection open.
func SayAndStay(status int, body string, header ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", status, http.StatusText(status), len(body))
	for _, line := range header {
		b.WriteString(line + "\r\n")
	}
	return b.String() + "\r\n" + body
}

// Reply is the answer of a handler, to be changed before it is sent.
type Reply struct {
	Status int
	Header http.Header
	Body   string
	Stay   bool // leave the connection open
}

// Head returns its bytes up to the body, with these headers beside its own.
func (r Reply) Head(header ...string) string {
	h := r.Header.Clone()
	h.Del("Content-Length")
	h.Del("Transfer-Encoding")
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", r.Status, http.StatusText(r.Status))
	_ = h.Write(&b)
	if !r.Stay {
		b.WriteString("Connection: close\r\n")
	}
	for _, line := range header {
		b.WriteString(line + "\r\n")
	}
	return b.String() + "\r\n"
}

// String returns its bytes.
func (r Reply) String() string {
	if r.Status == http.StatusNoContent || r.Status == http.StatusNotModified {
		return r.Head()
	}
	return r.Head(fmt.Sprintf("Content-Length: %d", len(r.Body))) + r.Body
}

// Gzipped returns the reply in another encoding. cut is how many bytes of the compressed body are left out at its end.
func (r Reply) Gzipped(cut int) Reply {
	r.Header = r.Header.Clone()
	r.Header.Set("Content-Encoding", "gzip")
	r.Body = Gzip(r.Body)
	r.Body = r.Body[:max(len(r.Body)-cut, 0)]
	return r
}

// gzipTrailer is the checksum and the length at the end.
const gzipTrailer = 8

// WithoutTrailer returns the reply compressed, without the checksum at the end.
func (r Reply) WithoutTrailer() Reply { return r.Gzipped(gzipTrailer) }

// Gzip compresses s.
func Gzip(s string) string {
	var b bytes.Buffer
	w := zippers.Get().(*gzip.Writer)
	defer zippers.Put(w)
	w.Reset(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// zippers are kept, as each has most of a megabyte.
var zippers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}
