package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/adasdk/ada-go/internal/bench/plain"
)

const readExportCommand = "read-export"

// exporter is one way to read an export from its first page to its last. It returns how many records it got, and 0 if
// it does not look.
type exporter struct {
	name, title, label string
	own                bool // it is the SDK
	read               func(ctx context.Context, e export) (records int, err error)
}

var exporters = []exporter{
	{"floor", "floor: `io.Copy` to `io.Discard`", "io.Copy, the floor", false, discardExport},
	{"plain", "plain oapi-codegen client, following the links", "oapi-codegen client", false, exportPlain},
	{"typed", "**this SDK, typed**", "this SDK, typed", true, exportTyped(1)},
	{"typed4", "**this SDK, typed, `Concurrency` 4**", "this SDK, typed, 4 at once", true, exportTyped(4)},
	{"raw", "**this SDK, raw**", "this SDK, raw", true, exportRaw},
}

// measureExport is suite export.
func measureExport(ctx context.Context, c config) (section, error) {
	e, stop, err := startExportServer(ctx, c.pages, c.records)
	if err != nil {
		return section{}, err
	}
	defer stop()
	s := section{
		title:   "A whole export, page after page",
		columns: []string{"", "MB/s", "CPU s", "peak RSS MiB", "requests", "records"},
		notes: []string{
			fmt.Sprintf("%d pages of %d conversations, no two of them created at one time, over loopback HTTP/1.1 from rendered records", c.pages, c.records),
			"MB/s by the clock of the export alone; CPU time and memory of the whole process, start included",
			fmt.Sprintf("median of %d rounds (least to most)", c.rounds),
		},
	}
	// run is a contender, also one that is no Go.
	type run struct {
		name, title, label string
		own                bool
		measure            func() (measurement, error)
	}
	var runs []run
	for _, x := range exporters {
		runs = append(runs, run{x.name, x.title, x.label, x.own, func() (measurement, error) { return startExport(ctx, x.name, e) }})
	}
	samples, skipped := findSamples(ctx)
	s.skipped = skipped
	for _, x := range samples {
		s.notes = append(s.notes, x.title+": "+x.version+", on v1.4, whose records are shorter; replaced are "+x.replaced)
		runs = append(runs, run{x.name, x.title, x.label, false, func() (measurement, error) {
			q := sampleQuery{URL: e.URL, Route: oldRoute, Since: e.Since, Until: e.Until, PageSize: e.PageSize}
			result, err := x.run(ctx, q, false)
			if err == nil && result.Error != "" {
				err = errors.New(result.Error)
			}
			return result.measurement, err
		}})
	}
	runs = slices.DeleteFunc(runs, func(r run) bool { return !c.picks(r.name) })

	results := map[string][]measurement{}
	for round := range c.rounds {
		for i := range runs {
			r := runs[(round+i)%len(runs)]
			c.progress("export, round %d of %d: %s", round+1, c.rounds, r.name)
			if _, err := e.take(ctx); err != nil {
				return section{}, err
			}
			m, err := r.measure()
			if err != nil {
				return section{}, fmt.Errorf("%s: %w", r.name, err)
			}
			answered, err := e.take(ctx)
			if err != nil {
				return section{}, err
			}
			m.Requests, m.Bytes = answered.Requests, answered.Bytes
			if r.name == "floor" {
				m.Records = answered.Records
			}
			if m.Records != e.Records {
				return section{}, fmt.Errorf("%s: got %d records, want %d", r.name, m.Records, e.Records)
			}
			results[r.name] = append(results[r.name], m)
		}
	}
	for _, r := range runs {
		ms := results[r.name]
		speed, memory := each(ms, measurement.speed), each(ms, measurement.peakMiB)
		s.rows = append(s.rows, []string{
			r.title, speed.format(0),
			each(ms, func(m measurement) float64 { return m.CPU.Seconds() }).format(2), memory.format(1),
			each(ms, func(m measurement) float64 { return float64(m.Requests) }).format(0),
			each(ms, func(m measurement) float64 { return float64(m.Records) }).format(0),
		})
		s.bars = append(s.bars, bar{r.label, r.own, speed.median, memory.median})
	}
	return s, nil
}

// startExport has a contender read the export in a process of its own.
func startExport(ctx context.Context, name string, e export) (m measurement, err error) {
	what, err := json.Marshal(e)
	if err != nil {
		return m, err
	}
	cmd, err := self(ctx, readExportCommand, name, string(what))
	if err != nil {
		return m, err
	}
	output, err := cmd.Output()
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(output, &m); err != nil {
		return m, err
	}
	m.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return m, nil
}

// readExport is the process of a contender. It writes a measurement to stdout.
func readExport(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet(readExportCommand, flag.ContinueOnError)
	if err := flags.Parse(args); err != nil {
		return err
	}
	i := slices.IndexFunc(exporters, func(x exporter) bool { return x.name == flags.Arg(0) })
	if i < 0 {
		return errors.New("there is no such contender")
	}
	var e export
	if err := json.Unmarshal([]byte(flags.Arg(1)), &e); err != nil {
		return err
	}
	start := time.Now()
	records, err := exporters[i].read(context.Background(), e)
	elapsed := time.Since(start)
	if err != nil {
		return err
	}
	peak, err := peakMemory()
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(measurement{Records: records, Elapsed: elapsed, PeakBytes: peak})
}

// discardExport finds the links in a header that only the server of this program has.
func discardExport(ctx context.Context, e export) (int, error) {
	for link := route[1:] + "?" + e.query().Encode(); link != ""; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL+"/"+link, nil)
		if err != nil {
			return 0, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			return 0, errors.Join(err, errors.New(resp.Status))
		}
		link = strings.TrimSuffix(strings.TrimPrefix(resp.Header.Get("Link"), "<"), `>; rel="next"`)
	}
	return 0, nil
}

func exportPlain(ctx context.Context, e export) (records int, err error) {
	client, err := plain.NewClientWithResponses(e.URL)
	if err != nil {
		return 0, err
	}
	since, to := e.Since.Format(time.RFC3339), e.Until.Format(time.RFC3339)
	params := &plain.ExportConversationsParams{CreatedSince: &since, CreatedTo: &to, PageSize: &e.PageSize}
	for {
		resp, err := client.ExportConversationsWithResponse(ctx, params)
		if err != nil {
			return records, err
		}
		if resp.JSON200 == nil {
			return records, fmt.Errorf("the answer is %s", resp.Status())
		}
		for _, conversation := range resp.JSON200.Data {
			if conversation.UnderscoreId != "" {
				records++
			}
		}
		next, err := nextSince(resp.JSON200.Meta)
		if err != nil || next == "" {
			return records, err
		}
		params.CreatedSince = &next
	}
}

// nextSince returns what the link to the next page says, where there is one.
func nextSince(meta *plain.PageMeta) (string, error) {
	if meta == nil || meta.NextPageUri == nil {
		return "", nil
	}
	link, err := url.Parse(*meta.NextPageUri)
	if err != nil {
		return "", err
	}
	return link.Query().Get("created_since"), nil
}

func exportTyped(concurrency int) func(context.Context, export) (int, error) {
	return func(ctx context.Context, e export) (records int, err error) {
		client, err := unpaced(e.URL)
		if err != nil {
			return 0, err
		}
		q := dataexport.Query{Since: e.Since, Until: e.Until, PageSize: e.PageSize, Concurrency: concurrency}
		for conversation, err := range client.Conversations(ctx, q) {
			if err != nil {
				return records, err
			}
			if conversation.ID != "" {
				records++
			}
		}
		return records, nil
	}
}

func exportRaw(ctx context.Context, e export) (records int, err error) {
	client, err := unpaced(e.URL)
	if err != nil {
		return 0, err
	}
	for raw, err := range client.ConversationsRaw(ctx, dataexport.Query{Since: e.Since, Until: e.Until, PageSize: e.PageSize}) {
		if err != nil {
			return records, err
		}
		if len(raw) > 0 {
			records++
		}
	}
	return records, nil
}

// unpaced returns the SDK's client as it is by default, but for the waits.
func unpaced(baseURL string) (*dataexport.Client, error) {
	client, err := ada.NewClient(ada.Config{
		BaseURL: baseURL, APIKey: adatest.APIKey,
		HTTP: ada.HTTPConfig{Limiter: ada.Unpaced, Retry: ada.RetryPolicy{MaxAttempts: 1}},
	})
	if err != nil {
		return nil, err
	}
	return dataexport.New(client), nil
}
