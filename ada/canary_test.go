package ada_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/internal/faults"
)

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T"}

// The canaries: a key, an e-mail, an external id, a sensitive value, a name and a metadata value. Hex is how %x would
// show them.
var canaries = []string{"canary-key", "canary@mail.example", "canary-external", "canary-sensitive", "canary-name", "canary-metadata"}

// leaks returns the canaries that s shows.
func leaks(s string) (found []string) {
	s = strings.ToLower(s)
	for _, c := range canaries {
		if strings.Contains(s, c) || strings.Contains(s, fmt.Sprintf("%x", c)) {
			found = append(found, c)
		}
	}
	return found
}

// show prints, marshals and logs v in every way.
func show(v any) map[string]string {
	shown := map[string]string{}
	for _, verb := range verbs {
		shown[verb] = fmt.Sprintf(verb, v)
		shown[verb+" in a slice"] = fmt.Sprintf(verb, []any{v})
		shown[verb+" in a struct"] = fmt.Sprintf(verb, struct{ V any }{v})
	}
	if b, err := json.Marshal(v); err == nil {
		shown["json"] = string(b)
	}
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	shown["slog text"] = b.String()
	b.Reset()
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	shown["slog json"] = b.String()
	return shown
}

func TestNothingSecretPrints(t *testing.T) {
	const echo = `{"errors":[{"type":"canary@mail.example","message":"canary-name canary-key","details":[{"parameter":"canary@mail.example","message":"canary-external"}]}],"message":"canary-sensitive"}`
	user := `{"end_user_id":"canary@mail.example","external_id":"canary-external","profile":{"email":"canary@mail.example"},"created_at":7}`
	steps := map[string]faults.Step{
		"200 of another shape":     faults.Answer(faults.Say(200, user)),
		"refused connection":       faults.Refused(),
		"no host":                  faults.NoHost(),
		"odd network error":        faults.Error(errors.New("dial canary-key canary@mail.example")),
		"hung up":                  faults.HangUp(),
		"silence":                  faults.Silence(),
		"no HTTP":                  faults.Answer("canary-key canary@mail.example\r\n\r\n"),
		"odd status line":          faults.Answer("HTTP/1.1 canary-key canary-name\r\n\r\n"),
		"HTML":                     faults.Answer(faults.Say(200, "<html>canary-name canary-key")),
		"number for a string":      faults.Answer(faults.Say(200, `{"end_user_id":7,"profile":{"email":"canary@mail.example"}}`)),
		"error envelope with 200":  faults.Answer(faults.Say(200, echo)),
		"redirect":                 faults.Answer(faults.Say(307, "", "Location: https://canary-key@canary.example/?email=canary@mail.example")),
		"header echo":              faults.Answer(faults.Say(400, echo, "X-Request-Id: canary@mail.example", "Set-Cookie: canary-key")),
		"429 for a day":            faults.Answer(faults.Say(429, echo, "Retry-After: 86400")),
		"cut short":                faults.Answer("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + user),
		"201 and nothing":          faults.Answer(faults.Say(201, "")),
		"an answer that is a list": faults.Answer(faults.Say(200, "["+user+"]")),
	}
	for _, status := range []int{400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503} {
		steps[fmt.Sprint(status)] = faults.Answer(faults.Say(status, echo))
	}
	newUser := endusers.NewUser{
		ExternalID: "canary-external",
		Profile:    endusers.Profile{FirstName: "canary-name", Email: "canary@mail.example", Metadata: map[string]any{"m": "canary-metadata"}},
		Sensitive:  endusers.Sensitive{"s": "canary-sensitive"},
	}
	update := endusers.Update{
		ExternalID: ada.Set("canary-external"), Email: ada.Set("canary@mail.example"),
		Metadata: ada.Set(map[string]any{"m": "canary-metadata"}), Sensitive: ada.Set(endusers.Sensitive{"s": "canary-sensitive"}),
	}
	calls := map[string]func(context.Context, *endusers.Client, ...ada.CallOption) error{
		"Get": func(ctx context.Context, c *endusers.Client, o ...ada.CallOption) error {
			_, err := c.Get(ctx, "canary-external", o...)
			return err
		},
		"GetByExternalID": func(ctx context.Context, c *endusers.Client, o ...ada.CallOption) error {
			_, err := c.GetByExternalID(ctx, "canary-external", o...)
			return err
		},
		"Create": func(ctx context.Context, c *endusers.Client, o ...ada.CallOption) error {
			_, _, err := c.Create(ctx, newUser, o...)
			return err
		},
		"Create without external id": func(ctx context.Context, c *endusers.Client, o ...ada.CallOption) error {
			_, _, err := c.Create(ctx, endusers.NewUser{Profile: newUser.Profile}, o...)
			return err
		},
		"Update": func(ctx context.Context, c *endusers.Client, o ...ada.CallOption) error {
			_, err := c.Update(ctx, "canary-external", update, o...)
			return err
		},
		"All": func(ctx context.Context, c *endusers.Client, o ...ada.CallOption) error {
			for _, err := range c.All(ctx, endusers.ListParams{Start: "canary-external"}, o...) {
				return err
			}
			return nil
		},
	}
	for fault, step := range steps {
		for name, call := range calls {
			t.Run(fault+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := faults.New(t, step)
					var mu sync.Mutex
					var log bytes.Buffer
					seen := []any{}
					hook := func(_ context.Context, a ada.Attempt) { mu.Lock(); seen = append(seen, a); mu.Unlock() }
					config := ada.Config{
						BaseURL: "https://desk.example.com", APIKey: "canary-key",
						HTTP: ada.HTTPConfig{
							Client: &http.Client{Transport: n.Transport()},
							Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
							Hooks:  ada.Hooks{Start: hook, Done: hook},
						},
					}
					client, err := ada.NewClient(config)
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
					defer cancel()
					var resp ada.Response
					err = call(ctx, endusers.New(client), ada.WithResponse(&resp))
					if err == nil {
						t.Fatal("the fault did no harm")
					}
					if log.Len() == 0 || len(seen) < 2 {
						t.Error("nothing was logged, or no hook was called")
					}
					if found := leaks(log.String()); found != nil {
						t.Errorf("the log shows %v: %s", found, &log)
					}
					var e *ada.Error
					if !errors.As(err, &e) {
						t.Fatal("not an *ada.Error")
					}
					seen = append(seen, err, *e, e.Problems, e.Faults, client, endusers.New(client), &config, config, resp, &resp)
					for _, v := range seen {
						for how, s := range show(v) {
							if found := leaks(s); found != nil {
								t.Errorf("%s of %T shows %v: %s", how, v, found, s)
							}
						}
					}
				})
			})
		}
	}
}

// What a caller holds prints nothing either, by value or by pointer.
func TestNothingPersonalPrints(t *testing.T) {
	srv := adatest.NewServer(t)
	users := endusers.New(srv.Client())
	newUser := endusers.NewUser{
		ExternalID: "canary-external",
		Profile:    endusers.Profile{FirstName: "canary-name", Email: "canary@mail.example", Metadata: map[string]any{"m": "canary-metadata"}},
		Sensitive:  endusers.Sensitive{"s": "canary-sensitive"},
	}
	user, _, err := users.Create(t.Context(), newUser)
	if err != nil {
		t.Fatal(err)
	}
	if user.Profile.Email != "canary@mail.example" {
		t.Error("the user has no e-mail to print")
	}
	update := endusers.Update{
		ExternalID: ada.Set("canary-external"), Email: ada.Set("canary@mail.example"), FirstName: ada.Set("canary-name"),
		Metadata: ada.Set(map[string]any{"m": "canary-metadata"}), Sensitive: ada.Set(endusers.Sensitive{"s": "canary-sensitive"}),
	}
	_, _, invalid := users.Create(t.Context(), endusers.NewUser{
		ExternalID: "canary-external" + strings.Repeat("<", 36),
		Profile: endusers.Profile{
			Language: "canary-name", Email: "canary@mail.example\xff",
			Metadata: map[string]any{"canary@mail.example": 1.5, "x": []string{"canary-metadata"}},
		},
		Sensitive: endusers.Sensitive{"canary@mail.example": "canary-sensitive", "y": ""},
	})
	if invalid == nil {
		t.Fatal("bad parameters were taken")
	}
	sensitive := endusers.Sensitive{"s": "canary-sensitive"}
	secret := ada.Secret("canary-key")
	optional := ada.Set("canary@mail.example")
	for _, v := range []any{
		user, *user, user.Profile, &user.Profile, newUser, &newUser, update, &update, sensitive, &sensitive,
		invalid, secret, &secret,
	} {
		for how, s := range show(v) {
			if found := leaks(s); found != nil {
				t.Errorf("%s of %T shows %v: %s", how, v, found, s)
			}
		}
	}
	for how, s := range show(optional) {
		if found := leaks(s); found != nil && how != "json" {
			t.Errorf("%s of %T shows %v: %s", how, optional, found, s)
		}
	}
	if got := secret.String() + " " + secret.LogValue().String(); got != "[REDACTED] [REDACTED]" {
		t.Errorf("a secret shows %s", got)
	}
}
