package contract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/braze/brazetest"
)

func TestOwnDocumentsAreValid(t *testing.T) {
	judges := map[string]int{} // of each path
	for _, a := range apis {
		for path := range a.ownDocument(t).Paths.Map() {
			judges[a.own+" "+path]++
		}
	}
	for _, file := range []string{
		"end-users.yaml", "compliance.yaml", "proactive-sms.yaml", "webhooks.yaml", "data-export.yaml", "data-export-v1.yaml",
		"braze-users-track.yaml",
	} {
		doc := loadOwn(t, file)
		if err := doc.Validate(t.Context()); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for path := range doc.Paths.Map() {
			if n := judges[file+" "+path]; n != 1 {
				t.Errorf("%s: %s is of %d APIs, want one", file, path, n)
			}
		}
	}
}

// TestExchanges has every operation of the SDK sent and every documented answer of the fake given.
func TestExchanges(t *testing.T) {
	for _, a := range apis {
		t.Run(a.name, func(t *testing.T) {
			a.eachDocument(t, func(t *testing.T, doc *openapi3.T) {
				j := newJudge(t, doc, func(violation string) { t.Error(violation) })
				for name, exchange := range a.exchanges {
					t.Run(name, func(t *testing.T) { exchange(t, j) })
				}
				if diff := cmp.Diff(answers(doc), slices.Sorted(maps.Keys(j.seen))); diff != "" {
					t.Errorf("answers documented (-) and given (+):\n%s", diff)
				}
			})
		})
	}
}

// answers lists what a document says can be answered, as the judge writes down what it sees.
func answers(doc *openapi3.T) (all []string) {
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status := range op.Responses.Map() {
				all = append(all, method+" "+path+" "+status)
			}
		}
	}
	slices.Sort(all)
	return all
}

// sdk returns a client of the fake that never repeats a call, with the judge in between.
func sdk(t *testing.T, srv *adatest.Server, j judge, changes ...func(*ada.Config)) *ada.Client {
	t.Helper()
	config := srv.Config()
	config.HTTP.Client.Transport = j.on(config.HTTP.Client.Transport)
	config.HTTP.Retry.MaxAttempts = 1
	for _, change := range changes {
		change(&config)
	}
	client, err := ada.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// call is a call of the SDK that sends one request.
type call func(context.Context, *ada.Client) error

// failCalls has calls, by the names of their operations, fail at the server.
func failCalls(t *testing.T, j judge, calls map[string]call, failures ...adatest.Failure) {
	t.Helper()
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	client := sdk(t, srv, j)
	for operation, call := range calls {
		srv.Fail(operation, failures...)
		for _, failure := range failures {
			what := fmt.Sprintf("%s, answered %d", operation, failure.Status)
			expect(t, what, call(t.Context(), client), ada.ErrServer)
		}
	}
}

// refuseKey makes calls with a wrong key.
func refuseKey(t *testing.T, j judge, calls map[string]call) {
	t.Helper()
	stranger := sdk(t, adatest.NewServer(t), j, func(c *ada.Config) { c.APIKey = "another-key" })
	for operation, call := range calls {
		expect(t, operation+" with a wrong key", call(t.Context(), stranger), ada.ErrUnauthorized)
	}
}

// exceedLimit makes calls over the limit that they share.
func exceedLimit(t *testing.T, j judge, calls map[string]call) {
	t.Helper()
	srv := adatest.NewServer(t, adatest.RateLimit(1, 1))
	hasty := sdk(t, srv, j, func(c *ada.Config) { c.HTTP.Limiter = ada.Unpaced })
	for _, call := range calls { // one is within the limit, whatever comes of it
		if err := call(t.Context(), hasty); errors.Is(err, ada.ErrRateLimited) {
			t.Errorf("within the limit: %v", err)
		}
		break
	}
	for operation, call := range calls {
		expect(t, operation+" over the limit", call(t.Context(), hasty), ada.ErrRateLimited)
	}
}

func expect(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// request is one that the SDK would not send.
type request struct{ method, path, body string }

// expect sends the request to the fake and wants an answer.
func (r request) expect(t *testing.T, srv *adatest.Server, j judge, status int) {
	t.Helper()
	if got := r.send(t, j.on(srv.Config().HTTP.Client.Transport), nil); got != status {
		t.Errorf("%s %s %.100s: answer %d, want %d", r.method, r.path, r.body, got, status)
	}
}

// send sends the request. It has the key and, with a body, the media type of JSON; header replaces these, and an empty
// value leaves one out.
func (r request) send(t *testing.T, transport http.RoundTripper, header map[string]string) (status int) {
	t.Helper()
	var content io.Reader
	if r.body != "" {
		content = strings.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(t.Context(), r.method, origin+r.path, content)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+string(adatest.APIKey))
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		if req.Header.Del(k); v != "" {
			req.Header.Set(k, v)
		}
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

// TestDocumentsAgree compares what our documents and Ada's have in common to say.
func TestDocumentsAgree(t *testing.T) {
	for _, a := range apis {
		if a.published == "" {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			if diff := cmp.Diff(outline(a.publishedDocument(t)), outline(a.ownDocument(t))); diff != "" {
				t.Errorf("Ada's document (-) and ours (+):\n%s", diff)
			}
		})
	}
}

// operation is what two documents should say alike of an operation.
type operation struct {
	Parameters []string
	Body       []string            // the paths of its properties
	Answers    map[string][]string // the same of each status
}

func outline(doc *openapi3.T) map[string]operation {
	all := map[string]operation{}
	front := strings.TrimPrefix(doc.Servers[0].URL, origin)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := operation{Answers: map[string][]string{}}
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				name, in, required := p.Value.Name, p.Value.In, p.Value.Required
				o.Parameters = append(o.Parameters, fmt.Sprintf("%s in %s, required: %t", name, in, required))
			}
			slices.Sort(o.Parameters)
			if op.RequestBody != nil {
				o.Body = properties(op.RequestBody.Value.Content)
			}
			for status, answer := range op.Responses.Map() {
				o.Answers[status] = properties(answer.Value.Content)
			}
			all[method+" "+front+path] = o
		}
	}
	return all
}

// properties lists the properties that JSON can have, at all depths, such as "profile.email".
func properties(content openapi3.Content) []string {
	found := map[string]bool{}
	var walk func(prefix string, ref *openapi3.SchemaRef)
	walk = func(prefix string, ref *openapi3.SchemaRef) {
		if ref == nil {
			return
		}
		for name, property := range ref.Value.Properties {
			found[prefix+name] = true
			walk(prefix+name+".", property)
		}
		walk(prefix, ref.Value.Items)
		for _, part := range slices.Concat(ref.Value.OneOf, ref.Value.AnyOf, ref.Value.AllOf) {
			walk(prefix, part)
		}
	}
	if media := content["application/json"]; media != nil {
		walk("", media.Schema)
	}
	return slices.Sorted(maps.Keys(found))
}

// TestMends makes sure that each mend notices when its fault is gone.
func TestMends(t *testing.T) {
	for _, a := range apis {
		if a.published == "" {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			doc := a.faultyDocument(t)
			for _, again := range []bool{false, true} {
				for _, m := range a.mends {
					if found := m.apply(doc); found == again {
						t.Errorf("%s, mended before: %t: found its fault: %t", m.name, again, found)
					}
				}
			}
		})
	}
}

// TestJudge makes sure that the judge finds what is wrong, and names it.
func TestJudge(t *testing.T) {
	type test struct {
		name, method, path, body string
		header                   map[string]string
		answer                   *adatest.Failure // in place of what the fake would answer
		want                     string           // in each violation; empty: there is none
	}
	answer := func(status int, body string) *adatest.Failure {
		return &adatest.Failure{Status: status, Body: body, Header: http.Header{"Content-Type": {"application/json"}}}
	}
	tests := map[string]struct {
		root       string // of the paths
		operations []string
		tests      []test
	}{
		"end users": {
			collection, []string{"endusers.Get", "endusers.All"}, []test{
				{"end user", "GET", "1", "", nil, answer(200, `{"end_user_id":"1","external_id":null}`), ""},
				{"page", "GET", "", "", nil, answer(200, `{"data":[{"end_user_id":"1"}],"meta":{}}`), ""},

				{"unknown path", "GET", "1/2", "", nil, nil, "GET /api/v2/end-users/1/2: "},
				{"unknown method", "DELETE", "1", "", nil, nil, "DELETE /api/v2/end-users/1: "},
				{"parameter of another type", "GET", "?limit=abc", "", nil, nil, `request: parameter "limit"`},
				{"unknown parameter", "GET", "?page_size=2", "", nil, nil, `request: parameter "page_size"`},
				{"no key", "GET", "", "", map[string]string{"Authorization": ""}, nil, "request: security"},
				{"key without Bearer", "GET", "", "", map[string]string{"Authorization": "key"}, nil, "request: security"},
				{"body of a GET", "GET", "", `{}`, nil, nil, "request: request body not allowed"},
				{"body of another media type", "POST", "", `{}`, map[string]string{"Content-Type": "text/plain"}, nil, "request: request body"},
				{"body of another type", "POST", "", `[]`, nil, nil, "request: request body"},
				{"body with a property of another type", "POST", "", `{"profile":{"first_name":5}}`, nil, nil, "/profile/first_name"},
				{"body with an unknown property", "POST", "", `{"profile":{"firstName":"Ada"}}`, nil, nil, `"firstName"`},
				{"body without a required property", "PATCH", "1", `{}`, nil, nil, `"profile" is missing`},
				{"sensitive list", "POST", "", `{"profile":{"sensitive_metadata":{"fields":{"k":[]}}}}`, nil, nil, "request: request body"},

				{"unknown status", "GET", "1", "", nil, answer(418, `{"errors":[]}`), "answer 418: "},
				{"answer of another media type", "GET", "1", "", nil, &adatest.Failure{Status: 500, Body: "<html>"}, "answer 500: "},
				{"answer that is no JSON", "GET", "1", "", nil, answer(200, `{`), "answer 200: "},
				{"answer of another type", "GET", "1", "", nil, answer(200, `[]`), "answer 200: "},
				{"answer with a property of another type", "GET", "1", "", nil, answer(200, `{"end_user_id":1}`), "/end_user_id"},
				{"answer with an unknown property", "GET", "1", "", nil, answer(200, `{"end_user_id":"1","profile":{"firstName":null}}`), `"firstName"`},
				{"page with an unknown property", "GET", "", "", nil, answer(200, `{"data":[{"end_user_id":"1","externalId":"x"}]}`), "answer 200: "},
				{"page without an array", "GET", "", "", nil, answer(200, `{"data":{}}`), "answer 200: "},
				{"error of another type", "GET", "1", "", nil, answer(404, `{"errors":{"type":"not_found","message":""}}`), "answer 404: "},
			},
		},
		"bulk deletion": {
			"/api/v2/", []string{"compliance.Erase", "compliance.Job"}, []test{
				{"erasure", "POST", "end-users/delete", erasure(`{"type":"email","value":"a@b.c"}`), nil, answer(202, `{"job_id":"1"}`), ""},
				{"job", "GET", "jobs/1", "", nil, answer(200, `{"job_id":"1","completed_at":null}`), ""},
				{"error of any form", "GET", "jobs/1", "", nil, answer(404, `"none"`), ""},

				{"path with a slash at the end", "POST", "end-users/delete/", erasure(`{"type":"email","value":"a@b.c"}`), nil, nil, "POST /api/v2/end-users/delete/: "},
				{"path of another API", "GET", "end-users/1", "", nil, nil, "GET /api/v2/end-users/1: "},
				{"unknown parameter", "GET", "jobs/1?wait=1", "", nil, nil, `request: parameter "wait"`},
				{"no key", "GET", "jobs/1", "", map[string]string{"Authorization": ""}, nil, "request: security"},
				{"body without identifiers", "POST", "end-users/delete", `{"client_reference":"r"}`, nil, nil, `"identifiers" is missing`},
				{"body with an unknown property", "POST", "end-users/delete", `{"reference":"r"}`, nil, nil, `"reference"`},
				{"reference of another type", "POST", "end-users/delete", `{"client_reference":1,"identifiers":[]}`, nil, nil, "/client_reference"},
				{"identifier of another type", "POST", "end-users/delete", erasure(`"a@b.c"`), nil, nil, "/identifiers/0"},
				{"identifier without a value", "POST", "end-users/delete", erasure(`{"type":"email"}`), nil, nil, `"value" is missing`},
				{"identifier with an unknown property", "POST", "end-users/delete", erasure(`{"type":"email","value":"a@b.c","name":"x"}`), nil, nil, `"name"`},

				{"unknown status", "GET", "jobs/1", "", nil, answer(403, `{}`), "answer 403: "},
				{"error that is no JSON", "GET", "jobs/1", "", nil, &adatest.Failure{Status: 500, Body: "<html>"}, "answer 500: "},
				{"answer with an unknown property", "GET", "jobs/1", "", nil, answer(200, `{"job_id":"1","jobId":"1"}`), `"jobId"`},
				{"answer with a property of another type", "GET", "jobs/1", "", nil, answer(200, `{"job_id":"1","status":1}`), "/status"},
				{"outcome with an unknown property", "GET", "jobs/1", "", nil, answer(200, `{"job_id":"1","identifiers":[{"matched":1}]}`), `"matched"`},
			},
		},
		"data subject requests": {
			subjectPath, []string{"compliance.RequestErasure"}, []test{
				{"email", "POST", "", `{"type":"ERASURE","email":"a@b.c"}`, nil, answer(200, `{"email":"a@b.c"}`), ""},
				{"null", "POST", "", `{"type":"ERASURE"}`, nil, answer(200, `{"email":null}`), ""},

				{"unknown method", "GET", "", "", nil, nil, "GET " + subjectPath + ": "},
				{"no key", "POST", "", `{"type":"ERASURE"}`, map[string]string{"Authorization": ""}, nil, "request: security"},
				{"body without a type", "POST", "", `{"email":"a@b.c"}`, nil, nil, `"type" is missing`},
				{"another type of request", "POST", "", `{"type":"ACCESS"}`, nil, nil, "/type"},
				{"email that is null", "POST", "", `{"type":"ERASURE","email":null}`, nil, nil, "/email"},
				{"identifier with a variable", "POST", "", `{"type":"ERASURE","identifiers":[{"type":"email","value":"x","variable":"y"}]}`, nil, nil, `"variable"`},

				{"unknown status", "POST", "", `{"type":"ERASURE"}`, nil, answer(202, `{}`), "answer 202: "},
				{"answer with an unknown property", "POST", "", `{"type":"ERASURE"}`, nil, answer(200, `{"e_mail":""}`), `"e_mail"`},
				{"answer with a property of another type", "POST", "", `{"type":"ERASURE"}`, nil, answer(200, `{"email":1}`), "/email"},
			},
		},
		"proactive SMS": {
			triggerPath, []string{"proactivesms.Trigger"}, []test{
				{"message", "POST", "", sms(`"phone_number":"1"`), nil, nil, ""},
				{"message with fields", "POST", "", sms(`"phone_number":"1","a":"x","b":true,"c":1.5`), nil, nil, ""},
				{"answer of any form", "POST", "", sms(`"phone_number":"1"`), nil, answer(200, `sent`), ""},

				{"path with a slash at the end", "POST", "/", sms(`"phone_number":"1"`), nil, nil, "POST " + triggerPath + "/: "},
				{"no key", "POST", "", sms(`"phone_number":"1"`), map[string]string{"Authorization": ""}, nil, "request: security"},
				{"body without a campaign", "POST", "", `{}`, nil, nil, `"campaign_key" is missing`},
				{"body with an unknown property", "POST", "", `{"campaignKey":"k"}`, nil, nil, `"campaignKey"`},
				{"language that is no code", "POST", "", `{"language":"en-GB"}`, nil, nil, "/language"},
				{"recipient without a phone", "POST", "", sms(``), nil, nil, `"phone_number" is missing`},
				{"field that is null", "POST", "", sms(`"phone_number":"1","a":null`), nil, nil, "/recipient/meta_fields/a"},
				{"field that is a list", "POST", "", sms(`"phone_number":"1","a":[]`), nil, nil, "/recipient/meta_fields/a"},

				{"unknown status", "POST", "", sms(`"phone_number":"1"`), nil, answer(202, `{}`), "answer 202: "},
			},
		},
		"data export": {
			exportPath, []string{"dataexport.Conversations", "dataexport.Messages"}, []test{
				{"conversations", "GET", "conversations?created_since=2026-11-01T00:00:00Z&created_to=2026-11-08T00:00:00.5Z&page_size=100", "", nil, answer(200, `{"data":[],"meta":{"next_page_uri":null}}`), ""},
				{"changed conversations", "GET", "conversations?updated_since=2026-11-01T00:00:00Z", "", nil, answer(200, `{"data":[{"_id":"1","csat":null}]}`), ""},
				{"time of a conversation without a zone", "GET", "conversations", "", nil, answer(200, `{"data":[{"_id":"1","date_created":"2026-11-01T00:00:00.000001"}]}`), ""},
				{"time in a link", "GET", "messages?created_since=2026-11-01T00:00:00.000001", "", nil, answer(200, `{"data":[]}`), ""},
				{"content of any form", "GET", "messages?created_since=2026-11-01T00:00:00Z&conversation_id=1", "", nil, answer(200, `{"data":[{"_id":"1","message_data":{"_type":"new","x":null}}]}`), ""},

				{"path with a slash at the end", "GET", "messages/", "", nil, nil, "GET " + exportPath + "messages/: "},
				{"unknown method", "POST", "conversations", `{}`, nil, nil, "POST " + exportPath + "conversations: "},
				{"no key", "GET", "conversations", "", map[string]string{"Authorization": ""}, nil, "request: security"},
				{"body", "GET", "conversations", `{}`, nil, nil, "request: request body not allowed"},
				{"no start", "GET", "messages?created_to=2026-11-01T00:00:00Z", "", nil, nil, `request: parameter "created_since"`},
				{"date alone", "GET", "conversations?created_since=2026-11-01", "", nil, nil, `request: parameter "created_since"`},
				{"time of another zone", "GET", "conversations?updated_since=2026-11-01T00:00:00%2B02:00", "", nil, nil, `request: parameter "updated_since"`},
				{"end that is no time", "GET", "messages?created_since=2026-11-01T00:00:00Z&created_to=now", "", nil, nil, `request: parameter "created_to"`},
				{"page too small", "GET", "conversations?page_size=99", "", nil, nil, `request: parameter "page_size"`},
				{"page too large", "GET", "conversations?page_size=10001", "", nil, nil, `request: parameter "page_size"`},
				{"unknown parameter", "GET", "conversations?limit=100", "", nil, nil, `request: parameter "limit"`},
				{"parameter of messages", "GET", "conversations?conversation_id=1", "", nil, nil, `request: parameter "conversation_id"`},
				{"parameter of conversations", "GET", "messages?created_since=2026-11-01T00:00:00Z&updated_to=2026-11-01T00:00:00Z", "", nil, nil, `request: parameter "updated_to"`},

				{"unknown status", "GET", "conversations", "", nil, answer(408, `{"errors":[]}`), "answer 408: "},
				{"answer of another media type", "GET", "conversations", "", nil, &adatest.Failure{Status: 500, Body: "<html>"}, "answer 500: "},
				{"page of another property", "GET", "conversations", "", nil, answer(200, `{"items":[]}`), `"items"`},
				{"page without an array", "GET", "conversations", "", nil, answer(200, `{"data":{}}`), "answer 200: "},
				{"link of another name", "GET", "conversations", "", nil, answer(200, `{"data":[],"meta":{"next_page_url":null}}`), `"next_page_url"`},
				{"link of v1", "GET", "conversations", "", nil, answer(200, `{"data":[],"next_page_uri":null}`), `"next_page_uri"`},
				{"field of another type", "GET", "conversations", "", nil, answer(200, `{"data":[{"_id":"1","agent_handle_time":"5"}]}`), "/data/0/agent_handle_time"},
				{"unknown field", "GET", "messages", "", nil, answer(200, `{"data":[{"_id":"1","date_updated":""}]}`), `"date_updated"`},
				{"survey with an unknown property", "GET", "conversations", "", nil, answer(200, `{"data":[{"_id":"1","csat":{"rating":5}}]}`), `"rating"`},
				{"intent with an unknown property", "GET", "conversations", "", nil, answer(200, `{"data":[{"_id":"1","classifications":[{"intents":[{"id":"1"}]}]}]}`), `"id"`},
				{"error of another form", "GET", "messages", "", nil, answer(404, `{"message":"x"}`), `"message"`},
			},
		},
		"data export v1": {
			exportV1Path, []string{"dataexport.Conversations", "dataexport.Messages"}, []test{
				{"v1", "GET", "v1/conversations?created_since=2026-11-01T00:00:00Z", "", nil, answer(200, `{"data":[{"_id":"1"}],"message":"OK","next_page_uri":null}`), ""},
				{"v1.1", "GET", "v1.1/messages?created_since=2026-11-01T00:00:00Z", "", nil, answer(200, `{"data":[{"_id":"1","chatter_id":"2"}],"message":"OK","next_page_uri":null}`), ""},
				{"v1.4", "GET", "v1.4/conversations?updated_since=2026-11-01T00:00:00.000001", "", nil, answer(200, `{"data":[{"_id":"1","end_user_id":null}],"message":"OK","next_page_uri":"/x"}`), ""},
				{"error of any form", "GET", "v1.4/conversations", "", nil, answer(422, `["x"]`), ""},

				{"unknown version", "GET", "v1.5/conversations", "", nil, nil, `request: parameter "version"`},
				{"path with a slash at the end", "GET", "v1.4/messages/", "", nil, nil, "GET " + exportV1Path + "v1.4/messages/: "},
				{"no key", "GET", "v1.4/conversations", "", map[string]string{"Authorization": ""}, nil, "request: security"},
				{"no start", "GET", "v1/messages", "", nil, nil, `request: parameter "created_since"`},
				{"date alone", "GET", "v1.4/messages?created_since=2026-11-01", "", nil, nil, `request: parameter "created_since"`},
				{"page too small", "GET", "v1.4/conversations?page_size=99", "", nil, nil, `request: parameter "page_size"`},
				{"unknown parameter", "GET", "v1.1/messages?created_since=2026-11-01T00:00:00Z&chatter_id=1", "", nil, nil, `request: parameter "chatter_id"`},

				{"unknown status", "GET", "v1.4/conversations", "", nil, answer(403, `{}`), "answer 403: "},
				{"answer that is no JSON", "GET", "v1.4/conversations", "", nil, &adatest.Failure{Status: 502, Body: "<html>"}, "answer 502: "},
				{"link of v2", "GET", "v1.4/conversations", "", nil, answer(200, `{"data":[],"meta":{"next_page_uri":null}}`), `"meta"`},
				{"field of another type", "GET", "v1.4/messages", "", nil, answer(200, `{"data":[{"_id":"1","review":"0"}]}`), "/data/0/review"},
				{"field of v2", "GET", "v1.4/conversations", "", nil, answer(200, `{"data":[{"_id":"1","last_agent_id":null}]}`), `"last_agent_id"`},
			},
		},
		"Braze": {
			"/users/track", nil, []test{
				{"attributes", "POST", "", `{"attributes":[{"external_id":"a","anything":{"b":[1]}}]}`, nil, answer(201, `{"message":"success","attributes_processed":1}`), ""},
				{"partial errors", "POST", "", `{"events":[{"external_id":"a","name":"n","time":"2026-06-01T12:30:00Z"}]}`, nil, answer(201, `{"message":"success","errors":[{"type":"x","input_array":"events","index":0}]}`), ""},

				{"path with a slash at the end", "POST", "/", `{}`, nil, answer(404, `{}`), "POST /users/track/: "},
				{"no key", "POST", "", `{"attributes":[{}]}`, map[string]string{"Authorization": ""}, nil, "request: security"},
				{"another media type", "POST", "", `{"attributes":[{}]}`, map[string]string{"Content-Type": "text/plain"}, nil, "request: request body"},
				{"nothing", "POST", "", `{}`, nil, nil, "request: request body"},
				{"an unknown array", "POST", "", `{"attribute":[{}]}`, nil, nil, `"attribute"`},
				{"too many", "POST", "", `{"events":[` + strings.Repeat(`{"name":"n","time":"2026-06-01T12:30:00Z"},`, 75) + `{}]}`, nil, nil, "/events"},
				{"an alias without a label", "POST", "", `{"attributes":[{"user_alias":{"alias_name":"n"}}]}`, nil, nil, `"alias_label" is missing`},
				{"an event without a name", "POST", "", `{"events":[{"time":"2026-06-01T12:30:00Z"}]}`, nil, nil, `"name" is missing`},
				{"an event with an unknown property", "POST", "", `{"events":[{"name":"n","time":"2026-06-01T12:30:00Z","value":1}]}`, nil, nil, `"value"`},
				{"a time that is none", "POST", "", `{"events":[{"name":"n","time":"today"}]}`, nil, nil, "/events/0/time"},
				{"a gender that is none", "POST", "", `{"attributes":[{"gender":"female"}]}`, nil, nil, "/attributes/0/gender"},
				{"a day that is none", "POST", "", `{"attributes":[{"dob":"10.12.1815"}]}`, nil, nil, "/attributes/0/dob"},
				{"a quantity of 101", "POST", "", `{"purchases":[{"product_id":"p","currency":"USD","price":1,"quantity":101,"time":"2026-06-01T12:30:00Z"}]}`, nil, nil, "/purchases/0/quantity"},
				{"an external id of 988 bytes", "POST", "", `{"attributes":[{"external_id":"` + strings.Repeat("x", 988) + `"}]}`, nil, nil, "/attributes/0/external_id"},

				{"unknown status", "POST", "", `{"attributes":[{}]}`, nil, answer(202, `{"message":"queued"}`), "answer 202: "},
				{"answer without a message", "POST", "", `{"attributes":[{}]}`, nil, answer(201, `{}`), `"message" is missing`},
				{"error without an index", "POST", "", `{"attributes":[{}]}`, nil, answer(201, `{"message":"success","errors":[{"type":"x","input_array":"events"}]}`), `"index" is missing`},
				{"error of another array", "POST", "", `{"attributes":[{}]}`, nil, answer(201, `{"message":"success","errors":[{"type":"x","input_array":"others","index":0}]}`), "/errors/0/input_array"},
			},
		},
		"webhooks": {
			webhooksPath, []string{"endpoints.All", "endpoints.Get", "endpoints.Delete", "endpoints.Secret", "endpoints.EventTypes"}, []test{
				{"webhook", "GET", "1", "", nil, answer(200, `{"id":"1","enabled":true}`), ""},
				{"page", "GET", "", "", nil, answer(200, `{"data":[{"id":"1"}],"meta":{"next_page_url":null}}`), ""},
				{"deletion", "DELETE", "1", "", nil, &adatest.Failure{Status: 204}, ""},
				{"secret", "GET", "1/secret/", "", nil, answer(200, `{"key":"k"}`), ""},
				{"event types", "GET", "event-types/", "", nil, answer(200, `{"data":[{"name":"a"}]}`), ""},

				{"path without a slash at the end", "GET", "event-types", "", nil, answer(200, `{"data":[]}`), `"data"`},
				{"path with a slash at the end", "GET", "1/", "", nil, nil, "GET " + webhooksPath + "1/: "},
				{"unknown method", "PUT", "1", `{}`, nil, nil, "PUT " + webhooksPath + "1: "},
				{"parameter of another type", "GET", "?limit=abc", "", nil, nil, `request: parameter "limit"`},
				{"unknown parameter", "GET", "?page_size=2", "", nil, nil, `request: parameter "page_size"`},
				{"no key", "GET", "", "", map[string]string{"Authorization": ""}, nil, "request: security"},
				{"body without a URL", "POST", "", `{}`, nil, nil, "request: request body"},
				{"body with an unknown property", "PATCH", "1", `{"events":[]}`, nil, nil, `"events"`},
				{"filters of another type", "PATCH", "1", `{"event_filters":"a"}`, nil, nil, "/event_filters"},
				{"null", "PATCH", "1", `{"enabled":null}`, nil, nil, "/enabled"},
				{"key of another type", "POST", "1/secret/rotate/", `{"key":7}`, nil, nil, "/key"},

				{"unknown status", "GET", "1", "", nil, answer(418, `{"errors":[]}`), "answer 418: "},
				{"answer with an unknown property", "GET", "1", "", nil, answer(200, `{"id":"1","name":"x"}`), `"name"`},
				{"answer with a property of another type", "GET", "1", "", nil, answer(200, `{"id":1}`), "/id"},
				{"page without an array", "GET", "", "", nil, answer(200, `{"data":{}}`), "answer 200: "},
				{"secret of another type", "GET", "1/secret/", "", nil, answer(200, `{"key":7}`), "/key"},
				{"event type with an unknown property", "GET", "event-types/", "", nil, answer(200, `{"data":[{"title":"a"}]}`), `"title"`},
			},
		},
	}
	for _, a := range apis {
		t.Run(a.name, func(t *testing.T) {
			group, ok := tests[a.name]
			if !ok {
				t.Fatal("there are no tests")
			}
			a.eachDocument(t, func(t *testing.T, doc *openapi3.T) {
				for _, test := range group.tests {
					transport := adaTransport(t, group.operations, test.answer)
					if a.name == "Braze" {
						transport = brazeTransport(t, test.answer)
					}
					var violations []string
					j := newJudge(t, doc, func(violation string) { violations = append(violations, violation) })
					r := request{test.method, group.root + test.path, test.body}
					r.send(t, j.on(transport), test.header)
					right := len(violations) == 0
					if test.want != "" {
						right = slices.ContainsFunc(violations, func(v string) bool { return strings.Contains(v, test.want) })
					}
					if !right {
						t.Errorf("%s: violations %q, want one with %q", test.name, violations, test.want)
					}
				}
			})
		})
	}
}

// adaTransport returns the way to a fake Ada whose operations answer something else.
func adaTransport(t *testing.T, operations []string, answer *adatest.Failure) http.RoundTripper {
	srv := adatest.New()
	t.Cleanup(srv.Close)
	if answer != nil {
		for _, operation := range operations {
			srv.Fail(operation, *answer)
		}
	}
	return srv.Config().HTTP.Client.Transport
}

// brazeTransport is adaTransport for a fake Braze.
func brazeTransport(t *testing.T, answer *adatest.Failure) http.RoundTripper {
	srv := brazetest.New()
	t.Cleanup(srv.Close)
	if answer != nil {
		srv.Fail(brazetest.Failure{Status: answer.Status, Body: answer.Body, Header: answer.Header})
	}
	return srv.Config().HTTP.Client.Transport
}
