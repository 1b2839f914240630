package dataexport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
)

// small is an export of a dozen records in six windows.
func small(t *testing.T, r resource, concurrency int) (*adatest.Server, []adatest.Record, dataexport.Query) {
	srv := adatest.NewServer(t, unlimited)
	since := epoch.Add(-6 * time.Hour)
	rs := records(repeated(12, since, 25*time.Minute)...)
	r.add(srv, rs...)
	return srv, rs, dataexport.Query{Since: since, Until: epoch, Window: time.Hour, Concurrency: concurrency}
}

// large is an export of five pages of some 800 KB, which do not stay in memory.
func large(t *testing.T, concurrency int) (*adatest.Server, dataexport.Query) {
	temporary(t)
	srv := adatest.NewServer(t, unlimited)
	since := epoch.Add(-6 * time.Hour)
	srv.Generate(adatest.Generated{Conversations: 500, Since: since, Until: epoch, Size: 8 << 10})
	return srv, dataexport.Query{Since: since, Until: epoch, PageSize: 100, Concurrency: concurrency}
}

// temporaryIn has temporary files made in dir.
func temporaryIn(t *testing.T, dir string) {
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // on Windows
}

// temporary gives a test a directory for temporary files, which has to be empty at its end.
func temporary(t *testing.T) {
	dir := t.TempDir()
	temporaryIn(t, dir)
	t.Cleanup(func() {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%d files are left, %v", len(left), err)
		}
	})
}

// Wherever a loop is left, nothing is left of it.
func TestBreak(t *testing.T) {
	eachWay(t, func(t *testing.T, r resource, w way, concurrency int) {
		srv, rs, q := small(t, r, concurrency)
		var m meter
		c := client(t, srv, m.install)
		for stop := range len(rs) + 1 {
			got := 0
			for _, err := range w(t.Context(), c, q) {
				if err != nil {
					t.Fatal(err)
				}
				if got == stop {
					break
				}
				got++
			}
			if got != stop {
				t.Errorf("%d records, want %d", got, stop)
			}
			m.clean(t, fmt.Sprintf("left at %d", stop))
		}
		if m.dials.Load() == 0 {
			t.Error("no connection was counted")
		}
	})
}

func TestBreakOfLargePages(t *testing.T) {
	for _, concurrency := range []int{1, 4} {
		t.Run(fmt.Sprint(concurrency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, q := large(t, concurrency)
				var m meter
				c := client(t, srv, m.install)
				most := 0
				for stop := range 5 {
					for p, err := range conversations.pages(t.Context(), c, q) {
						if err != nil {
							t.Fatal(err)
						}
						most = max(most, openFiles(t))
						if p.Len != len(p.Records) || p.Len == 0 {
							t.Errorf("%d records of %d", len(p.Records), p.Len)
						}
						if stop--; stop < 0 {
							break
						}
					}
					m.clean(t, fmt.Sprintf("left at page %d", stop))
				}
				if seesFiles && most == 0 || most > 2*concurrency {
					t.Errorf("%d temporary files at once, want 1 to %d", most, 2*concurrency)
				}
				for _, stop := range []int{0, 1, 50, 99, 100, 101, 250} {
					for _, err := range conversations.ways["raw"](t.Context(), c, q) {
						if err != nil {
							t.Fatal(err)
						}
						if stop--; stop < 0 {
							break
						}
					}
					m.clean(t, "left at a record")
				}
			})
		})
	}
}

// A panic in the loop goes through, and leaves nothing either.
func TestPanic(t *testing.T) {
	eachWay(t, func(t *testing.T, r resource, w way, concurrency int) {
		srv, rs, q := small(t, r, concurrency)
		var m meter
		c := client(t, srv, m.install)
		for _, at := range []int{0, 1, len(rs) / 2, len(rs) - 1} {
			got := func() (p any) {
				defer func() { p = recover() }()
				i := 0
				for range w(t.Context(), c, q) {
					if i == at {
						panic("of the loop")
					}
					i++
				}
				return nil
			}()
			if got != "of the loop" {
				t.Errorf("%v", got)
			}
			m.clean(t, "panicked")
		}
	})
}

// An export whose context ends, ends with it: at once, whatever it was waiting for, and with a checkpoint.
func TestCancel(t *testing.T) {
	eachWay(t, func(t *testing.T, r resource, w way, concurrency int) {
		srv, rs, q := small(t, r, concurrency)
		var m meter
		var cancel context.CancelFunc
		c := client(t, srv, m.install)
		check := func(what string, got []handed, err error, since time.Time) {
			t.Helper()
			exportError(t, err, context.Canceled)
			if took := time.Since(since); took > 0 {
				t.Errorf("%s: it took %s to end", what, took)
			}
			if diff := cmp.Diff(inOrder(rs, q.Since, epoch)[:len(got)], ids(got), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got)\n%s", what, diff)
			}
			m.clean(t, what)
		}
		// Before it begins.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		before := requests(t, srv)
		got, err := collect(w(ctx, c, q))
		check("before", got, err, time.Now())
		if n := requests(t, srv); n != before || len(got) > 0 {
			t.Errorf("%d requests, %d records", n-before, len(got))
		}
		// In the loop: what was handed out whole may still come.
		for stop := range rs {
			ctx, cancel := context.WithCancel(t.Context())
			var got []handed
			var last error
			for r, err := range w(ctx, c, q) {
				if last = err; err != nil {
					break
				}
				if got = append(got, r); len(got) == stop+1 {
					cancel()
				}
			}
			if cancel(); last == nil && len(got) == len(rs) {
				continue // it was the last page
			}
			check(fmt.Sprintf("at record %d", stop), got, last, time.Now())
			page := rs[stop].CreatedAt.Sub(q.Since) / time.Hour
			if diff := cmp.Diff(inOrder(rs, q.Since, q.Since.Add((page+1)*time.Hour)), ids(got)); diff != "" {
				t.Errorf("cancelled at record %d, it went on past the page (-want +got)\n%s", stop, diff)
			}
		}
		// While it waits for the k-th answer, or to ask again.
		for k := range 6 {
			for what, failure := range map[string]adatest.Failure{
				"for an answer":     {Delay: time.Minute},
				"to ask again":      {Status: 503, Header: http.Header{"Retry-After": {"60"}}},
				"for the rest of a": {Delay: time.Minute, Truncate: true},
			} {
				ctx, cancel := context.WithCancel(t.Context())
				srv.Fail(r.operation, append(make([]adatest.Failure, k), failure)...)
				at := time.Now().Add(30 * time.Second)
				time.AfterFunc(30*time.Second, cancel)
				got, err := collect(w(ctx, c, q))
				check(fmt.Sprintf("waiting %s page, %d", what, k), got, err, at)
				cancel()
			}
		}
	})
}

// A deadline that the export cannot meet is no reason to wait for it, and the reason of the failure stays.
func TestDeadline(t *testing.T) {
	eachResource(t, func(t *testing.T, r resource, concurrency int) {
		srv, _, q := small(t, r, concurrency)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		srv.Fail(r.operation, adatest.Failure{}, adatest.Failure{Status: 503, Header: http.Header{"Retry-After": {"60"}}})
		start := time.Now()
		_, err := collectPages(r.pages(ctx, client(t, srv), q))
		exportError(t, err, ada.ErrServer)
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %s", took)
		}
	})
}

// Ranging over it again starts over.
func TestRangeAgain(t *testing.T) {
	eachWay(t, func(t *testing.T, r resource, w way, concurrency int) {
		srv, rs, q := small(t, r, concurrency)
		export := w(t.Context(), client(t, srv), q)
		if n := len(srv.Calls()); n != 0 {
			t.Errorf("%d requests before the loop", n)
		}
		for range export {
			break
		}
		for range 2 {
			got, err := collect(export)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(inOrder(rs, q.Since, epoch), ids(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		}
	})
}

func TestPull(t *testing.T) {
	eachWay(t, func(t *testing.T, r resource, w way, concurrency int) {
		srv, rs, q := small(t, r, concurrency)
		var m meter
		c := client(t, srv, m.install)
		for stop := range len(rs) + 2 {
			next, end := iter.Pull2(w(t.Context(), c, q))
			for i := range stop {
				got, err, ok := next()
				if ok != (i < len(rs)) || err != nil || ok && got.ID != rs[i].ID {
					t.Fatalf("record %d: %v, %v, %t", i, got, err, ok)
				}
			}
			end()
			end()
			if _, err, ok := next(); ok {
				t.Errorf("after the end: %v", err)
			}
			m.clean(t, fmt.Sprintf("stopped at %d", stop))
		}
	})
}

// A page can be read again and again until the loop goes on, and is an error afterwards, however the loop ended.
func TestPageAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, rs, q := small(t, messages, 1)
		all := inOrder(rs, q.Since, epoch)
		read := func(p *dataexport.Page[dataexport.Message]) (typed, raw []string, err error) {
			for m, e := range p.Records() {
				if err = e; err == nil {
					typed = append(typed, m.ID)
				}
			}
			for r, e := range p.Raw() {
				if e != nil {
					err = errors.Join(err, e)
				} else {
					raw = append(raw, ofRaw(r).ID)
				}
			}
			return typed, raw, err
		}
		var pages []*dataexport.Page[dataexport.Message]
		for p, err := range dataexport.New(srv.Client()).MessagePages(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				typed, raw, err := read(p)
				if diff := cmp.Diff(all[:p.Len()], typed); diff != "" || !cmp.Equal(typed, raw) || err != nil {
					t.Errorf("%v, raw %q (-want +got)\n%s", err, raw, diff)
				}
			}
			for range p.Records() {
				break
			}
			all = all[p.Len():]
			if pages = append(pages, p); len(pages) == 3 {
				break
			}
		}
		for i, p := range pages {
			typed, raw, err := read(p)
			if len(typed)+len(raw) > 0 || err == nil || strings.Count(err.Error(), "after the loop") != 2 {
				t.Errorf("page %d: %q, %q, %v", i, typed, raw, err)
			}
			if p.Len() != 3 && p.Len() != 2 || p.Next == "" || p.Since.IsZero() {
				t.Errorf("page %d: %v", i, p)
			}
		}
	})
}

// What Ada sent comes out to the byte, in whatever pieces it went through memory and disk, or through memory alone.
func TestRawBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	filler := func(n int) string {
		var b strings.Builder
		for b.Len() < n {
			b.WriteString([]string{`é`, `\u00e9`, `\\`, `\"`, ` `, `{`, `]`, `😀`, "a", "\xff", "\u2028", `\ud800`}[random.IntN(12)])
		}
		return b.String()
	}
	var want []string
	total := 0
	for _, size := range []int{0, 1, 1 << 10, 512<<10 - 80, 512 << 10, 1 << 20, 3, 2<<20 + 1, 100, 128 << 10, 64 << 10, 5} {
		record := fmt.Sprintf("{ \"_id\" :\t\"r-%d\",\r\n\"big\":123456789012345678901234567890,\"x\":\"%s\"}", len(want), filler(size))
		want = append(want, record)
		total += len(record)
	}
	body := "{\n\"data\": [ " + strings.Join(want, " ,\n") + " ]\n}\n"
	for _, writable := range []bool{true, false} {
		t.Run(fmt.Sprint(writable), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if temporary(t); !writable {
					temporaryIn(t, filepath.Join(t.TempDir(), "missing"))
				}
				srv := adatest.NewServer(t, unlimited)
				page := adatest.Failure{Status: 200, Body: body}
				srv.Fail(messages.operation, page, adatest.Failure{Status: 200, Body: body, Truncate: true}, adatest.Failure{}, page)
				q := dataexport.Query{Since: epoch.Add(-3 * time.Hour), Until: epoch, Window: time.Hour}
				files := 0
				var got []string
				var bytes int64
				q.OnProgress = func(p dataexport.Progress) { bytes = p.Bytes }
				for raw, err := range dataexport.New(srv.Client()).MessagesRaw(t.Context(), q) {
					if err != nil {
						t.Fatal(err)
					}
					files = max(files, openFiles(t))
					got = append(got, string(raw))
				}
				if n := len(want); len(got) != 2*n { // with a window in between, they are not known to be the same
					t.Fatalf("%d records, want %d", len(got), 2*n)
				}
				for i := range got {
					if got[i] != want[i%len(want)] {
						t.Errorf("record %d is not as it was sent, of %d bytes", i, len(want[i%len(want)]))
					}
				}
				if seesFiles && (files > 0) != writable {
					t.Errorf("%d files", files)
				}
				if bytes != int64(2*total) {
					t.Errorf("%d bytes, want %d", bytes, 2*total)
				}
			})
		})
	}
}

// Where a file cannot be written, pages stay in memory.
func TestNoTemporaryFiles(t *testing.T) {
	for _, concurrency := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			srv, q := large(t, concurrency)
			c := client(t, srv)
			want, err := collect(conversations.ways["raw"](t.Context(), c, q))
			if err != nil {
				t.Fatal(err)
			}
			temporaryIn(t, filepath.Join(t.TempDir(), "missing"))
			for _, name := range []string{"records", "raw"} {
				got, err := collect(conversations.ways[name](t.Context(), c, q))
				if err != nil || len(got) != 500 {
					t.Fatalf("%s: %d records, %v", name, len(got), err)
				}
				for i := range got {
					if got[i] != want[i] {
						t.Errorf("%s: record %d is another", name, i)
					}
				}
			}
			if !json.Valid([]byte(want[0].JSON)) {
				t.Error("no JSON")
			}
		})
	}
}
