// Package ada is the client that every API package of this SDK shares: configuration, authentication, retries,
// pacing, limits and errors for one Ada AI Agent.
//
//	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: ada.Secret(key)})
//	if err != nil { ... }
//	users := endusers.New(client)
//
// Make one [Client] for each AI Agent and keep it: it is safe for concurrent use, and its connections and its pacing
// are shared by all who use it. Making one dials nothing.
//
// # Errors
//
// Every failed call returns an [*Error]. It answers three questions:
//
//   - What went wrong? errors.Is against [ErrNotFound], [ErrConflict], [ErrRateLimited] and the other sentinels.
//   - Where? [Error] names the operation, the method, the route with its parameters left in braces, and the status.
//   - May I repeat it? [Retryable] says whether the same call is safe to make again and could succeed then.
//     [ErrOutcomeUnknown] says the opposite: the call may have taken effect, and repeating it could do it twice.
//
// No error, log line or value of this package prints a key, and none prints the personal data in a request or an
// answer. What Ada wrote is in [Error.Problems] and [Error.Body], for the program to read.
//
// # Retries
//
// A call is tried up to four times, or up to seven where all it met was 429. What is repeated depends on whether
// repeating is harmless ([Operation.Idempotent]):
//
//	                                        idempotent     other
//	429 Too Many Requests                   repeated       repeated
//	no connection was made                  repeated       repeated
//	408, 500, 502, 503, 504                 repeated       ErrOutcomeUnknown
//	connection lost, or attempt timed out   repeated       ErrOutcomeUnknown
//	2xx with a body cut short, or with      repeated       ErrOutcomeUnknown
//	  no JSON where JSON is expected
//	2xx with JSON of another shape          returned       ErrOutcomeUnknown
//	3xx, 5xx not named above                returned       ErrOutcomeUnknown
//	501, every other 4xx                    returned       returned
//	unknown host, untrusted certificate     returned       returned
//
// Between attempts the client waits for a random part of an exponentially growing time, and at least as long as
// Retry-After asks. It never begins a wait that the context's deadline or [RetryPolicy.MaxRetryAfter] cuts off: the
// error comes back at once instead. Which failures are repeated, and when, may change in a minor release.
//
// Repetitions do not add to an outage. All calls of a client, and of those derived from it, share a budget of 100. A
// call that ends with what Ada has to say about it, be it an answer or a refusal, gives back what its repetitions took
// and a tenth of one more, so that failures now and then use nothing up. When nothing helps, the budget is soon spent,
// and calls then fail with their first error, which [Retryable] judges as ever. It comes back with the calls that
// succeed, and at one repetition a minute. What follows a 429 is not counted.
//
// # Pacing
//
// Ada limits requests per second, per minute and per day, by family of endpoints. The client keeps to these windows by
// itself, so that in normal running no 429 is ever seen: every attempt first takes a slot, and waits for it. A day that
// is used up is not waited for: the call fails with [ErrRateLimited]. Where other processes use the same limit, the
// client learns from the X-RateLimit headers and from each 429 what is left for this one. See [Pace] and
// [HTTPConfig.Limiter].
package ada
