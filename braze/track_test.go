package braze_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
)

// newClient returns a client of the fake with another configuration.
func newClient(t *testing.T, srv *brazetest.Server, change func(*braze.Config)) *braze.Client {
	t.Helper()
	config := srv.Config()
	change(&config)
	client, err := braze.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// request is what arrived, as the external id and the mark of each object.
type request struct {
	Attributes, Events, Purchases []string
}

// marked returns an object of each kind that says who and which it is.
func markedAttributes(user string, mark int) braze.Attributes {
	return braze.Attributes{User: braze.ExternalID(user), Custom: braze.Custom{"mark": mark}}
}

func markedEvent(user string, mark int) braze.Event {
	return braze.Event{User: braze.ExternalID(user), Name: "e", Time: at, Properties: braze.Properties{"mark": mark}}
}

func markedPurchase(user string, mark int) braze.Purchase {
	return braze.Purchase{User: braze.ExternalID(user), ProductID: "p", Currency: "USD", Price: 1, Time: at, Properties: braze.Properties{"mark": mark}}
}

func mark(object map[string]any) string {
	m := object["mark"]
	if p, ok := object["properties"].(map[string]any); ok {
		m = p["mark"]
	}
	return fmt.Sprint(object["external_id"], "/", m)
}

func requests(t *testing.T, srv *brazetest.Server) (all []request) {
	t.Helper()
	for _, c := range srv.Calls() {
		var w struct{ Attributes, Events, Purchases []map[string]any }
		if err := json.Unmarshal(c.Body, &w); err != nil {
			t.Fatal(err)
		}
		var r request
		for _, o := range w.Attributes {
			r.Attributes = append(r.Attributes, mark(o))
		}
		for _, o := range w.Events {
			r.Events = append(r.Events, mark(o))
		}
		for _, o := range w.Purchases {
			r.Purchases = append(r.Purchases, mark(o))
		}
		all = append(all, r)
	}
	return all
}

func sizes(all []request) (n []int) {
	for _, r := range all {
		n = append(n, len(r.Attributes)+len(r.Events)+len(r.Purchases))
	}
	return n
}

func manyEvents(n int, user func(i int) string) (b braze.Batch) {
	for i := range n {
		b.Events = append(b.Events, markedEvent(user(i), i))
	}
	return b
}

func another(i int) string { return fmt.Sprint("u", i) }
func same(int) string      { return "u" }

func TestSplit(t *testing.T) {
	mixed := manyEvents(100, another)
	for i := range 100 {
		mixed.Attributes = append(mixed.Attributes, markedAttributes(fmt.Sprint("a", i), i))
		mixed.Purchases = append(mixed.Purchases, markedPurchase(fmt.Sprint("p", i), i))
	}
	big := manyEvents(100, another)
	for i := range big.Events { // 50 KB each
		long := map[string]any{}
		for j := range 200 {
			long[fmt.Sprint("k", j)] = strings.Repeat("x", 240)
		}
		big.Events[i].Properties["long"] = long
	}
	together := braze.Batch{} // three of each user
	for i := range 60 {
		u := another(i)
		together.Attributes = append(together.Attributes, markedAttributes(u, i))
		together.Events = append(together.Events, markedEvent(u, i))
		together.Purchases = append(together.Purchases, markedPurchase(u, i))
	}
	tests := []struct {
		name   string
		batch  braze.Batch
		change func(*braze.Config)
		server []brazetest.Option
		want   []int
	}{
		{"nothing", braze.Batch{}, nil, nil, nil},
		{"at the limit", manyEvents(75, another), nil, nil, []int{75}},
		{"one past the limit", manyEvents(76, another), nil, nil, []int{75, 1}},
		{"of one user", manyEvents(160, same), nil, nil, []int{75, 75, 10}},
		{"75 in total", mixed, nil, nil, []int{75, 75, 75, 75}},
		{"75 in each array", mixed, func(c *braze.Config) { c.PerArray = true }, []brazetest.Option{brazetest.PerArray()}, []int{75, 100, 100, 25}},
		{"a lower limit", manyEvents(100, another), func(c *braze.Config) { c.MaxObjects = 50 }, []brazetest.Option{brazetest.MaxObjects(50)}, []int{50, 50}},
		{"one at a time", manyEvents(3, another), func(c *braze.Config) { c.MaxObjects = 1 }, []brazetest.Option{brazetest.MaxObjects(1)}, []int{1, 1, 1}},
		{"users stay together", together, func(c *braze.Config) { c.MaxObjects = 50 }, nil, []int{48, 48, 48, 36}},
		{"a lower limit of bytes", manyEvents(10, another), func(c *braze.Config) { c.MaxBytes = 500 }, nil, []int{4, 4, 2}},
		{"4 MB", big, nil, nil, []int{75, 25}},
		{"1 MB", big, func(c *braze.Config) { c.MaxBytes = 1_000_000 }, nil, []int{20, 20, 20, 20, 20}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := brazetest.NewServer(t, tt.server...)
			client := newClient(t, srv, func(c *braze.Config) {
				c.Concurrency = 1
				if tt.change != nil {
					tt.change(c)
				}
			})
			result, err := client.Track(t.Context(), tt.batch)
			if err != nil || result.Count(braze.Processed) != tt.batch.Len() || result.Requests != len(tt.want) {
				t.Errorf("%v in %d requests, %v", result, result.Requests, err)
			}
			if diff := cmp.Diff(tt.want, sizes(requests(t, srv))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTooLargeForOneRequest(t *testing.T) {
	srv := brazetest.NewServer(t)
	long := braze.Custom{}
	for i := range 200 {
		long[fmt.Sprint("k", i)] = strings.Repeat("x", 200)
	}
	b := braze.Batch{Attributes: []braze.Attributes{{User: user}, {User: user, Custom: long}}}
	_, err := newClient(t, srv, func(c *braze.Config) { c.MaxBytes = 40_000 }).Track(t.Context(), b)
	if want := "Attributes[1] has 41914 bytes, more than fit in a request of 40000"; !errors.Is(err, ada.ErrInvalid) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if n := len(srv.Calls()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// The objects of one user go in the order in which Braze works on them, whatever the number of requests, and no two of
// these at a time. Those of other users do not wait for them.
func TestOrderOfOneUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t, brazetest.Latency(time.Second))
		var b braze.Batch
		for i := range 100 {
			b.Events = append(b.Events, markedEvent("u", i), markedEvent(another(i), i))
			b.Purchases = append(b.Purchases, markedPurchase("u", i))
			b.Attributes = append(b.Attributes, markedAttributes("u", i))
		}
		start := time.Now()
		if _, err := srv.Client().Track(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		// 300 of one user in four requests one after another, the last of which has room for 0; 100 others in two.
		if got := time.Since(start); got != 4*time.Second {
			t.Errorf("it took %s, want 4s", got)
		}
		var got, want []string
		for _, r := range requests(t, srv) {
			for _, m := range slices.Concat(r.Attributes, r.Events, r.Purchases) {
				if strings.HasPrefix(m, "u/") {
					got = append(got, m)
				}
			}
		}
		for range 3 {
			for i := range 100 {
				want = append(want, fmt.Sprint("u/", i))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := brazetest.NewServer(t, brazetest.Latency(time.Second))
		client := newClient(t, srv, func(c *braze.Config) { c.Concurrency = 3 })
		start := time.Now()
		if _, err := client.Track(t.Context(), manyEvents(7*75, another)); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != 3*time.Second {
			t.Errorf("seven requests, three at a time, took %s, want 3s", got)
		}
	})
}

// Whatever the batch and the limits: every object arrives once, objects that Braze refuses are found under their own
// indexes, the limits hold, and users stay together and in order.
func TestIndexMapping(t *testing.T) {
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 6))
		limit := 1 + rnd.IntN(75)
		perArray := rnd.IntN(3) == 0
		users := 1 + rnd.IntN(60)
		var b braze.Batch
		bad := map[string]bool{}
		want := braze.Result{}
		marks := 0
		status := func(array braze.Array, u string) braze.Status {
			if rnd.IntN(8) == 0 {
				bad[fmt.Sprint(array, u, "/", marks)] = true
				return braze.Rejected
			}
			return braze.Processed
		}
		var objects []braze.Object
		for range rnd.IntN(300) {
			marks++
			u := another(rnd.IntN(users))
			switch rnd.IntN(4) {
			case 0:
				b.Attributes = append(b.Attributes, markedAttributes(u, marks))
				want.Attributes = append(want.Attributes, status(braze.InAttributes, u))
			case 1:
				b.Events = append(b.Events, markedEvent(u, marks))
				want.Events = append(want.Events, status(braze.InEvents, u))
			case 2:
				b.Purchases = append(b.Purchases, markedPurchase(u, marks))
				want.Purchases = append(want.Purchases, status(braze.InPurchases, u))
			case 3:
				array := []braze.Array{braze.InAttributes, braze.InEvents}[rnd.IntN(2)]
				raw := fmt.Sprintf(`{"external_id":%q,"mark":%d}`, u, marks)
				if array == braze.InEvents {
					raw = fmt.Sprintf(`{"external_id":%q,"name":"e","time":"2026-06-01T12:30:00Z","properties":{"mark":%d}}`, u, marks)
				}
				o, err := braze.ParseObject(array, []byte(raw))
				if err != nil {
					t.Fatal(err)
				}
				objects = append(objects, o)
				want.Objects = append(want.Objects, status(array, u))
			}
		}
		b.Objects = objects
		options := []brazetest.Option{brazetest.MaxObjects(limit), brazetest.RateLimit(0, 0), brazetest.Reject(func(array braze.Array, o map[string]any) string {
			if bad[string(array)+mark(o)] {
				return "'quantity' is not valid"
			}
			return ""
		})}
		if perArray {
			options = append(options, brazetest.PerArray())
		}
		srv := brazetest.NewServer(t, options...)
		client := newClient(t, srv, func(c *braze.Config) {
			c.MaxObjects, c.PerArray, c.Concurrency = limit, perArray, 1+rnd.IntN(8)
			c.HTTP.Limiter = ada.Unpaced
			c.Dedupe = braze.NewDedupe(braze.DedupeConfig{})
		})
		got, err := client.Track(t.Context(), b)
		rejected := 0
		for _, r := range slices.Concat(want.Attributes, want.Events, want.Purchases, want.Objects) {
			if r == braze.Rejected {
				rejected++
			}
		}
		if (err == nil) != (rejected == 0) || len(got.Rejections) != rejected {
			t.Errorf("seed %d: %d rejected, want %d: %v", seed, len(got.Rejections), rejected, err)
		}
		compare := func(got braze.Result) {
			for _, field := range []struct {
				name      string
				want, got []braze.Status
			}{
				{"attributes", want.Attributes, got.Attributes},
				{"events", want.Events, got.Events},
				{"purchases", want.Purchases, got.Purchases},
				{"objects", want.Objects, got.Objects},
			} {
				if !slices.Equal(field.want, field.got) {
					t.Errorf("seed %d, %s: %v, want %v", seed, field.name, field.got, field.want)
				}
			}
		}
		compare(got)
		seen := map[string]int{}
		last := map[string]int{} // the latest request of a user
		for i, r := range requests(t, srv) {
			parts := []int{len(r.Attributes), len(r.Events), len(r.Purchases)}
			if n := parts[0] + parts[1] + parts[2]; !perArray && n > limit || slices.Max(parts) > limit {
				t.Errorf("seed %d: a request of %v, the limit is %d", seed, parts, limit)
			}
			for array, marks := range [][]string{r.Attributes, r.Events, r.Purchases} {
				for _, m := range marks {
					seen[m]++
					u, _, _ := strings.Cut(m, "/")
					key := fmt.Sprint(array, u)
					for later := array + 1; later < 3; later++ {
						if at, ok := last[fmt.Sprint(later, u)]; ok && at < i {
							t.Errorf("seed %d: %s of array %d came after array %d", seed, u, array, later)
						}
					}
					last[key] = i
				}
			}
		}
		if len(seen) != marks {
			t.Errorf("seed %d: %d objects arrived, want %d", seed, len(seen), marks)
		}
		for m, n := range seen {
			if n != 1 {
				t.Errorf("seed %d: %s arrived %d times", seed, m, n)
			}
		}
		// A second time attributes are left out, so that the objects are under other indexes in the requests.
		got, _ = client.Track(t.Context(), b)
		compare(got)
	}
}

// A user whose objects fit in one request is in one request.
func TestUsersStayTogether(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		var b braze.Batch
		count := map[string]int{}
		for i := range 500 {
			u := another(rnd.IntN(100))
			count[u]++
			if rnd.IntN(2) == 0 {
				b.Attributes = append(b.Attributes, markedAttributes(u, i))
			} else {
				b.Events = append(b.Events, markedEvent(u, i))
			}
		}
		srv := brazetest.NewServer(t)
		client := newClient(t, srv, func(c *braze.Config) { c.MaxObjects = 20 })
		if _, err := client.Track(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		in := map[string]map[int]bool{}
		for i, r := range requests(t, srv) {
			for _, m := range slices.Concat(r.Attributes, r.Events) {
				u, _, _ := strings.Cut(m, "/")
				if in[u] == nil {
					in[u] = map[int]bool{}
				}
				in[u][i] = true
			}
		}
		for u, n := range count {
			if n <= 20 && len(in[u]) != 1 {
				t.Errorf("seed %d: the %d objects of %s are in %d requests", seed, n, u, len(in[u]))
			}
		}
	}
}

// What one failure makes of the objects of a request, alone and as the second of three.
func TestAnswers(t *testing.T) {
	answered := func(status int, body string) brazetest.Failure {
		return brazetest.Failure{Status: status, Body: body}
	}
	tests := []struct {
		name    string
		failure brazetest.Failure
		sets    braze.Status // of attributes that only set, after four attempts
		events  braze.Status
		goesOn  bool // with the other requests
		is      error
		tries   int // of attributes that only set; 0: one
	}{
		{"400", answered(400, `{"message":"Max Input Length Exceeded"}`), braze.Rejected, braze.Rejected, true, ada.ErrInvalid, 0},
		{"400, and some were processed all the same", answered(400, `{"message":"fatal","events_processed":1,"attributes_processed":1}`), braze.Unknown, braze.Unknown, true, ada.ErrInvalid, 0},
		{"400 with an odd body", answered(400, `<html>`), braze.Rejected, braze.Rejected, true, ada.ErrInvalid, 0},
		{"401", answered(401, `{"message":"Invalid API Key"}`), braze.Unsent, braze.Unsent, false, ada.ErrUnauthorized, 0},
		{"403", answered(403, ""), braze.Unsent, braze.Unsent, false, ada.ErrForbidden, 0},
		{"404", answered(404, `{"message":"Invalid URL"}`), braze.Unsent, braze.Unsent, false, ada.ErrNotFound, 0},
		{"413", answered(413, ""), braze.Unsent, braze.Unsent, true, ada.ErrTooLarge, 0},
		{"415", answered(415, ""), braze.Unsent, braze.Unsent, false, nil, 0},
		{"429", answered(429, ""), braze.Unsent, braze.Unsent, false, ada.ErrRateLimited, 0},
		{"500", answered(500, ""), braze.Unknown, braze.Unknown, true, ada.ErrServer, 4},
		{"502, and it took effect", brazetest.Failure{Status: 502, Effect: true}, braze.Unknown, braze.Unknown, true, ada.ErrServer, 4},
		{"hung up", brazetest.Failure{Drop: true}, braze.Unknown, braze.Unknown, true, nil, 4},
		{"hung up after it took effect", brazetest.Failure{Drop: true, Effect: true}, braze.Unknown, braze.Unknown, true, nil, 4},
		{"cut short", brazetest.Failure{Truncate: true}, braze.Unknown, braze.Unknown, true, nil, 4},
		{"too slow", brazetest.Failure{Delay: time.Minute}, braze.Unknown, braze.Unknown, true, nil, 4},
		{"a redirect", brazetest.Failure{Status: 307, Header: http.Header{"Location": {"https://evil.example/"}}}, braze.Unknown, braze.Unknown, true, ada.ErrAnswer, 0},
		{"202 queued", answered(202, `{"message":"queued"}`), braze.Unknown, braze.Unknown, true, ada.ErrAnswer, 0},
		{"200 without a message", answered(200, `{}`), braze.Unknown, braze.Unknown, true, ada.ErrAnswer, 0},
		{"200 null", answered(200, `null`), braze.Unknown, braze.Unknown, true, ada.ErrAnswer, 0},
		{"200 HTML", answered(200, `<html>`), braze.Unknown, braze.Unknown, true, ada.ErrAnswer, 4},
		{"success with errors that name nobody", answered(201, `{"message":"success","errors":["oops"]}`), braze.Unknown, braze.Unknown, true, ada.ErrAnswer, 0},
		{"success with an index that was not sent", answered(201, `{"message":"success","errors":[{"type":"x","input_array":"events","index":99}]}`), braze.Unknown, braze.Unknown, true, ada.ErrAnswer, 0},
		{"success with an array that was not sent", answered(201, `{"message":"success","errors":[{"type":"x","input_array":"others","index":0}]}`), braze.Unknown, braze.Unknown, true, ada.ErrAnswer, 0},
		{"success without an index", answered(201, `{"message":"success","errors":[{"type":"x","input_array":"events"}]}`), braze.Unknown, braze.Unknown, true, ada.ErrAnswer, 0},
		{"success with empty errors", answered(200, `{"message":"success","errors":""}`), braze.Processed, braze.Processed, true, nil, 0},
		{"success with no errors", answered(200, `{"message":"success","errors":[]}`), braze.Processed, braze.Processed, true, nil, 0},
		{"success with null errors", answered(200, `{"message":"success","errors":null,"more":1}`), braze.Processed, braze.Processed, true, nil, 0},
	}
	for _, tt := range tests {
		for _, only := range []string{"sets", "events"} {
			t.Run(tt.name+"/"+only, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := brazetest.NewServer(t)
					client := newClient(t, srv, func(c *braze.Config) { c.MaxObjects, c.Concurrency = 2, 1 })
					b, want := manyEvents(6, another), tt.events
					if only == "sets" {
						b, want = braze.Batch{}, tt.sets
						for i := range 6 {
							b.Attributes = append(b.Attributes, markedAttributes(another(i), i))
						}
					}
					srv.Fail(brazetest.Failure{}) // the first is well
					tries := 1
					if only == "sets" {
						tries = max(tt.tries, 1)
					}
					if tt.is == ada.ErrRateLimited {
						tries = 7 // two count as one
					}
					for range tries {
						srv.Fail(tt.failure)
					}
					result, err := client.Track(t.Context(), b)
					last := braze.Processed
					if !tt.goesOn {
						last = braze.Unsent
					}
					wanted := []braze.Status{braze.Processed, braze.Processed, want, want, last, last}
					if diff := cmp.Diff(wanted, slices.Concat(result.Attributes, result.Events)); diff != "" {
						t.Errorf("(-want +got)\n%s", diff)
					}
					if (err == nil) != (want == braze.Processed) || tt.is != nil && !errors.Is(err, tt.is) {
						t.Errorf("got %v, want %v", err, tt.is)
					}
					if n := len(srv.Calls()); n != map[bool]int{true: 2, false: 1}[tt.goesOn]+tries {
						t.Errorf("%d requests, %d of them the one that failed", n, tries)
					}
					if want == braze.Unknown && tt.failure.Status != 400 && (only == "events") != errors.Is(err, ada.ErrOutcomeUnknown) {
						t.Errorf("the outcome: %v", err)
					}
				})
			})
		}
	}
}

// encoding/json would take a key in capitals for the right one, and what comes last.
func TestAnswerWithKeysInCapitals(t *testing.T) {
	srv := brazetest.NewServer(t)
	srv.Fail(brazetest.Failure{Status: 201, Body: `{"message":"success","errors":[{"type":"x","input_array":"events","index":1,"INDEX":0,"TYPE":"y"}],"MESSAGE":"queued","ERRORS":[]}`})
	result, err := srv.Client().Track(t.Context(), braze.Batch{Events: []braze.Event{markedEvent("a", 0), markedEvent("b", 1)}})
	if len(result.Rejections) != 1 || result.Rejections[0].Type != "x" || result.Events[0] != braze.Processed || result.Events[1] != braze.Rejected || !errors.Is(err, ada.ErrInvalid) {
		t.Errorf("%v, %v: %v", result, result.Rejections, err)
	}
}

// A request that is refused for some of its objects: of the others Braze has said nothing, and they can be sent again.
func TestRefusedRequestThatNamesObjects(t *testing.T) {
	srv := brazetest.NewServer(t)
	srv.Fail(brazetest.Failure{Status: 400, Body: `{"message":"no","errors":[{"type":"'quantity' is not valid","input_array":"purchases","index":1}]}`})
	b := braze.Batch{Events: []braze.Event{markedEvent("a", 1)}, Purchases: []braze.Purchase{markedPurchase("b", 2), markedPurchase("c", 3)}}
	result, err := srv.Client().Track(t.Context(), b)
	want := braze.Result{
		Attributes: []braze.Status{}, Events: []braze.Status{braze.Unsent}, Purchases: []braze.Status{braze.Unsent, braze.Rejected}, Objects: []braze.Status{},
		Rejections: []braze.Rejection{{Array: braze.InPurchases, Index: 1, Type: "'quantity' is not valid"}}, Requests: 1,
	}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if want := "Purchases[1] was rejected: 'quantity' is not valid"; !errors.Is(err, ada.ErrInvalid) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What comes after objects of the same user that may or may not have been taken is not sent: it would come before them
// when they are sent again. Others are.
func TestRestOfAUserIsUnsent(t *testing.T) {
	for _, failure := range []brazetest.Failure{{Status: 500}, {Status: 413}} {
		srv := brazetest.NewServer(t)
		client := newClient(t, srv, func(c *braze.Config) { c.MaxObjects, c.Concurrency = 2, 1 })
		srv.Fail(failure)
		var b braze.Batch
		for i := range 4 {
			b.Events = append(b.Events, markedEvent("u", i))
		}
		b.Events = append(b.Events, markedEvent("v", 4))
		result, _ := client.Track(t.Context(), b)
		first := braze.Unknown
		if failure.Status == 413 {
			first = braze.Unsent
		}
		want := []braze.Status{first, first, braze.Unsent, braze.Unsent, braze.Processed}
		if diff := cmp.Diff(want, result.Events); diff != "" || len(srv.Calls()) != 2 {
			t.Errorf("%d: %d requests (-want +got)\n%s", failure.Status, len(srv.Calls()), diff)
		}
	}
}

// When three requests in a row come to nothing, no more are made.
func TestNoMoreAfterThree(t *testing.T) {
	srv := brazetest.NewServer(t)
	client := newClient(t, srv, func(c *braze.Config) { c.MaxObjects, c.Concurrency = 1, 1 })
	srv.Fail(brazetest.Failure{Status: 500}, brazetest.Failure{Status: 500}, brazetest.Failure{})
	srv.Fail(slices.Repeat([]brazetest.Failure{{Status: 500}}, 100)...)
	result, err := client.Track(t.Context(), manyEvents(20, another))
	if n := len(srv.Calls()); n != 6 || result.Count(braze.Unknown) != 5 || result.Count(braze.Processed) != 1 || result.Count(braze.Unsent) != 14 {
		t.Errorf("%d requests, %v: %v", n, result, err)
	}
}

// An object that was encoded is repeated as what it was.
func TestEncodedObjectsAreRepeatedAsBefore(t *testing.T) {
	for object, want := range map[string]int{
		`{"external_id":"a","k":1}`:                                   4,
		`{"external_id":"a","k":{"x":{"inc":1}}}`:                     4,
		`{"external_id":"a","k":{"inc":1}}`:                           1,
		`{"external_id":"a","k":{"add":["b"]}}`:                       1,
		`{"external_id":"a","k":{"remove":["b"]}}`:                    1,
		`{"external_id":"a","k":{"$add":[{"b":1}]}}`:                  1,
		`{"external_id":"a","k":{"$remove":[{"$identifier_key":1}]}}`: 1,
		`{"push_token_import":true,"push_tokens":[]}`:                 1,
		`{"external_id":"a","subscription_groups":[{"subscription_group_id":"x","use_double_opt_in_logic":true}]}`:    1,
		`{"external_id":"a","subscription_groups":[{"subscription_group_id":"x","subscription_state":"subscribed"}]}`: 4,
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := brazetest.NewServer(t)
			srv.Fail(slices.Repeat([]brazetest.Failure{{Status: 500}}, 10)...)
			o, err := braze.ParseObject(braze.InAttributes, []byte(object))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := srv.Client().Track(t.Context(), braze.Batch{Objects: []braze.Object{o}}); len(srv.Calls()) != want {
				t.Errorf("%s: %d requests, want %d: %v", object, len(srv.Calls()), want, err)
			}
		})
	}
}
