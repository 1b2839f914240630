package endpoints_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/webhooks/endpoints"
)

// newClient returns a client of a fake Ada. In a program it is one of ada.NewClient.
func newClient() (client *ada.Client, done func()) {
	srv := adatest.New()
	return srv.Client(), srv.Close
}

// Have the events of end users delivered to a receiver, and get the secret that it needs.
func Example() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	hooks := endpoints.New(client)

	endpoint, err := hooks.Create(ctx, endpoints.NewEndpoint{
		URL:          "https://example.com/hooks/ada",
		EventFilters: []string{"v1.end_user.created", "v1.end_user.updated"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	secret, err := hooks.Secret(ctx, endpoint.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(endpoint.Enabled, endpoint.EventFilters)
	fmt.Println(secret, strings.HasPrefix(string(secret), "whsec_")) // a Secret does not print
	// Output:
	// true [v1.end_user.created v1.end_user.updated]
	// [REDACTED] true
}

func ExampleNew() {
	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: "not-a-real-key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	hooks := endpoints.New(client)

	err = hooks.Delete(context.Background(), "") // refused before anything is sent
	fmt.Println(err)
	// Output: endpoints.Delete: invalid: id is empty
}

// Make an endpoint only if there is none for the URL: Create makes another one each time.
func ExampleClient_All() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	hooks := endpoints.New(client)

	ensure := func(url string) (*endpoints.Endpoint, error) {
		for endpoint, err := range hooks.All(ctx, endpoints.ListParams{}) {
			if err != nil {
				return nil, err
			}
			if endpoint.URL == url {
				return endpoint, nil
			}
		}
		return hooks.Create(ctx, endpoints.NewEndpoint{URL: url})
	}
	first, err := ensure("https://example.com/hooks/ada")
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := ensure("https://example.com/hooks/ada")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(first.ID == second.ID)
	// Output: true
}

func ExampleClient_Get() {
	client, done := newClient()
	defer done()

	_, err := endpoints.New(client).Get(context.Background(), "ep_2hXq8ZtVbN4kcKQ5zMTmPAF6c7L")
	fmt.Println(err)
	fmt.Println(errors.Is(err, ada.ErrNotFound))
	// Output:
	// endpoints.Get: GET /api/v2/webhooks/{id}: 404 Not Found: not_found
	// true
}

// Bad parameters are named, all of them, and nothing is sent.
func ExampleClient_Create() {
	client, done := newClient()
	defer done()

	_, err := endpoints.New(client).Create(context.Background(), endpoints.NewEndpoint{
		URL:          "http://ada:password@example.com/hooks",
		EventFilters: []string{"v1.conversation.ended", ""},
	})
	var e *ada.Error
	if errors.As(err, &e) {
		for _, fault := range e.Faults {
			fmt.Println(fault)
		}
	}
	// Output:
	// URL is not of https
	// URL has credentials
	// EventFilters[1] is empty
}

// An empty list of filters delivers everything. To have nothing delivered, disable the endpoint.
func ExampleClient_Update() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	hooks := endpoints.New(client)
	endpoint, err := hooks.Create(ctx, endpoints.NewEndpoint{URL: "https://example.com/hooks/ada"})
	if err != nil {
		fmt.Println(err)
		return
	}

	endpoint, err = hooks.Update(ctx, endpoint.ID, endpoints.Update{Enabled: ada.Set(false)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(endpoint.Enabled, endpoint.URL)
	// Output: false https://example.com/hooks/ada
}

// An endpoint that is not there any more is what a program wanted that deletes it.
func ExampleClient_Delete() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	hooks := endpoints.New(client)
	endpoint, err := hooks.Create(ctx, endpoints.NewEndpoint{URL: "https://example.com/hooks/ada"})
	if err != nil {
		fmt.Println(err)
		return
	}

	for range 2 {
		err := hooks.Delete(ctx, endpoint.ID)
		if errors.Is(err, ada.ErrNotFound) {
			err = nil
		}
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// <nil>
}

func ExampleClient_Secret() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	hooks := endpoints.New(client)
	endpoint, err := hooks.Create(ctx, endpoints.NewEndpoint{URL: "https://example.com/hooks/ada"})
	if err != nil {
		fmt.Println(err)
		return
	}

	secret, err := hooks.Secret(ctx, endpoint.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(secret, len(string(secret)) > len("whsec_")) // string(secret) is for the receiver
	// Output: [REDACTED] true
}

// A receiver that knows the next secret before Ada does misses nothing.
func ExampleClient_RotateSecret() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	hooks := endpoints.New(client)
	endpoint, err := hooks.Create(ctx, endpoints.NewEndpoint{URL: "https://example.com/hooks/ada"})
	if err != nil {
		fmt.Println(err)
		return
	}

	next := ada.Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") // which the receiver accepts already; make yours at random
	if err := hooks.RotateSecret(ctx, endpoint.ID, next); err != nil {
		fmt.Println(err)
		return
	}
	secret, err := hooks.Secret(ctx, endpoint.ID)
	fmt.Println(secret == next, err)

	if err := hooks.RotateSecret(ctx, endpoint.ID, ""); err != nil { // to one that Ada makes
		fmt.Println(err)
		return
	}
	secret, err = hooks.Secret(ctx, endpoint.ID)
	fmt.Println(secret == next, err)
	// Output:
	// true <nil>
	// false <nil>
}

func ExampleClient_EventTypes() {
	client, done := newClient()
	defer done()

	types, err := endpoints.New(client).EventTypes(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range types {
		if strings.HasPrefix(t.Name, "v1.end_user.") {
			fmt.Println(t.Name)
		}
	}
	// Output:
	// v1.end_user.created
	// v1.end_user.updated
}

// The URL of an endpoint can hold a secret, so none of these prints it.
func Example_redacted() {
	endpoint := endpoints.Endpoint{ID: "ep_2hXq8ZtVbN4kcKQ5zMTmPAF6c7L", URL: "https://example.com/hooks/0123456789"}
	fmt.Printf("%+v\n", endpoint)
	fmt.Println(endpoints.NewEndpoint{URL: endpoint.URL}, endpoints.Update{URL: ada.Set(endpoint.URL)})
	// Output:
	// endpoints.Endpoint(ep_2hXq8ZtVbN4kcKQ5zMTmPAF6c7L)
	// [REDACTED] [REDACTED]
}

// Raw is what to store; an Endpoint comes back from it.
func ExampleEndpoint_UnmarshalJSON() {
	stored := []byte(`{"id": "ep_2hXq8ZtVbN4kcKQ5zMTmPAF6c7L", "url": "https://example.com/hooks/ada", "enabled": true}`)
	var endpoint endpoints.Endpoint
	if err := json.Unmarshal(stored, &endpoint); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(endpoint, endpoint.Enabled)
	// Output: endpoints.Endpoint(ep_2hXq8ZtVbN4kcKQ5zMTmPAF6c7L) true
}

// The names of event types are the filters of an endpoint.
func ExampleEventType() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	hooks := endpoints.New(client)

	types, err := hooks.EventTypes(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	var filters []string
	for _, t := range types {
		if strings.HasPrefix(t.Name, "v1.proactive_call.") {
			filters = append(filters, t.Name)
		}
	}
	endpoint, err := hooks.Create(ctx, endpoints.NewEndpoint{URL: "https://example.com/hooks/calls", EventFilters: filters})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(endpoint.EventFilters))
	// Output: 5
}
