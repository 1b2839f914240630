package webhooks

import (
	"bytes"
	"encoding/json"
	"time"
)

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
