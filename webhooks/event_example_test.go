package webhooks_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/adasdk/ada-go/webhooks"
)

func ExampleEndUserCreated() {
	mux, verifier := newReceiver()
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[webhooks.EndUserCreated]) error {
		fmt.Println(e.Data.ID, e.Data.ExternalID, e.Data.CreatedAt)
		return nil
	})

	send(mux, verifier, "msg_1", `{"type":"v1.end_user.created","data":{
		"end_user_id":"eu1","external_id":"crm-42","created_at":"2026-01-01T12:00:00"}}`)
	// Output:
	// eu1 crm-42 2026-01-01 12:00:00 +0000 UTC
	// 200
}

func ExampleConversationCreated() {
	mux, verifier := newReceiver()
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[webhooks.ConversationCreated]) error {
		page, _ := e.Data.Metadata.String("page")
		fmt.Println(e.Data.ConversationID, "of", e.Data.EndUserID, "on", page)
		return nil
	})

	send(mux, verifier, "msg_1", `{"type":"v1.conversation.created","data":{
		"conversation_id":"c1","end_user_id":"eu1","metadata":{"page":"/pricing"}}}`)
	// Output:
	// c1 of eu1 on /pricing
	// 200
}

// What is set of the content depends on its type.
func ExampleConversationMessage() {
	mux, verifier := newReceiver()
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[webhooks.ConversationMessage]) error {
		if e.Data.Author.Role != webhooks.RoleEndUser {
			return nil
		}
		switch content := e.Data.Content; content.Type {
		case webhooks.ContentText:
			fmt.Println("text:", content.Body)
		case webhooks.ContentFile:
			fmt.Println("file:", content.Filename, content.MIMEType) // fetch its URL within 7 days
		default:
			fmt.Printf("%s: %s\n", content.Type, content.Raw)
		}
		return nil
	})

	send(mux, verifier, "msg_1", `{"type":"v1.conversation.message","data":{
		"author":{"role":"end_user"},"content":{"type":"text","body":"Where is my order?"}}}`)
	send(mux, verifier, "msg_2", `{"type":"v1.conversation.message","data":{
		"author":{"role":"end_user"},"content":{"type":"location","lat":51.5,"lon":-0.1}}}`)
	// Output:
	// text: Where is my order?
	// 200
	// location: {"type":"location","lat":51.5,"lon":-0.1}
	// 200
}

func ExampleConversationHandoffEnded() {
	mux, verifier := newReceiver()
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[webhooks.ConversationHandoffEnded]) error {
		fmt.Println(e.Data.ConversationID, "is back from", e.Data.HandoffIntegration)
		return nil
	})

	send(mux, verifier, "msg_1", `{"type":"v1.conversation.handoff.ended","data":{
		"conversation_id":"c1","handoff_integration":"zendesk"}}`)
	// Output:
	// c1 is back from zendesk
	// 200
}

func ExampleAuditLogEmitted() {
	mux, verifier := newReceiver()
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[webhooks.AuditLogEmitted]) error {
		if e.Data.Activity == webhooks.ActivityDeleted {
			fmt.Println(e.Data.EntityType, "deleted by", e.Data.ActorName)
		}
		return nil
	})

	send(mux, verifier, "msg_1", `{"type":"v1.audit_log.emitted","data":{
		"activity":"deleted","entity_type":"playbook","actor_name":"Augusta"}}`)
	// Output:
	// playbook deleted by Augusta
	// 200
}

// The event types that a program handles are the filters of its endpoint.
func ExampleProactiveCall_EventTypes() {
	for _, t := range (webhooks.ProactiveCall{}).EventTypes() {
		fmt.Println(t)
	}
	// Output:
	// v1.proactive_call.queued
	// v1.proactive_call.initiated
	// v1.proactive_call.answered
	// v1.proactive_call.machine_detected
	// v1.proactive_call.failed
}

func ExampleMetadata_String() {
	metadata := webhooks.Metadata{"plan": []byte(`"pro"`), "seats": []byte(`12`)} // as an event has it
	plan, ok := metadata.String("plan")
	fmt.Println(plan, ok)
	_, ok = metadata.String("seats")
	fmt.Println(ok)
	// Output:
	// pro true
	// false
}

func ExampleMetadata_Bool() {
	metadata := webhooks.Metadata{"trial": []byte(`true`)} // as an event has it
	trial, ok := metadata.Bool("trial")
	fmt.Println(trial, ok)
	// Output: true true
}

// Integers are exact, also where a float64 would not be.
func ExampleMetadata_Int64() {
	metadata := webhooks.Metadata{"account": []byte(`9007199254740993`)} // as an event has it
	account, ok := metadata.Int64("account")
	fmt.Println(account, ok)
	// Output: 9007199254740993 true
}

func ExampleMetadata_Float64() {
	metadata := webhooks.Metadata{"balance": []byte(`12.5`)} // as an event has it
	balance, ok := metadata.Float64("balance")
	fmt.Println(balance, ok)
	// Output: 12.5 true
}

// What an event says does not get into logs by accident.
func Example_redacted() {
	user := webhooks.EndUser{ID: "eu1", Profile: webhooks.Profile{Email: "ada@example.com"}}
	fmt.Println(user, user.Profile)
	message := webhooks.ConversationMessage{
		Author:  webhooks.Author{DisplayName: "Ada"},
		Channel: webhooks.Channel{Metadata: webhooks.Metadata{"token": []byte(`"eyJhbGciOi"`)}},
		Content: webhooks.Content{Body: "Where is my order?"},
	}
	fmt.Println(message, message.Author, message.Channel, message.Content)
	fmt.Println(webhooks.EndedBy{ID: "agent-7"}, message.Channel.Metadata)

	event := webhooks.Event[webhooks.ConversationMessage]{ID: "msg_1", Type: webhooks.TypeConversationMessage, Data: message}
	b, err := json.Marshal(event)
	fmt.Println(string(b), err)
	// Output:
	// [REDACTED] [REDACTED]
	// [REDACTED] [REDACTED] [REDACTED] [REDACTED]
	// [REDACTED] [REDACTED]
	// "webhooks.Event(v1.conversation.message msg_1)" <nil>
}
