package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada/adatest"
)

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.txt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTraps(t *testing.T) {
	samples := withPrograms(t)
	s, err := measureTraps(t.Context(), config{hours: 4})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.rows) != 3+len(samples) || len(s.columns) != 10 {
		t.Fatalf("%d rows, %d columns", len(s.rows), len(s.columns))
	}
	late := s.rows[0][8]
	if late == "0 / 0" {
		t.Error("no record is late")
	}
	for i, row := range s.rows {
		want := []string{"0 / 0", "0 / 5", "0 / 50", "endless", "endless", "552 / 0", "2880 / 0, error", late, "-"}
		if i < 2 {
			want = []string{"0 / 0", "0 / 0", "0 / 0", "0 / 0", "1 / 0, `ErrStuck`", "0 / 0", "0 / 0", late, "0 / 0"}
		}
		if !slices.Equal(row[1:], want) {
			t.Errorf("%s\n got %q\nwant %q", row[0], row[1:], want)
		}
	}
}

func TestJudge(t *testing.T) {
	have := []adatest.Record{message(1, time.Time{}), message(2, time.Time{}), message(3, time.Time{})}
	one, three := have[0].ID, have[2].ID
	if o, err := judge(have, []string{one, three, one, one}); err != nil || o.lost != 1 || o.doubled != 2 {
		t.Errorf("got %+v, %v", o, err)
	}
	if _, err := judge(have, []string{"another"}); err == nil {
		t.Error("a record from nowhere is no error")
	}
}
