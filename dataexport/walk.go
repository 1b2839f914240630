package dataexport

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/wiretime"
)

// walk is an export under way.
//
// Ada pages by time: a link carries the timestamp of the next record, and everything at that timestamp comes (again)
// on the next page. So a walk takes only the time from a link, asks for pages by it with both ends set, and leaves out
// what the page before had at its end.
type walk struct {
	client  *ada.Client
	op      ada.Operation
	request func(since, until string, size int) (*http.Request, error)
	opts    []ada.CallOption
	query   Query
	state   state
	here    place // all before it has been handed out
	until   time.Time
	step    time.Duration // the longest part that is asked for next

	length, records float64 // of the parts that were fetched last
}

// part is a part of the export, which becomes one page.
type part struct {
	from, to time.Time
	started  bool
	done     bool
	content  *content
	more     time.Time // where the rest begins that was too much for the page; zero: there is none
	err      error
}

func (p *part) end() time.Time {
	if p.more.IsZero() {
		return p.to
	}
	return p.more
}

// run hands out the pages in their order, and at last the error if there is one. Where several parts are fetched at
// once, each is cut so that it fills about one page, judging by the last few: whatever comes out of order has to wait,
// and with longer parts all but the first would wait for pages that only follow one another.
func (w *walk) run(ctx context.Context, page func(c *content, from, to time.Time) bool, fail func(error)) {
	ctx, cancel := context.WithCancel(ctx)
	limit := max(w.query.Concurrency, 1)
	results := make(chan *part, limit)
	var queue []*part
	var contents, spare []*content // those that were made, and of them those that no part has
	var fetching sync.WaitGroup
	defer func() {
		cancel()
		fetching.Wait()
		for _, c := range contents {
			c.close()
		}
	}()
	fetch := func(p *part) {
		p.more, p.err = w.fetch(ctx, p.content, p.from, p.to)
		results <- p
	}
	if w.here.at.Before(w.until) {
		queue = []*part{{from: w.here.at, to: w.until}}
	}
	running, known := 0, limit == 1
	for len(queue) > 0 {
		for running < limit {
			next := due(queue)
			if next < 0 || next > 0 && (!known || held(queue) >= 2*limit-1) {
				break // before a page has come nobody knows how long the others can be
			}
			p := queue[next]
			if cut := p.from.Add(w.step); cut.Before(p.to) {
				queue = slices.Insert(queue, next+1, &part{from: cut, to: p.to})
				p.to = cut
			}
			if len(spare) == 0 {
				spare = append(spare, new(content))
				contents = append(contents, spare[0])
			}
			p.content, spare = spare[0], spare[1:]
			p.started = true
			running++
			if limit == 1 {
				fetch(p)
			} else {
				fetching.Go(func() { fetch(p) })
			}
		}
		if first := queue[0]; first.done {
			if first.err == nil {
				first.err = ctx.Err()
			}
			if first.err != nil {
				fail(w.error(first.from, first.to, first.err))
				return
			}
			if !page(first.content, first.from, first.end()) {
				return
			}
			spare = append(spare, first.content)
			queue = queue[1:]
			continue
		}
		p := <-results
		running--
		p.done = true
		if p.err != nil {
			continue
		}
		known = true
		w.learn(p, limit)
		if !p.more.IsZero() {
			queue = putBack(queue, p)
		}
	}
}

// due returns which part is to be fetched next; -1: none is left before the end, or before the first failure.
func due(queue []*part) int {
	next := slices.IndexFunc(queue, func(p *part) bool { return !p.started || p.done && p.err != nil })
	if next >= 0 && queue[next].started {
		return -1
	}
	return next
}

// putBack queues what of a part was too much for its page.
func putBack(queue []*part, p *part) []*part {
	next := slices.Index(queue, p) + 1
	if next < len(queue) && !queue[next].started {
		queue[next].from = p.more
		return queue
	}
	return slices.Insert(queue, next, &part{from: p.more, to: p.to})
}

// held is how many parts are under way or wait for their turn.
func held(queue []*part) (n int) {
	for _, p := range queue {
		if p.started {
			n++
		}
	}
	return n
}

// learn sets how long the next parts are, from how many records the last few had: one alone says little where days are
// busy and nights are not. A single reader has no reason to ask for less than all.
func (w *walk) learn(p *part, limit int) {
	if limit == 1 {
		return
	}
	const (
		kept    = 0.75 // of what was learned before
		longest = 8    // times what was just seen
	)
	w.length = kept*w.length + float64(p.end().Sub(p.from))
	w.records = kept*w.records + float64(len(p.content.entries))
	full := 0.9 * float64(w.pageSize()) / max(w.records, 1)
	step := time.Duration(min(full, longest) * w.length)
	w.step = min(max(step.Truncate(precision), minWindow), w.window())
}

func (w *walk) pageSize() int {
	if w.query.PageSize == 0 {
		return maxPage
	}
	return w.query.PageSize
}

func (w *walk) window() time.Duration {
	if w.query.Window == 0 {
		return maxWindow
	}
	return w.query.Window
}

// fetch brings one page into c, and says where the rest of the part begins, if there is any. When a page is full of
// records of one timestamp, it is fetched again as a larger one.
func (w *walk) fetch(ctx context.Context, c *content, from, to time.Time) (rest time.Time, err error) {
	for size := w.pageSize(); ; size = maxPage {
		req, err := w.request(stamp(from), stamp(to), size)
		if err != nil {
			return rest, w.op.Invalid(ada.Fault{Field: "the parameters", Reason: "cannot be encoded"})
		}
		read := ada.Stream(func(body io.Reader) error { return c.read(body, w.date()) })
		resp, err := w.client.Do(req.WithContext(ctx), w.op, read, w.opts...)
		if err != nil {
			return rest, err
		}
		if c.next == "" {
			return rest, nil
		}
		next, err := w.cursor(req, resp, c.next)
		switch {
		case err != nil:
			return rest, err
		case next.Before(from):
			return rest, w.op.Unusable(resp, ada.Fault{Field: "next_page_uri", Reason: "leads back"})
		case next.Equal(from) && size == maxPage:
			return rest, fmt.Errorf("%s: %w", w.op.Name, ErrStuck)
		case next.Equal(from):
			continue
		case next.Before(to):
			rest = next
		}
		return rest, nil
	}
}

// cursor returns the time in the link to a next page. The link itself is not followed, but one that leads to another
// place is not Ada's.
func (w *walk) cursor(req *http.Request, resp *ada.Response, link string) (time.Time, error) {
	if u, err := url.Parse(link); err == nil && u.Scheme == "" && u.Host == "" && u.Path != "" && u.Path[0] != '/' {
		link = "/" + link // Ada's own samples put a slash in front
	}
	req = req.Clone(req.Context())
	req.URL.RawQuery = ""
	next, err := w.client.NextPage(req, w.op, resp, link)
	if err != nil {
		return time.Time{}, err
	}
	at, ok := wiretime.Parse([]byte(strings.ReplaceAll(next.URL.Query().Get(string(w.query.by())+"_since"), " ", "+")))
	if !ok {
		return time.Time{}, w.op.Unusable(resp, ada.Fault{Field: "next_page_uri", Reason: "holds no time that can be read"})
	}
	return at.Truncate(precision), nil
}

// admit marks the records of the next page that were handed out before, and moves on to its end.
func (w *walk) admit(c *content, to time.Time) {
	// Records at the end of the page can come again with the next one, which begins with them. Their timestamps may be
	// less precise than the link's, but not by more than a second.
	border := to.Truncate(time.Second).UnixNano()
	next := place{at: to, seen: map[mark]bool{}}
	latest := int64(unplaced) // of what was handed out before
	for m := range w.here.seen {
		latest = max(latest, m.at)
		if m.at >= border {
			next.seen[m] = true
		}
	}
	c.fresh = 0
	for i := range c.entries {
		e := &c.entries[i]
		stays := e.at >= border || e.at == unplaced
		if stays || e.at <= latest {
			m := mark{c.id(i), e.at}
			if m.id != "" { // or it cannot be told from another
				e.repeated = w.here.seen[m]
				if stays {
					next.seen[m] = true
				}
			}
		}
		if !e.repeated {
			c.fresh++
		}
	}
	w.here = next
}

func (w *walk) error(from, to time.Time, err error) error {
	return &Error{Since: from, Until: to, Checkpoint: w.state.checkpoint(w.here), Err: err}
}

// date is the field that records are in order of.
func (w *walk) date() string { return "date_" + string(w.query.by()) }
