package dataexport

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// What holds what people wrote, or what is known of them, shows none of it.

const redacted = "[REDACTED]"

func hide(f fmt.State) { _, _ = io.WriteString(f, redacted) }

// Format writes the type and the ID for every verb.
func (c Conversation) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "dataexport.Conversation("+c.ID+")")
}

// MarshalText returns the same as Format.
func (c Conversation) MarshalText() ([]byte, error) {
	return []byte("dataexport.Conversation(" + c.ID + ")"), nil
}

// Format writes the type and the ID for every verb.
func (m Message) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "dataexport.Message("+m.ID+")")
}

// MarshalText returns the same as Format.
func (m Message) MarshalText() ([]byte, error) {
	return []byte("dataexport.Message(" + m.ID + ")"), nil
}

// String returns what part of the export the page completes, and how many records it has.
func (p Page[T]) String() string {
	return fmt.Sprintf("dataexport.Page(%d records from %s until %s)", p.Len(), p.Since.Format(time.RFC3339Nano), p.Until.Format(time.RFC3339Nano))
}

// Format writes the same as String for every verb.
func (p Page[T]) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// MarshalText returns the same as String.
func (p Page[T]) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Format writes "[REDACTED]" for every verb.
func (RawRecord) Format(f fmt.State, _ rune) { hide(f) }

// LogValue returns "[REDACTED]".
func (RawRecord) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns the record, as a json.RawMessage does.
func (r RawRecord) MarshalJSON() ([]byte, error) {
	if r == nil {
		return []byte("null"), nil
	}
	return r, nil
}

// Format writes "[REDACTED]" for every verb.
func (CSAT) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (CSAT) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Variables) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (Variables) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Greeting) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (Greeting) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Text) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Picture) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (Picture) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (QuickReplies) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (QuickReplies) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (QuickReply) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (QuickReply) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Trigger) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (Trigger) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Meta) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (Meta) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Link) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (Link) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (WebWindow) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (WebWindow) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (CSATShown) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (CSATShown) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (CSATAnswer) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (CSATAnswer) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (OtherData) Format(f fmt.State, _ rune) { hide(f) }

// MarshalText returns "[REDACTED]".
func (OtherData) MarshalText() ([]byte, error) { return []byte(redacted), nil }
