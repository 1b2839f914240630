// Package webhooks receives what Ada sends: it tells whether a delivery is genuine, and what is in it.
//
//	verifier, err := webhooks.NewVerifier(os.Getenv("ADA_WEBHOOK_SECRET"))
//	if err != nil { ... }
//	mux := webhooks.NewMux(webhooks.Config{Verifier: verifier})
//	webhooks.Handle(mux, func(ctx context.Context, e webhooks.Event[webhooks.EndUserUpdated]) error { ... })
//
// A [Mux] is an http.Handler. It verifies each delivery, has each event handled once ([Store]) and answers Ada, which
// waits 15 seconds and then delivers again. Events arrive in no particular order; [Latest] tells which are overtaken.
//
// To verify without a Mux, give [Verifier.Verify] the headers and the raw body of a request. Verify before parsing, and
// the bytes as they came: JSON that was decoded and encoded again has another signature. Limit the length of the body
// before reading it.
//
// The package uses the standard library only, and nothing else of this SDK.
//
// # What is refused
//
// Ada delivers webhooks through Svix, in the scheme of Standard Webhooks. The [Verifier] is stricter than the libraries
// of these two. It accepts nothing that they refuse, but for blanks around a secret, and the names svix-* that the
// latter does not know. It refuses what they let pass:
//
//   - Secrets that are empty, shorter than 16 bytes or longer than 75 once decoded, or not canonical base64, such as
//     with a line break inside. One unusable secret among several makes no Verifier at all.
//   - Timestamps that are no canonical decimal, such as "+1614265330". What is signed is the header as it came.
//   - Ids with a dot, which would let one signature stand for two messages, or with anything else outside of
//     [A-Za-z0-9_-], or longer than 256 bytes.
//   - Headers given twice, and headers of both families, svix-* and webhook-*, that do not say the same.
//   - Signatures followed by more, as in "v1,<signature>,x".
//   - Signature headers longer than 16 KiB.
//
// # Rotation
//
// For some time after a rotation Svix signs with the old secret and the new one, and a Verifier of either accepts what
// comes. Give [NewVerifier] both, and it does not matter which one a process learns of first.
//
// # Replays
//
// A delivery whose timestamp is more than [Tolerance] from the clock is refused. Within that time the same delivery
// can come again, and Ada itself delivers again, with a new timestamp, whenever no 2xx came back. [Message.ID] is the
// same each time, and a [Mux] hands it on once.
//
// Ada's pages: https://docs.ada.cx/reference/webhooks/overview
package webhooks
