package compliance_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/compliance"
)

// newClient returns a client of a fake Ada that erases at once and knows one person. In a program it is one of
// ada.NewClient.
func newClient() (client *ada.Client, done func()) {
	srv := adatest.New(adatest.ErasureTime(0, 0))
	srv.AddEndUser(adatest.EndUser{InConversation: true, Profile: map[string]any{"email": "ada@example.com"}})
	return srv.Client(), srv.Close
}

// Have a person erased, and see that it was done.
func Example() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	erasure := compliance.New(client)

	job, err := erasure.Erase(ctx, compliance.Erasure{
		Identifiers: []compliance.Identifier{compliance.Email("ada@example.com")},
		Reference:   "dsr-2026-118",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err = erasure.Wait(ctx, job.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, result := range job.Results {
		fmt.Println(result.Identifier.Type(), job.Outcome(result))
	}
	// Output: email erased
}

// A call that failed and can be repeated is repeated with the reference that it had.
func ExampleClient_Erase() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	erasure := compliance.New(client)

	request := compliance.Erasure{Identifiers: []compliance.Identifier{compliance.ExternalID("crm-42"), compliance.EndUserID("5f7e0e2c1e7c7e000f0f9c3a")}}
	job, err := erasure.Erase(ctx, request)
	if ada.Retryable(err) {
		request.Reference = job.Reference // keep it with the request, for a day at most
		job, err = erasure.Erase(ctx, request)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(job.Submitted)
	// Output: 2
}

func ExampleClient_Job() {
	client, done := newClient()
	defer done()

	_, err := compliance.New(client).Job(context.Background(), "no-such-job")
	fmt.Println(errors.Is(err, ada.ErrNotFound))
	// Output: true
}

func ExampleClient_RequestErasure() {
	client, done := newClient()
	defer done()

	// The API of 2022 may need a key of its own: client.WithAPIKey(key).
	err := compliance.New(client).RequestErasure(context.Background(), compliance.SubjectRequest{Email: "ada@example.com"})
	if errors.Is(err, ada.ErrOutcomeUnknown) {
		fmt.Println("it may have been taken in: ask Ada before asking again")
	}
	fmt.Println(err)
	// Output: <nil>
}

// Have many people erased. Calling it again with the same ledger goes on where it stopped.
func ExampleClient_EraseAll() {
	client, done := newClient()
	defer done()
	dir, err := os.MkdirTemp("", "erasure")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	ledger, err := compliance.OpenFileLedger(filepath.Join(dir, "ledger"), []byte("a secret of sixteen bytes or more"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ledger.Close()
	people := slices.Values([]compliance.Identifier{
		compliance.Email("ada@example.com"), compliance.Email("nobody@example.com"), compliance.Email("typo"),
	})
	for verdict, err := range compliance.New(client).EraseAll(context.Background(), people, compliance.EraseParams{Ledger: ledger, Wait: true}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(verdict.Outcome)
	}
	// Output:
	// refused
	// erased
	// not found
}

func ExampleOpenPlainFileLedger() {
	dir, err := os.MkdirTemp("", "erasure")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	ledger, err := compliance.OpenPlainFileLedger(filepath.Join(dir, "ledger"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ledger.Close()
	fmt.Println(ledger.Key(compliance.ExternalID("crm-42")))
	// Output: ["external_id","","crm-42"]
}

func ExampleJob_Outcome() {
	job := compliance.Job{Status: compliance.InProgress}
	accepted := compliance.Result{Disposition: compliance.Accepted}
	fmt.Println(job.Outcome(accepted))
	job.Status = compliance.Completed
	fmt.Println(job.Outcome(accepted), "and", job.Outcome(compliance.Result{Disposition: compliance.TooManyPeople}))
	// Output:
	// pending
	// erased and refused
}
