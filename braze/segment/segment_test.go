package segment_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/braze/brazetest"
	"github.com/adasdk/ada-go/braze/segment"
)

// sent maps a call in the JSON of Segment and returns what goes out for it, and what is omitted.
func sent(t *testing.T, m segment.Mapper, call string) (body string, omitted []string) {
	t.Helper()
	var c segment.Call
	if err := json.Unmarshal([]byte(call), &c); err != nil {
		t.Fatal(err)
	}
	batch, faults := m.Map(c)
	for _, f := range faults {
		omitted = append(omitted, f.Error())
	}
	srv := brazetest.NewServer(t)
	if _, err := srv.Client().Track(t.Context(), batch); err != nil {
		t.Error(err)
	}
	for _, c := range srv.Calls() {
		body += string(c.Body)
	}
	return body, omitted
}

const (
	when   = `"timestamp":"2026-06-01T12:30:00.000Z"`
	moment = `"time":"2026-06-01T12:30:00.000Z"`
)

func TestMap(t *testing.T) {
	identify := func(traits string) string {
		return `{"type":"identify","userId":"ze8rt1u89","traits":{` + traits + `}}`
	}
	track := func(event, properties string) string {
		return `{"type":"track","userId":"u","event":"` + event + `",` + when + `,"properties":{` + properties + `}}`
	}
	attributes := func(s string) string { return `{"attributes":[{"external_id":"ze8rt1u89"` + s + `}]}` }
	event := func(name, properties string) string {
		if properties != "" {
			properties = `,"properties":{` + properties + `}`
		}
		return `{"events":[{"external_id":"u","name":"` + name + `",` + moment + properties + `}]}`
	}
	tests := []struct {
		name    string
		mapper  segment.Mapper
		call    string
		want    string
		omitted []string
	}{
		// Identify, as the destination's page and the table of traits have it.
		{"the page's example", segment.Mapper{}, identify(`"firstName":"Jane","lastName":"Kim","email":"jane.kim@example.com"`), attributes(`,"email":"jane.kim@example.com","first_name":"Jane","last_name":"Kim"`), nil},
		{"the table of traits", segment.Mapper{}, identify(`"firstName":"F","lastName":"L","birthday":"1980-02-29T23:30:00-02:00","avatar":"https://a.example/a.png","address":{"city":"Kyoto","country":"JP","street":"x"},"gender":"female","phone":"+1"`), attributes(`,"phone":"+1","first_name":"F","last_name":"L","home_city":"Kyoto","country":"JP","dob":"1980-03-01","gender":"F","image_url":"https://a.example/a.png"`), nil},
		{"a birthday without a time", segment.Mapper{}, identify(`"birthday":"1980-02-29"`), attributes(`,"dob":"1980-02-29"`), nil},
		{"a birthday that is none", segment.Mapper{}, identify(`"birthday":"canary"`), attributes(``), []string{`traits["birthday"] is not a day`}},
		{"other traits", segment.Mapper{}, identify(`"plan":"Pro","Seats":12,"ratio":0.5,"big":9007199254740993,"trial":false,"tags":["a","b"]`), attributes(`,"Seats":12,"big":9007199254740993,"plan":"Pro","ratio":0.5,"tags":["a","b"],"trial":false`), nil},
		{"id, name and address are dropped", segment.Mapper{}, identify(`"id":"1","name":"Jane Kim","address":"x"`), attributes(``), nil},
		{"no nested objects", segment.Mapper{}, identify(`"company":{"name":"x"},"list":[{"a":1}],"plan":"pro"`), attributes(`,"plan":"pro"`), []string{`traits["company"] is or holds an object`, `traits["list"] is or holds an object`}},
		{"null removes", segment.Mapper{}, identify(`"plan":null,"firstName":null,"gender":null,"birthday":null,"address":{"city":null,"country":null}`), attributes(`,"first_name":null,"home_city":null,"country":null,"dob":null,"gender":null,"plan":null`), nil},
		{"names of Braze's own", segment.Mapper{}, identify(`"first_name":"canary","dob":"x","external_id":"y","_merge_objects":true`), attributes(``), []string{`traits["_merge_objects"] is a name of Braze's own`, `traits["dob"] is a name of Braze's own`, `traits["external_id"] is a name of Braze's own`, `traits["first_name"] is a name of Braze's own`}},
		{"what Braze would drop", segment.Mapper{}, identify(`"$x":1,"long":"` + strings.Repeat("x", 256) + `","email":"canary","ok":1`), attributes(`,"ok":1`), []string{"traits[…] has a name that begins with a $", `traits["email"] is not an address`, `traits["long"] has 256 characters, at most 255`}},
		{"a null within a trait", segment.Mapper{}, identify(`"tags":["a",null]`), attributes(``), []string{`traits["tags"][1] is nil, which Braze does not take there`}},
		{"an email that is no string", segment.Mapper{}, identify(`"email":true`), attributes(``), []string{`traits["email"] is not a string`}},
		{"a country in small letters", segment.Mapper{}, identify(`"address":{"country":"jp"}`), attributes(`,"country":"JP"`), nil},
		{"a country by name", segment.Mapper{}, identify(`"address":{"country":"Japan"}`), attributes(``), []string{`traits["address"]["country"] is not two capital letters, as ISO 3166-1 alpha-2 has it`}},
		{"existing users only", segment.Mapper{UpdateExistingOnly: true}, identify(`"plan":"pro"`), attributes(`,"_update_existing_only":true,"plan":"pro"`), nil},
		{"no traits", segment.Mapper{}, `{"type":"identify","userId":"ze8rt1u89"}`, attributes(``), nil},

		// Who it is.
		{"a braze_id", segment.Mapper{}, `{"type":"identify","anonymousId":"a","integrations":{"Braze":{"braze_id":"b"}}}`, `{"attributes":[{"braze_id":"b"}]}`, nil},
		{"a braze_id in the context", segment.Mapper{}, `{"type":"identify","integrations":{"Braze":true},"context":{"integrations":{"Braze":{"braze_id":"b"}}}}`, `{"attributes":[{"braze_id":"b"}]}`, nil},
		{"a userId comes first", segment.Mapper{}, `{"type":"identify","userId":"u","integrations":{"Braze":{"braze_id":"b"}}}`, `{"attributes":[{"external_id":"u"}]}`, nil},
		{"a userId that Braze refuses", segment.Mapper{}, `{"type":"identify","userId":"` + strings.Repeat("x", 998) + `","traits":{"a":1,"b":2}}`, ``, []string{"userId has an external id of 998 bytes, at most 987"}},
		{"a time that Braze refuses", segment.Mapper{}, `{"type":"track","userId":"u","event":"E","timestamp":"0000-01-01T00:00:00Z"}`, ``, []string{"timestamp is not within the years 1 to 3000"}},
		{"nobody", segment.Mapper{}, `{"type":"identify","anonymousId":"a"}`, ``, []string{"userId is missing, and there is no braze_id"}},

		// Track.
		{"an event", segment.Mapper{}, track("Purchased Item", `"product_id":"1234","name":"bag"`), event("Purchased Item", `"name":"bag","product_id":"1234"`), nil},
		{"reserved properties", segment.Mapper{}, track("E", `"time":1,"quantity":2,"event_name":"x","price":3,"currency":"USD","kept":true`), event("E", `"kept":true`), nil},
		{"nested properties and null", segment.Mapper{}, track("E", `"o":{"a":[1,{"b":"c"}]},"n":null`), event("E", `"o":{"a":[1,{"b":"c"}]}`), nil},
		{"properties that Braze refuses", segment.Mapper{}, track("E", `"$x":1,"long":"`+strings.Repeat("x", 256)+`"`), event("E", ``), []string{"properties[…] has a name that begins with a $", `properties["long"] has 256 characters, at most 255`}},
		{"no name", segment.Mapper{}, track("", ``), ``, []string{"event is empty"}},
		{"existing users only", segment.Mapper{UpdateExistingOnly: true}, track("E", ``), `{"events":[{"external_id":"u","_update_existing_only":true,"name":"E",` + moment + `}]}`, nil},
		{"the original time", segment.Mapper{}, `{"type":"track","userId":"u","event":"E","originalTimestamp":"2026-06-01T12:30:00Z","receivedAt":"2026-06-02T00:00:00Z"}`, event("E", ``), nil},

		// Purchases.
		{
			"Order Completed",
			segment.Mapper{},
			track("Order Completed", `"currency":"EUR","revenue":99,"products":[{"product_id":"a","price":10,"quantity":2,"colour":"red"},{"id":"b","price":"5.5"},{"product_id":7,"price":1,"currency":"GBP"}]`),
			`{"purchases":[{"external_id":"u","product_id":"a","currency":"EUR","price":10,"quantity":2,` + moment + `},` +
				`{"external_id":"u","product_id":"b","currency":"EUR","price":5.5,"quantity":1,` + moment + `},` +
				`{"external_id":"u","product_id":"7","currency":"EUR","price":1,"quantity":1,` + moment + `}]}`, nil,
		},
		{
			"the currency of a product, or USD",
			segment.Mapper{},
			track("Order Completed", `"products":[{"product_id":"a","price":1,"currency":"gbp"},{"product_id":"b","price":1}]`),
			`{"purchases":[{"external_id":"u","product_id":"a","currency":"GBP","price":1,"quantity":1,` + moment + `},` +
				`{"external_id":"u","product_id":"b","currency":"USD","price":1,"quantity":1,` + moment + `}]}`, nil,
		},
		{
			"more than Braze takes in one",
			segment.Mapper{},
			track("Order Completed", `"products":[{"product_id":"a","price":1,"quantity":250}]`),
			`{"purchases":[{"external_id":"u","product_id":"a","currency":"USD","price":1,"quantity":100,` + moment + `},` +
				`{"external_id":"u","product_id":"a","currency":"USD","price":1,"quantity":100,` + moment + `},` +
				`{"external_id":"u","product_id":"a","currency":"USD","price":1,"quantity":50,` + moment + `}]}`, nil,
		},
		{"products that are none", segment.Mapper{}, track("Order Completed", `"products":["x",{"price":1},{"product_id":"a"},{"product_id":"a","price":1,"quantity":0},{"product_id":"a","price":1,"quantity":1.5}]`), ``, []string{
			`properties["products"][0] is not an object`, `properties["products"][1] has no product_id or id that is a string or a number`, `properties["products"][2] has no price that is a number`,
			`properties["products"][3] has a quantity that is not an integer from 1 to 10000`, `properties["products"][4] has a quantity that is not an integer from 1 to 10000`,
		}},
		{
			"products that Braze refuses",
			segment.Mapper{},
			track("Order Completed", `"products":[{"product_id":"`+strings.Repeat("x", 256)+`","price":1},{"id":"`+strings.Repeat("x", 256)+`","price":1},{"id":"a","price":"NaN"},{"id":"a","price":"free"},{"id":"a","price":1,"currency":"Euro"}]`), ``,
			[]string{
				`properties["products"][0]["product_id"] has 256 characters, at most 255`, `properties["products"][1]["id"] has 256 characters, at most 255`,
				`properties["products"][2]["price"] is not a finite number`, `properties["products"][3] has no price that is a number`,
				`properties["products"][4]["currency"] is not three capital letters, as ISO 4217 has it`,
			},
		},
		{"an order in no currency", segment.Mapper{}, track("Order Completed", `"currency":"Euro","products":[{"id":"a","price":1}]`), ``, []string{`properties["currency"] is not three capital letters, as ISO 4217 has it`}},
		{"revenue in no currency", segment.Mapper{}, track("Bought", `"revenue":1,"currency":"Euro"`), ``, []string{`properties["currency"] is not three capital letters, as ISO 4217 has it`}},
		{"revenue that is infinite", segment.Mapper{}, track("Bought", `"revenue":"Inf","currency":"USD"`), ``, []string{`properties["revenue"] is not a finite number`}},
		{"an empty order", segment.Mapper{}, track("Order Completed", `"products":[]`), ``, nil},
		{"an order without products", segment.Mapper{}, track("Order Completed", `"order_id":"x"`), event("Order Completed", `"order_id":"x"`), nil},
		{"the page's example of a purchase", segment.Mapper{}, track("Purchased Item", `"revenue":"2000","currency":"USD"`), `{"purchases":[{"external_id":"u","product_id":"Purchased Item","currency":"USD","price":2000,` + moment + `}]}`, nil},
		{
			"a purchase with properties",
			segment.Mapper{},
			track("Bought", `"revenue":12.5,"currency":"USD","time":1,"product_id":2,"quantity":3,"event_name":4,"price":5,"size":"M","o":{"a":1},"l":[1]`),
			`{"purchases":[{"external_id":"u","product_id":"Bought","currency":"USD","price":12.5,` + moment + `,"properties":{"size":"M"}}]}`,
			[]string{`properties["l"] is an array or an object`, `properties["o"] is an array or an object`},
		},
		{"revenue without a currency", segment.Mapper{}, track("Bought", `"revenue":1`), event("Bought", `"revenue":1`), []string{`properties["currency"] is missing or not a string, so that the call is no purchase`}},
		{"revenue that is no number", segment.Mapper{}, track("Bought", `"revenue":"canary","currency":"USD"`), event("Bought", `"revenue":"canary"`), []string{`properties["revenue"] is not a number, so that the call is no purchase`}},

		// Page and screen.
		{"pages are not tracked", segment.Mapper{}, `{"type":"page","userId":"u","name":"Home"}`, ``, nil},
		{"all pages", segment.Mapper{TrackAllPages: true}, `{"type":"page","userId":"u","name":"Home",` + when + `,"properties":{"url":"x"}}`, event("Viewed Home Page", `"name":"Home","url":"x"`), nil},
		{"all pages, one without a name", segment.Mapper{TrackAllPages: true}, `{"type":"page","userId":"u",` + when + `,"properties":{"url":"x"}}`, event("Loaded a Page", `"url":"x"`), nil},
		{"named pages", segment.Mapper{TrackNamedPages: true}, `{"type":"page","userId":"u","name":"Home","category":"Docs",` + when + `}`, event("Viewed Docs Home Page", `"name":"Home"`), nil},
		{"named pages, one without a name", segment.Mapper{TrackNamedPages: true}, `{"type":"page","userId":"u","category":"Docs"}`, ``, nil},
		{"names in the properties", segment.Mapper{TrackNamedPages: true}, `{"type":"page","userId":"u",` + when + `,"properties":{"name":"Home","category":"Docs"}}`, event("Viewed Docs Home Page", `"category":"Docs","name":"Home"`), nil},
		{"screens", segment.Mapper{TrackAllPages: true}, `{"type":"screen","userId":"u","name":"Home",` + when + `}`, event("Viewed Home Screen", `"name":"Home"`), nil},
		{"screens without a name", segment.Mapper{TrackAllPages: true}, `{"type":"screen","userId":"u",` + when + `}`, event("Loaded a Screen", ``), nil},

		// Group.
		{"the page's example of a group", segment.Mapper{}, `{"type":"group","userId":"ze8rt1u89","groupId":"1234","traits":{"name":"Initech","employees":329}}`, attributes(`,"ab_segment_group_1234":true`), nil},
		{"a group without an id", segment.Mapper{}, `{"type":"group","userId":"u"}`, ``, []string{"groupId is missing"}},
		{"a group with spaces behind its id", segment.Mapper{}, `{"type":"group","userId":"u","groupId":"x "}`, ``, []string{"groupId has spaces around it"}},
		{"a group with an id that is too long", segment.Mapper{}, `{"type":"group","userId":"u","groupId":"` + strings.Repeat("x", 255) + `"}`, ``, []string{"groupId has 255 characters, at most 238"}},

		// Computed traits and audiences.
		{"a computed trait", segment.Mapper{}, `{"type":"identify","userId":"ze8rt1u89","traits":{"Last Product Viewed Item":"Sweater"},"context":{"personas":{"computation_class":"computed_trait"}}}`, attributes(`,"last_product_viewed_item":"Sweater"`), nil},
		{"a trait that is not computed", segment.Mapper{}, identify(`"Last Product":"Sweater"`), attributes(`,"Last Product":"Sweater"`), nil},
		{"an audience", segment.Mapper{}, `{"type":"identify","userId":"ze8rt1u89","traits":{"dormant_shoppers":true},"context":{"personas":{"computation_class":"audience"}}}`, attributes(`,"dormant_shoppers":true`), nil},
		{"an audience as an event", segment.Mapper{}, track("Audience Entered", `"audience_key":"dormant_shoppers","dormant_shoppers":true`), event("Audience Entered", `"audience_key":"dormant_shoppers","dormant_shoppers":true`), nil},

		{"another type", segment.Mapper{}, `{"type":"alias","userId":"u"}`, ``, []string{"type is not identify, track, page, screen or group"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, omitted := sent(t, tt.mapper, tt.call)
			if diff := cmp.Diff(tt.want, body); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.omitted, omitted); diff != "" {
				t.Errorf("omitted (-want +got)\n%s", diff)
			}
		})
	}
}

func TestGender(t *testing.T) {
	for given, want := range map[string]string{
		"m": "M", "Male": "M", "man": "M", "f": "F", "FEMALE": "F", "woman": "F", "w": "F", "other": "O", "o": "O",
		"n": "N", "Not Applicable": "N", "p": "P", "prefer not to say": "P",
	} {
		body, omitted := sent(t, segment.Mapper{}, fmt.Sprintf(`{"type":"identify","userId":"u","traits":{"gender":%q}}`, given))
		if !strings.Contains(body, `"gender":"`+want+`"`) || len(omitted) > 0 {
			t.Errorf("%s: %s, %v", given, body, omitted)
		}
	}
	for _, given := range []string{`"canary"`, `""`, `7`, `true`} {
		body, omitted := sent(t, segment.Mapper{}, `{"type":"identify","userId":"u","traits":{"gender":`+given+`}}`)
		if strings.Contains(body, "gender") || len(omitted) != 1 {
			t.Errorf("%s: %s, %v", given, body, omitted)
		}
	}
}

func TestTimeOfCallWithoutOne(t *testing.T) {
	batch, _ := segment.Mapper{}.Map(segment.Call{Type: "track", UserID: "u", Event: "E"})
	if d := time.Since(batch.Events[0].Time); d < 0 || d > time.Minute {
		t.Errorf("the event is of %s ago", d)
	}
}

func TestNothingPrints(t *testing.T) {
	c := segment.Call{Type: "canary", UserID: "canary", Traits: map[string]any{"canary": "canary"}}
	b, err := json.Marshal(c)
	if out := fmt.Sprintf("%v %+v %#v %s", c, c, c, b); err != nil || strings.Contains(out, "canary") {
		t.Error(out, err)
	}
	if err := json.Unmarshal([]byte(`{"type":"track","userId":{"canary":1}}`), &c); err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

// Whatever comes in: what goes out passes the checks, and the call is not changed.
func FuzzMap(f *testing.F) {
	for _, s := range []string{
		`{"type":"identify","userId":"u","traits":{"a":[[1]],"b":{"c":null},"d":"x","email":"e","address":{"city":1,"country":2}}}`,
		`{"type":"track","userId":"u","event":"Order Completed","properties":{"products":[{"product_id":"a","price":1e400,"quantity":1e9}]}}`,
		`{"type":"track","userId":"u","event":"E","properties":{"revenue":"NaN","currency":"x","p":{"":[]}}}`,
		`{"type":"page","userId":"u","name":"$","properties":null}`,
		`{"type":"group","userId":"u","groupId":" x "}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, call string) {
		var c segment.Call
		if json.Unmarshal([]byte(call), &c) != nil {
			return
		}
		before, _ := json.Marshal([]any{c.Traits, c.Properties})
		batch, omitted := segment.Mapper{TrackAllPages: true}.Map(c)
		if err := batch.Validate(); err != nil {
			t.Errorf("%v, omitted %v", err, omitted)
		}
		if after, _ := json.Marshal([]any{c.Traits, c.Properties}); string(after) != string(before) {
			t.Error("the call was changed")
		}
	})
}
