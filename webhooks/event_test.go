package webhooks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adasdk/ada-go/webhooks"
	"github.com/google/go-cmp/cmp"
)

// decoded returns the event that a body is of, and fails the test if Raw is anything else than the body.
func decoded[T any](t *testing.T, body string) webhooks.Event[T] {
	t.Helper()
	var e webhooks.Event[T]
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if string(e.Raw) != body {
		t.Errorf("Raw is %s, want %s", e.Raw, body)
	}
	return e
}

// checkData decodes an event with this data. The comparison is by field: the types print redacted.
func checkData[T webhooks.Payload](t *testing.T, data string, want T) {
	t.Helper()
	for _, typ := range want.EventTypes() {
		e := decoded[T](t, `{"type":"`+typ+`","timestamp":"2024-01-17T22:23:35.835","tags":["x","y"],"data":`+data+`}`)
		if diff := cmp.Diff(want, e.Data); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", typ, diff)
		}
		if e.Type != typ || !slices.Equal(e.Tags, []string{"x", "y"}) ||
			!e.Timestamp.Equal(time.Date(2024, 1, 17, 22, 23, 35, 835_000_000, time.UTC)) {
			t.Errorf("%s: got %s, %s, %q", typ, e.Type, e.Timestamp, e.Tags)
		}
	}
}

const endUserData = `{"end_user_id":"eu1","external_id":"crm-42","profile":{"first_name":"Ada","last_name":"Lovelace",
"display_name":"Ada L","avatar":"https://a.example/a.png","email":"ada@example.com","language":"pt-BR",
"metadata":{"plan":"pro","vip":true,"n":9007199254740993},"system_properties":{"sunshine_user_id":"s1","new":1}},
"created_at":"2020-09-20T00:00:00+00:00","updated_at":"2023-12-08T19:06:04.890000","new":{"a":[1]}}`

func TestPayloads(t *testing.T) {
	created := time.Date(2020, 9, 20, 0, 0, 0, 0, time.UTC)
	updated := time.Date(2023, 12, 8, 19, 6, 4, 890_000_000, time.UTC)
	user := webhooks.EndUser{
		ID: "eu1", ExternalID: "crm-42", SunshineUserID: "s1", CreatedAt: created, UpdatedAt: updated,
		Profile: webhooks.Profile{
			FirstName: "Ada", LastName: "Lovelace", DisplayName: "Ada L", AvatarURL: "https://a.example/a.png",
			Email: "ada@example.com", Language: "pt-BR",
			Metadata: webhooks.Metadata{
				"plan": json.RawMessage(`"pro"`), "vip": json.RawMessage(`true`), "n": json.RawMessage(`9007199254740993`),
			},
		},
	}
	checkData(t, endUserData, webhooks.EndUserCreated{EndUser: user})
	checkData(t, endUserData, webhooks.EndUserUpdated{EndUser: user})

	checkData(t, `{"conversation_id":"c1","channel_id":"ch1","created_at":"2020-09-20T00:00:00+00:00","end_user_id":"eu1",
		"metadata":{"f":1.5},"ai_agent_domain":"acme"}`,
		webhooks.ConversationCreated{
			ConversationID: "c1", ChannelID: "ch1", EndUserID: "eu1", CreatedAt: created,
			Metadata: webhooks.Metadata{"f": json.RawMessage(`1.5`)}, AIAgentDomain: "acme",
		})
	checkData(t, `{"message_id":"m1","conversation_id":"c1","end_user_id":"eu1","handoff_integration":"zendesk",
		"channel":{"type":"custom","id":"ch1","name":"App","description":"Our app","modality":"messaging",
			"capabilities":{"markdown":true},"metadata":{"k":"v"},"created_at":"2020-09-20T00:00:00Z"},
		"created_at":"2023-12-08T20:06:04.89+01:00",
		"author":{"id":"eu1","role":"end_user","avatar":"https://a.example/a.png","display_name":"Ada"},
		"content":{"type":"text","body":"hi"},"ai_agent_domain":"acme"}`,
		webhooks.ConversationMessage{
			MessageID: "m1", ConversationID: "c1", EndUserID: "eu1", HandoffIntegration: "zendesk",
			Channel: webhooks.Channel{
				Type: webhooks.ChannelCustom, ID: "ch1", Name: "App", Description: "Our app",
				Modality: webhooks.ModalityMessaging, Markdown: true,
				Metadata: webhooks.Metadata{"k": json.RawMessage(`"v"`)}, CreatedAt: created,
			},
			CreatedAt: updated,
			Author: webhooks.Author{
				ID: "eu1", Role: webhooks.RoleEndUser, AvatarURL: "https://a.example/a.png", DisplayName: "Ada",
			},
			Content: webhooks.Content{
				Type: webhooks.ContentText, Body: "hi", Raw: json.RawMessage(`{"type":"text","body":"hi"}`),
			},
			AIAgentDomain: "acme",
		})
	checkData(t, `{"message_id":"m1","handoff_integration":null,
		"channel":{"type":"new","id":"n","name":"Chat","description":"","modality":"telepathy"},
		"author":{"id":null,"role":"poltergeist","avatar":null,"display_name":null},"content":null}`,
		webhooks.ConversationMessage{
			MessageID: "m1", Channel: webhooks.Channel{Type: "new", ID: "n", Name: "Chat", Modality: "telepathy"},
			Author: webhooks.Author{Role: "poltergeist"},
		})
	checkData(t, `{"conversation_id":"c1","channel_id":"ch1","end_user_id":"eu1","created_at":"2020-09-20T00:00:00",
		"updated_at":"2023-12-08T19:06:04.89Z","ended_by":{"id":"h1","role":"human_agent"},"metadata":{"b":false},"ai_agent_domain":"acme"}`,
		webhooks.ConversationEnded{
			ConversationID: "c1", ChannelID: "ch1", EndUserID: "eu1", CreatedAt: created, UpdatedAt: updated,
			EndedBy:  webhooks.EndedBy{ID: "h1", Role: webhooks.RoleHumanAgent},
			Metadata: webhooks.Metadata{"b": json.RawMessage(`false`)}, AIAgentDomain: "acme",
		})
	checkData(t, `{"conversation_id":"c1","end_user_id":"eu1","handoff_integration":"zendesk","ai_agent_domain":"acme"}`,
		webhooks.ConversationHandoffEnded{
			ConversationID: "c1", EndUserID: "eu1", HandoffIntegration: "zendesk", AIAgentDomain: "acme",
		})
	checkData(t, `{"id":"au1","timestamp":"2020-09-20T00:00:00.000Z","actor_email":"boss@example.com","actor_name":"Boss",
		"actor_user_id":"u1","entity_type":"webhook","entity_id":"ep_1","entity_name":"CRM","activity":"deactivated",
		"interface":"dashboard","context_ip":"192.0.2.1","context_user_agent":"curl","api_key_name":"ci"}`,
		webhooks.AuditLogEmitted{
			ID: "au1", Timestamp: created, ActorEmail: "boss@example.com", ActorName: "Boss", ActorUserID: "u1",
			EntityType: "webhook", EntityID: "ep_1", EntityName: "CRM", Activity: webhooks.ActivityDeactivated,
			Interface: "dashboard", ContextIP: "192.0.2.1", ContextUserAgent: "curl", APIKeyName: "ci",
		})
	checkData(t, `{"proactive_attempt_id":"p1","conversation_id":"c1","failure_reason":"no_answer"}`,
		webhooks.ProactiveCall{AttemptID: "p1", ConversationID: "c1", FailureReason: "no_answer"})
	checkData(t, `{"proactive_attempt_id":"p1","conversation_id":null}`, webhooks.ProactiveCall{AttemptID: "p1"})
}

// Each payload stays zero where Ada sends null, or nothing.
func TestNulls(t *testing.T) {
	checkData(t, `{}`, webhooks.EndUserCreated{})
	checkData(t, `{"end_user_id":null,"external_id":null,"profile":null,"created_at":null,"updated_at":null}`, webhooks.EndUserUpdated{})
	checkData(t, `{"profile":{"first_name":null,"email":null,"metadata":null,"system_properties":null}}`, webhooks.EndUserUpdated{})
	checkData(t, `{"conversation_id":null,"created_at":null,"metadata":null}`, webhooks.ConversationCreated{})
	checkData(t, `{"channel":null,"author":null,"content":null}`, webhooks.ConversationMessage{})
	checkData(t, `{"channel":{"capabilities":null,"metadata":null,"created_at":null}}`, webhooks.ConversationMessage{})
	checkData(t, `{"ended_by":null}`, webhooks.ConversationEnded{})
	checkData(t, `{}`, webhooks.ConversationHandoffEnded{})
	checkData(t, `{"activity":null}`, webhooks.AuditLogEmitted{})
	checkData(t, `{}`, webhooks.ProactiveCall{})
}

func TestContent(t *testing.T) {
	for raw, want := range map[string]webhooks.Content{
		`{"type":"text","body":"hi"}`: {Type: webhooks.ContentText, Body: "hi"},
		`{"type":"link","url":"https://a.example","link_text":"Rate us"}`: {
			Type: webhooks.ContentLink, URL: "https://a.example", LinkText: "Rate us",
		},
		`{"type":"link","url":"https://a.example","link_text":null}`: {Type: webhooks.ContentLink, URL: "https://a.example"},
		`{"type":"file","url":"https://a.example/f","mime_type":"image/png","filename":"f.png"}`: {
			Type: webhooks.ContentFile, URL: "https://a.example/f", MIMEType: "image/png", Filename: "f.png",
		},
		`{"type":"presence","body":"joined"}`:      {Type: webhooks.ContentPresence, Body: "joined"},
		`{"type":"presence","body":{"state":"x"}}`: {Type: webhooks.ContentPresence},
		`{"type":"hologram","body":{"voxels":3}}`:  {Type: "hologram"},
		`{"body":"hi"}`: {},
		`{"type":7}`:    {},
		`"hi"`:          {},
		`[]`:            {},
	} {
		want.Raw = json.RawMessage(raw)
		got := decoded[webhooks.ConversationMessage](t, `{"type":"v1.conversation.message","data":{"content":`+raw+`}}`)
		if diff := cmp.Diff(want, got.Data.Content); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", raw, diff)
		}
	}
}

func TestTimestamps(t *testing.T) {
	at := time.Date(2023, 12, 8, 19, 6, 4, 0, time.UTC)
	for raw, want := range map[string]time.Time{
		`"2023-12-08T19:06:04+00:00"`:      at,
		`"2023-12-08T19:06:04Z"`:           at,
		`"2023-12-08T19:06:04"`:            at,
		`"2023-12-08T14:06:04-05:00"`:      at,
		`"2023-12-08T19:06:04.890000"`:     at.Add(890 * time.Millisecond),
		`"2023-12-08T19:06:04.89+00:00"`:   at.Add(890 * time.Millisecond),
		`"2023-12-08T19:06:04.123456789Z"`: at.Add(123456789),
		`""`:                               {}, `null`: {}, `"yesterday"`: {}, `1702062364`: {}, `{}`: {}, `"2023-13-08T19:06:04"`: {}, `"2023-12-08"`: {},
	} {
		e := decoded[json.RawMessage](t, `{"type":"t","timestamp":`+raw+`}`)
		if !e.Timestamp.Equal(want) || e.Timestamp.Location() != time.UTC {
			t.Errorf("%s: got %s, want %s", raw, e.Timestamp, want)
		}
	}
}

func TestMetadata(t *testing.T) {
	m := decoded[webhooks.ConversationCreated](t, `{"type":"t","data":{"metadata":{"s":"x","t":true,"f":false,"i":9007199254740993,
		"min":-9223372036854775808,"big":9223372036854775808,"d":1.5,"e":1e3,"null":null,"o":{},"empty":""}}}`).Data.Metadata
	type result struct {
		S  string
		B  bool
		I  int64
		F  float64
		Is string // which of the methods report true
	}
	for key, want := range map[string]result{
		"s":       {S: "x", Is: "s"},
		"empty":   {Is: "s"},
		"t":       {B: true, Is: "b"},
		"f":       {Is: "b"},
		"i":       {I: 9007199254740993, F: 9007199254740992, Is: "if"},
		"min":     {I: -9223372036854775808, F: -9223372036854775808, Is: "if"},
		"big":     {F: 9223372036854775808, Is: "f"},
		"d":       {F: 1.5, Is: "f"},
		"e":       {F: 1000, Is: "f"},
		"null":    {},
		"o":       {},
		"missing": {},
	} {
		var got result
		var s, b, i, f bool
		got.S, s = m.String(key)
		got.B, b = m.Bool(key)
		got.I, i = m.Int64(key)
		got.F, f = m.Float64(key)
		for j, is := range []bool{s, b, i, f} {
			if is {
				got.Is += string("sbif"[j])
			}
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", key, got, want)
		}
	}
	if string(m["big"]) != "9223372036854775808" {
		t.Errorf("big is %s", m["big"])
	}
	if _, ok := webhooks.Metadata(nil).String("s"); ok {
		t.Error("nil metadata has a value")
	}
}

func TestMalformedEvents(t *testing.T) {
	const at = `,"timestamp":"2024-01-17T22:23:35.835"`
	for body, want := range map[string]string{
		`{"type":`:                        "unexpected end of JSON input", // of encoding/json, which looks at all of it first
		`null`:                            "webhooks: the event has no type",
		`{}`:                              "webhooks: the event has no type",
		`{"type":""` + at + `}`:           "webhooks: the event has no type",
		`{"type":null}`:                   "webhooks: the event has no type",
		`{"type":14165551234}`:            "webhooks: the field type of the event has another type",
		`{"type":"t","tags":14165551234}`: "webhooks: the event has no data", // tags of another kind are no reason to refuse
		`[14165551234]`:                   "webhooks: the event or its data is not an object",
		`14165551234`:                     "webhooks: the event or its data is not an object",
		`{"type":"t"}`:                    "webhooks: the event has no data",
		`{"type":"t","data":null}`:        "webhooks: the event has no data",
		`{"type":"t","data":14165551234}`: "webhooks: the event or its data is not an object",
		`{"type":"t","data":{"end_user_id":14165551234}}`:       "webhooks: the field end_user_id of the event has another type",
		`{"type":"t","data":{"profile":{"email":14165551234}}}`: "webhooks: the field profile.email of the event has another type",
	} {
		e := webhooks.Event[webhooks.EndUserUpdated]{ID: "kept"}
		err := json.Unmarshal([]byte(body), &e)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
		if e.ID != "kept" || e.Raw != nil {
			t.Errorf("%s: the event has changed", body)
		}
	}
	own := json.Unmarshal([]byte(`{"type":"t","data":"secret"}`), new(webhooks.Event[picky]))
	if own == nil || own.Error() != "webhooks: the event does not decode" {
		t.Error(own)
	}
}

// picky is a payload whose errors quote what it gets.
type picky struct{}

func (*picky) UnmarshalJSON(b []byte) error { return fmt.Errorf("what is %s?", b) }

// The body belongs to the caller.
func TestUnmarshalCopies(t *testing.T) {
	const want = `{"type":"v1.conversation.message","data":{"content":{"type":"new"}}}`
	body := []byte(want)
	var e webhooks.Event[webhooks.ConversationMessage]
	if err := e.UnmarshalJSON(body); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if string(e.Raw) != want || string(e.Data.Content.Raw) != `{"type":"new"}` {
		t.Errorf("%s, %s", e.Raw, e.Data.Content.Raw)
	}
}

const canary = "canary-of-a-person"

// No verb, no logger and no encoder shows what is in an event.
func TestNothingPrints(t *testing.T) {
	const id = "msg_1"
	metadata := webhooks.Metadata{canary: json.RawMessage(`"` + canary + `"`)}
	profile := webhooks.Profile{FirstName: canary, Email: canary, Metadata: metadata}
	user := webhooks.EndUser{ID: canary, ExternalID: canary, Profile: profile}
	content := webhooks.Content{Type: webhooks.ContentText, Body: canary, Raw: json.RawMessage(`"` + canary + `"`)}
	author := webhooks.Author{ID: canary, DisplayName: canary}
	channel := webhooks.Channel{ID: canary, Name: canary, Metadata: metadata}
	message := webhooks.ConversationMessage{EndUserID: canary, Author: author, Content: content, Channel: channel}
	raw := json.RawMessage(`"` + canary + `"`)
	event := webhooks.Event[webhooks.EndUserUpdated]{ID: id, Type: "t", Tags: []string{canary}, Data: webhooks.EndUserUpdated{EndUser: user}, Raw: raw}
	const redacted = "[REDACTED]"
	for v, want := range map[any]string{
		&event: "webhooks.Event(t msg_1)",
		&webhooks.Event[webhooks.ConversationMessage]{ID: id, Type: "t", Data: message, Raw: raw}: "webhooks.Event(t msg_1)",
		&webhooks.Event[json.RawMessage]{ID: id, Type: "t", Data: raw, Raw: raw}:                  "webhooks.Event(t msg_1)",
		&metadata: redacted, &profile: redacted, &user: redacted, &content: redacted, &author: redacted,
		&channel: redacted, &message: redacted,
		&webhooks.EndUserCreated{EndUser: user}:               redacted,
		&webhooks.EndUserUpdated{EndUser: user}:               redacted,
		&webhooks.ConversationCreated{EndUserID: canary}:      redacted,
		&webhooks.ConversationEnded{EndUserID: canary}:        redacted,
		&webhooks.EndedBy{ID: canary}:                         redacted,
		&webhooks.ConversationHandoffEnded{EndUserID: canary}: redacted,
		&webhooks.AuditLogEmitted{ActorEmail: canary}:         redacted,
		&webhooks.ProactiveCall{FailureReason: canary}:        redacted,
	} {
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
		marshaled, err := json.Marshal(v)
		if err != nil || string(marshaled) != `"`+want+`"` {
			t.Errorf("%T marshals as %s, %v", v, marshaled, err)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, v); got != want {
				t.Errorf("%T prints as %s", v, got)
			}
		}
		if strings.Contains(log.String(), canary) || strings.Count(log.String(), want) != 2 {
			t.Errorf("%T logs as %s", v, log.String())
		}
	}
	for _, v := range []any{event, user, message, []any{event}, map[string]any{"e": event}, struct{ E any }{event}} {
		if got := fmt.Sprintf("%v %+v %#v", v, v, v); strings.Contains(got, canary) {
			t.Errorf("%T prints as %s", v, got)
		}
	}
}

// Nothing that is signed makes the decoder panic, and what it accepts keeps the body to the byte.
func FuzzEvent(f *testing.F) {
	for _, data := range []string{endUserData, `{"content":{"type":"presence","body":[]}}`, `{"metadata":{"a":1e999}}`, `null`, `7`, `"x"`} {
		f.Add([]byte(`{"type":"v1.end_user.updated","timestamp":"2024-01-17T22:23:35.835","tags":["a",null],"data":` + data + `}`))
	}
	f.Add([]byte(`{"type":"unknown"}`))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Add([]byte("{\"type\":\"\xff\"}"))
	f.Add([]byte{0xff, 0xfe, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		verifier, now := newVerifier(t, secretA), time.Now()
		handled := 0
		mux := webhooks.NewMux(webhooks.Config{Verifier: verifier})
		webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[webhooks.EndUserUpdated]) error {
			handled++
			if string(e.Raw) != string(body) {
				t.Errorf("Raw is %q, want %q", e.Raw, body)
			}
			return nil
		})
		mux.Fallback(func(_ context.Context, e webhooks.Event[json.RawMessage]) error {
			handled++
			if string(e.Raw) != string(body) || e.Type == "" || e.Type == webhooks.TypeEndUserUpdated {
				t.Errorf("Raw of %q is %q, want %q", e.Type, e.Raw, body)
			}
			return nil
		})
		status := serve(mux, verifier.Sign("msg_1", now, body), string(body))
		if status == 200 != (handled == 1) || status == 400 != (handled == 0) {
			t.Errorf("%q: %d, handled %d times", body, status, handled)
		}

		decodes := func(v json.Unmarshaler) bool { return json.Unmarshal(body, v) == nil }
		raw := decodes(new(webhooks.Event[json.RawMessage]))
		for _, typed := range []bool{
			decodes(new(webhooks.Event[webhooks.EndUserCreated])),
			decodes(new(webhooks.Event[webhooks.ConversationCreated])),
			decodes(new(webhooks.Event[webhooks.ConversationMessage])),
			decodes(new(webhooks.Event[webhooks.ConversationEnded])),
			decodes(new(webhooks.Event[webhooks.ConversationHandoffEnded])),
			decodes(new(webhooks.Event[webhooks.AuditLogEmitted])),
			decodes(new(webhooks.Event[webhooks.ProactiveCall])),
		} {
			if typed && !raw {
				t.Errorf("%q decodes with a type and not without", body)
			}
		}
	})
}
