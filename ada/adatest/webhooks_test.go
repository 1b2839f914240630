package adatest_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada/adatest"
)

const (
	webhooks = "/api/v2/webhooks/"
	hookURL  = "https://example.com/hooks"
)

// webhook is one on the wire.
type webhook struct {
	ID           string   `json:"id"`
	URL          string   `json:"url"`
	Description  string   `json:"description"`
	EventFilters []string `json:"event_filters"`
	Enabled      bool     `json:"enabled"`
	CreatedAt    string   `json:"created_at"`
	UpdatedAt    string   `json:"updated_at"`
}

func (a answer) webhook(t *testing.T) (w webhook) { a.read(t, &w); return w }

func getSecret(t *testing.T, srv *adatest.Server, id string) string {
	t.Helper()
	var s struct {
		Key string `json:"key"`
	}
	send(t, srv, "GET", webhooks+id+"/secret/", "").want(t, 200).read(t, &s)
	return s.Key
}

func TestWebhookWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which it is midnight of 2000-01-01
		srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
		got := send(t, srv, "POST", webhooks, `{"url":"`+hookURL+`","ignored":1}`).want(t, 201)
		id := got.webhook(t).ID
		if !strings.HasPrefix(id, "ep_") {
			t.Errorf("the id is %s", id)
		}
		const form = `{"created_at":"2000-01-01T00:00:00.000000+00:00","description":"%s","enabled":%t,"event_filters":[%s],` +
			`"id":"%s","updated_at":"%s","url":"%s"}`
		const created, later = "2000-01-01T00:00:00.000000+00:00", "2000-01-01T00:00:01.500000+00:00"
		if diff := cmp.Diff(fmt.Sprintf(form, "", true, "", id, created, hookURL), got.body); diff != "" {
			t.Errorf("created (-want +got)\n%s", diff)
		}
		time.Sleep(1500 * time.Millisecond)
		send(t, srv, "PATCH", webhooks+id, `{"url":"https://example.com/2","description":"CDP"}`).want(t, 200)
		got = send(t, srv, "PATCH", webhooks+id, `{"event_filters":["a","b"],"enabled":false}`).want(t, 200)
		one := fmt.Sprintf(form, "CDP", false, `"a","b"`, id, later, "https://example.com/2")
		if diff := cmp.Diff(one, got.body); diff != "" {
			t.Errorf("updated (-want +got)\n%s", diff)
		}
		for path, want := range map[string]string{id: one, "": `{"data":[` + one + `],"meta":{"next_page_url":null}}`} {
			if diff := cmp.Diff(want, send(t, srv, "GET", webhooks+path, "").want(t, 200).body); diff != "" {
				t.Errorf("%q (-want +got)\n%s", path, diff)
			}
		}
		if got := send(t, srv, "PATCH", webhooks+id, `{"event_filters":[],"enabled":true}`).webhook(t); len(got.EventFilters) != 0 || !got.Enabled {
			t.Errorf("updated to %+v", got)
		}

		gone := send(t, srv, "DELETE", webhooks+id, "").want(t, 204)
		if gone.body != "" || gone.header.Get("Content-Type") != "" || gone.header.Get("Content-Length") != "" {
			t.Errorf("deleted with %q and %v", gone.body, gone.header)
		}
		for _, r := range [][2]string{
			{"GET", id},
			{"PATCH", id},
			{"DELETE", id},
			{"GET", id + "/secret/"},
			{"POST", id + "/secret/rotate/"},
			{"GET", "a%2Fb/secret/"},
		} {
			if p := send(t, srv, r[0], webhooks+r[1], `{}`).want(t, 404).problem(t); p.Type != "not_found" {
				t.Errorf("%s %s: %+v", r[0], r[1], p)
			}
		}
		if n := len(srv.Webhooks()); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

func TestWebhookSecret(t *testing.T) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	id, other := srv.AddWebhook(adatest.Webhook{URL: hookURL}), srv.AddWebhook(adatest.Webhook{URL: hookURL})
	seen := map[string]bool{getSecret(t, srv, other): true}
	for _, body := range []string{"", `{}`, `{"key":null}`} {
		before := getSecret(t, srv, id)
		seen[before] = true
		if got := send(t, srv, "POST", webhooks+id+"/secret/rotate/", body).want(t, 200); got.body != `{}` {
			t.Errorf("rotated with %s", got.body)
		}
		after := getSecret(t, srv, id)
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(after, "whsec_"))
		if seen[after] || !strings.HasPrefix(after, "whsec_") || err != nil || len(key) < 24 {
			t.Errorf("%q: the secret is %s", body, after)
		}
	}
	send(t, srv, "POST", webhooks+id+"/secret/rotate/", `{"key":"whsec_mine"}`).want(t, 200)
	if got := getSecret(t, srv, id); got != "whsec_mine" || string(srv.Webhooks()[0].Secret) != got {
		t.Errorf("the secret is %s", got)
	}
	if !seen[getSecret(t, srv, other)] {
		t.Error("another one's secret has changed")
	}
}

func TestWebhookValidation(t *testing.T) {
	const (
		noURL   = "body $.url is not a URL of https"
		noKey   = "body $.key is not valid"
		noLimit = "query limit is not valid"
	)
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	id := srv.AddWebhook(adatest.Webhook{URL: hookURL})
	for _, tt := range []struct{ method, path, body, want string }{ // want: the details in lines; empty: accepted
		{"GET", "?limit=1", "", ""},
		{"GET", "?limit=1000", "", ""},
		{"GET", "?limit=0", "", noLimit},
		{"GET", "?limit=-1", "", noLimit},
		{"GET", "?limit=", "", noLimit},
		{"GET", "?limit=x&cursor=y", "", noLimit + "\nquery cursor is not valid"},
		{"POST", "", `{`, "body $ is not a JSON object"},
		{"POST", "", `[]`, "body $ is not a JSON object"},
		{"POST", "", `null`, "body $ is not a JSON object"},
		{"POST", "", ``, "body $ is not a JSON object"},
		{"POST", "", `{}`, "body $.url is required"},
		{"POST", "", `{"url":null}`, "body $.url is not a string"},
		{"POST", "", `{"url":""}`, noURL},
		{"POST", "", `{"url":"http://example.com"}`, noURL},
		{"POST", "", `{"url":"https:///x"}`, noURL},
		{"POST", "", `{"url":"https://example.com/%zz"}`, noURL},
		{"POST", "", `{"url":7,"description":7,"event_filters":"a","enabled":1}`, "body $.url is not a string\n" +
			"body $.description is not a string\nbody $.event_filters is not a list of strings\nbody $.enabled is not a boolean"},
		{
			"POST", "", `{"url":"` + hookURL + `","description":null,"event_filters":null,"enabled":null}`,
			"body $.description is not a string\nbody $.event_filters is not a list of strings\nbody $.enabled is not a boolean",
		},
		{"POST", "", `{"url":"` + hookURL + `","event_filters":[7]}`, "body $.event_filters is not a list of strings"},
		{"POST", "", `{"url":"` + hookURL + `","event_filters":["no.such.event"]}`, ""},
		{"PATCH", id, `{}`, ""},
		{"PATCH", id, `{`, "body $ is not a JSON object"},
		{"PATCH", id, `{"url":"ftp://example.com"}`, noURL},
		{"PATCH", id, `{"enabled":"yes"}`, "body $.enabled is not a boolean"},
		{"PATCH", "unknown", `{"enabled":"yes"}`, "body $.enabled is not a boolean"},
		{"POST", id + "/secret/rotate/", `{"key":"anything"}`, ""},
		{"POST", id + "/secret/rotate/", `{"key":""}`, noKey},
		{"POST", id + "/secret/rotate/", `{"key":7}`, noKey},
		{"POST", id + "/secret/rotate/", `[]`, noKey},
		{"POST", id + "/secret/rotate/", `{`, noKey},
	} {
		before := srv.Webhooks()
		got := send(t, srv, tt.method, webhooks+tt.path, tt.body)
		if tt.want == "" {
			if got.status > 299 {
				t.Errorf("%s %s %s: answer %d %s", tt.method, tt.path, tt.body, got.status, got.body)
			}
			continue
		}
		p := got.want(t, 400).problem(t)
		var lines []string
		for _, d := range p.Details {
			lines = append(lines, d.Location+" "+d.Parameter+" "+d.Message)
		}
		if diff := cmp.Diff(tt.want, strings.Join(lines, "\n")); diff != "" || p.Type != "validation_error" {
			t.Errorf("%s %s %s: %s (-want +got)\n%s", tt.method, tt.path, tt.body, p.Type, diff)
		}
		if diff := cmp.Diff(before, srv.Webhooks()); diff != "" {
			t.Errorf("%s %s %s took effect (-before +after)\n%s", tt.method, tt.path, tt.body, diff)
		}
	}
}

func TestWebhookPaging(t *testing.T) {
	type page struct {
		Data []webhook `json:"data"`
		Meta struct {
			Next *string `json:"next_page_url"`
		} `json:"meta"`
	}
	for _, tt := range []struct {
		count int
		query string
		pages []int
	}{
		{0, "", []int{0}},
		{20, "", []int{20}},
		{21, "", []int{20, 1}},
		{5, "?limit=2", []int{2, 2, 1}},
		{4, "?limit=2", []int{2, 2}},
		{3, "?limit=100", []int{3}},
	} {
		srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
		var want, got []string
		for range tt.count {
			want = append(want, srv.AddWebhook(adatest.Webhook{URL: hookURL}))
		}
		var pages []int
		for next := webhooks + tt.query; next != ""; {
			var p page
			send(t, srv, "GET", next, "").want(t, 200).read(t, &p)
			pages = append(pages, len(p.Data))
			for _, w := range p.Data {
				got = append(got, w.ID)
			}
			next = ""
			if p.Meta.Next != nil {
				var ok bool
				if next, ok = strings.CutPrefix(*p.Meta.Next, srv.Config().BaseURL); !ok || !strings.HasPrefix(next, webhooks+"?") {
					t.Fatalf("the next page is at %s", *p.Meta.Next)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", tt, diff)
		}
		if diff := cmp.Diff(tt.pages, pages); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", tt, diff)
		}
	}
}

func TestEventTypes(t *testing.T) {
	var list struct {
		Data []struct {
			Name        string `json:"name"`
			Description string `json:"description"`
		} `json:"data"`
	}
	send(t, adatest.NewServer(t), "GET", webhooks+"event-types/", "").want(t, 200).read(t, &list)
	seen := map[string]bool{}
	for _, e := range list.Data {
		if !strings.HasPrefix(e.Name, "v1.") || e.Description == "" || seen[e.Name] {
			t.Errorf("%+v", e)
		}
		seen[e.Name] = true
	}
	if len(list.Data) != 12 {
		t.Errorf("%d event types, want 12", len(list.Data))
	}
}

func TestAddWebhook(t *testing.T) {
	srv := adatest.NewServer(t)
	filters := []string{"a"}
	given := adatest.Webhook{
		ID: "ep_1", URL: hookURL, Description: "d", EventFilters: filters, Disabled: true, Secret: "whsec_x",
		CreatedAt: time.Date(2026, 3, 13, 0, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC),
	}
	if id := srv.AddWebhook(given); id != "ep_1" {
		t.Errorf("the id is %s", id)
	}
	filters[0] = "changed"
	srv.Webhooks()[0].EventFilters[0] = "changed"
	given.EventFilters = []string{"a"}
	if diff := cmp.Diff([]adatest.Webhook{given}, srv.Webhooks()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want := webhook{
		ID: "ep_1", URL: hookURL, Description: "d", EventFilters: []string{"a"},
		CreatedAt: "2026-03-13T00:00:00.000000+00:00", UpdatedAt: "2026-03-14T00:00:00.000000+00:00",
	}
	if diff := cmp.Diff(want, send(t, srv, "GET", webhooks+"ep_1", "").webhook(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	if a, b := srv.AddWebhook(adatest.Webhook{}), srv.AddWebhook(adatest.Webhook{}); a == b || a == "" {
		t.Errorf("ids %s and %s", a, b)
	}
	made := srv.Webhooks()[1]
	if made.Secret == "" || made.CreatedAt.IsZero() || !made.UpdatedAt.Equal(made.CreatedAt) || made.Disabled {
		t.Errorf("made up %+v", made)
	}
}
