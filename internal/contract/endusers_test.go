package contract

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/endusers"
)

const (
	collection = "/api/v2/end-users/"
	unknownID  = "65a17e3f43bec88effffffff"
	maxBody    = 10 << 20 // of what Ada takes
)

func manageUsers(t *testing.T, j judge) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	users := endusers.New(sdk(t, srv, j))
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

// sendInvalidUsers sends what the SDK refuses to send, past it.
func sendInvalidUsers(t *testing.T, j judge) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	id := srv.AddEndUser(adatest.EndUser{})
	keys := make([]string, 21)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"k%d":1`, i)
	}
	for _, r := range []request{
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
		r.expect(t, srv, j.forgiving(), http.StatusBadRequest)
	}
}

// userCalls are the calls that send one request each.
func userCalls(id string) map[string]call {
	return map[string]call{
		"endusers.Get": func(ctx context.Context, client *ada.Client) error {
			_, err := endusers.New(client).Get(ctx, id)
			return err
		},
		"endusers.GetByExternalID": func(ctx context.Context, client *ada.Client) error {
			_, err := endusers.New(client).GetByExternalID(ctx, "unknown")
			return err
		},
		"endusers.Create": func(ctx context.Context, client *ada.Client) error {
			_, _, err := endusers.New(client).Create(ctx, endusers.NewUser{})
			return err
		},
		"endusers.Update": func(ctx context.Context, client *ada.Client) error {
			_, err := endusers.New(client).Update(ctx, id, endusers.Update{FirstName: ada.Set("Ada")})
			return err
		},
		"endusers.All": func(ctx context.Context, client *ada.Client) error {
			for _, err := range endusers.New(client).All(ctx, endusers.ListParams{}) {
				return err
			}
			return nil
		},
	}
}

func failUsers(t *testing.T, j judge) {
	failCalls(t, j, userCalls(unknownID), adatest.Failure{Status: http.StatusInternalServerError})
	refuseKey(t, j, userCalls(unknownID))
	exceedLimit(t, j, userCalls(unknownID))

	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	client := sdk(t, srv, j)
	users := endusers.New(client)
	ctx := t.Context()
	id := srv.AddEndUser(adatest.EndUser{})
	srv.AddEndUser(adatest.EndUser{ExternalID: "taken"})

	for _, operation := range []string{"endusers.Get", "endusers.GetByExternalID", "endusers.Update"} {
		expect(t, operation, userCalls(unknownID)[operation](ctx, client), ada.ErrNotFound)
	}
	_, err := users.Get(ctx, "a/b c?d")
	expect(t, "an id to escape", err, ada.ErrNotFound)

	_, err = users.Update(ctx, id, endusers.Update{ExternalID: ada.Set("TAKEN")})
	expect(t, "a taken external id", err, ada.ErrConflict)

	srv.Fail("endusers.Get", adatest.Failure{Status: http.StatusBadRequest}) // the fake has no invalid ids
	_, err = users.Get(ctx, id)
	expect(t, "endusers.Get", err, ada.ErrInvalid)

	generous := endusers.New(sdk(t, srv, j, func(c *ada.Config) { c.HTTP.MaxPayload = 2 * maxBody }))
	long := strings.Repeat("x", maxBody)
	_, _, err = generous.Create(ctx, endusers.NewUser{Profile: endusers.Profile{DisplayName: long}})
	expect(t, "endusers.Create of a long body", err, ada.ErrTooLarge)
	_, err = generous.Update(ctx, id, endusers.Update{DisplayName: ada.Set(long)})
	expect(t, "endusers.Update of a long body", err, ada.ErrTooLarge)
}
