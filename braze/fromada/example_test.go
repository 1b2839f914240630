package fromada_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
	"github.com/adasdk/ada-go/braze/fromada"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/webhooks"
)

// Bring what Ada learns to Braze as it happens. Examples/ada-to-braze is the whole program.
func Example() {
	fakeAda, fakeBraze := adatest.New(), brazetest.New()
	defer fakeAda.Close()
	defer fakeBraze.Close()
	users := endusers.New(fakeAda.Client())

	buffer, err := fakeBraze.Client().NewBuffer(braze.BufferConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	mapping := fromada.Mapping{
		Identify: fromada.Lookup(users),
		Metadata: map[string]string{"plan": "ada_plan"},
	}
	fakeAda.AddWebhook(adatest.Webhook{URL: "https://receiver.example"})
	verifier, err := webhooks.NewVerifier(string(fakeAda.Webhooks()[0].Secret))
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := webhooks.NewMux(webhooks.Config{Verifier: verifier})
	webhooks.Handle(mux, func(ctx context.Context, e webhooks.Event[webhooks.EndUserCreated]) error {
		batch, _, err := mapping.EndUser(ctx, e.Data.EndUser)
		if err != nil {
			return err // Ada delivers the webhook again
		}
		return buffer.Add(ctx, batch)
	})
	webhooks.Handle(mux, func(ctx context.Context, e webhooks.Event[webhooks.ConversationEnded]) error {
		batch, _, err := mapping.ConversationEnded(ctx, e)
		if err != nil {
			return err
		}
		return buffer.Add(ctx, batch)
	})
	fakeAda.Deliver(adatest.DeliverOptions{Handler: http.Handler(mux)})

	ctx := context.Background()
	user, _, err := users.Create(ctx, endusers.NewUser{ExternalID: "crm-42", Profile: endusers.Profile{
		FirstName: "Ada", Language: "pt-BR", Metadata: map[string]any{"plan": "pro"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fakeAda.Emit(webhooks.TypeConversationEnded, map[string]any{"conversation_id": "c1", "end_user_id": user.ID})
	if err := fakeAda.WaitDelivered(ctx); err != nil {
		fmt.Println(err)
	}
	if _, err := buffer.Close(ctx); err != nil {
		fmt.Println(err)
	}
	profile, _ := fakeBraze.Profile("crm-42")
	fmt.Println(profile.Attributes["first_name"], profile.Attributes["language"], profile.Attributes["ada_plan"])
	fmt.Println(fakeBraze.Events()[0].Name)
	// Output:
	// Ada pt pro
	// ada_conversation_ended
}
