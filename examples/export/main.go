// Export writes the conversations or the messages of a range of time to a file, as NDJSON or as CSV.
//
//	go run ./examples/export -out conversations.ndjson -checkpoint conversations.state
//
// With -checkpoint the same command goes on where it was stopped, however it was: nothing is lost and nothing doubled.
// Run again later, it appends what is new. NDJSON has each record as Ada sent it. CSV has a few of its fields, with what
// people wrote as they wrote it: mind the formulas when you open it in a spreadsheet.
//
// It runs against a fake Ada in the same process. With ADA_HANDLE and ADA_API_KEY set it runs against that AI Agent, and
// then needs -since.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
)

type options struct {
	query                             dataexport.Query
	resource, format, out, checkpoint string
}

func main() {
	log.SetFlags(0)
	var o options
	q := &o.query
	flag.StringVar(&o.resource, "resource", "conversations", "conversations or messages")
	flag.Func("since", "begin of the range: a `time` such as 2026-01-31 or 2026-01-31T12:00:00Z", timeVar(&q.Since))
	flag.Func("until", "end of the range, not part of it: a `time`; empty: now less -lag", timeVar(&q.Until))
	flag.StringVar((*string)(&q.By), "by", "", "created or updated: which time of a conversation counts (default created)")
	flag.StringVar((*string)(&q.Version), "version", "", "of the API: v1, v1.1 ... v1.4, v2 (default v2)")
	flag.StringVar(&o.format, "format", "ndjson", "ndjson or csv")
	flag.StringVar(&o.out, "out", "", "output `file`; empty: standard output")
	flag.StringVar(&o.checkpoint, "checkpoint", "", "`file` that says how far the output has come; needs -out")
	flag.IntVar(&q.Concurrency, "concurrency", 4, "requests that are under way at once")
	flag.IntVar(&q.PageSize, "page-size", 0, "records of one request, 100 to 10,000 (default 10,000)")
	flag.DurationVar(&q.Lag, "lag", time.Hour, "hold back what is younger, as records arrive late; before v2 up to 48h")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, o, os.Stdout, os.Stderr)
	if ctx.Err() != nil && o.checkpoint != "" {
		log.Print("The same command goes on from here.")
	}
	if err != nil {
		log.Fatal("export: ", err)
	}
}

// timeVar returns what reads a time from a flag.
func timeVar(t *time.Time) func(string) error {
	return func(text string) (err error) {
		if *t, err = time.Parse(time.DateOnly, text); err != nil {
			*t, err = time.Parse(time.RFC3339, text)
		}
		return err
	}
}

func run(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	switch {
	case o.resource != "conversations" && o.resource != "messages":
		return errors.New("-resource is neither conversations nor messages")
	case o.format != "ndjson" && o.format != "csv":
		return errors.New("-format is neither ndjson nor csv")
	case o.checkpoint != "" && o.out == "":
		return errors.New("-checkpoint needs -out")
	}
	out := &output{Writer: bufio.NewWriter(stdout), state: state{Format: o.format}}
	if o.out != "" {
		if out, err = openOutput(o.out, o.checkpoint, o.format); err != nil {
			return err
		}
		defer out.file.Close()
	}
	q := o.query
	q.Resume = out.state.Checkpoint
	q.OnProgress = reporter(stderr)

	config := ada.ConfigFromEnv()
	if config.APIKey == "" {
		fmt.Fprintln(stderr, "Using a fake Ada")
		srv := fake(&q)
		defer srv.Close()
		config = srv.Config()
	}
	client, err := ada.NewClient(config)
	if err != nil {
		return err
	}
	api := dataexport.New(client)
	if o.resource == "messages" {
		return export(api.MessagePages(ctx, q), out, messageColumns, messageRow)
	}
	return export(api.ConversationPages(ctx, q), out, conversationColumns, conversationRow)
}

// reporter returns what writes a line after each page.
func reporter(w io.Writer) func(dataexport.Progress) {
	start := time.Now()
	return func(p dataexport.Progress) {
		megabytes := float64(p.Bytes) / 1e6
		fmt.Fprintf(w, "%5.1f %%  windows %d/%d  pages %d  records %d  %.1f MB  %.1f MB/s\n", 100*p.Fraction(),
			p.WindowsDone, p.Windows, p.Pages, p.Records, megabytes, megabytes/time.Since(start).Seconds())
	}
}

// export writes page after page.
func export[T any](pages iter.Seq2[*dataexport.Page[T], error], out *output, columns []string, row func(*T) []string) error {
	table := csv.NewWriter(out)
	if out.state.Format == "csv" && out.state.Length == 0 {
		if err := table.Write(columns); err != nil {
			return err
		}
	}
	for page, err := range pages {
		if err == nil && out.state.Format == "csv" {
			err = writeCSV(table, page, row)
		} else if err == nil {
			err = writeNDJSON(out.Writer, page)
		}
		if err != nil {
			return err
		}
		if err := out.commit(page.Next); err != nil {
			return err
		}
	}
	return nil
}

func writeCSV[T any](table *csv.Writer, page *dataexport.Page[T], row func(*T) []string) error {
	for record, err := range page.Records() {
		if err != nil {
			return err
		}
		if err := table.Write(row(record)); err != nil {
			return err
		}
	}
	table.Flush()
	return table.Error()
}

func writeNDJSON[T any](w *bufio.Writer, page *dataexport.Page[T]) error {
	for raw, err := range page.Raw() {
		if err != nil {
			return err
		}
		if bytes.ContainsAny(raw, "\r\n") { // white space between two tokens, which would break the line
			var line bytes.Buffer
			if err := json.Compact(&line, raw); err != nil {
				return err
			}
			raw = line.Bytes()
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
		if err := w.WriteByte('\n'); err != nil {
			return err
		}
	}
	return nil
}

// fake returns a fake Ada with the conversations of last month, and makes q fit it. It has the same address in every
// run, as a checkpoint is good for one only.
func fake(q *dataexport.Query) *adatest.Server {
	now := time.Now().UTC()
	until := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	since := until.AddDate(0, -1, 0)
	srv := adatest.New(adatest.WithExportQuirks(adatest.ExportQuirks{Latency: 500 * time.Millisecond}))
	srv.Generate(adatest.Generated{Seed: 1, Conversations: 10_000, MessagesPer: 2, Since: since, Until: until})
	if q.Since.IsZero() && q.Resume == "" {
		q.Since = since
	}
	if q.Until.IsZero() {
		q.Until = until
	}
	if q.PageSize == 0 {
		q.PageSize = 500
	}
	return srv
}
