package ada_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/adasdk/ada-go/ada"
)

// Clients that are derived from one another share the budget of repetitions; others have their own.
func TestBudgetOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		config := ada.Config{HTTP: ada.HTTPConfig{
			Limiter: ada.Unpaced,
			Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				requests++
				return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			})},
		}}
		client := newClient(t, config)
		derived, err := client.WithAPIKey("another-key")
		if err != nil {
			t.Fatal(err)
		}
		call := func(c *ada.Client) *ada.Error {
			req, err := c.NewRequest(t.Context(), getThing, nil, "g", "1")
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Do(req, getThing, nil)
			var e *ada.Error
			if !errors.As(err, &e) || !errors.Is(err, ada.ErrServer) || !ada.Retryable(err) || errors.Is(err, ada.ErrOutcomeUnknown) {
				t.Fatalf("got %v", err)
			}
			return e
		}
		for range 50 {
			call(client)
		}
		for name, c := range map[string]*ada.Client{"the client": client, "its derived one": derived} {
			requests = 0
			for range 100 {
				if e := call(c); e.Attempts != 1 {
					t.Fatalf("%s made %d attempts", name, e.Attempts)
				}
			}
			if requests != 100 {
				t.Errorf("%s sent %d requests for 100 calls", name, requests)
			}
		}
		if e := call(newClient(t, config)); e.Attempts != 4 {
			t.Errorf("another client made %d attempts, want 4", e.Attempts)
		}
	})
}
