package braze_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
	network "github.com/adasdk/ada-go/internal/faults"
)

// dedupe sends each of the objects by itself, through one Dedupe, and returns what went out of each.
func dedupe(t *testing.T, d *braze.Dedupe, objects ...braze.Attributes) (sent []string) {
	t.Helper()
	srv := brazetest.NewServer(t)
	client := newClient(t, srv, func(c *braze.Config) { c.Dedupe = d })
	for i, a := range objects {
		if a.User.IsZero() && !a.PushTokenImport {
			objects[i].User = user
		}
		before := len(srv.Calls())
		result, err := client.Track(t.Context(), braze.Batch{Attributes: objects[i : i+1]})
		if err != nil || result.Count(braze.Processed) != 1 {
			t.Errorf("object %d: %v, %v", i, result, err)
		}
		out := ""
		for _, c := range srv.Calls()[before:] {
			out += string(c.Body)
		}
		sent = append(sent, out)
	}
	return sent
}

func TestDedupe(t *testing.T) {
	c := func(m braze.Custom) braze.Attributes { return braze.Attributes{Custom: m} }
	const head, tail = `{"attributes":[{"external_id":"crm-42"`, `}]}`
	tests := []struct {
		name    string
		objects []braze.Attributes
		want    []string // between head and tail; "-": nothing is sent
		saved   int
	}{
		{"the same again", []braze.Attributes{c(braze.Custom{"a": 1}), c(braze.Custom{"a": 1})}, []string{`,"a":1`, "-"}, 1},
		{"what has changed", []braze.Attributes{c(braze.Custom{"a": 1, "b": 1}), c(braze.Custom{"a": 1, "b": 2, "c": 3})}, []string{`,"a":1,"b":1`, `,"b":2,"c":3`}, 1},
		{"there and back", []braze.Attributes{c(braze.Custom{"a": 1}), c(braze.Custom{"a": 2}), c(braze.Custom{"a": 1})}, []string{`,"a":1`, `,"a":2`, `,"a":1`}, 0},
		{"deeply equal", []braze.Attributes{
			c(braze.Custom{"o": map[string]any{"x": []any{1, "y"}, "z": map[string]any{"a": true}}}),
			c(braze.Custom{"o": map[string]any{"z": map[string]bool{"a": true}, "x": []any{1, "y"}}}),
		}, []string{`,"o":{"x":[1,"y"],"z":{"a":true}}`, "-"}, 2},
		{"deeply unequal", []braze.Attributes{c(braze.Custom{"o": []string{"a", "b"}}), c(braze.Custom{"o": []string{"b", "a"}})}, []string{`,"o":["a","b"]`, `,"o":["b","a"]`}, 0},
		{"a number and its text", []braze.Attributes{c(braze.Custom{"a": 1}), c(braze.Custom{"a": "1"})}, []string{`,"a":1`, `,"a":"1"`}, 0},
		{"fields", []braze.Attributes{{FirstName: ada.Set("A"), Email: ada.Set("a@b.example")}, {FirstName: ada.Set("A"), Email: ada.Set("c@d.example")}}, []string{`,"email":"a@b.example","first_name":"A"`, `,"email":"c@d.example"`}, 1},
		{"removals", []braze.Attributes{c(braze.Custom{"a": braze.Unset{}}), c(braze.Custom{"a": braze.Unset{}}), c(braze.Custom{"a": 1})}, []string{`,"a":null`, "-", `,"a":1`}, 1},
		{"operations are never left out", []braze.Attributes{c(braze.Custom{"a": braze.Inc(1)}), c(braze.Custom{"a": braze.Inc(1)})}, []string{`,"a":{"inc":1}`, `,"a":{"inc":1}`}, 0},
		{"array operations", []braze.Attributes{c(braze.Custom{"a": braze.ArrayChange{Add: []any{1}}}), c(braze.Custom{"a": braze.ArrayChange{Add: []any{1}}})}, []string{`,"a":{"add":[1]}`, `,"a":{"add":[1]}`}, 0},
		{"an operation changes what is there", []braze.Attributes{c(braze.Custom{"a": 1}), c(braze.Custom{"a": braze.Inc(1)}), c(braze.Custom{"a": 1})}, []string{`,"a":1`, `,"a":{"inc":1}`, `,"a":1`}, 0},
		{"merged is not replaced", []braze.Attributes{
			{MergeObjects: true, Custom: braze.Custom{"o": map[string]any{"a": 1}}},
			{MergeObjects: true, Custom: braze.Custom{"o": map[string]any{"a": 1}}},
			c(braze.Custom{"o": map[string]any{"a": 1}}),
		}, []string{`,"_merge_objects":true,"o":{"a":1}`, "-", `,"o":{"a":1}`}, 1},
		{"subscriptions are always sent", []braze.Attributes{{EmailSubscribe: ada.Set(braze.OptedIn)}, {EmailSubscribe: ada.Set(braze.OptedIn)}}, []string{`,"email_subscribe":"opted_in"`, `,"email_subscribe":"opted_in"`}, 0},
		{"an object that makes a profile", []braze.Attributes{{}, {}}, []string{"", ""}, 0},
		{"names that end alike", []braze.Attributes{c(braze.Custom{"ab": "c"}), c(braze.Custom{"a": "bc"})}, []string{`,"ab":"c"`, `,"a":"bc"`}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := make([]string, len(tt.want))
			for i, w := range tt.want {
				if w != "-" {
					want[i] = head + w + tail
				}
			}
			d := braze.NewDedupe(braze.DedupeConfig{})
			if diff := cmp.Diff(want, dedupe(t, d, tt.objects...)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got := d.DataPointsSaved(); got != tt.saved {
				t.Errorf("%d data points are saved, want %d", got, tt.saved)
			}
		})
	}
}

// Users of the same id are not the same when it is of another kind.
func TestDedupeOfUsers(t *testing.T) {
	var objects []braze.Attributes
	for _, u := range []braze.User{
		braze.ExternalID("x@y"), braze.BrazeID("x@y"), braze.Email("x@y"), braze.Phone("x@y"), braze.Alias("x", "y"), braze.Alias("xy", "z"), braze.Alias("x", "yz"),
	} {
		objects = append(objects, braze.Attributes{User: u, UpdateExistingOnly: ada.Set(false), Custom: braze.Custom{"a": 1}})
	}
	imports := braze.Attributes{PushTokenImport: true, PushTokens: []braze.PushToken{{AppID: "a", Token: "t"}}, Custom: braze.Custom{"a": 1}}
	for i, sent := range dedupe(t, braze.NewDedupe(braze.DedupeConfig{}), append(objects, imports, imports)...) {
		if !strings.Contains(sent, `"a":1`) {
			t.Errorf("object %d: %s was sent", i, sent)
		}
	}
}

func TestDedupeCommitsOnlySuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reject := true
		srv := brazetest.NewServer(t, brazetest.Reject(func(_ braze.Array, o map[string]any) string {
			if o["a"] == 7.0 && reject {
				return "x"
			}
			return ""
		}))
		d := braze.NewDedupe(braze.DedupeConfig{})
		client := newClient(t, srv, func(c *braze.Config) { c.Dedupe, c.HTTP.Retry.MaxAttempts = d, 1 })
		send := func(v int, want braze.Status, requests int) {
			t.Helper()
			before := len(srv.Calls())
			result, _ := client.Track(t.Context(), custom(v))
			if result.Attributes[0] != want || len(srv.Calls())-before != requests {
				t.Errorf("%v in %d requests, want %s in %d", result, len(srv.Calls())-before, want, requests)
			}
		}
		for _, failure := range []brazetest.Failure{{Status: 401}, {Status: 429}, {Status: 500}, {Drop: true}, {Status: 400}} {
			srv.Fail(failure)
			before := len(srv.Calls())
			result, _ := client.Track(t.Context(), custom(5))
			if result.Attributes[0] == braze.Processed || len(srv.Calls()) == before {
				t.Errorf("after %+v: %v", failure, result)
			}
		}
		send(5, braze.Processed, 1)
		send(5, braze.Processed, 0)
		srv.Fail(brazetest.Failure{Status: 500, Effect: true})
		send(6, braze.Unknown, 1)
		send(5, braze.Processed, 1) // it can be 6 by now
		send(5, braze.Processed, 0)
		_, _ = client.Track(t.Context(), attributes(braze.Attributes{Custom: braze.Custom{"a": 7}}))
		reject = false
		before := len(srv.Calls())
		if _, err := client.Track(t.Context(), attributes(braze.Attributes{Custom: braze.Custom{"a": 7}})); err != nil || len(srv.Calls()) == before {
			t.Errorf("what was rejected is left out: %v", err)
		}
		d.Forget(user)
		send(5, braze.Processed, 1)
	})
}

func TestDedupeForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := braze.NewDedupe(braze.DedupeConfig{MaxAttributes: 20, MaxAge: time.Hour})
		srv := brazetest.NewServer(t)
		client := newClient(t, srv, func(c *braze.Config) { c.Dedupe = d })
		sends := func(u int, want bool) {
			t.Helper()
			before := len(srv.Calls())
			if _, err := client.Track(t.Context(), braze.Batch{Attributes: []braze.Attributes{{User: braze.ExternalID(another(u)), Custom: braze.Custom{"a": 1}}}}); err != nil {
				t.Fatal(err)
			}
			if got := len(srv.Calls()) > before; got != want {
				t.Errorf("u%d was sent: %t", u, got)
			}
		}
		for u := range 10 { // of two each, the user and the attribute
			sends(u, true)
		}
		for u := range 10 {
			sends(u, false)
		}
		sends(10, true)
		sends(0, true) // it was the oldest
		time.Sleep(time.Hour - time.Second)
		sends(10, false)
		time.Sleep(time.Second)
		sends(10, true)
	})
}

// With or without a Dedupe the profiles are the same in the end, and the data points that it says are saved are.
func TestDedupeChangesNothing(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		value := func() any {
			switch rnd.IntN(8) {
			case 0:
				return braze.Inc(int64(rnd.IntN(3)))
			case 1:
				return map[string]any{fmt.Sprint("k", rnd.IntN(2)): rnd.IntN(2)}
			case 2:
				return []string{fmt.Sprint(rnd.IntN(2))}
			case 3:
				return braze.Unset{}
			case 4:
				return braze.ArrayChange{Add: []any{fmt.Sprint(rnd.IntN(3))}}
			}
			return rnd.IntN(2)
		}
		plain, deduped := brazetest.NewServer(t), brazetest.NewServer(t)
		d := braze.NewDedupe(braze.DedupeConfig{})
		clients := []*braze.Client{
			newClient(t, plain, func(c *braze.Config) { c.MaxObjects, c.Concurrency = 10, 1 }),
			newClient(t, deduped, func(c *braze.Config) { c.MaxObjects, c.Concurrency, c.Dedupe = 10, 1, d }),
		}
		saved := 0
		for range 15 {
			var b braze.Batch
			for range 1 + rnd.IntN(30) {
				a := braze.Attributes{User: braze.ExternalID(another(rnd.IntN(4))), MergeObjects: rnd.IntN(3) == 0, Custom: braze.Custom{}}
				for range rnd.IntN(3) {
					a.Custom[fmt.Sprint("a", rnd.IntN(3))] = value()
				}
				b.Attributes = append(b.Attributes, a)
			}
			for i, c := range clients {
				r, err := c.Track(t.Context(), b)
				if err != nil || r.Count(braze.Processed) != b.Len() {
					t.Fatalf("seed %d: %v, %v", seed, r, err)
				}
				saved += r.DataPointsSaved
				if i == 0 && r.DataPointsSaved > 0 {
					t.Error("points are saved without a Dedupe")
				}
			}
		}
		state := func(srv *brazetest.Server) map[string]map[string]any {
			m := map[string]map[string]any{}
			for _, p := range srv.Profiles() {
				m[p.ExternalID] = p.Attributes
			}
			return m
		}
		if diff := cmp.Diff(state(plain), state(deduped)); diff != "" {
			t.Errorf("seed %d (-without +with)\n%s", seed, diff)
		}
		if got := plain.DataPoints() - deduped.DataPoints(); got != d.DataPointsSaved() || got != saved || got == 0 {
			t.Errorf("seed %d: %d points are saved; the Dedupe says %d, the results %d", seed, got, d.DataPointsSaved(), saved)
		}
	}
}

// Two who send different values at the same time: whatever came last, it is not taken for known.
func TestDedupeAndConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t, brazetest.Latency(time.Second))
		d := braze.NewDedupe(braze.DedupeConfig{})
		client := newClient(t, srv, func(c *braze.Config) { c.Dedupe = d })
		var sending sync.WaitGroup
		for i := range 20 {
			sending.Go(func() {
				if _, err := client.Track(t.Context(), custom(i%2)); err != nil {
					t.Error(err)
				}
			})
		}
		sending.Wait()
		if n := len(srv.Calls()); n != 20 {
			t.Errorf("%d requests, want 20", n)
		}
		for _, v := range []int{0, 1, 0} {
			if _, err := client.Track(t.Context(), custom(v)); err != nil {
				t.Fatal(err)
			}
			if p, _ := srv.Profile(braze.ExternalID("crm-42")); p.Attributes["k"] != float64(v) {
				t.Errorf("Braze has %v, want %d", p.Attributes["k"], v)
			}
		}
	})
}

// The answers come in another order than Braze has worked on the requests.
func TestDedupeAndAnswersOutOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t)
		client := newClient(t, srv, func(c *braze.Config) { c.Dedupe = braze.NewDedupe(braze.DedupeConfig{}) })
		srv.Fail(brazetest.Failure{Delay: 10 * time.Second})
		var sending sync.WaitGroup
		for _, v := range []int{0, 1} {
			sending.Go(func() {
				if _, err := client.Track(t.Context(), custom(v)); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		sending.Wait()
		if _, err := client.Track(t.Context(), custom(0)); err != nil {
			t.Fatal(err)
		}
		if p, _ := srv.Profile(braze.ExternalID("crm-42")); p.Attributes["k"] != 0.0 {
			t.Errorf("Braze has %v, want 0", p.Attributes["k"])
		}
	})
}

func TestDedupeWithBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t)
		d := braze.NewDedupe(braze.DedupeConfig{})
		client := newClient(t, srv, func(c *braze.Config) { c.Dedupe = d })
		b, done := newBuffer(t, client, braze.BufferConfig{})
		for i := range 50 {
			if err := b.Add(t.Context(), braze.Batch{Attributes: []braze.Attributes{{User: user, Custom: braze.Custom{"plan": "pro", "n": i / 10}}}}); err != nil {
				t.Fatal(err)
			}
			if err := b.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		closeBuffer(t, b)
		if n := len(srv.Calls()); n != 5 || d.DataPointsSaved() != 50*2-1-5 {
			t.Errorf("%d requests, want 5; %d data points saved, want 94", n, d.DataPointsSaved())
		}
		total := 0
		for _, s := range done.statuses {
			total += len(s)
		}
		if total != 50 {
			t.Errorf("%d are told, want 50", total)
		}
	})
}

// What the Dedupe makes of an object is JSON with a part of its members.
func FuzzDedupe(f *testing.F) {
	f.Add("a", "b", `x"\{}[],:`, 1.5)
	f.Add(`"`, `\`, "\n\x00", 0.0)
	f.Add("{", "}", "\u2028", 1e300)
	f.Fuzz(func(t *testing.T, k1, k2, s string, n float64) {
		srv := brazetest.New(brazetest.RateLimit(0, 0))
		defer srv.Close()
		d := braze.NewDedupe(braze.DedupeConfig{})
		client := newClient(t, srv, func(c *braze.Config) {
			c.Dedupe = d
			c.HTTP.Client = &http.Client{Transport: network.RoundTripper(func(r *http.Request) (*http.Response, error) { // without a connection
				w := httptest.NewRecorder()
				srv.ServeHTTP(w, r)
				return w.Result(), nil
			})}
		})
		first := braze.Custom{k1: s, k2: []any{s, n, map[string]any{"o": s}}}
		second := maps.Clone(first)
		second[k1] = s + "!"
		for _, m := range []braze.Custom{first, second, second} {
			if _, err := client.Track(t.Context(), attributes(braze.Attributes{Custom: m})); err != nil {
				return // it is refused
			}
		}
		calls := srv.Calls()
		if len(calls) != 2 {
			t.Fatalf("%d requests, want 2", len(calls))
		}
		var body struct{ Attributes []map[string]any }
		if err := json.Unmarshal(calls[1].Body, &body); err != nil {
			t.Fatalf("%s: %v", calls[1].Body, err)
		}
		if want := (map[string]any{"external_id": "crm-42", k1: s + "!"}); !reflect.DeepEqual(body.Attributes[0], want) {
			t.Errorf("got %v, want %v", body.Attributes[0], want)
		}
	})
}
