package contract

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

const (
	specsVariable = "ADA_PUBLISHED_SPECS"

	// Of Ada's documents.
	platformFile     = "ada-platform-v2-openapi.yml"
	complianceFile   = "ada-data-compliance-openapi.yml"
	dataExportFile   = "ada-data-export-openapi.yml"
	dataExportV1File = "ada-data-export-v1-4-openapi.yml"

	origin = "http://localhost" // where the fake is
)

// api is a part of Ada's API that one document of ours and at most one of Ada's describe.
type api struct {
	name      string
	own       string                 // the file of our document
	published string                 // the file of Ada's; empty: there is none
	has       func(path string) bool // whether a path, from the host on, is of this part
	mends     []mend                 // of Ada's document
	exchanges map[string]func(*testing.T, judge)
}

var apis = []api{
	{
		name: "end users", own: "end-users.yaml", published: platformFile,
		has: func(path string) bool {
			return strings.HasPrefix(path, "/api/v2/end-users/") && path != deletionPath
		},
		mends: []mend{
			{"nameSchemas", nameSchemas},
			{"dropAuthorization", dropAuthorization},
			{"useBearer", useBearer},
			{"addCreated", addCreated},
			{"addTooLarge", addTooLarge},
			{"listDetails", listDetails},
		},
		exchanges: map[string]func(*testing.T, judge){
			"success": manageUsers,
			"invalid": sendInvalidUsers,
			"failure": failUsers,
		},
	},
	{
		name: "bulk deletion", own: "compliance.yaml", published: platformFile,
		has: func(path string) bool {
			return path == deletionPath || strings.HasPrefix(path, "/api/v2/jobs/")
		},
		mends: []mend{
			{"nameSchemas", nameSchemas},
			{"useBearer", useBearer},
		},
		exchanges: map[string]func(*testing.T, judge){
			"success": erase,
			"invalid": sendInvalidErasures,
			"failure": failErasures,
		},
	},
	{
		name: "data subject requests", own: "compliance.yaml", published: complianceFile,
		has: func(path string) bool { return strings.HasPrefix(path, subjectPath) },
		mends: []mend{
			{"dropAuthorization", dropAuthorization},
			{"useBearer", useBearer},
			{"nullEmail", nullEmail},
			{"addRateLimited", addRateLimited},
		},
		exchanges: map[string]func(*testing.T, judge){
			"success": requestErasure,
			"invalid": sendInvalidSubjects,
			"failure": failSubjects,
		},
	},
	{
		name: "webhooks", own: "webhooks.yaml", published: platformFile,
		has: func(path string) bool { return strings.HasPrefix(path, webhooksPath) },
		mends: []mend{
			{"nameSchemas", nameSchemas},
			{"dropAuthorization", dropAuthorization},
			{"useBearer", useBearer},
			{"listDetails", listDetails},
			{"emptyDeleted", emptyDeleted},
			{"addLimits", addLimits},
		},
		exchanges: map[string]func(*testing.T, judge){
			"success": manageWebhooks,
			"invalid": sendInvalidWebhooks,
			"failure": failWebhooks,
		},
	},
	{
		name: "data export", own: "data-export.yaml", published: dataExportFile,
		has: func(path string) bool { return strings.HasPrefix(path, exportPath) },
		mends: []mend{
			{"dropAuthorization", dropAuthorization},
			{"useBearer", useBearer},
			{"listDetails", listDetails},
			{"describeCSAT", describeCSAT},
			{"limitPages", limitPages},
			{"zonelessTimes", zonelessTimes},
			{"zonelessLinks", zonelessLinks},
			{"nullFields", nullFields},
		},
		exchanges: map[string]func(*testing.T, judge){
			"success": export,
			"invalid": sendInvalidExports,
			"failure": failExports,
		},
	},
	{
		name: "data export v1", own: "data-export-v1.yaml", published: dataExportV1File,
		has: func(path string) bool { return strings.HasPrefix(path, exportV1Path) },
		mends: []mend{
			{"anyVersion", anyVersion},
			{"dropAuthorization", dropAuthorization},
			{"useBearer", useBearer},
			{"addUnauthorized", addUnauthorized},
			{"describeCSAT", describeCSAT},
			{"limitPages", limitPages},
			{"zonelessLinks", zonelessLinks},
			{"nullFields", nullFields},
			{"nullLink", nullLink},
		},
		exchanges: map[string]func(*testing.T, judge){
			"success": exportV1,
			"invalid": sendInvalidExportsV1,
			"failure": failExportsV1,
		},
	},
	{
		name: "Braze", own: "braze-users-track.yaml",
		has: func(string) bool { return true },
		exchanges: map[string]func(*testing.T, judge){
			"success": track,
			"invalid": sendInvalidTracks,
			"failure": failTracks,
		},
	},
	{
		name: "proactive SMS", own: "proactive-sms.yaml",
		has: func(string) bool { return true },
		exchanges: map[string]func(*testing.T, judge){
			"success": trigger,
			"invalid": sendInvalidSMS,
			"failure": failSMS,
		},
	},
}

// eachDocument runs a test with each document of an API, ready to judge by.
func (a api) eachDocument(t *testing.T, test func(*testing.T, *openapi3.T)) {
	t.Run("own", func(t *testing.T) { test(t, a.ownDocument(t)) })
	if a.published != "" {
		t.Run("published", func(t *testing.T) { test(t, a.publishedDocument(t)) })
	}
}

// ownDocument returns what this project's document says of the API.
func (a api) ownDocument(t *testing.T) *openapi3.T {
	t.Helper()
	doc := loadOwn(t, a.own)
	narrow(doc, a.has)
	prepare(t, doc)
	return doc
}

// publishedDocument returns what Ada's document says of the API, with its known faults mended.
func (a api) publishedDocument(t *testing.T) *openapi3.T {
	t.Helper()
	doc := a.faultyDocument(t)
	for _, m := range a.mends {
		if !m.apply(doc) {
			t.Errorf("%s has nothing to mend: Ada's document has changed, review the mend", m.name)
		}
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("Ada's document is not valid: %v", err)
	}
	prepare(t, doc)
	return doc
}

// faultyDocument returns what Ada's document says of the API.
func (a api) faultyDocument(t *testing.T) *openapi3.T {
	t.Helper()
	dir := os.Getenv(specsVariable)
	if dir == "" {
		t.Skipf("%s is not set: it names the folder with Ada's %s", specsVariable, a.published)
	}
	doc := load(t, filepath.Join(dir, a.published))
	narrow(doc, a.has)
	return doc
}

func loadOwn(t *testing.T, file string) *openapi3.T {
	t.Helper()
	return load(t, filepath.Join("..", "..", "openapi", file))
}

func load(t *testing.T, file string) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// prefix returns the path that a document has in front of all others: Ada's document of v2 has "/api" there, and the
// others have it in the paths.
func prefix(doc *openapi3.T) string {
	_, path, _ := strings.Cut(doc.Servers[0].URL, ".ada.support")
	return path
}

// narrow leaves only one API in a document. Other parts of Ada's have faults of their own.
func narrow(doc *openapi3.T, has func(path string) bool) {
	for path := range doc.Paths.Map() {
		if !has(prefix(doc) + path) {
			doc.Paths.Delete(path)
		}
	}
}

// prepare makes a document one to judge by. It moves it from Ada's host to the fake's. It also forbids properties that
// the document does not name: hardly any is required, so a misspelt one would pass otherwise. This is also what decides
// between the two answers of the list of end users, which are both objects.
func prepare(t *testing.T, doc *openapi3.T) {
	t.Helper()
	doc.Servers = openapi3.Servers{{URL: origin + prefix(doc)}}
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

// mend is a step that puts a known fault of Ada's document right. It reports whether it found the fault.
type mend struct {
	name  string
	apply func(*openapi3.T) bool
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

// dropAuthorization takes out the Authorization parameters, which OpenAPI says to ignore.
func dropAuthorization(doc *openapi3.T) (found bool) {
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			n := len(op.Parameters)
			op.Parameters = slices.DeleteFunc(op.Parameters, func(p *openapi3.ParameterRef) bool {
				return p.Value.In == openapi3.ParameterInHeader && p.Value.Name == "Authorization"
			})
			found = found || len(op.Parameters) < n
		}
	}
	return found
}

// useBearer requires the security scheme that the document defines and does not use.
func useBearer(doc *openapi3.T) bool {
	if len(doc.Security) > 0 {
		return false
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.Security != nil {
				return false
			}
		}
	}
	for name, scheme := range doc.Components.SecuritySchemes {
		if scheme.Value.Type == "http" && scheme.Value.Scheme == "bearer" {
			doc.Security = openapi3.SecurityRequirements{openapi3.NewSecurityRequirement().Authenticate(name)}
		}
	}
	return len(doc.Security) > 0
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

// nullEmail lets the email of an answer be null, as the document's text says that it is where none was sent. The schema
// is also that of a request's email, which stays a string.
func nullEmail(doc *openapi3.T) bool {
	answer := doc.Paths.Value(subjectPath).Post.Responses.Value("200").Value.Content["application/json"].Schema.Value
	email := *answer.Properties["email"].Value
	if email.Type.Includes(openapi3.TypeNull) {
		return false
	}
	email.Type = &openapi3.Types{openapi3.TypeString, openapi3.TypeNull}
	answer.Properties["email"] = openapi3.NewSchemaRef("", &email)
	return true
}

// addRateLimited adds the 429 that Ada's earlier documentation of data subject requests lists, and this document does
// not. It has the form of the other errors, which is any.
func addRateLimited(doc *openapi3.T) bool {
	answers := doc.Paths.Value(subjectPath).Post.Responses
	return addAnswer(answers, "429", answers.Value("400"))
}

// emptyDeleted takes the body out of the answer to a deletion, which has the status of answers that have none.
func emptyDeleted(doc *openapi3.T) bool {
	answer := doc.Paths.Value("/v2/webhooks/{id}").Delete.Responses.Value("204").Value
	found := answer.Content != nil
	answer.Content = nil
	return found
}

// addLimits adds the 429, which the document has for the list of webhooks alone, to all of their operations: Ada's page
// on limits says that they hold for every endpoint.
func addLimits(doc *openapi3.T) (found bool) {
	limited := doc.Paths.Value("/v2/webhooks/").Get.Responses.Value("429")
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			found = addAnswer(op.Responses, "429", limited) || found
		}
	}
	return found
}

// anyVersion lets the document be of every version before v2. Ada publishes that of the last alone, and the records of
// the earlier ones have a part of its fields.
func anyVersion(doc *openapi3.T) (found bool) {
	version := openapi3.NewPathParameter("version").
		WithSchema(openapi3.NewStringSchema().WithEnum("v1", "v1.1", "v1.2", "v1.3", "v1.4"))
	for path, item := range doc.Paths.Map() {
		if resource, ok := strings.CutPrefix(path, exportV1Path+"v1.4/"); ok {
			doc.Paths.Delete(path)
			item.Parameters = append(item.Parameters, &openapi3.ParameterRef{Value: version})
			doc.Paths.Set(exportV1Path+"{version}/"+resource, item)
			found = true
		}
	}
	return found
}

// addUnauthorized adds the 401, which the document leaves out although it requires a token. It has the form of the
// other errors, which is any.
func addUnauthorized(doc *openapi3.T) (found bool) {
	for _, item := range doc.Paths.Map() {
		found = addAnswer(item.Get.Responses, "401", item.Get.Responses.Value("400")) || found
	}
	return found
}

// describeCSAT gives the answer to a survey the properties that Ada's documentation shows. The document has an object
// without any.
func describeCSAT(doc *openapi3.T) bool {
	csat := doc.Components.Schemas["Conversation"].Value.Properties["csat"].Value
	if len(csat.Properties) > 0 {
		return false
	}
	null := func(s *openapi3.Schema) *openapi3.SchemaRef {
		*s.Type = append(*s.Type, openapi3.TypeNull)
		return openapi3.NewSchemaRef("", s)
	}
	csat.Properties = openapi3.Schemas{
		"comment":     null(openapi3.NewStringSchema()),
		"feedback":    null(openapi3.NewArraySchema().WithItems(openapi3.NewStringSchema())),
		"is_positive": openapi3.NewSchemaRef("", openapi3.NewBoolSchema()),
		"resolved":    null(openapi3.NewBoolSchema()),
		"score":       openapi3.NewSchemaRef("", openapi3.NewIntegerSchema()),
		"style":       openapi3.NewSchemaRef("", openapi3.NewStringSchema()),
		"survey_type": openapi3.NewSchemaRef("", openapi3.NewStringSchema()),
	}
	return true
}

// limitPages adds the limits of the size of a page, which the document has only in its text.
func limitPages(doc *openapi3.T) (found bool) {
	for _, item := range doc.Paths.Map() {
		size := item.Get.Parameters.GetByInAndName(openapi3.ParameterInQuery, "page_size").Schema.Value
		found = found || size.Min == nil
		size.Min, size.Max = openapi3.Ptr(100.0), openapi3.Ptr(10000.0)
	}
	return found
}

// zonelessTimes lets the times of conversations come without a zone, as they do in v2. The format that the document
// gives them requires one.
func zonelessTimes(doc *openapi3.T) (found bool) {
	for _, name := range []string{"date_created", "date_updated", "record_last_updated"} {
		field := doc.Components.Schemas["Conversation"].Value.Properties[name].Value
		found = found || field.Format != ""
		field.Format = ""
	}
	return found
}

// zonelessLinks lets the times of requests come without a zone, as they do in the links to the next page. The document
// gives them a format that requires one.
func zonelessLinks(doc *openapi3.T) (found bool) {
	for _, item := range doc.Paths.Map() {
		for _, p := range item.Get.Parameters {
			if schema := p.Value.Schema.Value; schema.Format == "date-time" {
				schema.Format = ""
				schema.Pattern = `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?$`
				found = true
			}
		}
	}
	return found
}

// nullFields lets be null what the document's own text says can be, what the document of v2 lets be null and that of
// v1.4 does not, and what a conversation need not have, of which both say nothing: nobody need answer a survey, for
// example, and a call by phone has no browser.
func nullFields(doc *openapi3.T) (found bool) {
	for schema, fields := range map[string][]string{
		"Conversation": {
			"agent_handle_time", "automated_resolution_classification", "automated_resolution_classification_reason", "browser",
			"browser_version", "csat", "device", "end_user_id", "generated_topic_id", "generated_topic_label",
			"generated_topic_v2_desc", "generated_topic_v2_id", "generated_topic_v2_parent_id", "generated_topic_v2_title",
			"language", "last_agent_id", "last_agent_name", "oauth_channel", "record_last_updated",
		},
		"Message": {"answer_id", "answer_title", "chatter_id", "in_response_to", "link_was_clicked"},
	} {
		properties := doc.Components.Schemas[schema].Value.Properties
		for _, name := range fields {
			if field := properties[name]; field != nil && !field.Value.Type.Includes(openapi3.TypeNull) {
				*field.Value.Type = append(*field.Value.Type, openapi3.TypeNull)
				found = true
			}
		}
	}
	return found
}

// nullLink lets the link to the next page be null, as it is on the last one.
func nullLink(doc *openapi3.T) (found bool) {
	for _, page := range []string{"ConversationsResponse", "MessagesResponse"} {
		link := doc.Components.Schemas[page].Value.Properties["next_page_uri"].Value
		if !link.Type.Includes(openapi3.TypeNull) {
			*link.Type = append(*link.Type, openapi3.TypeNull)
			found = true
		}
	}
	return found
}
