package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"
)

const readCommand = "read"

// measurement is what one process needed for its pages.
type measurement struct {
	Records   int
	Requests  int // of an export
	Bytes     int64
	Elapsed   time.Duration
	CPU       time.Duration // of one page, or of the whole export
	Allocs    uint64
	PeakBytes int64 // of resident memory; 0: not known
}

func (m measurement) speed() float64           { return float64(m.Bytes) / 1e6 / m.Elapsed.Seconds() }
func (m measurement) allocsPerRecord() float64 { return float64(m.Allocs) / float64(m.Records) }
func (m measurement) cpuMillis() float64       { return float64(m.CPU) / float64(time.Millisecond) }
func (m measurement) peakMiB() float64         { return float64(m.PeakBytes) / (1 << 20) }

// startReader has a contender read pages in a process of its own.
func startReader(ctx context.Context, name string, p page, pages int, profile string) (m measurement, err error) {
	what, err := json.Marshal(p)
	if err != nil {
		return m, err
	}
	cmd, err := self(ctx, readCommand, "-pages", strconv.Itoa(pages), "-cpuprofile", profile, name, string(what))
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
	m.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()) / time.Duration(1+pages)
	return m, nil
}

// read is the process of a contender. It writes a measurement to stdout, and fails when a record is missing.
func read(args []string, stdout io.Writer) (err error) {
	flags := flag.NewFlagSet(readCommand, flag.ContinueOnError)
	pages := flags.Int("pages", 0, "")
	profile := flags.String("cpuprofile", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	i := slices.IndexFunc(contenders, func(c contender) bool { return c.name == flags.Arg(0) })
	if i < 0 {
		return errors.New("there is no such contender")
	}
	var p page
	if err := json.Unmarshal([]byte(flags.Arg(1)), &p); err != nil {
		return err
	}
	read, err := contenders[i].open(p)
	if err != nil {
		return err
	}
	ctx := context.Background()
	if _, err := read(ctx, 1); err != nil {
		return err
	}
	if *profile != "" {
		file, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	records, err := read(ctx, *pages)
	elapsed := time.Since(start)
	if err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	if want := *pages * p.Records; records != want {
		return fmt.Errorf("got %d records, want %d", records, want)
	}
	peak, err := peakMemory()
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(measurement{
		Records: records, Bytes: int64(*pages) * p.Size, Elapsed: elapsed, Allocs: after.Mallocs - before.Mallocs, PeakBytes: peak,
	})
}

// peakMemory returns the largest resident memory that this process has had, in bytes, and 0 where it cannot be known.
// It is not the one of getrusage, which begins with that of the process that started this one.
func peakMemory() (int64, error) {
	if runtime.GOOS != "linux" {
		return 0, nil
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if size, ok := strings.CutPrefix(string(line), "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(size), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmHWM")
}
