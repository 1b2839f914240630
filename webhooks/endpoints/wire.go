package endpoints

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/adasdk/ada-go/ada"
	gen "github.com/adasdk/ada-go/internal/gen/webhooks"
	"github.com/adasdk/ada-go/internal/scalar"
)

const (
	keyPrefix = "whsec_"
	minKey    = 24 // bytes
	maxKey    = 64
)

func (e NewEndpoint) wire() gen.CreateWebhookRequest {
	w := gen.CreateWebhookRequest{URL: e.URL, Description: e.Description, EventFilters: e.EventFilters}
	if e.Disabled {
		w.Enabled = ada.Set(false)
	}
	return w
}

func (u Update) wire() gen.UpdateWebhookRequest {
	w := gen.UpdateWebhookRequest{URL: u.URL, Description: u.Description, EventFilters: u.EventFilters, Enabled: u.Enabled}
	if filters, ok := u.EventFilters.Get(); ok && filters == nil {
		w.EventFilters = ada.Set([]string{}) // nil would be null
	}
	return w
}

func checkID(id string) []ada.Fault {
	if reason := scalar.ID(id); reason != "" {
		return []ada.Fault{{Field: "id", Reason: reason}}
	}
	return nil
}

func (e NewEndpoint) check() []ada.Fault {
	faults := append(checkURL(e.URL), checkText("Description", e.Description)...)
	return append(faults, checkFilters(e.EventFilters)...)
}

func (u Update) check() (faults []ada.Fault) {
	null := func(field string, is bool) {
		if is {
			faults = append(faults, ada.Fault{Field: field, Reason: "is null"})
		}
	}
	if s, ok := u.URL.Get(); ok {
		faults = append(faults, checkURL(s)...)
	}
	null("URL", u.URL.IsNull())
	description, _ := u.Description.Get()
	faults = append(faults, checkText("Description", description)...)
	null("Description", u.Description.IsNull())
	filters, _ := u.EventFilters.Get()
	faults = append(faults, checkFilters(filters)...)
	null("EventFilters", u.EventFilters.IsNull())
	null("Enabled", u.Enabled.IsNull())
	return faults
}

// checkURL says what is wrong with a URL, and nothing of the URL itself.
func checkURL(s string) (faults []ada.Fault) {
	fault := func(reason string) { faults = append(faults, ada.Fault{Field: "URL", Reason: reason}) }
	if s == "" {
		fault("is empty")
		return faults
	}
	u, err := url.Parse(s)
	if err != nil || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsSpace) {
		fault("is not a URL")
		return faults
	}
	if u.Scheme != "https" {
		fault("is not of https")
	}
	if u.Hostname() == "" {
		fault("has no host")
	}
	if u.User != nil {
		fault("has credentials")
	}
	if strings.Contains(s, "#") {
		fault("has a fragment")
	}
	return faults
}

func checkText(field, s string) []ada.Fault {
	if !utf8.ValidString(s) {
		return []ada.Fault{{Field: field, Reason: "is not valid UTF-8"}}
	}
	return nil
}

func checkFilters(names []string) (faults []ada.Fault) {
	for i, name := range names {
		field := fmt.Sprintf("EventFilters[%d]", i)
		if name == "" {
			faults = append(faults, ada.Fault{Field: field, Reason: "is empty"})
		}
		faults = append(faults, checkText(field, name)...)
	}
	return faults
}

func checkKey(key ada.Secret) []ada.Fault {
	fault := func(reason string) []ada.Fault { return []ada.Fault{{Field: "key", Reason: reason}} }
	encoded, ok := strings.CutPrefix(string(key), keyPrefix)
	if !ok {
		return fault("does not begin with " + keyPrefix)
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") { // which the decoder skips
		return fault("is not base64 after " + keyPrefix)
	}
	if n := len(decoded); n < minKey || n > maxKey {
		return fault(fmt.Sprintf("has %d bytes, not %d to %d", n, minKey, maxKey))
	}
	return nil
}
