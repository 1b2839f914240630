package transport

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// backend is a server without a network: it counts requests and answers each with the status that it is told to.
type backend struct {
	answer func(request int) (status int, retryAfter string)

	mu       sync.Mutex
	requests int
}

func (b *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	b.requests++
	status, retryAfter := b.answer(b.requests)
	b.mu.Unlock()
	resp := carried(r)
	resp.StatusCode = status
	if retryAfter != "" {
		resp.Header.Set("Retry-After", retryAfter)
	}
	return resp, nil
}

func always(status int, retryAfter string) func(int) (int, string) {
	return func(int) (int, string) { return status, retryAfter }
}

// plain is an idempotent call that takes every 2xx answer.
func plain(t *testing.T) Call {
	c := call(t.Context(), true)
	c.Read = nil
	return c
}

// R12: once the budget is spent, an outage is met with one request for each call.
func TestOutageIsNotAmplified(t *testing.T) {
	for _, status := range []int{500, 502, 503, 504} {
		synctest.Test(t, func(t *testing.T) {
			server := &backend{answer: always(status, "")}
			e := New(server, "test")
			var calls int
			for calls = 0; server.requests < 4*calls+1 && calls < 1000; calls++ {
				o := e.Do(plain(t))
				if o.Answer.Status != status || !o.Transient || o.Unknown {
					t.Fatalf("call %d: %+v", calls, o)
				}
				if o.Attempts == 1 {
					break
				}
			}
			if spent := server.requests - calls - 1; spent < 100 || spent > 105 {
				t.Errorf("%d repetitions until the budget was spent, want 100 and what comes back in the meantime", spent)
			}
			server.requests = 0
			for range 1000 {
				if o := e.Do(plain(t)); o.Attempts != 1 || o.Answer.Status != status || !o.Transient {
					t.Fatalf("%+v", o)
				}
			}
			if server.requests != 1000 {
				t.Errorf("%d requests for 1000 calls", server.requests)
			}
		})
	}
}

// However often it is called, a client adds no more than a tenth to an outage, or one request a minute.
func TestLongOutage(t *testing.T) {
	for _, perMinute := range []int{1, 10, 60, 600} {
		t.Run(fmt.Sprint(perMinute, " calls a minute"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &backend{answer: always(503, "")}
				e := New(server, "test")
				var tasks sync.WaitGroup
				run := func(calls int) {
					for range calls {
						tasks.Go(func() { e.Do(plain(t)) })
						time.Sleep(time.Minute / time.Duration(perMinute))
					}
					tasks.Wait()
				}
				run(100 * max(perMinute/10, 1))
				server.requests = 0
				start := time.Now()
				calls := 30 * perMinute
				run(calls)
				if most := calls + int(time.Since(start)/time.Minute) + 1; server.requests > most {
					t.Errorf("%d requests for %d calls, want at most %d", server.requests, calls, most)
				}
				t.Logf("%d requests for %d calls: %.2f", server.requests, calls, float64(server.requests)/float64(calls))
			})
		})
	}
}

// Calls that fail now and then are repeated as the policy says, for ever: what helps costs nothing.
func TestSporadicFailuresUseNoBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &backend{answer: func(request int) (int, string) {
			if request%2 == 1 {
				return 503, ""
			}
			return 200, ""
		}}
		e := New(server, "test")
		for i := range 5000 {
			if o := e.Do(plain(t)); o.Err != nil || o.Attempts != 2 {
				t.Fatalf("call %d: %d attempts, %v", i, o.Attempts, o.Err)
			}
		}
		if e.budget.spent != 0 {
			t.Errorf("spent %d", e.budget.spent)
		}
	})
}

// A long export, one request after the other, of which 30 % fail: no call ends for want of budget.
func TestUnreliableServer(t *testing.T) {
	for _, attempts := range []int{4, 10} {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(7, uint64(attempts)))
			server := &backend{answer: func(int) (int, string) {
				if random.Float64() < .3 {
					return 503, ""
				}
				return 200, ""
			}}
			e := New(server, "test")
			for i := range 20_000 {
				c := plain(t)
				c.Policy.MaxAttempts = attempts
				if o := e.Do(c); o.Err != nil && o.Attempts < attempts {
					t.Fatalf("call %d was given up after %d attempts of %d", i, o.Attempts, attempts)
				}
			}
		})
	}
}

// A limit that refuses for ever is paced and costs nothing.
func TestRateLimitUsesNoBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &backend{answer: always(429, "1")}
		e := New(server, "test")
		for range 200 {
			if o := e.Do(plain(t)); o.Attempts != 7 {
				t.Fatalf("%d attempts, want 7", o.Attempts)
			}
		}
		if e.budget.spent != 0 {
			t.Errorf("spent %d", e.budget.spent)
		}
	})
}

// What the server says of a call settles it, whether it is a yes or a no; and what is given back is no more than full.
func TestBudgetComesBack(t *testing.T) {
	for _, tt := range []struct {
		status int
		back   bool
	}{
		{200, true},
		{404, true},
		{409, true},
		{422, true},
		{501, true},
		{429, false},
		{408, false},
		{500, false},
		{302, false},
		{505, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := New(&backend{answer: always(tt.status, "")}, "test")
			e.budget.spent, e.budget.since = 500, time.Now()
			c := plain(t)
			c.Policy.MaxAttempts = 1
			e.Do(c)
			if got := e.budget.spent < 500; got != tt.back {
				t.Errorf("%d: %d spent after 500", tt.status, e.budget.spent)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		var b budget
		b.give(fullBudget)
		for range 100 {
			if !b.take() {
				t.Fatal("it was not full")
			}
		}
		if b.take() {
			t.Error("it held more than it can")
		}
		for range 3 {
			time.Sleep(perWait - 1)
			if b.take() {
				t.Error("one came back too soon")
			}
			time.Sleep(1)
			if !b.take() {
				t.Error("none came back with time")
			}
		}
		time.Sleep(1000 * time.Hour)
		for range 100 {
			if !b.take() {
				t.Fatal("it did not come back as a whole")
			}
		}
		if b.take() {
			t.Error("it holds more than it can")
		}
	})
}

// Many calls at once share one budget, and all of it.
func TestBudgetIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &backend{answer: always(503, "")}
		e := New(server, "test")
		var tasks sync.WaitGroup
		for range 500 {
			tasks.Go(func() { e.Do(plain(t)) })
		}
		tasks.Wait()
		if server.requests != 600 {
			t.Errorf("%d requests for 500 calls, want 100 more", server.requests)
		}
	})
}
