package faultsuite

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/internal/faults"
	"github.com/adasdk/ada-go/internal/transport"
)

const refusal = `{"errors":[{"type":"too_many_requests","message":"canary-name","details":null}]}`

// refused is a server that answers 429, with headers of the moment.
func refused(header func(now time.Time) []string) []func(*world) faults.Step {
	return []func(*world) faults.Step{func(*world) faults.Step {
		return faults.Answer(faults.Say(429, refusal, header(time.Now().UTC())...))
	}}
}

func header(lines ...string) func(time.Time) []string {
	return func(time.Time) []string { return lines }
}

// waits is a refusal after which a call waits, at least so long and at most a second and a half more.
func waits(steps []func(*world) faults.Step, least time.Duration) fault {
	f := fault{steps: steps, only: 1, idempotent: again(1), other: again(1)}
	f.each = func(t *testing.T, o *outcome) {
		if o.failure == nil && o.took < least {
			t.Errorf("it waited %s, want at least %s", o.took, least)
		}
		for _, a := range o.attempts {
			if a.RetryIn > max(least, time.Second)+500*time.Millisecond {
				t.Errorf("it waits %s, want about %s", a.RetryIn, least)
			}
		}
	}
	return f
}

// status is an answer of which nothing comes but an error.
func status(code, attempts int, unsure bool, is ...error) fault {
	w := fails(attempts, code, append(is, errAny)...)
	o := w
	if unsure {
		o = unknown(code)
		o.is = append(o.is, is...)
	}
	return fault{steps: toReply(faults.Say(code, `{"errors":[{"type":"boom","message":"canary-name","details":"canary@mail.example"}]}`)), forever: true, idempotent: w, other: o}
}

var rateScenarios = []scenario{
	{
		id: "R01", title: "429 with Retry-After: 2: it waits for 2 s at least, and succeeds, whatever the call does.",
		run: func(t *testing.T, op operation) {
			waits(refused(header("Retry-After: 2")), 2*time.Second).run(t, op, "2")
		},
	},
	{
		id: "R02", title: "Retry-After as a date, 10 s on: it waits for that.",
		run: func(t *testing.T, op operation) {
			waits(refused(func(now time.Time) []string {
				return []string{"Retry-After: " + now.Add(10*time.Second).Format(http.TimeFormat)}
			}), 10*time.Second).run(t, op, "date")
		},
	},
	{
		id: "R03", title: "Retry-After of 86400, 9999999 and more than fits into 64 bits: a typed error at once.",
		run: func(t *testing.T, op operation) {
			for _, v := range []string{"86400", "9999999", "9223372036854775808"} {
				f := fault{
					steps: refused(header("Retry-After: " + v)), forever: true, only: 1,
					idempotent: fails(1, 429, ada.ErrRateLimited), other: fails(1, 429, ada.ErrRateLimited),
					each: func(t *testing.T, o *outcome) {
						if !op.goesOn && o.took > 0 {
							t.Errorf("it took %s", o.took)
						}
						if !op.goesOn && o.failure != nil && o.failure.RetryAfter < 24*time.Hour {
							t.Errorf("retry after %s", o.failure.RetryAfter)
						}
					},
				}
				f.run(t, op, v)
			}
		},
	},
	{
		id: "R04", title: "Retry-After of every form: what cannot be read counts for nothing, and no wait is negative or over the cap.",
		note: "The whole table is TestRetryAfter of internal/transport.",
		run: func(t *testing.T, op operation) {
			for v, least := range map[string]time.Duration{
				"": 0, "junk": 0, "120junk": 0, "0": 0, "-5": 0, "+5": 0, "1.5": 0, "1e3": 0, "NaN": 0, "0x10": 0, "1_000": 0, " 3 ": 3 * time.Second, "007": 7 * time.Second,
				"Sat, 01 Jan 1990 00:00:00 GMT": 0, "65": 65 * time.Second,
			} {
				f := waits(refused(header("Retry-After: "+v)), least)
				f.run(t, op, v)
			}
		},
	},
	{
		id: "R05", title: "Retry-After as a date of a clock that is an hour off: it is read by the answer's Date.",
		run: func(t *testing.T, op operation) {
			for _, off := range []time.Duration{time.Hour, -time.Hour} {
				waits(refused(func(now time.Time) []string {
					now = now.Add(off)
					return []string{"Date: " + now.Format(http.TimeFormat), "Retry-After: " + now.Add(10*time.Second).Format(http.TimeFormat)}
				}), 10*time.Second).run(t, op, off.String())
			}
		},
	},
	{
		id: "R06", title: "No header: full jitter, up to a ceiling that doubles.",
		note: "The distribution of 100,000 draws is TestBackoffIsFullJitter of internal/transport; here are 300 of a call's own.",
		skip: func(op operation) string {
			if !op.idempotent {
				return "it is repeated after a 429 alone, whose wait is R01's, and after what was not sent, with the same waits as the others"
			}
			return ""
		},
		run: jitter,
	},
	{
		id: "R07", title: "X-RateLimit-Remaining: 0 with a Reset in 12 s: the next request of the family waits for it, and no 429 comes.",
		run: func(t *testing.T, op operation) {
			counted(t, op, "reset", func(now time.Time) string { return strconv.FormatInt(now.Add(12*time.Second).Unix(), 10) }, 12*time.Second, 14*time.Second)
		},
	},
	{
		id: "R08", title: "X-RateLimit-Reset that is past, in 2106 or no number: it counts for nothing.",
		run: func(t *testing.T, op operation) {
			for _, v := range []string{"1", "4294967295", "junk", "", "-1", "99999999999999999999"} {
				counted(t, op, v, func(time.Time) string { return v }, 0, 2*time.Second)
			}
		},
	},
	{
		id: "R09", title: "Ten goroutines make more calls than a minute allows: no 429 is seen, and nothing is lost.",
		note: "500 calls, against limits that are lower than Ada's, are TestStorm of package ada.",
		skip: storms, run: func(t *testing.T, op operation) { storm(t, op, 1) },
	},
	{
		id: "R10", title: "Two processes share the limit, unseen by each other: nothing is lost.",
		note: "500 calls are TestStormWithAnotherProcess of package ada.",
		skip: storms, run: func(t *testing.T, op operation) { storm(t, op, 2) },
	},
	{
		id: "R11", title: "429 for ever: a typed error, and the waits are bounded.",
		note: "Deviation: after 7 tries and not 4. A 429 counts half: it did nothing, and where two processes meet 4 tries lose calls (R10).",
		run: func(t *testing.T, op operation) {
			f := fault{
				steps: refused(header()), forever: true, only: 1, within: 5 * time.Minute,
				idempotent: fails(7, 429, ada.ErrRateLimited), other: fails(7, 429, ada.ErrRateLimited),
				each: func(t *testing.T, o *outcome) {
					if o.failure != nil && !ada.Retryable(o.err) {
						t.Error("it cannot be tried again later")
					}
				},
			}
			f.run(t, op, "for ever")
		},
	},
	{
		id: "R12", title: "503 for ever: once the budget of repetitions is spent, at most 1.1 requests for each call.",
		skip: func(op operation) string {
			switch {
			case !op.idempotent:
				return "a 503 is not repeated: 1 request for each call"
			case op.goesOn:
				return "it goes on over failures: see " + op.under() + ", which makes its calls"
			}
			return ""
		},
		run: outage,
	},
	{
		id: "R13", title: "The waits and the number of tries are as the policy says: vectors 5, 6 and 16 to 19 of AWS's, with jitter.",
		note: "All that apply are tables of internal/transport, with jitter fixed.",
		skip: func(op operation) string {
			if !op.idempotent {
				return "it is not repeated after a 500"
			}
			return ""
		},
		run: vectors,
	},
	{
		id: "R14", title: "413: typed, one try.",
		run: func(t *testing.T, op operation) { status(413, 1, false, ada.ErrTooLarge).run(t, op, "413") },
	},
	{
		id: "R15", title: "401: typed, one try, and the key is in no text.",
		run: func(t *testing.T, op operation) { status(401, 1, false, ada.ErrUnauthorized).run(t, op, "401") },
	},
	{
		id: "R16", title: "408: made again; what must not be repeated is not.",
		note: "Deviation: it is ErrOutcomeUnknown there, and so is a 503, since neither proves that nothing happened.",
		run: func(t *testing.T, op operation) {
			for _, code := range []int{408, 500, 502, 503, 504} {
				f := doubtful(toReply(faults.Say(code, "<html>canary-name</html>")), code)
				f.run(t, op, fmt.Sprint(code, " once"))
			}
			f := status(503, 4, true, ada.ErrServer)
			f.only = 1
			f.run(t, op, "503 for ever")
		},
	},
	{
		id: "R17", title: "Statuses 0, 99, 600 and 999: typed.",
		run: func(t *testing.T, op operation) {
			for _, code := range []int{600, 999} {
				f := status(code, 1, true, ada.ErrServer)
				f.only = 1
				f.run(t, op, fmt.Sprint(code))
			}
			for _, line := range []string{"HTTP/1.1 000 No\r\n\r\n", "HTTP/1.1 99 No\r\n\r\n", "HTTP/1.1 -1 No\r\n\r\n", "HTTP/1.1 1000 No\r\n\r\n", "canary-name\r\n\r\n"} {
				f := network(4, nil)
				f.steps, f.forever, f.only, f.other = toReply(line), true, 1, unknown(0)
				if strings.Contains(line, " 000") { // which net/http takes for a status
					f.idempotent, f.other = fails(1, 0, errAny), unknown(0)
				}
				f.run(t, op, line)
			}
		},
	},
	{
		id: "R18", title: "418, 451 and other statuses without a meaning of their own: typed, one try.",
		run: func(t *testing.T, op operation) {
			for _, code := range []int{402, 405, 410, 415, 418, 451} {
				f := status(code, 1, false)
				f.only = 1
				f.run(t, op, fmt.Sprint(code))
			}
		},
	},
	{
		id: "R19", title: "Error bodies of every form: typed each time, at most 64 KiB of them kept, and none of their words in the text.",
		run: envelopes,
	},
}

// jitter measures the waits after 503.
func jitter(t *testing.T, op operation) {
	f := fault{
		steps: toReply(faults.Say(503, ""), faults.Say(503, ""), faults.Say(503, "")), only: 1, idempotent: again(3),
		each: func(t *testing.T, o *outcome) {
			ceiling := 500 * time.Millisecond
			for _, a := range o.attempts {
				if a.RetryIn > ceiling || a.StatusCode == 503 && a.RetryIn <= 0 {
					t.Errorf("it waits %s, want up to %s", a.RetryIn, ceiling)
				}
				ceiling *= 2
			}
		},
	}
	f.run(t, op, "three times")
	if op.name != "ada.Client.Do, GET" {
		return
	}
	const n = 300
	trial{
		op: op, label: "distribution", most: 3 * n, within: 2 * time.Hour,
		script: func(w *world, i int) faults.Step {
			if i%2 == 0 {
				return faults.Answer(faults.Say(503, ""))
			}
			return well(w)
		},
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) (ids []string, err error) {
			for range n {
				if _, err = op.call(ctx, w, c, o...); err != nil {
					return nil, err
				}
			}
			return nil, nil
		},
	}.run(t, func(t *testing.T, o *outcome) {
		var sum time.Duration
		for _, a := range o.attempts {
			sum += a.RetryIn
		}
		if mean := sum / n; o.err != nil || mean < 215*time.Millisecond || mean > 285*time.Millisecond { // 4 sigma
			t.Errorf("the mean of %d waits is %s, want 250ms; %v", n, mean, o.err)
		}
	})
}

// counted makes the call twice, where the first answer says that the limit is used up.
func counted(t *testing.T, op operation, label string, reset func(time.Time) string, least, most time.Duration) {
	t.Helper()
	trial{
		op: op, label: label,
		script: func(w *world, i int) faults.Step {
			if i > 0 {
				return well(w)
			}
			return faults.Through(w.handler, func(r faults.Reply) faults.Step {
				r.Header = r.Header.Clone()
				r.Header.Set("X-RateLimit-Limit", "100")
				r.Header.Set("X-RateLimit-Remaining", "0")
				r.Header.Set("X-RateLimit-Reset", reset(time.Now()))
				return faults.Answer(r.String())
			})
		},
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			if _, err := op.call(ctx, w, c, o...); err != nil {
				return nil, err
			}
			_, err := op.call(ctx, w, c, o...)
			if op.gone && errors.Is(err, ada.ErrNotFound) {
				err = nil
			}
			return nil, err
		},
		within: cleanOf(op, usual).took + time.Minute, most: cleanOf(op, usual).requests + 1,
	}.run(t, func(t *testing.T, o *outcome) {
		extra := o.took - cleanOf(op, usual).took
		if op.many && least > 0 { // the three are under way before the first answer
			least -= time.Second
		}
		if o.err != nil || extra < least && !op.goesOn || extra > most+cleanOf(op, usual).took {
			t.Errorf("it took %s more than without, want %s to %s: %v", extra, least, most, o.err)
		}
		for _, a := range o.attempts {
			if a.Number > 1 || a.Err != nil && !op.gone {
				t.Errorf("attempt %d, status %d", a.Number, a.StatusCode)
			}
		}
	})
}

func storms(op operation) string {
	switch {
	case strings.HasPrefix(op.name, "ada."):
		return "the fake has no limit of these endpoints"
	case isBraze(op):
		return "its limit is 3,000 requests in 3 seconds: see TestPacing and TestSharedLimit of package braze"
	case op.name == "compliance.EraseAll":
		return "it makes one call after another, and one at a time works on a ledger"
	case op.goesOn:
		return "it looks once in minutes: see column 9, which makes its calls"
	}
	return ""
}

// storm makes more calls than a minute allows, from ten goroutines, in one process or several.
func storm(t *testing.T, op operation, processes int) {
	t.Helper()
	const workers = 10
	calls := 120 / max(op.steps, 1) / workers / processes // 100 a minute is the limit of most
	synctest.Test(t, func(t *testing.T) {
		w := &world{Server: adatest.New(), pages: usual, effects: map[string]int{}}
		defer w.Close()
		w.handler = secured(w.Server)
		op.setup(w)
		time.Sleep(2 * time.Minute) // what was sent for it counts no more
		n := faults.New(t, well(w))
		start := time.Now()
		var wg sync.WaitGroup
		var mu sync.Mutex
		refused, seen := 0, 0
		for range processes {
			config := w.Config()
			config.BaseURL, config.Handle = "", "acme"
			config.HTTP = ada.HTTPConfig{
				Client: &http.Client{Transport: n.Under(transport.NewTransport())},
				Hooks: ada.Hooks{Done: func(_ context.Context, a ada.Attempt) {
					mu.Lock()
					defer mu.Unlock()
					if seen++; a.StatusCode == 429 {
						refused++
					}
				}},
			}
			client := w.connect(t, config)
			for range workers {
				wg.Go(func() {
					for range max(calls, 1) {
						if _, err := op.call(t.Context(), w, client); err != nil && !(op.gone && errors.Is(err, ada.ErrNotFound)) {
							t.Error(err)
						}
					}
				})
			}
		}
		wg.Wait()
		if processes == 1 && refused > 0 {
			t.Errorf("%d of %d requests were refused", refused, seen)
		}
		if refused > seen/2 || time.Since(start) > 20*time.Minute {
			t.Errorf("%d of %d requests were refused, in %s", refused, seen, time.Since(start))
		}
	})
}

// outage makes calls against a server that answers 503 to everything.
func outage(t *testing.T, op operation) {
	const first, second = 100, 100
	at := 0
	trial{
		op: op, label: "outage", most: 4 * (first + second), within: 24 * time.Hour,
		script: func(*world, int) faults.Step { return faults.Answer(faults.Say(503, "")) },
		config: func(c *ada.Config) {
			c.HTTP.Limiter = ada.Unpaced
			c.HTTP.Logger = nil
			c.HTTP.Hooks.Done = func(context.Context, ada.Attempt) {}
		},
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			for i := range first + second {
				if i == first {
					at = w.requests()
				}
				w.ledger = &memory{}
				if _, err := op.call(ctx, w, c, o...); err == nil {
					return nil, errors.New("a call succeeded")
				}
			}
			return nil, nil
		},
	}.run(t, func(t *testing.T, o *outcome) {
		if n := o.network.Arrived() - at; n > second*11/10 || o.err != nil {
			t.Errorf("%d requests for %d calls, %v", n, second, o.err)
		}
	})
}

// vectors makes a call with policies of AWS's vectors, whose waits are the ceilings of ours.
func vectors(t *testing.T, op operation) {
	ms := time.Millisecond
	for name, v := range map[string]struct {
		policy   ada.RetryPolicy
		header   string
		ceilings []time.Duration
		least    time.Duration
	}{
		"5":  {ada.RetryPolicy{MaxAttempts: 5, FirstBackoff: 50 * ms}, "", []time.Duration{50 * ms, 100 * ms, 200 * ms, 400 * ms}, 0},
		"6":  {ada.RetryPolicy{MaxAttempts: 5, FirstBackoff: 50 * ms, MaxBackoff: 200 * ms}, "", []time.Duration{50 * ms, 100 * ms, 200 * ms, 200 * ms}, 0},
		"16": {ada.RetryPolicy{MaxAttempts: 2, FirstBackoff: 50 * ms}, "2", []time.Duration{2 * time.Second}, 2 * time.Second},
		"17": {ada.RetryPolicy{MaxAttempts: 2, FirstBackoff: 50 * ms}, "0", []time.Duration{50 * ms}, 0},
		"18": {ada.RetryPolicy{MaxAttempts: 2, FirstBackoff: 50 * ms}, "10", []time.Duration{10 * time.Second}, 10 * time.Second},
		"19": {ada.RetryPolicy{MaxAttempts: 2, FirstBackoff: 50 * ms}, "invalid", []time.Duration{50 * ms}, 0},
	} {
		f := status(500, v.policy.MaxAttempts, true, ada.ErrServer)
		f.only, f.config = 1, func(c *ada.Config) { c.HTTP.Retry = v.policy }
		f.steps = toReply(faults.Say(500, "", "Retry-After: "+v.header))
		f.each = func(t *testing.T, o *outcome) {
			if op.goesOn {
				return
			}
			for i, a := range o.attempts[:min(len(o.attempts), len(v.ceilings))] {
				if a.RetryIn > v.ceilings[i]+ms || a.RetryIn < max(v.least, 1) {
					t.Errorf("wait %d is %s, want up to %s", i, a.RetryIn, v.ceilings[i])
				}
			}
		}
		f.run(t, op, name)
	}
}

func envelopes(t *testing.T, op operation) {
	for name, body := range map[string]string{
		"details string":  `{"errors":[{"type":"boom","message":"canary-name","details":"canary@mail.example"}]}`,
		"details list":    `{"errors":[{"type":"boom","message":"canary-name","details":[{"parameter":"$.profile.email","location":"body","message":"canary@mail.example"}]}]}`,
		"details object":  `{"errors":[{"type":"boom","message":"canary-name","details":{"a":"canary@mail.example"}}]}`,
		"details null":    `{"errors":[{"type":"boom","message":"canary-name","details":null}]}`,
		"details missing": `{"errors":[{"type":"boom","message":"canary-name"}]}`,
		"errors empty":    `{"errors":[]}`,
		"errors null":     `{"errors":null}`,
		"errors a string": `{"errors":"canary-name"}`,
		"message":         `{"message":"canary-name"}`,
		"HTML":            html,
		"nothing":         "",
		"1 MiB":           strings.Repeat("canary-name ", 1<<20/12),
		"broken":          `{"errors":[{"type":"boom`,
		"control":         "{\"message\":\"\\u001b[31mcanary-name\x00\"}",
	} {
		f := status(422, 1, false, ada.ErrInvalid)
		f.only, f.steps = 1, toReply(faults.Say(422, body))
		f.each = func(t *testing.T, o *outcome) {
			if o.failure == nil {
				return
			}
			if kept := len(o.failure.Body()); kept > 64<<10 || kept < min(len(body), 64<<10) {
				t.Errorf("%d bytes are kept of %d", kept, len(body))
			}
			if strings.HasPrefix(name, "details") && (len(o.failure.Problems) != 1 || o.failure.Problems[0].Type != "boom") {
				t.Errorf("problems: %v", o.failure.Problems)
			}
		}
		f.run(t, op, name)
	}
}
