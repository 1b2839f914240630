package adatest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/adasdk/ada-go/endusers"
)

// In a test, NewServer(t) closes the server by itself, and fails the test when a request goes to an endpoint that Ada
// does not have:
//
//	func TestSignUp(t *testing.T) {
//		srv := adatest.NewServer(t)
//		...
//	}
//
// Here, outside of a test, New and Close take its place.
func ExampleNewServer() {
	srv := adatest.New()
	defer srv.Close()

	// What is to be tested gets a client of the server.
	signUp := func(ctx context.Context, client *ada.Client, id, plan string) error {
		_, _, err := endusers.New(client).Upsert(ctx, endusers.NewUser{
			ExternalID: id,
			Profile:    endusers.Profile{Metadata: map[string]any{"plan": plan}},
		})
		return err
	}
	err := signUp(context.Background(), srv.Client(), "crm-42", "pro")

	u, ok := srv.EndUser("crm-42")
	fmt.Println(err, ok, u.Profile["metadata"])
	// Output: <nil> true map[plan:pro]
}

// A demonstration, or a service on a developer's machine, runs without an account at Ada. In a test NewServer is better.
func ExampleNew() {
	srv := adatest.New(adatest.RateLimit(0, 0))
	defer srv.Close()
	srv.AddEndUser(adatest.EndUser{ExternalID: "crm-42", Profile: map[string]any{"language": "pt-BR"}})

	u, err := endusers.New(srv.Client()).GetByExternalID(context.Background(), "crm-42")
	if err != nil {
		panic(err)
	}
	fmt.Println(u.ExternalID, u.Profile.Language)
	// Output: crm-42 pt-BR
}

// Clients see what the others have done, as two processes would.
func ExampleServer_Client() {
	srv := adatest.New()
	defer srv.Close()
	web, worker := endusers.New(srv.Client()), endusers.New(srv.Client())

	created, _, err := web.Create(context.Background(), endusers.NewUser{ExternalID: "crm-42"})
	if err != nil {
		panic(err)
	}
	found, err := worker.GetByExternalID(context.Background(), "crm-42")
	if err != nil {
		panic(err)
	}
	fmt.Println(found.ID == created.ID)
	// Output: true
}

// After Close there is no Ada, so that a test can see what a service does without one.
func ExampleServer_Close() {
	srv := adatest.New()
	config := srv.Config()
	config.HTTP.Retry.MaxAttempts = 1 // or the client waits and tries again
	client, err := ada.NewClient(config)
	if err != nil {
		panic(err)
	}
	srv.Close()

	greeting := func(ctx context.Context, id string) string {
		u, err := endusers.New(client).GetByExternalID(ctx, id)
		if err != nil {
			return "Hello!"
		}
		return "Hello " + u.Profile.FirstName + "!"
	}
	fmt.Println(greeting(context.Background(), "crm-42"))
	// Output: Hello!
}

func ExampleServer_Fail() {
	srv := adatest.New()
	defer srv.Close()
	users := endusers.New(srv.Client())

	srv.Fail("endusers.Create",
		adatest.Failure{Status: http.StatusForbidden},
		adatest.Failure{Drop: true, Effect: true}, // the end user is made, but the answer is lost
	)
	for range 3 {
		_, _, err := users.Create(context.Background(), endusers.NewUser{})
		switch {
		case errors.Is(err, ada.ErrForbidden):
			fmt.Println("forbidden")
		case errors.Is(err, ada.ErrOutcomeUnknown):
			fmt.Println("outcome unknown")
		default:
			fmt.Println(err)
		}
	}
	// Output:
	// forbidden
	// outcome unknown
	// <nil>
}

func ExampleServer_Calls() {
	srv := adatest.New()
	defer srv.Close()
	users := endusers.New(srv.Client())

	_, _, err := users.Create(context.Background(), endusers.NewUser{ExternalID: "crm-42"})
	if err != nil {
		panic(err)
	}
	for _, call := range srv.Calls("endusers.Create") {
		fmt.Printf("%d: %s %s %s\n", call.StatusCode, call.Method, call.URL, call.Body)
	}
	// Output: 201: POST /api/v2/end-users/ {"external_id":"crm-42"}
}

// Sensitive metadata is never in an answer. What a client wrote can be seen here.
func ExampleServer_EndUser() {
	srv := adatest.New()
	defer srv.Close()
	users := endusers.New(srv.Client())

	_, _, err := users.Create(context.Background(), endusers.NewUser{
		ExternalID: "CRM-42",
		Profile:    endusers.Profile{FirstName: "Ada"},
		Sensitive:  endusers.Sensitive{"token": "s3cret"},
	})
	if err != nil {
		panic(err)
	}
	u, ok := srv.EndUser("CRM-42")
	fmt.Println(ok, u.ExternalID, u.Profile["first_name"], u.Sensitive["token"])
	// Output: true crm-42 Ada s3cret
}

func ExampleServer_AddEndUser() {
	srv := adatest.New()
	defer srv.Close()

	id := srv.AddEndUser(adatest.EndUser{
		Profile:        map[string]any{"first_name": "Ada", "metadata": map[string]any{"plan": "pro"}},
		CreatedAt:      time.Date(2026, time.January, 2, 15, 4, 5, 0, time.UTC),
		InConversation: true, // or it is deleted 24 hours after CreatedAt
	})

	u, err := endusers.New(srv.Client()).Get(context.Background(), id)
	if err != nil {
		panic(err)
	}
	fmt.Println(u.Profile.FirstName, u.Profile.Metadata["plan"], u.CreatedAt.Year())
	// Output: Ada pro 2026
}

// Without limits a test can make many calls in no time.
func ExampleRateLimit() {
	srv := adatest.New(adatest.RateLimit(0, 0))
	defer srv.Close()
	users := endusers.New(srv.Client())

	for range 100 {
		if _, _, err := users.Create(context.Background(), endusers.NewUser{}); err != nil {
			panic(err)
		}
	}
	fmt.Println(len(srv.Calls()))
	// Output: 100
}

// An erasure that can take Ada a month takes no time here. With testing/synctest it could as well take a month.
func ExampleErasureTime() {
	srv := adatest.New(adatest.ErasureTime(0, 0))
	defer srv.Close()
	srv.AddEndUser(adatest.EndUser{ExternalID: "crm-42", InConversation: true})

	call(srv, "compliance.Erase", "/api/v2/end-users/delete", `{"identifiers":[{"type":"external_id","value":"crm-42"}]}`)
	_, ok := srv.EndUser("crm-42")
	fmt.Println(srv.Erasures()[0].Status, ok)
	// Output: completed false
}

// A client that sends a request again makes no second job, as long as it names the same client_reference.
func ExampleServer_Erasures() {
	srv := adatest.New()
	defer srv.Close()

	for range 2 {
		call(srv, "compliance.Erase", "/api/v2/end-users/delete",
			`{"client_reference":"ticket-7","identifiers":[{"type":"email","value":"ada@example.com"}]}`)
	}
	for _, e := range srv.Erasures() {
		fmt.Println(e.Reference, e.Identifiers[0].Type, e.Identifiers[0].Value, e.Status)
	}
	// Output: ticket-7 email ada@example.com queued
}

func ExampleServer_SubjectRequests() {
	srv := adatest.New()
	defer srv.Close()

	call(srv, "compliance.RequestErasure", "/api/v1/data-subject-request", `{"type":"ERASURE","email":"ada@example.com"}`)
	for _, r := range srv.SubjectRequests() {
		fmt.Println(r.Email)
	}
	// Output: ada@example.com
}

// The answer to the first request is lost. Who then sends it again has sent two messages.
func ExampleServer_Outbox() {
	srv := adatest.New()
	defer srv.Close()

	srv.Fail("proactivesms.Trigger", adatest.Failure{Drop: true, Effect: true})
	for range 2 {
		call(srv, "proactivesms.Trigger", "/api/campaigns/sms/trigger",
			`{"campaign_key":"renewals","recipient":{"meta_fields":{"phone_number":"4165551234","plan":"pro"}}}`)
	}
	for _, m := range srv.Outbox() {
		fmt.Println(m.CampaignKey, m.PhoneNumber, m.MetaFields["plan"])
	}
	// Output:
	// renewals 4165551234 pro
	// renewals 4165551234 pro
}

func ExampleServer_AddWebhook() {
	srv := adatest.New()
	defer srv.Close()
	id := srv.AddWebhook(adatest.Webhook{URL: "https://example.com/hooks/ada"}) // as somebody at the dashboard does

	call(srv, "endpoints.RotateSecret", "/api/v2/webhooks/"+id+"/secret/rotate/", `{"key":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`)
	fmt.Println(string(srv.Webhooks()[0].Secret))
	// Output: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
}

// Who sends a request again whose answer was lost has two webhooks, and gets every event twice.
func ExampleServer_Webhooks() {
	srv := adatest.New()
	defer srv.Close()

	srv.Fail("endpoints.Create", adatest.Failure{Drop: true, Effect: true})
	for range 2 {
		call(srv, "endpoints.Create", "/api/v2/webhooks/", `{"url":"https://example.com/hooks/ada"}`)
	}
	for _, w := range srv.Webhooks() {
		fmt.Println(w.URL, w.EventFilters)
	}
	// Output:
	// https://example.com/hooks/ada []
	// https://example.com/hooks/ada []
}

// Ten days of conversations, and one that the test knows. A client reads them as Ada documents it, by the link of each
// page to the next.
func ExampleServer_Generate() {
	srv := adatest.New()
	defer srv.Close()
	since := time.Now().UTC().AddDate(0, 0, -10).Truncate(time.Hour)
	srv.Generate(adatest.Generated{Conversations: 240, MessagesPer: 4, Since: since, Until: since.AddDate(0, 0, 10)})
	srv.AddConversations(adatest.Record{CreatedAt: since.AddDate(0, 0, 9), Fields: map[string]any{"language": "eo", "csat": nil}})

	client := srv.Client()
	op := ada.Operation{Name: "dataexport.Conversations", Method: http.MethodGet, Route: "/api/v2/export/conversations"}
	query := url.Values{
		"created_since": {since.Format(time.RFC3339)},
		"created_to":    {since.AddDate(0, 0, 10).Format(time.RFC3339)}, // otherwise only seven days would come
		"page_size":     {"100"},
	}.Encode()
	for query != "" {
		req, err := client.NewRequest(context.Background(), op, nil)
		if err != nil {
			panic(err)
		}
		req.URL.RawQuery = query
		var page struct {
			Data []struct {
				Language string `json:"language"`
			} `json:"data"`
			Meta struct {
				Next string `json:"next_page_uri"`
			} `json:"meta"`
		}
		if _, err := client.Do(req, op, &page); err != nil {
			panic(err)
		}
		esperanto := 0
		for _, c := range page.Data {
			if c.Language == "eo" {
				esperanto++
			}
		}
		fmt.Println(len(page.Data), esperanto)
		_, query, _ = strings.Cut(page.Meta.Next, "?")
	}
	// Output:
	// 100 0
	// 100 0
	// 41 1
}

func ExampleServer_AddConversations() {
	srv := adatest.New()
	defer srv.Close()
	yesterday := time.Now().AddDate(0, 0, -1)
	srv.AddConversations(
		adatest.Record{ID: "c-1", CreatedAt: yesterday, Fields: map[string]any{"csat": map[string]any{"score": 5}}},
		adatest.Record{ID: "c-2", CreatedAt: yesterday.Add(time.Hour), Fields: map[string]any{"csat": nil}},
		adatest.Record{ID: "late", CreatedAt: yesterday, ArrivesAt: time.Now().Add(time.Hour)}, // not there yet
	)

	query := dataexport.Query{Since: yesterday.Add(-time.Hour)}
	for c, err := range dataexport.New(srv.Client()).Conversations(context.Background(), query) {
		if err != nil {
			panic(err)
		}
		fmt.Println(c.ID, c.CSAT != nil)
	}
	// Output:
	// c-1 true
	// c-2 false
}

func ExampleServer_AddMessages() {
	srv := adatest.New()
	defer srv.Close()
	yesterday := time.Now().AddDate(0, 0, -1)
	for i, body := range []string{"Where is my order?", "It arrives on Thursday."} {
		srv.AddMessages(adatest.Record{CreatedAt: yesterday.Add(time.Duration(i) * time.Second), Fields: map[string]any{
			"conversation_id": "c-1",
			"message_data":    map[string]any{"_type": "text", "body": body},
		}})
	}

	query := dataexport.Query{Since: yesterday.Add(-time.Hour), ConversationID: "c-1"}
	for m, err := range dataexport.New(srv.Client()).Messages(context.Background(), query) {
		if err != nil {
			panic(err)
		}
		if text, ok := m.Data.(dataexport.Text); ok {
			fmt.Println(text.Body)
		}
	}
	// Output:
	// Where is my order?
	// It arrives on Thursday.
}

// A conversation that changes after its export comes again where the export is by update.
func ExampleServer_UpdateConversation() {
	srv := adatest.New()
	defer srv.Close()
	yesterday := time.Now().AddDate(0, 0, -1)
	srv.AddConversations(
		adatest.Record{ID: "c-1", CreatedAt: yesterday},
		adatest.Record{ID: "c-2", CreatedAt: yesterday},
	)
	srv.UpdateConversation("c-1", yesterday.Add(2*time.Hour), map[string]any{"is_escalated": true})

	query := dataexport.Query{By: dataexport.ByUpdated, Since: yesterday.Add(time.Hour)}
	for c, err := range dataexport.New(srv.Client()).Conversations(context.Background(), query) {
		if err != nil {
			panic(err)
		}
		fmt.Println(c.ID, c.Escalated)
	}
	// Output: c-1 true
}

// An erasure does not reach what was exported before it. A copy has to be compared with what Ada still has.
func ExampleServer_RemoveRecords() {
	srv := adatest.New()
	defer srv.Close()
	yesterday := time.Now().AddDate(0, 0, -1)
	srv.AddConversations(adatest.Record{ID: "c-1", CreatedAt: yesterday}, adatest.Record{ID: "c-2", CreatedAt: yesterday})
	export := func() (ids []string) {
		query := dataexport.Query{Since: yesterday.Add(-time.Hour)}
		for c, err := range dataexport.New(srv.Client()).Conversations(context.Background(), query) {
			if err != nil {
				panic(err)
			}
			ids = append(ids, c.ID)
		}
		return ids
	}

	fmt.Println(export())
	srv.RemoveRecords("c-1")
	fmt.Println(export())
	// Output:
	// [c-1 c-2]
	// [c-2]
}

// What reads the export should bear whatever Ada may answer.
func ExampleWithExportQuirks() {
	for _, quirks := range []adatest.ExportQuirks{
		{},
		{Items: true, PageURL: true, Links: adatest.AbsoluteLinks},
		{NoMeta: true, Links: adatest.SlashlessLinks, Gzip: true},
	} {
		srv := adatest.New(adatest.WithExportQuirks(quirks))
		defer srv.Close()
		since := time.Now().AddDate(0, 0, -2)
		srv.Generate(adatest.Generated{Conversations: 250, Since: since, Until: since.AddDate(0, 0, 1)})

		n := 0
		query := dataexport.Query{Since: since, PageSize: 100}
		for _, err := range dataexport.New(srv.Client()).Conversations(context.Background(), query) {
			if err != nil {
				panic(err)
			}
			n++
		}
		fmt.Println(n)
	}
	// Output:
	// 250
	// 250
	// 250
}

// call stands for what is to be tested, which would use a package of the SDK.
func call(srv *adatest.Server, operation, path, body string) {
	client := srv.Client()
	op := ada.Operation{Name: operation, Method: http.MethodPost, Route: path}
	req, err := client.NewRequest(context.Background(), op, json.RawMessage(body))
	if err != nil {
		panic(err)
	}
	if _, err := client.Do(req, op, nil); err != nil && !errors.Is(err, ada.ErrOutcomeUnknown) {
		panic(err)
	}
}

// A client with other settings than those of Server.Client.
func ExampleServer_Config() {
	srv := adatest.New()
	defer srv.Close()

	config := srv.Config()
	config.HTTP.Retry.MaxAttempts = 1
	client, err := ada.NewClient(config)
	if err != nil {
		panic(err)
	}

	srv.Fail("endusers.Get", adatest.Failure{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"2"}}})
	_, err = endusers.New(client).Get(context.Background(), "65a17e3f43bec88e2792d0eb")
	fmt.Println(errors.Is(err, ada.ErrRateLimited), len(srv.Calls()))
	// Output: true 1
}

// Over TCP, other processes and clients of other makes reach the fake too.
func ExampleServer_ServeHTTP() {
	srv := adatest.New()
	defer srv.Close()
	outside := httptest.NewServer(srv) // or http.ListenAndServe("localhost:8080", srv)
	defer outside.Close()

	client, err := ada.NewClient(ada.Config{BaseURL: outside.URL, APIKey: adatest.APIKey})
	if err != nil {
		panic(err)
	}
	_, created, err := endusers.New(client).Create(context.Background(), endusers.NewUser{ExternalID: "crm-42"})
	fmt.Println(created, err)
	// Output: true <nil>
}
