package proactivesms

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/adasdk/ada-go/ada"
	gen "github.com/adasdk/ada-go/internal/gen/proactivesms"
	"github.com/adasdk/ada-go/internal/scalar"
)

var language = regexp.MustCompile(`^[a-z]{2}$`)

// phoneKey is where the phone number stands among the meta fields.
const phoneKey = "phone_number"

// wire returns what is sent for m, and what is wrong with it.
func (m Message) wire() (body gen.TriggerSMSJSONRequestBody, faults []ada.Fault) {
	fault := func(field, reason string) { faults = append(faults, ada.Fault{Field: field, Reason: reason}) }
	switch {
	case m.CampaignKey == "":
		fault("CampaignKey", "is empty")
	case !utf8.ValidString(m.CampaignKey):
		fault("CampaignKey", "is not valid UTF-8")
	}
	phone, reason := dial(m.PhoneNumber)
	if reason != "" {
		fault("PhoneNumber", reason)
	}
	if m.Language != "" && !language.MatchString(m.Language) {
		fault("Language", "is not a code of two small letters")
	}
	fields := map[string]any{phoneKey: phone}
	for _, k := range slices.Sorted(maps.Keys(m.MetaFields)) {
		value, reason := scalar.Of(m.MetaFields[k], true)
		switch {
		case k == "" || !utf8.ValidString(k):
			fault("MetaFields", "has a key that is empty or not valid UTF-8")
		case k == phoneKey:
			fault("MetaFields", "has the key phone_number, which PhoneNumber is for")
		case reason != "":
			fault("MetaFields["+scalar.Key(k)+"]", reason)
		default:
			fields[k] = value
		}
	}
	body.CampaignKey, body.Language, body.Recipient.MetaFields = m.CampaignKey, m.Language, fields
	return body, faults
}

// dial returns the number without its separators, or what is wrong with it.
func dial(number string) (dialled, reason string) {
	digits, plus := strings.CutPrefix(strings.TrimSpace(number), "+")
	digits = strings.Map(func(c rune) rune {
		if strings.ContainsRune(" -.()", c) {
			return -1
		}
		return c
	}, digits)
	switch {
	case strings.Trim(digits, "0123456789") != "":
		return "", "has other characters than digits, separators and a + in front"
	case len(digits) < 5 || len(digits) > 15:
		return "", fmt.Sprintf("has %d digits, not 5 to 15", len(digits))
	case plus:
		return "+" + digits, ""
	default:
		return digits, ""
	}
}
