package webhooks_test

import (
	"context"
	"fmt"

	"github.com/adasdk/ada-go/webhooks"
)

// TicketCreated is the data of an event type that package webhooks does not know.
type TicketCreated struct {
	TicketID string `json:"ticket_id"`
}

func (TicketCreated) EventTypes() []string { return []string{"v1.ticket.created"} }

// A payload of your own, for an event type that is newer than this package.
func ExamplePayload() {
	mux, verifier := newReceiver()
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[TicketCreated]) error {
		fmt.Println(e.Data.TicketID)
		return nil
	})

	send(mux, verifier, "msg_1", `{"type":"v1.ticket.created","data":{"ticket_id":"t1"}}`)
	// Output:
	// t1
	// 200
}
