package webhooks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// The event types that Ada documents.
const (
	TypeEndUserCreated               = "v1.end_user.created"
	TypeEndUserUpdated               = "v1.end_user.updated"
	TypeConversationCreated          = "v1.conversation.created"
	TypeConversationMessage          = "v1.conversation.message"
	TypeConversationEnded            = "v1.conversation.ended"
	TypeConversationHandoffEnded     = "v1.conversation.handoff.ended"
	TypeAuditLogEmitted              = "v1.audit_log.emitted"
	TypeProactiveCallQueued          = "v1.proactive_call.queued"
	TypeProactiveCallInitiated       = "v1.proactive_call.initiated"
	TypeProactiveCallAnswered        = "v1.proactive_call.answered"
	TypeProactiveCallMachineDetected = "v1.proactive_call.machine_detected"
	TypeProactiveCallFailed          = "v1.proactive_call.failed"
)

// Event is something that happened at Ada. It prints, logs and marshals as its type and its ID alone: to store or
// forward one, use Raw and ID. An event or a payload in an unexported field of a struct prints in full with that struct,
// since fmt calls no methods there.
//
// json.Unmarshal makes an Event of Raw again, without the ID, which Ada does not send in the body.
type Event[T any] struct {
	ID        string    // the same in every delivery of this event
	Type      string    // such as "v1.end_user.created"
	Timestamp time.Time // when it happened, in UTC; zero where Ada sent none that can be read
	Tags      []string  // what an endpoint can be filtered by in Ada's dashboard; Ada may add tags at any time
	Data      T

	// Raw is the body that Ada sent, with the fields that this package does not know.
	Raw json.RawMessage
}

// UnmarshalJSON decodes a body that Ada sent. It does not tell who sent it: that is [Verifier.Verify].
func (e *Event[T]) UnmarshalJSON(b []byte) error {
	raw, err := parse(bytes.Clone(b))
	if err != nil {
		return err
	}
	typed, err := decode[T](raw)
	if err != nil {
		return err
	}
	*e = typed
	return nil
}

// Format writes the type and the ID for every verb.
func (e Event[T]) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.text()) }

// MarshalText returns the same as Format.
func (e Event[T]) MarshalText() ([]byte, error) { return []byte(e.text()), nil }

func (e Event[T]) text() string { return "webhooks.Event(" + e.Type + " " + e.ID + ")" }

// parse reads what all events have. The event keeps body.
func parse(body []byte) (Event[json.RawMessage], error) {
	var w struct {
		Type      string          `json:"type"`
		Timestamp lenientTime     `json:"timestamp"`
		Tags      json.RawMessage `json:"tags"`
		Data      json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &w); err != nil {
		return Event[json.RawMessage]{}, malformed(err)
	}
	if w.Type == "" {
		return Event[json.RawMessage]{}, errors.New("webhooks: the event has no type")
	}
	var tags []string
	if json.Unmarshal(w.Tags, &tags) != nil {
		tags = nil // they are no reason to refuse an event; Raw has them
	}
	return Event[json.RawMessage]{
		Type: w.Type, Timestamp: w.Timestamp.Time, Tags: tags, Data: w.Data, Raw: body,
	}, nil
}

// decode reads the data of an event.
func decode[T any](raw Event[json.RawMessage]) (Event[T], error) {
	e := Event[T]{ID: raw.ID, Type: raw.Type, Timestamp: raw.Timestamp, Tags: raw.Tags, Raw: raw.Raw}
	if isNull(raw.Data) {
		if _, isRaw := any(e.Data).(json.RawMessage); isRaw {
			return e, nil
		}
		return Event[T]{}, errors.New("webhooks: the event has no data")
	}
	if err := json.Unmarshal(raw.Data, &e.Data); err != nil {
		return Event[T]{}, malformed(err)
	}
	return e, nil
}

// malformed says what is wrong with a body, and nothing of what is in it: the errors of encoding/json quote numbers.
func malformed(err error) error {
	var mismatch *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &mismatch) && mismatch.Field != "":
		return fmt.Errorf("webhooks: the field %s of the event has another type", mismatch.Field)
	case errors.As(err, &mismatch):
		return errors.New("webhooks: the event or its data is not an object")
	case errors.As(err, &syntax):
		return fmt.Errorf("webhooks: the event is no JSON at byte %d", syntax.Offset)
	}
	return errors.New("webhooks: the event does not decode")
}

func isNull(b json.RawMessage) bool { return len(b) == 0 || string(b) == "null" }

// lenientTime reads a timestamp with a zone or without one, which is then UTC, and anything else as zero.
type lenientTime struct{ time.Time }

// UnmarshalJSON never fails.
func (t *lenientTime) UnmarshalJSON(b []byte) error {
	var s string
	_ = json.Unmarshal(b, &s) // s of anything but a string is empty
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if parsed, err := time.Parse(layout, s); err == nil {
			t.Time = parsed.UTC()
			return nil
		}
	}
	t.Time = time.Time{}
	return nil
}

// Payload is the data of an event type, or of several. Those that Ada documents are types of this package. For one
// that is newer than this package, declare a type that encoding/json can decode and give it this method.
type Payload interface {
	// EventTypes returns the event types that have this data, such as "v1.end_user.created". It is called on the zero
	// value.
	EventTypes() []string
}
