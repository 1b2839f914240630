package endpoints_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/internal/faults"
	"github.com/adasdk/ada-go/webhooks/endpoints"
	"github.com/google/go-cmp/cmp"
)

const (
	id     = "ep_2hXq8ZtVbN4kcKQ5zMTmPAF6c7L"
	hook   = "https://example.com/hooks/ada"
	answer = `{"id":"` + id + `"}`
)

// key returns one for RotateSecret, of n bytes.
func key(n int) ada.Secret {
	return ada.Secret("whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, n)))
}

// answering returns a client whose every request gets these answers, one after the other.
func answering(t *testing.T, bodies ...string) (*endpoints.Client, *faults.Network) {
	t.Helper()
	steps := make([]faults.Step, len(bodies))
	for i, b := range bodies {
		steps[i] = faults.Answer(fmt.Sprintf("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(b), b))
	}
	n := faults.New(t, steps...)
	client, err := ada.NewClient(ada.Config{
		Handle: "acme", APIKey: "key",
		HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}, Limiter: ada.Unpaced},
	})
	if err != nil {
		t.Fatal(err)
	}
	return endpoints.New(client), n
}

type call func(context.Context, *endpoints.Client) error

func list(p endpoints.ListParams) call {
	return func(ctx context.Context, c *endpoints.Client) error {
		for e, err := range c.All(ctx, p) {
			if err != nil && e != nil {
				return fmt.Errorf("got an endpoint beside %w", err)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func get(id string) call {
	return func(ctx context.Context, c *endpoints.Client) error {
		e, err := c.Get(ctx, id)
		return either(e != nil, err)
	}
}

func create(e endpoints.NewEndpoint) call {
	return func(ctx context.Context, c *endpoints.Client) error {
		made, err := c.Create(ctx, e)
		return either(made != nil, err)
	}
}

func update(id string, u endpoints.Update) call {
	return func(ctx context.Context, c *endpoints.Client) error {
		e, err := c.Update(ctx, id, u)
		return either(e != nil, err)
	}
}

func remove(id string) call {
	return func(ctx context.Context, c *endpoints.Client) error { return c.Delete(ctx, id) }
}

func secret(id string) call {
	return func(ctx context.Context, c *endpoints.Client) error {
		s, err := c.Secret(ctx, id)
		return either(s != "", err)
	}
}

func rotate(id string, key ada.Secret) call {
	return func(ctx context.Context, c *endpoints.Client) error { return c.RotateSecret(ctx, id, key) }
}

func eventTypes(ctx context.Context, c *endpoints.Client) error {
	types, err := c.EventTypes(ctx)
	return either(types != nil, err)
}

// either is err, unless there is a result beside it, or neither.
func either(result bool, err error) error {
	if result == (err != nil) {
		return fmt.Errorf("a result: %t, beside the error %w", result, err)
	}
	return err
}

// What each operation sends, to the byte.
func TestRequests(t *testing.T) {
	const (
		at   = "/api/v2/webhooks/"
		page = `{"data":[]}`
	)
	tests := []struct {
		name               string
		call               call
		answer, want, body string
	}{
		{"list", list(endpoints.ListParams{}), page, "GET " + at, ""},
		{"list by pages", list(endpoints.ListParams{PageSize: 250}), page, "GET " + at + "?limit=250", ""},
		{"get", get(id), answer, "GET " + at + id, ""},
		{"get an odd id", get("a/b?c#d e%2e"), answer, "GET " + at + "a%2Fb%3Fc%23d%20e%252e", ""},
		{"create", create(endpoints.NewEndpoint{URL: hook}), answer, "POST " + at, `{"url":"` + hook + `"}`},
		{
			"create with an empty list", create(endpoints.NewEndpoint{URL: hook, EventFilters: []string{}}), answer,
			"POST " + at, `{"url":"` + hook + `"}`,
		},
		{
			"create with everything", create(endpoints.NewEndpoint{
				URL: hook + "?token=a%20b&c=d", Description: "CDP", EventFilters: []string{"v1.end_user.created", "v1.end_user.updated"}, Disabled: true,
			}), answer,
			"POST " + at, `{"description":"CDP","enabled":false,"event_filters":["v1.end_user.created","v1.end_user.updated"],"url":"` + hook + `?token=a%20b\u0026c=d"}`,
		},
		{"change nothing", update(id, endpoints.Update{}), answer, "PATCH " + at + id, `{}`},
		{
			"change everything", update(id, endpoints.Update{
				URL: ada.Set(hook), Description: ada.Set(""), EventFilters: ada.Set([]string{"v1.conversation.ended"}), Enabled: ada.Set(true),
			}), answer,
			"PATCH " + at + id, `{"description":"","enabled":true,"event_filters":["v1.conversation.ended"],"url":"` + hook + `"}`,
		},
		{"disable", update(id, endpoints.Update{Enabled: ada.Set(false)}), answer, "PATCH " + at + id, `{"enabled":false}`},
		{"all events", update(id, endpoints.Update{EventFilters: ada.Set([]string{})}), answer, "PATCH " + at + id, `{"event_filters":[]}`},
		{"nil is not null", update(id, endpoints.Update{EventFilters: ada.Set[[]string](nil)}), answer, "PATCH " + at + id, `{"event_filters":[]}`},
		{"delete", remove(id), ``, "DELETE " + at + id, ""},
		{"delete an odd id", remove("secret/"), ``, "DELETE " + at + "secret%2F", ""},
		{"secret", secret(id), `{"key":"whsec_x"}`, "GET " + at + id + "/secret/", ""},
		{"secret of an odd id", secret("a/b"), `{"key":"whsec_x"}`, "GET " + at + "a%2Fb/secret/", ""},
		{"rotate", rotate(id, ""), `{}`, "POST " + at + id + "/secret/rotate/", `{}`},
		{"rotate to a key", rotate(id, key(24)), `{}`, "POST " + at + id + "/secret/rotate/", `{"key":"` + string(key(24)) + `"}`},
		{"event types", eventTypes, `{"data":[{"name":"a"}]}`, "GET " + at + "event-types/", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hooks, n := answering(t, tt.answer)
			if err := tt.call(t.Context(), hooks); err != nil {
				t.Fatal(err)
			}
			if len(n.Requests()) != 1 {
				t.Fatalf("%d requests, want 1", len(n.Requests()))
			}
			r := n.Requests()[0]
			if got := r.Method + " " + r.RequestURI; got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if string(r.Content) != tt.body {
				t.Errorf("got  %s\nwant %s", r.Content, tt.body)
			}
			if r.Host != "acme.ada.support" || r.Header.Get("Authorization") != "Bearer key" {
				t.Errorf("sent to %s with %v", r.Host, r.Header)
			}
		})
	}
}

func TestEndpoint(t *testing.T) {
	const full = `{"id":"` + id + `","url":"` + hook + `?token=x","description":"CDP","event_filters":["a","b"],"enabled":true,
		"created_at":"2026-03-13T00:00:00Z","updated_at":"2026-03-13T01:02:03.456","channels":["new"]}`
	for body, want := range map[string]endpoints.Endpoint{
		full: {
			ID: id, URL: hook + "?token=x", Description: "CDP", EventFilters: []string{"a", "b"}, Enabled: true,
			CreatedAt: time.Date(2026, 3, 13, 0, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2026, 3, 13, 1, 2, 3, 456_000_000, time.UTC),
		},
		answer: {ID: id},
		`{"id":"` + id + `","url":null,"description":null,"event_filters":null,"enabled":null,"created_at":null,"updated_at":"soon"}`: {ID: id},
		`{"id":"` + id + `","event_filters":[],"enabled":false}`:                                                                      {ID: id, EventFilters: []string{}},
	} {
		hooks, _ := answering(t, body)
		want.Raw = json.RawMessage(body)
		got, err := hooks.Get(t.Context(), id)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", body, diff)
		}
		var again endpoints.Endpoint
		if err := json.Unmarshal(got.Raw, &again); err != nil || !cmp.Equal(*got, again) {
			t.Errorf("%s does not come back from Raw: %v", body, err)
		}
	}
}

func TestUnusableAnswers(t *testing.T) {
	const envelope = `{"errors":[{"type":"t","message":"m"}]}`
	for _, tt := range []struct {
		call       call
		body, want string // want: the end of the error
	}{
		{get(id), `{}`, "id is missing"},
		{get(id), `{"data":[` + answer + `]}`, "id is missing"},
		{get(id), `null`, "the body is null"},
		{get(id), `[]`, "the body has another type"},
		{get(id), `{"id":7}`, "id has another type"},
		{get(id), `{"id":"x","event_filters":"all"}`, "event_filters has another type"},
		{get(id), `{"id":"x","enabled":"yes"}`, "enabled has another type"},
		{get(id), envelope, "the body is an error envelope"},
		{secret(id), `{}`, "key is missing"},
		{secret(id), `{"key":""}`, "key is missing"},
		{secret(id), `{"key":7}`, "key has another type"},
		{secret(id), `null`, "the body is null"},
		{remove(id), envelope, "the body is an error envelope"},
		{rotate(id, key(24)), envelope, "the body is an error envelope"},
		{eventTypes, `{}`, "data is missing"},
		{eventTypes, `{"data":[{"name":"a"},{}]}`, "data[1].name is missing"},
		{eventTypes, `{"data":[{"name":7}]}`, "data[0].name has another type"},
		{eventTypes, `{"data":["a"]}`, "data[0] has another type"},
	} {
		hooks, n := answering(t, tt.body)
		err := tt.call(t.Context(), hooks)
		if !errors.Is(err, ada.ErrAnswer) || !strings.HasSuffix(err.Error(), ": the answer is not usable: "+tt.want) {
			t.Errorf("%s: got %v, want %s", tt.body, err, tt.want)
		}
		if len(n.Requests()) != 1 {
			t.Errorf("%s: %d requests, want 1", tt.body, len(n.Requests()))
		}
	}
}

// operations are a call of each, and whether it is repeated when nobody knows what became of it.
var operations = []struct {
	name, operation string
	call            func(id string) call
	repeated        bool
}{
	{"All", "endpoints.All", func(string) call { return list(endpoints.ListParams{}) }, true},
	{"Get", "endpoints.Get", get, true},
	{"Create", "endpoints.Create", func(string) call { return create(endpoints.NewEndpoint{URL: hook}) }, false},
	{"Update", "endpoints.Update", func(id string) call { return update(id, endpoints.Update{Enabled: ada.Set(false)}) }, true},
	{"Delete", "endpoints.Delete", remove, true},
	{"Secret", "endpoints.Secret", secret, true},
	{"RotateSecret", "endpoints.RotateSecret", func(id string) call { return rotate(id, "") }, false},
	{"RotateSecret to a key", "endpoints.RotateSecret", func(id string) call { return rotate(id, key(32)) }, true},
	{"EventTypes", "endpoints.EventTypes", func(string) call { return eventTypes }, true},
}

// Every status of every operation ends in the error that it should, and is repeated as it should.
func TestStatuses(t *testing.T) {
	statuses := map[int]error{
		400: ada.ErrInvalid, 401: ada.ErrUnauthorized, 403: ada.ErrForbidden, 404: ada.ErrNotFound, 409: ada.ErrConflict,
		413: ada.ErrTooLarge, 422: ada.ErrInvalid, 429: ada.ErrRateLimited, 500: ada.ErrServer, 503: ada.ErrServer,
	}
	for _, op := range operations {
		for status, want := range statuses {
			t.Run(fmt.Sprint(op.name, " ", status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := adatest.NewServer(t)
					srv.Fail(op.operation, slices.Repeat([]adatest.Failure{{Status: status}}, 7)...)
					err := op.call(id)(t.Context(), endpoints.New(srv.Client()))
					var e *ada.Error
					if !errors.As(err, &e) || !errors.Is(err, want) || e.Operation != op.operation || e.StatusCode != status {
						t.Fatalf("got %v, want %v", err, want)
					}
					attempts, unknown := 1, false
					switch {
					case status == 429:
						attempts = 7
					case status >= 500 && op.repeated:
						attempts = 4
					case status >= 500:
						unknown = true
					}
					if n := len(srv.Calls(op.operation)); n != attempts || errors.Is(err, ada.ErrOutcomeUnknown) != unknown {
						t.Errorf("%d requests, want %d: %v", n, attempts, err)
					}
				})
			})
		}
	}
}

// A call whose answer is lost takes effect once: it is repeated where that is harmless, and otherwise says that it may
// have happened.
func TestLostAnswers(t *testing.T) {
	for _, failure := range []adatest.Failure{
		{Effect: true, Drop: true},
		{Effect: true, Status: 504},
		{Delay: time.Minute},
	} {
		for _, op := range operations {
			t.Run(fmt.Sprintf("%s %+v", op.name, failure), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := adatest.NewServer(t)
					id := srv.AddWebhook(adatest.Webhook{URL: hook})
					before := srv.Webhooks()[0].Secret
					srv.Fail(op.operation, failure)
					err := op.call(id)(t.Context(), endpoints.New(srv.Client()))
					left := srv.Webhooks()
					calls := 2
					switch {
					case op.name == "Delete":
						// The effect is there, and the repetition finds nothing.
						if !errors.Is(err, ada.ErrNotFound) || len(left) != 0 {
							t.Errorf("%d left, %v", len(left), err)
						}
					case !op.repeated:
						calls = 1
						if !errors.Is(err, ada.ErrOutcomeUnknown) {
							t.Errorf("got %v, want %v", err, ada.ErrOutcomeUnknown)
						}
					case err != nil:
						t.Error(err)
					}
					if n := len(srv.Calls()); n != calls {
						t.Errorf("%d requests, want %d", n, calls)
					}
					switch op.name {
					case "Create":
						if len(left) != 2 {
							t.Errorf("%d endpoints, want 2", len(left))
						}
					case "Update":
						if !left[0].Disabled {
							t.Error("it was not updated")
						}
					case "RotateSecret":
						if left[0].Secret == before {
							t.Error("there is no new secret")
						}
					case "RotateSecret to a key":
						if left[0].Secret != key(32) {
							t.Error("the secret is not the given one")
						}
					}
				})
			})
		}
	}
}

// A caller who asks for the response gets it, of every operation.
func TestWithResponse(t *testing.T) {
	srv := adatest.NewServer(t)
	hooks := endpoints.New(srv.Client())
	id := srv.AddWebhook(adatest.Webhook{URL: hook})
	ctx := t.Context()
	var r ada.Response
	o := ada.WithResponse(&r)
	for _, tt := range []struct {
		name   string
		status int
		call   func() error
	}{
		{"All", 200, func() (last error) {
			for _, err := range hooks.All(ctx, endpoints.ListParams{}, o) {
				last = err
			}
			return last
		}},
		{"Get", 200, func() error { _, err := hooks.Get(ctx, id, o); return err }},
		{"Create", 201, func() error { _, err := hooks.Create(ctx, endpoints.NewEndpoint{URL: hook}, o); return err }},
		{"Update", 200, func() error { _, err := hooks.Update(ctx, id, endpoints.Update{}, o); return err }},
		{"Secret", 200, func() error { _, err := hooks.Secret(ctx, id, o); return err }},
		{"RotateSecret", 200, func() error { return hooks.RotateSecret(ctx, id, "", o) }},
		{"EventTypes", 200, func() error { _, err := hooks.EventTypes(ctx, o); return err }},
		{"Delete", 204, func() error { return hooks.Delete(ctx, id, o) }},
	} {
		r = ada.Response{}
		if err := tt.call(); err != nil || r.StatusCode != tt.status {
			t.Errorf("%s: status %d, want %d, %v", tt.name, r.StatusCode, tt.status, err)
		}
	}
}

// Each rule at its limit and one past it. No fault means that the call is sent.
func TestParameters(t *testing.T) {
	type faultList = []ada.Fault
	fault := func(field string, reasons ...string) (all faultList) {
		for _, r := range reasons {
			all = append(all, ada.Fault{Field: field, Reason: r})
		}
		return all
	}
	type test struct {
		name string
		call call
		want faultList
	}
	tests := []test{
		{"no page size", list(endpoints.ListParams{}), nil},
		{"page size", list(endpoints.ListParams{PageSize: 1}), nil},
		{"negative page size", list(endpoints.ListParams{PageSize: -1}), fault("PageSize", "is negative")},
	}
	add := func(name string, does call, want faultList) { tests = append(tests, test{name, does, want}) }

	for bad, reason := range map[string]string{"": "is empty", ".": "is a dot segment", "..": "is a dot segment", "\xff": "is not valid UTF-8"} {
		for _, op := range operations {
			if op.name != "All" && op.name != "Create" && op.name != "EventTypes" {
				add(op.name+" of an id that "+reason, op.call(bad), fault("id", reason))
			}
		}
	}

	for u, reasons := range map[string][]string{
		hook: nil, hook + "?token=x": nil, "https://example.com": nil, "https://example.com:8443/": nil, "HTTPS://[2001:db8::1]/x": nil,
		"https://example.com/caf%C3%A9": nil, "https://münchen.example/": nil,
		"":                                      {"is empty"},
		"http://example.com/":                   {"is not of https"},
		"ftp://example.com/":                    {"is not of https"},
		"//example.com/":                        {"is not of https"},
		"/hooks":                                {"is not of https", "has no host"},
		"example.com/hooks":                     {"is not of https", "has no host"},
		"mailto:ada@example.com":                {"is not of https", "has no host"},
		"https:":                                {"has no host"},
		"https:///hooks":                        {"has no host"},
		"https://:443/hooks":                    {"has no host"},
		"https:example.com":                     {"has no host"},
		"https://ada@example.com/":              {"has credentials"},
		"https://@example.com/":                 {"has credentials"},
		hook + "#x":                             {"has a fragment"},
		hook + "#":                              {"has a fragment"},
		"http://ada:canary@/#x":                 {"is not of https", "has no host", "has credentials", "has a fragment"},
		" " + hook:                              {"is not a URL"},
		hook + "\n":                             {"is not a URL"},
		"https://example.com/a b":               {"is not a URL"},
		"https://example.com/%zz":               {"is not a URL"},
		"https://example.com/\xff":              {"is not a URL"},
		"https://example.com:port/":             {"is not a URL"},
		"https://exam ple.com/":                 {"is not a URL"},
		"https://example.com/" + "\u00a0" + "x": {"is not a URL"},
	} {
		add("create "+u, create(endpoints.NewEndpoint{URL: u}), fault("URL", reasons...))
		add("update "+u, update(id, endpoints.Update{URL: ada.Set(u)}), fault("URL", reasons...))
	}

	for name, tt := range map[string]struct {
		filters []string
		want    faultList
	}{
		"none":        {nil, nil},
		"empty list":  {[]string{}, nil},
		"one":         {[]string{"v1.end_user.created"}, nil},
		"empty names": {[]string{"", "a", ""}, append(fault("EventFilters[0]", "is empty"), fault("EventFilters[2]", "is empty")...)},
		"bytes":       {[]string{"a", "\xff"}, fault("EventFilters[1]", "is not valid UTF-8")},
	} {
		add("create, filters: "+name, create(endpoints.NewEndpoint{URL: hook, EventFilters: tt.filters}), tt.want)
		add("update, filters: "+name, update(id, endpoints.Update{EventFilters: ada.Set(tt.filters)}), tt.want)
	}

	add("create, everything at once", create(endpoints.NewEndpoint{Description: "\xff", EventFilters: []string{""}}), slices.Concat(
		fault("URL", "is empty"), fault("Description", "is not valid UTF-8"), fault("EventFilters[0]", "is empty")))
	add("update, everything at once", update("", endpoints.Update{
		URL: ada.Set("x"), Description: ada.Set("\xff"), EventFilters: ada.Set([]string{""}), Enabled: ada.Null[bool](),
	}), slices.Concat(
		fault("id", "is empty"), fault("URL", "is not of https", "has no host"), fault("Description", "is not valid UTF-8"),
		fault("EventFilters[0]", "is empty"), fault("Enabled", "is null")))
	add("update, nulls", update(id, endpoints.Update{
		URL: ada.Null[string](), Description: ada.Null[string](), EventFilters: ada.Null[[]string](), Enabled: ada.Null[bool](),
	}), slices.Concat(fault("URL", "is null"), fault("Description", "is null"), fault("EventFilters", "is null"), fault("Enabled", "is null")))

	const notBase64 = "is not base64 after whsec_"
	for k, reason := range map[ada.Secret]string{
		key(24): "", key(25): "", key(26): "", key(64): "",
		key(23):                            "has 23 bytes, not 24 to 64",
		key(65):                            "has 65 bytes, not 24 to 64",
		"whsec_":                           "has 0 bytes, not 24 to 64",
		key(24)[len("whsec_"):]:            "does not begin with whsec_",
		"whpk_" + key(24)[len("whsec_"):]:  "does not begin with whsec_",
		"WHSEC_" + key(24)[len("whsec_"):]: "does not begin with whsec_",
		" " + key(24):                      "does not begin with whsec_",
		"whsec_" + key(24):                 notBase64,
		key(24) + "\n":                     notBase64,
		key(24)[:20] + "\n" + key(24)[20:]: notBase64,
		key(25)[:len(key(25))-1]:           notBase64, // without all of its padding
		"whsec_" + ada.Secret(strings.Repeat("-_", 16)):         notBase64, // of another alphabet
		"whsec_" + ada.Secret(strings.Repeat("A", 32)) + "AB==": notBase64, // with bits beyond the end
	} {
		var want faultList
		if reason != "" {
			want = fault("key", reason)
		}
		add("rotate to a key that "+reason, rotate(id, k), want)
	}
	add("rotate, everything at once", rotate("", "x"), append(fault("id", "is empty"), fault("key", "does not begin with whsec_")...))

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hooks, n := answering(t, `{"id":"x","data":[]}`)
			err := tt.call(t.Context(), hooks)
			if tt.want == nil {
				if err != nil || len(n.Requests()) != 1 {
					t.Errorf("%d requests, %v", len(n.Requests()), err)
				}
				return
			}
			var e *ada.Error
			if !errors.As(err, &e) || !errors.Is(err, ada.ErrInvalid) || e.Attempts != 0 {
				t.Fatalf("got %v, want an *ada.Error that matches ErrInvalid, of a call that was not sent", err)
			}
			if diff := cmp.Diff(tt.want, e.Faults); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if n.Dials() != 0 {
				t.Errorf("%d connections were made", n.Dials())
			}
		})
	}
}

func TestAll(t *testing.T) {
	for _, count := range []int{0, 1, 2, 3, 20, 21} {
		for _, size := range []int{0, 1, 2, 100} {
			t.Run(fmt.Sprintf("%d by %d", count, size), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := adatest.NewServer(t)
					var want []string
					for range count {
						want = append(want, srv.AddWebhook(adatest.Webhook{URL: hook}))
					}
					all := endpoints.New(srv.Client()).All(t.Context(), endpoints.ListParams{PageSize: size})
					for range 2 { // ranging again starts over
						var got []string
						for e, err := range all {
							if err != nil {
								t.Fatal(err)
							}
							got = append(got, e.ID)
						}
						if diff := cmp.Diff(want, got); diff != "" {
							t.Errorf("(-want +got)\n%s", diff)
						}
					}
					page := size
					if size == 0 {
						page = 20 // the fake's
					}
					if n, want := len(srv.Calls()), 2*max(1, (count+page-1)/page); n != want {
						t.Errorf("%d requests, want %d", n, want)
					}
				})
			})
		}
	}
}

// Leaving the loop makes no further request and leaves nothing behind.
func TestAllLeftEarly(t *testing.T) {
	for stop := range 5 {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t)
			for range 5 {
				srv.AddWebhook(adatest.Webhook{URL: hook})
			}
			seen := 0
			for _, err := range endpoints.New(srv.Client()).All(t.Context(), endpoints.ListParams{PageSize: 2}) {
				if err != nil {
					t.Fatal(err)
				}
				if seen == stop {
					break
				}
				seen++
			}
			if n, want := len(srv.Calls()), stop/2+1; n != want {
				t.Errorf("%d requests for %d endpoints, want %d", n, stop+1, want)
			}
		})
	}
}

func TestAllThatFails(t *testing.T) {
	page := func(id, next string) string {
		return fmt.Sprintf(`{"data":[{"id":%q}],"meta":{"next_page_url":%q}}`, id, next)
	}
	first := page("1", "https://acme.ada.support/api/v2/webhooks/?cursor=2")
	const (
		where = "endpoints.All: GET /api/v2/webhooks/: 200 OK: the answer is not usable: "
		link  = where + "next_page_url "
	)
	for _, tt := range []struct {
		name  string
		pages []string
		ids   []string
		err   string // "": the list ends well
	}{
		{"one page", []string{`{"data":[{"id":"1"}],"meta":{"next_page_url":null}}`}, []string{"1"}, ""},
		{"no meta", []string{`{"data":[{"id":"1"}]}`}, []string{"1"}, ""},
		{"two pages", []string{first, `{"data":[{"id":"2"}],"meta":{}}`}, []string{"1", "2"}, ""},
		{"an empty page with a link goes on", []string{first, `{"data":[],"meta":{"next_page_url":"?cursor=3"}}`, `{"data":[{"id":"3"}]}`}, []string{"1", "3"}, ""},
		{"no data", []string{first, `{"meta":{}}`}, []string{"1"}, where + "data is missing"},
		{"one endpoint", []string{answer}, nil, where + "data is missing"},
		{"an endpoint without an id", []string{`{"data":[{"id":"1"},{}]}`}, nil, where + "data[1].id is missing"},
		{"an endpoint of another type", []string{`{"data":[{"id":"1"},7]}`}, nil, where + "data[1] has another type"},
		{"a link of another type", []string{`{"data":[],"meta":{"next_page_url":7}}`}, nil, where + "meta.next_page_url has another type"},
		{"a link to itself", []string{page("1", "?cursor=2"), page("2", "?cursor=2")}, []string{"1", "2"}, link + "leads to the same page"},
		{"a circle", []string{page("1", "?cursor=2"), page("2", "?cursor=3"), page("3", "?cursor=2")}, []string{"1", "2", "3"}, link + "leads back to an earlier page"},
		{"a link elsewhere", []string{page("1", "https://evil.example/api/v2/webhooks/?cursor=2")}, []string{"1"}, link + "leaves the origin"},
		{"a link to another path", []string{page("1", "/api/v2/webhooks/event-types/?cursor=2")}, []string{"1"}, link + "leaves the path"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hooks, n := answering(t, tt.pages...)
			var got []string
			var last error
			for e, err := range hooks.All(t.Context(), endpoints.ListParams{}) {
				if last != nil || err != nil && e != nil {
					t.Fatalf("after %v came %v, %v", last, e, err)
				}
				if last = err; err == nil {
					got = append(got, e.ID)
				}
			}
			if diff := cmp.Diff(tt.ids, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if tt.err == "" && last != nil || tt.err != "" && (!errors.Is(last, ada.ErrAnswer) || last.Error() != tt.err) {
				t.Errorf("got  %v\nwant %s", last, tt.err)
			}
			if len(n.Requests()) != len(tt.pages) {
				t.Errorf("%d requests, want %d", len(n.Requests()), len(tt.pages))
			}
		})
	}
}

// A page that breaks is fetched again, and nothing of the broken copy is handed out.
func TestAllWithBrokenPages(t *testing.T) {
	for _, failure := range []adatest.Failure{{Drop: true}, {Truncate: true}, {Status: 502}, {Status: 200, Body: "<html>"}, {Status: 429}, {Delay: time.Minute}} {
		for at := range 3 {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t)
				var want, got []string
				for range 6 {
					want = append(want, srv.AddWebhook(adatest.Webhook{URL: hook}))
				}
				for e, err := range endpoints.New(srv.Client()).All(t.Context(), endpoints.ListParams{PageSize: 2}) {
					if err != nil {
						t.Fatalf("%+v at %d: %v", failure, at, err)
					}
					if len(got) == 2*at {
						srv.Fail("endpoints.All", failure)
					}
					got = append(got, e.ID)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%+v at %d (-want +got)\n%s", failure, at, diff)
				}
			})
		}
	}
}

// Deleting what the loop comes to skips nothing.
func TestDeleteAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		for range 5 {
			srv.AddWebhook(adatest.Webhook{URL: hook})
		}
		hooks := endpoints.New(srv.Client())
		for e, err := range hooks.All(t.Context(), endpoints.ListParams{PageSize: 2}) {
			if err != nil {
				t.Fatal(err)
			}
			if err := hooks.Delete(t.Context(), e.ID); err != nil {
				t.Error(err)
			}
		}
		if left := srv.Webhooks(); len(left) != 0 {
			t.Errorf("%d are left", len(left))
		}
	})
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, op := range operations {
		srv := adatest.NewServer(t)
		if err := op.call(id)(ctx, endpoints.New(srv.Client())); !errors.Is(err, context.Canceled) || len(srv.Calls()) != 0 {
			t.Errorf("%s: %d requests, %v", op.name, len(srv.Calls()), err)
		}
	}
}

// All operations take their slots from Ada's default limit, together.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		config := srv.Config()
		paces := map[ada.Pace]bool{}
		config.HTTP.Limiter = func(p ada.Pace) ada.Limiter {
			paces[p] = true
			return ada.NewLimiter(p)
		}
		client, err := ada.NewClient(config)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for range 3 {
			for _, op := range operations {
				_ = op.call(id)(t.Context(), endpoints.New(client))
			}
		}
		if diff := cmp.Diff(map[ada.Pace]bool{{Family: "default", PerSecond: 10, PerMinute: 100, PerDay: 10_000}: true}, paces); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if took := time.Since(start); took < 2*time.Second || len(srv.Calls()) != 27 {
			t.Errorf("%d requests in %v", len(srv.Calls()), took)
		}
	})
}

// Neither a URL nor a secret prints, by value or by pointer, in an error or in the log.
func TestNothingPrints(t *testing.T) {
	const token = "canary-token"
	var log bytes.Buffer
	srv := adatest.NewServer(t)
	config := srv.Config()
	config.HTTP.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := ada.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	hooks := endpoints.New(client)
	newEndpoint := endpoints.NewEndpoint{URL: hook + "?token=" + token, Description: token}
	change := endpoints.Update{URL: ada.Set(hook + "?token=" + token), Description: ada.Set(token)}
	made, err := hooks.Create(t.Context(), newEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	if made.URL != newEndpoint.URL || !bytes.Contains(made.Raw, []byte(token)) {
		t.Error("there is nothing to print")
	}
	custom := key(32)
	if err := hooks.RotateSecret(t.Context(), made.ID, custom); err != nil {
		t.Fatal(err)
	}
	secret, err := hooks.Secret(t.Context(), made.ID)
	if err != nil || string(secret) != string(custom) {
		t.Fatalf("the secret is another, %v", err)
	}
	_, badURL := hooks.Create(t.Context(), endpoints.NewEndpoint{URL: "http://" + token + "@example.com/" + token + "#" + token, EventFilters: []string{token + "\xff"}})
	badKey := hooks.RotateSecret(t.Context(), made.ID, "whsec_"+token)
	srv.Fail("endpoints.Secret", adatest.Failure{Status: 200, Body: `{"secret":"` + token + `"}`})
	_, badAnswer := hooks.Secret(t.Context(), made.ID)
	if badURL == nil || badKey == nil || badAnswer == nil {
		t.Fatal("bad parameters were taken, or a bad answer")
	}

	shown := map[string]string{"the log": log.String()}
	for _, v := range []any{made, *made, newEndpoint, &newEndpoint, change, &change, secret, &secret, badURL, badKey, badAnswer} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			shown[fmt.Sprintf("%s of %T", verb, v)] = fmt.Sprintf(verb, v)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		shown[fmt.Sprintf("json of %T", v)] = string(b)
		var line bytes.Buffer
		slog.New(slog.NewJSONHandler(&line, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&line, nil)).Info("x", "v", v)
		shown[fmt.Sprintf("slog of %T", v)] = line.String()
	}
	for how, s := range shown {
		for _, canary := range []string{token, string(custom)[len("whsec_"):], "example.com"} {
			if strings.Contains(s, canary) || strings.Contains(s, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s shows %s: %s", how, canary, s)
			}
		}
	}
	if log.Len() == 0 {
		t.Error("nothing was logged")
	}
	if got, want := fmt.Sprint(made), "endpoints.Endpoint("+made.ID+")"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Every exported field of NewEndpoint and of Update reaches Ada.
func TestNoFieldIsForgotten(t *testing.T) {
	srv := adatest.NewServer(t)
	hooks := endpoints.New(srv.Client())
	made, err := hooks.Create(t.Context(), endpoints.NewEndpoint{URL: hook, Description: "a", EventFilters: []string{"b"}, Disabled: true})
	if err != nil {
		t.Fatal(err)
	}
	held := srv.Webhooks()[0]
	if held.URL != hook || held.Description != "a" || !slices.Equal(held.EventFilters, []string{"b"}) || !held.Disabled || made.Enabled {
		t.Errorf("created %+v", held)
	}
	changed, err := hooks.Update(t.Context(), made.ID, endpoints.Update{
		URL: ada.Set(hook + "/2"), Description: ada.Set("c"), EventFilters: ada.Set([]string{"d", "e"}), Enabled: ada.Set(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := endpoints.Endpoint{
		ID: made.ID, URL: hook + "/2", Description: "c", EventFilters: []string{"d", "e"}, Enabled: true,
		CreatedAt: made.CreatedAt, UpdatedAt: changed.UpdatedAt, Raw: changed.Raw,
	}
	if diff := cmp.Diff(want, *changed); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
