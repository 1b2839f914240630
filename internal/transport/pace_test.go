package transport

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// most returns the largest number of times within any stretch as long as per.
func most(times []time.Time, per time.Duration) int {
	slices.SortFunc(times, time.Time.Compare)
	best, first := 0, 0
	for i, t := range times {
		for t.Sub(times[first]) >= per {
			first++
		}
		best = max(best, i-first+1)
	}
	return best
}

// grants asks l for n slots from as many goroutines and returns when they came.
func grants(t *testing.T, l *Limiter, n int) []time.Time {
	t.Helper()
	var mu sync.Mutex
	var times []time.Time
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := l.Wait(t.Context()); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			times = append(times, time.Now())
		})
	}
	wg.Wait()
	return times
}

func paced(perSecond, perMinute int) *Limiter {
	return NewLimiter(Window{perSecond, time.Second}, Window{perMinute, time.Minute})
}

func TestLimiterIsExact(t *testing.T) {
	for _, tt := range []struct {
		perSecond, perMinute, slots int
		want                        time.Duration // until the last slot
	}{
		{30, 300, 1200, 3*time.Minute + 9*time.Second},
		{10, 100, 500, 4*time.Minute + 9*time.Second},
		{10, 0, 100, 9 * time.Second},
		{0, 100, 300, 2 * time.Minute},
		{0, 0, 1000, 0},
	} {
		t.Run(strconv.Itoa(tt.perSecond)+" and "+strconv.Itoa(tt.perMinute), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				times := grants(t, paced(tt.perSecond, tt.perMinute), tt.slots)
				if got := time.Since(start); got != tt.want {
					t.Errorf("%d slots took %s, want %s", tt.slots, got, tt.want)
				}
				if got := most(times, time.Second); tt.perSecond > 0 && got != tt.perSecond {
					t.Errorf("%d slots in one second, want %d", got, tt.perSecond)
				}
				if got := most(times, time.Minute); tt.perMinute > 0 && got != tt.perMinute {
					t.Errorf("%d slots in one minute, want %d", got, tt.perMinute)
				}
			})
		})
	}
}

// A limiter that was idle must not let a burst follow on another within one window.
func TestLimiterIsExactWithPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := paced(5, 20)
		var times []time.Time
		for i := range 30 {
			times = append(times, grants(t, l, 1+i%7)...)
			time.Sleep(time.Duration(i%13) * 370 * time.Millisecond)
		}
		if got := most(times, time.Second); got != 5 {
			t.Errorf("%d slots in one second, want 5", got)
		}
		if got := most(times, time.Minute); got != 20 {
			t.Errorf("%d slots in one minute, want 20", got)
		}
	})
}

func TestLimiterRefusesWhatComesAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := paced(1, 0)
		grants(t, l, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 999*time.Millisecond)
		defer cancel()
		start := time.Now()
		if err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("it took %s to find out", d)
		}
		// The slot was not taken.
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Wait(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestLimiterDoesNotWaitForTheNextDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(Window{10, time.Second}, Window{100, time.Minute}, Window{1000, 24 * time.Hour})
		start := time.Now()
		times := grants(t, l, 1000)
		if d, want := time.Since(start), 9*time.Minute+9*time.Second; d != want {
			t.Errorf("a day's slots took %s, want %s", d, want)
		}
		var usedUp *UsedUpError
		if err := l.Wait(t.Context()); !errors.As(err, &usedUp) {
			t.Fatalf("got %v, want it used up", err)
		}
		if want := time.Until(times[0].Add(24 * time.Hour)); usedUp.Wait != want {
			t.Errorf("it is used up for %s, want %s", usedUp.Wait, want)
		}
		time.Sleep(usedUp.Wait - time.Minute - time.Nanosecond)
		if err := l.Wait(t.Context()); !errors.As(err, &usedUp) {
			t.Errorf("a minute and a bit before: got %v, want it used up", err)
		}
		time.Sleep(time.Nanosecond)
		if err := l.Wait(t.Context()); err != nil { // it has taken no slot before
			t.Errorf("a minute before: %v", err)
		}
		if d := time.Since(times[0]); d != 24*time.Hour {
			t.Errorf("the next day's slot came after %s, want 24h0m0s", d)
		}
	})
}

func TestLimiterTakesBackTheSlotOfWhoGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := paced(1, 0)
		grants(t, l, 1)
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Wait(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		grants(t, l, 1)
		if d := time.Since(start); d != time.Second {
			t.Errorf("the next slot came after %s, want 1s", d)
		}
	})
}

func TestLimiterForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := paced(100, 1000)
		for range 10 {
			grants(t, l, 1000)
			time.Sleep(time.Minute)
		}
		grants(t, l, 1)
		if n := len(l.slots); n != 1 {
			t.Errorf("it remembers %d slots a minute later, want 1", n)
		}
	})
}

func limits(remaining int, reset time.Duration) *Answer {
	return &Answer{Status: 200, Header: http.Header{
		"X-Ratelimit-Remaining": {strconv.Itoa(remaining)},
		"X-Ratelimit-Reset":     {strconv.FormatInt(time.Now().Add(reset).Unix(), 10)},
	}}
}

func refusal(retryAfter string) *Answer {
	return &Answer{Status: 429, Header: http.Header{"Retry-After": {retryAfter}}}
}

func TestPacerLearns(t *testing.T) {
	tests := []struct {
		name   string
		learn  func(*Pacer)
		slots  int
		waited time.Duration
	}{
		{"nothing left", func(p *Pacer) { p.Observe(limits(0, 12*time.Second)) }, 1, 12 * time.Second},
		{"enough left", func(p *Pacer) { p.Observe(limits(2, 12*time.Second)) }, 2, 0},
		{"one too few left", func(p *Pacer) { p.Observe(limits(2, 12*time.Second)) }, 3, 12 * time.Second},
		{"an older answer comes late", func(p *Pacer) {
			p.Observe(limits(1, 12*time.Second))
			p.Observe(limits(2, 12*time.Second))
		}, 2, 12 * time.Second},
		{"windows that follow one another by the second", func(p *Pacer) {
			p.Observe(limits(1, 12*time.Second))
			p.Observe(limits(5, 13*time.Second))
		}, 5, 0},
		{"an older window comes late", func(p *Pacer) {
			p.Observe(limits(1, 13*time.Second))
			p.Observe(limits(5, 12*time.Second))
		}, 2, 13 * time.Second},
		{"a newer window", func(p *Pacer) {
			p.Observe(limits(0, 2*time.Second))
			p.Observe(limits(5, 30*time.Second))
		}, 5, 0},
		{"longer than a minute is left to the server", func(p *Pacer) { p.Observe(limits(0, 66*time.Second)) }, 1, 0},
		{"in the past", func(p *Pacer) { p.Observe(limits(0, -time.Second)) }, 1, 0},
		{"not a number", func(p *Pacer) {
			a := limits(0, 12*time.Second)
			a.Header.Set("X-RateLimit-Remaining", "none")
			p.Observe(a)
		}, 1, 0},
		{"negative", func(p *Pacer) { p.Observe(limits(-1, 12*time.Second)) }, 1, 0},
		{"no headers", func(p *Pacer) { p.Observe(&Answer{Status: 200}) }, 1, 0},
		{"no answer", func(p *Pacer) { p.Observe(nil) }, 1, 0},
		{"refused", func(p *Pacer) { p.Observe(refusal("5")) }, 1, 5 * time.Second},
		{"refused without a word", func(p *Pacer) { p.Observe(refusal("")) }, 1, time.Second},
		{"refused for longer than a minute, which the server tells each call", func(p *Pacer) { p.Observe(refusal("66")) }, 1, 0},
		{"a shorter refusal does not end a longer one", func(p *Pacer) {
			p.Observe(refusal("5"))
			p.Observe(refusal("1"))
		}, 1, 5 * time.Second},
		{"an error says nothing", func(p *Pacer) {
			a := limits(0, 12*time.Second)
			a.Status = 503
			p.Observe(a)
		}, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := NewPacer(paced(0, 0), 65*time.Second)
				tt.learn(p)
				start := time.Now()
				for range tt.slots {
					if err := p.Wait(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if got := time.Since(start); got < tt.waited || got > tt.waited+p.gap {
					t.Errorf("it waited %s, want %s and at most a gap of %s", got, tt.waited, p.gap)
				}
			})
		})
	}
}

// After a refusal attempts go one by one, and as they succeed closer together, within the limit, until there is no gap.
func TestPacerSpacesAttemptsAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(paced(10, 0), 65*time.Second)
		p.Observe(refusal("20"))
		p.Observe(refusal("20")) // of the same volley
		start := time.Now()
		var times []time.Time
		for range 200 {
			if err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			times = append(times, time.Now())
			p.Observe(&Answer{Status: 200})
		}
		if first := times[0].Sub(start); first < 20*time.Second || first > 20*time.Second+firstGap {
			t.Errorf("the first went after %s, want 20s and a part of %s", first, firstGap)
		}
		for i := range 3 {
			if gap := times[i+1].Sub(times[i]); gap < firstGap/2*3/4 || gap > firstGap*3/2 {
				t.Errorf("gap %d is %s, want about %s", i, gap, firstGap)
			}
		}
		if p.gap != 0 {
			t.Errorf("after 200 successes there is a gap of %s", p.gap)
		}
		if got := most(times, time.Second); got != 10 {
			t.Errorf("%d went within a second, want 10", got)
		}
	})
}

// Calls that give up before their turn must not push the turn of the others away.
func TestPacerIsNotLockedByCallsThatGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(paced(100, 0), 65*time.Second)
		p.Observe(refusal("1"))
		var sent atomic.Int32
		for range 2400 { // 20 a second for two minutes, with deadlines of 2 s
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			go func() {
				defer cancel()
				if p.Wait(ctx) == nil {
					p.Observe(&Answer{Status: 200})
					sent.Add(1)
				}
			}()
			time.Sleep(50 * time.Millisecond)
		}
		synctest.Wait()
		if sent.Load() < 2000 {
			t.Errorf("%d of 2400 were sent", sent.Load())
		}
		time.Sleep(3 * time.Second)
	})
}

func TestPacerTakesBackWhatWasNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(paced(0, 1), 65*time.Second)
		p.Observe(limits(2, 60*time.Second))
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, ctx := range []context.Context{ended, short} { // the limiter has no slot in time
			for range 50 {
				if err := p.Wait(ctx); err == nil {
					t.Fatal("got a slot")
				}
			}
		}
		if p.left != 1 {
			t.Errorf("%d left, want 1", p.left)
		}
	})
}

// Successes that were under way when a refusal came shrink the gap; another refusal of that time must find one.
func TestPacerRefusedAgainWithoutAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(paced(0, 0), 65*time.Second)
		p.Observe(refusal("60"))
		for range 100 {
			p.Observe(&Answer{Status: 200})
		}
		p.Observe(refusal("61"))
		if p.gap != firstGap {
			t.Errorf("the gap is %s, want %s", p.gap, firstGap)
		}
	})
}

func TestPacerGapGrowsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(paced(0, 0), 65*time.Second)
		var gaps []time.Duration
		for range 8 {
			p.Observe(refusal("1"))
			gaps = append(gaps, p.gap)
			time.Sleep(2 * time.Second)
		}
		ms := time.Millisecond
		want := []time.Duration{250 * ms, 500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 8000 * ms, 8000 * ms, 8000 * ms}
		if !slices.Equal(gaps, want) {
			t.Errorf("got %v, want %v", gaps, want)
		}
		p.Observe(&Answer{Status: 503}) // no success
		if p.gap != longestGap {
			t.Errorf("a 503 made the gap %s", p.gap)
		}
	})
}

// A refusal that arrives while an attempt waits for its slot holds that attempt back.
func TestPacerHoldsBackWhoAlreadyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(paced(1, 0), 65*time.Second)
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		time.AfterFunc(500*time.Millisecond, func() { p.Observe(refusal("10")) })
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 10500*time.Millisecond || d > 10500*time.Millisecond+firstGap {
			t.Errorf("it went after %s, want 10.5s and a part of %s", d, firstGap)
		}
	})
}

func TestPacerDoesNotWaitPastTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(paced(0, 0), 65*time.Second)
		p.Observe(refusal("20"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("it took %s to find out", d)
		}
	})
}

func TestNoPacer(t *testing.T) {
	var p *Pacer
	p.Observe(refusal("20"))
	if err := p.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
