package adatest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada/adatest"
)

const trigger = "/api/campaigns/sms/trigger"

func TestTrigger(t *testing.T) {
	fields := func(json string) string {
		return `{"campaign_key":"renewals","recipient":{"meta_fields":` + json + `}}`
	}
	phone := func(more string) string { return fields(`{"phone_number":"4165551234"` + more + `}`) }
	sms := func(fields map[string]any) *adatest.SMS {
		return &adatest.SMS{CampaignKey: "renewals", PhoneNumber: "4165551234", MetaFields: fields}
	}
	const (
		noObject = "The body is not a JSON object."
		noKey    = "campaign_key is required."
		noFields = "recipient.meta_fields is required."
		noPhone  = "recipient.meta_fields.phone_number is required."
		noScalar = "recipient.meta_fields has a value that is no string, boolean or number."
	)
	tests := []struct {
		body  string
		sent  *adatest.SMS
		fault string
	}{
		{phone(``), sms(map[string]any{}), ""},
		{phone(`,"ignored":"","a":"x","b":false,"c":-9007199254740993,"d":1.5,"e":1e3`), sms(map[string]any{
			"ignored": "", "a": "x", "b": false, "c": int64(-9007199254740993), "d": 1.5, "e": 1000.0,
		}), ""},
		{
			`{"campaign_key":"k","language":"fr","ignored":{},"recipient":{"meta_fields":{"phone_number":"+1 416 555 1234"},"ignored":1}}`,
			&adatest.SMS{CampaignKey: "k", Language: "fr", PhoneNumber: "+1 416 555 1234", MetaFields: map[string]any{}}, "",
		},

		{``, nil, noObject},
		{`null`, nil, noObject},
		{`[]`, nil, noObject},
		{phone(``) + `{}`, nil, noObject},
		{`{}`, nil, noKey},
		{`{"recipient":{"meta_fields":{"phone_number":"4165551234"}}}`, nil, noKey},
		{strings.Replace(phone(``), `"renewals"`, `""`, 1), nil, noKey},
		{strings.Replace(phone(``), `"renewals"`, `null`, 1), nil, noKey},
		{strings.Replace(phone(``), `"renewals"`, `5`, 1), nil, noKey},
		{strings.Replace(phone(``), `{`, `{"language":null,`, 1), nil, "language is not a string."},
		{strings.Replace(phone(``), `{`, `{"language":1,`, 1), nil, "language is not a string."},
		{`{"campaign_key":"renewals"}`, nil, "recipient is required."},
		{`{"campaign_key":"renewals","recipient":null}`, nil, "recipient is required."},
		{`{"campaign_key":"renewals","recipient":[]}`, nil, "recipient is required."},
		{`{"campaign_key":"renewals","recipient":{}}`, nil, noFields},
		{fields(`null`), nil, noFields},
		{fields(`"phone_number"`), nil, noFields},
		{fields(`{}`), nil, noPhone},
		{fields(`{"Phone_Number":"4165551234"}`), nil, noPhone},
		{fields(`{"phone_number":null}`), nil, noPhone},
		{fields(`{"phone_number":""}`), nil, noPhone},
		{fields(`{"phone_number":4165551234}`), nil, noPhone},
		{phone(`,"k":null`), nil, noScalar},
		{phone(`,"k":{}`), nil, noScalar},
		{phone(`,"k":["x"]`), nil, noScalar},
		{phone(`,"k":1e999`), nil, noScalar},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.100s", tt.body), func(t *testing.T) {
			srv := newServer(t)
			got := send(t, srv, "POST", trigger, tt.body)
			var want []adatest.SMS
			if tt.sent != nil {
				want = []adatest.SMS{*tt.sent}
				if got.want(t, 200); got.body != `{}` {
					t.Errorf("answer %s, want {}", got.body)
				}
			} else if m := got.want(t, 400).message(t); m != tt.fault {
				t.Errorf("message %q, want %q", m, tt.fault)
			}
			if diff := cmp.Diff(want, srv.Outbox()); diff != "" {
				t.Errorf("outbox (-want +got)\n%s", diff)
			}
		})
	}
}

// The outbox has what took effect, whatever the client was told of it.
func TestOutbox(t *testing.T) {
	srv := newServer(t)
	post := func(phone string) {
		_, _ = try(t, srv, "POST", trigger, `{"campaign_key":"renewals","recipient":{"meta_fields":{"phone_number":"`+phone+`","n":1}}}`)
	}
	srv.Fail("proactivesms.Trigger",
		adatest.Failure{Status: 500},
		adatest.Failure{Status: 500, Effect: true},
		adatest.Failure{Drop: true},
		adatest.Failure{Drop: true, Effect: true},
		adatest.Failure{Truncate: true},
		adatest.Failure{Status: 429},
	)
	for _, phone := range []string{"1", "2", "3", "4", "5", "6", "7", "7", "8"} {
		post(phone)
	}
	var got []string
	for _, m := range srv.Outbox() {
		got = append(got, m.PhoneNumber)
		m.MetaFields["n"] = "changed"
	}
	if diff := cmp.Diff([]string{"2", "4", "5", "7", "7", "8"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, m := range srv.Outbox() {
		if m.MetaFields["n"] != int64(1) {
			t.Errorf("a change to what was returned changes the outbox: %v", m)
		}
	}
	if n := len(srv.Calls("proactivesms.Trigger")); n != 9 {
		t.Errorf("%d calls, want 9", n)
	}

	srv.Fail("proactivesms.Trigger", adatest.Failure{Status: 503})
	if m := send(t, srv, "POST", trigger, "").want(t, 503).message(t); m != "Service Unavailable" {
		t.Errorf("message %q", m)
	}
	send(t, srv, "POST", trigger, strings.Repeat(" ", 10<<20+1)).want(t, 413).message(t)
}
