package brazetest

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/adasdk/ada-go/braze"
)

// Profile is what Braze holds of a person.
type Profile struct {
	ExternalID string
	BrazeID    string
	Aliases    map[string]string // the name under each label
	Email      string
	Phone      string
	// Attributes is all else, by Braze's names and decoded from JSON: "first_name" and "plan" alike.
	Attributes map[string]any
	// Objects is how many attributes objects were applied.
	Objects int
}

// Event is one that was recorded.
type Event struct {
	BrazeID    string // of the profile
	ExternalID string // of the profile; empty where it has none
	AppID      string
	Name       string
	Time       time.Time
	Properties map[string]any
}

// Purchase is one that was recorded.
type Purchase struct {
	BrazeID    string // of the profile
	ExternalID string // of the profile; empty where it has none
	AppID      string
	ProductID  string
	Currency   string
	Price      float64
	Quantity   int
	Time       time.Time
	Properties map[string]any
}

type profile struct {
	Profile
	touched int // when it was last updated
}

// Profiles returns the profiles in the order in which they were made.
func (s *Server) Profiles() []Profile {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Profile, 0, len(s.profiles))
	for _, p := range s.profiles {
		all = append(all, p.copy())
	}
	return all
}

// Profile returns the profile of a user. Where several have the email address or the phone number, it is the one that
// Braze takes: of those with an external id, or else of all, the one that was updated last.
func (s *Server) Profile(user braze.User) (p Profile, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*profile
	for _, candidate := range s.profiles {
		if candidate.is(user) {
			all = append(all, candidate)
		}
	}
	if found := best(all); found != nil {
		return found.copy(), true
	}
	return Profile{}, false
}

// is reports whether the identifier of user is one of the profile's.
func (p *profile) is(user braze.User) bool {
	for label, name := range p.Aliases {
		if user == braze.Alias(label, name) {
			return true
		}
	}
	return p.ExternalID != "" && user == braze.ExternalID(p.ExternalID) || user == braze.BrazeID(p.BrazeID) ||
		p.Email != "" && user == braze.Email(p.Email) || p.Phone != "" && user == braze.Phone(p.Phone)
}

func (p *profile) copy() Profile {
	c := p.Profile
	c.Aliases, c.Attributes = maps.Clone(c.Aliases), maps.Clone(c.Attributes)
	return c
}

// Events returns the events in the order in which they were recorded.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Purchases returns the purchases in the order in which they were recorded.
func (s *Server) Purchases() []Purchase {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.purchases)
}

// DataPoints returns how many data points were used, which Braze charges for: one for each attribute, and one for each
// value within an object, changed or not; one for each value that an array gains or loses, each event and each purchase.
// Identifiers and subscriptions are free.
func (s *Server) DataPoints() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.points
}

// find returns the profile that an object is of, and makes it where Braze would. It is nil where there is none.
func (s *Server) find(o map[string]any) *profile {
	existing, said := o["_update_existing_only"].(bool)
	var names []string // of the index
	var made Profile
	alias, isAlias := o["user_alias"].(map[string]any)
	switch {
	case text(o, "external_id") != "":
		made.ExternalID = text(o, "external_id")
		names = []string{"external_id " + made.ExternalID}
	case isAlias:
		label, name := text(alias, "alias_label"), text(alias, "alias_name")
		made.Aliases = map[string]string{label: name}
		names = []string{"alias " + strconv.Quote(label) + name}
		existing = existing || !said
	case text(o, "braze_id") != "":
		names = []string{"braze_id " + text(o, "braze_id")}
		existing = true // Braze gives these ids, and nobody else
	case text(o, "email") != "":
		if p := best(s.contacts["email "+text(o, "email")]); p != nil {
			return p
		}
	case text(o, "phone") != "":
		if p := best(s.contacts["phone "+text(o, "phone")]); p != nil {
			return p
		}
	}
	for _, name := range names {
		if p := s.index[name]; p != nil {
			return p
		}
	}
	if existing {
		return nil
	}
	s.made++
	made.BrazeID = "braze-" + strconv.Itoa(s.made)
	made.Attributes = map[string]any{}
	p := &profile{Profile: made}
	s.profiles = append(s.profiles, p)
	for _, name := range append(names, "braze_id "+made.BrazeID) {
		s.index[name] = p
	}
	s.contact(p, "email", &p.Email, o["email"])
	s.contact(p, "phone", &p.Phone, o["phone"])
	return p
}

// best is the profile that an address stands for: of those with an external id, or else of all, the one that was
// updated last.
func best(all []*profile) (found *profile) {
	for _, p := range all {
		if found == nil || (p.ExternalID != "") == (found.ExternalID != "") && p.touched > found.touched ||
			p.ExternalID != "" && found.ExternalID == "" {
			found = p
		}
	}
	return found
}

// contact sets an address of a profile.
func (s *Server) contact(p *profile, name string, field *string, value any) {
	to, _ := value.(string)
	if *field == to {
		return
	}
	if *field != "" {
		key := name + " " + *field
		s.contacts[key] = slices.DeleteFunc(s.contacts[key], func(q *profile) bool { return q == p })
	}
	*field = to
	if to != "" {
		s.contacts[name+" "+to] = append(s.contacts[name+" "+to], p)
	}
}

var (
	subscriptions      = []any{"opted_in", "subscribed", "unsubscribed"}
	groupSubscriptions = []any{"subscribed", "unsubscribed"}
	uuid               = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	day                = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
)

// invalidAttributes reports what Braze refuses an attributes object for.
func invalidAttributes(o map[string]any) (kind string) {
	for name, kind := range map[string]string{
		"email_subscribe": "BAD_EMAIL_SUBSCRIPTION_STATE", "push_subscribe": "BAD_PUSH_SUBSCRIPTION_STATE",
	} {
		if v, ok := o[name]; ok && v != nil && !slices.Contains(subscriptions, v) {
			return kind
		}
	}
	if v, ok := o["current_location"]; ok && v != nil {
		l, _ := v.(map[string]any)
		latitude, ok1 := l["latitude"].(float64)
		longitude, ok2 := l["longitude"].(float64)
		if !ok1 || !ok2 || latitude < -90 || latitude > 90 || longitude < -180 || longitude > 180 {
			return "BAD_LOCATION_UPDATE"
		}
	}
	if _, ok := o["email_subscription_info"]; ok {
		return "INVALID_ATTRIBUTE_EMAIL_SUBSCRIPTION_INFO"
	}
	if v, ok := o["subscription_groups"]; ok {
		groups, ok := v.([]any)
		if !ok {
			return "BAD_SUBSCRIPTION_GROUP_ARRAY"
		}
		for _, g := range groups {
			group, ok := g.(map[string]any)
			switch {
			case !ok:
				return "BAD_SUBSCRIPTION_GROUP_HASH"
			case !uuid.MatchString(text(group, "subscription_group_id")):
				return "BAD_SUBSCRIPTION_GROUP_ID"
			case !slices.Contains(groupSubscriptions, group["subscription_state"]):
				return "BAD_SUBSCRIPTION_GROUP_STATE"
			}
		}
	}
	tokens, _ := o["push_tokens"].([]any)
	for _, t := range tokens {
		token, ok := t.(map[string]any)
		id, given := token["device_id"].(string)
		switch {
		case !ok || text(token, "token") == "":
			return "BAD_PUSH_TOKEN_VALUE"
		case text(token, "app_id") == "":
			return "BAD_PUSH_TOKEN_APP_ID"
		case given && (len(id) < 8 || len(id) > 255):
			return "BAD_DEVICE_ID"
		}
	}
	if imports, _ := o["push_token_import"].(bool); imports {
		if _, known := o["external_id"]; known || len(tokens) == 0 || o["braze_id"] != nil {
			return "BAD_PUSH_TOKEN_IMPORT"
		}
	}
	return ""
}

func (s *Server) applyAttributes(o map[string]any) (kind string) {
	if kind := invalidAttributes(o); kind != "" {
		return kind
	}
	p := s.find(o)
	if p == nil {
		return "" // updates only, in silence
	}
	p.Objects++
	s.touched++
	p.touched = s.touched
	if v, ok := o["email"]; ok {
		s.contact(p, "email", &p.Email, v)
	}
	if v, ok := o["phone"]; ok {
		s.contact(p, "phone", &p.Phone, v)
	}
	merge, _ := o["_merge_objects"].(bool)
	for _, name := range slices.Sorted(maps.Keys(o)) {
		v := o[name]
		switch name {
		case "external_id", "user_alias", "braze_id", "_update_existing_only", "_merge_objects", "push_token_import",
			"email", "phone":
		case "email_subscribe", "push_subscribe", "subscription_groups", "push_tokens":
			set(p.Attributes, name, v)
		case "dob":
			if d, ok := v.(string); v == nil || ok && day.MatchString(d) {
				set(p.Attributes, name, v)
			}
			s.points++
		case "first_name", "last_name", "home_city", "country", "language", "gender", "time_zone", "image_url",
			"current_location", "date_of_first_session", "date_of_last_session", "marked_email_as_spam_at",
			"email_open_tracking_disabled", "email_click_tracking_disabled", "facebook", "twitter":
			set(p.Attributes, name, v)
			s.points++
		default:
			s.points += custom(p.Attributes, strings.TrimSpace(name), v, merge)
		}
	}
	return ""
}

func set(attributes map[string]any, name string, v any) {
	if v == nil {
		delete(attributes, name)
		return
	}
	attributes[name] = v
}

// custom applies one custom attribute, and returns how many data points it took. What is against the limits is dropped.
func custom(attributes map[string]any, name string, v any, merge bool) (points int) {
	if utf8.RuneCountInString(name) > 255 || strings.HasPrefix(name, "$") || name == "" {
		return 0
	}
	points = leaves(v)
	old := attributes[name]
	switch v := v.(type) {
	case string:
		if utf8.RuneCountInString(v) > 255 {
			return points
		}
	case []any:
		if !isObjects(v) {
			v = unique(v)
		}
		if len(v) > 500 && !isObjects(v) || size(v) > 100_000 || invalidInside(v) {
			return points
		}
		attributes[name] = v
		return points
	case map[string]any:
		if n, ok := v["inc"].(float64); ok && len(v) == 1 {
			have, _ := old.(float64)
			attributes[name] = have + n
			return 1
		}
		if changed, n, ok := changeArray(old, v); ok {
			if len(changed) <= 500 && size(changed) <= 100_000 {
				attributes[name] = changed
			}
			return n
		}
		if changed, n, ok := changeObjects(old, v, merge); ok {
			if size(changed) <= 100_000 {
				attributes[name] = changed
			}
			return n
		}
		if size(v) > 100_000 || invalidInside(v) {
			return points
		}
		if have, ok := old.(map[string]any); ok && merge {
			attributes[name] = merged(have, v)
			return points
		}
	}
	set(attributes, name, v)
	return points
}

func size(v any) int {
	b, _ := json.Marshal(v)
	return len(b)
}

func leaves(v any) (n int) {
	switch v := v.(type) {
	case map[string]any:
		if _, isTime := v["$time"]; isTime {
			return 1
		}
		for _, inside := range v {
			n += leaves(inside)
		}
		return n
	case []any:
		if isObjects(v) {
			for _, inside := range v {
				n += leaves(inside)
			}
			return n
		}
	}
	return 1
}

func isObjects(v []any) bool {
	if len(v) == 0 {
		return false
	}
	_, ok := v[0].(map[string]any)
	return ok
}

// invalidInside reports whether there is something within that has Braze drop the whole value.
func invalidInside(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return utf8.RuneCountInString(v) > 255
	case map[string]any:
		if t, isTime := v["$time"]; isTime {
			s, _ := t.(string)
			_, err := time.Parse(time.RFC3339, s)
			return err != nil && !day.MatchString(s)
		}
		for k, inside := range v {
			if k == "" || utf8.RuneCountInString(k) > 255 || strings.ContainsAny(k, " .$") || invalidInside(inside) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, invalidInside)
	}
	return false
}

// unique keeps the last of equal values.
func unique(v []any) []any {
	var kept []any
	for _, one := range v {
		kept = append(without(kept, one), one)
	}
	return kept
}

func without(all []any, one any) []any {
	return slices.DeleteFunc(slices.Clone(all), func(v any) bool { return reflect.DeepEqual(v, one) })
}

// changeArray applies add and remove.
func changeArray(old any, change map[string]any) (changed []any, points int, ok bool) {
	for k, v := range change {
		if _, isArray := v.([]any); !isArray || k != "add" && k != "remove" {
			return nil, 0, false
		}
	}
	changed, _ = old.([]any)
	add, _ := change["add"].([]any)
	remove, _ := change["remove"].([]any)
	for _, v := range add {
		changed = append(without(changed, v), v)
	}
	for _, v := range remove {
		changed = without(changed, v)
	}
	return changed, len(add) + len(remove), len(change) > 0
}

// changeObjects applies $add, then $remove, then $update.
func changeObjects(old any, change map[string]any, merge bool) (changed []any, points int, ok bool) {
	for k := range change {
		if k != "$add" && k != "$remove" && k != "$update" {
			return nil, 0, false
		}
	}
	have, _ := old.([]any)
	changed = slices.Clone(have)
	add, _ := change["$add"].([]any)
	changed = append(changed, add...)
	points = leaves(add)
	if len(add) == 0 {
		points = 0
	}
	matches := func(o, key any) bool {
		k, _ := key.(map[string]any)
		object, _ := o.(map[string]any)
		v, has := object[text(k, "$identifier_key")]
		return has && reflect.DeepEqual(v, k["$identifier_value"])
	}
	remove, _ := change["$remove"].([]any)
	for _, key := range remove {
		points++
		changed = slices.DeleteFunc(changed, func(o any) bool { return matches(o, key) })
	}
	update, _ := change["$update"].([]any)
	for _, u := range update {
		key, _ := u.(map[string]any)
		object, _ := key["$new_object"].(map[string]any)
		points += leaves(object)
		for i, o := range changed {
			if matches(o, key) {
				changed[i] = object
				if merge {
					changed[i] = merged(o.(map[string]any), object)
				}
			}
		}
	}
	return changed, points, len(change) > 0
}

// merged is a with what b says, at every depth.
func merged(a, b map[string]any) map[string]any {
	m := maps.Clone(a)
	for k, v := range b {
		inner, ok1 := v.(map[string]any)
		have, ok2 := m[k].(map[string]any)
		if ok1 && ok2 {
			v = merged(have, inner)
		}
		m[k] = v
	}
	return m
}

// when reads the time of an event or a purchase; one in the future is now.
func when(o map[string]any) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, text(o, "time"))
	if err != nil {
		return time.Time{}, false
	}
	if now := time.Now(); t.After(now) {
		t = now
	}
	return t.UTC(), true
}

// properties returns the properties of an object, or ok false where Braze refuses them.
func properties(o map[string]any, limit int, reserved ...string) (p map[string]any, ok bool) {
	v, given := o["properties"]
	if !given || v == nil {
		return nil, true
	}
	p, ok = v.(map[string]any)
	if !ok || size(p) > limit {
		return nil, false
	}
	for name := range p {
		if slices.Contains(reserved, name) || name == "" || strings.HasPrefix(name, "$") || utf8.RuneCountInString(name) > 255 {
			return nil, false
		}
	}
	for i, name := range slices.Sorted(maps.Keys(p)) {
		if i >= 256 {
			delete(p, name) // in silence
		}
	}
	return p, true
}

func (s *Server) applyEvent(o map[string]any) (kind string) {
	name := text(o, "name")
	at, ok := when(o)
	switch {
	case name == "":
		return "'name' is required"
	case utf8.RuneCountInString(name) > 255 || strings.HasPrefix(name, "$"):
		return "'name' is not valid"
	case !ok:
		return "'time' is required"
	}
	p, ok := properties(o, 100_000, "time", "event_name")
	if !ok {
		return "Invalid 'properties' field"
	}
	if user := s.find(o); user != nil {
		s.points++
		s.events = append(s.events, Event{user.BrazeID, user.ExternalID, text(o, "app_id"), name, at, p})
	}
	return ""
}

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

func (s *Server) applyPurchase(o map[string]any) (kind string) {
	product := text(o, "product_id")
	price, priced := o["price"].(float64)
	quantity := 1.0
	if q, given := o["quantity"]; given {
		quantity, _ = q.(float64)
	}
	at, ok := when(o)
	switch {
	case product == "":
		return "'product_id' is required"
	case utf8.RuneCountInString(product) > 255:
		return "'product_id' is not valid"
	case !currency.MatchString(text(o, "currency")):
		return "'currency' is not valid"
	case !priced:
		return "'price' is required"
	case quantity < 1 || quantity > 100 || quantity != float64(int(quantity)):
		return "'quantity' is not valid"
	case !ok:
		return "'time' is required"
	}
	p, ok := properties(o, 50_000, "time", "product_id", "quantity", "event_name", "price", "currency")
	if !ok {
		return "Invalid 'properties' field"
	}
	if user := s.find(o); user != nil {
		s.points++
		s.purchases = append(s.purchases, Purchase{
			user.BrazeID, user.ExternalID, text(o, "app_id"), product, text(o, "currency"), price, int(quantity), at, p,
		})
	}
	return ""
}
