package dataexport_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
)

// show prints, marshals and logs v in every way.
func show(v any) map[string]string {
	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%5.1f", "%T"} {
		shown[verb] = fmt.Sprintf(verb, v)
		shown[verb+" in a slice"] = fmt.Sprintf(verb, []any{v})
		shown[verb+" in a struct"] = fmt.Sprintf(verb, struct{ V any }{v})
		shown[verb+" in a map"] = fmt.Sprintf(verb, map[string]any{"v": v})
	}
	shown["panic"] = fmt.Sprint(v)
	for name, v := range map[string]any{"json": v, "json in a map": map[string]any{"v": v}} {
		if b, err := json.Marshal(v); err != nil {
			shown[name] = err.Error()
		} else {
			shown[name] = string(b)
		}
	}
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	shown["slog text"] = b.String()
	b.Reset()
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	shown["slog json"] = b.String()
	return shown
}

// hidden fails the test where v shows a canary, or the number of one.
func hidden(t *testing.T, v any) {
	t.Helper()
	for how, s := range show(v) {
		lower := strings.ToLower(s)
		if strings.Contains(lower, "canary") || strings.Contains(lower, fmt.Sprintf("%x", "canary")) || strings.Contains(lower, "99 97 110 97 114 121") || strings.Contains(s, "1973167319") {
			t.Errorf("%s of %T shows %.300s", how, v, s)
		}
	}
}

// canary is a value of a property that must not show.
func canary(model reflect.Type) string {
	switch {
	case model == reflect.TypeFor[json.RawMessage]():
		return `{"canary":"canary"}`
	case model.Kind() == reflect.String:
		return `"canary"`
	case model == reflect.TypeFor[[]string]():
		return `["canary"]`
	case model.Kind() == reflect.Bool:
		return `true`
	}
	return `1973167319`
}

// What a caller holds prints nothing of a person, by value or by pointer.
func TestNothingPersonalPrints(t *testing.T) {
	for _, p := range conversationProperties() {
		if p.nested || p.path == "_id" {
			continue
		}
		c := conversation(t, p.record(canary(p.model)))
		c.Raw = json.RawMessage(p.record(canary(p.model)))
		hidden(t, c)
		hidden(t, &c)
		hidden(t, []dataexport.Conversation{c})
		for _, v := range []dataexport.Variables{c.Variables, c.Metavariables} {
			hidden(t, v)
			hidden(t, &v)
		}
		if c.CSAT != nil {
			hidden(t, c.CSAT)
			hidden(t, *c.CSAT)
		}
	}
	types := map[string]bool{}
	for _, p := range messageProperties() {
		if p.nested || p.path == "_id" {
			continue
		}
		m := message(t, p.record(canary(p.model)))
		m.Raw = json.RawMessage(p.record(canary(p.model)))
		hidden(t, m)
		hidden(t, &m)
		hidden(t, []dataexport.Message{m})
		if m.Data == nil {
			continue
		}
		types[reflect.TypeOf(m.Data).Name()] = true
		hidden(t, m.Data)
		pointer := reflect.New(reflect.TypeOf(m.Data))
		pointer.Elem().Set(reflect.ValueOf(m.Data))
		hidden(t, pointer.Interface())
		if q, ok := m.Data.(dataexport.QuickReplies); ok {
			for _, reply := range q.Replies {
				hidden(t, reply)
				hidden(t, &reply)
			}
		}
	}
	if want := len(contents) + 1; len(types) != want { // and OtherData
		t.Errorf("%d types of data were shown, want %d", len(types), want)
	}
}

// What records print is what helps to find them.
func TestWhatPrints(t *testing.T) {
	c := dataexport.Conversation{ID: "c1", Platform: "canary"}
	m := dataexport.Message{ID: "m1", Sender: "canary"}
	const word = "[REDACTED]"
	for want, values := range map[string][]any{
		"dataexport.Conversation(c1)": {c, &c},
		"dataexport.Message(m1)":      {m, &m},
		word: {
			dataexport.CSAT{},
			&dataexport.CSAT{}, dataexport.Variables(`{"a":1}`),
			dataexport.Greeting{},
			dataexport.Text{},
			dataexport.Picture{},
			dataexport.QuickReplies{},
			dataexport.QuickReply{},
			dataexport.Trigger{},
			dataexport.Meta{},
			dataexport.Link{},
			dataexport.WebWindow{},
			dataexport.CSATShown{},
			dataexport.CSATAnswer{},
			dataexport.OtherData{},
		},
	} {
		for _, v := range values {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				if got := fmt.Sprintf(verb, v); got != want {
					t.Errorf("%s of %T is %s, want %s", verb, v, got, want)
				}
			}
			if got, err := json.Marshal(v); err != nil || string(got) != `"`+want+`"` {
				t.Errorf("JSON of %T is %s, %v, want %s", v, got, err, want)
			}
		}
	}
}

// What fmt and log/slog show of a raw record is nothing; what encoding/json writes is the record, on its own and in an
// envelope, for that is how records are passed on.
func TestRawRecord(t *testing.T) {
	const record = `{"_id":"c-1","csat":{"comment":"canary"}}`
	raw := dataexport.RawRecord(record)
	for _, v := range []any{raw, &raw} {
		for how, s := range show(v) {
			if strings.HasPrefix(how, "json") {
				continue
			}
			if !strings.Contains(s, "[REDACTED]") && !strings.HasPrefix(how, "%T") || strings.Contains(s, "canary") {
				t.Errorf("%s of %T shows %s", how, v, s)
			}
		}
		var b strings.Builder
		if err := json.NewEncoder(&b).Encode(v); err != nil || b.String() != record+"\n" {
			t.Errorf("got %s, %v", &b, err)
		}
	}
	for _, tt := range []struct {
		raw  dataexport.RawRecord
		want string
	}{{raw, record}, {nil, "null"}} {
		got, err := json.Marshal(struct {
			Record dataexport.RawRecord `json:"record"`
		}{tt.raw})
		if err != nil || string(got) != `{"record":`+tt.want+`}` {
			t.Errorf("got %s, %v, want %s", got, err, tt.want)
		}
	}
	if got, err := json.Marshal(dataexport.RawRecord(`{"_id":`)); err == nil {
		t.Errorf("half a record became %s", got)
	}
}

func TestPagesAndErrorsPrintNothingPersonal(t *testing.T) {
	const bad = `{"_id":"ann@canary.example","platform":"canary","csat":{"score":"canary","comment":"canary"}}`
	page := pageOf(`{"_id":"1","platform":"canary","variables":{"canary":1973167319}}`, bad)
	pages := 0
	for page, err := range bodies(t, func() io.Reader { return strings.NewReader(page) }).ConversationPages(t.Context(), lastDay()) {
		if err != nil {
			t.Fatal(err)
		}
		pages++
		hidden(t, page)
		hidden(t, *page)
		want := fmt.Sprintf("dataexport.Page(2 records from %s until %s)", page.Since.Format(time.RFC3339Nano), page.Until.Format(time.RFC3339Nano))
		if got := fmt.Sprintf("%v %d %#v", page, *page, page); got != want+" "+want+" "+want {
			t.Errorf("got %s, want three times %s", got, want)
		}
		if got, err := json.Marshal(page); err != nil || string(got) != `"`+want+`"` {
			t.Errorf("got %s, %v", got, err)
		}
		for _, err := range page.Records() {
			var bad *dataexport.RecordError
			if errors.As(err, &bad) {
				hidden(t, bad)
				hidden(t, *bad)
				if bad.Fault.Field != "csat.score" || !strings.Contains(string(bad.Raw), "canary") {
					t.Errorf("got %v", bad)
				}
			}
		}
	}
	if pages != 1 {
		t.Errorf("%d pages", pages)
	}
	for name, failure := range map[string]adatest.Failure{
		"bad record":         {Status: http.StatusOK, Body: page},
		"broken page":        {Status: http.StatusOK, Body: page[:len(page)-30]},
		"another shape":      {Status: http.StatusOK, Body: `{"data":"canary","canary":1973167319}`},
		"link":               {Status: http.StatusOK, Body: `{"data":[],"meta":{"next_page_uri":"https://canary.example/canary?canary=1973167319"}}`},
		"link without time":  {Status: http.StatusOK, Body: `{"data":[],"meta":{"next_page_uri":"/api/v2/export/conversations?created_since=canary"}}`},
		"envelope with 200":  {Status: http.StatusOK, Body: `{"errors":[{"type":"ann@canary.example","message":"canary"}]}`},
		"refused":            {Status: http.StatusBadRequest, Body: `{"errors":[{"type":"ann@canary.example","message":"canary","details":[{"parameter":"a b canary"}]}]}`},
		"refused as before":  {Status: http.StatusUnprocessableEntity, Body: `{"message":"canary 1973167319"}`},
		"a page of a server": {Status: http.StatusBadGateway, Body: `<html>canary`},
	} {
		srv := adatest.NewServer(t)
		srv.Fail("dataexport.Conversations", failure)
		config := srv.Config()
		config.HTTP.Retry.MaxAttempts = 1
		client, err := ada.NewClient(config)
		if err != nil {
			t.Fatal(err)
		}
		var end error
		for _, err := range dataexport.New(client).Conversations(t.Context(), lastDay()) {
			end = err
		}
		var e *dataexport.Error
		if !errors.As(end, &e) {
			t.Errorf("%s: got %v", name, end)
			continue
		}
		hidden(t, end)
		hidden(t, *e)
		hidden(t, e.Err)
		hidden(t, e.Checkpoint)
	}
}
