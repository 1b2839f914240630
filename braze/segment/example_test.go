package segment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
	"github.com/adasdk/ada-go/braze/segment"
)

// Send what a source of Segment has sent on to Braze.
func Example() {
	srv := brazetest.New()
	defer srv.Close()
	client := srv.Client() // in a program it is one of braze.NewClient
	mapper := segment.Mapper{TrackNamedPages: true}

	for _, received := range []string{
		`{"type":"identify","userId":"ze8rt1u89","traits":{"firstName":"Jane","birthday":"1980-02-29","company":{"name":"Initech"}}}`,
		`{"type":"track","userId":"ze8rt1u89","event":"Purchased Item","properties":{"revenue":"2000","currency":"USD"},"timestamp":"2026-06-01T12:30:00Z"}`,
		`{"type":"page","userId":"ze8rt1u89","name":"Home","timestamp":"2026-06-01T12:31:00Z"}`,
	} {
		var call segment.Call
		if err := json.Unmarshal([]byte(received), &call); err != nil {
			fmt.Println(err)
			continue
		}
		batch, omitted := mapper.Map(call)
		for _, fault := range omitted {
			fmt.Println("left out:", fault)
		}
		if _, err := client.Track(context.Background(), batch); err != nil {
			fmt.Println(err)
		}
	}
	profile, _ := srv.Profile(braze.ExternalID("ze8rt1u89"))
	fmt.Println(profile.Attributes["first_name"], profile.Attributes["dob"])
	fmt.Println(srv.Purchases()[0].ProductID, srv.Purchases()[0].Price)
	fmt.Println(srv.Events()[0].Name)
	// Output:
	// left out: traits["company"] is or holds an object
	// Jane 1980-02-29
	// Purchased Item 2000
	// Viewed Home Page
}

// What of a call is not taken is named, and the rest goes on.
func ExampleMapper_Map() {
	mapper := segment.Mapper{UpdateExistingOnly: true} // nobody is made at Braze
	batch, omitted := mapper.Map(segment.Call{
		Type: "track", UserID: "ze8rt1u89", Event: "Order Completed", Timestamp: time.Date(2026, time.June, 1, 12, 30, 0, 0, time.UTC),
		Properties: map[string]any{
			"currency": "EUR",
			"products": []any{
				map[string]any{"product_id": "socks", "price": 4.5, "quantity": 2},
				map[string]any{"product_id": "shirt", "price": "free"},
			},
		},
	})
	for _, purchase := range batch.Purchases {
		fmt.Println(purchase.Quantity, purchase.ProductID, purchase.Price, purchase.Currency)
	}
	for _, fault := range omitted {
		fmt.Println("left out:", fault)
	}
	// Output:
	// 2 socks 4.5 EUR
	// left out: properties["products"][1] has no price that is a number
}

// A call that is logged by mistake shows its type and nothing of the person.
func ExampleCall() {
	var call segment.Call
	received := `{"type":"identify","userId":"ze8rt1u89","traits":{"firstName":"Jane","email":"jane@example.com"}}`
	if err := json.Unmarshal([]byte(received), &call); err != nil {
		fmt.Println(err)
		return
	}
	inJSON, err := json.Marshal(call)
	fmt.Println(call, string(inJSON), err)
	fmt.Println(call.UserID, call.Traits["firstName"])
	// Output:
	// segment.Call(identify) "segment.Call(identify)" <nil>
	// ze8rt1u89 Jane
}
