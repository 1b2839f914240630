package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada/adatest"
)

// documentation is the environment variable that names the document with Ada's programs, or a directory with it.
const documentation = "ADA_DOCUMENTATION"

// language is one that Ada's documentation has a program in.
type language struct {
	name, title, label string
	file               string
	program            string         // that runs it
	probe              []string       // arguments with which it prints its path and its version, one a line
	needs              string         // what is missing where that fails
	function           *regexp.Regexp // finds one with its imports; the first group is its name
	dropped            *regexp.Regexp // what the program needs no more here; nil: nothing
	replaced           string         // what that is
	before, after      string         // what stands around the program; %s is the name of its function
}

var languages = []language{
	{
		name: "python", title: "Ada's own Python program", label: "Ada's Python program", file: "sample.py",
		program:  "python3",
		probe:    []string{"-c", `import sys, platform, requests; print(sys.executable); print("Python", platform.python_version(), "with requests", requests.__version__)`},
		needs:    "python3 with its module requests",
		function: regexp.MustCompile(`(?m)^(?:(?:from|import) .*\n|[ \t]*\n)*def (\w+)\(\):[ \t]*\n(?:[ \t]+\S.*\n|[ \t]*\n)+`),
		before: `
bench_records, bench_ids = 0, None

def save_to_database(rows):
    global bench_records
    bench_records += len(rows)
    if bench_ids is not None:
        bench_ids.extend(row["_id"] for row in rows)

`,
		after: `
def bench():
    global bench_ids
    import json, os, sys, time
    if "ids" in sys.argv:
        bench_ids = []
    error, start = "", time.perf_counter()
    try:
        %s()
    except Exception as e:
        error = repr(e)
    elapsed, peak = time.perf_counter() - start, 0
    if os.path.exists("/proc/self/status"):
        with open("/proc/self/status") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    print(json.dumps({"Records": bench_records, "IDs": bench_ids, "Error": error, "Seconds": elapsed, "PeakKiB": peak}))

bench()
`,
	},
	{
		name: "node", title: "Ada's own Node program", label: "Ada's Node program", file: "sample.mjs",
		program:  "node",
		probe:    []string{"-e", `fetch.name; console.log(process.execPath); console.log("Node", process.version)`},
		needs:    "node, version 18 or later",
		function: regexp.MustCompile(`(?m)^(?:import .*\n|[ \t]*\n)*async function (\w+)\(\) \{[ \t]*\n(?:[ \t]+\S.*\n|[ \t]*\n)*\}[ \t]*\n`),
		dropped:  regexp.MustCompile(`(?m)^import fetch from .*$`),
		replaced: "the package node-fetch (by the fetch that Node has)",
		before: `
let benchRecords = 0
const benchIDs = process.argv.includes("ids") ? [] : null

function saveToDatabase(rows) {
    benchRecords += rows.length
    if (benchIDs) for (const row of rows) benchIDs.push(row._id)
}

`,
		after: `
let benchError = ""
const benchStart = performance.now()
try {
    await %s()
} catch (e) {
    benchError = String(e)
}
const benchSeconds = (performance.now() - benchStart) / 1000
const benchFiles = await import("node:fs")
let benchPeak = 0
if (benchFiles.existsSync("/proc/self/status")) {
    benchPeak = Number(/VmHWM:\s*(\d+)/.exec(benchFiles.readFileSync("/proc/self/status", "utf8"))[1])
}
console.log(JSON.stringify({Records: benchRecords, IDs: benchIDs, Error: benchError, Seconds: benchSeconds, PeakKiB: benchPeak}))
`,
	},
}

// sample is a program of Ada's documentation. Only its constants are replaced.
type sample struct {
	language
	path     string // of what runs it
	version  string
	code     string
	called   string // its function
	replaced string // what was, for a reader
}

// The constants of the programs: the host, the key, and what is asked for.
var (
	sampleHost  = regexp.MustCompile(`https://<YOUR-BOT-HANDLE>\.ada\.support`)
	sampleKey   = regexp.MustCompile(`<YOUR-API-KEY>`)
	sampleQuest = regexp.MustCompile("data_api/v1/messages\\?created_since=[^\"`\n]*")
)

// findSamples returns the programs that can be run, and why the others cannot.
func findSamples(ctx context.Context) (found []sample, skipped []string) {
	text, err := readDocumentation()
	for _, l := range languages {
		s, why := l.find(ctx, text)
		if err != nil {
			why = err
		}
		if why != nil {
			skipped = append(skipped, fmt.Sprintf("%s: %v", l.title, why))
			continue
		}
		found = append(found, s)
	}
	return found, skipped
}

func readDocumentation() (string, error) {
	name := os.Getenv(documentation)
	if name == "" {
		return "", errors.New(documentation + " is not set")
	}
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	names := []string{name}
	if info.IsDir() {
		if names, err = filepath.Glob(filepath.Join(name, "*.txt")); err != nil {
			return "", err
		}
	}
	var all strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		all.WriteString(strings.ReplaceAll(string(text), "\r\n", "\n") + "\n")
	}
	return all.String(), nil
}

func (l language) find(ctx context.Context, text string) (s sample, err error) {
	s = sample{language: l, replaced: "host, key, resource and dates"}
	if l.replaced != "" {
		s.replaced += ", and " + l.replaced
	}
	for _, m := range l.function.FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[0], "next_page_uri") {
			s.code, s.called = m[0], m[1]
			break
		}
	}
	if s.code == "" {
		return s, errors.New("the documentation has no such program")
	}
	for _, constant := range []*regexp.Regexp{sampleHost, sampleKey, sampleQuest} {
		if !constant.MatchString(s.code) {
			return s, fmt.Errorf("the program has no %s", constant)
		}
	}
	output, err := exec.CommandContext(ctx, l.program, l.probe...).Output()
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	if err != nil || len(lines) != 2 {
		return s, fmt.Errorf("it needs %s", l.needs)
	}
	s.path, s.version = lines[0], lines[1]
	return s, nil
}

// sampleQuery is what a program asks for.
type sampleQuery struct {
	URL          string
	Route        string
	Since, Until time.Time // the second zero: not said
	PageSize     int
}

func (q sampleQuery) String() string {
	params := url.Values{"created_since": {q.Since.UTC().Format(bare)}, "page_size": {strconv.Itoa(q.PageSize)}}
	if !q.Until.IsZero() {
		params.Set("created_to", q.Until.UTC().Format(bare))
	}
	return q.Route[1:] + "?" + params.Encode()
}

// sampleResult is what a program did.
type sampleResult struct {
	measurement
	IDs   []string
	Error string // with which it ended
}

// run runs the program in a process of its own.
func (s sample) run(ctx context.Context, q sampleQuery, ids bool) (r sampleResult, err error) {
	code := s.code
	if s.dropped != nil {
		code = s.dropped.ReplaceAllLiteralString(code, "")
	}
	code = sampleHost.ReplaceAllLiteralString(code, q.URL)
	code = sampleKey.ReplaceAllLiteralString(code, string(adatest.APIKey))
	code = sampleQuest.ReplaceAllLiteralString(code, q.String())
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, s.file)
	if err := os.WriteFile(file, []byte(s.before+code+fmt.Sprintf(s.after, s.called)), 0o600); err != nil {
		return r, err
	}
	args := []string{file}
	if ids {
		args = append(args, "ids")
	}
	cmd := exec.CommandContext(ctx, s.path, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("%w: %s", err, &stderr)
	}
	var printed struct {
		Records int
		IDs     []string
		Error   string
		Seconds float64
		PeakKiB int64
	}
	if err := json.Unmarshal(stdout.Bytes(), &printed); err != nil {
		return r, err
	}
	r.IDs, r.Error = printed.IDs, printed.Error
	r.measurement = measurement{
		Records: printed.Records, Elapsed: time.Duration(printed.Seconds * float64(time.Second)), PeakBytes: printed.PeakKiB << 10,
		CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
	}
	return r, nil
}
