package adatest_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/endusers"
	hooks "github.com/adasdk/ada-go/webhooks"
)

// What receives webhooks is given to the fake as a handler, which then gets signed deliveries of what clients do.
func ExampleServer_Deliver() {
	srv := adatest.New()
	defer srv.Close()

	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	verifier, err := hooks.NewVerifier(secret)
	if err != nil {
		panic(err)
	}
	mux := hooks.NewMux(hooks.Config{Verifier: verifier})
	hooks.Handle(mux, func(_ context.Context, e hooks.Event[hooks.EndUserCreated]) error {
		fmt.Println(e.Type, e.Data.ExternalID)
		return nil
	})
	srv.AddWebhook(adatest.Webhook{URL: "https://hooks.example.com/ada", Secret: secret})
	srv.Deliver(adatest.DeliverOptions{Handler: mux})

	_, _, err = endusers.New(srv.Client()).Create(context.Background(), endusers.NewUser{ExternalID: "crm-42"})
	if err != nil {
		panic(err)
	}
	if err := srv.WaitDelivered(context.Background()); err != nil {
		panic(err)
	}
	fmt.Println(srv.Attempts()[0].Status)
	// Output:
	// v1.end_user.created crm-42
	// 200
}

// Events that no client causes, such as those of conversations, happen when the test says so.
func ExampleServer_Emit() {
	srv := adatest.New()
	defer srv.Close()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	verifier, err := hooks.NewVerifier(secret)
	if err != nil {
		panic(err)
	}
	mux := hooks.NewMux(hooks.Config{Verifier: verifier})
	hooks.Handle(mux, func(_ context.Context, e hooks.Event[hooks.ConversationEnded]) error {
		fmt.Println(e.Data.ConversationID, "was ended by", e.Data.EndedBy.Role)
		return nil
	})
	srv.AddWebhook(adatest.Webhook{URL: "https://hooks.example.com/ada", Secret: secret})
	srv.Deliver(adatest.DeliverOptions{Handler: mux})

	srv.Emit(hooks.TypeConversationEnded, map[string]any{
		"conversation_id": "65a17e3f43bec88e2792d0eb", "ended_by": map[string]any{"role": "ai_agent"},
	})
	if err := srv.WaitDelivered(context.Background()); err != nil {
		panic(err)
	}
	// Output: 65a17e3f43bec88e2792d0eb was ended by ai_agent
}

// The receiver is down at first. With Ada's own schedule a test needs testing/synctest, in which hours take no time.
func ExampleServer_Attempts() {
	srv := adatest.New()
	defer srv.Close()
	down := true
	receiver := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		down = false
	})
	srv.AddWebhook(adatest.Webhook{URL: "https://hooks.example.com/ada"})
	srv.Deliver(adatest.DeliverOptions{Handler: receiver, Schedule: []time.Duration{0, time.Millisecond}})

	srv.AddEndUser(adatest.EndUser{ExternalID: "crm-42"})
	if err := srv.WaitDelivered(context.Background()); err != nil {
		panic(err)
	}
	for _, a := range srv.Attempts() {
		fmt.Println(a.Type, a.Number, a.Status)
	}
	// Output:
	// v1.end_user.created 1 503
	// v1.end_user.created 2 200
}

// Ada can deliver a message twice. A receiver that goes by its id does what is to be done once.
func ExampleServer_WaitDelivered() {
	srv := adatest.New()
	defer srv.Close()
	done := map[string]bool{} // in a program, a unique key in a database
	receiver := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get("webhook-id"); !done[id] {
			done[id] = true
			fmt.Println("welcome")
		}
	})
	srv.AddWebhook(adatest.Webhook{URL: "https://hooks.example.com/ada"})
	srv.Deliver(adatest.DeliverOptions{Handler: receiver, Twice: true, Schedule: []time.Duration{0, time.Millisecond}})

	srv.AddEndUser(adatest.EndUser{ExternalID: "crm-42"})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.WaitDelivered(ctx); err != nil {
		panic(err)
	}
	fmt.Println(len(srv.Attempts()), "deliveries")
	// Output:
	// welcome
	// 2 deliveries
}
