package dataexport_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
)

// All the forms of links and pages that have been seen are followed.
func TestQuirks(t *testing.T) {
	t.Parallel()
	since := epoch.Add(-time.Hour)
	rs := records(repeated(210, since, 10*time.Second)...)
	quirks := map[string]adatest.ExportQuirks{
		"none":              {},
		"items":             {Items: true},
		"absolute links":    {Links: adatest.AbsoluteLinks},
		"slashless links":   {Links: adatest.SlashlessLinks},
		"next_page_url":     {PageURL: true},
		"no meta":           {NoMeta: true},
		"gzip":              {Gzip: true},
		"most of them":      {Items: true, Links: adatest.SlashlessLinks, PageURL: true, NoMeta: true, Gzip: true, Latency: time.Second},
		"the others of all": {Links: adatest.AbsoluteLinks, PageURL: true, Gzip: true},
	}
	for name, quirk := range quirks {
		for _, version := range []dataexport.Version{dataexport.V1, dataexport.V1_4, dataexport.V2} {
			t.Run(name+"/"+string(version), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					for _, r := range resources {
						srv := adatest.NewServer(t, unlimited, adatest.WithExportQuirks(quirk))
						r.add(srv, rs...)
						got, err := collect(r.ways["records"](t.Context(), client(t, srv), dataexport.Query{Since: since, Until: epoch, PageSize: 100, Version: version}))
						if err != nil {
							t.Fatal(err)
						}
						if diff := cmp.Diff(inOrder(rs, since, epoch), ids(got)); diff != "" {
							t.Errorf("%s (-want +got)\n%s", r.name, diff)
						}
						if n := requests(t, srv); n != 3 {
							t.Errorf("%s: %d requests, want 3", r.name, n)
						}
					}
				})
			})
		}
	}
}

// A gateway can put a path in front of Ada's, which Ada's links do not have.
func TestLinksBehindAGateway(t *testing.T) {
	since := epoch.Add(-time.Hour)
	rs := records(repeated(210, since, 10*time.Second)...)
	for _, form := range []adatest.ExportQuirks{{}, {Links: adatest.AbsoluteLinks}, {Links: adatest.SlashlessLinks}} {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t, unlimited, adatest.WithExportQuirks(form))
			messages.add(srv, rs...)
			c := client(t, srv, func(c *ada.Config) { c.BaseURL += "/gateway" }, through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
				path, ok := strings.CutPrefix(req.URL.Path, "/gateway")
				if !ok {
					t.Errorf("%s is not behind the gateway", req.URL)
				}
				req = req.Clone(req.Context())
				req.URL.Path = path
				return next.RoundTrip(req)
			}))
			got, err := collect(messages.ways["records"](t.Context(), c, dataexport.Query{Since: since, Until: epoch, PageSize: 100}))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(inOrder(rs, since, epoch), ids(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// From a link nothing is taken but its time, and only if it is one to the same page.
func TestLinks(t *testing.T) {
	const (
		path  = "/api/v2/export/conversations"
		query = "?created_since=1999-12-31T12:00:00.5"
		all   = path + query + "&created_to=2000-01-01T00:00:00&page_size=100"
	)
	good := map[string]time.Time{}
	half := time.Date(1999, 12, 31, 12, 0, 0, 500_000_000, time.UTC)
	for _, link := range []string{
		all,
		strings.TrimPrefix(all, "/"),
		"http://localhost" + all,
		"http://LOCALHOST:80" + all,
		"HTTP://localhost" + all,
		"//localhost" + all,
		query,
		path + query,
		"/api/../api/v2/./export/conversations" + query,
		path + "?created_since=1999-12-31T12:00:00.500000Z",
		path + "?created_since=1999-12-31T12%3A00%3A00.500000%2B00%3A00",
		path + "?created_since=1999-12-31T12:00:00.500000+00:00", // a plus that was not escaped
		path + "?created_since=1999-12-31T07:00:00.5-05:00",
		path + "?created_since=1999-12-31T12:00:00.500000999Z",
		path + query + "&created_since=1999-12-31T18:00:00",          // the first counts
		path + query + "&created_to=2030-01-01T00:00:00&page_size=1", // these are never taken from a link
		path + query + "&next=http://evil.example/&api_key=x&v=" + strings.Repeat("x", 7<<10),
	} {
		good[link] = half
	}
	bad := []string{
		// other places
		"http://evil.example" + all,
		"https://localhost" + all,
		"http://localhost:8080" + all,
		"http://localhost:443" + all,
		"http://localhost.evil.example" + all,
		"http://evil.example?localhost" + path,
		"http://evil.example#@localhost" + all,
		"http://localhost@evil.example" + all,
		"http://user:pass@localhost" + all,
		"http://user@localhost" + all,
		"http://127.0.0.1" + all,
		"http://[::1]" + all,
		"http://[::1" + all,
		"http://localhost." + all,
		"http://localhost:port" + all,
		"//evil.example" + all,
		"///evil.example" + all,
		"//evil" + query,
		`\\evil.example` + all,
		`/\evil.example` + all,
		`\/evil.example` + all,
		"https:evil.com",
		"http:evil.com" + query,
		"http:" + all + "#x",
		"javascript:alert(1)",
		"file:///etc/passwd" + query,
		"ftp://localhost" + all,
		"data:text/html," + query,
		"mailto:a@localhost",
		// other paths
		"/api/v2/export/messages" + query,
		"/api/v2/export/conversations/" + query,
		"/api/v2/export//conversations" + query,
		"//api/v2/export/conversations" + query,
		"/api/v2/export/conversations%2f" + query,
		"/api/v2/export/%63onversations" + query,
		"/api/v2/export/conversations/../messages" + query,
		"/api/v2/export/conversations;x" + query,
		"/data_api/v1/conversations" + query,
		"/API/v2/export/conversations" + query,
		"/" + query,
		"messages" + query,
		"../conversations" + query,
		strings.Repeat("../", 65) + "api/v2/export/conversations" + query,
		// other forms
		"#",
		" ",
		path,
		path + "?",
		"%zz",
		" " + all,
		all + " ",
		all + "#",
		all + "#fragment",
		all + "\n",
		"\t" + all,
		path + "?created_since=1999-12-31T12:00:00\x7f",
		path + "?created_since=1999-12-31T12:00:00\x00",
		path + "?created_since=1999-12-31T12:00:00\r\nX: y",
		path + "?created_since=1999-12-31 12:00:00",
		path + query + "&x=" + strings.Repeat("x", 8<<10),
		// times that cannot be read
		path + "?page_size=100",
		path + "?updated_since=1999-12-31T12:00:00",
		path + "?Created_Since=1999-12-31T12:00:00",
		path + "?created_since=",
		path + "?created_since=tomorrow",
		path + "?created_since=1999-12-31",
		path + "?created_since=1999-02-29T12:00:00",
		path + "?created_since=946641600",
		path + "?created_since=99999-12-31T12:00:00",
		path + "?created_since=&created_since=1999-12-31T12:00:00",
		path + "?created_since=%zz",
		path + "?cursor=65a1",
		// times that lead back
		path + "?created_since=1999-12-31T10:59:59.999999",
		path + "?created_since=1998-12-31T12:00:00",
		path + "?created_since=0001-01-01T00:00:00",
		path + "?created_since=0000-01-01T00:00:00Z",
		path + "?created_since=1999-12-31T11:00:00%2B14:00",
	}
	if len(good)+len(bad) < 50 {
		t.Errorf("%d links", len(good)+len(bad))
	}
	at := epoch.Add(-13 * time.Hour) // 11:00
	run := func(t *testing.T, link string, concurrency int) (*adatest.Server, []string, error) {
		srv := adatest.NewServer(t, unlimited)
		srv.Fail(conversations.operation, scripted(link, "r-1"), scripted(link))
		c := client(t, srv, through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if req.URL.Scheme != "http" || req.URL.Host != "localhost" || req.Host != "" || req.URL.Path != path || req.URL.User != nil {
				t.Errorf("%.80q: the key went to %s", link, req.URL)
			}
			return next.RoundTrip(req)
		}))
		got, err := collect(conversations.ways["pages"](t.Context(), c, dataexport.Query{Since: at, PageSize: 100, Concurrency: concurrency}))
		return srv, ids(got), err
	}
	for link, want := range good {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t, unlimited)
			srv.Fail(conversations.operation, scripted(link, "r-1"))
			got, err := collect(conversations.ways["pages"](t.Context(), client(t, srv), dataexport.Query{Since: at, PageSize: 100}))
			if err != nil || len(got) != 1 || requests(t, srv) != 2 {
				t.Fatalf("%.80q: %d records, %d requests, %v", link, len(got), len(srv.Calls()), err)
			}
			q := srv.Calls()[1].URL.Query()
			for name, want := range map[string]string{
				"created_since": want.Format("2006-01-02T15:04:05.000000Z"), "created_to": "2000-01-01T00:00:00.000000Z", "page_size": "100",
			} {
				if got := q[name]; len(got) != 1 || got[0] != want {
					t.Errorf("%.80q: %s is %q, want %q", link, name, got, want)
				}
			}
			if len(q) != 3 {
				t.Errorf("%.80q: sent %v", link, q)
			}
		})
	}
	for _, link := range bad {
		for _, concurrency := range []int{1, 4} {
			synctest.Test(t, func(t *testing.T) {
				srv, got, err := run(t, link, concurrency)
				exportError(t, err, ada.ErrAnswer)
				if n := requests(t, srv); n != 1 || len(got) > 0 {
					t.Errorf("%.80q: %d requests, %d records", link, n, len(got))
				}
				if strings.Contains(err.Error(), "evil") || !strings.Contains(err.Error(), ": 200 OK: the answer is not usable: next_page_ur") {
					t.Errorf("%.80q: %v", link, err)
				}
			})
		}
	}
	// The same time: the page is asked for once more, with all that a page can hold.
	for _, concurrency := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			srv, got, err := run(t, path+"?created_since=1999-12-31T11:00:00Z", concurrency)
			exportError(t, err, dataexport.ErrStuck)
			if n := requests(t, srv); n != 2 || len(got) > 0 {
				t.Errorf("%d requests, %d records", n, len(got))
			}
			if size := srv.Calls()[1].URL.Query().Get("page_size"); size != "10000" {
				t.Errorf("page_size is %s", size)
			}
		})
	}
}

// An empty link is none, as null is.
func TestNoLink(t *testing.T) {
	for _, end := range []string{`"meta":{"next_page_uri":null}`, `"meta":{"next_page_uri":""}`, `"meta":null`, `"meta":{}`, `"next_page_uri":null`, `"message":"OK"`} {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t, unlimited)
			srv.Fail(messages.operation, adatest.Failure{Status: 200, Body: fmt.Sprintf(`{"data":[{"_id":"r-1"}],%s}`, end)})
			got, err := collect(messages.ways["records"](t.Context(), client(t, srv), dataexport.Query{Since: epoch.Add(-time.Hour)}))
			if err != nil || len(got) != 1 || requests(t, srv) != 1 {
				t.Errorf("%s: %d records, %d requests, %v", end, len(got), len(srv.Calls()), err)
			}
		})
	}
}
