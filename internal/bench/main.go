// Bench measures how fast one page of Data Export is read over loopback, and with how much memory: by this SDK and by
// what one would write or generate without it. It prints a table in Markdown.
//
//	cd internal/bench && go run . -rounds 5
//	cd internal/bench && go test ./...
//	cd internal/bench && go test -run '^$' -bench . -count 6 ./... # for benchstat
//
// The page has 10,000 conversations of about 2.2 KB from the fake of package adatest, made from one seed and the day. A
// process of its own serves it. Each contender runs in a fresh process in every round, in changing order, and reads the
// page once to warm up and then as often as -pages says:
//
//   - floor: io.Copy to io.Discard
//   - map: io.ReadAll and json.Unmarshal into a map[string]any
//   - plain: the client that oapi-codegen generates from the document of the API with its default options
//   - typed: the SDK's Conversations
//   - raw: the SDK's ConversationsRaw
//
// MB/s are of JSON, decompressed, and by the clock. CPU time is that of the whole process, divided by the pages with
// the one of the warm-up. Allocations are those of the pages after it. The peak of the resident memory is that of the
// process, known on Linux only. Ratios compare MB/s within a round.
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
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the command, and with "serve" or "read" in front one of the processes that it starts.
func run(args []string, stdout io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case serveCommand:
			return serve(args[1:], stdout)
		case readCommand:
			return read(args[1:], stdout)
		}
	}
	c, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	results, err := c.measure(context.Background(), func(round int, name string) {
		fmt.Fprintf(os.Stderr, "\rround %d of %d: %-8s", round+1, c.rounds, name)
	})
	fmt.Fprintf(os.Stderr, "\r%40s\r", "")
	if err != nil {
		return err
	}
	return c.report(stdout, results)
}

// maxPages is how many windows there are between the records of the page and today.
const maxPages = 7000

// config is what is measured.
type config struct {
	rounds  int
	pages   int
	records int // of a page
	gzip    bool
	only    []string // the names of contenders
	profile string   // a directory; empty: no profiles
}

func parse(args []string) (config, error) {
	c := config{only: names()}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&c.rounds, "rounds", 5, "how often everything is measured")
	flags.IntVar(&c.pages, "pages", 20, "how many pages a process reads after the first one")
	flags.IntVar(&c.records, "records", 10_000, "how many records a page has, at most 10,000")
	flags.BoolVar(&c.gzip, "gzip", false, "send the page compressed")
	flags.StringVar(&c.profile, "cpuprofile", "", "write CPU profiles into this `directory`, of the last round")
	flags.Func("only", "measure only these: "+strings.Join(c.only, ","), func(s string) error {
		c.only = strings.Split(s, ",")
		for _, name := range c.only {
			if !slices.Contains(names(), name) {
				return fmt.Errorf("there is no %q", name)
			}
		}
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if flags.NArg() > 0 || c.rounds < 1 || c.pages < 1 || c.pages > maxPages || c.records < 1 || c.records > 10_000 {
		return c, errors.New("there is an argument too many, or a number out of range")
	}
	return c, nil
}

// measure returns what each contender did in each round.
func (c config) measure(ctx context.Context, progress func(round int, name string)) (map[string][]measurement, error) {
	p, stop, err := startServer(ctx, c.records, c.gzip)
	if err != nil {
		return nil, err
	}
	defer stop()
	results := map[string][]measurement{}
	for round := range c.rounds {
		for i := range c.only {
			name := c.only[(round+i)%len(c.only)]
			progress(round, name)
			profile := ""
			if c.profile != "" {
				profile = filepath.Join(c.profile, name+".pprof")
			}
			m, err := startReader(ctx, name, p, c.pages, profile)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			results[name] = append(results[name], m)
		}
	}
	return results, nil
}
