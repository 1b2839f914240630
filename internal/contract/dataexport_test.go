package contract

import (
	"encoding/json"
	"fmt"
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

	"github.com/adasdk/ada-go/ada/adatest"
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
	srv.Generate(adatest.Generated{Seed: 1815, Conversations: 250, MessagesPer: 2, Since: since, Until: until})
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

// exportAll exports everything in all ways that one version knows.
func exportAll(t *testing.T, j judge, root string) {
	t.Helper()
	srv, since, until := exported(t)
	window := func(by string) url.Values {
		return url.Values{by + "_since": {since.Format(timeForm)}, by + "_to": {until.Format(timeForm)}}
	}
	for _, by := range []string{"created", "updated"} {
		params := window(by)
		if n, pages := follow(t, srv, j, root+"conversations", params); n != 252 || pages != 1 {
			t.Errorf("%s, conversations %s: %d on %d pages, want 252 on one", root, by, n, pages)
		}
		params.Set("page_size", "100")
		if n, pages := follow(t, srv, j, root+"conversations", params); n != 252 || pages != 3 {
			t.Errorf("%s, conversations %s: %d on %d pages, want 252 on 3", root, by, n, pages)
		}
	}
	params := window("created")
	params.Set("page_size", "100")
	if n, pages := follow(t, srv, j, root+"messages", params); n != 505 || pages != 6 {
		t.Errorf("%s, messages: %d on %d pages, want 505 on 6", root, n, pages)
	}
	params.Set("conversation_id", "c")
	if n, pages := follow(t, srv, j, root+"messages", params); n != 5 || pages != 1 {
		t.Errorf("%s, messages of a conversation: %d on %d pages, want 5 on one", root, n, pages)
	}
}

func export(t *testing.T, j judge) { exportAll(t, j, exportPath) }

func exportV1(t *testing.T, j judge) {
	for _, version := range []string{"v1", "v1.1", "v1.2", "v1.3", "v1.4"} {
		exportAll(t, j, exportV1Path+version+"/")
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

// failAll has requests refused for their key and for their number, and fail with what else is documented.
func failAll(t *testing.T, j judge, root string, statuses ...int) {
	t.Helper()
	since := "?created_since=" + time.Now().UTC().AddDate(0, 0, -2).Format(timeForm)
	for _, resource := range []string{"conversations", "messages"} {
		r := request{http.MethodGet, root + resource + since, ""}
		srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
		transport := j.on(srv.Config().HTTP.Client.Transport)
		wrong := map[string]string{"Authorization": "Bearer another-key"}
		if status := r.send(t, transport, wrong); status != http.StatusUnauthorized {
			t.Errorf("%s with a wrong key: answer %d", r.path, status)
		}
		operation := "dataexport." + strings.ToUpper(resource[:1]) + resource[1:]
		for _, status := range statuses {
			srv.Fail(operation, adatest.Failure{Status: status})
			r.expect(t, srv, j, status)
		}
		hasty := adatest.NewServer(t, adatest.RateLimit(1, 1))
		r.expect(t, hasty, j, http.StatusOK)
		r.expect(t, hasty, j, http.StatusTooManyRequests)
	}
}

func failExports(t *testing.T, j judge) {
	// The fake has one key, which may all, and nothing that it does not find.
	failAll(t, j, exportPath, http.StatusForbidden, http.StatusNotFound, http.StatusInternalServerError)
}

func failExportsV1(t *testing.T, j judge) {
	for _, version := range []string{"v1", "v1.4"} {
		failAll(
			t, j, fmt.Sprintf("%s%s/", exportV1Path, version),
			http.StatusBadRequest, http.StatusRequestTimeout, http.StatusInternalServerError,
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
			params := url.Values{"created_since": {from.Format(timeForm)}, "created_to": {until.Format(timeForm)}}
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
	params := url.Values{"created_since": {from.Format(timeForm)}, "created_to": {until.Format(timeForm)}}
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
	if status := (request{http.MethodGet, path + "?" + params.Encode(), ""}).send(t, transport, nil); status != http.StatusOK {
		t.Fatalf("GET %s: answer %d", path, status)
	}
	if len(page.Data) == 0 {
		t.Fatalf("GET %s: there are no records", path)
	}
	return page.Data
}
