package proactivesms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

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
	body, faults := m.wire()
	if err := opTrigger.Invalid(faults...); err != nil {
		return err
	}
	req, err := gen.NewTriggerSMSRequest(c.ada.BaseURL(), body)
	if err != nil {
		return opTrigger.Invalid(ada.Fault{Field: "the parameters", Reason: "cannot be encoded"})
	}
	_, err = c.ada.Do(req.WithContext(ctx), opTrigger, nil, opts...)
	return err
}

// Result is what became of one message of a [Client.TriggerAll].
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

// Outcome is whether a message was sent.
type Outcome string

// The outcomes of a message.
const (
	Sent    Outcome = "sent"     // Ada has handed it on
	NotSent Outcome = "not sent" // it was refused, or never left
	Unknown Outcome = "unknown"  // it may have been sent: do not send it again before you found out
)

// TriggerAll sends messages, up to 8 at once and at the pace of the client, and returns an iterator over their results,
// each as soon as it is there. Messages are taken as they can be sent, in a goroutine of its own, so any number will do.
//
// When ctx ends, no further message is taken, and the results of those under way still come, as unknown where that is
// so. Range to the end to see the result of every message that was begun. Leaving the loop early takes no further
// message either and waits for those under way, whose results are then lost.
func (c *Client) TriggerAll(ctx context.Context, messages iter.Seq[Message], opts ...ada.CallOption) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		var (
			todo    = make(chan Result)
			results = make(chan Result)
			left    = make(chan struct{})
			workers sync.WaitGroup
		)
		for range atOnce {
			workers.Go(func() {
				for r := range todo {
					r.Err = c.Trigger(ctx, r.Message, opts...)
					select {
					case results <- r:
					case <-left:
					}
				}
			})
		}
		workers.Go(func() {
			defer close(todo)
			index := 0
			for m := range messages {
				// Of two that are ready select takes any, and no message may be taken after the end.
				if ctx.Err() != nil {
					return
				}
				select {
				case todo <- Result{Index: index, Message: m}:
				case <-ctx.Done():
					return
				case <-left:
					return
				}
				index++
			}
		})
		go func() {
			workers.Wait()
			close(results)
		}()
		defer func() {
			close(left)
			for range results { // until the last worker has ended
			}
		}()
		for r := range results {
			if !yield(r) {
				return
			}
		}
	}
}

var language = regexp.MustCompile(`^[a-z]{2}$`)

// phoneKey is where the phone number stands among the meta fields.
const phoneKey = "phone_number"

// wire returns what is sent for m, and what is wrong with it.
func (m Message) wire() (body gen.TriggerSMSJSONRequestBody, faults []ada.Fault) {
	fault := func(field, reason string) { faults = append(faults, ada.Fault{Field: field, Reason: reason}) }
	switch {
	case m.CampaignKey == "":
		fault("CampaignKey", "is empty")
	case !utf8.ValidString(m.CampaignKey):
		fault("CampaignKey", "is not valid UTF-8")
	}
	phone, reason := dial(m.PhoneNumber)
	if reason != "" {
		fault("PhoneNumber", reason)
	}
	if m.Language != "" && !language.MatchString(m.Language) {
		fault("Language", "is not a code of two small letters")
	}
	fields := map[string]any{phoneKey: phone}
	for k, v := range m.MetaFields {
		value, reason := scalar(v)
		switch {
		case k == "" || !utf8.ValidString(k):
			fault("MetaFields", "has a key that is empty or not valid UTF-8")
		case k == phoneKey:
			fault("MetaFields", "has the key phone_number, which PhoneNumber is for")
		case reason != "":
			fault("MetaFields["+quoteKey(k)+"]", reason)
		default:
			fields[k] = value
		}
	}
	slices.SortStableFunc(faults, func(a, b ada.Fault) int { // a map has no order
		if !strings.HasPrefix(a.Field, "MetaFields") || !strings.HasPrefix(b.Field, "MetaFields") {
			return 0
		}
		return strings.Compare(a.Field+a.Reason, b.Field+b.Reason)
	})
	body.CampaignKey, body.Language, body.Recipient.MetaFields = m.CampaignKey, m.Language, fields
	return body, faults
}

// dial returns the number without its separators, or what is wrong with it.
func dial(number string) (dialled, reason string) {
	digits, plus := strings.CutPrefix(strings.TrimSpace(number), "+")
	digits = strings.Map(func(c rune) rune {
		if strings.ContainsRune(" -.()", c) {
			return -1
		}
		return c
	}, digits)
	switch {
	case strings.Trim(digits, "0123456789") != "":
		return "", "has other characters than digits, separators and a + in front"
	case len(digits) < 5 || len(digits) > 15:
		return "", fmt.Sprintf("has %d digits, not 5 to 15", len(digits))
	case plus:
		return "+" + digits, ""
	default:
		return digits, ""
	}
}

// scalar returns a meta field's value as what it is underneath, or what is wrong with it.
func scalar(v any) (value any, reason string) {
	if n, ok := v.(json.Number); ok {
		if _, err := n.Float64(); err != nil {
			return nil, "is not a finite number"
		}
		return n, ""
	}
	switch r := reflect.ValueOf(v); {
	case r.Kind() == reflect.String:
		if !utf8.ValidString(r.String()) {
			return nil, "is not valid UTF-8"
		}
		return r.String(), ""
	case r.Kind() == reflect.Bool:
		return r.Bool(), ""
	case r.CanInt():
		return r.Int(), ""
	case r.CanUint():
		return r.Uint(), ""
	case r.CanFloat():
		if f := r.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, "is not a finite number"
		}
		return v, ""
	}
	return nil, fmt.Sprintf("is a %T, not a string, bool or number", v)
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// quoteKey shows a key in an error, if it is a plain word; another key could be anything.
func quoteKey(k string) string {
	if plainKey.MatchString(k) {
		return `"` + k + `"`
	}
	return "…"
}
