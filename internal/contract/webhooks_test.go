package contract

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/webhooks/endpoints"
)

const (
	webhooksPath = "/api/v2/webhooks/"
	hook         = "https://example.com/hooks/ada"
)

func manageWebhooks(t *testing.T, j judge) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	hooks := endpoints.New(sdk(t, srv, j))
	ctx := t.Context()

	types, err := hooks.EventTypes(ctx)
	if err != nil || len(types) == 0 {
		t.Fatalf("EventTypes: %d, error %v", len(types), err)
	}
	var id string
	for _, e := range []endpoints.NewEndpoint{
		{URL: hook},
		{URL: hook + "?token=x", Description: "CDP", EventFilters: []string{types[0].Name, types[1].Name}, Disabled: true},
	} {
		made, err := hooks.Create(ctx, e)
		if err != nil || made.Enabled == e.Disabled {
			t.Fatalf("Create: got %v, error %v", made, err)
		}
		id = made.ID
	}
	for name, update := range map[string]endpoints.Update{
		"nothing": {},
		"everything": {
			URL: ada.Set(hook), Description: ada.Set("CRM"), EventFilters: ada.Set([]string{types[2].Name}), Enabled: ada.Set(true),
		},
		"empty values": {Description: ada.Set(""), EventFilters: ada.Set([]string{}), Enabled: ada.Set(false)},
		"no list":      {EventFilters: ada.Set[[]string](nil)},
	} {
		changed, err := hooks.Update(ctx, id, update)
		if err != nil {
			t.Fatalf("Update, %s: %v", name, err)
		}
		if got, err := hooks.Get(ctx, id); err != nil || !cmp.Equal(got, changed) {
			t.Errorf("Get after an update, %s: got %s, want %s, error %v", name, got.Raw, changed.Raw, err)
		}
	}

	const key = ada.Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	for _, k := range []ada.Secret{key, ""} {
		if err := hooks.RotateSecret(ctx, id, k); err != nil {
			t.Errorf("RotateSecret: %v", err)
		}
		if got, err := hooks.Secret(ctx, id); err != nil || (got == key) != (k == key) {
			t.Errorf("Secret after a rotation: %v", err)
		}
	}

	for range 3 {
		srv.AddWebhook(adatest.Webhook{URL: hook})
	}
	for size, pages := range map[int]int{0: 1, 1: 5, 2: 3, 100: 1} {
		before, n := len(srv.Calls("endpoints.All")), 0
		for _, err := range hooks.All(ctx, endpoints.ListParams{PageSize: size}) {
			if err != nil {
				t.Fatalf("All by %d: %v", size, err)
			}
			n++
		}
		if got := len(srv.Calls("endpoints.All")) - before; got != pages || n != 5 {
			t.Errorf("All by %d: %d webhooks on %d pages, want 5 on %d", size, n, got, pages)
		}
	}
	if err := hooks.Delete(ctx, id); err != nil || len(srv.Webhooks()) != 4 {
		t.Errorf("Delete: %d are left, error %v", len(srv.Webhooks()), err)
	}
}

// sendInvalidWebhooks sends what the SDK refuses to send, past it. It leaves out what Ada does not document as refused:
// a limit or a cursor of the list, and a key of the rotation.
func sendInvalidWebhooks(t *testing.T, j judge) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	id := srv.AddWebhook(adatest.Webhook{URL: hook})
	for _, body := range []string{
		`{`,
		`[]`,
		`{"url":null}`,
		`{"url":"http://example.com/"}`,
		`{"url":"/hooks"}`,
		fmt.Sprintf(`{"url":%q,"event_filters":"v1.end_user.created"}`, hook),
		fmt.Sprintf(`{"url":%q,"enabled":"yes"}`, hook),
		fmt.Sprintf(`{"url":%q,"description":7}`, hook),
	} {
		request{http.MethodPost, webhooksPath, body}.expect(t, srv, j.forgiving(), http.StatusBadRequest)
		request{http.MethodPatch, webhooksPath + id, body}.expect(t, srv, j.forgiving(), http.StatusBadRequest)
	}
	request{http.MethodPost, webhooksPath, `{}`}.expect(t, srv, j.forgiving(), http.StatusBadRequest)
}

func failWebhooks(t *testing.T, j judge) {
	named := func(id string) map[string]call {
		return map[string]call{
			"endpoints.Get": func(ctx context.Context, client *ada.Client) error {
				_, err := endpoints.New(client).Get(ctx, id)
				return err
			},
			"endpoints.Update": func(ctx context.Context, client *ada.Client) error {
				_, err := endpoints.New(client).Update(ctx, id, endpoints.Update{Enabled: ada.Set(true)})
				return err
			},
			"endpoints.Delete": func(ctx context.Context, client *ada.Client) error {
				return endpoints.New(client).Delete(ctx, id)
			},
			"endpoints.Secret": func(ctx context.Context, client *ada.Client) error {
				_, err := endpoints.New(client).Secret(ctx, id)
				return err
			},
			"endpoints.RotateSecret": func(ctx context.Context, client *ada.Client) error {
				return endpoints.New(client).RotateSecret(ctx, id, "")
			},
		}
	}
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	for _, id := range []string{"unknown", "a/b c?d", "event-types"} {
		for operation, call := range named(id) {
			expect(t, operation+" of "+id, call(t.Context(), sdk(t, srv, j)), ada.ErrNotFound)
		}
	}

	calls := named("unknown")
	calls["endpoints.All"] = func(ctx context.Context, client *ada.Client) error {
		for _, err := range endpoints.New(client).All(ctx, endpoints.ListParams{}) {
			return err
		}
		return nil
	}
	calls["endpoints.Create"] = func(ctx context.Context, client *ada.Client) error {
		_, err := endpoints.New(client).Create(ctx, endpoints.NewEndpoint{URL: hook})
		return err
	}
	calls["endpoints.EventTypes"] = func(ctx context.Context, client *ada.Client) error {
		_, err := endpoints.New(client).EventTypes(ctx)
		return err
	}
	refuseKey(t, j, calls)
	exceedLimit(t, j, calls)
}
