package adatest_test

import (
	"context"
	"fmt"

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
