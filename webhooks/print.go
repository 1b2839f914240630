package webhooks

import (
	"fmt"
	"io"
)

const redacted = "[REDACTED]"

// Format writes "[REDACTED]" for every verb.
func (EndUser) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (EndUser) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Profile) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Profile) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (ConversationCreated) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (ConversationCreated) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (ConversationMessage) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (ConversationMessage) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (ConversationEnded) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (ConversationEnded) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (ConversationHandoffEnded) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (ConversationHandoffEnded) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (AuditLogEmitted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (AuditLogEmitted) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (ProactiveCall) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (ProactiveCall) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Channel) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Channel) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Author) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Author) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (EndedBy) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (EndedBy) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Content) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Content) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Metadata) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Metadata) MarshalText() ([]byte, error) { return []byte(redacted), nil }
