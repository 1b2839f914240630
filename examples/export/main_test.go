package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	if os.Getenv("EXPORT_IS_MAIN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// until is the end of all that the fake of a test has.
var until = time.Now().UTC().Truncate(time.Hour).Add(-24 * time.Hour)

// fixture is a fake Ada, which the program finds in the environment, and files.
type fixture struct {
	*testing.T
	*adatest.Server
	url string
	dir string
}

func newFixture(t *testing.T, conversations int) *fixture {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0), adatest.WithExportQuirks(adatest.ExportQuirks{Latency: 5 * time.Millisecond}))
	if conversations > 0 {
		srv.Generate(adatest.Generated{Seed: 7, Conversations: conversations, MessagesPer: 1, Since: until.Add(-24 * time.Hour), Until: until})
	}
	web := httptest.NewServer(srv)
	t.Cleanup(web.Close)
	t.Setenv("ADA_BASE_URL", web.URL)
	t.Setenv("ADA_HANDLE", "")
	t.Setenv("ADA_CLUSTER", "")
	t.Setenv("ADA_API_KEY", string(adatest.APIKey))
	return &fixture{t, srv, web.URL, t.TempDir()}
}

func (f *fixture) options(name, resource, format string) options {
	return options{
		query:    dataexport.Query{Since: until.Add(-24 * time.Hour), Until: until, PageSize: 100},
		resource: resource, format: format, out: filepath.Join(f.dir, name), checkpoint: filepath.Join(f.dir, name+".state"),
	}
}

func (f *fixture) runs(o options) {
	f.Helper()
	if err := run(f.Context(), o, nil, new(bytes.Buffer)); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) refuses(o options, want string) {
	f.Helper()
	if err := run(f.Context(), o, new(bytes.Buffer), new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), want) {
		f.Errorf("got %v, want %q", err, want)
	}
}

func (f *fixture) read(path string) string {
	f.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return string(b)
}

// records returns what the fake has, in one page and by nothing but net/http.
func (f *fixture) records(resource string) (records []json.RawMessage) {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), http.MethodGet, f.url+"/api/v2/export/"+resource+"?"+url.Values{
		"created_since": {until.Add(-24 * time.Hour).Format(time.RFC3339)}, "created_to": {until.Format(time.RFC3339)}, "page_size": {"10000"},
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
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil || page.Meta.Next != nil || len(page.Data) == 0 {
		f.Fatalf("%d records, %v", len(page.Data), err)
	}
	return page.Data
}

func lines(records []json.RawMessage) string {
	var all strings.Builder
	for _, raw := range records {
		all.Write(raw)
		all.WriteByte('\n')
	}
	return all.String()
}

func TestNDJSON(t *testing.T) {
	f := newFixture(t, 520)
	for _, resource := range []string{"conversations", "messages"} {
		for _, concurrency := range []int{1, 3} {
			o := f.options(fmt.Sprint(resource, concurrency), resource, "ndjson")
			o.query.Concurrency = concurrency
			f.runs(o)
			if f.read(o.out) != lines(f.records(resource)) {
				t.Errorf("%s by %d: the output is not what Ada has", resource, concurrency)
			}
		}
	}
}

func TestNDJSONIsOneLineEach(t *testing.T) {
	page := `{"data":[{"_id":"a",` + "\r\n\t" + `"date_created":"2026-01-31T00:00:00", "note":"one\ntwo"}],"meta":{"next_page_uri":null}}`
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(page)) }))
	defer web.Close()
	t.Setenv("ADA_BASE_URL", web.URL)
	t.Setenv("ADA_HANDLE", "")
	t.Setenv("ADA_CLUSTER", "")
	t.Setenv("ADA_API_KEY", "key")
	o := options{query: dataexport.Query{Since: until.Add(-time.Hour), Until: until}, resource: "messages", format: "ndjson"}
	var out bytes.Buffer
	if err := run(t.Context(), o, &out, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	if want := `{"_id":"a","date_created":"2026-01-31T00:00:00","note":"one\ntwo"}` + "\n"; out.String() != want {
		t.Errorf("got %q", &out)
	}
}

func TestCSV(t *testing.T) {
	f := newFixture(t, 0)
	at := until.Add(-time.Hour)
	f.AddConversations(adatest.Record{ID: "c1", CreatedAt: at, UpdatedAt: at.Add(time.Minute), Fields: map[string]any{
		"end_user_id": "u1", "platform": "chat", "language": "pt", "is_engaged": true, "is_escalated": false,
		"automated_resolution_classification": "Not Resolved", "csat": map[string]any{"score": 4},
		"generated_topic_v2_title": "Billing, refunds", "inquiry_summary": "two\n\"lines\"",
	}}, adatest.Record{ID: "c2", CreatedAt: at, Fields: map[string]any{
		"date_created": nil, "date_updated": nil, "end_user_id": nil, "platform": nil, "language": nil, "is_engaged": nil, "is_escalated": true,
		"automated_resolution_classification": nil, "csat": nil, "generated_topic_v2_title": nil, "inquiry_summary": nil,
	}})
	f.AddMessages(
		adatest.Record{ID: "m1", CreatedAt: at, Fields: map[string]any{
			"conversation_id": "c1", "sender": "u1", "recipient": "ada", "message_data": map[string]any{"_type": "text", "body": "Hello"},
		}},
		adatest.Record{ID: "m2", CreatedAt: at, Fields: map[string]any{
			"conversation_id": "c1", "sender": "u1", "recipient": "bot", "message_data": map[string]any{"_type": "trigger", "body": "Yes"},
		}},
		adatest.Record{ID: "m3", CreatedAt: at, Fields: map[string]any{
			"conversation_id": "c1", "sender": "bot", "recipient": "u1", "message_data": map[string]any{"_type": "picture", "pic_url": "https://a.example/b"},
		}},
	)
	created, updated := at.Format(time.RFC3339), at.Add(time.Minute).Format(time.RFC3339)
	for resource, want := range map[string][][]string{
		"conversations": {
			conversationColumns,
			{"c1", created, updated, "u1", "chat", "pt", "true", "false", "Not Resolved", "4", "Billing, refunds", "two\n\"lines\""},
			{"c2", "", "", "", "", "", "false", "true", "", "", "", ""},
		},
		"messages": {
			messageColumns,
			{"m1", "c1", created, "u1", "ada", "text", "Hello"},
			{"m2", "c1", created, "u1", "bot", "trigger", "Yes"},
			{"m3", "c1", created, "bot", "u1", "picture", ""},
		},
	} {
		o := f.options(resource, resource, "csv")
		f.runs(o)
		got, err := csv.NewReader(strings.NewReader(f.read(o.out))).ReadAll()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", resource, err, diff)
		}
	}
}

func TestProgress(t *testing.T) {
	f := newFixture(t, 250)
	var progress strings.Builder
	if err := run(t.Context(), f.options("x", "conversations", "ndjson"), nil, &progress); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(progress.String(), "\n")
	if len(got) != 4 || !strings.HasPrefix(got[2], "100.0 %  windows 1/1  pages 3  records 250  ") {
		t.Errorf("it said\n%s", &progress)
	}
}

// stopAfter ends a context after some lines of progress.
type stopAfter struct {
	lines int
	stop  func()
}

func (s *stopAfter) Write(p []byte) (int, error) {
	if s.lines--; s.lines == 0 {
		s.stop()
	}
	return len(p), nil
}

func TestStoppedAfterEveryPage(t *testing.T) {
	f := newFixture(t, 520)
	for _, format := range []string{"ndjson", "csv"} {
		whole := f.options(format, "conversations", format)
		f.runs(whole)
		want := f.read(whole.out)
		for page := 1; page <= 5; page++ {
			o := f.options(fmt.Sprint(format, page), "conversations", format)
			o.query.Concurrency = 1 + page%3
			ctx, cancel := context.WithCancel(t.Context())
			if err := run(ctx, o, nil, &stopAfter{page, cancel}); !errors.Is(err, context.Canceled) {
				t.Fatalf("page %d: got %v", page, err)
			}
			// As if it had been killed before it could commit what came next, which can be longer than what comes now.
			file, err := os.OpenFile(o.out, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = file.WriteString(want + "half")
			if err := errors.Join(err, file.Close()); err != nil {
				t.Fatal(err)
			}
			f.runs(o)
			if f.read(o.out) != want {
				t.Errorf("%s, stopped after page %d: the output is another", format, page)
			}
		}
	}
}

func TestGoesOnLater(t *testing.T) {
	f := newFixture(t, 520)
	for _, format := range []string{"ndjson", "csv"} {
		whole := f.options(format, "conversations", format)
		f.runs(whole)
		o := f.options(format+"-parts", "conversations", format)
		o.query.PageSize = 10_000
		for _, ago := range []time.Duration{20 * time.Hour, 10 * time.Hour, 0, 0} {
			o.query.Until = until.Add(-ago)
			f.runs(o)
			o.query.Since = time.Time{} // the state knows it
		}
		if f.read(o.out) != f.read(whole.out) {
			t.Errorf("%s: the output is another", format)
		}
	}
}

func TestRefused(t *testing.T) {
	f := newFixture(t, 120)
	done := f.options("done", "conversations", "ndjson")
	f.runs(done)
	output, state := f.read(done.out), f.read(done.checkpoint)
	write := func(path, content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, damaged := range map[string]string{
		"empty": "", "cut": state[:len(state)/2], "a digit of the length": strings.Replace(state, `"length":2`, `"length":1`, 1), "text": "hello",
	} {
		if damaged == state {
			t.Fatalf("%s: it is not damaged", name)
		}
		write(done.checkpoint, damaged)
		f.refuses(done, "is damaged")
	}
	write(done.checkpoint, state)

	o := done
	o.format = "csv"
	f.refuses(o, "is of done as ndjson")
	o = done
	o.out += "-other"
	f.refuses(o, "is of done as ndjson")
	o = done
	o.checkpoint += "-other"
	f.refuses(o, "exists")
	o.checkpoint = ""
	f.refuses(o, "exists")
	o = done
	o.resource = "messages"
	if err := run(t.Context(), o, nil, new(bytes.Buffer)); !errors.Is(err, dataexport.ErrCheckpoint) {
		t.Errorf("the checkpoint of conversations for messages: %v", err)
	}
	o = done
	o.out = ""
	f.refuses(o, "-checkpoint needs -out")
	o = options{resource: "people", format: "ndjson"}
	f.refuses(o, "-resource")
	o = options{resource: "messages", format: "xml"}
	f.refuses(o, "-format")
	if f.read(done.out) != output || f.read(done.checkpoint) != state {
		t.Error("what was refused has changed something")
	}

	write(done.out, output[:len(output)-1])
	f.refuses(done, "is shorter")
}

func TestNeedsSince(t *testing.T) {
	newFixture(t, 0)
	err := run(t.Context(), options{resource: "messages", format: "ndjson"}, new(bytes.Buffer), new(bytes.Buffer))
	if !errors.Is(err, ada.ErrInvalid) || !strings.Contains(err.Error(), "Since") {
		t.Errorf("got %v", err)
	}
}

// TestFake runs what the program is without an environment, cut down to two pages.
func TestFake(t *testing.T) {
	t.Setenv("ADA_API_KEY", "")
	var out, progress bytes.Buffer
	o := options{resource: "messages", format: "csv", query: dataexport.Query{PageSize: 10_000, Concurrency: 4}}
	if err := run(t.Context(), o, &out, &progress); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 1+20_000 || !strings.HasPrefix(progress.String(), "Using a fake Ada\n") {
		t.Errorf("%d rows, %v\n%s", len(rows), err, &progress)
	}
}

// TestKilled kills the program at random moments until it comes to its end.
func TestKilled(t *testing.T) {
	f := newFixture(t, 1500)
	random := rand.New(rand.NewPCG(1, 2))
	inTheMiddle := 0
	for round, format := range []string{"ndjson", "csv"} {
		whole := f.options(fmt.Sprint("whole", round), "conversations", format)
		whole.query.PageSize = 1000
		f.runs(whole)
		want := f.read(whole.out)
		o := f.options(fmt.Sprint("killed", round), "conversations", format)
		kills := 0
		for ; ; kills++ {
			if kills == 100 {
				t.Fatal("it does not come to its end")
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-out", o.out, "-checkpoint", o.checkpoint, "-format", format,
				"-since", o.query.Since.Format(time.RFC3339), "-until", until.Format(time.RFC3339), "-page-size", "100", "-concurrency", "2")
			cmd.Env = append(os.Environ(), "EXPORT_IS_MAIN=1")
			var said bytes.Buffer
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			signal := []os.Signal{os.Interrupt, os.Kill}[random.IntN(2)]
			if runtime.GOOS == "windows" { // which has no other for processes
				signal = os.Kill
			}
			// By requests first, and not by time alone, so that a slow machine gets somewhere too.
			requests, wait := len(f.Calls())+1+random.IntN(6), time.Duration(random.IntN(30))*time.Millisecond
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
				_ = cmd.Process.Signal(signal)
			}()
			err := cmd.Wait()
			close(exited)
			if err == nil {
				break
			}
			if said := said.String(); strings.Contains(said, "export: ") && !strings.Contains(said, "context canceled") {
				t.Fatalf("it failed:\n%s", said)
			}
			if at := int64(len(f.readIfThere(o.out))); at > 0 && at < int64(len(want)) {
				inTheMiddle++
			}
		}
		if f.read(o.out) != want {
			t.Errorf("%s, killed %d times: the output is another", format, kills)
		}
		t.Logf("%s: killed %d times", format, kills)
	}
	if inTheMiddle < 3 {
		t.Errorf("only %d kills were in the middle", inTheMiddle)
	}
}

func (f *fixture) readIfThere(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}
