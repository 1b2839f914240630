// Package adasdk is the front page of the Go SDK for Ada. It declares nothing; import the package that you need:
//
//   - [github.com/adasdk/ada-go/ada]: the client, its configuration, errors, retries and pacing
//   - [github.com/adasdk/ada-go/endusers]: End Users v2
//   - [github.com/adasdk/ada-go/dataexport]: conversations and messages, for a warehouse
//   - [github.com/adasdk/ada-go/compliance]: erasure of people
//   - [github.com/adasdk/ada-go/proactivesms]: SMS campaigns
//   - [github.com/adasdk/ada-go/webhooks]: what Ada sends; it imports nothing else of the SDK
//   - [github.com/adasdk/ada-go/webhooks/endpoints]: where Ada sends it
//   - [github.com/adasdk/ada-go/ada/adatest]: a fake Ada for your tests
//   - [github.com/adasdk/ada-go/braze]: what is learned, to Braze; [github.com/adasdk/ada-go/braze/fromada] and
//     [github.com/adasdk/ada-go/braze/segment] make it of what Ada and Segment send
//   - [github.com/adasdk/ada-go/braze/brazetest]: a fake Braze for your tests
//
// # A first call
//
//	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: ada.Secret(key)})
//	if err != nil {
//		log.Fatal(err)
//	}
//
// Make one client for each AI Agent and keep it; every package takes it:
//
//	users := endusers.New(client)
//	user, created, err := users.Create(ctx, endusers.NewUser{
//		ExternalID: "crm-42", // a second Create gives this end user again
//		Profile:    endusers.Profile{Language: "pt-BR", Metadata: map[string]any{"plan": "pro"}},
//	})
//
// # Configuration
//
// ada.Config says which AI Agent and which key, and ada.HTTPConfig how requests are sent; braze.Config has the same
// HTTPConfig. The zero value is the recommended one: an HTTP client of the SDK's own, pacing by the published limits, up to
// four attempts. ada.ConfigFromEnv reads ADA_HANDLE and ADA_API_KEY. ada.Client.WithAPIKey derives a client with another
// key, and an ada.CallOption holds for one call.
//
// # Errors: what, where, and may I repeat it
//
// Every failed call ends with an *ada.Error with the operation, the route, the status, and what Ada found wrong. What it
// was is asked with errors.Is, and whether to repeat it is said by two more:
//
//	switch {
//	case errors.Is(err, ada.ErrNotFound): // what it was: one of the sentinels of package ada
//		fmt.Println("Ada does not know them")
//	case errors.Is(err, ada.ErrOutcomeUnknown): // it may have happened: find out before you do it again
//	case ada.Retryable(err): // it is safe to do again, and worth it
//	}
//
// Parameters that cannot be right are refused before anything is sent, all of them at once: ada.ErrInvalid.
//
// # Retries and limits
//
// A call is sent again when that is harmless: after a 429 and where no connection was made always, after anything else
// only if the call is idempotent. What may have happened is never repeated; a call that cannot tell is
// ada.ErrOutcomeUnknown. The table is in package [github.com/adasdk/ada-go/ada].
//
// Ada's limits, by the second, the minute and the day, are kept before a request is sent, for all goroutines of a process,
// so that in normal running there is no 429. Answers, bodies, waits and repetitions are all limited, and each limit is in
// the documentation of what it limits.
//
// # Iterators and checkpoints
//
// Lists are range-over-func iterators: a page in memory, an error last and once, and nothing left open by a break. A Data
// Export also comes by the page, each with a checkpoint from which a later program goes on:
//
//	export := dataexport.New(client)
//	query := dataexport.Query{Since: month, Resume: checkpoint, Concurrency: 4}
//	for page, err := range export.ConversationPages(ctx, query) {
//		if err != nil {
//			log.Fatal(err)
//		}
//		for conversation, err := range page.Records() {
//			if err != nil {
//				log.Fatal(err)
//			}
//			store(conversation)
//		}
//		save(page.Next) // in one transaction with the records, to lose and double nothing
//	}
//
// # Absent, null and zero
//
// A field of a request that can be cleared is an ada.Opt: left out it changes nothing, ada.Set gives it a value,
// the zero value too, and ada.Null removes what it has. Fields of answers are plain values, empty where Ada has none;
// Raw has all that Ada sent.
//
//	user, err = users.Update(ctx, user.ID, endusers.Update{
//		Email:      ada.Set("ada@example.com"),
//		ExternalID: ada.Null[string](), // clears it; what is left out stays
//		// Write-only, and gone after 24 hours:
//		Sensitive: ada.Set(endusers.Sensitive{"auth_token": token}),
//	})
//
// # Secrets
//
// The key goes to one origin: redirects are refused, and links to next pages must stay. No error, log record or value of
// the SDK prints a key or personal data, with any verb of fmt, log/slog or encoding/json; ada.Secret says what a Go type
// cannot hide. What is to be stored is raw JSON: the Raw fields, and dataexport.RawRecord. Keys that rotate come from
// ada.Config.KeyFunc.
//
// # Testing your code
//
// [github.com/adasdk/ada-go/ada/adatest] keeps state, enforces what Ada documents, and fails on demand. It works inside
// testing/synctest, where an hour of waiting takes no time.
//
//	func TestSignUp(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			srv := adatest.NewServer(t)
//			// Ada makes the end user, and the answer is lost on the way.
//			srv.Fail("endusers.Create", adatest.Failure{Effect: true, Drop: true})
//
//			if err := SignUp(t.Context(), srv.Client(), "crm-42"); err != nil {
//				t.Fatal(err)
//			}
//			if got := len(srv.Calls("endusers.Create")); got != 2 {
//				t.Errorf("%d requests, want 2", got)
//			}
//			if _, ok := srv.EndUser("crm-42"); !ok {
//				t.Error("they are not signed up")
//			}
//		})
//	}
//
// # Compatibility
//
// The two latest Go releases are supported. Versions are semantic, and until v1 a minor release can break the API. Structs
// can gain fields, so name the fields in literals; error identity under errors.Is stays. The table of what is repeated,
// wait times, the texts of errors and log records can change in a minor release. What Ada adds, such as fields, values and
// event types, never fails a call.
package adasdk
