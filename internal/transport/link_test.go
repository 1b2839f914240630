package transport

import (
	"net/url"
	"strings"
	"testing"
)

func TestNext(t *testing.T) {
	const page = "https://acme.ada.support/api/v2/end-users/?limit=2"
	good := map[string]string{
		"https://acme.ada.support/api/v2/end-users/?cursor=65a1":           "https://acme.ada.support/api/v2/end-users/?cursor=65a1",
		"https://ACME.ada.support/api/v2/end-users/?cursor=65a1":           "https://acme.ada.support/api/v2/end-users/?cursor=65a1",
		"https://acme.ada.support:443/api/v2/end-users/?cursor=65a1":       "https://acme.ada.support/api/v2/end-users/?cursor=65a1",
		"HTTPS://acme.ada.support/api/v2/end-users/?cursor=65a1":           "https://acme.ada.support/api/v2/end-users/?cursor=65a1",
		"//acme.ada.support/api/v2/end-users/?cursor=65a1":                 "https://acme.ada.support/api/v2/end-users/?cursor=65a1",
		"/api/v2/end-users/?cursor=65a1":                                   "https://acme.ada.support/api/v2/end-users/?cursor=65a1",
		"?cursor=65a1":                                                     "https://acme.ada.support/api/v2/end-users/?cursor=65a1",
		"?cursor=https://evil.example/":                                    "https://acme.ada.support/api/v2/end-users/?cursor=https://evil.example/",
		"?cursor=a%0d%0ab":                                                 "https://acme.ada.support/api/v2/end-users/?cursor=a%0d%0ab",
		"https://acme.ada.support/api/v2/end-users/../end-users/?cursor=1": "https://acme.ada.support/api/v2/end-users/?cursor=1",
		"?" + strings.Repeat("c", maxLink-1):                               "https://acme.ada.support/api/v2/end-users/?" + strings.Repeat("c", maxLink-1),
	}
	bad := []string{
		"",
		"#",
		"?limit=2",
		page,
		"https://evil.example/api/v2/end-users/?cursor=1",
		"https://evil.example",
		"//evil.example/api/v2/end-users/?cursor=1",
		"///evil.example/api/v2/end-users/?cursor=1",
		`\\evil.example/api/v2/end-users/?cursor=1`,
		`/\evil.example/api/v2/end-users/?cursor=1`,
		"http://acme.ada.support/api/v2/end-users/?cursor=1",
		"https://acme.ada.support:444/api/v2/end-users/?cursor=1",
		"https://acme.ada.support:80/api/v2/end-users/?cursor=1",
		"https://acme.ada.support.evil.example/api/v2/end-users/?cursor=1",
		"https://evil.example?acme.ada.support/api/v2/end-users/",
		"https://evil.example#@acme.ada.support/api/v2/end-users/?cursor=1",
		"https://acme.ada.support@evil.example/api/v2/end-users/?cursor=1",
		"https://user:pass@acme.ada.support/api/v2/end-users/?cursor=1",
		"https://user@acme.ada.support/api/v2/end-users/?cursor=1",
		"https://xacme.ada.support/api/v2/end-users/?cursor=1",
		"https://ada.support/api/v2/end-users/?cursor=1",
		"https://other.ada.support/api/v2/end-users/?cursor=1",
		"https://acme.ada.support./api/v2/end-users/?cursor=1",
		"https:evil.example",
		"https:/api/v2/end-users/?cursor=1#x",
		"javascript:alert(1)",
		"file:///etc/passwd",
		"ftp://acme.ada.support/api/v2/end-users/?cursor=1",
		"mailto:a@acme.ada.support",
		"/api/v2/end-users?cursor=1",
		"/api/v2/end-users//?cursor=1",
		"/api/v2/end-users/65a1?cursor=1",
		"/api/v2/end-users/%2e%2e/webhooks/?cursor=1",
		"/api/v2/webhooks/?cursor=1",
		"../webhooks/?cursor=1",
		"?cursor=1#fragment",
		"?cursor=1#",
		"?cursor=a b",
		"?cursor=a\nb",
		"?cursor=a\x7fb",
		"\thttps://acme.ada.support/api/v2/end-users/?cursor=1",
		"https://[::1]/api/v2/end-users/?cursor=1",
		"https://[::1",
		"https://acme.ada.support:port/api/v2/end-users/?cursor=1",
		"%zz",
		strings.Repeat("../", 65) + "api/v2/end-users/?cursor=1",
		"?" + strings.Repeat("c", maxLink),
	}
	from, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	for link, want := range good {
		next, err := Next(from, "", link)
		if err != nil {
			t.Errorf("%.100q: %v", link, err)
		} else if next.String() != want {
			t.Errorf("%.100q leads to %s, want %s", link, next, want)
		}
	}
	if next, err := Next(from, "/api", "/v2/end-users/?cursor=1"); err != nil || next.String() != "https://acme.ada.support/api/v2/end-users/?cursor=1" {
		t.Errorf("a link without the prefix leads to %v, %v", next, err)
	}
	for _, link := range bad {
		if next, err := Next(from, "", link); err == nil {
			t.Errorf("%.100q leads to %s, want an error", link, next)
		}
	}
}
