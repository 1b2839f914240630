package main

import (
	"strconv"
	"testing"
)

// The others are not built here: a test needs no network.
func TestImports(t *testing.T) {
	s, err := imports(t.Context(), 1, importers[:2])
	if err != nil {
		t.Fatal(err)
	}
	complete(t, s, 2, nil)
	for column, most := range map[int]float64{1: 6, 2: 100, 3: 40, 4: 20, 5: 600} {
		plain, err1 := strconv.ParseFloat(s.rows[0][column], 64)
		ours, err2 := strconv.ParseFloat(s.rows[1][column], 64)
		if err1 != nil || err2 != nil || plain >= ours || ours > most {
			t.Errorf("%s: %v without the SDK and %v with it, want more, and at most %v", s.columns[column], plain, ours, most)
		}
		if column < 4 && plain != 0 {
			t.Errorf("%s: %v without the SDK, want none", s.columns[column], plain)
		}
	}
}

// A module that cannot be had is said to be skipped.
func TestImportsWithoutNetwork(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	s, err := imports(t.Context(), 1, []importer{{"go-github v89.999.0", "github", "github.com/google/go-github/v89", "v89.999.0"}})
	if err != nil || len(s.rows) != 0 || len(s.skipped) != 1 {
		t.Errorf("got %+v, %v; want it skipped", s, err)
	}
}
