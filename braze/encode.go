package braze

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/scalar"
)

// Braze's limits, where its pages give them. Those in KB and MB are read as the smaller of the two things that these
// can mean: what is over them, Braze drops and calls it success.
const (
	maxExternalID      = 987 // bytes
	maxName            = 255 // characters, of attributes, events, products, properties and keys
	maxString          = 255 // characters, of a value
	maxImageURL        = 1024
	maxArray           = 500 // scalars
	maxAttribute       = 100_000
	maxProperties      = 256
	maxEventProperties = 100_000
	maxBuyProperties   = 50_000
	maxQuantity        = 100
	minDeviceID        = 8
	maxDeviceID        = 255
	maxYear            = 3000
	maxDepth           = 32 // ours: a map that holds itself has no end
)

// The reserved names. An attribute by one of these is not a custom one.
var attributeNames = names(
	"external_id", "user_alias", "braze_id", "email", "phone", "_update_existing_only", "_merge_objects",
	"push_token_import", "first_name", "last_name", "home_city", "country", "language", "dob", "gender", "time_zone",
	"current_location", "image_url", "date_of_first_session", "date_of_last_session", "marked_email_as_spam_at",
	"email_subscribe", "push_subscribe", "email_open_tracking_disabled", "email_click_tracking_disabled",
	"subscription_groups", "push_tokens", "facebook", "twitter", "bio", "alias_name", "alias_label",
	"email_subscription_info",
)

var (
	eventPropertyNames    = names("time", "event_name")
	purchasePropertyNames = names("time", "product_id", "quantity", "event_name", "price", "currency")
)

func names(all ...string) map[string]bool {
	m := make(map[string]bool, len(all))
	for _, n := range all {
		m[n] = true
	}
	return m
}

var (
	uuid     = regexp.MustCompile(`^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$`)
	timeZone = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`)
)

// timeFormat is RFC 3339, with the milliseconds that Braze keeps.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// encoder writes objects in the form in which Braze takes them, with their members in one order for ever, and finds on
// the way everything that is wrong with them.
type encoder struct {
	out    []byte
	appID  string
	once   bool // something was written that does more when it is sent twice
	merge  bool // of the attributes at hand
	faults []ada.Fault
	path   []step   // where the encoder is, for faults
	keys   []string // of the maps that it is within, sorted
}

// step leads from a value to a part of it: a field, a key, or an index where both are empty.
type step struct {
	field string
	key   string
	index int
}

func (e *encoder) fault(format string, args ...any) {
	var at strings.Builder
	for i, s := range e.path {
		switch {
		case s.field != "" && i > 0:
			at.WriteString("." + s.field)
		case s.field != "":
			at.WriteString(s.field)
		case s.index >= 0:
			at.WriteString("[" + strconv.Itoa(s.index) + "]")
		default:
			at.WriteString("[" + scalar.Key(s.key) + "]")
		}
	}
	e.faults = append(e.faults, ada.Fault{Field: at.String(), Reason: fmt.Sprintf(format, args...)})
}

func (e *encoder) enter(field string)   { e.path = append(e.path, step{field: field, index: -1}) }
func (e *encoder) enterKey(key string)  { e.path = append(e.path, step{key: key, index: -1}) }
func (e *encoder) enterIndex(index int) { e.path = append(e.path, step{index: index}) }
func (e *encoder) leave()               { e.path = e.path[:len(e.path)-1] }

// name writes the name of a member, with the comma before it.
func (e *encoder) name(s string) {
	e.comma()
	e.out = appendString(e.out, s)
	e.out = append(e.out, ':')
}

// plainName is name for one that needs no escapes.
func (e *encoder) plainName(s string) {
	e.comma()
	e.out = append(e.out, '"')
	e.out = append(e.out, s...)
	e.out = append(e.out, '"', ':')
}

func (e *encoder) comma() {
	if c := e.out[len(e.out)-1]; c != '{' && c != '[' {
		e.out = append(e.out, ',')
	}
}

func (e *encoder) string(s string) { e.out = appendString(e.out, s) }

func (e *encoder) bool(b bool) { e.out = strconv.AppendBool(e.out, b) }

func (e *encoder) time(t time.Time) {
	e.out = append(e.out, '"')
	e.out = t.AppendFormat(e.out, timeFormat)
	e.out = append(e.out, '"')
}

// attributes writes one object of the array of attributes.
func (e *encoder) attributes(a *Attributes) {
	e.merge = a.MergeObjects
	e.out = append(e.out, '{')
	e.user(a.User, a.PushTokenImport)
	e.updateExistingOnly(a.UpdateExistingOnly)
	if a.MergeObjects {
		e.plainName("_merge_objects")
		e.bool(true)
	}
	e.contact(a)

	e.optString("FirstName", "first_name", a.FirstName)
	e.optString("LastName", "last_name", a.LastName)
	e.optString("HomeCity", "home_city", a.HomeCity)
	e.optString("Country", "country", a.Country)
	if c, ok := a.Country.Get(); ok && !isLetters(c, 'A', 'Z') {
		e.faultOf("Country", "is not two capital letters, as ISO 3166-1 alpha-2 has it")
	}
	e.optString("Language", "language", a.Language)
	if l, ok := a.Language.Get(); ok && !isLetters(l, 'a', 'z') {
		e.faultOf("Language", "is not two small letters, as ISO 639-1 has it")
	}
	opt(e, "Birthday", "dob", a.Birthday, e.date)
	opt(e, "Gender", "gender", a.Gender, func(g Gender) {
		if !slices.Contains([]Gender{Male, Female, OtherGender, GenderNotApplicable, GenderPreferNotToSay}, g) {
			e.fault("is not one of M, F, O, N and P")
		}
		e.string(string(g))
	})
	e.optString("TimeZone", "time_zone", a.TimeZone)
	if z, ok := a.TimeZone.Get(); ok && !timeZone.MatchString(z) {
		e.faultOf("TimeZone", "is not a name of the IANA database")
	}
	opt(e, "CurrentLocation", "current_location", a.CurrentLocation, e.location)
	e.optString("ImageURL", "image_url", a.ImageURL)
	if u, _ := a.ImageURL.Get(); utf8.RuneCountInString(u) > maxImageURL {
		e.faultOf("ImageURL", "has %d characters, at most %d", utf8.RuneCountInString(u), maxImageURL)
	}
	opt(e, "FirstSession", "date_of_first_session", a.FirstSession, e.when)
	opt(e, "LastSession", "date_of_last_session", a.LastSession, e.when)
	opt(e, "MarkedEmailAsSpamAt", "marked_email_as_spam_at", a.MarkedEmailAsSpamAt, e.when)
	opt(e, "EmailSubscribe", "email_subscribe", a.EmailSubscribe, e.subscription)
	opt(e, "PushSubscribe", "push_subscribe", a.PushSubscribe, e.subscription)
	opt(e, "EmailOpenTrackingDisabled", "email_open_tracking_disabled", a.EmailOpenTrackingDisabled, e.bool)
	opt(e, "EmailClickTrackingDisabled", "email_click_tracking_disabled", a.EmailClickTrackingDisabled, e.bool)
	e.subscriptionGroups(a.SubscriptionGroups)
	e.pushTokens(a)
	opt(e, "Facebook", "facebook", a.Facebook, e.facebook)
	opt(e, "Twitter", "twitter", a.Twitter, e.twitter)
	e.custom(a.Custom)
	e.out = append(e.out, '}')
}

// opt writes a field that can be absent, null or set.
func opt[T any](e *encoder, field, name string, o ada.Opt[T], write func(T)) {
	v, ok := o.Get()
	switch {
	case ok:
		e.plainName(name)
		e.enter(field)
		write(v)
		e.leave()
	case o.IsNull():
		e.plainName(name)
		e.out = append(e.out, "null"...)
	}
}

func (e *encoder) optString(field, name string, o ada.Opt[string]) {
	s, ok := o.Get()
	switch {
	case ok:
		if !utf8.ValidString(s) {
			e.faultOf(field, "is not valid UTF-8")
		}
		e.plainName(name)
		e.string(s)
	case o.IsNull():
		e.plainName(name)
		e.out = append(e.out, "null"...)
	}
}

// faultOf is fault for a field of the object at hand.
func (e *encoder) faultOf(field, format string, args ...any) {
	e.enter(field)
	e.fault(format, args...)
	e.leave()
}

// user writes the identifier.
func (e *encoder) user(u User, imports bool) {
	if imports && (u.kind == byExternalID || u.kind == byBrazeID) {
		e.faultOf("User", "has an external id or a Braze id, which a push token import must not have")
	}
	if u.kind == nobody {
		if !imports {
			e.faultOf("User", "is missing")
		}
		return
	}
	if u.kind != byAlias {
		e.plainName(kindNames[u.kind])
		e.string(u.id)
	} else {
		e.plainName("user_alias")
		e.out = append(e.out, `{"alias_label":`...)
		e.string(u.label)
		e.out = append(e.out, `,"alias_name":`...)
		e.string(u.id)
		e.out = append(e.out, '}')
	}
	switch {
	case u.kind == byAlias && (u.id == "" || u.label == ""):
		e.faultOf("User", "has an alias without a label or without a name")
	case u.id == "":
		e.faultOf("User", "has an empty %s", kindNames[u.kind])
	case u.kind == byExternalID && len(u.id) > maxExternalID:
		e.faultOf("User", "has an external id of %d bytes, at most %d", len(u.id), maxExternalID)
	case u.kind == byEmail && !isEmail(u.id):
		e.faultOf("User", "has an email that is not an address")
	}
	if !utf8.ValidString(u.id) || !utf8.ValidString(u.label) {
		e.faultOf("User", "has an identifier that is not valid UTF-8")
	}
}

// contact writes the email address and the phone number of somebody who has another identifier.
func (e *encoder) contact(a *Attributes) {
	if a.User.kind == byEmail && !a.Email.IsZero() {
		e.faultOf("Email", "is set, but is the identifier already")
	} else {
		e.optString("Email", "email", a.Email)
	}
	if s, ok := a.Email.Get(); ok && !isEmail(s) {
		e.faultOf("Email", "is not an address")
	}
	if a.User.kind == byPhone && !a.Phone.IsZero() {
		e.faultOf("Phone", "is set, but is the identifier already")
	} else {
		e.optString("Phone", "phone", a.Phone)
	}
	if s, ok := a.Phone.Get(); ok && strings.TrimSpace(s) == "" {
		e.faultOf("Phone", "is empty")
	}
	// Without an external id, an alias or a Braze id, an email address identifies before a phone number does.
	if (a.User.kind == byPhone || a.User.kind == nobody) && !a.Email.IsZero() {
		e.faultOf("Email", "is set, and would identify the user in place of the User")
	}
	if a.User.kind == nobody && !a.Phone.IsZero() {
		e.faultOf("Phone", "is set, and would identify the user in place of the User")
	}
}

func (e *encoder) updateExistingOnly(o ada.Opt[bool]) {
	if o.IsNull() {
		e.faultOf("UpdateExistingOnly", "is null, not true, false or left out")
	}
	if v, ok := o.Get(); ok {
		e.plainName("_update_existing_only")
		e.bool(v)
	}
}

func (e *encoder) date(d Date) {
	if t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC); t.Year() != d.Year || t.Month() != d.Month || t.Day() != d.Day || d.Year < 1 || d.Year > maxYear {
		e.fault("is no day of the years 1 to %d", maxYear)
	}
	e.out = fmt.Appendf(e.out, `"%04d-%02d-%02d"`, d.Year, int(d.Month), d.Day)
}

func (e *encoder) location(l Location) {
	if !(math.Abs(l.Latitude) <= 90) || !(math.Abs(l.Longitude) <= 180) {
		e.fault("is not within 90 degrees of latitude and 180 of longitude")
		return
	}
	e.out = append(e.out, `{"latitude":`...)
	e.out = appendFloat(e.out, l.Latitude, 64)
	e.out = append(e.out, `,"longitude":`...)
	e.out = appendFloat(e.out, l.Longitude, 64)
	e.out = append(e.out, '}')
}

// when writes a time and refuses what Braze does not keep as one.
func (e *encoder) when(t time.Time) {
	switch {
	case t.IsZero():
		e.fault("is the zero time")
	case t.Year() < 1 || t.Year() > maxYear:
		e.fault("is not within the years 1 to %d", maxYear)
	}
	e.time(t)
}

func (e *encoder) subscription(s Subscription) {
	if s != OptedIn && s != Subscribed && s != Unsubscribed {
		e.fault("is not one of opted_in, subscribed and unsubscribed")
	}
	e.string(string(s))
}

func (e *encoder) subscriptionGroups(groups []SubscriptionGroup) {
	if len(groups) == 0 {
		return
	}
	e.enter("SubscriptionGroups")
	e.plainName("subscription_groups")
	e.out = append(e.out, '[')
	for i, g := range groups {
		e.enterIndex(i)
		if !uuid.MatchString(g.ID) {
			e.faultOf("ID", "is not a UUID")
		}
		if g.State != Subscribed && g.State != Unsubscribed {
			e.faultOf("State", "is not one of subscribed and unsubscribed")
		}
		e.comma()
		e.out = append(e.out, `{"subscription_group_id":`...)
		e.string(g.ID)
		e.out = append(e.out, `,"subscription_state":`...)
		e.string(string(g.State))
		if g.DoubleOptIn {
			if g.State != Subscribed {
				e.faultOf("DoubleOptIn", "is set for a state that is not subscribed")
			}
			e.once = true
			e.out = append(e.out, `,"use_double_opt_in_logic":true`...)
		}
		e.out = append(e.out, '}')
		e.leave()
	}
	e.out = append(e.out, ']')
	e.leave()
}

func (e *encoder) pushTokens(a *Attributes) {
	if a.PushTokenImport {
		e.once = true
		e.plainName("push_token_import")
		e.bool(true)
		if len(a.PushTokens) == 0 {
			e.faultOf("PushTokens", "is empty, but PushTokenImport needs some")
		}
	}
	if len(a.PushTokens) == 0 {
		return
	}
	e.enter("PushTokens")
	e.plainName("push_tokens")
	e.out = append(e.out, '[')
	for i, t := range a.PushTokens {
		e.enterIndex(i)
		e.comma()
		e.out = append(e.out, `{"app_id":`...)
		e.word("AppID", t.AppID)
		e.out = append(e.out, `,"token":`...)
		e.word("Token", t.Token)
		if t.DeviceID != "" {
			e.out = append(e.out, `,"device_id":`...)
			e.word("DeviceID", t.DeviceID)
			if n := len(t.DeviceID); n < minDeviceID || n > maxDeviceID {
				e.faultOf("DeviceID", "has %d bytes, not %d to %d", n, minDeviceID, maxDeviceID)
			}
		}
		e.out = append(e.out, '}')
		e.leave()
	}
	e.out = append(e.out, ']')
	e.leave()
}

// word writes a string that must not be empty.
func (e *encoder) word(field, s string) {
	switch {
	case s == "":
		e.faultOf(field, "is empty")
	case !utf8.ValidString(s):
		e.faultOf(field, "is not valid UTF-8")
	}
	e.string(s)
}

func (e *encoder) facebook(f Facebook) {
	e.out = append(e.out, '{')
	if f.ID != "" {
		e.plainName("id")
		e.word("ID", f.ID)
	}
	if len(f.Likes) > 0 {
		e.plainName("likes")
		e.out = append(e.out, '[')
		for _, l := range f.Likes {
			e.comma()
			e.word("Likes", l)
		}
		e.out = append(e.out, ']')
	}
	e.count("NumFriends", "num_friends", int64(f.NumFriends))
	e.out = append(e.out, '}')
}

func (e *encoder) twitter(t Twitter) {
	e.out = append(e.out, '{')
	e.count("ID", "id", t.ID)
	if t.ScreenName != "" {
		e.plainName("screen_name")
		e.word("ScreenName", t.ScreenName)
	}
	e.count("FollowersCount", "followers_count", int64(t.FollowersCount))
	e.count("FriendsCount", "friends_count", int64(t.FriendsCount))
	e.count("StatusesCount", "statuses_count", int64(t.StatusesCount))
	e.out = append(e.out, '}')
}

func (e *encoder) count(field, name string, n int64) {
	if n < 0 {
		e.faultOf(field, "is negative")
	}
	if n != 0 {
		e.plainName(name)
		e.out = strconv.AppendInt(e.out, n, 10)
	}
}

// custom writes the custom attributes.
func (e *encoder) custom(m Custom) {
	if len(m) == 0 {
		return
	}
	e.enter("Custom")
	first := e.sortKeys(m)
	for i := first; i < first+len(m); i++ {
		k := e.keys[i]
		e.enterKey(k)
		e.checkName(k)
		switch {
		case attributeNames[k]:
			e.fault("is a name of Braze's own")
		case strings.TrimSpace(k) != k:
			e.faultOfName("has spaces around it")
		}
		e.name(k)
		before := len(e.out)
		e.attribute(m[k])
		if n := len(e.out) - before; n > maxAttribute {
			e.fault("has %d bytes, at most %d", n, maxAttribute)
		}
		e.leave()
	}
	e.keys = e.keys[:first]
	e.leave()
}

// sortKeys appends the keys of a map, in order, and returns where the first one is.
func (e *encoder) sortKeys(m map[string]any) (first int) {
	first = len(e.keys)
	for k := range m {
		e.keys = append(e.keys, k)
	}
	slices.Sort(e.keys[first:])
	return first
}

// checkName checks a name that Braze shows in its dashboard.
func (e *encoder) checkName(s string) {
	if len(s) > maxName { // or else it has not too many characters either
		if n := utf8.RuneCountInString(s); n > maxName {
			e.faultOfName("has %d characters, at most %d", n, maxName)
		}
	}
	switch {
	case strings.TrimSpace(s) == "":
		e.faultOfName("is empty")
	case s[0] == '$':
		e.faultOfName("begins with a $")
	}
	if !utf8.ValidString(s) {
		e.faultOfName("is not valid UTF-8")
	}
}

// faultOfName says what is wrong with a name, which is the field at hand, or the key of the value at hand.
func (e *encoder) faultOfName(format string, args ...any) {
	if e.path[len(e.path)-1].field == "" {
		format = "has a name that " + format
	}
	e.fault(format, args...)
}

// attribute writes the value of a custom attribute.
func (e *encoder) attribute(v any) {
	switch v := v.(type) {
	case nil:
		e.fault("is nil: Unset removes an attribute")
		e.out = append(e.out, "null"...)
	case Unset:
		e.out = append(e.out, "null"...)
	case Inc:
		e.once = true
		e.out = append(e.out, `{"inc":`...)
		e.out = strconv.AppendInt(e.out, int64(v), 10)
		e.out = append(e.out, '}')
	case ArrayChange:
		e.arrayChange(v)
	case ObjectsChange:
		e.objectsChange(v)
	default:
		e.value(v, attributeTop, 0)
	}
}

func (e *encoder) arrayChange(c ArrayChange) {
	e.once = true
	if len(c.Add)+len(c.Remove) == 0 {
		e.fault("is an ArrayChange that changes nothing")
	}
	e.out = append(e.out, '{')
	for _, part := range []struct {
		field, name string
		values      []any
	}{{"Add", "add", c.Add}, {"Remove", "remove", c.Remove}} {
		if len(part.values) == 0 {
			continue
		}
		e.enter(part.field)
		e.plainName(part.name)
		e.out = append(e.out, '[')
		e.checkLength(len(part.values))
		for i, v := range part.values {
			e.enterIndex(i)
			e.comma()
			e.scalar(v)
			e.leave()
		}
		e.out = append(e.out, ']')
		e.leave()
	}
	e.out = append(e.out, '}')
}

func (e *encoder) objectsChange(c ObjectsChange) {
	e.once = true
	if len(c.Add)+len(c.Remove)+len(c.Update) == 0 {
		e.fault("is an ObjectsChange that changes nothing")
	}
	if len(c.Update) > 0 && !e.merge {
		e.fault("is an ObjectsChange with Update, which needs MergeObjects or would replace the objects")
	}
	e.out = append(e.out, '{')
	if len(c.Add) > 0 {
		e.enter("Add")
		e.plainName("$add")
		e.out = append(e.out, '[')
		for i, o := range c.Add {
			e.enterIndex(i)
			e.comma()
			e.object(o, attributeInside, 1)
			e.leave()
		}
		e.out = append(e.out, ']')
		e.leave()
	}
	if len(c.Remove) > 0 {
		e.enter("Remove")
		e.plainName("$remove")
		e.out = append(e.out, '[')
		for i, k := range c.Remove {
			e.enterIndex(i)
			e.comma()
			e.out = append(e.out, '{')
			e.objectKey(k)
			e.out = append(e.out, '}')
			e.leave()
		}
		e.out = append(e.out, ']')
		e.leave()
	}
	if len(c.Update) > 0 {
		e.enter("Update")
		e.plainName("$update")
		e.out = append(e.out, '[')
		for i, u := range c.Update {
			e.enterIndex(i)
			e.comma()
			e.out = append(e.out, '{')
			e.enter("Key")
			e.objectKey(u.Key)
			e.leave()
			e.plainName("$new_object")
			e.enter("Object")
			e.object(u.Object, attributeInside, 1)
			e.leave()
			e.out = append(e.out, '}')
			e.leave()
		}
		e.out = append(e.out, ']')
		e.leave()
	}
	e.out = append(e.out, '}')
}

func (e *encoder) objectKey(k ObjectKey) {
	e.plainName("$identifier_key")
	e.string(k.Name)
	e.enter("Name")
	e.checkKey(k.Name)
	e.leave()
	e.plainName("$identifier_value")
	e.enter("Value")
	e.scalar(k.Value)
	e.leave()
}

// scalar writes a string, a bool or a number.
func (e *encoder) scalar(v any) {
	plain, reason := scalar.Of(v, true)
	if reason != "" {
		e.fault("%s", reason)
		e.out = append(e.out, "null"...)
		return
	}
	e.value(plain, attributeInArray, 1)
}

// place is where a value stands, which decides what it can be.
type place uint8

const (
	attributeTop     place = iota // the value of a custom attribute
	attributeInArray              // in a slice of that
	attributeInside               // in an object of an attribute, at any depth
	propertyTop                   // the value of a property, or in an object there
	propertyInArray               // in a slice there
)

// value writes a value that is no operation.
func (e *encoder) value(v any, at place, depth int) {
	if depth > maxDepth {
		e.fault("is nested deeper than %d", maxDepth)
		e.out = append(e.out, "null"...)
		return
	}
	switch v := v.(type) {
	case string:
		e.text(v)
	case bool:
		e.bool(v)
	case int:
		e.out = strconv.AppendInt(e.out, int64(v), 10)
	case int64:
		e.out = strconv.AppendInt(e.out, v, 10)
	case float64:
		e.float(v, 64)
	case map[string]any:
		e.object(v, at, depth)
	case []any:
		e.array(len(v), func(i int) any { return v[i] }, at, depth)
	case []string:
		e.array(len(v), func(i int) any { return v[i] }, at, depth)
	case []map[string]any:
		e.array(len(v), func(i int) any { return v[i] }, at, depth)
	case time.Time:
		e.timeValue(v, at)
	case json.Number:
		plain, reason := scalar.Of(v, true)
		if reason != "" {
			e.fault("%s", reason)
			plain = json.Number("0")
		}
		e.out = fmt.Append(e.out, plain)
	case Unset, Inc, ArrayChange, ObjectsChange:
		e.fault("is a %T, which only a custom attribute can be, and no part of it", v)
		e.out = append(e.out, "null"...)
	default:
		e.reflected(v, at, depth)
	}
}

// reflected writes values of the types that are left.
func (e *encoder) reflected(v any, at place, depth int) {
	switch r := reflect.ValueOf(v); {
	case v == nil:
		e.fault("is nil, which Braze does not take there")
		e.out = append(e.out, "null"...)
	case r.Kind() == reflect.String:
		e.text(r.String())
	case r.Kind() == reflect.Bool:
		e.bool(r.Bool())
	case r.CanInt():
		e.out = strconv.AppendInt(e.out, r.Int(), 10)
	case r.CanUint():
		e.out = strconv.AppendUint(e.out, r.Uint(), 10)
	case r.CanFloat():
		e.float(r.Float(), r.Type().Bits())
	case (r.Kind() == reflect.Slice || r.Kind() == reflect.Array) && r.Type().Elem().Kind() != reflect.Uint8:
		e.array(r.Len(), func(i int) any { return r.Index(i).Interface() }, at, depth)
	case r.Kind() == reflect.Map && r.Type().Key().Kind() == reflect.String:
		m := make(map[string]any, r.Len())
		for _, k := range r.MapKeys() {
			m[k.String()] = r.MapIndex(k).Interface()
		}
		e.object(m, at, depth)
	default:
		e.fault("is a %T, which Braze has no form for", v)
		e.out = append(e.out, "null"...)
	}
}

func (e *encoder) text(s string) {
	if len(s) > maxString { // or else it has not too many characters either
		if n := utf8.RuneCountInString(s); n > maxString {
			e.fault("has %d characters, at most %d", n, maxString)
		}
	}
	if !utf8.ValidString(s) {
		e.fault("is not valid UTF-8")
	}
	e.string(s)
}

func (e *encoder) float(f float64, bits int) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		e.fault("is not a finite number")
		f = 0
	}
	e.out = appendFloat(e.out, f, bits)
}

func (e *encoder) timeValue(t time.Time, at place) {
	switch at {
	case attributeInArray, propertyInArray:
		e.fault("is a time in a slice, where Braze keeps none")
	case attributeInside:
		e.out = append(e.out, `{"$time":`...)
		e.when(t)
		e.out = append(e.out, '}')
		return
	}
	e.when(t)
}

func (e *encoder) checkLength(n int) {
	if n > maxArray {
		e.fault("has %d values, at most %d", n, maxArray)
	}
}

func (e *encoder) array(n int, item func(int) any, at place, depth int) {
	within := attributeInArray
	switch at {
	case attributeInArray:
		e.fault("is a slice in a slice")
	case propertyTop, propertyInArray:
		within = propertyInArray
	}
	e.out = append(e.out, '[')
	scalars := 0
	for i := range n {
		e.enterIndex(i)
		e.comma()
		v := item(i)
		if reflect.ValueOf(v).Kind() != reflect.Map {
			scalars++
		}
		e.value(v, within, depth+1)
		e.leave()
	}
	if within == attributeInArray {
		e.checkLength(scalars)
	}
	e.out = append(e.out, ']')
}

// operators are the keys that make Braze take an object for an operation.
var operators = names("inc", "add", "remove")

func (e *encoder) object(m map[string]any, at place, depth int) {
	within := attributeInside
	if at == propertyTop || at == propertyInArray {
		within = propertyTop
	}
	e.out = append(e.out, '{')
	first := e.sortKeys(m)
	for i := first; i < first+len(m); i++ {
		k := e.keys[i]
		e.enterKey(k)
		if within == attributeInside {
			e.checkKey(k)
		} else {
			e.checkName(k)
		}
		if at == attributeTop && operators[k] {
			e.fault("is a key that Braze takes for an operation: there are Inc and ArrayChange")
		}
		e.name(k)
		e.value(m[k], within, depth+1)
		e.leave()
	}
	e.keys = e.keys[:first]
	e.out = append(e.out, '}')
}

// checkKey checks a key within an attribute.
func (e *encoder) checkKey(k string) {
	e.checkName(k)
	if strings.ContainsAny(k, " .") || strings.Contains(strings.TrimPrefix(k, "$"), "$") {
		e.faultOfName("has a space, a dot or a $ in it")
	}
}

// event writes one object of the array of events.
func (e *encoder) event(v *Event) {
	e.once = true
	e.out = append(e.out, '{')
	e.user(v.User, false)
	e.updateExistingOnly(v.UpdateExistingOnly)
	e.app(v.AppID)
	e.plainName("name")
	e.enter("Name")
	e.checkName(v.Name)
	e.string(v.Name)
	e.leave()
	e.plainName("time")
	e.enter("Time")
	e.when(v.Time)
	e.leave()
	e.properties(v.Properties, eventPropertyNames, maxEventProperties)
	e.out = append(e.out, '}')
}

// purchase writes one object of the array of purchases.
func (e *encoder) purchase(v *Purchase) {
	e.once = true
	e.out = append(e.out, '{')
	e.user(v.User, false)
	e.updateExistingOnly(v.UpdateExistingOnly)
	e.app(v.AppID)
	e.plainName("product_id")
	e.word("ProductID", v.ProductID)
	if n := utf8.RuneCountInString(v.ProductID); n > maxName {
		e.faultOf("ProductID", "has %d characters, at most %d", n, maxName)
	}
	e.plainName("currency")
	e.string(v.Currency)
	if len(v.Currency) != 3 || strings.Trim(v.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		e.faultOf("Currency", "is not three capital letters, as ISO 4217 has it")
	}
	e.plainName("price")
	e.enter("Price")
	e.float(v.Price, 64)
	e.leave()
	switch {
	case v.Quantity < 0 || v.Quantity > maxQuantity:
		e.faultOf("Quantity", "is not within 1 and %d", maxQuantity)
	case v.Quantity > 0:
		e.plainName("quantity")
		e.out = strconv.AppendInt(e.out, int64(v.Quantity), 10)
	}
	e.plainName("time")
	e.enter("Time")
	e.when(v.Time)
	e.leave()
	e.properties(v.Properties, purchasePropertyNames, maxBuyProperties)
	e.out = append(e.out, '}')
}

func (e *encoder) app(id string) {
	if id == "" {
		id = e.appID
	}
	if id != "" {
		e.plainName("app_id")
		e.word("AppID", id)
	}
}

func (e *encoder) properties(p Properties, reserved map[string]bool, limit int) {
	if len(p) == 0 {
		return
	}
	e.enter("Properties")
	if len(p) > maxProperties {
		e.fault("has %d values, at most %d", len(p), maxProperties)
	}
	e.plainName("properties")
	before := len(e.out)
	e.out = append(e.out, '{')
	first := e.sortKeys(p)
	for i := first; i < first+len(p); i++ {
		k := e.keys[i]
		e.enterKey(k)
		e.checkName(k)
		if reserved[k] {
			e.fault("is a name of Braze's own")
		}
		e.name(k)
		e.value(p[k], propertyTop, 0)
		e.leave()
	}
	e.keys = e.keys[:first]
	e.out = append(e.out, '}')
	if n := len(e.out) - before; n > limit {
		e.fault("has %d bytes, at most %d", n, limit)
	}
	e.leave()
}

// encoded writes an object that was encoded before.
func (e *encoder) encoded(o *Object) {
	e.once = e.once || o.once
	if len(o.json) == 0 {
		e.fault("is empty")
		e.out = append(e.out, "{}"...)
	}
	e.out = append(e.out, o.json...)
}

func isLetters(s string, first, last byte) bool {
	return len(s) == 2 && s[0] >= first && s[0] <= last && s[1] >= first && s[1] <= last
}

// isEmail reports whether s has the look of an email address. Braze has the last word.
func isEmail(s string) bool {
	name, domain, ok := strings.Cut(s, "@")
	return ok && name != "" && domain != "" && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f }) &&
		!strings.Contains(domain, "@")
}

const hexDigits = "0123456789abcdef"

// appendString appends s as JSON.
func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\r':
			out = append(out, '\\', 'r')
		case '\t':
			out = append(out, '\\', 't')
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	out = append(out, s[start:]...)
	return append(out, '"')
}

// appendFloat appends a finite number in the form that ECMAScript gives it, as encoding/json does.
func appendFloat(out []byte, f float64, bits int) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	start := len(out)
	out = strconv.AppendFloat(out, f, format, -1, bits)
	if format == 'e' {
		return append(out[:start], bytes.Replace(out[start:], []byte("e-0"), []byte("e-"), 1)...)
	}
	return out
}
