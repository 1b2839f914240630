package ada_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/adasdk/ada-go/ada"
)

// channel is what channels.Get answers.
type channel struct{ ID, Name string }

// UnmarshalJSON refuses an answer without an id.
func (c *channel) UnmarshalJSON(b []byte) error {
	type plain channel
	if err := json.Unmarshal(b, (*plain)(c)); err != nil {
		return err
	}
	if c.ID == "" {
		return ada.Fault{Field: "id", Reason: "is missing"}
	}
	return nil
}

// A Fault that UnmarshalJSON returns is in the error of the call, and in its text: keep values out of it.
func ExampleFault() {
	client, done := channelServer(`{"name": "SMS"}`)
	defer done()

	req, err := client.NewRequest(context.Background(), getChannel, nil, "1")
	if err != nil {
		fmt.Println(err)
		return
	}
	var c channel
	_, err = client.Do(req, getChannel, &c)
	fmt.Println(err)
	var e *ada.Error
	if errors.As(err, &e) {
		fmt.Println(e.Faults[0].Field)
	}
	// Output:
	// channels.Get: GET /api/v2/channels/{channel_id}: 200 OK: the answer is not usable: id is missing
	// id
}
