package ada_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/faults"
)

var listThings = ada.Operation{Name: "things.List", Method: http.MethodGet, Route: "/api/v2/things/"}

// A redirect of any kind, to anywhere, at any hop of a call, ends it: everything that was sent went to the client's
// origin, and the key and the body went nowhere else.
func TestRedirectsAreRefused(t *testing.T) {
	for hop := range 3 {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, location := range []string{
				"https://desk.example.com/api/v2/things/", "https://desk.example.com:8443/api/v2/things/",
				"http://desk.example.com/api/v2/things/", "https://sub.desk.example.com/", "https://evil.example/",
			} {
				for _, idempotent := range []bool{true, false} {
					synctest.Test(t, func(t *testing.T) {
						steps := []faults.Step{faults.Answer(faults.Say(429, "")), faults.Answer(faults.Say(429, ""))}[:hop]
						n := faults.New(t, append(steps, faults.Answer(faults.Say(status, "", "Location: "+location)))...)
						client := newClient(t, ada.Config{BaseURL: "https://desk.example.com", APIKey: "canary-key", HTTP: ada.HTTPConfig{
							Client: &http.Client{Transport: n.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return nil }},
						}})
						op := createThing
						op.Idempotent = idempotent
						req, err := client.NewRequest(t.Context(), op, map[string]string{"email": "canary@mail.example"})
						if err != nil {
							t.Fatal(err)
						}
						_, err = client.Do(req, op, nil)
						if idempotent {
							wantIs(t, err, ada.ErrAnswer)
						} else {
							wantIs(t, err, ada.ErrAnswer, ada.ErrOutcomeUnknown)
						}
						if n.Dials() != hop+1 || len(n.Requests()) != hop+1 {
							t.Errorf("%d to %s: %d connections, %d requests, want %d", status, location, n.Dials(), len(n.Requests()), hop+1)
						}
						for _, r := range n.Requests() {
							if r.Host != "desk.example.com" || r.RequestURI != "/api/v2/things/" || r.TLS != nil {
								t.Errorf("%d to %s: sent to %s%s", status, location, r.Host, r.RequestURI)
							}
						}
					})
				}
			}
		}
	}
}

// hostileLinks are next-page links that must not be followed from https://desk.example.com/ada/api/v2/things/?limit=2.
var hostileLinks = []string{
	// To another host.
	"https://evil.example/ada/api/v2/things/?cursor=canary",
	"//evil.example/ada/api/v2/things/?cursor=canary",
	"///evil.example/ada/api/v2/things/?cursor=canary",
	`\\evil.example/ada/api/v2/things/?cursor=canary`,
	`/\evil.example/ada/api/v2/things/?cursor=canary`,
	`https:\\evil.example/ada/api/v2/things/?cursor=canary`,
	`https://desk.example.com\@evil.example/ada/api/v2/things/?cursor=canary`,
	"https://desk.example.com@evil.example/ada/api/v2/things/?cursor=canary",
	"https://desk.example.com:443@evil.example/ada/api/v2/things/?cursor=canary",
	"https://evil.example?desk.example.com/ada/api/v2/things/?cursor=canary",
	"https://evil.example#@desk.example.com/ada/api/v2/things/?cursor=canary",
	"https://desk.example.com.evil.example/ada/api/v2/things/?cursor=canary",
	"https://evildesk.example.com/ada/api/v2/things/?cursor=canary",
	"https://sub.desk.example.com/ada/api/v2/things/?cursor=canary",
	"https://example.com/ada/api/v2/things/?cursor=canary",
	"https://desk.example.com./ada/api/v2/things/?cursor=canary",
	"https://desk。example。com/ada/api/v2/things/?cursor=canary",
	"https://deѕk.example.com/ada/api/v2/things/?cursor=canary",
	"https://deſk.example.com/ada/api/v2/things/?cursor=canary",      // which Unicode takes for an s
	"https://des\u212a.example.com/ada/api/v2/things/?cursor=canary", // and the Kelvin sign for a k
	"https://desk%2eexample.com.evil.example/ada/api/v2/things/?cursor=canary",
	"https://169.254.169.254/ada/api/v2/things/?cursor=canary",
	"https://[::1]/ada/api/v2/things/?cursor=canary",
	"https://[::ffff:169.254.169.254]/ada/api/v2/things/?cursor=canary",
	"https://2130706433/ada/api/v2/things/?cursor=canary",
	"https://localhost/ada/api/v2/things/?cursor=canary",
	"https:///ada/api/v2/things/?cursor=canary",
	// To another scheme or port.
	"http://desk.example.com/ada/api/v2/things/?cursor=canary",
	"http://desk.example.com:443/ada/api/v2/things/?cursor=canary",
	"https://desk.example.com:80/ada/api/v2/things/?cursor=canary",
	"https://desk.example.com:8443/ada/api/v2/things/?cursor=canary",
	"https://desk.example.com:0443/ada/api/v2/things/?cursor=canary",
	"https://desk.example.com:port/ada/api/v2/things/?cursor=canary",
	"ftp://desk.example.com/ada/api/v2/things/?cursor=canary",
	"file:///etc/passwd",
	"javascript:alert(1)",
	"data:text/html,canary",
	"mailto:canary@desk.example.com",
	"https:evil.example",
	"https:?cursor=canary",
	// With credentials.
	"https://canary@desk.example.com/ada/api/v2/things/?cursor=1",
	"https://user:canary@desk.example.com/ada/api/v2/things/?cursor=1",
	"https://@desk.example.com/ada/api/v2/things/?cursor=canary",
	// To another path.
	"https://desk.example.com/adaapi/v2/things/?cursor=canary",
	"https://desk.example.com/ada/ada/api/v2/things/?cursor=canary",
	"https://desk.example.com/api/v2/end-users/?cursor=canary",
	"https://evil.example/api/v2/things/?cursor=canary",
	"https://desk.example.com/ada/api/v2/things?cursor=canary",
	"/ada/api/v2/things//?cursor=canary",
	"/ada/api/v2/things/1/?cursor=canary",
	"/ada/api/v2/end-users/?cursor=canary",
	"/ada/api/v2/things/%2e%2e/end-users/?cursor=canary",
	"/ada/api/v2/thing%73/?cursor=canary",
	"/ada/api/v2/things%2f?cursor=canary",
	"../end-users/?cursor=canary",
	"cursor=canary",
	strings.Repeat("../", 65) + "ada/api/v2/things/?cursor=canary",
	// To the same page, or to none.
	"",
	"#",
	"?limit=2",
	"https://desk.example.com/ada/api/v2/things/?limit=2",
	"?cursor=canary#x",
	"?cursor=canary#",
	"%zz",
	"https://[::1",
	// Not as a link is written.
	"?cursor=canary\r\nHost: evil.example",
	"?cursor=a b",
	"?cursor=a\x00b",
	"?cursor=a\x7fb",
	"\thttps://desk.example.com/ada/api/v2/things/?cursor=canary",
	" //evil.example/",
	"?cursor=" + strings.Repeat("c", 8<<10),
}

func TestHostileNextLinks(t *testing.T) {
	client := newClient(t, ada.Config{HTTP: ada.HTTPConfig{Client: neverSent(t)}})
	req, err := client.NewRequest(t.Context(), listThings, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.RawQuery = "limit=2"
	if len(hostileLinks) < 50 {
		t.Errorf("%d links", len(hostileLinks))
	}
	for _, link := range hostileLinks {
		next, err := client.NextPage(req, listThings, nil, link)
		if err == nil {
			t.Errorf("%.100q leads to %s", link, next.URL)
			continue
		}
		wantIs(t, err, ada.ErrAnswer)
		for how, s := range show(err) {
			if strings.Contains(s, "canary") || strings.Contains(s, "evil") {
				t.Errorf("%.100q: %s shows %s", link, how, s)
			}
		}
	}
}

// Whatever the link, the key goes to the path of the first page on the client's origin, or nowhere.
func FuzzNextPage(f *testing.F) {
	for _, link := range hostileLinks {
		f.Add(link)
	}
	for _, link := range []string{
		"?cursor=1", "/ada/api/v2/things/?cursor=1", "//desk.example.com/ada/api/v2/things/?cursor=1", "?cursor=https://evil.example/",
		"/api/v2/things/?cursor=1", "HTTPS://DESK.example.com:443/ada/api/v2/things/?cursor=1", "../things/?cursor=a%0d%0ab",
	} {
		f.Add(link)
	}
	var sent *http.Request
	client, err := ada.NewClient(ada.Config{BaseURL: "https://desk.example.com/ada", APIKey: key, HTTP: ada.HTTPConfig{
		Limiter: ada.Unpaced,
		Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			sent = r
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		})},
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, link string) {
		req, err := client.NewRequest(t.Context(), listThings, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.RawQuery = "limit=2"
		next, err := client.NextPage(req, listThings, nil, link)
		if err != nil {
			if !errors.Is(err, ada.ErrAnswer) || len(err.Error()) > 200 {
				t.Errorf("%q: %v", link, err)
			}
			return
		}
		if _, err := client.Do(next, listThings, nil); err != nil {
			t.Fatalf("%q leads to %s, which is not sent: %v", link, next.URL, err)
		}
		u := sent.URL
		if u.Scheme != "https" || u.Host != "desk.example.com" || u.EscapedPath() != "/ada/api/v2/things/" || u.User != nil ||
			u.Opaque != "" || u.Fragment != "" || u.RawQuery == "limit=2" || sent.Host != "" && sent.Host != u.Host {
			t.Errorf("%q leads to %s at %s", link, u, sent.Host)
		}
	})
}

// A key that cannot be a header is refused before anything is sent, wherever it comes from, and is not shown.
func TestKeysThatAreNoHeader(t *testing.T) {
	var bad []ada.Secret
	for c := range 256 {
		if c <= ' ' || c > '~' {
			for _, form := range []string{"%scanary", "can%sary", "canary%s"} {
				bad = append(bad, ada.Secret(fmt.Sprintf(form, string([]byte{byte(c)}))))
			}
		}
	}
	bad = append(bad, "canary\r\nX-Evil: 1", "canary\u2028", "canary\u202e", ada.Secret(strings.Repeat("canary", 1000)))
	for _, k := range bad {
		_, atOnce := ada.NewClient(ada.Config{Handle: "acme", APIKey: k})
		_, derived := newClient(t, ada.Config{}).WithAPIKey(k)
		client, err := ada.NewClient(ada.Config{
			Handle: "acme", KeyFunc: func(context.Context) (ada.Secret, error) { return k, nil },
			HTTP: ada.HTTPConfig{Client: neverSent(t)},
		})
		if err != nil {
			t.Fatal(err)
		}
		req, err := client.NewRequest(t.Context(), listThings, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, asked := client.Do(req, listThings, nil)
		for _, err := range []error{atOnce, derived, asked} {
			if !errors.Is(err, ada.ErrInvalid) {
				t.Errorf("%q: %v", string(k), err)
				continue
			}
			for how, s := range show(err) {
				if strings.Contains(s, "can") && strings.Contains(s, "ary") {
					t.Errorf("%q: %s shows %s", string(k), how, s)
				}
			}
		}
	}
}
