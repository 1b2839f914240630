package braze

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/adasdk/ada-go/ada"
)

// Batch is any number of objects to send. In a request Braze works on attributes first, then on events, then on
// purchases, each in their order, and so does the order of one user's objects in a batch. It prints as its numbers.
type Batch struct {
	Attributes []Attributes
	Events     []Event
	Purchases  []Purchase
	// Objects were encoded before: they are what a [Buffer] hands back. They come after the others of their array.
	Objects []Object
}

// Len returns how many objects the batch has.
func (b Batch) Len() int {
	return len(b.Attributes) + len(b.Events) + len(b.Purchases) + len(b.Objects)
}

// Append returns a batch with the objects of b and, behind them, those of another. It changes neither.
func (b Batch) Append(other Batch) Batch {
	return Batch{
		Attributes: slices.Concat(b.Attributes, other.Attributes),
		Events:     slices.Concat(b.Events, other.Events),
		Purchases:  slices.Concat(b.Purchases, other.Purchases),
		Objects:    slices.Concat(b.Objects, other.Objects),
	}
}

// Validate checks the objects as [Client.Track] does before it sends any, against Braze's own limits. The error matches
// [ada.ErrInvalid] and names every fault with its array and index.
func (b Batch) Validate() error {
	s := sending{client: &Client{config: Config{}.withDefaults()}, batch: b}
	return s.plan(ada.Operation{Name: "braze.Batch.Validate"})
}

// Format writes how many objects the batch has, for every verb.
func (b Batch) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.text()) }

// MarshalText returns the same as Format.
func (b Batch) MarshalText() ([]byte, error) { return []byte(b.text()), nil }

func (b Batch) text() string { return fmt.Sprintf("braze.Batch(%d objects)", b.Len()) }

// Array is an array of a request, or a field of [Batch].
type Array string

// The arrays. InObjects is of a [Batch] alone.
const (
	InAttributes Array = "attributes"
	InEvents     Array = "events"
	InPurchases  Array = "purchases"
	InObjects    Array = "objects"
)

// arrays are those of a request, in the order in which Braze works on them.
var arrays = [...]Array{InAttributes, InEvents, InPurchases}

// Object is an object in the form in which it goes out: to keep one for later, store its Array and its JSON, and make
// it again with [ParseObject]. It prints, logs and marshals as its array alone.
type Object struct {
	array uint8 // an index of arrays
	once  bool  // it does more when it is sent twice
	user  User
	json  []byte
}

// ParseObject returns the object of an array from JSON that [Object.JSON] gave. It checks no more than its identifier:
// it was checked when it was made. The error matches [ada.ErrInvalid].
func ParseObject(array Array, object []byte) (Object, error) {
	op := ada.Operation{Name: "braze.ParseObject"}
	o := Object{array: uint8(len(arrays))}
	for i, a := range arrays {
		if a == array {
			o.array = uint8(i)
		}
	}
	if int(o.array) == len(arrays) {
		return Object{}, op.Invalid(ada.Fault{Field: "array", Reason: "is not attributes, events or purchases"})
	}
	var compact bytes.Buffer
	var id struct {
		ExternalID string `json:"external_id"`
		Alias      struct {
			Label string `json:"alias_label"`
			Name  string `json:"alias_name"`
		} `json:"user_alias"`
		BrazeID string `json:"braze_id"`
		Email   string `json:"email"`
		Phone   string `json:"phone"`
		Imports bool   `json:"push_token_import"`
		Groups  []struct {
			DoubleOptIn bool `json:"use_double_opt_in_logic"`
		} `json:"subscription_groups"`
	}
	if json.Unmarshal(object, &id) != nil || json.Compact(&compact, object) != nil || !bytes.HasPrefix(compact.Bytes(), []byte("{")) {
		return Object{}, op.Invalid(ada.Fault{Field: "object", Reason: "is not what Object.JSON returns"})
	}
	o.json = compact.Bytes()
	switch {
	case id.ExternalID != "":
		o.user = ExternalID(id.ExternalID)
	case id.Alias.Name != "":
		o.user = Alias(id.Alias.Label, id.Alias.Name)
	case id.BrazeID != "":
		o.user = BrazeID(id.BrazeID)
	case id.Email != "":
		o.user = Email(id.Email)
	case id.Phone != "":
		o.user = Phone(id.Phone)
	case !id.Imports || array != InAttributes:
		return Object{}, op.Invalid(ada.Fault{Field: "object", Reason: "has no identifier"})
	}
	o.once = array != InAttributes || id.Imports
	for _, g := range id.Groups {
		o.once = o.once || g.DoubleOptIn
	}
	for _, m := range members(o.json) {
		o.once = o.once || m.operation()
	}
	return o, nil
}

// Array returns which array of a request the object is for.
func (o Object) Array() Array { return arrays[o.array] }

// User returns whose the object is.
func (o Object) User() User { return o.user }

// JSON returns the object as it goes out, with the personal data that it holds. It is not to be changed.
func (o Object) JSON() []byte { return o.json }

// String returns the array.
func (o Object) String() string { return "braze.Object(" + string(o.Array()) + ")" }

// Format writes the same as String for every verb.
func (o Object) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// MarshalText returns the same as String.
func (o Object) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Status is what became of an object.
type Status uint8

// Every object ends as one of these.
const (
	// Unsent: it has not taken effect, and Braze has said nothing against it. Sending it again may work.
	Unsent Status = iota
	// Processed: Braze has taken it, or a [Dedupe] has found that it says nothing new.
	Processed
	// Rejected: Braze has refused it, or the whole request that it was in. Sending it again fails again.
	Rejected
	// Unknown: it was sent, and may have taken effect. Attributes that only set can be sent again; anything else would
	// count twice if it has.
	Unknown
)

var statusNames = [...]string{"unsent", "processed", "rejected", "unknown"}

// String returns the name of the status in small letters.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "status"
}

// MarshalText returns the same as String.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Rejection is what Braze said against one object.
type Rejection struct {
	Array Array  // the field of the Batch
	Index int    // in that field
	Type  string // in Braze's words, such as "'quantity' is not valid"; empty where it refused the whole request
}

// Result is what became of a [Batch]: the statuses of its objects, by their index. It prints, logs and marshals as their
// numbers.
type Result struct {
	Attributes []Status
	Events     []Status
	Purchases  []Status
	Objects    []Status

	Rejections []Rejection
	Requests   int // how many were made, without repetitions
	// DataPointsSaved is how many data points a [Dedupe] has saved by leaving out attributes.
	DataPointsSaved int
}

func newResult(b Batch) Result {
	return Result{
		Attributes: make([]Status, len(b.Attributes)),
		Events:     make([]Status, len(b.Events)),
		Purchases:  make([]Status, len(b.Purchases)),
		Objects:    make([]Status, len(b.Objects)),
	}
}

func (r *Result) fields() [4][]Status {
	return [...][]Status{r.Attributes, r.Events, r.Purchases, r.Objects}
}

// Count returns how many objects have the status.
func (r Result) Count(s Status) int {
	n := 0
	for _, field := range r.fields() {
		for _, is := range field {
			if is == s {
				n++
			}
		}
	}
	return n
}

// Select returns the objects of the batch, which is the one that r is of, that have one of the statuses:
// r.Select(batch, braze.Unsent) is what can be sent again.
func (r Result) Select(b Batch, statuses ...Status) Batch {
	return Batch{
		Attributes: pick(b.Attributes, r.Attributes, statuses),
		Events:     pick(b.Events, r.Events, statuses),
		Purchases:  pick(b.Purchases, r.Purchases, statuses),
		Objects:    pick(b.Objects, r.Objects, statuses),
	}
}

func pick[T any](objects []T, is, wanted []Status) (picked []T) {
	for i, o := range objects {
		for _, w := range wanted {
			if i < len(is) && is[i] == w {
				picked = append(picked, o)
				break
			}
		}
	}
	return picked
}

// String returns the numbers of the statuses that there are.
func (r Result) String() string {
	var parts []string
	for _, s := range []Status{Processed, Rejected, Unsent, Unknown} {
		if n := r.Count(s); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return "braze.Result(" + strings.Join(parts, ", ") + ")"
}

// Format writes the same as String for every verb.
func (r Result) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalText returns the same as String.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
