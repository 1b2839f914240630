package endpoints

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/adasdk/ada-go/ada"
	gen "github.com/adasdk/ada-go/internal/gen/webhooks"
	"github.com/adasdk/ada-go/internal/rawjson"
	"github.com/adasdk/ada-go/internal/wiretime"
)

// Endpoint is an endpoint as Ada has it. It prints, logs and marshals as its ID alone: to store or forward one, use
// Raw.
type Endpoint struct {
	ID           string // Ada's own id
	URL          string // where Ada delivers to
	Description  string
	EventFilters []string  // the names of the event types that are delivered; empty: all of them
	Enabled      bool      // whether anything is delivered
	CreatedAt    time.Time // in UTC; zero where Ada sent none that can be read
	UpdatedAt    time.Time // in UTC; zero where Ada sent none that can be read

	// Raw is the JSON that Ada sent, with the fields that this package does not know. json.Unmarshal makes an Endpoint
	// of it again.
	Raw json.RawMessage
}

// NewEndpoint is what an endpoint is made from. A URL is required. It prints, logs and marshals as "[REDACTED]".
type NewEndpoint struct {
	URL         string // of https, without credentials and fragment
	Description string
	// EventFilters are the names of the event types to deliver, as "v1.conversation.ended": see [Client.EventTypes].
	// Empty means all of them, not none.
	EventFilters []string
	Disabled     bool // deliver nothing until it is enabled by [Client.Update]
}

// Update says what to change of an endpoint. A field that is left out stays as it is, and [ada.Set] gives it a value.
// Ada takes no [ada.Null] here. It prints, logs and marshals as "[REDACTED]".
//
//	endpoints.Update{Enabled: ada.Set(false)}
type Update struct {
	URL         ada.Opt[string] // of https, without credentials and fragment
	Description ada.Opt[string]
	// EventFilters replaces all filters. An empty list delivers all event types, not none: for that, set Enabled to
	// false.
	EventFilters ada.Opt[[]string]
	Enabled      ada.Opt[bool]
}

// EventType is a kind of event that Ada delivers.
type EventType struct {
	Name        string // as "v1.end_user.created"
	Description string
}

// UnmarshalJSON decodes Ada's JSON form of an endpoint, from an answer or from [Endpoint.Raw].
func (e *Endpoint) UnmarshalJSON(b []byte) error {
	var w gen.Webhook
	if err := rawjson.Unmarshal(b, &w); err != nil {
		return err
	}
	if w.ID == "" {
		return ada.Fault{Field: "id", Reason: "is missing"}
	}
	created, _ := wiretime.Parse([]byte(w.CreatedAt))
	updated, _ := wiretime.Parse([]byte(w.UpdatedAt))
	*e = Endpoint{
		ID:           w.ID,
		URL:          w.URL,
		Description:  w.Description,
		EventFilters: w.EventFilters,
		Enabled:      w.Enabled,
		CreatedAt:    created,
		UpdatedAt:    updated,
		Raw:          append(json.RawMessage(nil), b...),
	}
	return nil
}

// UnmarshalJSON decodes Ada's JSON form of an event type.
func (t *EventType) UnmarshalJSON(b []byte) error {
	var w gen.EventType
	if err := rawjson.Unmarshal(b, &w); err != nil {
		return err
	}
	if w.Name == "" {
		return ada.Fault{Field: "name", Reason: "is missing"}
	}
	*t = EventType{Name: w.Name, Description: w.Description}
	return nil
}

// secret is the answer that holds one.
type secret struct{ key ada.Secret }

// UnmarshalJSON refuses an answer without a key.
func (s *secret) UnmarshalJSON(b []byte) error {
	var w gen.WebhookSecret
	if err := rawjson.Unmarshal(b, &w); err != nil {
		return err
	}
	if w.Key == "" {
		return ada.Fault{Field: "key", Reason: "is missing"}
	}
	s.key = ada.Secret(w.Key)
	return nil
}

// Format writes the type and the ID for every verb.
func (e Endpoint) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "endpoints.Endpoint("+e.ID+")")
}

// MarshalText returns the same as Format.
func (e Endpoint) MarshalText() ([]byte, error) {
	return []byte("endpoints.Endpoint(" + e.ID + ")"), nil
}

const redacted = "[REDACTED]"

// Format writes "[REDACTED]" for every verb.
func (NewEndpoint) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (NewEndpoint) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Update) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Update) MarshalText() ([]byte, error) { return []byte(redacted), nil }
