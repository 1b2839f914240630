package faultsuite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/compliance"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/internal/faults"
	"github.com/adasdk/ada-go/proactivesms"
)

func repeatable(op operation) string {
	if op.effects != nil && !op.idempotent {
		return "it must not be repeated: see A02"
	}
	return writes(op)
}

func unrepeatable(op operation) string {
	if op.effects != nil && op.idempotent {
		return "repeating it is harmless: see A01"
	}
	return writes(op)
}

func onlyFor(why string, names ...string) func(operation) string {
	return func(op operation) string {
		if slices.Contains(names, op.name) {
			return ""
		}
		return why
	}
}

// failedAfter has the request take effect, and answers as if it had not.
func failedAfter(code int) []func(*world) faults.Step {
	return changed(func(faults.Reply) faults.Step { return faults.Answer(faults.Say(code, html)) })
}

// anyValues are calls that take values of any type.
var anyValues = map[string]func(ctx context.Context, w *world, c *ada.Client, v any) error{
	"endusers.Create": func(ctx context.Context, _ *world, c *ada.Client, v any) error {
		_, _, err := endusers.New(c).Create(ctx, endusers.NewUser{ExternalID: "canary-external", Profile: endusers.Profile{Metadata: map[string]any{"m": v}}})
		return err
	},
	"endusers.Create, no external id": func(ctx context.Context, _ *world, c *ada.Client, v any) error {
		_, _, err := endusers.New(c).Create(ctx, endusers.NewUser{Profile: endusers.Profile{Metadata: map[string]any{"m": v}}})
		return err
	},
	"endusers.Upsert": func(ctx context.Context, _ *world, c *ada.Client, v any) error {
		_, _, err := endusers.New(c).Upsert(ctx, endusers.NewUser{ExternalID: "canary-external", Profile: endusers.Profile{Metadata: map[string]any{"m": v}}})
		return err
	},
	"endusers.Update": func(ctx context.Context, w *world, c *ada.Client, v any) error {
		_, err := endusers.New(c).Update(ctx, w.id, endusers.Update{Metadata: ada.Set(map[string]any{"m": v})})
		return err
	},
	"proactivesms.Trigger": func(ctx context.Context, _ *world, c *ada.Client, v any) error {
		return proactivesms.New(c).Trigger(ctx, proactivesms.Message{CampaignKey: "renew", PhoneNumber: "14165550100", MetaFields: map[string]any{"m": v}})
	},
	"proactivesms.TriggerAll": func(ctx context.Context, _ *world, c *ada.Client, v any) error {
		m := proactivesms.Message{CampaignKey: "renew", PhoneNumber: "14165550100", MetaFields: map[string]any{"m": v}}
		for r := range proactivesms.New(c).TriggerAll(ctx, slices.Values([]proactivesms.Message{m})) {
			return r.Err
		}
		return nil
	},
	"ada.Client.Do, message": func(ctx context.Context, _ *world, c *ada.Client, v any) error {
		return post(ctx, c, v)
	},
	"braze.Track, attributes": func(ctx context.Context, w *world, c *ada.Client, v any) error {
		_, err := w.trackers[c].Track(ctx, braze.Batch{Attributes: []braze.Attributes{{User: someone, Custom: braze.Custom{"m": v}}}})
		return err
	},
	"braze.Track, an event": func(ctx context.Context, w *world, c *ada.Client, v any) error {
		_, err := w.trackers[c].Track(ctx, braze.Batch{Events: []braze.Event{{User: someone, Name: "e", Time: someday, Properties: braze.Properties{"m": v}}}})
		return err
	},
	"braze.UpdateAttribute": func(ctx context.Context, w *world, c *ada.Client, v any) error {
		return w.trackers[c].UpdateAttribute(ctx, someone, "m", v)
	},
}

var message = ada.Operation{Name: "messages.Create", Method: http.MethodPost, Route: "/api/v2/conversations/{id}/messages/"}

func post(ctx context.Context, c *ada.Client, body any) error {
	req, err := c.NewRequest(ctx, message, body, "c1")
	if err == nil {
		_, err = c.Do(req, message, nil)
	}
	return err
}

func takesValues(op operation) string {
	switch {
	case isBuffer(op):
		return "it encodes as braze.Track does"
	case anyValues[op.name] == nil:
		return "it sends no value of any type"
	}
	return ""
}

// unsent makes calls that have to fail before anything is dialled.
func unsent(t *testing.T, op operation, label string, call func(context.Context, *world, *ada.Client) error, is ...error) {
	t.Helper()
	trial{
		op: op, label: label, script: always(well),
		call: func(ctx context.Context, w *world, c *ada.Client, _ ...ada.CallOption) ([]string, error) {
			return nil, call(ctx, w, c)
		},
	}.run(t, func(t *testing.T, o *outcome) {
		matches := false
		for _, target := range is {
			matches = matches || errors.Is(o.err, target)
		}
		if !matches || o.failure == nil || o.failure.Attempts != 0 || o.network.Dials() != 0 {
			t.Errorf("%d connections: %v", o.network.Dials(), o.err)
		}
	})
}

var writeScenarios = []scenario{
	{
		id: "A01", title: "What can be repeated is answered 504, whether it took effect or not, then well: it succeeds, and has taken effect once.",
		skip: repeatable,
		run: each(map[string]fault{
			"without effect": {steps: toReply(faults.Say(504, html)), idempotent: again(1)},
			"with effect":    {steps: failedAfter(504), idempotent: again(1)},
		}),
	},
	{
		id: "A02", title: "What must not be repeated is answered 504: ErrOutcomeUnknown, 1 request.",
		skip: unrepeatable,
		run: func(t *testing.T, op operation) {
			u := unknown(504)
			u.is = append(u.is, ada.ErrServer)
			fault{steps: toReply(faults.Say(504, html)), other: u}.run(t, op, "without effect")
			fault{steps: failedAfter(504), other: u}.run(t, op, "with effect")
		},
	},
	{
		id: "A03", title: "What must not be repeated meets every fault, once and for ever: it takes effect once at most, and once when there is no error.",
		skip: unrepeatable,
		run: func(t *testing.T, op operation) {
			for i, step := range append(kinds(op), failedAfter(500)[0], failedAfter(408)[0], failedAfter(503)[0]) {
				for _, forever := range []bool{false, true} {
					trial{
						op: op, label: fmt.Sprint("kind ", i, " for ever: ", forever), most: 21,
						script: func(w *world, i int) faults.Step {
							if i == 0 || forever {
								return step(w)
							}
							return well(w)
						},
					}.run(t, func(t *testing.T, o *outcome) {
						if o.err == nil && forever {
							t.Error("it succeeded")
						}
						if n := op.effects(o.world); o.err != nil && n > 0 && !op.many && !errors.Is(o.err, ada.ErrOutcomeUnknown) {
							t.Errorf("it took effect %d times: %v", n, o.err)
						}
					})
				}
			}
		},
	},
	{
		id: "A04", title: "2,500 people to erase: 3 jobs with references of their own, and after a failure in the second nobody is submitted twice.",
		note: "Crashes at every step are TestEraseAllCrashes of compliance; the limit of 512 KB is TestEraseAllSplitsByBytes.",
		skip: onlyFor("it makes no more than one job", "compliance.EraseAll"), run: manyPeople,
	},
	{
		id: "A05", title: "An erasure without a reference: one is made, is the same in every attempt, and comes back with an error too.",
		skip: onlyFor("it takes no reference", "compliance.Erase"),
		run: func(t *testing.T, op operation) {
			f := fault{
				steps: to(faults.Reset()), forever: true, idempotent: network(4, nil).idempotent,
				each: func(t *testing.T, o *outcome) { sameBodies(t, o, 4) }, // the row's call refuses a job without a reference
			}
			f.run(t, op, "reset for ever")
		},
	},
	{
		id: "A06", title: "A job is looked at: it goes on over 500s, stops at a 404, and ends with its context when the job does not.",
		skip: onlyFor("it looks at no job, or once", "compliance.Wait"), run: poll,
	},
	{
		id: "A07", title: "Dispositions exceeds_limit, not_found, invalid and one that is not known, and a job that failed: nobody is called erased.",
		skip: onlyFor("it tells nothing of dispositions", "compliance.Job", "compliance.Wait", "compliance.EraseAll"), run: dispositions,
	},
	{
		id: "A08", title: "NaN, infinities, a channel and a function among the values: refused, and nothing is sent.", skip: takesValues,
		run: func(t *testing.T, op operation) {
			for _, v := range []any{math.NaN(), math.Inf(1), math.Inf(-1), make(chan int), func() {}, complex(1, 1)} {
				unsent(t, op, fmt.Sprintf("%T", v), func(ctx context.Context, w *world, c *ada.Client) error { return anyValues[op.name](ctx, w, c, v) }, ada.ErrInvalid)
			}
		},
	},
	{
		id: "A09", title: "Metadata over 10 KB, and bodies over 10 MB or the limit of their own: refused, and nothing is sent.",
		skip: func(op operation) string {
			if op.name == "compliance.Erase" {
				return ""
			}
			return takesValues(op)
		},
		run: func(t *testing.T, op operation) {
			size := 11 << 20
			if strings.HasPrefix(op.name, "endusers.") {
				size = 11 << 10
			}
			call := func(ctx context.Context, w *world, c *ada.Client) error {
				return anyValues[op.name](ctx, w, c, strings.Repeat("x", size))
			}
			if op.name == "compliance.Erase" {
				call = func(ctx context.Context, _ *world, c *ada.Client) error {
					people := slices.Repeat([]compliance.Identifier{compliance.Email(strings.Repeat("x", 600) + "@mail.example")}, 1000)
					_, err := compliance.New(c).Erase(ctx, compliance.Erasure{Identifiers: people})
					return err
				}
			}
			unsent(t, op, "too large", call, ada.ErrTooLarge, ada.ErrInvalid)
		},
	},
	{
		id: "A10", title: "Every attempt sends the same bytes; of a reader that cannot be rewound, too.",
		skip: func(op operation) string {
			if op.many {
				return "its calls are those of column 13, several at once"
			}
			return writes(op)
		},
		run: func(t *testing.T, op operation) {
			step := to(faults.Answer(faults.Say(429, refusal)), faults.Answer(faults.Say(429, refusal)), faults.Answer(faults.Say(429, refusal)))
			fault{steps: step, only: 1, idempotent: again(3), other: again(3), each: func(t *testing.T, o *outcome) { sameBodies(t, o, 4) }}.run(t, op, "429s")
			if op.name == "ada.Client.Do, message" {
				oneReader(t, op)
			}
		},
	},
	{
		id: "A11", title: "A voice call with a key: the key stays the same, the call is made once, and that the answer was a repetition can be seen. A key where it means nothing is refused.",
		note: "The endpoints are not wrapped; ada.Client.Do is what calls them.",
		skip: onlyFor("it sends no key of its own", "ada.Client.Do, voice with a key", "ada.Client.Do, message"), run: voice,
	},
	{
		id: "A12", title: "Braze: 76 objects are 2 requests in their order; where the second of three fails, and where single objects are refused, each is told of by its index; another message than success is a failure; X-Ratelimit-Retry-After is waited for.",
		note: "What sends one object has the message and the wait alone. Every fault at every request of a batch is TestEveryFault of braze.",
		skip: func(op operation) string {
			if !isBraze(op) {
				return "it is none of Braze's"
			}
			return ""
		},
		run: byObject,
	},
}

// sameBodies checks that the first n requests had one body.
func sameBodies(t *testing.T, o *outcome, n int) {
	t.Helper()
	requests := o.network.Requests()
	if len(requests) < n {
		t.Fatalf("%d requests, want %d", len(requests), n)
	}
	for i, r := range requests[:n] {
		if !bytes.Equal(r.Content, requests[0].Content) || r.Method != requests[0].Method || r.URL.String() != requests[0].URL.String() {
			t.Errorf("request %d was %s %s with %q", i, r.Method, r.URL, r.Content)
		}
		if r.Method == http.MethodPost && len(r.Content) == 0 && !strings.Contains(r.URL.Path, "rotate") {
			t.Errorf("request %d had no body", i)
		}
	}
}

// oneReader posts what can be read once.
func oneReader(t *testing.T, op operation) {
	trial{
		op: op, label: "a reader",
		script: func(w *world, i int) faults.Step {
			if i < 3 {
				return faults.Answer(faults.Say(429, refusal))
			}
			return well(w)
		},
		call: func(ctx context.Context, _ *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			body := io.MultiReader(strings.NewReader(`{"text":`), strings.NewReader(`"canary-text"}`))
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.BaseURL()+"api/v2/conversations/c1/messages/", body)
			if err != nil {
				return nil, err
			}
			_, err = c.Do(req, message, nil, o...)
			return nil, err
		},
	}.run(t, func(t *testing.T, o *outcome) {
		if sameBodies(t, o, 4); o.err != nil || string(o.network.Requests()[3].Content) != `{"text":"canary-text"}` {
			t.Errorf("%v", o.err)
		}
	})
}

func manyPeople(t *testing.T, op operation) {
	const n = 2500
	people := func(yield func(compliance.Identifier) bool) {
		for i := range n {
			if !yield(compliance.ExternalID(fmt.Sprintf("canary-external-%d", i))) {
				return
			}
		}
	}
	submissions := 0
	trial{
		op: op, label: "2,500", most: 20,
		script: func(w *world, _ int) faults.Step {
			return faults.Through(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					if submissions++; submissions >= 2 && submissions <= 5 { // all four attempts
						rw.WriteHeader(http.StatusBadGateway)
						return
					}
				}
				w.handler.ServeHTTP(rw, r)
			}), nil)
		},
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			told := map[string]compliance.Outcome{}
			for round := range 2 {
				var failed error
				for v, err := range compliance.New(c).EraseAll(ctx, people, compliance.EraseParams{Ledger: w.ledger}, o...) {
					if err != nil {
						failed = err
						break
					}
					told[v.Identifier.Value()] = v.Outcome
				}
				if (failed != nil) != (round == 0) {
					return nil, fmt.Errorf("round %d: %w", round, failed)
				}
			}
			if len(told) != n {
				t.Errorf("%d people have a verdict", len(told))
			}
			return nil, nil
		},
	}.run(t, func(t *testing.T, o *outcome) {
		seen, references := map[string]int{}, map[string]bool{}
		for _, job := range o.Erasures() {
			references[job.Reference] = true
			if len(job.Identifiers) > 1000 {
				t.Errorf("a job of %d", len(job.Identifiers))
			}
			for _, id := range job.Identifiers {
				seen[id.Value]++
			}
		}
		twice := 0
		for _, times := range seen {
			twice += btoi(times > 1)
		}
		if o.err != nil || len(o.Erasures()) != 3 || len(references) != 3 || len(seen) != n || twice > 0 {
			t.Errorf("%d jobs, %d references, %d people, %d twice: %v", len(o.Erasures()), len(references), len(seen), twice, o.err)
		}
	})
}

func poll(t *testing.T, op operation) {
	f := fault{steps: toReply(faults.Say(500, html)), forever: false, idempotent: want{}}
	f.run(t, op, "500")
	f = status(404, 1, false, ada.ErrNotFound)
	f.run(t, op, "404")
	trial{
		op: op, label: "for two days", within: 49 * time.Hour,
		script: always(edited(func(s string) string { return strings.ReplaceAll(s, `"completed"`, `"in_progress"`) })[0]),
		ctx:    deadline(48 * time.Hour),
	}.run(t, func(t *testing.T, o *outcome) {
		if !errors.Is(o.err, context.DeadlineExceeded) || o.took > 48*time.Hour || o.took < 47*time.Hour || o.network.Arrived() > 48*6+10 {
			t.Errorf("%d requests in %s: %v", o.network.Arrived(), o.took, o.err)
		}
	})
}

func dispositions(t *testing.T, op operation) {
	for _, tt := range []struct{ status, disposition, reason string }{
		{"partial", "exceeds_limit", "null"},
		{"completed", "not_found", "null"},
		{"partial", "invalid", "null"},
		{"completed", "duplicate", "null"},
		{"failed", "accepted", `"identifier_in_cooldown"`},
		{"completed", "brand_new", "null"},
		{"brand_new", "accepted", "null"},
	} {
		body := fmt.Sprintf(`"status":"%s","failure_reason":%s,"identifiers":[{"type":"end_user_id","value":"WHO","variable":null,"disposition":"%s","matched_chatters":0,"reason":null}]`,
			tt.status, tt.reason, tt.disposition)
		trial{
			op: op, label: tt.status + " " + tt.disposition, within: 4 * time.Hour,
			script: func(w *world, _ int) faults.Step {
				return faults.Through(w.handler, func(r faults.Reply) faults.Step {
					if r.Status == http.StatusOK {
						_, id, _ := strings.Cut(r.Body, `"job_id":"`)
						id, _, _ = strings.Cut(id, `"`)
						r.Body = `{"job_id":"` + id + `",` + strings.Replace(body, "WHO", w.id, 1) + `}`
					}
					return faults.Answer(r.String())
				})
			},
			call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) (got []string, err error) {
				var job *compliance.Job
				switch op.name {
				case "compliance.EraseAll":
					people := slices.Values([]compliance.Identifier{compliance.EndUserID(w.id)})
					for v, err := range compliance.New(c).EraseAll(ctx, people, compliance.EraseParams{Ledger: w.ledger}, o...) {
						if err != nil {
							return nil, err
						}
						got = append(got, string(v.Outcome))
					}
					return got, nil
				case "compliance.Job":
					job, err = compliance.New(c).Job(ctx, w.id, o...)
				default:
					job, err = compliance.New(c).Wait(ctx, w.id, o...)
				}
				if job != nil {
					for _, r := range job.Results {
						got = append(got, string(job.Outcome(r)))
					}
				}
				return got, err
			},
		}.run(t, func(t *testing.T, o *outcome) {
			if o.err != nil && !(op.goesOn && tt.status == "brand_new") {
				t.Error(o.err)
			}
			if len(o.ids) != 1 || slices.Contains(o.ids, string(compliance.Erased)) {
				t.Errorf("%s, %s is %q", tt.status, tt.disposition, o.ids)
			}
		})
	}
}

func voice(t *testing.T, op operation) {
	if !op.idempotent {
		unsent(t, op, "a key where it means nothing", func(ctx context.Context, _ *world, c *ada.Client) error {
			req, err := c.NewRequest(ctx, message, map[string]string{"text": "canary-text"}, "c1")
			if err != nil {
				return err
			}
			req.Header.Set("Idempotency-Key", idempotencyKey)
			_, err = c.Do(req, message, nil)
			return err
		}, ada.ErrInvalid)
		return
	}
	for name, lost := range map[string]faults.Step{"reset": faults.Reset(), "504": faults.Answer(faults.Say(504, html))} {
		fault{
			steps: changed(func(faults.Reply) faults.Step { return lost }), idempotent: again(1),
			each: func(t *testing.T, o *outcome) {
				for _, r := range o.network.Requests() {
					if r.Header.Get("Idempotency-Key") != idempotencyKey {
						t.Errorf("the key was %q", r.Header.Get("Idempotency-Key"))
					}
				}
				if o.resp.Header.Get("Idempotent-Replayed") != "true" || op.effects(o.world) != 1 {
					t.Errorf("replayed is %q, and there are %d calls", o.resp.Header.Get("Idempotent-Replayed"), op.effects(o.world))
				}
			},
		}.run(t, op, name)
	}
}
