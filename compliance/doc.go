// Package compliance has the data of people erased from an AI Agent.
//
// One person, or up to 1,000 identifiers, is one job:
//
//	erasure := compliance.New(client)
//	job, err := erasure.Erase(ctx, compliance.Erasure{
//		Identifiers: []compliance.Identifier{compliance.Email("ada@example.com")},
//		Reference:   "dsr-2026-118",
//	})
//	job, err = erasure.Wait(ctx, job.ID) // minutes to 30 days
//
// Any number of people, over crashes and restarts, is [Client.EraseAll]. It knows what is in its [Ledger]: have it know
// of a job of Erase by [Client.Record].
//
// What to know before using it:
//
//   - A job that was accepted has erased nothing yet, and one that has ended may have erased some of its people only:
//     what became of each identifier is its [Result], and [Job.Outcome] calls none of them [Erased] whose disposition
//     does not say so.
//   - Submitting an identifier again within 7 days can fail the whole job that it is in. The same request with the
//     same Reference within 24 hours is the same job, and therefore safe to repeat: every request of this package has
//     one.
//   - A body is at most 512 KB, or the call fails with [ada.ErrTooLarge] before it is sent.
//   - An identifier that matches more than 1,000 end users erases nothing.
//   - Of a conversation with several participants by e-mail, the whole transcript is erased for all of them.
//
// Values of this package that hold identifiers print, log and marshal without them, but for those in an unexported field
// of a struct that is itself printed: fmt calls no methods there. Reasons are in Ada's words and may repeat what was sent.
//
// Ada's pages: https://docs.ada.cx/reference/end-users/bulk-deletion/overview and, for the deprecated
// [Client.RequestErasure], https://docs.ada.cx/reference/data-compliance/overview
package compliance
