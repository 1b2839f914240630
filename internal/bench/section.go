package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// suite is a group of contenders that are measured side by side, in as many rounds as the configuration says.
type suite struct {
	name    string
	measure func(ctx context.Context, c config) (section, error)
}

// section is what a suite has found, for a reader.
type section struct {
	title   string
	notes   []string   // what was done, and with what
	columns []string   // that of the contender comes first
	rows    [][]string // as many cells as there are columns
	targets []target
	skipped []string // what could not be measured, and why
	bars    []bar    // for the plot
}

// target is a figure that the SDK has to reach.
type target struct {
	text   string // such as "typed at least 2 × plain"
	figure spread
	met    bool
}

// write writes the section in Markdown.
func (s section) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", s.title)
	for _, note := range s.notes {
		fmt.Fprintf(&b, "* %s\n", note)
	}
	fmt.Fprintf(&b, "\n| %s |\n|---|%s\n", strings.Join(s.columns, " | "), strings.Repeat("---:|", len(s.columns)-1))
	for _, row := range s.rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	if len(s.targets)+len(s.skipped) > 0 {
		b.WriteString("\n")
	}
	for _, t := range s.targets {
		switch {
		case !t.figure.known():
			fmt.Fprintf(&b, "* %s: not measured\n", t.text)
		case t.met:
			fmt.Fprintf(&b, "* %s: met, %s\n", t.text, t.figure.format(2))
		default:
			fmt.Fprintf(&b, "* %s: **missed**, %s\n", t.text, t.figure.format(2))
		}
	}
	for _, reason := range s.skipped {
		fmt.Fprintf(&b, "* skipped: %s\n", reason)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// spread is how a figure came out in the rounds.
type spread struct{ least, median, most float64 }

func newSpread(figures []float64) spread {
	if len(figures) == 0 {
		return spread{}
	}
	slices.Sort(figures)
	half := len(figures) / 2
	median := figures[half]
	if len(figures)%2 == 0 {
		median = (figures[half-1] + median) / 2
	}
	return spread{figures[0], median, figures[len(figures)-1]}
}

func (s spread) known() bool { return s.median > 0 }

func (s spread) format(digits int) string {
	if !s.known() {
		return "-"
	}
	return s.measured(digits)
}
