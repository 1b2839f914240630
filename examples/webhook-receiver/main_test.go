package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/webhooks"
)

// environment is all that the program reads of its own.
func environment(t *testing.T, handle, key string) {
	t.Helper()
	for name, value := range map[string]string{"ADA_HANDLE": handle, "ADA_CLUSTER": "", "ADA_BASE_URL": "", "ADA_API_KEY": key} {
		t.Setenv(name, value)
	}
}

func TestRun(t *testing.T) {
	environment(t, "", "")
	var out bytes.Buffer
	if err := run(t.Context(), options{}, &out); err != nil {
		t.Fatal(err)
	}
	transcript := out.String()
	if !regexp.MustCompile(`^Using a fake Ada at http://127\.0\.0\.1:\d+/\nReceiving webhooks at http://127\.0\.0\.1:\d+/\n`).MatchString(transcript) {
		t.Errorf("it began with\n%s", transcript)
	}
	got := map[string]int{}
	id := regexp.MustCompile(`(msg_|65a)\S*(\d\b)`)
	for _, line := range strings.Split(strings.TrimSpace(transcript), "\n")[2:] {
		line, _, _ = strings.Cut(line, ", ") // the reason
		if line = id.ReplaceAllString(line, "$2"); strings.Contains(line, " v1.") {
			_, line, _ = strings.Cut(line, " ") // the number of the event
		}
		got[line]++
	}
	want := map[string]int{
		"v1.end_user.updated of 1: failed":           1,
		"v1.end_user.updated of 1: patched":          1, // the same again
		"v1.end_user.created of 1: ignored":          1, // older than that
		"v1.end_user.updated of 1: nothing to patch": 1,
		"v1.end_user.created of 2: nothing to patch": 1,
		"v1.end_user.created of 3: patched":          1,
		"v1.end_user.updated of 3: nothing to patch": 1,
		"v1.end_user.created of 4: ignored":          1,
		"What Ada has now:":                          1,
		"1 is as in the table":                       1,
		"2 is as in the table":                       1,
		"3 is as in the table":                       1,
		"4 is not in the table":                      1,
	}
	for n := range 7 { // events
		want[fmt.Sprintf("%d again: ignored", n+1)] = 1
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, transcript)
	}
	for _, personal := range []string{"example.com", "enterprise", "latam", "crm", "pt-BR"} {
		if strings.Contains(transcript, personal) {
			t.Errorf("it shows %q:\n%s", personal, transcript)
		}
	}
}

func TestUpdate(t *testing.T) {
	metadata := func(pairs ...string) webhooks.Metadata {
		m := webhooks.Metadata{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = []byte(pairs[i+1])
		}
		return m
	}
	c := customer{language: "pt-BR", plan: "pro"}
	tests := []struct {
		name    string
		profile webhooks.Profile
		want    endusers.Update
		differs bool
	}{
		{"empty", webhooks.Profile{}, endusers.Update{Language: ada.Set("pt-BR"), Metadata: ada.Set(map[string]any{"plan": "pro"})}, true},
		{"same", webhooks.Profile{Language: "pt-BR", Metadata: metadata("plan", `"pro"`, "region", `"na"`)}, endusers.Update{}, false},
		{"language", webhooks.Profile{Language: "pt", Metadata: metadata("plan", `"pro"`)}, endusers.Update{Language: ada.Set("pt-BR")}, true},
		{
			"metadata",
			webhooks.Profile{Language: "pt-BR", Metadata: metadata("plan", `1`, "a", `"b"`, "t", `true`, "n", `12`, "x", `null`)},
			endusers.Update{Metadata: ada.Set(map[string]any{"plan": "pro", "a": "b", "t": true, "n": int64(12)})},
			true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, differs := c.update(tt.profile)
			if diff := cmp.Diff(tt.want, u); diff != "" || differs != tt.differs {
				t.Errorf("differs: %t (-want +got)\n%s", differs, diff)
			}
		})
	}
}

func TestLiveNeedsSettings(t *testing.T) {
	environment(t, "acme", "key")
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for _, o := range []options{
		{},
		{customers: "customers.csv"},
		{secret: secret},
		{customers: "customers.csv", secret: "whsec_"},
		{customers: "missing.csv", secret: secret},
	} {
		o.addr = "127.0.0.1:0"
		if err := run(t.Context(), o, io.Discard); err == nil {
			t.Errorf("it ran with %+v", o)
		}
	}
}

// TestLive receives one event that calls for no request, and one that is too old.
func TestLive(t *testing.T) {
	environment(t, "acme", "key")
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, options{addr: "127.0.0.1:0", customers: "customers.csv", secret: secret}, w)
		_ = w.Close()
	}()
	lines := bufio.NewScanner(r)
	line := func() string { lines.Scan(); return lines.Text() }
	if got := line(); got != "Using the real Ada at https://acme.ada.support/" {
		t.Errorf("it began with %q", got)
	}
	_, url, _ := strings.Cut(line(), " at ")

	verifier, err := webhooks.NewVerifier(secret)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"v1.end_user.created","timestamp":"2024-01-17T22:23:35.835","data":{"end_user_id":"65a17e3f43bec88e2792d0eb","profile":{}}}`)
	for _, tt := range []struct {
		at     time.Time
		status int
		said   string
	}{
		{time.Now(), http.StatusOK, "msg_1 v1.end_user.created of 65a17e3f43bec88e2792d0eb: ignored, not in the table"},
		{time.Now().Add(-time.Hour), http.StatusUnauthorized, ""},
	} {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = verifier.Sign("msg_1", tt.at, body)
		said := make(chan string, 1)
		if tt.status == http.StatusOK {
			go func() { said <- line() }()
		} else {
			said <- ""
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != tt.status {
			t.Errorf("status %d, want %d", resp.StatusCode, tt.status)
		}
		if got := <-said; got != tt.said {
			t.Errorf("it said %q", got)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestBrokenTable(t *testing.T) {
	for _, content := range []string{"", "external_id,email\n", "external_id,email,language,plan,region\na,b\n"} {
		path := filepath.Join(t.TempDir(), "in.csv")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openTable(path); err == nil {
			t.Errorf("%q was read", content)
		}
	}
}
