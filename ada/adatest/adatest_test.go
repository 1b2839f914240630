package adatest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
)

const collection = "/api/v2/end-users/"

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// try sends a request with the key of the fake. A path stands for a URL at its own address.
func try(t *testing.T, srv *adatest.Server, method, target, body string) (answer, error) {
	t.Helper()
	if strings.HasPrefix(target, "/") {
		target = srv.Config().BaseURL + target
	}
	return tryWith(t, srv.Config().HTTP.Client, "Bearer "+string(adatest.APIKey), method, target, body)
}

func tryWith(t *testing.T, client *http.Client, authorization, method, target, body string) (answer, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(content)}, err
}

// send is try for a request that is answered.
func send(t *testing.T, srv *adatest.Server, method, target, body string) answer {
	t.Helper()
	got, err := try(t, srv, method, target, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return got
}

// want checks the status.
func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("answer %d %.300s, want %d", a.status, a.body, status)
	}
	return a
}

// problem is what the error envelope holds.
type problem struct {
	Type    string   `json:"type"`
	Message string   `json:"message"`
	Details []detail `json:"details"`
}

type detail struct {
	Parameter string `json:"parameter"`
	Location  string `json:"location"`
	Message   string `json:"message"`
}

// problem reads the one problem of an error envelope, which may hold nothing else.
func (a answer) problem(t *testing.T) problem {
	t.Helper()
	var envelope struct {
		Errors []problem `json:"errors"`
	}
	d := json.NewDecoder(strings.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&envelope); err != nil || len(envelope.Errors) != 1 {
		t.Fatalf("%d %.300s is no envelope with one error: %v", a.status, a.body, err)
	}
	if p := envelope.Errors[0]; p.Type == "" || p.Message == "" || !strings.Contains(a.body, `"details":`) {
		t.Errorf("incomplete: %s", a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
	return envelope.Errors[0]
}

// message reads the error envelope of the time before v2, which may hold nothing else.
func (a answer) message(t *testing.T) string {
	t.Helper()
	var envelope map[string]string
	if err := json.Unmarshal([]byte(a.body), &envelope); err != nil || len(envelope) != 1 || envelope["message"] == "" {
		t.Fatalf("%d %.300s is no envelope with a message: %v", a.status, a.body, err)
	}
	return envelope["message"]
}

const someID = "65a17e3f43bec88e2792d0eb"

// endpoints are a valid request for every operation, to a server that has an end user with someID.
var endpoints = []struct {
	operation, method, path, body string
	status                        int
}{
	{"endusers.Get", "GET", collection + someID, "", 200},
	{"endusers.GetByExternalID", "GET", collection + "?external_id=crm-1", "", 200},
	{"endusers.All", "GET", collection, "", 200},
	{"endusers.Create", "POST", collection, `{}`, 201},
	{"endusers.Update", "PATCH", collection + someID, `{"profile":{}}`, 200},
	{"compliance.Erase", "POST", deletions, `{"identifiers":[{"type":"email","value":"ada@example.com"}]}`, 202},
	{"compliance.Job", "GET", jobs + "unknown", "", 404},
	{"compliance.RequestErasure", "POST", subjects, `{"type":"ERASURE","email":"ada@example.com"}`, 200},
	{"proactivesms.Trigger", "POST", trigger, `{"campaign_key":"renewals","recipient":{"meta_fields":{"phone_number":"4165551234"}}}`, 200},
	{"endpoints.All", "GET", webhooks, "", 200},
	{"endpoints.Get", "GET", webhooks + "unknown", "", 404},
	{"endpoints.Create", "POST", webhooks, `{"url":"https://example.com/"}`, 201},
	{"endpoints.Update", "PATCH", webhooks + "unknown", `{}`, 404},
	{"endpoints.Delete", "DELETE", webhooks + "unknown", "", 404},
	{"endpoints.Secret", "GET", webhooks + "unknown/secret/", "", 404},
	{"endpoints.RotateSecret", "POST", webhooks + "unknown/secret/rotate/", "", 404},
	{"endpoints.EventTypes", "GET", webhooks + "event-types/", "", 200},
	{"dataexport.Conversations", "GET", exports + "conversations?updated_since=" + lately, "", 200},
	{"dataexport.Messages", "GET", exports + "messages?created_since=" + lately, "", 200},
}

// lately is in the year that Ada exports, and in the future of synctest.
var lately = time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)

// isV1 says whether the endpoint has the errors of the time before v2.
func isV1(path string) bool { return !strings.HasPrefix(path, "/api/v2/") }

// newServer returns a server without limits that has one end user, of someID and with the external id crm-1.
func newServer(t *testing.T) *adatest.Server {
	t.Helper()
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	srv.AddEndUser(adatest.EndUser{ID: someID, ExternalID: "crm-1", InConversation: true})
	return srv
}

func TestStatuses(t *testing.T) {
	const limit = 10 << 20
	type test struct {
		method, path, body string
		status             int
		problem            string // its type
	}
	tests := []test{
		{"POST", collection, `{"external_id":"CRM-1"}`, 200, ""},
		{"POST", collection, `{"external_id":"crm-2"}`, 201, ""},
		{"GET", collection + "?limit=0", "", 400, "validation_error"},
		{"GET", collection + "?external_id=", "", 400, "validation_error"},
		{"POST", collection, `{`, 400, "validation_error"},
		{"PATCH", collection + someID, `{}`, 400, "validation_error"},
		{"GET", collection + "65a17e3f43bec88effffffff", "", 404, "not_found"},
		{"GET", collection + "a%2Fb%20c", "", 404, "not_found"},
		{"GET", collection + "?external_id=crm-3", "", 404, "not_found"},
		{"PATCH", collection + "65a17e3f43bec88effffffff", `{"profile":{}}`, 404, "not_found"},
		{"PATCH", collection + someID, `{"profile":{},"external_id":"Crm-4"}`, 409, "conflict"},
		{"POST", collection, `{}` + strings.Repeat(" ", limit-2), 201, ""},
		{"POST", collection, `{}` + strings.Repeat(" ", limit-1), 413, "content_too_large"},
		{"PATCH", collection + someID, `{"profile":{}}` + strings.Repeat(" ", limit), 413, "content_too_large"},
	}
	for _, e := range endpoints {
		tests = append(tests, test{e.method, e.path, e.body, e.status, ""})
	}
	for _, tt := range tests {
		srv := newServer(t)
		srv.AddEndUser(adatest.EndUser{ExternalID: "crm-4"})
		got := send(t, srv, tt.method, tt.path, tt.body)
		if got.status != tt.status {
			t.Errorf("%s %s %.60s: answer %d %.300s, want %d", tt.method, tt.path, tt.body, got.status, got.body, tt.status)
		} else if tt.problem != "" {
			if p := got.problem(t); p.Type != tt.problem || (p.Details != nil) != (tt.status == 400) {
				t.Errorf("%s %s %.60s: answer %+v, want type %s", tt.method, tt.path, tt.body, p, tt.problem)
			}
		}
	}
}

func TestUnauthorized(t *testing.T) {
	srv := newServer(t)
	before := send(t, srv, "GET", collection, "").body
	for _, authorization := range []string{"", "Bearer", "Bearer another-key", string(adatest.APIKey), "Basic " + string(adatest.APIKey)} {
		for _, e := range endpoints {
			got, err := tryWith(t, srv.Config().HTTP.Client, authorization, e.method, srv.Config().BaseURL+e.path, e.body)
			if err != nil {
				t.Fatal(err)
			}
			if got.want(t, 401); isV1(e.path) {
				got.message(t)
			} else if p := got.problem(t); p.Type != "unauthorized" {
				t.Errorf("%s with %q: %+v", e.operation, authorization, p)
			}
			if got.header.Get("X-RateLimit-Limit") != "" {
				t.Errorf("%s with %q: rate limit headers", e.operation, authorization)
			}
		}
	}
	if diff := cmp.Diff(before, send(t, srv, "GET", collection, "").body); diff != "" {
		t.Errorf("it took effect (-before +after)\n%s", diff)
	}
	if n := len(srv.Erasures()) + len(srv.SubjectRequests()) + len(srv.Outbox()) + len(srv.Webhooks()); n > 0 {
		t.Errorf("%d requests took effect", n)
	}
}

// fakeTB is a test that is told of its failures, and does not fail.
type fakeTB struct {
	testing.TB
	errors, fatals []string
	cleanups       []func()
}

func (f *fakeTB) Helper()                   {}
func (f *fakeTB) Cleanup(c func())          { f.cleanups = append(f.cleanups, c) }
func (f *fakeTB) Errorf(s string, a ...any) { f.errors = append(f.errors, fmt.Sprintf(s, a...)) }
func (f *fakeTB) Fatalf(s string, a ...any) { f.Fatal(fmt.Sprintf(s, a...)) }
func (f *fakeTB) Fatal(a ...any) {
	f.fatals = append(f.fatals, fmt.Sprint(a...))
	runtime.Goexit()
}

func TestUnknownEndpoints(t *testing.T) {
	tests := []struct{ method, path string }{
		{"GET", "/api/v2/end-users"},
		{"POST", "/api/v2/end-users"},
		{"GET", collection + someID + "/"},
		{"GET", collection + someID + "/messages"},
		{"DELETE", collection + someID},
		{"PUT", collection + someID},
		{"POST", collection + someID},
		{"PATCH", collection},
		{"POST", deletions + "/"},
		{"GET", "/api/v2/jobs/"},
		{"GET", jobs + "1/"},
		{"POST", subjects + "/"},
		{"GET", subjects},
		{"POST", trigger + "/"},
		{"GET", trigger},
		{"GET", "/api/v2/webhooks"},
		{"POST", "/api/v2/webhooks"},
		{"GET", webhooks + "1/"},
		{"PUT", webhooks + "1"},
		{"GET", webhooks + "1/secret"},
		{"GET", webhooks + "/secret/"},
		{"GET", webhooks + "1/2/secret/"},
		{"POST", webhooks + "1/secret/"},
		{"POST", webhooks + "1/secret/rotate"},
		{"GET", webhooks + "1/secret/rotate/"},
		{"POST", webhooks + "event-types/"},
		{"GET", exports + "conversations/"},
		{"GET", exports + "messages/"},
		{"GET", exports},
		{"POST", exports + "messages"},
		{"GET", "/v2/export/messages"},
		{"GET", "/data_api/v1/conversations/"},
		{"GET", "/data_api/v1.0/messages"},
		{"GET", "/data_api/v1.5/messages"},
		{"GET", "/data_api/v2/messages"},
		{"GET", "/data_api/v1.4"},
		{"GET", "/api/data_api/v1.4/messages"},
		{"GET", "/v2/end-users/"},
		{"GET", "/"},
	}
	for _, tt := range tests {
		tb := &fakeTB{TB: t}
		srv := adatest.NewServer(tb)
		got := send(t, srv, tt.method, tt.path, `{"profile":{}}`).want(t, 404)
		if p := got.problem(t); p.Type != "not_found" {
			t.Errorf("%s %s: %+v", tt.method, tt.path, p)
		}
		if diff := cmp.Diff([]string{"adatest: Ada has no " + tt.method + " " + tt.path}, tb.errors); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if calls := srv.Calls(); len(calls) != 1 || calls[0].Operation != "" {
			t.Errorf("%s %s: calls %+v", tt.method, tt.path, calls)
		}
		if len(tb.cleanups) != 1 {
			t.Fatalf("%d cleanups, want 1", len(tb.cleanups))
		}
		tb.cleanups[0]()
		if _, err := try(t, srv, "GET", collection, ""); err == nil {
			t.Error("the end of the test did not close the server")
		}
	}

	srv := adatest.New()
	defer srv.Close()
	send(t, srv, "GET", "/", "").want(t, 404)
}

func TestFailOfUnknownOperation(t *testing.T) {
	const want = `adatest: no operation is called "endusers.Delete"`
	tb := &fakeTB{TB: t}
	srv := adatest.NewServer(tb)
	defer srv.Close()
	stopped := true
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Fail("endusers.Delete", adatest.Failure{Status: 500})
		stopped = false
	}()
	<-done
	if diff := cmp.Diff([]string{want}, tb.fatals); diff != "" || !stopped {
		t.Errorf("stopped: %t (-want +got)\n%s", stopped, diff)
	}

	defer func() {
		if err, ok := recover().(error); !ok || err.Error() != want {
			t.Errorf("panic with %v, want %s", err, want)
		}
	}()
	program := adatest.New()
	defer program.Close()
	program.Fail("endusers.Delete")
}

func TestFail(t *testing.T) {
	const envelope = `{"errors":[{"type":"service_unavailable","message":"Service Unavailable","details":null}]}`
	tests := []struct {
		name    string
		failure adatest.Failure
		status  int // 0: no answer
		body    string
		header  [2]string
		effect  bool
		takes   time.Duration
	}{
		{name: "Status", failure: adatest.Failure{Status: 503}, status: 503, body: envelope, header: [2]string{"Content-Type", "application/json"}},
		{
			name: "Status and Body", failure: adatest.Failure{Status: 502, Body: "<html>down</html>"}, status: 502, body: "<html>down</html>",
			header: [2]string{"Content-Type", "text/html; charset=utf-8"},
		},
		{
			name: "Status and Header", failure: adatest.Failure{Status: 503, Header: http.Header{"Retry-After": {"7"}}}, status: 503, body: envelope,
			header: [2]string{"Retry-After", "7"},
		},
		{
			name: "Header replaces", failure: adatest.Failure{Status: 503, Header: http.Header{"content-type": {"text/plain"}}}, status: 503,
			body: envelope, header: [2]string{"Content-Type", "text/plain"},
		},
		{
			name: "Header alone", failure: adatest.Failure{Header: http.Header{"X-RateLimit-Remaining": {"0"}}}, status: 201, effect: true,
			header: [2]string{"X-RateLimit-Remaining", "0"},
		},
		{name: "Status of a success", failure: adatest.Failure{Status: 200, Body: `{}`}, status: 200, body: `{}`},
		{name: "Status and Effect", failure: adatest.Failure{Status: 503, Effect: true}, status: 503, body: envelope, effect: true},
		{name: "Drop", failure: adatest.Failure{Drop: true}},
		{name: "Drop and Effect", failure: adatest.Failure{Drop: true, Effect: true}, effect: true},
		{name: "Truncate", failure: adatest.Failure{Truncate: true}, effect: true},
		{name: "Truncate and Status", failure: adatest.Failure{Truncate: true, Status: 503}},
		{name: "Truncate and Body", failure: adatest.Failure{Truncate: true, Status: 200, Body: `{"end_user_id":"1"}`}},
		{name: "Delay", failure: adatest.Failure{Delay: time.Hour}, status: 201, effect: true, takes: time.Hour},
		{name: "Delay and Status", failure: adatest.Failure{Delay: time.Minute, Status: 503}, status: 503, body: envelope, takes: time.Minute},
		{name: "Delay and Drop", failure: adatest.Failure{Delay: time.Minute, Drop: true}, takes: time.Minute},
		{name: "nothing", failure: adatest.Failure{}, status: 201, effect: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newServer(t)
				srv.Fail("endusers.Create", tt.failure)
				start := time.Now()
				got, err := try(t, srv, "POST", collection, `{"external_id":"crm-42"}`)
				if d := time.Since(start); d != tt.takes {
					t.Errorf("it took %s, want %s", d, tt.takes)
				}
				if (err != nil) != (tt.status == 0) {
					t.Fatalf("answer %d %q, error %v", got.status, got.body, err)
				}
				if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("error %v, want that of a connection that was closed", err)
				}
				if tt.status != 0 {
					got.want(t, tt.status)
				}
				if tt.body != "" && got.body != tt.body {
					t.Errorf("body %q, want %q", got.body, tt.body)
				}
				if name := tt.header[0]; got.header.Get(name) != tt.header[1] {
					t.Errorf("%s is %q, want %q", name, got.header.Get(name), tt.header[1])
				}
				_, effect := srv.EndUser("crm-42")
				if effect != tt.effect {
					t.Errorf("took effect: %t, want %t", effect, tt.effect)
				}
				status := 201
				if effect {
					status = 200
				}
				send(t, srv, "POST", collection, `{"external_id":"crm-42"}`).want(t, status)
				if n := len(srv.Calls("endusers.Create")); n != 2 {
					t.Errorf("%d calls, want the one that failed and the next", n)
				}
			})
		})
	}
}

func TestFailQueues(t *testing.T) {
	srv := newServer(t)
	for _, e := range endpoints {
		srv.Fail(e.operation, adatest.Failure{Status: 500}, adatest.Failure{Drop: true})
		srv.Fail(e.operation, adatest.Failure{Status: 408})
	}
	srv.Fail("endusers.Get") // no failures
	const served = -1
	for n, failed := range []int{500, 0, 408, served, served} {
		for _, e := range endpoints {
			want := failed
			if failed == served {
				want = e.status
			}
			if got, err := try(t, srv, e.method, e.path, e.body); got.status != want {
				t.Errorf("%s, request %d: answer %d, %v, want %d", e.operation, n, got.status, err, want)
			}
		}
	}
	if n := len(srv.Calls()); n != 5*len(endpoints) {
		t.Errorf("%d calls, want %d: net/http repeated some", n, 5*len(endpoints))
	}
}

// A client that gives up during a delay does not keep the server.
func TestFailDelayOfClientThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		srv.Fail("endusers.Get", adatest.Failure{Delay: 24 * time.Hour, Status: 503})
		client := srv.Config().HTTP.Client
		client.Timeout = time.Second
		start := time.Now()
		_, err := tryWith(t, client, "Bearer "+string(adatest.APIKey), "GET", srv.Config().BaseURL+collection+someID, "")
		var timeout interface{ Timeout() bool }
		if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		send(t, srv, "GET", collection+someID, "").want(t, 200)
	})
}

func TestCalls(t *testing.T) {
	srv := newServer(t)
	if calls := srv.Calls(); len(calls) != 0 {
		t.Errorf("%d calls before the first", len(calls))
	}
	srv.Fail("endusers.Create", adatest.Failure{Status: 503}, adatest.Failure{Drop: true})
	var want, creates []string
	for _, e := range append(endpoints, endpoints...) {
		got, _ := try(t, srv, e.method, e.path, e.body) // of one that is dropped the status is 0
		line := strings.Join([]string{e.operation, e.method, e.path, e.body, strconv.Itoa(got.status)}, " ")
		want = append(want, line)
		if e.operation == "endusers.Create" || e.operation == "endusers.Update" {
			creates = append(creates, line)
		}
	}
	lines := func(operations ...string) (all []string) {
		for _, c := range srv.Calls(operations...) {
			all = append(all, strings.Join([]string{c.Operation, c.Method, c.URL.RequestURI(), string(c.Body), strconv.Itoa(c.StatusCode)}, " "))
			if got := c.Header.Get("Authorization"); got != "Bearer "+string(adatest.APIKey) {
				t.Errorf("%s: Authorization is %q", c.Operation, got)
			}
		}
		return all
	}
	if diff := cmp.Diff(want, lines()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(creates, lines("endusers.Update", "endusers.Create")); diff != "" {
		t.Errorf("filtered (-want +got)\n%s", diff)
	}
	if calls := srv.Calls("endusers.Delete"); len(calls) != 0 {
		t.Errorf("%d calls of an unknown operation", len(calls))
	}
}

func TestRateLimit(t *testing.T) {
	tests := []struct {
		name                 string
		opts                 []adatest.Option
		perSecond, perMinute int // 0: none
	}{
		{"Ada's own", nil, 30, 300},
		{"other", []adatest.Option{adatest.RateLimit(3, 10)}, 3, 10},
		{"seconds alone", []adatest.Option{adatest.RateLimit(2, 0)}, 2, 0},
		{"minutes alone", []adatest.Option{adatest.RateLimit(0, 7)}, 0, 7},
		{"one", []adatest.Option{adatest.RateLimit(1, 1)}, 1, 1},
		{"none", []adatest.Option{adatest.RateLimit(0, 0)}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t, tt.opts...)
				start := time.Now()
				var admitted []time.Time
				within := func(d time.Duration) int {
					n := 0
					for _, at := range admitted {
						if time.Since(at) < d {
							n++
						}
					}
					return n
				}
				for range 450 {
					full := tt.perSecond > 0 && within(time.Second) == tt.perSecond || tt.perMinute > 0 && within(time.Minute) == tt.perMinute
					got := send(t, srv, "GET", collection, "")
					headers := [3]string{got.header.Get("X-RateLimit-Limit"), got.header.Get("X-RateLimit-Remaining"), got.header.Get("X-RateLimit-Reset")}
					if !full {
						got.want(t, 200)
						admitted = append(admitted, time.Now())
						var want [3]string
						if n := within(time.Minute); tt.perMinute > 0 {
							reset := admitted[len(admitted)-n].Add(time.Minute)
							want = [3]string{strconv.Itoa(tt.perMinute), strconv.Itoa(tt.perMinute - n), strconv.FormatInt(reset.Unix(), 10)}
						}
						if headers != want {
							t.Fatalf("request %d: rate limit headers %q, want %q", len(admitted), headers, want)
						}
						continue
					}
					if p := got.want(t, 429).problem(t); p.Type != "too_many_requests" || headers != [3]string{} {
						t.Fatalf("%+v with rate limit headers %q", p, headers)
					}
					wait, err := strconv.Atoi(got.header.Get("Retry-After"))
					if err != nil || wait < 1 {
						t.Fatalf("Retry-After is %q", got.header.Get("Retry-After"))
					}
					time.Sleep(time.Duration(wait)*time.Second - time.Nanosecond)
					send(t, srv, "GET", collection, "").want(t, 429)
					time.Sleep(time.Nanosecond)
				}
				if limited := tt.perSecond+tt.perMinute > 0; limited != (time.Since(start) > 0) {
					t.Errorf("it took %s", time.Since(start))
				}
			})
		})
	}
}

// A window slides: what Retry-After says is rounded up, and enough for a window that ends within a second.
func TestRetryAfterIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, adatest.RateLimit(0, 2))
		for _, pause := range []time.Duration{1234 * time.Millisecond, 3 * time.Second} {
			send(t, srv, "GET", collection, "").want(t, 200)
			time.Sleep(pause)
		}
		got := send(t, srv, "GET", collection, "").want(t, 429) // at 4.234 s, and the first one leaves at 60 s
		if retry := got.header.Get("Retry-After"); retry != "56" {
			t.Fatalf("Retry-After %s, want 56", retry)
		}
		time.Sleep(56 * time.Second)
		send(t, srv, "GET", collection, "").want(t, 200)
	})
}

func TestRateLimitOfEveryEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, adatest.RateLimit(1, 0))
		srv.AddEndUser(adatest.EndUser{ID: someID, ExternalID: "crm-1"})
		for _, e := range endpoints {
			send(t, srv, e.method, e.path, e.body).want(t, e.status)
			send(t, srv, e.method, e.path, e.body).want(t, 429)
			time.Sleep(time.Second)
		}
	})
}

// Every family is counted on its own, and the endpoints of one together.
func TestRateLimitOfFamilies(t *testing.T) {
	families := map[string][2]int{ // the limits of a second and of a minute
		"endusers":                  {30, 300},
		"default":                   {10, 100},
		"compliance.RequestErasure": {45, 0},
		"proactivesms":              {10, 100},
		"dataexport":                {10, 100},
	}
	for _, tt := range []struct {
		name  string
		opts  []adatest.Option
		limit func(family string) [2]int
	}{
		{"Ada's own", nil, func(f string) [2]int { return families[f] }},
		{"other", []adatest.Option{adatest.RateLimit(3, 20)}, func(string) [2]int { return [2]int{3, 20} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t, tt.opts...)
				srv.AddEndUser(adatest.EndUser{ID: someID, ExternalID: "crm-1", InConversation: true})
				admitted := map[string]int{}
				for second := range 12 { // the second minute has not begun
					now := map[string]int{}
					refused := map[string]bool{} // by operation
					for range 16 {
						for _, e := range endpoints {
							family, _, _ := strings.Cut(e.operation, ".")
							if _, ok := families[e.operation]; ok {
								family = e.operation
							} else if family == "compliance" || family == "endpoints" {
								family = "default"
							}
							for range 3 {
								limit := tt.limit(family)
								full := now[family] == limit[0] || limit[1] > 0 && admitted[family] == limit[1]
								if refused[e.operation] {
									continue
								}
								got := send(t, srv, e.method, e.path, e.body)
								if full {
									refused[e.operation] = true
									if got.want(t, 429); isV1(e.path) {
										got.message(t)
									} else {
										got.problem(t)
									}
									continue
								}
								if got.status == 429 {
									t.Fatalf("%s refused, number %d in second %d, %d before", e.operation, now[family], second, admitted[family])
								}
								now[family]++
								admitted[family]++
								if h := got.header.Get("X-RateLimit-Limit"); (h == "") != (limit[1] == 0) || h != "" && h != strconv.Itoa(limit[1]) {
									t.Fatalf("%s: X-RateLimit-Limit is %q, want %d", e.operation, h, limit[1])
								}
							}
						}
					}
					time.Sleep(time.Second)
				}
				for family, n := range admitted {
					limit := tt.limit(family)
					if want := min(12*limit[0], limit[1]); n != want && limit[1] > 0 || n < limit[0] {
						t.Errorf("%s: %d were admitted, want %d", family, n, want)
					}
				}
			})
		})
	}
}

// A client is paced as it asks, unless the limits are others than Ada's.
func TestPaceOfClient(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts []adatest.Option
		want time.Duration // of three requests
	}{
		{"its own", nil, 2 * time.Second},
		{"RateLimit", []adatest.Option{adatest.RateLimit(2, 0)}, time.Second},
		{"RateLimit of none", []adatest.Option{adatest.RateLimit(0, 0)}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t, tt.opts...)
			limiter := srv.Config().HTTP.Limiter(ada.Pace{Family: "any", PerSecond: 1})
			start := time.Now()
			for range 3 {
				if err := limiter.Wait(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if d := time.Since(start); d != tt.want {
				t.Errorf("%s: it took %s, want %s", tt.name, d, tt.want)
			}
		})
	}
}

func TestClientKeepsToTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, adatest.RateLimit(2, 5))
		client := srv.Client()
		op := ada.Operation{Name: "endusers.All", Method: "GET", Route: collection}
		start := time.Now()
		for range 6 {
			req, err := client.NewRequest(t.Context(), op, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Do(req, op, nil); err != nil {
				t.Error(err)
			}
		}
		if n, d := len(srv.Calls()), time.Since(start); n != 6 || d < time.Minute {
			t.Errorf("%d requests in %s, want 6 in a minute", n, d)
		}
	})
}

func TestOverTCP(t *testing.T) {
	for name, start := range map[string]func(*httptest.Server){
		"HTTP":   (*httptest.Server).Start,
		"HTTPS":  (*httptest.Server).StartTLS,
		"HTTP/2": func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() },
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t)
			outside := httptest.NewUnstartedServer(srv)
			start(outside)
			defer outside.Close()
			get := func(target string) (answer, error) {
				return tryWith(t, outside.Client(), "Bearer "+string(adatest.APIKey), "GET", target, "")
			}

			id := srv.AddEndUser(adatest.EndUser{})
			got, err := get(outside.URL + collection + "?limit=1")
			if err != nil {
				t.Fatal(err)
			}
			next := got.want(t, 200).page(t).Meta.Next
			if want := outside.URL + collection + "?cursor=" + id + "&limit=1"; next == nil || *next != want {
				t.Fatalf("next_page_url in %s, want %s", got.body, want)
			}
			if got, err = get(*next); err != nil || got.status != 200 {
				t.Errorf("next page: %d, %v", got.status, err)
			}

			srv.Fail("endusers.Get", adatest.Failure{Drop: true}, adatest.Failure{Truncate: true})
			for range 2 {
				if got, err := get(outside.URL + collection + id); err == nil {
					t.Errorf("answer %d to a request that fails", got.status)
				}
			}
			if got, err = get(outside.URL + collection + id); err != nil || got.status != 200 {
				t.Errorf("after the failures: %d, %v", got.status, err)
			}
			if n := len(srv.Calls("endusers.Get")); n != 3 {
				t.Errorf("%d calls, want 3", n)
			}
		})
	}
}

// Close ends everything: otherwise synctest finds a goroutine that never ends.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.New()
		srv.Fail("endusers.Get", adatest.Failure{Delay: 24 * time.Hour})
		failed := make(chan error)
		go func() {
			_, err := try(t, srv, "GET", collection+someID, "")
			failed <- err
		}()
		send(t, srv, "GET", collection, "").want(t, 200)
		synctest.Wait()
		srv.Close()
		if err := <-failed; err == nil {
			t.Error("a request under way got an answer")
		}
		if _, err := try(t, srv, "GET", collection, ""); err == nil {
			t.Error("a request after Close got an answer")
		}
		srv.Close()
		adatest.New().Close() // at once, and unused
	})
}

func TestConfig(t *testing.T) {
	srv := newServer(t)
	config := srv.Config()
	if u, err := url.Parse(config.BaseURL); err != nil || u.Path != "" || config.APIKey != adatest.APIKey {
		t.Errorf("BaseURL %s, APIKey accepted: %t, %v", config.BaseURL, config.APIKey == adatest.APIKey, err)
	}
	config.HTTP.Client.Timeout = time.Second
	if srv.Config().HTTP.Client.Timeout != 0 {
		t.Error("a change to one configuration changes the next")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", config.BaseURL+collection, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := config.HTTP.Client.Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a request that was given up: %v", err)
	}
}
