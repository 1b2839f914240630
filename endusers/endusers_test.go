package endusers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/internal/faults"
	"github.com/google/go-cmp/cmp"
)

const id = "5f7e0e2c1e7c7e000f0f9c3a"

var none ada.Opt[string]

// answering returns a client whose every request gets these answers, one after the other.
func answering(t *testing.T, bodies ...string) (*endusers.Client, *faults.Network) {
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
	return endusers.New(client), n
}

const answer = `{"end_user_id":"` + id + `"}`

// What each operation sends, to the byte.
func TestRequests(t *testing.T) {
	type call func(context.Context, *endusers.Client) error
	get := func(id string) call {
		return func(ctx context.Context, c *endusers.Client) error { _, err := c.Get(ctx, id); return err }
	}
	look := func(externalID string) call {
		return func(ctx context.Context, c *endusers.Client) error {
			_, err := c.GetByExternalID(ctx, externalID)
			return err
		}
	}
	create := func(u endusers.NewUser) call {
		return func(ctx context.Context, c *endusers.Client) error { _, _, err := c.Create(ctx, u); return err }
	}
	update := func(u endusers.Update) call {
		return func(ctx context.Context, c *endusers.Client) error { _, err := c.Update(ctx, id, u); return err }
	}
	type text string
	tests := []struct {
		name string
		call call
		want string
		body string
	}{
		{"get", get(id), "GET /api/v2/end-users/" + id, ""},
		{"get an odd id", get("a/b?c#d e%2e"), "GET /api/v2/end-users/a%2Fb%3Fc%23d%20e%252e", ""},
		{"look up", look("crm-42"), "GET /api/v2/end-users/?external_id=crm-42", ""},
		{"look up an odd id", look("+1 (416)&a=b/ü%"), "GET /api/v2/end-users/?external_id=%2B1+%28416%29%26a%3Db%2F%C3%BC%25", ""},
		{"create a blank one", create(endusers.NewUser{}), "POST /api/v2/end-users/", `{}`},
		{
			"create with an external id alone", create(endusers.NewUser{ExternalID: "crm-42"}),
			"POST /api/v2/end-users/", `{"external_id":"crm-42"}`,
		},
		{
			"create with everything",
			create(endusers.NewUser{
				ExternalID: "crm-42",
				Profile: endusers.Profile{
					FirstName: "Ada", LastName: "Lovelace", DisplayName: "Ada Lovelace", AvatarURL: "https://example.com/a.png",
					Email: "ada@example.com", Language: "pt-BR", Metadata: map[string]any{"plan": "pro", "seats": 3, "trial": false},
				},
				Sensitive: endusers.Sensitive{"token": ada.Secret("eyJ"), "pin": 7},
			}),
			"POST /api/v2/end-users/",
			`{"external_id":"crm-42","profile":{"avatar":"https://example.com/a.png","display_name":"Ada Lovelace","email":"ada@example.com",` +
				`"first_name":"Ada","language":"pt-BR","last_name":"Lovelace","metadata":{"plan":"pro","seats":3,"trial":false},` +
				`"sensitive_metadata":{"fields":{"pin":7,"token":"eyJ"}}}}`,
		},
		{"change nothing", update(endusers.Update{}), "PATCH /api/v2/end-users/" + id, `{"profile":{}}`},
		{
			"clear the external id", update(endusers.Update{ExternalID: ada.Null[string]()}),
			"PATCH /api/v2/end-users/" + id, `{"external_id":null,"profile":{}}`,
		},
		{
			"null, empty and value", update(endusers.Update{
				ExternalID: ada.Set("crm-43"), FirstName: ada.Set(""), LastName: ada.Null[string](), DisplayName: ada.Set("Ada"),
				AvatarURL: ada.Null[string](), Email: ada.Set("a@b.example"), Language: ada.Set("en"),
				Metadata: ada.Set(map[string]any{"a": text("b"), "n": uint8(1), "m": json.Number("-9223372036854775808")}),
			}),
			"PATCH /api/v2/end-users/" + id,
			`{"external_id":"crm-43","profile":{"avatar":null,"display_name":"Ada","email":"a@b.example","first_name":"","language":"en",` +
				`"last_name":null,"metadata":{"a":"b","m":-9223372036854775808,"n":1}}}`,
		},
		{
			"sensitive", update(endusers.Update{Sensitive: ada.Set(endusers.Sensitive{"token": "eyJ", "old": nil})}),
			"PATCH /api/v2/end-users/" + id, `{"profile":{"sensitive_metadata":{"fields":{"old":null,"token":"eyJ"}}}}`,
		},
		{
			"null maps", update(endusers.Update{Metadata: ada.Null[map[string]any](), Sensitive: ada.Null[endusers.Sensitive]()}),
			"PATCH /api/v2/end-users/" + id, `{"profile":{"metadata":null,"sensitive_metadata":null}}`,
		},
		{
			"nil maps are not null", update(endusers.Update{Metadata: ada.Set[map[string]any](nil), Sensitive: ada.Set[endusers.Sensitive](nil)}),
			"PATCH /api/v2/end-users/" + id, `{"profile":{"metadata":{},"sensitive_metadata":{"fields":{}}}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			users, n := answering(t, answer)
			if err := tt.call(t.Context(), users); err != nil {
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

func TestUser(t *testing.T) {
	const full = `{"end_user_id":"` + id + `","external_id":"crm-42","profile":{"first_name":"Ada","last_name":"Lovelace",
		"display_name":"Ada L","avatar":"https://example.com/a.png","email":"ada@example.com","language":"en-US","metadata":
		{"s":"x","b":true,"n":9007199254740993,"f":1.5,"big":12345678901234567890,"null":null,"o":{"a":1},"l":[1]},
		"system_properties":{"sunshine_user_id":"5f7e"},"new_field":1},"created_at":"2020-09-20T00:00:00+00:00",
		"updated_at":"2023-12-08T19:06:04.890000","new":{"a":"b"}}`
	tests := map[string]endusers.User{
		full: {
			ID: id, ExternalID: "crm-42", SunshineUserID: "5f7e",
			Profile: endusers.Profile{
				FirstName: "Ada", LastName: "Lovelace", DisplayName: "Ada L", AvatarURL: "https://example.com/a.png",
				Email: "ada@example.com", Language: "en-US",
				Metadata: map[string]any{
					"s": "x", "b": true, "n": int64(9007199254740993), "f": json.RawMessage("1.5"), "big": json.RawMessage("12345678901234567890"),
					"null": json.RawMessage("null"), "o": json.RawMessage(`{"a":1}`), "l": json.RawMessage("[1]"),
				},
			},
			CreatedAt: time.Date(2020, 9, 20, 0, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2023, 12, 8, 19, 6, 4, 890_000_000, time.UTC),
		},
		answer: {ID: id},
		`{"end_user_id":"` + id + `","external_id":null,"profile":null,"created_at":null,"updated_at":"soon"}`:             {ID: id},
		`{"end_user_id":"` + id + `","profile":{"first_name":null,"email":null,"metadata":null,"system_properties":null}}`: {ID: id},
		`{"end_user_id":"` + id + `","profile":{"metadata":{},"system_properties":{"sunshine_user_id":null}}}`:             {ID: id, Profile: endusers.Profile{Metadata: map[string]any{}}},
	}
	for body, want := range tests {
		users, _ := answering(t, body)
		want.Raw = json.RawMessage(body)
		got, err := users.Get(t.Context(), id)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", body, diff)
		}
		var again endusers.User
		if err := json.Unmarshal(got.Raw, &again); err != nil || !cmp.Equal(*got, again) {
			t.Errorf("%s does not come back from Raw: %v", body, err)
		}
	}
}

func TestUnusableAnswers(t *testing.T) {
	const where = "endusers.Get: GET /api/v2/end-users/{end_user_id}: 200 OK: the answer is not usable: "
	for body, want := range map[string]string{
		`{}`:                             where + "end_user_id is missing",
		`{"data":[{"end_user_id":"x"}]}`: where + "end_user_id is missing",
		`null`:                           where + "the body is null",
		`[]`:                             where + "the body has another type",
		`{"end_user_id":7}`:              where + "end_user_id has another type",
		`{"end_user_id":"x","profile":{"email":{}}}`: where + "profile.email has another type",
		`{"errors":[{"type":"t","message":"m"}]}`:    "endusers.Get: GET /api/v2/end-users/{end_user_id}: 200 OK: t: the answer is not usable: the body is an error envelope",
	} {
		users, n := answering(t, body)
		_, err := users.Get(t.Context(), id)
		if !errors.Is(err, ada.ErrAnswer) || err.Error() != want {
			t.Errorf("%s: got  %v\nwant %s", body, err, want)
		}
		if len(n.Requests()) != 1 {
			t.Errorf("%s: %d requests, want 1", body, len(n.Requests()))
		}
	}
}

// Every documented status of every operation ends in the error that it should, and is repeated as it should.
func TestStatuses(t *testing.T) {
	ops := map[string]struct {
		call     func(context.Context, *endusers.Client) error
		repeated bool
	}{
		"endusers.Get": {func(ctx context.Context, c *endusers.Client) error {
			_, err := c.Get(ctx, id)
			return err
		}, true},
		"endusers.GetByExternalID": {func(ctx context.Context, c *endusers.Client) error {
			_, err := c.GetByExternalID(ctx, "crm-42")
			return err
		}, true},
		"endusers.All": {func(ctx context.Context, c *endusers.Client) error {
			for user, err := range c.All(ctx, endusers.ListParams{}) {
				if user != nil {
					return fmt.Errorf("got a user beside %w", err)
				}
				return err
			}
			return errors.New("nothing came")
		}, true},
		"endusers.Create": {func(ctx context.Context, c *endusers.Client) error {
			user, created, err := c.Create(ctx, endusers.NewUser{})
			if user != nil || created {
				return fmt.Errorf("got a user beside %w", err)
			}
			return err
		}, false},
		"endusers.Update": {func(ctx context.Context, c *endusers.Client) error {
			_, err := c.Update(ctx, id, endusers.Update{})
			return err
		}, true},
	}
	statuses := map[int]error{
		400: ada.ErrInvalid, 401: ada.ErrUnauthorized, 403: ada.ErrForbidden, 404: ada.ErrNotFound, 409: ada.ErrConflict,
		413: ada.ErrTooLarge, 422: ada.ErrInvalid, 429: ada.ErrRateLimited, 500: ada.ErrServer, 503: ada.ErrServer,
	}
	for name, op := range ops {
		for status, want := range statuses {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := adatest.NewServer(t)
					srv.Fail(name, slices.Repeat([]adatest.Failure{{Status: status}}, 7)...)
					err := op.call(t.Context(), endusers.New(srv.Client()))
					var e *ada.Error
					if !errors.As(err, &e) || !errors.Is(err, want) || e.Operation != name || e.StatusCode != status {
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
					if n := len(srv.Calls(name)); n != attempts || errors.Is(err, ada.ErrOutcomeUnknown) != unknown {
						t.Errorf("%d requests, want %d: %v", n, attempts, err)
					}
				})
			})
		}
	}
}

// A create whose answer is lost is repeated with an external id, and makes one end user; without one it is not
// repeated, and says that it may have happened.
func TestCreateWhoseAnswerIsLost(t *testing.T) {
	for _, failure := range []adatest.Failure{
		{Effect: true, Drop: true},
		{Truncate: true},
		{Effect: true, Status: 504},
		{Effect: true, Status: 200, Body: "<html>"},
		{Delay: time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t)
			srv.Fail("endusers.Create", failure)
			user, created, err := endusers.New(srv.Client()).Create(t.Context(), endusers.NewUser{ExternalID: "crm-42"})
			if err != nil || created {
				t.Fatalf("%+v: created is %t, %v", failure, created, err)
			}
			if held, ok := srv.EndUser("crm-42"); !ok || held.ID != user.ID || len(srv.Calls()) != 2 {
				t.Errorf("%+v: %d requests, and Ada holds %v", failure, len(srv.Calls()), held)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t)
			srv.Fail("endusers.Create", failure)
			user, _, err := endusers.New(srv.Client()).Create(t.Context(), endusers.NewUser{})
			if !errors.Is(err, ada.ErrOutcomeUnknown) || user != nil || len(srv.Calls()) != 1 {
				t.Errorf("%+v: %d requests, %v", failure, len(srv.Calls()), err)
			}
		})
	}
}

// A caller who asks for the response gets it beside what the method itself needs.
func TestCreateWithResponse(t *testing.T) {
	srv := adatest.NewServer(t)
	users := endusers.New(srv.Client())
	for _, want := range []bool{true, false} {
		var resp ada.Response
		_, created, err := users.Upsert(t.Context(), endusers.NewUser{ExternalID: "crm-42"}, ada.WithResponse(&resp))
		if err != nil || created != want || resp.StatusCode == 0 {
			t.Errorf("created is %t, want %t, status %d, %v", created, want, resp.StatusCode, err)
		}
	}
}

func TestUpsert(t *testing.T) {
	newUser := endusers.NewUser{
		ExternalID: "crm-42",
		Profile:    endusers.Profile{FirstName: "Ada", Metadata: map[string]any{"plan": "pro"}},
		Sensitive:  endusers.Sensitive{"token": "eyJ"},
	}
	srv := adatest.NewServer(t)
	users := endusers.New(srv.Client())

	user, created, err := users.Upsert(t.Context(), newUser)
	if err != nil || !created || len(srv.Calls()) != 1 {
		t.Fatalf("created is %t after %d requests, %v", created, len(srv.Calls()), err)
	}
	if _, err := users.Update(t.Context(), user.ID, endusers.Update{FirstName: ada.Set("Grace"), Email: ada.Set("g@example.com")}); err != nil {
		t.Fatal(err)
	}
	user, created, err = users.Upsert(t.Context(), newUser)
	if err != nil || created || user.Profile.FirstName != "Ada" || user.Profile.Email != "g@example.com" {
		t.Fatalf("created is %t, the name is %s and the e-mail %s, %v", created, user.Profile.FirstName, user.Profile.Email, err)
	}
	calls := srv.Calls()
	if got := string(calls[len(calls)-1].Body); got != `{"profile":{"first_name":"Ada","metadata":{"plan":"pro"},"sensitive_metadata":{"fields":{"token":"eyJ"}}}}` {
		t.Errorf("the update was %s", got)
	}

	before := len(srv.Calls())
	if _, created, err := users.Upsert(t.Context(), endusers.NewUser{ExternalID: "CRM-42"}); err != nil || created || len(srv.Calls()) != before+1 {
		t.Errorf("nothing to apply took %d requests, created is %t, %v", len(srv.Calls())-before, created, err)
	}

	srv.Fail("endusers.Update", adatest.Failure{Status: 400})
	found, created, err := users.Upsert(t.Context(), newUser)
	if !errors.Is(err, ada.ErrInvalid) || created || found == nil || found.ID != user.ID {
		t.Errorf("got %v, %t, %v, want the end user as found, with the error", found, created, err)
	}
	srv.Fail("endusers.Create", adatest.Failure{Status: 400})
	if found, _, err := users.Upsert(t.Context(), newUser); !errors.Is(err, ada.ErrInvalid) || found != nil {
		t.Errorf("got %v, %v", found, err)
	}

	before = len(srv.Calls())
	_, _, err = users.Upsert(t.Context(), endusers.NewUser{Profile: endusers.Profile{Language: "x"}})
	wantFaults(t, err,
		ada.Fault{Field: "ExternalID", Reason: "is empty, but Upsert needs one"},
		ada.Fault{Field: "Profile.Language", Reason: "is not of the form xx or xx-XX"})
	if len(srv.Calls()) != before {
		t.Error("a request was sent")
	}
}

func wantFaults(t *testing.T, err error, want ...ada.Fault) {
	t.Helper()
	var e *ada.Error
	if !errors.As(err, &e) || !errors.Is(err, ada.ErrInvalid) || e.Attempts != 0 {
		t.Errorf("got %v, want an *ada.Error that matches ErrInvalid, of a call that was not sent", err)
		return
	}
	if diff := cmp.Diff(want, e.Faults); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func keys(n int) endusers.Sensitive {
	s := endusers.Sensitive{}
	for i := range n {
		s[fmt.Sprintf("k%02d", i)] = 1
	}
	return s
}

// Each rule at its limit and one past it. No fault means that the call is sent.
func TestParameters(t *testing.T) {
	chars := func(n int) string { return strings.Repeat("ü", n) }
	const notLanguage = "is not of the form xx or xx-XX"
	profile := func(p endusers.Profile) endusers.NewUser { return endusers.NewUser{Profile: p} }
	meta := func(v any) endusers.NewUser {
		return profile(endusers.Profile{Metadata: map[string]any{"k": v}})
	}
	sensitive := func(v any) endusers.NewUser { return endusers.NewUser{Sensitive: endusers.Sensitive{"k": v}} }
	type list = []ada.Fault
	fault := func(field, reason string) list { return list{{Field: field, Reason: reason}} }

	creates := []struct {
		name string
		user endusers.NewUser
		want list
	}{
		{"blank", endusers.NewUser{}, nil},
		{"external id of 36", endusers.NewUser{ExternalID: chars(36)}, nil},
		{"external id of 37", endusers.NewUser{ExternalID: chars(37)}, fault("ExternalID", "has 37 characters, at most 36")},
		{"external id with <", endusers.NewUser{ExternalID: "a<b"}, fault("ExternalID", "has a < or a >")},
		{"external id with >", endusers.NewUser{ExternalID: "a>b"}, fault("ExternalID", "has a < or a >")},
		{"external id of bytes", endusers.NewUser{ExternalID: "a\xff"}, fault("ExternalID", "is not valid UTF-8")},
		{"language", profile(endusers.Profile{Language: "en"}), nil},
		{"language and region", profile(endusers.Profile{Language: "pt-BR"}), nil},
		{"language in capitals", profile(endusers.Profile{Language: "EN"}), fault("Profile.Language", notLanguage)},
		{"region in small letters", profile(endusers.Profile{Language: "pt-br"}), fault("Profile.Language", notLanguage)},
		{"underscore", profile(endusers.Profile{Language: "pt_BR"}), fault("Profile.Language", notLanguage)},
		{"language of three letters", profile(endusers.Profile{Language: "eng"}), fault("Profile.Language", notLanguage)},
		{"language and a newline", profile(endusers.Profile{Language: "en\n"}), fault("Profile.Language", notLanguage)},
		{"name of bytes", profile(endusers.Profile{FirstName: "\xff"}), fault("Profile.FirstName", "is not valid UTF-8")},
		{"metadata string", meta("x"), nil},
		{"metadata empty string", meta(""), nil},
		{"metadata bool", meta(true), nil},
		{"metadata int", meta(1), nil},
		{"metadata uint64", meta(uint64(1)), nil},
		{"metadata json integer", meta(json.Number("1")), nil},
		{"metadata float", meta(1.0), fault(`Profile.Metadata["k"]`, "is a float64, not a string, bool or integer")},
		{"metadata json float", meta(json.Number("1.5")), fault(`Profile.Metadata["k"]`, "is a number but no integer")},
		{"metadata nil", meta(nil), fault(`Profile.Metadata["k"]`, "is nil, not a string, bool or integer")},
		{"metadata slice", meta([]string{"a"}), fault(`Profile.Metadata["k"]`, "is a []string, not a string, bool or integer")},
		{"metadata map", meta(map[string]any{}), fault(`Profile.Metadata["k"]`, "is a map[string]interface {}, not a string, bool or integer")},
		{"metadata struct", meta(time.Time{}), fault(`Profile.Metadata["k"]`, "is a time.Time, not a string, bool or integer")},
		{"metadata channel", meta(make(chan int)), fault(`Profile.Metadata["k"]`, "is a chan int, not a string, bool or integer")},
		{"metadata bytes", meta("\xff"), fault(`Profile.Metadata["k"]`, "is not valid UTF-8")},
		{"metadata key of bytes", profile(endusers.Profile{Metadata: map[string]any{"\xff": 1}}), fault("Profile.Metadata[…]", "has a key that is not valid UTF-8")},
		{"metadata key that may be personal", profile(endusers.Profile{Metadata: map[string]any{"a@b.example": 1.5}}), fault("Profile.Metadata[…]", "is a float64, not a string, bool or integer")},
		{"sensitive string", sensitive("x"), nil},
		{"sensitive empty string", sensitive(""), fault(`Sensitive["k"]`, "is empty")},
		{"sensitive secret", sensitive(ada.Secret("x")), nil},
		{"sensitive empty secret", sensitive(ada.Secret("")), fault(`Sensitive["k"]`, "is empty")},
		{"sensitive nil", sensitive(nil), nil},
		{"sensitive bool", sensitive(false), nil},
		{"sensitive int", sensitive(0), nil},
		{"sensitive float", sensitive(0.5), fault(`Sensitive["k"]`, "is a float64, not a string, bool or integer")},
		{"20 sensitive keys", endusers.NewUser{Sensitive: keys(20)}, nil},
		{"21 sensitive keys", endusers.NewUser{Sensitive: keys(21)}, fault("Sensitive", "has 21 keys, at most 20")},
		{"sensitive key", endusers.NewUser{Sensitive: endusers.Sensitive{"Az09_-": 1}}, nil},
		{"odd sensitive key", endusers.NewUser{Sensitive: endusers.Sensitive{"a b": 1}}, fault("Sensitive[…]", "has a key with other characters than letters, digits, _ and -")},
		{"empty sensitive key", endusers.NewUser{Sensitive: endusers.Sensitive{"": 1}}, fault("Sensitive[…]", "has a key with other characters than letters, digits, _ and -")},
		{"key in both", endusers.NewUser{
			Profile:   endusers.Profile{Metadata: map[string]any{"k": 1, "l": 1}},
			Sensitive: endusers.Sensitive{"k": 1, "m": 1},
		}, fault(`Sensitive["k"]`, "is in Profile.Metadata too")},
		{"everything at once", endusers.NewUser{
			ExternalID: strings.Repeat("<", 37),
			Profile:    endusers.Profile{Email: "\xff", Language: "x", Metadata: map[string]any{"b": 1.5, "a": nil}},
			Sensitive:  endusers.Sensitive{"a": "", "z": []int{}},
		}, list{
			{Field: "ExternalID", Reason: "has 37 characters, at most 36"},
			{Field: "ExternalID", Reason: "has a < or a >"},
			{Field: "Profile.Email", Reason: "is not valid UTF-8"},
			{Field: "Profile.Language", Reason: notLanguage},
			{Field: `Profile.Metadata["a"]`, Reason: "is nil, not a string, bool or integer"},
			{Field: `Profile.Metadata["b"]`, Reason: "is a float64, not a string, bool or integer"},
			{Field: `Sensitive["a"]`, Reason: "is empty"},
			{Field: `Sensitive["z"]`, Reason: "is a []int, not a string, bool or integer"},
			{Field: `Sensitive["a"]`, Reason: "is in Profile.Metadata too"},
		}},
	}
	for _, tt := range creates {
		t.Run("create "+tt.name, func(t *testing.T) {
			users, n := answering(t, answer)
			_, _, err := users.Create(t.Context(), tt.user)
			check(t, n, err, tt.want)
		})
	}

	updates := []struct {
		name   string
		id     string
		update endusers.Update
		want   list
	}{
		{"nothing", id, endusers.Update{}, nil},
		{"no id", "", endusers.Update{}, fault("id", "is empty")},
		{"dot", ".", endusers.Update{}, fault("id", "is a dot segment")},
		{"dots", "..", endusers.Update{}, fault("id", "is a dot segment")},
		{"id of bytes", "\xff", endusers.Update{}, fault("id", "is not valid UTF-8")},
		{"empty external id", id, endusers.Update{ExternalID: ada.Set("")}, fault("ExternalID", "is empty")},
		{"null external id", id, endusers.Update{ExternalID: ada.Null[string]()}, nil},
		{"empty language", id, endusers.Update{Language: ada.Set("")}, fault("Language", notLanguage)},
		{"null language", id, endusers.Update{Language: ada.Null[string]()}, nil},
		{"no language", id, endusers.Update{Language: none}, nil},
		// On an update the documentation allows a key in both.
		{"key in both", id, endusers.Update{Metadata: ada.Set(map[string]any{"k": 1}), Sensitive: ada.Set(endusers.Sensitive{"k": 1})}, nil},
		{"everything at once", "", endusers.Update{
			ExternalID: ada.Set(chars(37)), LastName: ada.Set("\xff"), Language: ada.Set("x"),
			Metadata: ada.Set(map[string]any{"a": nil}), Sensitive: ada.Set(keys(21)),
		}, list{
			{Field: "id", Reason: "is empty"},
			{Field: "ExternalID", Reason: "has 37 characters, at most 36"},
			{Field: "LastName", Reason: "is not valid UTF-8"},
			{Field: "Language", Reason: notLanguage},
			{Field: `Metadata["a"]`, Reason: "is nil, not a string, bool or integer"},
			{Field: "Sensitive", Reason: "has 21 keys, at most 20"},
		}},
	}
	for _, tt := range updates {
		t.Run("update "+tt.name, func(t *testing.T) {
			users, n := answering(t, answer)
			_, err := users.Update(t.Context(), tt.id, tt.update)
			check(t, n, err, tt.want)
		})
	}

	lookups := map[string]list{
		"x": nil, chars(36): nil,
		"":        fault("ExternalID", "is empty"),
		chars(37): fault("ExternalID", "has 37 characters, at most 36"),
		"<\xff":   {{Field: "ExternalID", Reason: "has a < or a >"}, {Field: "ExternalID", Reason: "is not valid UTF-8"}},
	}
	for externalID, want := range lookups {
		users, n := answering(t, answer)
		_, err := users.GetByExternalID(t.Context(), externalID)
		check(t, n, err, want)
	}

	for size, want := range map[int]list{
		0: nil, 1: nil, 100: nil,
		-1: fault("PageSize", "is not within 1 and 100"), 101: fault("PageSize", "is not within 1 and 100"),
	} {
		users, n := answering(t, `{"data":[]}`)
		var last error
		for _, err := range users.All(t.Context(), endusers.ListParams{PageSize: size}) {
			last = err
		}
		check(t, n, last, want)
	}
}

// check compares the faults of a call, and whether it was sent: with faults it must not be.
func check(t *testing.T, n *faults.Network, err error, want []ada.Fault) {
	t.Helper()
	if want == nil {
		if err != nil || len(n.Requests()) != 1 {
			t.Errorf("%d requests, %v", len(n.Requests()), err)
		}
		return
	}
	wantFaults(t, err, want...)
	if n.Dials() != 0 {
		t.Errorf("%d connections were made", n.Dials())
	}
}

// The whole body counts, to the byte.
func TestPayloadLimit(t *testing.T) {
	const frame = len(`{"profile":{"metadata":{"k":""}}}`)
	user := func(n int) endusers.NewUser {
		return endusers.NewUser{Profile: endusers.Profile{Metadata: map[string]any{"k": strings.Repeat("x", n-frame)}}}
	}
	users, n := answering(t, answer)
	if _, _, err := users.Create(t.Context(), user(4096)); err != nil {
		t.Error(err)
	}
	if got := n.Requests(); len(got) != 1 || len(got[0].Content) != 4096 {
		t.Errorf("4,096 bytes did not arrive: %v", got)
	}
	_, _, err := users.Create(t.Context(), user(4097))
	if want := "endusers.Create: too large: the body has 4097 bytes, at most 4096"; !errors.Is(err, ada.ErrTooLarge) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = users.Update(t.Context(), id, endusers.Update{Metadata: ada.Set(user(4097).Profile.Metadata)})
	if !errors.Is(err, ada.ErrTooLarge) {
		t.Errorf("got %v, want %v", err, ada.ErrTooLarge)
	}
	if len(n.Requests()) != 1 {
		t.Errorf("%d requests, want 1", len(n.Requests()))
	}
}

func TestPayloadLimitRaised(t *testing.T) {
	const frame = len(`{"k":""}`)
	srv := adatest.NewServer(t)
	config := srv.Config()
	config.HTTP.MaxPayload = 1 << 20
	client, err := ada.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int][]ada.Fault{
		10 << 10:   nil,
		10<<10 + 1: {{Field: "Profile.Metadata", Reason: "has 10241 bytes, at most 10240"}},
	} {
		_, _, err := endusers.New(client).Create(t.Context(), endusers.NewUser{
			Profile: endusers.Profile{Metadata: map[string]any{"k": strings.Repeat("x", size-frame)}},
		})
		if want == nil && err != nil {
			t.Error(err)
		} else if want != nil {
			wantFaults(t, err, want...)
		}
	}
}

func TestAll(t *testing.T) {
	for _, count := range []int{0, 1, 2, 3, 20, 21, 250} {
		for _, size := range []int{0, 1, 2, 100} {
			if size == 1 && count == 250 {
				continue
			}
			t.Run(fmt.Sprintf("%d by %d", count, size), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := adatest.NewServer(t)
					var want, got []string
					for range count {
						want = append(want, srv.AddEndUser(adatest.EndUser{InConversation: true}))
					}
					all := endusers.New(srv.Client()).All(t.Context(), endusers.ListParams{PageSize: size})
					for range 2 { // ranging again starts over
						got = nil
						for user, err := range all {
							if err != nil {
								t.Fatal(err)
							}
							got = append(got, user.ID)
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

func TestAllFromAStart(t *testing.T) {
	srv := adatest.NewServer(t)
	var ids []string
	for range 5 {
		ids = append(ids, srv.AddEndUser(adatest.EndUser{InConversation: true}))
	}
	var got []string
	for user, err := range endusers.New(srv.Client()).All(t.Context(), endusers.ListParams{PageSize: 2, Start: ids[2]}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, user.ID)
	}
	if diff := cmp.Diff(ids[2:], got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A gateway can put a path in front of Ada's, which Ada's links do not have.
func TestAllBehindAGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		var ids, got []string
		for range 5 {
			ids = append(ids, srv.AddEndUser(adatest.EndUser{InConversation: true}))
		}
		config := srv.Config()
		config.BaseURL += "/gateway"
		network := config.HTTP.Client.Transport
		config.HTTP.Client = &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			path, ok := strings.CutPrefix(req.URL.Path, "/gateway")
			if !ok {
				t.Errorf("%s is not behind the gateway", req.URL)
			}
			req = req.Clone(req.Context())
			req.URL.Path = path
			return network.RoundTrip(req)
		})}
		client, err := ada.NewClient(config)
		if err != nil {
			t.Fatal(err)
		}
		for user, err := range endusers.New(client).All(t.Context(), endusers.ListParams{PageSize: 2}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, user.ID)
		}
		if diff := cmp.Diff(ids, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// Leaving the loop at any end user makes no further request and leaves nothing behind.
func TestAllLeftEarly(t *testing.T) {
	for stop := range 7 {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t)
			for range 7 {
				srv.AddEndUser(adatest.EndUser{InConversation: true})
			}
			seen := 0
			for _, err := range endusers.New(srv.Client()).All(t.Context(), endusers.ListParams{PageSize: 2}) {
				if err != nil {
					t.Fatal(err)
				}
				if seen == stop {
					break
				}
				seen++
			}
			if n, want := len(srv.Calls()), stop/2+1; n != want {
				t.Errorf("%d requests for %d end users, want %d", n, stop+1, want)
			}
		})
	}
}

func TestAllThatFails(t *testing.T) {
	const first = `{"data":[{"end_user_id":"1"},{"end_user_id":"2"}],"meta":{"next_page_url":"https://acme.ada.support/api/v2/end-users/?cursor=3"}}`
	page := func(id, next string) string {
		return fmt.Sprintf(`{"data":[{"end_user_id":%q}],"meta":{"next_page_url":%q}}`, id, next)
	}
	const at = "https://acme.ada.support/api/v2/end-users/"
	const where = "endusers.All: GET /api/v2/end-users/: 200 OK: the answer is not usable: "
	tests := []struct {
		name  string
		pages []string
		users []string
		err   string // "": the list ends well
	}{
		{"one page", []string{`{"data":[{"end_user_id":"1"}],"meta":{"next_page_url":null}}`}, []string{"1"}, ""},
		{"no meta", []string{`{"data":[{"end_user_id":"1"}]}`}, []string{"1"}, ""},
		{"two pages", []string{first, `{"data":[{"end_user_id":"3"}],"meta":{}}`}, []string{"1", "2", "3"}, ""},
		{"an empty page with a link goes on", []string{first, `{"data":[],"meta":{"next_page_url":"?cursor=4"}}`, `{"data":[{"end_user_id":"4"}]}`}, []string{"1", "2", "4"}, ""},
		{"no data", []string{first, `{"meta":{}}`}, []string{"1", "2"}, where + "data is missing"},
		{"null data", []string{first, `{"data":null}`}, []string{"1", "2"}, where + "data is missing"},
		{"data of another type", []string{first, `{"data":{}}`}, []string{"1", "2"}, where + "data has another type"},
		{"null", []string{first, `null`}, []string{"1", "2"}, where + "the body is null"},
		{"one end user", []string{answer}, nil, where + "data is missing"},
		{"a record without an id", []string{`{"data":[{"end_user_id":"1"},{}]}`}, nil, where + "data[1].end_user_id is missing"},
		{"a record that is null", []string{`{"data":[{"end_user_id":"1"},null]}`}, nil, where + "data[1].end_user_id is missing"},
		{"a record of another type", []string{`{"data":[{"end_user_id":"1"},7]}`}, nil, where + "data[1] has another type"},
		{"a field of another type", []string{`{"data":[{"end_user_id":"1","profile":{"email":7}}]}`}, nil, where + "data[0].profile.email has another type"},
		{"a link of another type", []string{`{"data":[{"end_user_id":"1"}],"meta":{"next_page_url":7}}`}, nil, where + "meta.next_page_url has another type"},
		{"a link to itself", []string{page("1", "?cursor=2"), page("2", "?cursor=2")}, []string{"1", "2"}, where + "next_page_url leads to the same page"},
		{"a circle of two", []string{page("1", "?cursor=2"), page("2", "?cursor=3"), page("3", "?cursor=2")}, []string{"1", "2", "3"}, where + "next_page_url leads back to an earlier page"},
		{"a link elsewhere", []string{page("1", "https://evil.example/api/v2/end-users/?cursor=2")}, []string{"1"}, where + "next_page_url leaves the origin"},
		{"a link to http", []string{page("1", strings.Replace(at, "https", "http", 1)+"?cursor=2")}, []string{"1"}, where + "next_page_url leaves the origin"},
		{"a link to another path", []string{page("1", "/api/v2/webhooks/?cursor=2")}, []string{"1"}, where + "next_page_url leaves the path"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			users, n := answering(t, tt.pages...)
			var got []string
			var last error
			for user, err := range users.All(t.Context(), endusers.ListParams{}) {
				if last != nil {
					t.Fatalf("after %v came %v, %v", last, user, err)
				}
				if err != nil {
					if user != nil {
						t.Errorf("got %v beside %v", user, err)
					}
					last = err
					continue
				}
				got = append(got, user.ID)
			}
			if diff := cmp.Diff(tt.users, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if tt.err == "" {
				if last != nil {
					t.Error(last)
				}
			} else if !errors.Is(last, ada.ErrAnswer) || last.Error() != tt.err {
				t.Errorf("got  %v\nwant %s", last, tt.err)
			}
			if len(n.Requests()) != len(tt.pages) {
				t.Errorf("%d requests, want %d", len(n.Requests()), len(tt.pages))
			}
		})
	}
}

// A server that leads in a circle of any size is found out within a few rounds.
func TestAllInACircle(t *testing.T) {
	for size := 1; size <= 40; size++ {
		var pages []string
		for i := range 6 * size {
			pages = append(pages, fmt.Sprintf(`{"data":[],"meta":{"next_page_url":"?cursor=%d"}}`, (i+1)%size))
		}
		users, n := answering(t, pages...)
		var last error
		for _, err := range users.All(t.Context(), endusers.ListParams{Start: "0"}) {
			last = err
		}
		if !errors.Is(last, ada.ErrAnswer) {
			t.Errorf("circle of %d: %v", size, last)
		}
		if got := len(n.Requests()); got > 3*size+1 {
			t.Errorf("circle of %d: found out after %d requests", size, got)
		}
	}
}

// A page that breaks is fetched again, and nothing of the broken copy is handed out.
func TestAllWithBrokenPages(t *testing.T) {
	for _, failure := range []adatest.Failure{{Drop: true}, {Truncate: true}, {Status: 502}, {Status: 200, Body: "<html>"}, {Status: 429}, {Delay: time.Minute}} {
		for at := range 4 {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t)
				var want, got []string
				for range 8 {
					want = append(want, srv.AddEndUser(adatest.EndUser{InConversation: true}))
				}
				i := 0
				for user, err := range endusers.New(srv.Client()).All(t.Context(), endusers.ListParams{PageSize: 2}) {
					if err != nil {
						t.Fatalf("%+v at %d: %v", failure, at, err)
					}
					if i == 2*at {
						srv.Fail("endusers.All", failure)
					}
					i++
					got = append(got, user.ID)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%+v at %d (-want +got)\n%s", failure, at, diff)
				}
			})
		}
	}
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		for range 4 {
			srv.AddEndUser(adatest.EndUser{InConversation: true})
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var errs []error
		n := 0
		for _, err := range endusers.New(srv.Client()).All(ctx, endusers.ListParams{PageSize: 2}) {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			n++
			cancel()
		}
		if n != 2 || len(errs) != 1 || !errors.Is(errs[0], context.Canceled) {
			t.Errorf("%d end users, %v", n, errs)
		}
		if calls := len(srv.Calls()); calls != 1 {
			t.Errorf("%d requests, want 1", calls)
		}
	})
}

// Every exported field of Update and of Profile reaches the wire.
func TestNoFieldIsForgotten(t *testing.T) {
	srv := adatest.NewServer(t)
	users := endusers.New(srv.Client())
	user, _, err := users.Create(t.Context(), endusers.NewUser{})
	if err != nil {
		t.Fatal(err)
	}
	user, err = users.Update(t.Context(), user.ID, endusers.Update{
		ExternalID: ada.Set("e"), FirstName: ada.Set("f"), LastName: ada.Set("l"), DisplayName: ada.Set("d"),
		AvatarURL: ada.Set("a"), Email: ada.Set("m"), Language: ada.Set("en"),
		Metadata: ada.Set(map[string]any{"k": "v"}), Sensitive: ada.Set(endusers.Sensitive{"s": "t"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := endusers.Profile{FirstName: "f", LastName: "l", DisplayName: "d", AvatarURL: "a", Email: "m", Language: "en", Metadata: map[string]any{"k": "v"}}
	if diff := cmp.Diff(want, user.Profile); diff != "" || user.ExternalID != "e" {
		t.Errorf("external id %s (-want +got)\n%s", user.ExternalID, diff)
	}
	held, _ := srv.EndUser(user.ID)
	if diff := cmp.Diff(map[string]any{"s": "t"}, held.Sensitive); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	sent := map[string]json.RawMessage{}
	calls := srv.Calls("endusers.Update")
	var body struct{ Profile map[string]json.RawMessage }
	if err := json.Unmarshal(calls[0].Body, &sent); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(calls[0].Body, &body); err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Keys(body.Profile))
	if diff := cmp.Diff([]string{"avatar", "display_name", "email", "first_name", "language", "last_name", "metadata", "sensitive_metadata"}, got); diff != "" || len(sent) != 2 {
		t.Errorf("%d fields (-want +got)\n%s", len(sent), diff)
	}
}
