package dataexport_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
	gen "github.com/adasdk/ada-go/internal/gen/dataexport"
	genv1 "github.com/adasdk/ada-go/internal/gen/dataexportv1"
)

type answerer func() io.Reader

func (r answerer) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(r()), ContentLength: -1,
	}, nil
}

// bodies returns a client whose every request is answered with what body returns, and which asks only once.
func bodies(tb testing.TB, body func() io.Reader) *dataexport.Client {
	tb.Helper()
	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: "key", HTTP: ada.HTTPConfig{
		Client: &http.Client{Transport: answerer(body)}, Limiter: ada.Unpaced, Retry: ada.RetryPolicy{MaxAttempts: 1},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	return dataexport.New(client)
}

// holding returns a client of an API with one page, which holds these records.
func holding(tb testing.TB, records ...string) *dataexport.Client {
	tb.Helper()
	body := pageOf(records...)
	return bodies(tb, func() io.Reader { return strings.NewReader(body) })
}

func pageOf(records ...string) string {
	return `{"data":[` + strings.Join(records, ",") + `],"meta":{"next_page_uri":null}}`
}

func lastDay() dataexport.Query { return dataexport.Query{Since: time.Now().AddDate(0, 0, -1)} }

// conversation decodes one from a page, and again from its Raw. The result has no Raw.
func conversation(t *testing.T, record string) dataexport.Conversation {
	t.Helper()
	var found []dataexport.Conversation
	for c, err := range holding(t, record).Conversations(t.Context(), lastDay()) {
		if err != nil {
			t.Fatalf("%.300s: %v", record, err)
		}
		found = append(found, *c)
	}
	if len(found) != 1 {
		t.Fatalf("%.300s: %d conversations", record, len(found))
	}
	c := found[0]
	if string(c.Raw) != record {
		t.Errorf("Raw is %.300s, want %.300s", c.Raw, record)
	}
	again := dataexport.Conversation{ID: "another", Platform: "another"}
	if err := json.Unmarshal(c.Raw, &again); err != nil {
		t.Errorf("%.300s does not come back from Raw: %v", record, err)
	}
	if !reflect.DeepEqual(c, again) {
		t.Errorf("%.300s comes back from Raw as another (-once +again)\n%s", record, cmp.Diff(c, again))
	}
	c.Raw = nil
	return c
}

// message does the same for a message.
func message(t *testing.T, record string) dataexport.Message {
	t.Helper()
	var found []dataexport.Message
	for m, err := range holding(t, record).Messages(t.Context(), lastDay()) {
		if err != nil {
			t.Fatalf("%.300s: %v", record, err)
		}
		found = append(found, *m)
	}
	if len(found) != 1 {
		t.Fatalf("%.300s: %d messages", record, len(found))
	}
	m := found[0]
	if string(m.Raw) != record {
		t.Errorf("Raw is %.300s, want %.300s", m.Raw, record)
	}
	again := dataexport.Message{ID: "another", Sender: "another"}
	if err := json.Unmarshal(m.Raw, &again); err != nil {
		t.Errorf("%.300s does not come back from Raw: %v", record, err)
	}
	if !reflect.DeepEqual(m, again) {
		t.Errorf("%.300s comes back from Raw as another (-once +again)\n%s", record, cmp.Diff(m, again))
	}
	m.Raw = nil
	return m
}

// field decodes a conversation with one more field.
func field(t *testing.T, name, value string) dataexport.Conversation {
	t.Helper()
	return conversation(t, `{"_id":"1","`+name+`":`+value+`}`)
}

func utc(year int, month time.Month, day, hour, minute, second, nanosecond int) time.Time {
	return time.Date(year, month, day, hour, minute, second, nanosecond, time.UTC)
}

func yes() *bool { b := true; return &b }
func no() *bool  { return new(bool) }

// A conversation in the forms of the versions: those of v1 and v1.1 are Ada's own example.
func TestConversation(t *testing.T) {
	const metavariables = `{
        "browser": "chrome",
        "browser_version": "85.0.4183.102",
        "device": "macos",
        "introshown": "False",
        "language": "en",
        "last_answer_id": "5f68f4fe4a4ef2c1cd2d8a11",
        "last_question_asked": "Ada",
        "test_user": "1",
        "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_6) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/85.0.4183.102 Safari/537.36"
      }`
	tests := map[string]struct {
		record string
		want   dataexport.Conversation
	}{
		"v1": {
			`{
      "_id": "5f68f4fe4a4ef2c1cd2d8a0e",
      "chatter_id": "5f68f4fe4a4ef2c1cd2d8a0f",
      "csat": {
        "comment": null,
        "feedback": [
          "(helpful_resolution)"
        ],
        "is_positive": true,
        "resolved": true,
        "score": 5,
        "style": "EMOJI",
        "survey_type": "end_chat"
      },
      "date_created": "2020-09-21T04:30:22.681000+00:00",
      "date_updated": "2020-09-21T04:33:57.614000+00:00",
      "is_engaged": true,
      "is_escalated": false,
      "metavariables": ` + metavariables + `,
      "platform": "chat",
      "variables": {
        "name": "Ada"
      }
    }`,
			dataexport.Conversation{
				ID: "5f68f4fe4a4ef2c1cd2d8a0e", ChatterID: "5f68f4fe4a4ef2c1cd2d8a0f",
				CreatedAt: utc(2020, 9, 21, 4, 30, 22, 681_000_000), UpdatedAt: utc(2020, 9, 21, 4, 33, 57, 614_000_000),
				Platform: "chat", Engaged: true,
				CSAT: &dataexport.CSAT{
					Score: 5, Positive: true, Resolved: yes(), Feedback: []string{"(helpful_resolution)"}, Style: "EMOJI", SurveyType: "end_chat",
				},
				Metavariables: dataexport.Variables(metavariables),
				Variables:     dataexport.Variables("{\n        \"name\": \"Ada\"\n      }"),
			},
		},
		"v1.4": {
			`{"_id":"c1","chatter_id":"h1","date_created":"2024-06-20T10:00:00.000001+00:00","date_updated":"2024-06-20T10:05:00","platform":"chat",
			"is_engaged":true,"is_escalated":true,"csat":null,"metavariables":{},"variables":{},"agent_id":["a1","a2"],"agent_name":["Ann","Bob"],
			"browser":"safari","browser_version":"17.4","device":"iphone","oauth_channel":"facebook","is_test_user":true,"language":"fr",
			"automated_resolution_classification":"Not Resolved","automated_resolution_classification_reason":"It went to a person.",
			"end_user_id":"e1","generated_topic_id":"t1","generated_topic_label":"Orders","generated_topic_v2_id":"t2","generated_topic_v2_title":"Late orders",
			"generated_topic_v2_desc":"Orders that are late","generated_topic_v2_parent_id":"t3","inquiry_summary":"Where is the order?",
			"agent_handle_time":61.25,"bot_handle_time":0.1,"record_last_updated":"2024-06-21T00:00:00Z"}`,
			dataexport.Conversation{
				ID: "c1", ChatterID: "h1", EndUserID: "e1",
				CreatedAt: utc(2024, 6, 20, 10, 0, 0, 1000), UpdatedAt: utc(2024, 6, 20, 10, 5, 0, 0), ExportedAt: utc(2024, 6, 21, 0, 0, 0, 0),
				Platform: "chat", Browser: "safari", BrowserVersion: "17.4", Device: "iphone", OAuthChannel: "facebook", Language: "fr", TestUser: true,
				Engaged: true, Escalated: true, AgentIDs: []string{"a1", "a2"}, AgentNames: []string{"Ann", "Bob"},
				AgentHandleTime: 61*time.Second + 250*time.Millisecond, BotHandleTime: 100 * time.Millisecond,
				Resolution: dataexport.NotResolved, ResolutionReason: "It went to a person.", InquirySummary: "Where is the order?",
				Topic:         dataexport.Topic{ID: "t1", Title: "Orders"},
				TopicV2:       dataexport.Topic{ID: "t2", Title: "Late orders", Description: "Orders that are late", ParentID: "t3"},
				Metavariables: dataexport.Variables(`{}`), Variables: dataexport.Variables(`{}`),
			},
		},
		"v2": {
			`{"_id":"c2","date_created":"2026-10-06T09:00:00.123456","date_updated":"2026-10-06T09:01:00",
			"csat":{"comment":"Merci","feedback":null,"is_positive":false,"resolved":false,"score":1,"style":"NUMERIC","survey_type":"proactive"},
			"automated_resolution_classification":"Resolved","agent_handle_time":null,"bot_handle_time":"12.5","last_agent_id":"a2","last_agent_name":"Bob",
			"classifications":[{"topic_id":"t1","topic_name":"Orders","intents":[{"intent_id":"i1","intent_name":"Late","status":"active"},{"intent_id":"i2","intent_name":"Lost","status":"inactive"}]},{"topic_id":"t2","topic_name":"Money","intents":[]}],
			"used_articles":[{"id":"k1","name":"Delivery","url":"https://example.com/k1","source":"Zendesk"},{"id":"k2","name":"Refunds","url":null,"source":null}],
			"used_playbooks":[{"id":"p1","name":"Refund","playbook_execution_id":"x1","outcome_status":"completed"}],
			"used_coaching":[{"id":"g1","entity_name":"Refund","coaching_type":"playbook","coaching_instructions":"Be brief.","coaching_intent":"Asks for money"}]}`,
			dataexport.Conversation{
				ID: "c2", CreatedAt: utc(2026, 10, 6, 9, 0, 0, 123_456_000), UpdatedAt: utc(2026, 10, 6, 9, 1, 0, 0),
				CSAT:       &dataexport.CSAT{Score: 1, Resolved: no(), Comment: "Merci", Style: "NUMERIC", SurveyType: "proactive"},
				Resolution: dataexport.Resolved, BotHandleTime: 12*time.Second + 500*time.Millisecond, LastAgentID: "a2", LastAgentName: "Bob",
				Classifications: []dataexport.Classification{
					{TopicID: "t1", TopicName: "Orders", Intents: []dataexport.Intent{{ID: "i1", Name: "Late", Status: "active"}, {ID: "i2", Name: "Lost", Status: "inactive"}}},
					{TopicID: "t2", TopicName: "Money"},
				},
				UsedArticles: []dataexport.UsedArticle{
					{ID: "k1", Name: "Delivery", URL: "https://example.com/k1", Source: "Zendesk"}, {ID: "k2", Name: "Refunds"},
				},
				UsedPlaybooks: []dataexport.UsedPlaybook{{ID: "p1", Name: "Refund", ExecutionID: "x1", Outcome: "completed"}},
				UsedCoaching: []dataexport.UsedCoaching{
					{ID: "g1", EntityName: "Refund", Type: "playbook", Instructions: "Be brief.", Intent: "Asks for money"},
				},
			},
		},
		"all but the id is missing": {`{"_id":"c3"}`, dataexport.Conversation{ID: "c3"}},
		"all there is is null": {
			`{"_id":"c3","chatter_id":null,"date_created":null,"csat":null,"agent_id":null,"classifications":null,"variables":null,"is_engaged":null,"bot_handle_time":null}`,
			dataexport.Conversation{ID: "c3"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, conversation(t, tt.record)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestMessage(t *testing.T) {
	tests := map[string]struct {
		record string
		want   dataexport.Message
	}{
		"v1": {
			`{"_id":"m1","answer_title":null,"conversation_id":"c1","date_created":"2020-09-21T04:30:22.268000+00:00","message_data":
			{"_type":"greeting","external_chat_id":"3b7","reviewable_message":false},"recipient":"ada","review":0,"sender":"9a1"}`,
			dataexport.Message{
				ID: "m1", ConversationID: "c1", CreatedAt: utc(2020, 9, 21, 4, 30, 22, 268_000_000), Sender: "9a1", Recipient: "ada",
				Data: dataexport.Greeting{ExternalChatID: "3b7"},
			},
		},
		"v1.1": {
			`{"_id":"m1","answer_title":"Prices","conversation_id":"c1","chatter_id":"h1","date_created":"2020-09-21T04:30:23+00:00","message_data":
			{"_type":"meta","meta_message_data":{"id":"v1","name":"browser","new_value":"chrome","old_value":null,"scope":"meta"},"meta_message_type":"variable_change"},
			"recipient":"9a1","review":-1,"sender":"bot"}`,
			dataexport.Message{
				ID: "m1", ConversationID: "c1", ChatterID: "h1", CreatedAt: utc(2020, 9, 21, 4, 30, 23, 0), Sender: "bot", Recipient: "9a1", AnswerTitle: "Prices", Review: -1,
				Data: dataexport.Meta{Kind: "variable_change", ID: "v1", Name: "browser", Scope: "meta", NewValue: "chrome"},
			},
		},
		"v2": {
			`{"_id":"m2","conversation_id":"c1","chatter_id":"h1","date_created":"2026-10-06T09:00:00.123456Z","record_last_updated":"2026-10-06T09:00:01Z","sender":"Ada",
			"recipient":"h1","in_response_to":"m1","answer_id":"w1","answer_title":"Prices","link_was_clicked":false,"review":1,"message_data":{"_type":"text","body":"Hi 👋"}}`,
			dataexport.Message{
				ID: "m2", ConversationID: "c1", ChatterID: "h1", CreatedAt: utc(2026, 10, 6, 9, 0, 0, 123_456_000), ExportedAt: utc(2026, 10, 6, 9, 0, 1, 0),
				Sender: "Ada", Recipient: "h1", InResponseTo: "m1", AnswerID: "w1", AnswerTitle: "Prices", LinkClicked: no(), Review: 1,
				Data: dataexport.Text{Body: "Hi 👋"},
			},
		},
		"all but the id is missing": {`{"_id":"m3"}`, dataexport.Message{ID: "m3"}},
		"all there is is null": {
			`{"_id":"m3","chatter_id":null,"date_created":null,"link_was_clicked":null,"review":null,"message_data":null}`, dataexport.Message{ID: "m3"},
		},
		"the last data counts": {
			`{"_id":"m3","message_data":{"_type":"text","body":"a"},"message_data":null,"review":1,"review":null}`, dataexport.Message{ID: "m3"},
		},
		"a link was clicked": {`{"_id":"m3","link_was_clicked":true}`, dataexport.Message{ID: "m3", LinkClicked: yes()}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, message(t, tt.record)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestMessageData(t *testing.T) {
	other := func(name, raw string) dataexport.OtherData {
		return dataexport.OtherData{Name: name, Raw: json.RawMessage(raw)}
	}
	tests := []struct {
		data string
		want dataexport.MessageData
		name string // what Type returns
	}{
		{`{"_type":"greeting","external_chat_id":"3b7","reviewable_message":true}`, dataexport.Greeting{ExternalChatID: "3b7", Reviewable: true}, "greeting"},
		{
			`{"_type":"text","body":"Hi there 👋 I’m Ada","has_variables":true,"reviewable_message":true}`,
			dataexport.Text{Body: "Hi there 👋 I’m Ada", HasVariables: true, Reviewable: true},
			"text",
		},
		{
			`{"_type":"picture","alt_text":"Ada waving \"hello\"","has_variables":true,"pic_url":"https://example.com/a.gif","reviewable_message":true}`,
			dataexport.Picture{URL: "https://example.com/a.gif", AltText: `Ada waving "hello"`, HasVariables: true, Reviewable: true},
			"picture",
		},
		{
			`{"_type":"quick_replies","has_variables":true,"is_forced":true,"quick_replies":[{"button_type":"suggestion","label":"Pricing","target":"w1"},
			{"button_type":"link","label":"Request a Demo","target":"w2"}],"reviewable_message":true}`,
			dataexport.QuickReplies{
				Replies: []dataexport.QuickReply{
					{ButtonType: "suggestion", Label: "Pricing", Target: "w1"}, {ButtonType: "link", Label: "Request a Demo", Target: "w2"},
				},
				Forced: true, HasVariables: true, Reviewable: true,
			},
			"quick_replies",
		},
		{
			`{"_type":"trigger","body":"Ask something else","button_type":"suggestion","external_chat_id":"3b7","reviewable_message":true}`,
			dataexport.Trigger{Body: "Ask something else", ButtonType: "suggestion", ExternalChatID: "3b7", Reviewable: true},
			"trigger",
		},
		{
			`{"_type":"meta","meta_message_data":{"id":"v1","name":"seats","new_value":9007199254740993,"old_value":[1.0],"scope":"global"},"meta_message_type":"variable_change"}`,
			dataexport.Meta{
				Kind: "variable_change", ID: "v1", Name: "seats", Scope: "global", OldValue: json.RawMessage(`[1.0]`), NewValue: int64(9007199254740993),
			},
			"meta",
		},
		{`{"_type":"meta","meta_message_data":null}`, dataexport.Meta{}, "meta"},
		{
			`{"_type":"link","alt_text":"alt","generate_link_preview":true,"has_variables":true,"is_handoff":true,"link_description":"description","link_icon":"icon",
			"link_text":"text","new_window":true,"raw_url":"https://example.com/{id}","reviewable_message":true,"title":"title","url":"https://example.com/1"}`,
			dataexport.Link{
				URL: "https://example.com/1", RawURL: "https://example.com/{id}", Title: "title", Text: "text", Description: "description", Icon: "icon", AltText: "alt",
				NewWindow: true, GeneratePreview: true, Handoff: true, HasVariables: true, Reviewable: true,
			},
			"link",
		},
		{
			`{"_type":"web_window","has_forced_quick_replies":true,"has_variables":true,"is_handoff":true,"locked":true,"raw_url":"https://example.com/{id}",
			"reviewable_message":true,"window_button_label":"Open me","window_height":568,"window_title":"Webwindow","window_url":"https://example.com/1","window_width":320}`,
			dataexport.WebWindow{
				URL: "https://example.com/1", RawURL: "https://example.com/{id}", Title: "Webwindow", ButtonLabel: "Open me", Width: 320, Height: 568,
				Locked: true, Handoff: true, HasForcedQuickReplies: true, HasVariables: true, Reviewable: true,
			},
			"web_window",
		},
		{`{"_type":"csat_shown","survey_type":"proactive","sms_text":"How was it?"}`, dataexport.CSATShown{SurveyType: "proactive", SMSText: "How was it?"}, "csat_shown"},
		{
			`{"_type":"csat","is_positive":true,"score":5,"style":"NUMERIC","survey_type":"proactive"}`,
			dataexport.CSATAnswer{Score: 5, Positive: true, Style: "NUMERIC", SurveyType: "proactive"},
			"csat",
		},
		{`{"_type":"sms_consent_asked","new":[1]}`, dataexport.SMSConsentAsked{}, "sms_consent_asked"},
		{`{"body":"last","_type":"text"}`, dataexport.Text{Body: "last"}, "text"},
		{`{"_type":"text","body":"a","_type":"trigger"}`, dataexport.Trigger{Body: "a"}, "trigger"},

		{`{"_type":"tool_call","name":"refund","arguments":{"n":1.0}}`, other("tool_call", `{"_type":"tool_call","name":"refund","arguments":{"n":1.0}}`), "tool_call"},
		{`{"_type":"list_selection","body":7}`, other("list_selection", `{"_type":"list_selection","body":7}`), "list_selection"},
		{`{"_type":"surfaceable_list_selection"}`, other("surfaceable_list_selection", `{"_type":"surfaceable_list_selection"}`), "surfaceable_list_selection"},
		{`{"_type":"presence", "a" : [] }`, other("presence", `{"_type":"presence", "a" : [] }`), "presence"},
		{`{"_type":"TEXT","body":"a"}`, other("TEXT", `{"_type":"TEXT","body":"a"}`), "TEXT"},
		{`{"_type":null}`, other("", `{"_type":null}`), ""},
		{`{}`, other("", `{}`), ""},
		{`null`, nil, ""},
	}
	for _, tt := range tests {
		got := message(t, `{"_id":"1","message_data":`+tt.data+`}`)
		if diff := cmp.Diff(tt.want, got.Data); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.data, diff)
		}
		if got.Data != nil && got.Data.Type() != tt.name {
			t.Errorf("%s: Type is %q, want %q", tt.data, got.Data.Type(), tt.name)
		}
	}
}

// property is a property of a record as the OpenAPI document has it.
type property struct {
	path    string // as a fault names it
	model   reflect.Type
	record  func(value string) string // the record with this value and nothing else
	without string                    // the record without it
	nested  bool                      // it has properties of its own, which are listed too
}

func (p property) name() string { return p.path[strings.LastIndexByte(p.path, '.')+1:] }

// properties lists those of a generated model, and of the models in it. record returns a record with these fields in
// the place of the model's.
func properties(model reflect.Type, path string, record func(fields string) string) (all []property) {
	for i := range model.NumField() {
		f := model.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := property{
			path: path + name, model: f.Type, without: record(""),
			record: func(value string) string { return record(`"` + name + `":` + value) },
		}
		if p.model.Kind() == reflect.Pointer {
			p.model = p.model.Elem()
		}
		var below []property
		switch {
		case p.model.Kind() == reflect.Struct:
			below = properties(p.model, p.path+".", func(fields string) string { return p.record(`{` + fields + `}`) })
		case p.model.Kind() == reflect.Slice && p.model.Elem().Kind() == reflect.Struct:
			below = properties(p.model.Elem(), p.path+"[1].", func(fields string) string { return p.record(`[{},{` + fields + `}]`) })
		}
		p.nested = below != nil
		all = append(append(all, p), below...)
	}
	return all
}

func object(fields ...string) string {
	fields = slices.DeleteFunc(slices.Clone(fields), func(s string) bool { return s == "" })
	return "{" + strings.Join(fields, ",") + "}"
}

// contents are the types of message_data.
var contents = []struct {
	model any
	name  string
	data  dataexport.MessageData
}{
	{gen.GreetingData{}, "greeting", dataexport.Greeting{}},
	{gen.TextData{}, "text", dataexport.Text{}},
	{gen.PictureData{}, "picture", dataexport.Picture{}},
	{gen.QuickRepliesData{}, "quick_replies", dataexport.QuickReplies{}},
	{gen.TriggerData{}, "trigger", dataexport.Trigger{}},
	{gen.MetaData{}, "meta", dataexport.Meta{}},
	{gen.LinkData{}, "link", dataexport.Link{}},
	{gen.WebWindowData{}, "web_window", dataexport.WebWindow{}},
	{gen.CSATShownData{}, "csat_shown", dataexport.CSATShown{}},
	{gen.CSATData{}, "csat", dataexport.CSATAnswer{}},
}

func conversationProperties() []property {
	record := func(fields string) string { return object(`"_id":"1"`, fields) }
	return append(properties(reflect.TypeFor[gen.Conversation](), "", record), properties(reflect.TypeFor[genv1.Conversation](), "", record)...)
}

func messageProperties() []property {
	record := func(fields string) string { return object(`"_id":"1"`, fields) }
	all := append(properties(reflect.TypeFor[gen.Message](), "", record), properties(reflect.TypeFor[genv1.Message](), "", record)...)
	for _, c := range contents {
		all = append(all, properties(reflect.TypeOf(c.model), "message_data.", func(fields string) string {
			return record(`"message_data":` + object(`"_type":"`+c.name+`"`, fields))
		})...)
	}
	return all
}

// sample is a value of a property.
func sample(model reflect.Type) string {
	switch {
	case model == reflect.TypeFor[json.RawMessage]():
		return `{"k":"v"}`
	case model.Kind() == reflect.String:
		return `"2026-01-02T03:04:05"` // a good text, too
	case model.Kind() == reflect.Bool:
		return `true`
	case model.Kind() == reflect.Int:
		return `7`
	case model.Kind() == reflect.Float64:
		return `1.5`
	case model == reflect.TypeFor[[]string]():
		return `["x"]`
	}
	panic(model)
}

var instantType = reflect.TypeFor[time.Time]()

// leaves lists the fields of a public struct, and of the structs in it.
func leaves(t reflect.Type, path string) (all []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == instantType {
		return []string{path}
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.Name != "Raw" {
			all = append(all, leaves(f.Type, path+"."+f.Name)...)
		}
	}
	return all
}

// filled adds those leaves that are not zero.
func filled(v reflect.Value, path string, found map[string]bool) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Kind() == reflect.Struct:
		filled(v.Elem(), path, found)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			filled(v.Index(i), path, found)
		}
	case v.Kind() == reflect.Struct && v.Type() != instantType:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "Raw" {
				filled(v.Field(i), path+"."+name, found)
			}
		}
	case !v.IsZero():
		found[path] = true
	}
}

// No documented property is forgotten: each, alone, makes another struct. And no field of the structs is idle.
func TestEveryPropertyHasItsField(t *testing.T) {
	found := map[string]bool{}
	for _, p := range conversationProperties() {
		if p.nested {
			continue
		}
		with, without := conversation(t, p.record(sample(p.model))), conversation(t, p.without)
		if cmp.Equal(with, without) {
			t.Errorf("conversation: %s changes nothing", p.path)
		}
		filled(reflect.ValueOf(with), "Conversation", found)
	}
	for _, p := range messageProperties() {
		if p.nested {
			continue
		}
		with, without := message(t, p.record(sample(p.model))), message(t, p.without)
		if cmp.Equal(with, without) {
			t.Errorf("message: %s changes nothing", p.path)
		}
		filled(reflect.ValueOf(with), "Message", found)
		if with.Data != nil {
			filled(reflect.ValueOf(with.Data), reflect.TypeOf(with.Data).Name(), found)
		}
	}
	all := append(leaves(reflect.TypeFor[dataexport.Conversation](), "Conversation"), leaves(reflect.TypeFor[dataexport.Message](), "Message")...)
	for _, c := range contents {
		all = append(all, leaves(reflect.TypeOf(c.data), reflect.TypeOf(c.data).Name())...)
	}
	if len(all) < 100 {
		t.Errorf("only %d fields were looked at", len(all))
	}
	for _, leaf := range all {
		switch leaf {
		case "Conversation.Topic.Description", "Conversation.Topic.ParentID": // of TopicV2 only
			if found[leaf] {
				t.Errorf("%s is filled", leaf)
			}
			continue
		}
		if !found[leaf] {
			t.Errorf("no property fills %s", leaf)
		}
	}
}

// The table of message data has every model that there is.
func TestEveryModelOfMessageData(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../internal/gen/dataexport/dataexport.gen.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var models, known []string
	for _, d := range file.Decls {
		if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.TYPE {
			for _, s := range d.Specs {
				if name := s.(*ast.TypeSpec).Name.Name; strings.HasSuffix(name, "Data") {
					models = append(models, name)
				}
			}
		}
	}
	for _, c := range contents {
		known = append(known, reflect.TypeOf(c.model).Name())
	}
	slices.Sort(models)
	slices.Sort(known)
	if diff := cmp.Diff(models, known); diff != "" {
		t.Errorf("(-models +known)\n%s", diff)
	}
}

func TestNullIsAbsent(t *testing.T) {
	for _, p := range conversationProperties() {
		if p.path == "_id" {
			continue
		}
		if diff := cmp.Diff(conversation(t, p.without), conversation(t, p.record("null"))); diff != "" {
			t.Errorf("conversation: %s (-absent +null)\n%s", p.path, diff)
		}
	}
	for _, p := range messageProperties() {
		if p.path == "_id" || p.name() == "_type" {
			continue
		}
		if diff := cmp.Diff(message(t, p.without), message(t, p.record("null"))); diff != "" {
			t.Errorf("message: %s (-absent +null)\n%s", p.path, diff)
		}
	}
}

func TestTimes(t *testing.T) {
	at := func(nanosecond int) time.Time { return utc(2026, 3, 4, 5, 6, 7, nanosecond) }
	tests := map[string]time.Time{
		`"2026-03-04T05:06:07"`:            at(0),
		`"2026-03-04T05:06:07Z"`:           at(0),
		`"2026-03-04T05:06:07+00:00"`:      at(0),
		`"2026-03-04T00:06:07-05:00"`:      at(0),
		`"2026-03-04T14:51:07.5+09:45"`:    at(500_000_000),
		`"2026-03-04T05:06:07\u005a"`:      at(0),
		`"2026-03-04T05:06:07.123456789Z"`: at(123_456_789),
		`"2024-02-29T23:59:59.999999"`:     utc(2024, 2, 29, 23, 59, 59, 999_999_000),
		`null`:                             {},
		`""`:                               {},
		`"soon"`:                           {},
		`"2026-03-04"`:                     {},
		`"2026-02-30T00:00:00Z"`:           {},
		`"1772600767"`:                     {},
	}
	fraction := 0
	for digits := 1; digits <= 9; digits++ {
		fraction = fraction*10 + digits
		nanosecond := fraction
		for range 9 - digits {
			nanosecond *= 10
		}
		for _, zone := range []string{"", "Z", "+00:00"} {
			tests[fmt.Sprintf(`"2026-03-04T05:06:07.%d%s"`, fraction, zone)] = at(nanosecond)
		}
	}
	for value, want := range tests {
		got := conversation(t, `{"_id":"1","date_created":`+value+`,"date_updated":`+value+`,"record_last_updated":`+value+`}`)
		if diff := cmp.Diff(dataexport.Conversation{ID: "1", CreatedAt: want, UpdatedAt: want, ExportedAt: want}, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", value, diff)
		}
		if got.CreatedAt.Location() != time.UTC {
			t.Errorf("%s is not in UTC", value)
		}
		m := message(t, `{"_id":"1","date_created":`+value+`,"record_last_updated":`+value+`}`)
		if diff := cmp.Diff(dataexport.Message{ID: "1", CreatedAt: want, ExportedAt: want}, m); diff != "" {
			t.Errorf("%s (-want +got)\n%s", value, diff)
		}
	}
}

func TestNumbers(t *testing.T) {
	for value, want := range map[string]int{
		`5`: 5, `-5`: -5, `0`: 0, `-0`: 0, `5.0`: 5, `50e-1`: 5, `5E0`: 5, `"5"`: 5, `"5.0"`: 5, `"-5"`: -5, `"\u0035"`: 5, `""`: 0, `null`: 0, `2147483647`: 2147483647,
	} {
		if got := message(t, `{"_id":"1","review":`+value+`}`); got.Review != want {
			t.Errorf("review %s: got %d, want %d", value, got.Review, want)
		}
	}
	for _, value := range []string{
		`5.5`, `"5.5"`, `"five"`, `" 5"`, `1e400`, `-1e400`, `1e30`, `99999999999999999999`, `"NaN"`, `"Inf"`, `"-infinity"`, strings.Repeat("9", 100_000),
	} {
		err := json.Unmarshal([]byte(`{"_id":"1","review":`+value+`}`), new(dataexport.Message))
		if diff := cmp.Diff(ada.Fault{Field: "review", Reason: "is no integer"}, fault(err)); diff != "" {
			t.Errorf("review %.40s (-want +got)\n%s", value, diff)
		}
	}
	for _, value := range []string{`3000000000`, `3e9`, `"3000000000.0"`} { // too much for some machines
		var m dataexport.Message
		err := json.Unmarshal([]byte(`{"_id":"1","review":`+value+`}`), &m)
		if good := strconv.IntSize == 64; (err == nil) != good || good && int64(m.Review) != 3_000_000_000 {
			t.Errorf("review %s: got %d, %v", value, m.Review, err)
		}
	}
	for value, want := range map[string]time.Duration{
		`1.5`: 1500 * time.Millisecond, `"1.5"`: 1500 * time.Millisecond, `2.01`: 2010 * time.Millisecond, `2`: 2 * time.Second, `"2"`: 2 * time.Second, `0`: 0, `-1`: -time.Second,
		`0.1`: 100 * time.Millisecond, `1e-9`: 1, `0.0000000001`: 0, `1e3`: 1000 * time.Second, `""`: 0, `null`: 0, `4e9`: 4e9 * time.Second,
		`63.870000000000005`: 63*time.Second + 870*time.Millisecond,
	} {
		if got := field(t, "bot_handle_time", value); got.BotHandleTime != want {
			t.Errorf("bot_handle_time %s: got %s, want %s", value, got.BotHandleTime, want)
		}
	}
	for _, value := range []string{`1e400`, `1e11`, `-1e11`, `"NaN"`, `"Inf"`, `"a while"`, `"1.5 s"`, strings.Repeat("9", 100_000)} {
		err := json.Unmarshal([]byte(`{"_id":"1","agent_handle_time":`+value+`}`), new(dataexport.Conversation))
		if diff := cmp.Diff(ada.Fault{Field: "agent_handle_time", Reason: "is no length of time"}, fault(err)); diff != "" {
			t.Errorf("agent_handle_time %.40s (-want +got)\n%s", value, diff)
		}
	}
}

// fault returns the fault that err is or wraps.
func fault(err error) (f ada.Fault) {
	errors.As(err, &f)
	return f
}

func TestLeniency(t *testing.T) {
	tests := map[string]dataexport.Conversation{
		`{"_id":"1","resolved":null,"csat":{}}`:                      {ID: "1", CSAT: &dataexport.CSAT{}},
		`{"_id":"1","csat":{"resolved":false}}`:                      {ID: "1", CSAT: &dataexport.CSAT{Resolved: no()}},
		`{"_id":"1","csat":{"resolved":true,"score":"4"}}`:           {ID: "1", CSAT: &dataexport.CSAT{Resolved: yes(), Score: 4}},
		`{"_id":"1","csat":{"resolved":true,"resolved":null}}`:       {ID: "1", CSAT: &dataexport.CSAT{}},
		`{"_id":"1","new":{"a":[{}]},"csat":{"new":1},"also":"a"}`:   {ID: "1", CSAT: &dataexport.CSAT{}},
		`{"_id":"1","automated_resolution_classification":"Partly"}`: {ID: "1", Resolution: "Partly"},
		`{"_id":"1","platform":"hologram","classifications":[{"intents":[{"status":"odd"}]}]}`: {
			ID: "1", Platform: "hologram", Classifications: []dataexport.Classification{{Intents: []dataexport.Intent{{Status: "odd"}}}},
		},
		// The exact key counts, and of two the last.
		`{"_ID":"2","_id":"1","_Id":"3"}`:                                    {ID: "1"},
		`{"_id":"1","_ID":"2","Platform":"x","PLATFORM":"y"}`:                {ID: "1"},
		`{"_id":"2","_id":"1"}`:                                              {ID: "1"},
		`{"_id":"1","platform":"x","platform":"y"}`:                          {ID: "1", Platform: "y"},
		`{"_id":"1","platform":"x","platform":null}`:                         {ID: "1"},
		`{"_id":"1","agent_id":["a"],"agent_id":["b","c"]}`:                  {ID: "1", AgentIDs: []string{"b", "c"}},
		`{"_id":"1","agent_id":["a"],"agent_id":null}`:                       {ID: "1"},
		`{"_id":"1","csat":{"score":5},"csat":{"style":"EMOJI"}}`:            {ID: "1", CSAT: &dataexport.CSAT{Style: "EMOJI"}},
		`{"_id":"1","csat":{"score":5},"csat":null}`:                         {ID: "1"},
		`{"_id":"1","is_engaged":true,"is_engaged":false}`:                   {ID: "1"},
		`{"_id":"1","date_created":"2026-01-02T03:04:05","date_created":""}`: {ID: "1"},
		`{"_id":"1","bot_handle_time":5,"bot_handle_time":null}`:             {ID: "1"},
		`{"_id":"1","variables":{"a":1},"variables":null}`:                   {ID: "1"},
		`{"_id":"1","variables":{"a":1},"variables":{"b":2}}`:                {ID: "1", Variables: dataexport.Variables(`{"b":2}`)},
		`{"\u005fid":"1","plat\u0066orm":"x"}`:                               {ID: "1", Platform: "x"},
		`{"\u005fid":"2","_id":"1"}`:                                         {ID: "1"},
		`{"_id":"1","":"x","_id ":"2","\u0000_id":"3"}`:                      {ID: "1"},
		// Text that is no Unicode.
		"{\"_id\":\"1\",\"inquiry_summary\":\"a\xffb\"}":                      {ID: "1", InquirySummary: "a\ufffdb"},
		"{\"_id\":\"1\",\"inquiry_summary\":\"\xc3\"}":                        {ID: "1", InquirySummary: "\ufffd"},
		"{\"_id\":\"1\",\"inquiry\xff_summary\":\"a\"}":                       {ID: "1"},
		`{"_id":"1","inquiry_summary":"\ud83d\ude42 \ud83d"}`:                 {ID: "1", InquirySummary: "🙂 \ufffd"},
		`{"_id":"1","inquiry_summary":"\ude42\ud83d"}`:                        {ID: "1", InquirySummary: "\ufffd\ufffd"},
		`{"_id":"1","inquiry_summary":"\u0000\t\/\\\"\u00E9é` + "\x7f" + `"}`: {ID: "1", InquirySummary: "\x00\t/\\\"éé\x7f"},
		"{ \"_id\"\t:\r\n\"1\" , \"agent_id\" : [ ] }":                        {ID: "1"},
		`{"_id":"1","agent_id":["a",null]}`:                                   {ID: "1", AgentIDs: []string{"a", ""}},
		`{"_id":"1","used_articles":[null,{}]}`:                               {ID: "1", UsedArticles: []dataexport.UsedArticle{{}, {}}},
	}
	for record, want := range tests {
		if diff := cmp.Diff(want, conversation(t, record)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", record, diff)
		}
	}
}

func TestVariables(t *testing.T) {
	digits := strings.Repeat("123456789", 11_112)[:100_000]
	const text = `{ "name":"Ada","flag":"False","yes":true,"no":false,"null":null,"n":9007199254740993,"least":-9223372036854775808,"most":9223372036854775807,
		"beyond":9223372036854775808,"f":1.50,"e":1e5,"huge":1e400,"list":[1, 2.0,{"a":null}],"object":{ "b" : 1 },"":"empty","k\u00e9y":"escaped","twice":1,"twice":"2","bad":"a` + "\xff" + `","long":`
	c := conversation(t, `{"_id":"1","variables":`+text+digits+`},"metavariables":{"browser":"chrome"}}`)
	want := []struct {
		Name  string
		Value any
	}{
		{"name", "Ada"},
		{"flag", "False"},
		{"yes", true},
		{"no", false},
		{"null", nil},
		{"n", int64(9007199254740993)},
		{"least", int64(-9223372036854775808)},
		{"most", int64(9223372036854775807)},
		{"beyond", json.Number("9223372036854775808")},
		{"f", json.Number("1.50")},
		{"e", json.Number("1e5")},
		{"huge", json.Number("1e400")},
		{"list", json.RawMessage(`[1, 2.0,{"a":null}]`)},
		{"object", json.RawMessage(`{ "b" : 1 }`)},
		{"", "empty"},
		{"kéy", "escaped"},
		{"twice", int64(1)},
		{"twice", "2"},
		{"bad", "a\ufffd"},
		{"long", json.Number(digits)},
	}
	i := 0
	for name, value := range c.Variables.All() {
		if i >= len(want) || name != want[i].Name || !cmp.Equal(want[i].Value, value) {
			t.Fatalf("variable %d is %q: %.60v", i, name, value)
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d variables, want %d", i, len(want))
	}
	if string(c.Variables) != text+digits+"}" {
		t.Error("the JSON is another")
	}
	for _, w := range want {
		if w.Name == "twice" && w.Value != "2" {
			continue
		}
		if got, ok := c.Variables.Get(w.Name); !ok || !cmp.Equal(w.Value, got) {
			t.Errorf("Get(%q): got %.60v, %t", w.Name, got, ok)
		}
	}
	if got, ok := c.Metavariables.Get("browser"); got != "chrome" || !ok {
		t.Errorf("got %v, %t", got, ok)
	}
	for _, v := range []dataexport.Variables{nil, {}, dataexport.Variables(`{}`), dataexport.Variables(`null`), dataexport.Variables(`[1]`), dataexport.Variables(`x`), dataexport.Variables(`{"b`)} {
		if got, ok := v.Get("a"); got != nil || ok {
			t.Errorf("%q: got %v, %t", []byte(v), got, ok)
		}
	}
	for name := range c.Variables.All() { // leaving early
		if name != "name" {
			t.Errorf("got %s", name)
		}
		break
	}
}

// The depth of a value is limited, and what is beyond it is an error.
func TestDepth(t *testing.T) {
	nested := func(depth int) string {
		return `{"_id":"1","variables":{"a":` + strings.Repeat("[", depth-2) + strings.Repeat("]", depth-2) + `}}`
	}
	c := conversation(t, nested(10_000-2)) // two less for encoding/json, which counts the page too
	if v, ok := c.Variables.Get("a"); !ok || len(v.(json.RawMessage)) != 2*(10_000-4) {
		t.Error("the nested value is not there")
	}
	for _, record := range []string{nested(10_001), strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001), strings.Repeat("[", 100_000)} {
		for c, err := range holding(t, record).Conversations(t.Context(), lastDay()) {
			var e *dataexport.Error
			if c != nil || !errors.As(err, &e) || !errors.Is(err, ada.ErrAnswer) {
				t.Errorf("got %v, %v", c, err)
			}
		}
		if err := new(dataexport.Conversation).UnmarshalJSON([]byte(record)); err == nil {
			t.Error("no error")
		}
	}
}

// wrong lists values that a property cannot have, with what a fault adds to its path.
func wrong(p property) map[string]string {
	all := map[string]string{`"canary"`: "", `7316.5`: "", `true`: "", `["canary"]`: "", `{"canary":"canary"}`: ""}
	switch {
	case p.name() == "old_value", p.name() == "new_value":
		return nil
	case p.model == reflect.TypeFor[json.RawMessage](), p.model.Kind() == reflect.Struct:
		delete(all, `{"canary":"canary"}`)
	case p.model.Kind() == reflect.String:
		delete(all, `"canary"`)
	case p.model.Kind() == reflect.Bool:
		delete(all, `true`)
	case p.model.Kind() == reflect.Float64:
		delete(all, `7316.5`)
	case p.model == reflect.TypeFor[[]string]():
		delete(all, `["canary"]`)
		all[`["a",7316]`], all[`["a",["canary"]]`] = "[1]", "[1]"
	case p.nested:
		all[`["canary"]`], all[`[null,{},["canary"]]`] = "[0]", "[2]"
	}
	return all
}

// Every value of a wrong type makes a record error that says where it is, and not what.
func TestWrongTypes(t *testing.T) {
	type bad struct{ record, path string }
	check := func(kind string, all []bad, got []*dataexport.RecordError) {
		t.Helper()
		if len(got) != len(all) || len(all) < 100 {
			t.Fatalf("%s: %d of %d records are bad", kind, len(got), len(all))
		}
		for i, e := range got {
			id := "1"
			if all[i].path == "_id" {
				id = ""
			}
			if e.Index != i || e.ID != id || e.Fault.Field != all[i].path || string(e.Raw) != all[i].record {
				t.Errorf("%s: %s: got record %d, id %q, fault %+v, want %d, %q, %s", kind, all[i].record, e.Index, e.ID, e.Fault, i, id, all[i].path)
			}
			if !errors.Is(e, ada.ErrAnswer) {
				t.Errorf("%v is no ErrAnswer", e)
			}
			if s := e.Error(); strings.Contains(s, "canary") || strings.Contains(s, "7316") || !strings.Contains(s, all[i].path+" is no ") {
				t.Errorf("%s: %s", all[i].record, s)
			}
		}
	}
	list := func(properties []property) (all []bad, records []string) {
		for _, p := range properties {
			values := wrong(p)
			for value, at := range values {
				all = append(all, bad{p.record(value), p.path + at})
				records = append(records, p.record(value))
			}
		}
		return all, records
	}
	var got []*dataexport.RecordError
	q := lastDay()
	q.OnBadRecord = func(e *dataexport.RecordError) error { got = append(got, e); return nil }

	all, records := list(conversationProperties())
	for c, err := range holding(t, records...).Conversations(t.Context(), q) {
		t.Error(c, err)
	}
	check("conversation", all, got)
	for _, b := range all {
		if err := json.Unmarshal([]byte(b.record), new(dataexport.Conversation)); fault(err).Field != b.path {
			t.Errorf("%s: got %v, want a fault of %s", b.record, err, b.path)
		}
	}

	got = nil
	all, records = list(messageProperties())
	for m, err := range holding(t, records...).Messages(t.Context(), q) {
		t.Error(m, err)
	}
	check("message", all, got)
	for _, b := range all {
		if err := json.Unmarshal([]byte(b.record), new(dataexport.Message)); fault(err).Field != b.path {
			t.Errorf("%s: got %v, want a fault of %s", b.record, err, b.path)
		}
	}
}

func TestRecordError(t *testing.T) {
	tests := []struct{ record, id, want string }{
		{`{"_id":"a-B_9","classifications":[{},{"intents":[{"status":7}]}]}`, "a-B_9", "record 0 of the page, _id a-B_9: classifications[1].intents[0].status is no string"},
		{`{"_id":"1","csat":{"feedback":["a",{}]}}`, "1", "record 0 of the page, _id 1: csat.feedback[1] is no string"},
		{`{"_id":"ann@mail.example","platform":7}`, "ann@mail.example", "record 0 of the page: platform is no string"},
		{`{"_id":"` + strings.Repeat("1", 65) + `","platform":7}`, strings.Repeat("1", 65), "record 0 of the page: platform is no string"},
		{`{"_id":"1","_id":7}`, "", "record 0 of the page: _id is no string"},
		{`{"_id":null}`, "", "record 0 of the page: _id is missing"},
		{`{"_id":""}`, "", "record 0 of the page: _id is missing"},
		{`{"_ID":"1"}`, "", "record 0 of the page: _id is missing"},
		{`{}`, "", "record 0 of the page: _id is missing"},
		{`null`, "", "record 0 of the page: the record is no object"},
		{`7`, "", "record 0 of the page: the record is no object"},
		{`"canary"`, "", "record 0 of the page: the record is no object"},
		{`true`, "", "record 0 of the page: the record is no object"},
		{`[{"_id":"1"}]`, "", "record 0 of the page: the record is no object"},
	}
	for _, tt := range tests {
		for c, err := range holding(t, tt.record).Conversations(t.Context(), lastDay()) {
			var e *dataexport.RecordError
			if c != nil || !errors.As(err, &e) {
				t.Errorf("%s: got %v, %v", tt.record, c, err)
				continue
			}
			if e.Error() != tt.want || e.ID != tt.id || string(e.Raw) != tt.record {
				t.Errorf("%s:\n got %v\nwant %s", tt.record, e, tt.want)
			}
		}
	}
}

// A bad record ends the export where it is, after those before it. The checkpoint leads back to its page.
func TestBadRecordEndsTheExport(t *testing.T) {
	srv := adatest.NewServer(t)
	for _, id := range []string{"1", "2", "3"} {
		srv.AddConversations(adatest.Record{ID: id, CreatedAt: time.Now().Add(-time.Hour)})
	}
	srv.Fail("dataexport.Conversations", adatest.Failure{
		Status: http.StatusOK, Body: pageOf(`{"_id":"1"}`, `{"_id":"2","csat":{"score":"canary"}}`, `{"_id":"3"}`),
	})
	export := dataexport.New(srv.Client())
	q := lastDay()
	q.Since, q.Until = q.Since.Truncate(time.Microsecond), time.Now().Truncate(time.Microsecond)
	read := func(q dataexport.Query) (ids []string, err error) {
		for c, err := range export.Conversations(t.Context(), q) {
			if err != nil {
				return ids, err
			}
			ids = append(ids, c.ID)
		}
		return ids, nil
	}
	ids, err := read(q)
	if diff := cmp.Diff([]string{"1"}, ids); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var e *dataexport.Error
	var bad *dataexport.RecordError
	if !errors.As(err, &e) || !errors.As(err, &bad) || !errors.Is(err, ada.ErrAnswer) {
		t.Fatalf("got %v", err)
	}
	if bad.Index != 1 || bad.ID != "2" || bad.Fault != (ada.Fault{Field: "csat.score", Reason: "is no integer"}) {
		t.Errorf("got %+v", *bad)
	}
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
	want := "record 1 of the page, _id 2: csat.score is no integer: from " + stamp(q.Since) + " until " + stamp(q.Until)
	if err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
	if !e.Since.Equal(q.Since) || !e.Until.Equal(q.Until) {
		t.Errorf("from %s until %s", e.Since, e.Until)
	}
	ids, err = read(dataexport.Query{Resume: e.Checkpoint, Until: q.Until})
	if diff := cmp.Diff([]string{"1", "2", "3"}, ids); diff != "" || err != nil {
		t.Errorf("resumed: %v (-want +got)\n%s", err, diff)
	}
}

func TestOnBadRecord(t *testing.T) {
	const bad = `{"_id":"b", "sender" : 7}`
	page := pageOf(`{"_id":"1"}`, bad, `{"_id":"2"}`, `7`, `{"_id":"3"}`)
	stop := errors.New("stop")
	for name, tt := range map[string]struct {
		hook func(*dataexport.RecordError) error
		ids  []string
		bad  []string
		want error
	}{
		"go on":          {func(*dataexport.RecordError) error { return nil }, []string{"1", "2", "3"}, []string{bad, "7"}, nil},
		"stop":           {func(*dataexport.RecordError) error { return stop }, []string{"1"}, []string{bad}, stop},
		"hand it back":   {func(e *dataexport.RecordError) error { return e }, []string{"1"}, []string{bad}, ada.ErrAnswer},
		"not every time": {func(e *dataexport.RecordError) error { return map[bool]error{true: stop}[e.ID == ""] }, []string{"1", "2"}, []string{bad, "7"}, stop},
	} {
		t.Run(name, func(t *testing.T) {
			srv := adatest.NewServer(t)
			srv.Fail("dataexport.Messages", adatest.Failure{Status: http.StatusOK, Body: page})
			q := lastDay()
			var raws []string
			q.OnBadRecord = func(e *dataexport.RecordError) error {
				raws = append(raws, string(e.Raw))
				return tt.hook(e)
			}
			var ids []string
			var end error
			for m, err := range dataexport.New(srv.Client()).Messages(t.Context(), q) {
				if end != nil {
					t.Errorf("%v, %v after the end", m, err)
				}
				if end = err; err == nil {
					ids = append(ids, m.ID)
				}
			}
			if diff := cmp.Diff(tt.ids, ids); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.bad, raws); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			var e *dataexport.Error
			if !errors.Is(end, tt.want) || end != nil && (!errors.As(end, &e) || e.Checkpoint == "") {
				t.Errorf("ended with %v, want %v", end, tt.want)
			}
		})
	}
}

// One bad record among 10,000 is named, and costs nothing but itself.
func TestOneBadRecordOfMany(t *testing.T) {
	records := make([]string, 10_000)
	for i := range records {
		records[i] = fmt.Sprintf(`{"_id":"%d"}`, i)
	}
	records[7316] = `{"_id":"7316","is_engaged":"yes"}`
	srv := adatest.NewServer(t)
	body := pageOf(records...)
	srv.Fail("dataexport.Conversations", slices.Repeat([]adatest.Failure{{Status: http.StatusOK, Body: body}}, 3)...)
	export := dataexport.New(srv.Client())
	q := lastDay()
	n := 0
	var end error
	for c, err := range export.Conversations(t.Context(), q) {
		if end = err; err == nil {
			if c.ID != fmt.Sprint(n) {
				t.Fatalf("record %d is %s", n, c.ID)
			}
			n++
		}
	}
	var bad *dataexport.RecordError
	if n != 7316 || !errors.As(end, &bad) || bad.Index != 7316 || bad.ID != "7316" {
		t.Errorf("after %d records: %v", n, end)
	}
	n, bad = 0, nil
	q.OnBadRecord = func(e *dataexport.RecordError) error { bad = e; return nil }
	for _, err := range export.Conversations(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 9999 || bad == nil || string(bad.Raw) != records[7316] {
		t.Errorf("%d records and %v", n, bad)
	}
	n = 0
	for raw, err := range export.ConversationsRaw(t.Context(), q) { // does not look into them
		if err != nil || string(raw) != records[n] {
			t.Fatal(n, err)
		}
		n++
	}
	if n != 10_000 {
		t.Errorf("%d raw records", n)
	}
}

// A record is the caller's: what comes after it changes nothing in it.
func TestRecordsAreTheCallers(t *testing.T) {
	records := make([]string, 2000)
	for i := range records {
		records[i] = fmt.Sprintf(`{"_id":"%d","variables":{"n":%d},"pad":"%s"}`, i, i, strings.Repeat("x", i))
	}
	export := holding(t, records...)
	var kept []*dataexport.Conversation
	for c, err := range export.Conversations(t.Context(), lastDay()) {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, c)
	}
	var raws []json.RawMessage
	for raw, err := range export.ConversationsRaw(t.Context(), lastDay()) {
		if err != nil {
			t.Fatal(err)
		}
		raws = append(raws, bytes.Clone(raw))
	}
	if len(kept) != len(records) || len(raws) != len(records) {
		t.Fatalf("%d and %d records", len(kept), len(raws))
	}
	for i, c := range kept {
		if n, _ := c.Variables.Get("n"); n != int64(i) || string(c.Raw) != records[i] || string(raws[i]) != records[i] {
			t.Errorf("record %d has changed", i)
		}
		_ = append(c.Variables, "xxxxxxxx"...)
		_ = append(c.Raw, "xxxxxxxx"...)
		if string(c.Raw) != records[i] {
			t.Errorf("appending to a part of record %d has changed it", i)
		}
	}
}

// UnmarshalJSON keeps a copy, as encoding/json wants it.
func TestUnmarshalCopies(t *testing.T) {
	text := []byte(`{"_id":"1","variables":{"a":"b"}}`)
	c := new(dataexport.Conversation)
	m := new(dataexport.Message)
	if err := errors.Join(c.UnmarshalJSON(text), m.UnmarshalJSON(text)); err != nil {
		t.Fatal(err)
	}
	clear(text)
	if string(c.Raw) != `{"_id":"1","variables":{"a":"b"}}` || string(c.Variables) != `{"a":"b"}` || string(m.Raw) != string(c.Raw) {
		t.Errorf("got %q, %q, %q", c.Raw, []byte(c.Variables), m.Raw)
	}
}

// FuzzRecord has encoding/json as its judge, with the models that the OpenAPI documents make.
func FuzzRecord(f *testing.F) {
	for _, p := range conversationProperties() {
		if !p.nested {
			f.Add([]byte(p.record(sample(p.model))))
		}
	}
	for _, p := range messageProperties() {
		if !p.nested {
			f.Add([]byte(p.record(sample(p.model))))
		}
	}
	for _, s := range []string{``, ` `, `{`, `null`, `[]`, `{"_id":7}`, `{"_id":"\ud83d"}`, "{\"_id\":\"\xff\"}", `{"_id":"1","variables":{"a":1e400}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		given := bytes.Clone(b)
		_ = new(dataexport.Conversation).UnmarshalJSON(b) // must not panic, JSON or not
		_ = new(dataexport.Message).UnmarshalJSON(b)
		if !bytes.Equal(given, b) {
			t.Fatal("the input was changed")
		}
		var c dataexport.Conversation
		var m dataexport.Message
		errC, errM := json.Unmarshal(b, &c), json.Unmarshal(b, &m)
		if !json.Valid(b) {
			if errC == nil || errM == nil {
				t.Errorf("%q is accepted", b)
			}
			return
		}
		for _, v := range []dataexport.Variables{c.Variables, c.Metavariables} {
			n := 0
			for range v.All() {
				n++
			}
			var all map[string]any
			_ = json.Unmarshal(v, &all)
			if len(all) > n {
				t.Errorf("%q has %d variables, want %d", []byte(v), n, len(all))
			}
		}
		if !plain(b) {
			return
		}
		var wantC gen.Conversation
		if errC == nil && json.Unmarshal(b, &wantC) == nil {
			w := wantC
			if diff := cmp.Diff(
				[]string{w.ID, w.ChatterID, w.EndUserID, w.Platform, w.Browser, w.BrowserVersion, w.Device, w.OAuthChannel, w.Language, w.LastAgentID, w.LastAgentName, w.AutomatedResolutionClassification, w.AutomatedResolutionClassificationReason, w.InquirySummary, w.GeneratedTopicID, w.GeneratedTopicLabel, w.GeneratedTopicV2ID, w.GeneratedTopicV2Title, w.GeneratedTopicV2Desc, w.GeneratedTopicV2ParentID},
				[]string{c.ID, c.ChatterID, c.EndUserID, c.Platform, c.Browser, c.BrowserVersion, c.Device, c.OAuthChannel, c.Language, c.LastAgentID, c.LastAgentName, string(c.Resolution), c.ResolutionReason, c.InquirySummary, c.Topic.ID, c.Topic.Title, c.TopicV2.ID, c.TopicV2.Title, c.TopicV2.Description, c.TopicV2.ParentID},
			); diff != "" {
				t.Errorf("%q (-want +got)\n%s", b, diff)
			}
			if w.IsEngaged != c.Engaged || w.IsEscalated != c.Escalated || w.IsTestUser != c.TestUser || (w.CSAT == nil) != (c.CSAT == nil) || !slices.Equal(w.AgentID, c.AgentIDs) || !slices.Equal(w.AgentName, c.AgentNames) {
				t.Errorf("%q is %#v", b, w)
			}
		}
		var wantM gen.Message
		if errM == nil && json.Unmarshal(b, &wantM) == nil {
			w := wantM
			if diff := cmp.Diff(
				[]string{w.ID, w.ConversationID, w.ChatterID, w.Sender, w.Recipient, w.InResponseTo, w.AnswerID, w.AnswerTitle},
				[]string{m.ID, m.ConversationID, m.ChatterID, m.Sender, m.Recipient, m.InResponseTo, m.AnswerID, m.AnswerTitle},
			); diff != "" {
				t.Errorf("%q (-want +got)\n%s", b, diff)
			}
			if !cmp.Equal(w.LinkWasClicked, m.LinkClicked) || w.Review != m.Review {
				t.Errorf("%q is %#v", b, w)
			}
		}
	})
}

// plain reports whether no key of the object differs from another, or from a known one, in case alone, and none comes
// twice: encoding/json has its own ways with those.
func plain(b []byte) bool {
	d := json.NewDecoder(bytes.NewReader(b))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return false
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return false
		}
		name := key.(string)
		if folded := strings.ToLower(strings.ToUpper(name)); name != folded || seen[name] {
			return false
		}
		seen[name] = true
		var v json.RawMessage
		if d.Decode(&v) != nil {
			return false
		}
	}
	return true
}

// What comes again and again in an export is mostly the same string, and every string is itself. Where another string has
// the same place, which is by chance, it is not; for half of the platforms that does not happen.
func TestStringsAreShared(t *testing.T) {
	srv := adatest.NewServer(t)
	created := time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
	names := []string{"", "a \"b\" / c", "🙂", strings.Repeat("x", 126), strings.Repeat("x", 127), strings.Repeat("é", 200)}
	platform := func(i int) string { return "chat " + strconv.Itoa(i/250) } // 20 of them, one after the other
	for i := range 5_000 {
		id := fmt.Sprintf("%04d", i)
		srv.AddConversations(adatest.Record{ID: id, CreatedAt: created, Fields: map[string]any{
			"platform": platform(i), "browser": "b" + id, "device": names[i%len(names)],
		}})
	}
	platforms := map[*byte]bool{}
	n := 0
	query := dataexport.Query{Since: created, Until: created.Add(time.Second), PageSize: 10_000}
	for c, err := range dataexport.New(srv.Client()).Conversations(t.Context(), query) {
		if err != nil {
			t.Fatal(err)
		}
		i, _ := strconv.Atoi(c.ID)
		if c.Platform != platform(i) || c.Browser != "b"+c.ID || c.Device != names[i%len(names)] {
			t.Fatalf("conversation %s has %q, %q and %q", c.ID, c.Platform, c.Browser, c.Device)
		}
		platforms[unsafe.StringData(c.Platform)] = true
		n++
	}
	if n != 5_000 || len(platforms) > n/2 {
		t.Errorf("got %d conversations with %d platforms", n, len(platforms))
	}
}
