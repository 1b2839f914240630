// Bench measures this SDK beside what one would write, generate or copy without it, over loopback, and prints what it
// finds in Markdown.
//
//	cd internal/bench && go run . -o DIR                          # everything, as DIR/results.md and DIR/plot.svg
//	cd internal/bench && go run . -suites page,export -rounds 3
//	cd internal/bench && ADA_DOCUMENTATION=FILE go run . -suites export,traps
//	cd internal/bench && go test ./...
//	cd internal/bench && go test -run '^$' -bench . -count 6 ./... # for benchstat
//
// Data comes from the fakes of packages adatest and brazetest, made from one seed and the day. Each contender runs in a
// fresh process in every round, in changing order, and the servers run in processes of their own.
//
// Suite page reads one page of Data Export again and again: 10,000 conversations of about 2.2 KB. Contenders read it
// once to warm up and then as often as -pages says:
//
//   - floor: io.Copy to io.Discard
//   - map: io.ReadAll and json.Unmarshal into a map[string]any
//   - plain: the client that oapi-codegen generates from the document of the API with its default options
//   - typed: the SDK's Conversations
//   - raw: the SDK's ConversationsRaw
//
// Suite export reads -pages such pages that follow one another, from the first to the last, with all but map of these,
// with the SDK at Query.Concurrency 4 (typed4), and with the two programs of Ada's own documentation (python, node).
// Suite traps has the same contenders export data that make those who follow Ada's links lose records, get them twice
// or never come to an end.
//
// Ada's programs are no part of this project. They are taken from the document, or the directory of documents, that
// the environment variable ADA_DOCUMENTATION names, and are left out without it.
//
// MB/s are of JSON, decompressed, and by the clock. CPU time is that of the whole process. In suite page it is divided
// by the pages with the one of the warm-up, and allocations are those of the pages after it. The peak of the resident
// memory is that of the process, known on Linux only. Ratios compare MB/s within a round.
//
// It is a module of its own, so that what the SDK is compared with is no dependency of it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// suites are measured in this order.
var suites = []suite{
	{"page", measurePage},
	{"export", measureExport},
	{"traps", measureTraps},
	{"call", measureCall},
	{"callers", measureCallers},
	{"webhooks", measureWebhooks},
	{"braze", measureBraze},
	{"storm", measureStorm},
	{"imports", measureImports},
}

// commands are the processes that the command starts.
var commands = map[string]func(args []string, stdout io.Writer) error{
	serveCommand:       serve,
	readCommand:        read,
	serveExportCommand: serveExport,
	readExportCommand:  readExport,
	callServerCommand:  serveCall,
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the command, and with the name of one in front one of the processes that it starts.
func run(args []string, stdout io.Writer) error {
	if len(args) > 0 {
		if command, ok := commands[args[0]]; ok {
			return command(args[1:], stdout)
		}
	}
	c, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	c.log = os.Stderr
	return c.run(context.Background(), stdout)
}

// run measures and reports.
func (c config) run(ctx context.Context, stdout io.Writer) error {
	if c.output != "" {
		if err := os.MkdirAll(c.output, 0o755); err != nil {
			return err
		}
	}
	var results strings.Builder
	w := io.MultiWriter(stdout, &results)
	lines := environment()
	if c.measures("export") || c.measures("traps") {
		found, _ := findSamples(ctx)
		for _, s := range found {
			lines = append(lines, s.version)
		}
	}
	lines = append(lines, time.Now().UTC().Format(time.DateOnly))
	for _, line := range lines {
		if _, err := fmt.Fprintf(w, "* %s\n", line); err != nil {
			return err
		}
	}
	var bars []bar
	var read string
	for _, s := range suites {
		if !c.measures(s.name) {
			continue
		}
		found, err := s.measure(ctx, c)
		c.progress("")
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
		if err := found.write(w); err != nil {
			return err
		}
		if len(found.bars) > 0 { // those of an export replace those of a page
			bars, read = found.bars, found.notes[0]
		}
	}
	if c.output == "" {
		return nil
	}
	if err := os.WriteFile(filepath.Join(c.output, "results.md"), []byte("# Results\n\n"+results.String()), 0o644); err != nil {
		return err
	}
	if len(bars) == 0 {
		return nil
	}
	return os.WriteFile(filepath.Join(c.output, "plot.svg"), plot(bars, lines[0]+", "+lines[1], read), 0o644)
}

// maxPages is how many windows there are between the records of the page and today.
const maxPages = 7000

// config is what is measured.
type config struct {
	suites  []string // the names of some; none: all
	rounds  int
	pages   int
	records int // of a page
	hours   int // for which late records come
	gzip    bool
	only    []string  // the names of contenders; none: all
	profile string    // a directory; empty: no profiles
	output  string    // a directory; empty: no files
	log     io.Writer // where it says what is being measured; nil: nowhere
}

func parse(args []string) (config, error) {
	var c config
	var all []string
	for _, s := range suites {
		all = append(all, s.name)
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&c.rounds, "rounds", 5, "how often everything is measured")
	flags.IntVar(&c.pages, "pages", 20, "how many pages a process reads, in suite page after the first one")
	flags.IntVar(&c.records, "records", 10_000, "how many records a page has, 100 to 10,000")
	flags.IntVar(&c.hours, "hours", 72, "for how many hours late records come in suite traps, at most 200")
	flags.BoolVar(&c.gzip, "gzip", false, "send the page of suite page compressed")
	flags.StringVar(&c.output, "o", "", "write results.md and plot.svg into this `directory`")
	flags.StringVar(&c.profile, "cpuprofile", "", "write CPU profiles of suite page into this `directory`, of the last round")
	list := func(to *[]string, known []string) func(string) error {
		return func(s string) error {
			*to = strings.Split(s, ",")
			for _, name := range *to {
				if !slices.Contains(known, name) {
					return fmt.Errorf("there is no %q", name)
				}
			}
			return nil
		}
	}
	flags.Func("suites", "measure only these: "+strings.Join(all, ","), list(&c.suites, all))
	flags.Func("only", "of suites page and export, only these contenders: "+strings.Join(names(), ","), list(&c.only, names()))
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if flags.NArg() > 0 || c.rounds < 1 || c.pages < 1 || c.pages > maxPages || c.records < 100 || c.records > 10_000 || c.hours < 1 || c.hours > 200 {
		return c, errors.New("there is an argument too many, or a number out of range")
	}
	return c, nil
}

func (c config) measures(suite string) bool {
	return len(c.suites) == 0 || slices.Contains(c.suites, suite)
}

func (c config) picks(contender string) bool {
	return len(c.only) == 0 || slices.Contains(c.only, contender)
}

// progress says what is being measured, in place of what it said before.
func (c config) progress(format string, args ...any) {
	if c.log != nil {
		fmt.Fprintf(c.log, "\r%-60s\r%s", "", fmt.Sprintf(format, args...))
	}
}
