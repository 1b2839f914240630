package braze

import (
	"time"

	"github.com/adasdk/ada-go/ada"
)

// Attributes sets what the profile of one user holds. A field that is left out stays as it is, [ada.Set] gives it a
// value, and [ada.Null] removes the one that it has:
//
//	braze.Attributes{
//		User:      braze.ExternalID("crm-42"),
//		FirstName: ada.Set("Ada"),
//		HomeCity:  ada.Null[string](),
//		Custom:    braze.Custom{"plan": "pro", "conversations": braze.Inc(1)},
//	}
//
// Every custom attribute in it is a data point, changed or not: send what has changed, or use a [Dedupe].
//
// It prints, logs and marshals without what it holds.
//
// https://www.braze.com/docs/api/objects_filters/user_attributes_object
type Attributes struct {
	User User // required, unless PushTokenImport

	// UpdateExistingOnly set to true leaves out, in silence, a user whom Braze does not have; false has the profile
	// made. Left out, it is as the constructor of the User says.
	UpdateExistingOnly ada.Opt[bool]
	// MergeObjects merges the objects in Custom into those that the profile has, at every depth, and has
	// [ObjectsChange.Update] merge. Without it an object replaces the one before.
	MergeObjects bool

	// Email and Phone are contact data beside the identifier. Where the User is one by Email, Email stays empty, and
	// where it is one by Phone both do.
	Email ada.Opt[string]
	Phone ada.Opt[string]

	FirstName       ada.Opt[string]
	LastName        ada.Opt[string]
	HomeCity        ada.Opt[string]
	Country         ada.Opt[string] // ISO 3166-1 alpha-2, as "BR"
	Language        ada.Opt[string] // ISO 639-1, as "pt"
	Birthday        ada.Opt[Date]
	Gender          ada.Opt[Gender]
	TimeZone        ada.Opt[string] // a name of the IANA database, as "America/Toronto"
	CurrentLocation ada.Opt[Location]
	ImageURL        ada.Opt[string] // at most 1024 characters

	FirstSession        ada.Opt[time.Time] // when the app was first used
	LastSession         ada.Opt[time.Time] // when the app was last used
	MarkedEmailAsSpamAt ada.Opt[time.Time]

	// EmailSubscribe and SubscriptionGroups are also set for other users with the same email address.
	EmailSubscribe             ada.Opt[Subscription]
	PushSubscribe              ada.Opt[Subscription]
	EmailOpenTrackingDisabled  ada.Opt[bool]
	EmailClickTrackingDisabled ada.Opt[bool]
	SubscriptionGroups         []SubscriptionGroup

	PushTokens []PushToken
	// PushTokenImport has Braze make anonymous profiles for the PushTokens, which are then required. The User is then
	// not one by ExternalID or BrazeID, and can be left out.
	PushTokenImport bool

	Facebook ada.Opt[Facebook]
	Twitter  ada.Opt[Twitter]

	// Custom is custom attributes by name.
	Custom Custom
}

// Custom is custom attributes by name. A name has at most 255 characters, no $ in front and no spaces around it, and is
// not one of Braze's own. A value is one of these:
//
//   - a string of at most 255 characters, a bool, a number of any type that is finite, a [time.Time];
//   - a slice of strings, bools or numbers: at most 500 of them, and 100 KB;
//   - a map with string keys, or a slice of such maps, at most 100 KB. Keys within have at most 255 characters and no
//     space, dot or $; values are as above, though none is nil;
//   - [Inc], [ArrayChange] or [ObjectsChange], which change what is there;
//   - [Unset], which removes the attribute.
//
// Braze decides on the type of an attribute by the first value that it ever sees, and ignores or converts values of
// another type: keep the types. It prints, logs and marshals as "[REDACTED]".
//
// https://www.braze.com/docs/user_guide/data/activation/custom_data/custom_attributes
type Custom map[string]any

// Inc is a custom attribute that is to grow by an integer, or to shrink by a negative one. Sending it twice counts
// twice, so that it is not repeated when its outcome is unknown.
type Inc int64

// ArrayChange is a custom attribute that is an array and is to gain and lose values. What is added again moves to the
// end. It is not repeated when its outcome is unknown.
type ArrayChange struct {
	Add    []any // strings, bools and numbers
	Remove []any
}

// ObjectsChange is a custom attribute that is an array of objects, of which some are to be added, removed or changed.
// Braze adds first, then removes, then updates, so that an object cannot be replaced by removing and adding it. It is
// not repeated when its outcome is unknown.
//
// https://www.braze.com/docs/user_guide/data/activation/custom_data/custom_attributes/array_of_objects
type ObjectsChange struct {
	Add    []map[string]any
	Remove []ObjectKey
	Update []ObjectUpdate // needs [Attributes.MergeObjects]
}

// ObjectKey says which objects of an array are meant: those that have the value under the name.
type ObjectKey struct {
	Name  string
	Value any // a string, a bool or a number
}

// ObjectUpdate is what to merge into the objects that Key means.
type ObjectUpdate struct {
	Key    ObjectKey
	Object map[string]any
}

// Unset is a custom attribute that is to be removed from the profile. Removing is a data point, too.
type Unset struct{}

// Date is a day without a time or a zone.
type Date struct {
	Year  int // 1 to 3000
	Month time.Month
	Day   int
}

// Gender is a gender that Braze knows.
type Gender string

// The genders.
const (
	Male                 Gender = "M"
	Female               Gender = "F"
	OtherGender          Gender = "O"
	GenderNotApplicable  Gender = "N"
	GenderPreferNotToSay Gender = "P"
)

// Subscription is a state of email, of push or of a subscription group.
type Subscription string

// The states of a subscription. A subscription group has no OptedIn.
const (
	OptedIn      Subscription = "opted_in" // explicitly
	Subscribed   Subscription = "subscribed"
	Unsubscribed Subscription = "unsubscribed"
)

// SubscriptionGroup is a user's state in a subscription group.
type SubscriptionGroup struct {
	ID    string // a UUID, from Braze's dashboard
	State Subscription
	// DoubleOptIn has Braze ask the user first, by SMS, when State is [Subscribed]. It is then not repeated when its
	// outcome is unknown.
	DoubleOptIn bool
}

// PushToken is a device that can receive push messages.
type PushToken struct {
	AppID    string
	Token    string
	DeviceID string // 8 to 255 bytes; can be empty
}

// Location is a place on Earth, in degrees.
type Location struct {
	Latitude  float64 // -90 to 90
	Longitude float64 // -180 to 180
}

// Facebook is what is known of a user from Facebook. Fields that are empty are not sent.
type Facebook struct {
	ID         string
	Likes      []string
	NumFriends int
}

// Twitter is what is known of a user from Twitter. Fields that are empty are not sent.
type Twitter struct {
	ID             int64
	ScreenName     string
	FollowersCount int
	FriendsCount   int
	StatusesCount  int
}
