package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/endusers"
)

// One call is endusers.Client.Get beside the same request by hand: net/http with a timeout, a limit of what is read,
// and encoding/json into a struct of the same fields. Both go over loopback and keep their connections. The server is a
// process of its own with one fixed answer, so that time and allocations are those of a client.

// What one call may cost beyond net/http.
const (
	maxCallTime   = 1.3
	maxCallAllocs = 30
)

const callUser = "65a17e3f43bec88e00000001"

const callAnswer = `{"end_user_id":"` + callUser + `","external_id":"crm-42","profile":{"first_name":"Ada","last_name":"Lovelace",` +
	`"display_name":"Ada L","avatar":"https://example.com/avatars/crm-42.png","email":"ada@example.com","language":"en-US",` +
	`"metadata":{"plan":"pro","seats":12,"trial":false,"summary":"asked about a refund, and was told how to get one"},` +
	`"system_properties":{"sunshine_user_id":"5f7e8d9c0b1a"}},"created_at":"2026-05-20T08:30:00+00:00","updated_at":"2026-06-01T12:30:00.890000+00:00"}`

const callServerCommand = "serve-call"

// serveCall is the process that answers every request with the same end user. It writes its URL to stdout, and ends with
// its standard input.
func serveCall(_ []string, stdout io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode("http://" + listener.Addr().String()); err != nil {
		return err
	}
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, callAnswer) // the client may be gone
		}))
	}()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startCallServer starts that process. stop ends it.
func startCallServer(ctx context.Context) (base string, stop func(), err error) {
	stop, err = start(ctx, &base, callServerCommand)
	return base, stop, err
}

// getter makes one call.
type getter func(ctx context.Context) error

var errWrongUser = errors.New("it is another end user")

// plainUser is what endusers.User has, as one would write it.
type plainUser struct {
	ID         string `json:"end_user_id"`
	ExternalID string `json:"external_id"`
	Profile    struct {
		FirstName        string         `json:"first_name"`
		LastName         string         `json:"last_name"`
		DisplayName      string         `json:"display_name"`
		Avatar           string         `json:"avatar"`
		Email            string         `json:"email"`
		Language         string         `json:"language"`
		Metadata         map[string]any `json:"metadata"`
		SystemProperties struct {
			SunshineUserID string `json:"sunshine_user_id"`
		} `json:"system_properties"`
	} `json:"profile"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// plainGet makes calls with a client of the same transport, and the SDK's timeout.
func plainGet(client *http.Client, base string) getter {
	client = &http.Client{Transport: client.Transport, Timeout: 30 * time.Second}
	get := func(ctx context.Context, id string) (*plainUser, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v2/end-users/"+url.PathEscape(id), nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer bench")
		req.Header.Set("Accept", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, 10<<20))
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %.1000s", resp.Status, body)
		}
		user := new(plainUser)
		return user, json.Unmarshal(body, user)
	}
	return func(ctx context.Context) error {
		user, err := get(ctx, callUser)
		if err == nil && (user.ID != callUser || user.Profile.Metadata["plan"] != "pro" || user.UpdatedAt.IsZero()) {
			err = errWrongUser
		}
		return err
	}
}

// sdkGet makes calls with the default configuration but for the limiter. A nil client is the SDK's own.
func sdkGet(client *http.Client, base string, limiter func(ada.Pace) ada.Limiter) (getter, error) {
	c, err := ada.NewClient(ada.Config{BaseURL: base, APIKey: "bench", HTTP: ada.HTTPConfig{Client: client, Limiter: limiter}})
	if err != nil {
		return nil, err
	}
	users := endusers.New(c)
	return func(ctx context.Context) error {
		user, err := users.Get(ctx, callUser)
		if err == nil && (user.ID != callUser || user.Profile.Metadata["plan"] != "pro" || user.UpdatedAt.IsZero()) {
			err = errWrongUser
		}
		return err
	}, nil
}

// neverWaits is the SDK's limiter at a rate that nothing here comes to.
func neverWaits(p ada.Pace) ada.Limiter {
	return ada.NewLimiter(ada.Pace{Family: p.Family, PerSecond: 1_000_000})
}

// callers are who makes calls.
var callers = []struct {
	title string
	open  func(client *http.Client, base string) (getter, error)
}{
	{"`net/http` and `encoding/json`", func(client *http.Client, base string) (getter, error) { return plainGet(client, base), nil }},
	{"**this SDK**, without a limiter", func(client *http.Client, base string) (getter, error) { return sdkGet(client, base, ada.Unpaced) }},
	{"**this SDK**, with its limiter, which never waits", func(client *http.Client, base string) (getter, error) { return sdkGet(client, base, neverWaits) }},
}

// measureCall measures one call after another.
func measureCall(ctx context.Context, c config) (section, error) {
	base, stop, err := startCallServer(ctx)
	if err != nil {
		return section{}, err
	}
	defer stop()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	var gets []getter
	for i, c := range callers {
		var client *http.Client // nil is the SDK's own
		if i == 0 {
			client = &http.Client{Transport: transport}
		}
		get, err := c.open(client, base)
		if err != nil {
			return section{}, err
		}
		gets = append(gets, get)
	}
	results, err := inTurns(ctx, c.rounds, gets, func(get getter) (testing.BenchmarkResult, error) {
		runtime.GC()
		return benchmark(func() error { return get(ctx) })
	})
	if err != nil {
		return section{}, err
	}

	times := func(r, base testing.BenchmarkResult) float64 { return nanoseconds(r) / nanoseconds(base) }
	more := func(r, base testing.BenchmarkResult) float64 { return allocations(r) - allocations(base) }
	s := section{
		title: "One call",
		notes: []string{
			fmt.Sprintf("`endusers.Client.Get` of one end user of %d bytes, over loopback HTTP/1.1 on one connection, from a server in another process", len(callAnswer)),
			"by hand: a timeout of 30 s, at most 10 MiB read, `json.Unmarshal` into a struct of the same fields",
			fmt.Sprintf("median of %d rounds (least to most) of a second each", c.rounds),
		},
		columns: []string{"", "µs per call", "bytes per call", "allocations per call", "× `net/http`", "allocations more"},
	}
	for i, c := range callers {
		row := []string{
			c.title, each(results[i], microseconds).format(1), each(results[i], allocated).count(), each(results[i], allocations).count(), "", "",
		}
		if i > 0 {
			row[4], row[5] = against(results[i], results[0], times).format(2), against(results[i], results[0], more).count()
		}
		s.rows = append(s.rows, row)
	}
	slower, heavier := against(results[1], results[0], times), against(results[1], results[0], more)
	s.targets = []target{
		{fmt.Sprintf("one call at most %g × the time of `net/http`", maxCallTime), slower, slower.median <= maxCallTime},
		{fmt.Sprintf("one call at most %d allocations more", maxCallAllocs), heavier, heavier.median <= maxCallAllocs},
	}
	return s, nil
}

// measureCallers has a thousand goroutines call through one client.
func measureCallers(ctx context.Context, c config) (section, error) {
	return volleys(ctx, c.rounds, 1000, 20)
}

// volley is what many callers got at the same time.
type volley struct {
	elapsed     time.Duration
	latencies   []time.Duration // ascending
	connections int64
	goroutines  int
	allocs      uint64
	errors      int64
}

func (v volley) percentile(p int) float64 {
	return float64(v.latencies[(len(v.latencies)-1)*p/100]) / float64(time.Millisecond)
}

const maxConns = 64

func volleys(ctx context.Context, rounds, goroutines, calls int) (section, error) {
	base, stop, err := startCallServer(ctx)
	if err != nil {
		return section{}, err
	}
	defer stop()
	results, err := inTurns(ctx, rounds, []int{0, 1, 2}, func(i int) (volley, error) {
		var dialed atomic.Int64
		// The same for all: neither the SDK's own transport nor that of net/http bounds connections.
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = maxConns, maxConns
		dial := transport.DialContext
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			dialed.Add(1)
			return dial(ctx, network, address)
		}
		defer transport.CloseIdleConnections()
		get, err := callers[i].open(&http.Client{Transport: transport}, base)
		if err != nil {
			return volley{}, err
		}
		v := fire(ctx, get, goroutines, calls)
		v.connections = dialed.Load()
		return v, nil
	})
	if err != nil {
		return section{}, err
	}
	s := section{
		title: "Many callers of one client",
		notes: []string{
			fmt.Sprintf("%d goroutines with %d calls each, of the same answer, over at most %d connections", goroutines, calls, maxConns),
			"a latency is that of a call, with its wait for a connection; goroutines are all of the process at the peak, the callers among them",
			fmt.Sprintf("median of %d rounds (least to most)", rounds),
		},
		columns: []string{"", "calls/s", "p50 ms", "p99 ms", "connections", "goroutines", "allocations per call", "errors"},
	}
	n := float64(goroutines * calls)
	for i, vs := range results {
		s.rows = append(s.rows, []string{
			callers[i].title,
			each(vs, func(v volley) float64 { return n / v.elapsed.Seconds() }).count(),
			each(vs, func(v volley) float64 { return v.percentile(50) }).format(1),
			each(vs, func(v volley) float64 { return v.percentile(99) }).format(1),
			each(vs, func(v volley) float64 { return float64(v.connections) }).count(),
			each(vs, func(v volley) float64 { return float64(v.goroutines) }).count(),
			each(vs, func(v volley) float64 { return float64(v.allocs) / n }).count(),
			each(vs, func(v volley) float64 { return float64(v.errors) }).count(),
		})
	}
	return s, nil
}

// fire makes all calls.
func fire(ctx context.Context, get getter, goroutines, calls int) (v volley) {
	v.latencies = make([]time.Duration, goroutines*calls)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	done, peak := make(chan struct{}), make(chan int)
	go func() { // looks now and then how many there are
		most, ticker := 0, time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			most = max(most, runtime.NumGoroutine())
			select {
			case <-ticker.C:
			case <-done:
				peak <- most
				return
			}
		}
	}()
	var failed atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for caller := range goroutines {
		wg.Go(func() {
			for call := range calls {
				began := time.Now()
				if err := get(ctx); err != nil {
					failed.Add(1)
				}
				v.latencies[caller*calls+call] = time.Since(began)
			}
		})
	}
	wg.Wait()
	v.elapsed = time.Since(start)
	close(done)
	v.goroutines = <-peak
	runtime.ReadMemStats(&after)
	v.allocs = after.Mallocs - before.Mallocs
	v.errors = failed.Load()
	slices.Sort(v.latencies)
	return v
}
