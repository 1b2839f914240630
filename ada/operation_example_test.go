package ada_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/adasdk/ada-go/ada"
)

var getChannel = ada.Operation{Name: "channels.Get", Method: http.MethodGet, Route: "/api/v2/channels/{channel_id}"}

// A function of your own refuses its parameters as those of the SDK do.
func ExampleOperation_Invalid() {
	check := func(id, language string) error {
		var faults []ada.Fault
		if len(id) != 24 {
			faults = append(faults, ada.Fault{Field: "id", Reason: "is not of 24 characters"})
		}
		if language == "" {
			faults = append(faults, ada.Fault{Field: "language", Reason: "is empty"})
		}
		return getChannel.Invalid(faults...)
	}
	fmt.Println(check("5f7e0e2c1e7c7e000f0f9c3a", "en"))
	err := check("crm-42", "")
	fmt.Println(err)
	fmt.Println(errors.Is(err, ada.ErrInvalid))
	// Output:
	// <nil>
	// channels.Get: invalid: id is not of 24 characters; language is empty
	// true
}

// channelServer answers every request with the same channel.
func channelServer(body string) (client *ada.Client, done func()) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
	client, err := ada.NewClient(ada.Config{BaseURL: srv.URL, APIKey: "not-a-real-key"})
	if err != nil {
		panic(err)
	}
	return client, srv.Close
}

// A call whose answer decodes can still make no sense.
func ExampleOperation_Unusable() {
	client, done := channelServer(`{"id": "2", "name": "SMS"}`)
	defer done()

	req, err := client.NewRequest(context.Background(), getChannel, nil, "1")
	if err != nil {
		fmt.Println(err)
		return
	}
	var c channel
	resp, err := client.Do(req, getChannel, &c)
	if err == nil && c.ID != "1" {
		err = getChannel.Unusable(resp, ada.Fault{Field: "id", Reason: "is that of another channel"})
	}
	fmt.Println(err)
	fmt.Println(errors.Is(err, ada.ErrAnswer))
	// Output:
	// channels.Get: GET /api/v2/channels/{channel_id}: 200 OK: the answer is not usable: id is that of another channel
	// true
}

func ExampleResponse_Body() {
	client, done := channelServer(`{"id": "1", "name": "Web", "theme": "dark"}`)
	defer done()

	req, err := client.NewRequest(context.Background(), getChannel, nil, "1")
	if err != nil {
		fmt.Println(err)
		return
	}
	var c channel
	resp, err := client.Do(req, getChannel, &c)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp) // the status alone
	fmt.Printf("%s\n", resp.Body())
	// Output:
	// ada.Response(200)
	// {"id": "1", "name": "Web", "theme": "dark"}
}
