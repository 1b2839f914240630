package dataexport_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
)

// What is sent, to the byte.
func TestRequests(t *testing.T) {
	since := time.Date(1999, 12, 1, 12, 30, 0, 123_456_000, time.FixedZone("", -5*3600))
	until := time.Date(1999, 12, 2, 0, 0, 0, 0, time.UTC)
	const (
		created = "created_since=1999-12-01T17%3A30%3A00.123456Z&created_to=1999-12-02T00%3A00%3A00.000000Z"
		updated = "updated_since=1999-12-01T17%3A30%3A00.123456Z&updated_to=1999-12-02T00%3A00%3A00.000000Z"
	)
	type request struct {
		resource resource
		query    dataexport.Query
		want     []string
	}
	tests := []request{
		{
			conversations,
			dataexport.Query{Since: epoch.Add(-time.Hour)},
			[]string{"GET /api/v2/export/conversations?created_since=1999-12-31T23%3A00%3A00.000000Z&created_to=2000-01-01T00%3A00%3A00.000000Z&page_size=10000"},
		},
		{
			messages,
			dataexport.Query{Since: epoch.Add(-time.Hour), ConversationID: "a/b?c#d&e=f%+ü\x00"},
			[]string{"GET /api/v2/export/messages?created_since=1999-12-31T23%3A00%3A00.000000Z&created_to=2000-01-01T00%3A00%3A00.000000Z&conversation_id=a%2Fb%3Fc%23d%26e%3Df%25%2B%C3%BC%00&page_size=10000"},
		},
		{
			conversations,
			dataexport.Query{Since: epoch.Add(-121 * day), Until: epoch.Add(-day), PageSize: 100},
			[]string{
				"GET /api/v2/export/conversations?created_since=1999-09-02T00%3A00%3A00.000000Z&created_to=1999-11-01T00%3A00%3A00.000000Z&page_size=100",
				"GET /api/v2/export/conversations?created_since=1999-11-01T00%3A00%3A00.000000Z&created_to=1999-12-31T00%3A00%3A00.000000Z&page_size=100",
			},
		},
	}
	for version, path := range map[dataexport.Version]string{
		"": "/api/v2/export/", dataexport.V2: "/api/v2/export/", dataexport.V1: "/data_api/v1/", dataexport.V1_1: "/data_api/v1.1/",
		dataexport.V1_2: "/data_api/v1.2/", dataexport.V1_3: "/data_api/v1.3/", dataexport.V1_4: "/data_api/v1.4/",
	} {
		q := dataexport.Query{Since: since, Until: until, Version: version, PageSize: 5000}
		filtered, byCreated, byUpdated := q, q, q
		filtered.ConversationID = "5f7e0e2c1e7c7e000f0f9c3a"
		byCreated.By, byUpdated.By = dataexport.ByCreated, dataexport.ByUpdated
		tests = append(
			tests,
			request{conversations, q, []string{"GET " + path + "conversations?" + created + "&page_size=5000"}},
			request{conversations, byCreated, []string{"GET " + path + "conversations?" + created + "&page_size=5000"}},
			request{conversations, byUpdated, []string{"GET " + path + "conversations?" + updated + "&page_size=5000"}},
			request{messages, q, []string{"GET " + path + "messages?" + created + "&page_size=5000"}},
			request{messages, byCreated, []string{"GET " + path + "messages?" + created + "&page_size=5000"}},
			request{messages, filtered, []string{"GET " + path + "messages?" + created + "&conversation_id=5f7e0e2c1e7c7e000f0f9c3a&page_size=5000"}},
		)
	}
	for i, tt := range tests {
		for name, w := range tt.resource.ways {
			t.Run(fmt.Sprintf("%d %s %s", i, tt.query.Version, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := adatest.NewServer(t, unlimited)
					if _, err := collect(w(t.Context(), client(t, srv), tt.query)); err != nil {
						t.Fatal(err)
					}
					var got []string
					for _, c := range srv.Calls() {
						got = append(got, c.Method+" "+c.URL.String())
						if c.Operation != tt.resource.operation || c.Header.Get("Authorization") != "Bearer "+string(adatest.APIKey) || len(c.Body) > 0 {
							t.Errorf("%s: %s with %v %q", c.URL, c.Operation, c.Header, c.Body)
						}
					}
					if diff := cmp.Diff(tt.want, got); diff != "" {
						t.Errorf("(-want +got)\n%s", diff)
					}
				})
			})
		}
	}
}

// Ends between two microseconds: a record is before a time or it is not, and both ends mean it.
func TestNanoseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, unlimited)
		at := epoch.Add(-time.Hour)
		rs := records(repeated(10, at, time.Microsecond)...)
		messages.add(srv, rs...)
		for _, tt := range []struct{ since, until time.Duration }{
			{0, 5000}, {1, 5000}, {999, 5000}, {1000, 5001}, {1, 5999}, {0, 1}, {1, 2}, {1000, 1001},
		} {
			q := dataexport.Query{Since: at.Add(tt.since), Until: at.Add(tt.until)}
			got, err := collect(messages.ways["raw"](t.Context(), client(t, srv), q))
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(inOrder(rs, q.Since, q.Until), ids(got)); diff != "" {
				t.Errorf("from %d ns until %d ns (-want +got)\n%s", tt.since, tt.until, diff)
			}
		}
	})
}

func TestLimits(t *testing.T) {
	now := epoch.Add(90 * day) // in a leap year
	year := now.AddDate(-1, 0, 0)
	hour := func(change func(*dataexport.Query)) dataexport.Query {
		q := dataexport.Query{Since: now.Add(-time.Hour)}
		change(&q)
		return q
	}
	size := func(n int) dataexport.Query { return hour(func(q *dataexport.Query) { q.PageSize = n }) }
	window := func(d time.Duration) dataexport.Query {
		return dataexport.Query{Since: now.Add(-3 * time.Second), Window: d}
	}
	lag := func(d time.Duration) dataexport.Query { return hour(func(q *dataexport.Query) { q.Lag = d }) }
	concurrency := func(n int) dataexport.Query { return hour(func(q *dataexport.Query) { q.Concurrency = n }) }
	version := func(v dataexport.Version) dataexport.Query { return hour(func(q *dataexport.Query) { q.Version = v }) }
	by := func(b dataexport.By) dataexport.Query { return hour(func(q *dataexport.Query) { q.By = b }) }
	of := func(id string) dataexport.Query { return hour(func(q *dataexport.Query) { q.ConversationID = id }) }
	ends := func(since, until time.Time) dataexport.Query { return dataexport.Query{Since: since, Until: until} }
	const (
		conv, msg = "conversations", "messages"
		both      = conv + " " + msg

		badSize        = "PageSize is not within 100 and 10,000"
		badWindow      = "Window is not within 1 s and 60 days"
		badLag         = "Lag is negative"
		badConcurrency = "Concurrency is not within 1 and 32"
		badVersion     = "Version is no version of this API"
		badBy          = "By is neither ByCreated nor ByUpdated"
		tooOld         = "Since is before the last 12 months, which is all that Ada has"
		future         = "Since is in the future"
		reversed       = "Until is not after Since"
	)
	tests := []struct {
		name   string
		query  dataexport.Query
		of     string // the resources
		faults []string
	}{
		{"nothing", dataexport.Query{}, both, []string{"Since is zero, and there is no Resume"}},
		{"page size 0", size(0), both, nil},
		{"page size 100", size(100), both, nil},
		{"page size 10000", size(10_000), both, nil},
		{"page size 1", size(1), both, []string{badSize}},
		{"page size 99", size(99), both, []string{badSize}},
		{"page size 10001", size(10_001), both, []string{badSize}},
		{"page size -100", size(-100), both, []string{badSize}},
		{"window 1 s", window(time.Second), both, nil},
		{"window 60 days", window(60 * day), both, nil},
		{"window just under 1 s", window(time.Second - 1), both, []string{badWindow}},
		{"window just over 60 days", window(60*day + 1), both, []string{badWindow}},
		{"window -1 s", window(-time.Second), both, []string{badWindow}},
		{"concurrency 0", concurrency(0), both, nil},
		{"concurrency 1", concurrency(1), both, nil},
		{"concurrency 32", concurrency(32), both, nil},
		{"concurrency 33", concurrency(33), both, []string{badConcurrency}},
		{"concurrency -1", concurrency(-1), both, []string{badConcurrency}},
		{"lag of a nanosecond", lag(1), both, nil},
		{"the longest lag", lag(math.MaxInt64), both, nil},
		{"lag -1", lag(-1), both, []string{badLag}},
		{"version", version("v1.5"), both, []string{badVersion}},
		{"version in capitals", version("V2"), both, []string{badVersion}},
		{"version with a path", version("v1/../v2"), both, []string{badVersion}},
		{"by", by("deleted"), both, []string{badBy}},
		{"by updated", by(dataexport.ByUpdated), conv, nil},
		{"messages by updated", by(dataexport.ByUpdated), msg, []string{"By is ByUpdated, but messages have no time of update"}},
		{"of a conversation", of("5f7e0e2c1e7c7e000f0f9c3a"), msg, nil},
		{"of a conversation with an odd id", of("../x?created_to=1#\r\n"), msg, nil},
		{"conversations of a conversation", of("5f7e0e2c1e7c7e000f0f9c3a"), conv, []string{"ConversationID is for messages only"}},
		{"of a dot segment", of(".."), msg, []string{"ConversationID is a dot segment"}},
		{"of no UTF-8", of("\xff"), msg, []string{"ConversationID is not valid UTF-8"}},
		{"12 months", ends(year, time.Time{}), both, nil},
		{"12 months and a nanosecond", ends(year.Add(-1), time.Time{}), both, []string{tooOld}},
		{"all of a long time ago", ends(year.AddDate(-20, 0, 0), year.AddDate(-19, 0, 0)), both, []string{tooOld}},
		{"a microsecond", ends(year, year.Add(time.Microsecond)), both, nil},
		{"a nanosecond", ends(year, year.Add(1)), both, nil},
		{"nothing in between", ends(year, year), both, []string{reversed}},
		{"reversed", ends(year.Add(1), year), both, []string{reversed}},
		{"since now", ends(now, time.Time{}), both, nil},
		{"since now until later", ends(now, now.Add(time.Hour)), both, nil},
		{"since just later", ends(now.Add(1), time.Time{}), both, []string{future}},
		{"until later", ends(now.Add(-time.Hour), now.AddDate(1000, 0, 0)), both, nil},
		{"until with another zone", ends(now.Add(-time.Hour), now.Add(-time.Minute).In(time.FixedZone("", 14*3600))), both, nil},
		{"future and reversed", ends(now.Add(time.Hour), now), both, []string{future, reversed}},
		{
			"all at once", dataexport.Query{
				Since: year.Add(-1), Until: year.Add(-2), PageSize: 99, Window: 1, Lag: -1, Concurrency: 33, Version: "v3", By: "x", ConversationID: ".",
			}, msg, []string{badSize, badWindow, badLag, badConcurrency, badVersion, badBy, "ConversationID is a dot segment", tooOld, reversed},
		},
	}
	for _, tt := range tests {
		for _, r := range resources {
			if !strings.Contains(tt.of, r.name) {
				continue
			}
			t.Run(tt.name+"/"+r.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(now.Sub(epoch))
					srv := adatest.NewServer(t, unlimited)
					for name, w := range r.ways {
						got, err := collect(w(t.Context(), client(t, srv), tt.query))
						if diff := cmp.Diff(tt.faults, faultsOf(t, err)); diff != "" || len(got) > 0 {
							t.Errorf("%s: %d records (-want +got)\n%s", name, len(got), diff)
						}
					}
					if n := len(srv.Calls()); tt.faults != nil && n != 0 {
						t.Errorf("%d requests", n)
					}
				})
			})
		}
	}
}

// An export of a version that is not known is refused with a route all the same.
func TestUnknownVersionHasARoute(t *testing.T) {
	srv := adatest.NewServer(t)
	for _, r := range resources {
		for name, w := range r.ways {
			var e *ada.Error
			_, err := collect(w(t.Context(), client(t, srv), dataexport.Query{Version: "v3"}))
			if want := "/api/v2/export/" + r.name; !errors.As(err, &e) || e.Route != want {
				t.Errorf("%s: %v, want the route %s", name, err, want)
			}
		}
	}
}

// faultsOf returns the faults of an export that was refused before anything was sent.
func faultsOf(t *testing.T, err error) (faults []string) {
	t.Helper()
	if err == nil {
		return nil
	}
	var e *ada.Error
	if !errors.Is(err, ada.ErrInvalid) || !errors.As(err, &e) {
		t.Fatalf("%v (%T), want one that matches ada.ErrInvalid", err, err)
	}
	for _, f := range e.Faults {
		faults = append(faults, f.Error())
	}
	return faults
}

// The end is never later than now less the lag, however late a program asks for it.
func TestUntilIsNotInTheFuture(t *testing.T) {
	since := epoch.Add(-10 * time.Hour)
	for _, tt := range []struct {
		name  string
		until time.Time
		lag   time.Duration
		want  time.Time
	}{
		{"zero", time.Time{}, 0, epoch},
		{"past", epoch.Add(-time.Hour), 0, epoch.Add(-time.Hour)},
		{"now", epoch, 0, epoch},
		{"future", epoch.Add(time.Hour), 0, epoch},
		{"zero with lag", time.Time{}, time.Hour, epoch.Add(-time.Hour)},
		{"past with less lag", epoch.Add(-2 * time.Hour), time.Hour, epoch.Add(-2 * time.Hour)},
		{"past with more lag", epoch.Add(-time.Hour), 2 * time.Hour, epoch.Add(-2 * time.Hour)},
		{"future with lag", epoch.Add(time.Hour), time.Hour, epoch.Add(-time.Hour)},
		{"lag up to the beginning", time.Time{}, 10 * time.Hour, time.Time{}},
		{"lag from before the beginning", time.Time{}, 11 * time.Hour, time.Time{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t, unlimited)
			pages, err := collectPages(conversations.pages(t.Context(), client(t, srv), dataexport.Query{Since: since, Until: tt.until, Lag: tt.lag}))
			if err != nil {
				t.Fatal(err)
			}
			var want []handedPage
			if !tt.want.IsZero() {
				want = []handedPage{{Since: since, Until: tt.want}}
			}
			for i := range pages {
				pages[i].Next = ""
			}
			if diff := cmp.Diff(want, pages); diff != "" {
				t.Errorf("%s (-want +got)\n%s", tt.name, diff)
			}
			if n := len(srv.Calls()); n != len(want) {
				t.Errorf("%s: %d requests", tt.name, n)
			}
		})
	}
}
