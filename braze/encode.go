package braze

import (
	"fmt"
	"math"
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

func (e *encoder) null() { e.out = append(e.out, "null"...) }

// list writes a member that is an array, with item for each of its n values; of none it writes nothing.
func (e *encoder) list(field, name string, n int, item func(i int)) {
	if n == 0 {
		return
	}
	e.enter(field)
	e.plainName(name)
	e.out = append(e.out, '[')
	for i := range n {
		e.enterIndex(i)
		e.comma()
		item(i)
		e.leave()
	}
	e.out = append(e.out, ']')
	e.leave()
}

// members writes the members of a map, in the order of their keys.
func (e *encoder) members(m map[string]any, write func(key string, value any)) {
	first := len(e.keys)
	for k := range m {
		e.keys = append(e.keys, k)
	}
	slices.Sort(e.keys[first:])
	for i := first; i < first+len(m); i++ {
		k := e.keys[i]
		e.enterKey(k)
		write(k, m[k])
		e.leave()
	}
	e.keys = e.keys[:first]
}

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

	opt(e, "FirstName", "first_name", a.FirstName, e.plain)
	opt(e, "LastName", "last_name", a.LastName, e.plain)
	opt(e, "HomeCity", "home_city", a.HomeCity, e.plain)
	opt(e, "Country", "country", a.Country, e.country)
	opt(e, "Language", "language", a.Language, e.language)
	opt(e, "Birthday", "dob", a.Birthday, e.date)
	opt(e, "Gender", "gender", a.Gender, e.gender)
	opt(e, "TimeZone", "time_zone", a.TimeZone, e.timeZone)
	opt(e, "CurrentLocation", "current_location", a.CurrentLocation, e.location)
	opt(e, "ImageURL", "image_url", a.ImageURL, e.imageURL)
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
		e.null()
	}
}

// plain writes a string of any length.
func (e *encoder) plain(s string) {
	if !utf8.ValidString(s) {
		e.fault("is not valid UTF-8")
	}
	e.string(s)
}

func (e *encoder) country(s string) {
	e.plain(s)
	if !isLetters(s, 'A', 'Z') {
		e.fault("is not two capital letters, as ISO 3166-1 alpha-2 has it")
	}
}

func (e *encoder) language(s string) {
	e.plain(s)
	if !isLetters(s, 'a', 'z') {
		e.fault("is not two small letters, as ISO 639-1 has it")
	}
}

func (e *encoder) gender(g Gender) {
	if !slices.Contains([]Gender{Male, Female, OtherGender, GenderNotApplicable, GenderPreferNotToSay}, g) {
		e.fault("is not one of M, F, O, N and P")
	}
	e.string(string(g))
}

func (e *encoder) timeZone(s string) {
	e.plain(s)
	if !timeZone.MatchString(s) {
		e.fault("is not a name of the IANA database")
	}
}

func (e *encoder) imageURL(s string) {
	e.plain(s)
	if n := utf8.RuneCountInString(s); n > maxImageURL {
		e.fault("has %d characters, at most %d", n, maxImageURL)
	}
}

func (e *encoder) email(s string) {
	e.plain(s)
	if !isEmail(s) {
		e.fault("is not an address")
	}
}

func (e *encoder) phone(s string) {
	e.plain(s)
	if strings.TrimSpace(s) == "" {
		e.fault("is empty")
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
		opt(e, "Email", "email", a.Email, e.email)
	}
	if a.User.kind == byPhone && !a.Phone.IsZero() {
		e.faultOf("Phone", "is set, but is the identifier already")
	} else {
		opt(e, "Phone", "phone", a.Phone, e.phone)
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
	e.list("SubscriptionGroups", "subscription_groups", len(groups), func(i int) {
		g := groups[i]
		if !uuid.MatchString(g.ID) {
			e.faultOf("ID", "is not a UUID")
		}
		if g.State != Subscribed && g.State != Unsubscribed {
			e.faultOf("State", "is not one of subscribed and unsubscribed")
		}
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
	})
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
	e.list("PushTokens", "push_tokens", len(a.PushTokens), func(i int) {
		t := a.PushTokens[i]
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
	})
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
	e.members(p, func(k string, v any) {
		e.checkName(k)
		if reserved[k] {
			e.fault("is a name of Braze's own")
		}
		e.name(k)
		e.value(v, propertyTop, 0)
	})
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
