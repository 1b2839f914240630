package transport

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// window allows n sends in any stretch of time as long as per.
type window struct {
	n   int
	per time.Duration
}

// Limiter keeps exactly to its windows: in no second and no minute, wherever they start, are there more sends than
// allowed. It remembers the send times of the last minute instead of refilling a bucket, since a full bucket and its
// refill together pass twice the limit.
type Limiter struct {
	windows []window
	longest time.Duration

	mu    sync.Mutex
	slots []time.Time // given out, ascending; of the last longest, and those still to come
}

// NewLimiter returns a limiter for n sends a second and m a minute; 0 leaves a window out.
func NewLimiter(perSecond, perMinute int) *Limiter {
	l := &Limiter{}
	for _, w := range []window{{perSecond, time.Second}, {perMinute, time.Minute}} {
		if w.n > 0 {
			l.windows = append(l.windows, w)
			l.longest = w.per
		}
	}
	return l
}

// Wait blocks until the next free slot, first come first served. When the context's deadline comes before it, Wait
// returns at once and takes no slot.
func (l *Limiter) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := time.Now()
	deadline, limited := ctx.Deadline()

	l.mu.Lock()
	slot := l.next(now)
	if limited && slot.After(deadline) {
		l.mu.Unlock()
		return fmt.Errorf("the next one is free in %s, after the deadline: %w", slot.Sub(now).Round(time.Millisecond), context.DeadlineExceeded)
	}
	l.slots = append(l.slots, slot)
	l.mu.Unlock()

	if err := sleep(ctx, slot.Sub(now)); err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if i := slices.IndexFunc(l.slots, slot.Equal); i >= 0 {
			l.slots = slices.Delete(l.slots, i, i+1)
		}
		return err
	}
	return nil
}

// next is the earliest time that no window forbids.
func (l *Limiter) next(now time.Time) time.Time {
	// What is older than the longest window forbids nothing any more.
	old := 0
	for old < len(l.slots) && !l.slots[old].After(now.Add(-l.longest)) {
		old++
	}
	l.slots = slices.Delete(l.slots, 0, old)
	slot := now
	if n := len(l.slots); n > 0 && l.slots[n-1].After(slot) {
		slot = l.slots[n-1]
	}
	for _, w := range l.windows {
		if i := len(l.slots) - w.n; i >= 0 {
			if free := l.slots[i].Add(w.per); free.After(slot) {
				slot = free
			}
		}
	}
	return slot
}

// Pacer holds the attempts of one API family to its limiter, and to what the server says of its own count: when that
// is used up, every attempt waits for its reset, and after a 429 for as long as the server asked.
type Pacer struct {
	limiter  interface{ Wait(context.Context) error }
	maxBlock time.Duration

	mu    sync.Mutex
	until time.Time // nothing is sent before
	reset time.Time // when left ends
	left  int       // sends that the server still allows before reset
}

// NewPacer returns a pacer around limiter. A block longer than maxBlock is left to the server to enforce, since its
// answer is an error that says how long.
func NewPacer(limiter interface{ Wait(context.Context) error }, maxBlock time.Duration) *Pacer {
	return &Pacer{limiter: limiter, maxBlock: maxBlock}
}

// Wait takes a slot for one attempt. A nil Pacer gives every slot at once.
func (p *Pacer) Wait(ctx context.Context) error {
	if p == nil {
		return ctx.Err()
	}
	for {
		if err := p.limiter.Wait(ctx); err != nil {
			return err
		}
		wait := p.take(time.Now())
		if wait <= 0 {
			return nil
		}
		// A slot from before a block is no slot after it: whoever waited takes a new one.
		if deadline, limited := ctx.Deadline(); limited && time.Now().Add(wait).After(deadline) {
			return fmt.Errorf("the server's limit is used up for %s, past the deadline: %w", wait.Round(time.Millisecond), context.DeadlineExceeded)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// take uses one of the sends that the server allows, or says how long there is none.
func (p *Pacer) take(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := p.until.Sub(now); wait > 0 {
		return wait
	}
	if wait := p.reset.Sub(now); wait > 0 {
		if p.left <= 0 {
			return wait
		}
		p.left--
	}
	return 0
}

// Observe learns from an answer's X-RateLimit-Remaining and X-RateLimit-Reset.
func (p *Pacer) Observe(h http.Header) {
	if p == nil {
		return
	}
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	now := time.Now()
	wait := untilReset(h, now)
	if err != nil || left < 0 || wait <= 0 || wait > p.maxBlock {
		return
	}
	reset := now.Add(wait)
	p.mu.Lock()
	defer p.mu.Unlock()
	// Answers overtake one another, and Reset counts whole seconds: within a window the lowest count is the newest.
	if reset.Sub(p.reset).Abs() < time.Second {
		p.left = min(p.left, left)
		return
	}
	p.reset, p.left = reset, left
}

// Block holds every attempt back until t.
func (p *Pacer) Block(t time.Time) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.After(p.until) {
		p.until = t
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
