package dataexport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/adasdk/ada-go/internal/faults"
)

const html = "<html><body>Please log in</body></html>"

// passing are failures that the next attempt does not see again.
var passing = map[string]adatest.Failure{
	"503":              {Status: 503},
	"500":              {Status: 500},
	"429 with a wait":  {Status: 429, Header: http.Header{"Retry-After": {"30"}}},
	"dropped":          {Drop: true},
	"truncated":        {Truncate: true},
	"HTML":             {Status: 200, Body: html},
	"broken JSON":      {Status: 200, Body: `{"data":[{"_id":"broken","date_created":"1999-12-31T12:00:00"},{"_id":"bro`},
	"JSON and garbage": {Status: 200, Body: `{"data":[{"_id":"broken","date_created":"1999-12-31T12:00:00"}],"meta":{"next_page_uri":null}}garbage`},
	"too slow":         {Delay: time.Hour},
}

// impatient has attempts end before they take an hour.
func impatient(c *ada.Config) { c.HTTP.AttemptTimeout = time.Minute }

// Whichever request fails, and however: nothing is lost, nothing comes twice, and nothing of a broken copy comes at all.
func TestEachRequestFails(t *testing.T) {
	t.Parallel()
	since := epoch.Add(-4 * time.Hour)
	rs := records(slices.Concat(
		repeated(105, since, time.Second), repeated(101, since.Add(time.Hour), 0), repeated(3, since.Add(2*time.Hour), time.Second),
		repeated(3, since.Add(3*time.Hour+30*time.Minute), time.Second),
	)...)
	few := records(since, since, since.Add(time.Hour), since.Add(3*time.Hour), since.Add(4*time.Hour-1000))
	for name, failure := range passing {
		for _, zipped := range []bool{false, true} {
			if zipped && !failure.Truncate {
				continue
			}
			t.Run(fmt.Sprintf("%s/%t", name, zipped), func(t *testing.T) {
				eachResource(t, func(t *testing.T, r resource, concurrency int) {
					srv := adatest.NewServer(t, unlimited, adatest.WithExportQuirks(adatest.ExportQuirks{Gzip: zipped}))
					rs := rs
					if r.name == conversations.name { // which are longer
						rs = few
					}
					r.add(srv, rs...)
					c := client(t, srv, impatient)
					q := dataexport.Query{Since: since, PageSize: 100, Window: time.Hour, Concurrency: concurrency}
					clean, err := collectPages(r.pages(t.Context(), c, q))
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(inOrder(rs, since, epoch), idsOfPages(clean)); diff != "" {
						t.Fatalf("without a fault (-want +got)\n%s", diff)
					}
					sent := requests(t, srv)
					q.Until = epoch // faults take time
					for k := range sent {
						before := requests(t, srv)
						srv.Fail(r.operation, append(make([]adatest.Failure, k), failure)...)
						got, err := collectPages(r.pages(t.Context(), c, q))
						if err != nil {
							t.Fatalf("request %d: %v", k, err)
						}
						if concurrency == 1 {
							if diff := cmp.Diff(clean, got); diff != "" {
								t.Errorf("request %d (-want +got)\n%s", k, diff)
							}
						} else if !slices.Equal(joined(clean), joined(got)) {
							t.Errorf("request %d: not the same records", k)
						}
						if n := requests(t, srv) - before; concurrency == 1 && n != sent+1 {
							t.Errorf("request %d: %d requests, want %d", k, n, sent+1)
						}
					}
				})
			})
		}
	}
}

func joined(pages []handedPage) (all []handed) {
	for _, p := range pages {
		all = append(all, p.Records...)
	}
	return all
}

// Answers of another shape are errors, not the end of the export, and what is no JSON is asked for again before.
func TestUnusablePages(t *testing.T) {
	tests := []struct {
		body     string
		attempts int
		reason   string
	}{
		{`null`, 1, "the body is no object"},
		{`[]`, 1, "the body is no object"},
		{`[{"_id":"a"}]`, 1, "the body is no object"},
		{`"data"`, 1, "the body is no object"},
		{`7 `, 1, "the body is no object"},
		{`{}`, 1, "data is missing"},
		{`{"meta":{"next_page_uri":null}}`, 1, "data is missing"},
		{`{"Data":[]}`, 1, "data is missing"},
		{`{"data":null}`, 1, "data is no list"},
		{`{"data":{}}`, 1, "data is no list"},
		{`{"data":"[]"}`, 1, "data is no list"},
		{`{"items":null}`, 1, "items is no list"},
		{`{"data":[],"items":[]}`, 1, "items is a second list of records"},
		{`{"data":[],"data":[]}`, 1, "data is a second list of records"},
		{`{"errors":[{"type":"internal_error","message":"m"}]}`, 1, "the body is an error envelope"},
		{`{"data":[],"errors":[{"type":"internal_error","message":"m"}]}`, 1, "the body is an error envelope"},
		{`{"message":"Requests are within 1 s of each other"}`, 1, "data is missing"},
		{`{"data":[],"meta":{"next_page_uri":7}}`, 1, "meta.next_page_uri is no string"},
		{`{"data":[],"meta":[]}`, 1, "meta is no object"},
		{`{"data":[],"next_page_uri":{}}`, 1, "next_page_uri is no string"},
		{`{"data":[{"_id":"a"}],"meta":{}}garbage`, 4, ""},
		{`{"data":[{"_id":"a"}],"meta":{}}]`, 4, ""},
		{"\xef\xbb\xbf" + `{"data":[],"meta":{}}`, 4, ""}, // a byte order mark is no JSON
		{`{"data":[{"_id":"a"}`, 4, ""},
		{`{"data":[{"_id":"a"},],"meta":{}}`, 4, ""},
		{`{"data":[{"_id":"a"}{"_id":"b"}],"meta":{}}`, 4, ""},
		{`{"data":[],}`, 4, ""},
		{`{"data"}`, 4, ""},
		{`{data:[]}`, 4, ""},
		{`<!DOCTYPE html><title>Log in</title>`, 4, ""},
		{"\n", 4, ""},
		{"\x00", 4, ""},
		{`{"data":[` + strings.Repeat("[", 20_000), 4, ""},
	}
	for _, tt := range tests {
		for _, concurrency := range []int{1, 4} {
			t.Run(fmt.Sprintf("%.40q/%d", tt.body, concurrency), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := adatest.NewServer(t, unlimited)
					failures := slices.Repeat([]adatest.Failure{{Status: 200, Body: tt.body}}, 1000)
					srv.Fail(conversations.operation, append([]adatest.Failure{scripted("", "r-1")}, failures...)...)
					q := dataexport.Query{Since: epoch.Add(-time.Hour), Window: 30 * time.Minute, Concurrency: concurrency}
					got, err := collect(conversations.ways["records"](t.Context(), client(t, srv), q))
					if diff := cmp.Diff([]string{"r-1"}, ids(got)); diff != "" {
						t.Errorf("(-want +got)\n%s", diff)
					}
					e := exportError(t, err, ada.ErrAnswer)
					var call *ada.Error
					if !errors.As(err, &call) || call.StatusCode != 200 || call.Attempts != tt.attempts || call.Operation != conversations.operation {
						t.Fatalf("%v (%+v), want %d attempts", err, call, tt.attempts)
					}
					if tt.reason != "" && !strings.Contains(err.Error(), tt.reason) || strings.Contains(err.Error(), "_since") {
						t.Errorf("%v, want %s", err, tt.reason)
					}
					if want := epoch.Add(-30 * time.Minute); !e.Since.Equal(want) {
						t.Errorf("ended from %s, want %s", e.Since, want)
					}
					if n := requests(t, srv); concurrency == 1 && n != 1+tt.attempts {
						t.Errorf("%d requests, want %d", n, 1+tt.attempts)
					}
				})
			})
		}
	}
}

// Refusals are not repeated, and keep the checkpoint of the page before.
func TestRefusals(t *testing.T) {
	for status, want := range map[int]struct {
		target   error
		requests int
	}{
		400: {ada.ErrInvalid, 1}, // such as a cursor that has become too old
		401: {ada.ErrUnauthorized, 1},
		403: {ada.ErrForbidden, 1},
		404: {ada.ErrNotFound, 1},
		422: {ada.ErrInvalid, 1},
		302: {ada.ErrAnswer, 1},
		429: {ada.ErrRateLimited, 7}, // two of them count as one attempt
		500: {ada.ErrServer, 4},
		503: {ada.ErrServer, 4},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			eachResource(t, func(t *testing.T, r resource, concurrency int) {
				srv := adatest.NewServer(t, unlimited)
				rs := records(repeated(300, epoch.Add(-time.Hour), 10*time.Second)...)
				r.add(srv, rs...)
				c := client(t, srv)
				srv.Fail(r.operation, append([]adatest.Failure{{}}, slices.Repeat([]adatest.Failure{{Status: status}}, 1000)...)...)
				q := dataexport.Query{Since: epoch.Add(-time.Hour), Until: epoch, PageSize: 100, Concurrency: concurrency}
				first, err := collectPages(r.pages(t.Context(), c, q))
				e := exportError(t, err, want.target)
				if len(first) != 1 || first[0].Next != e.Checkpoint {
					t.Fatalf("%d pages, and the checkpoint is not that of the last", len(first))
				}
				if n := requests(t, srv); concurrency == 1 && n != 1+want.requests {
					t.Errorf("%d requests, want %d", n, 1+want.requests)
				}
				if errors.Is(err, ada.ErrInvalid) && errors.Is(err, dataexport.ErrCheckpoint) {
					t.Errorf("%v matches ErrCheckpoint", err)
				}
			})
		})
	}
}

// sinceOf is where the page of a request begins.
func sinceOf(req *http.Request) time.Time {
	at, _ := time.Parse(time.RFC3339, req.URL.Query().Get("created_since"))
	return at
}

// through has requests go through wrap, which can send them on with next.
func through(wrap func(req *http.Request, next http.RoundTripper) (*http.Response, error)) func(*ada.Config) {
	return func(c *ada.Config) {
		next := c.HTTP.Client.Transport
		c.HTTP.Client = &http.Client{Transport: faults.RoundTripper(func(req *http.Request) (*http.Response, error) { return wrap(req, next) })}
	}
}

// A part of the export that fails for good ends the export where it stands, and not before: all that is in front of it
// is handed out, even if it was not fetched when the failure came.
func TestLaterPartFails(t *testing.T) {
	t.Parallel()
	since := epoch.Add(-10 * time.Hour)
	broken := epoch.Add(-5 * time.Hour)
	for _, slow := range []time.Duration{0, time.Minute} {
		for concurrency := 1; concurrency <= 8; concurrency++ {
			for _, r := range resources {
				synctest.Test(t, func(t *testing.T) {
					srv := adatest.NewServer(t, unlimited)
					rs := records(slices.Concat(
						// Slow at first, so that parts become long, and then too much for them.
						repeated(90, since, 2*time.Minute), repeated(300, since.Add(3*time.Hour), 10*time.Second), repeated(20, broken, 10*time.Minute),
					)...)
					r.add(srv, rs...)
					c := client(t, srv, through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
						if to, _ := time.Parse(time.RFC3339, req.URL.Query().Get("created_to")); to.After(broken) && !sinceOf(req).Before(since.Add(3*time.Hour)) {
							return nil, http.ErrSchemeMismatch // is not repeated
						}
						time.Sleep(slow)
						return next.RoundTrip(req)
					}))
					q := dataexport.Query{Since: since, PageSize: 100, Window: time.Hour, Concurrency: concurrency}
					got, err := collectPages(r.pages(t.Context(), c, q))
					e := exportError(t, err, http.ErrSchemeMismatch)
					if len(got) == 0 || !e.Since.Equal(got[len(got)-1].Until) || e.Until.Before(broken) || e.Checkpoint != got[len(got)-1].Next {
						t.Errorf("%v after %d pages", err, len(got))
					}
					if diff := cmp.Diff(inOrder(rs, since, e.Since), idsOfPages(got)); diff != "" {
						t.Errorf("%d at once (-want +got)\n%s", concurrency, diff)
					}
				})
			}
		}
	}
}

// schedule returns n requests of which 30 % fail.
func schedule(random *rand.Rand, n int) []adatest.Failure {
	kinds := []adatest.Failure{
		{Status: 503},
		{Status: 500},
		{Status: 429},
		{Status: 429, Header: http.Header{"Retry-After": {"3"}}},
		{Drop: true},
		{Truncate: true},
		{Status: 200, Body: html},
		passing["broken JSON"],
		{Delay: time.Hour},
	}
	failures := make([]adatest.Failure, n)
	for i := range failures {
		if random.IntN(10) < 3 {
			failures[i] = kinds[random.IntN(len(kinds))]
		}
	}
	return failures
}

// Ten thousand exports, or a tenth with the race detector, in which 30 % of all requests fail: each hands out the same
// records, in the same order. One in twenty goes over HTTP, and the others straight to the server, which is quicker.
func TestFaultSchedules(t *testing.T) {
	t.Parallel()
	const seed = 1815
	t.Logf("seed %d", seed)
	since := epoch.Add(-2 * time.Hour)
	rs := records(since, since.Add(time.Hour-1000), since.Add(time.Hour), since.Add(time.Hour))
	want := inOrder(rs, since, epoch)
	for name, n := range map[string]int{"over HTTP": schedules / 20, "straight": schedules * 19 / 20} {
		if testing.Short() {
			n /= 10
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t, unlimited)
				messages.add(srv, rs...)
				c := client(t, srv, impatient, func(c *ada.Config) {
					c.HTTP.Retry = ada.RetryPolicy{MaxAttempts: 100, MaxBackoff: time.Second}
					c.HTTP.Limiter = ada.Unpaced // there are more requests than in a day
					if name == "straight" {
						c.HTTP.Client = &http.Client{Transport: straight(srv)}
					}
				})
				random := rand.New(rand.NewPCG(seed, uint64(n)))
				srv.Fail(messages.operation, schedule(random, 6*n)...) // half of them are not used
				for i := range n {
					q := dataexport.Query{Since: since, Until: epoch, Window: time.Hour, PageSize: 100, Concurrency: 1 + 3*(i%2)}
					got, err := collect(messages.ways["raw"](t.Context(), c, q))
					if err != nil {
						t.Fatalf("schedule %d: %v", i, err)
					}
					if diff := cmp.Diff(want, ids(got)); diff != "" {
						t.Fatalf("schedule %d (-want +got)\n%s", i, diff)
					}
				}
				t.Logf("%d exports of 2 pages took %d requests", n, len(srv.Calls()))
			})
		})
	}
}

// straight has the server answer without a network in between, and breaks off where a connection would.
func straight(srv *adatest.Server) http.RoundTripper {
	return faults.RoundTripper(func(req *http.Request) (resp *http.Response, err error) {
		w := &answer{header: http.Header{}}
		aborted := func() (aborted bool) {
			defer func() {
				if p := recover(); p == http.ErrAbortHandler {
					aborted = true
				} else if p != nil {
					panic(p)
				}
			}()
			srv.ServeHTTP(w, req)
			return false
		}()
		if err := req.Context().Err(); err != nil {
			return nil, err
		}
		if w.status == 0 {
			return nil, io.EOF
		}
		var body io.Reader = &w.body
		if aborted {
			body = io.MultiReader(body, iotest.ErrReader(io.ErrUnexpectedEOF))
		}
		return &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(body), Request: req}, nil
	})
}

type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
