package adatest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada/adatest"
)

const exports = "/api/v2/export/"

// exportVersions are the versions by what their paths begin with.
var exportVersions = []string{"/data_api/v1/", "/data_api/v1.1/", "/data_api/v1.2/", "/data_api/v1.3/", "/data_api/v1.4/", exports}

// midnight is when time begins in synctest.
var midnight = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// exportPage is a page of the export, of any version.
type exportPage struct {
	records []map[string]any // numbers are json.Number
	next    string           // empty: null
}

func (p exportPage) ids() []string {
	ids := make([]string, len(p.records))
	for i, r := range p.records {
		ids[i] = r["_id"].(string)
	}
	return ids
}

// getExport gets a page by its path.
func getExport(t *testing.T, srv *adatest.Server, path string) exportPage {
	t.Helper()
	return readExport(t, path, send(t, srv, "GET", path, "").want(t, 200).body)
}

// readExport reads a page, which may hold nothing but what its version has.
func readExport(t *testing.T, path, body string) (p exportPage) {
	t.Helper()
	strict := func(v any) {
		t.Helper()
		d := json.NewDecoder(strings.NewReader(body))
		d.UseNumber()
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			t.Fatalf("%s: %v in %.300s", path, err, body)
		}
	}
	var next *string
	if isV1(path) {
		var page struct {
			Data    []map[string]any `json:"data"`
			Message string           `json:"message"`
			Next    *string          `json:"next_page_uri"`
		}
		strict(&page)
		if page.Message != "OK" || !strings.Contains(body, `"next_page_uri":`) {
			t.Errorf("%s: incomplete: %.300s", path, body)
		}
		p.records, next = page.Data, page.Next
	} else {
		var page struct {
			Data []map[string]any `json:"data"`
			Meta *struct {
				Next *string `json:"next_page_uri"`
			} `json:"meta"`
		}
		strict(&page)
		if page.Meta == nil || !strings.Contains(body, `"next_page_uri":`) {
			t.Fatalf("%s: incomplete: %.300s", path, body)
		}
		p.records, next = page.Data, page.Meta.Next
	}
	if p.records == nil {
		t.Errorf("%s: no array: %.300s", path, body)
	}
	if next != nil {
		p.next = *next
	}
	return p
}

// walk follows the links from a path, as Ada's sample does, for at most limit pages.
func walk(t *testing.T, srv *adatest.Server, path string, limit int) (ids []string, links []string) {
	t.Helper()
	for path != "" && len(links) < limit {
		p := getExport(t, srv, path)
		ids = append(ids, p.ids()...)
		links = append(links, path)
		path = p.next
	}
	return ids, links
}

func TestExportWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		srv.AddMessages(adatest.Record{
			ID:        "65a17e3f43bec88e00000001",
			CreatedAt: midnight.Add(1234567 * time.Microsecond),
			Fields: map[string]any{
				"answer_title": nil, "answer_id": "a", "chatter_id": nil, "conversation_id": "c-1", "in_response_to": nil, "link_was_clicked": true,
				"message_data": map[string]any{"_type": "text", "body": "hi"}, "recipient": "ada", "record_last_updated": nil,
				"review": 0, "sender": "s-1", "undocumented": []int{1},
			},
		})
		const (
			v1x0 = `{"_id":"65a17e3f43bec88e00000001","answer_title":null,"conversation_id":"c-1","date_created":"2000-01-01T00:00:01.234567+00:00",` +
				`"message_data":{"_type":"text","body":"hi"},"recipient":"ada","review":0,"sender":"s-1","undocumented":[1]}`
			v1x1 = `{"_id":"65a17e3f43bec88e00000001","answer_title":null,"chatter_id":null,"conversation_id":"c-1","date_created":"2000-01-01T00:00:01.234567+00:00",` +
				`"message_data":{"_type":"text","body":"hi"},"recipient":"ada","review":0,"sender":"s-1","undocumented":[1]}`
			v2 = `{"_id":"65a17e3f43bec88e00000001","answer_id":"a","answer_title":null,"chatter_id":null,"conversation_id":"c-1",` +
				`"date_created":"2000-01-01T00:00:01.234567+00:00","in_response_to":null,"link_was_clicked":true,"message_data":{"_type":"text","body":"hi"},` +
				`"recipient":"ada","record_last_updated":null,"review":0,"sender":"s-1","undocumented":[1]}`
		)
		for path, want := range map[string]string{
			"/data_api/v1/messages?created_since=2000-01-01T00:00:00":   `{"data":[` + v1x0 + `],"message":"OK","next_page_uri":null}`,
			"/data_api/v1.1/messages?created_since=2000-01-01T00:00:00": `{"data":[` + v1x1 + `],"message":"OK","next_page_uri":null}`,
			"/data_api/v1.4/messages?created_since=2000-01-01T00:00:00": `{"data":[` + v2 + `],"message":"OK","next_page_uri":null}`,
			"/data_api/v1.4/messages?created_since=2000-01-02T00:00:00": `{"data":[],"message":"OK","next_page_uri":null}`,
			exports + "messages?created_since=2000-01-01T00:00:00":      `{"data":[` + v2 + `],"meta":{"next_page_uri":null}}`,
			exports + "messages?created_since=2000-01-02T00:00:00":      `{"data":[],"meta":{"next_page_uri":null}}`,
		} {
			got := send(t, srv, "GET", path, "").want(t, 200)
			if diff := cmp.Diff(want, got.body); diff != "" {
				t.Errorf("%s (-want +got)\n%s", path, diff)
			}
			if h := got.header.Get("Content-Type"); h != "application/json" {
				t.Errorf("%s: Content-Type is %q", path, h)
			}
		}
	})
}

// exportFields are the documented fields by the version that they came with, as in exportVersions.
var exportFields = map[string][6]string{
	"conversations": {
		"_id chatter_id date_created date_updated platform is_engaged is_escalated csat metavariables variables",
		"",
		"agent_id agent_name browser browser_version device oauth_channel is_test_user language",
		"automated_resolution_classification automated_resolution_classification_reason",
		"end_user_id generated_topic_id generated_topic_label generated_topic_v2_id generated_topic_v2_title generated_topic_v2_desc " +
			"generated_topic_v2_parent_id inquiry_summary agent_handle_time bot_handle_time record_last_updated",
		"classifications used_articles used_playbooks used_coaching last_agent_id last_agent_name",
	},
	"messages": {
		"_id conversation_id date_created message_data sender recipient review answer_title",
		"chatter_id",
		"answer_id link_was_clicked",
		"",
		"in_response_to record_last_updated",
		"",
	},
}

func TestExportFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		srv.Generate(adatest.Generated{Conversations: 100, MessagesPer: 4, Since: midnight, Until: midnight.Add(day)})
		srv.AddConversations(adatest.Record{Fields: map[string]any{"last_agent_id": "hidden before v2"}})
		srv.AddMessages(adatest.Record{Fields: map[string]any{"chatter_id": "hidden before v1.1"}})
		for kind, since := range exportFields {
			var want []string
			newest := map[string]map[string]any{}
			for _, r := range getExport(t, srv, exports+kind+"?created_since=2000-01-01T00:00:00Z").records {
				newest[r["_id"].(string)] = r
			}
			for i, version := range exportVersions {
				want = slices.Sorted(slices.Values(append(want, strings.Fields(since[i])...)))
				form := "2006-01-02T15:04:05.000000+00:00"
				if version == exports && kind == "conversations" {
					form = "2006-01-02T15:04:05.000000"
				}
				records := getExport(t, srv, version+kind+"?created_since=2000-01-01T00:00:00Z").records
				if len(records) != len(newest) {
					t.Errorf("%s%s: %d records, want %d", version, kind, len(records), len(newest))
				}
				for _, r := range records {
					if diff := cmp.Diff(want, slices.Sorted(maps.Keys(r))); diff != "" {
						t.Fatalf("%s%s: fields (-want +got)\n%s", version, kind, diff)
					}
					for name, v := range r {
						if name == "date_created" || name == "date_updated" || name == "record_last_updated" && v != nil {
							if _, err := time.Parse(form, v.(string)); err != nil || len(v.(string)) != len(form) {
								t.Errorf("%s%s: %s is %v", version, kind, name, v)
							}
							continue
						}
						if diff := cmp.Diff(newest[r["_id"].(string)][name], v); diff != "" {
							t.Errorf("%s%s: %s is not the same as in v2 (-v2 +this)\n%s", version, kind, name, diff)
						}
					}
				}
			}
		}
	})
}

func TestExportValidation(t *testing.T) {
	const (
		conv, msg = "conversations", "messages"
		day1      = "created_since=1999-12-31T00:00:00Z"
		form      = "is not an ISO 8601 timestamp"
		size      = "page_size must be from 100 to 10000"
		either    = "created_since or updated_since is required"
		reversed  = "created_to is not after created_since"
		long      = "created_to is more than 60 days after created_since"
		old       = "created_since is more than 12 months ago"
	)
	tests := []struct {
		kind, query string
		faults      string // empty: none
	}{
		{conv, day1, ""},
		{conv, "updated_since=1999-12-31T00:00:00Z", ""},
		{msg, day1, ""},
		{conv, "", either},
		{msg, "", "created_since is required"},
		{conv, "created_to=1999-12-31T00:00:00Z", either},
		{conv, day1 + "&updated_since=1999-12-31T00:00:00Z", "updated_since excludes created_since"},
		{msg, day1 + "&updated_since=nonsense&updated_to=nonsense", ""},
		{msg, "updated_since=1999-12-31T00:00:00Z", "created_since is required"},
		{conv, day1 + "&updated_to=nonsense&unknown=1", ""},

		{conv, day1 + "&page_size=100", ""},
		{conv, day1 + "&page_size=10000", ""},
		{conv, day1 + "&page_size=99", size},
		{conv, day1 + "&page_size=10001", size},
		{msg, day1 + "&page_size=99", size},
		{msg, day1 + "&page_size=", size},
		{msg, day1 + "&page_size=1e3", size},
		{conv, "page_size=0&created_since=yesterday&created_to=today", size + "; created_since " + form + "; created_to " + form},

		{conv, "created_since=1999-12-31T00:00:00", ""},
		{conv, "created_since=1999-12-31T00:00:00.1Z", ""},
		{conv, "created_since=1999-12-31T00:00:00.123456789", ""},
		{conv, "created_since=1999-12-31T00:00:00.681000%2B00:00", ""},
		{conv, "created_since=1999-12-31T00%3A00%3A00-05%3A30", ""},
		{conv, "created_since=1999-12-31T00:00:00+00:00", "created_since " + form}, // the + is a space
		{conv, "created_since=", "created_since " + form},
		{conv, "created_since=1999-12-31", "created_since " + form},
		{conv, "created_since=1999-12-31T00:00", "created_since " + form},
		{conv, "created_since=1999-12-31%2000:00:00", "created_since " + form},
		{conv, "created_since=1999-12-31T00:00:00z", "created_since " + form},
		{conv, "created_since=1999-12-31T00:00:00,5Z", "created_since " + form},
		{conv, "created_since=1999-12-31T00:00:00.Z", "created_since " + form},
		{conv, "created_since=1999-12-31T00:00:00.1234567890Z", "created_since " + form},
		{conv, "created_since=1999-12-31T24:00:00Z", "created_since " + form},
		{conv, "created_since=1999-02-29T00:00:00Z", "created_since " + form},
		{conv, "created_since=946598400", "created_since " + form},
		{conv, "updated_since=x", "updated_since " + form},
		{msg, day1 + "&created_to=", "created_to " + form},
		{msg, day1 + "&created_to=2000-01-01", "created_to " + form},

		{conv, day1 + "&created_to=2000-02-29T00:00:00Z", ""},
		{conv, day1 + "&created_to=2000-02-29T00:00:00.000001Z", long},
		{msg, day1 + "&created_to=2000-02-29T00:00:00", ""},
		{msg, day1 + "&created_to=2000-02-29T00:00:01", long},
		{conv, "updated_since=1999-12-31T00:00:00Z&updated_to=2000-03-01T00:00:00Z", "updated_to is more than 60 days after updated_since"},
		{conv, day1 + "&created_to=1999-12-31T00:00:00.000001Z", ""},
		{conv, day1 + "&created_to=1999-12-31T00:00:00Z", reversed},
		{msg, day1 + "&created_to=1999-12-30T00:00:00Z", reversed},
		{msg, day1 + "&created_to=1999-12-31T01:00:00%2B01:00", reversed},

		{conv, "created_since=1999-01-01T00:00:00Z", ""},
		{conv, "created_since=1998-12-31T23:59:59.999999Z", old},
		{msg, "created_since=1999-01-01T00:00:00", ""},
		{msg, "created_since=1998-12-31T23:59:59", old},
		{conv, "updated_since=1998-12-31T23:59:59.999999Z", strings.ReplaceAll(old, "created", "updated")},
		{conv, "created_since=1998-01-01T00:00:00Z&created_to=1999-01-01T00:00:00Z", old + "; " + long},
		{conv, "created_since=2010-01-01T00:00:00Z", ""},
	}
	for _, tt := range tests {
		t.Run(tt.kind+" "+tt.query, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newServer(t)
				for _, version := range exportVersions {
					path := version + tt.kind + "?" + tt.query
					got := send(t, srv, "GET", path, "")
					if tt.faults == "" {
						readExport(t, path, got.want(t, 200).body)
						continue
					}
					faults := ""
					if version == exports {
						p := got.want(t, 400).problem(t)
						for i, d := range p.Details {
							if i > 0 {
								faults += "; "
							}
							faults += d.Parameter + " " + d.Message
							if d.Location != "query" || p.Type != "validation_error" {
								t.Errorf("%s: %+v", path, p)
							}
						}
					} else {
						faults = got.want(t, 422).message(t)
					}
					if diff := cmp.Diff(tt.faults, faults); diff != "" {
						t.Errorf("%s (-want +got)\n%s", path, diff)
					}
				}
			})
		})
	}
}

// A range begins with its since and ends before its to; without a to it is of seven days.
func TestExportBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		record := func(id, created, updated string) adatest.Record {
			at := func(text string) time.Time {
				parsed, err := time.Parse(time.RFC3339, text)
				if err != nil {
					t.Fatal(err)
				}
				return parsed
			}
			return adatest.Record{ID: id, CreatedAt: at(created), UpdatedAt: at(updated), Fields: map[string]any{"conversation_id": id[:1]}}
		}
		all := []adatest.Record{
			record("c4", "1999-12-08T00:00:00Z", "1999-12-08T00:00:00Z"),
			record("a1", "1999-12-01T00:00:00Z", "1999-12-09T00:00:00Z"),
			record("a2", "1999-12-01T01:00:00.0000019+01:00", "1999-12-05T00:00:00Z"), // the rest of the microsecond is cut off
			record("b3", "1999-12-07T23:59:59.999999Z", "1999-12-07T23:59:59.999999Z"),
			record("b4", "1999-12-08T00:00:00Z", "1999-12-08T00:00:00Z"), // after c4 in both orders
		}
		srv.AddConversations(all...)
		srv.AddMessages(all...)
		for query, want := range map[string]string{
			"created_since=1999-12-01T00:00:00Z":                                                   "a1 a2 b3",
			"created_since=1999-12-01T00:00:00.000001Z":                                            "a2 b3 c4 b4",
			"created_since=1999-12-01T00:00:00.0000001Z":                                           "a2 b3 c4 b4",
			"created_since=1999-12-01T00:00:00.000002Z":                                            "b3 c4 b4",
			"created_since=1999-12-01T02:00:00%2B02:00":                                            "a1 a2 b3",
			"created_since=1999-12-01T00:00:00-00:01":                                              "b3 c4 b4",
			"created_since=1999-12-01T00:00:00":                                                    "a1 a2 b3",
			"created_since=1999-12-01T00:00:00Z&created_to=1999-12-01T00:00:00.000001Z":            "a1",
			"created_since=1999-12-01T00:00:00Z&created_to=1999-12-08T00:00:00.0000001Z":           "a1 a2 b3 c4 b4",
			"created_since=1999-12-01T00:00:00Z&created_to=1999-12-08T00:00:00Z":                   "a1 a2 b3",
			"created_since=1999-12-01T00:00:00Z&created_to=1999-12-20T00:00:00Z":                   "a1 a2 b3 c4 b4",
			"created_since=1999-12-09T00:00:00Z":                                                   "",
			"updated_since=1999-12-01T00:00:00Z":                                                   "a2 b3",
			"updated_since=1999-12-05T00:00:00Z":                                                   "a2 b3 c4 b4 a1",
			"updated_since=1999-12-05T00:00:00Z&updated_to=1999-12-09T00:00:00Z":                   "a2 b3 c4 b4",
			"created_since=1999-12-01T00:00:00Z&created_to=1999-12-20T00:00:00Z&conversation_id=b": "b3 b4",
			"created_since=1999-12-01T00:00:00Z&created_to=1999-12-20T00:00:00Z&conversation_id=":  "",
			"created_since=1999-12-01T00:00:00Z&created_to=1999-12-20T00:00:00Z&conversation_id=x": "",
		} {
			for _, version := range exportVersions {
				if !strings.Contains(query, "conversation_id") {
					if got := strings.Join(getExport(t, srv, version+"conversations?"+query).ids(), " "); got != want {
						t.Errorf("%sconversations?%s: %s, want %s", version, query, got, want)
					}
				}
				if !strings.Contains(query, "updated") {
					if got := strings.Join(getExport(t, srv, version+"messages?"+query).ids(), " "); got != want {
						t.Errorf("%smessages?%s: %s, want %s", version, query, got, want)
					}
				}
			}
		}
	})
}

func TestExportLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		for i := range 101 {
			r := adatest.Record{CreatedAt: midnight.Add(time.Duration(i) * time.Second), Fields: map[string]any{"conversation_id": "c 1"}}
			srv.AddConversations(r)
			srv.AddMessages(r)
		}
		const next = "created_since=2000-01-01T00%3A01%3A40.000000"
		for path, want := range map[string]string{
			"conversations?created_since=2000-01-01T00:00:00&page_size=100": next + "&created_to=2000-01-08T00%3A00%3A00&page_size=100",
			"conversations?page_size=100&created_to=2000-02-01T01:00:00%2B01:00&created_since=1999-12-31T00:00:00Z": next +
				"&created_to=2000-02-01T00%3A00%3A00&page_size=100",
			"conversations?updated_since=2000-01-01T00:00:00.000Z&updated_to=2000-01-31T23:59:59.5Z&page_size=100": "page_size=100&" +
				strings.ReplaceAll(next, "created", "updated") + "&updated_to=2000-01-31T23%3A59%3A59.500000",
			"messages?created_since=2000-01-01T00:00:00&page_size=100&conversation_id=c%201&other=x": "conversation_id=c+1&" + next +
				"&created_to=2000-01-08T00%3A00%3A00&other=x&page_size=100",
			"messages?created_since=2000-01-01T00:00:00&page_size=101": "",
			"messages?created_since=2000-01-01T00:00:00":               "",
			"messages?created_since=2000-01-01T00:00:01&page_size=100": "",
		} {
			for _, version := range exportVersions {
				p := getExport(t, srv, version+path)
				kind, _, _ := strings.Cut(path, "?")
				link := version + kind + "?" + want
				if want == "" {
					link = ""
				}
				if diff := cmp.Diff(link, p.next); diff != "" {
					t.Errorf("%s%s (-want +got)\n%s", version, path, diff)
				}
				if link != "" {
					last := getExport(t, srv, p.next)
					if len(p.records) != 100 || len(last.records) != 1 || last.next != "" {
						t.Errorf("%s%s: pages of %d and %d records, then %q", version, path, len(p.records), len(last.records), last.next)
					}
				}
			}
		}
	})
}

// Following the links gives every record, and at the borders of pages those again that share the timestamp of the
// next one.
func TestExportPaging(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newServer(t)
				random := rand.New(rand.NewPCG(seed, 0))
				type record struct {
					id string
					at map[string]int // by "created" and "updated"
				}
				var all []record
				n := 100 + random.IntN(400)
				created, updated := random.Perm(n), random.Perm(n)
				grain := []int{1, 1, 3, 40}[seed%4] // how many share a timestamp
				for i := range n {
					r := record{fmt.Sprint("id-", i), map[string]int{"created": created[i] / grain, "updated": updated[i] / grain}}
					all = append(all, r)
					at := func(key string) time.Time { return midnight.Add(time.Duration(r.at[key]) * time.Millisecond) }
					given := adatest.Record{ID: r.id, CreatedAt: at("created"), UpdatedAt: at("updated")}
					srv.AddConversations(given)
					srv.AddMessages(given)
					if random.IntN(100) == 0 { // to have more added when some are in order
						getExport(t, srv, exports+"conversations?updated_since=2000-01-01T00:00:00")
						getExport(t, srv, exports+"messages?created_since=2000-01-01T00:00:00")
					}
				}
				for _, path := range []string{"conversations?created", "conversations?updated", "messages?created"} {
					_, key, _ := strings.Cut(path, "?")
					sorted := slices.Clone(all)
					slices.SortStableFunc(sorted, func(a, b record) int { return a.at[key] - b.at[key] })
					size := 100 + random.IntN(100)
					var want []string
					for i := 0; i < len(sorted); {
						end := min(i+size, len(sorted))
						for _, r := range sorted[i:end] {
							want = append(want, r.id)
						}
						if i = end; i < len(sorted) {
							for sorted[i-1].at[key] == sorted[end].at[key] {
								i--
							}
						}
					}
					if grain == 1 && len(want) != n {
						t.Fatalf("the test expects %d of %d", len(want), n)
					}
					version := exportVersions[random.IntN(len(exportVersions))]
					got, _ := walk(t, srv, version+path+"_since=2000-01-01T00:00:00Z&page_size="+strconv.Itoa(size), 1000)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s (-want +got)\n%s", path, diff)
					}
				}
			})
		})
	}
}

// When more records than a page holds share a timestamp, the link leads to the same page for ever.
func TestExportStuckLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		for range 101 {
			srv.AddMessages(adatest.Record{CreatedAt: midnight})
		}
		path := exports + "messages?created_since=1999-12-31T00:00:00Z&page_size=100"
		_, links := walk(t, srv, path, 5)
		stuck := exports + "messages?created_since=2000-01-01T00%3A00%3A00.000000&created_to=2000-01-07T00%3A00%3A00&page_size=100"
		if diff := cmp.Diff([]string{path, stuck, stuck, stuck, stuck}, links); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if ids, links := walk(t, srv, strings.Replace(path, "=100", "=101", 1), 5); len(ids) != 101 || len(links) != 1 {
			t.Errorf("%d records on %d pages, want 101 on one", len(ids), len(links))
		}
	})
}

func TestRecordDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		time.Sleep(time.Hour)
		srv.AddConversations(adatest.Record{}, adatest.Record{CreatedAt: midnight})
		srv.AddMessages(adatest.Record{})
		seen := map[string]bool{}
		for _, kind := range []string{"conversations", "messages"} {
			for i, r := range getExport(t, srv, exports+kind+"?created_since=2000-01-01T00:00:00Z").records {
				if id := r["_id"].(string); len(id) != 24 || strings.Trim(id, "0123456789abcdef") != "" || seen[id] {
					t.Errorf("id %s", id)
				} else {
					seen[id] = true
				}
				want := "2000-01-01T00:00:00.000000"
				if i == 1 || kind == "messages" {
					want = "2000-01-01T01:00:00.000000"
				}
				if updated := r["date_updated"]; !strings.HasPrefix(r["date_created"].(string), want) || kind == "conversations" && updated != want {
					t.Errorf("%s: created at %v, updated at %v, want %s", kind, r["date_created"], updated, want)
				}
			}
		}
	})
}

// What is given to the server is the caller's again.
func TestRecordFieldsAreCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		fields := map[string]any{"date_created": "yesterday", "_id": 7, "csat": map[string]any{"score": uint64(9007199254740993)}, "platform": nil}
		srv.AddConversations(adatest.Record{ID: "1", Fields: fields})
		fields["platform"] = "changed"
		fields["csat"].(map[string]any)["score"] = 1
		r := getExport(t, srv, exports+"conversations?created_since=2000-01-01T00:00:00Z").records[0]
		got := []any{r["date_created"], r["_id"], r["csat"], r["platform"]}
		want := []any{"yesterday", json.Number("7"), map[string]any{"score": json.Number("9007199254740993")}, nil}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestArrivesAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		late := midnight.Add(time.Hour)
		srv.AddMessages(adatest.Record{ID: "1", CreatedAt: midnight}, adatest.Record{ID: "2", CreatedAt: midnight, ArrivesAt: late}, adatest.Record{ID: "3", CreatedAt: midnight})
		for _, r := range []adatest.Record{{ID: "1"}, {ID: "2", ArrivesAt: late}, {ID: "3", ArrivesAt: midnight}} {
			srv.AddConversations(r)
		}
		for _, step := range []struct {
			after time.Duration
			want  string
		}{{0, "1 3"}, {time.Hour - 1, "1 3"}, {1, "1 2 3"}, {day, "1 2 3"}} {
			time.Sleep(step.after)
			for _, path := range []string{"conversations?created_since=", "conversations?updated_since=", "messages?created_since="} {
				if got := strings.Join(getExport(t, srv, exports+path+"2000-01-01T00:00:00").ids(), " "); got != step.want {
					t.Errorf("%s at %s: %s, want %s", path, time.Now(), got, step.want)
				}
			}
		}
		if got := getExport(t, srv, exports+"messages?created_since=2000-01-01T00:00:00").records[1]["record_last_updated"]; got != "2000-01-01T01:00:00.000000+00:00" {
			t.Errorf("record_last_updated is %v", got)
		}
	})
}

// A record that is not there yet is not the next one either.
func TestArrivesAtOfNextRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		for i := range 102 {
			r := adatest.Record{CreatedAt: midnight.Add(time.Duration(i) * time.Second)}
			if i >= 100 {
				r.ArrivesAt = midnight.Add(time.Duration(201-i) * time.Hour)
			}
			srv.AddMessages(r)
		}
		path := exports + "messages?created_since=2000-01-01T00:00:00&page_size=100"
		for _, want := range []string{"", "2000-01-01T00:01:41.000000", "2000-01-01T00:01:40.000000"} {
			next, err := url.Parse(getExport(t, srv, path).next)
			if err != nil {
				t.Fatal(err)
			}
			if got := next.Query().Get("created_since"); got != want {
				t.Errorf("the next record is of %q, want %q", got, want)
			}
			if want == "" {
				time.Sleep(99 * time.Hour)
			}
			time.Sleep(time.Hour)
		}
	})
}

func TestUpdateConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		for i := range 150 {
			srv.AddConversations(adatest.Record{
				ID: fmt.Sprint(i), CreatedAt: midnight.Add(time.Duration(i) * time.Second), Fields: map[string]any{"platform": "chat", "language": "en"},
			})
		}
		path := exports + "conversations?updated_since=2000-01-01T00:00:00&page_size=100"
		first := getExport(t, srv, path)
		srv.UpdateConversation("7", midnight.Add(time.Hour), map[string]any{"platform": nil, "more": true})    // comes again
		srv.UpdateConversation("120", midnight.Add(-time.Hour), map[string]any{"csat": nil})                   // leaves the range
		srv.UpdateConversation("130", midnight.Add(140*time.Second), nil)                                      // before 140, which was added later
		srv.UpdateConversation("7", midnight.Add(145*time.Second+time.Millisecond), map[string]any{"csat": 1}) // after 145
		second := getExport(t, srv, first.next)
		var want []string
		for i := 100; i < 150; i++ {
			switch i {
			case 120, 130:
			case 140:
				want = append(want, "130", "140")
			case 145:
				want = append(want, "145", "7")
			default:
				want = append(want, fmt.Sprint(i))
			}
		}
		if diff := cmp.Diff(want, second.ids()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		r := second.records[slices.Index(second.ids(), "7")]
		got := []any{r["platform"], r["language"], r["more"], r["csat"], r["date_created"], r["date_updated"]}
		if diff := cmp.Diff([]any{nil, "en", true, json.Number("1"), "2000-01-01T00:00:07.000000", "2000-01-01T00:02:25.001000"}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		created, _ := walk(t, srv, strings.Replace(path, "updated", "created", 1), 2)
		for i, id := range created {
			if id != fmt.Sprint(i) {
				t.Fatalf("by creation, number %d is %s", i, id)
			}
		}
	})
}

func TestUpdateConversationOfGenerated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		srv.Generate(adatest.Generated{Conversations: 50, Since: midnight, Until: midnight.Add(time.Hour)})
		path := "conversations?updated_since=2000-01-01T00:00:00"
		before := getExport(t, srv, exports+path).records
		srv.UpdateConversation(before[3]["_id"].(string), midnight.Add(2*time.Hour), map[string]any{"language": "nl"})
		want := append(slices.Delete(slices.Clone(before), 3, 4), maps.Clone(before[3]))
		want[49]["language"], want[49]["date_updated"] = "nl", "2000-01-01T02:00:00.000000"
		delete(want[49], "record_last_updated")
		got := getExport(t, srv, exports+path).records
		delete(got[49], "record_last_updated")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestRemoveRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		srv.Generate(adatest.Generated{Conversations: 30, MessagesPer: 2, Since: midnight, Until: midnight.Add(time.Hour)})
		for i := range 30 {
			r := adatest.Record{ID: fmt.Sprint(i), CreatedAt: midnight.Add(time.Duration(i) * time.Minute)}
			srv.AddConversations(r)
			srv.AddMessages(r)
		}
		paths := []string{"conversations?created_since=", "conversations?updated_since=", "messages?created_since="}
		var want [3][]string
		var gone []string
		for i, path := range paths {
			for n, id := range getExport(t, srv, exports+path+"2000-01-01T00:00:00").ids() {
				if i != 1 && n%7 == 3 {
					gone = append(gone, id)
				}
			}
		}
		for i, path := range paths {
			want[i] = slices.DeleteFunc(getExport(t, srv, exports+path+"2000-01-01T00:00:00").ids(), func(id string) bool { return slices.Contains(gone, id) })
		}
		srv.RemoveRecords(append(gone, "unknown")...)
		srv.RemoveRecords(gone...)
		srv.RemoveRecords()
		for i, path := range paths {
			if diff := cmp.Diff(want[i], getExport(t, srv, exports+path+"2000-01-01T00:00:00").ids()); diff != "" {
				t.Errorf("%s (-want +got)\n%s", path, diff)
			}
		}
		generated := slices.IndexFunc(gone, func(id string) bool { return len(id) == 24 })
		byHand := slices.IndexFunc(gone, func(id string) bool { return len(id) != 24 })
		again := []string{gone[generated], gone[byHand]}
		for _, id := range again {
			srv.AddConversations(adatest.Record{ID: id, CreatedAt: midnight.Add(2 * time.Hour)})
		}
		if diff := cmp.Diff(again, getExport(t, srv, exports+"conversations?created_since=2000-01-01T02:00:00").ids()); diff != "" {
			t.Errorf("added again (-want +got)\n%s", diff)
		}
	})
}

func TestExportMisuse(t *testing.T) {
	generated := adatest.Generated{Conversations: 3, MessagesPer: 1, Since: midnight, Until: midnight.Add(time.Hour)}
	for want, misuse := range map[string]func(*adatest.Server){
		"adatest: there already is a record 1": func(s *adatest.Server) {
			s.AddMessages(adatest.Record{ID: "1"})
			s.AddConversations(adatest.Record{ID: "1"})
			s.AddConversations(adatest.Record{ID: "1"})
		},
		"adatest: there is no record 1": func(s *adatest.Server) {
			s.AddMessages(adatest.Record{ID: "1"})
			s.UpdateConversation("1", midnight, nil)
		},
		"adatest: field csat: json: unsupported type: chan int": func(s *adatest.Server) {
			s.AddConversations(adatest.Record{Fields: map[string]any{"csat": make(chan int)}})
		},
		"adatest: the same was generated before": func(s *adatest.Server) {
			s.Generate(generated)
			s.Generate(generated)
		},
		"adatest: Generate of an empty range of time": func(s *adatest.Server) {
			g := generated
			g.Until = g.Since
			s.Generate(g)
		},
		"adatest: Generate of a number that is out of range": func(s *adatest.Server) {
			g := generated
			g.MessagesPer = -1
			s.Generate(g)
		},
	} {
		tb := &fakeTB{TB: t}
		srv := adatest.NewServer(tb)
		done := make(chan struct{})
		go func() {
			defer close(done)
			misuse(srv)
		}()
		<-done
		if diff := cmp.Diff([]string{want}, tb.fatals); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		srv.Close()
	}
}

func TestExportQuirks(t *testing.T) {
	const query = "messages?created_since=2000-01-01T00:00:00&page_size=100"
	const params = "messages?created_since=2000-01-01T00%3A01%3A40.000000&created_to=2000-01-08T00%3A00%3A00&page_size=100"
	for _, tt := range []struct {
		name           string
		quirks         adatest.ExportQuirks
		version        string
		begin          string
		middle, ending string // what the first page and the last end with
	}{
		{"", adatest.ExportQuirks{}, exports, `{"data":[{`, `}],"meta":{"next_page_uri":"` + exports + params + `"}}`, `}],"meta":{"next_page_uri":null}}`},
		{"none, v1", adatest.ExportQuirks{}, "/data_api/v1/", `{"data":[{`, `}],"message":"OK","next_page_uri":"/data_api/v1/` + params + `"}`, `}],"message":"OK","next_page_uri":null}`},
		{"Items", adatest.ExportQuirks{Items: true}, exports, `{"items":[{`, `}],"meta":{"next_page_uri":"` + exports + params + `"}}`, `}],"meta":{"next_page_uri":null}}`},
		{"AbsoluteLinks", adatest.ExportQuirks{Links: adatest.AbsoluteLinks}, exports, `{"data":[{`, `}],"meta":{"next_page_uri":"http://localhost` + exports + params + `"}}`, `}],"meta":{"next_page_uri":null}}`},
		{"SlashlessLinks", adatest.ExportQuirks{Links: adatest.SlashlessLinks}, exports, `{"data":[{`, `}],"meta":{"next_page_uri":"api/v2/export/` + params + `"}}`, `}],"meta":{"next_page_uri":null}}`},
		{"SlashlessLinks, v1", adatest.ExportQuirks{Links: adatest.SlashlessLinks}, "/data_api/v1.4/", `{"data":[{`, `}],"message":"OK","next_page_uri":"data_api/v1.4/` + params + `"}`, `}],"message":"OK","next_page_uri":null}`},
		{"PageURL", adatest.ExportQuirks{PageURL: true}, exports, `{"data":[{`, `}],"meta":{"next_page_url":"` + exports + params + `"}}`, `}],"meta":{"next_page_url":null}}`},
		{"NoMeta", adatest.ExportQuirks{NoMeta: true}, exports, `{"data":[{`, `}],"meta":{"next_page_uri":"` + exports + params + `"}}`, `}]}`},
		{"NoMeta, v1", adatest.ExportQuirks{NoMeta: true}, "/data_api/v1/", `{"data":[{`, `}],"message":"OK","next_page_uri":"/data_api/v1/` + params + `"}`, `}],"message":"OK","next_page_uri":null}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t, adatest.RateLimit(0, 0), adatest.WithExportQuirks(tt.quirks))
				for i := range 101 {
					srv.AddMessages(adatest.Record{CreatedAt: midnight.Add(time.Duration(i) * time.Second)})
				}
				for path, end := range map[string]string{query: tt.middle, params: tt.ending} {
					body := send(t, srv, "GET", tt.version+path, "").want(t, 200).body
					if !strings.HasPrefix(body, tt.begin) || !strings.HasSuffix(body, end) {
						t.Errorf("%.20s ... %s, want %s ... %s", body, body[len(body)-len(end):], tt.begin, end)
					}
				}
			})
		})
	}
}

func TestExportAbsoluteLinksOverTCP(t *testing.T) {
	srv := adatest.NewServer(t, adatest.WithExportQuirks(adatest.ExportQuirks{Links: adatest.AbsoluteLinks}))
	outside := httptest.NewTLSServer(srv)
	defer outside.Close()
	now := time.Now()
	for range 101 {
		srv.AddMessages(adatest.Record{CreatedAt: now})
	}
	got, err := tryWith(t, outside.Client(), "Bearer "+string(adatest.APIKey), "GET", outside.URL+exports+"messages?page_size=100&created_since="+lately, "")
	if err != nil || !strings.Contains(got.body, `"next_page_uri":"`+outside.URL+exports+"messages?") {
		t.Errorf("%v, no link to %s in %d ...%s", err, outside.URL, got.status, got.body[max(0, len(got.body)-300):])
	}
}

func TestExportGzip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, adatest.RateLimit(0, 0), adatest.WithExportQuirks(adatest.ExportQuirks{Gzip: true}))
		srv.Generate(adatest.Generated{Conversations: 500, Since: midnight, Until: midnight.Add(day)})
		path := exports + "conversations?created_since=2000-01-01T00:00:00Z"
		client := srv.Config().HTTP.Client
		get := func(query, accept string) (header http.Header, body []byte, err error) {
			req, err := http.NewRequestWithContext(t.Context(), "GET", srv.Config().BaseURL+path+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+string(adatest.APIKey))
			req.Header.Set("Accept-Encoding", accept)
			resp, err := client.Do(req)
			if err != nil {
				return nil, nil, err
			}
			defer func() { _ = resp.Body.Close() }()
			body, err = io.ReadAll(resp.Body)
			return resp.Header, body, err
		}
		want := send(t, srv, "GET", path, "").want(t, 200).body // net/http asks for gzip by itself
		readExport(t, path, want)
		for accept, packed := range map[string]bool{"gzip": true, "deflate, GZIP;q=0.5": true, "identity": false, "br": false} {
			header, body, err := get("", accept)
			if err != nil {
				t.Fatal(err)
			}
			if got := header.Get("Content-Encoding"); (got == "gzip") != packed {
				t.Errorf("%s: Content-Encoding is %q", accept, got)
			}
			if packed {
				z, err := gzip.NewReader(bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if len(body) > len(want)/2 {
					t.Errorf("%d bytes of %d are left", len(body), len(want))
				}
				if body, err = io.ReadAll(z); err != nil {
					t.Error(err)
				}
			}
			if string(body) != want {
				t.Errorf("%s: another body", accept)
			}
		}
		if header, body, err := get("&page_size=1", "gzip"); header.Get("Content-Encoding") != "" || !bytes.HasPrefix(body, []byte(`{"errors":`)) {
			t.Errorf("an error: %v %s %v", header, body, err)
		}

		srv.Fail("dataexport.Conversations", adatest.Failure{Truncate: true}, adatest.Failure{Truncate: true}, adatest.Failure{Status: 503})
		header, body, err := get("", "gzip")
		if !errors.Is(err, io.ErrUnexpectedEOF) || header.Get("Content-Encoding") != "gzip" || len(body) == 0 {
			t.Fatalf("truncated: %d bytes, %v", len(body), err)
		}
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if part, err := io.ReadAll(z); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(want, string(part)) {
			t.Errorf("truncated: %d bytes, %v", len(part), err)
		}
		if got, err := try(t, srv, "GET", path, ""); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("truncated: %d, %v", got.status, err)
		}
		if got := send(t, srv, "GET", path, "").want(t, 503); got.header.Get("Content-Encoding") != "" {
			t.Error("the failure says that it is compressed")
		}
	})
}

func TestExportFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		srv.Generate(adatest.Generated{Conversations: 500, Since: midnight, Until: midnight.Add(day)})
		path := exports + "conversations?created_since=2000-01-01T00:00:00Z"
		want := send(t, srv, "GET", path, "").body
		srv.Fail(
			"dataexport.Conversations", adatest.Failure{Truncate: true}, adatest.Failure{Drop: true}, adatest.Failure{Status: 200, Body: `{"data":null}`},
			adatest.Failure{Delay: time.Hour, Header: http.Header{"Content-Type": {"application/problem+json"}}}, adatest.Failure{Status: 429}, adatest.Failure{Status: 504},
		)
		if got, err := try(t, srv, "GET", path, ""); !errors.Is(err, io.ErrUnexpectedEOF) || len(got.body) != len(want)/2 || !strings.HasPrefix(want, got.body) {
			t.Errorf("Truncate: %d bytes, %v", len(got.body), err)
		}
		if got, err := try(t, srv, "GET", path, ""); !errors.Is(err, io.ErrUnexpectedEOF) || got.status != 0 {
			t.Errorf("Drop: %d, %v", got.status, err)
		}
		if got := send(t, srv, "GET", path, ""); got.body != `{"data":null}` {
			t.Errorf("Body: %.300s", got.body)
		}
		start := time.Now()
		if got := send(t, srv, "GET", path, ""); got.body != want || time.Since(start) != time.Hour || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("Delay and Header: %s, %v", time.Since(start), got.header)
		}
		send(t, srv, "GET", "/data_api/v1.2/conversations?created_since=2000-01-01T00:00:00Z", "").want(t, 429).message(t)
		send(t, srv, "GET", path, "").want(t, 504).problem(t)
		if n := len(srv.Calls("dataexport.Conversations")); n != 7 {
			t.Errorf("%d calls", n)
		}
	})
}

// Pages take their time at the same time, and nobody who left is waited for.
func TestExportLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, adatest.WithExportQuirks(adatest.ExportQuirks{Latency: 3 * time.Second}))
		path := exports + "messages?created_since=2000-01-01T00:00:00Z"
		start := time.Now()
		done := make(chan int)
		for range 11 {
			go func() {
				got, _ := try(t, srv, "GET", path, "")
				done <- got.status
			}()
		}
		if status := <-done; status != 429 || time.Since(start) != 0 {
			t.Errorf("%d after %s, want 429 at once", status, time.Since(start))
		}
		send(t, srv, "GET", collection, "").want(t, 200)
		srv.AddMessages(adatest.Record{})
		if d := time.Since(start); d != 0 {
			t.Errorf("the server was held for %s", d)
		}
		for range 10 {
			if status := <-done; status != 200 || time.Since(start) != 3*time.Second {
				t.Errorf("%d after %s, want 200 after 3s", status, time.Since(start))
			}
		}
		start = time.Now()
		send(t, srv, "GET", exports+"messages", "").want(t, 400)
		if d := time.Since(start); d != 0 {
			t.Errorf("an error took %s", d)
		}

		client := srv.Config().HTTP.Client
		client.Timeout = time.Second
		if _, err := tryWith(t, client, "Bearer "+string(adatest.APIKey), "GET", srv.Config().BaseURL+path, ""); err == nil || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, "GET", path, nil)
		r.Header.Set("Authorization", "Bearer "+string(adatest.APIKey))
		start = time.Now()
		if srv.ServeHTTP(httptest.NewRecorder(), r); time.Since(start) != time.Second {
			t.Errorf("the server is done after %s, want 1s", time.Since(start))
		}
		srv.Fail("dataexport.Messages", adatest.Failure{Delay: 4 * time.Second})
		start = time.Now()
		if send(t, srv, "GET", path, "").want(t, 200); time.Since(start) != 7*time.Second {
			t.Errorf("with a delay: %s", time.Since(start))
		}
	})
}

func TestExportRateLimits(t *testing.T) {
	type limit struct{ second, minute, day int }
	// send goes without a connection, and with a request that is made once, as there are many.
	send := func(srv *adatest.Server, r *http.Request) answer {
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		return answer{w.Code, w.Header(), w.Body.String()}
	}
	// measure tells how many requests a second, a minute and a day hold.
	measure := func(t *testing.T, opts []adatest.Option, paths ...string) (got limit) {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t, opts...)
			var requests []*http.Request
			for _, path := range paths {
				r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
				r.Header.Set("Authorization", "Bearer "+string(adatest.APIKey))
				requests = append(requests, r)
			}
			n, begin := 0, time.Now()
			for i := 0; ; i++ {
				a := send(srv, requests[i%len(requests)])
				if a.status == 200 {
					n++
					if h := a.header.Get("X-RateLimit-Limit"); (h == "") != isV1(paths[0]) && opts == nil {
						t.Fatalf("X-RateLimit-Limit is %q", h)
					} else if h != "" {
						reset, err := strconv.ParseInt(a.header.Get("X-RateLimit-Reset"), 10, 64)
						if d := time.Until(time.Unix(reset, 0)); err != nil || d <= 0 || d > time.Minute+time.Second {
							t.Fatalf("X-RateLimit-Reset is in %s, %v", d, err)
						}
					}
					if n > 16_000 {
						return
					}
					continue
				}
				wait, err := strconv.Atoi(a.want(t, 429).header.Get("Retry-After"))
				if err != nil {
					t.Fatal(err)
				}
				since := time.Since(begin)
				switch {
				case since == 0:
					got.second = n
				case wait > 1 && wait <= 60 && got.minute == 0:
					got.minute = n
				case wait > 60:
					got.day = n
					if total := since + time.Duration(wait)*time.Second; total != day {
						t.Errorf("the day ends after %s", total)
					}
					time.Sleep(time.Duration(wait)*time.Second - time.Nanosecond)
					send(srv, requests[0]).want(t, 429)
					time.Sleep(time.Nanosecond)
					for range got.second { // as many as were sent in the first second of the day before
						send(srv, requests[0]).want(t, 200)
					}
					send(srv, requests[0]).want(t, 429)
					return
				}
				if since > 5*time.Minute && got.minute == 0 {
					return
				}
				time.Sleep(time.Duration(wait) * time.Second)
			}
		})
		return got
	}
	in := func(path string) string { return path + "?created_since=2000-01-01T00:00:00Z" }
	ignored := []adatest.Option{adatest.RateLimit(50, 2000)}
	for _, tt := range []struct {
		name  string
		opts  []adatest.Option
		paths []string
		want  limit
	}{
		{"v2", nil, []string{in(exports + "conversations"), in(exports + "messages")}, limit{10, 100, 15_000}},
		{"v1, one endpoint", nil, []string{in("/data_api/v1/messages"), in("/data_api/v1.4/messages")}, limit{10, 0, 0}},
		{"v1, both endpoints", nil, []string{in("/data_api/v1.4/messages"), in("/data_api/v1.4/conversations")}, limit{20, 0, 0}},
		{"default", nil, []string{webhooks}, limit{10, 100, 10_000}},
		{"no day", ignored, []string{in(exports + "messages")}, limit{50, 2000, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := measure(t, tt.opts, tt.paths...); got != tt.want {
				t.Errorf("limits %+v, want %+v", got, tt.want)
			}
		})
	}
}

// What is generated is the same for the same description, whatever else there is, and in its range.
func TestGenerate(t *testing.T) {
	g := adatest.Generated{Seed: 5, Conversations: 600, MessagesPer: 5, Since: midnight, Until: midnight.Add(30 * day)}
	another := g
	another.Seed++
	synctest.Test(t, func(t *testing.T) {
		srv, again, other := newServer(t), newServer(t), newServer(t)
		srv.Generate(g)
		other.Generate(another)
		again.AddConversations(adatest.Record{CreatedAt: midnight.Add(60 * day)})
		again.Generate(another)
		again.RemoveRecords(recordIDs(t, other)...)
		again.Generate(g)
		const end = "2000-01-31T00:00:00"
		byCreation := map[string]bool{} // whether the order is that of creation too
		for path, want := range map[string]int{
			"conversations?created": g.Conversations,
			"conversations?updated": g.Conversations,
			"messages?created":      g.Conversations * g.MessagesPer,
		} {
			kind, key, _ := strings.Cut(path, "?")
			seen := map[string]bool{}
			var last, lastCreated string
			byCreation[path] = true
			for path := exports + kind + "?" + key + "_since=2000-01-01T00:00:00&" + key + "_to=" + end + "&page_size=600"; path != ""; {
				body := send(t, srv, "GET", path, "").want(t, 200).body
				if diff := cmp.Diff(body, send(t, again, "GET", path, "").body); diff != "" {
					t.Fatalf("%s is not the same again (-one +other)\n%s", path, diff)
				}
				if body == send(t, other, "GET", path, "").body {
					t.Errorf("%s is the same with another seed", path)
				}
				p := readExport(t, path, body)
				for _, r := range p.records {
					created, at := r["date_created"].(string), r["date_"+key].(string)
					if at < last || at == last && key == "created" || at < created || at >= end {
						t.Errorf("%s: created at %s, %s at %s, after %s", path, created, key, at, last)
					}
					byCreation[kind+"?"+key] = byCreation[kind+"?"+key] && created > lastCreated
					seen[r["_id"].(string)] = true
					last, lastCreated = at, created
				}
				path = p.next
			}
			if len(seen) != want {
				t.Errorf("%s: %d records, want %d", path, len(seen), want)
			}
		}
		want := map[string]bool{"conversations?created": true, "conversations?updated": false, "messages?created": true}
		if diff := cmp.Diff(want, byCreation); diff != "" {
			t.Errorf("in the order of creation (-want +got)\n%s", diff)
		}
	})
}

// recordIDs returns the ids of all that is exported in thirty days.
func recordIDs(t *testing.T, srv *adatest.Server) []string {
	t.Helper()
	const query = "?created_since=2000-01-01T00:00:00Z&created_to=2000-01-31T00:00:00Z"
	conversations, _ := walk(t, srv, exports+"conversations"+query, 100)
	messages, _ := walk(t, srv, exports+"messages"+query, 100)
	return append(conversations, messages...)
}

// Messages belong to conversations, and what the two have in common is the same.
func TestGeneratedMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		srv.AddMessages(adatest.Record{CreatedAt: midnight})
		srv.Generate(adatest.Generated{Conversations: 40, MessagesPer: 5, Since: midnight, Until: midnight.Add(day)})
		const query = "?created_since=2000-01-01T00:00:00Z"
		for _, c := range getExport(t, srv, exports+"conversations"+query).records {
			messages := getExport(t, srv, exports+"messages"+query+"&conversation_id="+c["_id"].(string)).records
			if len(messages) != 5 {
				t.Fatalf("%d messages of %s", len(messages), c["_id"])
			}
			for i, m := range messages {
				if m["conversation_id"] != c["_id"] || m["chatter_id"] != c["chatter_id"] {
					t.Errorf("message %v of conversation %v", m, c)
				}
				if at := m["date_created"].(string)[:26]; at < c["date_created"].(string) || at > c["date_updated"].(string) {
					t.Errorf("message at %s of a conversation from %s to %s", at, c["date_created"], c["date_updated"])
				}
				if kind := m["message_data"].(map[string]any)["_type"]; (i == 0) != (kind == "greeting") && i == 0 {
					t.Errorf("message %d is a %s", i, kind)
				}
				if to := m["in_response_to"]; to != nil && (i == 0 || to != messages[i-1]["_id"]) {
					t.Errorf("message %d answers %s", i, to)
				}
				if from, to := m["sender"], m["recipient"]; (to == "ada") == (from == "bot" || from == "agent") {
					t.Errorf("message from %s to %s", from, to)
				}
			}
		}
	})
}

// Among a few hundred records are all values that a field can have in kind, and all forms of message_data.
func TestGeneratedVariety(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		srv.Generate(adatest.Generated{Conversations: 400, MessagesPer: 3, Since: midnight, Until: midnight.Add(day)})
		const pending = "It says \"pending\".\nSince Monday!"
		kinds := map[string]map[string]bool{}
		texts := map[string]bool{} // strings and numbers, the long ones cut
		var note func(name string, v any)
		note = func(name string, v any) {
			kind := fmt.Sprintf("%T", v)
			switch v := v.(type) {
			case map[string]any:
				for k, v := range v {
					note(name+"."+k, v)
				}
				kind = "object"
			case []any:
				for _, v := range v {
					note(name+"[]", v)
				}
				if kind = "array"; len(v) == 0 {
					kind = "empty array"
				}
			case string:
				kind = "string"
				texts[v[:min(len(v), len(pending))]] = true
			case json.Number:
				texts[v.String()] = true
				kind = "number"
			case nil:
				kind = "null"
			case bool:
				kind = strconv.FormatBool(v)
			}
			if kinds[name] == nil {
				kinds[name] = map[string]bool{}
			}
			kinds[name][kind] = true
		}
		for _, kind := range []string{"conversations", "messages"} {
			for _, r := range getExport(t, srv, exports+kind+"?created_since=2000-01-01T00:00:00Z").records {
				for name, v := range r {
					note(kind+"."+name, v)
				}
			}
		}
		for name, want := range map[string]string{
			"conversations.agent_handle_time":                       "null number",
			"conversations.agent_id":                                "array empty array",
			"conversations.agent_name[]":                            "string",
			"conversations.automated_resolution_classification":     "null string",
			"conversations.bot_handle_time":                         "number",
			"conversations.browser":                                 "null string",
			"conversations.classifications":                         "array empty array",
			"conversations.classifications[].intents":               "array empty array",
			"conversations.classifications[].topic_id":              "string",
			"conversations.classifications[].topic_name":            "string",
			"conversations.classifications[].intents[].intent_id":   "string",
			"conversations.classifications[].intents[].intent_name": "string",
			"conversations.classifications[].intents[].status":      "string",
			"conversations.csat":                                    "null object",
			"conversations.csat.comment":                            "null string",
			"conversations.csat.feedback":                           "array empty array null",
			"conversations.csat.is_positive":                        "false true",
			"conversations.csat.resolved":                           "false null true",
			"conversations.csat.score":                              "number",
			"conversations.csat.style":                              "string",
			"conversations.csat.survey_type":                        "string",
			"conversations.end_user_id":                             "null string",
			"conversations.generated_topic_v2_parent_id":            "null string",
			"conversations.is_engaged":                              "false true",
			"conversations.is_escalated":                            "false true",
			"conversations.is_test_user":                            "false true",
			"conversations.last_agent_id":                           "null string",
			"conversations.metavariables":                           "object",
			"conversations.metavariables.browser":                   "null string",
			"conversations.oauth_channel":                           "null string",
			"conversations.record_last_updated":                     "null string",
			"conversations.used_articles[].id":                      "string",
			"conversations.used_articles[].name":                    "string",
			"conversations.used_articles[].url":                     "null string",
			"conversations.used_articles[].source":                  "null string",
			"conversations.used_coaching":                           "array empty array",
			"conversations.used_coaching[].coaching_type":           "null string",
			"conversations.used_playbooks[].playbook_execution_id":  "null string",
			"conversations.used_playbooks[].outcome_status":         "null string",
			"conversations.variables":                               "object",
			"conversations.variables.account_number":                "number",
			"conversations.variables.order":                         "object",
			"conversations.variables.order.items":                   "array",
			"conversations.variables.plan":                          "null number string",
			"messages.answer_id":                                    "null string",
			"messages.answer_title":                                 "null string",
			"messages.in_response_to":                               "null string",
			"messages.link_was_clicked":                             "false null true",
			"messages.message_data._type":                           "string",
			"messages.message_data.quick_replies[].label":           "string",
			"messages.message_data.meta_message_data.old_value":     "null string",
			"messages.message_data.sms_text":                        "string",
			"messages.message_data.window_height":                   "number",
			"messages.review":                                       "number",
			"messages.sender":                                       "string",
		} {
			if got := strings.Join(slices.Sorted(maps.Keys(kinds[name])), " "); got != want {
				t.Errorf("%s is of %q, want %q", name, got, want)
			}
		}
		for _, text := range []string{
			"greeting", "text", "picture", "quick_replies", "trigger", "meta", "link", "web_window", "csat_shown", "csat", "sms_consent_asked", "tool_call", "carousel",
			"9007199254740993", "bot", "agent", "ada", "Great 👍", "🚀 fast", pending, "فاطمة",
		} {
			if !texts[text] {
				t.Errorf("%q is nowhere", text)
			}
		}
	})
}

func TestGeneratedGranularity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		srv.Generate(adatest.Generated{
			Conversations: 2000, Since: midnight.Add(time.Millisecond), Until: midnight.Add(10 * time.Minute), Granularity: time.Second,
		})
		count := map[string]int{}
		for _, r := range getExport(t, srv, exports+"conversations?created_since=2000-01-01T00:00:00Z").records {
			for _, name := range []string{"date_created", "date_updated"} {
				at, err := time.Parse("2006-01-02T15:04:05.000000", r[name].(string))
				if err != nil || at.Nanosecond() != 0 || !at.After(midnight) || !at.Before(midnight.Add(10*time.Minute)) {
					t.Fatalf("%s is %s, %v", name, r[name], err)
				}
			}
			count[r["date_created"].(string)]++
		}
		if len(count) != 599 {
			t.Errorf("2000 records in %d of 599 seconds", len(count))
		}
	})
}

func TestGeneratedSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for kind, defaults := range map[string]int{"conversations": 2200, "messages": 600} {
			for _, size := range []int{0, 1, 2500, 10_000} {
				srv := newServer(t)
				srv.Generate(adatest.Generated{Conversations: 500, MessagesPer: 8, Since: midnight, Until: midnight.Add(day), Size: size})
				body := send(t, srv, "GET", exports+kind+"?created_since=2000-01-01T00:00:00Z", "").body
				n := 500
				want := max(size, defaults)
				if kind == "messages" {
					n = 4000
				}
				if got := len(body) / n; got < want*6/10 || got > want*12/10 {
					t.Errorf("%s of %d bytes for size %d, want about %d", kind, got, size, want)
				}
			}
		}
	})
}

func TestGenerateMillion(t *testing.T) {
	if testing.Short() {
		t.Skip("a million records")
	}
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		srv.Generate(adatest.Generated{Conversations: 100_000, MessagesPer: 9, Since: midnight, Until: midnight.Add(30 * day)})
		conversation := getExport(t, srv, exports+"conversations?created_since=2000-01-29T00:00:00Z&page_size=100").records[0]["_id"].(string)
		p := getExport(t, srv, exports+"messages?created_since=2000-01-01T00:00:00Z&created_to=2000-01-31T00:00:00Z&page_size=100&conversation_id="+conversation)
		if len(p.records) != 9 || p.next != "" {
			t.Errorf("%d messages and a link %q", len(p.records), p.next)
		}
	})
}

// Pages are rendered while records are added, updated and removed.
func TestExportConcurrently(t *testing.T) {
	srv := newServer(t)
	now := time.Now()
	g := adatest.Generated{Conversations: 300, MessagesPer: 1, Since: now.Add(-time.Minute), Until: now}
	srv.Generate(g)
	path := exports + "conversations?updated_since=" + lately
	ids := getExport(t, srv, path).ids()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i, id := range ids {
			switch i % 3 {
			case 0:
				srv.UpdateConversation(id, now.Add(time.Duration(i)), map[string]any{"n": i})
			case 1:
				srv.RemoveRecords(id)
			default:
				srv.AddConversations(adatest.Record{Fields: map[string]any{"n": i}})
			}
		}
		g.Seed++
		srv.Generate(g)
	}()
	for range 6 {
		getExport(t, srv, path)
	}
	<-done
	if n := len(getExport(t, srv, path).records); n != 600 {
		t.Errorf("%d records, want 600", n)
	}
}

func BenchmarkExport(b *testing.B) {
	for _, kind := range []string{"conversations", "messages"} {
		b.Run(kind, func(b *testing.B) {
			srv := adatest.New(adatest.RateLimit(0, 0))
			defer srv.Close()
			since := time.Now().Add(-day)
			srv.Generate(adatest.Generated{Conversations: 10_000, MessagesPer: 1, Since: since, Until: time.Now()})
			req := httptest.NewRequest("GET", exports+kind+"?created_since="+since.UTC().Format(time.RFC3339), nil)
			req.Header.Set("Authorization", "Bearer "+string(adatest.APIKey))
			for b.Loop() {
				w := &counter{header: http.Header{}}
				srv.ServeHTTP(w, req)
				b.SetBytes(int64(w.n))
			}
		})
	}
}

// counter is a ResponseWriter that counts.
type counter struct {
	header http.Header
	n      int
}

func (c *counter) Header() http.Header { return c.header }
func (c *counter) WriteHeader(int)     {}
func (c *counter) Write(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}
