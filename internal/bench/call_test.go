package main

import (
	"flag"
	"strings"
	"testing"
)

// shortly has benchmarks run for a few iterations.
func shortly(t *testing.T) {
	t.Helper()
	if err := flag.Set("test.benchtime", "5x"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set("test.benchtime", "1s") })
}

// complete fails when the section cannot be written as a table of so many rows, or a cell has no figure but where
// empty says that none belongs there.
func complete(t *testing.T, s section, rows int, empty func(row, column int) bool) {
	t.Helper()
	var b strings.Builder
	if err := s.write(&b); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + b.String())
	if len(s.rows) != rows || len(s.skipped) > 0 || s.title == "" || len(s.notes) == 0 {
		t.Errorf("it has %d rows, want %d; skipped: %q", len(s.rows), rows, s.skipped)
	}
	for i, row := range s.rows {
		if len(row) != len(s.columns) {
			t.Fatalf("row %d has %d cells, want %d", i, len(row), len(s.columns))
		}
		for j, cell := range row {
			if none := cell == "" || cell == "-"; none != (empty != nil && empty(i, j)) {
				t.Errorf("row %d has %q at %q", i, cell, s.columns[j])
			}
		}
	}
	for _, target := range s.targets {
		if !target.figure.known() {
			t.Errorf("%s: not measured", target.text)
		}
	}
}

func TestCall(t *testing.T) {
	shortly(t)
	s, err := measureCall(t.Context(), config{rounds: 1})
	if err != nil {
		t.Fatal(err)
	}
	complete(t, s, 3, func(row, column int) bool { return row == 0 && column > 3 })
	if len(s.targets) != 2 {
		t.Errorf("there are %d targets, want 2", len(s.targets))
	}
}

func TestCallers(t *testing.T) {
	s, err := volleys(t.Context(), 1, 100, 3)
	if err != nil {
		t.Fatal(err)
	}
	complete(t, s, 3, nil)
	for _, row := range s.rows {
		if errors := row[len(row)-1]; errors != "0" {
			t.Errorf("%s: %s errors", row[0], errors)
		}
	}
}
