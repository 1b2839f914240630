package dataexport_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
)

// datasets are ways in which records lie in time.
var datasets = map[string]func(random *rand.Rand, n int, since, until time.Time) []time.Time{
	"uniform": func(random *rand.Rand, n int, since, until time.Time) (times []time.Time) {
		for range n {
			times = append(times, since.Add(time.Duration(random.Int64N(int64(until.Sub(since))))))
		}
		return times
	},
	"day and night": func(random *rand.Rand, n int, since, until time.Time) (times []time.Time) {
		for len(times) < n {
			at := since.Add(time.Duration(random.Int64N(int64(until.Sub(since)))))
			if h := at.Hour(); h >= 8 && h < 18 || random.IntN(50) == 0 {
				times = append(times, at)
			}
		}
		return times
	},
	"in one second": func(random *rand.Rand, n int, since, until time.Time) (times []time.Time) {
		at := since.Add(until.Sub(since) / 3).Truncate(time.Second)
		for range n {
			times = append(times, at.Add(time.Duration(random.Int64N(int64(time.Second)))))
		}
		return times
	},
	"at few times": func(random *rand.Rand, n int, since, until time.Time) (times []time.Time) {
		for range n {
			times = append(times, since.Add(until.Sub(since)/10*time.Duration(random.IntN(10))))
		}
		return times
	},
	"with nothing in between": func(random *rand.Rand, n int, since, until time.Time) (times []time.Time) {
		for i := range n {
			at := since.Add(time.Duration(random.Int64N(int64(time.Hour))))
			if i%2 == 0 {
				at = until.Add(-time.Duration(random.Int64N(int64(time.Hour))) - 1)
			}
			times = append(times, at)
		}
		return times
	},
}

// However many requests are under way, the records are the same, and in the same order.
func TestSameOrder(t *testing.T) {
	t.Parallel()
	const seed = 42
	t.Logf("seed %d", seed)
	since := epoch.Add(-30 * day)
	for name, set := range datasets {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				for range 2 {
					srv := adatest.NewServer(t, unlimited)
					rs := records(set(random, 500, since, epoch)...)
					messages.add(srv, rs...)
					// Answers that overtake one another.
					var mu sync.Mutex
					c := client(t, srv, through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
						mu.Lock()
						latency := time.Duration(random.IntN(3000)) * time.Millisecond
						mu.Unlock()
						time.Sleep(latency)
						return next.RoundTrip(req)
					}))
					q := dataexport.Query{Since: since, Until: epoch, PageSize: 100, Window: time.Duration(1+random.IntN(20)) * day}
					want, err := collect(messages.ways["raw"](t.Context(), c, q))
					if err != nil {
						t.Fatal(err)
					}
					for i := range rs {
						rs[i].CreatedAt = rs[i].CreatedAt.Truncate(time.Microsecond) // as Ada has them
					}
					if diff := cmp.Diff(inOrder(rs, since, epoch), ids(want)); diff != "" {
						t.Fatalf("one at a time (-want +got)\n%s", diff)
					}
					for _, concurrency := range []int{2, 3, 4, 32} {
						q.Concurrency = concurrency
						got, err := collect(messages.ways["raw"](t.Context(), c, q))
						if err != nil {
							t.Fatal(err)
						}
						if diff := cmp.Diff(want, got); diff != "" {
							t.Errorf("%d at once (-want +got)\n%s", concurrency, diff)
						}
					}
				}
			})
		})
	}
}

// A reader who is slow does not have pages pile up: there are at most twice as many as requests at once.
func TestPagesHeld(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 2, 4, 8} {
		t.Run(fmt.Sprint(concurrency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t, unlimited, adatest.WithExportQuirks(adatest.ExportQuirks{Latency: time.Second}))
				since := epoch.Add(-50 * time.Hour)
				rs := records(repeated(5000, since, 30*time.Second)...)
				messages.add(srv, rs...)
				var mu sync.Mutex
				running, most := 0, 0
				c := client(t, srv, through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
					mu.Lock()
					running++
					most = max(most, running)
					mu.Unlock()
					defer func() { mu.Lock(); running--; mu.Unlock() }()
					return next.RoundTrip(req)
				}))
				done, held := 0, 0
				for p, err := range messages.pages(t.Context(), c, dataexport.Query{Since: since, Until: epoch, PageSize: 100, Concurrency: concurrency}) {
					if err != nil {
						t.Fatal(err)
					}
					if p.Len > 100 {
						t.Fatalf("a page of %d records: this test counts requests as pages", p.Len)
					}
					if done%7 < 5 { // at times it is quicker
						time.Sleep(time.Minute)
					}
					held = max(held, requests(t, srv)-done)
					done++
				}
				limit := 2 * concurrency
				if concurrency == 1 {
					limit = 1
				}
				if held > limit || held < min(limit, concurrency+1) || most > concurrency || most < concurrency {
					t.Errorf("%d pages were held, at most %d are to be, and %d requests were under way", held, limit, most)
				}
			})
		})
	}
}

// refusals counts answers with 429.
func refusals(n *int) func(*ada.Config) {
	var mu sync.Mutex
	return through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err == nil && resp.StatusCode == http.StatusTooManyRequests {
			mu.Lock()
			*n++
			mu.Unlock()
		}
		return resp, err
	})
}

// With Ada's own limits no request is refused, however many are under way.
func TestNoRefusals(t *testing.T) {
	t.Parallel()
	for _, version := range []dataexport.Version{dataexport.V2, dataexport.V1_4} {
		for _, concurrency := range []int{1, 4, 32} {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t)
				refused := 0
				c := client(t, srv, refusals(&refused))
				since := epoch.Add(-300 * time.Hour)
				rs := records(repeated(300, since, time.Hour)...)
				conversations.add(srv, rs[:100]...)
				messages.add(srv, rs...)
				var both sync.WaitGroup
				for _, r := range resources { // which share a limit in v2
					both.Go(func() {
						q := dataexport.Query{Since: since, Until: epoch, Window: 5 * time.Hour, Version: version, Concurrency: concurrency}
						if _, err := collect(r.ways["raw"](t.Context(), c, q)); err != nil {
							t.Error(err)
						}
					})
				}
				both.Wait()
				if n := requests(t, srv); refused > 0 || n < 120 {
					t.Errorf("%s, %d at once: %d of %d requests were refused", version, concurrency, refused, n)
				}
			})
		}
	}
}

// A page takes Ada 1.5 s, and 100 requests a minute are allowed: one request at a time leaves most of them unused, and
// four use them up, without one that is refused.
func TestRate(t *testing.T) {
	t.Parallel()
	const pageSize, pages = 100, 200
	uniform := func(srv *adatest.Server) int {
		srv.Generate(adatest.Generated{Conversations: pages * pageSize / 4, MessagesPer: 4, Since: epoch.AddDate(-1, 0, 0), Until: epoch, Size: 1})
		return pages * pageSize
	}
	dayAndNight := func(srv *adatest.Server) int {
		times := datasets["day and night"](rand.New(rand.NewPCG(7, 7)), pages*pageSize, epoch.AddDate(-1, 0, 0), epoch)
		messages.add(srv, records(times...)...)
		return len(times)
	}
	for _, tt := range []struct {
		name        string
		fill        func(*adatest.Server) int
		concurrency int
		least, most float64 // requests a minute
		wasted      float64 // the share of requests beyond those that full pages take, at most
	}{
		{"uniform", uniform, 1, 39, 45, 0.03},
		{"uniform", uniform, 4, 95, 120, 0.12},
		{"a page a day, by day", dayAndNight, 4, 95, 120, 0.36}, // one page says little about the next
	} {
		t.Run(fmt.Sprintf("%s/%d", tt.name, tt.concurrency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t, adatest.WithExportQuirks(adatest.ExportQuirks{Latency: 1500 * time.Millisecond}))
				n := tt.fill(srv)
				refused := 0
				c := client(t, srv, refusals(&refused))
				start, got := time.Now(), 0
				for _, err := range c.MessagesRaw(t.Context(), dataexport.Query{
					Since: epoch.AddDate(-1, 0, 0), Until: epoch, PageSize: pageSize, Concurrency: tt.concurrency,
				}) {
					if err != nil {
						t.Fatal(err)
					}
					got++
				}
				took, sent := time.Since(start), len(srv.Calls())
				rate := float64(sent) / took.Minutes()
				wasted := 1 - float64((n+pageSize-1)/pageSize)/float64(sent)
				t.Logf("%d records in %d requests, %d at a time: %s of virtual time, %.1f requests a minute, %.1f %% of them more than full pages take, %d refused",
					got, sent, tt.concurrency, took, rate, 100*wasted, refused)
				if got != n || refused > 0 || rate < tt.least || rate > tt.most || wasted > tt.wasted {
					t.Errorf("want %d records, none refused, and %.0f to %.0f requests a minute", n, tt.least, tt.most)
				}
			})
		})
	}
}

// When the requests of a day are used up, the export ends at once, says how long to wait, and goes on after that.
func TestLimitOfTheDay(t *testing.T) {
	eachResource(t, func(t *testing.T, r resource, concurrency int) {
		srv := adatest.NewServer(t)
		since := epoch.Add(-20 * time.Hour)
		rs := records(repeated(20, since, time.Hour)...)
		r.add(srv, rs...)
		var day ada.Limiter
		c := client(t, srv, func(c *ada.Config) {
			c.HTTP.Limiter = func(p ada.Pace) ada.Limiter {
				if p.PerDay != 15_000 || p.PerMinute != 100 || p.PerSecond != 10 {
					t.Errorf("paced at %+v", p)
				}
				day = ada.NewLimiter(p)
				for range p.PerDay - 10 { // by others
					if err := day.Wait(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				return day
			}
		})
		start := time.Now()
		q := dataexport.Query{Since: since, Until: epoch, Window: time.Hour, Concurrency: concurrency}
		got, err := collectPages(r.pages(t.Context(), c, q))
		e := exportError(t, err, ada.ErrRateLimited)
		var call *ada.Error
		if !errors.As(err, &call) || call.RetryAfter <= 0 || call.RetryAfter > 24*time.Hour {
			t.Fatalf("%v: retry after %v", err, call)
		}
		// With several requests at once, not all that got a slot need to be those of the next pages, nor need they be made.
		n, sent := len(got), requests(t, srv)
		if n > sent || sent > 10 || n < 10-2*(concurrency-1) || e.Checkpoint != got[n-1].Next {
			t.Errorf("%d pages in %d requests", n, sent)
		}
		// The first 15,000 slots take 150 minutes, 10 of them are ours, and nothing was waited for.
		if took := time.Since(start); took > 151*time.Minute || call.RetryAfter+took < 24*time.Hour-time.Second {
			t.Errorf("it ended after %s, and asks for %s", took, call.RetryAfter)
		}
		time.Sleep(call.RetryAfter)
		q.Resume = e.Checkpoint
		rest, err := collectPages(r.pages(t.Context(), c, q))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(inOrder(rs, since, epoch), idsOfPages(append(got, rest...))); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// Progress is told after each page, of the whole export.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, unlimited)
		since := epoch.Add(-150 * time.Minute)
		rs := records(slices.Concat(repeated(150, since, time.Second), repeated(1, since.Add(2*time.Hour+time.Minute), 0))...)
		messages.add(srv, rs...)
		var got []dataexport.Progress
		q := dataexport.Query{Since: since, PageSize: 100, Window: time.Hour, OnProgress: func(p dataexport.Progress) { got = append(got, p) }}
		at := func(d time.Duration, windows, pages, records int) dataexport.Progress {
			return dataexport.Progress{Since: since, Until: epoch, At: since.Add(d), Windows: 3, WindowsDone: windows, Pages: pages, Records: records}
		}
		check := func(want ...dataexport.Progress) {
			t.Helper()
			for i := range min(len(want), len(got)) {
				want[i].Bytes = got[i].Bytes
				if i > 0 && got[i].Bytes < got[i-1].Bytes || want[i].Records > 0 && got[i].Bytes < int64(100*want[i].Records) {
					t.Errorf("%d bytes of %d records", got[i].Bytes, got[i].Records)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		}
		c := client(t, srv)
		pages, err := collectPages(messages.pages(t.Context(), c, q))
		if err != nil {
			t.Fatal(err)
		}
		// What is left of the first hour is asked for together with the next one.
		check(at(100*time.Second, 0, 1, 100), at(3700*time.Second, 1, 2, 150), at(7300*time.Second, 2, 3, 151), at(9000*time.Second, 3, 4, 151))
		var fractions []float64
		for _, p := range got {
			fractions = append(fractions, p.Fraction())
		}
		if diff := cmp.Diff([]float64{100.0 / 9000, 3700.0 / 9000, 7300.0 / 9000, 1}, fractions); diff != "" {
			t.Errorf("fractions (-want +got)\n%s", diff)
		}

		// After a resume the range is still that of the whole, and the counts are those since.
		got = nil
		q.Resume, q.Until = pages[1].Next, epoch
		if _, err := collectPages(messages.pages(t.Context(), c, q)); err != nil {
			t.Fatal(err)
		}
		check(at(7300*time.Second, 2, 1, 1), at(9000*time.Second, 3, 2, 1))

		// Without Since too, and with several requests at once.
		got, q.Since, q.Concurrency = nil, time.Time{}, 4
		if _, err := collectPages(messages.pages(t.Context(), c, q)); err != nil {
			t.Fatal(err)
		}
		last := got[len(got)-1]
		last.Bytes, last.Pages = 0, 0
		if diff := cmp.Diff(at(150*time.Minute, 3, 0, 1), last); diff != "" || last.Fraction() != 1 {
			t.Errorf("(-want +got)\n%s", diff)
		}
		for i, p := range got {
			if f := p.Fraction(); f < 0 || f > 1 || p.WindowsDone > p.Windows || i > 0 && (!p.At.After(got[i-1].At) || p.Pages != i+1) {
				t.Errorf("%+v", p)
			}
		}

		// None for a page that the loop did not get past.
		got = nil
		for range messages.pages(t.Context(), c, q) {
			break
		}
		if len(got) > 0 {
			t.Errorf("%+v", got)
		}
	})
	zero := dataexport.Progress{}
	if f := zero.Fraction(); f != 1 {
		t.Errorf("a Fraction of nothing is %f", f)
	}
}
