package main

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
)

// What the SDK has to reach.
const (
	minTypedToPlain = 2.0
	minRawToFloor   = 0.35
	maxTypedMiB     = 32
	maxRawMiB       = 24
)

// report writes the table.
func (c config) report(w io.Writer, results map[string][]measurement) error {
	var b strings.Builder
	transfer := "Content-Length"
	if c.gzip {
		transfer = "gzip"
	}
	for _, line := range environment() {
		fmt.Fprintf(&b, "* %s\n", line)
	}
	bytes := results[c.only[0]][0].Bytes / int64(c.pages)
	fmt.Fprintf(&b, "* a page of %d records, %.1f MB, over loopback HTTP/1.1 with %s; %d pages in each process\n", c.records, float64(bytes)/1e6, transfer, c.pages)
	fmt.Fprintf(&b, "* median of %d rounds (least to most)\n\n", c.rounds)

	b.WriteString("| | MB/s | CPU ms per page | allocations per record | peak RSS MiB | × floor | × plain |\n")
	b.WriteString("|---|---:|---:|---:|---:|---:|---:|\n")
	for _, contender := range contenders {
		ms, ok := results[contender.name]
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", contender.title,
			of(ms, measurement.speed).format(0), of(ms, measurement.cpuMillis).format(0),
			of(ms, measurement.allocsPerRecord).format(1), of(ms, measurement.peakMiB).format(1),
			ratio(ms, results["floor"]).format(3), ratio(ms, results["plain"]).format(2))
	}
	b.WriteString("\n")

	verdict := func(target string, s spread, value float64, met bool) {
		switch {
		case !s.known():
			fmt.Fprintf(&b, "* %s: not measured\n", target)
		case met:
			fmt.Fprintf(&b, "* %s: met, %.2f\n", target, value)
		default:
			fmt.Fprintf(&b, "* %s: **missed**, %.2f\n", target, value)
		}
	}
	s := ratio(results["typed"], results["plain"])
	verdict(fmt.Sprintf("typed at least %g × plain", minTypedToPlain), s, s.median, s.median >= minTypedToPlain)
	s = ratio(results["raw"], results["floor"])
	verdict(fmt.Sprintf("raw at least %g × floor", minRawToFloor), s, s.median, s.median >= minRawToFloor)
	s = of(results["typed"], measurement.peakMiB)
	verdict(fmt.Sprintf("typed at most %d MiB", maxTypedMiB), s, s.most, s.most <= maxTypedMiB)
	s = of(results["raw"], measurement.peakMiB)
	verdict(fmt.Sprintf("raw at most %d MiB", maxRawMiB), s, s.most, s.most <= maxRawMiB)

	_, err := io.WriteString(w, b.String())
	return err
}

func of(ms []measurement, figure func(measurement) float64) spread {
	var figures []float64
	for _, m := range ms {
		figures = append(figures, figure(m))
	}
	return newSpread(figures)
}

// ratio is how many times as fast ms are as base, round by round.
func ratio(ms, base []measurement) spread {
	var figures []float64
	for i := range min(len(ms), len(base)) {
		figures = append(figures, ms[i].speed()/base[i].speed())
	}
	return newSpread(figures)
}

//go:embed plain/plain.gen.go
var generated string

var generator = regexp.MustCompile(`by (\S+ version \S+) DO NOT EDIT`)

// environment returns what the figures depend on.
func environment() []string {
	cpu := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(info); m != nil {
			cpu = string(m[1])
		}
	}
	toolchain := runtime.Version()
	for _, name := range []string{"GOGC", "GOMEMLIMIT", "GODEBUG"} {
		if v := os.Getenv(name); v != "" {
			toolchain += " " + name + "=" + v
		}
	}
	modules := []string{"this SDK" + revision()}
	if m := generator.FindStringSubmatch(generated); m != nil {
		modules = append(modules, m[1])
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Replace == nil {
				modules = append(modules, m.Path+" "+m.Version)
			}
		}
	}
	return []string{
		fmt.Sprintf("%s, %d cores, %s/%s", cpu, runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH),
		toolchain,
		strings.Join(modules, ", "),
	}
}

// revision returns what git says of the SDK.
func revision() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return ""
	}
	return " " + strings.TrimSpace(string(out))
}
