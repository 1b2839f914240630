package compliance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"time"

	"github.com/adasdk/ada-go/ada"
)

const (
	// maxBatch is how many bytes of identifiers EraseAll puts into one request: Ada's 512 KB, read as the smaller of
	// the two things that KB can mean, and room for the rest of the body.
	maxBatch = 511_000
	// sameJob is how long a request can be repeated and be the same job: Ada's 24 hours, with room for clocks.
	sameJob = 23 * time.Hour
	// cooldown is how long an identifier that was submitted must not be submitted again: Ada's 7 days, likewise.
	cooldown = 7*24*time.Hour + time.Hour
)

// EraseParams says how [Client.EraseAll] works.
type EraseParams struct {
	// Ledger remembers what was submitted. Required.
	Ledger Ledger
	// Since is when the people asked. Somebody who was in a job before that, and asks again, is submitted again, though
	// not within 7 days of the time before, until when the verdict is Pending. Zero: whoever is in the ledger has asked
	// once, and is not submitted again.
	Since time.Time
	// Wait has EraseAll wait for the end of every job, as [Client.Wait] does, or for that of the context. Without it
	// each job is looked at once, and what has not ended is [Pending]: call again later to learn more.
	Wait bool
}

// Verdict is what EraseAll knows of one identifier. It prints, logs and marshals as its outcome alone.
type Verdict struct {
	Identifier Identifier // as it was given
	Outcome    Outcome
	Reference  string // of the request that it was in; empty where it was in none
	JobID      string // of the job; empty where there is none
	Reason     string // why, where it is known. It can be in Ada's words, which may repeat the identifier
}

// Format writes the outcome for every verb.
func (v Verdict) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, v.text()) }

// MarshalText returns the same as Format.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.text()), nil }

func (v Verdict) text() string { return "compliance.Verdict(" + string(v.Outcome) + ")" }

// EraseAll has everybody erased whom the identifiers name, and returns an iterator over what became of each: a verdict
// for every identifier that was given. It splits them into jobs of up to 1,000, and makes an entry in the ledger before
// and after each request. Verdicts come when all is submitted, but those that need no job come at once.
//
// Call it again with the same ledger and the same identifiers, and others beside them if there are, to go on after a
// crash or to learn what has become of jobs. Nobody whom the ledger knows is submitted again, with these exceptions:
//
//   - A request whose answer was lost is repeated as it was, within 24 hours, in which Ada takes it for the same job.
//     After that, its people are Unknown until 7 days have passed, and are then submitted anew.
//   - The people of a job that failed, which are Unknown, are submitted anew when 7 days have passed.
//   - So are people who ask again: see [EraseParams.Since].
//   - The people of a request that Ada refused, which did nothing, are submitted anew.
//
// An identifier that is malformed is [Refused] and not sent. So is every one of a request that Ada refuses with 400,
// 413 or 422. Any other error ends the submitting: those whose request it was are Refused or Unknown, those in jobs from
// before are Pending without a look, those that it had not come to have no verdict, and the error comes last, once, with
// a Verdict that is empty. The next call goes on from there. Leaving the loop early ends the submitting, too.
//
// A few hundred bytes are held for each identifier.
func (c *Client) EraseAll(ctx context.Context, identifiers iter.Seq[Identifier], p EraseParams, opts ...ada.CallOption) iter.Seq2[Verdict, error] {
	return func(yield func(Verdict, error) bool) {
		if p.Ledger == nil {
			yield(Verdict{}, opErase.Invalid(ada.Fault{Field: "Ledger", Reason: "is missing"}))
			return
		}
		if file, ok := p.Ledger.(*FileLedger); ok {
			if !file.busy.CompareAndSwap(false, true) {
				yield(Verdict{}, ledgerError("another EraseAll is at work on it"))
				return
			}
			defer file.busy.Store(false)
		}
		r := &erasing{client: c, ledger: p.Ledger, opts: opts, wait: p.Wait, since: p.Since, known: map[string]place{}, yield: yield}
		if err := r.run(ctx, identifiers); err != nil && !errors.Is(err, errLeft) {
			yield(Verdict{}, err)
		}
	}
}

// Record enters a request that was made with [Client.Erase] in a ledger, so that EraseAll does not submit its people
// again and tells what has become of them. e is the request, and job what Erase returned for it, or [Client.Job] later.
// Nothing is sent. EraseAll reads the ledger when it begins, so record before that.
//
// The error matches [ada.ErrInvalid], or is the ledger's; Record can be called again then.
func (c *Client) Record(l Ledger, e Erasure, job *Job) error {
	var faults []ada.Fault
	fault := func(field, reason string) { faults = append(faults, ada.Fault{Field: field, Reason: reason}) }
	if l == nil {
		fault("Ledger", "is missing")
	}
	switch {
	case job == nil || job.ID == "":
		fault("Job", "has no ID: the request was not accepted")
	case e.Reference == "":
		e.Reference = job.Reference
	case e.Reference != job.Reference:
		fault("Job", "is of a request with another Reference")
	}
	if err := opRecord.Invalid(append(faults, e.check()...)...); err != nil {
		return err
	}
	entry := Entry{Time: job.CreatedAt, Event: Submitting, Agent: c.ada.BaseURL(), Reference: e.Reference}
	if entry.Time.IsZero() {
		entry.Time = time.Now()
	}
	for _, id := range e.Identifiers {
		entry.Keys = append(entry.Keys, l.Key(id.canonical()))
	}
	if err := l.Append(entry); err != nil {
		return err
	}
	entry.Event, entry.Keys, entry.JobID = Submitted, nil, job.ID
	return l.Append(entry)
}

var opRecord = ada.Operation{Name: "compliance.Record"}

// errLeft says that the caller has left the loop.
var errLeft = errors.New("left")

// erasing is one EraseAll under way.
type erasing struct {
	client  *Client
	ledger  Ledger
	opts    []ada.CallOption
	wait    bool
	since   time.Time
	batches []*batch         // in the order of the ledger
	known   map[string]place // by ledger key
	yield   func(Verdict, error) bool
}

// batch is one request.
type batch struct {
	reference string
	began     time.Time // when it was first sent
	tried     time.Time // when it was last sent
	keys      []string
	given     []Identifier // by this call, beside their keys; one that was not given is zero
	jobID     string
	failed    bool // the job has ended so
	early     bool // its people have asked again, and have to wait
	bytes     int
}

// place is where an identifier is.
type place struct {
	batch *batch
	index int
}

func (r *erasing) run(ctx context.Context, identifiers iter.Seq[Identifier]) error {
	if err := r.load(); err != nil {
		return err
	}
	failed := r.submitAll(ctx, identifiers)
	for _, b := range r.batches {
		if errors.Is(failed, errLeft) {
			break
		}
		// Once something could not be done, nothing more is tried.
		if err := r.report(ctx, b, failed == nil); err != nil && (failed == nil || errors.Is(err, errLeft)) {
			failed = err
		}
	}
	return failed
}

// submitAll submits everybody who is not in the ledger, and what is open there.
func (r *erasing) submitAll(ctx context.Context, identifiers iter.Seq[Identifier]) error {
	earlier := r.batches
	current := &batch{}
	for id := range identifiers {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("compliance.EraseAll: %w", err)
		}
		if reason := id.fault(); reason != "" {
			if err := r.tell(Verdict{Identifier: id, Outcome: Refused, Reason: reason}); err != nil {
				return err
			}
			continue
		}
		key := r.ledger.Key(id.canonical())
		if at, ok := r.known[key]; ok {
			if at.batch.given != nil && at.batch.given[at.index] == (Identifier{}) {
				at.batch.given[at.index] = id
			}
			continue
		}
		size := wireSize(id)
		if n := len(current.keys); n == maxIdentifiers || n > 0 && current.bytes+size > maxBatch {
			if err := r.submit(ctx, current); err != nil {
				return err
			}
			current = &batch{}
		}
		r.known[key] = place{current, len(current.keys)}
		current.keys = append(current.keys, key)
		current.given = append(current.given, id)
		current.bytes += size
	}
	if len(current.keys) > 0 {
		if err := r.submit(ctx, current); err != nil {
			return err
		}
	}
	for _, b := range earlier {
		age := time.Since(b.began) // negative when the clock was put back: then nothing is known
		if b.jobID == "" && b.whole() && age >= 0 && age < sameJob {
			if err := r.submit(ctx, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// load reads the ledger.
func (r *erasing) load() error {
	byReference := map[string]*batch{}
	for e, err := range r.ledger.Entries() {
		if err != nil {
			return err
		}
		if e.Agent != r.client.ada.BaseURL() {
			return ledgerError("it is of another AI Agent")
		}
		b := byReference[e.Reference]
		switch {
		case e.Event == Submitting && b == nil:
			b = &batch{reference: e.Reference, began: e.Time, tried: e.Time, keys: e.Keys, given: make([]Identifier, len(e.Keys))}
			byReference[e.Reference] = b
			r.batches = append(r.batches, b)
		case b == nil:
			return ledgerError("a request was %s that was never begun", e.Event)
		case e.Event == Submitting:
			b.tried = e.Time
		case e.Event == Submitted:
			b.jobID = e.JobID
		case e.Event == JobFailed:
			b.failed = true
		case e.Event == NotAccepted:
			b.keys, b.given = nil, nil // nothing happened: its people can be submitted
		default:
			return ledgerError("the event %q is not known", e.Event)
		}
	}
	for _, b := range r.batches {
		again := b.jobID == "" || b.failed || b.began.Before(r.since)
		switch age := time.Since(b.tried); {
		case again && age > cooldown:
			b.keys, b.given = nil, nil // whatever happened, they can be submitted again
		case b.jobID != "" && b.began.Before(r.since):
			b.early = true
		}
		for i, key := range b.keys {
			r.known[key] = place{b, i}
		}
	}
	return nil
}

// whole reports whether all the identifiers of the batch were given, so that its request can be made as it was.
func (b *batch) whole() bool {
	return len(b.given) > 0 && !slices.Contains(b.given, Identifier{})
}

// submit makes an entry for a batch, new or open, and makes its request. The identifiers go out as Ada compares them, so
// that the request is the same whenever it is made.
func (r *erasing) submit(ctx context.Context, b *batch) error {
	open := b.reference != ""
	entry := Entry{Time: time.Now(), Event: Submitting, Agent: r.client.ada.BaseURL(), Reference: b.reference}
	if !open {
		b.reference, b.began = newReference(), entry.Time
		entry.Reference, entry.Keys = b.reference, b.keys
	}
	if err := r.ledger.Append(entry); err != nil {
		return err
	}
	if !open {
		r.batches = append(r.batches, b)
	}
	e := Erasure{Reference: b.reference}
	for _, id := range b.given {
		e.Identifiers = append(e.Identifiers, id.canonical())
	}
	job, err := r.client.Erase(ctx, e, r.opts...)
	entry.Keys = nil
	if err == nil {
		b.jobID = job.ID
		entry.Event, entry.Time, entry.JobID = Submitted, time.Now(), job.ID
		return r.ledger.Append(entry)
	}
	outcome := Unknown
	if refused(err, open) {
		outcome = Refused
		entry.Event, entry.Time = NotAccepted, time.Now()
		if err := r.ledger.Append(entry); err != nil {
			return err
		}
	}
	if err := r.tellAll(b, func(Identifier) Verdict { return Verdict{Outcome: outcome, Reason: err.Error()} }); err != nil {
		return err
	}
	b.given = nil // all is told
	if outcome == Refused && ofTheRequest(err) {
		return nil // the next one can be better
	}
	return err
}

// refused reports whether an error of Erase says that nothing happened. Of a request that an earlier call has made,
// only a fault of the request itself says that it cannot have happened then either.
func refused(err error, open bool) bool {
	var e *ada.Error
	if !errors.As(err, &e) || e.MayHaveHappened() {
		return false
	}
	answered := e.StatusCode >= 400 && e.StatusCode <= 499 && e.StatusCode != http.StatusTooManyRequests
	return ofTheRequest(err) || answered && !open
}

// ofTheRequest reports whether an error is of what was in the request.
func ofTheRequest(err error) bool {
	return errors.Is(err, ada.ErrInvalid) || errors.Is(err, ada.ErrTooLarge)
}

// report tells what became of the people of a batch. Without a look at the job they are pending.
func (r *erasing) report(ctx context.Context, b *batch, look bool) error {
	if !b.any() {
		return nil
	}
	if b.jobID == "" {
		const lost = "the answer to the request was lost, and it cannot be repeated safely"
		return r.tellAll(b, func(Identifier) Verdict { return Verdict{Outcome: Unknown, Reason: lost} })
	}
	if b.early {
		const early = "asked again within 7 days of the last time: call again when they have passed"
		return r.tellAll(b, func(Identifier) Verdict { return Verdict{Outcome: Pending, Reason: early} })
	}
	job := &Job{}
	var failed error
	if look {
		seen, err := r.look(ctx, b)
		if seen != nil {
			job = seen
		}
		failed = err
	}
	results := map[Identifier]Result{}
	for _, result := range job.Results {
		results[result.Identifier.canonical()] = result
	}
	err := r.tellAll(b, func(id Identifier) Verdict {
		// An identifier that the job does not name has no disposition, and is not erased for all that is known.
		result := results[id.canonical()]
		v := Verdict{Outcome: job.Outcome(result), Reason: result.Reason}
		switch {
		case v.Reason != "":
		case v.Outcome == Refused:
			v.Reason = string(result.Disposition)
		case v.Outcome == Unknown:
			v.Reason = job.FailureReason
		}
		return v
	})
	if err != nil {
		return err
	}
	return failed
}

// look returns the job of a batch, and makes an entry when it has failed: in time its people can be submitted again.
func (r *erasing) look(ctx context.Context, b *batch) (*Job, error) {
	see := r.client.Job
	if r.wait {
		see = r.client.Wait
	}
	job, err := see(ctx, b.jobID, r.opts...)
	if errors.Is(err, ada.ErrNotFound) { // which may pass, so that nothing is made of it
		return &Job{Status: Failed, FailureReason: "Ada does not know the job"}, nil
	}
	if err == nil && job.Status == Failed && !b.failed {
		err = r.ledger.Append(Entry{
			Time: time.Now(), Event: JobFailed, Agent: r.client.ada.BaseURL(), Reference: b.reference, JobID: b.jobID,
		})
	}
	return job, err
}

// tellAll tells a verdict for everybody of the batch who was given.
func (r *erasing) tellAll(b *batch, verdict func(Identifier) Verdict) error {
	for _, id := range b.given {
		if id == (Identifier{}) {
			continue
		}
		v := verdict(id)
		v.Identifier, v.Reference, v.JobID = id, b.reference, b.jobID
		if err := r.tell(v); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) any() bool {
	for _, id := range b.given {
		if id != (Identifier{}) {
			return true
		}
	}
	return false
}

func (r *erasing) tell(v Verdict) error {
	if !r.yield(v, nil) {
		return errLeft
	}
	return nil
}

// wireSize is how many bytes of a request the identifier takes.
func wireSize(id Identifier) int {
	b, err := json.Marshal(id.canonical().wire())
	if err != nil {
		return maxBatch
	}
	return len(b) + len(",")
}
