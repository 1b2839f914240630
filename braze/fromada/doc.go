// Package fromada makes Braze objects of what Ada knows and sends: of end users, attributes of a profile, and of
// conversations, events.
//
//	mapping := fromada.Mapping{Metadata: map[string]string{"plan": "plan", "region": "ada_region"}}
//	webhooks.Handle(mux, func(ctx context.Context, e webhooks.Event[webhooks.EndUserUpdated]) error {
//		batch, _, err := mapping.EndUser(ctx, e.Data.EndUser)
//		if err != nil {
//			return err
//		}
//		return buffer.Add(ctx, batch)
//	})
//
// # Who it is
//
// An end user with an external id is the user with that external id at Braze, and one without is an alias-only profile,
// by Ada's own id under the label [AliasLabel]. Two things to know:
//
//   - Events of conversations have Ada's id alone. Give the Mapping a [Lookup], or they go to the alias.
//   - Ada may change the case of an external id, and to Braze case matters. Where yours have capital letters, give the
//     Mapping an Identify of your own.
//
// # What of it
//
//	first_name, last_name     the profile's first and last name
//	language                  the profile's language without its region: "pt" of "pt-BR"
//	image_url                 the profile's avatar
//	email                     the profile's email address, with Mapping.Email
//	custom attributes         the metadata that Mapping.Metadata names
//
// Fields that are empty are left out: they remove nothing. What Braze would refuse or drop is left out and named.
//
// # What happened
//
//	v1.conversation.created         ada_conversation_started    conversation_id, channel_id
//	v1.conversation.ended           ada_conversation_ended      conversation_id, channel_id, ended_by
//	v1.conversation.handoff.ended   ada_handoff_ended           conversation_id, handoff_integration
//
// Events also have the property ada_event_id, the same in every delivery of the webhook, and the metadata that
// Mapping.Metadata names. What people write is not among the properties.
package fromada
