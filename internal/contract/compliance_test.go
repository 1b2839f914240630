package contract

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/compliance"
)

const (
	deletionPath   = "/api/v2/end-users/delete"
	subjectPath    = "/api/v1/data-subject-request"
	maxErasureBody = 512 << 10 // of what Ada takes
)

// erase has jobs go through all that they can.
func erase(t *testing.T, j judge) {
	statuses, dispositions := map[compliance.Status]bool{}, map[compliance.Disposition]bool{}
	synctest.Test(t, func(t *testing.T) {
		const queued, running = time.Minute, time.Hour
		srv := adatest.NewServer(t, adatest.RateLimit(0, 0), adatest.ErasureTime(queued, running))
		client := compliance.New(sdk(t, srv, j))
		ctx := t.Context()

		add := func(u adatest.EndUser) string {
			u.InConversation = true
			return srv.AddEndUser(u)
		}
		id := add(adatest.EndUser{})
		add(adatest.EndUser{ExternalID: "crm-42"})
		add(adatest.EndUser{ChatterID: "chatter-42"})
		add(adatest.EndUser{Profile: map[string]any{"email": "ada@example.com"}})
		add(adatest.EndUser{Profile: map[string]any{"metadata": map[string]any{"plan": "pro"}}})
		add(adatest.EndUser{Profile: map[string]any{"email": "augusta@example.com"}})
		for range 1001 {
			add(adatest.EndUser{Profile: map[string]any{"language": "en"}})
		}
		many := make([]compliance.Identifier, 1000)
		for i := range many {
			many[i] = compliance.ExternalID(fmt.Sprintf("crm-many-%d", i))
		}

		everyKind := compliance.Erasure{Reference: "request-42", Identifiers: []compliance.Identifier{
			compliance.EndUserID(id),
			compliance.ExternalID("CRM-42"),
			compliance.ChatterID("chatter-42"),
			compliance.Email("Ada@example.com"),
			compliance.Variable("plan", "pro"),
		}}
		var first string
		for _, step := range []struct {
			name    string
			erasure compliance.Erasure
			want    compliance.Status // at the end
		}{
			{"every kind", everyKind, compliance.Completed},
			{"end user id", compliance.Erasure{Identifiers: []compliance.Identifier{compliance.EndUserID(unknownID)}}, compliance.Completed},
			{"external id", compliance.Erasure{Identifiers: []compliance.Identifier{compliance.ExternalID("crm-1")}}, compliance.Completed},
			{"chatter id", compliance.Erasure{Identifiers: []compliance.Identifier{compliance.ChatterID("chatter-1")}}, compliance.Completed},
			{"email", compliance.Erasure{Identifiers: []compliance.Identifier{compliance.Email("nobody@example.com")}}, compliance.Completed},
			{"variable", compliance.Erasure{Identifiers: []compliance.Identifier{compliance.Variable("plan", "none")}}, compliance.Completed},
			{"every disposition", compliance.Erasure{Reference: "request-43", Identifiers: []compliance.Identifier{
				compliance.Email("augusta@example.com"),
				compliance.Email("AUGUSTA@example.com"),
				compliance.ChatterID("chatter-2"),
				compliance.EndUserID("no such form"),
				compliance.Variable("language", "en"),
			}}, compliance.Partial},
			{"malformed", compliance.Erasure{Identifiers: []compliance.Identifier{compliance.EndUserID("no form either")}}, compliance.Failed},
			{"erased before", compliance.Erasure{Reference: "request-44", Identifiers: everyKind.Identifiers}, compliance.Failed},
			{"as many as can be", compliance.Erasure{Identifiers: many}, compliance.Completed},
		} {
			submitted, err := client.Erase(ctx, step.erasure)
			if err != nil {
				t.Fatalf("Erase, %s: %v", step.name, err)
			}
			if first == "" {
				first = submitted.ID
			}
			statuses[submitted.Status] = true
			for _, look := range []struct {
				after time.Duration
				want  compliance.Status
			}{{0, compliance.Queued}, {queued, compliance.InProgress}, {running, step.want}} {
				time.Sleep(look.after)
				job, err := client.Job(ctx, submitted.ID)
				if err != nil || job.Status != look.want || len(job.Results) != len(step.erasure.Identifiers) {
					t.Fatalf("Job, %s: got %v, error %v, want it %s", step.name, job, err, look.want)
				}
				statuses[job.Status] = true
				for _, r := range job.Results {
					dispositions[r.Disposition] = true
				}
			}
		}

		if again, err := client.Erase(ctx, everyKind); err != nil || again.ID != first || again.Status != compliance.Completed {
			t.Errorf("Erase again: got %v, error %v, want the job %s as it is", again, err, first)
		}
	})
	if diff := cmp.Diff([]compliance.Status{
		compliance.Completed, compliance.Failed, compliance.InProgress, compliance.Partial, compliance.Queued,
	}, slices.Sorted(maps.Keys(statuses))); diff != "" {
		t.Errorf("statuses documented (-) and given (+):\n%s", diff)
	}
	if diff := cmp.Diff([]compliance.Disposition{
		compliance.Accepted, compliance.Duplicate, compliance.TooManyPeople, compliance.Malformed, compliance.NotMatched,
	}, slices.Sorted(maps.Keys(dispositions))); diff != "" {
		t.Errorf("dispositions documented (-) and given (+):\n%s", diff)
	}
}

// erasure is the body of a bulk deletion.
func erasure(identifiers string) string {
	return `{"client_reference":"r","identifiers":[` + identifiers + `]}`
}

// sendInvalidErasures sends what the SDK refuses to send, past it.
func sendInvalidErasures(t *testing.T, j judge) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	for _, body := range []string{
		`{`,
		`[]`,
		`{"client_reference":"r"}`,
		`{"client_reference":5,"identifiers":[{"type":"email","value":"a@b.c"}]}`,
		erasure(``),
		erasure(`"a@b.c"`),
		erasure(strings.Repeat(`{"type":"email","value":"a@b.c"},`, 1000) + `{"type":"email","value":"a@b.c"}`),
		erasure(`{"type":"phone","value":"1"}`),
		erasure(`{"type":"email"}`),
		erasure(`{"type":"variable_match","value":"pro"}`),
		erasure(`{"type":"email","value":"a@b.c","variable":"plan"}`),
	} {
		request{http.MethodPost, deletionPath, body}.expect(t, srv, j.forgiving(), http.StatusBadRequest)
	}
	long := strings.Repeat("x", maxErasureBody)
	tooLarge := request{http.MethodPost, deletionPath, erasure(`{"type":"chatter_id","value":"` + long + `"}`)}
	tooLarge.expect(t, srv, j, http.StatusRequestEntityTooLarge)
}

func failErasures(t *testing.T, j judge) {
	calls := map[string]call{
		"compliance.Erase": func(ctx context.Context, client *ada.Client) error {
			_, err := compliance.New(client).Erase(ctx, compliance.Erasure{
				Identifiers: []compliance.Identifier{compliance.Email("ada@example.com")},
			})
			return err
		},
		"compliance.Job": func(ctx context.Context, client *ada.Client) error {
			_, err := compliance.New(client).Job(ctx, "unknown")
			return err
		},
	}
	failCalls(t, j, calls, adatest.Failure{Status: http.StatusInternalServerError})
	refuseKey(t, j, calls)
	exceedLimit(t, j, calls)

	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	client := sdk(t, srv, j)
	ctx := t.Context()
	expect(t, "an unknown job", calls["compliance.Job"](ctx, client), ada.ErrNotFound)
	_, err := compliance.New(client).Job(ctx, "a/b c?d")
	expect(t, "an id to escape", err, ada.ErrNotFound)

	srv.Fail("compliance.Erase", adatest.Failure{Status: http.StatusForbidden}) // the fake has one key, which may all
	expect(t, "compliance.Erase", calls["compliance.Erase"](ctx, client), ada.ErrForbidden)

	generous := compliance.New(sdk(t, srv, j, func(c *ada.Config) { c.HTTP.MaxPayload = 2 * maxErasureBody }))
	_, err = generous.Erase(ctx, compliance.Erasure{
		Identifiers: []compliance.Identifier{compliance.ChatterID(strings.Repeat("x", maxErasureBody))},
	})
	expect(t, "compliance.Erase of a long body", err, ada.ErrTooLarge)
}

func requestErasure(t *testing.T, j judge) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	client := compliance.New(sdk(t, srv, j))
	requests := []compliance.SubjectRequest{
		{Email: "ada@example.com"},
		{Email: "ada@example.com", Identifiers: []compliance.Identifier{
			compliance.Email("augusta@example.com"), compliance.ChatterID("chatter-42"),
		}},
		{Identifiers: []compliance.Identifier{compliance.ChatterID("chatter-42")}},
	}
	for _, r := range requests {
		if err := client.RequestErasure(t.Context(), r); err != nil {
			t.Errorf("RequestErasure(%q, %d identifiers): %v", r.Email, len(r.Identifiers), err)
		}
	}
	if n := len(srv.SubjectRequests()); n != len(requests) {
		t.Errorf("%d requests were taken in, want %d", n, len(requests))
	}
}

// sendInvalidSubjects sends what the SDK refuses to send, past it.
func sendInvalidSubjects(t *testing.T, j judge) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	for _, body := range []string{
		`{`,
		`[]`,
		`{"email":"a@b.c"}`,
		`{"type":"ACCESS","email":"a@b.c"}`,
		`{"type":"ERASURE"}`,
		`{"type":"ERASURE","email":5}`,
		`{"type":"ERASURE","identifiers":["a@b.c"]}`,
		`{"type":"ERASURE","identifiers":[{"type":"end_user_id","value":"` + unknownID + `"}]}`,
	} {
		request{http.MethodPost, subjectPath, body}.expect(t, srv, j.forgiving(), http.StatusBadRequest)
	}
}

func failSubjects(t *testing.T, j judge) {
	calls := map[string]call{
		"compliance.RequestErasure": func(ctx context.Context, client *ada.Client) error {
			return compliance.New(client).RequestErasure(ctx, compliance.SubjectRequest{Email: "ada@example.com"})
		},
	}
	failCalls(
		t, j, calls,
		adatest.Failure{Status: http.StatusInternalServerError},
		adatest.Failure{Status: http.StatusBadGateway},
		adatest.Failure{Status: http.StatusServiceUnavailable},
		adatest.Failure{Status: http.StatusGatewayTimeout},
	)
	refuseKey(t, j, calls)
	exceedLimit(t, j, calls)
}
