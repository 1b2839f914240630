// Package proactivesms triggers the SMS campaigns of an AI Agent, one message to one phone at a time.
//
//	sms := proactivesms.New(client)
//	err := sms.Trigger(ctx, proactivesms.Message{CampaignKey: "renew_subscriptions", PhoneNumber: "4165551234"})
//	switch {
//	case errors.Is(err, ada.ErrOutcomeUnknown): // it may have been sent: do not send it again
//	case err != nil: // it was not sent
//	}
//
// What to know before using it:
//
//   - Every call that takes effect is a message on somebody's phone, and Ada has no way to tell a repetition. A call is
//     therefore repeated only when it cannot have happened: it was refused with 429, or no connection was made. Every
//     other failure that leaves the question open is [ada.ErrOutcomeUnknown].
//   - Success means that Ada handed the message on to the carrier, and not that it arrived.
//   - The API is of 2022 and in no current page of Ada's documentation; it can need a key of its own, see
//     [ada.Client.WithAPIKey]. Its rate limit is not documented: calls are paced to Ada's default, 10 a second, 100 a
//     minute and 10,000 a day, for all endpoints together that have no limit of their own. When the day is used up, a
//     call fails with [ada.ErrRateLimited] and was not sent.
//
// Values of this package that hold personal data print, log and marshal without it.
package proactivesms
