package ada_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/google/go-cmp/cmp"
)

const key = ada.Secret("test-key")

// neverSent fails the test when anything is sent.
func neverSent(t *testing.T) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		t.Errorf("a request was sent to %s", r.URL)
		return nil, errors.New("not to be sent")
	})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestHosts(t *testing.T) {
	label63 := strings.Repeat("a", 63)
	tests := []struct {
		config ada.Config
		want   string
	}{
		{ada.Config{Handle: "acme"}, "https://acme.ada.support/"},
		{ada.Config{Handle: "ACME"}, "https://acme.ada.support/"},
		{ada.Config{Handle: "acme-2"}, "https://acme-2.ada.support/"},
		{ada.Config{Handle: "2acme"}, "https://2acme.ada.support/"},
		{ada.Config{Handle: "a"}, "https://a.ada.support/"},
		{ada.Config{Handle: label63}, "https://" + label63 + ".ada.support/"},
		{ada.Config{Handle: "acme", Cluster: "eu"}, "https://acme.eu.ada.support/"},
		{ada.Config{Handle: "acme", Cluster: "maple"}, "https://acme.maple.ada.support/"},
		{ada.Config{Handle: "acme", Cluster: "us2"}, "https://acme.us2.ada.support/"},
		{ada.Config{BaseURL: "https://acme.ada.support"}, "https://acme.ada.support/"},
		{ada.Config{BaseURL: "https://acme.ada.support/"}, "https://acme.ada.support/"},
		{ada.Config{BaseURL: "https://ada.example.com:8443"}, "https://ada.example.com:8443/"},
		{ada.Config{BaseURL: "https://desk.example.com/ada/prod/"}, "https://desk.example.com/ada/prod/"},
		{ada.Config{BaseURL: "https://10.0.0.1"}, "https://10.0.0.1/"},
		{ada.Config{BaseURL: "http://127.0.0.1:8080"}, "http://127.0.0.1:8080/"},
		{ada.Config{BaseURL: "http://127.8.8.8"}, "http://127.8.8.8/"},
		{ada.Config{BaseURL: "http://[::1]:8080"}, "http://[::1]:8080/"},
		{ada.Config{BaseURL: "http://localhost:8080"}, "http://localhost:8080/"},
	}
	for _, tt := range tests {
		tt.config.APIKey = key
		tt.config.HTTP.Client = neverSent(t)
		client, err := ada.NewClient(tt.config)
		if err != nil {
			t.Errorf("%s: %v", tt.want, err)
			continue
		}
		if got := client.BaseURL(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// hostile is what must not become part of a host name: each has led, or could lead, a client to another host.
var hostile = []string{
	"evil.com/#", "evil.com#", "evil.com?", "evil.com/", "user@evil.com/", "x:y@evil.com/", "acme@evil.com#",
	"169.254.169.254/latest/meta-data/#", "169.254.169.254/x#", "169.254.169.254", "[::1]/", "[::1]", "127.0.0.1:8080/",
	"acme.ada.support.evil.com/", "evil。com/", "evil．com", "acme/../../x", "..", ".", "/", "//evil.com", `\\evil.com`, `evil.com\`,
	"acme.eu", "acme.", ".acme", "acme:443", "acme:", "acme@", "@acme", "acme?", "acme#", "acme%2eevil", "acme%00", "acme\x00",
	"acme\n", "\nacme", "acme\r\nHost: evil.com", " acme", "acme ", "a cme", "acme\t", "-acme", "acme-", "-", "xn--acme-x", "XN--acme-x",
	"аcme", "acmé", "ａｃｍｅ", "acme_1", "acme,evil", "acme;evil", "acme&evil", "acme=evil", "acme+evil", "acme*", "${handle}", "{handle}",
	"https://acme", "https://acme.ada.support", "javascript:alert(1)", "a\u202ecme", "a\u200bcme", strings.Repeat("a", 64), strings.Repeat("a", 300),
}

func TestHostileHandles(t *testing.T) {
	for _, s := range hostile {
		for name, config := range map[string]ada.Config{"Handle": {Handle: s}, "Cluster": {Handle: "acme", Cluster: s}} {
			config.APIKey = key
			config.HTTP.Client = neverSent(t)
			_, err := ada.NewClient(config)
			wantFaults(t, err, ada.Fault{Field: name, Reason: "is not a DNS label"})
		}
	}
}

func wantFaults(t *testing.T, err error, want ...ada.Fault) {
	t.Helper()
	var e *ada.Error
	if !errors.As(err, &e) {
		t.Errorf("got %v, want an *ada.Error", err)
		return
	}
	if !errors.Is(err, ada.ErrInvalid) || ada.Retryable(err) || e.Attempts != 0 {
		t.Errorf("%v: invalid %t, retryable %t, %d attempts", err, errors.Is(err, ada.ErrInvalid), ada.Retryable(err), e.Attempts)
	}
	if diff := cmp.Diff(want, e.Faults); diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func FuzzHandle(f *testing.F) {
	f.Add("acme", "")
	f.Add("acme", "eu")
	for _, s := range hostile {
		f.Add(s, "")
		f.Add("acme", s)
	}
	f.Fuzz(func(t *testing.T, handle, cluster string) {
		client, err := ada.NewClient(ada.Config{Handle: handle, Cluster: cluster, APIKey: key})
		if err != nil {
			return
		}
		want := "https://" + strings.ToLower(handle) + ".ada.support/"
		if cluster != "" {
			want = "https://" + strings.ToLower(handle) + "." + strings.ToLower(cluster) + ".ada.support/"
		}
		if got := client.BaseURL(); got != want {
			t.Errorf("%q in %q leads to %s", handle, cluster, got)
		}
	})
}

func TestBadConfig(t *testing.T) {
	const noURL, noHTTPS = "is not an absolute URL", "is neither https nor http on the loopback interface"
	baseURL := func(reason string) []ada.Fault { return []ada.Fault{{Field: "BaseURL", Reason: reason}} }
	tests := []struct {
		name   string
		config ada.Config
		want   []ada.Fault
	}{
		{"nothing", ada.Config{}, []ada.Fault{{"Handle", "is empty, and so is BaseURL"}, {"APIKey", "is empty"}}},
		{"host twice", ada.Config{Handle: "acme", BaseURL: "https://x.example", APIKey: key}, baseURL("excludes Handle and Cluster")},
		{"no scheme", ada.Config{BaseURL: "acme.ada.support", APIKey: key}, baseURL(noURL)},
		{"opaque", ada.Config{BaseURL: "https:acme.ada.support", APIKey: key}, baseURL(noURL)},
		{"no host", ada.Config{BaseURL: "https:///x", APIKey: key}, baseURL(noURL)},
		{"no URL", ada.Config{BaseURL: "https://%zz", APIKey: key}, baseURL(noURL)},
		{"control character", ada.Config{BaseURL: "https://x.example\n", APIKey: key}, baseURL(noURL)},
		{"plain http", ada.Config{BaseURL: "http://acme.ada.support", APIKey: key}, baseURL(noHTTPS)},
		{"plain http to what looks like loopback", ada.Config{BaseURL: "http://localhost.evil.example", APIKey: key}, baseURL(noHTTPS)},
		{"plain http to the network", ada.Config{BaseURL: "http://10.0.0.1", APIKey: key}, baseURL(noHTTPS)},
		{"ftp", ada.Config{BaseURL: "ftp://127.0.0.1", APIKey: key}, baseURL(noHTTPS)},
		{"credentials", ada.Config{BaseURL: "https://a:b@x.example", APIKey: key}, baseURL("holds credentials")},
		{"query", ada.Config{BaseURL: "https://x.example?a=b", APIKey: key}, baseURL("has a query or a fragment")},
		{"empty query", ada.Config{BaseURL: "https://x.example?", APIKey: key}, baseURL("has a query or a fragment")},
		{"fragment", ada.Config{BaseURL: "https://x.example#a", APIKey: key}, baseURL("has a query or a fragment")},
		{"empty fragment", ada.Config{BaseURL: "https://x.example#", APIKey: key}, baseURL("has a query or a fragment")},
		{"punycode", ada.Config{BaseURL: "https://xn--acme-x.example", APIKey: key}, baseURL("has a host that is no DNS name")},
		{"other script", ada.Config{BaseURL: "https://аcme.example", APIKey: key}, baseURL("has a host that is no DNS name")},
		{"Ada's host with a path", ada.Config{BaseURL: "https://acme.ada.support/api", APIKey: key}, baseURL("has a path, which Ada's own hosts do not take: routes bring their /api with them")},
		{"dot segments", ada.Config{BaseURL: "https://x.example/a/../b", APIKey: key}, baseURL("has a path with escapes, empty or dot segments")},
		{"last dot segment", ada.Config{BaseURL: "https://x.example/a/..", APIKey: key}, baseURL("has a path with escapes, empty or dot segments")},
		{"empty segment", ada.Config{BaseURL: "https://x.example/a//b", APIKey: key}, baseURL("has a path with escapes, empty or dot segments")},
		{"escapes", ada.Config{BaseURL: "https://x.example/a%2Fb", APIKey: key}, baseURL("has a path with escapes, empty or dot segments")},
		{"key with newline", ada.Config{Handle: "acme", APIKey: "a\nb"}, []ada.Fault{{"APIKey", "has spaces or characters that are not printable ASCII"}}},
		{"key with space", ada.Config{Handle: "acme", APIKey: " a"}, []ada.Fault{{"APIKey", "has spaces or characters that are not printable ASCII"}}},
		{"key in another script", ada.Config{Handle: "acme", APIKey: "ключ"}, []ada.Fault{{"APIKey", "has spaces or characters that are not printable ASCII"}}},
		{"key too long", ada.Config{Handle: "acme", APIKey: ada.Secret(strings.Repeat("k", 4097))}, []ada.Fault{{"APIKey", "is longer than 4096 bytes"}}},
		{"two keys", ada.Config{Handle: "acme", APIKey: key, KeyFunc: func(context.Context) (ada.Secret, error) { return key, nil }}, []ada.Fault{{"KeyFunc", "excludes APIKey"}}},
		{
			"limits that are none",
			ada.Config{Handle: "acme", APIKey: key, HTTP: ada.HTTPConfig{
				MaxPayload: 1<<30 + 1, MaxResponse: math.MaxInt64, Retry: ada.RetryPolicy{MaxAttempts: 101},
			}},
			[]ada.Fault{{"HTTP.Retry.MaxAttempts", "is over 100"}, {"HTTP.MaxResponse", "is over 1 GiB"}, {"HTTP.MaxPayload", "is over 1 GiB"}},
		},
		{
			"everything at once",
			ada.Config{Handle: "-", Cluster: "e u", HTTP: ada.HTTPConfig{
				AttemptTimeout: -1, MaxResponse: -1, MaxPayload: -1, UserAgent: "a\nb",
				Retry: ada.RetryPolicy{MaxAttempts: -1, FirstBackoff: -1, MaxBackoff: -1, MaxRetryAfter: -1},
			}},
			[]ada.Fault{
				{"Handle", "is not a DNS label"},
				{"Cluster", "is not a DNS label"},
				{"APIKey", "is empty"},
				{"HTTP.Retry.MaxAttempts", "is negative"},
				{"HTTP.Retry.FirstBackoff", "is negative"},
				{"HTTP.Retry.MaxBackoff", "is negative"},
				{"HTTP.Retry.MaxRetryAfter", "is negative"},
				{"HTTP.AttemptTimeout", "is negative"},
				{"HTTP.MaxResponse", "is negative"},
				{"HTTP.MaxPayload", "is negative"},
				{"HTTP.UserAgent", "has characters that are not printable ASCII"},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ada.NewClient(tt.config)
			wantFaults(t, err, tt.want...)
		})
	}
}

func TestKeyOf4096Bytes(t *testing.T) {
	if _, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: ada.Secret(strings.Repeat("k", 4096))}); err != nil {
		t.Error(err)
	}
}

func TestConfigFromEnv(t *testing.T) {
	t.Setenv("ADA_HANDLE", "acme")
	t.Setenv("ADA_CLUSTER", "eu")
	t.Setenv("ADA_BASE_URL", "https://x.example")
	t.Setenv("ADA_API_KEY", "secret")
	got := ada.ConfigFromEnv()
	want := ada.Config{Handle: "acme", Cluster: "eu", BaseURL: "https://x.example", APIKey: "secret"}
	if got.Handle != want.Handle || got.Cluster != want.Cluster || got.BaseURL != want.BaseURL || got.APIKey != want.APIKey {
		t.Errorf("got %+v", got)
	}
}

func TestCallersClientIsLeftAlone(t *testing.T) {
	redirects := 0
	mine := &http.Client{
		Transport:     roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no") }),
		CheckRedirect: func(*http.Request, []*http.Request) error { redirects++; return nil },
		Timeout:       time.Minute,
	}
	before := *mine
	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: key, HTTP: ada.HTTPConfig{Client: mine}})
	if err != nil {
		t.Fatal(err)
	}
	op := ada.Operation{Name: "things.Get", Method: http.MethodGet, Route: "/api/v2/things/"}
	req, err := client.NewRequest(t.Context(), op, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Do(req, op, nil, ada.WithRetry(ada.RetryPolicy{MaxAttempts: 1})); err == nil {
		t.Error("got no error")
	}
	if mine.Timeout != before.Timeout || mine.Jar != nil || mine.CheckRedirect == nil || mine.Transport == nil || redirects != 0 {
		t.Errorf("the client was changed: %+v", mine)
	}
	if len(req.Header) != 0 {
		t.Errorf("the request was changed: %v", req.Header)
	}
}
