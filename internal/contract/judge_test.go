package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

const (
	specsVariable = "ADA_PUBLISHED_SPECS"
	publishedFile = "ada-platform-v2-openapi.yml"
	ownFile       = "../../openapi/end-users.yaml"

	origin = "http://localhost" // where the fake is
)

// documents are what to judge by.
var documents = map[string]func(*testing.T) *openapi3.T{"own": own, "published": published}

// own returns this project's document.
func own(t *testing.T) *openapi3.T {
	t.Helper()
	doc := load(t, ownFile)
	serve(doc)
	shut(t, doc)
	return doc
}

// published returns what Ada's document says of end users, with its known faults mended.
func published(t *testing.T) *openapi3.T {
	t.Helper()
	dir := os.Getenv(specsVariable)
	if dir == "" {
		t.Skipf("%s is not set: it names the folder with Ada's %s", specsVariable, publishedFile)
	}
	doc := load(t, filepath.Join(dir, publishedFile))
	narrow(doc)
	for _, m := range mends {
		if !m.apply(doc) {
			t.Errorf("%s has nothing to mend: Ada's document has changed, review the mend", m.name)
		}
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("Ada's document is not valid: %v", err)
	}
	serve(doc)
	shut(t, doc)
	return doc
}

func load(t *testing.T, file string) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// narrow leaves only the end users in Ada's document, without their bulk deletion, which the SDK does not have. Other
// parts have faults of their own.
func narrow(doc *openapi3.T) {
	for path := range doc.Paths.Map() {
		if !strings.HasPrefix(path, "/v2/end-users/") || path == "/v2/end-users/delete" {
			doc.Paths.Delete(path)
		}
	}
}

// serve moves a document from Ada's host to the fake's, and keeps the path that is in front of all others: Ada's
// document has "/api" there, and ours has it in the paths.
func serve(doc *openapi3.T) {
	_, prefix, _ := strings.Cut(doc.Servers[0].URL, ".ada.support")
	doc.Servers = openapi3.Servers{{URL: origin + prefix}}
}

// shut forbids properties that the document does not name. Hardly any is required, so a misspelt one would pass
// otherwise. It also decides between the two answers of the list, which are both objects.
func shut(t *testing.T, doc *openapi3.T) {
	t.Helper()
	err := doc.WalkSchemas(func(_ string, ref *openapi3.SchemaRef) error {
		if s := ref.Value; len(s.Properties) > 0 && s.AdditionalProperties == (openapi3.AdditionalProperties{}) {
			s.WithoutAdditionalProperties()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// mends are the steps that put known faults of Ada's document right. Each reports whether it found its fault.
var mends = []struct {
	name  string
	apply func(*openapi3.T) bool
}{
	{"nameSchemas", nameSchemas},
	{"useBearer", useBearer},
	{"addCreated", addCreated},
	{"addTooLarge", addTooLarge},
	{"listDetails", listDetails},
}

// nameSchemas takes the spaces out of names, where OpenAPI does not allow them. What refers to a schema by its name
// holds the schema since it was loaded.
func nameSchemas(doc *openapi3.T) (found bool) {
	for name, schema := range doc.Components.Schemas {
		if strings.Contains(name, " ") {
			delete(doc.Components.Schemas, name)
			doc.Components.Schemas[strings.ReplaceAll(name, " ", "_")] = schema
			found = true
		}
	}
	return found
}

// useBearer replaces the Authorization parameters, which OpenAPI says to ignore, with the security scheme that the
// document defines and does not use.
func useBearer(doc *openapi3.T) (found bool) {
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for i, p := range op.Parameters {
				if p.Value.In == openapi3.ParameterInHeader && p.Value.Name == "Authorization" {
					op.Parameters = append(op.Parameters[:i:i], op.Parameters[i+1:]...)
					found = true
					break
				}
			}
		}
	}
	doc.Security = openapi3.SecurityRequirements{openapi3.NewSecurityRequirement().Authenticate("BearerAuth")}
	return found
}

// addCreated adds the 201 that the document mentions only in the text about external_id.
func addCreated(doc *openapi3.T) bool {
	answers := doc.Paths.Value("/v2/end-users/").Post.Responses
	return addAnswer(answers, "201", answers.Value("200"))
}

// addTooLarge adds the 413 to the update, which the document has for the creation: the limit on bodies is the same.
func addTooLarge(doc *openapi3.T) bool {
	create, update := doc.Paths.Value("/v2/end-users/").Post, doc.Paths.Value("/v2/end-users/{end_user_id}").Patch
	return addAnswer(update.Responses, "413", create.Responses.Value("413"))
}

func addAnswer(answers *openapi3.Responses, status string, answer *openapi3.ResponseRef) bool {
	if answers.Value(status) != nil {
		return false
	}
	answers.Set(status, answer)
	return true
}

// listDetails lets the details of an error be a list, as they are of a validation_error since 2026-06-26. The document
// still says string or null.
func listDetails(doc *openapi3.T) bool {
	details := doc.Components.Schemas["ErrorsErrorsItems"].Value.Properties["details"].Value
	if details.Type.Includes(openapi3.TypeArray) {
		return false
	}
	*details.Type = append(*details.Type, openapi3.TypeArray)
	return true
}

// judge passes requests on and reports what in them or in their answers is against the document.
type judge struct {
	next        http.RoundTripper
	router      routers.Router
	report      func(violation string)
	answersOnly bool            // requests are wrong on purpose
	seen        map[string]bool // the operation and the status of each answer
}

func newJudge(t *testing.T, doc *openapi3.T, report func(violation string)) judge {
	t.Helper()
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return judge{router: router, report: report, seen: map[string]bool{}}
}

// on returns the judge in front of a transport. What it has seen is shared.
func (j judge) on(next http.RoundTripper) judge {
	j.next = next
	return j
}

// forgiving returns the judge as one that judges answers only. What it has seen is shared.
func (j judge) forgiving() judge {
	j.answersOnly = true
	return j
}

// RoundTrip implements [http.RoundTripper].
func (j judge) RoundTrip(req *http.Request) (*http.Response, error) {
	again := func() *http.Request { return req }
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		again = func() *http.Request {
			r := req.Clone(req.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
			return r
		}
	}
	resp, err := j.next.RoundTrip(again())
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	j.check(again(), resp, body)
	return resp, nil
}

func (j judge) check(req *http.Request, resp *http.Response, body []byte) {
	route, pathParams, err := j.router.FindRoute(req)
	if err != nil {
		j.report(fmt.Sprintf("%s %s: %v", req.Method, req.URL.EscapedPath(), err))
		return
	}
	name := route.Method + " " + route.Path
	j.seen[fmt.Sprintf("%s %d", name, resp.StatusCode)] = true
	sent := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: pathParams, Route: route,
		Options: &openapi3filter.Options{
			MultiError:                        true,
			RejectWhenRequestBodyNotSpecified: true,
			SkipSettingDefaults:               true,
			AuthenticationFunc:                authenticate,
		},
	}
	if !j.answersOnly {
		if err := openapi3filter.ValidateRequest(req.Context(), sent); err != nil {
			j.report(fmt.Sprintf("%s: request: %v", name, err))
		}
		for query := range req.URL.Query() { // ValidateRequest lets unknown ones pass
			if route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, query) == nil {
				j.report(fmt.Sprintf("%s: request: parameter %q in query is not documented", name, query))
			}
		}
	}
	got := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: sent, Status: resp.StatusCode, Header: resp.Header,
		Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(req.Context(), got.SetBodyBytes(body)); err != nil {
		j.report(fmt.Sprintf("%s: answer %d: %v", name, resp.StatusCode, err))
	}
}

// authenticate wants a bearer token. Whether it is the right one is for the server to say.
func authenticate(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	header := in.RequestValidationInput.Request.Header.Values("Authorization")
	if len(header) != 1 {
		return errors.New("there is not one Authorization header")
	}
	if token, ok := strings.CutPrefix(header[0], "Bearer "); !ok || token == "" {
		return errors.New("the Authorization header has no bearer token")
	}
	return nil
}
