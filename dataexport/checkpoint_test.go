package dataexport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/adasdk/ada-go/internal/faults"
)

// crowded is data with many records at the same time, and on the borders of pages and of windows of an hour.
func crowded(since time.Time) []adatest.Record {
	var times []time.Time
	for i := range 100 {
		times = append(times, since.Add(time.Duration(i/3)*time.Second))
	}
	times = append(times, repeated(102, since.Add(time.Hour), 0)...)
	times = append(times, repeated(20, since.Add(time.Hour+time.Second), 20*time.Millisecond)...)
	times = append(times, repeated(30, since.Add(3*time.Hour), time.Millisecond)...)
	return records(times...)
}

// store is where a program keeps what it exported.
type store struct {
	records    []string
	checkpoint dataexport.Checkpoint
}

// Whenever a program is killed, it goes on from its checkpoint without a loss. Where it commits the checkpoint with the
// page, nothing comes twice either; where it does so later, at most the last page.
func TestKillAndResume(t *testing.T) {
	t.Parallel()
	for _, together := range []bool{true, false} {
		t.Run(fmt.Sprintf("together %t", together), func(t *testing.T) {
			eachResource(t, func(t *testing.T, r resource, concurrency int) {
				srv := adatest.NewServer(t, unlimited)
				since := epoch.Add(-4 * time.Hour)
				rs := crowded(since)
				r.add(srv, rs...)
				want := inOrder(rs, since, epoch)
				q := dataexport.Query{Since: since, Until: epoch, PageSize: 100, Window: time.Hour, Concurrency: concurrency}
				// export runs until the kill-th request of the client, or the kill-th page; it returns how many there were.
				export := func(s *store, killRequest, killPage int) (sent, pages, largest int, err error) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					var requests atomic.Int64
					c := client(t, srv, through(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
						if int(requests.Add(1)) == killRequest {
							cancel()
						}
						return next.RoundTrip(req)
					}))
					defer func() { sent = int(requests.Load()) }()
					q := q
					q.Resume = s.checkpoint
					for p, e := range r.pages(ctx, c, q) {
						if e != nil {
							return 0, pages, largest, e
						}
						s.records = append(s.records, ids(p.Records)...)
						largest = max(largest, len(p.Records))
						if pages == killPage && !together {
							break // between the page and its checkpoint
						}
						s.checkpoint = p.Next
						if pages == killPage {
							break
						}
						pages++
					}
					return 0, pages, largest, nil
				}
				var whole store
				sent, pages, _, err := export(&whole, -1, -1)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, whole.records); diff != "" {
					t.Fatalf("(-want +got)\n%s", diff)
				}
				resume := func(what string, s store, largest int) {
					if _, _, _, err := export(&s, -1, -1); err != nil {
						t.Fatalf("%s: %v", what, err)
					}
					if together {
						if diff := cmp.Diff(want, s.records); diff != "" {
							t.Errorf("%s (-want +got)\n%s", what, diff)
						}
						return
					}
					slices.Sort(s.records)
					doubled := len(s.records)
					s.records = slices.Compact(s.records)
					doubled -= len(s.records)
					if diff := cmp.Diff(want, s.records); diff != "" || doubled > largest {
						t.Errorf("%s: %d came twice, of a page of %d (-want +got)\n%s", what, doubled, largest, diff)
					}
				}
				for k := 1; k <= sent; k++ {
					var s store
					n, done, largest, err := export(&s, k, -1)
					if n >= k && !errors.Is(err, context.Canceled) {
						t.Fatalf("killed at request %d: %v", k, err)
					}
					if n >= k && done > 0 && exportError(t, err).Checkpoint != s.checkpoint {
						t.Errorf("killed at request %d: the error's checkpoint is another", k)
					}
					resume(fmt.Sprintf("killed at request %d", k), s, largest)
				}
				for k := range pages {
					var s store
					_, _, largest, _ := export(&s, -1, k)
					resume(fmt.Sprintf("killed at page %d", k), s, largest)
				}
			})
		})
	}
}

// An export that is stopped after each page and goes on with other sizes, windows and concurrency is the same.
func TestResumeOtherwise(t *testing.T) {
	for _, r := range resources {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t, unlimited)
			since := epoch.Add(-4 * time.Hour)
			rs := crowded(since)
			r.add(srv, rs...)
			var got []string
			var at dataexport.Checkpoint
			for i := range 1000 {
				q := dataexport.Query{
					Until: epoch, PageSize: 100 + i%3, Window: time.Duration(1+i%5) * 17 * time.Minute, Concurrency: 1 + i%4, Lag: time.Duration(i % 2), Resume: at,
				}
				if i%2 == 0 {
					q.Since = since.In(time.FixedZone("", 3600))
				}
				done := true
				for p, err := range r.pages(t.Context(), client(t, srv), q) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, ids(p.Records)...)
					at = p.Next
					done = false
					break
				}
				if done && i > 0 {
					break
				}
			}
			if diff := cmp.Diff(inOrder(rs, since, epoch), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A finished export goes on with what is new: at once there is nothing, and nothing is asked for.
func TestResumeFinished(t *testing.T) {
	eachResource(t, func(t *testing.T, r resource, concurrency int) {
		srv := adatest.NewServer(t, unlimited)
		c := client(t, srv)
		since := epoch.Add(-time.Hour)
		rs := records(slices.Concat(repeated(150, since, time.Second), repeated(3, epoch.Add(-1000), 0), repeated(3, epoch, 0), repeated(200, epoch.Add(time.Minute), 0))...)
		q := dataexport.Query{Since: since, PageSize: 100, Concurrency: concurrency}
		r.add(srv, rs[:153]...)
		export := func() []string {
			t.Helper()
			pages, err := collectPages(r.pages(t.Context(), c, q))
			if err != nil {
				t.Fatal(err)
			}
			if len(pages) > 0 {
				q.Resume = pages[len(pages)-1].Next
			}
			return idsOfPages(pages)
		}
		got := export()
		before := requests(t, srv)
		got = append(got, export()...)
		if n := requests(t, srv); n != before {
			t.Errorf("%d requests for nothing", n-before)
		}
		r.add(srv, rs[153:]...) // the first of them where the export ended
		for range 3 {
			time.Sleep(time.Hour)
			got = append(got, export()...)
		}
		if diff := cmp.Diff(inOrder(rs, since, epoch.Add(day)), got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// made returns a checkpoint of an export that q describes.
func made(t testing.TB, c *dataexport.Client, r resource, q dataexport.Query) dataexport.Checkpoint {
	t.Helper()
	for p, err := range r.pages(t.Context(), c, q) {
		if err != nil {
			t.Fatal(err)
		}
		return p.Next
	}
	t.Fatal("no page")
	return ""
}

// refused checks that a checkpoint is refused before anything is sent.
func refused(t *testing.T, srv *adatest.Server, c *dataexport.Client, r resource, q dataexport.Query, want ...string) {
	t.Helper()
	before := len(srv.Calls())
	for name, w := range r.ways {
		got, err := collect(w(t.Context(), c, q))
		if !errors.Is(err, dataexport.ErrCheckpoint) || len(got) > 0 || len(srv.Calls()) != before {
			t.Errorf("%s: %.100q: %d records, %d requests, %v", name, q.Resume, len(got), len(srv.Calls())-before, err)
			return
		}
		if diff := cmp.Diff(want, faultsOf(t, err)); diff != "" && want != nil {
			t.Errorf("%s: %.100q (-want +got)\n%s", name, q.Resume, diff)
		}
	}
}

func TestDamagedCheckpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, unlimited)
		c := client(t, srv)
		messages.add(srv, records(repeated(3, epoch.Add(-time.Second), 0)...)...)
		q := dataexport.Query{Since: epoch.Add(-time.Hour), Until: epoch.Add(-time.Millisecond)}
		good := string(made(t, c, messages, q))
		try := func(text string, want ...string) {
			t.Helper()
			q.Resume = dataexport.Checkpoint(text)
			refused(t, srv, c, messages, q, want...)
		}
		const damaged, other = "Resume is damaged", "Resume is of another version of this package"
		for i := range good {
			for bit := range 8 {
				flipped := []byte(good)
				flipped[i] ^= 1 << bit
				want := damaged
				if i == 0 && flipped[0] >= '0' && flipped[0] <= '9' {
					want = other
				}
				try(string(flipped), want)
			}
			if i > 0 { // an empty one is none
				try(good[:i], damaged)
				try(good[i:])
			}
			try(good[:i]+good[i+1:], damaged)
			try(good[:i]+" "+good[i:], damaged)
		}
		for _, text := range []string{" ", "\n", good + "\n", good + good, strings.ToUpper(good), "0", "{}", "null", "1:", "1::", "1:00000000:", "1:00000000:{}", ":" + good, "-1" + good[1:], "01" + good[1:]} {
			want := damaged
			if strings.HasPrefix(text, "01") {
				want = other
			}
			try(text, want)
		}
		try("2"+good[1:], other)
		try("2:anything", other)
		try("65535:", damaged)
		content := good[strings.Index(good, "{"):]
		for _, wrong := range []string{
			strings.Replace(content, `"tenant"`, `"Tenant"`, 1), // not as it is written
			strings.Replace(content, `{"tenant"`, `{"new":1,"tenant"`, 1),
			strings.Replace(content, `"r-000000",`, `"r-000000","r-000000",`, 1),
			strings.Replace(content, `"r-000000","r-000001"`, `"r-000001","r-000000"`, 1),
			strings.Replace(content, `"seen":{"`, `"seen":{"yesterday":[],"`, 1),
			strings.Replace(content, `"at":"1999-12-31T23:59:59.999Z"`, `"at":"0001-01-01T00:00:00Z"`, 1),
			strings.Replace(content, `"at":"1999-12-31T23:59:59.999Z"`, `"at":"1999-12-31T23:59:59.999+00:00"`, 1),
			content + " ",
			`{}`, `[]`, `null`, ``,
		} {
			if wrong == content {
				t.Errorf("nothing is wrong with %s", content)
			}
			try(signed(wrong), damaged)
		}
		if signed(content) != good {
			t.Errorf("%s is not how %s is signed", signed(content), good)
		}
		if strings.Contains(good, string(adatest.APIKey)) || len(good) > 400 {
			t.Errorf("a checkpoint is %s", good)
		}
	})
}

func signed(content string) string {
	return fmt.Sprintf("1:%08x:%s", crc32.ChecksumIEEE([]byte(content)), content)
}

// A checkpoint is good for the export that it is of.
func TestOtherCheckpoints(t *testing.T) {
	const (
		tenant       = "Resume is of another AI Agent"
		api          = "Resume is of another version or resource of the API"
		order        = "Resume is of an export in another order"
		conversation = "Resume is of another conversation"
		beginning    = "Resume is of an export with another Since"
	)
	since := epoch.Add(-time.Hour)
	type export struct {
		resource resource
		query    dataexport.Query
	}
	base := dataexport.Query{Since: since}
	tests := []struct {
		name       string
		of, goesTo export
		baseURL    string
		want       []string
	}{
		{"messages for conversations", export{messages, base}, export{conversations, base}, "", []string{api}},
		{"conversations for messages", export{conversations, base}, export{messages, base}, "", []string{api}},
		{"v2 for v1.4", export{messages, base}, export{messages, dataexport.Query{Since: since, Version: dataexport.V1_4}}, "", []string{api}},
		{"v1.1 for v1", export{messages, dataexport.Query{Since: since, Version: dataexport.V1_1}}, export{messages, dataexport.Query{Since: since, Version: dataexport.V1}}, "", []string{api}},
		{"created for updated", export{conversations, base}, export{conversations, dataexport.Query{Since: since, By: dataexport.ByUpdated}}, "", []string{order}},
		{"updated for created", export{conversations, dataexport.Query{Since: since, By: dataexport.ByUpdated}}, export{conversations, base}, "", []string{order}},
		{"all for one conversation", export{messages, base}, export{messages, dataexport.Query{Since: since, ConversationID: "c-1"}}, "", []string{conversation}},
		{"one conversation for all", export{messages, dataexport.Query{Since: since, ConversationID: "c-1"}}, export{messages, base}, "", []string{conversation}},
		{"one conversation for another", export{messages, dataexport.Query{Since: since, ConversationID: "c-1"}}, export{messages, dataexport.Query{Since: since, ConversationID: "c-2"}}, "", []string{conversation}},
		{"a later Since", export{messages, base}, export{messages, dataexport.Query{Since: since.Add(1)}}, "", []string{beginning}},
		{"an earlier Since", export{messages, base}, export{messages, dataexport.Query{Since: since.Add(-time.Hour)}}, "", []string{beginning}},
		{"another AI Agent", export{messages, base}, export{messages, base}, "https://localhost", []string{tenant}},
		{"another port", export{messages, base}, export{messages, base}, "http://localhost:8080", []string{tenant}},
		{"another path", export{messages, base}, export{messages, base}, "http://localhost/ada", []string{tenant}},
		{
			"all of another",
			export{messages, dataexport.Query{Since: since, ConversationID: "c-1"}},
			export{conversations, dataexport.Query{Since: since.Add(1), By: dataexport.ByUpdated, Version: dataexport.V1, PageSize: 1}},
			"https://localhost",
			[]string{tenant, api, order, conversation, beginning, "PageSize is not within 100 and 10,000"},
		},
		{"the same", export{messages, base}, export{messages, base}, "", nil},
		{"without Since", export{messages, base}, export{messages, dataexport.Query{}}, "", nil},
		{"with what may differ", export{conversations, base}, export{conversations, dataexport.Query{
			Since: since.In(time.FixedZone("", 7200)), Until: epoch.Add(time.Hour), PageSize: 200, Window: time.Minute, Lag: 1, Concurrency: 7,
			Version: dataexport.V2, By: dataexport.ByCreated,
		}}, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t, unlimited)
				q := tt.goesTo.query
				q.Resume = made(t, client(t, srv), tt.of.resource, tt.of.query)
				c := client(t, srv, func(c *ada.Config) {
					if tt.baseURL != "" {
						c.BaseURL = tt.baseURL
					}
				})
				if tt.want != nil {
					refused(t, srv, c, tt.goesTo.resource, q, tt.want...)
					return
				}
				if _, err := collect(tt.goesTo.resource.ways["raw"](t.Context(), c, q)); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A position that Ada no longer has, and an end in front of it, are wrong, but not the checkpoint.
func TestResumeOutOfRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, unlimited)
		c := client(t, srv)
		resume := made(t, c, messages, dataexport.Query{Since: epoch.Add(-time.Hour)})
		for _, tt := range []struct {
			now, until time.Time
			want       []string
		}{
			{epoch, epoch, nil},
			{epoch, epoch.Add(-1), []string{"Until is before the position of Resume"}},
			{epoch, epoch.Add(-30 * time.Minute), []string{"Until is before the position of Resume"}},
			{epoch.Add(time.Hour), epoch.Add(time.Minute), nil},
			{epoch.AddDate(1, 0, 0), time.Time{}, nil},
			{epoch.AddDate(1, 0, 0).Add(1), time.Time{}, []string{"Resume is at a position from before the last 12 months, which Ada no longer has"}},
			{epoch.AddDate(3, 0, 0), time.Time{}, []string{"Resume is at a position from before the last 12 months, which Ada no longer has"}},
		} {
			time.Sleep(time.Until(tt.now))
			before := len(srv.Calls())
			_, err := collect(messages.ways["raw"](t.Context(), c, dataexport.Query{Until: tt.until, Resume: resume}))
			if diff := cmp.Diff(tt.want, faultsOf(t, err)); diff != "" || errors.Is(err, dataexport.ErrCheckpoint) {
				t.Errorf("%s: %v (-want +got)\n%s", tt.now, err, diff)
			}
			if err != nil && len(srv.Calls()) != before {
				t.Errorf("%s: it was sent", tt.now)
			}
		}
	})
}

// A checkpoint that is accepted is to the byte one that an export has made; nothing else is, and nothing panics.
func FuzzCheckpoint(f *testing.F) {
	empty := faults.RoundTripper(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"data":[]}`)), Request: req}, nil
	})
	a, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: "key", HTTP: ada.HTTPConfig{Client: &http.Client{Transport: empty}, Limiter: ada.Unpaced}})
	if err != nil {
		f.Fatal(err)
	}
	c := dataexport.New(a)
	type state struct {
		Tenant       string              `json:"tenant"`
		API          string              `json:"api"`
		By           string              `json:"by"`
		Conversation string              `json:"conversation,omitempty"`
		Since        time.Time           `json:"since"`
		At           time.Time           `json:"at"`
		Seen         map[string][]string `json:"seen,omitempty"`
	}
	now := time.Now().UTC().Truncate(time.Second)
	good := state{"https://acme.ada.support/", "v2/messages", "created", "", now.Add(-time.Hour), now.Add(-time.Minute), map[string][]string{"": {"a"}, now.Format(time.RFC3339Nano): {"b", "c"}}}
	content, _ := json.Marshal(good)
	f.Add(string(content), true)
	f.Add(signed(string(content)), false)
	f.Add(strings.Replace(string(content), "tenant", "TENANT", 1), true)
	f.Add(`{}`, true)
	f.Add(`{"seen":{"":[]}}`, true)
	f.Fuzz(func(t *testing.T, text string, sign bool) {
		if sign {
			text = signed(text)
		}
		if text == "" {
			return
		}
		_, err := collect(messages.ways["raw"](t.Context(), c, dataexport.Query{Resume: dataexport.Checkpoint(text)}))
		if err != nil {
			if !errors.Is(err, ada.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		content, ok := strings.CutPrefix(text, "1:"+fmt.Sprintf("%08x:", crc32.ChecksumIEEE([]byte(text[min(len(text), 11):]))))
		if !ok {
			t.Fatalf("%q is accepted", text)
		}
		var s state
		d := json.NewDecoder(strings.NewReader(content))
		d.DisallowUnknownFields()
		if err := d.Decode(&s); err != nil {
			t.Fatalf("%q is accepted: %v", text, err)
		}
		for at, ids := range s.Seen {
			if !slices.IsSorted(ids) || len(ids) == 0 {
				t.Errorf("%q is accepted with ids at %s", text, at)
			}
		}
		if again, _ := json.Marshal(s); string(again) != content {
			t.Errorf("%q is accepted, and not %q", content, again)
		}
	})
}
