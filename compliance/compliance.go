package compliance

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/adasdk/ada-go/ada"
	gen "github.com/adasdk/ada-go/internal/gen/compliance"
	"github.com/adasdk/ada-go/internal/rawjson"
	"github.com/adasdk/ada-go/internal/scalar"
)

const (
	maxIdentifiers = 1000
	maxPayload     = 512 << 10
)

var (
	// Repeating is harmless because every request has a reference.
	opErase = ada.Operation{Name: "compliance.Erase", Method: http.MethodPost, Route: "/api/v2/end-users/delete", MaxPayload: maxPayload, Idempotent: true}
	opJob   = ada.Operation{Name: "compliance.Job", Method: http.MethodGet, Route: "/api/v2/jobs/{job_id}"}
	// Nothing tells a repetition of this one.
	opRequestErasure = ada.Operation{
		Name: "compliance.RequestErasure", Method: http.MethodPost, Route: "/api/v1/data-subject-request",
		Pace: ada.Pace{Family: "data-compliance", PerSecond: 45},
	}
)

// Client has data erased. It is safe for concurrent use.
type Client struct {
	ada *ada.Client
}

// New returns a client that sends through client.
func New(client *ada.Client) *Client { return &Client{ada: client} }

// Erasure is a request to erase. It prints, logs and marshals as its Reference and the number of its identifiers.
type Erasure struct {
	// Identifiers name the people, 1 to 1,000 of them. Their encoded form is at most 512 KB in all.
	Identifiers []Identifier
	// Reference is your own name for the request. The identical request with the same Reference within 24 hours is
	// the same job. Empty: one is made, and is in the Job that Erase returns.
	Reference string
}

// Erase submits a job. Repeated on failure.
//
// The Job that comes with an error holds the Reference alone. Where [ada.Error.MayHaveHappened], a job can have been made
// all the same: make the call again within 24 hours, as it was and with that Reference, and there is one job. With
// another Reference there would be a second one, which fails because of the first.
//
// Without an error the Job holds its ID and Status, and no Results yet: see [Client.Wait] and [Client.Job].
//
// https://docs.ada.cx/reference/end-users/bulk-deletion/overview
func (c *Client) Erase(ctx context.Context, e Erasure, opts ...ada.CallOption) (*Job, error) {
	if e.Reference == "" {
		e.Reference = newReference()
	}
	job := &Job{Reference: e.Reference}
	if err := opErase.Invalid(e.check()...); err != nil {
		return job, err
	}
	body := gen.DeletionRequest{ClientReference: e.Reference}
	for _, id := range e.Identifiers {
		body.Identifiers = append(body.Identifiers, id.wire())
	}
	req, err := gen.NewSubmitDeletionRequest(c.ada.BaseURL(), body)
	if err != nil {
		return job, opErase.Invalid(ada.Fault{Field: "the parameters", Reason: "cannot be encoded"})
	}
	var accepted Job
	if _, err := c.ada.Do(req.WithContext(ctx), opErase, &accepted, opts...); err != nil {
		return job, err
	}
	accepted.Reference = e.Reference
	return &accepted, nil
}

func newReference() string { return "erasure-" + rand.Text() }

func (e Erasure) check() []ada.Fault {
	var faults []ada.Fault
	switch n := len(e.Identifiers); {
	case n == 0:
		faults = append(faults, ada.Fault{Field: "Identifiers", Reason: "is empty"})
	case n > maxIdentifiers:
		faults = append(faults, ada.Fault{Field: "Identifiers", Reason: fmt.Sprintf("has %d entries, at most %d", n, maxIdentifiers)})
	}
	for i, id := range e.Identifiers {
		if reason := id.fault(); reason != "" {
			faults = append(faults, ada.Fault{Field: fmt.Sprintf("Identifiers[%d]", i), Reason: reason})
		}
	}
	if strings.TrimSpace(e.Reference) == "" || !utf8.ValidString(e.Reference) {
		faults = append(faults, ada.Fault{Field: "Reference", Reason: "is blank or not valid UTF-8"})
	}
	return faults
}

// Job returns a job as it is now, with the result of every identifier. It fails with [ada.ErrNotFound] when there is
// none of this id. Repeated on failure.
//
// https://docs.ada.cx/reference/end-users/bulk-deletion/overview
func (c *Client) Job(ctx context.Context, id string, opts ...ada.CallOption) (*Job, error) {
	if reason := scalar.ID(id); reason != "" {
		return nil, opJob.Invalid(ada.Fault{Field: "id", Reason: reason})
	}
	req, err := gen.NewGetDeletionJobRequest(c.ada.BaseURL(), id)
	if err != nil {
		return nil, opJob.Invalid(ada.Fault{Field: "the parameters", Reason: "cannot be encoded"})
	}
	var job Job
	resp, err := c.ada.Do(req.WithContext(ctx), opJob, &job, opts...)
	if err != nil {
		return nil, err
	}
	if job.ID != id {
		return nil, opJob.Unusable(resp, ada.Fault{Field: "job_id", Reason: "is that of another job"})
	}
	return &job, nil
}

// How long Wait waits between two looks at a job: twice as long each time.
const (
	firstLook = 5 * time.Second
	lastLook  = 10 * time.Minute
)

// Wait looks at a job until it has ended, at first after 5 seconds and then less and less often, down to every 10
// minutes. It goes on over failures that [ada.Retryable] says can pass.
//
// A job can take 30 days. When ctx ends before, or would before the next look, the error matches the context's. The Job
// that comes with an error, this or another, is the job as it was last seen; it holds the ID alone when it never was.
func (c *Client) Wait(ctx context.Context, id string, opts ...ada.CallOption) (*Job, error) {
	last := &Job{ID: id}
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		job, err := c.Job(ctx, id, opts...)
		switch {
		case err == nil && job.Done():
			return job, nil
		case err == nil:
			last = job
		case ctx.Err() != nil:
			return last, err
		case !ada.Retryable(err):
			return last, err
		}
		if deadline, limited := ctx.Deadline(); limited && time.Now().Add(pause).After(deadline) {
			return last, fmt.Errorf("compliance.Wait: the job has not ended: %w", context.DeadlineExceeded)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return last, fmt.Errorf("compliance.Wait: the job has not ended: %w", ctx.Err())
		case <-timer.C:
		}
	}
}

// SubjectRequest names a person to the Data Compliance API. It prints, logs and marshals as "[REDACTED]".
type SubjectRequest struct {
	Email string // may be empty when there are Identifiers
	// Identifiers are further ones of the same person, of [Email] and [ChatterID].
	Identifiers []Identifier
}

// RequestErasure asks the Data Compliance API of 2022 for the erasure of one person. Success means that the request was
// taken in; it is worked on within 30 days, and nothing tells when. It may need a key of its own, see
// [ada.Client.WithAPIKey].
//
// A second request for the same person can make trouble and nothing tells a repetition, so the call is repeated only
// when it cannot have happened, and otherwise fails with [ada.ErrOutcomeUnknown].
//
// https://docs.ada.cx/reference/data-compliance/overview
//
// Deprecated: Ada has deprecated this API in July 2026. Use [Client.Erase].
func (c *Client) RequestErasure(ctx context.Context, r SubjectRequest, opts ...ada.CallOption) error {
	body := gen.SubjectRequest{Type: gen.ERASURE, Email: r.Email}
	for _, id := range r.Identifiers {
		body.Identifiers = append(body.Identifiers, id.wire())
	}
	if err := opRequestErasure.Invalid(r.check()...); err != nil {
		return err
	}
	req, err := gen.NewRequestErasureRequest(c.ada.BaseURL(), body)
	if err != nil {
		return opRequestErasure.Invalid(ada.Fault{Field: "the parameters", Reason: "cannot be encoded"})
	}
	_, err = c.ada.Do(req.WithContext(ctx), opRequestErasure, &echo{sent: r.Email}, opts...)
	return err
}

// echo is the answer of the Data Compliance API: the e-mail address that it has understood.
type echo struct{ sent string }

// UnmarshalJSON refuses an answer that does not name the person who was asked for: the request may have been taken for
// an empty one.
func (e *echo) UnmarshalJSON(b []byte) error {
	var answer struct {
		Email string `json:"email"`
	}
	if err := rawjson.Unmarshal(b, &answer); err != nil {
		return err
	}
	if !strings.EqualFold(strings.TrimSpace(answer.Email), strings.TrimSpace(e.sent)) {
		return ada.Fault{Field: "email", Reason: "is not the one that was sent"}
	}
	return nil
}

func (r SubjectRequest) check() []ada.Fault {
	var faults []ada.Fault
	if r.Email == "" && len(r.Identifiers) == 0 {
		faults = append(faults, ada.Fault{Field: "Email", Reason: "is empty, and so is Identifiers"})
	}
	if r.Email != "" {
		if reason := Email(r.Email).fault(); reason != "" {
			faults = append(faults, ada.Fault{Field: "Email", Reason: reason})
		}
	}
	for i, id := range r.Identifiers {
		reason := id.fault()
		if reason == "" && id.kind != kindEmail && id.kind != kindChatter {
			reason = "is of the type " + string(id.kind) + ", which this API does not take"
		}
		if reason != "" {
			faults = append(faults, ada.Fault{Field: fmt.Sprintf("Identifiers[%d]", i), Reason: reason})
		}
	}
	return faults
}
