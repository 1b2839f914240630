// Package transport carries every call of the SDK to its server: it checks the payload, paces, authorizes, sends,
// reads within limits, decides what may be repeated, waits, and hands back one outcome. It knows no API and is the
// only package that knows go-retryablehttp.
package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
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
	ErrPaced     = errors.New("no free slot in time")
	ErrUsedUp    = errors.New("the limit of the day is used up")
	ErrLimiter   = errors.New("the limiter failed")
	ErrRedirect  = errors.New("redirect refused")
	ErrUnusable  = errors.New("the answer is not usable")
	ErrNoAnswer  = errors.New("no answer")
	ErrTimeout   = errors.New("the attempt timed out")
	ErrKey       = errors.New("no key")
	ErrProxy     = errors.New("the proxy refused the connection")
	errNilAnswer = errors.New("the RoundTripper returned neither an answer nor an error")
	errReplayed  = errors.New("net/http sent the request again and again")
)

// Policy says how often a call is tried and how long it may wait in between. Two attempts that were refused with 429
// count as one: they did nothing, the wait is known, and where several processes meet at a limit one has to be patient.
type Policy struct {
	MaxAttempts   int
	FirstBackoff  time.Duration
	MaxBackoff    time.Duration
	MaxRetryAfter time.Duration
}

// Engine sends calls. It is safe for concurrent use.
type Engine struct {
	base      http.RoundTripper
	userAgent string
	budget    budget // of the repetitions of all calls
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
	MaxResponse int64         // bytes, decoded
	Timeout     time.Duration // of one attempt, reading the answer included
	Policy      Policy
	Pacer       *Pacer                                // nil: not paced
	Key         func(context.Context) (string, error) // the bearer token, asked for each attempt
	Read        func(*Answer, io.Reader) error        // reads the body of a 2xx answer, and judges it; nil keeps every one
	Started     func(attempt int, paced time.Duration)
	Finished    func(o Outcome, took, retryIn time.Duration)
}

// Answer is what a server said, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // of an error, its beginning; of a 2xx answer, what Read has kept
}

// Keep reads the body of a 2xx answer into the answer.
func (a *Answer) Keep(body io.Reader) (err error) {
	a.Body, err = io.ReadAll(body)
	return err
}

// Outcome is what became of a call, or of one attempt.
type Outcome struct {
	Answer     *Answer       // of the last attempt, with an error or without; nil: none came
	Attempts   int           // how many were made
	Err        error         // nil: the answer is a 2xx one and was decoded; a refusal by status alone has ErrStatus
	Happened   bool          // the call may have taken effect, in one attempt or another
	Unknown    bool          // and it must not be repeated
	Transient  bool          // the same call may succeed later, and repeating it is safe
	RetryAfter time.Duration // what the server asked to wait; 0: it did not say
}

// ErrStatus is the cause of an outcome whose answer was read well and is no success.
var ErrStatus = errors.New("refused by status")

// Do makes the call.
func (e *Engine) Do(c Call) Outcome {
	r := &run{engine: e, call: c}
	// The attempt's own request is built in RoundTrip; what goes through the loop is a carrier without a body.
	carrier := c.Request.WithContext(c.Request.Context())
	carrier.Body, carrier.GetBody, carrier.ContentLength = nil, nil, 0
	loop := &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: r},
		RetryMax:     2 * c.Policy.MaxAttempts, // judge ends it before
		CheckRetry:   r.checkRetry,
		Backoff:      func(time.Duration, time.Duration, int, *http.Response) time.Duration { return r.wait },
		ErrorHandler: func(_ *http.Response, err error, _ int) (*http.Response, error) { return nil, err },
	}
	_, err := loop.Do(&retryablehttp.Request{Request: carrier}) //nolint:bodyclose // a carried answer has none
	if err != nil && r.waiting {
		// Ended while waiting for the next attempt: the last answer stays, the context's error is the cause.
		r.out.Err = err
		r.out.Transient = r.out.Transient && errors.Is(err, context.DeadlineExceeded)
	}
	if r.settled {
		e.budget.give(r.taken + perSuccess)
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
	refused int  // attempts that were answered with 429
	taken   int  // from the budget
	settled bool // the last attempt got the server's word on the call, whether a yes or a no
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
		return r.unpaced(ctx, err)
	}
	paced := time.Since(before)
	key, err := r.call.Key(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	r.started = time.Now()
	r.made = true
	r.out.Attempts++
	if r.call.Started != nil {
		r.call.Started(r.out.Attempts, paced)
	}
	r.out.Answer, err = r.exchange(ctx, key)
	r.call.Pacer.Observe(r.out.Answer)
	return err
}

// unpaced is why an attempt got no slot.
func (r *run) unpaced(ctx context.Context, err error) error {
	_, limited := ctx.Deadline()
	var usedUp *UsedUpError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &usedUp):
		r.out.RetryAfter = usedUp.Wait
		return fmt.Errorf("%w: %w", ErrUsedUp, err)
	case limited, errors.Is(err, context.DeadlineExceeded): // limiters look ahead, and have words of their own for it
		return fmt.Errorf("%w: %w", ErrPaced, err)
	default:
		return fmt.Errorf("%w: %w", ErrLimiter, err)
	}
}

// exchange sends the request and reads the answer. An answer that could not be read to its end comes with an error.
func (r *run) exchange(ctx context.Context, key string) (*Answer, error) {
	attempt, cancel := context.WithTimeoutCause(ctx, r.call.Timeout, ErrTimeout)
	defer cancel()
	wire := watch{idempotent: r.call.Idempotent, cancel: cancel}
	broken := func(err error) error { // the exchange did not come to its end
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case context.Cause(attempt) == ErrTimeout:
			return ErrTimeout
		case wire.replayed.Load():
			return fmt.Errorf("%w: %w", ErrNoAnswer, errReplayed)
		default:
			return fmt.Errorf("%w: %w", ErrNoAnswer, err)
		}
	}
	req := r.request(httptrace.WithClientTrace(attempt, wire.trace()), key, &wire)

	resp, err := r.engine.base.RoundTrip(req)
	if err == nil && resp == nil {
		err = errNilAnswer
	}
	if resp != nil && resp.Body == nil {
		resp.Body = http.NoBody
	}
	if err != nil {
		if resp != nil {
			_ = resp.Body.Close()
		}
		r.sent = wire.sent(r.engine.base, err)
		return nil, broken(err)
	}
	r.sent = true
	defer func() { _ = resp.Body.Close() }()
	return r.receive(resp, broken)
}

// receive reads an answer; broken makes the error of one that does not come to its end.
func (r *run) receive(resp *http.Response, broken func(error) error) (*Answer, error) {
	answer := &Answer{Status: resp.StatusCode, Header: resp.Header}
	switch encoding := resp.Header.Get("Content-Encoding"); {
	case resp.StatusCode < 200: // 101: what follows is no body, and nothing ends it
		return answer, ErrStatus
	case resp.StatusCode > 299:
		answer.Body, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
		if resp.StatusCode < 400 {
			return answer, fmt.Errorf("%w%s", ErrRedirect, target(resp.Header.Get("Location")))
		}
		return answer, ErrStatus
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return answer, fmt.Errorf("%w: its encoding was not asked for", ErrUnusable)
	}
	read := r.call.Read
	if read == nil {
		read = (*Answer).Keep
	}
	content := &content{body: resp.Body, left: r.call.MaxResponse}
	err := read(answer, content)
	switch {
	case content.over:
		answer.Body = nil
		return answer, fmt.Errorf("%w: over %d bytes", ErrUnusable, r.call.MaxResponse)
	case content.err != nil: // whatever read made of it
		return answer, broken(content.err)
	case err != nil:
		return answer, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	return answer, nil
}

// target names the origin that a redirect led to, when it can be named safely.
func target(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" || len(u.Host) > 253 || strings.ContainsFunc(u.Host, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != ':'
	}) {
		return ""
	}
	return " to host " + u.Host
}

// checkRetry judges the attempt that just ended, and is called by the retry loop exactly once for each.
func (r *run) checkRetry(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if err != nil { // refused before the attempt: a request that net/http cannot send
		if wrapped := new(url.Error); errors.As(err, &wrapped) {
			err = wrapped.Err // without the URL
		}
		r.out.Err, r.sent, r.made = fmt.Errorf("%w: %w", ErrNoAnswer, err), false, false
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
	o.Unknown, o.Transient = false, false
	var asked time.Duration
	if r.made {
		o.RetryAfter = 0
		if errors.Is(o.Err, ErrStatus) {
			asked = retryAfter(o.Answer.Header, o.Answer.Status, time.Now())
			o.RetryAfter = asked
			if o.Answer.Status == http.StatusTooManyRequests {
				r.refused++
			}
		}
	}
	if o.Err == nil {
		r.settled = true
		return false
	}
	happened, transient := r.classify()
	r.settled = errors.Is(o.Err, ErrStatus) && !happened && !transient
	o.Happened = o.Happened || happened
	if happened && !r.call.Idempotent {
		o.Unknown = true
		return false
	}
	o.Transient = transient
	if !transient || !r.made || ctx.Err() != nil || o.Attempts-r.refused/2 >= p.MaxAttempts || asked > p.MaxRetryAfter {
		return false
	}
	r.wait = max(backoff(p.FirstBackoff, p.MaxBackoff, o.Attempts), asked)
	if deadline, limited := ctx.Deadline(); limited && time.Now().Add(r.wait).After(deadline) {
		return false
	}
	return r.afford()
}

// afford takes the next attempt from the budget. After a 429 it is free: the server works, and says when to come.
func (r *run) afford() bool {
	if errors.Is(r.out.Err, ErrStatus) && r.out.Answer.Status == http.StatusTooManyRequests {
		return true
	}
	if !r.engine.budget.take() {
		return false
	}
	r.taken += repetition
	return true
}
