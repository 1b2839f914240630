package faultsuite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
	"github.com/adasdk/ada-go/internal/faults"
)

// tracking is the row of an operation of Braze: what it sends, and how often the fake has seen that.
func tracking(name string, send func(ctx context.Context, c *braze.Client, o ...ada.CallOption) ([]string, error), effects func(*brazetest.Server) int) operation {
	return operation{
		name: name, idKey: "message", once: 1,
		setup: func(w *world) {
			w.braze = brazetest.New(brazetest.Reject(func(_ braze.Array, o map[string]any) string {
				if id, _ := o["external_id"].(string); strings.HasSuffix(id, refusedID) {
					return "'quantity' is not valid"
				}
				return ""
			}))
			w.handler, w.want = w.braze, []string{"processed"}
		},
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			return send(ctx, w.trackers[c], o...)
		},
		effects: func(w *world) int { return effects(w.braze) },
	}
}

func isBraze(op operation) bool { return strings.HasPrefix(op.name, "braze.") }

func isBuffer(op operation) bool { return strings.HasPrefix(op.name, "braze.Buffer") }

// repeated is op, of which repeating it is harmless.
func repeated(op operation) operation {
	op.idempotent = true
	return op
}

// refusedID is how an external id ends that the fake refuses.
const refusedID = "-refused"

var (
	someone = braze.ExternalID("canary-external")
	someday = begin.Add(-time.Hour)

	someAttributes = braze.Batch{Attributes: []braze.Attributes{{
		User: someone, FirstName: ada.Set("canary-name"), Email: ada.Set("canary@mail.example"), Custom: braze.Custom{"m": "canary-metadata"},
	}}}
	anEvent = braze.Batch{Events: []braze.Event{{
		User: someone, Name: "canary-name", Time: someday, Properties: braze.Properties{"m": "canary-metadata"},
	}}}
)

func trackAttributes(ctx context.Context, c *braze.Client, o ...ada.CallOption) ([]string, error) {
	return track(ctx, c, someAttributes, o...)
}

func trackAnEvent(ctx context.Context, c *braze.Client, o ...ada.CallOption) ([]string, error) {
	return track(ctx, c, anEvent, o...)
}

func bufferAttributes(ctx context.Context, c *braze.Client, _ ...ada.CallOption) ([]string, error) {
	return buffer(ctx, c, someAttributes)
}

func bufferAnEvent(ctx context.Context, c *braze.Client, _ ...ada.CallOption) ([]string, error) {
	return buffer(ctx, c, anEvent)
}

// throughBuffer is op, which goes on for as long as what it has was not sent or can be sent again.
func throughBuffer(op operation) operation {
	op.goesOn = true
	return op
}

// buffer sends a batch through a buffer with a spool, and returns the status of each object that was told. What was not
// told has to be in the spool.
func buffer(ctx context.Context, c *braze.Client, batch braze.Batch) (statuses []string, err error) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var failed error
	config := braze.BufferConfig{SpoolFile: filepath.Join(dir, "spool"), Done: func(_ braze.Batch, r braze.Result, err error) {
		for _, s := range r.Objects {
			statuses = append(statuses, s.String())
		}
		failed = errors.Join(failed, err)
	}}
	b, err := c.NewBuffer(config)
	if err != nil {
		return nil, err
	}
	err = b.Add(ctx, batch)
	accepted := btoi(err == nil) * batch.Len()
	err = errors.Join(err, b.Flush(ctx))
	_, closing := b.Close(ctx)
	again, err2 := c.NewBuffer(braze.BufferConfig{SpoolFile: config.SpoolFile})
	if err2 != nil {
		return nil, err2
	}
	told, held := len(statuses), len(again.Held())
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, _ = again.Close(ended)
	if told+held != accepted || (closing != nil) != (held > 0) {
		panic(fmt.Sprintf("of %d objects %d were told and %d are in the spool: %v, %v", accepted, told, held, err, closing)) // whatever a scenario expects
	}
	if err = errors.Join(err, closing, failed); err != nil {
		return nil, err
	}
	return statuses, nil
}

// track returns the status of each object, or none with an error.
func track(ctx context.Context, c *braze.Client, b braze.Batch, o ...ada.CallOption) (statuses []string, err error) {
	result, err := c.Track(ctx, b, o...)
	if processed := result.Count(braze.Processed); (processed == b.Len()) != (err == nil) {
		return nil, fmt.Errorf("%d of %d objects are processed, and the error is %w", processed, b.Len(), err)
	}
	if err != nil {
		return nil, err
	}
	for _, s := range slices.Concat(result.Attributes, result.Events) {
		statuses = append(statuses, s.String())
	}
	return statuses, nil
}

func processed(err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return []string{"processed"}, nil
}

// profilesWith counts the profiles with an attribute.
func profilesWith(name string) func(*brazetest.Server) int {
	return func(s *brazetest.Server) (n int) {
		for _, p := range s.Profiles() {
			_, ok := p.Attributes[name]
			n += btoi(ok)
		}
		return n
	}
}

func eventsOf(s *brazetest.Server) int { return len(s.Events()) }

// many is a batch of n objects of what a row sends, each of another user, or all of one.
func many(op operation, n int, user func(i int) string) (b braze.Batch) {
	for i := range n {
		u := braze.ExternalID(user(i))
		if op.idempotent {
			b.Attributes = append(b.Attributes, braze.Attributes{User: u, Custom: braze.Custom{"mark": i}})
		} else {
			b.Events = append(b.Events, braze.Event{User: u, Name: "canary-name", Time: someday, Properties: braze.Properties{"mark": i}})
		}
	}
	return b
}

// marks are the indexes of the objects of a request.
func marks(t *testing.T, body []byte) (indexes []int) {
	t.Helper()
	var request struct {
		Attributes []struct{ Mark int }
		Events     []struct{ Properties struct{ Mark int } }
	}
	if err := json.Unmarshal(body, &request); err != nil {
		t.Errorf("%q: %v", body, err)
	}
	for _, a := range request.Attributes {
		indexes = append(indexes, a.Mark)
	}
	for _, e := range request.Events {
		indexes = append(indexes, e.Properties.Mark)
	}
	return indexes
}

func another(i int) string { return fmt.Sprintf("canary-external-%d", i) }

func upTo(begin, end int) (indexes []int) {
	for i := begin; i < end; i++ {
		indexes = append(indexes, i)
	}
	return indexes
}

// chunks sends a batch, where a request with these objects is answered by instead, or by the fake where the status is 0,
// and hands on what came of it.
func chunks(t *testing.T, op operation, label string, b braze.Batch, instead func(marks []int) (status int, body string), check func(t *testing.T, o *outcome, statuses []braze.Status, rejections []braze.Rejection)) {
	t.Helper()
	var result braze.Result
	trial{
		op: op, label: label, most: 10,
		script: func(w *world, _ int) faults.Step {
			return faults.Through(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				content, _ := io.ReadAll(r.Body)
				if status, body := instead(marks(t, content)); status != 0 {
					rw.WriteHeader(status)
					_, _ = io.WriteString(rw, body)
					return
				}
				r.Body = io.NopCloser(bytes.NewReader(content))
				w.handler.ServeHTTP(rw, r)
			}), nil)
		},
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) (_ []string, err error) {
			result, err = w.trackers[c].Track(ctx, b, o...)
			return nil, err
		},
	}.run(t, func(t *testing.T, o *outcome) {
		check(t, o, append(result.Attributes, result.Events...), result.Rejections)
	})
}

// byObject is A12.
func byObject(t *testing.T, op operation) {
	for _, s := range []string{`{"message":"queued"}`, `{"message":"canary-name","errors":["canary-name"]}`, `{"attributes_processed":1,"events_processed":1}`} {
		broken(instead(s), 1).run(t, op, s)
	}
	for name, seconds := range map[string]time.Duration{"X-Ratelimit-Retry-After": 7, "x-ratelimit-retry-after": 2} {
		waits(refused(header(fmt.Sprint(name, ": ", int(seconds)))), seconds*time.Second).run(t, op, name)
	}
	if !strings.HasPrefix(op.name, "braze.Track,") {
		return
	}

	fine := func([]int) (int, string) { return 0, "" }
	for name, user := range map[string]func(int) string{"of many": another, "of one": func(int) string { return another(0) }} {
		chunks(t, op, "76 "+name, many(op, 76, user), fine, func(t *testing.T, o *outcome, statuses []braze.Status, _ []braze.Rejection) {
			var requests [][]int
			for _, r := range o.network.Requests() {
				requests = append(requests, marks(t, r.Content))
			}
			if len(requests) == 2 && name == "of many" { // they are under way at the same time
				slices.SortFunc(requests, func(a, b []int) int { return a[0] - b[0] })
			}
			if len(requests) != 2 || !slices.Equal(slices.Concat(requests...), upTo(0, 76)) {
				t.Errorf("the requests have %v", requests)
			}
			if o.err != nil || !slices.Equal(statuses, slices.Repeat([]braze.Status{braze.Processed}, 76)) {
				t.Errorf("%v, %v", statuses, o.err)
			}
		})
	}

	expected := func(second braze.Status) []braze.Status {
		return slices.Concat(
			slices.Repeat([]braze.Status{braze.Processed}, 75), slices.Repeat([]braze.Status{second}, 75), slices.Repeat([]braze.Status{braze.Processed}, 75))
	}
	lost := []error{ada.ErrServer}
	if !op.idempotent {
		lost = append(lost, ada.ErrOutcomeUnknown)
	}
	for name, tt := range map[string]struct {
		status int
		body   string
		second braze.Status
		is     []error
		times  int // how often the second chunk arrives
	}{
		"400":     {400, `{"message":"canary-name"}`, braze.Rejected, []error{ada.ErrInvalid}, 1},
		"500":     {500, html, braze.Unknown, lost, 1 + 3*btoi(op.idempotent)},
		"message": {201, `{"message":"canary-name"}`, braze.Unknown, []error{ada.ErrAnswer}, 1},
	} {
		step := func(marks []int) (int, string) {
			if marks[0] == 75 {
				return tt.status, tt.body
			}
			return 0, ""
		}
		chunks(t, op, "the second of three: "+name, many(op, 225, another), step, func(t *testing.T, o *outcome, statuses []braze.Status, rejections []braze.Rejection) {
			if !slices.Equal(statuses, expected(tt.second)) || o.network.Arrived() != 2+tt.times {
				t.Errorf("%d requests: %v", o.network.Arrived(), statuses)
			}
			for _, target := range tt.is {
				if !errors.Is(o.err, target) {
					t.Errorf("%v does not match %q", o.err, target)
				}
			}
			if o.failure == nil || o.failure.StatusCode != tt.status || o.failure.Attempts != tt.times {
				t.Errorf("%v is of status %d and %d attempts", o.err, o.failure.StatusCode, o.failure.Attempts)
			}
			var indexes []int
			for _, r := range rejections {
				indexes = append(indexes, r.Index)
			}
			if tt.second == braze.Rejected && !slices.Equal(indexes, upTo(75, 150)) || tt.second != braze.Rejected && len(indexes) > 0 {
				t.Errorf("rejected are %v", indexes)
			}
		})
	}

	bad := []int{0, 76, 149, 224}
	some := many(op, 225, func(i int) string {
		if slices.Contains(bad, i) {
			return another(i) + refusedID
		}
		return another(i)
	})
	chunks(t, op, "some are refused", some, fine, func(t *testing.T, o *outcome, statuses []braze.Status, rejections []braze.Rejection) {
		want := expected(braze.Processed)
		var indexes []int
		for _, i := range bad {
			want[i] = braze.Rejected
		}
		for _, r := range rejections {
			indexes = append(indexes, r.Index)
			if op.idempotent != (r.Array == braze.InAttributes) || r.Type != "'quantity' is not valid" {
				t.Errorf("%v", r)
			}
		}
		if !slices.Equal(statuses, want) || !slices.Equal(indexes, bad) || o.network.Arrived() != 3 {
			t.Errorf("%d requests, rejected are %v: %v", o.network.Arrived(), indexes, statuses)
		}
		if !errors.Is(o.err, ada.ErrInvalid) || o.failure == nil || len(o.failure.Faults) != len(bad) || ada.Retryable(o.err) {
			t.Errorf("%v", o.err)
		}
		if n := op.effects(o.world); !op.idempotent && n != 225-len(bad) {
			t.Errorf("there are %d events", n)
		}
	})
}
