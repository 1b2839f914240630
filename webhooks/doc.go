// Package webhooks receives what Ada sends: it tells whether a delivery is genuine, and what is in it.
//
// Ada delivers webhooks through Svix, in the scheme of Standard Webhooks. A [Verifier] holds the signing secret of an
// endpoint and judges the headers and the raw body of a request:
//
//	verifier, err := webhooks.NewVerifier(os.Getenv("ADA_WEBHOOK_SECRET"))
//	if err != nil { ... }
//	message, err := verifier.Verify(request.Header, body)
//
// Verify before parsing, and verify the bytes as they came: JSON that was decoded and encoded again has another
// signature. Limit the length of the body before reading it.
//
// # What is refused
//
// The Verifier is stricter than the libraries of Svix and of Standard Webhooks. It accepts nothing that they refuse,
// but for blanks around a secret, and refuses what they let pass:
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
// same each time: what must not be done twice is to be deduplicated by it.
//
// Ada's pages: https://docs.ada.cx/reference/webhooks/overview
package webhooks
