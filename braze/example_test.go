package braze_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
)

// fakeClient returns a client of a fake Braze. In a program it is one of braze.NewClient.
func fakeClient() (client *braze.Client, srv *brazetest.Server, done func()) {
	srv = brazetest.New()
	return srv.Client(), srv, srv.Close
}

// Record what a conversation has taught about a person.
func Example() {
	client, srv, done := fakeClient()
	defer done()
	user := braze.ExternalID("crm-42")

	result, err := client.Track(context.Background(), braze.Batch{
		Attributes: []braze.Attributes{{
			User:     user,
			Language: ada.Set("pt"),
			Custom:   braze.Custom{"plan": "pro", "conversations": braze.Inc(1), "topics": braze.ArrayChange{Add: []any{"refunds"}}},
		}},
		Events: []braze.Event{{
			User: user, Name: "asked_for_refund", Time: time.Now(),
			Properties: braze.Properties{"order": "A-17", "amount": 39.9},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result)
	profile, _ := srv.Profile("crm-42")
	fmt.Println(profile.Attributes["plan"], profile.Attributes["conversations"], profile.Attributes["topics"])
	// Output:
	// braze.Result(2 processed)
	// pro 1 [refunds]
}

func ExampleNewClient() {
	_, err := braze.NewClient(braze.Config{Endpoint: "https://sdk.iad-01.braze.com", APIKey: "key"})
	fmt.Println(err)
	// Output: braze.NewClient: invalid: Endpoint is that of Braze's SDKs, not the REST endpoint, which begins with rest.
}

// The first action of Ada's Braze block: Track Event.
func ExampleClient_TrackEvent() {
	client, srv, done := fakeClient()
	defer done()

	err := client.TrackEvent(context.Background(), braze.ExternalID("crm-42"), "handed_off", time.Date(2026, 6, 1, 12, 30, 0, 0, time.UTC))
	fmt.Println(err, srv.Events()[0].Name, srv.Events()[0].Time)
	// Output: <nil> handed_off 2026-06-01 12:30:00 +0000 UTC
}

// The second action of Ada's Braze block: Update Attribute. The value keeps its type.
func ExampleClient_UpdateAttribute() {
	client, srv, done := fakeClient()
	defer done()

	err := client.UpdateAttribute(context.Background(), braze.ExternalID("crm-42"), "wants_newsletter", true)
	profile, _ := srv.Profile("crm-42")
	fmt.Println(err, profile.Attributes["wants_newsletter"])
	// Output: <nil> true
}

// Everything that is wrong comes at once, before anything is sent.
func ExampleClient_Track_invalid() {
	client, _, done := fakeClient()
	defer done()

	_, err := client.Track(context.Background(), braze.Batch{
		Attributes: []braze.Attributes{{User: braze.ExternalID("crm-42"), Country: ada.Set("Brazil"), Custom: braze.Custom{"email": "x", "plan": nil}}},
		Events:     []braze.Event{{User: braze.ExternalID("crm-42"), Name: "asked"}},
	})
	var failed *ada.Error
	if errors.As(err, &failed) {
		for _, fault := range failed.Faults {
			fmt.Println(fault)
		}
	}
	// Output:
	// Attributes[0].Country is not two capital letters, as ISO 3166-1 alpha-2 has it
	// Attributes[0].Custom["email"] is a name of Braze's own
	// Attributes[0].Custom["plan"] is nil: Unset removes an attribute
	// Events[0].Time is the zero time
}

// Send again what may be sent again, and nothing else.
func ExampleResult_Select() {
	client, srv, done := fakeClient()
	defer done()
	srv.Fail(brazetest.Failure{Status: 403}) // the key lacks a permission
	batch := braze.Batch{Events: []braze.Event{{User: braze.ExternalID("crm-42"), Name: "asked", Time: time.Now()}}}

	result, err := client.Track(context.Background(), batch)
	fmt.Println(result, errors.Is(err, ada.ErrForbidden))
	rest := result.Select(batch, braze.Unsent)
	result, err = client.Track(context.Background(), rest)
	fmt.Println(result, err)
	// Output:
	// braze.Result(1 unsent) true
	// braze.Result(1 processed) <nil>
}

// A service adds objects as it learns things, and closes the buffer when it ends.
func ExampleBuffer() {
	client, srv, done := fakeClient()
	defer done()

	buffer, err := client.NewBuffer(braze.BufferConfig{
		Done: func(b braze.Batch, r braze.Result, err error) {
			for _, o := range r.Select(b, braze.Rejected, braze.Unknown, braze.Unsent).Objects {
				fmt.Println("to look into:", o.Array(), err) // and store o.JSON()
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	for i := range 200 {
		user := braze.ExternalID(fmt.Sprint("crm-", i))
		if err := buffer.Add(ctx, braze.Batch{Events: []braze.Event{{User: user, Name: "asked", Time: time.Now()}}}); err != nil {
			fmt.Println(err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	rest, err := buffer.Close(ctx)
	fmt.Println(rest.Len(), err, len(srv.Events()))
	// Output: 0 <nil> 200
}

// Attributes that Braze already has cost no data points.
func ExampleDedupe() {
	srv := brazetest.New()
	defer srv.Close()
	config := srv.Config()
	config.Dedupe = braze.NewDedupe(braze.DedupeConfig{})
	client, err := braze.NewClient(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, seats := range []int{10, 10, 12} {
		if err := client.UpdateAttribute(context.Background(), braze.ExternalID("crm-42"), "seats", seats); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(srv.DataPoints(), "used,", config.Dedupe.DataPoints(), "saved")
	// Output: 2 used, 1 saved
}
