package fromada

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/internal/scalar"
	"github.com/adasdk/ada-go/webhooks"
)

// AliasLabel is the label of the alias by which an end user without an external id is known at Braze.
const AliasLabel = "ada_end_user_id"

// Mapping says what of Ada becomes what at Braze. Its zero value maps what the package comment says, and no metadata.
type Mapping struct {
	// Identify says who an end user is at Braze; externalID is empty where Ada has none, and in events of conversations.
	// A user that is zero has everything left out. Nil: [Identify].
	Identify func(ctx context.Context, endUserID, externalID string) (braze.User, error)
	// UpdateExistingOnly is set on every object. Left out, it is false for an alias by [AliasLabel], so that Braze makes
	// the profile, and not set for others.
	UpdateExistingOnly ada.Opt[bool]
	// Metadata names the custom attribute, or the property of an event, for each key of metadata that is taken.
	Metadata map[string]string
	// Email takes the email address. It is what the end user says it is: at Braze it decides who gets mail.
	Email bool
	// Events names the event for each type of webhook, such as [webhooks.TypeConversationEnded]; a type without a name
	// becomes nothing. Nil: the names in the package comment.
	Events map[string]string
}

// Identify is how end users are identified where a [Mapping] says nothing else: by the external id, or else by the alias
// of Ada's own id under [AliasLabel].
func Identify(_ context.Context, endUserID, externalID string) (braze.User, error) {
	if externalID != "" {
		return braze.ExternalID(externalID), nil
	}
	return braze.Alias(AliasLabel, endUserID), nil
}

// Lookup returns a [Mapping.Identify] that asks Ada for the external id where there is none at hand, as in events of
// conversations. That is a request for each. An end user whom Ada does not know any more goes by the alias.
func Lookup(users *endusers.Client) func(ctx context.Context, endUserID, externalID string) (braze.User, error) {
	return func(ctx context.Context, endUserID, externalID string) (braze.User, error) {
		if externalID == "" && endUserID != "" {
			user, err := users.Get(ctx, endUserID)
			switch {
			case err == nil:
				externalID = user.ExternalID
			case !errors.Is(err, ada.ErrNotFound):
				return braze.User{}, fmt.Errorf("fromada.Lookup: %w", err)
			}
		}
		return Identify(ctx, endUserID, externalID)
	}
}

var defaultEvents = map[string]string{
	webhooks.TypeConversationCreated:      "ada_conversation_started",
	webhooks.TypeConversationEnded:        "ada_conversation_ended",
	webhooks.TypeConversationHandoffEnded: "ada_handoff_ended",
}

// EndUser returns the attributes of an end user as a webhook has it, created or updated, and what is left out of them
// and why. The error is that of Identify.
func (m Mapping) EndUser(ctx context.Context, u webhooks.EndUser) (batch braze.Batch, omitted []ada.Fault, err error) {
	return m.attributes(ctx, endUser{
		id: u.ID, externalID: u.ExternalID, firstName: u.Profile.FirstName, lastName: u.Profile.LastName,
		language: u.Profile.Language, avatar: u.Profile.AvatarURL, email: u.Profile.Email, metadata: decoded(u.Profile.Metadata),
	})
}

// Profile is EndUser for an end user as the End Users API has it.
func (m Mapping) Profile(ctx context.Context, u *endusers.User) (batch braze.Batch, omitted []ada.Fault, err error) {
	return m.attributes(ctx, endUser{
		id: u.ID, externalID: u.ExternalID, firstName: u.Profile.FirstName, lastName: u.Profile.LastName,
		language: u.Profile.Language, avatar: u.Profile.AvatarURL, email: u.Profile.Email, metadata: u.Profile.Metadata,
	})
}

// endUser is what both forms of an end user have.
type endUser struct {
	id, externalID, firstName, lastName, language, avatar, email string
	metadata                                                     map[string]any
}

func (m Mapping) attributes(ctx context.Context, u endUser) (braze.Batch, []ada.Fault, error) {
	user, existing, err := m.identify(ctx, u.id, u.externalID)
	if err != nil || user.IsZero() {
		return braze.Batch{}, nil, err
	}
	var omitted []ada.Fault
	a := braze.Attributes{User: user, UpdateExistingOnly: existing}
	set := func(field, name string, value any) {
		if value == "" { // which removes nothing
			return
		}
		var failed *ada.Error
		if errors.As(a.Set(name, value), &failed) {
			omitted = append(omitted, ada.Fault{Field: field, Reason: failed.Faults[0].Reason})
		}
	}
	language, _, _ := strings.Cut(u.language, "-")
	set("Profile.FirstName", "first_name", u.firstName)
	set("Profile.LastName", "last_name", u.lastName)
	set("Profile.Language", "language", language)
	set("Profile.AvatarURL", "image_url", u.avatar)
	if m.Email {
		set("Profile.Email", "email", u.email)
	}
	for _, k := range slices.Sorted(maps.Keys(m.Metadata)) {
		v := u.metadata[k]
		if raw, ok := v.(json.RawMessage); ok { // what package endusers has no type for
			v = decode(raw)
		}
		if v != nil {
			set("Profile.Metadata["+scalar.Key(k)+"]", m.Metadata[k], v)
		}
	}
	return m.checked(braze.Batch{Attributes: []braze.Attributes{a}}, omitted)
}

func (m Mapping) identify(ctx context.Context, id, externalID string) (user braze.User, existing ada.Opt[bool], err error) {
	identify := m.Identify
	if identify == nil {
		identify = Identify
	}
	if user, err = identify(ctx, id, externalID); err != nil {
		return braze.User{}, existing, err
	}
	existing = m.UpdateExistingOnly
	if existing.IsZero() && user == braze.Alias(AliasLabel, id) {
		existing = ada.Set(false)
	}
	return user, existing, nil
}

// checked is the end of every mapping: what it returns passes Braze's checks.
func (m Mapping) checked(b braze.Batch, omitted []ada.Fault) (braze.Batch, []ada.Fault, error) {
	var failed *ada.Error
	if errors.As(b.Validate(), &failed) {
		return braze.Batch{}, append(omitted, failed.Faults...), nil
	}
	return b, omitted, nil
}

// ConversationCreated returns the event that a conversation has begun, and what is left out of it and why. The error is
// that of Identify.
func (m Mapping) ConversationCreated(ctx context.Context, e webhooks.Event[webhooks.ConversationCreated]) (batch braze.Batch, omitted []ada.Fault, err error) {
	d := e.Data
	return m.event(ctx, e.Type, e.ID, d.EndUserID, first(e.Timestamp, d.CreatedAt), d.Metadata, map[string]string{
		"conversation_id": d.ConversationID, "channel_id": d.ChannelID,
	})
}

// ConversationEnded returns the event that a conversation is over, as ConversationCreated does.
func (m Mapping) ConversationEnded(ctx context.Context, e webhooks.Event[webhooks.ConversationEnded]) (batch braze.Batch, omitted []ada.Fault, err error) {
	d := e.Data
	return m.event(ctx, e.Type, e.ID, d.EndUserID, first(e.Timestamp, d.UpdatedAt), d.Metadata, map[string]string{
		"conversation_id": d.ConversationID, "channel_id": d.ChannelID, "ended_by": string(d.EndedBy.Role),
	})
}

// HandoffEnded returns the event that a conversation is no longer handed off, as ConversationCreated does.
func (m Mapping) HandoffEnded(ctx context.Context, e webhooks.Event[webhooks.ConversationHandoffEnded]) (batch braze.Batch, omitted []ada.Fault, err error) {
	d := e.Data
	return m.event(ctx, e.Type, e.ID, d.EndUserID, e.Timestamp, nil, map[string]string{
		"conversation_id": d.ConversationID, "handoff_integration": d.HandoffIntegration,
	})
}

func first(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

func (m Mapping) event(ctx context.Context, kind, id, endUserID string, at time.Time, metadata webhooks.Metadata, properties map[string]string) (braze.Batch, []ada.Fault, error) {
	events := m.Events
	if events == nil {
		events = defaultEvents
	}
	name := events[kind]
	if name == "" {
		return braze.Batch{}, nil, nil
	}
	if endUserID == "" {
		return braze.Batch{}, []ada.Fault{{Field: "Data.EndUserID", Reason: "is empty"}}, nil
	}
	user, existing, err := m.identify(ctx, endUserID, "")
	if err != nil || user.IsZero() {
		return braze.Batch{}, nil, err
	}
	if at.IsZero() {
		at = time.Now()
	}
	e := braze.Event{User: user, Name: name, Time: at, UpdateExistingOnly: existing, Properties: braze.Properties{}}
	if bare := (braze.Batch{Events: []braze.Event{e}}); bare.Validate() != nil { // no property is to blame
		return m.checked(bare, nil)
	}
	var omitted []ada.Fault
	set := func(field, name string, value any) {
		if value == "" {
			return
		}
		one := e
		one.Properties = braze.Properties{name: value}
		var failed *ada.Error
		if errors.As((braze.Batch{Events: []braze.Event{one}}).Validate(), &failed) {
			omitted = append(omitted, ada.Fault{Field: field, Reason: failed.Faults[0].Reason})
			return
		}
		e.Properties[name] = value
	}
	values := decoded(metadata)
	for _, k := range slices.Sorted(maps.Keys(m.Metadata)) {
		if v, ok := values[k]; ok {
			set("Data.Metadata["+scalar.Key(k)+"]", m.Metadata[k], v)
		}
	}
	set("ID", "ada_event_id", id)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		set("Data", name, properties[name])
	}
	return m.checked(braze.Batch{Events: []braze.Event{e}}, omitted)
}

// decoded returns metadata as values, and those that are null not at all.
func decoded(m webhooks.Metadata) map[string]any {
	values := make(map[string]any, len(m))
	for k, raw := range m {
		if v := decode(raw); v != nil {
			values[k] = v
		}
	}
	return values
}

func decode(raw json.RawMessage) (v any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // integers stay what they are
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}
