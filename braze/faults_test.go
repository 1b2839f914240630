package braze_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
)

var faults = map[string]brazetest.Failure{
	"400":                         {Status: 400},
	"401":                         {Status: 401},
	"403":                         {Status: 403},
	"404":                         {Status: 404},
	"408":                         {Status: 408},
	"408 with effect":             {Status: 408, Effect: true},
	"413":                         {Status: 413},
	"415":                         {Status: 415},
	"429":                         {Status: 429, Header: http.Header{"X-Ratelimit-Retry-After": {"2"}}},
	"429 for a day":               {Status: 429, Header: http.Header{"X-Ratelimit-Retry-After": {"86400"}}},
	"500":                         {Status: 500},
	"500 with effect":             {Status: 500, Effect: true},
	"503":                         {Status: 503},
	"503 with effect":             {Status: 503, Effect: true},
	"501":                         {Status: 501},
	"drop":                        {Drop: true},
	"drop with effect":            {Drop: true, Effect: true},
	"truncate":                    {Truncate: true},
	"delay":                       {Delay: time.Minute},
	"202 queued":                  {Status: 202, Body: `{"message":"queued"}`, Effect: true},
	"200 without success":         {Status: 200, Body: `{"message":"failure"}`},
	"HTML":                        {Status: 200, Body: "<html>"},
	"HTML with effect":            {Status: 200, Body: "<html>", Effect: true},
	"redirect":                    {Status: 302, Header: http.Header{"Location": {"/elsewhere"}}},
	"success that names nobody":   {Status: 201, Body: `{"message":"success","errors":["x"]}`, Effect: true},
	"400 that names the first":    {Status: 400, Body: `{"message":"no","errors":[{"type":"x","input_array":"events","index":0},{"type":"x","input_array":"attributes","index":0}]}`},
	"400 with some of it counted": {Status: 400, Body: `{"message":"no","events_processed":1,"attributes_processed":1}`, Effect: true},
}

// Whatever fails, at whichever request, for once or for good: every object has one status, and what the statuses say is
// so at Braze.
func TestEveryFault(t *testing.T) {
	for name, failure := range faults {
		for _, lasting := range []bool{false, true} {
			for _, kind := range []string{"sets", "events", "increments", "all"} {
				for k := range 5 {
					t.Run(fmt.Sprintf("%s lasting=%t/%s/%d", name, lasting, kind, k), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) { failAt(t, failure, lasting, kind, k, false) })
					})
				}
			}
		}
	}
}

// The same where the caller would rather have duplicates: then at least nothing that failed once is lost.
func TestEveryFaultWithDuplicates(t *testing.T) {
	for name, failure := range faults {
		for k := range 3 {
			t.Run(fmt.Sprintf("%s/%d", name, k), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { failAt(t, failure, false, "all", k, true) })
			})
		}
	}
}

// failAt sends objects, some of which Braze refuses, in four requests or so, of which the k-th attempt fails.
func failAt(t *testing.T, failure brazetest.Failure, lasting bool, kind string, k int, duplicates bool) {
	srv := brazetest.NewServer(t, brazetest.Reject(func(_ braze.Array, o map[string]any) string {
		if strings.HasSuffix(mark(o), "7") {
			return "'quantity' is not valid"
		}
		return ""
	}))
	client := newClient(t, srv, func(c *braze.Config) { c.MaxObjects, c.Concurrency, c.AllowDuplicates = 5, 2, duplicates })
	for range k {
		srv.Fail(brazetest.Failure{})
	}
	srv.Fail(failure)
	if lasting {
		srv.Fail(slices.Repeat([]brazetest.Failure{failure}, 100)...)
	}
	var b braze.Batch
	for i := range 18 {
		u := another(i % 7) // of whom there are several objects
		if kind == "sets" || kind == "all" && i%3 == 0 {
			b.Attributes = append(b.Attributes, braze.Attributes{User: braze.ExternalID(u), Custom: braze.Custom{"mark": i, fmt.Sprint("a", i): 1}})
		} else if kind == "increments" {
			b.Attributes = append(b.Attributes, braze.Attributes{User: braze.ExternalID(u), Custom: braze.Custom{"mark": i, fmt.Sprint("a", i): braze.Inc(1)}})
		} else {
			b.Events = append(b.Events, markedEvent(u, i))
		}
	}
	result, err := client.Track(t.Context(), b)

	// effects is how often the fake has taken an object.
	profiles := map[string]brazetest.Profile{}
	for _, p := range srv.Profiles() {
		profiles[p.ExternalID] = p
	}
	count := map[string]int{}
	for _, e := range srv.Events() {
		count[fmt.Sprint(e.ExternalID, "/", e.Properties["mark"])]++
	}
	check := func(what string, s braze.Status, effects int, sets bool) {
		t.Helper()
		switch {
		case s > braze.Unknown:
			t.Errorf("%s has the status %d", what, s)
		case s == braze.Processed && effects == 0:
			t.Errorf("%s is processed, and Braze does not have it", what)
		case (s == braze.Rejected || s == braze.Unsent) && effects > 0:
			t.Errorf("%s is %s, and Braze has it", what, s)
		case effects > 1 && !duplicates && !sets:
			t.Errorf("%s came %d times", what, effects)
		case duplicates && s == braze.Unsent && effects > 0:
			t.Errorf("%s is unsent, and Braze has it", what)
		}
	}
	if len(result.Attributes) != len(b.Attributes) || len(result.Events) != len(b.Events) {
		t.Fatalf("statuses of %d and %d objects", len(result.Attributes), len(result.Events))
	}
	for i, s := range result.Attributes {
		u := another(0)
		for name, v := range b.Attributes[i].Custom {
			if name == "mark" {
				u = another(v.(int) % 7)
			}
		}
		effects := 0
		for name := range b.Attributes[i].Custom {
			if n, ok := profiles[u].Attributes[name].(float64); ok && name != "mark" {
				effects = int(n)
			}
		}
		check(fmt.Sprintf("Attributes[%d]", i), s, effects, kind != "increments")
	}
	for i, s := range result.Events {
		check(fmt.Sprintf("Events[%d]", i), s, count[fmt.Sprint("u", markOf(b.Events[i])%7, "/", markOf(b.Events[i]))], false)
	}
	if (err == nil) != (result.Count(braze.Processed) == b.Len()) {
		t.Errorf("%v with the error %v", result, err)
	}
	if sum := result.Count(braze.Processed) + result.Count(braze.Rejected) + result.Count(braze.Unsent) + result.Count(braze.Unknown); sum != b.Len() {
		t.Errorf("%v of %d objects", result, b.Len())
	}
	if n := result.Count(braze.Rejected); n != len(result.Rejections) {
		t.Errorf("%d rejected, and %d rejections", n, len(result.Rejections))
	}
	if ada.Retryable(err) && kind != "sets" && result.Count(braze.Unknown) > 0 && !duplicates {
		t.Errorf("the error says that all can be sent again: %v, %v", result, err)
	}
}

func markOf(e braze.Event) int { return e.Properties["mark"].(int) }
