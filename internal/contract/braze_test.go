package contract

import (
	"bytes"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
)

// brazeClient returns a client of the fake Braze that never repeats a call, with the judge in between.
func brazeClient(t *testing.T, srv *brazetest.Server, j judge, changes ...func(*braze.Config)) *braze.Client {
	t.Helper()
	config := srv.Config()
	config.HTTP.Client.Transport = j.on(config.HTTP.Client.Transport)
	config.HTTP.Retry.MaxAttempts = 1
	for _, change := range changes {
		change(&config)
	}
	client, err := braze.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// track has every field of every object sent.
func track(t *testing.T, j judge) {
	type plan string
	at := time.Date(2026, 6, 1, 13, 30, 0, 0, time.FixedZone("", 3600))
	user := braze.ExternalID(strings.Repeat("x", 987))
	b := braze.Batch{
		Attributes: []braze.Attributes{
			{
				User: user, MergeObjects: true, Email: ada.Set("ada@example.com"), Phone: ada.Set("+14165551234"),
				FirstName: ada.Set("Ada"), LastName: ada.Set("Lovelace"), HomeCity: ada.Set("London"), Country: ada.Set("GB"),
				Language: ada.Set("en"), Birthday: ada.Set(braze.Date{Year: 1815, Month: 12, Day: 10}), Gender: ada.Set(braze.Female),
				TimeZone: ada.Set("Europe/London"), CurrentLocation: ada.Set(braze.Location{Latitude: -90, Longitude: 180}),
				ImageURL: ada.Set("https://a.example/a.png"), FirstSession: ada.Set(at), LastSession: ada.Set(at.UTC()), MarkedEmailAsSpamAt: ada.Set(at),
				EmailSubscribe: ada.Set(braze.OptedIn), PushSubscribe: ada.Set(braze.Unsubscribed),
				EmailOpenTrackingDisabled: ada.Set(true), EmailClickTrackingDisabled: ada.Set(false),
				SubscriptionGroups: []braze.SubscriptionGroup{{ID: "11111111-2222-3333-4444-555555555555", State: braze.Subscribed, DoubleOptIn: true}},
				PushTokens:         []braze.PushToken{{AppID: "app", Token: "token", DeviceID: "device-1"}},
				Facebook:           ada.Set(braze.Facebook{ID: "fb", Likes: []string{"x"}, NumFriends: 3}),
				Twitter:            ada.Set(braze.Twitter{ID: math.MaxInt64, ScreenName: "ada", FollowersCount: 1, FriendsCount: 2, StatusesCount: 3}),
				Custom: braze.Custom{
					"string": "Ada", "empty": "", "named": plan("pro"), "true": true, "int": -12, "uint64": uint64(math.MaxUint64), "float": 0.1,
					"time": at, "array": []string{"a"}, "object": map[string]any{"at": at, "n": 1}, "objects": []map[string]any{{"id": 1}},
					"inc": braze.Inc(-1), "change": braze.ArrayChange{Add: []any{"a"}, Remove: []any{1}}, "unset": braze.Unset{},
					"pets": braze.ObjectsChange{
						Add:    []map[string]any{{"id": 1}},
						Remove: []braze.ObjectKey{{Name: "id", Value: 2}},
						Update: []braze.ObjectUpdate{{Key: braze.ObjectKey{Name: "id", Value: 1}, Object: map[string]any{"n": 1}}},
					},
				},
			},
			{
				User: user, Email: ada.Null[string](), Phone: ada.Null[string](), FirstName: ada.Null[string](), LastName: ada.Null[string](),
				HomeCity: ada.Null[string](), Country: ada.Null[string](), Language: ada.Null[string](), Birthday: ada.Null[braze.Date](),
				Gender: ada.Null[braze.Gender](), TimeZone: ada.Null[string](), CurrentLocation: ada.Null[braze.Location](),
				ImageURL: ada.Null[string](), FirstSession: ada.Null[time.Time](), LastSession: ada.Null[time.Time](),
				MarkedEmailAsSpamAt: ada.Null[time.Time](), EmailSubscribe: ada.Null[braze.Subscription](), PushSubscribe: ada.Null[braze.Subscription](),
				EmailOpenTrackingDisabled: ada.Null[bool](), EmailClickTrackingDisabled: ada.Null[bool](),
				Facebook: ada.Null[braze.Facebook](), Twitter: ada.Null[braze.Twitter](),
			},
			{PushTokenImport: true, PushTokens: []braze.PushToken{{AppID: "app", Token: "token"}}},
			{User: braze.Email("grace@example.com"), UpdateExistingOnly: ada.Set(false)},
		},
		Events: []braze.Event{
			{User: braze.Alias("label", "name"), Name: "asked", Time: at, AppID: "app", UpdateExistingOnly: ada.Set(true), Properties: braze.Properties{"a": []any{1, map[string]any{"b": at}}}},
			{User: braze.Phone("+14165551234"), Name: "asked", Time: at.UTC()},
		},
		Purchases: []braze.Purchase{
			{User: braze.BrazeID("b"), ProductID: "bag", Currency: "EUR", Price: -12.5, Quantity: 100, Time: at, Properties: braze.Properties{"size": "M"}},
			{User: user, ProductID: "bag", Currency: "EUR", Time: at},
		},
	}
	srv := brazetest.NewServer(t, brazetest.RateLimit(0, 0))
	if result, err := brazeClient(t, srv, j).Track(t.Context(), b); err != nil {
		t.Errorf("Track: %v, %v", result, err)
	}
	rejecting := brazetest.NewServer(t, brazetest.Reject(func(array braze.Array, _ map[string]any) string {
		if array == braze.InEvents {
			return "'name' is not valid"
		}
		return ""
	}))
	result, err := brazeClient(t, rejecting, j).Track(t.Context(), b)
	if len(result.Rejections) != len(b.Events) {
		t.Errorf("Track, with events refused: %v, %v", result, err)
	}
}

// sendInvalidTracks sends what the SDK refuses to send, past it.
func sendInvalidTracks(t *testing.T, j judge) {
	srv := brazetest.NewServer(t, brazetest.RateLimit(0, 0))
	many := `{"attributes":[` + strings.Repeat(`{"external_id":"a"},`, 75) + `{"external_id":"a"}]}`
	for body, status := range map[string]int{
		`{`:                                     http.StatusBadRequest,
		`[]`:                                    http.StatusBadRequest,
		`{}`:                                    http.StatusBadRequest,
		`{"attributes":[]}`:                     http.StatusBadRequest,
		`{"attributes":{}}`:                     http.StatusBadRequest,
		many:                                    http.StatusBadRequest,
		`{"attributes":[{"first_name":"Ada"}]}`: http.StatusBadRequest,
		`{"attributes":[{"external_id":"a","braze_id":"b"}]}`:                                                                          http.StatusBadRequest,
		`{"attributes":[{"external_id":"` + strings.Repeat("x", 988) + `"}]}`:                                                          http.StatusBadRequest,
		`{"events":[{"external_id":"a","name":"n"}]}`:                                                                                  http.StatusBadRequest,
		`{"purchases":[{"external_id":"a","product_id":"p","currency":"usd","price":1,"time":"2026-06-01T12:30:00Z"}]}`:                http.StatusBadRequest,
		`{"purchases":[{"external_id":"a","product_id":"p","currency":"USD","price":1,"quantity":101,"time":"2026-06-01T12:30:00Z"}]}`: http.StatusBadRequest,
		`{"attributes":[{"external_id":"a","a":"` + strings.Repeat("x", 4_000_000) + `"}]}`:                                            http.StatusRequestEntityTooLarge,
	} {
		sendTrack(t, srv, j, body, "application/json", status)
	}
	sendTrack(t, srv, j, `{"attributes":[{"external_id":"a"}]}`, "text/plain", http.StatusUnsupportedMediaType)
}

func sendTrack(t *testing.T, srv *brazetest.Server, j judge, body, contentType string, want int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, origin+"/users/track", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+string(brazetest.APIKey))
	req.Header.Set("Content-Type", contentType)
	resp, err := j.forgiving().on(srv.Config().HTTP.Client.Transport).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != want {
		t.Errorf("%.100s: answer %d, want %d", body, resp.StatusCode, want)
	}
}

func failTracks(t *testing.T, j judge) {
	event := braze.Batch{Events: []braze.Event{{User: braze.ExternalID("a"), Name: "n", Time: time.Now()}}}
	srv := brazetest.NewServer(t, brazetest.RateLimit(1, time.Hour))
	client := brazeClient(t, srv, j, func(c *braze.Config) { c.HTTP.Limiter = ada.Unpaced })
	srv.Fail(brazetest.Failure{Status: http.StatusInternalServerError})
	for _, want := range []error{ada.ErrServer, nil, ada.ErrRateLimited} {
		if _, err := client.Track(t.Context(), event); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	stranger := brazeClient(t, brazetest.NewServer(t), j, func(c *braze.Config) { c.APIKey = "another-key" })
	if _, err := stranger.Track(t.Context(), event); !errors.Is(err, ada.ErrUnauthorized) {
		t.Errorf("with a wrong key: %v", err)
	}
}
