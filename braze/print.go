package braze

import (
	"fmt"
	"io"
)

const redacted = "[REDACTED]"

// Format writes "[REDACTED]" for every verb.
func (Custom) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Custom) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Properties) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Properties) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (ArrayChange) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (ArrayChange) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (ObjectsChange) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (ObjectsChange) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (ObjectKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (ObjectKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (ObjectUpdate) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (ObjectUpdate) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Date) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Date) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (PushToken) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (PushToken) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Location) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Location) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Facebook) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Facebook) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Twitter) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Twitter) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Attributes) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Attributes) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Event) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Event) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Purchase) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Purchase) MarshalText() ([]byte, error) { return []byte(redacted), nil }
