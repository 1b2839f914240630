package compliance

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/adasdk/ada-go/ada"
	gen "github.com/adasdk/ada-go/internal/gen/compliance"
	"github.com/adasdk/ada-go/internal/rawjson"
	"github.com/adasdk/ada-go/internal/wiretime"
)

// Identifier names one or more people to Ada. Make one with [Email], [EndUserID], [ExternalID], [ChatterID] or
// [Variable]. It prints, logs and marshals as its kind alone.
type Identifier struct {
	kind            kind
	value, variable string
}

type kind string

const (
	kindEmail    kind = "email"
	kindChatter  kind = "chatter_id"
	kindExternal kind = "external_id"
	kindEndUser  kind = "end_user_id"
	kindVariable kind = "variable_match"
)

// Email names everybody with an e-mail address, whatever its case.
func Email(address string) Identifier { return Identifier{kind: kindEmail, value: address} }

// EndUserID names the end user with Ada's id.
func EndUserID(id string) Identifier { return Identifier{kind: kindEndUser, value: id} }

// ExternalID names the end user with an id of your own system, whatever its case.
func ExternalID(id string) Identifier { return Identifier{kind: kindExternal, value: id} }

// ChatterID names one browser or device of an end user.
func ChatterID(id string) Identifier { return Identifier{kind: kindChatter, value: id} }

// Variable names everybody whose metavariable of that name, such as a profile field or a metadata key, is now value.
// More than 1,000 people are refused.
func Variable(name, value string) Identifier {
	return Identifier{kind: kindVariable, value: value, variable: name}
}

// Type returns Ada's name for the kind of identifier: "email", "end_user_id", "external_id", "chatter_id" or
// "variable_match".
func (i Identifier) Type() string { return string(i.kind) }

// Value returns what the identifier was made from. It is personal data.
func (i Identifier) Value() string { return i.value }

// VariableName returns the name that [Variable] was given, and "" for other identifiers.
func (i Identifier) VariableName() string { return i.variable }

// Format writes the kind of identifier for every verb.
func (i Identifier) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, i.text()) }

// MarshalText returns the same as Format.
func (i Identifier) MarshalText() ([]byte, error) { return []byte(i.text()), nil }

func (i Identifier) text() string { return "compliance.Identifier(" + string(i.kind) + " [REDACTED])" }

func (i Identifier) wire() gen.Identifier {
	return gen.Identifier{Type: string(i.kind), Value: i.value, Variable: i.variable}
}

// canonical is the identifier as Ada compares it.
func (i Identifier) canonical() Identifier {
	if i.kind == kindEmail || i.kind == kindExternal {
		i.value = strings.ToLower(strings.TrimSpace(i.value))
	}
	return i
}

// fault says what is wrong with the identifier, and nothing of its value.
func (i Identifier) fault() string {
	value := strings.TrimSpace(i.value)
	switch {
	case i.kind == "":
		return "is empty: make it with Email, EndUserID, ExternalID, ChatterID or Variable"
	case value == "":
		return "has no value"
	case !utf8.ValidString(i.value) || !utf8.ValidString(i.variable):
		return "is not valid UTF-8"
	case i.kind == kindVariable && strings.TrimSpace(i.variable) == "":
		return "has no variable name"
	case i.kind == kindExternal && utf8.RuneCountInString(value) > 36:
		return fmt.Sprintf("has %d characters, at most 36", utf8.RuneCountInString(value))
	case i.kind == kindExternal && strings.ContainsAny(value, "<>"):
		return "has a < or a >"
	case i.kind == kindEmail:
		name, domain, ok := strings.Cut(value, "@")
		if !ok || name == "" || domain == "" || strings.ContainsAny(value, " \t\r\n") {
			return "is not an e-mail address"
		}
	}
	return ""
}

// Status is how far a job is. Others than these can come, and count as not ended.
type Status string

// The statuses of a job.
const (
	Queued     Status = "queued"
	InProgress Status = "in_progress"
	Completed  Status = "completed" // ended
	Partial    Status = "partial"   // ended; some identifiers were not erased
	Failed     Status = "failed"    // ended
)

// Job is a request to erase, as Ada has it. It prints, logs and marshals as its ID and Status.
type Job struct {
	ID            string // Ada's own id
	Type          string // the kind of job, in Ada's words
	Reference     string // your own name for the request
	Status        Status
	Submitted     int       // how many identifiers Ada received; of a Job from Erase
	Results       []Result  // what became of each identifier; of a Job from Job or Wait
	CreatedAt     time.Time // in UTC
	CompletedAt   time.Time // in UTC; zero while the job runs
	FailureReason string    // of a job that failed, in Ada's words

	// Raw is the JSON that Ada sent. It holds the identifiers.
	Raw json.RawMessage
}

// Result is what Ada did with one identifier. [Job.Outcome] says what it means. It prints, logs and marshals as its
// disposition alone.
type Result struct {
	Identifier  Identifier
	Disposition Disposition
	Matched     int    // how many end users it matched
	Reason      string // in Ada's words, which may repeat the identifier; empty where it gave none
}

// Disposition is how Ada has handled an identifier. Others than these can come.
type Disposition string

// The dispositions of an identifier. All but the first contribute nothing to the erasure.
const (
	Accepted      Disposition = "accepted" // to be erased by the job
	NotMatched    Disposition = "not_found"
	Malformed     Disposition = "invalid"
	TooManyPeople Disposition = "exceeds_limit" // it matched more than 1,000
	Duplicate     Disposition = "duplicate"
)

// Outcome is what is known of the erasure of one identifier.
type Outcome string

// The outcomes of an identifier.
const (
	Pending  Outcome = "pending"   // the job has not ended, or was not looked at
	Erased   Outcome = "erased"    // the job has ended, and says so
	NotFound Outcome = "not found" // it names nobody
	Refused  Outcome = "refused"   // nothing was erased for it, whatever another identifier of the same person did
	Unknown  Outcome = "unknown"   // it may have been erased or not
)

// Done reports whether the job has ended.
func (j Job) Done() bool { return j.Status == Completed || j.Status == Partial || j.Status == Failed }

// Outcome says what became of one of the job's results.
func (j Job) Outcome(r Result) Outcome {
	switch r.Disposition {
	case NotMatched:
		return NotFound
	case Malformed, TooManyPeople, Duplicate:
		return Refused
	}
	switch {
	case !j.Done():
		return Pending
	case j.Status == Failed || r.Disposition != Accepted:
		return Unknown // what a failed job did before it failed, it does not say
	default:
		return Erased
	}
}

// UnmarshalJSON decodes Ada's JSON form of a job, from an answer or from [Job.Raw].
func (j *Job) UnmarshalJSON(b []byte) error {
	var w struct {
		gen.DeletionJob
		SubmittedCount int `json:"submitted_count"`
	}
	if err := rawjson.Unmarshal(b, &w); err != nil {
		return err
	}
	if w.JobID == "" {
		return ada.Fault{Field: "job_id", Reason: "is missing"}
	}
	created, _ := wiretime.Parse([]byte(w.CreatedAt))
	completed, _ := wiretime.Parse([]byte(w.CompletedAt))
	*j = Job{
		ID:            w.JobID,
		Type:          w.Type,
		Reference:     w.ClientReference,
		Status:        Status(w.Status),
		Submitted:     w.SubmittedCount,
		CreatedAt:     created,
		CompletedAt:   completed,
		FailureReason: w.FailureReason,
		Raw:           append(json.RawMessage(nil), b...),
	}
	for _, r := range w.Identifiers {
		j.Results = append(j.Results, Result{
			Identifier:  Identifier{kind: kind(r.Type), value: r.Value, variable: r.Variable},
			Disposition: Disposition(r.Disposition),
			Matched:     r.MatchedChatters,
			Reason:      r.Reason,
		})
	}
	return nil
}

// Format writes the ID and the status for every verb.
func (j Job) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, j.text()) }

// MarshalText returns the same as Format.
func (j Job) MarshalText() ([]byte, error) { return []byte(j.text()), nil }

func (j Job) text() string { return "compliance.Job(" + j.ID + " " + string(j.Status) + ")" }

// Format writes the disposition for every verb.
func (r Result) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.text()) }

// MarshalText returns the same as Format.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.text()), nil }

func (r Result) text() string { return "compliance.Result(" + string(r.Disposition) + ")" }

// Format writes the reference and the number of identifiers for every verb.
func (e Erasure) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.text()) }

// MarshalText returns the same as Format.
func (e Erasure) MarshalText() ([]byte, error) { return []byte(e.text()), nil }

func (e Erasure) text() string {
	return fmt.Sprintf("compliance.Erasure(%s of %d)", e.Reference, len(e.Identifiers))
}

// Format writes "[REDACTED]" for every verb.
func (SubjectRequest) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[REDACTED]") }

// MarshalText returns "[REDACTED]".
func (SubjectRequest) MarshalText() ([]byte, error) { return []byte("[REDACTED]"), nil }
