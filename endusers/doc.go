// Package endusers is the client of Ada's End Users API v2: the people who talk to an AI Agent, with their profile,
// their metadata, and the identifier that they have in your own system.
//
//	users := endusers.New(client)
//	user, created, err := users.Create(ctx, endusers.NewUser{
//		ExternalID: "crm-42",
//		Profile:    endusers.Profile{Language: "pt-BR", Metadata: map[string]any{"plan": "pro"}},
//	})
//
// What to know before using it:
//
//   - An end user made by [Client.Create] that is in no conversation within 24 hours is deleted by Ada.
//   - Create with an external id that is taken gives the end user as it is. Ada does not document whether the profile
//     sent along is then applied; [Client.Upsert] applies it.
//   - External ids are for custom channels (the Conversations API) only, are unique for each AI Agent, and are
//     compared without regard to case.
//   - Sensitive metadata is never returned. Ada deletes it after 24 hours.
//   - A body is at most 4,096 bytes, or the call fails with [ada.ErrTooLarge] before it is sent. Raise
//     [ada.HTTPConfig.MaxPayload] where your AI Agent accepts more.
//   - Ada allows 30 requests a second and 300 a minute to these endpoints. The client keeps to it.
//
// Parameters are checked before anything is sent; the error matches [ada.ErrInvalid] and names every fault at once.
//
// Values of this package that hold personal data print, log and marshal without it. [User.Raw] is the form to store.
//
// Ada's pages: https://docs.ada.cx/reference/end-users/getting-started and
// https://docs.ada.cx/reference/end-users/overview
package endusers
