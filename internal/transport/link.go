package transport

import (
	"errors"
	"net/url"
	"strings"
)

// maxLink is the longest next-page link that is followed, in bytes.
const maxLink = 8 << 10

// Next resolves the link to a next page against the page that it came with. The page after must be at the same
// scheme, host, port and path, or the key would go where the link says. The path may lack prefix, which a gateway has put
// in front of it and the server does not know of.
func Next(page *url.URL, prefix, link string) (*url.URL, error) {
	if len(link) > maxLink || strings.Count(link, "..") > 64 {
		return nil, errors.New("is too long")
	}
	if strings.ContainsFunc(link, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }) {
		return nil, errors.New("holds forbidden characters")
	}
	ref, err := url.Parse(link)
	if err != nil {
		return nil, errors.New("is not a URL")
	}
	if ref.Opaque != "" || ref.User != nil || ref.Fragment != "" || strings.HasSuffix(link, "#") {
		return nil, errors.New("is not a plain URL")
	}
	next := page.ResolveReference(ref)
	switch path := next.EscapedPath(); {
	case next.Scheme != page.Scheme || !SameHost(next, page):
		return nil, errors.New("leaves the origin")
	case path != page.EscapedPath() && prefix+path != page.EscapedPath():
		return nil, errors.New("leaves the path")
	case next.RawQuery == page.RawQuery:
		return nil, errors.New("leads to the same page")
	}
	next.Host, next.Path, next.RawPath = page.Host, page.Path, page.RawPath
	return next, nil
}

// SameHost reports whether both URLs, of the same scheme, name the same host and port.
func SameHost(a, b *url.URL) bool {
	return SameName(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

// SameName reports whether two names of hosts, one of them in ASCII, differ in nothing but the case of ASCII. Letters of
// other scripts that Unicode folds to ASCII are longer there.
func SameName(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}
