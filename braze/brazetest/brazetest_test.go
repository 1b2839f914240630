package brazetest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
)

// send sends a body past the SDK.
func send(t *testing.T, srv *brazetest.Server, body string, header map[string]string) (status int, answer map[string]any, h http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/users/track", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+string(brazetest.APIKey))
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := srv.Config().HTTP.Client.Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&answer); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return resp.StatusCode, answer, resp.Header
}

func TestAnswers(t *testing.T) {
	const (
		noData = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."
		event  = `"name":"n","time":"2026-06-01T12:30:00Z"`
		buy    = `"product_id":"p","currency":"USD","price":1,"time":"2026-06-01T12:30:00Z"`
		id     = `"external_id":"a"`
	)
	one := func(array, object string) string { return `{"` + array + `":[{` + object + `}]}` }
	failed := func(array, kind string) map[string]any {
		return map[string]any{
			"message": noData, array + "_processed": 0.0,
			"errors": []any{map[string]any{"type": kind, "input_array": array, "index": 0.0}},
		}
	}
	message := func(s string) map[string]any { return map[string]any{"message": s} }
	required := "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"
	tests := []struct {
		body   string
		header map[string]string
		status int
		answer map[string]any
	}{
		{one("attributes", id), nil, 201, map[string]any{"message": "success", "attributes_processed": 1.0}},
		{
			`{"attributes":[{` + id + `}],"events":[{"external_id":"a","name":"n"},{` + id + `,` + event + `}],"purchases":[{` + id + `,` + buy + `,"quantity":0}]}`, nil, 201,
			map[string]any{
				"message": "success", "attributes_processed": 1.0, "events_processed": 1.0, "purchases_processed": 0.0,
				"errors": []any{
					map[string]any{"type": "'time' is required", "input_array": "events", "index": 0.0},
					map[string]any{"type": "'quantity' is not valid", "input_array": "purchases", "index": 0.0},
				},
			},
		},
		{`{}`, nil, 400, message(noData)},
		{`{"events":[]}`, nil, 400, message(noData)},
		{`{`, nil, 400, message("Invalid JSON")},
		{`{"events":[` + strings.Repeat(`{},`, 75) + `{}]}`, nil, 400, message("Max Input Length Exceeded")},
		{one("attributes", id), map[string]string{"Authorization": "Bearer x"}, 401, message("Invalid API Key")},
		{one("attributes", id), map[string]string{"Content-Type": "text/plain"}, 415, message("Unsupported Media Type")},
		{one("attributes", id+`,"a":"`+strings.Repeat("x", 4_000_000)+`"`), nil, 413, message("Request Entity Too Large")},

		{one("attributes", `"a":1`), nil, 400, failed("attributes", required)},
		{one("events", `"push_token_import":true,`+event), nil, 400, failed("events", required)},
		{one("attributes", id+`,"braze_id":"b"`), nil, 400, failed("attributes", "only one of 'external_id', 'braze_id' or 'user_alias' is allowed")},
		{one("attributes", `"user_alias":{"alias_name":"n"}`), nil, 400, failed("attributes", "'user_alias' is not valid")},
		{one("attributes", `"external_id":"`+strings.Repeat("x", 988)+`"`), nil, 400, failed("attributes", "EXTERNAL_USER_ID_TOO_LARGE")},
		{one("attributes", id+`,"email":"x"`), nil, 400, failed("attributes", "The value provided for the 'email' field is not a valid email.")},
		{one("attributes", id+`,"email_subscribe":"yes"`), nil, 400, failed("attributes", "BAD_EMAIL_SUBSCRIPTION_STATE")},
		{one("attributes", id+`,"push_subscribe":"yes"`), nil, 400, failed("attributes", "BAD_PUSH_SUBSCRIPTION_STATE")},
		{one("attributes", id+`,"current_location":{"latitude":91,"longitude":0}`), nil, 400, failed("attributes", "BAD_LOCATION_UPDATE")},
		{one("attributes", id+`,"email_subscription_info":1`), nil, 400, failed("attributes", "INVALID_ATTRIBUTE_EMAIL_SUBSCRIPTION_INFO")},
		{one("attributes", id+`,"subscription_groups":{}`), nil, 400, failed("attributes", "BAD_SUBSCRIPTION_GROUP_ARRAY")},
		{one("attributes", id+`,"subscription_groups":[1]`), nil, 400, failed("attributes", "BAD_SUBSCRIPTION_GROUP_HASH")},
		{one("attributes", id+`,"subscription_groups":[{"subscription_group_id":"x"}]`), nil, 400, failed("attributes", "BAD_SUBSCRIPTION_GROUP_ID")},
		{one("attributes", id+`,"subscription_groups":[{"subscription_group_id":"11111111-2222-3333-4444-555555555555","subscription_state":"opted_in"}]`), nil, 400, failed("attributes", "BAD_SUBSCRIPTION_GROUP_STATE")},
		{one("attributes", id+`,"push_tokens":[{"app_id":"a"}]`), nil, 400, failed("attributes", "BAD_PUSH_TOKEN_VALUE")},
		{one("attributes", id+`,"push_tokens":[{"token":"t"}]`), nil, 400, failed("attributes", "BAD_PUSH_TOKEN_APP_ID")},
		{one("attributes", id+`,"push_tokens":[{"app_id":"a","token":"t","device_id":"short"}]`), nil, 400, failed("attributes", "BAD_DEVICE_ID")},
		{one("attributes", id+`,"push_token_import":true,"push_tokens":[{"app_id":"a","token":"t"}]`), nil, 400, failed("attributes", "BAD_PUSH_TOKEN_IMPORT")},
		{one("events", id+`,"time":"2026-06-01T12:30:00Z"`), nil, 400, failed("events", "'name' is required")},
		{one("events", id+`,`+event+`,"properties":{"time":1}`), nil, 400, failed("events", "Invalid 'properties' field")},
		{one("events", id+`,`+event+`,"properties":{"a":"`+strings.Repeat("x", 100_000)+`"}`), nil, 400, failed("events", "Invalid 'properties' field")},
		{one("purchases", id+`,"currency":"USD","price":1`), nil, 400, failed("purchases", "'product_id' is required")},
		{one("purchases", id+`,`+buy+`,"quantity":101`), nil, 400, failed("purchases", "'quantity' is not valid")},
		{one("purchases", id+`,"product_id":"p","currency":"usd","price":1`), nil, 400, failed("purchases", "'currency' is not valid")},
		{one("purchases", id+`,"product_id":"p","currency":"USD"`), nil, 400, failed("purchases", "'price' is required")},
		{one("purchases", id+`,`+buy+`,"properties":{"price":1}`), nil, 400, failed("purchases", "Invalid 'properties' field")},
	}
	for _, tt := range tests {
		srv := brazetest.New()
		status, answer, _ := send(t, srv, tt.body, tt.header)
		srv.Close()
		if status != tt.status {
			t.Errorf("%.200s: status %d, want %d", tt.body, status, tt.status)
		}
		if diff := cmp.Diff(tt.answer, answer); diff != "" {
			t.Errorf("%.200s (-want +got)\n%s", tt.body, diff)
		}
	}
}

// attributes sends objects of one user, one after another, and returns what the profile then has.
func attributes(t *testing.T, objects ...string) (map[string]any, int) {
	t.Helper()
	srv := brazetest.NewServer(t)
	for _, o := range objects {
		if status, answer, _ := send(t, srv, `{"attributes":[{"external_id":"a",`+o+`}]}`, nil); status != 201 {
			t.Fatalf("%s: %v", o, answer)
		}
	}
	p, _ := srv.Profile(braze.ExternalID("a"))
	return p.Attributes, srv.DataPoints()
}

func TestAttributes(t *testing.T) {
	long := strings.Repeat("x", 256)
	huge := `[` + strings.Repeat(`{"a":"`+strings.Repeat("x", 250)+`"},`, 400) + `{}]`
	tests := []struct {
		name    string
		objects []string
		want    string
		points  int
	}{
		{"set", []string{`"first_name":"A","plan":"pro","n":1.5,"b":true`}, `{"first_name":"A","plan":"pro","n":1.5,"b":true}`, 4},
		{"set again", []string{`"plan":"free"`, `"plan":"pro"`}, `{"plan":"pro"}`, 2},
		{"null", []string{`"plan":"free","first_name":"A"`, `"plan":null,"first_name":null`}, `{}`, 4},
		{"inc", []string{`"n":{"inc":2}`, `"n":{"inc":-5}`}, `{"n":-3}`, 2},
		{"add and remove", []string{`"l":["a","b"]`, `"l":{"add":["c","a"],"remove":["b","x"]}`}, `{"l":["c","a"]}`, 5},
		{"an array of equals", []string{`"l":["a","b","a"]`}, `{"l":["b","a"]}`, 1},
		{"an object is replaced", []string{`"o":{"a":1,"b":{"c":2}}`, `"o":{"d":3}`}, `{"o":{"d":3}}`, 3},
		{"an object is merged", []string{`"o":{"a":1,"b":{"c":2}}`, `"_merge_objects":true,"o":{"b":{"d":3}}`}, `{"o":{"a":1,"b":{"c":2,"d":3}}}`, 3},
		{"$add, $remove, $update", []string{
			`"l":[{"id":1,"a":1},{"id":2}]`,
			`"_merge_objects":true,"l":{"$add":[{"id":3}],"$remove":[{"$identifier_key":"id","$identifier_value":2}],"$update":[{"$identifier_key":"id","$identifier_value":1,"$new_object":{"b":2}}]}`,
		}, `{"l":[{"id":1,"a":1,"b":2},{"id":3}]}`, 6},
		{"$update without merge", []string{`"l":[{"id":1,"a":1}]`, `"l":{"$update":[{"$identifier_key":"id","$identifier_value":1,"$new_object":{"b":2}}]}`}, `{"l":[{"b":2}]}`, 3},
		{"added and removed at once", []string{`"l":[{"id":1}]`, `"l":{"$add":[{"id":1,"n":2}],"$remove":[{"$identifier_key":"id","$identifier_value":1}]}`}, `{"l":[]}`, 4},
		{"subscriptions are free", []string{`"email_subscribe":"opted_in"`}, `{"email_subscribe":"opted_in"}`, 0},
		{"a time in an object", []string{`"o":{"t":{"$time":"2026-06-01T12:30:00Z"}}`}, `{"o":{"t":{"$time":"2026-06-01T12:30:00Z"}}}`, 1},
		{"dropped in silence: a long string", []string{`"s":"` + long + `","t":1`}, `{"t":1}`, 2},
		{"dropped in silence: a null within", []string{`"o":{"a":1}`, `"o":{"a":2,"b":null}`}, `{"o":{"a":1}}`, 3},
		{"dropped in silence: a bad time within", []string{`"o":{"a":{"$time":"soon"}}`}, `{}`, 1},
		{"dropped in silence: a bad key within", []string{`"o":{"a.b":1}`}, `{}`, 1},
		{"dropped in silence: over 100 KB", []string{`"l":` + huge}, `{}`, 400},
		{"dropped in silence: a bad name", []string{`"$x":1,"` + long + `":1`}, `{}`, 0},
		{"dropped in silence: a bad day", []string{`"dob":"10.12.1815"`}, `{}`, 1},
	}
	for _, tt := range tests {
		got, points := attributes(t, tt.objects...)
		var want map[string]any
		if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.name, diff)
		}
		if points != tt.points {
			t.Errorf("%s: %d data points, want %d", tt.name, points, tt.points)
		}
	}
}

func TestIdentity(t *testing.T) {
	srv := brazetest.NewServer(t)
	track := func(objects string) {
		t.Helper()
		if status, answer, _ := send(t, srv, `{"attributes":[`+objects+`]}`, nil); status != 201 {
			t.Fatal(answer)
		}
	}
	track(`{"external_id":"a","email":"x@y.example","n":1},{"external_id":"b","email":"x@y.example","n":2}`)
	track(`{"email":"x@y.example","found":"b, which was updated last"},{"email":"new@y.example","n":3}`)
	track(`{"external_id":"c","_update_existing_only":true,"n":4}`)
	track(`{"user_alias":{"alias_label":"l","alias_name":"n"},"n":5},{"user_alias":{"alias_label":"l","alias_name":"m"},"_update_existing_only":false,"n":6}`)
	track(`{"user_alias":{"alias_label":"l","alias_name":"m"},"more":7},{"braze_id":"none","n":8},{"braze_id":"braze-1","n":9}`)
	track(`{"phone":"+1","email":"new@y.example","by":"email"},{"external_id":"a","email":null}`)
	var got []string
	for _, p := range srv.Profiles() {
		attributes, _ := json.Marshal(p.Attributes)
		got = append(got, fmt.Sprint(p.BrazeID, p.ExternalID, p.Aliases, p.Email, p.Phone, string(attributes), p.Objects))
	}
	want := []string{
		`braze-1amap[]{"n":9}3`,
		`braze-2bmap[]x@y.example{"found":"b, which was updated last","n":2}2`,
		`braze-3map[]new@y.example+1{"by":"email","n":3}2`,
		`braze-4map[l:m]{"more":7,"n":6}2`,
	}
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], " ", "")
	}
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], " ", "")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEventsAndPurchases(t *testing.T) {
	srv := brazetest.NewServer(t)
	const object = `{"events":[{"external_id":"a","app_id":"app","name":"n","time":"2999-01-01T00:00:00Z","properties":{"p":1}},{"user_alias":{"alias_label":"l","alias_name":"n"},"name":"n","time":"2026-06-01T12:30:00Z"}],
		"purchases":[{"external_id":"a","product_id":"p","currency":"USD","price":-1.5,"time":"2026-06-01T12:30:00Z"}]}`
	for range 2 { // duplicates are kept
		if status, answer, _ := send(t, srv, object, nil); status != 201 {
			t.Fatal(answer)
		}
	}
	events, purchases := srv.Events(), srv.Purchases()
	if len(events) != 2 || events[0].Name != "n" || events[0].AppID != "app" || events[0].ExternalID != "a" || events[0].Properties["p"] != 1.0 || events[0].Time.After(time.Now()) {
		t.Errorf("events %+v", events)
	}
	if len(purchases) != 2 || purchases[0].ProductID != "p" || purchases[0].Price != -1.5 || purchases[0].Quantity != 1 || purchases[0].Currency != "USD" {
		t.Errorf("purchases %+v", purchases)
	}
	if n := srv.DataPoints(); n != 4 {
		t.Errorf("%d data points, want 4", n)
	}
}

func TestProfile(t *testing.T) {
	srv := brazetest.NewServer(t)
	for _, o := range []string{
		`"user_alias":{"alias_label":"l","alias_name":"n"},"_update_existing_only":false,"n":1`, `"external_id":"a","email":"x@example.com","n":2`,
		`"external_id":"b","email":"x@example.com","phone":"+14165551234","n":3`, `"external_id":"a","n":4`,
	} {
		if status, answer, _ := send(t, srv, `{"attributes":[{`+o+`}]}`, nil); status != 201 {
			t.Fatalf("%s: %v", o, answer)
		}
	}
	for user, want := range map[braze.User]any{
		braze.Alias("l", "n"): 1.0, braze.BrazeID("braze-1"): 1.0, braze.ExternalID("a"): 4.0, braze.ExternalID("b"): 3.0,
		braze.Email("x@example.com"): 4.0, // the one that was updated last
		braze.Phone("+14165551234"):  3.0,
		braze.Alias("l", "m"):        nil, braze.ExternalID(""): nil, braze.Email(""): nil, braze.Phone(""): nil, {}: nil,
	} {
		if p, ok := srv.Profile(user); ok != (want != nil) || p.Attributes["n"] != want {
			t.Errorf("%s: %t, %v, want %v", user, ok, p.Attributes["n"], want)
		}
	}
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.New(brazetest.RateLimit(2, time.Hour))
		time.Sleep(time.Hour - time.Since(time.Now().Truncate(time.Hour)) + 10*time.Minute) // past the hour
		end := time.Now().Truncate(time.Hour).Add(time.Hour)
		for left := 1; left >= 0; left-- {
			_, _, h := send(t, srv, `{"attributes":[{"external_id":"a"}]}`, nil)
			reset := strconv.FormatInt(end.Unix(), 10)
			if h.Get("X-RateLimit-Limit") != "2" || h.Get("X-RateLimit-Remaining") != strconv.Itoa(left) || h.Get("X-RateLimit-Reset") != reset {
				t.Errorf("headers %v", h)
			}
		}
		status, _, h := send(t, srv, `{}`, nil)
		if status != 429 || h.Get("X-RateLimit-Retry-After") != "3000" || h.Get("X-RateLimit-Limit") != "" || h.Get("Retry-After") != "" {
			t.Errorf("over the limit: %d with %v", status, h)
		}
		time.Sleep(50 * time.Minute)
		if status, _, _ := send(t, srv, `{"attributes":[{"external_id":"a"}]}`, nil); status != 201 {
			t.Errorf("in the next hour: %d", status)
		}
		srv.Close()
		three := `{"attributes":[{"external_id":"a"},{"external_id":"b"}],"events":[{"external_id":"a","name":"n","time":"2026-06-01T12:30:00Z"}]}`
		for status, options := range map[int][]brazetest.Option{
			400: {brazetest.MaxObjects(2)}, 201: {brazetest.MaxObjects(2), brazetest.PerArray()},
		} {
			srv := brazetest.New(options...)
			if got, _, _ := send(t, srv, three, nil); got != status {
				t.Errorf("status %d, want %d", got, status)
			}
			srv.Close()
		}
	})
}

func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t, brazetest.Latency(time.Second), brazetest.Reject(func(_ braze.Array, o map[string]any) string {
			if o["external_id"] == "bad" {
				return "BLACKLISTED_EXTERNAL_USER_ID"
			}
			return ""
		}))
		const object = `{"attributes":[{"external_id":"a","n":{"inc":1}},{"external_id":"bad"}]}`
		srv.Fail(brazetest.Failure{Status: 503, Header: http.Header{"X-A": {"b"}}}, brazetest.Failure{Status: 500, Effect: true, Body: `{"message":"x"}`}, brazetest.Failure{Delay: time.Minute}, brazetest.Failure{})
		start := time.Now()
		status, answer, h := send(t, srv, object, nil)
		if status != 503 || answer["message"] != "Service Unavailable" || h.Get("X-A") != "b" || time.Since(start) != time.Second {
			t.Errorf("after %s: %d %v %v", time.Since(start), status, answer, h)
		}
		if status, answer, _ = send(t, srv, object, nil); status != 500 || answer["message"] != "x" {
			t.Errorf("%d %v", status, answer)
		}
		if status, _, _ = send(t, srv, object, nil); status != 201 || time.Since(start) != 63*time.Second {
			t.Errorf("%d after %s", status, time.Since(start))
		}
		_, answer, _ = send(t, srv, object, nil)
		if fmt.Sprint(answer["errors"]) != "[map[index:1 input_array:attributes type:BLACKLISTED_EXTERNAL_USER_ID]]" {
			t.Errorf("%v", answer)
		}
		if p, _ := srv.Profile(braze.ExternalID("a")); p.Attributes["n"] != 3.0 {
			t.Errorf("it took effect %v times, want 3", p.Attributes["n"])
		}
		var statuses []int
		for _, c := range srv.Calls() {
			statuses = append(statuses, c.StatusCode)
		}
		if diff := cmp.Diff([]int{503, 500, 201, 201}, statuses); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
