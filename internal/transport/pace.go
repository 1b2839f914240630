package transport

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Window allows N sends in any stretch of time as long as Per. One of 0 sends is not kept.
type Window struct {
	N   int
	Per time.Duration
}

// Limiter keeps exactly to its windows: in no second and no minute, wherever they start, are there more sends than
// allowed. It remembers the send times of its longest window instead of refilling a bucket, since a full bucket and its
// refill together pass twice the limit.
type Limiter struct {
	windows []Window
	longest time.Duration

	mu    sync.Mutex
	slots []time.Time // given out, ascending; of the last longest, and those still to come
}

// NewLimiter returns a limiter for all of the windows.
func NewLimiter(windows ...Window) *Limiter {
	l := &Limiter{}
	for _, w := range windows {
		if w.N > 0 {
			l.windows = append(l.windows, w)
			l.longest = max(l.longest, w.Per)
		}
	}
	return l
}

// UsedUpError is the error of a limiter one of whose long windows has no slot for the next Wait. To wait for that long
// would be no pacing any more.
type UsedUpError struct{ Wait time.Duration }

func (e *UsedUpError) Error() string {
	return fmt.Sprintf("the limit is used up for %s", e.Wait.Round(time.Second))
}

// Windows that are longer than longWindow are not waited for, if they ask for more than patience.
const (
	longWindow = time.Hour
	patience   = time.Minute
)

// Wait blocks until the next free slot, first come first served. When the context's deadline comes before it, or it is
// a long window that is used up, Wait returns at once and takes no slot.
func (l *Limiter) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := time.Now()
	deadline, limited := ctx.Deadline()

	l.mu.Lock()
	slot, usedUp := l.next(now)
	if usedUp > patience {
		l.mu.Unlock()
		return &UsedUpError{usedUp}
	}
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

// next is the earliest time that no window forbids, and how long the long windows forbid any.
func (l *Limiter) next(now time.Time) (slot time.Time, usedUp time.Duration) {
	// What is older than the longest window forbids nothing any more.
	old := 0
	for old < len(l.slots) && !l.slots[old].After(now.Add(-l.longest)) {
		old++
	}
	l.slots = l.slots[old:]
	slot = now
	if n := len(l.slots); n > 0 && l.slots[n-1].After(slot) {
		slot = l.slots[n-1]
	}
	for _, w := range l.windows {
		if i := len(l.slots) - w.N; i >= 0 {
			free := l.slots[i].Add(w.Per)
			slot = later(slot, free)
			if w.Per > longWindow {
				usedUp = max(usedUp, free.Sub(now))
			}
		}
	}
	return slot, usedUp
}

// How a Pacer spaces attempts after a 429: the gap doubles with each, and shrinks with each success until it is gone.
const (
	firstGap   = 250 * time.Millisecond
	longestGap = 8 * time.Second
	gapIsOver  = 10 * time.Millisecond
	gapShrinks = 16 // by one part in
)

// Pacer holds the attempts of one API family to its limiter, and to what the server says of its own count, in which
// other processes have a part: when that is used up, attempts wait for its reset. After a 429 they wait for as long as
// the server asked, and then go one by one, at a gap that finds the share of the limit that is left to this process.
type Pacer struct {
	limiter  interface{ Wait(context.Context) error }
	maxBlock time.Duration

	mu     sync.Mutex
	until  time.Time     // nothing is sent before
	window int64         // the X-RateLimit-Reset that reset and left are of
	reset  time.Time     // when left ends
	left   int           // sends that the server still allows before reset
	gap    time.Duration // between sends
	next   time.Time     // the first send that the gap allows
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
		wait, taken, giveBack, err := p.take(ctx)
		if err == nil {
			err = sleep(ctx, wait)
		}
		if err == nil && taken {
			err = p.limiter.Wait(ctx)
		}
		if err != nil {
			p.undo(giveBack)
			return err
		}
		if taken && !p.blocked() { // or else a 429 came in meanwhile, and this slot is no good any more
			return nil
		}
	}
}

// reservation is what a take has used, and what is given back when nothing is sent for it.
type reservation struct {
	window int64
	left   int
	step   time.Duration
}

func (p *Pacer) undo(r reservation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.window == p.window {
		p.left += r.left
	}
	p.next = p.next.Add(-r.step)
}

func (p *Pacer) blocked() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until.After(time.Now())
}

// take uses one of the sends that the server allows, and says when it may go; or it says how long there is none. It
// takes nothing that could not be used before the deadline.
func (p *Pacer) take(ctx context.Context) (wait time.Duration, taken bool, used reservation, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, used, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	taken = true
	if wait = p.until.Sub(now); wait > 0 {
		taken = false
	} else if wait = p.reset.Sub(now); wait > 0 && p.left <= 0 {
		taken = false
	} else {
		used = reservation{window: p.window}
		if wait > 0 {
			used.left = 1
		}
		wait = 0
		if p.gap > 0 {
			wait = max(p.next.Sub(now), 0)
			next := now.Add(wait + p.gap/2 + rand.N(p.gap)) // #nosec G404 -- spreads clients out, hides nothing
			used.step = next.Sub(later(p.next, now))
		}
	}
	if deadline, limited := ctx.Deadline(); limited && now.Add(wait).After(deadline) {
		return 0, false, reservation{}, fmt.Errorf("the server's limit is used up for %s, past the deadline: %w", wait.Round(time.Millisecond), context.DeadlineExceeded)
	}
	p.left -= used.left
	if used.step > 0 {
		p.next = later(p.next, now).Add(used.step)
	}
	return wait, taken, used, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Observe learns from an answer.
func (p *Pacer) Observe(a *Answer) {
	if p == nil || a == nil {
		return
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case a.Status == http.StatusTooManyRequests:
		// Without a word of the server's, for the shortest of its windows.
		wait := max(retryAfter(a.Header, a.Status, now), time.Second)
		if wait > p.maxBlock {
			return
		}
		if p.gap == 0 || now.After(p.until) { // not one of a volley that was refused together
			p.gap = min(max(2*p.gap, firstGap), longestGap)
		}
		if until := now.Add(wait); until.After(p.until) {
			p.until, p.next = until, until.Add(rand.N(p.gap)) // #nosec G404 -- as above
		}
	case a.Status < 400:
		if p.gap -= p.gap / gapShrinks; p.gap < gapIsOver {
			p.gap = 0
		}
		p.count(a.Header, now)
	}
}

// count learns from X-RateLimit-Remaining and X-RateLimit-Reset. Answers overtake one another: of one window the lowest
// count is the newest, and of two windows the one that ends later.
func (p *Pacer) count(h http.Header, now time.Time) {
	left, ok := Number(h, "X-Ratelimit-Remaining")
	window, wait := reset(h, now)
	if !ok || left < 0 || wait <= 0 || wait > p.maxBlock {
		return
	}
	switch {
	case window == p.window, remains(h) && window-p.window <= 1 && p.window-window <= 1:
		p.left = min(p.left, int(left))
	case window > p.window || !p.reset.After(now):
		p.window, p.reset, p.left = window, now.Add(wait), int(left)
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
