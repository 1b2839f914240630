package braze_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
)

type plan string

var (
	user   = braze.ExternalID("crm-42")
	london = time.FixedZone("BST", 3600)
	at     = time.Date(2026, 6, 1, 13, 30, 0, 5_000_000, london)
)

// body returns what is sent for a batch.
func body(t *testing.T, b braze.Batch) string {
	t.Helper()
	srv := brazetest.NewServer(t)
	if _, err := srv.Client().Track(t.Context(), b); err != nil {
		t.Error(err)
	}
	calls := srv.Calls()
	if len(calls) != 1 {
		t.Fatalf("%d requests, want 1", len(calls))
	}
	return string(calls[0].Body)
}

func attributes(a braze.Attributes) braze.Batch {
	if a.User.IsZero() && !a.PushTokenImport {
		a.User = user
	}
	return braze.Batch{Attributes: []braze.Attributes{a}}
}

func custom(v any) braze.Batch { return attributes(braze.Attributes{Custom: braze.Custom{"k": v}}) }

func event(p braze.Properties) braze.Batch {
	return braze.Batch{Events: []braze.Event{{User: user, Name: "n", Time: at, Properties: p}}}
}

func purchase(p braze.Properties) braze.Batch {
	return braze.Batch{Purchases: []braze.Purchase{{User: user, ProductID: "p", Currency: "USD", Price: 9.5, Time: at, Properties: p}}}
}

func TestWireForm(t *testing.T) {
	tests := []struct {
		name  string
		batch braze.Batch
		want  string
	}{
		{"external id", attributes(braze.Attributes{}), `{"attributes":[{"external_id":"crm-42"}]}`},
		{"alias", attributes(braze.Attributes{User: braze.Alias("ada", "7f")}), `{"attributes":[{"user_alias":{"alias_label":"ada","alias_name":"7f"}}]}`},
		{"braze id", attributes(braze.Attributes{User: braze.BrazeID("b1")}), `{"attributes":[{"braze_id":"b1"}]}`},
		{"email", attributes(braze.Attributes{User: braze.Email("a@b.example"), Phone: ada.Set("+1")}), `{"attributes":[{"email":"a@b.example","phone":"+1"}]}`},
		{"phone", attributes(braze.Attributes{User: braze.Phone("+14165551234")}), `{"attributes":[{"phone":"+14165551234"}]}`},
		{"email and phone beside an id", attributes(braze.Attributes{Email: ada.Set("a@b.example"), Phone: ada.Null[string]()}), `{"attributes":[{"external_id":"crm-42","email":"a@b.example","phone":null}]}`},
		{"update only", attributes(braze.Attributes{UpdateExistingOnly: ada.Set(true)}), `{"attributes":[{"external_id":"crm-42","_update_existing_only":true}]}`},
		{"create, too", attributes(braze.Attributes{User: braze.Alias("l", "n"), UpdateExistingOnly: ada.Set(false)}), `{"attributes":[{"user_alias":{"alias_label":"l","alias_name":"n"},"_update_existing_only":false}]}`},
		{
			"every field",
			attributes(braze.Attributes{
				MergeObjects: true,
				FirstName:    ada.Set("Ada"), LastName: ada.Set("Lovelace"), HomeCity: ada.Set("London"), Country: ada.Set("GB"),
				Language: ada.Set("en"), Birthday: ada.Set(braze.Date{Year: 1815, Month: time.December, Day: 10}),
				Gender: ada.Set(braze.Female), TimeZone: ada.Set("Europe/London"),
				CurrentLocation: ada.Set(braze.Location{Latitude: 51.5, Longitude: -0.125}), ImageURL: ada.Set("https://a.example/a.png"),
				FirstSession: ada.Set(at), LastSession: ada.Set(at.UTC()), MarkedEmailAsSpamAt: ada.Null[time.Time](),
				EmailSubscribe: ada.Set(braze.OptedIn), PushSubscribe: ada.Set(braze.Unsubscribed),
				EmailOpenTrackingDisabled: ada.Set(true), EmailClickTrackingDisabled: ada.Set(false),
				SubscriptionGroups: []braze.SubscriptionGroup{
					{ID: "11111111-2222-3333-4444-555555555555", State: braze.Unsubscribed},
					{ID: "11111111-2222-3333-4444-666666666666", State: braze.Subscribed, DoubleOptIn: true},
				},
				PushTokens: []braze.PushToken{{AppID: "app", Token: "tok"}, {AppID: "app", Token: "tok2", DeviceID: "device-1"}},
				Facebook:   ada.Set(braze.Facebook{ID: "fb", Likes: []string{"x", "y"}, NumFriends: 3}),
				Twitter:    ada.Set(braze.Twitter{ID: 12, ScreenName: "ada", FollowersCount: 1, FriendsCount: 2, StatusesCount: 3}),
				Custom:     braze.Custom{"z": 1, "a": "x", "M": true},
			}),
			`{"attributes":[{"external_id":"crm-42","_merge_objects":true,"first_name":"Ada","last_name":"Lovelace",` +
				`"home_city":"London","country":"GB","language":"en","dob":"1815-12-10","gender":"F","time_zone":"Europe/London",` +
				`"current_location":{"latitude":51.5,"longitude":-0.125},"image_url":"https://a.example/a.png",` +
				`"date_of_first_session":"2026-06-01T13:30:00.005+01:00","date_of_last_session":"2026-06-01T12:30:00.005Z",` +
				`"marked_email_as_spam_at":null,"email_subscribe":"opted_in","push_subscribe":"unsubscribed",` +
				`"email_open_tracking_disabled":true,"email_click_tracking_disabled":false,"subscription_groups":[` +
				`{"subscription_group_id":"11111111-2222-3333-4444-555555555555","subscription_state":"unsubscribed"},` +
				`{"subscription_group_id":"11111111-2222-3333-4444-666666666666","subscription_state":"subscribed","use_double_opt_in_logic":true}],` +
				`"push_tokens":[{"app_id":"app","token":"tok"},{"app_id":"app","token":"tok2","device_id":"device-1"}],` +
				`"facebook":{"id":"fb","likes":["x","y"],"num_friends":3},` +
				`"twitter":{"id":12,"screen_name":"ada","followers_count":1,"friends_count":2,"statuses_count":3},` +
				`"M":true,"a":"x","z":1}]}`,
		},
		{
			"a push token import without a user",
			attributes(braze.Attributes{PushTokenImport: true, PushTokens: []braze.PushToken{{AppID: "a", Token: "t"}}}),
			`{"attributes":[{"push_token_import":true,"push_tokens":[{"app_id":"a","token":"t"}]}]}`,
		},
		{"unset", custom(braze.Unset{}), `{"attributes":[{"external_id":"crm-42","k":null}]}`},
		{"an empty string", custom(""), `{"attributes":[{"external_id":"crm-42","k":""}]}`},
		{"a named string", custom(plan("pro")), `{"attributes":[{"external_id":"crm-42","k":"pro"}]}`},
		{"a secret goes out", custom(ada.Secret("s")), `{"attributes":[{"external_id":"crm-42","k":"s"}]}`},
		{"integers", custom([]any{int8(-1), uint64(math.MaxUint64), int64(math.MinInt64)}), `{"attributes":[{"external_id":"crm-42","k":[-1,18446744073709551615,-9223372036854775808]}]}`},
		{"floats", custom([]any{0.1, float32(0.1), 1e21, 1e-7, 100.0, json.Number("1.50")}), `{"attributes":[{"external_id":"crm-42","k":[0.1,0.1,1e+21,1e-7,100,1.50]}]}`},
		{"a time", custom(at), `{"attributes":[{"external_id":"crm-42","k":"2026-06-01T13:30:00.005+01:00"}]}`},
		{"an array", custom([]string{"b", "a"}), `{"attributes":[{"external_id":"crm-42","k":["b","a"]}]}`},
		{"an array of a named type", custom([]plan{"b"}), `{"attributes":[{"external_id":"crm-42","k":["b"]}]}`},
		{"an object", custom(map[string]any{"b": map[string]int{"y": 1}, "a": at}), `{"attributes":[{"external_id":"crm-42","k":{"a":{"$time":"2026-06-01T13:30:00.005+01:00"},"b":{"y":1}}}]}`},
		{"objects", custom([]map[string]any{{"id": 1}, {"id": 2}}), `{"attributes":[{"external_id":"crm-42","k":[{"id":1},{"id":2}]}]}`},
		{"inc", custom(braze.Inc(-2)), `{"attributes":[{"external_id":"crm-42","k":{"inc":-2}}]}`},
		{"add and remove", custom(braze.ArrayChange{Add: []any{"a", 1}, Remove: []any{"b"}}), `{"attributes":[{"external_id":"crm-42","k":{"add":["a",1],"remove":["b"]}}]}`},
		{
			"objects change",
			attributes(braze.Attributes{MergeObjects: true, Custom: braze.Custom{"pets": braze.ObjectsChange{
				Add:    []map[string]any{{"id": 1, "name": "Rex"}},
				Remove: []braze.ObjectKey{{Name: "id", Value: 2}},
				Update: []braze.ObjectUpdate{{Key: braze.ObjectKey{Name: "id", Value: "3"}, Object: map[string]any{"age": 4}}},
			}}}),
			`{"attributes":[{"external_id":"crm-42","_merge_objects":true,"pets":{"$add":[{"id":1,"name":"Rex"}],` +
				`"$remove":[{"$identifier_key":"id","$identifier_value":2}],` +
				`"$update":[{"$identifier_key":"id","$identifier_value":"3","$new_object":{"age":4}}]}}]}`,
		},
		{
			"an event",
			braze.Batch{Events: []braze.Event{{
				User: user, Name: "asked", Time: at, AppID: "app", UpdateExistingOnly: ada.Set(true),
				Properties: braze.Properties{"b": []any{1, "x", map[string]any{"t": at}}, "a": at, "0": map[string]any{"a b.c": 1}},
			}}},
			`{"events":[{"external_id":"crm-42","_update_existing_only":true,"app_id":"app","name":"asked",` +
				`"time":"2026-06-01T13:30:00.005+01:00","properties":{"0":{"a b.c":1},"a":"2026-06-01T13:30:00.005+01:00",` +
				`"b":[1,"x",{"t":"2026-06-01T13:30:00.005+01:00"}]}}]}`,
		},
		{
			"a purchase",
			braze.Batch{Purchases: []braze.Purchase{{
				User: user, ProductID: "bag", Currency: "EUR", Price: -12.5, Quantity: 2, Time: at.UTC(), Properties: braze.Properties{"colour": "red"},
			}}},
			`{"purchases":[{"external_id":"crm-42","product_id":"bag","currency":"EUR","price":-12.5,"quantity":2,` +
				`"time":"2026-06-01T12:30:00.005Z","properties":{"colour":"red"}}]}`,
		},
		{
			"all arrays", attributes(braze.Attributes{}).Append(event(nil)).Append(purchase(nil)),
			`{"attributes":[{"external_id":"crm-42"}],"events":[{"external_id":"crm-42","name":"n","time":"2026-06-01T13:30:00.005+01:00"}],` +
				`"purchases":[{"external_id":"crm-42","product_id":"p","currency":"USD","price":9.5,"time":"2026-06-01T13:30:00.005+01:00"}]}`,
		},
		{"escapes", custom("\"\\\n\r\t\x01\x7f<é\u2028"), `{"attributes":[{"external_id":"crm-42","k":"\"\\\n\r\t\u0001` + "\x7f<é\u2028" + `"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := body(t, tt.batch)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if !json.Valid([]byte(got)) {
				t.Error("it is no JSON")
			}
			for range 3 {
				if body(t, tt.batch) != got {
					t.Fatal("it is not the same every time")
				}
			}
		})
	}
}

func TestRequest(t *testing.T) {
	srv := brazetest.NewServer(t)
	config := srv.Config()
	config.AppID = "configured"
	client, err := braze.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.TrackEvent(t.Context(), user, "asked", at); err != nil {
		t.Error(err)
	}
	if err := client.UpdateAttribute(t.Context(), user, "plan", "pro"); err != nil {
		t.Error(err)
	}
	if err := client.UpdateAttribute(t.Context(), user, "first_name", "Ada"); err != nil {
		t.Error(err)
	}
	calls := srv.Calls()
	for i, want := range []string{
		`{"events":[{"external_id":"crm-42","app_id":"configured","name":"asked","time":"2026-06-01T13:30:00.005+01:00"}]}`,
		`{"attributes":[{"external_id":"crm-42","plan":"pro"}]}`,
		`{"attributes":[{"external_id":"crm-42","first_name":"Ada"}]}`,
	} {
		if got := string(calls[i].Body); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	c := calls[0]
	if c.Method != http.MethodPost || c.Path != "/users/track" || c.Header.Get("Authorization") != "Bearer "+string(brazetest.APIKey) ||
		c.Header.Get("Content-Type") != "application/json" || c.Header.Get("Content-Encoding") != "" {
		t.Errorf("%s %s with %v", c.Method, c.Path, c.Header)
	}
	p, ok := srv.Profile(braze.ExternalID("crm-42"))
	if !ok || p.Attributes["plan"] != "pro" || p.Attributes["first_name"] != "Ada" || len(srv.Events()) != 1 {
		t.Errorf("Braze has %+v and %d events", p, len(srv.Events()))
	}
}

// Every limit, at the limit and one past it. The path of each fault is the way to the value.
func TestLimits(t *testing.T) {
	chars := func(n int) string { return strings.Repeat("é", n) } // two bytes each
	many := func(n int) []any { return make([]any, n) }
	fill := func(v []any) []any {
		for i := range v {
			v[i] = i
		}
		return v
	}
	named := func(n int) braze.Properties {
		p := braze.Properties{}
		for i := range n {
			p[fmt.Sprint("p", i)] = i
		}
		return p
	}
	// An object whose JSON, {"k000":"xxx",...}, is of exactly n bytes.
	sized := func(n int) map[string]any {
		m := map[string]any{}
		left := n - 2
		for i := 0; left > 0; i++ {
			const frame = len(`"k000":"",`)
			value := min(200, left+1-frame) // the last one has no comma
			if rest := left - value - frame; rest > 0 && rest < 2*frame {
				value -= 2 * frame
			}
			m[fmt.Sprintf("k%03d", i)] = strings.Repeat("x", value)
			left -= value + frame
		}
		return m
	}
	for _, n := range []int{1000, 50_000, 50_001, 100_000, 100_001} {
		if b, err := json.Marshal(sized(n)); err != nil || len(b) != n {
			t.Fatalf("%d bytes, want %d: %v", len(b), n, err)
		}
	}
	// A number with which {"a":1} is of n bytes.
	pad := func(n int) int {
		v := 1
		for range n - len(`{"a":1}`) {
			v *= 10
		}
		return v
	}
	tests := []struct {
		name  string
		batch func(int) braze.Batch
		limit int
		field string
		way   string
	}{
		{"external id", func(n int) braze.Batch {
			return attributes(braze.Attributes{User: braze.ExternalID(strings.Repeat("x", n))})
		}, 987, "Attributes[0].User", "has an external id of 988 bytes, at most 987"},
		{"name of an attribute", func(n int) braze.Batch {
			return attributes(braze.Attributes{Custom: braze.Custom{chars(n): 1}})
		}, 255, "Attributes[0].Custom[…]", "has a name that has 256 characters, at most 255"},
		{"string", func(n int) braze.Batch { return custom(chars(n)) }, 255, `Attributes[0].Custom["k"]`, "has 256 characters, at most 255"},
		{"string in a slice", func(n int) braze.Batch { return custom([]string{chars(n)}) }, 255, `Attributes[0].Custom["k"][0]`, "has 256 characters, at most 255"},
		{"string in an object", func(n int) braze.Batch { return custom(map[string]any{"a": chars(n)}) }, 255, `Attributes[0].Custom["k"]["a"]`, "has 256 characters, at most 255"},
		{"key in an object", func(n int) braze.Batch { return custom(map[string]any{chars(n): 1}) }, 255, `Attributes[0].Custom["k"][…]`, "has a name that has 256 characters, at most 255"},
		{"values in a slice", func(n int) braze.Batch { return custom(fill(many(n))) }, 500, `Attributes[0].Custom["k"]`, "has 501 values, at most 500"},
		{"bytes of a slice of other maps", func(n int) braze.Batch { // of 7 bytes each, and its brackets
			return custom(append(slices.Repeat([]map[string]int{{"a": 1}}, (n-2-9)/8), map[string]int{"a": pad(n - 2 - 8*((n-2-9)/8))}))
		}, 100_000, `Attributes[0].Custom["k"]`, "has 100001 bytes, at most 100000"},
		{"values to add", func(n int) braze.Batch { return custom(braze.ArrayChange{Add: fill(many(n))}) }, 500, `Attributes[0].Custom["k"].Add`, "has 501 values, at most 500"},
		{"values to remove", func(n int) braze.Batch { return custom(braze.ArrayChange{Remove: fill(many(n))}) }, 500, `Attributes[0].Custom["k"].Remove`, "has 501 values, at most 500"},
		{"bytes of an object", func(n int) braze.Batch { return custom(sized(n)) }, 100_000, `Attributes[0].Custom["k"]`, "has 100001 bytes, at most 100000"},
		{"bytes of a slice", func(n int) braze.Batch { return custom([]map[string]any{sized(n - 2)}) }, 100_000, `Attributes[0].Custom["k"]`, "has 100001 bytes, at most 100000"},
		{"image URL", func(n int) braze.Batch { return attributes(braze.Attributes{ImageURL: ada.Set(chars(n))}) }, 1024, "Attributes[0].ImageURL", "has 1025 characters, at most 1024"},
		{"device id", func(n int) braze.Batch {
			return attributes(braze.Attributes{PushTokens: []braze.PushToken{{AppID: "a", Token: "t", DeviceID: strings.Repeat("x", n)}}})
		}, 255, "Attributes[0].PushTokens[0].DeviceID", "has 256 bytes, not 8 to 255"},
		{"name of an event", func(n int) braze.Batch {
			return braze.Batch{Events: []braze.Event{{User: user, Name: chars(n), Time: at}}}
		}, 255, "Events[0].Name", "has 256 characters, at most 255"},
		{"name of a property", func(n int) braze.Batch { return event(braze.Properties{chars(n): 1}) }, 255, "Events[0].Properties[…]", "has a name that has 256 characters, at most 255"},
		{"string property", func(n int) braze.Batch { return event(braze.Properties{"p": chars(n)}) }, 255, `Events[0].Properties["p"]`, "has 256 characters, at most 255"},
		{"properties", func(n int) braze.Batch { return event(named(n)) }, 256, "Events[0].Properties", "has 257 values, at most 256"},
		{"bytes of properties", func(n int) braze.Batch { return event(braze.Properties{"k": sized(n - len(`{"k":}`))}) }, 100_000, "Events[0].Properties", "has 100001 bytes, at most 100000"},
		{"properties of a purchase", func(n int) braze.Batch { return purchase(named(n)) }, 256, "Purchases[0].Properties", "has 257 values, at most 256"},
		{"bytes of properties of a purchase", func(n int) braze.Batch { return purchase(braze.Properties{"k": sized(n - len(`{"k":}`))}) }, 50_000, "Purchases[0].Properties", "has 50001 bytes, at most 50000"},
		{"product", func(n int) braze.Batch {
			return braze.Batch{Purchases: []braze.Purchase{{User: user, ProductID: chars(n), Currency: "USD", Time: at}}}
		}, 255, "Purchases[0].ProductID", "has 256 characters, at most 255"},
		{"quantity", func(n int) braze.Batch {
			return braze.Batch{Purchases: []braze.Purchase{{User: user, ProductID: "p", Currency: "USD", Time: at, Quantity: n}}}
		}, 100, "Purchases[0].Quantity", "is not within 1 and 100"},
		{"depth", func(n int) braze.Batch {
			v := any(1)
			for range n {
				v = map[string]any{"a": v}
			}
			return event(braze.Properties{"p": v})
		}, 32, `Events[0].Properties["p"]` + strings.Repeat(`["a"]`, 33), "is nested deeper than 32"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if faults := refused(t, tt.batch(tt.limit)); len(faults) > 0 {
				t.Errorf("at %d: %v", tt.limit, faults)
			}
			if diff := cmp.Diff([]ada.Fault{{Field: tt.field, Reason: tt.way}}, refused(t, tt.batch(tt.limit+1))); diff != "" {
				t.Errorf("one past %d (-want +got)\n%s", tt.limit, diff)
			}
		})
	}
}

// refused returns the faults for which a batch is not sent; none when it is, and is taken by Braze.
func refused(t *testing.T, b braze.Batch) []ada.Fault {
	t.Helper()
	srv := brazetest.NewServer(t)
	result, err := srv.Client().Track(t.Context(), b)
	if err == nil {
		if n := result.Count(braze.Processed); n != b.Len() || len(srv.Calls()) == 0 && n > 0 {
			t.Errorf("%v of %d objects in %d requests", result, b.Len(), len(srv.Calls()))
		}
		return nil
	}
	failed, ok := err.(*ada.Error)
	if !ok {
		if joined, many := err.(interface{ Unwrap() []error }); many && len(joined.Unwrap()) == 1 {
			failed, ok = joined.Unwrap()[0].(*ada.Error)
		}
	}
	if !ok || failed.Attempts != 0 || len(srv.Calls()) > 0 || result.Count(braze.Unsent) != b.Len() {
		t.Errorf("%d requests, %v, %v", len(srv.Calls()), result, err)
		return nil
	}
	return failed.Faults
}

func TestFaults(t *testing.T) {
	self := map[string]any{}
	self["a"] = self
	a := func(change func(*braze.Attributes)) braze.Batch {
		a := braze.Attributes{User: user}
		change(&a)
		return braze.Batch{Attributes: []braze.Attributes{a}}
	}
	e := func(change func(*braze.Event)) braze.Batch {
		e := braze.Event{User: user, Name: "n", Time: at}
		change(&e)
		return braze.Batch{Events: []braze.Event{e}}
	}
	p := func(change func(*braze.Purchase)) braze.Batch {
		p := braze.Purchase{User: user, ProductID: "p", Currency: "USD", Price: 1, Time: at}
		change(&p)
		return braze.Batch{Purchases: []braze.Purchase{p}}
	}
	const k = `Attributes[0].Custom["k"]`
	tests := []struct {
		batch         braze.Batch
		field, reason string
	}{
		{a(func(a *braze.Attributes) { a.User = braze.User{} }), "Attributes[0].User", "is missing"},
		{e(func(e *braze.Event) { e.User = braze.User{} }), "Events[0].User", "is missing"},
		{a(func(a *braze.Attributes) { a.User = braze.ExternalID("") }), "Attributes[0].User", "has an empty external_id"},
		{a(func(a *braze.Attributes) { a.User = braze.ExternalID("\xff") }), "Attributes[0].User", "has an identifier that is not valid UTF-8"},
		{a(func(a *braze.Attributes) { a.User = braze.BrazeID("") }), "Attributes[0].User", "has an empty braze_id"},
		{a(func(a *braze.Attributes) { a.User = braze.Phone("") }), "Attributes[0].User", "has an empty phone"},
		{a(func(a *braze.Attributes) { a.User = braze.Alias("", "n") }), "Attributes[0].User", "has an alias without a label or without a name"},
		{a(func(a *braze.Attributes) { a.User = braze.Alias("l", "") }), "Attributes[0].User", "has an alias without a label or without a name"},
		{a(func(a *braze.Attributes) { a.User = braze.Email("nobody") }), "Attributes[0].User", "has an email that is not an address"},
		{a(func(a *braze.Attributes) { a.User, a.Email = braze.Email("a@b.example"), ada.Set("c@d.example") }), "Attributes[0].Email", "is set, but is the identifier already"},
		{a(func(a *braze.Attributes) { a.User, a.Phone = braze.Phone("+1"), ada.Set("+2") }), "Attributes[0].Phone", "is set, but is the identifier already"},
		{a(func(a *braze.Attributes) { a.User, a.Email = braze.Phone("+1"), ada.Set("a@b.example") }), "Attributes[0].Email", "is set, and would identify the user in place of the User"},
		{a(func(a *braze.Attributes) { a.Email = ada.Set("a b@c.example") }), "Attributes[0].Email", "is not an address"},
		{a(func(a *braze.Attributes) { a.Phone = ada.Set(" ") }), "Attributes[0].Phone", "is empty"},
		{a(func(a *braze.Attributes) { a.UpdateExistingOnly = ada.Null[bool]() }), "Attributes[0].UpdateExistingOnly", "is null, not true, false or left out"},
		{a(func(a *braze.Attributes) { a.FirstName = ada.Set("\xff") }), "Attributes[0].FirstName", "is not valid UTF-8"},
		{a(func(a *braze.Attributes) { a.Country = ada.Set("Brazil") }), "Attributes[0].Country", "is not two capital letters, as ISO 3166-1 alpha-2 has it"},
		{a(func(a *braze.Attributes) { a.Country = ada.Set("br") }), "Attributes[0].Country", "is not two capital letters, as ISO 3166-1 alpha-2 has it"},
		{a(func(a *braze.Attributes) { a.Language = ada.Set("pt-BR") }), "Attributes[0].Language", "is not two small letters, as ISO 639-1 has it"},
		{a(func(a *braze.Attributes) { a.Birthday = ada.Set(braze.Date{Year: 2026, Month: 2, Day: 29}) }), "Attributes[0].Birthday", "is no day of the years 1 to 3000"},
		{a(func(a *braze.Attributes) { a.Birthday = ada.Set(braze.Date{Year: 3001, Month: 1, Day: 1}) }), "Attributes[0].Birthday", "is no day of the years 1 to 3000"},
		{a(func(a *braze.Attributes) { a.Gender = ada.Set(braze.Gender("f")) }), "Attributes[0].Gender", "is not one of M, F, O, N and P"},
		{a(func(a *braze.Attributes) { a.TimeZone = ada.Set("GMT +1") }), "Attributes[0].TimeZone", "is not a name of the IANA database"},
		{a(func(a *braze.Attributes) { a.CurrentLocation = ada.Set(braze.Location{Latitude: 90.1}) }), "Attributes[0].CurrentLocation", "is not within 90 degrees of latitude and 180 of longitude"},
		{a(func(a *braze.Attributes) { a.CurrentLocation = ada.Set(braze.Location{Longitude: math.NaN()}) }), "Attributes[0].CurrentLocation", "is not within 90 degrees of latitude and 180 of longitude"},
		{a(func(a *braze.Attributes) { a.LastSession = ada.Set(time.Time{}) }), "Attributes[0].LastSession", "is the zero time"},
		{a(func(a *braze.Attributes) { a.EmailSubscribe = ada.Set(braze.Subscription("yes")) }), "Attributes[0].EmailSubscribe", "is not one of opted_in, subscribed and unsubscribed"},
		{a(func(a *braze.Attributes) {
			a.SubscriptionGroups = []braze.SubscriptionGroup{{ID: "1", State: braze.Subscribed}}
		}), "Attributes[0].SubscriptionGroups[0].ID", "is not a UUID"},
		{a(func(a *braze.Attributes) {
			a.SubscriptionGroups = []braze.SubscriptionGroup{{ID: "11111111-2222-3333-4444-555555555555", State: braze.OptedIn}}
		}), "Attributes[0].SubscriptionGroups[0].State", "is not one of subscribed and unsubscribed"},
		{a(func(a *braze.Attributes) {
			a.SubscriptionGroups = []braze.SubscriptionGroup{{ID: "11111111-2222-3333-4444-555555555555", State: braze.Unsubscribed, DoubleOptIn: true}}
		}), "Attributes[0].SubscriptionGroups[0].DoubleOptIn", "is set for a state that is not subscribed"},
		{a(func(a *braze.Attributes) { a.PushTokens = []braze.PushToken{{Token: "t"}} }), "Attributes[0].PushTokens[0].AppID", "is empty"},
		{a(func(a *braze.Attributes) {
			a.PushTokens = []braze.PushToken{{AppID: "a", Token: "t", DeviceID: "1234567"}}
		}), "Attributes[0].PushTokens[0].DeviceID", "has 7 bytes, not 8 to 255"},
		{a(func(a *braze.Attributes) {
			a.PushTokenImport, a.PushTokens = true, []braze.PushToken{{AppID: "a", Token: "t"}}
		}), "Attributes[0].User", "has an external id or a Braze id, which a push token import must not have"},
		{a(func(a *braze.Attributes) { a.User, a.PushTokenImport = braze.Alias("l", "n"), true }), "Attributes[0].PushTokens", "is empty, but PushTokenImport needs some"},
		{a(func(a *braze.Attributes) { a.Twitter = ada.Set(braze.Twitter{FriendsCount: -1}) }), "Attributes[0].Twitter.FriendsCount", "is negative"},

		{a(func(a *braze.Attributes) { a.Custom = braze.Custom{"": 1} }), "Attributes[0].Custom[…]", "has a name that is empty"},
		{a(func(a *braze.Attributes) { a.Custom = braze.Custom{"$k": 1} }), "Attributes[0].Custom[…]", "has a name that begins with a $"},
		{a(func(a *braze.Attributes) { a.Custom = braze.Custom{" k": 1} }), "Attributes[0].Custom[…]", "has a name that has spaces around it"},
		{a(func(a *braze.Attributes) { a.Custom = braze.Custom{"k\xff": 1} }), "Attributes[0].Custom[…]", "has a name that is not valid UTF-8"},
		{custom(nil), k, "is nil: Unset removes an attribute"},
		{custom(struct{}{}), k, "is a struct {}, which Braze has no form for"},
		{custom([]byte("x")), k, "is a []uint8, which Braze has no form for"},
		{custom("\xff"), k, "is not valid UTF-8"},
		{custom(math.Inf(1)), k, "is not a finite number"},
		{custom(json.Number("+1")), k, "is not a finite number"},
		{custom(time.Time{}), k, "is the zero time"},
		{custom(time.Date(3001, 1, 1, 0, 0, 0, 0, time.UTC)), k, "is not within the years 1 to 3000"},
		{custom([]any{at}), k + "[0]", "is a time in a slice, where Braze keeps none"},
		{custom([]any{nil}), k + "[0]", "is nil, which Braze does not take there"},
		{custom([]any{[]any{1}}), k + "[0]", "is a slice in a slice"},
		{custom(map[string]any{"a": nil}), k + `["a"]`, "is nil, which Braze does not take there"},
		{custom(map[string]any{"a": braze.Inc(1)}), k + `["a"]`, "is a braze.Inc, which only a custom attribute can be, and no part of it"},
		{custom(map[string]any{"a": braze.Unset{}}), k + `["a"]`, "is a braze.Unset, which only a custom attribute can be, and no part of it"},
		{custom(map[string]any{"a b": 1}), k + "[…]", "has a name that has a space, a dot or a $ in it"},
		{custom(map[string]any{"a.b": 1}), k + "[…]", "has a name that has a space, a dot or a $ in it"},
		{custom(map[string]any{"a$": 1}), k + "[…]", "has a name that has a space, a dot or a $ in it"},
		{custom(map[string]any{"$a": 1}), k + "[…]", "has a name that begins with a $"},
		{custom(map[string]any{"inc": 1}), k + `["inc"]`, "is a key that Braze takes for an operation: there are Inc and ArrayChange"},
		{custom(braze.ArrayChange{}), k, "is an ArrayChange that changes nothing"},
		{custom(braze.ArrayChange{Add: []any{map[string]any{}}}), k + ".Add[0]", "is a map[string]interface {}, not a string, bool or number"},
		{custom(braze.ObjectsChange{}), k, "is an ObjectsChange that changes nothing"},
		{custom(braze.ObjectsChange{Update: []braze.ObjectUpdate{{Key: braze.ObjectKey{Name: "a", Value: 1}}}}), k, "is an ObjectsChange with Update, which needs MergeObjects or would replace the objects"},
		{custom(braze.ObjectsChange{Remove: []braze.ObjectKey{{Value: 1}}}), k + ".Remove[0].Name", "is empty"},
		{custom(braze.ObjectsChange{Remove: []braze.ObjectKey{{Name: "id"}}}), k + ".Remove[0].Value", "is nil, not a string, bool or number"},

		{e(func(e *braze.Event) { e.Name = "" }), "Events[0].Name", "is empty"},
		{e(func(e *braze.Event) { e.Name = "$x" }), "Events[0].Name", "begins with a $"},
		{e(func(e *braze.Event) { e.Time = time.Time{} }), "Events[0].Time", "is the zero time"},
		{e(func(e *braze.Event) { e.AppID = "\xff" }), "Events[0].AppID", "is not valid UTF-8"},
		{event(braze.Properties{"time": 1}), `Events[0].Properties["time"]`, "is a name of Braze's own"},
		{event(braze.Properties{"event_name": 1}), `Events[0].Properties["event_name"]`, "is a name of Braze's own"},
		{event(braze.Properties{"": 1}), "Events[0].Properties[…]", "has a name that is empty"},
		{event(braze.Properties{"$p": 1}), "Events[0].Properties[…]", "has a name that begins with a $"},
		{event(braze.Properties{"p": nil}), `Events[0].Properties["p"]`, "is nil, which Braze does not take there"},
		{event(braze.Properties{"p": []time.Time{at}}), `Events[0].Properties["p"][0]`, "is a time in a slice, where Braze keeps none"},
		{event(braze.Properties{"p": braze.Inc(1)}), `Events[0].Properties["p"]`, "is a braze.Inc, which only a custom attribute can be, and no part of it"},
		{p(func(p *braze.Purchase) { p.ProductID = "" }), "Purchases[0].ProductID", "is empty"},
		{p(func(p *braze.Purchase) { p.Currency = "usd" }), "Purchases[0].Currency", "is not three capital letters, as ISO 4217 has it"},
		{p(func(p *braze.Purchase) { p.Price = math.NaN() }), "Purchases[0].Price", "is not a finite number"},
		{p(func(p *braze.Purchase) { p.Quantity = -1 }), "Purchases[0].Quantity", "is not within 1 and 100"},
		{p(func(p *braze.Purchase) { p.Time = time.Time{} }), "Purchases[0].Time", "is the zero time"},
		{braze.Batch{Objects: []braze.Object{{}}}, "Objects[0]", "is empty"},
	}
	for _, name := range []string{"time", "product_id", "quantity", "event_name", "price", "currency"} {
		tests = append(tests, struct {
			batch         braze.Batch
			field, reason string
		}{purchase(braze.Properties{name: 1}), fmt.Sprintf("Purchases[0].Properties[%q]", name), "is a name of Braze's own"})
	}
	for _, name := range []string{
		"external_id", "user_alias", "braze_id", "email", "phone", "_update_existing_only", "_merge_objects", "push_token_import",
		"first_name", "last_name", "home_city", "country", "language", "dob", "gender", "time_zone", "current_location", "image_url",
		"date_of_first_session", "date_of_last_session", "marked_email_as_spam_at", "email_subscribe", "push_subscribe",
		"email_open_tracking_disabled", "email_click_tracking_disabled", "subscription_groups", "push_tokens", "facebook", "twitter",
		"bio", "alias_name", "alias_label", "email_subscription_info",
	} {
		tests = append(tests, struct {
			batch         braze.Batch
			field, reason string
		}{a(func(a *braze.Attributes) { a.Custom = braze.Custom{name: "x"} }), fmt.Sprintf("Attributes[0].Custom[%q]", name), "is a name of Braze's own"})
	}
	for _, tt := range tests {
		if diff := cmp.Diff([]ada.Fault{{Field: tt.field, Reason: tt.reason}}, refused(t, tt.batch)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.field, diff)
		}
	}
	if faults := refused(t, custom(self)); len(faults) != 1 || faults[0].Reason != "is nested deeper than 32" {
		t.Errorf("a map that holds itself: %v", faults)
	}
}

// All faults of all objects come at once, with their arrays and indexes, and with no value.
func TestAllFaultsAtOnce(t *testing.T) {
	faults := refused(t, braze.Batch{
		Attributes: []braze.Attributes{{User: user}, {User: braze.Email("canary"), Country: ada.Set("canary")}, {User: user, Custom: braze.Custom{"a": nil, "b": "\xffcanary"}}},
		Events:     []braze.Event{{User: user, Name: "ok", Time: at}, {User: user, Properties: braze.Properties{"canary canary": nil}}},
		Purchases:  []braze.Purchase{{User: user, Currency: "canary", Time: at}},
	})
	want := []ada.Fault{
		{Field: "Attributes[1].User", Reason: "has an email that is not an address"},
		{Field: "Attributes[1].Country", Reason: "is not two capital letters, as ISO 3166-1 alpha-2 has it"},
		{Field: `Attributes[2].Custom["a"]`, Reason: "is nil: Unset removes an attribute"},
		{Field: `Attributes[2].Custom["b"]`, Reason: "is not valid UTF-8"},
		{Field: "Events[1].Name", Reason: "is empty"},
		{Field: "Events[1].Time", Reason: "is the zero time"},
		{Field: "Events[1].Properties[…]", Reason: "is nil, which Braze does not take there"},
		{Field: "Purchases[0].ProductID", Reason: "is empty"},
		{Field: "Purchases[0].Currency", Reason: "is not three capital letters, as ISO 4217 has it"},
	}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if strings.Contains(fmt.Sprint(faults), "canary") {
		t.Error("a value is in a fault")
	}
}
