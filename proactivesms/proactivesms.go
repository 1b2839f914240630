package proactivesms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"sync"

	"github.com/adasdk/ada-go/ada"
	gen "github.com/adasdk/ada-go/internal/gen/proactivesms"
)

// atOnce is how many calls of a TriggerAll are under way together.
const atOnce = 8

// No pace of its own is documented, and none of its calls is idempotent.
var opTrigger = ada.Operation{Name: "proactivesms.Trigger", Method: http.MethodPost, Route: "/api/campaigns/sms/trigger"}

// Client triggers campaigns. It is safe for concurrent use.
type Client struct {
	ada *ada.Client
}

// New returns a client that sends through client.
func New(client *ada.Client) *Client { return &Client{ada: client} }

// Message is one message of a campaign to one phone. It prints, logs and marshals as "[REDACTED]".
type Message struct {
	// CampaignKey names the campaign, as the dashboard shows it. Required.
	CampaignKey string
	// PhoneNumber is of 5 to 15 digits, with a + before them or without. Spaces, hyphens, dots and parentheses are
	// left out of what is sent. Required.
	PhoneNumber string
	// Language is an ISO 639-1 code such as "en". Empty: the default language of the AI Agent.
	Language string
	// MetaFields become variables of the conversation. A value is a string, a bool or a finite number. The key
	// "phone_number" is taken.
	MetaFields map[string]any
}

// Format writes "[REDACTED]" for every verb.
func (Message) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[REDACTED]") }

// MarshalText returns "[REDACTED]".
func (Message) MarshalText() ([]byte, error) { return []byte("[REDACTED]"), nil }

// Trigger sends m at most once. When it returns nil, Ada has handed the message on. An error that matches
// [ada.ErrOutcomeUnknown] leaves open whether it has; after any other the message was not sent.
func (c *Client) Trigger(ctx context.Context, m Message, opts ...ada.CallOption) error {
	return c.prepare(m)(ctx, opts)
}

// prepare reads all of m, and returns what sends it.
func (c *Client) prepare(m Message) (send func(context.Context, []ada.CallOption) error) {
	failed := func(err error) func(context.Context, []ada.CallOption) error {
		return func(context.Context, []ada.CallOption) error { return err }
	}
	body, faults := m.wire()
	if err := opTrigger.Invalid(faults...); err != nil {
		return failed(err)
	}
	req, err := gen.NewTriggerSMSRequest(c.ada.BaseURL(), body)
	if err != nil {
		return failed(opTrigger.Invalid(ada.Fault{Field: "the parameters", Reason: "cannot be encoded"}))
	}
	return func(ctx context.Context, opts []ada.CallOption) error {
		_, err := c.ada.Do(req.WithContext(ctx), opTrigger, nil, opts...)
		return err
	}
}

// Result is what became of one message of a [Client.TriggerAll]. It prints as "message 7: sent", or with the error.
type Result struct {
	Index   int     // of the message among those that were given, from 0
	Message Message // as it was given
	Err     error   // of its Trigger; nil: sent
}

// Outcome says whether the message was sent.
func (r Result) Outcome() Outcome {
	switch {
	case r.Err == nil:
		return Sent
	case errors.Is(r.Err, ada.ErrOutcomeUnknown):
		return Unknown
	default:
		return NotSent
	}
}

// Format writes the index, the outcome and the error for every verb. Without it fmt would, for a verb that does not fit,
// print the message's fields.
func (r Result) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "message %d: %s", r.Index, r.Outcome())
	if r.Err != nil {
		_, _ = fmt.Fprintf(f, ": %v", r.Err)
	}
}

// Outcome is whether a message was sent.
type Outcome string

// The outcomes of a message.
const (
	Sent    Outcome = "sent"     // Ada has handed it on
	NotSent Outcome = "not sent" // it was refused, or never left
	Unknown Outcome = "unknown"  // it may have been sent: do not send it again before you found out
)

// TriggerAll sends messages, up to 8 at once and at the pace of the client, and returns an iterator over their results,
// each as soon as it is there. A message is taken when it can be begun, in a goroutine of its own, so any number will
// do. Ranging over the iterator again sends them again.
//
// When ctx ends, no further message is taken, and the results of those under way still come, as unknown where that is
// so. Range to the end to see the result of every message that was taken. Leaving the loop early takes no further
// message either and waits for those under way, whose results are then lost.
//
// An iterator that blocks must end with ctx: until it does, TriggerAll cannot be left.
//
// The calls share opts: with [ada.WithResponse], read the response when all have ended.
func (c *Client) TriggerAll(ctx context.Context, messages iter.Seq[Message], opts ...ada.CallOption) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		var (
			taking, leave = context.WithCancel(ctx)
			slots         = make(chan struct{}, atOnce)
			results       = make(chan Result)
			calls         sync.WaitGroup
		)
		// slot waits until one more call may be under way, and reports whether it still should.
		slot := func() bool {
			select {
			case slots <- struct{}{}:
				return taking.Err() == nil // of two that are ready select takes any
			case <-taking.Done():
				return false
			}
		}
		var thrown any // by the messages' iterator, and thrown again where it can be caught
		calls.Go(func() {
			defer func() { thrown = recover() }()
			if !slot() {
				return
			}
			index := 0
			for m := range messages {
				// It took its time and the loop was left. When ctx has ended, Trigger says so, and sends nothing.
				if taking.Err() != nil && ctx.Err() == nil {
					return
				}
				// Read here and now: the iterator may use the map again for the next message.
				send := c.prepare(m)
				m.MetaFields = maps.Clone(m.MetaFields)
				r := Result{Index: index, Message: m}
				calls.Go(func() {
					r.Err = send(ctx, opts)
					results <- r
					<-slots
				})
				if index++; !slot() {
					return
				}
			}
		})
		go func() {
			calls.Wait()
			close(results)
		}()
		defer func() {
			leave()
			for range results { // until the last call has ended
			}
			if thrown != nil {
				panic(thrown)
			}
		}()
		for r := range results {
			if !yield(r) {
				return
			}
		}
	}
}
