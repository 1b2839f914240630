package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRun(t *testing.T) {
	t.Setenv("ADA_API_KEY", "")
	dir := t.TempDir()
	o := options{ledger: filepath.Join(dir, "ledger"), report: filepath.Join(dir, "report.csv")}
	var out bytes.Buffer
	if err := run(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^Using a fake Ada at http://127\.0\.0\.1:\d+/\nerased +3\npending +0\nnot found +1\nrefused +1\nunknown +0\n$`).MatchString(out.String()) {
		t.Errorf("it said\n%s", &out)
	}
	report, err := os.ReadFile(o.report)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(report)) {
		got = append(got, strings.Join(strings.Split(line, ",")[:3], ","))
	}
	want := []string{"row,type,outcome", "5,email,refused", "1,email,erased", "2,external_id,erased", "3,variable_match,erased", "4,email,not found"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, file := range []string{o.report, o.ledger} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "example.com") || strings.Contains(string(b), "4165551234") {
			t.Errorf("%s shows who is in it:\n%s", filepath.Base(file), b)
		}
	}
}

func TestLiveNeedsFiles(t *testing.T) {
	t.Setenv("ADA_API_KEY", "key")
	t.Setenv("ADA_HANDLE", "acme")
	if err := run(t.Context(), options{}, new(bytes.Buffer)); err == nil {
		t.Error("it ran")
	}
}

func TestBrokenFile(t *testing.T) {
	t.Setenv("ADA_API_KEY", "")
	dir := t.TempDir()
	path := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(path, []byte("type,value\nemail,ada@example.com\nemail,\"broken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := run(t.Context(), options{file: path}, &out)
	if err == nil || err.Error() != "row 2 cannot be read" || !strings.Contains(out.String(), "erased     1\n") {
		t.Errorf("%v\n%s", err, &out)
	}
}
