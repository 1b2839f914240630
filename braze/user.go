package braze

import (
	"fmt"
	"io"
	"log/slog"
)

// User says whose profile an object is of, by the one identifier with which it was made. Its zero value is nobody,
// which only a push token import may have. A User can be compared and be the key of a map. It prints, logs and
// marshals as the kind of its identifier alone.
//
// https://www.braze.com/docs/api/endpoints/user_data/post_user_track
type User struct {
	kind  kind
	id    string
	label string // of an alias
}

// kind is which identifier a User has.
type kind uint8

const (
	nobody kind = iota
	byExternalID
	byAlias
	byBrazeID
	byEmail
	byPhone
)

var kindNames = [...]string{"", "external_id", "user_alias", "braze_id", "email", "phone"}

// ExternalID is the user with an id of your own system, of 1 to 987 bytes. Braze makes a profile for one that it does
// not know. A long random id is best: what looks like a placeholder, Braze may have blocked.
func ExternalID(id string) User { return User{kind: byExternalID, id: id} }

// Alias is the user with an alias: a name that is unique under its label. Both are needed, and their case matters. Braze
// makes no profile for one that it does not know, unless UpdateExistingOnly is set to false.
func Alias(label, name string) User { return User{kind: byAlias, id: name, label: label} }

// BrazeID is the user with an id that Braze has given.
func BrazeID(id string) User { return User{kind: byBrazeID, id: id} }

// Email is the user with an email address and, of several, the one with an external id that was last updated. Braze
// makes a profile for an address that it does not know.
func Email(address string) User { return User{kind: byEmail, id: address} }

// Phone is the user with a phone number, best in the form of E.164, such as "+14165551234".
func Phone(number string) User { return User{kind: byPhone, id: number} }

// IsZero reports whether u is nobody.
func (u User) IsZero() bool { return u.kind == nobody }

// String returns the kind of the identifier.
func (u User) String() string { return "braze.User(" + kindNames[u.kind] + ")" }

// Format writes the same as String for every verb.
func (u User) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// MarshalText returns the same as String.
func (u User) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// LogValue returns the same as String.
func (u User) LogValue() slog.Value { return slog.StringValue(u.String()) }
