package ada

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/adasdk/ada-go/internal/transport"
)

// maxBody is the largest request body that any of Ada's endpoints accepts, in bytes; beyond it Ada answers 413.
const maxBody = 10 << 20

// defaultResponse is the longest answer that is read of an operation that has no limit of its own, in bytes.
const defaultResponse = 10 << 20

// Operation describes one endpoint of Ada. The API packages keep theirs to themselves; make one to call an endpoint
// that the SDK does not wrap yet, with [Client.NewRequest] and [Client.Do].
type Operation struct {
	// Name stands for the operation in errors, logs and hooks: "channels.List".
	Name string
	// Method is the HTTP method.
	Method string
	// Route is the path below the host, with each parameter in braces and with exactly the trailing slash that Ada
	// documents: "/api/v2/channels/{channel_id}". Errors and logs show it as it stands here, without values.
	Route string
	// Idempotent says that making the call twice does no more than making it once, so that it may be repeated after
	// a failure that leaves open whether it took effect. GET and HEAD always are.
	Idempotent bool
	// PartialErrors says that a 2xx answer may have errors of parts of the request beside its results. Without it such
	// an answer fails the call with [ErrAnswer].
	PartialErrors bool
	// Pace is the limit of the endpoint's family; zero: Ada's default, 10 a second, 100 a minute and 10,000 a day for
	// all such endpoints together.
	Pace Pace
	// MaxPayload is the largest body in bytes that is sent; zero: 10 MiB, Ada's limit for all endpoints.
	// [HTTPConfig.MaxPayload] can raise it.
	MaxPayload int64
	// MaxResponse is the longest answer that is read, in bytes after decompression; zero: that of
	// [HTTPConfig.MaxResponse], which can also raise it.
	MaxResponse int64
	// AttemptTimeout ends one attempt where [HTTPConfig.AttemptTimeout] is not set; zero: 30 s.
	AttemptTimeout time.Duration
}

// Invalid returns the [*Error], matching [ErrInvalid], with which a call of op refuses its parameters before anything
// is sent. It returns nil when there are no faults.
func (op Operation) Invalid(faults ...Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return op.fail(ErrInvalid, faults...)
}

// Unusable returns the [*Error], matching [ErrAnswer], with which a call of op refuses an answer that was decoded and
// makes no sense. resp is what [Client.Do] has returned with it; with nil the error knows of no answer.
func (op Operation) Unusable(resp *Response, faults ...Fault) error {
	e := op.fail(nil, faults...)
	e.cause = transport.ErrUnusable
	if resp != nil {
		e.StatusCode, e.Attempts, e.RequestID = resp.StatusCode, resp.Attempts, resp.RequestID
		e.answer = &transport.Answer{Status: resp.StatusCode, Header: resp.Header, Body: resp.body}
		e.happened, e.unknown = true, !op.idempotent()
	}
	return e
}

func (op Operation) fail(kind error, faults ...Fault) *Error {
	return &Error{Operation: op.Name, Method: op.Method, Route: op.Route, Faults: faults, kind: kind}
}

func (op Operation) idempotent() bool {
	return op.Idempotent || op.Method == http.MethodGet || op.Method == http.MethodHead
}

func (op Operation) pace() Pace {
	if op.Pace == (Pace{}) {
		return defaultPace
	}
	return op.Pace
}

func (op Operation) maxResponse(h HTTPConfig) int64 {
	return max(op.MaxResponse, or(h.MaxResponse, defaultResponse))
}

func (op Operation) attemptTimeout(h HTTPConfig) time.Duration {
	timeout := or(h.AttemptTimeout, or(op.AttemptTimeout, 30*time.Second))
	if h.Client != nil && h.Client.Timeout > 0 {
		timeout = min(timeout, h.Client.Timeout)
	}
	return timeout
}

func (op Operation) maxPayload(raised int64) int64 {
	if op.MaxPayload > 0 {
		return max(op.MaxPayload, raised)
	}
	return max(maxBody, raised)
}

// expand puts the values into the route, escaped.
func (op Operation) expand(values []string) (string, []Fault) {
	var faults []Fault
	segments := strings.Split(op.Route, "/")
	used := 0
	for i, s := range segments {
		if !isParameter(s) {
			continue
		}
		if used == len(values) {
			return "", []Fault{{op.Route, "has more parameters than there are values"}}
		}
		if v := values[used]; v == "" || v == "." || v == ".." {
			faults = append(faults, Fault{strings.Trim(s, "{}"), "is empty or a dot segment"})
		}
		segments[i] = url.PathEscape(values[used])
		used++
	}
	if used < len(values) {
		faults = append(faults, Fault{op.Route, "has fewer parameters than there are values"})
	}
	return strings.Join(segments, "/"), faults
}

// matches reports whether path, escaped, is the route with every parameter filled in. It keeps any value from leading
// the request to another endpoint.
func (op Operation) matches(path string) bool {
	route, more := op.Route, true
	for more {
		want, rest, wanted := strings.Cut(route, "/")
		got, left, is := strings.Cut(path, "/")
		if isParameter(want) {
			if v, err := url.PathUnescape(got); err != nil || v == "" || v == "." || v == ".." {
				return false
			}
		} else if want != got {
			return false
		}
		if wanted != is {
			return false
		}
		route, path, more = rest, left, is
	}
	return true
}

func isParameter(segment string) bool {
	return strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}")
}
