package ada

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/adasdk/ada-go/internal/transport"
)

// Response is what is known of an answer beside the decoded body. It prints its status and nothing else.
type Response struct {
	StatusCode int // of the last attempt; 0 when it got no answer
	Header     http.Header
	RateLimit  RateLimit
	RequestID  string // the server's X-Request-Id, if it sent one
	Attempts   int    // how many times the call was tried
	body       []byte
}

// RateLimit is Ada's count of requests in the present window, from the X-RateLimit headers. It is zero where they are
// missing.
//
// https://docs.ada.cx/reference/introduction/limits
type RateLimit struct {
	Limit     int       // requests in the window
	Remaining int       // of them, those that are left
	Reset     time.Time // when the window ends, by Ada's clock
}

func newResponse(o transport.Outcome) *Response {
	r := &Response{Attempts: o.Attempts}
	if a := o.Answer; a != nil {
		r.StatusCode, r.Header, r.body, r.RequestID = a.Status, a.Header, a.Body, requestID(a.Header)
		limit, _ := transport.Number(a.Header, "X-Ratelimit-Limit")
		remaining, _ := transport.Number(a.Header, "X-Ratelimit-Remaining")
		r.RateLimit.Limit, r.RateLimit.Remaining = int(limit), int(remaining)
		r.RateLimit.Reset = transport.ResetTime(a.Header, time.Now())
	}
	return r
}

// Body returns the answer's body as it came; of an error, its first 64 KiB; of one that a [Stream] read, nothing.
func (r Response) Body() []byte { return r.body }

// String returns the status.
func (r Response) String() string { return "ada.Response(" + strconv.Itoa(r.StatusCode) + ")" }

// Format writes the same as String for every verb.
func (r Response) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalText returns the same as String.
func (r Response) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Stream is an out of [Client.Do] that reads a 2xx answer while it comes, instead of having it held in memory. It is
// called once for each attempt that is so answered, and begins anew each time: what an earlier attempt has read was cut
// short. It reads to the end. An error of its own fails the call with [ErrAnswer]; a [Fault] says in the error what is
// wrong, and with a *json.SyntaxError the call is repeated as one whose answer is no JSON.
type Stream func(body io.Reader) error

// read reads and judges a 2xx answer.
func read(a *transport.Answer, op Operation, body io.Reader, out any) error {
	if stream, ok := out.(Stream); ok {
		return stream(body)
	}
	if err := a.Keep(body); err != nil {
		return err
	}
	return decode(a, op, out)
}

// decode judges a 2xx answer that is held in memory.
func decode(a *transport.Answer, op Operation, out any) error {
	if !op.PartialErrors && bytes.Contains(a.Body, []byte(`"errors"`)) {
		var envelope map[string]json.RawMessage
		_ = json.Unmarshal(a.Body, &envelope)
		switch string(envelope["errors"]) {
		case "", "null", "[]", "{}", `""`:
		default:
			return Fault{"the body", "is an error envelope"}
		}
	}
	if out == nil {
		// Any body will do that can be Ada's. With a page of a proxy, nobody knows whether Ada has seen the call.
		kind := strings.ToLower(a.Header.Get("Content-Type"))
		switch {
		case strings.HasPrefix(kind, "text/html") || bytes.HasPrefix(bytes.TrimSpace(a.Body), []byte("<")):
			return Fault{"the body", "is HTML"}
		case strings.Contains(kind, "json") && len(a.Body) > 0 && !json.Valid(a.Body):
			return Fault{"the body", "is broken JSON"}
		}
		return nil
	}
	if string(bytes.TrimSpace(a.Body)) == "null" {
		return Fault{"the body", "is null"}
	}
	if u, ok := out.(json.Unmarshaler); ok && json.Valid(a.Body) {
		return u.UnmarshalJSON(bytes.TrimSpace(a.Body)) // what json.Unmarshal would do, at less cost
	}
	return json.Unmarshal(a.Body, out)
}
