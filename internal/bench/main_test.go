package main

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

// TestMain lets the test binary be the processes that the command starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == serveCommand || os.Args[1] == readCommand) {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestEveryContenderSeesEveryRecord(t *testing.T) {
	for _, transfer := range []string{"Content-Length", "gzip"} {
		t.Run(transfer, func(t *testing.T) {
			c := config{rounds: 1, pages: 2, records: 30, gzip: transfer == "gzip", only: names(), profile: t.TempDir()}
			results, err := c.measure(t.Context(), func(int, string) {})
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names() {
				if len(results[name]) != 1 || results[name][0].Records != 60 || results[name][0].Bytes < 60*1000 {
					t.Errorf("%s: got %+v, want 60 records", name, results[name])
				}
			}
			var table strings.Builder
			if err := c.report(&table, results); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{runtime.Version(), "oapi-codegen/v2 version v", "a page of 30 records", transfer, "typed at least 2 × plain: "} {
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
// else.
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
				m, err := startReader(t.Context(), limit.name, p, 6, "")
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%s: %.1f MiB", limit.name, m.peakMiB())
				if m.peakMiB() > limit.mib {
					t.Errorf("%s: %.1f MiB of resident memory at the peak, want at most %g", limit.name, m.peakMiB(), limit.mib)
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
