package ada_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/endusers"
)

func Example() {
	srv := adatest.New() // stands in for Ada; leave it out and give Handle and APIKey
	defer srv.Close()
	client, err := ada.NewClient(srv.Config())
	if err != nil {
		fmt.Println(err)
		return
	}

	users := endusers.New(client)
	user, created, err := users.Create(context.Background(), endusers.NewUser{ExternalID: "crm-42"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.ExternalID, created)
	// Output: crm-42 true
}

func ExampleNewClient() {
	client, err := ada.NewClient(ada.Config{
		Handle:  "acme",
		Cluster: "eu", // leave it out when the host is acme.ada.support
		APIKey:  ada.Secret(os.Getenv("MY_ADA_KEY") + "not-a-real-key"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.BaseURL())
	// Output: https://acme.eu.ada.support/
}

// Every fault of a configuration is named at once.
func ExampleNewClient_faults() {
	_, err := ada.NewClient(ada.Config{Handle: "acme.ada.support"})
	fmt.Println(err)
	fmt.Println(errors.Is(err, ada.ErrInvalid))
	// Output:
	// ada.NewClient: invalid: Handle is not a DNS label; APIKey is empty
	// true
}

func ExampleConfigFromEnv() {
	os.Setenv("ADA_HANDLE", "acme")
	os.Setenv("ADA_API_KEY", "not-a-real-key")
	defer os.Unsetenv("ADA_HANDLE")
	defer os.Unsetenv("ADA_API_KEY")

	config := ada.ConfigFromEnv()
	config.HTTP.UserAgent = "billing/1.4"
	client, err := ada.NewClient(config)
	fmt.Println(client, err)
	// Output: ada.Client(https://acme.ada.support/) <nil>
}

// A configuration prints without its key.
func ExampleConfig() {
	config := ada.Config{Handle: "acme", APIKey: "not-a-real-key"}
	fmt.Printf("%v %#v\n", config, config)
	// Output: ada.Config(https://acme.ada.support/) ada.Config(https://acme.ada.support/)
}

// A key that rotates comes from a function.
func ExampleConfig_keyFunc() {
	var mu sync.Mutex
	current := ada.Secret("not-a-real-key") // replaced by whatever watches the vault

	client, err := ada.NewClient(ada.Config{
		Handle: "acme",
		KeyFunc: func(context.Context) (ada.Secret, error) {
			mu.Lock()
			defer mu.Unlock()
			return current, nil
		},
	})
	fmt.Println(client, err)
	// Output: ada.Client(https://acme.ada.support/) <nil>
}

func ExampleClient_BaseURL() {
	client, err := ada.NewClient(ada.Config{Handle: "acme", Cluster: "maple", APIKey: "not-a-real-key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.BaseURL())
	// Output: https://acme.maple.ada.support/
}

func ExampleClient_WithAPIKey() {
	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: "not-a-real-key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	exports, err := client.WithAPIKey("not-the-key-of-data-export")
	fmt.Println(exports, err)
	// Output: ada.Client(https://acme.ada.support/) <nil>
}

// channels is a server that lists the channels of an AI Agent, two to a page.
func channels() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") == "" {
			fmt.Fprintf(w, `{"data":[{"id":"1","name":"Web"},{"id":"2","name":"SMS"}],"meta":{"next_page_url":"http://%s/api/v2/channels/?type=custom&cursor=3"}}`, r.Host)
			return
		}
		fmt.Fprint(w, `{"data":[{"id":"3","name":"Kiosk"}],"meta":{"next_page_url":null}}`)
	}))
}

// An endpoint that the SDK does not wrap yet is described by an Operation.
func ExampleClient_Do() {
	srv := channels()
	defer srv.Close()
	client, err := ada.NewClient(ada.Config{BaseURL: srv.URL, APIKey: "not-a-real-key"})
	if err != nil {
		fmt.Println(err)
		return
	}

	listChannels := ada.Operation{Name: "channels.List", Method: http.MethodGet, Route: "/api/v2/channels/"}
	req, err := client.NewRequest(context.Background(), listChannels, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.URL.RawQuery = url.Values{"type": {"custom"}}.Encode()
	var page struct {
		Data []struct{ ID, Name string }
	}
	if _, err := client.Do(req, listChannels, &page); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Data)
	// Output: [{1 Web} {2 SMS}]
}

// The parameters of a route are filled in, escaped.
func ExampleClient_NewRequest() {
	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: "not-a-real-key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	updateChannel := ada.Operation{
		Name: "channels.Update", Method: http.MethodPatch, Route: "/api/v2/channels/{channel_id}",
		Idempotent: true, // it sets absolute values
	}
	body := map[string]any{"capabilities": map[string]bool{"markdown": true}}
	req, err := client.NewRequest(context.Background(), updateChannel, body, "a/b")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(req.Method, req.URL)
	// Output: PATCH https://acme.ada.support/api/v2/channels/a%2Fb
}

func ExampleClient_NextPage() {
	srv := channels()
	defer srv.Close()
	client, err := ada.NewClient(ada.Config{BaseURL: srv.URL, APIKey: "not-a-real-key"})
	if err != nil {
		fmt.Println(err)
		return
	}

	listChannels := ada.Operation{Name: "channels.List", Method: http.MethodGet, Route: "/api/v2/channels/"}
	req, err := client.NewRequest(context.Background(), listChannels, nil)
	for err == nil {
		var page struct {
			Data []struct{ ID, Name string }
			Meta struct {
				Next string `json:"next_page_url"`
			}
		}
		var resp *ada.Response
		if resp, err = client.Do(req, listChannels, &page); err != nil {
			break
		}
		fmt.Println(page.Data)
		if page.Meta.Next == "" {
			return
		}
		req, err = client.NextPage(req, listChannels, resp, page.Meta.Next)
	}
	fmt.Println(err)
	// Output:
	// [{1 Web} {2 SMS}]
	// [{3 Kiosk}]
}

func ExampleError() {
	srv := adatest.New()
	defer srv.Close()
	srv.Fail("endusers.Create", adatest.Failure{Status: http.StatusBadGateway})

	_, _, err := endusers.New(srv.Client()).Create(context.Background(), endusers.NewUser{})
	switch {
	case errors.Is(err, ada.ErrOutcomeUnknown):
		fmt.Println("it may have happened:", err)
	case ada.Retryable(err):
		fmt.Println("later:", err)
	case err != nil:
		fmt.Println("never:", err)
	}
	var e *ada.Error
	if errors.As(err, &e) {
		fmt.Println(e.Operation, e.StatusCode, e.Attempts)
	}
	// Output:
	// it may have happened: endusers.Create: POST /api/v2/end-users/: 502 Bad Gateway: bad_gateway: outcome unknown
	// endusers.Create 502 1
}

func ExampleRetryable() {
	srv := adatest.New()
	defer srv.Close()
	srv.Fail("endusers.Get", adatest.Failure{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"86400"}}})

	_, err := endusers.New(srv.Client()).Get(context.Background(), "5f7e0e2c1e7c7e000f0f9c3a")
	var e *ada.Error
	if ada.Retryable(err) && errors.As(err, &e) {
		fmt.Println("again in", e.RetryAfter)
	}
	// Output: again in 24h0m0s
}

func ExampleOpt() {
	update := endusers.Update{
		Email:      ada.Set("ada@example.com"),
		ExternalID: ada.Null[string](),
	}
	email, ok := update.Email.Get()
	fmt.Println(email, ok)
	fmt.Println(update.ExternalID.IsNull(), update.FirstName.IsZero())
	fmt.Println(update.Email, update.ExternalID, update.FirstName) // values do not print
	// Output:
	// ada@example.com true
	// true true
	// set null absent
}

func ExampleSecret() {
	key := ada.Secret("not-a-real-key")
	fmt.Printf("%s %v %#v\n", key, key, struct{ Key ada.Secret }{key})
	slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})).Info("start", "key", key)
	fmt.Println(len(string(key)))
	// Output:
	// [REDACTED] [REDACTED] struct { Key ada.Secret }{Key:[REDACTED]}
	// level=INFO msg=start key=[REDACTED]
	// 14
}

// Two clients of one AI Agent, in one process, share their slots.
func ExampleNewLimiter() {
	limiters := map[string]ada.Limiter{}
	var mu sync.Mutex
	shared := func(p ada.Pace) ada.Limiter {
		mu.Lock()
		defer mu.Unlock()
		if limiters[p.Family] == nil {
			limiters[p.Family] = ada.NewLimiter(p)
		}
		return limiters[p.Family]
	}
	for _, key := range []ada.Secret{"not-a-real-key", "not-a-real-key-either"} {
		client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: key, HTTP: ada.HTTPConfig{Limiter: shared}})
		fmt.Println(client, err)
	}
	// Output:
	// ada.Client(https://acme.ada.support/) <nil>
	// ada.Client(https://acme.ada.support/) <nil>
}

// A gateway in front of Ada does the pacing.
func ExampleUnpaced() {
	client, err := ada.NewClient(ada.Config{
		BaseURL: "https://gateway.example.com/ada",
		APIKey:  "not-a-real-key",
		HTTP:    ada.HTTPConfig{Limiter: ada.Unpaced},
	})
	fmt.Println(client, err)
	// Output: ada.Client(https://gateway.example.com/ada/) <nil>
}

func ExampleWithResponse() {
	srv := adatest.New()
	defer srv.Close()
	var resp ada.Response
	_, _, err := endusers.New(srv.Client()).Create(context.Background(), endusers.NewUser{}, ada.WithResponse(&resp))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.StatusCode, resp.Attempts, resp.RateLimit.Remaining, "of", resp.RateLimit.Limit)
	// Output: 201 1 299 of 300
}

// A call in the path of a request of your own gives up early.
func ExampleWithRetry() {
	srv := adatest.New()
	defer srv.Close()
	srv.Fail("endusers.Get", adatest.Failure{Status: http.StatusServiceUnavailable})
	_, err := endusers.New(srv.Client()).Get(context.Background(), "5f7e0e2c1e7c7e000f0f9c3a",
		ada.WithRetry(ada.RetryPolicy{MaxAttempts: 1}), ada.WithAttemptTimeout(2*time.Second))
	fmt.Println(err)
	// Output: endusers.Get: GET /api/v2/end-users/{end_user_id}: 503 Service Unavailable: service_unavailable
}

// The time is for one attempt; the call as a whole ends with its context.
func ExampleWithAttemptTimeout() {
	srv := adatest.New()
	defer srv.Close()
	srv.Fail("endusers.GetByExternalID", adatest.Failure{Delay: time.Hour})

	_, err := endusers.New(srv.Client()).GetByExternalID(context.Background(), "crm-42",
		ada.WithAttemptTimeout(10*time.Millisecond), ada.WithRetry(ada.RetryPolicy{MaxAttempts: 1}))
	fmt.Println(err)
	// Output: endusers.GetByExternalID: GET /api/v2/end-users/: the attempt timed out
}

func ExampleHooks() {
	srv := adatest.New()
	defer srv.Close()
	config := srv.Config()
	config.HTTP.Hooks.Done = func(_ context.Context, a ada.Attempt) {
		fmt.Println(a.Operation, "attempt", a.Number, "status", a.StatusCode, "again:", a.RetryIn > 0)
	}
	config.HTTP.Retry.FirstBackoff = time.Millisecond
	client, err := ada.NewClient(config)
	if err != nil {
		fmt.Println(err)
		return
	}

	id := srv.AddEndUser(adatest.EndUser{InConversation: true})
	srv.Fail("endusers.Get", adatest.Failure{Status: http.StatusServiceUnavailable})
	if _, err := endusers.New(client).Get(context.Background(), id); err != nil {
		fmt.Println(err)
	}
	// Output:
	// endusers.Get attempt 1 status 503 again: true
	// endusers.Get attempt 2 status 200 again: false
}
