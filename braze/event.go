package braze

import (
	"time"

	"github.com/adasdk/ada-go/ada"
)

// Event is something that a user did. Braze keeps an event that comes twice as two, so that one whose outcome is
// unknown is not repeated. It prints, logs and marshals without what it holds.
//
// https://www.braze.com/docs/api/objects_filters/event_object
type Event struct {
	User User      // required
	Name string    // required; at most 255 characters, no $ in front
	Time time.Time // required; one in the future becomes the time at which Braze receives it
	// AppID is the app that it happened in; empty: [Config.AppID].
	AppID      string
	Properties Properties
	// UpdateExistingOnly is as in [Attributes]. Braze's pages contradict each other on whether it can be false for an
	// [Alias].
	UpdateExistingOnly ada.Opt[bool]
}

// Properties is what is to be known of an event or a purchase: at most 256 values and 100 KB, or 50 KB for a purchase. A
// name has at most 255 characters and no $ in front, and is not one that Braze keeps for itself: time and event_name,
// and for a purchase also product_id, quantity, price and currency. A value is a string of at most 255 characters, a
// bool, a finite number, a [time.Time], or a slice or map of these, but with no times in slices. It prints, logs and
// marshals as "[REDACTED]".
//
// https://www.braze.com/docs/user_guide/data/activation/custom_data/custom_events
type Properties map[string]any

// Purchase is something that a user bought. Braze keeps a purchase that comes twice as two, so that one whose outcome is
// unknown is not repeated. For new work Braze advises events with the names of its e-commerce schema instead. It
// prints, logs and marshals without what it holds.
//
// https://www.braze.com/docs/api/objects_filters/purchase_object
type Purchase struct {
	User      User   // required
	ProductID string // required; at most 255 characters. A name or a category rather than a SKU
	Currency  string // required; ISO 4217, as "USD"
	Price     float64
	// Quantity is how many were bought at that price, at most 100: that many purchases. 0: one.
	Quantity int
	Time     time.Time // required; one in the future becomes the time at which Braze receives it
	// AppID is the app that it was bought in; empty: [Config.AppID].
	AppID              string
	Properties         Properties
	UpdateExistingOnly ada.Opt[bool] // as in [Attributes]
}
