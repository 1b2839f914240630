package braze_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	profile, _ := srv.Profile(braze.ExternalID("crm-42"))
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

// Any number of objects goes out in as few requests as Braze allows, and of each it is known what became of it.
func ExampleClient_Track() {
	srv := brazetest.New(brazetest.Reject(func(_ braze.Array, object map[string]any) string {
		if object["external_id"] == "crm-150" {
			return "BLACKLISTED_EXTERNAL_USER_ID"
		}
		return ""
	}))
	defer srv.Close()

	var batch braze.Batch
	for i := range 200 {
		user := braze.ExternalID(fmt.Sprint("crm-", i))
		batch.Purchases = append(batch.Purchases, braze.Purchase{User: user, ProductID: "upgrade", Currency: "EUR", Price: 9.9, Time: time.Now()})
	}
	result, err := srv.Client().Track(context.Background(), batch)
	fmt.Println(result.Requests, "requests,", result)
	fmt.Println(err)
	// Output:
	// 3 requests, braze.Result(199 processed, 1 rejected)
	// braze.Track: invalid: Purchases[150] was rejected: BLACKLISTED_EXTERNAL_USER_ID
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
	profile, _ := srv.Profile(braze.ExternalID("crm-42"))
	fmt.Println(err, profile.Attributes["wants_newsletter"])
	// Output: <nil> true
}

// Fields of Braze's own have a type; what is left out stays as it is at Braze.
func ExampleAttributes() {
	client, srv, done := fakeClient()
	defer done()

	_, err := client.Track(context.Background(), braze.Batch{Attributes: []braze.Attributes{{
		User:            braze.ExternalID("crm-42"),
		FirstName:       ada.Set("Ada"),
		Birthday:        ada.Set(braze.Date{Year: 1815, Month: time.December, Day: 10}),
		CurrentLocation: ada.Set(braze.Location{Latitude: 51.5, Longitude: -0.1}),
		HomeCity:        ada.Null[string](), // removed from the profile
		PushTokens:      []braze.PushToken{{AppID: "ios", Token: "2f1c"}},
		Custom:          braze.Custom{"plan": "pro", "trial_ends": braze.Unset{}},
	}}})
	profile, _ := srv.Profile(braze.ExternalID("crm-42"))
	fmt.Println(err, profile.Attributes["first_name"], profile.Attributes["dob"], profile.Attributes["plan"])
	// Output: <nil> Ada 1815-12-10 pro
}

// The columns of a table become attributes by their names.
func ExampleAttributes_Set() {
	client, srv, done := fakeClient()
	defer done()

	attributes := braze.Attributes{User: braze.ExternalID("crm-42")}
	for _, column := range []struct {
		name  string
		value any
	}{
		{"first_name", "Ada"}, {"dob", "1815-12-10"}, {"country", "England"}, {"seats", 12}, {"coupon", braze.Unset{}},
	} {
		if err := attributes.Set(column.name, column.value); err != nil {
			fmt.Println(err) // and the others are set all the same
		}
	}
	_, err := client.Track(context.Background(), braze.Batch{Attributes: []braze.Attributes{attributes}})
	profile, _ := srv.Profile(braze.ExternalID("crm-42"))
	fmt.Println(err, profile.Attributes["first_name"], profile.Attributes["dob"], profile.Attributes["seats"])
	// Output:
	// braze.Attributes.Set: invalid: Country is not two capital letters, as ISO 3166-1 alpha-2 has it
	// <nil> Ada 1815-12-10 12
}

// An attribute that is an array of objects, of which one is added, one changed and one removed.
func ExampleObjectsChange() {
	client, srv, done := fakeClient()
	defer done()
	ctx := context.Background()
	user := braze.ExternalID("crm-42")

	for _, attributes := range []braze.Attributes{
		{User: user, Custom: braze.Custom{"devices": []map[string]any{{"id": 1, "os": "ios"}, {"id": 2, "os": "linux"}}}},
		{User: user, MergeObjects: true, Custom: braze.Custom{"devices": braze.ObjectsChange{
			Add:    []map[string]any{{"id": 3, "os": "plan9"}},
			Remove: []braze.ObjectKey{{Name: "id", Value: 2}},
			Update: []braze.ObjectUpdate{{Key: braze.ObjectKey{Name: "id", Value: 1}, Object: map[string]any{"os": "ios 20"}}},
		}}},
	} {
		if _, err := client.Track(ctx, braze.Batch{Attributes: []braze.Attributes{attributes}}); err != nil {
			fmt.Println(err)
			return
		}
	}
	profile, _ := srv.Profile(braze.ExternalID("crm-42"))
	fmt.Println(profile.Attributes["devices"])
	// Output: [map[id:1 os:ios 20] map[id:3 os:plan9]]
}

// The id that your own systems know the person by. Braze makes a profile if there is none.
func ExampleExternalID() {
	client, srv, done := fakeClient()
	defer done()

	err := client.UpdateAttribute(context.Background(), braze.ExternalID("crm-42"), "plan", "pro")
	profile, ok := srv.Profile(braze.ExternalID("crm-42"))
	fmt.Println(err, ok, profile.Attributes["plan"])
	// Output: <nil> true pro
}

// Somebody of whom no more is known than a name in another system, here that of a chat. Without UpdateExistingOnly as
// false Braze would leave out whom it does not know.
func ExampleAlias() {
	client, srv, done := fakeClient()
	defer done()

	_, err := client.Track(context.Background(), braze.Batch{Attributes: []braze.Attributes{{
		User:               braze.Alias("ada_end_user_id", "5f7e0e2c1e7c7e000f0f9c3a"),
		UpdateExistingOnly: ada.Set(false),
		Language:           ada.Set("pt"),
	}}})
	fmt.Println(err, srv.Profiles()[0].Aliases, srv.Profiles()[0].Attributes["language"])
	// Output: <nil> map[ada_end_user_id:5f7e0e2c1e7c7e000f0f9c3a] pt
}

// A profile as Braze names it, for instance in an export of a segment.
func ExampleBrazeID() {
	client, srv, done := fakeClient()
	defer done()
	ctx := context.Background()
	if err := client.UpdateAttribute(ctx, braze.ExternalID("crm-42"), "plan", "free"); err != nil {
		fmt.Println(err)
		return
	}
	exported := srv.Profiles()[0].BrazeID

	err := client.UpdateAttribute(ctx, braze.BrazeID(exported), "plan", "pro")
	profile, _ := srv.Profile(braze.ExternalID("crm-42"))
	fmt.Println(err, profile.Attributes["plan"])
	// Output: <nil> pro
}

// Somebody who has signed up for a newsletter and has no account.
func ExampleEmail() {
	client, srv, done := fakeClient()
	defer done()

	_, err := client.Track(context.Background(), braze.Batch{Attributes: []braze.Attributes{{
		User:           braze.Email("ada@example.com"),
		EmailSubscribe: ada.Set(braze.OptedIn),
	}}})
	fmt.Println(err, srv.Profiles()[0].Email, srv.Profiles()[0].Attributes["email_subscribe"])
	// Output: <nil> ada@example.com opted_in
}

// Somebody who has written a text message and has no account.
func ExamplePhone() {
	client, srv, done := fakeClient()
	defer done()

	err := client.TrackEvent(context.Background(), braze.Phone("+14165551234"), "texted", time.Now())
	fmt.Println(err, srv.Profiles()[0].Phone, srv.Events()[0].Name)
	// Output: <nil> +14165551234 texted
}

// What two sources have to say goes out together.
func ExampleBatch_Append() {
	client, srv, done := fakeClient()
	defer done()
	user := braze.ExternalID("crm-42")
	fromCRM := braze.Batch{Attributes: []braze.Attributes{{User: user, Custom: braze.Custom{"plan": "pro"}}}}
	fromChat := braze.Batch{Events: []braze.Event{{User: user, Name: "asked", Time: time.Now()}}}

	result, err := client.Track(context.Background(), fromCRM.Append(fromChat))
	fmt.Println(result, err, len(srv.Calls()), "request")
	// Output: braze.Result(2 processed) <nil> 1 request
}

func ExampleBatch_Len() {
	user := braze.ExternalID("crm-42")
	batch := braze.Batch{
		Attributes: []braze.Attributes{{User: user, Custom: braze.Custom{"plan": "pro"}}},
		Events:     []braze.Event{{User: user, Name: "upgraded", Time: time.Now()}},
	}
	fmt.Println(batch.Len(), batch)
	// Output: 2 braze.Batch(2 objects)
}

// Objects that go through a queue are checked by whoever makes them, and not only when they are sent.
func ExampleBatch_Validate() {
	batch := braze.Batch{Events: []braze.Event{
		{User: braze.ExternalID("crm-42"), Name: "$asked", Time: time.Now()},
		{Name: "asked", Time: time.Now(), Properties: braze.Properties{"time": "noon"}},
	}}
	err := batch.Validate()
	var failed *ada.Error
	if errors.As(err, &failed) {
		for _, fault := range failed.Faults {
			fmt.Println(fault)
		}
	}
	// Output:
	// Events[0].Name begins with a $
	// Events[1].User is missing
	// Events[1].Properties["time"] is a name of Braze's own
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

// The numbers of a batch, for metrics.
func ExampleResult_Count() {
	client, srv, done := fakeClient()
	defer done()
	srv.Fail(brazetest.Failure{Effect: true, Drop: true}) // the answer is lost, after the events were recorded

	result, err := client.Track(context.Background(), braze.Batch{Events: []braze.Event{
		{User: braze.ExternalID("crm-1"), Name: "asked", Time: time.Now()},
		{User: braze.ExternalID("crm-2"), Name: "asked", Time: time.Now()},
	}})
	for _, status := range []braze.Status{braze.Processed, braze.Rejected, braze.Unsent, braze.Unknown} {
		fmt.Printf("braze_objects{status=%q} %d\n", status, result.Count(status))
	}
	fmt.Println(errors.Is(err, ada.ErrOutcomeUnknown))
	// Output:
	// braze_objects{status="processed"} 0
	// braze_objects{status="rejected"} 0
	// braze_objects{status="unsent"} 0
	// braze_objects{status="unknown"} 2
	// true
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

// A buffer with a file loses nothing that it has accepted, whatever happens to the process.
func ExampleClient_NewBuffer() {
	client, srv, done := fakeClient()
	defer done()
	dir, err := os.MkdirTemp("", "braze")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	buffer, err := client.NewBuffer(braze.BufferConfig{
		FlushAfter: 5 * time.Second,
		SpoolFile:  filepath.Join(dir, "spool"), // in a program, on a disk that stays
		Done: func(b braze.Batch, r braze.Result, err error) {
			fmt.Println(r, err)
		},
		Stalled: func(err error, wait time.Duration) {
			fmt.Println("Braze does not answer, once more in", wait, err)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	event := braze.Event{User: braze.ExternalID("crm-42"), Name: "asked", Time: time.Now()}
	if err := buffer.Add(ctx, braze.Batch{Events: []braze.Event{event}}); err != nil {
		fmt.Println(err)
	}
	_, err = buffer.Close(ctx)
	fmt.Println(err, len(srv.Events()))
	// Output:
	// braze.Result(1 processed) <nil>
	// <nil> 1
}

// A full buffer has Add wait. Who has no time to, as in a request of a user's, says so with a deadline.
func ExampleBuffer_Add() {
	client, srv, done := fakeClient()
	defer done()
	srv.Fail(brazetest.Failure{Delay: time.Minute})
	buffer, err := client.NewBuffer(braze.BufferConfig{QueueObjects: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = buffer.Close(ctx) // this example has no time, either
	}()

	for _, name := range []string{"asked", "asked_again"} {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		event := braze.Event{User: braze.ExternalID("crm-42"), Name: name, Time: time.Now()}
		err := buffer.Add(ctx, braze.Batch{Events: []braze.Event{event}})
		cancel()
		fmt.Println(name, err)
	}
	// Output:
	// asked <nil>
	// asked_again braze.Buffer.Add: context deadline exceeded
}

// At the end of a job, before it says that it is done.
func ExampleBuffer_Flush() {
	client, srv, done := fakeClient()
	defer done()
	buffer, err := client.NewBuffer(braze.BufferConfig{FlushAfter: time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer buffer.Close(ctx)

	event := braze.Event{User: braze.ExternalID("crm-42"), Name: "asked", Time: time.Now()}
	if err := buffer.Add(ctx, braze.Batch{Events: []braze.Event{event}}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(srv.Events()), "sent,", buffer.Len(), "held")
	fmt.Println(buffer.Flush(ctx))
	fmt.Println(len(srv.Events()), "sent,", buffer.Len(), "held")
	// Output:
	// 0 sent, 1 held
	// <nil>
	// 1 sent, 0 held
}

// How far behind the buffer is, for metrics. When it nears QueueObjects, Add will soon wait.
func ExampleBuffer_Len() {
	client, _, done := fakeClient()
	defer done()
	buffer, err := client.NewBuffer(braze.BufferConfig{FlushAfter: time.Hour, QueueObjects: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer buffer.Close(ctx)
	for i := range 60 {
		user := braze.ExternalID(fmt.Sprint("crm-", i))
		if err := buffer.Add(ctx, braze.Batch{Events: []braze.Event{{User: user, Name: "asked", Time: time.Now()}}}); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Printf("braze_buffer_objects %d\n", buffer.Len())
	// Output: braze_buffer_objects 60
}

// Of whom the buffer still holds something, as somebody may ask who wants to be forgotten.
func ExampleBuffer_Held() {
	client, _, done := fakeClient()
	defer done()
	buffer, err := client.NewBuffer(braze.BufferConfig{FlushAfter: time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer buffer.Close(ctx)
	for _, id := range []string{"crm-1", "crm-42", "crm-42"} {
		event := braze.Event{User: braze.ExternalID(id), Name: "asked", Time: time.Now()}
		if err := buffer.Add(ctx, braze.Batch{Events: []braze.Event{event}}); err != nil {
			fmt.Println(err)
			return
		}
	}
	held := map[braze.User]int{}
	for _, o := range buffer.Held() {
		held[o.User()]++
	}
	fmt.Println(held[braze.ExternalID("crm-42")])
	// Output: 2
}

// When the process has to end and Braze does not answer, what was not sent is handed back, to be stored.
func ExampleBuffer_Close() {
	client, _, done := fakeClient()
	buffer, err := client.NewBuffer(braze.BufferConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	done() // there is no Braze from now on
	event := braze.Event{User: braze.ExternalID("crm-42"), Name: "asked", Time: time.Now()}
	if err := buffer.Add(context.Background(), braze.Batch{Events: []braze.Event{event}}); err != nil {
		fmt.Println(err)
		return
	}

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond) // in a program, what is left of its time
	defer cancel()
	rest, err := buffer.Close(ctx)
	fmt.Println(rest, errors.Is(err, context.DeadlineExceeded))
	for _, o := range rest.Objects {
		_ = o.JSON() // store it, with o.Array()
	}
	// Output: braze.Batch(1 objects) true
}

// What one process could not send the next one sends.
func ExampleParseObject() {
	client, srv, done := fakeClient()
	defer done()
	stored := []struct{ array, object string }{
		{"events", `{"external_id":"crm-42","name":"asked","time":"2026-06-01T12:30:00.000Z"}`},
	}

	var rest braze.Batch
	for _, s := range stored {
		object, err := braze.ParseObject(braze.Array(s.array), []byte(s.object))
		if err != nil {
			fmt.Println(err)
			continue
		}
		rest.Objects = append(rest.Objects, object)
	}
	result, err := client.Track(context.Background(), rest)
	fmt.Println(result, err, srv.Events()[0].Name)
	// Output: braze.Result(1 processed) <nil> asked
}

// What Braze has rejected goes to where somebody looks into it, with the reason.
func ExampleObject_JSON() {
	srv := brazetest.New(brazetest.Reject(func(braze.Array, map[string]any) string { return "BLACKLISTED_EXTERNAL_USER_ID" }))
	defer srv.Close()
	buffer, err := srv.Client().NewBuffer(braze.BufferConfig{
		Done: func(b braze.Batch, r braze.Result, _ error) {
			for _, rejection := range r.Rejections {
				fmt.Printf("%s: %s\n", rejection.Type, b.Objects[rejection.Index].JSON()) // personal data: nothing for a log
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	event := braze.Event{User: braze.ExternalID("crm-42"), Name: "asked", Time: time.Date(2026, 6, 1, 12, 30, 0, 0, time.UTC)}
	if err := buffer.Add(ctx, braze.Batch{Events: []braze.Event{event}}); err != nil {
		fmt.Println(err)
	}
	if _, err := buffer.Close(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: BLACKLISTED_EXTERNAL_USER_ID: {"external_id":"crm-42","name":"asked","time":"2026-06-01T12:30:00.000Z"}
}

// What was taken, by its kind, for metrics.
func ExampleObject_Array() {
	client, _, done := fakeClient()
	defer done()
	taken := map[braze.Array]int{}
	buffer, err := client.NewBuffer(braze.BufferConfig{
		Done: func(b braze.Batch, r braze.Result, _ error) {
			for _, o := range r.Select(b, braze.Processed).Objects {
				taken[o.Array()]++
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	user := braze.ExternalID("crm-42")
	if err := buffer.Add(ctx, braze.Batch{
		Attributes: []braze.Attributes{{User: user, Custom: braze.Custom{"plan": "pro"}}},
		Events:     []braze.Event{{User: user, Name: "upgraded", Time: time.Now()}},
	}); err != nil {
		fmt.Println(err)
	}
	if _, err := buffer.Close(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(taken[braze.InAttributes], taken[braze.InEvents], taken[braze.InPurchases])
	// Output: 1 1 0
}

// Whose events may have been recorded or not, for somebody to look up.
func ExampleObject_User() {
	client, srv, done := fakeClient()
	defer done()
	srv.Fail(brazetest.Failure{Effect: true, Drop: true}) // the answer is lost
	uncertain := map[braze.User]bool{}
	buffer, err := client.NewBuffer(braze.BufferConfig{
		Done: func(b braze.Batch, r braze.Result, _ error) {
			for _, o := range r.Select(b, braze.Unknown).Objects {
				uncertain[o.User()] = true
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	event := braze.Event{User: braze.ExternalID("crm-42"), Name: "asked", Time: time.Now()}
	if err := buffer.Add(ctx, braze.Batch{Events: []braze.Event{event}}); err != nil {
		fmt.Println(err)
	}
	if _, err := buffer.Close(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(uncertain[braze.ExternalID("crm-42")])
	// Output: true
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
	fmt.Println(srv.DataPoints(), "used,", config.Dedupe.DataPointsSaved(), "saved")
	// Output: 2 used, 1 saved
}

// Five million attributes take some 750 MB. A week is for profiles that nobody else writes to.
func ExampleNewDedupe() {
	srv := brazetest.New()
	defer srv.Close()
	config := srv.Config()
	config.Dedupe = braze.NewDedupe(braze.DedupeConfig{MaxAttributes: 5_000_000, MaxAge: 7 * 24 * time.Hour})
	client, err := braze.NewClient(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		if err := client.UpdateAttribute(context.Background(), braze.ExternalID("crm-42"), "plan", "pro"); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(len(srv.Calls()), "request")
	// Output: 1 request
}

// What a Dedupe is worth: data points are what Braze bills.
func ExampleDedupe_DataPointsSaved() {
	srv := brazetest.New()
	defer srv.Close()
	config := srv.Config()
	config.Dedupe = braze.NewDedupe(braze.DedupeConfig{})
	client, err := braze.NewClient(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	for conversations := range 3 {
		_, err := client.Track(context.Background(), braze.Batch{Attributes: []braze.Attributes{{
			User:   braze.ExternalID("crm-42"),
			Custom: braze.Custom{"plan": "pro", "region": "latam", "conversations": conversations},
		}}})
		if err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(config.Dedupe.DataPointsSaved(), "of 9 saved")
	// Output: 4 of 9 saved
}

// Somebody's profile was deleted at Braze, and everything has to be sent anew.
func ExampleDedupe_Forget() {
	srv := brazetest.New()
	defer srv.Close()
	config := srv.Config()
	config.Dedupe = braze.NewDedupe(braze.DedupeConfig{})
	client, err := braze.NewClient(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	user := braze.ExternalID("crm-42")
	for range 2 {
		if err := client.UpdateAttribute(context.Background(), user, "plan", "pro"); err != nil {
			fmt.Println(err)
		}
		config.Dedupe.Forget(user)
	}
	fmt.Println(len(srv.Calls()), "requests")
	// Output: 2 requests
}

// Keys, identifiers and what is known of people do not go into a log by mistake: this is all that fmt, log/slog and
// encoding/json see.
func Example_redacted() {
	client, err := braze.NewClient(braze.Config{Endpoint: braze.EU01, APIKey: "s3cret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	buffer, err := client.NewBuffer(braze.BufferConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer buffer.Close(context.Background())
	user := braze.Email("ada@example.com")
	fmt.Printf("%+v\n", struct {
		Client *braze.Client
		Buffer *braze.Buffer
		User   braze.User
	}{client, buffer, user})

	for _, value := range []any{
		user,
		braze.Attributes{User: user, FirstName: ada.Set("Ada"), Custom: braze.Custom{"name": "Ada"}},
		braze.Event{User: user, Name: "asked", Properties: braze.Properties{"name": "Ada"}},
		braze.Facebook{ID: "ada"},
		braze.Twitter{ScreenName: "ada"},
		braze.Batch{Purchases: []braze.Purchase{{User: user, ProductID: "a book by Ada"}}},
		braze.Object{},
		braze.Rejection{Array: braze.InEvents, Index: 3, Type: "'ada@example.com' is blocked"},
	} {
		inJSON, err := json.Marshal(value)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%+v %s\n", value, inJSON)
	}
	// Output:
	// {Client:braze.Client(https://rest.fra-01.braze.eu/) Buffer:braze.Buffer User:braze.User(email)}
	// braze.User(email) "braze.User(email)"
	// [REDACTED] "[REDACTED]"
	// [REDACTED] "[REDACTED]"
	// [REDACTED] "[REDACTED]"
	// [REDACTED] "[REDACTED]"
	// braze.Batch(1 objects) "braze.Batch(1 objects)"
	// braze.Object(attributes) "braze.Object(attributes)"
	// Events[3] was rejected "Events[3] was rejected"
}
