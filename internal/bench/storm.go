package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// The storm is more calls at once than the limits allow: this SDK, whose limiter knows them, beside what backs off when
// it is refused. All of it runs in virtual time, which there is in tests only, so it is TestStorm that makes the calls,
// started here with the go command. All reach the same fake through memory, each a fresh one with the same limits, and
// no one else uses them up. Beyond what their rows say, all are as they come: how often a call is tried is the default
// of each, and the loop by hand tries as often as go-retryablehttp.

const (
	stormCalls     = 500
	stormWorkers   = 10
	stormPerSecond = 10
	stormPerMinute = 100
	maxStorm       = 300 * time.Second
)

// stormFloor is the least time in which the limits let so many calls go: the minutes before the last one that are used
// up, and then the seconds.
func stormFloor(calls int) time.Duration {
	last := max(calls-1, 0)
	return time.Duration(last/stormPerMinute)*time.Minute + time.Duration(last%stormPerMinute/stormPerSecond)*time.Second
}

// What the rows are, in the order of TestStorm.
var stormers = []string{
	"**this SDK**",
	"go-retryablehttp, with its defaults",
	"by hand: five attempts, exponential backoff of 1 s to 30 s with full jitter",
}

// storm is what became of the calls.
type storm struct {
	Lost     int           // calls that failed
	Requests int           // that the fake received
	Refused  int           // of these, with 429
	Elapsed  time.Duration // virtual
}

func (s storm) lost() float64     { return float64(s.Lost) }
func (s storm) requests() float64 { return float64(s.Requests) }
func (s storm) refused() float64  { return float64(s.Refused) }
func (s storm) seconds() float64  { return s.Elapsed.Seconds() }
func (s storm) over() float64     { return (s.Elapsed - stormFloor(stormCalls-s.Lost)).Seconds() }

// measureStorm runs TestStorm.
func measureStorm(ctx context.Context, c config) (section, error) {
	s := section{
		title: "A storm of calls",
		notes: []string{
			fmt.Sprintf("%d calls of %d goroutines to a fake with limits of %d requests in any second and %d in any minute, in virtual time", stormCalls, stormWorkers, stormPerSecond, stormPerMinute),
			"the fake's Retry-After says how long there is no room; the SDK and go-retryablehttp go by it, the loop by hand does not",
			fmt.Sprintf("a call is lost when it ends with an error; the least time in which the limits allow all of them is %.0f s, and the last column goes by the calls that were not lost", stormFloor(stormCalls).Seconds()),
			fmt.Sprintf("median of %d rounds (least to most)", c.rounds),
		},
		columns: []string{"", "calls lost", "requests", "answers with 429", "seconds", "seconds over the least"},
	}
	results := make([][]storm, len(stormers))
	if _, err := exec.LookPath("go"); err != nil {
		s.skipped = []string{"virtual time needs the go command: " + err.Error()}
	} else if results, err = runStorm(ctx, c.rounds); err != nil {
		return s, err
	} else {
		for i, rs := range results {
			s.rows = append(s.rows, []string{
				stormers[i], each(rs, storm.lost).count(), each(rs, storm.requests).count(), each(rs, storm.refused).count(),
				each(rs, storm.seconds).measured(1), each(rs, storm.over).measured(1),
			})
		}
	}
	requests, seconds := each(results[0], storm.requests), each(results[0], storm.seconds)
	s.targets = []target{
		{fmt.Sprintf("%d requests for %d calls: none refused, none repeated", stormCalls, stormCalls), requests, requests.least == stormCalls && requests.most == stormCalls},
		{fmt.Sprintf("at most %.0f s", maxStorm.Seconds()), seconds, seconds.most <= maxStorm.Seconds()},
	}
	return s, nil
}

// runStorm returns what each contender did in each round.
func runStorm(ctx context.Context, rounds int) (results [][]storm, err error) {
	dir, err := os.MkdirTemp("", "storm")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "storm.json")
	// #nosec G204 -- the arguments are made here
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^TestStorm$", "-count", "1", "github.com/adasdk/ada-go/internal/bench",
		"-storm.rounds", strconv.Itoa(rounds), "-storm.file", file)
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go test: %w\n%s", err, output)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &results); err != nil {
		return nil, err
	}
	if len(results) != len(stormers) {
		return nil, fmt.Errorf("the storm has %d contenders, want %d", len(results), len(stormers))
	}
	return results, nil
}
