package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/google/go-cmp/cmp"
)

// TestMain lets the test binary be the program, so that a test can kill it.
func TestMain(m *testing.M) {
	if os.Getenv("WAREHOUSE_IS_MAIN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// place is an empty warehouse of one test.
type place struct {
	args, env []string
	options   options
	// read returns all rows of a table, in no order; of Parquet files in theirs. All that is not null is a string.
	read func(*testing.T, table) []map[string]string
	keep bool // a row stays when a newer one of the same id comes
}

// suite is what holds for every warehouse.
func suite(t *testing.T, newPlace func(*testing.T) place) {
	for name, test := range map[string]func(*fixture){
		"killed": killed, "columns": columns, "a page is stored whole or not at all": whole, "an id twice in a page": twice,
	} {
		t.Run(name, func(t *testing.T) { test(newFixture(t, newPlace(t))) })
	}
}

// fixture is a fake Ada, which the program finds in the environment, and a warehouse.
type fixture struct {
	*testing.T
	*adatest.Server
	place
	url   string
	since time.Time
}

func newFixture(t *testing.T, p place) *fixture {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0), adatest.WithExportQuirks(adatest.ExportQuirks{Latency: 5 * time.Millisecond}))
	web := httptest.NewServer(srv)
	t.Cleanup(web.Close)
	setenv(t, web.URL)
	f := &fixture{t, srv, p, web.URL, time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -3)}
	f.options.query = dataexport.Query{Since: f.since, PageSize: 100}
	return f
}

// setenv has the program that runs in this process find an Ada, and log to the test.
func setenv(t *testing.T, url string) {
	log.SetOutput(t.Output())
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	t.Setenv("ADA_BASE_URL", url)
	t.Setenv("ADA_HANDLE", "")
	t.Setenv("ADA_CLUSTER", "")
	t.Setenv("ADA_API_KEY", string(adatest.APIKey))
}

// records returns what the fake has, by id, from one page and by nothing but net/http.
func (f *fixture) records(resource, by string) map[string]string {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), http.MethodGet, f.url+"/api/v2/export/"+resource+"?"+url.Values{
		by + "_since": {f.since.Format(time.RFC3339)}, by + "_to": {time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}, "page_size": {"10000"},
	}.Encode(), nil)
	if err != nil {
		f.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+string(adatest.APIKey))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close()
	var page struct {
		Data []json.RawMessage
		Meta struct {
			Next *string `json:"next_page_uri"`
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil || page.Meta.Next != nil {
		f.Fatalf("%d records, %v", len(page.Data), err)
	}
	records := map[string]string{}
	for _, raw := range page.Data {
		var record struct {
			ID string `json:"_id"`
		}
		if err := json.Unmarshal(raw, &record); err != nil {
			f.Fatal(err)
		}
		records[record.ID] = string(raw)
	}
	return records
}

// has compares a table with what the fake has. Rows of an id that came before count as replaced.
func (f *fixture) has(t table, by string, replaced int) {
	f.Helper()
	want, rows := f.records(t.name, by), f.read(f.T, t)
	got := map[string]string{}
	for _, row := range rows {
		got[row["id"]] = row["raw"]
	}
	if !maps.Equal(got, want) || len(want) == 0 {
		f.Errorf("%s: there are %d records, Ada has %d, or their JSON is another", t.name, len(got), len(want))
	}
	if !f.keep {
		replaced = 0
	}
	if len(rows) != len(want)+replaced {
		f.Errorf("%s: %d rows of %d records, of which %d were replaced", t.name, len(rows), len(want), replaced)
	}
}

// killed kills the program at random moments until it has loaded all, and again after there are changes.
func killed(f *fixture) {
	f.Generate(adatest.Generated{Seed: 7, Conversations: 1000, MessagesPer: 2, Since: f.since, Until: f.since.Add(48 * time.Hour)})
	random := rand.New(rand.NewPCG(3, 4))
	kills, inTheMiddle := 0, 0
	loads := func(partly func() bool) {
		f.Helper()
		for ; ; kills++ {
			if kills == 200 {
				f.Fatal("it does not come to its end")
			}
			cmd := exec.CommandContext(f.Context(), os.Args[0], append(f.args, "-since", f.since.Format(time.DateOnly), "-page-size", "100", "-lag", "0s", "-concurrency", "2")...)
			cmd.Env = append(append(os.Environ(), "WAREHOUSE_IS_MAIN=1"), f.env...)
			var said bytes.Buffer
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				f.Fatal(err)
			}
			// By requests first, and not by time alone, so that a slow machine gets somewhere too.
			requests, wait := len(f.Calls())+1+random.IntN(6), time.Duration(random.IntN(60))*time.Millisecond
			exited := make(chan struct{})
			go func() {
				for len(f.Calls()) < requests {
					select {
					case <-exited:
						return
					case <-time.After(time.Millisecond):
					}
				}
				time.Sleep(wait)
				_ = cmd.Process.Kill()
			}()
			err := cmd.Wait()
			close(exited)
			if err == nil {
				if !strings.Contains(said.String(), "\nmessages: ") || strings.Contains(said.String(), "%") {
					f.Errorf("it said\n%s", &said)
				}
				return
			}
			if said := said.String(); strings.Contains(said, "warehouse: ") {
				f.Fatalf("it failed:\n%s", said)
			}
			if partly() {
				inTheMiddle++
			}
		}
	}
	loads(func() bool {
		c, m := len(f.read(f.T, conversations.table)), len(f.read(f.T, messages.table))
		return c > 0 && m < 2000
	})
	f.has(conversations.table, "updated", 0)
	f.has(messages.table, "created", 0)
	if inTheMiddle < 2 {
		f.Errorf("only %d kills of %d were in the middle", inTheMiddle, kills)
	}

	ids := slices.Sorted(maps.Keys(f.records("conversations", "updated")))
	for _, id := range ids[:250] {
		f.UpdateConversation(id, time.Now(), map[string]any{"inquiry_summary": "another one"})
	}
	for i := range 150 {
		f.AddMessages(adatest.Record{ID: fmt.Sprint("late-", i)})
	}
	loads(func() bool { return false })
	f.has(conversations.table, "updated", 250)
	f.has(messages.table, "created", 0)
	f.Logf("killed %d times", kills)
}

func (f *fixture) runs() {
	f.Helper()
	if err := run(f.Context(), f.options); err != nil {
		f.Fatal(err)
	}
}

func columns(f *fixture) {
	at := f.since.Add(time.Hour).Add(1500 * time.Microsecond)
	f.AddConversations(
		adatest.Record{ID: "c1", CreatedAt: at, UpdatedAt: at.Add(time.Minute), Fields: map[string]any{
			"end_user_id": "u1", "chatter_id": "x1", "platform": "chat", "language": "pt", "is_test_user": false, "is_engaged": true, "is_escalated": false,
			"automated_resolution_classification": "Resolved", "automated_resolution_classification_reason": "why", "inquiry_summary": "what",
			"generated_topic_v2_title": "Billing", "csat": map[string]any{"score": 4, "is_positive": true, "comment": "good"},
			"agent_handle_time": 1.5, "bot_handle_time": 2,
		}},
		adatest.Record{ID: "c2", CreatedAt: at.Add(time.Second), UpdatedAt: at.Add(time.Hour), Fields: map[string]any{
			"date_created": nil, "end_user_id": nil, "chatter_id": nil, "platform": nil, "language": nil, "is_test_user": nil, "is_engaged": nil, "is_escalated": true,
			"automated_resolution_classification": nil, "automated_resolution_classification_reason": nil, "inquiry_summary": nil,
			"generated_topic_v2_title": nil, "csat": nil, "agent_handle_time": nil, "bot_handle_time": nil,
		}},
		adatest.Record{ID: "bad", CreatedAt: at, UpdatedAt: at.Add(2 * time.Hour), Fields: map[string]any{"language": 5}},
	)
	f.AddMessages(
		adatest.Record{ID: "m1", CreatedAt: at, Fields: map[string]any{
			"conversation_id": "c1", "chatter_id": "x1", "sender": "u1", "recipient": "ada", "answer_title": "Refunds", "link_was_clicked": true, "review": 5,
			"message_data": map[string]any{"_type": "text", "body": "Hello"},
		}},
		adatest.Record{ID: "m2", CreatedAt: at, Fields: map[string]any{
			"chatter_id": nil, "sender": nil, "recipient": nil, "answer_title": nil, "link_was_clicked": nil, "review": nil,
			"message_data": map[string]any{"_type": "trigger", "body": "Y\x00es"}, "conversation_id": "c1",
		}},
		adatest.Record{ID: "m3", CreatedAt: at, Fields: map[string]any{
			"chatter_id": nil, "sender": nil, "recipient": nil, "answer_title": nil, "link_was_clicked": nil, "review": nil,
			"message_data": nil, "conversation_id": "c1",
		}},
	)
	f.runs()
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000") }
	for _, want := range []struct {
		table table
		by    string
		rows  []map[string]string
	}{
		{conversations.table, "updated", []map[string]string{
			{"id": "bad"},
			{
				"id": "c1", "created_at": stamp(at), "updated_at": stamp(at.Add(time.Minute)), "end_user_id": "u1", "chatter_id": "x1", "platform": "chat",
				"language": "pt", "test_user": "false", "engaged": "true", "escalated": "false", "resolution": "Resolved", "resolution_reason": "why",
				"inquiry_summary": "what", "topic": "Billing", "csat_score": "4", "csat_positive": "true", "csat_comment": "good",
				"agent_handle_seconds": "1.5", "bot_handle_seconds": "2",
			},
			{
				"id": "c2", "updated_at": stamp(at.Add(time.Hour)), "test_user": "false", "engaged": "false", "escalated": "true",
				"agent_handle_seconds": "0", "bot_handle_seconds": "0",
			},
		}},
		{messages.table, "created", []map[string]string{
			{
				"id": "m1", "conversation_id": "c1", "created_at": stamp(at), "chatter_id": "x1", "sender": "u1", "recipient": "ada", "type": "text", "body": "Hello",
				"answer_title": "Refunds", "link_clicked": "true", "review": "5",
			},
			{"id": "m2", "conversation_id": "c1", "created_at": stamp(at), "type": "trigger", "body": "Yes", "review": "0"},
			{"id": "m3", "conversation_id": "c1", "created_at": stamp(at), "review": "0"},
		}},
	} {
		f.has(want.table, want.by, 0)
		got := f.read(f.T, want.table)
		for _, row := range got {
			delete(row, "raw") // has looked at it
			if body, ok := row["body"]; ok {
				row["body"] = strings.ReplaceAll(body, "\x00", "") // which not every warehouse takes
			}
		}
		slices.SortFunc(got, func(a, b map[string]string) int { return strings.Compare(a["id"], b["id"]) })
		if diff := cmp.Diff(want.rows, got); diff != "" {
			f.Errorf("%s: (-want +got)\n%s", want.table.name, diff)
		}
	}
}

func whole(f *fixture) {
	f.Generate(adatest.Generated{Seed: 7, Conversations: 150, Since: f.since, Until: f.since.Add(time.Hour)})
	f.AddConversations(adatest.Record{ID: "c1", CreatedAt: f.since.Add(2 * time.Hour), Fields: map[string]any{"_id": nil}})
	for range 2 {
		if err := run(f.Context(), f.options); !errors.Is(err, ada.ErrAnswer) {
			f.Fatalf("got %v", err)
		}
		if n := len(f.read(f.T, conversations.table)); n != 100 {
			f.Fatalf("%d rows are there, not those of the first page", n)
		}
	}
	f.RemoveRecords("c1")
	f.runs()
	f.has(conversations.table, "updated", 0)
}

func twice(f *fixture) {
	for i, summary := range []string{"first", "second"} {
		at := f.since.Add(time.Duration(i) * time.Hour)
		f.AddConversations(adatest.Record{ID: summary, CreatedAt: at, Fields: map[string]any{"_id": "same", "inquiry_summary": summary}})
	}
	f.runs()
	rows := f.read(f.T, conversations.table)
	if last := rows[len(rows)-1]; last["inquiry_summary"] != "second" || len(rows) != 1 && !f.keep {
		f.Errorf("got %v", rows)
	}
}

// TestFake runs what the program is without an environment, in fewer pages.
func TestFake(t *testing.T) {
	setenv(t, "")
	t.Setenv("ADA_API_KEY", "")
	p := newSQLite(t)
	p.options.query = dataexport.Query{PageSize: 10_000, Concurrency: 4}
	for range 2 {
		if err := run(t.Context(), p.options); err != nil {
			t.Fatal(err)
		}
		if c, m := len(p.read(t, conversations.table)), len(p.read(t, messages.table)); c != 3000 || m != 6000 {
			t.Errorf("there are %d conversations and %d messages", c, m)
		}
	}
}

func TestInterrupted(t *testing.T) {
	f := newFixture(t, newSQLite(t))
	f.Generate(adatest.Generated{Seed: 7, Conversations: 150, Since: f.since, Until: f.since.Add(time.Hour)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, f.options); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	f.runs()
	f.has(conversations.table, "updated", 0)
}
