package faultsuite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
	"github.com/adasdk/ada-go/compliance"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/proactivesms"
	"github.com/adasdk/ada-go/webhooks/endpoints"
)

// world is what an operation meets: a fake Ada, and what is in it.
type world struct {
	*adatest.Server
	want    []string // what the operation returns when all is well, in this order
	id      string   // of what it is about
	pages   int      // how many pages a list has
	handler http.Handler
	query   dataexport.Query // for exports

	mu      sync.Mutex
	effects map[string]int // of requests to endpoints that the fake does not have, by idempotency key
	ledger  *memory

	braze    *brazetest.Server // for its operations
	trackers map[*ada.Client]*braze.Client

	requests func() int // how many have arrived
}

func newWorld(op operation, pages int) *world {
	w := &world{Server: adatest.New(adatest.RateLimit(0, 0)), pages: pages, effects: map[string]int{}, ledger: &memory{}}
	w.handler = secured(w.Server)
	op.setup(w)
	return w
}

// connect returns a client for the world, which for operations of Braze stands for one of Braze that sends as it does, to
// the same host: the network has no certificate for another.
func (w *world) connect(t *testing.T, config ada.Config) *ada.Client {
	t.Helper()
	client, err := ada.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	if w.braze != nil {
		tracker, err := braze.NewClient(braze.Config{Endpoint: "https://acme.ada.support", APIKey: brazetest.APIKey, HTTP: config.HTTP})
		if err != nil {
			t.Fatal(err)
		}
		w.trackers = map[*ada.Client]*braze.Client{client: tracker}
	}
	return client
}

func (w *world) Close() {
	w.Server.Close()
	if w.braze != nil {
		w.braze.Close()
	}
}

// secured is a fake that stands behind https, and links to it.
func secured(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, r)
		maps.Copy(rw.Header(), recorder.Header())
		rw.WriteHeader(recorder.Code)
		body, link := recorder.Body.Bytes(), []byte(`"http://acme.`)
		if bytes.Contains(body, link) {
			body = bytes.ReplaceAll(body, link, []byte(`"https://acme.`))
		}
		_, _ = rw.Write(body)
	})
}

// operation is one public operation of the SDK.
type operation struct {
	name       string
	idempotent bool // repeating it is harmless
	setup      func(w *world)
	call       func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error)
	effects    func(w *world) int // how often it has taken effect; nil for one that only reads
	once       int                // how often it should have, when all is well

	each    func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) iter.Seq2[string, error] // of an operation that is an iterator
	list    bool                                                                                             // it walks pages, and hands out what came before an error
	export  exporter
	many    bool   // it makes independent calls at once, and tells of each
	ignores bool   // it does not decode the answer
	gone    bool   // done twice, the second time finds nothing: ErrNotFound can stand for success
	goesOn  bool   // it goes on over failures that can pass, by itself
	idKey   string // the JSON key of the id in its answer; empty: it does not read one
	dateKey string // the JSON key of a time in its answer; empty: it reads none
	textKey string // the JSON key of a string in its answer, beside the id; empty: it reads none
	free    bool   // its answer has values of any type
	steps   int    // how many requests it makes when all is well and a list has its usual pages; 0: 1
}

// exporter is an export, as the ids that it hands out with the checkpoints after them, where it has any.
type exporter func(ctx context.Context, c *ada.Client, q dataexport.Query, o ...ada.CallOption) iter.Seq2[exported, error]

type exported struct {
	id   string
	next dataexport.Checkpoint // after a page; the id is empty then
}

// What must not be seen, beside the key.
var (
	profile   = endusers.Profile{FirstName: "canary-name", Email: "canary@mail.example", Metadata: map[string]any{"m": "canary-metadata"}}
	sensitive = endusers.Sensitive{"s": "canary-sensitive"}
	hookURL   = "https://canary.example/canary-hook"
	ringKey   = ada.Secret("whsec_Y2FuYXJ5LWtleS1jYW5hcnkta2V5LWNhbmFyeQ==")
	canaries  = []string{
		string(adatest.APIKey), string(brazetest.APIKey), "canary@mail.example", "canary-external", "canary-sensitive", "canary-name", "canary-metadata", "canary-hook",
		"canary-text", "14165550100", "Y2FuYXJ5LWtleS1jYW5hcnk",
	}
)

const idempotencyKey = "canary-text-1"

// begin is when the world begins, on the virtual clock.
var begin = time.Date(1999, 12, 1, 0, 0, 0, 0, time.UTC)

var operations = complete([]operation{
	{
		name: "endusers.Get", idempotent: true, idKey: "end_user_id", dateKey: "created_at", textKey: "external_id", free: true,
		setup: func(w *world) { w.user(); w.want = []string{w.id} },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			u, err := endusers.New(c).Get(ctx, w.id, o...)
			return userIDs(u), err
		},
	},
	{
		name: "endusers.GetByExternalID", idempotent: true, idKey: "end_user_id", dateKey: "created_at", textKey: "external_id", free: true,
		setup: func(w *world) { w.user(); w.want = []string{w.id} },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			u, err := endusers.New(c).GetByExternalID(ctx, "canary-external", o...)
			return userIDs(u), err
		},
	},
	{
		name: "endusers.All", idempotent: true, list: true, idKey: "end_user_id", dateKey: "created_at", textKey: "external_id", free: true, steps: usual,
		setup: func(w *world) {
			for range w.pages {
				w.want = append(w.want, w.AddEndUser(adatest.EndUser{InConversation: true, Profile: map[string]any{
					"first_name": "canary-name", "email": "canary@mail.example", "metadata": map[string]any{"m": "canary-metadata"},
				}}))
			}
		},
		each: func(ctx context.Context, _ *world, c *ada.Client, o ...ada.CallOption) iter.Seq2[string, error] {
			return idsOf(endusers.New(c).All(ctx, endusers.ListParams{PageSize: 1}, o...), func(u *endusers.User) string { return u.ID })
		},
	},
	{
		name: "endusers.Create", idempotent: true, idKey: "end_user_id", dateKey: "created_at", textKey: "external_id", free: true,
		setup: func(w *world) { w.want = []string{"canary-external"} },
		call: func(ctx context.Context, _ *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			u, _, err := endusers.New(c).Create(ctx, endusers.NewUser{ExternalID: "canary-external", Profile: profile, Sensitive: sensitive}, o...)
			return userExternalIDs(u), err
		},
		effects: func(w *world) int { return w.users() }, once: 1,
	},
	{
		name: "endusers.Create, no external id", idKey: "end_user_id", dateKey: "created_at", textKey: "first_name", free: true,
		setup: func(w *world) { w.want = []string{"canary-name"} },
		call: func(ctx context.Context, _ *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			u, _, err := endusers.New(c).Create(ctx, endusers.NewUser{Profile: profile}, o...)
			if u == nil {
				return nil, err
			}
			return []string{u.Profile.FirstName}, err
		},
		effects: func(w *world) int { return w.users() }, once: 1,
	},
	{
		name: "endusers.Upsert", idempotent: true, idKey: "end_user_id", dateKey: "created_at", textKey: "external_id", free: true, steps: 2,
		setup: func(w *world) { w.user(); w.want = []string{w.id} },
		call: func(ctx context.Context, _ *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			u, _, err := endusers.New(c).Upsert(ctx, endusers.NewUser{ExternalID: "canary-external", Profile: profile, Sensitive: sensitive}, o...)
			if err != nil { // the end user as it was found comes with the error
				return nil, err
			}
			return userIDs(u), nil
		},
		effects: func(w *world) int { return w.users() }, once: 1,
	},
	{
		name: "endusers.Update", idempotent: true, idKey: "end_user_id", dateKey: "created_at", textKey: "external_id", free: true,
		setup: func(w *world) { w.user(); w.want = []string{w.id} },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			u, err := endusers.New(c).Update(ctx, w.id, endusers.Update{Email: ada.Set("canary@mail.example"), Sensitive: ada.Set(sensitive)}, o...)
			return userIDs(u), err
		},
	},
	{
		name: "compliance.Erase", idempotent: true, idKey: "job_id", dateKey: "created_at", textKey: "status",
		setup: func(w *world) { w.user(); w.want = []string{"queued"} },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			j, err := compliance.New(c).Erase(ctx, compliance.Erasure{Identifiers: []compliance.Identifier{compliance.EndUserID(w.id), compliance.Email("canary@mail.example")}}, o...)
			if j == nil || j.Reference == "" {
				return nil, errors.New("there is no reference")
			}
			if j.ID == "" {
				return nil, err
			}
			return []string{string(j.Status)}, err
		},
		effects: func(w *world) int { return len(w.Erasures()) }, once: 1,
	},
	{
		name: "compliance.Job", idempotent: true, idKey: "job_id", dateKey: "created_at", textKey: "status",
		setup: func(w *world) { w.job(); w.want = []string{w.id} },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			j, err := compliance.New(c).Job(ctx, w.id, o...)
			return jobIDs(j), err
		},
	},
	{
		name: "compliance.Wait", idempotent: true, goesOn: true, idKey: "job_id", dateKey: "created_at", textKey: "status", steps: 14,
		setup: func(w *world) { w.job(); w.want = []string{w.id + " completed"} },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			j, err := compliance.New(c).Wait(ctx, w.id, o...)
			if j == nil || !j.Done() {
				return nil, err
			}
			return []string{j.ID + " " + string(j.Status)}, err
		},
	},
	{
		name: "compliance.EraseAll", idempotent: true, steps: 2,
		setup: func(w *world) { w.user(); w.want = []string{"pending"} },
		each:  eraseAll,
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			got, err := gather(eraseAll(ctx, w, c, o...))
			if err != nil {
				return nil, err // with the verdicts of those whose job was not seen
			}
			return got, nil
		},
		effects: func(w *world) int { return len(w.Erasures()) }, once: 1,
	},
	{
		name: "compliance.RequestErasure", textKey: "email",
		setup: func(w *world) { w.want = []string{"ok"} },
		call: func(ctx context.Context, _ *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			//lint:ignore SA1019 it has to hold for as long as it is there
			return done(compliance.New(c).RequestErasure(ctx, compliance.SubjectRequest{Email: "canary@mail.example"}, o...))
		},
		effects: func(w *world) int { return len(w.SubjectRequests()) }, once: 1,
	},
	{
		name: "proactivesms.Trigger", ignores: true,
		setup: func(w *world) { w.want = []string{"ok"} },
		call: func(ctx context.Context, _ *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			return done(proactivesms.New(c).Trigger(ctx, proactivesms.Message{CampaignKey: "renew", PhoneNumber: "14165550100"}, o...))
		},
		effects: func(w *world) int { return len(w.Outbox()) }, once: 1,
	},
	{
		name: "proactivesms.TriggerAll", ignores: true, many: true, steps: 3,
		setup: func(w *world) { w.want = []string{"0", "1", "2"} },
		each:  triggerAll,
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) (sent []string, failed error) {
			for index, err := range triggerAll(ctx, w, c, o...) {
				if err == nil {
					sent = append(sent, index)
				} else {
					failed = err
				}
			}
			slices.Sort(sent)
			return sent, failed
		},
		effects: func(w *world) int { return len(w.Outbox()) }, once: 3,
	},
	{
		name: "endpoints.All", idempotent: true, list: true, idKey: "id", dateKey: "created_at", textKey: "url", steps: usual,
		setup: func(w *world) {
			for range w.pages {
				w.want = append(w.want, w.AddWebhook(adatest.Webhook{URL: hookURL}))
			}
		},
		each: func(ctx context.Context, _ *world, c *ada.Client, o ...ada.CallOption) iter.Seq2[string, error] {
			return idsOf(endpoints.New(c).All(ctx, endpoints.ListParams{PageSize: 1}, o...), func(e *endpoints.Endpoint) string { return e.ID })
		},
	},
	{
		name: "endpoints.Get", idempotent: true, idKey: "id", dateKey: "created_at", textKey: "url",
		setup: func(w *world) { w.hook(); w.want = []string{w.id} },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			e, err := endpoints.New(c).Get(ctx, w.id, o...)
			return endpointIDs(e), err
		},
	},
	{
		name: "endpoints.Create", idKey: "id", dateKey: "created_at", textKey: "url",
		setup: func(w *world) { w.want = []string{hookURL} },
		call: func(ctx context.Context, _ *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			e, err := endpoints.New(c).Create(ctx, endpoints.NewEndpoint{URL: hookURL}, o...)
			if e == nil {
				return nil, err
			}
			return []string{e.URL}, err
		},
		effects: func(w *world) int { return len(w.Webhooks()) }, once: 1,
	},
	{
		name: "endpoints.Update", idempotent: true, idKey: "id", dateKey: "created_at", textKey: "url",
		setup: func(w *world) { w.hook(); w.want = []string{w.id} },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			e, err := endpoints.New(c).Update(ctx, w.id, endpoints.Update{Enabled: ada.Set(false)}, o...)
			return endpointIDs(e), err
		},
	},
	{
		name: "endpoints.Delete", idempotent: true, ignores: true, gone: true,
		setup: func(w *world) { w.hook(); w.want = []string{"ok"} },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			return done(endpoints.New(c).Delete(ctx, w.id, o...))
		},
		effects: func(w *world) int { return 1 - len(w.Webhooks()) }, once: 1,
	},
	{
		name: "endpoints.Secret", idempotent: true, idKey: "key",
		setup: func(w *world) { w.hook(); w.want = []string{"ok"} },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			key, err := endpoints.New(c).Secret(ctx, w.id, o...)
			if err == nil && key == "" {
				return nil, errors.New("no key")
			}
			return done(err)
		},
	},
	{
		name: "endpoints.RotateSecret, to a key", idempotent: true, ignores: true,
		setup: func(w *world) { w.hook(); w.want = []string{"ok"} },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			return done(endpoints.New(c).RotateSecret(ctx, w.id, ringKey, o...))
		},
		effects: func(w *world) int { return btoi(w.Webhooks()[0].Secret == ringKey) }, once: 1,
	},
	{
		name: "endpoints.RotateSecret", ignores: true,
		setup: func(w *world) { w.hook(); w.want = []string{"ok"} },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			return done(endpoints.New(c).RotateSecret(ctx, w.id, "", o...))
		},
		effects: func(w *world) int { return len(w.Calls("endpoints.RotateSecret")) }, once: 1,
	},
	{
		name: "endpoints.EventTypes", idempotent: true, idKey: "name", textKey: "description",
		setup: func(w *world) { w.want = nil },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			types, err := endpoints.New(c).EventTypes(ctx, o...)
			if err == nil && len(types) < 2 {
				return nil, errors.New("no types")
			}
			return nil, err
		},
	},
	exporting("dataexport.Conversations", conversations((*dataexport.Client).Conversations), dataexport.Query{}),
	exporting("dataexport.ConversationPages, by update", pagesOf((*dataexport.Client).ConversationPages, func(c *dataexport.Conversation) string { return c.ID }), dataexport.Query{By: dataexport.ByUpdated}),
	exporting("dataexport.ConversationsRaw", raw((*dataexport.Client).ConversationsRaw), dataexport.Query{}),
	exporting("dataexport.Messages", messages, dataexport.Query{}),
	exporting("dataexport.MessagePages, v1.4", pagesOf((*dataexport.Client).MessagePages, func(m *dataexport.Message) string { return m.ID }), dataexport.Query{Version: dataexport.V1_4}),
	exporting("dataexport.MessagesRaw, 4 at once", raw((*dataexport.Client).MessagesRaw), dataexport.Query{Concurrency: 4, Window: 10 * 24 * time.Hour}),
	unwrapped("ada.Client.Do, GET", ada.Operation{Name: "channels.Get", Method: http.MethodGet, Route: "/api/v2/channels/{id}"}, ""),
	unwrapped("ada.Client.Do, message", ada.Operation{Name: "messages.Create", Method: http.MethodPost, Route: "/api/v2/conversations/{id}/messages/"}, ""),
	unwrapped("ada.Client.Do, voice with a key", ada.Operation{Name: "voice.Start", Method: http.MethodPost, Route: "/api/v2/conversations/proactive/{id}", Idempotent: true}, idempotencyKey),
	repeated(tracking("braze.Track, attributes", trackAttributes, profilesWith("m"))),
	tracking("braze.Track, an event", trackAnEvent, eventsOf),
	tracking("braze.TrackEvent", func(ctx context.Context, c *braze.Client, o ...ada.CallOption) ([]string, error) {
		return processed(c.TrackEvent(ctx, someone, "canary-name", someday, o...))
	}, eventsOf),
	repeated(tracking("braze.UpdateAttribute", func(ctx context.Context, c *braze.Client, o ...ada.CallOption) ([]string, error) {
		return processed(c.UpdateAttribute(ctx, someone, "m", "canary-metadata", o...))
	}, profilesWith("m"))),
	throughBuffer(repeated(tracking("braze.Buffer, attributes", bufferAttributes, profilesWith("m")))),
	throughBuffer(tracking("braze.Buffer, an event", bufferAnEvent, eventsOf)),
})

func eraseAll(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) iter.Seq2[string, error] {
	people := slices.Values([]compliance.Identifier{compliance.EndUserID(w.id)})
	return func(yield func(string, error) bool) {
		for v, err := range compliance.New(c).EraseAll(ctx, people, compliance.EraseParams{Ledger: w.ledger}, o...) {
			switch {
			case err != nil:
				yield("", err)
				return
			case v.Outcome == compliance.Refused: // of a request that Ada refused, which ends nothing
				yield("", errRefused)
				return
			case v.Outcome == compliance.Unknown: // the error follows
			case !yield(string(v.Outcome), nil):
				return
			}
		}
	}
}

func triggerAll(ctx context.Context, _ *world, c *ada.Client, o ...ada.CallOption) iter.Seq2[string, error] {
	messages := func(yield func(proactivesms.Message) bool) {
		for i := range 3 {
			if !yield(proactivesms.Message{CampaignKey: strconv.Itoa(i), PhoneNumber: "14165550100"}) {
				return
			}
		}
	}
	return func(yield func(string, error) bool) {
		for r := range proactivesms.New(c).TriggerAll(ctx, messages, o...) {
			if !yield(strconv.Itoa(r.Index), r.Err) {
				return
			}
		}
	}
}

// exporting is the row of an export: as many full pages of 100 records as the world has, the last one of 10.
func exporting(name string, e exporter, q dataexport.Query) operation {
	isMessages := strings.Contains(name, "Message")
	op := operation{
		name: name, idempotent: true, list: true, export: e, idKey: "_id", dateKey: "date_updated", textKey: "platform", steps: usual, free: true,
		setup: func(w *world) {
			w.query = q
			w.query.Since, w.query.Until, w.query.PageSize = begin, begin.AddDate(0, 0, 30), 100
			n := 100*(w.pages-1) + 10
			for i := range n {
				r := adatest.Record{
					ID: fmt.Sprintf("%024x", i), CreatedAt: begin.Add(time.Duration(i) * (30 * 24 * time.Hour) / time.Duration(n)),
					Fields: map[string]any{"variables": map[string]any{"m": "canary-metadata"}},
				}
				if isMessages {
					w.AddMessages(r)
				} else {
					w.AddConversations(r)
				}
				w.want = append(w.want, r.ID)
			}
		},
		each: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				for r, err := range e(ctx, c, w.query, o...) {
					if (r.id != "" || err != nil) && !yield(r.id, err) {
						return
					}
				}
			}
		},
	}
	if isMessages {
		op.dateKey, op.textKey, op.free = "date_created", "sender", true
	}
	if q.Window > 0 {
		op.steps = 3 // windows of 10 days
	}
	return op
}

func conversations(f func(*dataexport.Client, context.Context, dataexport.Query, ...ada.CallOption) iter.Seq2[*dataexport.Conversation, error]) exporter {
	return func(ctx context.Context, c *ada.Client, q dataexport.Query, o ...ada.CallOption) iter.Seq2[exported, error] {
		return mapped(f(dataexport.New(c), ctx, q, o...), func(c *dataexport.Conversation) string { return c.ID })
	}
}

func messages(ctx context.Context, c *ada.Client, q dataexport.Query, o ...ada.CallOption) iter.Seq2[exported, error] {
	return mapped(dataexport.New(c).Messages(ctx, q, o...), func(m *dataexport.Message) string { return m.ID })
}

func raw(f func(*dataexport.Client, context.Context, dataexport.Query, ...ada.CallOption) iter.Seq2[dataexport.RawRecord, error]) exporter {
	return func(ctx context.Context, c *ada.Client, q dataexport.Query, o ...ada.CallOption) iter.Seq2[exported, error] {
		return mapped(f(dataexport.New(c), ctx, q, o...), func(m dataexport.RawRecord) string {
			const key = `"_id":"`
			text := string(m)
			id, _, _ := strings.Cut(text[strings.LastIndex(text, key)+len(key):], `"`)
			return id
		})
	}
}

func pagesOf[T any](f func(*dataexport.Client, context.Context, dataexport.Query, ...ada.CallOption) iter.Seq2[*dataexport.Page[T], error], id func(*T) string) exporter {
	return func(ctx context.Context, c *ada.Client, q dataexport.Query, o ...ada.CallOption) iter.Seq2[exported, error] {
		return func(yield func(exported, error) bool) {
			for page, err := range f(dataexport.New(c), ctx, q, o...) {
				if err != nil {
					yield(exported{}, err)
					return
				}
				for r, err := range page.Records() {
					if err != nil {
						yield(exported{}, err)
						return
					}
					if !yield(exported{id: id(r)}, nil) {
						return
					}
				}
				if !yield(exported{next: page.Next}, nil) {
					return
				}
			}
		}
	}
}

func mapped[T any](records iter.Seq2[T, error], id func(T) string) iter.Seq2[exported, error] {
	return func(yield func(exported, error) bool) {
		for r, err := range records {
			if err != nil {
				yield(exported{}, err)
				return
			}
			if !yield(exported{id: id(r)}, nil) {
				return
			}
		}
	}
}

// unwrapped is the row of an endpoint that the SDK has no package for. With a key it is one that knows repetitions.
func unwrapped(name string, op ada.Operation, key string) operation {
	row := operation{
		name: name, idempotent: op.Idempotent || op.Method == http.MethodGet, idKey: "id", textKey: "state", once: 1,
		setup: func(w *world) {
			w.want = []string{"c1 good"}
			w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer "+string(adatest.APIKey) {
					rw.WriteHeader(http.StatusUnauthorized)
					return
				}
				body, _ := io.ReadAll(r.Body)
				w.mu.Lock()
				defer w.mu.Unlock()
				effect := r.Header.Get("Idempotency-Key") + string(body)
				if n := w.effects[effect]; n > 0 && key != "" {
					rw.Header().Set("Idempotent-Replayed", "true")
				} else {
					w.effects[effect]++
				}
				rw.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(rw, `{"id":"c1","state":"good"}`)
			})
		},
		call: func(ctx context.Context, _ *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			var body any
			if op.Method == http.MethodPost {
				body = map[string]string{"text": "canary-text"}
			}
			req, err := c.NewRequest(ctx, op, body, "c1")
			if err != nil {
				return nil, err
			}
			if key != "" {
				req.Header.Set("Idempotency-Key", key)
			}
			var answer struct{ ID, State string }
			if _, err = c.Do(req, op, &answer, o...); err != nil {
				return nil, err
			}
			return []string{answer.ID + " " + answer.State}, nil
		},
	}
	if op.Method == http.MethodPost {
		row.effects = func(w *world) int {
			w.mu.Lock()
			defer w.mu.Unlock()
			total := 0
			for _, n := range w.effects {
				total += n
			}
			return total
		}
	}
	return row
}

func (w *world) user() {
	w.id = w.AddEndUser(adatest.EndUser{InConversation: true, ExternalID: "canary-external", Profile: map[string]any{
		"first_name": "canary-name", "email": "canary@mail.example", "metadata": map[string]any{"m": "canary-metadata"},
	}})
}

func (w *world) hook() { w.id = w.AddWebhook(adatest.Webhook{URL: hookURL, Secret: ringKey2}) }

// ringKey2 is the secret from before, of a length that rotation leaves.
const ringKey2 = ada.Secret("whsec_Y2FuYXJ5LWtleS1jYW5hcnktb2xkLWNhbmFyeS0w")

// job has a person erased.
func (w *world) job() {
	w.user()
	j, err := compliance.New(w.Client()).Erase(context.Background(), compliance.Erasure{Identifiers: []compliance.Identifier{compliance.EndUserID(w.id), compliance.Email("canary@mail.example")}})
	if err != nil {
		panic(err)
	}
	w.id = j.ID
}

// users counts the end users with the external id of the tests, or without any.
func (w *world) users() int {
	users, err := gather(idsOf(endusers.New(w.Client()).All(context.Background(), endusers.ListParams{}), func(u *endusers.User) string { return u.ID }))
	if err != nil {
		panic(err)
	}
	return len(users)
}

// errRefused is a verdict of EraseAll, where the request was refused.
var errRefused = errors.New("refused, by verdict")

func userIDs(u *endusers.User) []string {
	if u == nil {
		return nil
	}
	return []string{u.ID}
}

func userExternalIDs(u *endusers.User) []string {
	if u == nil {
		return nil
	}
	return []string{u.ExternalID}
}

func jobIDs(j *compliance.Job) []string {
	if j == nil {
		return nil
	}
	return []string{j.ID}
}

func endpointIDs(e *endpoints.Endpoint) []string {
	if e == nil {
		return nil
	}
	return []string{e.ID}
}

func done(err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return []string{"ok"}, nil
}

func idsOf[T any](records iter.Seq2[*T, error], id func(*T) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for r, err := range records {
			if err != nil {
				yield("", err)
				return
			}
			if !yield(id(r), nil) {
				return
			}
		}
	}
}

// gather is all that an iterator gives before an error.
func gather(records iter.Seq2[string, error]) (got []string, err error) {
	for id, err := range records {
		if err != nil {
			return got, err
		}
		got = append(got, id)
	}
	return got, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// memory is a ledger.
type memory struct{ entries []compliance.Entry }

func (m *memory) Key(id compliance.Identifier) string { return id.Type() + id.Value() }
func (m *memory) Append(e compliance.Entry) error     { m.entries = append(m.entries, e); return nil }

func (m *memory) Entries() iter.Seq2[compliance.Entry, error] {
	return func(yield func(compliance.Entry, error) bool) {
		for _, e := range m.entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func named(name string) operation {
	return operations[slices.IndexFunc(operations, func(op operation) bool { return op.name == name })]
}

// complete makes the calls of iterators, which are all of them.
func complete(operations []operation) []operation {
	for i, op := range operations {
		if op.call == nil {
			operations[i].call = func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
				return gather(op.each(ctx, w, c, o...))
			}
		}
	}
	return operations
}
