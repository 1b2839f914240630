package compliance_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/compliance"
)

// newClient returns a client of a fake Ada that erases at once and knows one person. In a program it is one of
// ada.NewClient.
func newClient() (client *ada.Client, done func()) {
	srv := adatest.New(adatest.ErasureTime(0, 0))
	srv.AddEndUser(adatest.EndUser{
		ID: "5f7e0e2c1e7c7e000f0f9c3a", ExternalID: "crm-42", ChatterID: "chatter-1", InConversation: true,
		Profile: map[string]any{"email": "ada@example.com", "metadata": map[string]any{"account": "acme-7"}},
	})
	return srv.Client(), srv.Close
}

// erase has the people erased whom an identifier names, and prints what became of it.
func erase(id compliance.Identifier) {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	erasure := compliance.New(client)

	job, err := erasure.Erase(ctx, compliance.Erasure{Identifiers: []compliance.Identifier{id}})
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
		fmt.Println(result.Identifier.Type(), job.Outcome(result), "of", result.Matched)
	}
}

// newPath returns where a ledger can be begun. In a program it is on a disk that outlives the machine.
func newPath() (path string, done func()) {
	dir, err := os.MkdirTemp("", "erasure")
	if err != nil {
		panic(err)
	}
	return filepath.Join(dir, "ledger"), func() { _ = os.RemoveAll(dir) }
}

// newLedger returns a ledger that nobody is in.
func newLedger() (ledger *compliance.FileLedger, done func()) {
	path, remove := newPath()
	ledger, err := compliance.OpenFileLedger(path, secretKey)
	if err != nil {
		panic(err)
	}
	return ledger, func() { _ = ledger.Close(); remove() }
}

// In a program the hash key comes from a vault, and is the same each time.
var secretKey = []byte("a secret of sixteen bytes or more")

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

func ExampleNew() {
	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: "not-a-real-key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	erasure := compliance.New(client)

	_, err = erasure.Erase(context.Background(), compliance.Erasure{}) // refused before anything is sent
	fmt.Println(err)
	// Output: compliance.Erase: invalid: Identifiers is empty
}

func ExampleEmail() {
	erase(compliance.Email("Ada@Example.com")) // whatever its case
	// Output: email erased of 1
}

func ExampleEndUserID() {
	erase(compliance.EndUserID("5f7e0e2c1e7c7e000f0f9c3a")) // endusers.User has it
	// Output: end_user_id erased of 1
}

func ExampleExternalID() {
	erase(compliance.ExternalID("CRM-42")) // whatever its case
	// Output: external_id erased of 1
}

func ExampleChatterID() {
	erase(compliance.ChatterID("chatter-1"))
	// Output: chatter_id erased of 1
}

// Everybody whose metadata says that they are of one account.
func ExampleVariable() {
	erase(compliance.Variable("account", "acme-7"))
	// Output: variable_match erased of 1
}

func ExampleIdentifier_Type() {
	for _, id := range []compliance.Identifier{compliance.Email("ada@example.com"), compliance.ExternalID("crm-42")} {
		fmt.Println(id.Type(), "|", id) // which prints without the value
	}
	// Output:
	// email | compliance.Identifier(email [REDACTED])
	// external_id | compliance.Identifier(external_id [REDACTED])
}

// The value has to be asked for: it is personal data.
func ExampleIdentifier_Value() {
	id := compliance.Email("ada@example.com")
	fmt.Println(id.Value())
	// Output: ada@example.com
}

func ExampleIdentifier_VariableName() {
	id := compliance.Variable("account", "acme-7")
	fmt.Println(id.VariableName(), id.Value())
	// Output: account acme-7
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

// A job can take 30 days. When the context ends before, look again later.
func ExampleClient_Wait() {
	srv := adatest.New()
	defer srv.Close()
	erasure := compliance.New(srv.Client())
	job, err := erasure.Erase(context.Background(), compliance.Erasure{
		Identifiers: []compliance.Identifier{compliance.Email("ada@example.com")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second) // hours, in a program
	defer cancel()
	job, err = erasure.Wait(ctx, job.ID)
	switch {
	case err == nil:
		fmt.Println("ended:", job.Status)
	case job != nil:
		fmt.Println("not ended:", job.Status)
	default:
		fmt.Println("not seen:", err)
	}
	// Output: not ended: queued
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
	path, remove := newPath()
	defer remove()

	ledger, err := compliance.OpenFileLedger(path, secretKey)
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

// With another hash key nobody would be found in the ledger, and everybody would be submitted again.
func ExampleOpenFileLedger() {
	path, remove := newPath()
	defer remove()
	ledger, err := compliance.OpenFileLedger(path, secretKey)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := ledger.Close(); err != nil {
		fmt.Println(err)
		return
	}

	_, err = compliance.OpenFileLedger(path, []byte("another secret of sixteen bytes"))
	fmt.Println(errors.Is(err, compliance.ErrLedger))
	fmt.Println(err)
	// Output:
	// true
	// compliance: ledger: the file is no ledger of this version, or was begun with another hash key, or plain
}

func ExampleOpenPlainFileLedger() {
	path, remove := newPath()
	defer remove()

	ledger, err := compliance.OpenPlainFileLedger(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ledger.Close()
	fmt.Println(ledger.Key(compliance.ExternalID("crm-42")))
	// Output: ["external_id","","crm-42"]
}

// Have EraseAll know of a request that was made without it, so that it does not submit the person again.
func ExampleClient_Record() {
	client, done := newClient()
	defer done()
	ledger, remove := newLedger()
	defer remove()
	ctx := context.Background()
	erasure := compliance.New(client)
	id := compliance.Email("ada@example.com")
	request := compliance.Erasure{Identifiers: []compliance.Identifier{id}, Reference: "dsr-2026-118"}
	job, err := erasure.Erase(ctx, request)
	if err != nil {
		fmt.Println(err)
		return
	}

	if err := erasure.Record(ledger, request, job); err != nil {
		fmt.Println(err)
		return
	}

	people := slices.Values([]compliance.Identifier{id})
	for verdict, err := range erasure.EraseAll(ctx, people, compliance.EraseParams{Ledger: ledger}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(verdict.Reference, verdict.Outcome)
	}
	// Output: dsr-2026-118 erased
}

// Move a ledger into a file, from wherever it was. The keys must be made in the same way.
func ExampleFileLedger_Append() {
	old := &table{rows: []compliance.Entry{
		{Event: compliance.Submitting, Reference: "dsr-2026-118", Keys: []string{"a key of the new ledger's kind"}},
		{Event: compliance.Submitted, Reference: "dsr-2026-118", JobID: "6f1d5c1e"},
	}}
	ledger, remove := newLedger()
	defer remove()
	for entry, err := range old.Entries() {
		if err == nil {
			err = ledger.Append(entry)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	for entry, err := range ledger.Entries() {
		fmt.Println(entry, err)
	}
	// Output:
	// compliance.Entry(submitting dsr-2026-118) <nil>
	// compliance.Entry(submitted dsr-2026-118) <nil>
}

// When was a person submitted?
func ExampleFileLedger_Key() {
	ledger, remove := newLedger()
	defer remove()
	if err := ledger.Append(compliance.Entry{
		Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Event: compliance.Submitting,
		Reference: "dsr-2026-118", Keys: []string{ledger.Key(compliance.Email("ada@example.com"))},
	}); err != nil { // which EraseAll does
		fmt.Println(err)
		return
	}

	key := ledger.Key(compliance.Email("Ada@Example.com"))
	for entry, err := range ledger.Entries() {
		if err != nil {
			fmt.Println(err)
			return
		}
		if slices.Contains(entry.Keys, key) {
			fmt.Println(entry.Time.Format(time.DateOnly), entry.Reference)
		}
	}
	// Output: 2026-03-01 dsr-2026-118
}

// Which requests were made?
func ExampleFileLedger_Entries() {
	client, done := newClient()
	defer done()
	ledger, remove := newLedger()
	defer remove()
	people := slices.Values([]compliance.Identifier{compliance.Email("ada@example.com"), compliance.ExternalID("crm-43")})
	for _, err := range compliance.New(client).EraseAll(context.Background(), people, compliance.EraseParams{Ledger: ledger}) {
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	for entry, err := range ledger.Entries() {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(entry.Event, len(entry.Keys), entry.JobID != "")
	}
	// Output:
	// submitting 2 false
	// submitted 0 true
}

// What was appended is on the disk already. A ledger is closed so that another process can open it.
func ExampleFileLedger_Close() {
	path, remove := newPath()
	defer remove()
	for range 2 {
		ledger, err := compliance.OpenFileLedger(path, secretKey)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(ledger, ledger.Close())
	}
	// Output:
	// compliance.FileLedger <nil>
	// compliance.FileLedger <nil>
}

// A program that runs once a day looks at each of its jobs, and does not wait.
func ExampleJob_Done() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	erasure := compliance.New(client)
	job, err := erasure.Erase(ctx, compliance.Erasure{Identifiers: []compliance.Identifier{compliance.ExternalID("crm-42")}})
	if err != nil {
		fmt.Println(err)
		return
	}

	job, err = erasure.Job(ctx, job.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	if job.Done() {
		fmt.Println(job.Status, job.Outcome(job.Results[0]))
	}
	// Output: completed erased
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

// Nothing here prints whom it is about. To store a job, keep its Raw.
func Example_redacted() {
	id := compliance.Email("ada@example.com")
	fmt.Println(id)
	fmt.Println(compliance.Erasure{Identifiers: []compliance.Identifier{id}, Reference: "dsr-2026-118"})
	fmt.Println(compliance.SubjectRequest{Email: "ada@example.com"})
	fmt.Println(compliance.Job{ID: "job-1", Status: compliance.Queued})
	fmt.Println(compliance.Result{Identifier: id, Disposition: compliance.Accepted})
	fmt.Println(compliance.Verdict{Identifier: id, Outcome: compliance.Erased})
	fmt.Println(compliance.Entry{Event: compliance.Submitted, Reference: "dsr-2026-118"})
	// Output:
	// compliance.Identifier(email [REDACTED])
	// compliance.Erasure(dsr-2026-118 of 1)
	// [REDACTED]
	// compliance.Job(job-1 queued)
	// compliance.Result(accepted)
	// compliance.Verdict(erased)
	// compliance.Entry(submitted dsr-2026-118)
}
