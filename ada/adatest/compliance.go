package adatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What Ada documents of erasures.
const (
	maxErasureBody = 512 << 10
	maxIdentifiers = 1000
	maxMatches     = 1000 // end users of one identifier
	erasureReplay  = 24 * time.Hour
	erasureBar     = 7 * 24 * time.Hour // between two submissions of one identifier
)

var complianceRoutes = []route{
	{"compliance.Erase", http.MethodPost, "/api/v2/end-users/delete", nil, (*Server).erase, defaultFamily, maxErasureBody},
	{"compliance.Job", http.MethodGet, "/api/v2/jobs/{id}", nil, (*Server).job, defaultFamily, maxBody},
	{"compliance.RequestErasure", http.MethodPost, "/api/v1/data-subject-request", nil, (*Server).requestErasure, subjectFamily, maxBody},
}

// ErasureTime sets how long an erasure waits in the queue, and how long it is then in progress, before its end users
// are gone. Without this option it is a minute and an hour; Ada allows itself 30 days. It holds for bulk deletions and
// for data subject requests, of which nobody sees how far they are.
func ErasureTime(queued, running time.Duration) Option {
	return func(s *Server) { s.queued, s.running = queued, running }
}

// Identifier says whom to erase, as a client submitted it.
type Identifier struct {
	Type     string // such as "email"
	Value    string
	Variable string // of the type "variable_match" alone
}

// Erasure is a job of bulk deletion.
type Erasure struct {
	JobID       string
	Reference   string // the client_reference; empty: none
	Identifiers []Identifier
	Status      string // now: "queued", "in_progress", "completed", "partial" or "failed"
	SubmittedAt time.Time
}

// Erasures returns the jobs of bulk deletion, in the order of their submission, as they are now. A request that Ada
// takes for a repetition of an earlier one makes no job, so that a client that repeats well leaves one job here.
func (s *Server) Erasures() []Erasure {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	all := make([]Erasure, len(s.jobs))
	for i, j := range s.jobs {
		e := Erasure{JobID: j.id, Status: j.status(now), SubmittedAt: j.created}
		if j.reference != nil {
			e.Reference = *j.reference
		}
		for _, o := range j.outcomes {
			e.Identifiers = append(e.Identifiers, o.Identifier)
		}
		all[i] = e
	}
	return all
}

// SubjectRequest is a data subject request of the Data Compliance API.
type SubjectRequest struct {
	Email       string // empty: none
	Identifiers []Identifier
	SubmittedAt time.Time
}

// SubjectRequests returns the data subject requests that were accepted, in their order, repetitions among them.
func (s *Server) SubjectRequests() []SubjectRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.subjects)
	for i := range all {
		all[i].Identifiers = slices.Clone(all[i].Identifiers)
	}
	return all
}

// job is what becomes of a request for bulk deletion. All of it is settled when it is submitted; only time is missing.
type job struct {
	id                      string
	reference               *string
	body                    []byte
	outcomes                []outcome
	final                   string  // the status at the end
	reason                  *string // why it then has failed
	created, started, ended time.Time
}

// outcome is what becomes of one identifier.
type outcome struct {
	Identifier
	disposition string
	matches     int
	reason      string
}

const (
	accepted     = "accepted"
	notFound     = "not_found"
	wrong        = "invalid"
	exceedsLimit = "exceeds_limit"
	duplicate    = "duplicate"
)

func (j *job) status(now time.Time) string {
	switch {
	case now.Before(j.started):
		return "queued"
	case now.Before(j.ended):
		return "in_progress"
	default:
		return j.final
	}
}

// removal is what an erasure does to end users at its end. It holds those that were there at its beginning: one who
// came later with the same identifier stays.
type removal struct {
	at    time.Time
	users []*user
}

// remove lets the erasures that have ended take effect.
func (s *Server) remove(now time.Time) {
	s.removals = slices.DeleteFunc(s.removals, func(r removal) bool {
		due := !now.Before(r.at)
		if due {
			s.users = slices.DeleteFunc(s.users, func(u *user) bool { return slices.Contains(r.users, u) })
		}
		return due
	})
}

func (s *Server) erase(r *request) reply {
	s.expire(r.now)
	reference, identifiers, faults := parseErasure(r.body)
	if len(faults) > 0 {
		return invalid(faults...)
	}
	// What Ada does with another body of the same client_reference is not documented; the fake makes a new job. It
	// takes only the same bytes for the same body, so that no client can rely on more.
	i := slices.IndexFunc(s.jobs, func(j *job) bool {
		return reference != nil && r.now.Sub(j.created) < erasureReplay && bytes.Equal(j.body, r.body)
	})
	var j *job
	if i >= 0 {
		j = s.jobs[i]
	} else {
		j = s.submit(identifiers, r.now)
		j.reference, j.body = reference, r.body
	}
	return reply{status: http.StatusAccepted, body: map[string]any{
		"job_id":          j.id,
		"status":          j.status(r.now),
		"submitted_count": len(j.outcomes),
		"created_at":      timestamp(j.created),
	}}
}

// submit makes a job.
func (s *Server) submit(identifiers []Identifier, now time.Time) *job {
	j := &job{
		id:      fmt.Sprintf("6f1d5c1e-8a4b-4c37-9e52-%012x", len(s.jobs)+1),
		created: now,
		started: now.Add(s.queued),
		ended:   now.Add(s.queued + s.running),
	}
	s.jobs = append(s.jobs, j)

	var (
		barred, rejected bool
		doomed           []*user
		seen             = map[Identifier]bool{}
	)
	for _, given := range identifiers {
		o := outcome{Identifier: given, disposition: accepted}
		key, fault := given.canonical()
		if fault != "" { // what is no identifier is not remembered as one either
			o.disposition, o.reason = wrong, fault
		} else if seen[key] {
			o.disposition = duplicate
		} else {
			matches := s.matches(key)
			o.matches = len(matches)
			switch {
			case len(matches) > maxMatches:
				o.disposition, o.reason = exceedsLimit, "The identifier matches more than 1000 end users."
			case len(matches) > 0:
				doomed = append(doomed, matches...)
			default:
				o.disposition = notFound
				if key.Type != "email" && key.Type != "variable_match" {
					o.reason = "No end user has this identifier."
				}
			}
			last, before := s.submitted[key]
			barred = barred || before && now.Sub(last) < erasureBar
			seen[key], s.submitted[key] = true, now
		}
		rejected = rejected || o.disposition == wrong || o.disposition == exceedsLimit
		j.outcomes = append(j.outcomes, o)
	}

	failed := func(reason string) { j.final, j.reason = "failed", &reason }
	switch {
	case barred: // Ada says that it can fail the whole job; with the fake it always does
		failed("identifier_in_cooldown")
	case !rejected:
		j.final = "completed"
	case len(doomed) > 0:
		j.final = "partial"
	default:
		failed("no_identifier_processed")
	}
	if j.reason == nil {
		s.removals = append(s.removals, removal{j.ended, doomed})
	}
	return j
}

func (s *Server) job(r *request) reply {
	i := slices.IndexFunc(s.jobs, func(j *job) bool { return j.id == r.id })
	if i < 0 {
		return refuse(http.StatusNotFound, "not_found", "There is no such job.")
	}
	j := s.jobs[i]
	outcomes := make([]any, len(j.outcomes))
	for i, o := range j.outcomes {
		outcomes[i] = map[string]any{
			"type":             o.Type,
			"value":            o.Value,
			"variable":         orNull(o.Variable),
			"disposition":      o.disposition,
			"matched_chatters": o.matches,
			"reason":           orNull(o.reason),
		}
	}
	body := map[string]any{
		"job_id":           j.id,
		"type":             "end_user_deletion", // not documented
		"client_reference": j.reference,
		"status":           j.status(r.now),
		"identifiers":      outcomes,
		"created_at":       timestamp(j.created),
		"completed_at":     nil,
		"failure_reason":   nil,
	}
	if !r.now.Before(j.ended) {
		body["completed_at"], body["failure_reason"] = timestamp(j.ended), j.reason
	}
	return reply{status: http.StatusOK, body: body}
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// requestErasure serves the API of 2022. The seven days of bulk deletion and its 1000 matches are not documented here.
func (s *Server) requestErasure(r *request) reply {
	s.expire(r.now)
	request, fault := parseSubjectRequest(r.body)
	if fault != "" {
		return refuseV1(http.StatusBadRequest, "", fault)
	}
	request.SubmittedAt = r.now
	s.subjects = append(s.subjects, request)

	identifiers := slices.Clone(request.Identifiers)
	if request.Email != "" {
		identifiers = append(identifiers, Identifier{Type: "email", Value: request.Email})
	}
	doomed := removal{at: r.now.Add(s.queued + s.running)}
	for _, i := range identifiers {
		if key, fault := i.canonical(); fault == "" {
			doomed.users = append(doomed.users, s.matches(key)...)
		}
	}
	s.removals = append(s.removals, doomed)
	return reply{status: http.StatusOK, body: map[string]any{"email": orNull(request.Email)}}
}

var endUserID = regexp.MustCompile(`^[0-9a-fA-F]{24}$`)

// canonical returns the identifier as Ada compares it, or what is wrong with it.
func (i Identifier) canonical() (key Identifier, fault string) {
	switch i.Type {
	case "email":
		i.Value = canonical(i.Value)
		if local, domain, _ := strings.Cut(i.Value, "@"); local == "" || domain == "" {
			return i, "The value is no email address."
		}
	case "end_user_id":
		if !endUserID.MatchString(i.Value) {
			return i, "The value is not 24 hexadecimal digits."
		}
	case "external_id":
		i.Value = canonical(i.Value)
	}
	if i.Value == "" && i.Type != "variable_match" {
		return i, "The value is empty."
	}
	return i, ""
}

// matches returns the end users of an identifier in its canonical form.
func (s *Server) matches(key Identifier) []*user {
	var found []*user
	for _, u := range s.users {
		if u.has(key) {
			found = append(found, u)
		}
	}
	return found
}

func (u *user) has(key Identifier) bool {
	switch key.Type {
	case "end_user_id":
		return u.ID == key.Value
	case "external_id":
		return u.ExternalID == key.Value
	case "chatter_id":
		return u.ChatterID == key.Value
	case "email":
		return slices.ContainsFunc(u.variable("email"), func(v string) bool { return canonical(v) == key.Value })
	default:
		return slices.Contains(u.variable(key.Variable), key.Value)
	}
}

// variable returns the values of a variable: of the profile's field of that name, and of the metadata's key.
func (u *user) variable(name string) []string {
	var values []string
	if v := u.Profile[name]; v != nil && slices.Contains(texts, name) {
		values = append(values, fmt.Sprint(v))
	}
	metadata, _ := u.Profile["metadata"].(map[string]any)
	if v := metadata[name]; v != nil {
		values = append(values, fmt.Sprint(v))
	}
	return values
}

func parseErasure(body []byte) (reference *string, identifiers []Identifier, faults []fault) {
	bad := func(parameter, message string) { faults = append(faults, fault{parameter, "body", message}) }
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil || top == nil {
		bad("$", "is not a JSON object")
		return nil, nil, faults
	}
	if raw, ok := top["client_reference"]; ok && json.Unmarshal(raw, &reference) != nil {
		bad("$.client_reference", "is not a string")
	}
	var list []map[string]json.RawMessage
	if raw, ok := top["identifiers"]; !ok || json.Unmarshal(raw, &list) != nil {
		bad("$.identifiers", "is not an array of objects")
		return reference, nil, faults
	}
	if len(list) < 1 || len(list) > maxIdentifiers {
		bad("$.identifiers", "must have 1 to 1000 elements")
		return reference, nil, faults
	}
	for n, fields := range list {
		at := fmt.Sprintf("$.identifiers[%d]", n)
		i, ok := parseIdentifier(fields, "email", "chatter_id", "external_id", "end_user_id", "variable_match")
		if !ok {
			bad(at, "has no known type or no value")
			continue
		}
		raw, given := fields["variable"]
		given = given && string(raw) != "null"
		if i.Type == "variable_match" {
			if i.Variable, ok = text(raw); !ok || i.Variable == "" {
				bad(at+".variable", "is required for variable_match")
			}
		} else if given {
			bad(at+".variable", "is for variable_match alone")
		}
		identifiers = append(identifiers, i)
	}
	return reference, identifiers, faults
}

func parseIdentifier(fields map[string]json.RawMessage, types ...string) (i Identifier, ok bool) {
	if i.Type, ok = text(fields["type"]); !ok || !slices.Contains(types, i.Type) {
		return i, false
	}
	i.Value, ok = text(fields["value"])
	return i, ok
}

// parseSubjectRequest reads a data subject request. An email of another form than an address is not documented to be
// refused; it matches nobody.
func parseSubjectRequest(body []byte) (r SubjectRequest, fault string) {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil || top == nil {
		return r, "The body is not a JSON object."
	}
	if kind, _ := text(top["type"]); kind != "ERASURE" {
		return r, "type must be ERASURE."
	}
	var email *string
	if raw, ok := top["email"]; ok && json.Unmarshal(raw, &email) != nil {
		return r, "email is not a string."
	}
	if email != nil {
		r.Email = *email
	}
	var list []map[string]json.RawMessage
	if raw, ok := top["identifiers"]; ok && json.Unmarshal(raw, &list) != nil {
		return r, "identifiers is not an array of objects."
	}
	for _, fields := range list {
		i, ok := parseIdentifier(fields, "email", "chatter_id")
		if !ok {
			return r, "identifiers has an element without a known type or without a value."
		}
		r.Identifiers = append(r.Identifiers, i)
	}
	if r.Email == "" && len(r.Identifiers) == 0 {
		return r, "email or identifiers is required."
	}
	return r, ""
}
