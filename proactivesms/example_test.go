package proactivesms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/proactivesms"
)

// newClient returns a client of a fake Ada. In a program it is one of ada.NewClient.
func newClient() (client *ada.Client, done func()) {
	srv := adatest.New()
	return srv.Client(), srv.Close
}

// Send one message, and tell apart what must not be done again.
func Example() {
	client, done := newClient()
	defer done()
	sms := proactivesms.New(client)

	err := sms.Trigger(context.Background(), proactivesms.Message{
		CampaignKey: "renew_subscriptions",
		PhoneNumber: "+1 (416) 555-1234",
		Language:    "fr",
		MetaFields:  map[string]any{"first_name": "Ada", "days_left": 7},
	})
	switch {
	case errors.Is(err, ada.ErrOutcomeUnknown):
		fmt.Println("it may have been sent: do not send it again")
	case err != nil:
		fmt.Println("not sent:", err)
	default:
		fmt.Println("sent")
	}
	// Output: sent
}

// Accounts from before July 2024 can have a key for Proactive SMS alone.
func ExampleNew() {
	srv := adatest.New()
	defer srv.Close()
	client, err := srv.Client().WithAPIKey(adatest.APIKey)
	if err != nil {
		fmt.Println(err)
		return
	}
	sms := proactivesms.New(client)

	fmt.Println(sms.Trigger(context.Background(), proactivesms.Message{
		CampaignKey: "renew_subscriptions",
		PhoneNumber: "4165551234",
	}))
	// Output: <nil>
}

// When an answer is lost nobody knows whether the message went out. Here it did.
func ExampleClient_Trigger() {
	srv := adatest.New()
	defer srv.Close()
	srv.Fail("proactivesms.Trigger", adatest.Failure{Effect: true, Drop: true})

	err := proactivesms.New(srv.Client()).Trigger(context.Background(), proactivesms.Message{
		CampaignKey: "renew_subscriptions",
		PhoneNumber: "4165551234",
	})
	fmt.Println("outcome unknown:", errors.Is(err, ada.ErrOutcomeUnknown))
	fmt.Println("safe to repeat:", ada.Retryable(err))
	fmt.Println("messages on the phone:", len(srv.Outbox()))
	// Output:
	// outcome unknown: true
	// safe to repeat: false
	// messages on the phone: 1
}

// Bad parameters are named, all of them, and nothing is sent.
func ExampleClient_Trigger_faults() {
	client, done := newClient()
	defer done()

	err := proactivesms.New(client).Trigger(context.Background(), proactivesms.Message{
		CampaignKey: "renew_subscriptions",
		PhoneNumber: "1234",
		MetaFields:  map[string]any{"address": map[string]any{"city": "Toronto"}},
	})
	var e *ada.Error
	if errors.As(err, &e) {
		for _, fault := range e.Faults {
			fmt.Println(fault.Field, "|", fault.Reason)
		}
	}
	// Output:
	// PhoneNumber | has 4 digits, not 5 to 15
	// MetaFields["address"] | is a map[string]interface {}, not a string, bool or number
}

// The results come in any order. Keep the outcome of each message, so that none is sent twice.
func ExampleClient_TriggerAll() {
	client, done := newClient()
	defer done()
	messages := []proactivesms.Message{
		{CampaignKey: "renew_subscriptions", PhoneNumber: "4165551234"},
		{CampaignKey: "renew_subscriptions", PhoneNumber: "unknown"},
		{CampaignKey: "renew_subscriptions", PhoneNumber: "4165551236"},
	}

	outcomes := make([]proactivesms.Outcome, len(messages))
	for r := range proactivesms.New(client).TriggerAll(context.Background(), slices.Values(messages)) {
		outcomes[r.Index] = r.Outcome()
		if r.Err != nil {
			fmt.Println(r)
		}
	}
	fmt.Printf("%q\n", outcomes)
	// Output:
	// message 1: not sent: proactivesms.Trigger: invalid: PhoneNumber has other characters than digits, separators and a + in front
	// ["sent" "not sent" "sent"]
}

func ExampleResult_Outcome() {
	srv := adatest.New()
	defer srv.Close()
	srv.Fail("proactivesms.Trigger", adatest.Failure{Status: http.StatusBadGateway})
	messages := slices.Values([]proactivesms.Message{{CampaignKey: "renew_subscriptions", PhoneNumber: "4165551234"}})

	for r := range proactivesms.New(srv.Client()).TriggerAll(context.Background(), messages) {
		switch r.Outcome() {
		case proactivesms.Sent:
			fmt.Println("sent")
		case proactivesms.NotSent:
			fmt.Println("send it again another time")
		case proactivesms.Unknown:
			fmt.Println("find out before it is sent again")
		}
	}
	// Output: find out before it is sent again
}

// A message does not print; its result does, without it.
func Example_redacted() {
	message := proactivesms.Message{CampaignKey: "renew_subscriptions", PhoneNumber: "4165551234"}
	fmt.Printf("%+v\n", message)
	fmt.Printf("%+v\n", proactivesms.Result{Index: 7, Message: message})
	// Output:
	// [REDACTED]
	// message 7: sent
}
