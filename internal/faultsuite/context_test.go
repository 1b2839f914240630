package faultsuite

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/faults"
)

func iterators(op operation) string {
	if op.each == nil {
		return "it is no iterator"
	}
	return ""
}

func cancelledAfter(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(d, cancel)
		return ctx, cancel
	}
}

func deadline(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
}

// always is a network on which every connection is step.
func always(step func(*world) faults.Step) func(*world, int) faults.Step {
	return func(w *world, _ int) faults.Step { return step(w) }
}

// walk is an iterator of an operation at work.
type walk func(t *testing.T, w *world, records iter.Seq2[string, error])

// walks makes a trial of what is done with an iterator, which looks after itself.
func walks(t *testing.T, op operation, label string, do walk) {
	t.Helper()
	trial{
		op: op, label: label, script: always(well), most: 3 * cleanOf(op, usual).requests,
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			do(t, w, op.each(ctx, w, c, o...))
			return nil, nil
		},
	}.run(t, nil)
}

// places are the items of an iterator at which something is done: all of them, or those around the borders of pages.
func places(op operation) []int {
	if op.export != nil {
		return []int{1, 2, 99, 100, 101, 109, 110}
	}
	return []int{1, 2, 3}[:max(op.once, 1)+btoi(op.list)]
}

var contextScenarios = []scenario{
	{
		id: "C01", title: "Cancelled while it waits for the next attempt: it returns at that moment, with context.Canceled and the last answer's status.",
		run: func(t *testing.T, op operation) {
			trial{
				op: op, label: "cancelled", script: always(refused(header("Retry-After: 30"))[0]), ctx: cancelledAfter(5 * time.Second),
			}.run(t, func(t *testing.T, o *outcome) {
				if !errors.Is(o.err, context.Canceled) || o.failure == nil || o.failure.StatusCode != 429 && !op.many || o.took != 5*time.Second { // of many, some wait for their first slot
					t.Errorf("after %s: %v", o.took, o.err)
				}
				if ada.Retryable(o.err) || errors.Is(o.err, ada.ErrOutcomeUnknown) {
					t.Errorf("retryable %t", ada.Retryable(o.err))
				}
			})
		},
	},
	{
		id: "C02", title: "The deadline is before the next attempt could be: it returns now, with the answer's error, and does not wait in vain.",
		run: func(t *testing.T, op operation) {
			trial{
				op: op, label: "deadline", script: always(refused(header("Retry-After: 30"))[0]), ctx: deadline(5 * time.Second),
			}.run(t, func(t *testing.T, o *outcome) {
				if op.goesOn {
					if !errors.Is(o.err, context.DeadlineExceeded) || o.took > 5*time.Second {
						t.Errorf("after %s: %v", o.took, o.err)
					}
					return
				}
				if !errors.Is(o.err, ada.ErrRateLimited) || o.failure.StatusCode != 429 && !op.many || o.took != 0 { // of many, some have no slot yet
					t.Errorf("after %s: %v", o.took, o.err)
				}
			})
		},
	},
	{
		id: "C03", title: "Cancelled in the middle of a body: the connection is closed, and nothing of the body is handed out.",
		skip: bodies,
		run: func(t *testing.T, op operation) {
			trial{
				op: op, label: "cancelled", ctx: cancelledAfter(time.Second),
				script: always(changed(func(r faults.Reply) faults.Step {
					s := r.String()
					return faults.AnswerAndSilence(s[:len(s)-len(r.Body)/2])
				})[0]),
			}.run(t, func(t *testing.T, o *outcome) {
				synctest.Wait()
				if !errors.Is(o.err, context.Canceled) || o.took != time.Second || len(o.ids) > 0 || o.network.Open() != 0 {
					t.Errorf("after %s, %d connections open, %q: %v", o.took, o.network.Open(), o.ids, o.err)
				}
				if errors.Is(o.err, ada.ErrOutcomeUnknown) == op.idempotent {
					t.Errorf("%v", o.err)
				}
			})
		},
	},
	{
		id: "C04", title: "The context has ended before: nothing is dialled.",
		note: "TriggerAll takes no message then, and so has no result.",
		run: func(t *testing.T, op operation) {
			trial{
				op: op, label: "cancelled before", script: always(well),
				ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
					ctx, cancel := context.WithCancel(ctx)
					cancel()
					return ctx, cancel
				},
				call: op.call,
			}.run(t, func(t *testing.T, o *outcome) {
				if o.network.Dials() != 0 || len(o.ids) > 0 || !errors.Is(o.err, context.Canceled) && !op.many {
					t.Errorf("%d connections, %q: %v", o.network.Dials(), o.ids, o.err)
				}
			})
		},
	},
	{
		id: "C05", title: "The loop is left at every item in turn: nothing is left behind.", skip: iterators,
		run: func(t *testing.T, op operation) {
			for _, k := range places(op) {
				walks(t, op, "left", func(t *testing.T, w *world, records iter.Seq2[string, error]) {
					n := 0
					for _, err := range records {
						if err != nil {
							t.Error(err)
						}
						if n++; n == k {
							break
						}
					}
					if n != k {
						t.Errorf("it had %d items, want %d", n, k)
					}
				})
			}
		},
	},
	{
		id: "C06", title: "The body of the loop panics: the panic goes on, and nothing is left behind.", skip: iterators,
		run: func(t *testing.T, op operation) {
			walks(t, op, "panic", func(t *testing.T, _ *world, records iter.Seq2[string, error]) {
				defer func() {
					if p := recover(); p != "at an item" {
						t.Errorf("it panicked with %v", p)
					}
				}()
				for range records {
					panic("at an item")
				}
			})
		},
	},
	{
		id: "C07", title: "The iterator is ranged over twice: it starts over.", skip: iterators,
		note: "TriggerAll sends again, as it says; EraseAll finds in its ledger what was submitted, and submits nothing.",
		run: func(t *testing.T, op operation) {
			walks(t, op, "twice", func(t *testing.T, w *world, records iter.Seq2[string, error]) {
				for range 2 {
					got, err := gather(records)
					if slices.Sort(got); err != nil || !slices.Equal(got, w.want) {
						t.Errorf("%q, %v", got, err)
					}
				}
				if n := op.once * (1 + btoi(op.many)); op.effects != nil && op.effects(w) != n {
					t.Errorf("it took effect %d times, want %d", op.effects(w), n)
				}
			})
		},
	},
	{
		id: "C08", title: "Two goroutines range over one iterator at once: each gets all of it.",
		skip: func(op operation) string {
			if op.name == "compliance.EraseAll" {
				return "one at a time works on a ledger, and a FileLedger refuses the other"
			}
			return iterators(op)
		},
		run: func(t *testing.T, op operation) {
			walks(t, op, "two", func(t *testing.T, w *world, records iter.Seq2[string, error]) {
				var both sync.WaitGroup
				for range 2 {
					both.Go(func() {
						got, err := gather(records)
						if slices.Sort(got); err != nil || !slices.Equal(got, w.want) {
							t.Errorf("%q, %v", got, err)
						}
					})
				}
				both.Wait()
			})
		},
	},
	{
		id: "C09", title: "Goroutines on one client, 1,000 of them for end users 10 for exports and 40 for the others: no race, and each gets its own answer.",
		skip: func(op operation) string {
			if op.name == "compliance.EraseAll" {
				return "one at a time works on a ledger"
			}
			return ""
		},
		run: crowd,
	},
	{
		id: "C10", title: "iter.Pull2, stopped after the first item: nothing is left behind.", skip: iterators,
		run: func(t *testing.T, op operation) {
			walks(t, op, "pulled", func(t *testing.T, _ *world, records iter.Seq2[string, error]) {
				next, stop := iter.Pull2(records)
				if _, err, ok := next(); err != nil || !ok {
					t.Errorf("%v, %t", err, ok)
				}
				stop()
			})
		},
	},
	{
		id: "C11", title: "Connections are closed from outside while a call is under way: it is not disturbed. Clients have no Close of their own.",
		run: func(t *testing.T, op operation) {
			var pool *http.Transport
			trial{
				op: op, label: "closed", pool: func(p *http.Transport) http.RoundTripper { pool = p; return p },
				script: always(changed(func(r faults.Reply) faults.Step {
					pool.CloseIdleConnections()
					time.Sleep(time.Second)
					pool.CloseIdleConnections()
					return faults.Answer(r.String())
				})[0]),
				before: func(_ *world, c *ada.Client) {
					if _, ok := reflect.TypeOf(c).MethodByName("Close"); ok {
						t.Error("a client has a Close, which is not tried here")
					}
				},
			}.run(t, func(t *testing.T, o *outcome) { want{}.check(t, op, o) })
		},
	},
	{
		id: "C12", title: "The caller's RoundTripper returns nothing at all, an answer with an error, or an answer without a body: no panic, and the answer is closed.",
		run: oddRoundTrippers,
	},
}

// crowd makes many calls at once, without pacing.
func crowd(t *testing.T, op operation) {
	n := 40
	switch {
	case op.name == "endusers.Get":
		n = 1000
	case op.export != nil:
		n = 10
	}
	trial{
		op: op, label: "crowd", script: always(well), most: 3 * n * max(op.steps, 1),
		config: func(c *ada.Config) {
			c.HTTP.Limiter = ada.Unpaced
			c.HTTP.Hooks.Done = nil // the harness would show each attempt in every way
		},
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			var all sync.WaitGroup
			for range n {
				all.Go(func() {
					got, err := op.call(ctx, w, c, o...)
					if op.gone && errors.Is(err, ada.ErrNotFound) {
						return
					}
					if err != nil || !slices.Equal(got, w.want) {
						t.Errorf("%q, %v", got, err)
					}
				})
			}
			all.Wait()
			return nil, nil
		},
	}.run(t, nil)
}

// closer counts how many bodies are closed.
type closer struct {
	io.Reader
	n *atomic.Int32
}

func (c closer) Close() error { c.n.Add(-1); return nil }

func oddRoundTrippers(t *testing.T, op operation) {
	var open atomic.Int32
	body := func() io.ReadCloser {
		open.Add(1)
		return closer{strings.NewReader(`{"errors":["canary-name"]}`), &open}
	}
	for name, tt := range map[string]struct {
		odd      faults.RoundTripper
		attempts int
		is       error
	}{
		"nothing": {func(*http.Request) (*http.Response, error) { return nil, nil }, 1, errAny},
		"an answer and error": {func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: body()}, errors.New("canary-name")
		}, 4, errAny},
		"no body": {func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 500}, nil }, 4, ada.ErrServer},
		"no body and no error": {func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 403, Header: http.Header{}}, nil
		}, 1, ada.ErrForbidden},
		"a status of nothing": {func(*http.Request) (*http.Response, error) { return &http.Response{Body: body()}, nil }, 1, errAny},
		"a name of nobody's": {func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 404, Body: body(), Request: nil, Header: nil}, nil
		}, 1, ada.ErrNotFound},
	} {
		trial{
			op: op, label: name, pool: func(*http.Transport) http.RoundTripper { return tt.odd },
			script: always(well),
		}.run(t, func(t *testing.T, o *outcome) {
			switch {
			case op.goesOn && errors.Is(o.err, context.DeadlineExceeded):
			case o.err == nil:
				t.Error("it succeeded")
			case errors.Is(o.err, errRefused):
			case o.failure == nil || tt.is != errAny && !errors.Is(o.err, tt.is) || op.idempotent && o.failure.Attempts != tt.attempts:
				t.Errorf("%v, of %d attempts", o.err, o.failure.Attempts)
			}
			if !op.idempotent && o.failure != nil && o.failure.Attempts > 1 {
				t.Errorf("%d attempts", o.failure.Attempts)
			}
			if n := open.Load(); n != 0 {
				t.Errorf("%d bodies are open", n)
			}
		})
	}
}
