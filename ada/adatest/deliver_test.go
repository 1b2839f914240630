package adatest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada/adatest"
	hooks "github.com/adasdk/ada-go/webhooks"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// receiver answers with each status in turn, and with 200 after the last one, and keeps what it got.
type receiver struct {
	statuses []int
	header   http.Header // of every answer

	mu     sync.Mutex
	ids    []string
	bodies []string
	faults []error
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	verifier, _ := hooks.NewVerifier(hookSecret)
	message, verr := verifier.Verify(req.Header, body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := errors.Join(err, verr); err != nil {
		r.faults = append(r.faults, err)
	}
	r.ids = append(r.ids, message.ID)
	r.bodies = append(r.bodies, string(body))
	maps.Copy(w.Header(), r.header)
	if len(r.statuses) > 0 {
		w.WriteHeader(r.statuses[0])
		r.statuses = r.statuses[1:]
	}
}

// types are those of the events that came, in their order.
func (r *receiver) types(t *testing.T) (types []string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, err := range r.faults {
		t.Error(err)
	}
	for _, body := range r.bodies {
		var e struct{ Type string }
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Error(err)
		}
		types = append(types, e.Type)
	}
	return types
}

// deliver starts a server that delivers to r.
func deliver(t *testing.T, r http.Handler, o adatest.DeliverOptions, filters ...string) *adatest.Server {
	t.Helper()
	srv := adatest.NewServer(t)
	srv.AddWebhook(adatest.Webhook{ID: "ep_1", URL: "https://hooks.example.com/ada", Secret: hookSecret, EventFilters: filters})
	o.Handler = r
	srv.Deliver(o)
	return srv
}

func wait(t *testing.T, srv *adatest.Server) {
	t.Helper()
	if err := srv.WaitDelivered(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestDeliverSchedule(t *testing.T) {
	const s, m, h = time.Second, time.Minute, time.Hour
	all := []time.Duration{0, 5 * s, 5*m + 5*s, 35*m + 5*s, 2*h + 35*m + 5*s, 7*h + 35*m + 5*s, 17*h + 35*m + 5*s, 27*h + 35*m + 5*s}
	abort := http.Header{"Webhook-Delivery": {"abort-message"}}
	fail := func(n int) []int { return slices.Repeat([]int{500}, n) }
	tests := []struct {
		name     string
		receiver *receiver
		options  adatest.DeliverOptions
		want     []time.Duration
	}{
		{"success", &receiver{}, adatest.DeliverOptions{}, all[:1]},
		{"any 2xx", &receiver{statuses: []int{204}}, adatest.DeliverOptions{}, all[:1]},
		{"other than 2xx", &receiver{statuses: []int{301, 400, 401, 410, 429, 503}}, adatest.DeliverOptions{}, all[:7]},
		{"never", &receiver{statuses: fail(10)}, adatest.DeliverOptions{}, all},
		{"abort", &receiver{statuses: fail(10), header: abort}, adatest.DeliverOptions{}, all[:1]},
		{"twice", &receiver{}, adatest.DeliverOptions{Twice: true}, all[:2]},
		{"failed, then twice", &receiver{statuses: fail(1)}, adatest.DeliverOptions{Twice: true}, all[:3]},
		{"own schedule", &receiver{statuses: fail(10)}, adatest.DeliverOptions{Schedule: []time.Duration{s, s}}, []time.Duration{s, 2 * s}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := deliver(t, tt.receiver, tt.options)
				start := time.Now()
				srv.Emit("v1.audit_log.emitted", map[string]string{"id": "1"}, "tag")
				wait(t, srv)
				var got []time.Duration
				for i, a := range srv.Attempts() {
					got = append(got, a.At.Sub(start))
					if a.Number != i+1 || a.WebhookID != "ep_1" || a.Type != "v1.audit_log.emitted" || a.Status == 0 || a.MessageID != tt.receiver.ids[i] {
						t.Errorf("attempt %d: %+v", i, a)
					}
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				tt.receiver.types(t)
				if len(slices.Compact(tt.receiver.ids)) != 1 || len(slices.Compact(tt.receiver.bodies)) != 1 {
					t.Errorf("attempts differ: %q %q", tt.receiver.ids, tt.receiver.bodies)
				}
			})
		})
	}
}

func TestDeliverEndUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which it is midnight of 2000-01-01
		var r receiver
		srv := deliver(t, &r, adatest.DeliverOptions{})
		id := send(t, srv, "POST", collection, `{"external_id":"CRM-42","profile":{"metadata":{"plan":"pro","seats":1},
			"sensitive_metadata":{"fields":{"token":"canary"}}}}`).want(t, 201).user(t).ID
		wait(t, srv)
		for _, body := range []string{
			`{"profile":{}}`,
			`{"profile":{"email":null,"metadata":{"plan":"pro","seats":1}}}`,
			`{"profile":{"sensitive_metadata":{"fields":{"token":"canary2"}}}}`,
			`{"profile":{"system_properties":{"sunshine_user_id":"1"}}}`,
			`{"profile":{},"external_id":"crm-43"}`,
			`{"profile":{"metadata":{"seats":0.5}}}`,
			`{"profile":{"language":"pt-BR"}}`,
		} {
			time.Sleep(1500*time.Millisecond + 123*time.Microsecond)
			send(t, srv, "PATCH", collection+id, body)
			wait(t, srv)
		}
		send(t, srv, "POST", collection, `{"external_id":"crm-43"}`).want(t, 200)
		srv.AddEndUser(adatest.EndUser{})
		wait(t, srv)
		if diff := cmp.Diff([]string{"v1.end_user.created", "v1.end_user.updated", "v1.end_user.created"}, r.types(t)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		want := `{"type":"v1.end_user.updated","timestamp":"2000-01-01T00:00:10.500","data":{"created_at":"2000-01-01T00:00:00.000000",` +
			`"end_user_id":"` + id + `","external_id":"crm-43","profile":{"avatar":null,"display_name":null,"email":null,"first_name":null,` +
			`"language":"pt-BR","last_name":null,"metadata":{"plan":"pro","seats":1},"system_properties":{"sunshine_user_id":null}},` +
			`"updated_at":"2000-01-01T00:00:10.500861"},"tags":["` + id + `"]}`
		if diff := cmp.Diff(want, r.bodies[1]); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		var e hooks.Event[hooks.EndUserUpdated]
		if err := json.Unmarshal([]byte(r.bodies[1]), &e); err != nil || e.Data.Profile.Language != "pt-BR" || e.Timestamp.Year() != 2000 {
			t.Errorf("package webhooks reads %+v: %v", e.Data.Profile.Language, err)
		}
		if strings.Contains(strings.Join(r.bodies, ""), "canary") {
			t.Error("sensitive metadata was delivered")
		}
	})
}

func TestDeliverReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := receiver{statuses: []int{500}}
		srv := deliver(t, &r, adatest.DeliverOptions{Reverse: time.Second, Twice: true})
		for _, event := range []string{"a", "b", "c"} {
			srv.Emit(event, nil)
			time.Sleep(400 * time.Millisecond)
		}
		wait(t, srv)
		got := r.types(t)
		slices.Sort(got[3:6]) // the second attempts are all due at once
		if diff := cmp.Diff([]string{"c", "b", "a", "a", "b", "c", "c"}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestDeliverWebhooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r receiver
		srv := deliver(t, &r, adatest.DeliverOptions{}, "a")
		srv.AddWebhook(adatest.Webhook{ID: "ep_2", URL: "https://hooks.example.com/2", Secret: hookSecret})
		srv.AddWebhook(adatest.Webhook{ID: "ep_3", URL: "https://hooks.example.com/3", Secret: hookSecret, Disabled: true})
		srv.AddWebhook(adatest.Webhook{ID: "ep_4", URL: "https://hooks.example.com/4", Secret: "whsec_"})
		srv.Emit("a", 1)
		srv.Emit("b", 1)
		time.Sleep(time.Second)
		send(t, srv, "DELETE", "/api/v2/webhooks/ep_4", "")
		wait(t, srv)
		got := map[string]int{}
		for _, a := range srv.Attempts() {
			if a.Status == 200 || a.Status == 0 && a.WebhookID == "ep_4" {
				got[a.WebhookID+" "+a.Type]++
			}
		}
		if diff := cmp.Diff(map[string]int{"ep_1 a": 1, "ep_2 a": 1, "ep_2 b": 1, "ep_4 a": 1, "ep_4 b": 1}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		r.types(t)
	})
}

func TestDeliverTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended time.Duration
		start := time.Now()
		srv := deliver(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			ended = time.Since(start)
		}), adatest.DeliverOptions{Schedule: []time.Duration{0}})
		srv.Emit("a", nil)
		wait(t, srv)
		synctest.Wait()
		if a := srv.Attempts(); len(a) != 1 || a[0].Status != 0 || time.Since(start) != 15*time.Second || ended != 15*time.Second {
			t.Errorf("%+v after %v, and for the handler after %v", a, time.Since(start), ended)
		}
	})
}

// TestDeliverClose is about goroutines too: synctest fails a bubble that some are left in.
func TestDeliverClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := receiver{statuses: slices.Repeat([]int{500}, 100)}
		for _, o := range []adatest.DeliverOptions{{}, {Reverse: time.Hour}} {
			srv := deliver(t, &r, o)
			start := time.Now()
			srv.Emit("a", nil)
			srv.Emit("b", nil)
			time.Sleep(time.Minute)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := srv.WaitDelivered(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("waited: %v", err)
			}
			srv.Close()
			wait(t, srv)
			srv.Emit("c", nil)
			wait(t, srv)
			if d := time.Since(start); d != time.Minute+time.Second {
				t.Errorf("closed after %v", d)
			}
		}
		if got := len(r.types(t)); got != 4 {
			t.Errorf("%d deliveries, want 4", got)
		}
	})
}

func TestDeliverOverNetwork(t *testing.T) {
	var r receiver
	outside := httptest.NewServer(&r)
	defer outside.Close()
	srv := adatest.NewServer(t)
	srv.Emit("before", nil)
	srv.AddWebhook(adatest.Webhook{URL: outside.URL, Secret: hookSecret})
	srv.Deliver(adatest.DeliverOptions{})
	srv.Emit("a", nil)
	wait(t, srv)
	if diff := cmp.Diff([]string{"a"}, r.types(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
