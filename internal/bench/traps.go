package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/adasdk/ada-go/internal/bench/plain"
)

const oldMessages = "/data_api/v1/messages"

// trap is a set of messages, and what is asked for.
type trap struct {
	title    string
	times    []time.Time
	since    time.Time
	until    time.Time // zero: not said
	pageSize int
}

func traps(now time.Time) []trap {
	at := now.Add(-10 * day)
	since := at.Add(-time.Second)
	const short = 100
	around := func(n, crowd int) []time.Time {
		return slices.Concat(repeated(n, at, time.Second), repeated(crowd, at.Add(time.Hour), 0), repeated(n, at.Add(2*time.Hour), time.Second))
	}
	var thirds []time.Time
	for i := range 500 {
		thirds = append(thirds, at.Add(time.Duration(i/3)*time.Second))
	}
	return []trap{
		{"E1 none at one time", repeated(5000, at, time.Minute), since, now, short},
		{"E2 three a second", thirds, since, now, short},
		{"E3 a page at one time", around(950, 100), since, now, short},
		{"E4 a page and one", around(500, 101), since, now, short},
		{"E5 10,001 at one time", repeated(10_001, at, 0), since, now, 10_000},
		{"E6 30 days, no end", repeated(720, now.Add(-30*day), time.Hour), now.Add(-30 * day), time.Time{}, 10_000},
		{"E7 120 days", repeated(2880, now.Add(-120*day), time.Hour), now.Add(-120 * day), now, 10_000},
	}
}

// repeated returns times: n from the first on, with a step between them.
func repeated(n int, first time.Time, step time.Duration) []time.Time {
	times := make([]time.Time, n)
	for i := range times {
		times[i] = first.Add(time.Duration(i) * step)
	}
	return times
}

// prey is one who exports messages. It returns the ids of those that it got, also with an error.
type prey struct {
	title       string
	read        func(ctx context.Context, q sampleQuery) (ids []string, err error)
	concurrency int // of the SDK; 0: it is another
}

// measureTraps is suite traps.
func measureTraps(ctx context.Context, c config) (section, error) {
	now := time.Now().UTC().Truncate(time.Hour)
	sets := traps(now)
	late := lateMessages(now.Add(-20*day), c.hours)
	s := section{
		title:   "Records lost / doubled",
		columns: []string{""},
		notes: []string{
			"messages of the fake, which pages as Ada does: a link is the time of the next record, and that record is in the next page",
			"E1 to E4 with 100 messages a page, the others with 10,000",
			fmt.Sprintf("endless: asked for the same page %d times, and cut off", mostRepeated),
			"E6 says only where it begins, which is seven days for Ada; E7 asks for more than the 60 days that Ada allows, which the fake refuses; programs that do not look at the status then fail at a page without records",
			fmt.Sprintf("E10: %d messages in %d hours, one of twenty of them up to six hours late; an export in each hour, of what came since the last. "+
				"With a lag of six hours, as Query.Lag has it, exports end six hours before they run", len(late), c.hours),
		},
	}
	for _, t := range sets {
		s.columns = append(s.columns, t.title)
	}
	s.columns = append(s.columns, "E10 late records", "E10 with a lag")

	samples, skipped := findSamples(ctx)
	s.skipped = skipped
	preys := []prey{
		{"**this SDK**", readMessages(1), 1},
		{"**this SDK, `Concurrency` 4**", readMessages(4), 4},
		{"plain oapi-codegen client, following the links", followMessages, 0},
	}
	for _, x := range samples {
		s.notes = append(s.notes, x.title+": "+x.version+"; replaced are "+x.replaced)
		preys = append(preys, prey{x.title, func(ctx context.Context, q sampleQuery) ([]string, error) {
			q.Route = oldMessages
			r, err := x.run(ctx, q, true)
			if err == nil && r.Error != "" {
				err = errors.New(r.Error)
			}
			return r.IDs, err
		}, 0})
	}
	for _, p := range preys {
		row := []string{p.title}
		for _, t := range sets {
			c.progress("traps: %s, %s", t.title, p.title)
			o, err := t.catch(ctx, p)
			if err != nil {
				return section{}, fmt.Errorf("%s, %s: %w", t.title, p.title, err)
			}
			row = append(row, o.String())
		}
		c.progress("traps: E10, %s", p.title)
		for _, lag := range []time.Duration{0, longestDelay} {
			if lag > 0 && p.concurrency == 0 {
				row = append(row, "-") // by hand, anyone can
				continue
			}
			o, err := exportHourly(ctx, p, late, now.Add(-20*day), c.hours, lag)
			if err != nil {
				return section{}, fmt.Errorf("E10, %s: %w", p.title, err)
			}
			row = append(row, o.String())
		}
		s.rows = append(s.rows, row)
	}
	return s, nil
}

// outcome is what became of the records.
type outcome struct {
	lost, doubled int
	endless       bool
	err           error
}

func (o outcome) String() string {
	switch {
	case o.endless:
		return "endless"
	case errors.Is(o.err, dataexport.ErrStuck):
		return fmt.Sprintf("%d / %d, `ErrStuck`", o.lost, o.doubled)
	case o.err != nil:
		return fmt.Sprintf("%d / %d, error", o.lost, o.doubled)
	}
	return fmt.Sprintf("%d / %d", o.lost, o.doubled)
}

// judge compares what there is with what came.
func judge(have []adatest.Record, ids []string) (o outcome, err error) {
	times := map[string]int{}
	for _, r := range have {
		times[r.ID] = 0
	}
	for _, id := range ids {
		if _, ok := times[id]; !ok {
			return o, fmt.Errorf("there is no record %q", id)
		}
		times[id]++
	}
	for _, n := range times {
		if n == 0 {
			o.lost++
		} else {
			o.doubled += n - 1
		}
	}
	return o, nil
}

func (t trap) catch(ctx context.Context, p prey) (o outcome, err error) {
	srv, url, stop := startFake()
	defer stop()
	var have []adatest.Record
	for i, at := range t.times {
		have = append(have, message(i, at))
	}
	srv.AddMessages(have...)
	ids, failed := p.read(ctx, sampleQuery{URL: url, Since: t.since, Until: t.until, PageSize: t.pageSize})
	if o, err = judge(have, ids); err != nil {
		return o, err
	}
	o.err, o.endless = failed, srv.endless()
	return o, nil
}

func message(i int, at time.Time) adatest.Record {
	return adatest.Record{ID: fmt.Sprintf("%024x", i), CreatedAt: at}
}

// mostRepeated is how often the same page can be asked for.
const mostRepeated = 5

// guarded is a fake that cuts off who asks for the same page for ever.
type guarded struct {
	*adatest.Server
	mu       sync.Mutex
	asked    map[string]int
	repeated bool
}

// startFake serves a fake to other processes too. stop ends it.
func startFake() (srv *guarded, url string, stop func()) {
	srv = &guarded{
		// Ada's programs put a slash in front of the links themselves.
		Server: adatest.New(adatest.RateLimit(0, 0), adatest.WithExportQuirks(adatest.ExportQuirks{Links: adatest.SlashlessLinks})),
		asked:  map[string]int{},
	}
	listening := httptest.NewServer(srv)
	return srv, listening.URL, func() {
		listening.Close()
		srv.Close()
	}
}

func (g *guarded) endless() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.repeated
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.asked[r.URL.String()]++
	over := g.asked[r.URL.String()] > mostRepeated
	g.repeated = g.repeated || over
	g.mu.Unlock()
	if over {
		http.Error(w, "{}", http.StatusLoopDetected)
		return
	}
	g.Server.ServeHTTP(w, r)
}

func readMessages(concurrency int) func(context.Context, sampleQuery) ([]string, error) {
	return func(ctx context.Context, q sampleQuery) (ids []string, err error) {
		client, err := unpaced(q.URL)
		if err != nil {
			return nil, err
		}
		for m, err := range client.Messages(ctx, dataexport.Query{Since: q.Since, Until: q.Until, PageSize: q.PageSize, Concurrency: concurrency}) {
			if err != nil {
				return ids, err
			}
			ids = append(ids, m.ID)
		}
		return ids, nil
	}
}

func followMessages(ctx context.Context, q sampleQuery) (ids []string, err error) {
	key := func(_ context.Context, req *http.Request) error {
		req.Header.Set("Authorization", "Bearer "+string(adatest.APIKey))
		return nil
	}
	client, err := plain.NewClientWithResponses(q.URL, plain.WithRequestEditorFn(key))
	if err != nil {
		return nil, err
	}
	params := &plain.ExportMessagesParams{CreatedSince: q.Since.Format(time.RFC3339), PageSize: &q.PageSize}
	if !q.Until.IsZero() {
		to := q.Until.Format(time.RFC3339)
		params.CreatedTo = &to
	}
	for {
		resp, err := client.ExportMessagesWithResponse(ctx, params)
		if err != nil {
			return ids, err
		}
		if resp.JSON200 == nil {
			return ids, fmt.Errorf("the answer is %s", resp.Status())
		}
		for _, m := range resp.JSON200.Data {
			ids = append(ids, m.UnderscoreId)
		}
		next, err := nextSince(resp.JSON200.Meta)
		if err != nil || next == "" {
			return ids, err
		}
		params.CreatedSince = next
	}
}

// longestDelay is how late records come at most.
const longestDelay = 6 * time.Hour

// lateMessages are ten in each hour, of which one in twenty comes late.
func lateMessages(first time.Time, hours int) (ms []adatest.Record) {
	random := rand.New(rand.NewPCG(1, 2))
	for i, at := range repeated(10*hours, first, 6*time.Minute) {
		m := message(i, at)
		m.ArrivesAt = at
		if random.IntN(20) == 0 {
			m.ArrivesAt = at.Add(time.Duration(random.Int64N(int64(longestDelay))))
		}
		ms = append(ms, m)
	}
	return ms
}

// exportHourly exports what each hour brought, as if it had just ended. The SDK goes on from its checkpoint.
func exportHourly(ctx context.Context, p prey, messages []adatest.Record, first time.Time, hours int, lag time.Duration) (o outcome, err error) {
	srv, url, stop := startFake()
	defer stop()
	client, err := unpaced(url)
	if err != nil {
		return o, err
	}
	var ids []string
	var here dataexport.Checkpoint
	coming := messages
	for hour := range hours + int((longestDelay+lag)/time.Hour) {
		now := first.Add(time.Duration(hour+1) * time.Hour)
		coming = slices.DeleteFunc(slices.Clone(coming), func(m adatest.Record) bool {
			if m.ArrivesAt.After(now) {
				return false
			}
			m.ArrivesAt = time.Time{}
			srv.AddMessages(m)
			return true
		})
		until := now.Add(-lag)
		if !until.After(first) {
			continue
		}
		if p.concurrency == 0 {
			got, err := p.read(ctx, sampleQuery{URL: url, Since: until.Add(-time.Hour), Until: until, PageSize: 10_000})
			if err != nil {
				return o, err
			}
			ids = append(ids, got...)
			continue
		}
		for page, err := range client.MessagePages(ctx, dataexport.Query{Since: first, Until: until, Resume: here, Concurrency: p.concurrency}) {
			if err != nil {
				return o, err
			}
			for m, err := range page.Records() {
				if err != nil {
					return o, err
				}
				ids = append(ids, m.ID)
			}
			here = page.Next
		}
	}
	return judge(messages, ids)
}
