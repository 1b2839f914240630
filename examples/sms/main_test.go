package main

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/adasdk/ada-go/ada/adatest"
)

// environment is all that the program reads of its own.
func environment(t *testing.T, baseURL, key string) {
	t.Helper()
	for name, value := range map[string]string{"ADA_HANDLE": "", "ADA_CLUSTER": "", "ADA_BASE_URL": baseURL, "ADA_API_KEY": key} {
		t.Setenv(name, value)
	}
}

// transcript runs the program and returns the lines that it printed.
func transcript(t *testing.T, args ...string) ([]string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, &out)
	said := regexp.MustCompile(`:\d+/`).ReplaceAllString(out.String(), "") // a port can look like anything
	for _, word := range []string{"555", "Mary", "Grace", "Alan", "Edsger", "Barbara", "Donald", "no number"} {
		if strings.Contains(said, word) {
			t.Errorf("the transcript has %q:\n%s", word, &out)
		}
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n"), err
}

// has fails the test unless exactly n of the lines match.
func has(t *testing.T, lines []string, n int, pattern string) {
	t.Helper()
	got := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !regexp.MustCompile(pattern).MatchString(l) })
	if len(got) != n {
		t.Errorf("%d lines match %s, want %d:\n%s", len(got), pattern, n, strings.Join(lines, "\n"))
	}
}

func TestSample(t *testing.T) {
	environment(t, "", "")
	lines, err := transcript(t)
	if err == nil || err.Error() != "outcome unknown for 1 of the rows" {
		t.Error(err)
	}
	has(t, lines[:1], 1, `^Using a fake Ada at http://127\.0\.0\.1:\d+/$`)
	has(t, lines, 4, `^row [12456]: sent$`)
	has(t, lines, 1, `^row 3: not sent$`)
	has(t, lines, 1, `^   .*: invalid: PhoneNumber has other characters than digits`)
	has(t, lines, 1, `^row [12456]: unknown$`)
	has(t, lines, 1, `^   .*: outcome unknown$`)
	has(t, lines, 1, `^a row waits 1s: .*: 429 Too Many Requests`)
	has(t, lines, 1, `^6 rows: 4 sent, 1 not sent, 1 unknown, 0 not begun$`)
	has(t, lines[len(lines)-1:], 1, `^Do not send again before you have found out: rows \[[12456]\]$`)
}

func TestRealAda(t *testing.T) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	server := httptest.NewServer(srv)
	defer server.Close()
	environment(t, server.URL, string(adatest.APIKey))
	file := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(file, []byte("\ufefffirst_name,phone_number\nGrace,+14165550102\n\"Hopper, Grace\",14165550103\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	for _, args := range [][]string{{}, {"-file", file}} {
		lines, err := transcript(t, args...)
		if err != nil || len(srv.Calls()) != 0 {
			t.Errorf("%d requests without -send, %v", len(srv.Calls()), err)
		}
		has(t, lines[:1], 1, `^Using a fake Ada at `)
		has(t, lines, 1, `^A rehearsal: without -send nothing goes to `+server.URL)
		has(t, lines[len(lines)-1:], 1, `^With -send, \d messages would go to `+server.URL)
	}

	lines, err := transcript(t, "-file", file, "-campaign", "spring", "-language", "fr", "-send")
	if err != nil {
		t.Error(err)
	}
	has(t, lines[:1], 1, `^Using the real Ada at `+server.URL)
	has(t, lines, 2, `^row [12]: sent$`)
	has(t, lines[len(lines)-1:], 1, `^2 rows: 2 sent, 0 not sent, 0 unknown, 0 not begun$`)
	for _, m := range srv.Outbox() {
		name := map[string]string{"+14165550102": "Grace", "14165550103": "Hopper, Grace"}[m.PhoneNumber]
		if m.CampaignKey != "spring" || m.Language != "fr" || len(m.MetaFields) != 1 || m.MetaFields["first_name"] != name {
			t.Errorf("sent %v", m)
		}
	}
	if n := len(srv.Outbox()); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}

// Nothing is sent by mistake.
func TestRefusals(t *testing.T) {
	srv := adatest.NewServer(t)
	server := httptest.NewServer(srv)
	defer server.Close()
	bad := filepath.Join(t.TempDir(), "bad.csv")
	for _, tt := range []struct {
		key, content string
		args         []string
	}{
		{"", "phone_number\n14165550102\n", []string{"-send", "-file", bad}},
		{string(adatest.APIKey), "", []string{"-send"}},
		{string(adatest.APIKey), "", []string{"-send", "-file", bad}},
		{string(adatest.APIKey), "phone\n14165550102\n", []string{"-send", "-file", bad}},
		{string(adatest.APIKey), "phone_number\n14165550102\n1,2\n", []string{"-send", "-file", bad}},
		{string(adatest.APIKey), "phone_number\n14165550102\n", []string{"-send", "-file", bad + ".missing"}},
		{string(adatest.APIKey), "phone_number\n14165550102\n", []string{"-sned", "-file", bad}},
	} {
		environment(t, server.URL, tt.key)
		if err := os.WriteFile(bad, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := transcript(t, tt.args...); err == nil || len(srv.Calls()) != 0 {
			t.Errorf("%v with %q: %d requests, %v", tt.args, tt.content, len(srv.Calls()), err)
		}
	}
}

// An interrupt begins nothing more.
func TestInterrupt(t *testing.T) {
	environment(t, "", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if err := run(ctx, nil, &out); err == nil {
		t.Error("no error")
	}
	has(t, strings.Split(out.String(), "\n"), 1, `^6 rows: 0 sent, 0 not sent, 0 unknown, 6 not begun$`)
}
