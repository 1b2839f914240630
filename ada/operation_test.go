package ada_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/internal/faults"
)

var (
	getThing    = ada.Operation{Name: "things.Get", Method: http.MethodGet, Route: "/api/v2/things/{group}/items/{id}/"}
	createThing = ada.Operation{Name: "things.Create", Method: http.MethodPost, Route: "/api/v2/things/"}
)

func newClient(t testing.TB, config ada.Config) *ada.Client {
	t.Helper()
	if config.BaseURL == "" {
		config.BaseURL = "https://desk.example.com/ada"
	}
	if config.APIKey == "" {
		config.APIKey = key
	}
	client, err := ada.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestNewRequest(t *testing.T) {
	client := newClient(t, ada.Config{})
	req, err := client.NewRequest(t.Context(), getThing, nil, "a/b?c#d", "%2e ü")
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://desk.example.com/ada/api/v2/things/a%2Fb%3Fc%23d/items/%252e%20%C3%BC/"; req.URL.String() != want {
		t.Errorf("got %s, want %s", req.URL, want)
	}
	if req.Body != nil || req.Header.Get("Content-Type") != "" {
		t.Errorf("a request without a body has %v and Content-Type %q", req.Body, req.Header.Get("Content-Type"))
	}

	_, err = client.NewRequest(t.Context(), getThing, nil, "", "..")
	wantFaults(t, err, ada.Fault{Field: "group", Reason: "is empty or a dot segment"}, ada.Fault{Field: "id", Reason: "is empty or a dot segment"})
	_, err = client.NewRequest(t.Context(), getThing, nil, "one")
	wantFaults(t, err, ada.Fault{Field: getThing.Route, Reason: "has more parameters than there are values"})
	_, err = client.NewRequest(t.Context(), createThing, nil, "one")
	wantFaults(t, err, ada.Fault{Field: createThing.Route, Reason: "has fewer parameters than there are values"})
	_, err = client.NewRequest(t.Context(), createThing, make(chan int))
	wantFaults(t, err, ada.Fault{Field: "the body", Reason: "cannot be encoded as JSON"})
	_, err = client.NewRequest(t.Context(), ada.Operation{Name: "x", Method: "GE T", Route: "/"}, nil)
	wantFaults(t, err, ada.Fault{Field: "the operation", Reason: "has a method or a route that cannot be sent"})
}

// Whatever a request was made of, Do sends it only where its operation says.
func TestDoRefusesOtherRequests(t *testing.T) {
	client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: neverSent(t)}})
	misfit := ada.Fault{Field: "the request", Reason: "does not fit GET /api/v2/things/{group}/items/{id}/"}
	foreign := ada.Fault{Field: "the request", Reason: "leaves the client's origin"}
	const at = "https://desk.example.com/ada"
	tests := []struct {
		method, url string
		want        []ada.Fault
	}{
		{"POST", at + "/api/v2/things/g/items/1/", []ada.Fault{misfit}},
		{"GET", at + "/api/v2/things/g/items/1", []ada.Fault{misfit}},
		{"GET", at + "/api/v2/things/g/items//", []ada.Fault{misfit}},
		{"GET", at + "/api/v2/things/g/items/%2e%2E/", []ada.Fault{misfit}},
		{"GET", at + "/api/v2/things/g/items/./", []ada.Fault{misfit}},
		{"GET", at + "/api/v2/things/g/other/1/", []ada.Fault{misfit}},
		{"GET", at + "/api/v2/things/g/items/1/x/", []ada.Fault{misfit}},
		{"GET", "https://desk.example.com/api/v2/things/g/items/1/", []ada.Fault{misfit}},
		{"GET", "https://desk.example.com/adapter/api/v2/things/g/items/1/", []ada.Fault{misfit}},
		{"GET", "https://evil.example/ada/api/v2/things/g/items/1/", []ada.Fault{foreign}},
		{"GET", "http://desk.example.com/ada/api/v2/things/g/items/1/", []ada.Fault{foreign}},
		{"GET", "https://desk.example.com:444/ada/api/v2/things/g/items/1/", []ada.Fault{foreign}},
		{"GET", "https://u@desk.example.com/ada/api/v2/things/g/items/1/", []ada.Fault{foreign}},
		{"GET", "https://deſk.example.com/ada/api/v2/things/g/items/1/", []ada.Fault{foreign}},
	}
	for _, tt := range tests {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, tt.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Do(req, getThing, nil)
		wantFaults(t, err, tt.want...)
	}
}

// What else a request can hold to lead it elsewhere, or not to be sent.
func TestDoRefusesOddRequests(t *testing.T) {
	client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: neverSent(t)}})
	misfit := ada.Fault{Field: "the request", Reason: "does not fit POST /api/v2/things/"}
	foreign := ada.Fault{Field: "the request", Reason: "leaves the client's origin"}
	header := ada.Fault{Field: "the request", Reason: "has a header that cannot be sent"}
	for name, tt := range map[string]struct {
		change func(*http.Request)
		want   ada.Fault
	}{
		"another host":        {func(r *http.Request) { r.Host = "evil.example" }, foreign},
		"a host like it":      {func(r *http.Request) { r.Host = "des\u212a.example.com" }, foreign},
		"an opaque URL":       {func(r *http.Request) { r.URL.Opaque = "//evil.example/steal" }, misfit},
		"a server's request":  {func(r *http.Request) { r.RequestURI = "/" }, misfit},
		"no URL":              {func(r *http.Request) { r.URL = nil }, ada.Fault{Field: "the request", Reason: "has no URL"}},
		"a broken value":      {func(r *http.Request) { r.Header["X"] = []string{"a\r\nb"} }, header},
		"a broken name":       {func(r *http.Request) { r.Header["X y"] = []string{"a"} }, header},
		"an empty name":       {func(r *http.Request) { r.Header[""] = []string{"a"} }, header},
		"a body that is gone": {func(r *http.Request) { r.GetBody = nil; r.ContentLength = 5 }, ada.Fault{Field: "the body", Reason: "is not as long as the request says: it may have been read already"}},
		"a body that breaks": {func(r *http.Request) {
			r.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
		}, ada.Fault{Field: "the body", Reason: "cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := client.NewRequest(t.Context(), createThing, 1)
			if err != nil {
				t.Fatal(err)
			}
			tt.change(req)
			_, err = client.Do(req, createThing, nil)
			wantFaults(t, err, tt.want)
		})
	}
	for _, out := range []any{struct{}{}, (*int)(nil), 7} {
		req, err := client.NewRequest(t.Context(), createThing, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Do(req, createThing, out)
		wantFaults(t, err, ada.Fault{Field: "out", Reason: "is no pointer to decode into"})
	}
	_, err := client.NewRequest(t.Context(), ada.Operation{Name: "x", Method: "GET", Route: "api/"}, nil)
	wantFaults(t, err, ada.Fault{Field: "the operation", Reason: "has a route that does not begin with a slash"})
}

// A request can be used for another call, as Retryable suggests, and nothing of the caller's authorizes it.
func TestDoAgain(t *testing.T) {
	n := faults.New(t, faults.Answer(faults.Say(200, "{}")))
	client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}}})
	req, err := client.NewRequest(t.Context(), createThing, "x")
	if err != nil {
		t.Fatal(err)
	}
	req.Header["authorization"] = []string{"Bearer other"}
	req.Header.Set("Authorization", "Bearer another")
	for range 2 {
		if _, err := client.Do(req, createThing, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range n.Requests() {
		if string(r.Content) != `"x"` || !slices.Equal(r.Header["Authorization"], []string{"Bearer test-key"}) {
			t.Errorf("request %d was %s with %v", i, r.Content, r.Header["Authorization"])
		}
	}
	bare := &http.Request{Method: http.MethodPost, URL: req.URL} // no header, no body
	if _, err := client.Do(bare, createThing, nil); err != nil {
		t.Error(err)
	}
}

func TestBodyThatIsSlowToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: neverSent(t)}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		body, _ := io.Pipe()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, client.BaseURL()+"api/v2/things/", body)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = client.Do(req, createThing, nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

// net/http repeats a request by itself when it has such a header.
func TestDoRefusesIdempotencyKeysThatWouldRepeatACall(t *testing.T) {
	client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: neverSent(t)}})
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key", "idempotency-key"} {
		req, err := client.NewRequest(t.Context(), createThing, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header[name] = []string{"1"}
		_, err = client.Do(req, createThing, nil)
		wantFaults(t, err, ada.Fault{Field: "the request", Reason: "has an " + http.CanonicalHeaderKey(name) + " header, but its operation is not idempotent"})
	}
}

// Whatever the values are, the path has the route's segments and no others, and each value comes out as it went in.
func FuzzPathParam(f *testing.F) {
	for _, s := range []string{"", ".", "..", "../videos/x", "a/b?x#y", "%2e%2e", "%2F", "\x00", "a\nb", "ü", "//evil.example", "?", "#", ";"} {
		f.Add(s, "1")
		f.Add("g", s)
	}
	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: key})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, group, id string) {
		req, err := client.NewRequest(t.Context(), getThing, nil, group, id)
		if err != nil {
			return
		}
		if req.URL.Host != "acme.ada.support" || req.URL.RawQuery != "" || req.URL.Fragment != "" {
			t.Errorf("%q and %q lead to %s", group, id, req.URL)
		}
		segments := strings.Split(req.URL.EscapedPath(), "/")
		if len(segments) != 8 || segments[3] != "things" || segments[5] != "items" || segments[7] != "" {
			t.Fatalf("%q and %q lead to %s", group, id, req.URL.EscapedPath())
		}
		for i, value := range map[int]string{4: group, 6: id} {
			if got, err := url.PathUnescape(segments[i]); got != value || err != nil {
				t.Errorf("%q arrives as %q: %v", value, got, err)
			}
		}
	})
}

func TestNextPage(t *testing.T) {
	client := newClient(t, ada.Config{})
	op := ada.Operation{Name: "things.List", Method: http.MethodGet, Route: "/api/v2/things/"}
	req, err := client.NewRequest(t.Context(), op, nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = "https://desk.example.com/ada/api/v2/things/?cursor=2"
	for _, link := range []string{want, strings.Replace(want, "/ada", "", 1), "/api/v2/things/?cursor=2"} { // Ada does not know of a gateway's path
		next, err := client.NextPage(req, op, nil, link)
		if err != nil {
			t.Fatal(err)
		}
		if next.URL.String() != want || req.URL.RawQuery != "" {
			t.Errorf("%s leads to %s after %s", link, next.URL, req.URL)
		}
	}
	_, err = client.NextPage(req, op, nil, "https://evil.example/ada/api/v2/things/?cursor=canary")
	if want := "things.List: the answer is not usable: next_page_url leaves the origin"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	wantIs(t, err, ada.ErrAnswer)
}

// An answer that is refused after it was decoded is known as well as one that cannot be decoded.
func TestUnusable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const body = `{"n":1}`
		n := faults.New(t, faults.Answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
			faults.Answer("HTTP/1.1 201 Created\r\nX-Request-Id: r-1\r\nContent-Length: 7\r\n\r\n"+body))
		client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}}})
		op := createThing
		op.Idempotent = true
		req, err := client.NewRequest(t.Context(), op, nil)
		if err != nil {
			t.Fatal(err)
		}
		var out struct{ N int }
		resp, err := client.Do(req, op, &out)
		if err != nil {
			t.Fatal(err)
		}
		for idempotent, end := range map[bool]string{true: "", false: ": outcome unknown"} {
			op.Idempotent = idempotent
			var e *ada.Error
			if err := op.Unusable(resp, ada.Fault{Field: "n", Reason: "is not 2"}); !errors.As(err, &e) {
				t.Fatal(err)
			}
			want := "things.Create: POST /api/v2/things/: 201 Created: the answer is not usable: n is not 2: request r-1: after 2 attempts" + end
			if e.Error() != want {
				t.Errorf("got  %v\nwant %s", e, want)
			}
			if e.StatusCode != 201 || e.Attempts != 2 || e.RequestID != "r-1" || string(e.Body()) != body || !e.MayHaveHappened() ||
				!errors.Is(e, ada.ErrAnswer) || errors.Is(e, ada.ErrOutcomeUnknown) == idempotent {
				t.Errorf("got %d, %d, %s, %s, %t", e.StatusCode, e.Attempts, e.RequestID, e.Body(), e.MayHaveHappened())
			}
		}
	})
}

func TestUnknownEndpointOfTheFake(t *testing.T) {
	srv := adatest.New()
	defer srv.Close()
	req, err := srv.Client().NewRequest(t.Context(), createThing, map[string]any{"a": 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = srv.Client().Do(req, createThing, nil)
	wantIs(t, err, ada.ErrNotFound)
}

// An operation whose answers tell of parts that failed gets them to judge by itself.
func TestPartialErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.Answer(faults.Say(200, `{"n":1,"errors":[{"type":"oops"}]}`)))
		client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}}})
		for partial, want := range map[bool]error{false: ada.ErrAnswer, true: nil} {
			op := createThing
			op.PartialErrors = partial
			req, err := client.NewRequest(t.Context(), op, nil)
			if err != nil {
				t.Fatal(err)
			}
			var out struct{ N int }
			if _, err := client.Do(req, op, &out); !errors.Is(err, want) || partial && out.N != 1 {
				t.Errorf("partial=%t: %v, %d", partial, err, out.N)
			}
		}
	})
}
