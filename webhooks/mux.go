package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	defaultMaxBody = 1 << 20
	storeTimeout   = 5 * time.Second // Ada waits 15 s for an answer
)

// Config is what a [Mux] is made from.
type Config struct {
	// Verifier tells what comes from Ada. Without one, everything is refused.
	Verifier *Verifier
	// Store remembers what was handled. Nil: NewMemoryStore(0), which is enough for one process. Two muxes that do
	// different things with the same events must not share one.
	Store Store
	// MaxBody is the size of the longest body that is read, in bytes. Zero: 1 MiB. Ada's are a few KB.
	MaxBody int64
	// Logger gets a record of each delivery that is refused or fails and, at debug level, of each that nobody handles.
	// No record quotes a body. Nil: no log.
	Logger *slog.Logger
}

// Mux is an [http.Handler] that hands the events that Ada sends to the handlers of their types. Register handlers
// with [Handle], and for all other types with [Mux.Fallback].
//
// It answers so that Ada delivers an event again if and only if that is of use. Ada takes 2xx for success, and tries
// for about 28 hours otherwise:
//
//	200  the handler returned nil, now or in an earlier delivery
//	200  nobody handles this type, and there is no fallback: another delivery would change nothing
//	400  the body cannot be read, or the headers of the signature cannot be used, or what is signed is not an event
//	401  the signature or its time is wrong
//	405  the method is not POST
//	413  the body is longer than MaxBody
//	500  the handler returned an error or panicked, or the Store failed before it ran, or there is no Verifier.
//	     A panic with [http.ErrAbortHandler] closes the connection instead, as it does in net/http
//	503  another delivery of the event is being handled right now
//
// A body is verified before anything looks into it. An answer never has anything of the request in it.
//
// An event is handled once, whether it is delivered again or several times at once, for as long as the Store remembers
// it. When a handler fails, panics, or returns the error of its context, the next delivery is handled again. When it
// succeeds and the Store then fails to remember that, the answer is 200 all the same: the work is done, and only if
// Ada happens to deliver the event again is it done a second time. Sending a handled event again from Ada's dashboard
// does nothing until the Store has forgotten it.
//
// Ada gives up on a delivery after 15 seconds, which ends the context of the handler. For work that may take longer,
// put [Event.Raw] and [Event.ID] into a queue and return. A sender that is slow to send is the server's to bound:
// set [http.Server.ReadTimeout], to less than 15 seconds.
type Mux struct {
	config Config

	mu       sync.RWMutex
	handlers map[string]decoder
	fallback decoder
}

// decoder reads the data of an event and returns what is left to do with it.
type decoder func(Event[json.RawMessage]) (func(context.Context) error, error)

// NewMux returns a Mux without handlers.
func NewMux(c Config) *Mux {
	if c.Store == nil {
		c.Store = NewMemoryStore(0)
	}
	if c.MaxBody <= 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Mux{config: c}
}

// Handle registers the handler of the event types of T. As with [http.ServeMux], it panics for a type that has a
// handler already.
//
// The text of the error that a handler returns goes nowhere, since it may quote the event: log it in the handler. The
// same holds for the value of a panic.
func Handle[T Payload](m *Mux, handler func(context.Context, Event[T]) error) {
	if handler == nil {
		panic("webhooks: nil handler")
	}
	var data T
	types := data.EventTypes()
	if len(types) == 0 || slices.Contains(types, "") {
		panic(fmt.Sprintf("webhooks: %T has no event type", data))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.handlers == nil {
		m.handlers = map[string]decoder{}
	}
	for i, typ := range types { // all of them before any is registered
		if m.handlers[typ] != nil || slices.Contains(types[:i], typ) {
			panic("webhooks: two handlers for " + typ)
		}
	}
	for _, typ := range types {
		m.handlers[typ] = decoderFor(handler)
	}
}

// Fallback registers the handler of all event types that have none. It panics if there is a fallback already.
func (m *Mux) Fallback(handler func(context.Context, Event[json.RawMessage]) error) {
	if handler == nil {
		panic("webhooks: nil fallback")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fallback != nil {
		panic("webhooks: two fallbacks")
	}
	m.fallback = decoderFor(handler)
}

func decoderFor[T any](handler func(context.Context, Event[T]) error) decoder {
	return func(raw Event[json.RawMessage]) (func(context.Context) error, error) {
		e, err := decode[T](raw)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error { return handler(ctx, e) }, nil
	}
}

// ServeHTTP receives one delivery.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := m.receive(w, r)
	switch status {
	case http.StatusOK:
		w.WriteHeader(status)
		return
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	http.Error(w, http.StatusText(status), status)
}

// receive returns the status of the answer.
func (m *Mux) receive(w http.ResponseWriter, r *http.Request) int {
	ctx, log := r.Context(), m.config.Logger
	if m.config.Verifier == nil {
		if log != nil { // it is nil in a Mux that NewMux did not make
			log.ErrorContext(ctx, "webhooks: no verifier, everything is refused")
		}
		return http.StatusInternalServerError
	}
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed
	}

	body, err := m.read(w, r)
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		log.WarnContext(ctx, "webhooks: body too long", "limit", tooLong.Limit)
		return http.StatusRequestEntityTooLarge
	} else if err != nil {
		log.WarnContext(ctx, "webhooks: body not received", "error", err)
		return http.StatusBadRequest
	}
	message, err := m.config.Verifier.Verify(r.Header, body)
	if err != nil {
		log.WarnContext(ctx, "webhooks: not verified", "error", err)
		switch {
		case errors.Is(err, ErrHeaders):
			return http.StatusBadRequest
		case errors.Is(err, ErrTimestamp), errors.Is(err, ErrSignature):
			return http.StatusUnauthorized
		}
		return http.StatusInternalServerError // the Verifier was not made by NewVerifier
	}

	log = log.With("id", message.ID)
	event, err := parse(body)
	if err != nil {
		log.ErrorContext(ctx, "webhooks: not an event", "error", err)
		return http.StatusBadRequest
	}
	event.ID = message.ID
	if isTypeName(event.Type) {
		log = log.With("type", event.Type)
	}
	decode := m.decoder(event.Type)
	if decode == nil {
		log.DebugContext(ctx, "webhooks: nobody handles this type")
		return http.StatusOK
	}
	handle, err := tryDecode(decode, event)
	if errors.Is(err, errDecoderPanicked) {
		log.ErrorContext(ctx, "webhooks: the payload's UnmarshalJSON panicked")
		return http.StatusInternalServerError
	} else if err != nil {
		log.ErrorContext(ctx, "webhooks: not an event of its type", "error", err)
		return http.StatusBadRequest
	}

	state, err := m.claim(ctx, event.ID)
	switch {
	case err != nil:
		log.ErrorContext(ctx, "webhooks: the store failed", "error", err)
		return http.StatusInternalServerError
	case state == Handled:
		return http.StatusOK
	case state != Claimed:
		log.InfoContext(ctx, "webhooks: another delivery is being handled")
		return http.StatusServiceUnavailable
	}
	return m.run(ctx, log, event.ID, handle)
}

// isTypeName reports whether s looks like an event type, and not like something else that was put in its place.
func isTypeName(s string) bool {
	return len(s) <= 64 && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_'
	})
}

var errDecoderPanicked = errors.New("webhooks: the decoder panicked")

// tryDecode runs a decoder, which is the user's code where the payload is the user's type.
func tryDecode(decode decoder, e Event[json.RawMessage]) (handle func(context.Context) error, err error) {
	defer func() {
		if recover() != nil {
			err = errDecoderPanicked // without its value, which may quote the event
		}
	}()
	return decode(e)
}

// read reads the body. What it allocates before anything has come is 64 KiB at most.
func (m *Mux) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	var body bytes.Buffer
	if n := r.ContentLength; n > 0 {
		body.Grow(int(min(n, 64<<10)) + bytes.MinRead)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, m.config.MaxBody))
	return body.Bytes(), err
}

// decoder returns the decoder for a type, or nil.
func (m *Mux) decoder(typ string) decoder {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if d := m.handlers[typ]; d != nil {
		return d
	}
	return m.fallback
}

func (m *Mux) claim(ctx context.Context, id string) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return m.config.Store.Claim(ctx, id)
}

// run calls the handler, tells the Store how that ended, and returns the status of the answer.
func (m *Mux) run(ctx context.Context, log *slog.Logger, id string, handle func(context.Context) error) (status int) {
	tell := func(settle func(context.Context, string) error) {
		// What the handler did is to be remembered, though the sender may have gone away.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		if err := settle(ctx, id); err != nil {
			log.ErrorContext(ctx, "webhooks: the store failed after the handler", "error", err)
		}
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		p := recover() // nil where the handler has ended its goroutine
		stack := debug.Stack()
		tell(m.config.Store.Release)
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler {
			panic(p)
		}
		log.ErrorContext(ctx, "webhooks: the handler panicked", "panic", panicText(p), "stack", string(stack))
		status = http.StatusInternalServerError
	}()
	err := handle(ctx)
	returned = true
	if err != nil {
		log.ErrorContext(ctx, "webhooks: the handler failed", "error_type", fmt.Sprintf("%T", err))
		tell(m.config.Store.Release)
		return http.StatusInternalServerError
	}
	tell(m.config.Store.Commit)
	return http.StatusOK
}

// panicText says what a handler panicked with, unless that may quote the event.
func panicText(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", p)
}
