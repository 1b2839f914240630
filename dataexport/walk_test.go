package dataexport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
)

const day = 24 * time.Hour

// epoch is when time begins in synctest.
var epoch = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// unlimited lifts the rate limits, where they are not what a test is about.
var unlimited = adatest.RateLimit(0, 0)

// handed is a record that an export handed out.
type handed struct{ ID, JSON string }

// handedPage is a page that an export handed out, with all of its records.
type handedPage struct {
	Since, Until time.Time
	Next         dataexport.Checkpoint
	Len          int
	Records      []handed
}

// resource is conversations or messages, with all the ways to export them.
type resource struct {
	name      string
	operation string
	add       func(*adatest.Server, ...adatest.Record)
	pages     func(context.Context, *dataexport.Client, dataexport.Query) iter.Seq2[handedPage, error]
	ways      map[string]way
}

// way is one way to get records.
type way func(context.Context, *dataexport.Client, dataexport.Query) iter.Seq2[handed, error]

func pagesOf[T any](pages iter.Seq2[*dataexport.Page[T], error], of func(*T) handed) iter.Seq2[handedPage, error] {
	return func(yield func(handedPage, error) bool) {
		for p, err := range pages {
			if err != nil {
				yield(handedPage{}, err)
				return
			}
			got := handedPage{Since: p.Since, Until: p.Until, Next: p.Next, Len: p.Len()}
			for r, err := range p.Records() {
				if err != nil {
					yield(got, err)
					return
				}
				got.Records = append(got.Records, of(r))
			}
			if !yield(got, nil) {
				return
			}
		}
	}
}

// recordsOf is the records of all pages.
func recordsOf(pages iter.Seq2[handedPage, error]) iter.Seq2[handed, error] {
	return func(yield func(handed, error) bool) {
		for p, err := range pages {
			for _, r := range p.Records {
				if !yield(r, nil) {
					return
				}
			}
			if err != nil {
				yield(handed{}, err)
			}
		}
	}
}

func convert[T any](records iter.Seq2[T, error], of func(T) handed) iter.Seq2[handed, error] {
	return func(yield func(handed, error) bool) {
		for r, err := range records {
			if err != nil {
				yield(handed{}, err)
				return
			}
			if !yield(of(r), nil) {
				return
			}
		}
	}
}

func ofRaw(raw dataexport.RawRecord) handed {
	if rest, ok := strings.CutPrefix(string(raw), `{"_id":"`); ok {
		id, _, _ := strings.Cut(rest, `"`)
		return handed{id, string(raw)}
	}
	var record struct {
		ID string `json:"_id"`
	}
	_ = json.Unmarshal(raw, &record)
	return handed{record.ID, string(raw)}
}

func ofConversation(c *dataexport.Conversation) handed { return handed{c.ID, string(c.Raw)} }

func ofMessage(m *dataexport.Message) handed { return handed{m.ID, string(m.Raw)} }

var conversations = resource{
	name:      "conversations",
	operation: "dataexport.Conversations",
	add: func(srv *adatest.Server, records ...adatest.Record) {
		for _, r := range records {
			r.Fields = with(r.Fields, map[string]any{ // short, so that tests are quick
				"inquiry_summary": nil, "variables": nil, "metavariables": nil, "classifications": nil, "used_articles": nil, "used_playbooks": nil,
				"used_coaching": nil, "automated_resolution_classification_reason": nil, "generated_topic_v2_desc": nil, "csat": nil,
			})
			srv.AddConversations(r)
		}
	},
	pages: func(ctx context.Context, c *dataexport.Client, q dataexport.Query) iter.Seq2[handedPage, error] {
		return pagesOf(c.ConversationPages(ctx, q), ofConversation)
	},
	ways: map[string]way{
		"pages": func(ctx context.Context, c *dataexport.Client, q dataexport.Query) iter.Seq2[handed, error] {
			return recordsOf(pagesOf(c.ConversationPages(ctx, q), ofConversation))
		},
		"records": func(ctx context.Context, c *dataexport.Client, q dataexport.Query) iter.Seq2[handed, error] {
			return convert(c.Conversations(ctx, q), ofConversation)
		},
		"raw": func(ctx context.Context, c *dataexport.Client, q dataexport.Query) iter.Seq2[handed, error] {
			return convert(c.ConversationsRaw(ctx, q), ofRaw)
		},
	},
}

var messages = resource{
	name:      "messages",
	operation: "dataexport.Messages",
	add: func(srv *adatest.Server, records ...adatest.Record) {
		for _, r := range records {
			r.Fields = with(r.Fields, map[string]any{"message_data": map[string]any{"_type": "greeting"}, "conversation_id": "c-1"})
			srv.AddMessages(r)
		}
	},
	pages: func(ctx context.Context, c *dataexport.Client, q dataexport.Query) iter.Seq2[handedPage, error] {
		return pagesOf(c.MessagePages(ctx, q), ofMessage)
	},
	ways: map[string]way{
		"pages": func(ctx context.Context, c *dataexport.Client, q dataexport.Query) iter.Seq2[handed, error] {
			return recordsOf(pagesOf(c.MessagePages(ctx, q), ofMessage))
		},
		"records": func(ctx context.Context, c *dataexport.Client, q dataexport.Query) iter.Seq2[handed, error] {
			return convert(c.Messages(ctx, q), ofMessage)
		},
		"raw": func(ctx context.Context, c *dataexport.Client, q dataexport.Query) iter.Seq2[handed, error] {
			return convert(c.MessagesRaw(ctx, q), ofRaw)
		},
	},
}

func with(fields, more map[string]any) map[string]any {
	all := maps.Clone(more)
	maps.Copy(all, fields)
	return all
}

var resources = []resource{conversations, messages}

// collect returns all that an export hands out, and its error.
func collect(records iter.Seq2[handed, error]) (got []handed, err error) {
	for r, e := range records {
		if err != nil {
			return got, fmt.Errorf("an error is not the last: %w", err)
		}
		if e != nil {
			err = e
			continue
		}
		got = append(got, r)
	}
	return got, err
}

func collectPages(pages iter.Seq2[handedPage, error]) (got []handedPage, err error) {
	for p, e := range pages {
		if err != nil {
			return got, fmt.Errorf("an error is not the last: %w", err)
		}
		if e != nil {
			err = e
			continue
		}
		got = append(got, p)
	}
	return got, err
}

func ids(records []handed) (ids []string) {
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

func idsOfPages(pages []handedPage) (all []string) {
	for _, p := range pages {
		all = append(all, ids(p.Records)...)
	}
	return all
}

// records makes records, one for each time, that are named by their number.
func records(times ...time.Time) []adatest.Record {
	rs := make([]adatest.Record, len(times))
	for i, at := range times {
		rs[i] = adatest.Record{ID: fmt.Sprintf("r-%06d", i), CreatedAt: at}
	}
	return rs
}

// inOrder returns the ids of records from since until, as an export has them.
func inOrder(rs []adatest.Record, since, until time.Time) (want []string) {
	rs = slices.Clone(rs)
	slices.SortStableFunc(rs, func(a, b adatest.Record) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for _, r := range rs {
		if !r.CreatedAt.Before(since) && r.CreatedAt.Before(until) {
			want = append(want, r.ID)
		}
	}
	return want
}

// repeated returns times: n from the first on, with a step between them.
func repeated(n int, first time.Time, step time.Duration) []time.Time {
	times := make([]time.Time, n)
	for i := range times {
		times[i] = first.Add(time.Duration(i) * step)
	}
	return times
}

// client returns a client of srv. change changes its configuration.
func client(t testing.TB, srv *adatest.Server, change ...func(*ada.Config)) *dataexport.Client {
	t.Helper()
	config := srv.Config()
	for _, c := range change {
		c(&config)
	}
	c, err := ada.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return dataexport.New(c)
}

// requests returns how many requests a server got, and checks that each was sent with both of its ends and the key.
func requests(t testing.TB, srv *adatest.Server) int {
	t.Helper()
	calls := srv.Calls()
	for _, c := range calls {
		q := c.URL.Query()
		ends := q.Has("created_since") && q.Has("created_to") || q.Has("updated_since") && q.Has("updated_to")
		if !ends || !q.Has("page_size") || c.Header.Get("Authorization") != "Bearer "+string(adatest.APIKey) {
			t.Errorf("%s was sent with %v", c.URL, c.Header)
		}
	}
	return len(calls)
}

// exportError checks that err is an [*dataexport.Error], which is what an export that has begun ends with, and returns
// its checkpoint.
func exportError(t testing.TB, err error, targets ...error) *dataexport.Error {
	t.Helper()
	var e *dataexport.Error
	if !errors.As(err, &e) || e.Checkpoint == "" || !e.Since.Before(e.Until) {
		t.Fatalf("%v (%T), want a *dataexport.Error", err, err)
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("%v, want one that matches %q", err, target)
		}
	}
	return e
}

// meter counts the connections of a client that are open.
type meter struct {
	open, dials atomic.Int64
	transport   *http.Transport
}

func (m *meter) install(config *ada.Config) {
	m.transport = config.HTTP.Client.Transport.(*http.Transport).Clone()
	dial := m.transport.DialContext
	m.transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		m.open.Add(1)
		m.dials.Add(1)
		return &meteredConn{Conn: conn, meter: m}, nil
	}
	config.HTTP.Client = &http.Client{Transport: m.transport}
}

type meteredConn struct {
	net.Conn
	meter  *meter
	closed atomic.Bool
}

func (c *meteredConn) Close() error {
	if !c.closed.Swap(true) {
		c.meter.open.Add(-1)
	}
	return c.Conn.Close()
}

// clean checks that nothing is left of an export: no goroutine, no connection in use and no open file.
func (m *meter) clean(t testing.TB, what string) {
	t.Helper()
	synctest.Wait()
	for _, g := range goroutines() {
		if strings.Contains(g, "ada-go/dataexport.") || strings.Contains(g, "ada-go/internal/transport.") {
			t.Errorf("%s: a goroutine is left:\n%s", what, g)
		}
	}
	m.transport.CloseIdleConnections()
	synctest.Wait()
	if n := m.open.Load(); n != 0 {
		t.Errorf("%s: %d connections are left", what, n)
	}
	if n := openFiles(t); n != 0 {
		t.Errorf("%s: %d temporary files are open", what, n)
	}
}

// goroutines returns the stacks of all goroutines but the caller's.
func goroutines() []string {
	buffer := stacks.Get().(*[1 << 20]byte)
	defer stacks.Put(buffer)
	return strings.Split(string(buffer[:runtime.Stack(buffer[:], true)]), "\n\n")[1:]
}

// stacks are buffers, as a megabyte for each look has the garbage collector run all the time.
var stacks = sync.Pool{New: func() any { return new([1 << 20]byte) }}

// seesFiles reports whether the system shows which files this process has open.
const seesFiles = runtime.GOOS == "linux"

// openFiles returns how many spool files this process has open, 0 where the system does not say.
func openFiles(t testing.TB) (n int) {
	if !seesFiles {
		return 0
	}
	const fds = "/proc/self/fd"
	open, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range open {
		if name, _ := os.Readlink(fds + "/" + f.Name()); strings.Contains(name, "ada-export-") {
			n++
		}
	}
	return n
}

// eachWay runs a test for both resources, for pages, records and raw records, one request at a time and four.
func eachWay(t *testing.T, test func(t *testing.T, r resource, w way, concurrency int)) {
	t.Helper()
	for _, r := range resources {
		for name, w := range r.ways {
			for _, concurrency := range []int{1, 4} {
				t.Run(fmt.Sprintf("%s/%s/%d", r.name, name, concurrency), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { test(t, r, w, concurrency) })
				})
			}
		}
	}
}

// fewWays runs a test for messages, in each way once.
func fewWays(t *testing.T, test func(t *testing.T, r resource, w way, concurrency int)) {
	t.Helper()
	for _, tt := range []struct {
		way         string
		concurrency int
	}{{"records", 1}, {"pages", 4}, {"raw", 1}} {
		t.Run(fmt.Sprintf("%s/%d", tt.way, tt.concurrency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, messages, messages.ways[tt.way], tt.concurrency) })
		})
	}
}

// eachResource runs a test for both resources, one request at a time and four.
func eachResource(t *testing.T, test func(t *testing.T, r resource, concurrency int)) {
	t.Helper()
	for _, r := range resources {
		for _, concurrency := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s/%d", r.name, concurrency), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { test(t, r, concurrency) })
			})
		}
	}
}
