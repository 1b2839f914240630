package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/endusers"
	"github.com/hashicorp/go-retryablehttp"
)

var (
	stormRounds = flag.Int("storm.rounds", 1, "how often TestStorm measures everything")
	stormFile   = flag.String("storm.file", "", "the `file` for what TestStorm has measured")
)

// stormGetters make one call, in the order of stormers.
var stormGetters = []func(config ada.Config, id string) getter{
	func(config ada.Config, id string) getter {
		client, err := ada.NewClient(config)
		if err != nil {
			panic(err)
		}
		users := endusers.New(client)
		return func(ctx context.Context) error { _, err := users.Get(ctx, id); return err }
	},
	func(config ada.Config, id string) getter {
		client := retryablehttp.NewClient()
		client.HTTPClient, client.Logger = config.HTTP.Client, nil
		return func(ctx context.Context) error {
			req := stormRequest(ctx, config, id)
			r, err := retryablehttp.FromRequest(req)
			if err != nil {
				return err
			}
			resp, err := client.Do(r)
			if err != nil {
				return err
			}
			return finish(resp)
		}
	},
	func(config ada.Config, id string) getter {
		return func(ctx context.Context) error {
			const attempts, first, most = 5, time.Second, 30 * time.Second
			var err error
			for attempt := range attempts {
				var resp *http.Response
				if resp, err = config.HTTP.Client.Do(stormRequest(ctx, config, id)); err == nil {
					err = finish(resp)
				}
				if err == nil {
					return nil
				}
				if attempt < attempts-1 {
					time.Sleep(rand.N(min(first<<attempt, most)))
				}
			}
			return err
		}
	},
}

func stormRequest(ctx context.Context, config ada.Config, id string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, config.BaseURL+"/api/v2/end-users/"+id, nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+string(config.APIKey))
	return req
}

func finish(resp *http.Response) error {
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", resp.Status)
	}
	return nil
}

// TestStorm is what measureStorm runs. No call of the SDK may be lost, refused or repeated.
func TestStorm(t *testing.T) {
	results, err := inTurns(t.Context(), *stormRounds, []int{0, 1, 2}, func(i int) (result storm, _ error) {
		synctest.Test(t, func(t *testing.T) { result = rage(t, stormGetters[i]) })
		return result, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, rs := range results {
		t.Logf("%s: %+v", stormers[i], rs)
		for _, r := range rs {
			if i == 0 && (r.Lost != 0 || r.Refused != 0 || r.Requests != stormCalls || r.Elapsed > maxStorm) {
				t.Errorf("%+v, want %d requests with none lost and none refused, in at most %s", r, stormCalls, maxStorm)
			}
			if r.Requests-r.Refused != stormCalls-r.Lost {
				t.Errorf("%s: %+v: there are not as many good answers as calls with one", stormers[i], r)
			}
			if r.over() < 0 {
				t.Errorf("%s: %+v, in less than the limits allow", stormers[i], r)
			}
		}
	}
	if *stormFile == "" {
		return
	}
	content, err := json.Marshal(results)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*stormFile, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// refusals counts answers with 429 on their way to the contender.
type refusals struct {
	http.RoundTripper
	n atomic.Int64
}

func (r *refusals) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.RoundTripper.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusTooManyRequests {
		r.n.Add(1)
	}
	return resp, err
}

// rage makes all calls, within a bubble.
func rage(t *testing.T, open func(ada.Config, string) getter) storm {
	srv := adatest.NewServer(t, adatest.RateLimit(stormPerSecond, stormPerMinute))
	config := srv.Config()
	refused := &refusals{RoundTripper: config.HTTP.Client.Transport}
	config.HTTP.Client = &http.Client{Transport: refused}
	get := open(config, srv.AddEndUser(adatest.EndUser{InConversation: true}))
	var lost atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range stormWorkers {
		wg.Go(func() {
			for range stormCalls / stormWorkers {
				if err := get(t.Context()); err != nil {
					lost.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return storm{Lost: int(lost.Load()), Requests: len(srv.Calls()), Refused: int(refused.n.Load()), Elapsed: time.Since(start)}
}

func TestMeasureStorm(t *testing.T) {
	s, err := measureStorm(t.Context(), config{rounds: 2})
	if err != nil {
		t.Fatal(err)
	}
	complete(t, s, len(stormers), nil)
	for column, want := range map[int]string{1: "0", 2: "500", 3: "0", 4: "249.0", 5: "0.0"} {
		if got := s.rows[0][column]; got != want {
			t.Errorf("the SDK has %q at %q, want %s", got, s.columns[column], want)
		}
	}
	for _, target := range s.targets {
		if !target.met {
			t.Errorf("%s: missed, %s", target.text, target.figure.format(1))
		}
	}
}

func TestStormFloor(t *testing.T) {
	for calls, want := range map[int]time.Duration{
		0: 0, 1: 0, 10: 0, 11: time.Second, 100: 9 * time.Second, 101: time.Minute, 111: 61 * time.Second, 500: 249 * time.Second,
	} {
		if got := stormFloor(calls); got != want {
			t.Errorf("%d calls: %s, want %s", calls, got, want)
		}
	}
}

func TestStormWithoutGo(t *testing.T) {
	t.Setenv("PATH", "")
	s, err := measureStorm(t.Context(), config{rounds: 1})
	if err != nil || len(s.rows) != 0 || len(s.skipped) != 1 || len(s.targets) != 2 || s.targets[0].figure.known() {
		t.Errorf("got %+v, %v; want it skipped", s, err)
	}
}
