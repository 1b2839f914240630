package ada

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/adasdk/ada-go/internal/transport"
)

// Client talks to one AI Agent. Hand it to the API packages: endusers.New(client). It is safe for concurrent use.
type Client struct {
	base *url.URL
	key  func(context.Context) (Secret, error) // a closure, which prints as an address
	*shared
}

// shared is what a client has in common with those derived from it.
type shared struct {
	config HTTPConfig
	engine *transport.Engine

	mu     sync.Mutex
	pacers map[Pace]*transport.Pacer
}

// NewClient checks the whole configuration and returns a client for it. It sends nothing. The error, which matches
// [ErrInvalid], names every fault.
func NewClient(c Config) (*Client, error) {
	base, faults := c.base()
	key := c.KeyFunc
	switch {
	case key != nil && c.APIKey != "":
		faults = append(faults, Fault{"KeyFunc", "excludes APIKey"})
	case key == nil:
		faults = append(faults, c.APIKey.faults()...)
		key = fixed(c.APIKey)
	}
	faults = append(faults, c.HTTP.faults()...)
	if err := (Operation{Name: "ada.NewClient"}).Invalid(faults...); err != nil {
		return nil, err
	}
	config := c.HTTP.withDefaults()
	return &Client{base: base, key: key, shared: &shared{
		config: config,
		engine: transport.New(config.transport(), strings.TrimSpace(config.UserAgent+" "+userAgent())),
		pacers: map[Pace]*transport.Pacer{},
	}}, nil
}

func fixed(key Secret) func(context.Context) (Secret, error) {
	return func(context.Context) (Secret, error) { return key, nil }
}

// WithAPIKey returns a client that sends another key, and shares everything else with c: connections, pacing and
// configuration. Accounts from before July 2024 can have a key of its own for each of Data Export, Data Compliance
// and Proactive SMS.
func (c *Client) WithAPIKey(key Secret) (*Client, error) {
	if err := (Operation{Name: "ada.WithAPIKey"}).Invalid(key.faults()...); err != nil {
		return nil, err
	}
	return &Client{base: c.base, key: fixed(key), shared: c.shared}, nil
}

// BaseURL returns the URL that routes are appended to, such as "https://acme.ada.support/". It ends in a slash.
func (c *Client) BaseURL() string { return c.base.String() }

// String returns the base URL.
func (c *Client) String() string { return "ada.Client(" + c.base.String() + ")" }

// Format writes the same as String for every verb.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// NewRequest returns a request for op, to be sent with [Client.Do]: the route's parameters are filled with
// pathValues, escaped, in their order, and a body that is not nil is encoded as JSON. Add query values by setting
// URL.RawQuery. The error matches [ErrInvalid].
func (c *Client) NewRequest(ctx context.Context, op Operation, body any, pathValues ...string) (*http.Request, error) {
	path, faults := op.expand(pathValues)
	if err := op.Invalid(faults...); err != nil {
		return nil, err
	}
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, op.Invalid(Fault{"the body", "cannot be encoded as JSON"})
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, op.Method, strings.TrimSuffix(c.BaseURL(), "/")+path, content)
	if err != nil {
		return nil, op.Invalid(Fault{"the operation", "has a method or a route that cannot be sent"})
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// Do sends req as a call of op and decodes the JSON of a 2xx answer into out, which is a pointer, or nil to take any
// answer and decode nothing. The answer must be one JSON value and not null. An UnmarshalJSON that refuses it
// fails the call with [ErrAnswer]; return a [Fault] from it to say in the error what is wrong.
//
// The error is an [*Error], and the Response is then nil; [WithResponse] has it all the same.
//
// Do paces, authenticates and repeats the call as the package comment says, and refuses a request whose method, origin
// or path are not those of c and op. The API packages send everything through it.
func (c *Client) Do(req *http.Request, op Operation, out any, opts ...CallOption) (*Response, error) {
	s := callSettings{config: c.config}
	for _, o := range opts {
		o.apply(&s)
	}
	body, err := c.check(req, op, &s)
	if err != nil {
		return nil, err
	}
	ctx := req.Context()
	attempt := Attempt{Operation: op.Name, Method: op.Method, Route: op.Route}
	o := c.engine.Do(transport.Call{
		Request:     req,
		Body:        body,
		Idempotent:  op.idempotent(),
		MaxPayload:  op.maxPayload(s.config.MaxPayload),
		MaxResponse: s.config.MaxResponse,
		Timeout:     s.config.AttemptTimeout,
		Policy:      transport.Policy(s.config.Retry),
		Pacer:       c.pacer(op.pace()),
		Key:         c.token,
		Decode:      func(a *transport.Answer) error { return decode(a, out) },
		Started: func(number int, paced time.Duration) {
			attempt.Number, attempt.Paced = number, paced
			if c.config.Hooks.Start != nil {
				c.config.Hooks.Start(ctx, attempt)
			}
		},
		Finished: func(o transport.Outcome, took, retryIn time.Duration) {
			c.finished(ctx, op, attempt, o, took, retryIn)
		},
	})
	resp := newResponse(o)
	if s.response != nil {
		*s.response = *resp
	}
	if o.Err != nil {
		return nil, newError(op, o)
	}
	return resp, nil
}

// check refuses a request that is not one of op at c, and reads its body.
func (c *Client) check(req *http.Request, op Operation, s *callSettings) ([]byte, error) {
	faults := s.faults
	path, below := strings.CutPrefix(req.URL.EscapedPath(), strings.TrimSuffix(c.base.EscapedPath(), "/"))
	if req.Method != op.Method || !below || !op.matches(path) {
		faults = append(faults, Fault{"the request", "does not fit " + op.Method + " " + op.Route})
	}
	if req.URL.Scheme != c.base.Scheme || !transport.SameHost(req.URL, c.base) || req.URL.User != nil {
		faults = append(faults, Fault{"the request", "leaves the client's origin"})
	}
	for name := range req.Header {
		// net/http by itself sends a request with such a header again when a connection dies.
		if k := http.CanonicalHeaderKey(name); !op.idempotent() && (k == "Idempotency-Key" || k == "X-Idempotency-Key") {
			faults = append(faults, Fault{"the request", "has an " + k + " header, but its operation is not idempotent"})
		}
	}
	if err := op.Invalid(faults...); err != nil {
		return nil, err
	}
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	defer func() { _ = req.Body.Close() }()
	limit := op.maxPayload(s.config.MaxPayload)
	if req.ContentLength > limit {
		limit = req.ContentLength
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, limit+1))
	if err != nil {
		return nil, op.Invalid(Fault{"the body", "cannot be read"})
	}
	return body, nil
}

func (c *Client) token(ctx context.Context) (string, error) {
	key, err := c.key(ctx)
	if err != nil {
		return "", err
	}
	if faults := key.faults(); len(faults) > 0 {
		return "", Operation{Name: "ada.Config.KeyFunc"}.Invalid(faults...)
	}
	return string(key), nil
}

// pacer returns the one pacer of a family, or nil where the configuration wants none.
func (s *shared) pacer(p Pace) *transport.Pacer {
	s.mu.Lock()
	defer s.mu.Unlock()
	pacer, ok := s.pacers[p]
	if !ok {
		if l := s.config.Limiter(p); l != nil {
			pacer = transport.NewPacer(l, s.config.Retry.MaxRetryAfter)
		}
		s.pacers[p] = pacer
	}
	return pacer
}

// finished tells the hook and the logger of an attempt that ended.
func (s *shared) finished(ctx context.Context, op Operation, a Attempt, o transport.Outcome, took, retryIn time.Duration) {
	hook, log := s.config.Hooks.Done, s.config.Logger
	logs := log != nil && log.Enabled(ctx, slog.LevelDebug)
	if hook == nil && !logs {
		return
	}
	paced := a.Paced
	a.Paced, a.Duration, a.RetryIn = 0, took, retryIn
	if o.Answer != nil {
		a.StatusCode = o.Answer.Status
	}
	if o.Err != nil {
		a.Err = newError(op, o)
	}
	if hook != nil {
		hook(ctx, a)
	}
	if !logs {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", a.Operation), slog.String("method", a.Method), slog.String("route", a.Route),
		slog.Int("attempt", a.Number), slog.Int("status", a.StatusCode),
		slog.Duration("paced", paced), slog.Duration("took", took), slog.Duration("retry_in", retryIn),
	}
	if a.Err != nil {
		attrs = append(attrs, slog.String("error", a.Err.Error()))
	}
	log.LogAttrs(ctx, slog.LevelDebug, "ada: attempt", attrs...)
}

// decode judges a 2xx answer.
func decode(a *transport.Answer, out any) error {
	if bytes.Contains(a.Body, []byte(`"errors"`)) {
		var envelope struct {
			Errors []json.RawMessage `json:"errors"`
		}
		if json.Unmarshal(a.Body, &envelope) == nil && len(envelope.Errors) > 0 {
			return Fault{"the body", "is an error envelope"}
		}
	}
	if out == nil {
		return nil
	}
	if string(bytes.TrimSpace(a.Body)) == "null" {
		return Fault{"the body", "is null"}
	}
	return json.Unmarshal(a.Body, out)
}

// NextPage returns the request for the page that link points to, where link is the next_page_url of an answer to req.
// A link that leaves the scheme, host, port or path of req, or that leads to req itself, fails with [ErrAnswer]: the
// key would go with it, or the walk would never end.
func (c *Client) NextPage(req *http.Request, op Operation, link string) (*http.Request, error) {
	u, err := transport.Next(req.URL, link)
	if err != nil {
		return nil, op.Unusable(Fault{"next_page_url", err.Error()})
	}
	next := req.Clone(req.Context())
	next.URL, next.Host = u, ""
	return next, nil
}

// Response is what is known of an answer beside the decoded body. It prints its status and nothing else.
type Response struct {
	StatusCode int // 0 when no answer came
	Header     http.Header
	RateLimit  RateLimit
	RequestID  string // the server's X-Request-Id, if it sent one
	Attempts   int    // how many requests the call took
	body       []byte
}

// RateLimit is Ada's count of requests in the present window, from the X-RateLimit headers. It is zero where they are
// missing.
//
// https://docs.ada.cx/reference/introduction/limits
type RateLimit struct {
	Limit     int
	Remaining int
	Reset     time.Time
}

func newResponse(o transport.Outcome) *Response {
	r := &Response{Attempts: o.Attempts}
	if a := o.Answer; a != nil {
		r.StatusCode, r.Header, r.body, r.RequestID = a.Status, a.Header, a.Body, requestID(a.Header)
		r.RateLimit.Limit, _ = strconv.Atoi(a.Header.Get("X-RateLimit-Limit"))
		r.RateLimit.Remaining, _ = strconv.Atoi(a.Header.Get("X-RateLimit-Remaining"))
		if n, err := strconv.ParseInt(a.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil && n > 0 {
			r.RateLimit.Reset = time.Unix(n, 0)
		}
	}
	return r
}

// Body returns the answer's body as it came; of an error, its first 64 KiB.
func (r Response) Body() []byte { return r.body }

// String returns the status.
func (r Response) String() string { return "ada.Response(" + strconv.Itoa(r.StatusCode) + ")" }

// Format writes the same as String for every verb.
func (r Response) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalText returns the same as String.
func (r Response) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// CallOption changes one call. Every method that sends takes any number of them, last.
type CallOption interface{ apply(*callSettings) }

type callSettings struct {
	config   HTTPConfig
	response *Response
	faults   []Fault
}

type callOption func(*callSettings)

func (o callOption) apply(s *callSettings) { o(s) }

// WithResponse stores in r what is known of the call's answer: status, headers, rate limit and raw body. It is set
// when the call fails, too. Of a call that takes several requests, such as a list, it is the last one.
func WithResponse(r *Response) CallOption {
	return callOption(func(s *callSettings) { s.response = r })
}

// WithRetry replaces the client's [RetryPolicy] for this call.
func WithRetry(p RetryPolicy) CallOption {
	return callOption(func(s *callSettings) {
		s.faults = append(s.faults, p.faults("WithRetry.")...)
		s.config.Retry = p.withDefaults()
	})
}

// WithAttemptTimeout replaces the client's [HTTPConfig.AttemptTimeout] for this call.
func WithAttemptTimeout(d time.Duration) CallOption {
	return callOption(func(s *callSettings) {
		if d <= 0 {
			s.faults = append(s.faults, Fault{"WithAttemptTimeout", "is not positive"})
		}
		s.config.AttemptTimeout = d
	})
}

// userAgent is "ada-go/v1.2.3 go/1.26.1", from what the build says of itself.
var userAgent = sync.OnceValue(func() string {
	const module = "github.com/adasdk/ada-go"
	version := "devel"
	if info, ok := debug.ReadBuildInfo(); ok {
		i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == module })
		if i >= 0 {
			version = info.Deps[i].Version
		}
	}
	return "ada-go/" + version + " go/" + strings.TrimPrefix(runtime.Version(), "go")
})
