package adasdk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
	"github.com/adasdk/ada-go/braze/fromada"
	"github.com/adasdk/ada-go/braze/segment"
	"github.com/adasdk/ada-go/compliance"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/proactivesms"
	"github.com/adasdk/ada-go/webhooks"
	"github.com/adasdk/ada-go/webhooks/endpoints"
)

// One client for each AI Agent serves all packages. Making one dials nothing.
func Example_client() {
	key := "from-your-secret-store"

	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: ada.Secret(key)})
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(client.BaseURL())
	// Output: https://acme.ada.support/
}

// Create an end user, change some of its fields and leave the others alone, and walk through all of them.
func Example_endUsers() {
	srv := adatest.New()
	defer srv.Close()
	ctx, client, token := context.Background(), srv.Client(), "t-1"

	users := endusers.New(client)
	user, created, err := users.Create(ctx, endusers.NewUser{
		ExternalID: "crm-42", // a second Create gives this end user again
		Profile:    endusers.Profile{Language: "pt-BR", Metadata: map[string]any{"plan": "pro"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	user, err = users.Update(ctx, user.ID, endusers.Update{
		Email:      ada.Set("ada@example.com"),
		ExternalID: ada.Null[string](), // clears it; what is left out stays
		// Write-only, and gone after 24 hours:
		Sensitive: ada.Set(endusers.Sensitive{"auth_token": token}),
	})
	if err != nil {
		log.Fatal(err)
	}
	for user, err := range users.All(ctx, endusers.ListParams{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.Profile.Email)
	}

	fmt.Println(created, user.Profile.Language)
	// Output:
	// ada@example.com
	// true pt-BR
}

// Three questions that every error answers: what it was, whether it may have happened, and whether to do it again.
func Example_errors() {
	srv := adatest.New()
	defer srv.Close()
	users := endusers.New(srv.Client())
	ctx := context.Background()

	_, err := users.GetByExternalID(ctx, "crm-42")
	switch {
	case errors.Is(err, ada.ErrNotFound): // what it was: one of the sentinels of package ada
		fmt.Println("Ada does not know them")
	case errors.Is(err, ada.ErrOutcomeUnknown): // it may have happened: find out before you do it again
	case ada.Retryable(err): // it is safe to do again, and worth it
	}

	fmt.Println(err)
	// Output:
	// Ada does not know them
	// endusers.GetByExternalID: GET /api/v2/end-users/: 404 Not Found: not_found
}

// Export all conversations of a month, each once, and go on from where it ended the next time.
func Example_dataExport() {
	srv := adatest.New()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	month := time.Now().AddDate(0, -1, 0)
	srv.AddConversations(adatest.Record{ID: "c-1", CreatedAt: month.Add(time.Hour)}, adatest.Record{ID: "c-2", CreatedAt: month.Add(time.Hour)})
	var checkpoint dataexport.Checkpoint
	store := func(c *dataexport.Conversation) { fmt.Println(c.ID) }
	save := func(dataexport.Checkpoint) { fmt.Println("saved") }

	export := dataexport.New(client)
	query := dataexport.Query{Since: month, Resume: checkpoint, Concurrency: 4}
	for page, err := range export.ConversationPages(ctx, query) {
		if err != nil {
			log.Fatal(err)
		}
		for conversation, err := range page.Records() {
			if err != nil {
				log.Fatal(err)
			}
			store(conversation)
		}
		save(page.Next) // in one transaction with the records, to lose and double nothing
	}

	// Output:
	// c-1
	// c-2
	// saved
}

// Have people erased, any number of them, each once and over crashes.
func Example_compliance() {
	srv := adatest.New(adatest.ErasureTime(0, 0))
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	srv.AddEndUser(adatest.EndUser{Profile: map[string]any{"email": "ada@example.com"}})
	dir, err := os.MkdirTemp("", "erasure")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path, hashKey := filepath.Join(dir, "erasure.ledger"), bytes.Repeat([]byte{7}, 32)

	ledger, err := compliance.OpenFileLedger(path, hashKey) // keeps hashes, no addresses
	if err != nil {
		log.Fatal(err)
	}
	defer ledger.Close()
	people := slices.Values([]compliance.Identifier{
		compliance.Email("ada@example.com"),
		compliance.Email("nobody@example.com"),
	})
	params := compliance.EraseParams{Ledger: ledger}
	for verdict, err := range compliance.New(client).EraseAll(ctx, people, params) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(verdict.Outcome) // erased, pending, not found, refused or unknown
	}

	// Output:
	// erased
	// not found
}

// Send a text message at most once.
func Example_proactiveSMS() {
	srv := adatest.New()
	defer srv.Close()
	ctx, client, phone := context.Background(), srv.Client(), "4165551234"
	srv.Fail("proactivesms.Trigger", adatest.Failure{Effect: true, Drop: true}) // the answer is lost on the way

	err := proactivesms.New(client).Trigger(ctx, proactivesms.Message{
		CampaignKey: "renew_subscriptions",
		PhoneNumber: phone,
	})
	if errors.Is(err, ada.ErrOutcomeUnknown) {
		fmt.Println("it may be on its way: do not send it again")
	}

	fmt.Println(len(srv.Outbox()))
	// Output:
	// it may be on its way: do not send it again
	// 1
}

// Receive webhooks: verified, typed, and each one handled once.
func Example_webhooks() {
	secret := "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

	verifier, err := webhooks.NewVerifier(secret)
	if err != nil {
		log.Fatal(err)
	}
	mux := webhooks.NewMux(webhooks.Config{Verifier: verifier})
	webhooks.Handle(mux, func(ctx context.Context, e webhooks.Event[webhooks.EndUserUpdated]) error {
		fmt.Println(e.Data.ID, "speaks", e.Data.Profile.Language)
		return nil
	})
	http.Handle("POST /ada", mux)

	body := []byte(`{"type":"v1.end_user.updated","data":{"end_user_id":"eu-1","profile":{"language":"pt-BR"}}}`)
	request := httptest.NewRequest(http.MethodPost, "/ada", bytes.NewReader(body))
	request.Header = verifier.Sign("msg_1", time.Now(), body)
	answer := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(answer, request)
	fmt.Println(answer.Code)
	// Output:
	// eu-1 speaks pt-BR
	// 200
}

// Bring what a conversation has taught to the person's Braze profile, and know what became of each object.
func Example_braze() {
	srv := brazetest.New()
	defer srv.Close()
	ctx, tracker := context.Background(), srv.Client()

	user := braze.ExternalID("crm-42")
	batch := braze.Batch{ // of any length
		Attributes: []braze.Attributes{{
			User:   user,
			Custom: braze.Custom{"plan": "pro", "conversations": braze.Inc(1)},
		}},
		Events: []braze.Event{{User: user, Name: "asked_for_refund", Time: time.Now()}},
	}
	result, err := tracker.Track(ctx, batch)
	if err != nil {
		again := result.Select(batch, braze.Unsent) // the others are processed, rejected or unknown
		log.Printf("%d of %d objects are left: %v", again.Len(), batch.Len(), err)
	}

	fmt.Println(result.Count(braze.Processed))
	// Output: 2
}

// What Ada sends becomes Braze objects, and a buffer brings them there in few requests.
func Example_fromAda() {
	fakeAda, fakeBraze := adatest.New(), brazetest.New()
	defer fakeAda.Close()
	defer fakeBraze.Close()
	client, tracker := fakeAda.Client(), fakeBraze.Client()
	id := fakeAda.AddEndUser(adatest.EndUser{ExternalID: "crm-42"})

	mapping := fromada.Mapping{
		Identify: fromada.Lookup(endusers.New(client)), // asks for the external id
		Metadata: map[string]string{"plan": "ada_plan"},
	}
	buffer, err := tracker.NewBuffer(braze.BufferConfig{})
	if err != nil {
		log.Fatal(err)
	}
	ended := func(ctx context.Context, e webhooks.Event[webhooks.ConversationEnded]) error {
		batch, _, err := mapping.ConversationEnded(ctx, e)
		if err != nil {
			return err // Ada delivers it again
		}
		return buffer.Add(ctx, batch)
	}

	ctx := context.Background()
	e := webhooks.Event[webhooks.ConversationEnded]{Type: webhooks.TypeConversationEnded, Timestamp: time.Now()}
	e.Data.EndUserID = id
	if err := ended(ctx, e); err != nil {
		log.Fatal(err)
	}
	if _, err := buffer.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(fakeBraze.Events()[0].Name)
	// Output: ada_conversation_ended
}

// Segment's calls become Braze objects as Segment's own integration makes them.
func Example_segment() {
	srv := brazetest.New()
	defer srv.Close()
	ctx, tracker := context.Background(), srv.Client()
	received := []byte(`{"type":"track","userId":"crm-42","event":"Signed Up","timestamp":"2026-06-01T12:30:00Z"}`)

	var call segment.Call
	if err := json.Unmarshal(received, &call); err != nil {
		log.Fatal(err)
	}
	batch, omitted := segment.Mapper{}.Map(call) // omitted names what Braze would not take
	if _, err := tracker.Track(ctx, batch); err != nil {
		log.Fatal(err)
	}

	fmt.Println(srv.Events()[0].Name, len(omitted))
	// Output: Signed Up 0
}

// Have Ada send webhooks to a new place.
func Example_endpoints() {
	srv := adatest.New()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()

	endpoint, err := endpoints.New(client).Create(ctx, endpoints.NewEndpoint{
		URL:          "https://hooks.example.com/ada",
		EventFilters: []string{webhooks.TypeConversationEnded},
	})
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(endpoint.EventFilters)
	// Output: [v1.conversation.ended]
}

// SignUp is what a program does, and what TestSignUp tests.
func SignUp(ctx context.Context, client *ada.Client, id string) error {
	_, _, err := endusers.New(client).Create(ctx, endusers.NewUser{ExternalID: id})
	return err
}

func TestSignUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		// Ada makes the end user, and the answer is lost on the way.
		srv.Fail("endusers.Create", adatest.Failure{Effect: true, Drop: true})

		if err := SignUp(t.Context(), srv.Client(), "crm-42"); err != nil {
			t.Fatal(err)
		}
		if got := len(srv.Calls("endusers.Create")); got != 2 {
			t.Errorf("%d requests, want 2", got)
		}
		if _, ok := srv.EndUser("crm-42"); !ok {
			t.Error("they are not signed up")
		}
	})
}

func TestTellBraze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t)
		// Braze answers that it is busy, once.
		srv.Fail(brazetest.Failure{Status: http.StatusServiceUnavailable})

		batch := braze.Batch{Attributes: []braze.Attributes{{
			User:   braze.ExternalID("crm-42"),
			Custom: braze.Custom{"plan": "pro"},
		}}}
		if _, err := srv.Client().Track(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if profile, _ := srv.Profile(braze.ExternalID("crm-42")); profile.Attributes["plan"] != "pro" {
			t.Errorf("the profile has %v", profile.Attributes)
		}
	})
}
