package webhooks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// The event types that Ada documents.
const (
	TypeEndUserCreated               = "v1.end_user.created"
	TypeEndUserUpdated               = "v1.end_user.updated"
	TypeConversationCreated          = "v1.conversation.created"
	TypeConversationMessage          = "v1.conversation.message"
	TypeConversationEnded            = "v1.conversation.ended"
	TypeConversationHandoffEnded     = "v1.conversation.handoff.ended"
	TypeAuditLogEmitted              = "v1.audit_log.emitted"
	TypeProactiveCallQueued          = "v1.proactive_call.queued"
	TypeProactiveCallInitiated       = "v1.proactive_call.initiated"
	TypeProactiveCallAnswered        = "v1.proactive_call.answered"
	TypeProactiveCallMachineDetected = "v1.proactive_call.machine_detected"
	TypeProactiveCallFailed          = "v1.proactive_call.failed"
)

// Event is something that happened at Ada. It prints, logs and marshals as its type and its ID alone: to store or
// forward one, use Raw and ID. An event or a payload in an unexported field of a struct prints in full with that struct,
// since fmt calls no methods there.
//
// json.Unmarshal makes an Event of Raw again, without the ID, which Ada does not send in the body.
type Event[T any] struct {
	ID        string    // the same in every delivery of this event
	Type      string    // such as "v1.end_user.created"
	Timestamp time.Time // when it happened, in UTC; zero where Ada sent none that can be read
	Tags      []string  // what an endpoint can be filtered by in Ada's dashboard; Ada may add tags at any time
	Data      T

	// Raw is the body that Ada sent, with the fields that this package does not know.
	Raw json.RawMessage
}

// UnmarshalJSON decodes a body that Ada sent. It does not tell who sent it: that is [Verifier.Verify].
func (e *Event[T]) UnmarshalJSON(b []byte) error {
	raw, err := parse(bytes.Clone(b))
	if err != nil {
		return err
	}
	typed, err := decode[T](raw)
	if err != nil {
		return err
	}
	*e = typed
	return nil
}

// Format writes the type and the ID for every verb.
func (e Event[T]) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.text()) }

// MarshalText returns the same as Format.
func (e Event[T]) MarshalText() ([]byte, error) { return []byte(e.text()), nil }

func (e Event[T]) text() string { return "webhooks.Event(" + e.Type + " " + e.ID + ")" }

// parse reads what all events have. The event keeps body.
func parse(body []byte) (Event[json.RawMessage], error) {
	var w struct {
		Type      string          `json:"type"`
		Timestamp lenientTime     `json:"timestamp"`
		Tags      json.RawMessage `json:"tags"`
		Data      json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &w); err != nil {
		return Event[json.RawMessage]{}, malformed(err)
	}
	if w.Type == "" {
		return Event[json.RawMessage]{}, errors.New("webhooks: the event has no type")
	}
	var tags []string
	if json.Unmarshal(w.Tags, &tags) != nil {
		tags = nil // they are no reason to refuse an event; Raw has them
	}
	return Event[json.RawMessage]{
		Type: w.Type, Timestamp: w.Timestamp.Time, Tags: tags, Data: w.Data, Raw: body,
	}, nil
}

// decode reads the data of an event.
func decode[T any](raw Event[json.RawMessage]) (Event[T], error) {
	e := Event[T]{ID: raw.ID, Type: raw.Type, Timestamp: raw.Timestamp, Tags: raw.Tags, Raw: raw.Raw}
	if isNull(raw.Data) {
		if _, isRaw := any(e.Data).(json.RawMessage); isRaw {
			return e, nil
		}
		return Event[T]{}, errors.New("webhooks: the event has no data")
	}
	if err := json.Unmarshal(raw.Data, &e.Data); err != nil {
		return Event[T]{}, malformed(err)
	}
	return e, nil
}

// malformed says what is wrong with a body, and nothing of what is in it: the errors of encoding/json quote numbers.
func malformed(err error) error {
	var mismatch *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &mismatch) && mismatch.Field != "":
		return fmt.Errorf("webhooks: the field %s of the event has another type", mismatch.Field)
	case errors.As(err, &mismatch):
		return errors.New("webhooks: the event or its data is not an object")
	case errors.As(err, &syntax):
		return fmt.Errorf("webhooks: the event is no JSON at byte %d", syntax.Offset)
	}
	return errors.New("webhooks: the event does not decode")
}

func isNull(b json.RawMessage) bool { return len(b) == 0 || string(b) == "null" }

// lenientTime reads a timestamp with a zone or without one, which is then UTC, and anything else as zero.
type lenientTime struct{ time.Time }

// UnmarshalJSON never fails.
func (t *lenientTime) UnmarshalJSON(b []byte) error {
	var s string
	_ = json.Unmarshal(b, &s) // s of anything but a string is empty
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if parsed, err := time.Parse(layout, s); err == nil {
			t.Time = parsed.UTC()
			return nil
		}
	}
	t.Time = time.Time{}
	return nil
}

// Payload is the data of an event type, or of several. Those that Ada documents are types of this package. For one
// that is newer than this package, declare a type that encoding/json can decode and give it this method.
type Payload interface {
	// EventTypes returns the event types that have this data, such as "v1.end_user.created". It is called on the zero
	// value.
	EventTypes() []string
}

// EndUser is a person who talks to an AI Agent.
type EndUser struct {
	ID             string  // Ada's own id
	ExternalID     string  // the id in your own system; empty where there is none. Ada may change its case
	Profile        Profile // what is known of the person
	SunshineUserID string  // the id in Sunshine Conversations, set by Ada
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// EndUserCreated says that there is a new end user. How many of these there are depends on how long your AI Agent is
// set to remember people.
type EndUserCreated struct{ EndUser }

// EndUserUpdated says that a profile has changed, through the API too. Ada sends none when only its own properties
// and metavariables change.
type EndUserUpdated struct{ EndUser }

// Profile is what is known of an end user. A field that is empty is not set.
type Profile struct {
	FirstName   string
	LastName    string
	DisplayName string
	AvatarURL   string
	Email       string
	Language    string // BCP 47, as "pt" or "pt-BR"
	Metadata    Metadata
}

// ConversationCreated says that a conversation has begun.
type ConversationCreated struct {
	ConversationID string
	ChannelID      string
	EndUserID      string
	CreatedAt      time.Time
	Metadata       Metadata
	AIAgentDomain  string // which AI Agent the event comes from
}

// ConversationMessage is a message in a conversation, from whomever.
type ConversationMessage struct {
	MessageID          string
	ConversationID     string
	EndUserID          string
	HandoffIntegration string // where the conversation is handed off to; empty while the AI Agent has it
	Channel            Channel
	CreatedAt          time.Time
	Author             Author
	Content            Content
	AIAgentDomain      string // which AI Agent the event comes from
}

// ConversationEnded says that a conversation is over. It can come late.
type ConversationEnded struct {
	ConversationID string
	ChannelID      string
	EndUserID      string
	CreatedAt      time.Time
	UpdatedAt      time.Time
	EndedBy        EndedBy
	Metadata       Metadata
	AIAgentDomain  string // which AI Agent the event comes from
}

// ConversationHandoffEnded says that a conversation is no longer handed off.
type ConversationHandoffEnded struct {
	ConversationID     string
	EndUserID          string
	HandoffIntegration string // where the conversation was handed off to
	AIAgentDomain      string // which AI Agent the event comes from
}

// AuditLogEmitted says that somebody changed the configuration. Ada may lose some of these: its audit log API has all
// of them.
type AuditLogEmitted struct {
	ID               string
	Timestamp        time.Time
	ActorEmail       string // empty for the system and for service tokens
	ActorName        string
	ActorUserID      string // of an API key, who made it; empty for the system and for service tokens
	EntityType       string // the kind of thing that was changed
	EntityID         string
	EntityName       string
	Activity         Activity
	Interface        string // where the change was made, such as "dashboard", "api" or "system"
	ContextIP        string // the address that the change came from
	ContextUserAgent string
	APIKeyName       string // empty where the change was not made with an API key of the dashboard
}

// ProactiveCall is a step of a call that the AI Agent makes. [Event.Type] tells which one.
type ProactiveCall struct {
	AttemptID      string
	ConversationID string // from [TypeProactiveCallAnswered] on
	FailureReason  string // of [TypeProactiveCallFailed]
}

// EventTypes returns [TypeEndUserCreated].
func (EndUserCreated) EventTypes() []string { return []string{TypeEndUserCreated} }

// EventTypes returns [TypeEndUserUpdated].
func (EndUserUpdated) EventTypes() []string { return []string{TypeEndUserUpdated} }

// EventTypes returns [TypeConversationCreated].
func (ConversationCreated) EventTypes() []string { return []string{TypeConversationCreated} }

// EventTypes returns [TypeConversationMessage].
func (ConversationMessage) EventTypes() []string { return []string{TypeConversationMessage} }

// EventTypes returns [TypeConversationEnded].
func (ConversationEnded) EventTypes() []string { return []string{TypeConversationEnded} }

// EventTypes returns [TypeConversationHandoffEnded].
func (ConversationHandoffEnded) EventTypes() []string { return []string{TypeConversationHandoffEnded} }

// EventTypes returns [TypeAuditLogEmitted].
func (AuditLogEmitted) EventTypes() []string { return []string{TypeAuditLogEmitted} }

// EventTypes returns the five types of a proactive call.
func (ProactiveCall) EventTypes() []string {
	return []string{
		TypeProactiveCallQueued, TypeProactiveCallInitiated, TypeProactiveCallAnswered,
		TypeProactiveCallMachineDetected, TypeProactiveCallFailed,
	}
}

// Channel is where a conversation takes place.
type Channel struct {
	Type        ChannelType
	ID          string
	Name        string
	Description string
	Modality    Modality
	Markdown    bool      // it can show Markdown
	Metadata    Metadata  // of custom channels
	CreatedAt   time.Time // of custom channels
}

// ChannelType says who runs a channel. Ada may add values.
type ChannelType string

// The channel types that Ada documents.
const (
	ChannelNative ChannelType = "native" // Ada
	ChannelCustom ChannelType = "custom" // you, through the Conversations API
)

// Modality is how people talk on a channel. Ada may add values.
type Modality string

// The modalities that Ada documents.
const (
	ModalityMessaging Modality = "messaging"
	ModalityEmail     Modality = "email"
	ModalityVoice     Modality = "voice"
	ModalitySMS       Modality = "sms"
)

// Author is who wrote a message.
type Author struct {
	ID          string // may be empty
	Role        Role
	AvatarURL   string // may be empty
	DisplayName string // may be empty
}

// EndedBy is who ended a conversation.
type EndedBy struct {
	ID   string // may be empty
	Role Role
}

// Role is what somebody is in a conversation. Ada may add values.
type Role string

// The roles that Ada documents.
const (
	RoleEndUser    Role = "end_user"
	RoleAIAgent    Role = "ai_agent"
	RoleHumanAgent Role = "human_agent"
	RoleSystem     Role = "system" // of [EndedBy] alone
)

// Activity is what was done to the thing that an audit log event is about. Ada may add values.
type Activity string

// The activities that Ada documents.
const (
	ActivityCreated     Activity = "created"
	ActivityUpdated     Activity = "updated"
	ActivityDeleted     Activity = "deleted"
	ActivityExecuted    Activity = "executed"
	ActivityInvited     Activity = "invited"
	ActivityActivated   Activity = "activated"
	ActivityDeactivated Activity = "deactivated"
)

// Content is what a message says. Type tells which fields are set; of a type that this package does not know, only
// Raw is.
type Content struct {
	Type     ContentType
	Body     string // of ContentText and ContentPresence
	URL      string // of ContentLink and ContentFile. That of a file works for 7 days
	LinkText string // of ContentLink; may be empty
	MIMEType string // of ContentFile
	Filename string // of ContentFile

	// Raw is the JSON that Ada sent.
	Raw json.RawMessage
}

// ContentType is a kind of message. Ada may add values.
type ContentType string

// The content types that Ada sends.
const (
	ContentText     ContentType = "text"
	ContentLink     ContentType = "link" // also a survey
	ContentFile     ContentType = "file"
	ContentPresence ContentType = "presence" // Ada does not document this one
)

// UnmarshalJSON decodes Ada's JSON form of an end user.
func (u *EndUser) UnmarshalJSON(b []byte) error {
	var w struct {
		ID         string `json:"end_user_id"`
		ExternalID string `json:"external_id"`
		Profile    struct {
			FirstName        string   `json:"first_name"`
			LastName         string   `json:"last_name"`
			DisplayName      string   `json:"display_name"`
			Avatar           string   `json:"avatar"`
			Email            string   `json:"email"`
			Language         string   `json:"language"`
			Metadata         Metadata `json:"metadata"`
			SystemProperties struct {
				SunshineUserID string `json:"sunshine_user_id"`
			} `json:"system_properties"`
		} `json:"profile"`
		CreatedAt lenientTime `json:"created_at"`
		UpdatedAt lenientTime `json:"updated_at"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*u = EndUser{
		ID:         w.ID,
		ExternalID: w.ExternalID,
		Profile: Profile{
			FirstName:   w.Profile.FirstName,
			LastName:    w.Profile.LastName,
			DisplayName: w.Profile.DisplayName,
			AvatarURL:   w.Profile.Avatar,
			Email:       w.Profile.Email,
			Language:    w.Profile.Language,
			Metadata:    w.Profile.Metadata,
		},
		SunshineUserID: w.Profile.SystemProperties.SunshineUserID,
		CreatedAt:      w.CreatedAt.Time,
		UpdatedAt:      w.UpdatedAt.Time,
	}
	return nil
}

// UnmarshalJSON decodes the data that Ada sends.
func (c *ConversationCreated) UnmarshalJSON(b []byte) error {
	var w struct {
		ConversationID string      `json:"conversation_id"`
		ChannelID      string      `json:"channel_id"`
		EndUserID      string      `json:"end_user_id"`
		CreatedAt      lenientTime `json:"created_at"`
		Metadata       Metadata    `json:"metadata"`
		AIAgentDomain  string      `json:"ai_agent_domain"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*c = ConversationCreated{
		ConversationID: w.ConversationID,
		ChannelID:      w.ChannelID,
		EndUserID:      w.EndUserID,
		CreatedAt:      w.CreatedAt.Time,
		Metadata:       w.Metadata,
		AIAgentDomain:  w.AIAgentDomain,
	}
	return nil
}

// UnmarshalJSON decodes the data that Ada sends.
func (m *ConversationMessage) UnmarshalJSON(b []byte) error {
	var w struct {
		MessageID          string `json:"message_id"`
		ConversationID     string `json:"conversation_id"`
		EndUserID          string `json:"end_user_id"`
		HandoffIntegration string `json:"handoff_integration"`
		Channel            struct {
			Type         ChannelType `json:"type"`
			ID           string      `json:"id"`
			Name         string      `json:"name"`
			Description  string      `json:"description"`
			Modality     Modality    `json:"modality"`
			Capabilities struct {
				Markdown bool `json:"markdown"`
			} `json:"capabilities"`
			Metadata  Metadata    `json:"metadata"`
			CreatedAt lenientTime `json:"created_at"`
		} `json:"channel"`
		CreatedAt lenientTime `json:"created_at"`
		Author    struct {
			ID          string `json:"id"`
			Role        Role   `json:"role"`
			Avatar      string `json:"avatar"`
			DisplayName string `json:"display_name"`
		} `json:"author"`
		Content       Content `json:"content"`
		AIAgentDomain string  `json:"ai_agent_domain"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*m = ConversationMessage{
		MessageID:          w.MessageID,
		ConversationID:     w.ConversationID,
		EndUserID:          w.EndUserID,
		HandoffIntegration: w.HandoffIntegration,
		Channel: Channel{
			Type:        w.Channel.Type,
			ID:          w.Channel.ID,
			Name:        w.Channel.Name,
			Description: w.Channel.Description,
			Modality:    w.Channel.Modality,
			Markdown:    w.Channel.Capabilities.Markdown,
			Metadata:    w.Channel.Metadata,
			CreatedAt:   w.Channel.CreatedAt.Time,
		},
		CreatedAt: w.CreatedAt.Time,
		Author: Author{
			ID:          w.Author.ID,
			Role:        w.Author.Role,
			AvatarURL:   w.Author.Avatar,
			DisplayName: w.Author.DisplayName,
		},
		Content:       w.Content,
		AIAgentDomain: w.AIAgentDomain,
	}
	return nil
}

// UnmarshalJSON decodes the data that Ada sends.
func (c *ConversationEnded) UnmarshalJSON(b []byte) error {
	var w struct {
		ConversationID string      `json:"conversation_id"`
		ChannelID      string      `json:"channel_id"`
		EndUserID      string      `json:"end_user_id"`
		CreatedAt      lenientTime `json:"created_at"`
		UpdatedAt      lenientTime `json:"updated_at"`
		EndedBy        struct {
			ID   string `json:"id"`
			Role Role   `json:"role"`
		} `json:"ended_by"`
		Metadata      Metadata `json:"metadata"`
		AIAgentDomain string   `json:"ai_agent_domain"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*c = ConversationEnded{
		ConversationID: w.ConversationID,
		ChannelID:      w.ChannelID,
		EndUserID:      w.EndUserID,
		CreatedAt:      w.CreatedAt.Time,
		UpdatedAt:      w.UpdatedAt.Time,
		EndedBy:        EndedBy{ID: w.EndedBy.ID, Role: w.EndedBy.Role},
		Metadata:       w.Metadata,
		AIAgentDomain:  w.AIAgentDomain,
	}
	return nil
}

// UnmarshalJSON decodes the data that Ada sends.
func (h *ConversationHandoffEnded) UnmarshalJSON(b []byte) error {
	var w struct {
		ConversationID     string `json:"conversation_id"`
		EndUserID          string `json:"end_user_id"`
		HandoffIntegration string `json:"handoff_integration"`
		AIAgentDomain      string `json:"ai_agent_domain"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*h = ConversationHandoffEnded(w)
	return nil
}

// UnmarshalJSON decodes the data that Ada sends.
func (a *AuditLogEmitted) UnmarshalJSON(b []byte) error {
	var w struct {
		ID               string      `json:"id"`
		Timestamp        lenientTime `json:"timestamp"`
		ActorEmail       string      `json:"actor_email"`
		ActorName        string      `json:"actor_name"`
		ActorUserID      string      `json:"actor_user_id"`
		EntityType       string      `json:"entity_type"`
		EntityID         string      `json:"entity_id"`
		EntityName       string      `json:"entity_name"`
		Activity         Activity    `json:"activity"`
		Interface        string      `json:"interface"`
		ContextIP        string      `json:"context_ip"`
		ContextUserAgent string      `json:"context_user_agent"`
		APIKeyName       string      `json:"api_key_name"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*a = AuditLogEmitted{
		ID:               w.ID,
		Timestamp:        w.Timestamp.Time,
		ActorEmail:       w.ActorEmail,
		ActorName:        w.ActorName,
		ActorUserID:      w.ActorUserID,
		EntityType:       w.EntityType,
		EntityID:         w.EntityID,
		EntityName:       w.EntityName,
		Activity:         w.Activity,
		Interface:        w.Interface,
		ContextIP:        w.ContextIP,
		ContextUserAgent: w.ContextUserAgent,
		APIKeyName:       w.APIKeyName,
	}
	return nil
}

// UnmarshalJSON decodes the data that Ada sends.
func (p *ProactiveCall) UnmarshalJSON(b []byte) error {
	var w struct {
		AttemptID      string `json:"proactive_attempt_id"`
		ConversationID string `json:"conversation_id"`
		FailureReason  string `json:"failure_reason"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*p = ProactiveCall(w)
	return nil
}

// UnmarshalJSON decodes the content of a message. Of a type that this package does not know, everything is in Raw alone.
func (c *Content) UnmarshalJSON(b []byte) error {
	*c = Content{}
	if isNull(b) {
		return nil
	}
	c.Raw = bytes.Clone(b)
	var kind struct {
		Type ContentType `json:"type"`
	}
	if json.Unmarshal(b, &kind) != nil {
		return nil //nolint:nilerr // what has another shape is in Raw alone, as what has another type is
	}
	c.Type = kind.Type
	var w struct {
		Body     string `json:"body"`
		URL      string `json:"url"`
		LinkText string `json:"link_text"`
		MIMEType string `json:"mime_type"`
		Filename string `json:"filename"`
	}
	var err error
	switch kind.Type {
	case ContentText, ContentLink, ContentFile:
		err = json.Unmarshal(b, &w)
	case ContentPresence:
		_ = json.Unmarshal(b, &w) // nobody has promised its shape
	default:
		return nil
	}
	c.Body, c.URL, c.LinkText, c.MIMEType, c.Filename = w.Body, w.URL, w.LinkText, w.MIMEType, w.Filename
	return err
}

// Metadata is what was set on an end user, a conversation or a channel: strings, booleans, integers and, except on end
// users, other numbers. The values are as Ada sent them, so that no integer is too big; the methods read them.
type Metadata map[string]json.RawMessage

// String returns the value of a key, and whether there is one and it is a string.
func (m Metadata) String(key string) (string, bool) { return valueAs[string](m, key) }

// Bool returns the value of a key, and whether there is one and it is a boolean.
func (m Metadata) Bool(key string) (value, ok bool) { return valueAs[bool](m, key) }

// Int64 returns the value of a key, and whether there is one and it is an integer that fits.
func (m Metadata) Int64(key string) (int64, bool) { return valueAs[int64](m, key) }

// Float64 returns the value of a key, and whether there is one and it is a number.
func (m Metadata) Float64(key string) (float64, bool) { return valueAs[float64](m, key) }

func valueAs[T any](m Metadata, key string) (value T, ok bool) {
	raw := m[key]
	if isNull(raw) || json.Unmarshal(raw, &value) != nil {
		return *new(T), false
	}
	return value, true
}

const hidden = "[REDACTED]"

// Format writes "[REDACTED]" for every verb.
func (EndUser) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (EndUser) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[REDACTED]" for every verb.
func (Profile) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (Profile) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[REDACTED]" for every verb.
func (ConversationCreated) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (ConversationCreated) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[REDACTED]" for every verb.
func (ConversationMessage) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (ConversationMessage) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[REDACTED]" for every verb.
func (ConversationEnded) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (ConversationEnded) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[REDACTED]" for every verb.
func (ConversationHandoffEnded) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (ConversationHandoffEnded) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[REDACTED]" for every verb.
func (AuditLogEmitted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (AuditLogEmitted) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[REDACTED]" for every verb.
func (ProactiveCall) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (ProactiveCall) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[REDACTED]" for every verb.
func (Channel) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (Channel) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[REDACTED]" for every verb.
func (Author) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (Author) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[REDACTED]" for every verb.
func (EndedBy) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (EndedBy) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[REDACTED]" for every verb.
func (Content) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (Content) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[REDACTED]" for every verb.
func (Metadata) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns "[REDACTED]".
func (Metadata) MarshalText() ([]byte, error) { return []byte(hidden), nil }
