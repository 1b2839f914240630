package endusers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/adasdk/ada-go/ada"
	gen "github.com/adasdk/ada-go/internal/gen/endusers"
	"github.com/adasdk/ada-go/internal/rawjson"
	"github.com/adasdk/ada-go/internal/wiretime"
)

// User is an end user as Ada has it. It prints, logs and marshals as its ID alone: to store or forward one, use Raw.
type User struct {
	ID             string    // Ada's own id
	ExternalID     string    // the id in your own system; empty where there is none. Ada may change its case
	Profile        Profile   // what is known of the person
	SunshineUserID string    // the id in Sunshine Conversations, set by Ada
	CreatedAt      time.Time // in UTC; zero where Ada sent none that can be read
	UpdatedAt      time.Time // in UTC; zero where Ada sent none that can be read

	// Raw is the JSON that Ada sent, with the fields that this package does not know. json.Unmarshal makes a User
	// of it again.
	Raw json.RawMessage
}

// Profile is what is known of an end user. A field that is empty is not set. It prints, logs and marshals as
// "[REDACTED]".
type Profile struct {
	FirstName   string
	LastName    string
	DisplayName string
	AvatarURL   string
	Email       string
	Language    string // BCP 47, as "pt" or "pt-BR"
	// Metadata is yours: what is in it can be used in the AI Agent as metavariables. To send, a value is a string, a
	// bool or an integer of any type, and all of it is at most 10 KB. A received value is a string, a bool or an
	// int64; anything else that Ada may send is a json.RawMessage.
	Metadata map[string]any
}

// Sensitive is metadata that Ada encrypts, keeps from people and language models, never returns, and deletes after 24
// hours. A key is of letters, digits, "_" and "-"; a value is a string that is not empty, a bool, an integer, or nil
// to remove the key. A request takes at most 20. It prints, logs and marshals as "[REDACTED]".
type Sensitive map[string]any

// NewUser is what an end user is made from. Every field can be empty.
type NewUser struct {
	ExternalID string    // 1 to 36 characters without < and >
	Profile    Profile   // fields that are empty are not sent
	Sensitive  Sensitive // no key of it may be in Profile.Metadata
}

// Update says what to change of an end user. A field that is left out stays as it is, [ada.Set] gives it a value, and
// [ada.Null] removes the one that it has:
//
//	endusers.Update{Email: ada.Set("ada@example.com"), ExternalID: ada.Null[string]()}
type Update struct {
	ExternalID  ada.Opt[string] // 1 to 36 characters without < and >
	FirstName   ada.Opt[string]
	LastName    ada.Opt[string]
	DisplayName ada.Opt[string]
	AvatarURL   ada.Opt[string]
	Email       ada.Opt[string]
	Language    ada.Opt[string] // BCP 47, as "pt" or "pt-BR"
	// Metadata takes the values that [Profile.Metadata] takes. Ada does not document whether keys that it leaves out
	// are kept.
	Metadata ada.Opt[map[string]any]
	// Sensitive sets the keys that it holds and removes those whose value is nil.
	Sensitive ada.Opt[Sensitive]
}

// UnmarshalJSON decodes Ada's JSON form of an end user, from an answer or from [User.Raw].
func (u *User) UnmarshalJSON(b []byte) error {
	var w gen.EndUser
	if err := rawjson.Unmarshal(b, &w); err != nil {
		return err
	}
	if w.ID == "" {
		return ada.Fault{Field: "end_user_id", Reason: "is missing"}
	}
	fields, err := metadata(w.Profile.Metadata)
	if err != nil {
		return err
	}
	created, _ := wiretime.Parse([]byte(w.CreatedAt))
	updated, _ := wiretime.Parse([]byte(w.UpdatedAt))
	*u = User{
		ID:         w.ID,
		ExternalID: w.ExternalID,
		Profile: Profile{
			FirstName:   w.Profile.FirstName,
			LastName:    w.Profile.LastName,
			DisplayName: w.Profile.DisplayName,
			AvatarURL:   w.Profile.Avatar,
			Email:       w.Profile.Email,
			Language:    w.Profile.Language,
			Metadata:    fields,
		},
		SunshineUserID: w.Profile.SystemProperties.SunshineUserID,
		CreatedAt:      created,
		UpdatedAt:      updated,
		Raw:            append(json.RawMessage(nil), b...),
	}
	return nil
}

func metadata(raw json.RawMessage) (map[string]any, error) {
	if len(raw) == 0 || rawjson.Null(raw) {
		return nil, nil
	}
	if raw[0] != '{' {
		return nil, ada.Fault{Field: "profile.metadata", Reason: "is no object"}
	}
	m := map[string]any{}
	_, err := rawjson.Object(raw, func(key, v []byte) error {
		k := string([]rune(string(key))) // what is no UTF-8 becomes U+FFFD, as in values
		if s, ok := rawjson.String(v); ok {
			m[k] = s
		} else if v[0] == 't' || v[0] == 'f' {
			m[k] = v[0] == 't'
		} else if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			m[k] = n
		} else {
			m[k] = json.RawMessage(bytes.Clone(v))
		}
		return nil
	})
	return m, err
}

// Format writes the type and the ID for every verb.
func (u User) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "endusers.User("+u.ID+")") }

// MarshalText returns the same as Format.
func (u User) MarshalText() ([]byte, error) { return []byte("endusers.User(" + u.ID + ")"), nil }

const redacted = "[REDACTED]"

// Format writes "[REDACTED]" for every verb.
func (Profile) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Profile) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Sensitive) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Sensitive) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (NewUser) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (NewUser) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format writes "[REDACTED]" for every verb.
func (Update) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[REDACTED]".
func (Update) MarshalText() ([]byte, error) { return []byte(redacted), nil }
