package braze_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
)

// told is what Done and Close say, by the mark of the object.
type told struct {
	mu       sync.Mutex
	statuses map[string][]braze.Status
	errs     []error
	stalls   []time.Duration
}

func newTold() *told { return &told{statuses: map[string][]braze.Status{}} }

func (d *told) done(b braze.Batch, r braze.Result, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(b.Objects) != len(r.Objects) || b.Len() != len(b.Objects) || b.Len() == 0 {
		panic("the batch and the result do not fit")
	}
	for i, o := range b.Objects {
		m := objectMark(o)
		d.statuses[m] = append(d.statuses[m], r.Objects[i])
	}
	d.errs = append(d.errs, err)
}

func (d *told) stalled(_ error, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stalls = append(d.stalls, wait)
}

func (d *told) count(s braze.Status) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, all := range d.statuses {
		if slices.Contains(all, s) {
			n++
		}
	}
	return n
}

// objectMark is the user and the mark of an object, as mark has them.
func objectMark(o braze.Object) string {
	var id, m string
	if _, after, ok := strings.Cut(string(o.JSON()), `"external_id":"`); ok {
		id, _, _ = strings.Cut(after, `"`)
	}
	if _, after, ok := strings.Cut(string(o.JSON()), `"mark":`); ok {
		m = strings.TrimRight(after, "}")
		m, _, _ = strings.Cut(m, ",")
	}
	return id + "/" + m
}

func newBuffer(t *testing.T, client *braze.Client, config braze.BufferConfig) (*braze.Buffer, *told) {
	t.Helper()
	d := newTold()
	config.Done, config.Stalled = d.done, d.stalled
	b, err := client.NewBuffer(config)
	if err != nil {
		t.Fatal(err)
	}
	return b, d
}

func closeBuffer(t *testing.T, b *braze.Buffer) {
	t.Helper()
	if rest, err := b.Close(t.Context()); err != nil || rest.Len() > 0 {
		t.Errorf("Close leaves %v: %v", rest, err)
	}
}

func TestBufferFlushes(t *testing.T) {
	tests := []struct {
		name   string
		config braze.BufferConfig
		adds   int
		every  time.Duration
		want   []int         // sizes of the requests
		after  time.Duration // the last
	}{
		{"by size", braze.BufferConfig{}, 150, 0, []int{75, 75}, 0},
		{"by a size of its own", braze.BufferConfig{FlushObjects: 3}, 6, 0, []int{3, 3}, 0},
		{"by age", braze.BufferConfig{}, 10, 0, []int{10}, time.Second},
		{"by an age of its own", braze.BufferConfig{FlushAfter: time.Minute}, 10, 0, []int{10}, time.Minute},
		{"by the age of the oldest", braze.BufferConfig{}, 10, 300 * time.Millisecond, []int{4, 4, 2}, 3400 * time.Millisecond},
		{"by bytes", braze.BufferConfig{FlushBytes: 280}, 6, 0, []int{3, 3}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := brazetest.NewServer(t)
				b, done := newBuffer(t, srv.Client(), tt.config)
				start := time.Now()
				for i := range tt.adds {
					if err := b.Add(t.Context(), manyEvents(1, func(int) string { return fmt.Sprint("user-", i+10) })); err != nil {
						t.Fatal(err)
					}
					time.Sleep(tt.every)
					synctest.Wait()
				}
				for b.Len() > 0 {
					time.Sleep(time.Millisecond)
				}
				if got := time.Since(start); got < tt.after || got > tt.after+10*time.Millisecond {
					t.Errorf("all was sent after %s, want %s", got, tt.after)
				}
				if diff := cmp.Diff(tt.want, sizes(requests(t, srv))); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				if n := done.count(braze.Processed); n != tt.adds {
					t.Errorf("%d are processed, want %d", n, tt.adds)
				}
				closeBuffer(t, b)
			})
		})
	}
}

func TestBufferSendsTheRestOnClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t)
		b, done := newBuffer(t, srv.Client(), braze.BufferConfig{FlushAfter: time.Hour})
		for i := range 3 {
			if err := b.Add(t.Context(), manyEvents(10, func(j int) string { return fmt.Sprint(i, "-", j) })); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		closeBuffer(t, b)
		if n := done.count(braze.Processed); n != 30 || len(srv.Events()) != 30 || time.Since(start) > 0 {
			t.Errorf("%d are processed after %s, want 30", n, time.Since(start))
		}
		if err := b.Add(t.Context(), event(nil)); !errors.Is(err, braze.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if rest, err := b.Close(t.Context()); err != nil || rest.Len() > 0 {
			t.Errorf("the second Close: %v, %v", rest, err)
		}
	})
}

func TestBufferFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t, brazetest.Latency(time.Second))
		b, _ := newBuffer(t, srv.Client(), braze.BufferConfig{FlushAfter: time.Hour})
		defer closeBuffer(t, b)
		if err := b.Add(t.Context(), manyEvents(10, another)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := b.Flush(t.Context()); err != nil || len(srv.Events()) != 10 || time.Since(start) != time.Second {
			t.Errorf("after %s there are %d events: %v", time.Since(start), len(srv.Events()), err)
		}
		if err := b.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestBufferPushesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t, brazetest.Latency(10*time.Second))
		b, done := newBuffer(t, srv.Client(), braze.BufferConfig{QueueObjects: 10, FlushObjects: 10})
		start := time.Now()
		if err := b.Add(t.Context(), manyEvents(10, another)); err != nil || time.Since(start) > 0 {
			t.Errorf("with room, after %s: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Add(ctx, manyEvents(1, same)); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("without room, after %s: %v", time.Since(start), err)
		}
		if err := b.Add(t.Context(), manyEvents(1, same)); err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("until there is room, after %s: %v", time.Since(start), err)
		}
		if err := b.Add(t.Context(), manyEvents(11, another)); !errors.Is(err, ada.ErrInvalid) {
			t.Errorf("more than there ever is room for: %v", err)
		}
		if err := b.Add(t.Context(), braze.Batch{Events: []braze.Event{{User: user}}}); !errors.Is(err, ada.ErrInvalid) || !strings.Contains(err.Error(), "Events[0].Name is empty; Events[0].Time is the zero time") {
			t.Errorf("with faults: %v", err)
		}
		closeBuffer(t, b)
		if n := len(srv.Events()); n != 11 || done.count(braze.Processed) != 11 {
			t.Errorf("%d events, want 11", n)
		}
	})
}

func TestBufferPushesBackByBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t, brazetest.Latency(10*time.Second))
		b, _ := newBuffer(t, srv.Client(), braze.BufferConfig{QueueBytes: 250, FlushObjects: 1})
		start := time.Now()
		for range 3 { // of 105 bytes each
			if err := b.Add(t.Context(), manyEvents(1, same)); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Since(start); got != 10*time.Second {
			t.Errorf("the third had room after %s, want 10s", got)
		}
		closeBuffer(t, b)
	})
}

// What cannot be sent now is sent later, in its order, with growing pauses, and nobody is told of it but Stalled.
func TestBufferTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t)
		client := newClient(t, srv, func(c *braze.Config) { c.HTTP.Retry.MaxAttempts = 1 })
		srv.Fail(slices.Repeat([]brazetest.Failure{{Status: 401}}, 9)...)
		b, done := newBuffer(t, client, braze.BufferConfig{FlushObjects: 1})
		for i := range 100 {
			if err := b.Add(t.Context(), braze.Batch{Events: []braze.Event{markedEvent("u", i)}}); err != nil {
				t.Fatal(err)
			}
			if i%10 == 0 {
				synctest.Wait() // it is sent, or it is kept
			}
		}
		for b.Len() > 0 {
			time.Sleep(time.Second)
		}
		if n := done.count(braze.Processed); n != 100 {
			t.Errorf("%d are processed, want 100", n)
		}
		want := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}
		for i := range want {
			want[i] *= time.Second
		}
		if diff := cmp.Diff(want, done.stalls); diff != "" {
			t.Errorf("pauses (-want +got)\n%s", diff)
		}
		for i, e := range srv.Events() {
			if e.Properties["mark"] != float64(i) {
				t.Fatalf("event %d is %v", i, e.Properties["mark"])
			}
		}
		closeBuffer(t, b)
	})
}

// Of a request whose outcome is unknown, what only sets is sent again, and the rest is told.
func TestBufferAndUnknown(t *testing.T) {
	for _, duplicates := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv := brazetest.NewServer(t)
			client := newClient(t, srv, func(c *braze.Config) { c.AllowDuplicates, c.HTTP.Retry.MaxAttempts = duplicates, 1 })
			srv.Fail(brazetest.Failure{Drop: true, Effect: true})
			b, done := newBuffer(t, client, braze.BufferConfig{})
			if err := b.Add(t.Context(), braze.Batch{Attributes: []braze.Attributes{markedAttributes("u", 1)}, Events: []braze.Event{markedEvent("u", 2)}}); err != nil {
				t.Fatal(err)
			}
			if err := b.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := map[string][]braze.Status{"u/1": {braze.Processed}, "u/2": {braze.Unknown}}
			events := 1
			if duplicates {
				want["u/2"], events = []braze.Status{braze.Processed}, 2
			}
			if diff := cmp.Diff(want, done.statuses); diff != "" || len(srv.Events()) != events {
				t.Errorf("%d events (-want +got)\n%s", len(srv.Events()), diff)
			}
			closeBuffer(t, b)
		})
	}
}

func TestBufferTellsOfWhatIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t, brazetest.Reject(func(_ braze.Array, o map[string]any) string {
			if mark(o) == "u1/1" {
				return "BLACKLISTED_EXTERNAL_USER_ID"
			}
			return ""
		}))
		var rejections []braze.Rejection
		b, err := srv.Client().NewBuffer(braze.BufferConfig{Done: func(b braze.Batch, r braze.Result, _ error) {
			for _, r := range r.Rejections {
				if objectMark(b.Objects[r.Index]) != "u1/1" {
					t.Errorf("%s is rejected", objectMark(b.Objects[r.Index]))
				}
				rejections = append(rejections, r)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Add(t.Context(), manyEvents(3, another)); err != nil {
			t.Fatal(err)
		}
		closeBuffer(t, b)
		if diff := cmp.Diff([]braze.Rejection{{Array: braze.InObjects, Index: 1, Type: "BLACKLISTED_EXTERNAL_USER_ID"}}, rejections); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// A request that is too large for something on the way is told, and does not block what comes after it.
func TestBufferAndTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t)
		srv.Fail(brazetest.Failure{Status: 413})
		b, done := newBuffer(t, srv.Client(), braze.BufferConfig{FlushObjects: 1})
		for i := range 2 {
			if err := b.Add(t.Context(), braze.Batch{Events: []braze.Event{markedEvent("u", i)}}); err != nil {
				t.Fatal(err)
			}
			if err := b.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(map[string][]braze.Status{"u/0": {braze.Unsent}, "u/1": {braze.Processed}}, done.statuses); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		closeBuffer(t, b)
	})
}

// Close hands back what it could not send by its deadline, and that can be added to another buffer.
func TestBufferHandsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t)
		srv.Fail(slices.Repeat([]brazetest.Failure{{Status: 403}}, 1000)...)
		b, done := newBuffer(t, srv.Client(), braze.BufferConfig{})
		if err := b.Add(t.Context(), manyEvents(100, another)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		rest, err := b.Close(ctx)
		if len(rest.Objects) != 100 || !errors.Is(err, ada.ErrForbidden) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("after %s it hands back %v: %v", time.Since(start), rest, err)
		}
		if len(done.statuses) > 0 {
			t.Errorf("%d are told", len(done.statuses))
		}
		healthy := brazetest.NewServer(t)
		b, done = newBuffer(t, healthy.Client(), braze.BufferConfig{})
		if err := b.Add(t.Context(), rest); err != nil {
			t.Fatal(err)
		}
		closeBuffer(t, b)
		if n := len(healthy.Events()); n != 100 || done.count(braze.Processed) != 100 {
			t.Errorf("%d events, want 100", n)
		}
	})
}

// Whatever fails while many add: every object that was accepted is told once or handed back, and what is told is so.
func TestBufferLosesNothing(t *testing.T) {
	names := make([]string, 0, len(faults))
	for name := range faults {
		names = append(names, name)
	}
	slices.Sort(names)
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 8))
				srv := brazetest.NewServer(t, brazetest.Latency(100*time.Millisecond))
				client := newClient(t, srv, func(c *braze.Config) { c.MaxObjects, c.Concurrency = 1+rnd.IntN(20), 1+rnd.IntN(4) })
				for range 30 {
					failure := brazetest.Failure{}
					if rnd.IntN(2) == 0 {
						failure = faults[names[rnd.IntN(len(names))]]
					}
					srv.Fail(failure)
				}
				config := braze.BufferConfig{QueueObjects: 20 + rnd.IntN(100), FlushAfter: time.Duration(1 + rnd.IntN(1000)*int(time.Millisecond))}
				if seed%2 == 0 {
					config.SpoolFile = filepath.Join(t.TempDir(), "spool")
				}
				b, done := newBuffer(t, client, config)
				var mu sync.Mutex
				var accepted []string
				var adding sync.WaitGroup
				for g := range 5 {
					adding.Go(func() {
						for i := range 30 {
							ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
							err := b.Add(ctx, braze.Batch{Events: []braze.Event{markedEvent(fmt.Sprint("g", g), i)}, Attributes: []braze.Attributes{markedAttributes(fmt.Sprint("g", g), 1000+i)}})
							cancel()
							if err == nil {
								mu.Lock()
								accepted = append(accepted, fmt.Sprintf("g%d/%d", g, i), fmt.Sprintf("g%d/%d", g, 1000+i))
								mu.Unlock()
							} else if !errors.Is(err, braze.ErrClosed) && !errors.Is(err, context.DeadlineExceeded) {
								t.Error(err)
							}
							time.Sleep(20 * time.Millisecond)
						}
					})
				}
				time.Sleep(time.Duration(rnd.IntN(int(2 * time.Minute))))
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(int(time.Minute))))
				defer cancel()
				rest, err := b.Close(ctx)
				adding.Wait()
				if config.SpoolFile != "" {
					if rest.Len() > 0 {
						t.Errorf("%v is handed back, and in the spool", rest)
					}
					if err != nil && strings.Contains(err.Error(), "were not sent") {
						healthy := brazetest.NewServer(t)
						b, more := newBuffer(t, healthy.Client(), config)
						closeBuffer(t, b)
						for m, s := range more.statuses {
							done.statuses[m] = append(done.statuses[m], s...)
						}
						srvEvents(t, healthy, done, accepted)
					}
				}
				for _, o := range rest.Objects {
					done.statuses[objectMark(o)] = append(done.statuses[objectMark(o)], braze.Unsent)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, m := range accepted {
					if len(done.statuses[m]) != 1 {
						t.Errorf("%s was accepted and is %v", m, done.statuses[m])
					}
				}
				if len(done.statuses) != len(accepted) {
					t.Errorf("%d accepted, %d told of", len(accepted), len(done.statuses))
				}
				at := map[string]int{}
				for _, e := range srv.Events() {
					at[fmt.Sprint(e.ExternalID, "/", e.Properties["mark"])]++
				}
				for m, n := range at {
					if s := done.statuses[m]; n > 1 || n == 1 && len(s) == 1 && (s[0] == braze.Unsent || s[0] == braze.Rejected) {
						t.Errorf("%s is at Braze %d times, and %v", m, n, s)
					}
				}
			})
		})
	}
}

// srvEvents checks that what a second server has is told to be processed.
func srvEvents(t *testing.T, srv *brazetest.Server, done *told, accepted []string) {
	t.Helper()
	for _, e := range srv.Events() {
		m := fmt.Sprint(e.ExternalID, "/", e.Properties["mark"])
		if s := done.statuses[m]; !slices.Contains(s, braze.Processed) || !slices.Contains(accepted, m) {
			t.Errorf("%s came from the spool and is %v", m, s)
		}
	}
}

// snapshot is what a crash would leave.
type snapshot struct {
	spool    []byte
	accepted []string
	events   map[string]int
	told     map[string]bool
}

// A crash at any time, with a line half written or not: nothing that was accepted is lost, and no event is sent again
// that may have been taken, unless the caller wants that.
func TestSpoolSurvivesACrash(t *testing.T) {
	for _, duplicates := range []bool{false, true} {
		t.Run(fmt.Sprint("duplicates=", duplicates), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { crashEverywhere(t, duplicates) })
		})
	}
}

func crashEverywhere(t *testing.T, duplicates bool) {
	path := filepath.Join(t.TempDir(), "spool")
	var mu sync.Mutex
	var snapshots []snapshot
	var accepted []string
	var srv *brazetest.Server
	events := map[string]int{}
	done := newTold()
	take := func() {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		s := snapshot{spool: content, accepted: slices.Clone(accepted), events: map[string]int{}, told: map[string]bool{}}
		maps.Copy(s.events, events)
		done.mu.Lock()
		for m := range done.statuses {
			s.told[m] = true
		}
		done.mu.Unlock()
		snapshots = append(snapshots, s)
	}
	srv = brazetest.NewServer(t, brazetest.Latency(50*time.Millisecond), brazetest.Reject(func(_ braze.Array, o map[string]any) string {
		mu.Lock()
		defer mu.Unlock()
		take() // before it is taken
		if _, isEvent := o["name"]; isEvent {
			events[mark(o)]++
		}
		take() // after, with no word of it in the spool
		return ""
	}))
	srv.Fail(brazetest.Failure{}, brazetest.Failure{Status: 403}, brazetest.Failure{}, brazetest.Failure{Drop: true, Effect: true}, brazetest.Failure{Status: 500, Effect: true})
	client := newClient(t, srv, func(c *braze.Config) { c.MaxObjects, c.Concurrency, c.AllowDuplicates = 3, 2, duplicates })
	b, err := client.NewBuffer(braze.BufferConfig{SpoolFile: path, FlushObjects: 4, Stalled: done.stalled, Done: func(b braze.Batch, r braze.Result, err error) {
		mu.Lock()
		defer mu.Unlock()
		take()
		done.done(b, r, err)
		take()
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		batch := braze.Batch{Events: []braze.Event{markedEvent(another(i%4), i)}}
		if i%3 == 0 {
			batch = braze.Batch{Attributes: []braze.Attributes{markedAttributes(another(i%4), i)}}
		}
		if err := b.Add(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		accepted = append(accepted, fmt.Sprintf("u%d/%d", i%4, i))
		take()
		mu.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
	closeBuffer(t, b)
	take()
	if len(snapshots) < 50 {
		t.Fatalf("only %d snapshots", len(snapshots))
	}
	for i, s := range snapshots {
		contents := [][]byte{s.spool}
		if n := len(s.spool); n > 30 { // the end of the last line did not get to the disk: it was not synced
			contents = append(contents, append(slices.Clone(s.spool), []byte(`{"n":99,"a":"eve`)...))
		}
		for _, content := range contents {
			crashed := filepath.Join(t.TempDir(), "spool")
			if err := os.WriteFile(crashed, content, 0o600); err != nil {
				t.Fatal(err)
			}
			again := brazetest.NewServer(t)
			client := newClient(t, again, func(c *braze.Config) { c.AllowDuplicates = duplicates })
			b, more := newBuffer(t, client, braze.BufferConfig{SpoolFile: crashed})
			closeBuffer(t, b)
			total := map[string]int{}
			for m, n := range s.events {
				total[m] += n
			}
			for _, e := range again.Events() {
				total[fmt.Sprint(e.ExternalID, "/", e.Properties["mark"])]++
			}
			for _, m := range s.accepted {
				if statuses := more.statuses[m]; !s.told[m] && len(statuses) != 1 {
					t.Errorf("crash %d: %s was accepted, and the next buffer says %v", i, m, statuses)
				}
			}
			for m, statuses := range more.statuses {
				_, number, _ := strings.Cut(m, "/")
				n, err := strconv.Atoi(number)
				if err != nil {
					t.Fatal(err)
				}
				if sets := n%3 == 0; (duplicates || sets) && slices.Contains(statuses, braze.Unknown) {
					t.Errorf("crash %d: %s is %v", i, m, statuses)
				}
			}
			for m, n := range total {
				if n > 1 && !duplicates {
					t.Errorf("crash %d: %s came %d times", i, m, n)
				}
			}
			if b, err := os.ReadFile(crashed); err != nil || strings.Contains(string(b), `"n":`) && len(b) > 64<<10 {
				t.Errorf("crash %d: the spool has %d bytes: %v", i, len(b), err)
			}
		}
	}
}

func TestSpoolIsRewritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	srv := brazetest.NewServer(t, brazetest.RateLimit(0, 0))
	client := newClient(t, srv, func(c *braze.Config) { c.HTTP.Limiter = ada.Unpaced })
	b, done := newBuffer(t, client, braze.BufferConfig{SpoolFile: path, QueueObjects: 1000})
	most := int64(0)
	for i := range 100 {
		batch := manyEvents(100, another)
		for j := range batch.Events {
			batch.Events[j].Properties["long"] = strings.Repeat("x", 200)
			batch.Events[j].Properties["mark"] = 100*i + j
		}
		if err := b.Add(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, info.Size())
	}
	if _, err := client.NewBuffer(braze.BufferConfig{SpoolFile: path}); !errors.Is(err, braze.ErrSpool) {
		t.Errorf("opened twice: %v", err)
	}
	closeBuffer(t, b)
	if most > 3<<20 { // of all it would be more
		t.Errorf("the spool had %d bytes", most)
	}
	if n := done.count(braze.Processed); n != 10_000 || len(srv.Events()) != 10_000 {
		t.Errorf("%d processed, %d events, want 10000", n, len(srv.Events()))
	}
	b, done = newBuffer(t, client, braze.BufferConfig{SpoolFile: path})
	closeBuffer(t, b)
	if len(done.statuses) > 0 {
		t.Errorf("%d were left", len(done.statuses))
	}
}

func TestSpoolErrors(t *testing.T) {
	client := brazetest.NewServer(t).Client()
	for name, content := range map[string]string{
		"another file":    "hello\n",
		"a broken line":   `{"spool":"ada-go/1"}` + "\n" + `{"n":1,"a":"events","o":{canary` + "\n",
		"nobody's object": `{"spool":"ada-go/1"}` + "\n" + `{"n":1,"a":"events","o":{"name":"canary"}}` + "\n",
	} {
		path := filepath.Join(t.TempDir(), "spool")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := client.NewBuffer(braze.BufferConfig{SpoolFile: path})
		if !errors.Is(err, braze.ErrSpool) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != content {
			t.Errorf("%s is changed: %v", name, err)
		}
	}
	if _, err := client.NewBuffer(braze.BufferConfig{FlushObjects: -1, QueueBytes: -1}); !errors.Is(err, ada.ErrInvalid) || !strings.Contains(err.Error(), "FlushObjects is negative; QueueBytes is negative") {
		t.Error(err)
	}
}

// An object of a spool that is too long for a limit that is lower now is told, and does not block the others.
func TestSpoolWithALowerLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "spool")
		srv := brazetest.NewServer(t)
		srv.Fail(slices.Repeat([]brazetest.Failure{{Status: 403}}, 100)...)
		long := markedEvent("long", 1)
		long.Properties["a"] = strings.Repeat("x", 200)
		ended, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		b, _ := newBuffer(t, srv.Client(), braze.BufferConfig{SpoolFile: path})
		if err := b.Add(t.Context(), braze.Batch{Events: []braze.Event{long, markedEvent("short", 2)}}); err != nil {
			t.Fatal(err)
		}
		if held := b.Held(); len(held) != 2 {
			t.Errorf("it holds %v", held)
		}
		if _, err := b.Close(ended); !errors.Is(err, ada.ErrForbidden) || len(srv.Calls()) == 0 {
			t.Fatalf("Close, after %d requests: %v", len(srv.Calls()), err)
		}
		healthy := brazetest.NewServer(t)
		b, done := newBuffer(t, newClient(t, healthy, func(c *braze.Config) { c.MaxBytes = 250 }), braze.BufferConfig{SpoolFile: path})
		closeBuffer(t, b)
		if diff := cmp.Diff(map[string][]braze.Status{"long/1": {braze.Unsent}, "short/2": {braze.Processed}}, done.statuses); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if held := b.Held(); len(held) != 0 {
			t.Errorf("closed, it holds %v", held)
		}
	})
}

// What is added while others are sent comes after them, also when they have to be sent again.
func TestBufferKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t, brazetest.Latency(time.Second))
		srv.Fail(brazetest.Failure{Status: 403})
		b, _ := newBuffer(t, srv.Client(), braze.BufferConfig{FlushObjects: 1})
		for i := range 3 {
			if err := b.Add(t.Context(), braze.Batch{Events: []braze.Event{markedEvent("u", i)}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		closeBuffer(t, b)
		for i, e := range srv.Events() {
			if e.Properties["mark"] != float64(i) {
				t.Errorf("event %d is %v", i, e.Properties["mark"])
			}
		}
	})
}

func TestBufferWaitsAsLongAsBrazeAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t)
		srv.Fail(brazetest.Failure{Status: 429, Header: http.Header{"X-Ratelimit-Retry-After": {"1800"}}})
		b, done := newBuffer(t, srv.Client(), braze.BufferConfig{FlushObjects: 1})
		start := time.Now()
		if err := errors.Join(b.Add(t.Context(), event(nil)), b.Flush(t.Context())); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != 30*time.Minute || len(srv.Calls()) != 2 {
			t.Errorf("it was sent after %s, in %d requests", got, len(srv.Calls()))
		}
		if diff := cmp.Diff([]time.Duration{30 * time.Minute}, done.stalls); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		closeBuffer(t, b)
	})
}
