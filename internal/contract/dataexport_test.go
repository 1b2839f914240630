package contract

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
)

const (
	exportPath   = "/api/v2/export/"
	exportV1Path = "/data_api/"

	timeForm = "2006-01-02T15:04:05Z" // in requests
)

// exported has a server hold conversations and messages: generated ones, and some with everything that the documents
// describe, or with nothing. It returns the window that all of them were created and updated in.
func exported(t *testing.T, opts ...adatest.Option) (srv *adatest.Server, since, until time.Time) {
	t.Helper()
	srv = adatest.NewServer(t, append([]adatest.Option{adatest.RateLimit(0, 0)}, opts...)...)
	until = time.Now().UTC().Truncate(time.Hour)
	since = until.AddDate(0, 0, -50)
	srv.Generate(adatest.Generated{Seed: 1815, Conversations: 150, MessagesPer: 2, Since: since, Until: until})
	given := []map[string]any{
		{
			"csat": map[string]any{
				"comment": "Fine.", "feedback": []string{"(helpful_resolution)"}, "is_positive": true, "resolved": true,
				"score": 5, "style": "NUMERIC", "survey_type": "proactive",
			},
			"classifications": []any{map[string]any{"topic_id": "t", "topic_name": "Orders", "intents": []any{}}},
			"metavariables":   map[string]any{"introshown": "False", "nested": map[string]any{"list": []int{1}}},
			"agent_id":        []string{"1", "2"}, "agent_name": []string{"Ada", "Grace"}, "agent_handle_time": 0.5,
		},
		{
			"csat": map[string]any{
				"comment": nil, "feedback": nil, "is_positive": false, "resolved": nil, "score": 1,
			},
			"classifications": []any{}, "used_articles": []any{}, "used_playbooks": []any{}, "used_coaching": []any{},
			"metavariables": map[string]any{}, "variables": map[string]any{}, "agent_id": []string{}, "agent_handle_time": nil,
		},
	}
	for i, fields := range given {
		srv.AddConversations(adatest.Record{CreatedAt: since.Add(time.Duration(i) * time.Hour), Fields: fields})
	}
	for i, kind := range []string{"greeting", "text", "csat_shown", "sms_consent_asked", "of tomorrow"} {
		srv.AddMessages(adatest.Record{CreatedAt: since.Add(time.Duration(i) * time.Minute), Fields: map[string]any{
			"conversation_id": "c", "message_data": map[string]any{"_type": kind},
		}})
	}
	return srv, since, until
}

// window returns the parameters of requests for what was created in a window.
func window(since, until time.Time) url.Values {
	return url.Values{"created_since": {since.Format(timeForm)}, "created_to": {until.Format(timeForm)}}
}

// follow requests a page and those that its links lead to. It returns how many records and pages there were.
func follow(t *testing.T, srv *adatest.Server, j judge, path string, params url.Values) (records, pages int) {
	t.Helper()
	for link := path + "?" + params.Encode(); link != ""; pages++ {
		var page struct {
			Data []json.RawMessage
			Next string `json:"next_page_uri"` // of v1
			Meta struct {
				Next string `json:"next_page_uri"`
			}
		}
		transport := reading{j.on(srv.Config().HTTP.Client.Transport), &page}
		if status := (request{http.MethodGet, link, ""}).send(t, transport, nil); status != http.StatusOK {
			t.Fatalf("GET %s: answer %d", link, status)
		}
		records += len(page.Data)
		link = page.Next + page.Meta.Next
	}
	return records, pages
}

// reading decodes answers on their way.
type reading struct {
	next http.RoundTripper
	into any
}

// RoundTrip implements [http.RoundTripper].
func (r reading) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return resp, json.NewDecoder(resp.Body).Decode(r.into)
}

// exportAll exports everything in the ways that a version knows.
func exportAll(t *testing.T, j judge, version dataexport.Version, root string) {
	t.Helper()
	srv, since, until := exported(t)
	export := dataexport.New(sdk(t, srv, j))
	all := dataexport.Query{Since: since, Until: until, Version: version}
	changed := func(change func(*dataexport.Query)) dataexport.Query {
		q := all
		change(&q)
		return q
	}
	for name, test := range map[string]struct {
		query                   dataexport.Query
		conversations, messages int
	}{
		"one page":        {all, 152, 305},
		"pages":           {changed(func(q *dataexport.Query) { q.PageSize = 100 }), 152, 305},
		"windows at once": {changed(func(q *dataexport.Query) { q.Window, q.Concurrency = 240*time.Hour, 4 }), 152, 305},
		"updated":         {changed(func(q *dataexport.Query) { q.By, q.PageSize = dataexport.ByUpdated, 100 }), 152, 0},
		"conversation":    {changed(func(q *dataexport.Query) { q.ConversationID = "c" }), 0, 5},
	} {
		if test.conversations > 0 {
			if n, err := count(export.Conversations(t.Context(), test.query)); n != test.conversations || err != nil {
				t.Errorf("%s, %s: %d conversations, want %d, error %v", version, name, n, test.conversations, err)
			}
		}
		if test.messages > 0 {
			if n, err := count(export.Messages(t.Context(), test.query)); n != test.messages || err != nil {
				t.Errorf("%s, %s: %d messages, want %d, error %v", version, name, n, test.messages, err)
			}
		}
	}

	params := window(since, until)
	params.Set("page_size", "100")
	if n, pages := follow(t, srv, j, root+"conversations", params); n != 152 || pages != 2 {
		t.Errorf("%s, links: %d conversations on %d pages, want 152 on 2", version, n, pages)
	}
	if n, pages := follow(t, srv, j, root+"messages", params); n != 305 || pages != 4 {
		t.Errorf("%s, links: %d messages on %d pages, want 305 on 4", version, n, pages)
	}
}

func count[T any](records iter.Seq2[T, error]) (n int, err error) {
	for _, err := range records {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func export(t *testing.T, j judge) { exportAll(t, j, dataexport.V2, exportPath) }

func exportV1(t *testing.T, j judge) {
	for _, version := range []dataexport.Version{
		dataexport.V1, dataexport.V1_1, dataexport.V1_2, dataexport.V1_3, dataexport.V1_4,
	} {
		exportAll(t, j, version, exportV1Path+string(version)+"/")
	}
}

// sendInvalid sends what the documents forbid, or their text does.
func sendInvalid(t *testing.T, j judge, root string, status int) {
	t.Helper()
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	now := time.Now().UTC()
	day := func(n int) string { return now.AddDate(0, 0, n).Format(timeForm) }
	for _, query := range []string{
		"",
		"created_to=" + day(-1),
		"created_since=" + day(-2)[:len("2006-01-02")],
		"created_since=yesterday",
		"created_since=" + day(-2) + "&created_to=today",
		"created_since=" + day(-70) + "&created_to=" + day(-9),
		"created_since=" + day(-2) + "&created_to=" + day(-3),
		"created_since=" + day(-370),
		"created_since=" + day(-2) + "&page_size=99",
		"created_since=" + day(-2) + "&page_size=10001",
		"created_since=" + day(-2) + "&page_size=many",
	} {
		for _, resource := range []string{"conversations", "messages"} {
			request{http.MethodGet, root + resource + "?" + query, ""}.expect(t, srv, j.forgiving(), status)
		}
	}
	for _, query := range []string{
		"updated_since=" + day(-2) + "&created_since=" + day(-2),
		"updated_since=" + day(-70) + "&updated_to=" + day(-9),
	} {
		request{http.MethodGet, root + "conversations?" + query, ""}.expect(t, srv, j.forgiving(), status)
	}
	request{http.MethodGet, root + "messages?updated_since=" + day(-2), ""}.expect(t, srv, j.forgiving(), status)
}

func sendInvalidExports(t *testing.T, j judge) {
	sendInvalid(t, j, exportPath, http.StatusBadRequest)
}

func sendInvalidExportsV1(t *testing.T, j judge) {
	for _, version := range []string{"v1", "v1.4"} {
		sendInvalid(t, j, exportV1Path+version+"/", http.StatusUnprocessableEntity)
	}
}

// failExport has calls refused for their key and for their number, and fail with what else is documented.
func failExport(t *testing.T, j judge, version dataexport.Version, statuses ...int) {
	t.Helper()
	query := dataexport.Query{Since: time.Now().AddDate(0, 0, -2), Version: version}
	calls := map[string]call{
		"dataexport.Conversations": func(ctx context.Context, client *ada.Client) error {
			_, err := count(dataexport.New(client).Conversations(ctx, query))
			return err
		},
		"dataexport.Messages": func(ctx context.Context, client *ada.Client) error {
			_, err := count(dataexport.New(client).Messages(ctx, query))
			return err
		},
	}
	refuseKey(t, j, calls)
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	client := sdk(t, srv, j)
	for operation, ask := range calls {
		exceedLimit(t, j, map[string]call{operation: ask}) // they share it in v2 alone
		for _, status := range statuses {
			srv.Fail(operation, adatest.Failure{Status: status})
			var failed *ada.Error
			if err := ask(t.Context(), client); !errors.As(err, &failed) || failed.StatusCode != status {
				t.Errorf("%s, answered %d: got %v", operation, status, err)
			}
		}
	}
}

// failExports has the fake answer what it has no occasion for: its one key may all, and there is nothing to find.
func failExports(t *testing.T, j judge) {
	failExport(t, j, dataexport.V2, http.StatusForbidden, http.StatusNotFound, http.StatusInternalServerError)
}

func failExportsV1(t *testing.T, j judge) {
	for _, version := range []dataexport.Version{dataexport.V1, dataexport.V1_4} {
		failExport(
			t, j, version, http.StatusBadRequest, http.StatusRequestTimeout, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		)
	}
}

// TestVersions makes sure that each version of the fake shows the fields that our documents say it has.
func TestVersions(t *testing.T) {
	since := regexp.MustCompile(`Since (v[0-9.]*[0-9])`)
	versions := []string{"v1", "v1.1", "v1.2", "v1.3", "v1.4", "v2"}
	for i, version := range versions {
		file, root := "data-export-v1.yaml", exportV1Path+version+"/"
		if version == "v2" {
			file, root = "data-export.yaml", exportPath
		}
		schemas := loadOwn(t, file).Components.Schemas
		srv, from, until := exported(t)
		for resource, name := range map[string]string{"conversations": "Conversation", "messages": "Message"} {
			var want []string
			for field, schema := range schemas[name].Value.Properties {
				found := since.FindStringSubmatch(schema.Value.Description)
				if found == nil || !slices.Contains(versions, found[1]) {
					t.Fatalf("%s: the description of %s does not say since when it is there", file, field)
				}
				if slices.Index(versions, found[1]) <= i {
					want = append(want, field)
				}
			}
			slices.Sort(want)
			params := window(from, until)
			for _, record := range records(t, srv, root+resource, params) {
				if diff := cmp.Diff(want, slices.Sorted(maps.Keys(record))); diff != "" {
					t.Fatalf("%s, fields of %s documented (-) and given (+):\n%s", version, resource, diff)
				}
			}
		}
	}
}

// TestContents makes sure that the contents of the fake's messages are what our document says of their kinds, and that
// there is one of each kind.
func TestContents(t *testing.T) {
	doc := loadOwn(t, "data-export.yaml")
	prepare(t, doc)
	kinds := map[string]*openapi3.Schema{}
	for name, schema := range doc.Components.Schemas {
		if kind, ok := strings.CutSuffix(name, "Data"); ok {
			kinds[strings.ToLower(kind)] = schema.Value
		}
	}
	srv, from, until := exported(t)
	params := window(from, until)
	seen := map[string]bool{}
	for _, record := range records(t, srv, exportPath+"messages", params) {
		var content map[string]any
		if err := json.Unmarshal(record["message_data"], &content); err != nil {
			t.Fatal(err)
		}
		kind := strings.ReplaceAll(content["_type"].(string), "_", "")
		if schema := kinds[kind]; schema != nil {
			if err := schema.VisitJSON(content); err != nil {
				t.Fatalf("%s: %v", record["message_data"], err)
			}
			seen[kind] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(kinds)), slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Errorf("kinds of content documented (-) and seen (+):\n%s", diff)
	}
}

// records returns the records of one page.
func records(t *testing.T, srv *adatest.Server, path string, params url.Values) []map[string]json.RawMessage {
	t.Helper()
	var page struct{ Data []map[string]json.RawMessage }
	transport := reading{srv.Config().HTTP.Client.Transport, &page}
	status := request{http.MethodGet, path + "?" + params.Encode(), ""}.send(t, transport, nil)
	if status != http.StatusOK {
		t.Fatalf("GET %s: answer %d", path, status)
	}
	if len(page.Data) == 0 {
		t.Fatalf("GET %s: there are no records", path)
	}
	return page.Data
}
