// Package transport carries every call of the SDK to its server: it checks the payload, paces, authorizes, sends,
// reads within limits, decides what may be repeated, waits, and hands back one outcome. It knows no API and is the
// only package that knows go-retryablehttp.
package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Limits on what is read from a server that answers with an error.
const (
	maxErrorBody = 64 << 10  // kept
	maxDrain     = 256 << 10 // read and thrown away, so that the connection can be used again
)

// Causes that an [Outcome] can hold; tell them apart with errors.Is.
var (
	ErrPayload   = errors.New("the payload is over the limit")
	ErrPaced     = errors.New("no free slot in time")
	ErrRedirect  = errors.New("redirect refused")
	ErrUnusable  = errors.New("the answer is not usable")
	ErrNoAnswer  = errors.New("no answer")
	ErrTimeout   = errors.New("the attempt timed out")
	ErrKey       = errors.New("no key")
	errNilAnswer = errors.New("the RoundTripper returned neither an answer nor an error")
)

// Policy says how often a call is tried and how long it may wait in between.
type Policy struct {
	MaxAttempts   int
	MinBackoff    time.Duration
	MaxBackoff    time.Duration
	MaxRetryAfter time.Duration
}

// Engine sends calls. It is safe for concurrent use.
type Engine struct {
	base      http.RoundTripper
	userAgent string
}

// New returns an engine that sends through base, which it neither changes nor closes.
func New(base http.RoundTripper, userAgent string) *Engine {
	return &Engine{base: base, userAgent: userAgent}
}

// Call is one call: the request, and what the operation and the configuration say about it.
type Call struct {
	Request     *http.Request // complete but for the key; its Body is not read
	Body        []byte        // sent anew with each attempt; nil for none
	Idempotent  bool          // repeating it is harmless
	MaxPayload  int64         // bytes
	MaxResponse int64         // bytes, decoded
	Timeout     time.Duration // of one attempt, reading the answer included
	Policy      Policy
	Pacer       *Pacer                                // nil: not paced
	Key         func(context.Context) (string, error) // the bearer token, asked for each attempt
	Decode      func(*Answer) error                   // judges a 2xx answer; nil accepts every one
	Started     func(attempt int, paced time.Duration)
	Finished    func(o Outcome, took, retryIn time.Duration)
}

// Answer is what a server said, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Outcome is what became of a call, or of one attempt.
type Outcome struct {
	Answer     *Answer       // the last one that came, with an error or without; nil: none came
	Attempts   int           // how many were made
	Err        error         // nil: the answer is a 2xx one and was decoded; a refusal by status alone has ErrStatus
	Unknown    bool          // the call must not be repeated, and may have taken effect
	Transient  bool          // the same call may succeed later, and repeating it is safe
	RetryAfter time.Duration // what the server asked to wait; 0: it did not say
}

// ErrStatus is the cause of an outcome whose answer was read well and is no success.
var ErrStatus = errors.New("refused by status")

// Do makes the call.
func (e *Engine) Do(c Call) Outcome {
	if n := int64(len(c.Body)); n > c.MaxPayload {
		return Outcome{Err: fmt.Errorf("%w: %d bytes, at most %d", ErrPayload, n, c.MaxPayload)}
	}
	r := &run{engine: e, call: c}
	// The attempt's own request is built in RoundTrip; what goes through the loop is a carrier without a body.
	carrier := c.Request.WithContext(c.Request.Context())
	carrier.Body, carrier.GetBody, carrier.ContentLength = nil, nil, 0
	loop := &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: r},
		RetryMax:     c.Policy.MaxAttempts - 1,
		CheckRetry:   r.checkRetry,
		Backoff:      func(time.Duration, time.Duration, int, *http.Response) time.Duration { return r.wait },
		ErrorHandler: func(_ *http.Response, err error, _ int) (*http.Response, error) { return nil, err },
	}
	_, err := loop.Do(&retryablehttp.Request{Request: carrier})
	if err != nil && r.waiting {
		// Ended while waiting for the next attempt: the last answer stays, the context's error is the cause.
		r.out.Err = err
		r.out.Transient = r.out.Transient && errors.Is(err, context.DeadlineExceeded)
	}
	return r.out
}

// run is one call under way. As the RoundTripper below the retry loop it makes one attempt per RoundTrip; everything
// that it learns is kept here, so that no answer is lost on the way out of the loop.
type run struct {
	engine  *Engine
	call    Call
	out     Outcome
	started time.Time     // of the attempt
	made    bool          // the attempt got as far as being made
	sent    bool          // the attempt's request may have reached the server
	wait    time.Duration // before the next attempt
	waiting bool
}

// carried is the answer that the retry loop sees for every attempt that returned: the loop must not act on statuses
// and locations, as run has decided about them already.
func carried(req *http.Request) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: req,
	}
}

// RoundTrip makes one attempt.
func (r *run) RoundTrip(req *http.Request) (*http.Response, error) {
	r.out.Err = r.attempt(req.Context())
	return carried(req), nil
}

func (r *run) attempt(ctx context.Context) error {
	r.made, r.sent, r.waiting = false, false, false
	before := time.Now()
	if err := r.call.Pacer.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: %w", ErrPaced, err)
	}
	key, err := r.call.Key(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	r.started = time.Now()
	r.made = true
	r.out.Attempts++
	if r.call.Started != nil {
		r.call.Started(r.out.Attempts, r.started.Sub(before))
	}

	ctx, cancel := context.WithTimeoutCause(ctx, r.call.Timeout, ErrTimeout)
	defer cancel()
	r.out.Answer, err = r.exchange(ctx, key)
	r.call.Pacer.Observe(r.out.Answer)
	return err
}

// broken is the error of an exchange that did not come to its end.
func broken(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrTimeout) {
		return ErrTimeout
	}
	return fmt.Errorf("%w: %w", ErrNoAnswer, err)
}

// exchange sends the request and reads the answer. An answer that could not be read to its end comes with an error.
func (r *run) exchange(ctx context.Context, key string) (*Answer, error) {
	var asked, connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req := r.call.Request.Clone(ctx)
	req.Body, req.GetBody, req.ContentLength = http.NoBody, nil, 0
	if len(r.call.Body) > 0 {
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.call.Body)), nil }
		req.Body, _ = req.GetBody()
		req.ContentLength = int64(len(r.call.Body))
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("User-Agent", r.engine.userAgent)

	resp, err := r.engine.base.RoundTrip(req)
	if err == nil && resp == nil {
		err = errNilAnswer
	}
	if err != nil {
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		// Without a connection nothing was written. A RoundTripper that reports no connections proves nothing,
		// unless it failed in dialling.
		r.sent = connected.Load() || !asked.Load() && !isDial(err)
		return nil, broken(ctx, err)
	}
	r.sent = true
	defer func() { _ = resp.Body.Close() }()
	answer := &Answer{Status: resp.StatusCode, Header: resp.Header}
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		answer.Body, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
		if resp.StatusCode >= 300 && resp.StatusCode < 400 {
			return answer, fmt.Errorf("%w%s", ErrRedirect, target(resp.Header.Get("Location")))
		}
		return answer, ErrStatus
	case resp.Header.Get("Content-Encoding") != "":
		return answer, fmt.Errorf("%w: its encoding was not asked for", ErrUnusable)
	}
	answer.Body, err = io.ReadAll(io.LimitReader(resp.Body, r.call.MaxResponse+1))
	switch {
	case err != nil:
		return answer, broken(ctx, err)
	case int64(len(answer.Body)) > r.call.MaxResponse:
		answer.Body = nil
		return answer, fmt.Errorf("%w: over %d bytes", ErrUnusable, r.call.MaxResponse)
	case r.call.Decode != nil:
		if err := r.call.Decode(answer); err != nil {
			return answer, fmt.Errorf("%w: %w", ErrUnusable, err)
		}
	}
	return answer, nil
}

// target names the origin that a redirect led to, when it can be named safely.
func target(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" || strings.ContainsFunc(u.Host, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != ':'
	}) {
		return ""
	}
	return " to host " + u.Host
}

// checkRetry judges the attempt that just ended, and is called by the retry loop exactly once for each.
func (r *run) checkRetry(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if err != nil { // refused before the attempt: a request that net/http cannot send
		r.out.Err, r.sent, r.made = err, false, false
	}
	retry := r.judge(ctx)
	if !retry {
		r.wait = 0
	}
	if r.made && r.call.Finished != nil {
		r.call.Finished(r.out, time.Since(r.started), r.wait)
	}
	r.waiting = retry
	return retry, nil
}

// judge sets what the outcome says about repeating the call, and the wait before the next attempt if there is one.
func (r *run) judge(ctx context.Context) bool {
	o, p := &r.out, r.call.Policy
	o.Unknown, o.Transient, o.RetryAfter = false, false, 0
	if o.Err == nil {
		return false
	}
	happened, transient := r.classify()
	if happened && !r.call.Idempotent {
		o.Unknown = true
		return false
	}
	o.Transient = transient
	now := time.Now()
	if errors.Is(o.Err, ErrStatus) {
		o.RetryAfter = retryAfter(o.Answer.Header, o.Answer.Status, now)
	}
	if !transient || !r.made || ctx.Err() != nil || o.Attempts >= p.MaxAttempts || o.RetryAfter > p.MaxRetryAfter {
		return false
	}
	r.wait = max(backoff(p.MinBackoff, p.MaxBackoff, o.Attempts), o.RetryAfter)
	deadline, limited := ctx.Deadline()
	return !limited || !now.Add(r.wait).After(deadline)
}
