package endusers

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/adasdk/ada-go/ada"
	gen "github.com/adasdk/ada-go/internal/gen/endusers"
	"github.com/adasdk/ada-go/internal/scalar"
)

const (
	maxExternalID = 36 // characters
	maxSensitive  = 20 // keys in one request
	maxMetadata   = 10 << 10
)

var (
	language     = regexp.MustCompile(`^[a-z]{2}(-[A-Z]{2})?$`)
	sensitiveKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	angle        = regexp.MustCompile(`[<>]`)
)

// update is what brings an end user that exists to what u says. Empty fields change nothing.
func (u NewUser) update() Update {
	return Update{
		FirstName:   optional(u.Profile.FirstName),
		LastName:    optional(u.Profile.LastName),
		DisplayName: optional(u.Profile.DisplayName),
		AvatarURL:   optional(u.Profile.AvatarURL),
		Email:       optional(u.Profile.Email),
		Language:    optional(u.Profile.Language),
		Metadata:    optionalMap(u.Profile.Metadata),
		Sensitive:   optionalMap(u.Sensitive),
	}
}

// empty reports whether u says nothing but its external id.
func (u NewUser) empty() bool { return reflect.ValueOf(u.update()).IsZero() }

func (u NewUser) wire() gen.CreateEndUserRequest {
	return gen.CreateEndUserRequest{ExternalID: optional(u.ExternalID), Profile: u.update().profile()}
}

func (u Update) wire() gen.UpdateEndUserRequest {
	return gen.UpdateEndUserRequest{ExternalID: u.ExternalID, Profile: u.profile()}
}

func (u Update) profile() gen.ProfileChange {
	w := gen.ProfileChange{
		FirstName:   u.FirstName,
		LastName:    u.LastName,
		DisplayName: u.DisplayName,
		Avatar:      u.AvatarURL,
		Email:       u.Email,
		Language:    u.Language,
		Metadata:    u.Metadata,
	}
	if m, ok := u.Metadata.Get(); ok {
		w.Metadata = ada.Set(plain(m))
	}
	if s, ok := u.Sensitive.Get(); ok {
		w.SensitiveMetadata = ada.Set(gen.SensitiveFields{Fields: plain(s)})
	} else if u.Sensitive.IsNull() {
		w.SensitiveMetadata = ada.Null[gen.SensitiveFields]()
	}
	return w
}

func optional(s string) ada.Opt[string] {
	if s == "" {
		return ada.Opt[string]{}
	}
	return ada.Set(s)
}

func optionalMap[M ~map[string]any](m M) ada.Opt[M] {
	if len(m) == 0 {
		return ada.Opt[M]{}
	}
	return ada.Set(m)
}

// plain returns m with every value as what it is underneath; a nil map becomes an empty one, which is not null. Values
// that cannot be sent stay, for the check to find.
func plain(m map[string]any) map[string]any {
	p := make(map[string]any, len(m))
	for k, v := range m {
		if value, reason := scalar.Of(v, false); reason == "" {
			v = value
		}
		p[k] = v
	}
	return p
}

func checkID(id string) []ada.Fault {
	if reason := scalar.ID(id); reason != "" {
		return []ada.Fault{{Field: "id", Reason: reason}}
	}
	return nil
}

func checkExternalID(id string) (faults []ada.Fault) {
	fault := func(reason string) { faults = append(faults, ada.Fault{Field: "ExternalID", Reason: reason}) }
	if id == "" {
		fault("is empty")
	}
	if n := utf8.RuneCountInString(id); n > maxExternalID {
		fault(fmt.Sprintf("has %d characters, at most %d", n, maxExternalID))
	}
	if angle.MatchString(id) {
		fault("has a < or a >")
	}
	if !utf8.ValidString(id) {
		fault("is not valid UTF-8")
	}
	return faults
}

func (u NewUser) check(w gen.CreateEndUserRequest) []ada.Fault {
	var faults []ada.Fault
	if u.ExternalID != "" {
		faults = checkExternalID(u.ExternalID)
	}
	faults = append(faults, checkProfile("Profile.", w.Profile)...)
	for _, k := range slices.Sorted(maps.Keys(u.Sensitive)) {
		if _, ok := u.Profile.Metadata[k]; ok {
			faults = append(faults, ada.Fault{Field: "Sensitive[" + scalar.Key(k) + "]", Reason: "is in Profile.Metadata too"})
		}
	}
	return faults
}

func (u Update) check(w gen.UpdateEndUserRequest) []ada.Fault {
	var faults []ada.Fault
	if id, ok := u.ExternalID.Get(); ok {
		faults = checkExternalID(id)
	}
	return append(faults, checkProfile("", w.Profile)...)
}

// checkProfile checks what is about to be sent; prefix leads from the caller's struct to the profile's fields.
func checkProfile(prefix string, w gen.ProfileChange) (faults []ada.Fault) {
	fault := func(field, reason string) { faults = append(faults, ada.Fault{Field: field, Reason: reason}) }
	for _, f := range []struct {
		name  string
		value ada.Opt[string]
	}{
		{"FirstName", w.FirstName},
		{"LastName", w.LastName},
		{"DisplayName", w.DisplayName},
		{"AvatarURL", w.Avatar},
		{"Email", w.Email},
		{"Language", w.Language},
	} {
		if s, _ := f.value.Get(); !utf8.ValidString(s) {
			fault(prefix+f.name, "is not valid UTF-8")
		}
	}
	if s, ok := w.Language.Get(); ok && !language.MatchString(s) {
		fault(prefix+"Language", "is not of the form xx or xx-XX")
	}
	if m, ok := w.Metadata.Get(); ok {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !utf8.ValidString(k) {
				fault(prefix+"Metadata["+scalar.Key(k)+"]", "has a key that is not valid UTF-8")
			}
			if _, reason := scalar.Of(m[k], false); reason != "" {
				fault(prefix+"Metadata["+scalar.Key(k)+"]", reason)
			}
		}
		if b, err := json.Marshal(m); err == nil && len(b) > maxMetadata {
			fault(prefix+"Metadata", fmt.Sprintf("has %d bytes, at most %d", len(b), maxMetadata))
		}
	}
	fields, _ := w.SensitiveMetadata.Get()
	if n := len(fields.Fields); n > maxSensitive {
		fault("Sensitive", fmt.Sprintf("has %d keys, at most %d", n, maxSensitive))
	}
	for _, k := range slices.Sorted(maps.Keys(fields.Fields)) {
		name := "Sensitive[" + scalar.Key(k) + "]"
		v := fields.Fields[k]
		if !sensitiveKey.MatchString(k) {
			fault(name, "has a key with other characters than letters, digits, _ and -")
		}
		switch _, reason := scalar.Of(v, false); {
		case v == nil: // removes the key
		case v == "":
			fault(name, "is empty")
		case reason != "":
			fault(name, reason)
		}
	}
	return faults
}
