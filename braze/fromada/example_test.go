package fromada_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

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
	profile, _ := fakeBraze.Profile(braze.ExternalID("crm-42"))
	fmt.Println(profile.Attributes["first_name"], profile.Attributes["language"], profile.Attributes["ada_plan"])
	fmt.Println(fakeBraze.Events()[0].Name)
	// Output:
	// Ada pt pro
	// ada_conversation_ended
}

// Somebody with an id of your own is known at Braze by it, and anybody else by Ada's id as an alias.
func ExampleIdentify() {
	ctx := context.Background()
	for _, externalID := range []string{"crm-42", ""} {
		user, err := fromada.Identify(ctx, "5f7e0e2c1e7c7e000f0f9c3a", externalID)
		fmt.Println(user, err, user == braze.ExternalID("crm-42"), user == braze.Alias(fromada.AliasLabel, "5f7e0e2c1e7c7e000f0f9c3a"))
	}
	// Output:
	// braze.User(external_id) <nil> true false
	// braze.User(user_alias) <nil> false true
}

// Ada may change the case of an external id, and to Braze case matters. Here the ids at Braze are in capital letters.
func ExampleIdentify_ownIDs() {
	mapping := fromada.Mapping{
		Identify: func(ctx context.Context, endUserID, externalID string) (braze.User, error) {
			return fromada.Identify(ctx, endUserID, strings.ToUpper(externalID))
		},
	}
	batch, _, err := mapping.EndUser(context.Background(), webhooks.EndUser{ID: "5f7e0e2c1e7c7e000f0f9c3a", ExternalID: "crm-42"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(batch.Attributes[0].User == braze.ExternalID("CRM-42"))
	// Output: true
}

// Events of conversations have Ada's id of the person alone. A Lookup asks for the external id, so that they come to the
// same profile as everything else.
func ExampleLookup() {
	fakeAda := adatest.New()
	defer fakeAda.Close()
	id := fakeAda.AddEndUser(adatest.EndUser{ExternalID: "crm-42"})

	mapping := fromada.Mapping{Identify: fromada.Lookup(endusers.New(fakeAda.Client()))}
	batch, _, err := mapping.ConversationEnded(context.Background(), webhooks.Event[webhooks.ConversationEnded]{
		Type: webhooks.TypeConversationEnded,
		Data: webhooks.ConversationEnded{ConversationID: "c-1", EndUserID: id},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(batch.Events[0].User == braze.ExternalID("crm-42"))
	// Output: true
}

// What has changed at Ada becomes attributes, and what Braze would not take is named.
func ExampleMapping_EndUser() {
	mapping := fromada.Mapping{Metadata: map[string]string{"plan": "ada_plan", "region": "$region"}}
	batch, omitted, err := mapping.EndUser(context.Background(), webhooks.EndUser{
		ID: "5f7e0e2c1e7c7e000f0f9c3a", ExternalID: "crm-42",
		Profile: webhooks.Profile{
			FirstName: "Ada", Language: "pt-BR",
			Metadata: webhooks.Metadata{"plan": []byte(`"pro"`), "region": []byte(`"latam"`)},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, attributes := range batch.Attributes {
		name, _ := attributes.FirstName.Get()
		language, _ := attributes.Language.Get()
		fmt.Println(name, language, attributes.Custom["ada_plan"])
	}
	for _, fault := range omitted {
		fmt.Println("left out:", fault)
	}
	// Output:
	// Ada pt pro
	// left out: Profile.Metadata["region"] has a name that begins with a $
}

// All end users whom Ada has, once, before webhooks tell of what changes.
func ExampleMapping_Profile() {
	fakeAda, fakeBraze := adatest.New(), brazetest.New()
	defer fakeAda.Close()
	defer fakeBraze.Close()
	for _, id := range []string{"crm-1", "crm-2"} {
		fakeAda.AddEndUser(adatest.EndUser{ExternalID: id, Profile: map[string]any{"metadata": map[string]any{"plan": "pro"}}})
	}
	ctx := context.Background()

	mapping := fromada.Mapping{Metadata: map[string]string{"plan": "ada_plan"}}
	var all braze.Batch
	for user, err := range endusers.New(fakeAda.Client()).All(ctx, endusers.ListParams{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		batch, _, err := mapping.Profile(ctx, user)
		if err != nil {
			fmt.Println(err)
			return
		}
		all = all.Append(batch)
	}
	result, err := fakeBraze.Client().Track(ctx, all)
	fmt.Println(result, err)
	// Output: braze.Result(2 processed) <nil>
}

// The names of the events are those that your campaigns use; a type without a name becomes nothing.
func ExampleMapping_ConversationCreated() {
	mapping := fromada.Mapping{
		Events:   map[string]string{webhooks.TypeConversationCreated: "support_chat_started"},
		Metadata: map[string]string{"order": "order_number"},
	}
	batch, omitted, err := mapping.ConversationCreated(context.Background(), webhooks.Event[webhooks.ConversationCreated]{
		ID: "msg_1", Type: webhooks.TypeConversationCreated, Timestamp: time.Date(2026, time.June, 1, 12, 30, 0, 0, time.UTC),
		Data: webhooks.ConversationCreated{
			ConversationID: "c-1", EndUserID: "5f7e0e2c1e7c7e000f0f9c3a",
			Metadata: webhooks.Metadata{"order": []byte(`17`)},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, event := range batch.Events {
		fmt.Println(event.Name, event.Time.Format(time.Kitchen), event.Properties["order_number"], event.Properties["conversation_id"], omitted)
	}
	// Output: support_chat_started 12:30PM 17 c-1 []
}

// Who has ended a conversation tells whether the AI Agent brought it to its end.
func ExampleMapping_ConversationEnded() {
	batch, _, err := fromada.Mapping{}.ConversationEnded(context.Background(), webhooks.Event[webhooks.ConversationEnded]{
		ID: "msg_2", Type: webhooks.TypeConversationEnded, Timestamp: time.Date(2026, time.June, 1, 12, 40, 0, 0, time.UTC),
		Data: webhooks.ConversationEnded{
			ConversationID: "c-1", EndUserID: "5f7e0e2c1e7c7e000f0f9c3a",
			EndedBy: webhooks.EndedBy{Role: webhooks.RoleAIAgent},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, event := range batch.Events {
		fmt.Println(event.Name, event.Properties["ended_by"], event.Properties["ada_event_id"])
	}
	// Output: ada_conversation_ended ai_agent msg_2
}

func ExampleMapping_HandoffEnded() {
	batch, _, err := fromada.Mapping{}.HandoffEnded(context.Background(), webhooks.Event[webhooks.ConversationHandoffEnded]{
		ID: "msg_3", Type: webhooks.TypeConversationHandoffEnded, Timestamp: time.Date(2026, time.June, 1, 12, 50, 0, 0, time.UTC),
		Data: webhooks.ConversationHandoffEnded{
			ConversationID: "c-1", EndUserID: "5f7e0e2c1e7c7e000f0f9c3a", HandoffIntegration: "zendesk",
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, event := range batch.Events {
		fmt.Println(event.Name, event.Properties["handoff_integration"])
	}
	// Output: ada_handoff_ended zendesk
}
