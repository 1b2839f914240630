package dataexport_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
)

// Data that makes those who follow Ada's links lose records, get them twice, or ask for the same page for ever.
func TestTraps(t *testing.T) {
	t.Parallel()
	at := epoch.Add(-10 * day)
	all := func(times ...[]time.Time) []time.Time { return slices.Concat(times...) }
	seconds := func(n, per int) (times []time.Time) {
		for i := range n {
			times = append(times, at.Add(time.Duration(i/per)*time.Second))
		}
		return times
	}
	tests := []struct {
		name     string
		times    []time.Time
		query    dataexport.Query
		large    bool // not for conversations, which are longer, and not in every way
		requests int  // one at a time
		missing  int  // at the end, which is an ErrStuck
	}{
		{
			name:  "E1 no two at the same time",
			times: repeated(5000, at, time.Minute), query: dataexport.Query{PageSize: 100, Version: dataexport.V1}, large: true, requests: 50,
		},
		{
			name:  "E2 three in each second",
			times: seconds(500, 3), query: dataexport.Query{PageSize: 100}, requests: 6, // each repeats one or two
		},
		{
			name:  "a hundred in each second",
			times: seconds(500, 100), query: dataexport.Query{PageSize: 100}, requests: 5,
		},
		{
			name:  "E3 a page of records at one time",
			times: all(repeated(950, at, time.Second), repeated(100, at.Add(time.Hour), 0), repeated(950, at.Add(2*time.Hour), time.Second)),
			query: dataexport.Query{PageSize: 100}, large: true, requests: 21,
		},
		{
			name:  "E4 one more than a page at one time",
			times: all(repeated(500, at, time.Second), repeated(101, at.Add(time.Hour), 0), repeated(500, at.Add(2*time.Hour), time.Second)),
			query: dataexport.Query{PageSize: 100}, large: true, requests: 7, // the page that grew has all the rest
		},
		{
			name:  "E4 where an export begins",
			times: all(repeated(101, at, 0), repeated(5, at.Add(time.Hour), 0)),
			query: dataexport.Query{Since: at, PageSize: 100}, requests: 2,
		},
		{
			name:  "E4 one more than a page at one time, in each of three windows",
			times: all(repeated(101, at, 0), repeated(101, at.Add(day), 0), repeated(350, at.Add(2*day), 0)),
			query: dataexport.Query{Since: at, PageSize: 100, Window: day, Until: at.Add(3 * day)}, large: true, requests: 6,
		},
		{
			name:  "E5 10,001 at one time",
			times: repeated(10_001, at, 0), query: dataexport.Query{PageSize: 10_000, Version: dataexport.V1}, large: true, requests: 2, missing: 1,
		},
		{
			name:  "10,000 at one time",
			times: all(repeated(10_000, at, 0), repeated(1, at.Add(1000), 0)),
			query: dataexport.Query{Version: dataexport.V1}, large: true, requests: 2,
		},
		{
			name:  "E6 30 days without an end",
			times: repeated(720, epoch.Add(-30*day), time.Hour), query: dataexport.Query{Since: epoch.Add(-30 * day)}, large: true, requests: 1,
		},
		{
			name:  "E7 120 days",
			times: repeated(2880, epoch.Add(-120*day), time.Hour), query: dataexport.Query{Since: epoch.Add(-120 * day), Version: dataexport.V1}, large: true, requests: 2,
		},
		{
			name:  "a year",
			times: repeated(366, epoch.Add(-365*day), 23*time.Hour), query: dataexport.Query{Since: epoch.AddDate(-1, 0, 0), Window: 59 * day}, large: true, requests: 7,
		},
		{
			name:  "windows of a second",
			times: repeated(33, epoch.Add(-10*time.Second), 300*time.Millisecond),
			query: dataexport.Query{Since: epoch.Add(-10 * time.Second), Window: time.Second}, requests: 10,
		},
		{
			name:  "nothing",
			query: dataexport.Query{}, requests: 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run := eachWay
			if tt.large {
				run = fewWays
			}
			run(t, func(t *testing.T, r resource, w way, concurrency int) {
				srv := adatest.NewServer(t, unlimited)
				rs := records(tt.times...)
				r.add(srv, rs...)
				q := tt.query
				q.Concurrency = concurrency
				if q.Since.IsZero() {
					q.Since = at.Add(-time.Second)
				}
				c := client(t, srv)
				got, err := collect(w(t.Context(), c, q))
				want := inOrder(rs, q.Since, epoch)
				if diff := gocmp.Diff(want[:len(want)-tt.missing], ids(got)); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				n := requests(t, srv)
				if concurrency == 1 && n != tt.requests {
					t.Errorf("%d requests, want %d", n, tt.requests)
				}
				windows(t, srv, cmp.Or(q.Window, 60*day))
				if tt.missing == 0 {
					if err != nil {
						t.Error(err)
					}
					return
				}
				e := exportError(t, err, dataexport.ErrStuck)
				if !e.Since.Equal(at) {
					t.Errorf("stuck at %s, want %s", e.Since, at)
				}
				// The checkpoint is in front of the time, and the next export from behind it goes on.
				if concurrency > 1 {
					return
				}
				q.Resume = e.Checkpoint
				got, err = collect(w(t.Context(), c, q))
				exportError(t, err, dataexport.ErrStuck)
				if len(got) > 0 {
					t.Errorf("%d records again", len(got))
				}
				if got, err = collect(w(t.Context(), c, dataexport.Query{Since: e.Since.Add(time.Microsecond), Version: q.Version})); err != nil || len(got) > 0 {
					t.Errorf("behind it: %d records, %v", len(got), err)
				}
			})
		})
	}
}

// windows checks that no request asked for more than a window.
func windows(t *testing.T, srv *adatest.Server, longest time.Duration) {
	t.Helper()
	for _, c := range srv.Calls() {
		q := c.URL.Query()
		since, err1 := time.Parse(time.RFC3339, cmp.Or(q.Get("created_since"), q.Get("updated_since")))
		to, err2 := time.Parse(time.RFC3339, cmp.Or(q.Get("created_to"), q.Get("updated_to")))
		if err := errors.Join(err1, err2); err != nil || to.Sub(since) > longest || !since.Before(to) {
			t.Errorf("%s: %v", c.URL, err)
		}
	}
}

// E10: one of twenty records comes up to six hours late. Hourly exports, each from the checkpoint of the one before,
// lose most of those; with a lag they lose none.
func TestLateRecords(t *testing.T) {
	t.Parallel()
	const days = 3
	for lag, loses := range map[time.Duration]bool{0: true, 6 * time.Hour: false} {
		t.Run(lag.String(), func(t *testing.T) {
			eachResource(t, func(t *testing.T, r resource, concurrency int) {
				srv := adatest.NewServer(t, unlimited)
				random := rand.New(rand.NewPCG(1, 2))
				rs := records(repeated(days*24*10, epoch, 6*time.Minute)...)
				late := 0
				for i := range rs {
					if random.IntN(20) == 0 {
						rs[i].ArrivesAt = rs[i].CreatedAt.Add(time.Duration(random.Int64N(int64(6 * time.Hour))))
						late++
					}
				}
				r.add(srv, rs...)
				c := client(t, srv)
				q := dataexport.Query{Since: epoch, Lag: lag, Concurrency: concurrency}
				var got []string
				for range days*24 + int((lag+6*time.Hour)/time.Hour) {
					time.Sleep(time.Hour)
					pages, err := collectPages(r.pages(t.Context(), c, q))
					if err != nil {
						t.Fatal(err)
					}
					for _, p := range pages {
						got = append(got, ids(p.Records)...)
						q.Resume = p.Next
					}
				}
				if !loses {
					if diff := gocmp.Diff(inOrder(rs, epoch, epoch.Add(days*day)), got); diff != "" {
						t.Errorf("(-want +got)\n%s", diff)
					}
					return
				}
				lost := len(rs) - len(got)
				if doubled := len(got) - len(slices.Compact(slices.Sorted(slices.Values(got)))); doubled > 0 || lost < late/2 || lost > late {
					t.Errorf("%d of %d late records lost, %d doubled, want most of them and none", lost, late, doubled)
				}
				t.Logf("without a lag %d of %d records are lost, %d of them late", lost, len(rs), late)
			})
		})
	}
}

// A record on a border is in exactly one page, one window, and one of two exports that adjoin.
func TestBorders(t *testing.T) {
	t.Parallel()
	var (
		since = time.Date(2000, time.February, 27, 0, 0, 0, 0, time.UTC)
		leap  = time.Date(2000, time.February, 29, 0, 0, 0, 0, time.UTC)
		until = time.Date(2000, time.March, 3, 0, 0, 0, 0, time.UTC)
		times []time.Time
	)
	for at := since; !at.After(until); at = at.AddDate(0, 0, 1) {
		for range 3 {
			times = append(times, at.Add(-time.Second), at.Add(-time.Microsecond), at, at, at.Add(time.Microsecond), at.Add(time.Second))
		}
	}
	rs := records(times...)
	for _, middle := range []time.Time{
		leap, leap.Add(-time.Microsecond), leap.Add(time.Microsecond), leap.Add(day - time.Microsecond), leap.Add(time.Second),
	} {
		for _, window := range []time.Duration{0, day, 7 * time.Hour} {
			t.Run(fmt.Sprint(middle, window), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(until.Add(day).Sub(epoch))
					srv := adatest.NewServer(t, unlimited)
					c := client(t, srv)
					for _, r := range resources {
						r.add(srv, rs...)
						for _, concurrency := range []int{1, 4} {
							var got []string
							for _, ends := range [][2]time.Time{{since, middle}, {middle, until}} {
								q := dataexport.Query{Since: ends[0], Until: ends[1], Window: window, PageSize: 100, Concurrency: concurrency}
								part, err := collect(r.ways["raw"](t.Context(), c, q))
								if err != nil {
									t.Fatal(err)
								}
								if diff := gocmp.Diff(inOrder(rs, ends[0], ends[1]), ids(part)); diff != "" {
									t.Errorf("%s/%d from %s until %s (-want +got)\n%s", r.name, concurrency, ends[0], ends[1], diff)
								}
								got = append(got, ids(part)...)
							}
							if diff := gocmp.Diff(inOrder(rs, since, until), got); diff != "" {
								t.Errorf("%s/%d (-want +got)\n%s", r.name, concurrency, diff)
							}
						}
					}
				})
			})
		}
	}
}

// Every page border falls on every record of a crowd once, and the records' own dates are as precise as the links, less,
// or of no use.
func TestPageBorders(t *testing.T) {
	t.Parallel()
	at := epoch.Add(-time.Hour)
	forms := map[string]func(time.Time) any{
		"microseconds": func(at time.Time) any { return at.Format("2006-01-02T15:04:05.000000Z") },
		"zone-less":    func(at time.Time) any { return at.Format("2006-01-02T15:04:05.000000") },
		"milliseconds": func(at time.Time) any { return at.Format("2006-01-02T15:04:05.000") },
		"seconds":      func(at time.Time) any { return at.Format("2006-01-02T15:04:05+00:00") },
		"other zone":   func(at time.Time) any { return at.In(time.FixedZone("", -3600)).Format(time.RFC3339Nano) },
		"null":         func(time.Time) any { return nil },
		"unreadable":   func(time.Time) any { return "yesterday" },
	}
	for form, date := range forms {
		t.Run(form, func(t *testing.T) {
			eachResource(t, func(t *testing.T, r resource, concurrency int) {
				for _, shift := range []int{81, 99, 100} {
					srv := adatest.NewServer(t, unlimited)
					times := slices.Concat(
						repeated(shift, at, time.Second),
						repeated(20, at.Add(200*time.Second+300*time.Millisecond), 0),
						repeated(20, at.Add(200*time.Second+300*time.Millisecond), 1500*time.Microsecond),
						repeated(100, at.Add(300*time.Second), 100*time.Millisecond),
					)
					rs := records(times...)
					for i := range rs {
						rs[i].Fields = map[string]any{"date_created": date(rs[i].CreatedAt)}
					}
					r.add(srv, rs...)
					got, err := collectPages(r.pages(t.Context(), client(t, srv), dataexport.Query{Since: at, PageSize: 100, Concurrency: concurrency}))
					if err != nil {
						t.Fatal(err)
					}
					if diff := gocmp.Diff(inOrder(rs, at, epoch), idsOfPages(got)); diff != "" {
						t.Errorf("shifted by %d (-want +got)\n%s", shift, diff)
					}
					for _, p := range got {
						if p.Len != len(p.Records) {
							t.Errorf("Len is %d of a page with %d records", p.Len, len(p.Records))
						}
					}
				}
			})
		})
	}
}

// What is updated while an export is under way comes again, and the newest state comes last.
func TestUpdatesMeanwhile(t *testing.T) {
	for _, concurrency := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t, unlimited)
			since := epoch.Add(-time.Hour)
			rs := records(repeated(250, since.Add(700*time.Millisecond), 10*time.Second)...)
			rs[99].CreatedAt = rs[100].CreatedAt.Add(-500 * time.Millisecond) // in the second in which the first page ends
			conversations.add(srv, rs...)
			state := func(id string, at time.Time, platform string) {
				srv.UpdateConversation(id, at, map[string]any{"platform": platform})
			}
			q := dataexport.Query{Since: since, By: dataexport.ByUpdated, PageSize: 100, Window: 20 * time.Minute, Concurrency: concurrency}
			seen := map[string][]string{}
			pages := 0
			for p, err := range dataexport.New(srv.Client()).ConversationPages(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				pages++
				for c, err := range p.Records() {
					if err != nil {
						t.Fatal(err)
					}
					seen[c.ID] = append(seen[c.ID], c.Platform)
				}
				if pages > 1 {
					continue
				}
				synctest.Wait()
				last := epoch.Add(-time.Microsecond)
				state("r-000000", last, "seen before")
				state("r-000249", last, "not seen before")
				if concurrency == 1 {
					// The next page begins in the same second: it is the same record, but not in the same state.
					state("r-000099", p.Until.Add(100*time.Millisecond), "at the border")
				}
			}
			for _, r := range rs {
				if n := len(seen[r.ID]); n == 0 || n > 1 && r.ID != "r-000000" && r.ID != "r-000249" && r.ID != "r-000099" {
					t.Errorf("concurrency %d: %s came %d times", concurrency, r.ID, n)
				}
			}
			if concurrency > 1 { // the pages with the new states may have been on the way already
				return
			}
			for id, want := range map[string]string{"r-000000": "seen before", "r-000249": "not seen before", "r-000099": "at the border"} {
				if states := seen[id]; states[len(states)-1] != want {
					t.Errorf("%s came as %q, want it to end as %q", id, states, want)
				}
			}
		})
	}
}

// Records that are erased while an export is under way are no error, and nothing else is missing.
func TestErasedMeanwhile(t *testing.T) {
	eachResource(t, func(t *testing.T, r resource, concurrency int) {
		srv := adatest.NewServer(t, unlimited)
		since := epoch.Add(-time.Hour)
		rs := records(repeated(450, since, 5*time.Second)...)
		r.add(srv, rs...)
		gone := map[string]bool{}
		var got []string
		for p, err := range r.pages(t.Context(), client(t, srv), dataexport.Query{Since: since, PageSize: 100, Concurrency: concurrency}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, ids(p.Records)...)
			at := len(got)
			for _, i := range []int{at - 2, at - 1, at, at + 1, at + 50, at + 99, at + 100} { // around the border, and later
				if i < len(rs) {
					srv.RemoveRecords(rs[i].ID)
					gone[rs[i].ID] = true
				}
			}
		}
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("out of order, or twice")
		}
		for _, rec := range rs {
			if !gone[rec.ID] && !slices.Contains(got, rec.ID) {
				t.Errorf("%s is lost", rec.ID)
			}
		}
	})
}

// scripted is a page as it could come from Ada.
func scripted(next string, ids ...string) adatest.Failure {
	data := make([]string, len(ids))
	for i, id := range ids {
		data[i] = fmt.Sprintf(`{"_id":%q,"date_created":"1999-12-31T12:00:00"}`, id)
	}
	link := "null"
	if next != "" {
		quoted, _ := json.Marshal(next)
		link = string(quoted)
	}
	return adatest.Failure{Status: 200, Body: `{"data":[` + strings.Join(data, ",") + `],"meta":{"next_page_uri":` + link + `}}`}
}

// An empty page with a link is not the end, and a full one without is.
func TestEmptyAndFullPages(t *testing.T) {
	link := func(at string) string { return "/api/v2/export/conversations?created_since=" + at }
	names := func(from, n int) (ids []string) {
		for i := range n {
			ids = append(ids, fmt.Sprintf("r-%06d", from+i))
		}
		return ids
	}
	tests := []struct {
		name  string
		pages []adatest.Failure
		want  []string
		err   error
	}{
		{"one empty page", []adatest.Failure{scripted("")}, nil, nil},
		{
			"empty pages with links", []adatest.Failure{
				scripted(link("1999-12-31T13:00:00")), scripted(link("1999-12-31T13:00:00.000001")), scripted(link("1999-12-31T14:00:00Z")), scripted("", "a", "b"),
			}, []string{"a", "b"}, nil,
		},
		{
			"an empty page between others", []adatest.Failure{
				scripted(link("1999-12-31T13:00:00"), "a"), scripted(link("1999-12-31T14:00:00")), scripted("", "b"),
			}, []string{"a", "b"}, nil,
		},
		{
			"an empty page that leads to itself", []adatest.Failure{
				scripted(link("1999-12-31T13:00:00"), "a"), scripted(link("1999-12-31T13:00:00")), scripted(link("1999-12-31T13:00:00")),
			}, []string{"a"}, dataexport.ErrStuck,
		},
		{
			"an empty page that leads back", []adatest.Failure{
				scripted(link("1999-12-31T13:00:00"), "a"), scripted(link("1999-12-31T12:59:59.999999")),
			}, []string{"a"}, ada.ErrAnswer,
		},
		{
			"to and fro", []adatest.Failure{
				scripted(link("1999-12-31T13:00:00"), "a"), scripted(link("1999-12-31T14:00:00"), "b"), scripted(link("1999-12-31T13:00:00"), "c"),
			}, []string{"a", "b"}, ada.ErrAnswer,
		},
		{"a full page without a link", []adatest.Failure{scripted("", names(0, 100)...)}, names(0, 100), nil},
		{"more than a full page", []adatest.Failure{scripted("", names(0, 150)...)}, names(0, 150), nil},
		{"a link to the end", []adatest.Failure{scripted(link("2000-01-01T00:00:00"), "a")}, []string{"a"}, nil},
		{"a link past the end", []adatest.Failure{scripted(link("2001-01-01T00:00:00"), "a")}, []string{"a"}, nil},
	}
	for _, tt := range tests {
		for name, w := range conversations.ways {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := adatest.NewServer(t, unlimited)
					srv.Fail(conversations.operation, tt.pages...)
					got, err := collect(w(t.Context(), client(t, srv), dataexport.Query{Since: epoch.Add(-12 * time.Hour), PageSize: 100}))
					if diff := gocmp.Diff(tt.want, ids(got)); diff != "" {
						t.Errorf("(-want +got)\n%s", diff)
					}
					if n := requests(t, srv); n != len(tt.pages) {
						t.Errorf("%d requests, want %d", n, len(tt.pages))
					}
					if tt.err != nil {
						exportError(t, err, tt.err)
					} else if err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}
