package faultsuite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/faults"
	"github.com/adasdk/ada-go/internal/transport"
)

// usual is how many pages a list has.
const usual = 2

// trial is one run of an operation on a scripted network.
type trial struct {
	op     operation
	label  string                            // what tells it from other trials of the scenario
	pages  int                               // of a list; 0: usual
	script func(w *world, i int) faults.Step // what becomes of connection i; nil: all is well
	secure bool                              // with real TLS
	pool   func(*http.Transport) http.RoundTripper
	config func(*ada.Config)
	ctx    func(context.Context) (context.Context, context.CancelFunc)
	before func(w *world, c *ada.Client) // on the same client
	call   func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error)
	opts   []ada.CallOption
	within time.Duration // beyond what it takes when all is well; 0: 15 min
	most   int           // requests, beyond those when all is well; 0: 7, in each call that the operation makes
}

// outcome is what came of a trial.
type outcome struct {
	*world
	ids      []string
	err      error
	failure  *ada.Error // in err, the first of a request where there are several; nil: none
	resp     ada.Response
	attempts []ada.Attempt
	took     time.Duration
	network  *faults.Network
	replies  []faults.Reply // of the fake, where they went out as they were
}

// well is a connection on which one request is answered as the fake does.
func well(w *world) faults.Step { return faults.Through(w.handler, nil) }

// run makes the trial in a bubble of its own, checks what must always hold, and hands the outcome to check.
func (tr trial) run(t *testing.T, check func(t *testing.T, o *outcome)) {
	t.Helper()
	ok := false
	defer func() {
		if !ok {
			t.Logf("in the trial %q of %s", tr.label, tr.op.name)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		defer func() { ok = !t.Failed() }()
		before := runtime.NumGoroutine()
		tr.inBubble(t, check)
		if runtime.NumGoroutine() > before { // there may be others that the runtime has begun
			if stacks := inBubble(); len(stacks) > 1 {
				t.Errorf("I4: %d goroutines are left: %s", len(stacks)-1, stacks[1:])
			}
		}
	})
}

// inBubble returns the stacks of all goroutines of the caller's bubble.
func inBubble() (stacks []string) {
	buffer := make([]byte, 1<<20)
	all := strings.Split(string(buffer[:runtime.Stack(buffer, true)]), "\n\n")
	_, bubble, _ := strings.Cut(strings.SplitN(all[0], "\n", 2)[0], "synctest bubble ") // the caller comes first
	for _, stack := range all {
		head, _, _ := strings.Cut(stack, "\n")
		if strings.HasSuffix(head, "synctest bubble "+bubble) && !strings.Contains(stack, "internal/synctest.Run(") &&
			!strings.Contains(stack, "synctest.testingSynctestTest(") {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

func (tr trial) inBubble(t *testing.T, check func(t *testing.T, o *outcome)) {
	pages := tr.pages
	if pages == 0 {
		pages = usual
	}
	o := &outcome{world: newWorld(tr.op, pages)}
	o.network = faults.NewScript(t, func(i int) faults.Step {
		if tr.script == nil {
			return faults.Through(o.handler, func(r faults.Reply) faults.Step {
				o.mu.Lock()
				o.replies = append(o.replies, r)
				o.mu.Unlock()
				return faults.Answer(r.String())
			})
		}
		return tr.script(o.world, i)
	})
	o.requests = o.network.Arrived
	pool := o.network.Under(transport.NewTransport())
	if tr.secure {
		pool = o.network.Secure(transport.NewTransport())
	}
	t.Cleanup(func() { // in case that something ends the test early
		pool.CloseIdleConnections()
		o.Close()
	})
	var base http.RoundTripper = pool
	if tr.pool != nil {
		base = tr.pool(pool)
	}

	var mu sync.Mutex
	var log bytes.Buffer
	hook := func(_ context.Context, a ada.Attempt) { mu.Lock(); o.attempts = append(o.attempts, a); mu.Unlock() }
	config := o.Config()
	config.BaseURL, config.Handle = "", "acme"
	config.HTTP = ada.HTTPConfig{
		Client: &http.Client{Transport: base},
		Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Hooks:  ada.Hooks{Done: hook},
	}
	if tr.config != nil {
		tr.config(&config)
	}
	client := o.connect(t, config)
	if tr.before != nil {
		tr.before(o.world, client)
	}
	patience := 3 * time.Hour // for what goes on over failures by itself
	if isBuffer(tr.op) {      // which does so every minute
		patience = 6 * time.Minute
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	if tr.ctx != nil {
		ctx, cancel = tr.ctx(t.Context())
	}
	call := tr.op.call
	if tr.call != nil {
		call = tr.call
	}
	start := time.Now()
	func() {
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("I8: it panicked: %v", p)
			}
		}()
		o.ids, o.err = call(ctx, o.world, client, append([]ada.CallOption{ada.WithResponse(&o.resp)}, tr.opts...)...)
	}()
	o.took = time.Since(start)
	cancel()
	all := failuresOf(o.err)
	for _, e := range all {
		if o.failure == nil || o.failure.Attempts == 0 && e.Attempts > 0 { // of a request, rather than of what its answer says
			o.failure = e
		}
	}

	tr.invariants(t, o)
	seen := []any{o.resp, &o.resp}
	if tr.script == nil { // what goes wrong changes nothing of these
		seen = append(seen, client, config, &config)
	}
	if o.err != nil {
		seen = append(seen, o.err)
	}
	for _, e := range all {
		seen = append(seen, e, *e, e.Problems, e.Faults)
	}
	for _, a := range o.attempts[max(len(o.attempts)-4, 0):] {
		seen = append(seen, a)
	}
	if found := leaks(log.String()); found != nil || log.Len() == 0 && o.network.Arrived() > 0 && config.HTTP.Logger != nil {
		t.Errorf("I3: the log shows %v: %s", found, &log)
	}
	for _, v := range seen {
		s := show(v)
		if found := leaks(s); found != nil {
			t.Errorf("I3: a %T shows %v: %s", v, found, s)
		}
	}
	if check != nil {
		check(t, o)
	}

	// Nothing closes anything by hand: what is idle ends by itself.
	time.Sleep(3 * time.Minute)
	synctest.Wait()
	if n := o.network.Open(); n != 0 {
		t.Errorf("I4: %d connections are open", n)
	}
	pool.CloseIdleConnections()
	o.Close()
	synctest.Wait()
}

// failuresOf returns the errors of the SDK that are joined in err, in order.
func failuresOf(err error) []*ada.Error {
	if all, joined := err.(interface{ Unwrap() []error }); joined {
		var found []*ada.Error
		for _, one := range all.Unwrap() {
			found = append(found, failuresOf(one)...)
		}
		return found
	}
	var e *ada.Error
	if errors.As(err, &e) {
		return []*ada.Error{e}
	}
	return nil
}

func (tr trial) invariants(t *testing.T, o *outcome) {
	op := tr.op
	effects := op.once
	if op.effects != nil {
		effects = op.effects(o.world)
	}
	switch {
	case tr.call != nil: // something else was called, which looks after itself
	case o.err == nil && !slices.Equal(o.ids, o.want):
		t.Errorf("I1, I2: it returned %q, want %q", o.ids, o.want)
	case o.err == nil && effects != op.once:
		t.Errorf("I1, I2: it took effect %d times, want %d", effects, op.once)
	case !op.many && !slices.Equal(o.ids, o.want[:min(len(o.ids), len(o.want))]):
		t.Errorf("I2: it returned %q, which is not how %q begins", o.ids, o.want)
	case op.many && len(slices.Compact(slices.Clone(o.ids))) != len(o.ids):
		t.Errorf("I2: it returned %q", o.ids)
	case op.effects != nil && effects > op.once:
		t.Errorf("I2: it took effect %d times", effects)
	case op.effects != nil && op.many && effects < len(o.ids):
		t.Errorf("I1: it took effect %d times, and says so of %q", effects, o.ids)
	case o.failure != nil && op.effects != nil && !op.idempotent && !op.many && effects > 0 && !errors.Is(o.err, ada.ErrOutcomeUnknown):
		t.Errorf("I1: it took effect, and the error does not say that it may have: %v", o.err)
	}
	if o.failure != nil {
		e := o.failure
		area, _, _ := strings.Cut(op.name, ".")
		if !strings.HasPrefix(e.Operation, area+".") && area != "ada" || e.Method == "" || e.Attempts > 0 && !strings.HasPrefix(e.Route, "/") {
			t.Errorf("I5: the error is of %s: %s %s", e.Operation, e.Method, e.Route)
		}
		if errors.Is(o.err, ada.ErrOutcomeUnknown) && op.idempotent {
			t.Errorf("I5: outcome unknown of a call that could be repeated: %v", o.err)
		}
		if len(e.Error()) > 1<<10 || strings.ContainsFunc(e.Error(), func(c rune) bool { return c < ' ' || c == 0x7f }) {
			t.Errorf("I5: the text is %q", e.Error())
		}
	} else if o.err != nil && !op.goesOn && !errors.Is(o.err, errRefused) && tr.call == nil &&
		!(op.name == "compliance.EraseAll" && errors.Is(o.err, context.Canceled)) {
		t.Errorf("I5: the error is a %T: %v", o.err, o.err)
	}
	calls, limit := 1, tr.within
	if op.many {
		calls = 3
	}
	if limit == 0 {
		limit = 15 * time.Minute
	}
	most := tr.most
	if most == 0 {
		most = 7 * calls
	}
	if tr.script == nil && tr.call == nil || op.goesOn {
		return
	}
	if limit += cleanOf(op, usual).took; o.took > limit {
		t.Errorf("I6: it took %s, want at most %s", o.took, limit)
	}
	if n := cleanOf(op, o.pages).requests + most; o.network.Arrived() > n {
		t.Errorf("I7: %d requests, want at most %d", o.network.Arrived(), n)
	}
}

// clean is what an operation does when all is well.
type clean struct {
	requests int
	took     time.Duration
	replies  []faults.Reply
}

var cleanRuns = map[string]clean{}

// measure runs every operation when all is well.
func measure(t *testing.T) {
	for _, op := range operations {
		for _, pages := range []int{usual, 20} {
			if pages != usual && !op.list {
				continue
			}
			trial{op: op, pages: pages, label: "all is well"}.run(t, func(t *testing.T, o *outcome) {
				if o.err != nil {
					t.Fatalf("%s: all is well, but: %v", op.name, o.err)
				}
				cleanRuns[fmt.Sprint(op.name, pages)] = clean{o.network.Arrived(), o.took, o.replies}
				if want := max(op.steps, 1); pages == usual && o.network.Arrived() != want {
					t.Errorf("%s: it made %d requests, and the row says %d", op.name, o.network.Arrived(), want)
				}
			})
		}
	}
}

func cleanOf(op operation, pages int) clean {
	if !op.list {
		pages = usual
	}
	return cleanRuns[fmt.Sprint(op.name, pages)]
}

// empty reports whether the answers of an operation have no body.
func (op operation) empty() bool { return cleanOf(op, usual).replies[0].Body == "" }

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"}

// leaks returns the canaries that s shows, in the clear or as %x would show them.
func leaks(s string) (found []string) {
	s = strings.ToLower(s)
	for _, c := range canaryForms() {
		if strings.Contains(s, c) {
			found = append(found, c)
		}
	}
	return found
}

var canaryForms = sync.OnceValue(func() (forms []string) {
	for _, c := range canaries {
		forms = append(forms, strings.ToLower(c), fmt.Sprintf("%x", c))
	}
	return forms
})

// show prints, marshals and logs v in every way.
func show(v any) string {
	var b bytes.Buffer
	for _, verb := range verbs {
		_, _ = fmt.Fprintf(&b, verb+" "+verb+" "+verb+"\n", v, []any{v}, struct{ V any }{v})
	}
	_ = json.NewEncoder(&b).Encode(v)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	return b.String()
}

// want is what a call comes to that meets a fault. The zero want is that all is well in the end.
type want struct {
	is       []error // what the error matches; nil: there is none
	attempts int     // of the call that failed; 0: any
	status   int     // of the error
	as       func(error) bool
	resent   int // how many requests arrive beyond those when all is well
	unsure   bool
}

func fails(attempts, status int, is ...error) want {
	return want{is: is, attempts: attempts, status: status, unsure: true}
}

func again(n int) want { return want{resent: n} }

// success is any status of 2xx, as the status of a want.
const success = 2

// unknown is what becomes of a call that must not be repeated, and may have happened.
func unknown(status int) want {
	return want{is: []error{ada.ErrOutcomeUnknown}, attempts: 1, status: status, unsure: true}
}

func (w want) check(t *testing.T, op operation, o *outcome) {
	t.Helper()
	if op.goesOn && w.is != nil && errors.Is(o.err, context.DeadlineExceeded) {
		return // it went on until its context ended
	}
	if op.gone && w.is == nil && errors.Is(o.err, ada.ErrNotFound) && op.effects(o.world) == op.once {
		return
	}
	if w.is == nil {
		if o.err != nil {
			t.Errorf("it failed: %v", o.err)
		}
		if n := cleanOf(op, o.pages).requests + w.resent; o.network.Arrived() != n && !w.unsure && !op.goesOn {
			t.Errorf("%d requests arrived, want %d", o.network.Arrived(), n)
		}
		return
	}
	if o.err == nil {
		t.Fatal("the fault did no harm")
	}
	if errors.Is(o.err, errRefused) && !slices.Contains(w.is, ada.ErrOutcomeUnknown) {
		return // a verdict
	}
	for _, target := range w.is {
		if target != errAny && !errors.Is(o.err, target) {
			t.Errorf("%v does not match %q", o.err, target)
		}
	}
	if !slices.Contains(w.is, ada.ErrOutcomeUnknown) && errors.Is(o.err, ada.ErrOutcomeUnknown) {
		t.Errorf("outcome unknown, though nothing can have happened: %v", o.err)
	}
	if e := o.failure; e == nil || w.attempts > 0 && e.Attempts != w.attempts || e.StatusCode != w.status && (w.status != success || e.StatusCode/100 != 2) {
		t.Errorf("%v is of %d attempts and status %d, want %d and %d", o.err, e.Attempts, e.StatusCode, w.attempts, w.status)
	}
	if w.as != nil && !w.as(o.err) {
		t.Errorf("the cause of %v is not reached: %#v", o.err, errors.Unwrap(o.failure))
	}
}

// fault is what one request of an operation meets, each of them in turn, before all is well again.
type fault struct {
	steps   []func(w *world) faults.Step // of one connection after another
	forever bool                         // the last of them goes on
	secure  bool
	pages   int
	only    int // the one request that meets it, from 1; 0: each
	config  func(*ada.Config)
	within  time.Duration

	idempotent, other want
	each              func(t *testing.T, o *outcome)
}

// to returns the steps of a fault that does not depend on the fake's answer.
func to(steps ...faults.Step) (all []func(*world) faults.Step) {
	for _, s := range steps {
		all = append(all, func(*world) faults.Step { return s })
	}
	return all
}

// changed is the step of a server whose answer is changed on its way.
func changed(send func(faults.Reply) faults.Step) []func(*world) faults.Step {
	return []func(*world) faults.Step{func(w *world) faults.Step { return faults.Through(w.handler, send) }}
}

func (f fault) run(t *testing.T, op operation, label string) {
	t.Helper()
	pages := max(f.pages, usual)
	ok := well
	if f.secure {
		ok = func(w *world) faults.Step { return faults.TLS(faults.Genuine, well(w)) }
	}
	for k := range cleanOf(op, pages).requests {
		if f.only > 0 && k != f.only-1 || op.goesOn && k > 1 {
			continue
		}
		tr := trial{
			op: op, label: fmt.Sprintf("%s at request %d", label, k), secure: f.secure, pages: pages, config: f.config, within: f.within,
			script: func(w *world, i int) faults.Step {
				switch i -= k; {
				case i < 0:
					return ok(w)
				case i < len(f.steps):
					return f.steps[i](w)
				case f.forever:
					return f.steps[len(f.steps)-1](w)
				}
				return ok(w)
			},
		}
		if f.forever && op.export != nil {
			tr.most = 4 * 8 // several parts can fail at once
		}
		tr.run(t, func(t *testing.T, o *outcome) {
			w := f.other
			if op.idempotent {
				w = f.idempotent
			}
			w.check(t, op, o)
			if f.each != nil {
				f.each(t, o)
			}
		})
	}
}
