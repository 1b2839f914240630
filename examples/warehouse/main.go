// Warehouse loads the conversations and the messages of an AI Agent into a database, and keeps it up to date: run it
// again, now and then, and it goes on from where it came to.
//
//	go run . -db ada.db                                   # a SQLite file, which is the default
//	DATABASE_URL=postgres://user@host/name go run .       # Postgres
//	go run . -parquet ada                                 # Parquet files in a directory
//
// The records of a page and the checkpoint after them are stored at once or not at all. However it is stopped, nothing
// is lost and nothing is there twice. One process at a time may load into one place.
//
// Conversations come again when they have changed, and take the place of what was there; among Parquet files, which do
// not change, the last one has the newest state. Ada does not tell that a message has changed.
//
// It runs against a fake Ada in the same process. With ADA_HANDLE and ADA_API_KEY set it runs against that AI Agent.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

type options struct {
	query                    dataexport.Query
	db, parquet, databaseURL string
}

// warehouse is where records are loaded into.
type warehouse interface {
	// checkpoint returns how far the load of a table has come; empty: it has not begun.
	checkpoint(ctx context.Context, t table) (dataexport.Checkpoint, error)
	// store upserts rows and sets the checkpoint, both or neither.
	store(ctx context.Context, t table, rows iter.Seq2[[]any, error], next dataexport.Checkpoint) error
	close() error
}

func main() {
	log.SetFlags(0)
	var o options
	q := &o.query
	flag.StringVar(&o.db, "db", "ada.db", "SQLite `file`")
	flag.StringVar(&o.parquet, "parquet", "", "`directory` of Parquet files, in place of a database")
	flag.Func("since", "begin of the first load: a `date` such as 2026-01-31; empty: all that Ada has", func(text string) (err error) {
		q.Since, err = time.Parse(time.DateOnly, text)
		return err
	})
	flag.IntVar(&q.Concurrency, "concurrency", 4, "requests that are under way at once")
	flag.IntVar(&q.PageSize, "page-size", 0, "records of one request, 100 to 10,000 (default 10,000)")
	flag.DurationVar(&q.Lag, "lag", time.Hour, "hold back what is younger, as records arrive late")
	flag.Parse()
	o.databaseURL = os.Getenv("DATABASE_URL")

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		log.Fatal("warehouse: ", err)
	}
}

func run(ctx context.Context, o options) (err error) {
	w, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()

	config := ada.ConfigFromEnv()
	if config.APIKey == "" {
		log.Print("Using a fake Ada")
		srv := fake(&o.query)
		defer srv.Close()
		config = srv.Config()
	}
	client, err := ada.NewClient(config)
	if err != nil {
		return err
	}
	api := dataexport.New(client)
	q := o.query
	q.By = dataexport.ByUpdated
	if err := load(ctx, w, q, conversations, api.ConversationPages); err != nil {
		return err
	}
	q.By = dataexport.ByCreated
	return load(ctx, w, q, messages, api.MessagePages)
}

func open(ctx context.Context, o options) (warehouse, error) {
	switch {
	case o.parquet != "":
		return openParquet(o.parquet)
	case o.databaseURL != "":
		return openPostgres(ctx, o.databaseURL)
	}
	return openSQLite(ctx, o.db)
}

// load brings one table up to date.
func load[T any](
	ctx context.Context, w warehouse, q dataexport.Query, s source[T],
	pages func(context.Context, dataexport.Query, ...ada.CallOption) iter.Seq2[*dataexport.Page[T], error],
) (err error) {
	if q.Resume, err = w.checkpoint(ctx, s.table); err != nil {
		return err
	}
	switch {
	case q.Resume != "":
		q.Since = time.Time{} // the checkpoint knows it
	case q.Since.IsZero():
		q.Since = time.Now().AddDate(-1, 0, 1) // Ada has twelve months; less a day, for clocks that differ
	}
	var unreadable []*dataexport.RecordError // of the page
	q.OnBadRecord = func(e *dataexport.RecordError) error {
		if e.ID == "" {
			return e
		}
		log.Printf("%s: %v", s.name, e)
		unreadable = append(unreadable, e)
		return nil
	}
	progress, done := report(s.name)
	defer done()
	q.OnProgress = progress
	for page, err := range pages(ctx, q) {
		if err != nil {
			return err
		}
		unreadable = nil
		rows := func(yield func([]any, error) bool) {
			for record, err := range page.Records() {
				if err != nil {
					yield(nil, err)
					return
				}
				if !yield(s.row(record), nil) {
					return
				}
			}
			for _, e := range unreadable { // of these there is the JSON alone
				row := make([]any, len(s.columns))
				row[0], row[len(row)-1] = e.ID, e.Raw
				if !yield(row, nil) {
					return
				}
			}
		}
		if err := w.store(ctx, s.table, rows, page.Next); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// report returns what shows progress, and what ends that: a bar on a terminal, and otherwise a line at the end.
func report(name string) (progress func(dataexport.Progress), done func()) {
	start := time.Now()
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		records := 0
		return func(p dataexport.Progress) { records = p.Records },
			func() { log.Printf("%s: %d records in %.1f s", name, records, time.Since(start).Seconds()) }
	}
	const whole = 1000
	bar := progressbar.NewOptions(whole, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(name))
	return func(p dataexport.Progress) {
		bar.Describe(fmt.Sprintf("%s: %d records, %.1f MB", name, p.Records, float64(p.Bytes)/1e6))
		_ = bar.Set(int(whole * p.Fraction()))
	}, func() { _ = bar.Exit(); fmt.Fprintln(os.Stderr) }
}

// fake returns a fake Ada with the conversations of last month, and makes q fit it. It has the same address in every
// run, as a checkpoint is good for one only.
func fake(q *dataexport.Query) *adatest.Server {
	now := time.Now().UTC()
	until := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	since := until.AddDate(0, -1, 0)
	srv := adatest.New(adatest.WithExportQuirks(adatest.ExportQuirks{Latency: 300 * time.Millisecond}))
	srv.Generate(adatest.Generated{Seed: 1, Conversations: 3000, MessagesPer: 2, Since: since, Until: until})
	if q.Since.IsZero() {
		q.Since = since
	}
	if q.PageSize == 0 {
		q.PageSize = 500
	}
	return srv
}
