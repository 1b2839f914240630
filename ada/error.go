package ada

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/adasdk/ada-go/internal/transport"
)

// What a failed call can be matched against with errors.Is. One error can match several: a message trigger that was
// answered with 502 matches both [ErrServer] and [ErrOutcomeUnknown].
var (
	// ErrInvalid: the parameters were refused, by the SDK before anything was sent, or by Ada with 400 or 422.
	ErrInvalid = errors.New("invalid")
	// ErrUnauthorized: Ada does not accept the key (401), or there was none to send.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the key may not do this (403).
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: there is no such thing, or the feature is not enabled for this AI Agent (404).
	ErrNotFound = errors.New("not found")
	// ErrConflict: somebody else has it, such as an external id (409).
	ErrConflict = errors.New("conflict")
	// ErrTooLarge: the body is over the limit. The SDK checks before it sends; Ada answers 413.
	ErrTooLarge = errors.New("too large")
	// ErrRateLimited: the rate limit refused the call (429), or it would keep the call past the context's deadline, or
	// the day's requests are used up. Nothing was done.
	ErrRateLimited = errors.New("rate limited")
	// ErrServer: Ada or something in front of it failed (5xx).
	ErrServer = errors.New("server error")
	// ErrAnswer: an answer came and cannot be used: a redirect, a body that is too long, no JSON, or JSON of a shape
	// that the operation does not have.
	ErrAnswer = errors.New("unusable answer")
	// ErrOutcomeUnknown: the call may have taken effect, and repeating it could do it twice. Find out before
	// deciding; the SDK will not repeat it.
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// Error is how every failed call ends. Its text, and what it shows in logs and under every fmt verb, names the
// operation and what went wrong in at most 1 KiB. It holds no key and no parameter value, and of what the server wrote
// only the types of its problems, the JSON paths that they name, the host of a redirect and the request id.
type Error struct {
	Operation  string        // the operation's name, such as "endusers.Create"
	Method     string        // the HTTP method
	Route      string        // the path with its parameters in braces
	StatusCode int           // of the last attempt; 0 when it got no answer
	Attempts   int           // how many times the call was tried; 0 when it was refused before
	RetryAfter time.Duration // how long the server asked to wait; 0 when it did not say
	RequestID  string        // the server's X-Request-Id, if it sent one
	Faults     []Fault       // what the SDK found wrong with the parameters or the answer, all of it
	Problems   []Problem     // what the server found wrong, in its own words

	answer    *transport.Answer
	kind      error // the sentinel, where it does not follow from the status
	cause     error
	happened  bool
	unknown   bool
	retryable bool
}

// Fault is one thing that the SDK found wrong. Its text is made by the SDK and holds no value.
type Fault struct { //nolint:errname // a fault is an error only where UnmarshalJSON has to return one
	Field  string // the parameter, or the path to the part of the answer: "Profile.Language", "data[3].end_user_id"
	Reason string // such as "has 37 characters, at most 36"
}

// Error returns the field and the reason. A Fault is an error so that an UnmarshalJSON can return one and [Client.Do]
// can show it.
func (f Fault) Error() string { return f.Field + " " + f.Reason }

// Problem is one thing that the server found wrong, as its error envelope has it. A Problem prints without Message
// and Details, since they can repeat what was sent.
//
// https://docs.ada.cx/reference/introduction/errors
type Problem struct {
	Type      string          // a slug such as "validation_error"
	Message   string          // for people
	Parameter string          // where, for a validation error: "$.profile.language"
	Location  string          // the part of the request that Parameter is in: "body"
	Details   json.RawMessage // whatever more the server said: a string, a list, an object
}

// String returns the type, if it is a slug, and the parameter, if it is a JSON path, without metadata keys.
func (p Problem) String() string {
	var parts []string
	if madeOf(p.Type, 64, "_") {
		parts = append(parts, p.Type)
	}
	at, _, more := strings.Cut(p.Parameter, "metadata.")
	if more {
		at += "metadata"
	}
	if strings.HasPrefix(at, "$") && madeOf(at, 100, "$._[]0123456789") {
		parts = append(parts, "at "+at)
	}
	return strings.Join(parts, " ")
}

// Format writes the same as String for every verb.
func (p Problem) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// MarshalText returns the same as String.
func (p Problem) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// madeOf reports whether s is short and made of small letters and others.
func madeOf(s string, most int, others string) bool {
	return s != "" && len(s) <= most && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && !strings.ContainsRune(others, c)
	})
}

// Error describes the failure in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Operation)
	if e.StatusCode != 0 || e.Attempts > 0 {
		fmt.Fprintf(&b, ": %s %s", e.Method, e.Route)
	}
	if e.StatusCode != 0 {
		b.WriteString(strings.TrimRight(fmt.Sprintf(": %d %s", e.StatusCode, http.StatusText(e.StatusCode)), " "))
	}
	for i, p := range e.Problems {
		if s := p.String(); s != "" && i < 10 {
			fmt.Fprintf(&b, ": %s", s)
		}
	}
	if what := e.what(); what != "" {
		fmt.Fprintf(&b, ": %s", what)
	}
	for i, f := range e.Faults {
		separator := ": "
		if i > 0 {
			separator = "; "
		}
		b.WriteString(separator + f.Error())
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, ": retry after %s", e.RetryAfter.Round(time.Second))
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, ": request %s", e.RequestID)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, ": after %d attempts", e.Attempts)
	}
	unknown := ""
	if e.unknown {
		unknown = ": outcome unknown"
	}
	return b.String()[:min(b.Len(), maxText-len(unknown))] + unknown
}

// maxText is how long an error's text can be, in bytes.
const maxText = 1 << 10

// what names the failure where the status does not.
func (e *Error) what() string {
	if e.cause == nil {
		if e.kind == nil {
			return ""
		}
		return e.kind.Error()
	}
	var (
		dns *net.DNSError
		sys syscall.Errno
	)
	switch err := e.cause; {
	case errors.Is(err, transport.ErrRedirect):
		return err.Error() // of the transport's own making
	case errors.Is(err, transport.ErrStatus):
		return ""
	case errors.Is(err, transport.ErrUnusable):
		return transport.ErrUnusable.Error()
	case errors.Is(err, transport.ErrPaced):
		return "no free slot before the deadline"
	case errors.Is(err, transport.ErrUsedUp):
		return "the limit of the day is used up"
	case errors.Is(err, transport.ErrLimiter):
		return "the limiter failed"
	case errors.Is(err, context.Canceled):
		return context.Canceled.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded.Error()
	case errors.Is(err, transport.ErrKey):
		return "no key to send"
	case errors.Is(err, transport.ErrTimeout):
		return "the attempt timed out"
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return "no such host"
		}
		return "host lookup failed"
	case transport.IsCertificate(err):
		return "the server's certificate is not accepted"
	case transport.IsPlain(err):
		return "the server does not speak https"
	case errors.Is(err, transport.ErrProxy):
		return "the proxy refused the connection"
	case errors.As(err, &sys):
		return "no answer: " + sys.Error()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer: timed out"
	}
	return "no answer: the connection failed"
}

// Is reports whether target is one of the sentinels that e matches. The cause of a failed connection, such as a
// *net.DNSError or context.Canceled, is reached through errors.Is and errors.As too.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrOutcomeUnknown:
		return e.unknown
	case ErrAnswer:
		return errors.Is(e.cause, transport.ErrUnusable) || errors.Is(e.cause, transport.ErrRedirect)
	case ErrServer:
		return e.StatusCode >= 500
	}
	return target == e.kind || target == sentinels[e.StatusCode]
}

var sentinels = map[int]error{
	http.StatusBadRequest:            ErrInvalid,
	http.StatusUnauthorized:          ErrUnauthorized,
	http.StatusForbidden:             ErrForbidden,
	http.StatusNotFound:              ErrNotFound,
	http.StatusConflict:              ErrConflict,
	http.StatusRequestEntityTooLarge: ErrTooLarge,
	http.StatusUnprocessableEntity:   ErrInvalid,
	http.StatusTooManyRequests:       ErrRateLimited,
}

// Unwrap returns the cause, if there is one beyond the server's answer. Its text is not the SDK's: do not log it, since
// it can hold addresses and parts of an answer.
func (e *Error) Unwrap() error { return e.cause }

// MayHaveHappened reports whether the call can have taken effect all the same, in one of its attempts or another. When
// it has and its operation is not idempotent, the error matches [ErrOutcomeUnknown] as well.
func (e *Error) MayHaveHappened() bool { return e.happened }

// Body returns up to 64 KiB of what the server answered, as it came. It can hold personal data.
func (e *Error) Body() []byte {
	if e.answer == nil {
		return nil
	}
	return e.answer.Body[:min(len(e.answer.Body), 64<<10)]
}

// Format writes the same as Error for every verb, of an Error that was copied too.
func (e Error) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.Error()) }

// MarshalText returns the same as Error.
func (e Error) MarshalText() ([]byte, error) { return []byte(e.Error()), nil }

// LogValue returns the parts of the error that are safe to log, as a group.
func (e *Error) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("error", e.Error()),
		slog.String("operation", e.Operation),
		slog.Int("status", e.StatusCode),
		slog.Int("attempts", e.Attempts),
		slog.Bool("outcome_unknown", e.unknown),
	)
}

// Retryable reports whether err is of a call that would be safe to make again and could succeed then: it was rate
// limited, the server or the network failed and repeating is harmless, or the request was never sent. It is false
// for [ErrOutcomeUnknown], for refusals, and for a call that the caller cancelled.
func Retryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.retryable
}

// newError translates an outcome of the transport.
func newError(op Operation, o transport.Outcome) *Error {
	e := op.fail(nil)
	e.Attempts, e.RetryAfter = o.Attempts, o.RetryAfter
	e.cause, e.happened, e.unknown, e.retryable = o.Err, o.Happened, o.Unknown, o.Transient
	if a := o.Answer; a != nil {
		e.StatusCode = a.Status
		e.RequestID = requestID(a.Header)
		e.answer = a
		e.Problems = problems(a.Body)
	}
	var fault Fault
	var mismatch *json.UnmarshalTypeError
	var invalid *Error
	switch {
	case errors.As(o.Err, &fault):
		e.Faults = []Fault{fault}
	case errors.As(o.Err, &mismatch):
		e.Faults = []Fault{{cmp.Or(mismatch.Field, "the body"), "has another type"}}
	case errors.Is(o.Err, transport.ErrPaced), errors.Is(o.Err, transport.ErrUsedUp):
		e.kind = ErrRateLimited
	case errors.As(o.Err, &invalid): // a key function gave an invalid key
		e.kind, e.Faults = invalid.kind, invalid.Faults
	case errors.Is(o.Err, transport.ErrKey):
		e.kind = ErrUnauthorized
	}
	return e
}

// problems reads the error envelopes that Ada uses: {"errors":[{type,message,details}]} and {"message"}. A body of
// another form has none; it stays reachable by Body.
func problems(body []byte) []Problem {
	var envelope struct {
		Errors  json.RawMessage `json:"errors"`
		Message string          `json:"message"`
	}
	if json.Unmarshal(body, &envelope) != nil {
		return nil
	}
	var said []struct {
		Type    string          `json:"type"`
		Message string          `json:"message"`
		Details json.RawMessage `json:"details"`
	}
	if json.Unmarshal(envelope.Errors, &said) != nil || len(said) == 0 {
		if envelope.Message == "" {
			return nil
		}
		return []Problem{{Message: envelope.Message}}
	}
	var found []Problem
	for _, s := range said {
		p := Problem{Type: s.Type, Message: s.Message, Details: s.Details}
		var places []struct {
			Parameter string `json:"parameter"`
			Location  string `json:"location"`
			Message   string `json:"message"`
		}
		if json.Unmarshal(s.Details, &places) != nil || len(places) == 0 {
			found = append(found, p)
			continue
		}
		for _, at := range places {
			q := p
			q.Parameter, q.Location = at.Parameter, at.Location
			if at.Message != "" {
				q.Message = at.Message
			}
			found = append(found, q)
		}
	}
	return found
}

func requestID(h http.Header) string {
	if id := h.Get("X-Request-Id"); madeOf(id, 64, "-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return id
	}
	return ""
}
