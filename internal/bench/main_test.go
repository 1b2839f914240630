package main

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the processes that the command starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && commands[os.Args[1]] != nil {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestEveryContenderSeesEveryRecord(t *testing.T) {
	for _, transfer := range []string{"Content-Length", "gzip"} {
		t.Run(transfer, func(t *testing.T) {
			c := config{rounds: 1, pages: 2, records: 30, gzip: transfer == "gzip", profile: t.TempDir()}
			results, err := c.readPages(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, contender := range contenders {
				ms := results[contender.name]
				if len(ms) != 1 || ms[0].Records != 60 || ms[0].Bytes < 60*1000 {
					t.Errorf("%s: got %+v, want 60 records", contender.name, ms)
				}
			}
			var table strings.Builder
			if err := c.pageSection(results).write(&table); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"a page of 30 records", transfer, "typed at least 2 × plain: "} {
				if !strings.Contains(table.String(), want) {
					t.Errorf("the report lacks %q:\n%s", want, &table)
				}
			}
			if got := strings.Count(table.String(), "\n| "); got != 1+len(contenders) {
				t.Errorf("the table has %d lines:\n%s", got, &table)
			}
		})
	}
}

func TestRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "results")
	c, err := parse([]string{"-suites", "page", "-only", "floor,raw", "-rounds", "1", "-pages", "1", "-records", "100", "-o", dir})
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	if err := c.run(t.Context(), &printed); err != nil {
		t.Fatal(err)
	}
	results, err := os.ReadFile(filepath.Join(dir, "results.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "# Results\n\n" + printed.String(); string(results) != want {
		t.Errorf("results.md is not what was printed:\n%s", results)
	}
	for _, want := range []string{runtime.Version(), "oapi-codegen/v2 version v", time.Now().UTC().Format("\n* 2006-"), "## One page", "**this SDK, raw**"} {
		if !strings.Contains(string(results), want) {
			t.Errorf("results.md lacks %q:\n%s", want, results)
		}
	}
	drawn, err := os.ReadFile(filepath.Join(dir, "plot.svg"))
	if err != nil || strings.Count(string(drawn), `class="bar`) != 4 {
		t.Errorf("plot.svg: %v\n%s", err, drawn)
	}
	for _, args := range [][]string{{"-suites", "none"}, {"-only", "none"}, {"-records", "99"}, {"-rounds", "0"}, {"more"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

func TestReadFailsWhenRecordsAreMissing(t *testing.T) {
	p, stop, err := startServer(t.Context(), 10, false)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	p.Records++
	p.Size++ // all that the floor knows
	for _, c := range contenders {
		read, err := c.open(p)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := read(t.Context(), 1); err == nil && n == p.Records {
			t.Errorf("%s: no record is missing", c.name)
		}
	}
}

// The peak of the memory is a promise of the SDK. It is measured as everything here, in a process that does nothing
// else. Where other programs keep the garbage collector from its work, the peak says nothing: one of three runs is enough.
func TestMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the peak of the resident memory is known on Linux only")
	}
	if raceEnabled {
		t.Skip("the race detector needs more memory than the SDK")
	}
	for _, transfer := range []string{"Content-Length", "gzip"} {
		t.Run(transfer, func(t *testing.T) {
			p, stop, err := startServer(t.Context(), 10_000, transfer == "gzip")
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			for _, limit := range []struct {
				name string
				mib  float64
			}{{"typed", maxTypedMiB}, {"raw", maxRawMiB}} {
				least := math.Inf(1)
				for run := 0; run < 3 && least > limit.mib; run++ {
					m, err := startReader(t.Context(), limit.name, p, 6, "")
					if err != nil {
						t.Fatal(err)
					}
					least = min(least, m.peakMiB())
				}
				t.Logf("%s: %.1f MiB", limit.name, least)
				if least > limit.mib {
					t.Errorf("%s: %.1f MiB of resident memory at the peak, want at most %g", limit.name, least, limit.mib)
				}
			}
		})
	}
}

// BenchmarkPage reads one page at a time, in this process.
func BenchmarkPage(b *testing.B) {
	for _, transfer := range []string{"identity", "gzip"} {
		p, stop, err := startServer(b.Context(), 10_000, transfer == "gzip")
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range contenders {
			b.Run("transfer="+transfer+"/by="+c.name, func(b *testing.B) {
				read, err := c.open(p)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.SetBytes(p.Size)
				for b.Loop() {
					if n, err := read(b.Context(), 1); err != nil || n != p.Records {
						b.Fatal(n, err)
					}
				}
			})
		}
		stop()
	}
}
