package segment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/internal/scalar"
)

// Call is one call of Segment's tracking API. json.Unmarshal makes one of the JSON that Segment sends. It prints, logs
// and marshals as its type alone.
//
// https://segment.com/docs/connections/spec/
type Call struct {
	Type       string // identify, track, page, screen or group
	UserID     string
	BrazeID    string // integrations.Braze.braze_id, or the same in the context
	Event      string // of a track call
	Name       string // of a page or a screen
	Category   string // of a page or a screen
	GroupID    string // of a group call
	Traits     map[string]any
	Properties map[string]any
	Computed   bool      // it tells of a computed trait or an audience: there is a context.personas
	Timestamp  time.Time // zero: when it is mapped
}

// UnmarshalJSON decodes a call as Segment sends it. The time is timestamp, or else originalTimestamp or receivedAt.
func (c *Call) UnmarshalJSON(b []byte) error {
	type integrations struct {
		Braze json.RawMessage `json:"Braze"` // a bool or an object
	}
	var w struct {
		Type         string         `json:"type"`
		UserID       string         `json:"userId"`
		Event        string         `json:"event"`
		Name         string         `json:"name"`
		Category     string         `json:"category"`
		GroupID      string         `json:"groupId"`
		Traits       map[string]any `json:"traits"`
		Properties   map[string]any `json:"properties"`
		Timestamp    string         `json:"timestamp"`
		Original     string         `json:"originalTimestamp"`
		Received     string         `json:"receivedAt"`
		Integrations integrations   `json:"integrations"`
		Context      struct {
			Integrations integrations    `json:"integrations"`
			Personas     json.RawMessage `json:"personas"`
		} `json:"context"`
	}
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber() // integers stay what they are
	if err := decoder.Decode(&w); err != nil {
		return errors.New("segment: the call does not decode") // the errors of encoding/json quote what they read
	}
	*c = Call{
		Type: w.Type, UserID: w.UserID, Event: w.Event, Name: w.Name, Category: w.Category, GroupID: w.GroupID,
		Traits: w.Traits, Properties: w.Properties,
		Computed: strings.HasPrefix(string(w.Context.Personas), "{"),
	}
	for _, i := range []integrations{w.Integrations, w.Context.Integrations} {
		var is struct {
			ID string `json:"braze_id"`
		}
		if json.Unmarshal(i.Braze, &is) == nil && c.BrazeID == "" {
			c.BrazeID = is.ID
		}
	}
	for _, s := range []string{w.Timestamp, w.Original, w.Received} {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			c.Timestamp = t
			break
		}
	}
	return nil
}

// Format writes the type for every verb.
func (c Call) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.text()) }

// MarshalText returns the same as Format.
func (c Call) MarshalText() ([]byte, error) { return []byte(c.text()), nil }

func (c Call) text() string { return "segment.Call(" + kind(c.Type) + ")" }

func kind(s string) string {
	if slices.Contains([]string{"identify", "track", "page", "screen", "group", "alias"}, s) {
		return s
	}
	return "unknown"
}

// Mapper makes Braze objects of calls. Its fields are the settings of Segment's destination.
type Mapper struct {
	TrackAllPages      bool // pages and screens become events
	TrackNamedPages    bool // those with a name do
	UpdateExistingOnly bool // users whom Braze does not have are left out by it, in silence
}

// Map returns the objects that a call becomes, and what of the call is not in them and why. The batch is empty for a
// call that becomes nothing. It shares the values of the call, which is not changed.
func (m Mapper) Map(c Call) (batch braze.Batch, omitted []ada.Fault) {
	p := mapping{mapper: m, call: c, at: c.Timestamp}
	if p.at.IsZero() {
		p.at = time.Now()
	}
	who := "userId"
	switch {
	case c.UserID != "":
		p.user = braze.ExternalID(c.UserID)
	case c.BrazeID != "":
		p.user, who = braze.BrazeID(c.BrazeID), "braze_id"
	default:
		p.omit("userId", "is missing, and there is no braze_id")
		return braze.Batch{}, p.omitted
	}
	probe := braze.Event{User: p.user, Name: "-", Time: time.Now()}
	if !p.passes(who, braze.Batch{Events: []braze.Event{probe}}.Validate(), nil) {
		return braze.Batch{}, p.omitted
	}
	if m.UpdateExistingOnly {
		p.existing = ada.Set(true)
	}
	switch c.Type {
	case "identify":
		p.identify()
	case "track":
		p.track()
	case "page":
		p.page("Page")
	case "screen":
		p.page("Screen")
	case "group":
		p.group()
	default:
		p.omit("type", "is not identify, track, page, screen or group")
	}
	// What is left has been checked part by part; the whole can still be too large.
	var failed *ada.Error
	if errors.As(p.batch.Validate(), &failed) {
		return braze.Batch{}, append(p.omitted, failed.Faults...)
	}
	return p.batch, p.omitted
}

// mapping is one Map under way.
type mapping struct {
	mapper   Mapper
	call     Call
	user     braze.User
	at       time.Time
	existing ada.Opt[bool]
	batch    braze.Batch
	omitted  []ada.Fault
}

func (p *mapping) omit(field, reason string) {
	p.omitted = append(p.omitted, ada.Fault{Field: field, Reason: reason})
}

// passes reports whether an error of package braze is nil, and says otherwise what it has against what the field of the
// call has become. parts are the fields of the call that parts of it come from.
func (p *mapping) passes(field string, err error, parts map[string]string) bool {
	var failed *ada.Error
	if !errors.As(err, &failed) {
		return true
	}
	fault := failed.Faults[0]
	part := fault.Field[strings.LastIndexByte(fault.Field, '.')+1:] // such as User, or Custom["tags"][1]
	switch from := parts[part]; {
	case from != "":
		field = from
	case part == "Time":
		field = "timestamp"
	default:
		_, inside, _ := strings.Cut(part, "]")
		field += inside
	}
	reason := fault.Reason
	if field == "groupId" { // the name at Braze is made of it
		reason = strings.TrimPrefix(reason, "has a name that ")
	}
	p.omit(field, reason)
	return false
}

// traitNames are the traits that become fields of the profile. Birthday, gender and the address are not among them, as
// their values are converted.
var traitNames = map[string]string{
	"firstName": "first_name", "lastName": "last_name", "avatar": "image_url", "email": "email", "phone": "phone",
}

// handled are the traits that never become custom attributes.
var handled = []string{"id", "name", "address", "birthday", "gender"}

func (p *mapping) identify() {
	custom := braze.Custom{}
	a := braze.Attributes{User: p.user, UpdateExistingOnly: p.existing, Custom: custom}
	set := func(field, name string, value any) {
		p.passes(field, a.Set(name, value), nil)
	}
	for _, trait := range slices.Sorted(maps.Keys(p.call.Traits)) {
		value := orUnset(p.call.Traits[trait])
		field := "traits[" + scalar.Key(trait) + "]"
		name, isField := traitNames[trait]
		switch {
		case isField:
			set(field, name, value)
		case slices.Contains(handled, trait):
		case isObject(value):
			p.omit(field, "is or holds an object")
		default:
			if p.call.Computed {
				trait = snake(trait)
			}
			one := braze.Custom{trait: value} // and not by Set, which takes names of Braze's own
			if p.passes(field, braze.Batch{Attributes: []braze.Attributes{{User: p.user, Custom: one}}}.Validate(), nil) {
				custom[trait] = value
			}
		}
	}
	traits := p.call.Traits
	if birthday, ok := traits["birthday"]; ok {
		set(`traits["birthday"]`, "dob", orUnset(birthday))
	}
	if g, ok := traits["gender"]; ok {
		if converted, ok := gender(g); ok {
			set(`traits["gender"]`, "gender", converted)
		} else {
			p.omit(`traits["gender"]`, "is none that Braze knows")
		}
	}
	if address, ok := traits["address"].(map[string]any); ok {
		if city, ok := address["city"]; ok {
			set(`traits["address"]["city"]`, "home_city", orUnset(city))
		}
		if country, ok := address["country"]; ok {
			if s, ok := country.(string); ok {
				country = strings.ToUpper(s)
			}
			set(`traits["address"]["country"]`, "country", orUnset(country))
		}
	}
	p.batch.Attributes = []braze.Attributes{a}
}

func orUnset(v any) any {
	if v == nil {
		return braze.Unset{}
	}
	return v
}

// isObject reports whether a trait is an object, or an array of which one is.
func isObject(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return true
	case []any:
		return slices.ContainsFunc(v, isObject)
	}
	return false
}

// gender returns Braze's letter for a gender, in whatever case.
func gender(v any) (g any, ok bool) {
	if v == nil {
		return braze.Unset{}, true
	}
	s, _ := v.(string)
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "m", "male", "man":
		return braze.Male, true
	case "f", "female", "woman", "w":
		return braze.Female, true
	case "o", "other":
		return braze.OtherGender, true
	case "n", "not applicable":
		return braze.GenderNotApplicable, true
	case "p", "prefer not to say":
		return braze.GenderPreferNotToSay, true
	}
	return nil, false
}

// snake is a name in the form in which Segment names computed traits: in small letters, with underscores between the
// words.
func snake(s string) string {
	var b strings.Builder
	var last rune
	for _, c := range s {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			c = '_'
			if last == '_' || last == 0 {
				continue
			}
		case unicode.IsUpper(c) && (unicode.IsLower(last) || unicode.IsDigit(last)):
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
		last = c
	}
	return strings.TrimRight(b.String(), "_")
}

// The properties that Segment keeps from Braze.
var (
	eventReserved    = []string{"time", "quantity", "event_name", "price", "currency"}
	purchaseReserved = []string{"time", "product_id", "quantity", "event_name", "price", "currency", "revenue"}
)

func (p *mapping) track() {
	properties := p.call.Properties
	if products, ok := properties["products"].([]any); ok && p.call.Event == "Order Completed" {
		p.order(products)
		return
	}
	revenue, has := properties["revenue"]
	if !has {
		p.event(p.call.Event, "event")
		return
	}
	price, isNumber := number(revenue)
	currency, _ := properties["currency"].(string)
	switch {
	case !isNumber:
		p.omit(`properties["revenue"]`, "is not a number, so that the call is no purchase")
	case currency == "":
		p.omit(`properties["currency"]`, "is missing or not a string, so that the call is no purchase")
	default:
		buy := p.purchase(p.call.Event, currency, price)
		parts := map[string]string{"Currency": `properties["currency"]`, "Price": `properties["revenue"]`}
		if p.passes("event", braze.Batch{Purchases: []braze.Purchase{buy}}.Validate(), parts) {
			buy.Properties = p.properties(purchaseReserved, func(b braze.Properties) braze.Batch {
				buy := buy
				buy.Properties = b
				return braze.Batch{Purchases: []braze.Purchase{buy}}
			}, true)
			p.batch.Purchases = []braze.Purchase{buy}
		}
		return
	}
	p.event(p.call.Event, "event")
}

func (p *mapping) purchase(product, currency string, price float64) braze.Purchase {
	return braze.Purchase{
		User: p.user, ProductID: product, Currency: strings.ToUpper(currency), Price: price, Time: p.at, UpdateExistingOnly: p.existing,
	}
}

// event adds an event with the properties of the call.
func (p *mapping) event(name, field string) {
	e := braze.Event{User: p.user, Name: name, Time: p.at, UpdateExistingOnly: p.existing}
	if !p.passes(field, braze.Batch{Events: []braze.Event{e}}.Validate(), nil) {
		return
	}
	e.Properties = p.properties(eventReserved, func(b braze.Properties) braze.Batch {
		e := e
		e.Properties = b
		return braze.Batch{Events: []braze.Event{e}}
	}, false)
	p.batch.Events = []braze.Event{e}
}

// properties returns those of the call that the object takes: with makes a batch of it with some.
func (p *mapping) properties(reserved []string, with func(braze.Properties) braze.Batch, flat bool) braze.Properties {
	kept := braze.Properties{}
	for _, name := range slices.Sorted(maps.Keys(p.call.Properties)) {
		value := p.call.Properties[name]
		field := "properties[" + scalar.Key(name) + "]"
		_, isArray := value.([]any)
		switch {
		case slices.Contains(reserved, name):
		case value == nil: // as if it were not there
		case flat && (isArray || isObject(value)):
			p.omit(field, "is an array or an object")
		case p.passes(field, with(braze.Properties{name: value}).Validate(), nil):
			kept[name] = value
		}
	}
	return kept
}

// order adds a purchase for each product.
func (p *mapping) order(products []any) {
	of, _ := p.call.Properties["currency"].(string)
	for i, v := range products {
		field := fmt.Sprintf(`properties["products"][%d]`, i)
		product, ok := v.(map[string]any)
		if !ok {
			p.omit(field, "is not an object")
			continue
		}
		parts := map[string]string{"ProductID": field + `["product_id"]`, "Currency": `properties["currency"]`, "Price": field + `["price"]`}
		id, ok := text(product["product_id"])
		if !ok {
			id, ok = text(product["id"])
			parts["ProductID"] = field + `["id"]`
		}
		price, priced := number(product["price"])
		currency := of
		if s, ok := product["currency"].(string); ok && currency == "" {
			currency = s
			parts["Currency"] = field + `["currency"]`
		}
		if currency == "" {
			currency = "USD"
		}
		quantity := 1.0
		if q, given := product["quantity"]; given && q != nil {
			quantity, _ = number(q)
		}
		switch {
		case !ok:
			p.omit(field, "has no product_id or id that is a string or a number")
			continue
		case !priced:
			p.omit(field, "has no price that is a number")
			continue
		case quantity < 1 || quantity != float64(int(quantity)) || quantity > maxPieces:
			p.omit(field, fmt.Sprintf("has a quantity that is not an integer from 1 to %d", maxPieces))
			continue
		}
		buy := p.purchase(id, currency, price)
		if !p.passes(field, braze.Batch{Purchases: []braze.Purchase{buy}}.Validate(), parts) {
			continue
		}
		for left := int(quantity); left > 0; left -= maxQuantity {
			buy.Quantity = min(left, maxQuantity)
			p.batch.Purchases = append(p.batch.Purchases, buy)
		}
	}
}

const (
	maxQuantity = 100    // of one purchase at Braze
	maxPieces   = 10_000 // of one product: more is taken for a mistake
)

// text returns an id, which some write as a number.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, v != ""
	case json.Number:
		return v.String(), true
	case int:
		return strconv.Itoa(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// number returns a number, which some write as a string.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}

func (p *mapping) page(what string) {
	name, category := p.call.Name, p.call.Category
	if name == "" {
		name, _ = p.call.Properties["name"].(string)
	}
	if category == "" {
		category, _ = p.call.Properties["category"].(string)
	}
	if !p.mapper.TrackAllPages && (!p.mapper.TrackNamedPages || name == "") {
		return
	}
	event := "Loaded a " + what
	if name != "" {
		event = "Viewed " + strings.TrimSpace(category+" "+name) + " " + what
		properties := maps.Clone(p.call.Properties)
		if properties == nil {
			properties = map[string]any{}
		}
		properties["name"] = name
		p.call.Properties = properties
	}
	p.event(event, "name")
}

func (p *mapping) group() {
	const (
		prefix  = "ab_segment_group_"
		longest = 255 - len(prefix) // characters: Braze's limit of a name
	)
	switch n := utf8.RuneCountInString(p.call.GroupID); {
	case n == 0:
		p.omit("groupId", "is missing")
		return
	case n > longest:
		p.omit("groupId", fmt.Sprintf("has %d characters, at most %d", n, longest))
		return
	}
	b := braze.Batch{Attributes: []braze.Attributes{{
		User: p.user, UpdateExistingOnly: p.existing, Custom: braze.Custom{prefix + p.call.GroupID: true},
	}}}
	if p.passes("groupId", b.Validate(), nil) {
		p.batch = b
	}
}
