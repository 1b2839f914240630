package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/adasdk/ada-go/ada/adatest"
)

const (
	serveExportCommand = "serve-export"
	servedRoute        = "/served"

	// Ada's programs know the versions of the API before v2 alone. Of those, v1.4 has the most of v2's fields.
	oldRoute = "/data_api/v1.4/conversations"

	// bare is how Ada writes timestamps in links.
	bare = "2006-01-02T15:04:05.000000"
)

// export is what the server has at its URL.
type export struct {
	URL          string
	Since, Until time.Time
	Records      int
	PageSize     int
}

func (e export) query() url.Values {
	return url.Values{
		"created_since": {e.Since.Format(time.RFC3339)},
		"created_to":    {e.Until.Format(time.RFC3339)},
		"page_size":     {strconv.Itoa(e.PageSize)},
	}
}

// served is what the server has answered since it was last asked.
type served struct {
	Requests int
	Records  int
	Bytes    int64
}

// take returns what a server has answered since the last time.
func (e export) take(ctx context.Context) (s served, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL+servedRoute, nil)
	if err != nil {
		return s, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	return s, json.NewDecoder(resp.Body).Decode(&s)
}

// startExportServer starts a process that serves an export of pages. stop ends it.
func startExportServer(ctx context.Context, pages, pageSize int) (e export, stop func(), err error) {
	stop, err = start(ctx, &e, serveExportCommand, "-pages", strconv.Itoa(pages), "-page-size", strconv.Itoa(pageSize))
	return e, stop, err
}

// serveExport is the process that serves an export. It ends with its standard input.
func serveExport(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet(serveExportCommand, flag.ContinueOnError)
	pages := flags.Int("pages", 0, "")
	pageSize := flags.Int("page-size", 0, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	until := time.Now().UTC().Truncate(day).Add(-day)
	e := export{Since: until.Add(-50 * day), Until: until, Records: *pages * *pageSize, PageSize: *pageSize} // one window of Ada's
	srv := adatest.New(adatest.RateLimit(0, 0))
	defer srv.Close()
	srv.Generate(adatest.Generated{Seed: 1, Conversations: e.Records, Since: e.Since, Until: e.Until})
	pager, err := newPager(srv, e)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e.URL = "http://" + listener.Addr().String()
	if err := json.NewEncoder(stdout).Encode(e); err != nil {
		return err
	}
	go func() { _ = http.Serve(listener, pager) }()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// pager answers as the fake does, but from records that are rendered already: the fake takes longer for a page than
// those who read it.
type pager struct {
	shelves map[string]*shelf // by the route
	mu      sync.Mutex
	served  served
}

// shelf has all records of one version of the API, in the order of their creation.
type shelf struct {
	text  []byte // the records, with a comma behind each
	ends  []int  // of each record in text, without its comma
	times []time.Time
}

func newPager(srv http.Handler, e export) (*pager, error) {
	p := &pager{shelves: map[string]*shelf{}}
	for _, route := range []string{route, oldRoute} {
		s := &shelf{}
		for link := route + "?" + e.query().Encode(); link != ""; {
			req := httptest.NewRequest(http.MethodGet, link, nil)
			req.Header.Set("Authorization", "Bearer "+string(adatest.APIKey))
			answer := httptest.NewRecorder()
			srv.ServeHTTP(answer, req)
			if answer.Code != http.StatusOK {
				return nil, fmt.Errorf("the fake: %d %s", answer.Code, answer.Body)
			}
			var err error
			if link, err = s.add(answer.Body.Bytes()); err != nil {
				return nil, err
			}
		}
		if len(s.ends) != e.Records {
			return nil, fmt.Errorf("%d records of %d, some of them at one time", len(s.ends), e.Records)
		}
		p.shelves[route] = s
	}
	return p, nil
}

// add adds the records of a page, and returns the link to the next one.
func (s *shelf) add(page []byte) (next string, err error) {
	var decoded struct {
		Data []json.RawMessage `json:"data"`
		Next string            `json:"next_page_uri"`
		Meta struct {
			Next string `json:"next_page_uri"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(page, &decoded); err != nil {
		return "", err
	}
	for _, record := range decoded.Data {
		var dated struct {
			Created string `json:"date_created"`
		}
		if err := json.Unmarshal(record, &dated); err != nil {
			return "", err
		}
		at, err := parseTime(dated.Created)
		if err != nil {
			return "", err
		}
		s.text = append(s.text, record...)
		s.ends = append(s.ends, len(s.text))
		s.text = append(s.text, ',')
		s.times = append(s.times, at)
	}
	return cmp.Or(decoded.Next, decoded.Meta.Next), nil
}

// parseTime reads a time as Ada writes them, in UTC where it has no zone.
func parseTime(text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	return time.Parse("2006-01-02T15:04:05", text) // with a fraction or without
}

func (p *pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == servedRoute {
		p.mu.Lock()
		defer p.mu.Unlock()
		_ = json.NewEncoder(w).Encode(p.served) // the client may be gone, here and below
		p.served = served{}
		return
	}
	s, params := p.shelves[r.URL.Path], r.URL.Query()
	since, err1 := parseTime(params.Get("created_since"))
	to, err2 := parseTime(params.Get("created_to"))
	size, err3 := strconv.Atoi(cmp.Or(params.Get("page_size"), "10000"))
	if s == nil || err1 != nil || err2 != nil || err3 != nil {
		http.Error(w, "not a request for a page", http.StatusBadRequest)
		return
	}
	before := func(at, limit time.Time) int { return at.Compare(limit) }
	first, _ := slices.BinarySearchFunc(s.times, since, before)
	end, _ := slices.BinarySearchFunc(s.times, to, before)
	next := ""
	if end-first > size {
		end = first + size
		params.Set("created_since", s.times[end].Format(bare))
		params.Set("created_to", strings.TrimSuffix(to.Format(bare), ".000000"))
		// A slash in front, which Ada's documentation also shows, would be a second one in what its programs ask for.
		next = r.URL.Path[1:] + "?" + params.Encode()
		w.Header().Set("Link", "<"+next+`>; rel="next"`)
	}
	var records []byte
	if end > first {
		from := 0
		if first > 0 {
			from = s.ends[first-1] + len(",")
		}
		records = s.text[from:s.ends[end-1]]
	}
	const opening = `{"data":[`
	closing := closing(r.URL.Path, next)
	length := len(opening) + len(records) + len(closing)
	p.mu.Lock()
	p.served.Requests++
	p.served.Records += end - first
	p.served.Bytes += int64(length)
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(length))
	_, _ = io.WriteString(w, opening)
	_, _ = w.Write(records)
	_, _ = io.WriteString(w, closing)
}

// closing is what is behind the records of a page.
func closing(path, next string) string {
	link := "null"
	if next != "" {
		link = `"` + next + `"`
	}
	if path == route {
		return `],"meta":{"next_page_uri":` + link + `}}`
	}
	return `],"message":"OK","next_page_uri":` + link + `}`
}
