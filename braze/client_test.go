package braze_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
)

func TestNewClient(t *testing.T) {
	for _, endpoint := range []string{
		braze.US01, braze.US02, braze.US03, braze.US04, braze.US05, braze.US06, braze.US07, braze.US08, braze.US10,
		braze.EU01, braze.EU02, braze.AU01, braze.ID01, braze.JP01, braze.KR01,
		"https://rest.us-09.braze.com", braze.US01 + "/", "https://gateway.example.com/braze", "http://localhost:8080", "http://127.0.0.1",
	} {
		client, err := braze.NewClient(braze.Config{Endpoint: endpoint, APIKey: "key"})
		if err != nil {
			t.Errorf("%s: %v", endpoint, err)
			continue
		}
		if got, want := client.String(), "braze.Client("+strings.TrimSuffix(endpoint, "/")+"/)"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	tests := []struct {
		config braze.Config
		want   []ada.Fault
	}{
		{braze.Config{}, []ada.Fault{{Field: "Endpoint", Reason: "is empty"}, {Field: "APIKey", Reason: "is empty"}}},
		{braze.Config{Endpoint: "rest.iad-01.braze.com", APIKey: "key"}, []ada.Fault{{Field: "Endpoint", Reason: "is not an absolute URL"}}},
		{braze.Config{Endpoint: "http://rest.iad-01.braze.com", APIKey: "key"}, []ada.Fault{{Field: "Endpoint", Reason: "is neither https nor http on the loopback interface"}}},
		{braze.Config{Endpoint: "https://sdk.iad-01.braze.com", APIKey: "key"}, []ada.Fault{{Field: "Endpoint", Reason: "is that of Braze's SDKs, not the REST endpoint, which begins with rest."}}},
		{braze.Config{Endpoint: "https://Dashboard-01.braze.com", APIKey: "key"}, []ada.Fault{{Field: "Endpoint", Reason: "is that of Braze's dashboard, not the REST endpoint, which begins with rest."}}},
		{braze.Config{Endpoint: "https://dashboard.us-10.braze.com", APIKey: "key"}, []ada.Fault{{Field: "Endpoint", Reason: "is that of Braze's dashboard, not the REST endpoint, which begins with rest."}}},
		{braze.Config{Endpoint: braze.US01 + "/users/track", APIKey: "key"}, []ada.Fault{{Field: "Endpoint", Reason: "has the path of users.track, which the client adds itself"}}},
		{
			braze.Config{Endpoint: braze.US01, APIKey: "a key", MaxObjects: 76, MaxBytes: 4_000_001, Concurrency: -1, HourlyLimit: -1},
			[]ada.Fault{
				{Field: "MaxObjects", Reason: "is not within 0 and 75"},
				{Field: "MaxBytes", Reason: "is not within 0 and 4000000"},
				{Field: "Concurrency", Reason: "is not within 0 and 1000"},
				{Field: "HourlyLimit", Reason: "is not within 0 and 1073741824"},
				{Field: "APIKey", Reason: "has spaces or characters that are not printable ASCII"},
			},
		},
	}
	for _, tt := range tests {
		_, err := braze.NewClient(tt.config)
		var failed *ada.Error
		if !errors.As(err, &failed) || !errors.Is(err, ada.ErrInvalid) {
			t.Errorf("%v: %v", tt.config, err)
			continue
		}
		if diff := cmp.Diff(tt.want, failed.Faults); diff != "" {
			t.Errorf("%v (-want +got)\n%s", tt.config, diff)
		}
	}
}

func TestWrongKeyIsUnauthorized(t *testing.T) {
	srv := brazetest.NewServer(t)
	client := newClient(t, srv, func(c *braze.Config) { c.APIKey = "canary" })
	err := client.TrackEvent(t.Context(), user, "n", at)
	if !errors.Is(err, ada.ErrUnauthorized) || strings.Contains(fmt.Sprint(err), "canary") {
		t.Error(err)
	}
}

// Over Braze's limit of 3,000 in 3 seconds the client never goes, nor over that of an hour.
func TestPacing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t)
		client := newClient(t, srv, func(c *braze.Config) { c.MaxObjects, c.Concurrency = 1, 100 })
		start := time.Now()
		result, err := client.Track(t.Context(), manyEvents(5000, another))
		if err != nil || result.Count(braze.Processed) != 5000 || len(srv.Calls()) != 5000 {
			t.Errorf("%v in %d requests: %v", result, len(srv.Calls()), err)
		}
		if got := time.Since(start); got != 4*time.Second {
			t.Errorf("5,000 requests took %s, want 4s", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t, brazetest.RateLimit(20, time.Hour))
		client := newClient(t, srv, func(c *braze.Config) { c.MaxObjects, c.HourlyLimit = 1, 20 })
		start := time.Now()
		result, err := client.Track(t.Context(), manyEvents(50, another))
		if err != nil || len(srv.Calls()) != 50 {
			t.Errorf("%v in %d requests: %v", result, len(srv.Calls()), err)
		}
		if got := time.Since(start); got != 2*time.Hour {
			t.Errorf("50 requests at 20 an hour took %s, want 2h", got)
		}
	})
}

// resetRemains has X-RateLimit-Reset tell the seconds that remain, which Braze documents as well as a Unix time.
type resetRemains struct{ http.RoundTripper }

func (r resetRemains) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.RoundTripper.RoundTrip(req)
	if err == nil {
		if end, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			remain := (time.Until(time.Unix(end, 0)) + time.Second - 1) / time.Second
			resp.Header.Set("X-RateLimit-Reset", strconv.Itoa(int(remain)))
		}
	}
	return resp, err
}

// Where others use the same limit, the client waits for as long as Braze asks, and nothing is lost.
func TestSharedLimit(t *testing.T) {
	for _, remains := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv := brazetest.NewServer(t, brazetest.RateLimit(5, 10*time.Second))
			client := newClient(t, srv, func(c *braze.Config) {
				c.MaxObjects, c.Concurrency = 1, 1
				if remains {
					c.HTTP.Client.Transport = resetRemains{c.HTTP.Client.Transport}
				}
			})
			for range 2 { // of somebody else
				if err := newClient(t, srv, func(*braze.Config) {}).TrackEvent(t.Context(), user, "n", at); err != nil {
					t.Fatal(err)
				}
			}
			start := time.Now()
			result, err := client.Track(t.Context(), manyEvents(10, another))
			if err != nil || result.Count(braze.Processed) != 10 {
				t.Errorf("%v: %v", result, err)
			}
			if n := len(srv.Calls()); n != 12 { // the headers tell, and no 429 is needed
				t.Errorf("%d requests, want 12", n)
			}
			if got := time.Since(start); got < 20*time.Second || got > 21*time.Second {
				t.Errorf("it took %s, want 20s", got)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t)
		srv.Fail(brazetest.Failure{Status: http.StatusTooManyRequests, Header: http.Header{"X-Ratelimit-Retry-After": {"7"}}})
		start := time.Now()
		if err := srv.Client().TrackEvent(t.Context(), user, "n", at); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got < 7*time.Second || got > 8*time.Second {
			t.Errorf("it waited %s, want 7s", got)
		}
		var resp ada.Response
		if _, err := srv.Client().Track(t.Context(), event(nil), ada.WithResponse(&resp)); err != nil {
			t.Fatal(err)
		}
		if l := resp.RateLimit; l.Limit != 3000 || l.Remaining != 2998 || l.Reset.Before(start) {
			t.Errorf("rate limit %+v", l)
		}
	})
}

func TestSet(t *testing.T) {
	day := braze.Date{Year: 1815, Month: time.December, Day: 10}
	var a braze.Attributes
	for name, value := range map[string]any{
		"email": "a@b.example", "phone": "+1", "first_name": "Ada", "last_name": "L", "home_city": "London", "country": "GB",
		"language": "en", "time_zone": "Europe/London", "image_url": "u", "gender": "F", "email_subscribe": braze.OptedIn,
		"push_subscribe": "subscribed", "dob": "1815-12-10", "date_of_first_session": "2026-06-01T12:30:00Z",
		"date_of_last_session": at, "marked_email_as_spam_at": braze.Unset{}, "email_open_tracking_disabled": true,
		"email_click_tracking_disabled": false, "current_location": braze.Location{Latitude: 1, Longitude: 2},
		"custom": 7, "First_name": "not Braze's",
	} {
		if err := a.Set(name, value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	want := braze.Attributes{
		Email: ada.Set("a@b.example"), Phone: ada.Set("+1"), FirstName: ada.Set("Ada"), LastName: ada.Set("L"), HomeCity: ada.Set("London"),
		Country: ada.Set("GB"), Language: ada.Set("en"), TimeZone: ada.Set("Europe/London"), ImageURL: ada.Set("u"), Gender: ada.Set(braze.Female),
		EmailSubscribe: ada.Set(braze.OptedIn), PushSubscribe: ada.Set(braze.Subscribed), Birthday: ada.Set(day),
		FirstSession: ada.Set(time.Date(2026, 6, 1, 12, 30, 0, 0, time.UTC)), LastSession: ada.Set(at), MarkedEmailAsSpamAt: ada.Null[time.Time](),
		EmailOpenTrackingDisabled: ada.Set(true), EmailClickTrackingDisabled: ada.Set(false), CurrentLocation: ada.Set(braze.Location{Latitude: 1, Longitude: 2}),
		Custom: braze.Custom{"custom": 7, "First_name": "not Braze's"},
	}
	if diff := cmp.Diff(want, a, cmp.Comparer(func(a, b braze.User) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, dob := range []any{day, time.Date(1815, 12, 10, 23, 0, 0, 0, time.FixedZone("", -7200)), "1815-12-10T23:30:00Z"} {
		var b braze.Attributes
		want := day
		if at, ok := dob.(time.Time); ok {
			want.Day = at.UTC().Day() // the day in UTC, which is the next one
		}
		if err := b.Set("dob", dob); err != nil {
			t.Error(err)
		}
		if got, _ := b.Birthday.Get(); got != want {
			t.Errorf("%v is another day", dob)
		}
	}
	for name, value := range map[string]any{
		"first_name": 7, "dob": "canary", "date_of_first_session": "canary", "email_open_tracking_disabled": "true",
		"country": "canary", "email": "canary", "plan": nil, "long": strings.Repeat("canary", 50),
		"current_location": 7, "external_id": "canary", "subscription_groups": nil, "_merge_objects": true, "bio": "canary",
	} {
		if err := a.Set(name, value); !errors.Is(err, ada.ErrInvalid) || !strings.Contains(strings.ToLower(err.Error()), name) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for value, want := range map[any]string{7: "is not a string", json.Number("7"): "is not a string", nil: "is nil: Unset removes an attribute"} {
		if err := a.Set("first_name", value); err == nil || !strings.HasSuffix(err.Error(), `: "first_name" `+want) {
			t.Errorf("%v: %v", value, err)
		}
	}
	if c, _ := a.Country.Get(); c != "GB" || len(a.Custom) != 2 {
		t.Error("a value that is refused was set")
	}
}

// Nothing that holds personal data prints it.
func TestNothingPrints(t *testing.T) {
	const canary = "canary"
	object, err := braze.ParseObject(braze.InEvents, []byte(`{"external_id":"canary","name":"canary"}`))
	if err != nil {
		t.Fatal(err)
	}
	id := braze.ExternalID(canary)
	attributes := braze.Attributes{User: id, FirstName: ada.Set(canary), Custom: braze.Custom{canary: canary}, PushTokens: []braze.PushToken{{Token: canary}}}
	e := braze.Event{User: id, Name: canary, Properties: braze.Properties{canary: canary}}
	p := braze.Purchase{User: id, ProductID: canary, Properties: braze.Properties{canary: canary}}
	client, err := braze.NewClient(braze.Config{Endpoint: braze.US01, APIKey: canary})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{
		id, braze.Alias(canary, canary), attributes, e, p, object, attributes.Custom, e.Properties, attributes.PushTokens,
		braze.Batch{Attributes: []braze.Attributes{attributes}, Events: []braze.Event{e}, Purchases: []braze.Purchase{p}, Objects: []braze.Object{object}},
		braze.ArrayChange{Add: []any{canary}},
		braze.ObjectsChange{Add: []map[string]any{{canary: canary}}},
		braze.ObjectKey{Name: canary, Value: canary},
		braze.ObjectUpdate{Object: map[string]any{canary: canary}},
		braze.Facebook{ID: canary},
		braze.Twitter{ScreenName: canary},
		braze.Rejection{Type: canary, Array: braze.InEvents},
		braze.Result{Rejections: []braze.Rejection{{Type: canary, Array: braze.InEvents}}},
		braze.Config{Endpoint: braze.US01, APIKey: canary},
		client,
	} {
		var logged strings.Builder
		slog.New(slog.NewTextHandler(&logged, nil)).Info("", "v", v)
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("", "v", v)
		out := logged.String() + fmt.Sprint(v) + fmt.Sprintf("%v %+v %#v %s %q %x %d", v, v, v, v, v, v, v)
		if b, err := json.Marshal(v); err == nil {
			out += string(b)
		}
		if strings.Contains(out, canary) || strings.Contains(out, fmt.Sprintf("%x", canary)) {
			t.Errorf("%T prints %s", v, out)
		}
	}
}

// Nothing of what is sent or answered is in an error.
func TestErrorsHoldNoValues(t *testing.T) {
	srv := brazetest.NewServer(t, brazetest.Reject(func(braze.Array, map[string]any) string { return "canary is not a valid name" }))
	_, err := srv.Client().Track(t.Context(), braze.Batch{
		Attributes: []braze.Attributes{{User: braze.Email("canary@a.example"), FirstName: ada.Set("canary")}},
		Events:     []braze.Event{{User: user, Name: "canary", Time: at}},
	})
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), "canary") {
		t.Error(err)
	}
	if want := "Attributes[0] was rejected; Events[0] was rejected"; !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestParseObject(t *testing.T) {
	for _, tt := range []struct {
		array  braze.Array
		object string
		user   braze.User
	}{
		{braze.InAttributes, `{"external_id":"a","x":[1, 2]}`, braze.ExternalID("a")},
		{braze.InEvents, `{"user_alias":{"alias_name":"n","alias_label":"l"}}`, braze.Alias("l", "n")},
		{braze.InPurchases, `{"braze_id":"b"}`, braze.BrazeID("b")},
		{braze.InEvents, `{"email":"e","phone":"p"}`, braze.Email("e")},
		{braze.InAttributes, `{"external_id":"a","email":"e"}`, braze.ExternalID("a")},
		{braze.InEvents, `{"phone":"p"}`, braze.Phone("p")},
		{braze.InAttributes, `{"push_token_import":true}`, braze.User{}},
	} {
		o, err := braze.ParseObject(tt.array, []byte(tt.object))
		if err != nil || o.User() != tt.user || o.Array() != tt.array || string(o.JSON()) != strings.ReplaceAll(tt.object, " ", "") {
			t.Errorf("%s: %s of %v: %v", tt.object, o.JSON(), o.Array(), err)
		}
	}
	for _, object := range []string{"", "null", "[]", `"x"`, "{}", `{"name":"n"}`, `{"external_id":"a"`, `{"external_id":7}`} {
		if _, err := braze.ParseObject(braze.InEvents, []byte(object)); !errors.Is(err, ada.ErrInvalid) {
			t.Errorf("%s: %v", object, err)
		}
	}
	if _, err := braze.ParseObject(braze.InObjects, []byte(`{"external_id":"a"}`)); !errors.Is(err, ada.ErrInvalid) {
		t.Error(err)
	}
}

func TestSelect(t *testing.T) {
	b := manyEvents(3, another).Append(attributes(braze.Attributes{})).Append(purchase(nil))
	r := braze.Result{Events: []braze.Status{braze.Unsent, braze.Processed, braze.Unknown}, Attributes: []braze.Status{braze.Rejected}, Purchases: []braze.Status{braze.Unsent}}
	got := r.Select(b, braze.Unsent, braze.Rejected)
	if len(got.Events) != 1 || len(got.Attributes) != 1 || len(got.Purchases) != 1 || got.Events[0].User != b.Events[0].User {
		t.Errorf("got %d, %d and %d objects", len(got.Attributes), len(got.Events), len(got.Purchases))
	}
	if got := fmt.Sprint(r, b); got != "braze.Result(1 processed, 1 rejected, 2 unsent, 1 unknown) braze.Batch(5 objects)" {
		t.Error(got)
	}
	if got, err := json.Marshal([]any{r, r.Events}); err != nil || string(got) != `["`+r.String()+`",["unsent","processed","unknown"]]` {
		t.Errorf("JSON: %s, %v", got, err)
	}
}

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t, brazetest.Latency(time.Second))
		client := newClient(t, srv, func(c *braze.Config) { c.MaxObjects, c.Concurrency = 1, 1 })
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		result, err := client.Track(ctx, manyEvents(5, another))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ada.ErrOutcomeUnknown) {
			t.Error(err)
		}
		want := []braze.Status{braze.Processed, braze.Processed, braze.Unknown, braze.Unsent, braze.Unsent}
		if diff := cmp.Diff(want, result.Events); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestUpdateAttributeThatCannotBeSet(t *testing.T) {
	srv := brazetest.NewServer(t)
	for name, value := range map[string]any{"plan": make(chan int), "external_id": "u", "dob": "yesterday", "seats": math.NaN()} {
		var e *ada.Error
		err := srv.Client().UpdateAttribute(t.Context(), braze.ExternalID("u"), name, value)
		if !errors.Is(err, ada.ErrInvalid) || !errors.As(err, &e) || e.Operation != "braze.Track" || e.Method != http.MethodPost || len(e.Faults) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(srv.Calls()); n > 0 {
		t.Errorf("%d requests", n)
	}
}
