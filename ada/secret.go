package ada

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[REDACTED]"

// Secret is a string that does not print. The fmt verbs, log/slog and encoders such as encoding/json show
// "[REDACTED]" in its place; string(s) is the value.
//
// A type cannot hide from fmt in an unexported field of a struct that is itself printed, since fmt calls no methods
// there. Give such a struct a Format or String method of its own.
type Secret string

// String returns "[REDACTED]".
func (Secret) String() string { return redacted }

// Format writes "[REDACTED]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[REDACTED]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
