package adatest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada/adatest"
)

const (
	deletions = "/api/v2/end-users/delete"
	jobs      = "/api/v2/jobs/"
	subjects  = "/api/v1/data-subject-request"

	day = 24 * time.Hour
)

// job is a job of bulk deletion on the wire.
type job struct {
	ID          string       `json:"job_id"`
	Type        string       `json:"type"`
	Reference   *string      `json:"client_reference"`
	Status      string       `json:"status"`
	Identifiers []identifier `json:"identifiers"`
	CreatedAt   string       `json:"created_at"`
	CompletedAt *string      `json:"completed_at"`
	Reason      *string      `json:"failure_reason"`
}

type identifier struct {
	Type        string  `json:"type"`
	Value       string  `json:"value"`
	Variable    *string `json:"variable"`
	Disposition string  `json:"disposition"`
	Matched     int     `json:"matched_chatters"`
	Reason      *string `json:"reason"`
}

// line has the outcome in short; a reason is a star.
func (i identifier) line() string {
	s := fmt.Sprintf("%s %s %d", i.Value, i.Disposition, i.Matched)
	if i.Reason != nil && *i.Reason != "" {
		s += " *"
	}
	return s
}

// submit sends a request for bulk deletion and returns the id of its job.
func submit(t *testing.T, srv *adatest.Server, body string) string {
	t.Helper()
	var accepted struct {
		ID        string `json:"job_id"`
		Status    string `json:"status"`
		Submitted int    `json:"submitted_count"`
		CreatedAt string `json:"created_at"`
	}
	send(t, srv, "POST", deletions, body).want(t, 202).read(t, &accepted)
	if got := getJob(t, srv, accepted.ID); got.Status != accepted.Status || len(got.Identifiers) != accepted.Submitted || got.CreatedAt != accepted.CreatedAt {
		t.Errorf("accepted as %+v, and the job is %+v", accepted, got)
	}
	return accepted.ID
}

func getJob(t *testing.T, srv *adatest.Server, id string) (j job) {
	t.Helper()
	send(t, srv, "GET", jobs+id, "").want(t, 200).read(t, &j)
	return j
}

// erasing returns the body of a request for bulk deletion, of types and values in turn.
func erasing(reference string, pairs ...string) string {
	var list []map[string]string
	for i := 0; i < len(pairs); i += 2 {
		kind, variable, _ := strings.Cut(pairs[i], ":")
		entry := map[string]string{"type": kind, "value": pairs[i+1]}
		if variable != "" {
			entry["variable"] = variable
		}
		list = append(list, entry)
	}
	body := map[string]any{"identifiers": list}
	if reference != "" {
		body["client_reference"] = reference
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestErasureWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which it is midnight of 2000-01-01
		srv := adatest.NewServer(t)
		srv.AddEndUser(adatest.EndUser{ID: someID})
		time.Sleep(1500 * time.Millisecond)
		body := `{"client_reference":"r-1","ignored":1,"identifiers":[{"type":"end_user_id","value":"` + someID + `","ignored":1},
			{"type":"variable_match","value":"Pro","variable":"plan"},{"type":"external_id","value":" CRM-9 ","variable":null}]}`
		got := send(t, srv, "POST", deletions, body).want(t, 202)
		id := srv.Erasures()[0].JobID
		const created = "2000-01-01T00:00:01.500000+00:00"
		want := `{"created_at":"` + created + `","job_id":"` + id + `","status":"queued","submitted_count":3}`
		if diff := cmp.Diff(want, got.body); diff != "" {
			t.Errorf("accepted (-want +got)\n%s", diff)
		}
		const form = `{"client_reference":"r-1","completed_at":%s,"created_at":"` + created + `","failure_reason":null,"identifiers":[` +
			`{"disposition":"accepted","matched_chatters":1,"reason":null,"type":"end_user_id","value":"` + someID + `","variable":null},` +
			`{"disposition":"not_found","matched_chatters":0,"reason":null,"type":"variable_match","value":"Pro","variable":"plan"},` +
			`{"disposition":"not_found","matched_chatters":0,"reason":"No end user has this identifier.","type":"external_id","value":" CRM-9 ","variable":null}],` +
			`"job_id":"%s","status":"%s","type":"end_user_deletion"}`
		for _, step := range []struct {
			after             time.Duration
			completed, status string
			user              int // the status of endusers.Get
		}{
			{0, "null", "queued", 200},
			{time.Minute - 1, "null", "queued", 200},
			{1, "null", "in_progress", 200},
			{time.Hour - 1, "null", "in_progress", 200},
			{1, `"2000-01-01T01:01:01.500000+00:00"`, "completed", 404},
			{365 * day, `"2000-01-01T01:01:01.500000+00:00"`, "completed", 404},
		} {
			time.Sleep(step.after)
			got := send(t, srv, "GET", jobs+id, "").want(t, 200)
			if diff := cmp.Diff(fmt.Sprintf(form, step.completed, id, step.status), got.body); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			send(t, srv, "GET", collection+someID, "").want(t, step.user)
			if e := srv.Erasures(); len(e) != 1 || e[0].Status != step.status {
				t.Errorf("erasures %+v, want one that is %s", e, step.status)
			}
		}
		if p := send(t, srv, "GET", jobs+"unknown", "").want(t, 404).problem(t); p.Type != "not_found" {
			t.Errorf("unknown job: %+v", p)
		}
	})
}

func TestErasureValidation(t *testing.T) {
	list := func(n int) string {
		return `{"identifiers":[` + strings.TrimSuffix(strings.Repeat(`{"type":"email","value":"a@b"},`, n), ",") + `]}`
	}
	one := func(fields string) string { return `{"identifiers":[{` + fields + `}]}` }
	const (
		noObject = "$ is not a JSON object"
		noArray  = "$.identifiers is not an array of objects"
		noSize   = "$.identifiers must have 1 to 1000 elements"
		noType   = "$.identifiers[0] has no known type or no value"
		noVar    = "$.identifiers[0].variable is required for variable_match"
		noMatch  = "$.identifiers[0].variable is for variable_match alone"
	)
	for body, want := range map[string]string{
		list(1):                               "",
		list(1000):                            "",
		list(0):                               noSize,
		list(1001):                            noSize,
		``:                                    noObject,
		`null`:                                noObject,
		`[]`:                                  noObject,
		list(1) + `{}`:                        noObject,
		`{}`:                                  noArray,
		`{"identifiers":null}`:                noSize,
		`{"identifiers":{}}`:                  noArray,
		`{"identifiers":["a@b"]}`:             noArray,
		`{"Identifiers":[{}]}`:                noArray,
		`{"identifiers":[null]}`:              noType,
		one(``):                               noType,
		one(`"type":"email"`):                 noType,
		one(`"value":"a@b"`):                  noType,
		one(`"type":"phone","value":"1"`):     noType,
		one(`"type":"EMAIL","value":"a@b"`):   noType,
		one(`"type":"email","value":null`):    noType,
		one(`"type":"external_id","value":5`): noType,
		one(`"type":"variable_match","value":"x"`):                    noVar,
		one(`"type":"email","value":"a@b","variable":null`):           "",
		one(`"type":"email","value":"a@b","variable":"email"`):        noMatch,
		one(`"type":"email","value":"a@b","variable":""`):             noMatch,
		one(`"type":"variable_match","value":"x","variable":null`):    noVar,
		one(`"type":"variable_match","value":"x","variable":""`):      noVar,
		one(`"type":"variable_match","value":"x","variable":1`):       noVar,
		one(`"type":"variable_match","value":"","variable":"plan"`):   "",
		strings.Replace(list(1), `{`, `{"client_reference":null,`, 1): "",
		strings.Replace(list(1), `{`, `{"client_reference":"r",`, 1):  "",
		strings.Replace(list(1), `{`, `{"client_reference":1,`, 1):    "$.client_reference is not a string",
		`{"client_reference":[],"identifiers":[{},{"type":"chatter_id","value":"c","variable":"v"},{"type":"x"}]}`: "$.client_reference is not a string\n" +
			noType + "\n$.identifiers[1].variable is for variable_match alone\n$.identifiers[2] has no known type or no value",
	} {
		t.Run(fmt.Sprintf("%.100s", body), func(t *testing.T) {
			srv := newServer(t)
			got := send(t, srv, "POST", deletions, body)
			if want == "" {
				got.want(t, 202)
				return
			}
			p := got.want(t, 400).problem(t)
			var lines []string
			for _, d := range p.Details {
				lines = append(lines, d.Parameter+" "+d.Message)
			}
			if diff := cmp.Diff(want, strings.Join(lines, "\n")); diff != "" || p.Type != "validation_error" {
				t.Errorf("%s (-want +got)\n%s", p.Type, diff)
			}
			if e := srv.Erasures(); len(e) > 0 {
				t.Errorf("it made a job: %+v", e)
			}
		})
	}
}

func TestErasureBodyLimit(t *testing.T) {
	const limit = 524_288
	srv := newServer(t)
	body := erasing("", "email", "a@b")
	send(t, srv, "POST", deletions, body+strings.Repeat(" ", limit-len(body))).want(t, 202)
	for _, size := range []int{limit + 1, 11 << 20} {
		p := send(t, srv, "POST", deletions, body+strings.Repeat(" ", size-len(body))).want(t, 413).problem(t)
		if p.Type != "content_too_large" || p.Message != "The body exceeds 512 KB." {
			t.Errorf("%+v", p)
		}
	}
	if n := len(srv.Erasures()); n != 1 {
		t.Errorf("%d jobs, want 1", n)
	}
}

// populate adds end users to match, and returns a function that says which are left.
func populate(srv *adatest.Server) (left func() string) {
	metadata := func(m map[string]any) map[string]any { return map[string]any{"metadata": m} }
	ids := map[string]string{}
	for name, u := range map[string]adatest.EndUser{
		"ada":     {ExternalID: "CRM-1", Profile: map[string]any{"email": " Ada@Example.com", "first_name": "Ada"}},
		"ada2":    {Profile: metadata(map[string]any{"email": "ada@example.COM", "first_name": "Ada", "nothing": nil})},
		"babbage": {ChatterID: "c-1", Profile: metadata(map[string]any{"plan": "pro", "seats": int64(12), "trial": true, "score": 5})},
		"curie":   {ID: someID, ChatterID: "C-1", Profile: metadata(map[string]any{"plan": "Pro", "seats": "12", "email": 1})},
		"darwin":  {Profile: map[string]any{"email": "c-1", "metadata": map[string]any{"external_id": "crm-1"}}},
	} {
		u.InConversation = true
		ids[name] = srv.AddEndUser(u)
	}
	return func() string {
		var names []string
		for _, name := range []string{"ada", "ada2", "babbage", "curie", "darwin"} {
			if _, ok := srv.EndUser(ids[name]); ok {
				names = append(names, name)
			}
		}
		return strings.Join(names, " ")
	}
}

func TestDispositions(t *testing.T) {
	const all = "ada ada2 babbage curie darwin"
	const unknown = "65a17e3f43bec88effffffff"
	tests := []struct {
		name   string
		pairs  []string
		want   []string
		status string
		left   string
	}{
		{"end_user_id", []string{"end_user_id", someID}, []string{someID + " accepted 1"}, "completed", "ada ada2 babbage darwin"},
		{"external_id", []string{"external_id", "\tcrm-1 "}, []string{"\tcrm-1  accepted 1"}, "completed", "ada2 babbage curie darwin"},
		{"chatter_id", []string{"chatter_id", "c-1"}, []string{"c-1 accepted 1"}, "completed", "ada ada2 curie darwin"},
		{"email", []string{"email", " ADA@example.com "}, []string{" ADA@example.com  accepted 2"}, "completed", "babbage curie darwin"},
		{"variable of the profile and of metadata", []string{"variable_match:first_name", "Ada"}, []string{"Ada accepted 2"}, "completed", "babbage curie darwin"},
		{"variable of letters", []string{"variable_match:plan", "pro"}, []string{"pro accepted 1"}, "completed", "ada ada2 curie darwin"},
		{"variable of digits", []string{"variable_match:seats", "12"}, []string{"12 accepted 2"}, "completed", "ada ada2 darwin"},
		{"variable of a Go int", []string{"variable_match:score", "5"}, []string{"5 accepted 1"}, "completed", "ada ada2 curie darwin"},
		{"variable that is a boolean", []string{"variable_match:trial", "true"}, []string{"true accepted 1"}, "completed", "ada ada2 curie darwin"},
		{
			"not found",
			[]string{
				"end_user_id", unknown, "external_id", "crm-9", "chatter_id", "c-9", "email", "nobody@example.com",
				"variable_match:plan", "basic", "variable_match:Plan", "pro", "variable_match:metadata", "", "variable_match:nothing", "<nil>",
			},
			[]string{
				unknown + " not_found 0 *", "crm-9 not_found 0 *", "c-9 not_found 0 *", "nobody@example.com not_found 0",
				"basic not_found 0", "pro not_found 0", " not_found 0", "<nil> not_found 0",
			},
			"completed", all,
		},
		{
			"invalid",
			[]string{
				"end_user_id", someID[1:], "end_user_id", someID + "0", "end_user_id", "x" + someID[1:], "end_user_id", "",
				"external_id", " ", "chatter_id", "", "email", "ada", "email", "@example.com", "email", "ada@ ", "email", "ada",
			},
			[]string{
				someID[1:] + " invalid 0 *", someID + "0 invalid 0 *", "x" + someID[1:] + " invalid 0 *", " invalid 0 *",
				"  invalid 0 *", " invalid 0 *", "ada invalid 0 *", "@example.com invalid 0 *", "ada@  invalid 0 *", "ada invalid 0 *",
			},
			"failed", all,
		},
		{"invalid and not found", []string{"email", "ada", "email", "a@b"}, []string{"ada invalid 0 *", "a@b not_found 0"}, "failed", all},
		{
			"invalid and accepted",
			[]string{"email", "ada", "chatter_id", "c-1"},
			[]string{"ada invalid 0 *", "c-1 accepted 1"},
			"partial", "ada ada2 curie darwin",
		},
		{
			"duplicates",
			[]string{
				"email", "ada@example.com", "email", "ADA@example.com", "external_id", "crm-1", "external_id", " CRM-1", "chatter_id", "c-1",
				"chatter_id", "C-1", "variable_match:plan", "x", "variable_match:Plan", "x", "variable_match:plan", "x",
			},
			[]string{
				"ada@example.com accepted 2", "ADA@example.com duplicate 0", "crm-1 accepted 1", " CRM-1 duplicate 0", "c-1 accepted 1",
				"C-1 accepted 1", "x not_found 0", "x not_found 0", "x duplicate 0",
			},
			"completed", "darwin",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t)
				left := populate(srv)
				id := submit(t, srv, erasing("", tt.pairs...))
				check := func(status string) {
					t.Helper()
					j := getJob(t, srv, id)
					var lines []string
					for _, i := range j.Identifiers {
						lines = append(lines, i.line())
					}
					if diff := cmp.Diff(tt.want, lines); diff != "" || j.Status != status {
						t.Errorf("status %s, want %s (-want +got)\n%s", j.Status, status, diff)
					}
					if failed := status == "failed"; failed != (j.Reason != nil) {
						t.Errorf("%s with the failure_reason %v", status, j.Reason)
					}
				}
				check("queued")
				time.Sleep(time.Hour + time.Minute - 1)
				check("in_progress")
				if got := left(); got != all {
					t.Errorf("before the end: %s", got)
				}
				time.Sleep(time.Nanosecond)
				check(tt.status)
				if got := left(); got != tt.left {
					t.Errorf("left: %s, want %s", got, tt.left)
				}
			})
		})
	}
}

func TestErasureExceedsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		add := func(n int, plan string) {
			for range n {
				srv.AddEndUser(adatest.EndUser{InConversation: true, Profile: map[string]any{"email": plan + "@b", "metadata": map[string]any{"plan": plan}}})
			}
		}
		add(1000, "pro")
		add(1001, "basic")
		id := submit(t, srv, erasing("", "variable_match:plan", "pro", "variable_match:plan", "basic", "email", "basic@b"))
		submit(t, srv, erasing("", "email", "BASIC@b ")) // another job with it, and thus failed
		over := submit(t, srv, erasing("", "variable_match:email", "basic@b"))
		time.Sleep(2 * time.Hour)
		var lines []string
		for _, i := range getJob(t, srv, id).Identifiers {
			lines = append(lines, i.line())
		}
		if diff := cmp.Diff([]string{"pro accepted 1000", "basic exceeds_limit 1001 *", "basic@b exceeds_limit 1001 *"}, lines); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		var statuses []string
		for _, e := range srv.Erasures() {
			statuses = append(statuses, e.Status)
		}
		if diff := cmp.Diff([]string{"partial", "failed", "failed"}, statuses); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if j := getJob(t, srv, over); j.Reason == nil || j.Identifiers[0].Disposition != "exceeds_limit" {
			t.Errorf("%+v", j)
		}
		n := 0
		for next := collection + "?limit=100"; next != ""; {
			p := send(t, srv, "GET", next, "").page(t)
			n += len(p.Data)
			if next = ""; p.Meta.Next != nil {
				next = *p.Meta.Next
			}
		}
		if n != 1001 {
			t.Errorf("%d end users are left, want 1001", n)
		}
	})
}

func TestErasureReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
		left := populate(srv)
		body := erasing("r-1", "chatter_id", "c-1", "email", "ada@example.com")
		first := submit(t, srv, body)
		start := time.Now()
		created := getJob(t, srv, first).CreatedAt
		for _, pause := range []time.Duration{0, time.Minute, time.Hour, day - time.Hour - time.Minute - 1} {
			time.Sleep(pause)
			if id := submit(t, srv, body); id != first {
				t.Errorf("after %s: job %s, want %s", time.Since(start), id, first)
			}
		}
		if j := getJob(t, srv, first); j.Status != "completed" || j.CreatedAt != created || *j.Reference != "r-1" {
			t.Errorf("after repetitions: %+v", j)
		}
		if got := left(); got != "curie darwin" {
			t.Errorf("left: %s", got)
		}
		want := []adatest.Erasure{{
			JobID: first, Reference: "r-1", Status: "completed", SubmittedAt: start,
			Identifiers: []adatest.Identifier{{Type: "chatter_id", Value: "c-1"}, {Type: "email", Value: "ada@example.com"}},
		}}
		if diff := cmp.Diff(want, srv.Erasures()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}

		time.Sleep(time.Nanosecond) // a day is over
		seen := map[string]bool{first: true}
		for _, body := range []string{
			body,
			erasing("r-1", "chatter_id", "c-2"), // another body
			erasing("r-2", "chatter_id", "c-3"),
			erasing("r-3", "chatter_id", "c-3"), // another reference
			erasing("", "chatter_id", "c-4"),
			erasing("", "chatter_id", "c-4"), // none
			`{"client_reference":null,"identifiers":[{"type":"chatter_id","value":"c-5"}]}`,
			`{"client_reference":null,"identifiers":[{"type":"chatter_id","value":"c-5"}]}`,
		} {
			id := submit(t, srv, body)
			if seen[id] {
				t.Errorf("%s: job %s again", body, id)
			}
			seen[id] = true
		}
		if n := len(srv.Erasures()); n != 9 {
			t.Errorf("%d jobs, want 9", n)
		}
	})
}

// An identifier that was submitted less than seven days ago fails the whole job, which erases nothing.
func TestErasureCooldown(t *testing.T) {
	const week = 7 * day
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		left := populate(srv)
		final := func(id string) string {
			t.Helper()
			time.Sleep(2 * time.Hour)
			j := getJob(t, srv, id)
			if failed := j.Status == "failed"; failed != (j.Reason != nil && *j.Reason != "") || j.CompletedAt == nil {
				t.Errorf("%+v", j)
			}
			return j.Status
		}
		submit(t, srv, erasing("", "email", "later@example.com", "email", "no address"))
		for _, step := range []struct {
			pause time.Duration // since the submission before, whose end takes 2 hours of it
			pairs []string
			want  string
			left  string
		}{
			{2 * time.Hour, []string{"chatter_id", "c-1", "email", "LATER@example.com"}, "failed", "ada ada2 babbage curie darwin"},
			{2 * time.Hour, []string{"variable_match:email", "later@example.com"}, "completed", "ada ada2 babbage curie darwin"},
			{2 * time.Hour, []string{"chatter_id", "c-1"}, "failed", "ada ada2 babbage curie darwin"}, // was in a job, if in vain
			{2 * time.Hour, []string{"chatter_id", "C-1", "email", "no address"}, "partial", "ada ada2 babbage darwin"},
			{week - 2*time.Hour - 1, []string{"chatter_id", "c-1"}, "failed", "ada ada2 babbage darwin"},
			{week, []string{"chatter_id", "c-1", "email", "later@example.com"}, "completed", "ada ada2 darwin"},
		} {
			time.Sleep(step.pause - 2*time.Hour)
			id := submit(t, srv, erasing("", step.pairs...))
			for _, i := range getJob(t, srv, id).Identifiers {
				if i.Value == "c-1" && i.line() != "c-1 accepted 1" {
					t.Errorf("%q: %s", step.pairs, i.line())
				}
			}
			if got := final(id); got != step.want || left() != step.left {
				t.Errorf("%q: %s, left %s, want %s, left %s", step.pairs, got, left(), step.want, step.left)
			}
		}
	})
}

// Who comes under an identifier after its submission stays.
func TestErasureSparesNewcomers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		old := send(t, srv, "POST", collection, `{"external_id":"crm-1"}`).want(t, 201).user(t).ID
		submit(t, srv, erasing("", "external_id", "crm-1", "email", "ada@example.com"))
		newcomer := srv.AddEndUser(adatest.EndUser{Profile: map[string]any{"email": "ada@example.com"}})
		if got := send(t, srv, "POST", collection, `{"external_id":"crm-1"}`).want(t, 200).user(t).ID; got != old {
			t.Errorf("before the end: %s, want %s", got, old)
		}
		time.Sleep(time.Hour + time.Minute)
		if got := send(t, srv, "POST", collection, `{"external_id":"crm-1"}`).want(t, 201).user(t).ID; got == old {
			t.Error("after the end: the same end user")
		}
		send(t, srv, "PATCH", collection+old, `{"profile":{}}`).want(t, 404)
		if p := send(t, srv, "GET", collection, "").page(t); len(p.Data) != 2 || p.Data[0].ID != newcomer {
			t.Errorf("left: %+v", p.Data)
		}
	})
}

func TestErasureTime(t *testing.T) {
	for _, tt := range []struct{ queued, running time.Duration }{{0, 0}, {time.Second, 0}, {0, time.Second}, {day, 29 * day}} {
		t.Run(fmt.Sprint(tt.queued, tt.running), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t, adatest.ErasureTime(tt.queued, tt.running))
				for n, request := range []struct{ path, body string }{
					{deletions, erasing("", "end_user_id", someID)},
					{subjects, `{"type":"ERASURE","email":"ada@example.com"}`},
				} {
					srv.AddEndUser(adatest.EndUser{ID: someID, InConversation: true, Profile: map[string]any{"email": "ada@example.com"}})
					send(t, srv, "POST", request.path, request.body)
					start := time.Now()
					for _, at := range []time.Duration{0, tt.queued - 1, tt.queued, tt.queued + tt.running - 1, tt.queued + tt.running} {
						if at < time.Since(start) {
							continue
						}
						time.Sleep(at - time.Since(start))
						want, user := "queued", 200
						switch {
						case at >= tt.queued+tt.running:
							want, user = "completed", 404
						case at >= tt.queued:
							want = "in_progress"
						}
						if got := srv.Erasures()[0].Status; n == 0 && got != want {
							t.Errorf("after %s: %s, want %s", at, got, want)
						}
						send(t, srv, "GET", collection+someID, "").want(t, user)
					}
				}
			})
		})
	}
}

// What Erasures and SubjectRequests return is the caller's.
func TestErasuresAreCopies(t *testing.T) {
	srv := newServer(t)
	submit(t, srv, erasing("", "variable_match:plan", "pro"))
	send(t, srv, "POST", subjects, `{"type":"ERASURE","identifiers":[{"type":"chatter_id","value":"c-1"}]}`).want(t, 200)
	for range 2 {
		e, r := &srv.Erasures()[0], &srv.SubjectRequests()[0]
		if want := (adatest.Identifier{Type: "variable_match", Value: "pro", Variable: "plan"}); e.Identifiers[0] != want || e.Reference != "" {
			t.Errorf("erasure %+v", e)
		}
		if want := (adatest.Identifier{Type: "chatter_id", Value: "c-1"}); r.Identifiers[0] != want {
			t.Errorf("subject request %+v", r)
		}
		e.Identifiers[0].Value, r.Identifiers[0].Value = "changed", "changed"
	}
}

func TestFailedErasures(t *testing.T) {
	srv := newServer(t)
	body := erasing("r-1", "email", "a@b")
	srv.Fail("compliance.Erase", adatest.Failure{Status: 500}, adatest.Failure{Drop: true}, adatest.Failure{Drop: true, Effect: true})
	for n, want := range []int{0, 0, 1, 1} {
		_, _ = try(t, srv, "POST", deletions, body)
		if got := len(srv.Erasures()); got != want {
			t.Errorf("after request %d: %d jobs, want %d", n, got, want)
		}
	}
	srv.Fail("compliance.RequestErasure", adatest.Failure{Status: 503}, adatest.Failure{Status: 503, Effect: true})
	for n, want := range []int{0, 1, 2} {
		got := send(t, srv, "POST", subjects, `{"type":"ERASURE","email":"a@b"}`)
		if n < 2 {
			got.want(t, 503).message(t)
		}
		if got := len(srv.SubjectRequests()); got != want {
			t.Errorf("after request %d: %d subject requests, want %d", n, got, want)
		}
	}
}

func TestRequestErasure(t *testing.T) {
	const (
		all       = "ada ada2 babbage curie darwin"
		noObject  = "The body is not a JSON object."
		noType    = "type must be ERASURE."
		nobody    = "email or identifiers is required."
		noArray   = "identifiers is not an array of objects."
		noElement = "identifiers has an element without a known type or without a value."
	)
	request := func(fields string) string { return `{"type":"ERASURE",` + fields + `}` }
	list := func(elements string) string { return request(`"identifiers":[` + elements + `]`) }
	tests := []struct {
		body   string
		answer string // the message where the request is refused
		left   string
	}{
		{request(`"email":"ADA@example.com"`), `{"email":"ADA@example.com"}`, "babbage curie darwin"},
		{request(`"email":"ADA@example.com","identifiers":null,"ignored":1`), `{"email":"ADA@example.com"}`, "babbage curie darwin"},
		{request(`"email":"ada@example.com","identifiers":[{"type":"chatter_id","value":"c-1"}]`), `{"email":"ada@example.com"}`, "curie darwin"},
		{request(`"email":"nobody@example.com"`), `{"email":"nobody@example.com"}`, all},
		{request(`"email":"c-1"`), `{"email":"c-1"}`, all},
		{list(`{"type":"chatter_id","value":"C-1"}`), `{"email":null}`, "ada ada2 babbage darwin"},
		{list(`{"type":"email","value":" ada@EXAMPLE.com"},{"type":"chatter_id","value":""},{"type":"email","value":"ada"}`), `{"email":null}`, "babbage curie darwin"},
		{request(`"email":null,"identifiers":[{"type":"chatter_id","value":"C-1"}]`), `{"email":null}`, "ada ada2 babbage darwin"},

		{``, noObject, all},
		{`null`, noObject, all},
		{`[]`, noObject, all},
		{request(`"email":"ada@example.com"`) + `{}`, noObject, all},
		{`{}`, noType, all},
		{`{"email":"ada@example.com"}`, noType, all},
		{`{"type":null,"email":"ada@example.com"}`, noType, all},
		{`{"type":"erasure","email":"ada@example.com"}`, noType, all},
		{`{"type":"ACCESS","email":"ada@example.com"}`, noType, all},
		{`{"type":"ERASURE"}`, nobody, all},
		{request(`"email":null`), nobody, all},
		{request(`"email":""`), nobody, all},
		{list(``), nobody, all},
		{request(`"email":5`), "email is not a string.", all},
		{request(`"email":"ada@example.com","identifiers":{}`), noArray, all},
		{request(`"email":"ada@example.com","identifiers":["c-1"]`), noArray, all},
		{list(`{}`), noElement, all},
		{list(`null`), noElement, all},
		{list(`{"type":"chatter_id"}`), noElement, all},
		{list(`{"type":"chatter_id","value":1}`), noElement, all},
		{list(`{"type":"external_id","value":"crm-1"}`), noElement, all},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.100s", tt.body), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t)
				left := populate(srv)
				got := send(t, srv, "POST", subjects, tt.body)
				recorded := srv.SubjectRequests()
				if strings.HasPrefix(tt.answer, "{") {
					if got.want(t, 200); got.body != tt.answer || len(recorded) != 1 || !recorded[0].SubmittedAt.Equal(time.Now()) {
						t.Errorf("answer %s, want %s; recorded %+v", got.body, tt.answer, recorded)
					}
				} else if m := got.want(t, 400).message(t); m != tt.answer || len(recorded) != 0 {
					t.Errorf("message %s, want %s; recorded %+v", m, tt.answer, recorded)
				}
				time.Sleep(time.Hour + time.Minute - 1)
				if got := left(); got != all {
					t.Errorf("before the end: %s", got)
				}
				time.Sleep(time.Nanosecond)
				if got := left(); got != tt.left {
					t.Errorf("left: %s, want %s", got, tt.left)
				}
			})
		})
	}
}

// Requests of the two APIs do not count as repetitions of one another, nor those of the old one of themselves.
func TestSubjectRequestsAreNotJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		for range 2 {
			send(t, srv, "POST", subjects, `{"type":"ERASURE","email":"a@b","identifiers":[{"type":"email","value":"C@d"}]}`).want(t, 200)
		}
		submit(t, srv, erasing("", "email", "a@b"))
		send(t, srv, "POST", subjects, `{"type":"ERASURE","email":"a@b"}`).want(t, 200)
		time.Sleep(2 * time.Hour)
		if e := srv.Erasures(); len(e) != 1 || e[0].Status != "completed" {
			t.Errorf("erasures %+v", e)
		}
		start := time.Now().Add(-2 * time.Hour)
		one := adatest.SubjectRequest{Email: "a@b", Identifiers: []adatest.Identifier{{Type: "email", Value: "C@d"}}, SubmittedAt: start}
		want := []adatest.SubjectRequest{one, one, {Email: "a@b", SubmittedAt: start}}
		if diff := cmp.Diff(want, srv.SubjectRequests()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
