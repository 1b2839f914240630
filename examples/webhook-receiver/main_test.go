package main

import (
	"bytes"
	"context"
	"io"
	"maps"
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

func TestRun(t *testing.T) {
	t.Setenv("ADA_API_KEY", "")
	var out bytes.Buffer
	if err := run(t.Context(), options{}, &out); err != nil {
		t.Fatal(err)
	}
	transcript := out.String()
	if !regexp.MustCompile(`^Using a fake Ada at http://127\.0\.0\.1:\d+/\nReceiving webhooks at http://127\.0\.0\.1:\d+/\n`).MatchString(transcript) {
		t.Errorf("it began with\n%s", transcript)
	}
	event := regexp.MustCompile(`(?m)^msg_\S+0(\d) v1\.end_user\.(created|updated) of \S+0(\d): (\w+)|^msg_\S+(again)|0(\d is .*)$`)
	got := map[string]int{}
	for _, m := range event.FindAllStringSubmatch(transcript, -1) {
		got[strings.TrimSpace(strings.Join(m[2:], " "))]++
	}
	want := map[string]int{
		"updated 1 failed": 1, "updated 1 patched": 1, "updated 1 nothing": 1, "created 1 ignored": 1, // the older event
		"created 2 nothing": 1,
		"created 3 patched": 1, "updated 3 nothing": 1,
		"created 4 ignored": 1,
		"again":             7, // each of the above but the one that failed
		"1 is as in the table": 1, "2 is as in the table": 1, "3 is as in the table": 1, "4 is not in the table": 1,
	}
	trimmed := map[string]int{}
	for k, n := range maps.All(got) {
		trimmed[strings.Join(strings.Fields(k), " ")] += n
	}
	if diff := cmp.Diff(want, trimmed); diff != "" {
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
			language, setLanguage := u.Language.Get()
			wantLanguage, wantSetLanguage := tt.want.Language.Get()
			values, setValues := u.Metadata.Get()
			wantValues, wantSetValues := tt.want.Metadata.Get()
			got := []any{language, setLanguage, values, setValues, differs}
			want := []any{wantLanguage, wantSetLanguage, wantValues, wantSetValues, tt.differs}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLiveNeedsSettings(t *testing.T) {
	t.Setenv("ADA_API_KEY", "key")
	t.Setenv("ADA_HANDLE", "acme")
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

// TestLive receives one event that calls for no request, and one that is forged.
func TestLive(t *testing.T) {
	t.Setenv("ADA_API_KEY", "key")
	t.Setenv("ADA_HANDLE", "acme")
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, options{addr: "127.0.0.1:0", customers: "customers.csv", secret: secret}, w)
		_ = w.Close()
	}()
	lines := make(chan string, 10)
	go func() {
		defer close(lines)
		b := make([]byte, 4096)
		for {
			n, err := r.Read(b)
			if err != nil {
				return
			}
			lines <- string(b[:n])
		}
	}()
	if line := <-lines; !strings.HasPrefix(line, "Using the real Ada at https://acme.ada.support/") {
		t.Errorf("it began with %q", line)
	}
	_, url, _ := strings.Cut(strings.TrimSpace(<-lines), " at ")

	verifier, err := webhooks.NewVerifier(secret)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"v1.end_user.created","timestamp":"2024-01-17T22:23:35.835","data":{"end_user_id":"65a17e3f43bec88e2792d0eb","profile":{}}}`)
	for _, tt := range []struct {
		at     time.Time
		status int
	}{{time.Now(), 200}, {time.Now().Add(-time.Hour), 401}} {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = verifier.Sign("msg_1", tt.at, body)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != tt.status {
			t.Errorf("status %d, want %d", resp.StatusCode, tt.status)
		}
	}
	if line := <-lines; line != "msg_1 v1.end_user.created of 65a17e3f43bec88e2792d0eb: ignored, not in the table\n" {
		t.Errorf("it said %q", line)
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
