package ada

import (
	"context"
	"time"

	"github.com/adasdk/ada-go/internal/transport"
)

// Pace is how many requests are allowed to one family of endpoints, in any second, minute, hour and day. A window of 0
// is not kept. Operations of the same Pace, the Family included, share their slots.
//
// Ada's figures: https://docs.ada.cx/reference/introduction/limits
type Pace struct {
	Family    string // tells it from others with the same figures
	PerSecond int
	PerMinute int
	PerHour   int
	PerDay    int // when it is used up, calls fail with ErrRateLimited instead of waiting for hours
}

// defaultPace is Ada's limit for endpoints that have none of their own.
var defaultPace = Pace{Family: "default", PerSecond: 10, PerMinute: 100, PerDay: 10_000}

// Limiter gives out slots. Wait blocks until the next one, and returns an error when ctx ends before it; it is called
// once before each attempt, from any goroutine. A *rate.Limiter of golang.org/x/time is one.
type Limiter interface {
	Wait(ctx context.Context) error
}

// NewLimiter returns the limiter that a [Client] uses where the configuration names no other. It keeps exactly to p:
// no second, minute, hour or day, wherever it starts, holds more slots than p allows. Waiters are served in order; one
// whose deadline comes before its slot gets an error at once and takes none, as does one that would have to wait for
// more than a minute because the day is used up.
//
// Share one between the clients of one process that use the same AI Agent, through [HTTPConfig.Limiter].
func NewLimiter(p Pace) Limiter {
	return transport.NewLimiter(
		transport.Window{N: p.PerSecond, Per: time.Second},
		transport.Window{N: p.PerMinute, Per: time.Minute},
		transport.Window{N: p.PerHour, Per: time.Hour},
		transport.Window{N: p.PerDay, Per: 24 * time.Hour},
	)
}

// Unpaced is an [HTTPConfig.Limiter] that lets every request go at once.
func Unpaced(Pace) Limiter { return nil }
