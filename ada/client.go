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
	"reflect"
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
// configuration. Accounts from before July 2024 can have separate keys for Data Export, Data Compliance and Proactive
// SMS. The error, of a key that cannot be sent, matches [ErrInvalid].
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
// URL.RawQuery. A [Secret] in the body goes out as what it marshals to, so convert it. The error matches [ErrInvalid].
func (c *Client) NewRequest(ctx context.Context, op Operation, body any, pathValues ...string) (*http.Request, error) {
	path, faults := op.expand(pathValues)
	if !strings.HasPrefix(op.Route, "/") {
		faults = append(faults, Fault{"the operation", "has a route that does not begin with a slash"})
	}
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
// answer but HTML and decode nothing, or a [Stream]. The answer must be one JSON value and not null. An UnmarshalJSON
// that refuses it fails the call with [ErrAnswer]; return a [Fault] from it to say in the error what is wrong.
//
// The error is an [*Error], and the Response is then nil; [WithResponse] has it all the same.
//
// Do paces, authenticates and repeats the call as the package comment says, and refuses a request whose method, origin
// or path are not those of c and op. The API packages send everything through it.
func (c *Client) Do(req *http.Request, op Operation, out any, opts ...CallOption) (*Response, error) {
	s := callSettings{config: c.config}
	for _, o := range opts {
		if o != nil {
			o.apply(&s)
		}
	}
	body, err := c.check(req, op, out, &s)
	if err != nil {
		return nil, err
	}
	ctx := req.Context()
	call := transport.Call{
		Request:     req,
		Body:        body,
		Idempotent:  op.idempotent(),
		MaxResponse: op.maxResponse(s.config),
		Timeout:     or(s.timeout, op.attemptTimeout(s.config)),
		Policy:      transport.Policy(s.config.Retry),
		Pacer:       c.pacer(op.pace()),
		Key:         c.token,
		Read:        func(a *transport.Answer, body io.Reader) error { return read(a, op, body, out) },
	}
	if hooks := c.config.Hooks; hooks.Start != nil || hooks.Done != nil || c.config.Logger != nil {
		attempt := Attempt{Operation: op.Name, Method: op.Method, Route: op.Route}
		call.Started = func(number int, paced time.Duration) {
			attempt.Number, attempt.Paced = number, paced
			if hooks.Start != nil {
				hooks.Start(ctx, attempt)
			}
		}
		call.Finished = func(o transport.Outcome, took, retryIn time.Duration) {
			c.finished(ctx, op, attempt, o, took, retryIn)
		}
	}
	o := c.engine.Do(call) //nolint:contextcheck // the request has it
	resp := newResponse(o)
	for _, store := range s.responses {
		store(*resp)
	}
	if o.Err != nil {
		return nil, newError(op, o)
	}
	return resp, nil
}

// check refuses a request that is not one of op at c, and reads its body.
func (c *Client) check(req *http.Request, op Operation, out any, s *callSettings) ([]byte, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
	}
	faults := s.faults
	if v := reflect.ValueOf(out); out != nil && (v.Kind() != reflect.Pointer && v.Type() != reflect.TypeFor[Stream]() || v.IsNil()) {
		faults = append(faults, Fault{"out", "is no pointer to decode into"})
	}
	if req.URL == nil {
		return nil, op.Invalid(append(faults, Fault{"the request", "has no URL"})...)
	}
	path, below := strings.CutPrefix(req.URL.EscapedPath(), strings.TrimSuffix(c.base.EscapedPath(), "/"))
	if req.Method != op.Method || !below || !op.matches(path) || req.URL.Opaque != "" || req.RequestURI != "" {
		faults = append(faults, Fault{"the request", "does not fit " + op.Method + " " + op.Route})
	}
	if req.URL.Scheme != c.base.Scheme || !transport.SameHost(req.URL, c.base) || req.URL.User != nil ||
		req.Host != "" && !transport.SameName(req.Host, req.URL.Host) {
		faults = append(faults, Fault{"the request", "leaves the client's origin"})
	}
	for name, values := range req.Header {
		// net/http by itself sends a request with such a header again when a connection dies.
		if k := http.CanonicalHeaderKey(name); !op.idempotent() && (k == "Idempotency-Key" || k == "X-Idempotency-Key") {
			faults = append(faults, Fault{"the request", "has an " + k + " header, but its operation is not idempotent"})
		}
		if !isHeader(name, values) {
			faults = append(faults, Fault{"the request", "has a header that cannot be sent"})
		}
	}
	if err := op.Invalid(faults...); err != nil {
		return nil, err
	}
	return op.read(req, op.maxPayload(s.config.MaxPayload))
}

// read returns the body of a request, if it is not over the limit.
func (op Operation) read(req *http.Request, limit int64) ([]byte, error) {
	tooLarge := func(size string) error {
		return op.fail(ErrTooLarge, Fault{"the body", fmt.Sprintf("has %s bytes, at most %d", size, limit)})
	}
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	if req.ContentLength > limit {
		return nil, tooLarge(strconv.FormatInt(req.ContentLength, 10))
	}
	source := req.Body
	if req.GetBody != nil { // so that the request can be used for another call
		again, err := req.GetBody()
		if err != nil {
			return nil, op.Invalid(Fault{"the body", "cannot be read"})
		}
		defer func() { _ = again.Close() }()
		source = again
	}
	// A body that is slow to come ends with the context, as the rest of the call does.
	defer context.AfterFunc(req.Context(), func() { _ = source.Close() })()
	body, err := io.ReadAll(io.LimitReader(source, limit+1))
	switch {
	case req.Context().Err() != nil:
		e := op.fail(nil)
		e.cause = req.Context().Err()
		return nil, e
	case err != nil:
		return nil, op.Invalid(Fault{"the body", "cannot be read"})
	case int64(len(body)) > limit:
		return nil, tooLarge("more than " + strconv.FormatInt(limit, 10))
	case req.ContentLength > 0 && int64(len(body)) != req.ContentLength:
		return nil, op.Invalid(Fault{"the body", "is not as long as the request says: it may have been read already"})
	}
	return body, nil
}

// isHeader reports whether net/http can send a header.
func isHeader(name string, values []string) bool {
	if name == "" || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c) }) {
		return false
	}
	return !slices.ContainsFunc(values, func(v string) bool {
		return strings.ContainsFunc(v, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f })
	})
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

// NextPage returns the request for the page that link points to, where link is the next_page_url of the answer to req
// and resp is what [Client.Do] has returned with it, for the error. A link that leaves the scheme, host, port or path of
// req, or that leads to req itself, fails with [ErrAnswer]: the key would go with it, or the walk would never end. The
// path may lack that of [Config.BaseURL].
func (c *Client) NextPage(req *http.Request, op Operation, resp *Response, link string) (*http.Request, error) {
	u, err := transport.Next(req.URL, strings.TrimSuffix(c.base.EscapedPath(), "/"), link)
	if err != nil {
		return nil, op.Unusable(resp, Fault{"next_page_url", err.Error()})
	}
	next := req.Clone(req.Context())
	next.URL, next.Host = u, ""
	if req.GetBody != nil {
		if next.Body, err = req.GetBody(); err != nil {
			return nil, op.Invalid(Fault{"the body", "cannot be read"})
		}
	}
	return next, nil
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
