package braze

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/scalar"
)

// Set sets the attribute that Braze calls name: a field of a, for names such as "first_name" and "dob", and a custom
// attribute for all others. [Unset] removes it. A date can be a [Date], a [time.Time], of which it is the day in UTC, or
// a string such as "1815-12-10"; a time can be a string in RFC 3339. A [json.Number] is a number, not a string.
//
// The error, which matches [ada.ErrInvalid], says that the value is not one that Braze takes there, or that the name is
// one that cannot be set, as are those of identifiers and lists. The attributes are then as they were.
func (a *Attributes) Set(name string, value any) error {
	one := Attributes{User: a.User, MergeObjects: a.MergeObjects}
	if one.User.IsZero() { // it can be set later
		one.User = BrazeID("-")
	}
	var faults []ada.Fault
	if reason := one.assign(name, value); reason != "" {
		faults = append(faults, ada.Fault{Field: scalar.Key(name), Reason: reason})
	} else {
		e := encoders.Get().(*encoder)
		defer encoders.Put(e)
		*e = encoder{out: e.out[:0], path: e.path[:0], keys: e.keys[:0]}
		e.attributes(&one)
		for _, f := range e.faults {
			if f.Field != "User" { // which is no fault of the value
				faults = append(faults, f)
			}
		}
	}
	if len(faults) > 0 {
		return ada.Operation{Name: "braze.Attributes.Set"}.Invalid(faults...)
	}
	a.assign(name, value)
	return nil
}

// assign is Set without the checks of the value.
func (a *Attributes) assign(name string, value any) (reason string) {
	reason = "cannot be set by its name"
	switch name {
	case "email":
		reason = setString(&a.Email, value)
	case "phone":
		reason = setString(&a.Phone, value)
	case "first_name":
		reason = setString(&a.FirstName, value)
	case "last_name":
		reason = setString(&a.LastName, value)
	case "home_city":
		reason = setString(&a.HomeCity, value)
	case "country":
		reason = setString(&a.Country, value)
	case "language":
		reason = setString(&a.Language, value)
	case "time_zone":
		reason = setString(&a.TimeZone, value)
	case "image_url":
		reason = setString(&a.ImageURL, value)
	case "gender":
		reason = setString(&a.Gender, value)
	case "email_subscribe":
		reason = setString(&a.EmailSubscribe, value)
	case "push_subscribe":
		reason = setString(&a.PushSubscribe, value)
	case "dob":
		reason = setTo(&a.Birthday, value, "day", parseDate)
	case "date_of_first_session":
		reason = setTo(&a.FirstSession, value, "time", parseTime)
	case "date_of_last_session":
		reason = setTo(&a.LastSession, value, "time", parseTime)
	case "marked_email_as_spam_at":
		reason = setTo(&a.MarkedEmailAsSpamAt, value, "time", parseTime)
	case "email_open_tracking_disabled":
		reason = setTo(&a.EmailOpenTrackingDisabled, value, "bool", parseBool)
	case "email_click_tracking_disabled":
		reason = setTo(&a.EmailClickTrackingDisabled, value, "bool", parseBool)
	case "current_location":
		reason = setTo(&a.CurrentLocation, value, "Location", func(v any) (l Location, ok bool) { l, ok = v.(Location); return })
	default:
		if attributeNames[name] {
			break
		}
		if a.Custom == nil {
			a.Custom = Custom{}
		}
		a.Custom[name] = value
		return ""
	}
	return reason
}

func setString[T ~string](field *ada.Opt[T], value any) (reason string) {
	return setTo(field, value, "string", func(v any) (T, bool) {
		r := reflect.ValueOf(v)
		if _, isNumber := v.(json.Number); isNumber || r.Kind() != reflect.String {
			return "", false
		}
		return T(r.String()), true
	})
}

func setTo[T any](field *ada.Opt[T], value any, want string, parse func(any) (T, bool)) (reason string) {
	if _, remove := value.(Unset); remove {
		*field = ada.Null[T]()
		return ""
	}
	if value == nil {
		return "is nil: Unset removes an attribute"
	}
	v, ok := parse(value)
	if !ok {
		return "is not a " + want
	}
	*field = ada.Set(v)
	return ""
}

func parseDate(v any) (Date, bool) {
	switch v := v.(type) {
	case Date:
		return v, true
	case time.Time:
		v = v.UTC()
		return Date{v.Year(), v.Month(), v.Day()}, !v.IsZero()
	case string:
		t, err := time.Parse(time.DateOnly, v)
		if err != nil {
			t, err = time.Parse(time.RFC3339, v)
			t = t.UTC()
		}
		return Date{t.Year(), t.Month(), t.Day()}, err == nil
	}
	return Date{}, false
}

func parseTime(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		t, err := time.Parse(time.RFC3339, v)
		return t, err == nil
	}
	return time.Time{}, false
}

func parseBool(v any) (b, ok bool) {
	b, ok = v.(bool)
	return b, ok
}
