package brazetest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
)

// The answer to a request is lost, and the test sees that the service does not record the event twice. In a test, make
// the server with NewServer(t).
func Example() {
	srv := brazetest.New()
	defer srv.Close()
	srv.Fail(brazetest.Failure{Effect: true, Drop: true})

	err := srv.Client().TrackEvent(context.Background(), braze.ExternalID("crm-42"), "asked_for_refund", time.Now())
	fmt.Println(err)
	fmt.Println(len(srv.Calls()), "request,", len(srv.Events()), "event")
	// Output:
	// braze.Track: POST /users/track: no answer: the connection failed: outcome unknown
	// 1 request, 1 event
}

// In a test, NewServer(t) closes the server by itself, and fails the test when a request goes to a path that Braze does
// not have:
//
//	func TestUpgradeIsTracked(t *testing.T) {
//		srv := brazetest.NewServer(t)
//		...
//	}
//
// Here, outside of a test, New and Close take its place.
func ExampleNewServer() {
	srv := brazetest.New()
	defer srv.Close()

	// What is to be tested gets a client of the server.
	upgrade := func(ctx context.Context, client *braze.Client, id, plan string) error {
		return client.UpdateAttribute(ctx, braze.ExternalID(id), "plan", plan)
	}
	err := upgrade(context.Background(), srv.Client(), "crm-42", "pro")

	p, ok := srv.Profile(braze.ExternalID("crm-42"))
	fmt.Println(err, ok, p.Attributes["plan"])
	// Output: <nil> true pro
}

// A demonstration, or a service on a developer's machine, runs without an account at Braze. In a test NewServer is
// better.
func ExampleNew() {
	srv := brazetest.New()
	defer srv.Close()

	result, err := srv.Client().Track(context.Background(), braze.Batch{Events: []braze.Event{
		{User: braze.ExternalID("crm-42"), Name: "asked", Time: time.Now()},
	}})
	fmt.Println(result, err)
	// Output: braze.Result(1 processed) <nil>
}

// Braze takes its time, and what waits for it has a deadline.
func ExampleLatency() {
	srv := brazetest.New(brazetest.Latency(time.Minute))
	defer srv.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := srv.Client().TrackEvent(ctx, braze.ExternalID("crm-42"), "asked", time.Now())
	fmt.Println(errors.Is(err, context.DeadlineExceeded), errors.Is(err, ada.ErrOutcomeUnknown))
	// Output: true true
}

// Some contracts have a lower limit. Who does not say so to the client has everything refused.
func ExampleMaxObjects() {
	srv := brazetest.New(brazetest.MaxObjects(50))
	defer srv.Close()
	config := srv.Config()
	config.MaxObjects = 50
	client, err := braze.NewClient(config)
	if err != nil {
		panic(err)
	}
	var batch braze.Batch
	for i := range 75 {
		batch.Events = append(batch.Events, braze.Event{User: braze.ExternalID(fmt.Sprint("crm-", i)), Name: "asked", Time: time.Now()})
	}

	for _, c := range []*braze.Client{srv.Client(), client} {
		result, err := c.Track(context.Background(), batch)
		fmt.Println(result, err == nil)
	}
	// Output:
	// braze.Result(75 rejected) false
	// braze.Result(75 processed) true
}

// Customers with the older rate limit can have 75 objects in each array.
func ExamplePerArray() {
	srv := brazetest.New(brazetest.PerArray())
	defer srv.Close()
	config := srv.Config()
	config.PerArray = true
	client, err := braze.NewClient(config)
	if err != nil {
		panic(err)
	}
	var batch braze.Batch
	for i := range 75 {
		user := braze.ExternalID(fmt.Sprint("crm-", i))
		batch.Attributes = append(batch.Attributes, braze.Attributes{User: user, Custom: braze.Custom{"asked": true}})
		batch.Events = append(batch.Events, braze.Event{User: user, Name: "asked", Time: time.Now()})
	}

	result, err := client.Track(context.Background(), batch)
	fmt.Println(result, err, len(srv.Calls()), "request")
	// Output: braze.Result(150 processed) <nil> 1 request
}

// The limit is used up, as by others in the company who share it.
func ExampleRateLimit() {
	srv := brazetest.New(brazetest.RateLimit(1, 10_000*time.Hour))
	defer srv.Close()
	config := srv.Config()
	config.HTTP.Limiter = ada.Unpaced // or the client waits before it sends
	client, err := braze.NewClient(config)
	if err != nil {
		panic(err)
	}

	for range 2 {
		err := client.TrackEvent(context.Background(), braze.ExternalID("crm-42"), "asked", time.Now())
		fmt.Println(errors.Is(err, ada.ErrRateLimited))
	}
	// Output:
	// false
	// true
}

// Braze refuses some objects for what only it knows. A test can have it refuse any.
func ExampleReject() {
	srv := brazetest.New(brazetest.Reject(func(array braze.Array, object map[string]any) string {
		if array == braze.InEvents && object["external_id"] == "crm-13" {
			return "BLACKLISTED_EXTERNAL_USER_ID"
		}
		return ""
	}))
	defer srv.Close()

	result, err := srv.Client().Track(context.Background(), braze.Batch{Events: []braze.Event{
		{User: braze.ExternalID("crm-12"), Name: "asked", Time: time.Now()},
		{User: braze.ExternalID("crm-13"), Name: "asked", Time: time.Now()},
	}})
	fmt.Println(result)
	fmt.Println(err)
	// Output:
	// braze.Result(1 processed, 1 rejected)
	// braze.Track: invalid: Events[1] was rejected: BLACKLISTED_EXTERNAL_USER_ID
}

func ExampleServer_Calls() {
	srv := brazetest.New()
	defer srv.Close()

	at := time.Date(2026, time.June, 1, 12, 30, 0, 0, time.UTC)
	if err := srv.Client().TrackEvent(context.Background(), braze.ExternalID("crm-42"), "asked", at); err != nil {
		panic(err)
	}
	for _, call := range srv.Calls() {
		fmt.Printf("%s %s %s %d\n", call.Method, call.Path, call.Body, call.StatusCode)
	}
	// Output: POST /users/track {"events":[{"external_id":"crm-42","name":"asked","time":"2026-06-01T12:30:00.000Z"}]} 201
}

// Clients see what the others have done, as two processes would.
func ExampleServer_Client() {
	srv := brazetest.New()
	defer srv.Close()

	for _, client := range []*braze.Client{srv.Client(), srv.Client()} {
		_, err := client.Track(context.Background(), braze.Batch{Attributes: []braze.Attributes{
			{User: braze.ExternalID("crm-42"), Custom: braze.Custom{"conversations": braze.Inc(1)}},
		}})
		if err != nil {
			panic(err)
		}
	}
	p, _ := srv.Profile(braze.ExternalID("crm-42"))
	fmt.Println(p.Attributes["conversations"])
	// Output: 2
}

// After Close there is no Braze, so that a test can see what a service does without one.
func ExampleServer_Close() {
	srv := brazetest.New()
	config := srv.Config()
	config.HTTP.Retry.MaxAttempts = 1 // or the client waits and tries again
	client, err := braze.NewClient(config)
	if err != nil {
		panic(err)
	}
	srv.Close()

	err = client.TrackEvent(context.Background(), braze.ExternalID("crm-42"), "asked", time.Now())
	fmt.Println(err != nil, errors.Is(err, ada.ErrOutcomeUnknown)) // it certainly did not happen
	// Output: true false
}

// A client with other settings than those of Server.Client.
func ExampleServer_Config() {
	srv := brazetest.New()
	defer srv.Close()

	config := srv.Config()
	config.AppID = "ios"
	client, err := braze.NewClient(config)
	if err != nil {
		panic(err)
	}
	if err := client.TrackEvent(context.Background(), braze.ExternalID("crm-42"), "asked", time.Now()); err != nil {
		panic(err)
	}
	fmt.Println(srv.Events()[0].AppID)
	// Output: ios
}

// Data points are what Braze bills. A test can hold a service to how many it uses.
func ExampleServer_DataPoints() {
	srv := brazetest.New()
	defer srv.Close()

	user := braze.ExternalID("crm-42")
	_, err := srv.Client().Track(context.Background(), braze.Batch{
		Attributes: []braze.Attributes{{User: user, Custom: braze.Custom{"plan": "pro", "address": map[string]any{"city": "Toronto", "zip": "M5V"}}}},
		Events:     []braze.Event{{User: user, Name: "moved", Time: time.Now(), Properties: braze.Properties{"from": "Ottawa"}}},
	})
	fmt.Println(err, srv.DataPoints())
	// Output: <nil> 4
}

func ExampleServer_Events() {
	srv := brazetest.New()
	defer srv.Close()

	_, err := srv.Client().Track(context.Background(), braze.Batch{Events: []braze.Event{{
		User: braze.ExternalID("crm-42"), Name: "asked_for_refund", Properties: braze.Properties{"order": "A-17"},
		Time: time.Date(2026, time.June, 1, 12, 30, 0, 0, time.UTC),
	}}})
	if err != nil {
		panic(err)
	}
	for _, e := range srv.Events() {
		fmt.Println(e.ExternalID, e.Name, e.Properties["order"], e.Time.Format(time.Kitchen))
	}
	// Output: crm-42 asked_for_refund A-17 12:30PM
}

// The first answer is lost, after the event was recorded. Who then sends it again has recorded two.
func ExampleServer_Fail() {
	srv := brazetest.New()
	defer srv.Close()
	client := srv.Client()

	srv.Fail(
		brazetest.Failure{Effect: true, Drop: true},
		brazetest.Failure{Status: http.StatusForbidden},
	)
	for range 3 {
		err := client.TrackEvent(context.Background(), braze.ExternalID("crm-42"), "asked", time.Now())
		switch {
		case errors.Is(err, ada.ErrOutcomeUnknown):
			fmt.Println("outcome unknown")
		case errors.Is(err, ada.ErrForbidden):
			fmt.Println("forbidden")
		default:
			fmt.Println(err)
		}
	}
	fmt.Println(len(srv.Events()), "events")
	// Output:
	// outcome unknown
	// forbidden
	// <nil>
	// 2 events
}

// Attributes are what Braze would hold now: here what was incremented, and not the increment.
func ExampleServer_Profile() {
	srv := brazetest.New()
	defer srv.Close()

	for range 2 {
		_, err := srv.Client().Track(context.Background(), braze.Batch{Attributes: []braze.Attributes{{
			User: braze.ExternalID("crm-42"), FirstName: ada.Set("Ada"), Custom: braze.Custom{"visits": braze.Inc(3)},
		}}})
		if err != nil {
			panic(err)
		}
	}
	p, ok := srv.Profile(braze.ExternalID("crm-42"))
	fmt.Println(ok, p.Attributes["first_name"], p.Attributes["visits"])
	// Output: true Ada 6
}

// Profiles without an external id are found here.
func ExampleServer_Profiles() {
	srv := brazetest.New()
	defer srv.Close()
	client := srv.Client()

	for _, user := range []braze.User{braze.ExternalID("crm-42"), braze.Email("ada@example.com"), braze.Phone("+14165551234")} {
		if err := client.UpdateAttribute(context.Background(), user, "language", "pt"); err != nil {
			panic(err)
		}
	}
	for _, p := range srv.Profiles() {
		fmt.Printf("%q %q %q\n", p.ExternalID, p.Email, p.Phone)
	}
	// Output:
	// "crm-42" "" ""
	// "" "ada@example.com" ""
	// "" "" "+14165551234"
}

func ExampleServer_Purchases() {
	srv := brazetest.New()
	defer srv.Close()

	_, err := srv.Client().Track(context.Background(), braze.Batch{Purchases: []braze.Purchase{{
		User: braze.ExternalID("crm-42"), ProductID: "socks", Currency: "EUR", Price: 4.5, Quantity: 2, Time: time.Now(),
	}}})
	if err != nil {
		panic(err)
	}
	for _, p := range srv.Purchases() {
		fmt.Println(p.Quantity, p.ProductID, p.Price, p.Currency)
	}
	// Output: 2 socks 4.5 EUR
}

// Over TCP, other processes and clients of other makes reach the fake too.
func ExampleServer_ServeHTTP() {
	srv := brazetest.New()
	defer srv.Close()
	outside := httptest.NewServer(srv) // or http.ListenAndServe("localhost:8080", srv)
	defer outside.Close()

	client, err := braze.NewClient(braze.Config{Endpoint: outside.URL, APIKey: brazetest.APIKey})
	if err != nil {
		panic(err)
	}
	err = client.TrackEvent(context.Background(), braze.ExternalID("crm-42"), "asked", time.Now())
	fmt.Println(err, len(srv.Events()))
	// Output: <nil> 1
}
