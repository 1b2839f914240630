package compliance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/compliance"
	"github.com/adasdk/ada-go/internal/faults"
	"github.com/google/go-cmp/cmp"
)

const endUser = "5f7e0e2c1e7c7e000f0f9c3a"

// answering returns a client whose every request gets this answer.
func answering(t *testing.T, status int, body string) (*compliance.Client, *faults.Network) {
	t.Helper()
	n := faults.New(t, faults.Answer(fmt.Sprintf("HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), len(body), body)))
	client, err := ada.NewClient(ada.Config{
		Handle: "acme", APIKey: "key",
		HTTP: ada.HTTPConfig{Client: &http.Client{Transport: n.Transport()}, Limiter: ada.Unpaced},
	})
	if err != nil {
		t.Fatal(err)
	}
	return compliance.New(client), n
}

func TestErase(t *testing.T) {
	c, n := answering(t, 202, `{"job_id":"j1","status":"queued","submitted_count":5,"created_at":"2026-07-14T10:00:00+00:00"}`)
	job, err := c.Erase(t.Context(), compliance.Erasure{
		Identifiers: []compliance.Identifier{
			compliance.Email("Ada@Example.com"), compliance.ChatterID("c1"), compliance.ExternalID("crm-42"),
			compliance.EndUserID(endUser), compliance.Variable("phone_number", "4165551234"),
		},
		Reference: "dsr-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := []any{job.ID, job.Reference, job.Status, job.Submitted, job.CreatedAt, job.Done(), len(job.Results)}
	want := []any{"j1", "dsr-1", compliance.Queued, 5, time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC), false, 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	r := n.Requests()[0]
	const body = `{"client_reference":"dsr-1","identifiers":[{"type":"email","value":"Ada@Example.com"},{"type":"chatter_id","value":"c1"},` +
		`{"type":"external_id","value":"crm-42"},{"type":"end_user_id","value":"` + endUser + `"},{"type":"variable_match","value":"4165551234","variable":"phone_number"}]}`
	if r.Method+" "+r.RequestURI != "POST /api/v2/end-users/delete" || string(r.Content) != body {
		t.Errorf("%s %s\ngot  %s\nwant %s", r.Method, r.RequestURI, r.Content, body)
	}
}

// Without a reference one is made, for the request and for the caller, and it stays the same over repetitions.
func TestEraseMakesAReference(t *testing.T) {
	for _, failure := range []adatest.Failure{{Effect: true, Drop: true}, {Truncate: true}, {Effect: true, Status: 504}, {Status: 429}, {Delay: time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t)
			srv.Fail("compliance.Erase", failure)
			job, err := compliance.New(srv.Client()).Erase(t.Context(), compliance.Erasure{Identifiers: []compliance.Identifier{compliance.Email("a@b.example")}})
			if err != nil || len(job.Reference) < 20 {
				t.Fatalf("%+v: reference %q, %v", failure, job.Reference, err)
			}
			erasures := srv.Erasures()
			if len(srv.Calls()) != 2 || len(erasures) != 1 || erasures[0].Reference != job.Reference || erasures[0].JobID != job.ID {
				t.Errorf("%+v: %d requests made %v", failure, len(srv.Calls()), erasures)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		srv.Fail("compliance.Erase", slices.Repeat([]adatest.Failure{{Effect: true, Drop: true}}, 4)...)
		c := compliance.New(srv.Client())
		e := compliance.Erasure{Identifiers: []compliance.Identifier{compliance.Email("a@b.example")}}
		job, err := c.Erase(t.Context(), e)
		if err == nil || !ada.Retryable(err) || job == nil || job.Reference == "" {
			t.Fatalf("got %v, %v", job, err)
		}
		e.Reference = job.Reference // as the documentation says
		if _, err := c.Erase(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if n := len(srv.Erasures()); n != 1 {
			t.Errorf("%d jobs were made", n)
		}
	})
}

func wantFaults(t *testing.T, n *faults.Network, err error, want ...ada.Fault) {
	t.Helper()
	if want == nil {
		if err != nil || len(n.Requests()) != 1 {
			t.Errorf("%d requests, %v", len(n.Requests()), err)
		}
		return
	}
	var e *ada.Error
	if !errors.As(err, &e) || !errors.Is(err, ada.ErrInvalid) || n.Dials() != 0 {
		t.Errorf("got %v, after %d connections", err, n.Dials())
		return
	}
	if diff := cmp.Diff(want, e.Faults); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

func ids(n int, of func(int) compliance.Identifier) []compliance.Identifier {
	all := make([]compliance.Identifier, n)
	for i := range all {
		all[i] = of(i)
	}
	return all
}

func TestEraseParameters(t *testing.T) {
	type list = []compliance.Identifier
	one := func(id compliance.Identifier) compliance.Erasure { return compliance.Erasure{Identifiers: list{id}} }
	many := func(n int) compliance.Erasure {
		return compliance.Erasure{Identifiers: ids(n, func(i int) compliance.Identifier { return compliance.ExternalID(fmt.Sprint(i)) })}
	}
	fault := func(field, reason string) []ada.Fault { return []ada.Fault{{Field: field, Reason: reason}} }
	const email = "is not an e-mail address"
	tests := []struct {
		name    string
		erasure compliance.Erasure
		want    []ada.Fault
	}{
		{"nobody", compliance.Erasure{}, fault("Identifiers", "is empty")},
		{"1000", many(1000), nil},
		{"1001", many(1001), fault("Identifiers", "has 1001 entries, at most 1000")},
		{"blank reference", compliance.Erasure{Identifiers: many(1).Identifiers, Reference: " "}, fault("Reference", "is blank or not valid UTF-8")},
		{"no identifier", one(compliance.Identifier{}), fault("Identifiers[0]", "is empty: make it with Email, EndUserID, ExternalID, ChatterID or Variable")},
		{"e-mail", one(compliance.Email("canary@b")), nil},
		{"no @", one(compliance.Email("canary")), fault("Identifiers[0]", email)},
		{"no name", one(compliance.Email("@canary")), fault("Identifiers[0]", email)},
		{"no domain", one(compliance.Email("canary@")), fault("Identifiers[0]", email)},
		{"space within", one(compliance.Email("can ary@b")), fault("Identifiers[0]", email)},
		{"blank", one(compliance.EndUserID(" ")), fault("Identifiers[0]", "has no value")},
		{"bytes", one(compliance.ChatterID("canary\xff")), fault("Identifiers[0]", "is not valid UTF-8")},
		{"external id of 36", one(compliance.ExternalID(strings.Repeat("ü", 36))), nil},
		{"external id of 37", one(compliance.ExternalID(strings.Repeat("ü", 37))), fault("Identifiers[0]", "has 37 characters, at most 36")},
		{"external id with <", one(compliance.ExternalID("<canary")), fault("Identifiers[0]", "has a < or a >")},
		{"variable", one(compliance.Variable("name", "canary")), nil},
		{"variable without a name", one(compliance.Variable(" ", "canary")), fault("Identifiers[0]", "has no variable name")},
		{"variable without a value", one(compliance.Variable("name", "")), fault("Identifiers[0]", "has no value")},
		{
			"everything at once",
			compliance.Erasure{Identifiers: list{compliance.Email("canary"), compliance.Email("a@b"), compliance.ChatterID("")}, Reference: "\xff"},
			[]ada.Fault{{Field: "Identifiers[0]", Reason: email}, {Field: "Identifiers[2]", Reason: "has no value"}, {Field: "Reference", Reason: "is blank or not valid UTF-8"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, n := answering(t, 202, `{"job_id":"j1"}`)
			job, err := c.Erase(t.Context(), tt.erasure)
			wantFaults(t, n, err, tt.want...)
			if job == nil || job.Reference == "" {
				t.Errorf("the job is %v", job)
			}
		})
	}
}

func TestErasePayloadLimit(t *testing.T) {
	const frame = len(`{"client_reference":"r","identifiers":[{"type":"chatter_id","value":""}]}`)
	for size, ok := range map[int]bool{512 << 10: true, 512<<10 + 1: false} {
		c, n := answering(t, 202, `{"job_id":"j1"}`)
		_, err := c.Erase(t.Context(), compliance.Erasure{
			Identifiers: []compliance.Identifier{compliance.ChatterID(strings.Repeat("x", size-frame))}, Reference: "r",
		})
		if errors.Is(err, ada.ErrTooLarge) == ok || (len(n.Requests()) == 1) != ok {
			t.Errorf("%d bytes: %d requests, %v", size, len(n.Requests()), err)
		}
	}
}

func TestJob(t *testing.T) {
	const body = `{"job_id":"j/1","type":"t","client_reference":"r1","status":"partial","identifiers":[
		{"type":"email","value":"a@b.example","variable":null,"disposition":"accepted","matched_chatters":2,"reason":null},
		{"type":"end_user_id","value":"x","disposition":"not_found","matched_chatters":0,"reason":"no such"},
		{"type":"variable_match","value":"v","variable":"n","disposition":"exceeds_limit","matched_chatters":1001,"reason":"too many"}],
		"created_at":"2026-07-14T10:00:00","completed_at":"2026-07-14T11:00:00.5Z","failure_reason":null}`
	c, n := answering(t, 200, body)
	got, err := c.Job(t.Context(), "j/1")
	if err != nil {
		t.Fatal(err)
	}
	want := compliance.Job{
		ID: "j/1", Type: "t", Reference: "r1", Status: compliance.Partial,
		Results: []compliance.Result{
			{Identifier: compliance.Email("a@b.example"), Disposition: compliance.Accepted, Matched: 2},
			{Identifier: compliance.EndUserID("x"), Disposition: compliance.NotMatched, Reason: "no such"},
			{Identifier: compliance.Variable("n", "v"), Disposition: compliance.TooManyPeople, Matched: 1001, Reason: "too many"},
		},
		CreatedAt: time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC), CompletedAt: time.Date(2026, 7, 14, 11, 0, 0, 500_000_000, time.UTC),
		Raw: json.RawMessage(body),
	}
	same := cmp.Comparer(func(a, b compliance.Identifier) bool { return a == b })
	if diff := cmp.Diff(want, *got, same); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if uri := n.Requests()[0].RequestURI; uri != "/api/v2/jobs/j%2F1" {
		t.Errorf("asked for %s", uri)
	}
	id := got.Results[2].Identifier
	if id.Type() != "variable_match" || id.Value() != "v" || id.VariableName() != "n" {
		t.Errorf("got %s, %s, %s", id.Type(), id.Value(), id.VariableName())
	}

	for bad, reason := range map[string]string{
		"": "is empty", ".": "is a dot segment", "..": "is a dot segment", "\xff": "is not valid UTF-8",
	} {
		c, n := answering(t, 200, body)
		_, err := c.Job(t.Context(), bad)
		wantFaults(t, n, err, ada.Fault{Field: "id", Reason: reason})
	}
	c, _ = answering(t, 200, `{"job_id":"j2","status":"completed"}`)
	_, err = c.Job(t.Context(), "j1")
	const other = "compliance.Job: GET /api/v2/jobs/{job_id}: 200 OK: the answer is not usable: job_id is that of another job"
	if !errors.Is(err, ada.ErrAnswer) || err.Error() != other {
		t.Errorf("another job: %v", err)
	}
	c, _ = answering(t, 200, `{"status":"completed"}`)
	if _, err := c.Job(t.Context(), "j1"); !errors.Is(err, ada.ErrAnswer) {
		t.Errorf("a job without an id: %v", err)
	}
}

// Nothing counts as erased whose disposition and job do not both say so.
func TestOutcome(t *testing.T) {
	statuses := []compliance.Status{compliance.Queued, compliance.InProgress, compliance.Completed, compliance.Partial, compliance.Failed, "", "new"}
	for disposition, want := range map[compliance.Disposition][]compliance.Outcome{
		compliance.Accepted:      {"pending", "pending", "erased", "erased", "unknown", "pending", "pending"},
		"":                       {"pending", "pending", "unknown", "unknown", "unknown", "pending", "pending"},
		"new":                    {"pending", "pending", "unknown", "unknown", "unknown", "pending", "pending"},
		compliance.NotMatched:    slices.Repeat([]compliance.Outcome{"not found"}, 7),
		compliance.Malformed:     slices.Repeat([]compliance.Outcome{"refused"}, 7),
		compliance.TooManyPeople: slices.Repeat([]compliance.Outcome{"refused"}, 7),
		compliance.Duplicate:     slices.Repeat([]compliance.Outcome{"refused"}, 7),
	} {
		for i, status := range statuses {
			got := compliance.Job{Status: status}.Outcome(compliance.Result{Disposition: disposition})
			if got != want[i] {
				t.Errorf("%s in a job that is %s: got %s, want %s", disposition, status, got, want[i])
			}
		}
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, adatest.ErasureTime(time.Minute, 20*24*time.Hour))
		id := srv.AddEndUser(adatest.EndUser{InConversation: true})
		c := compliance.New(srv.Client())
		job, err := c.Erase(t.Context(), compliance.Erasure{Identifiers: []compliance.Identifier{compliance.EndUserID(id)}})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		srv.Fail("compliance.Job", slices.Repeat([]adatest.Failure{{Status: 500}}, 9)...) // an outage is waited out
		job, err = c.Wait(t.Context(), job.ID)
		if err != nil || job.Status != compliance.Completed || job.Outcome(job.Results[0]) != compliance.Erased {
			t.Fatalf("got %v, %v", job, err)
		}
		took, looks := time.Since(start), len(srv.Calls("compliance.Job"))
		if took < 20*24*time.Hour || took > 20*24*time.Hour+15*time.Minute || looks > 20*24*6+30 {
			t.Errorf("it took %s and %d looks", took, looks)
		}
		if _, ok := srv.EndUser(id); ok {
			t.Error("the end user is still there")
		}
	})
}

func TestWaitThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		c := compliance.New(srv.Client())
		job, err := c.Erase(t.Context(), compliance.Erasure{Identifiers: []compliance.Identifier{compliance.Email("a@b.example")}})
		if err != nil {
			t.Fatal(err)
		}
		id := job.ID
		start := time.Now()

		ctx, cancel := context.WithTimeout(t.Context(), 34*time.Second) // looks at 0, 5 and 15 s, and not at 35 s
		defer cancel()
		job, err = c.Wait(ctx, id)
		if !errors.Is(err, context.DeadlineExceeded) || job == nil || job.Done() || time.Since(start) != 15*time.Second {
			t.Errorf("after %s: %v, %v", time.Since(start), job, err)
		}

		start = time.Now()
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(7*time.Second, cancel)
		job, err = c.Wait(ctx, id)
		if !errors.Is(err, context.Canceled) || job == nil || time.Since(start) != 7*time.Second {
			t.Errorf("after %s: %v, %v", time.Since(start), job, err)
		}

		for id, want := range map[string]error{"nobody": ada.ErrNotFound, "": ada.ErrInvalid} {
			job, err := c.Wait(t.Context(), id)
			if diff := cmp.Diff(&compliance.Job{ID: id}, job); !errors.Is(err, want) || diff != "" {
				t.Errorf("%v, (-want +got)\n%s", err, diff)
			}
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		job, err = c.Wait(ctx, id)
		if diff := cmp.Diff(&compliance.Job{ID: id}, job); !errors.Is(err, context.Canceled) || diff != "" {
			t.Errorf("%v, (-want +got)\n%s", err, diff)
		}
		srv.Fail("compliance.Job", adatest.Failure{Status: 401})
		if job, err := c.Wait(t.Context(), id); !errors.Is(err, ada.ErrUnauthorized) || job == nil || job.Done() {
			t.Error(job, err)
		}
	})
}

func TestRequestErasure(t *testing.T) {
	tests := []struct {
		request compliance.SubjectRequest
		body    string
		answer  string
	}{
		{
			compliance.SubjectRequest{Email: "example@example.com"},
			`{"email":"example@example.com","type":"ERASURE"}`, `{"email":"example@example.com"}`,
		},
		{
			compliance.SubjectRequest{Email: "example@example.com", Identifiers: []compliance.Identifier{compliance.Email("example-2@example.com"), compliance.ChatterID("c1")}},
			`{"email":"example@example.com","identifiers":[{"type":"email","value":"example-2@example.com"},{"type":"chatter_id","value":"c1"}],"type":"ERASURE"}`, `{"email":"Example@example.com"}`,
		},
		{
			compliance.SubjectRequest{Identifiers: []compliance.Identifier{compliance.ChatterID("c1")}},
			`{"identifiers":[{"type":"chatter_id","value":"c1"}],"type":"ERASURE"}`, `{"email":null}`,
		},
	}
	for _, tt := range tests {
		c, n := answering(t, 200, tt.answer)
		if err := c.RequestErasure(t.Context(), tt.request); err != nil {
			t.Error(err)
		}
		r := n.Requests()[0]
		if r.Method+" "+r.RequestURI != "POST /api/v1/data-subject-request" || string(r.Content) != tt.body {
			t.Errorf("%s %s\ngot  %s\nwant %s", r.Method, r.RequestURI, r.Content, tt.body)
		}
	}
	faulty := map[string]compliance.SubjectRequest{
		"Email is empty, and so is Identifiers":                                   {},
		"Email is not an e-mail address":                                          {Email: "canary"},
		"Identifiers[0] is of the type external_id, which this API does not take": {Email: "a@b", Identifiers: []compliance.Identifier{compliance.ExternalID("canary")}},
	}
	for want, request := range faulty {
		c, n := answering(t, 200, `{}`)
		if err := c.RequestErasure(t.Context(), request); !errors.Is(err, ada.ErrInvalid) || err.Error() != "compliance.RequestErasure: invalid: "+want || n.Dials() != 0 {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	// An answer that does not name the person is no success, and it may have happened.
	c, n := answering(t, 200, `{"email":null}`)
	if err := c.RequestErasure(t.Context(), compliance.SubjectRequest{Email: "a@b"}); !errors.Is(err, ada.ErrAnswer) || !errors.Is(err, ada.ErrOutcomeUnknown) || len(n.Requests()) != 1 {
		t.Errorf("%d requests, %v", len(n.Requests()), err)
	}
}

// A request to the old API is never repeated that may have happened.
func TestRequestErasureIsMadeOnce(t *testing.T) {
	for _, tt := range []struct {
		failure  adatest.Failure
		requests int
		err      error
	}{
		{adatest.Failure{Effect: true, Drop: true}, 1, ada.ErrOutcomeUnknown},
		{adatest.Failure{Truncate: true}, 1, ada.ErrOutcomeUnknown},
		{adatest.Failure{Effect: true, Status: 502}, 1, ada.ErrOutcomeUnknown},
		{adatest.Failure{Effect: true, Status: 200, Body: "<html>"}, 1, ada.ErrOutcomeUnknown},
		{adatest.Failure{Delay: time.Minute}, 1, ada.ErrOutcomeUnknown},
		{adatest.Failure{Status: 429}, 2, nil},
		{adatest.Failure{Status: 401}, 1, ada.ErrUnauthorized},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t)
			srv.Fail("compliance.RequestErasure", tt.failure)
			err := compliance.New(srv.Client()).RequestErasure(t.Context(), compliance.SubjectRequest{Email: "a@b.example"})
			if !errors.Is(err, tt.err) || len(srv.Calls()) != tt.requests || len(srv.SubjectRequests()) > 1 {
				t.Errorf("%+v: %d requests, %d taken in, %v", tt.failure, len(srv.Calls()), len(srv.SubjectRequests()), err)
			}
		})
	}
}

func TestPaceOfTheOldAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		c := compliance.New(srv.Client())
		start := time.Now()
		for i := range 451 {
			if err := c.RequestErasure(t.Context(), compliance.SubjectRequest{Email: fmt.Sprintf("%d@b.example", i)}); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d != 10*time.Second || len(srv.Calls()) != 451 {
			t.Errorf("451 calls took %s and %d requests, want 10s", d, len(srv.Calls()))
		}
	})
}

func TestNothingPersonalPrints(t *testing.T) {
	id := compliance.Variable("name", "canary")
	job := compliance.Job{ID: "j1", Raw: []byte("canary"), Results: []compliance.Result{{Identifier: id, Reason: "canary"}}}
	for _, v := range []any{
		id, &id, job, &job, job.Results, job.Results[0], &job.Results[0],
		compliance.Erasure{Identifiers: []compliance.Identifier{id}},
		&compliance.Erasure{Identifiers: []compliance.Identifier{id}},
		compliance.SubjectRequest{Email: "canary"},
		compliance.Verdict{Identifier: id, Reason: "canary"},
		&compliance.Verdict{Identifier: id, Reason: "canary"},
	} {
		var shown []string
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
			shown = append(shown, fmt.Sprintf(verb, v), fmt.Sprintf(verb, []any{v}))
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		for _, s := range append(shown, string(b), log.String()) {
			if strings.Contains(s, "canary") || strings.Contains(s, fmt.Sprintf("%x", "canary")) {
				t.Errorf("%T shows %s", v, s)
			}
		}
	}
}
