package dataexport_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
)

// newClient returns a client of a fake Ada with a few conversations of today. In a program it is one of ada.NewClient.
func newClient() (client *ada.Client, done func()) {
	srv := adatest.New()
	hoursAgo := func(n int) time.Time { return time.Now().Add(-time.Duration(n) * time.Hour) }
	srv.AddConversations(
		adatest.Record{ID: "c-1", CreatedAt: hoursAgo(5), Fields: map[string]any{"language": "en", "csat": nil}},
		adatest.Record{ID: "c-2", CreatedAt: hoursAgo(4), Fields: map[string]any{"language": "fr", "csat": map[string]any{"score": 5, "comment": "Merci !"}}},
		adatest.Record{ID: "c-3", CreatedAt: hoursAgo(3), Fields: map[string]any{"language": "en", "csat": nil}},
	)
	message := func(id string, hours int, sender string, data map[string]any) adatest.Record {
		return adatest.Record{ID: id, CreatedAt: hoursAgo(hours), Fields: map[string]any{"conversation_id": "c-2", "sender": sender, "message_data": data}}
	}
	srv.AddMessages(
		message("m-1", 4, "5f7e0e2c1e7c7e000f0f9c3a", map[string]any{"_type": "text", "body": "Où est ma commande ?"}),
		message("m-2", 3, "bot", map[string]any{"_type": "tool_call", "name": "find_order"}),
		message("m-3", 2, "bot", map[string]any{"_type": "text", "body": "Elle arrive jeudi."}),
		message("m-4", 1, "5f7e0e2c1e7c7e000f0f9c3a", map[string]any{"_type": "csat", "score": 5}),
	)
	return srv.Client(), srv.Close
}

// The conversations of the last day. A Query without Until ends now.
func Example() {
	client, done := newClient()
	defer done()
	ctx := context.Background()
	export := dataexport.New(client)

	for conversation, err := range export.Conversations(ctx, dataexport.Query{Since: time.Now().AddDate(0, 0, -1)}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(conversation.ID, conversation.Language)
	}
	// Output:
	// c-1 en
	// c-2 fr
	// c-3 en
}

// One client of package ada is for one AI Agent, and serves all packages.
func ExampleNew() {
	srv := adatest.New()
	defer srv.Close()
	srv.AddConversations(adatest.Record{ID: "c-1", CreatedAt: time.Now().Add(-time.Hour)})
	client, err := ada.NewClient(srv.Config()) // in a program, ada.Config{Handle: "acme", APIKey: ada.Secret(key)}
	if err != nil {
		fmt.Println(err)
		return
	}
	export := dataexport.New(client)

	for conversation, err := range export.Conversations(context.Background(), dataexport.Query{Since: time.Now().AddDate(0, 0, -1)}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(conversation.ID)
	}
	// Output: c-1
}

func ExampleClient_Conversations() {
	client, done := newClient()
	defer done()
	ctx := context.Background()

	query := dataexport.Query{
		Since:       time.Now().AddDate(0, 0, -1),
		Concurrency: 4, // for a long export
	}
	rated, sum := 0, 0
	for conversation, err := range dataexport.New(client).Conversations(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if csat := conversation.CSAT; csat != nil {
			rated++
			sum += csat.Score
		}
	}
	fmt.Println(rated, sum)
	// Output: 1 5
}

// With the checkpoint of each page, an export that was interrupted goes on where it was, and loses and repeats nothing.
func ExampleClient_ConversationPages() {
	srv := adatest.New()
	defer srv.Close()
	since := time.Now().AddDate(0, 0, -2)
	srv.Generate(adatest.Generated{Conversations: 240, Since: since, Until: since.AddDate(0, 0, 1)})
	ctx := context.Background()
	export := dataexport.New(srv.Client())

	var stored dataexport.Checkpoint // in a program, in the database that the records go to
	run := func(pages int) error {
		query := dataexport.Query{Since: since, PageSize: 100, Resume: stored}
		for page, err := range export.ConversationPages(ctx, query) {
			if err != nil {
				return err
			}
			if pages--; pages < 0 {
				return errors.New("interrupted")
			}
			n := 0
			for _, err := range page.Records() {
				if err != nil {
					return err
				}
				n++ // in a program, the record is stored here
			}
			stored = page.Next // in the same transaction
			fmt.Println(n, "conversations")
		}
		return nil
	}
	fmt.Println(run(1))
	fmt.Println(run(10))
	// Output:
	// 100 conversations
	// interrupted
	// 100 conversations
	// 40 conversations
	// <nil>
}

// A line of JSON for each conversation, as Ada sent it.
func ExampleClient_ConversationsRaw() {
	srv := adatest.New()
	defer srv.Close()
	srv.Fail("dataexport.Conversations", adatest.Failure{
		Status: http.StatusOK, Body: `{"data": [{"_id": "c-1", "new_field": 1.50}, {"_id": "c-2"}]}`,
	})
	ctx := context.Background()

	query := dataexport.Query{Since: time.Now().AddDate(0, 0, -1)}
	for raw, err := range dataexport.New(srv.Client()).ConversationsRaw(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		os.Stdout.Write(append(raw, '\n'))
	}
	// Output:
	// {"_id": "c-1", "new_field": 1.50}
	// {"_id": "c-2"}
}

// A message consists of one of many things, of which Ada adds new ones.
func ExampleClient_Messages() {
	client, done := newClient()
	defer done()
	ctx := context.Background()

	query := dataexport.Query{Since: time.Now().AddDate(0, 0, -1), ConversationID: "c-2"}
	for message, err := range dataexport.New(client).Messages(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		switch data := message.Data.(type) {
		case dataexport.Text:
			fmt.Println(message.ID, "says:", data.Body)
		case dataexport.CSATAnswer:
			fmt.Println(message.ID, "rates:", data.Score)
		case dataexport.OtherData:
			fmt.Println(message.ID, "is a", data.Name)
		}
	}
	// Output:
	// m-1 says: Où est ma commande ?
	// m-2 is a tool_call
	// m-3 says: Elle arrive jeudi.
	// m-4 rates: 5
}

func ExampleClient_MessagePages() {
	client, done := newClient()
	defer done()
	ctx := context.Background()

	query := dataexport.Query{Since: time.Now().AddDate(0, 0, -1)}
	for page, err := range dataexport.New(client).MessagePages(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for message, err := range page.Records() {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(message.ID)
		}
		query.Resume = page.Next // for the next run
	}
	// Output:
	// m-1
	// m-2
	// m-3
	// m-4
}

func ExampleClient_MessagesRaw() {
	client, done := newClient()
	defer done()
	ctx := context.Background()

	query := dataexport.Query{Since: time.Now().AddDate(0, 0, -1)}
	n := 0
	for raw, err := range dataexport.New(client).MessagesRaw(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if json.Valid(raw) {
			n++
		}
	}
	fmt.Println(n)
	// Output: 4
}

// The records of a page can be read any number of times, and in two forms.
func ExamplePage() {
	client, done := newClient()
	defer done()
	ctx := context.Background()

	query := dataexport.Query{Since: time.Now().AddDate(0, 0, -1)}
	for page, err := range dataexport.New(client).ConversationPages(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(page.Len(), "records")
		for raw, err := range page.Raw() {
			if err != nil {
				fmt.Println(err)
				return
			}
			_ = raw // for the archive
		}
		for conversation, err := range page.Records() {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(conversation) // shows nothing personal
		}
	}
	// Output:
	// 3 records
	// dataexport.Conversation(c-1)
	// dataexport.Conversation(c-2)
	// dataexport.Conversation(c-3)
}

// An export by update has a conversation again when it has changed. Stored by its ID, the last state wins.
func ExamplePage_Records() {
	srv := adatest.New()
	defer srv.Close()
	hoursAgo := func(n int) time.Time { return time.Now().Add(-time.Duration(n) * time.Hour) }
	srv.AddConversations(adatest.Record{ID: "c-1", CreatedAt: hoursAgo(9), Fields: map[string]any{"is_escalated": false}})
	ctx := context.Background()

	escalated := map[string]bool{} // in a program, a table
	query := dataexport.Query{Since: hoursAgo(24), By: dataexport.ByUpdated}
	update := func(until time.Time) error {
		query.Until = until
		for page, err := range dataexport.New(srv.Client()).ConversationPages(ctx, query) {
			if err != nil {
				return err
			}
			for conversation, err := range page.Records() {
				if err != nil {
					return err
				}
				escalated[conversation.ID] = conversation.Escalated
			}
			query.Resume = page.Next // in the same transaction
		}
		return nil
	}
	fmt.Println(update(hoursAgo(6)), escalated)
	srv.UpdateConversation("c-1", hoursAgo(3), map[string]any{"is_escalated": true})
	fmt.Println(update(hoursAgo(0)), escalated)
	// Output:
	// <nil> map[c-1:false]
	// <nil> map[c-1:true]
}

// A compressed line of JSON for each record, as Ada sent it.
func ExamplePage_Raw() {
	client, done := newClient()
	defer done()
	ctx := context.Background()

	var archive bytes.Buffer // in a program, an object in a bucket, named after page.Since and page.Until
	lines := gzip.NewWriter(&archive)
	query := dataexport.Query{Since: time.Now().AddDate(0, 0, -1)}
	for page, err := range dataexport.New(client).MessagePages(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for raw, err := range page.Raw() {
			if err == nil {
				_, err = lines.Write(append(raw, '\n'))
			}
			if err != nil {
				fmt.Println(err)
				return
			}
		}
	}
	fmt.Println(lines.Close(), archive.Len() > 0)
	// Output: <nil> true
}

// What an export of three days brings, without decoding it.
func ExamplePage_Len() {
	srv := adatest.New()
	defer srv.Close()
	since := time.Now().UTC().AddDate(0, 0, -4).Truncate(24 * time.Hour)
	srv.Generate(adatest.Generated{Conversations: 300, Since: since, Until: since.AddDate(0, 0, 3)})
	ctx := context.Background()

	total := 0
	query := dataexport.Query{Since: since, Until: since.AddDate(0, 0, 3), PageSize: 200}
	for page, err := range dataexport.New(srv.Client()).ConversationPages(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		total += page.Len()
		fmt.Println(page.Len(), "conversations,", total, "so far")
	}
	// Output:
	// 200 conversations, 200 so far
	// 100 conversations, 300 so far
}

func ExampleVariables_Get() {
	var conversation dataexport.Conversation
	stored := []byte(`{"_id": "c-1", "variables": {"plan": "pro", "order": 9007199254740993, "vip": "1"}}`)
	if err := json.Unmarshal(stored, &conversation); err != nil {
		fmt.Println(err)
		return
	}

	if plan, ok := conversation.Variables.Get("plan"); ok {
		fmt.Println(plan)
	}
	if order, ok := conversation.Variables.Get("order"); ok {
		fmt.Println(order.(int64)) // exactly
	}
	_, ok := conversation.Variables.Get("street")
	fmt.Println(ok)
	// Output:
	// pro
	// 9007199254740993
	// false
}

func ExampleVariables_All() {
	var conversation dataexport.Conversation
	stored := []byte(`{"_id": "c-1", "variables": {"plan": "pro", "seats": 3, "price": 1.50, "tags": ["a", "b"], "trial": false}}`)
	if err := json.Unmarshal(stored, &conversation); err != nil {
		fmt.Println(err)
		return
	}

	for name, value := range conversation.Variables.All() {
		switch value := value.(type) {
		case json.RawMessage:
			fmt.Printf("%s: %s\n", name, value)
		default:
			fmt.Printf("%s: %v (%T)\n", name, value, value)
		}
	}
	// Output:
	// plan: pro (string)
	// seats: 3 (int64)
	// price: 1.50 (json.Number)
	// tags: ["a", "b"]
	// trial: false (bool)
}

// Raw is what to store; a Conversation comes back from it.
func ExampleConversation_UnmarshalJSON() {
	stored := []byte(`{"_id": "c-1", "language": "en", "csat": {"score": 5, "style": "EMOJI"}}`)
	var conversation dataexport.Conversation
	if err := json.Unmarshal(stored, &conversation); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(conversation.ID, conversation.Language, conversation.CSAT.Score)
	// Output: c-1 en 5
}

func ExampleMessage_UnmarshalJSON() {
	stored := []byte(`{"_id": "m-1", "sender": "bot", "message_data": {"_type": "text", "body": "Hello!"}}`)
	var message dataexport.Message
	if err := json.Unmarshal(stored, &message); err != nil {
		fmt.Println(err)
		return
	}
	if text, ok := message.Data.(dataexport.Text); ok {
		fmt.Println(message.Sender, text.Body)
	}
	// Output: bot Hello!
}

// A transcript. A message consists of one of many things; each has Ada's name of its type.
func ExampleMessageData() {
	for _, data := range []string{
		`{"_type": "greeting", "reviewable_message": false}`,
		`{"_type": "text", "body": "Where is my order?"}`,
		`{"_type": "meta", "meta_message_type": "variable_change", "meta_message_data": {"name": "order", "old_value": null, "new_value": 17}}`,
		`{"_type": "picture", "pic_url": "https://example.com/map.png", "alt_text": "a map"}`,
		`{"_type": "link", "url": "https://example.com/orders/17", "link_text": "Follow it"}`,
		`{"_type": "web_window", "window_url": "https://example.com/chat", "window_title": "Courier"}`,
		`{"_type": "quick_replies", "quick_replies": [{"label": "Thanks"}, {"label": "Call me"}]}`,
		`{"_type": "trigger", "body": "Thanks"}`,
		`{"_type": "sms_consent_asked"}`,
		`{"_type": "csat_shown", "survey_type": "end_chat"}`,
		`{"_type": "csat", "score": 5, "is_positive": true}`,
		`{"_type": "tool_call", "name": "find_order"}`,
	} {
		var message dataexport.Message
		if err := json.Unmarshal([]byte(`{"_id": "m-1", "message_data": `+data+`}`), &message); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%-18s", message.Data.Type())
		switch data := message.Data.(type) {
		case dataexport.Greeting:
			fmt.Println("the conversation begins")
		case dataexport.Text:
			fmt.Println(data.Body)
		case dataexport.Meta:
			fmt.Println(data.Name, "becomes", data.NewValue)
		case dataexport.Picture:
			fmt.Println(data.AltText)
		case dataexport.Link:
			fmt.Println(data.Text, data.URL)
		case dataexport.WebWindow:
			fmt.Println(data.Title, data.URL)
		case dataexport.QuickReplies:
			for _, reply := range data.Replies {
				fmt.Printf("[%s]", reply.Label)
			}
			fmt.Println()
		case dataexport.Trigger:
			fmt.Println("pressed", data.Body)
		case dataexport.SMSConsentAsked:
			fmt.Println("may we text you?")
		case dataexport.CSATShown:
			fmt.Println("how was it?", data.SurveyType)
		case dataexport.CSATAnswer:
			fmt.Println(data.Score, data.Positive)
		case dataexport.OtherData:
			fmt.Printf("%s\n", []byte(data.Raw)) // what Ada documents no fields of
		}
	}
	// Output:
	// greeting          the conversation begins
	// text              Where is my order?
	// meta              order becomes 17
	// picture           a map
	// link              Follow it https://example.com/orders/17
	// web_window        Courier https://example.com/chat
	// quick_replies     [Thanks][Call me]
	// trigger           pressed Thanks
	// sms_consent_asked may we text you?
	// csat_shown        how was it? end_chat
	// csat              5 true
	// tool_call         {"_type": "tool_call", "name": "find_order"}
}

// What people wrote, and what is known of them, is in the fields. Nothing of it goes into a log or an answer by mistake:
// this is all that fmt, log/slog and encoding/json see, but for a RawRecord, which is JSON to be passed on.
func Example_redacted() {
	for _, value := range []any{
		dataexport.Conversation{ID: "c-1", InquirySummary: "Ada is unhappy"},
		dataexport.Message{ID: "m-1", Data: dataexport.Text{Body: "I am Ada"}},
		dataexport.Text{Body: "I am Ada"},
		dataexport.QuickReply{Label: "I am Ada"},
		dataexport.CSAT{Score: 1, Comment: "Never again. Ada"},
		dataexport.Variables(`{"name": "Ada"}`),
		dataexport.RawRecord(`{"_id": "c-1", "variables": {"name": "Ada"}}`),
		&dataexport.RecordError{ID: "c-1", Fault: ada.Fault{Field: "csat.score", Reason: "is no integer"}, Raw: []byte(`{"_id": "c-1", "csat": {"score": "Ada"}}`)},
		dataexport.Page[dataexport.Message]{Since: time.Unix(0, 0).UTC(), Until: time.Unix(60, 0).UTC()},
	} {
		inJSON, err := json.Marshal(value)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(strings.Contains(fmt.Sprintf("%+v %#v", value, value), "Ada"), string(inJSON))
	}
	// Output:
	// false "dataexport.Conversation(c-1)"
	// false "dataexport.Message(m-1)"
	// false "[REDACTED]"
	// false "[REDACTED]"
	// false "[REDACTED]"
	// false "[REDACTED]"
	// false {"_id":"c-1","variables":{"name":"Ada"}}
	// false "record 0 of the page, _id c-1: csat.score is no integer"
	// false "dataexport.Page(0 records from 1970-01-01T00:00:00Z until 1970-01-01T00:01:00Z)"
}

func ExampleProgress_Fraction() {
	client, done := newClient()
	defer done()
	ctx := context.Background()

	since := time.Now().AddDate(0, 0, -5)
	query := dataexport.Query{
		Since: since, Until: since.AddDate(0, 0, 4), Window: 24 * time.Hour,
		OnProgress: func(p dataexport.Progress) {
			fmt.Printf("%.0f%%, %d of %d windows\n", 100*p.Fraction(), p.WindowsDone, p.Windows)
		},
	}
	for _, err := range dataexport.New(client).Conversations(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	// Output:
	// 25%, 1 of 4 windows
	// 50%, 2 of 4 windows
	// 75%, 3 of 4 windows
	// 100%, 4 of 4 windows
}

// An account can have a key of its own for the versions before v2.
func ExampleQuery() {
	client, done := newClient()
	defer done()
	ctx := context.Background()

	exports, err := client.WithAPIKey(adatest.APIKey)
	if err != nil {
		fmt.Println(err)
		return
	}
	query := dataexport.Query{
		Version: dataexport.V1_1,
		By:      dataexport.ByUpdated,
		Since:   time.Now().AddDate(0, 0, -1),
		Lag:     time.Hour, // a day or two, for these versions
	}
	for conversation, err := range dataexport.New(exports).Conversations(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(conversation.ID, conversation.Language == "") // which came with v1.2
	}
	// Output:
	// c-1 true
	// c-2 true
	// c-3 true
}

// Keep what cannot be decoded, and go on.
func ExampleQuery_onBadRecord() {
	srv := adatest.New()
	defer srv.Close()
	srv.Fail("dataexport.Conversations", adatest.Failure{
		Status: http.StatusOK, Body: `{"data": [{"_id": "c-1"}, {"_id": "c-2", "csat": {"score": "good"}}, {"_id": "c-3"}]}`,
	})
	ctx := context.Background()

	query := dataexport.Query{
		Since: time.Now().AddDate(0, 0, -1),
		OnBadRecord: func(bad *dataexport.RecordError) error {
			fmt.Println(bad)
			return os.WriteFile(os.DevNull, bad.Raw, 0o600) // when that fails, the export ends with the error
		},
	}
	for conversation, err := range dataexport.New(srv.Client()).Conversations(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(conversation.ID)
	}
	// Output:
	// c-1
	// record 1 of the page, _id c-2: csat.score is no integer
	// c-3
}

// What was handed out before the error stays good, and the checkpoint leads on from there.
func ExampleError() {
	srv := adatest.New()
	defer srv.Close()
	since := time.Now().AddDate(0, 0, -2)
	srv.Generate(adatest.Generated{Conversations: 240, Since: since, Until: since.AddDate(0, 0, 1)})
	srv.Fail("dataexport.Conversations", adatest.Failure{}, adatest.Failure{Status: http.StatusUnauthorized}) // the second request
	ctx := context.Background()
	export := dataexport.New(srv.Client())

	query := dataexport.Query{Since: since, PageSize: 100}
	for range 2 {
		n := 0
		for _, err := range export.Conversations(ctx, query) {
			var e *dataexport.Error
			if errors.As(err, &e) {
				fmt.Println(errors.Is(err, ada.ErrUnauthorized))
				query.Resume = e.Checkpoint
				break
			}
			if err != nil { // the query is at fault, and nothing was sent
				fmt.Println(err)
				return
			}
			n++
		}
		fmt.Println(n, "conversations")
	}
	// Output:
	// true
	// 100 conversations
	// 140 conversations
}

// More than 10,000 conversations at the same time are too many for Ada's paging. An export without them goes on a
// microsecond later.
func ExampleError_stuck() {
	srv := adatest.New()
	defer srv.Close()
	since := time.Now().AddDate(0, 0, -2).Truncate(time.Second)
	crowd := since.Add(time.Hour)
	srv.Generate(adatest.Generated{Conversations: 10_001, Since: crowd, Until: crowd.Add(time.Second), Granularity: time.Second, Size: 1})
	srv.AddConversations(adatest.Record{ID: "before", CreatedAt: since}, adatest.Record{ID: "after", CreatedAt: since.Add(2 * time.Hour)})
	ctx := context.Background()
	export := dataexport.New(srv.Client())

	query := dataexport.Query{Since: since}
	for conversation, err := range export.ConversationsRaw(ctx, query) {
		var e *dataexport.Error
		if errors.As(err, &e) && errors.Is(err, dataexport.ErrStuck) {
			fmt.Println("stuck", e.Since.Sub(since), "after the beginning")
			query.Since = e.Since.Add(time.Microsecond)
			break
		}
		_ = conversation
	}
	for conversation, err := range export.Conversations(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(conversation.ID)
	}
	// Output:
	// stuck 1h0m0s after the beginning
	// after
}

// A query at fault is refused before anything is sent, with all that is wrong with it.
func ExampleQuery_faults() {
	client, done := newClient()
	defer done()

	query := dataexport.Query{Since: time.Now().AddDate(-2, 0, 0), PageSize: 20_000}
	for _, err := range dataexport.New(client).Messages(context.Background(), query) {
		var e *ada.Error
		if errors.As(err, &e) {
			for _, fault := range e.Faults {
				fmt.Println(fault)
			}
		}
	}
	// Output:
	// PageSize is not within 100 and 10,000
	// Since is before the last 12 months, which is all that Ada has
}
