package faultsuite

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/scenarios.md anew")

// slowdown is how many times as long everything takes with the race detector. With it a scenario runs over two of the
// operations that it applies to and as small a part of the others, another part for each scenario.
const slowdown = 10

const document = "testdata/scenarios.md"

// scenario is one of the 122.
type scenario struct {
	id    string
	title string                    // what is given, and what is expected
	note  string                    // where it deviates, or where it is proven at full depth
	skip  func(op operation) string // why it does not apply to an operation; empty: it does
	run   func(t *testing.T, op operation)
	other func(t *testing.T) // in place of run: it is about no operation of the table
}

// counts is how many scenarios each chapter has.
var counts = []struct {
	chapter string
	title   string
	n       int
	of      []scenario
}{
	{"T", "Transport", 21, transportScenarios},
	{"B", "Bodies", 25, bodyScenarios},
	{"R", "Rate and status", 19, rateScenarios},
	{"C", "Context and concurrency", 12, contextScenarios},
	{"P", "Export", 23, exportScenarios},
	{"A", "Writes", 12, writeScenarios},
	{"W", "Webhooks", 10, webhookScenarios},
}

// TestScenarios runs all of them over all operations, prints the table and compares it with the document.
func TestScenarios(t *testing.T) {
	measure(t)
	if t.Failed() {
		return
	}
	cells := map[string]map[string]string{} // ok, or why not
	ran := 0
	for _, chapter := range counts {
		for i, s := range chapter.of {
			if want := fmt.Sprintf("%s%02d", chapter.chapter, i+1); s.id != want {
				t.Fatalf("scenario %s is in the place of %s", s.id, want)
			}
			cells[s.id] = map[string]string{}
			t.Run(s.id, func(t *testing.T) {
				ran++
				if s.other != nil {
					s.other(t)
					return
				}
				applied := 0
				for _, op := range operations {
					if s.skip != nil {
						if why := s.skip(op); why != "" {
							cells[s.id][op.name] = why
							continue
						}
					}
					if applied++; racing && applied > 2 && applied%slowdown != i%slowdown {
						continue
					}
					held := t.Run(op.name, func(t *testing.T) {
						cells[s.id][op.name] = "ok"
						s.run(t, op)
					})
					if !held {
						cells[s.id][op.name] = "FAILED"
					}
				}
			})
		}
		if len(chapter.of) != chapter.n {
			t.Errorf("chapter %s has %d scenarios, want %d", chapter.chapter, len(chapter.of), chapter.n)
		}
	}
	if ran != 122 || t.Failed() {
		t.Logf("%d of 122 scenarios ran, so that the document is not looked at", ran)
		return
	}
	for _, row := range cells {
		if len(row) != 0 && len(row) != len(operations) {
			t.Log("not every operation ran, so that the document is not looked at")
			return
		}
	}
	text := render(cells)
	t.Log("\n" + text[strings.Index(text, "## Transport"):])
	if *update {
		if err := os.WriteFile(document, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(document)
	if err != nil || string(committed) != text {
		t.Errorf("%s is not what this run gives; write it with -update (%v)", document, err)
	}
}

// render writes the document.
func render(cells map[string]map[string]string) string {
	var b strings.Builder
	b.WriteString("# Fault scenarios\n\nWritten by `go test ./internal/faultsuite -update`, from a run in which all of this held. The package comment has the\n" +
		"invariants that are checked after each.\n\n")
	total, ok := 0, 0
	for _, row := range cells {
		for _, v := range row {
			total++
			if v == "ok" {
				ok++
			}
		}
	}
	fmt.Fprintf(&b, "%d scenarios, %d operations: %d cells hold, %d do not apply.\n\nColumns:\n\n", len(cells), len(operations), ok, total-ok)
	for i, op := range operations {
		kind := "not to be repeated"
		if op.idempotent {
			kind = "repeating it is harmless"
		}
		fmt.Fprintf(&b, "%d. %s: %s\n", i+1, op.name, kind)
	}
	b.WriteString("\nbraze.Dedupe has no column: it makes no calls. What it remembers when a call fails is in the tests of package braze.\n")
	for _, chapter := range counts {
		fmt.Fprintf(&b, "\n## %s\n\n| |", chapter.title)
		for i := range operations {
			fmt.Fprintf(&b, " %d |", i+1)
		}
		b.WriteString("\n|---|" + strings.Repeat("---|", len(operations)) + "\n")
		for _, s := range chapter.of {
			fmt.Fprintf(&b, "| %s |", s.id)
			for _, op := range operations {
				switch cells[s.id][op.name] {
				case "ok":
					b.WriteString(" ✓ |")
				case "":
					b.WriteString("   |")
				default:
					b.WriteString(" – |")
				}
			}
			b.WriteString("\n")
		}
		for _, s := range chapter.of {
			fmt.Fprintf(&b, "\n**%s** %s", s.id, s.title)
			if s.other != nil {
				b.WriteString(" ✓")
			}
			b.WriteString("\n")
			if s.note != "" {
				fmt.Fprintf(&b, "  - %s\n", s.note)
			}
			whys := map[string][]string{}
			for i, op := range operations {
				if why := cells[s.id][op.name]; why != "ok" && why != "" {
					whys[why] = append(whys[why], fmt.Sprint(i+1))
				}
			}
			var lines []string
			for why, columns := range whys {
				lines = append(lines, fmt.Sprintf("  - – %s: %s\n", strings.Join(columns, ", "), why))
			}
			slices.Sort(lines)
			b.WriteString(strings.Join(lines, ""))
		}
	}
	return b.String()
}

// Reasons why a scenario does not apply.
const (
	noBody   = "its answer has no body"
	noDecode = "it decodes nothing of its answer"
	noList   = "it hands out one thing, not a list"
	noExport = "it is no export"
	noFree   = "no value of any type is in what it reads of its answer"
	noDate   = "it reads no time of its answer"
	noWrite  = "it only reads"
)

// under names the operation that one which goes on is made of.
func (op operation) under() string {
	if isBuffer(op) {
		return "braze.Track"
	}
	return "column 9"
}

func lists(op operation) string {
	if !op.list {
		return noList
	}
	return ""
}

func exports(op operation) string {
	if op.export == nil {
		return noExport
	}
	return ""
}

func bodies(op operation) string {
	if op.empty() {
		return noBody
	}
	return ""
}

func decoders(op operation) string {
	switch {
	case op.empty():
		return noBody
	case op.ignores:
		return noDecode
	}
	return ""
}

func writes(op operation) string {
	if op.effects == nil {
		return noWrite
	}
	return ""
}
