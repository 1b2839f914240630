package contract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/endusers"
)

const (
	collection = "/api/v2/end-users/"
	unknownID  = "65a17e3f43bec88effffffff"
	maxBody    = 10 << 20 // of what Ada takes
)

func TestOwnDocumentIsValid(t *testing.T) {
	if err := load(t, ownFile).Validate(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestExchanges has every operation of the SDK sent and every documented answer of the fake given.
func TestExchanges(t *testing.T) {
	for name, document := range documents {
		t.Run(name, func(t *testing.T) {
			doc := document(t)
			j := newJudge(t, doc, func(violation string) { t.Error(violation) })
			t.Run("success", func(t *testing.T) { succeed(t, j) })
			t.Run("invalid", func(t *testing.T) { sendInvalid(t, j) })
			t.Run("failure", func(t *testing.T) { fail(t, j) })
			if diff := cmp.Diff(answers(doc), slices.Sorted(maps.Keys(j.seen))); diff != "" {
				t.Errorf("answers documented (-) and given (+):\n%s", diff)
			}
		})
	}
}

// answers lists what a document says can be answered, as the judge writes down what it sees.
func answers(doc *openapi3.T) (all []string) {
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status := range op.Responses.Map() {
				all = append(all, method+" "+path+" "+status)
			}
		}
	}
	slices.Sort(all)
	return all
}

// sdk returns a client of the fake that never repeats a call, with the judge in between.
func sdk(t *testing.T, srv *adatest.Server, j judge, changes ...func(*ada.Config)) *endusers.Client {
	t.Helper()
	config := srv.Config()
	config.HTTP.Client.Transport = j.on(config.HTTP.Client.Transport)
	config.HTTP.Retry.MaxAttempts = 1
	for _, change := range changes {
		change(&config)
	}
	client, err := ada.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return endusers.New(client)
}

func succeed(t *testing.T, j judge) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	users := sdk(t, srv, j)
	ctx := t.Context()

	everything := endusers.NewUser{
		ExternalID: "crm-42",
		Profile: endusers.Profile{
			FirstName:   "Ada",
			LastName:    "Lovelace",
			DisplayName: "Countess",
			AvatarURL:   "https://example.com/ada.png",
			Email:       "ada@example.com",
			Language:    "pt-BR",
			Metadata:    map[string]any{"plan": "pro", "seats": 12, "trial": false},
		},
		Sensitive: endusers.Sensitive{"token": "secret", "pin": 1815, "verified": true, "gone": nil},
	}
	for _, step := range []struct {
		name    string
		make    func(context.Context, endusers.NewUser, ...ada.CallOption) (*endusers.User, bool, error)
		user    endusers.NewUser
		created bool
	}{
		{"Create with everything", users.Create, everything, true},
		{"Create with a taken external id", users.Create, everything, false},
		{"Create with an external id alone", users.Create, endusers.NewUser{ExternalID: "crm-43"}, true},
		{"Create blank", users.Create, endusers.NewUser{}, true},
		{"Upsert of a new one", users.Upsert, endusers.NewUser{ExternalID: "crm-44", Profile: everything.Profile}, true},
		{"Upsert of one that exists", users.Upsert, everything, false},
		{"Upsert without changes", users.Upsert, endusers.NewUser{ExternalID: "crm-42"}, false},
	} {
		if _, created, err := step.make(ctx, step.user); err != nil || created != step.created {
			t.Errorf("%s: created %t, error %v", step.name, created, err)
		}
	}
	if n := len(srv.Calls("endusers.Update")); n != 1 {
		t.Errorf("Upsert updated %d times, want 1", n)
	}

	user, err := users.GetByExternalID(ctx, "crm-42")
	if err != nil {
		t.Fatalf("GetByExternalID: %v", err)
	}
	for name, update := range map[string]endusers.Update{
		"empty": {},
		"values": {
			ExternalID:  ada.Set("crm-45"),
			FirstName:   ada.Set("Augusta"),
			LastName:    ada.Set("King"),
			DisplayName: ada.Set(""),
			AvatarURL:   ada.Set("https://example.com/augusta.png"),
			Email:       ada.Set("augusta@example.com"),
			Language:    ada.Set("en"),
			Metadata:    ada.Set(map[string]any{"plan": "basic", "seats": int8(-1), "trial": true}),
			Sensitive:   ada.Set(endusers.Sensitive{"token": "other", "pin": uint(7), "verified": false}),
		},
		"nulls": {
			ExternalID:  ada.Null[string](),
			FirstName:   ada.Null[string](),
			LastName:    ada.Null[string](),
			DisplayName: ada.Null[string](),
			AvatarURL:   ada.Null[string](),
			Email:       ada.Null[string](),
			Language:    ada.Null[string](),
			Metadata:    ada.Null[map[string]any](),
			Sensitive:   ada.Null[endusers.Sensitive](),
		},
		"no metadata":         {Metadata: ada.Set(map[string]any{}), Sensitive: ada.Set(endusers.Sensitive{})},
		"sensitive nil value": {Sensitive: ada.Set(endusers.Sensitive{"token": nil})},
	} {
		if _, err := users.Update(ctx, user.ID, update); err != nil {
			t.Errorf("Update, %s: %v", name, err)
		}
		if _, err := users.Get(ctx, user.ID); err != nil {
			t.Errorf("Get after an update, %s: %v", name, err)
		}
	}

	from := srv.AddEndUser(adatest.EndUser{InConversation: true})
	sunshine := map[string]any{"sunshine_user_id": "abc"}
	for range 4 {
		srv.AddEndUser(adatest.EndUser{Profile: map[string]any{"system_properties": sunshine}})
	}
	for _, list := range []struct {
		params       endusers.ListParams
		pages, users int
	}{
		{endusers.ListParams{}, 1, 9},
		{endusers.ListParams{PageSize: 2}, 5, 9},
		{endusers.ListParams{PageSize: 2, Start: from}, 3, 5},
		{endusers.ListParams{PageSize: 100, Start: from}, 1, 5},
	} {
		before, n := len(srv.Calls("endusers.All")), 0
		for _, err := range users.All(ctx, list.params) {
			if err != nil {
				t.Fatalf("All(%+v): %v", list.params, err)
			}
			n++
		}
		if pages := len(srv.Calls("endusers.All")) - before; pages != list.pages || n != list.users {
			t.Errorf("All(%+v): %d users on %d pages, want %d on %d", list.params, n, pages, list.users, list.pages)
		}
	}
}

// sendInvalid sends what the SDK refuses to send, past it.
func sendInvalid(t *testing.T, j judge) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	id := srv.AddEndUser(adatest.EndUser{})
	keys := make([]string, 21)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"k%d":1`, i)
	}
	for _, r := range []struct{ method, path, body string }{
		{http.MethodGet, collection + "?limit=0", ""},
		{http.MethodGet, collection + "?limit=abc", ""},
		{http.MethodGet, collection + "?cursor=unknown", ""},
		{http.MethodGet, collection + "?external_id=", ""},
		{http.MethodGet, collection + "?external_id=crm-42&limit=2", ""},
		{http.MethodPost, collection, `{`},
		{http.MethodPost, collection, `[]`},
		{http.MethodPost, collection, `{"external_id":5}`},
		{http.MethodPost, collection, `{"external_id":"<b>"}`},
		{http.MethodPost, collection, `{"external_id":"` + strings.Repeat("x", 37) + `"}`},
		{http.MethodPost, collection, `{"profile":[]}`},
		{http.MethodPost, collection, `{"profile":{"first_name":5,"language":"Portuguese"}}`},
		{http.MethodPost, collection, `{"profile":{"metadata":{"list":[]}}}`},
		{http.MethodPost, collection, `{"profile":{"metadata":{"long":"` + strings.Repeat("x", 10<<10) + `"}}}`},
		{http.MethodPost, collection, `{"profile":{"sensitive_metadata":{}}}`},
		{http.MethodPost, collection, `{"profile":{"sensitive_metadata":{"fields":{"a b":1,"c":""}}}}`},
		{http.MethodPost, collection, `{"profile":{"sensitive_metadata":{"fields":{` + strings.Join(keys, ",") + `}}}}`},
		{http.MethodPost, collection, `{"profile":{"metadata":{"k":1},"sensitive_metadata":{"fields":{"k":1}}}}`},
		{http.MethodPatch, collection + id, `{}`},
		{http.MethodPatch, collection + id, `{"profile":{"email":false}}`},
	} {
		transport := j.forgiving().on(srv.Config().HTTP.Client.Transport)
		if status := send(t, transport, r.method, r.path, r.body, nil); status != http.StatusBadRequest {
			t.Errorf("%s %s %.100s: answer %d, want 400", r.method, r.path, r.body, status)
		}
	}
}

// send sends a request that the SDK would not. It has the key and, with a body, the media type of JSON; header replaces
// these, and an empty value leaves one out.
func send(t *testing.T, transport http.RoundTripper, method, path, body string, header map[string]string) (status int) {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, origin+path, content)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+string(adatest.APIKey))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		if req.Header.Del(k); v != "" {
			req.Header.Set(k, v)
		}
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

// calls are the calls of the SDK that send one request each, by the names of their operations.
var calls = map[string]func(ctx context.Context, users *endusers.Client, id string) error{
	"endusers.Get": func(ctx context.Context, users *endusers.Client, id string) error {
		_, err := users.Get(ctx, id)
		return err
	},
	"endusers.GetByExternalID": func(ctx context.Context, users *endusers.Client, _ string) error {
		_, err := users.GetByExternalID(ctx, "unknown")
		return err
	},
	"endusers.Create": func(ctx context.Context, users *endusers.Client, _ string) error {
		_, _, err := users.Create(ctx, endusers.NewUser{})
		return err
	},
	"endusers.Update": func(ctx context.Context, users *endusers.Client, id string) error {
		_, err := users.Update(ctx, id, endusers.Update{FirstName: ada.Set("Ada")})
		return err
	},
	"endusers.All": func(ctx context.Context, users *endusers.Client, _ string) error {
		for _, err := range users.All(ctx, endusers.ListParams{}) {
			return err
		}
		return nil
	},
}

// fail has the SDK's calls fail.
func fail(t *testing.T, j judge) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	users := sdk(t, srv, j)
	ctx := t.Context()
	id := srv.AddEndUser(adatest.EndUser{})
	srv.AddEndUser(adatest.EndUser{ExternalID: "taken"})
	expect := func(what string, got, want error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}

	stranger := sdk(t, srv, j, func(c *ada.Config) { c.APIKey = "another-key" })
	for operation, call := range calls {
		expect(operation, call(ctx, stranger, id), ada.ErrUnauthorized)
	}

	for operation, call := range calls {
		srv.Fail(operation, adatest.Failure{Status: http.StatusInternalServerError})
		expect(operation, call(ctx, users, id), ada.ErrServer)
	}

	tight := adatest.NewServer(t, adatest.RateLimit(1, 1))
	hasty := sdk(t, tight, j, func(c *ada.Config) { c.HTTP.Limiter = ada.Unpaced })
	if err := calls["endusers.Create"](ctx, hasty, ""); err != nil {
		t.Errorf("the one request within the limit: %v", err)
	}
	for operation, call := range calls {
		expect(operation, call(ctx, hasty, id), ada.ErrRateLimited)
	}

	for _, operation := range []string{"endusers.Get", "endusers.GetByExternalID", "endusers.Update"} {
		expect(operation, calls[operation](ctx, users, unknownID), ada.ErrNotFound)
	}
	expect("an id to escape", calls["endusers.Get"](ctx, users, "a/b c?d"), ada.ErrNotFound)

	_, err := users.Update(ctx, id, endusers.Update{ExternalID: ada.Set("TAKEN")})
	expect("a taken external id", err, ada.ErrConflict)

	srv.Fail("endusers.Get", adatest.Failure{Status: http.StatusBadRequest}) // the fake has no invalid ids
	expect("endusers.Get", calls["endusers.Get"](ctx, users, id), ada.ErrInvalid)

	generous := sdk(t, srv, j, func(c *ada.Config) { c.HTTP.MaxPayload = 2 * maxBody })
	long := strings.Repeat("x", maxBody)
	_, _, err = generous.Create(ctx, endusers.NewUser{Profile: endusers.Profile{DisplayName: long}})
	expect("endusers.Create of a long body", err, ada.ErrTooLarge)
	_, err = generous.Update(ctx, id, endusers.Update{DisplayName: ada.Set(long)})
	expect("endusers.Update of a long body", err, ada.ErrTooLarge)
}

// TestDocumentsAgree compares what our document and Ada's have in common to say.
func TestDocumentsAgree(t *testing.T) {
	if diff := cmp.Diff(outline(published(t)), outline(own(t))); diff != "" {
		t.Errorf("Ada's document (-) and ours (+):\n%s", diff)
	}
}

// operation is what two documents should say alike of an operation.
type operation struct {
	Parameters []string
	Body       []string            // the paths of its properties
	Answers    map[string][]string // the same of each status
}

func outline(doc *openapi3.T) map[string]operation {
	all := map[string]operation{}
	prefix := strings.TrimPrefix(doc.Servers[0].URL, origin)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := operation{Answers: map[string][]string{}}
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				name, in, required := p.Value.Name, p.Value.In, p.Value.Required
				o.Parameters = append(o.Parameters, fmt.Sprintf("%s in %s, required: %t", name, in, required))
			}
			slices.Sort(o.Parameters)
			if op.RequestBody != nil {
				o.Body = properties(op.RequestBody.Value.Content)
			}
			for status, answer := range op.Responses.Map() {
				o.Answers[status] = properties(answer.Value.Content)
			}
			all[method+" "+prefix+path] = o
		}
	}
	return all
}

// properties lists the properties that JSON can have, at all depths, such as "profile.email".
func properties(content openapi3.Content) []string {
	found := map[string]bool{}
	var walk func(prefix string, ref *openapi3.SchemaRef)
	walk = func(prefix string, ref *openapi3.SchemaRef) {
		if ref == nil {
			return
		}
		for name, property := range ref.Value.Properties {
			found[prefix+name] = true
			walk(prefix+name+".", property)
		}
		walk(prefix, ref.Value.Items)
		for _, part := range slices.Concat(ref.Value.OneOf, ref.Value.AnyOf, ref.Value.AllOf) {
			walk(prefix, part)
		}
	}
	walk("", content["application/json"].Schema)
	return slices.Sorted(maps.Keys(found))
}

// TestJudge makes sure that the judge finds what is wrong, and names it.
func TestJudge(t *testing.T) {
	answer := func(status int, body string) *adatest.Failure {
		return &adatest.Failure{Status: status, Body: body, Header: http.Header{"Content-Type": {"application/json"}}}
	}
	tests := []struct {
		name, method, path, body string
		header                   map[string]string
		answer                   *adatest.Failure // in place of what the fake would answer to a GET
		want                     string           // in each violation; empty: there is none
	}{
		{"end user", "GET", "1", "", nil, answer(200, `{"end_user_id":"1","external_id":null}`), ""},
		{"page", "GET", "", "", nil, answer(200, `{"data":[{"end_user_id":"1"}],"meta":{}}`), ""},

		{"unknown path", "GET", "1/2", "", nil, nil, "GET /api/v2/end-users/1/2: "},
		{"unknown method", "DELETE", "1", "", nil, nil, "DELETE /api/v2/end-users/1: "},
		{"parameter of another type", "GET", "?limit=abc", "", nil, nil, `request: parameter "limit"`},
		{"unknown parameter", "GET", "?page_size=2", "", nil, nil, `request: parameter "page_size"`},
		{"no key", "GET", "", "", map[string]string{"Authorization": ""}, nil, "request: security"},
		{"key without Bearer", "GET", "", "", map[string]string{"Authorization": "key"}, nil, "request: security"},
		{"body of a GET", "GET", "", `{}`, nil, nil, "request: request body not allowed"},
		{"body of another media type", "POST", "", `{}`, map[string]string{"Content-Type": "text/plain"}, nil, "request: request body"},
		{"body of another type", "POST", "", `[]`, nil, nil, "request: request body"},
		{"body with a property of another type", "POST", "", `{"profile":{"first_name":5}}`, nil, nil, "/profile/first_name"},
		{"body with an unknown property", "POST", "", `{"profile":{"firstName":"Ada"}}`, nil, nil, `"firstName"`},
		{"body without a required property", "PATCH", "1", `{}`, nil, nil, `"profile" is missing`},
		{"sensitive list", "POST", "", `{"profile":{"sensitive_metadata":{"fields":{"k":[]}}}}`, nil, nil, "request: request body"},

		{"unknown status", "GET", "1", "", nil, answer(418, `{"errors":[]}`), "answer 418: "},
		{"answer of another media type", "GET", "1", "", nil, &adatest.Failure{Status: 500, Body: "<html>"}, "answer 500: "},
		{"answer that is no JSON", "GET", "1", "", nil, answer(200, `{`), "answer 200: "},
		{"answer of another type", "GET", "1", "", nil, answer(200, `[]`), "answer 200: "},
		{"answer with a property of another type", "GET", "1", "", nil, answer(200, `{"end_user_id":1}`), "/end_user_id"},
		{"answer with an unknown property", "GET", "1", "", nil, answer(200, `{"end_user_id":"1","profile":{"firstName":null}}`), `"firstName"`},
		{"page with an unknown property", "GET", "", "", nil, answer(200, `{"data":[{"end_user_id":"1","externalId":"x"}]}`), "answer 200: "},
		{"page without an array", "GET", "", "", nil, answer(200, `{"data":{}}`), "answer 200: "},
		{"error of another type", "GET", "1", "", nil, answer(404, `{"errors":{"type":"not_found","message":""}}`), "answer 404: "},
	}
	for name, document := range documents {
		t.Run(name, func(t *testing.T) {
			doc := document(t)
			for _, test := range tests {
				srv := adatest.New()
				defer srv.Close()
				if test.answer != nil {
					srv.Fail("endusers.Get", *test.answer)
					srv.Fail("endusers.All", *test.answer)
				}
				var violations []string
				j := newJudge(t, doc, func(violation string) { violations = append(violations, violation) })
				send(t, j.on(srv.Config().HTTP.Client.Transport), test.method, collection+test.path, test.body, test.header)
				right := len(violations) == 0
				if test.want != "" {
					right = slices.ContainsFunc(violations, func(v string) bool { return strings.Contains(v, test.want) })
				}
				if !right {
					t.Errorf("%s: violations %q, want one with %q", test.name, violations, test.want)
				}
			}
		})
	}
}
