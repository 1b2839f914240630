package fromada_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
	"github.com/adasdk/ada-go/braze/fromada"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/webhooks"
)

// body returns what goes out for a batch.
func body(t *testing.T, b braze.Batch) (body string) {
	t.Helper()
	srv := brazetest.NewServer(t)
	if _, err := srv.Client().Track(t.Context(), b); err != nil {
		t.Error(err)
	}
	for _, c := range srv.Calls() {
		body += string(c.Body)
	}
	return body
}

func texts(faults []ada.Fault) (s []string) {
	for _, f := range faults {
		s = append(s, f.Error())
	}
	return s
}

const endUser = `{"end_user_id":"65a1","external_id":"crm-42","profile":{"first_name":"Ada","last_name":"Lovelace","language":"pt-BR",
	"avatar":"https://a.example/a.png","email":"ada@example.com","metadata":{"plan":"pro","seats":9007199254740993,"vip":true,"region":"latam","gone":null}}}`

func TestEndUser(t *testing.T) {
	tests := []struct {
		name    string
		mapping fromada.Mapping
		user    string
		want    string
		omitted []string
	}{
		{"the zero mapping", fromada.Mapping{}, endUser, `{"attributes":[{"external_id":"crm-42","first_name":"Ada","last_name":"Lovelace","language":"pt","image_url":"https://a.example/a.png"}]}`, nil},
		{
			"metadata and email",
			fromada.Mapping{Email: true, Metadata: map[string]string{"plan": "ada_plan", "seats": "seats", "vip": "vip", "gone": "gone", "none": "none", "region": "home_city"}},
			endUser,
			`{"attributes":[{"external_id":"crm-42","email":"ada@example.com","first_name":"Ada","last_name":"Lovelace","home_city":"latam","language":"pt","image_url":"https://a.example/a.png","ada_plan":"pro","seats":9007199254740993,"vip":true}]}`, nil,
		},
		{"without an external id", fromada.Mapping{}, `{"end_user_id":"65a1","profile":{"first_name":"Ada"}}`, `{"attributes":[{"user_alias":{"alias_label":"ada_end_user_id","alias_name":"65a1"},"_update_existing_only":false,"first_name":"Ada"}]}`, nil},
		{"existing users only", fromada.Mapping{UpdateExistingOnly: ada.Set(true)}, `{"end_user_id":"65a1"}`, `{"attributes":[{"user_alias":{"alias_label":"ada_end_user_id","alias_name":"65a1"},"_update_existing_only":true}]}`, nil},
		{"an identity of one's own", fromada.Mapping{Identify: func(_ context.Context, endUserID, externalID string) (braze.User, error) {
			return braze.Alias("mine", endUserID+externalID), nil
		}}, `{"end_user_id":"65a1","external_id":"X"}`, `{"attributes":[{"user_alias":{"alias_label":"mine","alias_name":"65a1X"}}]}`, nil},
		{"nobody", fromada.Mapping{Identify: func(context.Context, string, string) (braze.User, error) { return braze.User{}, nil }}, endUser, ``, nil},
		{
			"what Braze would drop",
			fromada.Mapping{Email: true, Metadata: map[string]string{"plan": "external_id", "long": "long"}},
			`{"end_user_id":"65a1","external_id":"crm-42","profile":{"first_name":"Ada","email":"canary","language":"tlh","metadata":{"plan":"canary","long":"` + strings.Repeat("x", 256) + `"}}}`,
			`{"attributes":[{"external_id":"crm-42","first_name":"Ada"}]}`,
			[]string{"Profile.Language is not two small letters, as ISO 639-1 has it", "Profile.Email is not an address", `Profile.Metadata["long"] has 256 characters, at most 255`, `Profile.Metadata["plan"] cannot be set by its name`},
		},
		{"an external id that is too long", fromada.Mapping{}, `{"end_user_id":"65a1","external_id":"` + strings.Repeat("x", 988) + `"}`, ``, []string{"Attributes[0].User has an external id of 988 bytes, at most 987"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var hook webhooks.EndUser
			var api endusers.User
			if err := json.Unmarshal([]byte(tt.user), &hook); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(tt.user), &api); err != nil {
				t.Fatal(err)
			}
			b1, o1, err1 := tt.mapping.EndUser(t.Context(), hook)
			b2, o2, err2 := tt.mapping.Profile(t.Context(), &api)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			for _, b := range []braze.Batch{b1, b2} {
				if diff := cmp.Diff(tt.want, body(t, b)); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
			for _, o := range [][]ada.Fault{o1, o2} {
				if diff := cmp.Diff(tt.omitted, texts(o)); diff != "" {
					t.Errorf("omitted (-want +got)\n%s", diff)
				}
			}
		})
	}
}

// hook decodes a webhook as Ada sends it.
func hook[T any](t *testing.T, kind, data string) webhooks.Event[T] {
	t.Helper()
	var e webhooks.Event[T]
	if err := json.Unmarshal(fmt.Appendf(nil, `{"type":%q,"timestamp":"2026-06-01T12:30:00Z","data":%s}`, kind, data), &e); err != nil {
		t.Fatal(err)
	}
	e.ID = "msg_1"
	return e
}

func TestConversations(t *testing.T) {
	const (
		created = `{"conversation_id":"c1","channel_id":"ch1","end_user_id":"65a1","created_at":"2026-06-01T12:00:00Z","metadata":{"topic":"refund"}}`
		ended   = `{"conversation_id":"c1","channel_id":"ch1","end_user_id":"65a1","ended_by":{"role":"end_user"},"metadata":{"csat":5}}`
		handoff = `{"conversation_id":"c1","end_user_id":"65a1","handoff_integration":"zendesk"}`
		alias   = `{"events":[{"user_alias":{"alias_label":"ada_end_user_id","alias_name":"65a1"},"_update_existing_only":false,`
		when    = `"time":"2026-06-01T12:30:00.000Z","properties":{`
	)
	ctx := t.Context()
	m := fromada.Mapping{Metadata: map[string]string{"topic": "topic", "csat": "score"}}
	for name, tt := range map[string]struct {
		call func(fromada.Mapping) (braze.Batch, []ada.Fault, error)
		want string
	}{
		"created": {func(m fromada.Mapping) (braze.Batch, []ada.Fault, error) {
			return m.ConversationCreated(ctx, hook[webhooks.ConversationCreated](t, webhooks.TypeConversationCreated, created))
		}, alias + `"name":"ada_conversation_started",` + when + `"ada_event_id":"msg_1","channel_id":"ch1","conversation_id":"c1","topic":"refund"}}]}`},
		"ended": {func(m fromada.Mapping) (braze.Batch, []ada.Fault, error) {
			return m.ConversationEnded(ctx, hook[webhooks.ConversationEnded](t, webhooks.TypeConversationEnded, ended))
		}, alias + `"name":"ada_conversation_ended",` + when + `"ada_event_id":"msg_1","channel_id":"ch1","conversation_id":"c1","ended_by":"end_user","score":5}}]}`},
		"handoff": {func(m fromada.Mapping) (braze.Batch, []ada.Fault, error) {
			return m.HandoffEnded(ctx, hook[webhooks.ConversationHandoffEnded](t, webhooks.TypeConversationHandoffEnded, handoff))
		}, alias + `"name":"ada_handoff_ended",` + when + `"ada_event_id":"msg_1","conversation_id":"c1","handoff_integration":"zendesk"}}]}`},
	} {
		b, omitted, err := tt.call(m)
		if err != nil || len(omitted) > 0 {
			t.Errorf("%s: %v, %v", name, omitted, err)
		}
		if diff := cmp.Diff(tt.want, body(t, b)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		b, _, err = tt.call(fromada.Mapping{Events: map[string]string{}})
		if err != nil || b.Len() != 0 {
			t.Errorf("%s, without a name: %v, %v", name, b, err)
		}
		other := fromada.Mapping{Events: map[string]string{
			webhooks.TypeConversationCreated: "other", webhooks.TypeConversationEnded: "other", webhooks.TypeConversationHandoffEnded: "other",
		}}
		if b, _, err = tt.call(other); err != nil || b.Len() != 1 || b.Events[0].Name != "other" {
			t.Errorf("%s, with another name: %v, %v", name, b, err)
		}
		fail := errors.New("no")
		failing := fromada.Mapping{Identify: func(context.Context, string, string) (braze.User, error) { return braze.User{}, fail }}
		if b, _, err = tt.call(failing); !errors.Is(err, fail) || b.Len() != 0 {
			t.Errorf("%s, with nobody to identify: %v, %v", name, b, err)
		}
	}
	e := hook[webhooks.ConversationCreated](t, webhooks.TypeConversationCreated, `{"conversation_id":"c1"}`)
	if b, omitted, err := m.ConversationCreated(ctx, e); b.Len() != 0 || len(omitted) != 1 || err != nil {
		t.Errorf("without an end user: %v, %v, %v", b, omitted, err)
	}
	e = hook[webhooks.ConversationCreated](t, webhooks.TypeConversationCreated, created)
	e.Timestamp = time.Time{}
	b, _, err := m.ConversationCreated(ctx, e)
	if err != nil || !b.Events[0].Time.Equal(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("without a timestamp: %v", err)
	}
}

func TestLookup(t *testing.T) {
	srv := adatest.NewServer(t)
	users := endusers.New(srv.Client())
	known, _, err := users.Create(t.Context(), endusers.NewUser{ExternalID: "crm-42"})
	if err != nil {
		t.Fatal(err)
	}
	anonymous, _, err := users.Create(t.Context(), endusers.NewUser{})
	if err != nil {
		t.Fatal(err)
	}
	look := fromada.Lookup(users)
	for _, tt := range []struct {
		id, externalID string
		want           braze.User
		requests       int
	}{
		{known.ID, "", braze.ExternalID("crm-42"), 1},
		{known.ID, "crm-43", braze.ExternalID("crm-43"), 0},
		{anonymous.ID, "", braze.Alias(fromada.AliasLabel, anonymous.ID), 1},
		{"gone", "", braze.Alias(fromada.AliasLabel, "gone"), 1},
	} {
		before := len(srv.Calls("endusers.Get"))
		got, err := look(t.Context(), tt.id, tt.externalID)
		if err != nil || got != tt.want || len(srv.Calls("endusers.Get"))-before != tt.requests {
			t.Errorf("%s: %v", tt.id, err)
		}
	}
	srv.Fail("endusers.Get", adatest.Failure{Status: 403})
	if _, err := look(t.Context(), known.ID, ""); !errors.Is(err, ada.ErrForbidden) {
		t.Error(err)
	}
}

// A user that Braze would refuse is named as such, and not once for each field of the event.
func TestUserThatBrazeRefuses(t *testing.T) {
	m := fromada.Mapping{
		Identify: func(context.Context, string, string) (braze.User, error) {
			return braze.ExternalID(strings.Repeat("x", 998)), nil
		},
		Metadata: map[string]string{"plan": "ada_plan"},
	}
	e := webhooks.Event[webhooks.ConversationEnded]{Type: webhooks.TypeConversationEnded, Timestamp: time.Now()}
	e.Data.EndUserID, e.Data.ConversationID, e.Data.Metadata = "eu-1", "c-1", webhooks.Metadata{"plan": []byte(`"pro"`)}
	batch, omitted, err := m.ConversationEnded(t.Context(), e)
	if err != nil || batch.Len() != 0 {
		t.Errorf("got %v, %v", batch, err)
	}
	if len(omitted) != 1 || omitted[0].Field != "Events[0].User" {
		t.Errorf("omitted: %v", omitted)
	}
}
