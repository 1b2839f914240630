package proactivesms_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/internal/faults"
	"github.com/adasdk/ada-go/proactivesms"
	"github.com/google/go-cmp/cmp"
)

const (
	operation = "proactivesms.Trigger"
	route     = "/api/campaigns/sms/trigger"
)

// message returns the i-th of a run of messages, each to a phone of its own.
func message(i int) proactivesms.Message {
	return proactivesms.Message{CampaignKey: "renewals", PhoneNumber: fmt.Sprint(4165550000 + i)}
}

// over returns a client whose requests go through rt. change, where it is not nil, changes the configuration.
func over(t *testing.T, rt http.RoundTripper, change func(*ada.Config)) *proactivesms.Client {
	t.Helper()
	config := ada.Config{Handle: "acme", APIKey: "key", HTTP: ada.HTTPConfig{Client: &http.Client{Transport: rt}}}
	if change != nil {
		change(&config)
	}
	client, err := ada.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return proactivesms.New(client)
}

// What is sent, to the byte.
func TestRequests(t *testing.T) {
	type (
		text    string
		flag    bool
		whole   int16
		natural uint8
		ratio   float64
	)
	with := func(fields map[string]any) proactivesms.Message {
		m := message(0)
		m.MetaFields = fields
		return m
	}
	tests := []struct {
		name string
		m    proactivesms.Message
		body string
	}{
		{"the least", message(0), `{"campaign_key":"renewals","recipient":{"meta_fields":{"phone_number":"4165550000"}}}`},
		{
			"everything",
			proactivesms.Message{
				CampaignKey: "renew_subscriptions", PhoneNumber: "+1 (416) 555-12.34", Language: "fr",
				MetaFields: map[string]any{"first_name": "Zoë", "vip": true, "seats": 3, "price": 9.5},
			},
			`{"campaign_key":"renew_subscriptions","language":"fr","recipient":{"meta_fields":` +
				`{"first_name":"Zoë","phone_number":"+14165551234","price":9.5,"seats":3,"vip":true}}}`,
		},
		{
			"named types go out as what they are", with(map[string]any{"a": text("x"), "b": flag(true), "c": whole(-7), "d": natural(7), "e": ratio(0.5)}),
			`{"campaign_key":"renewals","recipient":{"meta_fields":{"a":"x","b":true,"c":-7,"d":7,"e":0.5,"phone_number":"4165550000"}}}`,
		},
		{
			"methods of named types do not change them", with(map[string]any{"secret": ada.Secret("eyJ"), "wait": time.Second, "odd": shouting(0.5)}),
			`{"campaign_key":"renewals","recipient":{"meta_fields":{"odd":0.5,"phone_number":"4165550000","secret":"eyJ","wait":1000000000}}}`,
		},
		{
			"numbers at their limits",
			with(map[string]any{
				"a": int64(math.MinInt64), "b": uint64(math.MaxUint64), "c": math.MaxFloat64, "d": float32(0.1),
				"e": json.Number("-12345678901234567890.5"), "f": json.Number("1E3"), "g": math.Copysign(0, -1),
			}),
			`{"campaign_key":"renewals","recipient":{"meta_fields":{"a":-9223372036854775808,"b":18446744073709551615,` +
				`"c":1.7976931348623157e+308,"d":0.1,"e":-12345678901234567890.5,"f":1E3,"g":-0,"phone_number":"4165550000"}}}`,
		},
		{
			"odd but good keys and values", with(map[string]any{"a b": "", "ключ": "\x00\n\"", "Phone_Number": "x"}),
			`{"campaign_key":"renewals","recipient":{"meta_fields":{"Phone_Number":"x","a b":"","phone_number":"4165550000","ключ":"\u0000\n\""}}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := faults.New(t, faults.Answer(faults.Say(200, "{}")))
				if err := over(t, n.Transport(), nil).Trigger(t.Context(), tt.m); err != nil {
					t.Fatal(err)
				}
				requests := n.Requests()
				if len(requests) != 1 {
					t.Fatalf("%d requests, want 1", len(requests))
				}
				r := requests[0]
				if got := r.Method + " " + r.RequestURI; got != "POST "+route {
					t.Errorf("sent %s", got)
				}
				if diff := cmp.Diff(tt.body, string(r.Content)); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				want := http.Header{"Accept-Encoding": {"gzip"}, "Authorization": {"Bearer key"}, "Content-Type": {"application/json"}, "User-Agent": r.Header["User-Agent"]}
				want.Set("Content-Length", fmt.Sprint(len(tt.body)))
				if diff := cmp.Diff(want, r.Header); diff != "" || r.Host != "acme.ada.support" {
					t.Errorf("sent to %s (-want +got)\n%s", r.Host, diff)
				}
			})
		})
	}
}

// shouting is a number with a JSON form of its own.
type shouting float64

func (shouting) MarshalJSON() ([]byte, error) { return []byte(`"LOUD"`), nil }

func TestPhoneNumbers(t *testing.T) {
	const (
		other = "PhoneNumber has other characters than digits, separators and a + in front"
		few   = "PhoneNumber has %d digits, not 5 to 15"
	)
	for number, want := range map[string]string{ // digits and a +: what is sent; else the fault
		"12345":                     "12345",
		"123456789012345":           "123456789012345",
		"+12345":                    "+12345",
		"+123456789012345":          "+123456789012345",
		" +1 (416) 555-1234\n":      "+14165551234",
		"+-.( )12345":               "+12345",
		"00000":                     "00000",
		"":                          fmt.Sprintf(few, 0),
		"+":                         fmt.Sprintf(few, 0),
		" - ":                       fmt.Sprintf(few, 0),
		"1234":                      fmt.Sprintf(few, 4),
		"+1234":                     fmt.Sprintf(few, 4),
		"1-2-3-4":                   fmt.Sprintf(few, 4),
		"1234567890123456":          fmt.Sprintf(few, 16),
		"+1234567890123456":         fmt.Sprintf(few, 16),
		strings.Repeat("1", 1000):   fmt.Sprintf(few, 1000),
		"++14165551234":             other,
		"1+4165551234":              other,
		"(+1)4165551234":            other,
		"4165551234x5":              other,
		"416\t5551234":              other,
		"416/5551234":               other,
		"416\u00a05551234":          other,
		"٤١٦٥٥٥١٢٣٤":                other,
		"416555\xff1234":            other,
		"tel:4165551234":            other,
		"ada@example.com":           other,
		"4165551234\u202c":          other,
		"4165551234\x00":            other,
		"416555123\uff14":           other,
		"1e10000":                   other,
		"4165551234,4165551235":     other,
		`4165551234","language":"`:  other,
		"−4165551234":               other,
		"4165551234;ext=5":          other,
		"4165551234\r\nX-Header: 1": other,
	} {
		m := message(0)
		m.PhoneNumber = number
		synctest.Test(t, func(t *testing.T) {
			n := faults.New(t, faults.Answer(faults.Say(200, "{}")))
			err := over(t, n.Transport(), nil).Trigger(t.Context(), m)
			if strings.HasPrefix(want, "PhoneNumber ") {
				if err == nil || err.Error() != operation+": invalid: "+want || !errors.Is(err, ada.ErrInvalid) || n.Dials() > 0 {
					t.Errorf("%q: %d connections, %v", number, n.Dials(), err)
				}
				return
			}
			if err != nil {
				t.Errorf("%q: %v", number, err)
			} else if body := string(n.Requests()[0].Content); !strings.Contains(body, `{"phone_number":"`+want+`"}`) {
				t.Errorf("%q: sent %s", number, body)
			}
		})
	}
}

// Each rule on its own, and all of them broken at once. Nothing leaves, and the text has nothing of what was given.
func TestFaultsOfMessages(t *testing.T) {
	const secret = "Lovelace"
	good := message(0)
	long := strings.Repeat("k", 64)
	fault := func(field, reason string) ada.Fault { return ada.Fault{Field: field, Reason: reason} }
	field := func(k string, v any) func(*proactivesms.Message) {
		return func(m *proactivesms.Message) { m.MetaFields = map[string]any{k: v, "good": 1} }
	}
	const (
		noNumber = "is not a finite number"
		badKey   = "has a key that is empty or not valid UTF-8"
	)
	text := secret
	type pair struct{ Name string }
	tests := []struct {
		name   string
		change func(*proactivesms.Message)
		want   []ada.Fault // none: it is sent
	}{
		{"a key of one letter", func(m *proactivesms.Message) { m.CampaignKey = "k" }, nil},
		{"no campaign key", func(m *proactivesms.Message) { m.CampaignKey = "" }, []ada.Fault{fault("CampaignKey", "is empty")}},
		{"a campaign key of bytes", func(m *proactivesms.Message) { m.CampaignKey = secret + "\xff" }, []ada.Fault{fault("CampaignKey", "is not valid UTF-8")}},
		{"a language", func(m *proactivesms.Message) { m.Language = "zz" }, nil},
		{"a language of one letter", func(m *proactivesms.Message) { m.Language = "e" }, []ada.Fault{fault("Language", "is not a code of two small letters")}},
		{"a language of three", func(m *proactivesms.Message) { m.Language = "eng" }, []ada.Fault{fault("Language", "is not a code of two small letters")}},
		{"a language in capitals", func(m *proactivesms.Message) { m.Language = "EN" }, []ada.Fault{fault("Language", "is not a code of two small letters")}},
		{"a language and region", func(m *proactivesms.Message) { m.Language = "pt-BR" }, []ada.Fault{fault("Language", "is not a code of two small letters")}},
		{"a language and a line", func(m *proactivesms.Message) { m.Language = "en\n" }, []ada.Fault{fault("Language", "is not a code of two small letters")}},

		{"an empty key", field("", secret), []ada.Fault{fault("MetaFields", badKey)}},
		{"a key of bytes", field(secret+"\xff", 1), []ada.Fault{fault("MetaFields", badKey)}},
		{"the key of the phone number", field("phone_number", "4165550000"), []ada.Fault{fault("MetaFields", "has the key phone_number, which PhoneNumber is for")}},
		{"a value of bytes", field("k", secret+"\xff"), []ada.Fault{fault(`MetaFields["k"]`, "is not valid UTF-8")}},
		{"nil", field("k", nil), []ada.Fault{fault(`MetaFields["k"]`, "is nil, not a string, bool or number")}},
		{"a map", field("k", map[string]any{secret: 1}), []ada.Fault{fault(`MetaFields["k"]`, "is a map[string]interface {}, not a string, bool or number")}},
		{"a list", field("k", []string{secret}), []ada.Fault{fault(`MetaFields["k"]`, "is a []string, not a string, bool or number")}},
		{"a struct", field("k", pair{secret}), []ada.Fault{fault(`MetaFields["k"]`, "is a proactivesms_test.pair, not a string, bool or number")}},
		{"a pointer", field("k", &text), []ada.Fault{fault(`MetaFields["k"]`, "is a *string, not a string, bool or number")}},
		{"JSON", field("k", json.RawMessage(`"Lovelace"`)), []ada.Fault{fault(`MetaFields["k"]`, fmt.Sprintf("is a %T, not a string, bool or number", json.RawMessage{}))}},
		{"a complex number", field("k", 1i), []ada.Fault{fault(`MetaFields["k"]`, "is a complex128, not a string, bool or number")}},
		{"NaN", field("k", math.NaN()), []ada.Fault{fault(`MetaFields["k"]`, noNumber)}},
		{"infinity", field("k", math.Inf(1)), []ada.Fault{fault(`MetaFields["k"]`, noNumber)}},
		{"minus infinity", field("k", float32(math.Inf(-1))), []ada.Fault{fault(`MetaFields["k"]`, noNumber)}},
		{"a JSON number", field("k", json.Number("1.5e3")), nil},
		{"an empty JSON number", field("k", json.Number("")), []ada.Fault{fault(`MetaFields["k"]`, noNumber)}},
		{"a JSON number of letters", field("k", json.Number(secret)), []ada.Fault{fault(`MetaFields["k"]`, noNumber)}},
		{"a JSON number that is NaN", field("k", json.Number("NaN")), []ada.Fault{fault(`MetaFields["k"]`, noNumber)}},
		{"a JSON number that is infinite", field("k", json.Number("-Inf")), []ada.Fault{fault(`MetaFields["k"]`, noNumber)}},
		{"a JSON number out of range", field("k", json.Number("1e999")), []ada.Fault{fault(`MetaFields["k"]`, noNumber)}},
		{"a JSON number in hexadecimal", field("k", json.Number("0x1p4")), []ada.Fault{fault(`MetaFields["k"]`, noNumber)}},
		{"a JSON number with a plus", field("k", json.Number("+1")), []ada.Fault{fault(`MetaFields["k"]`, noNumber)}},
		{"a JSON number that is true", field("k", json.Number("true")), []ada.Fault{fault(`MetaFields["k"]`, noNumber)}},
		{"a key that is shown", field(long, nil), []ada.Fault{fault(`MetaFields["`+long+`"]`, "is nil, not a string, bool or number")}},
		{"a key that is too long to be shown", field(long+"k", nil), []ada.Fault{fault("MetaFields[…]", "is nil, not a string, bool or number")}},
		{"a key that is no word", field("Ada "+secret, nil), []ada.Fault{fault("MetaFields[…]", "is nil, not a string, bool or number")}},
		{
			"everything at once",
			func(m *proactivesms.Message) {
				*m = proactivesms.Message{
					PhoneNumber: "1234", Language: secret,
					MetaFields: map[string]any{"phone_number": secret, "": secret, "b": nil, "a": math.NaN(), "c": secret},
				}
			},
			[]ada.Fault{
				fault("CampaignKey", "is empty"),
				fault("PhoneNumber", "has 4 digits, not 5 to 15"),
				fault("Language", "is not a code of two small letters"),
				fault("MetaFields", badKey),
				fault(`MetaFields["a"]`, noNumber),
				fault(`MetaFields["b"]`, "is nil, not a string, bool or number"),
				fault("MetaFields", "has the key phone_number, which PhoneNumber is for"),
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := good
				tt.change(&m)
				n := faults.New(t, faults.Answer(faults.Say(200, "{}")))
				err := over(t, n.Transport(), nil).Trigger(t.Context(), m)
				if tt.want == nil {
					if err != nil || len(n.Requests()) != 1 {
						t.Errorf("%d requests, %v", len(n.Requests()), err)
					}
					return
				}
				var e *ada.Error
				if !errors.As(err, &e) || !errors.Is(err, ada.ErrInvalid) || errors.Is(err, ada.ErrOutcomeUnknown) || ada.Retryable(err) {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, e.Faults); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				if n.Dials() > 0 {
					t.Error("it dialled")
				}
				for _, s := range []string{fmt.Sprintf("%v", err), fmt.Sprintf("%#v", err)} {
					if strings.Contains(s, secret) || strings.Contains(s, "41655") {
						t.Errorf("the text is %s", s)
					}
				}
			})
		})
	}
}

// A message over the limit of all endpoints is not sent either.
func TestTooLarge(t *testing.T) {
	m := message(0)
	m.MetaFields = map[string]any{"k": ""}
	const frame = `{"campaign_key":"renewals","recipient":{"meta_fields":{"k":"","phone_number":"4165550000"}}}`
	for size, want := range map[int]error{10 << 20: nil, 10<<20 + 1: ada.ErrTooLarge} {
		m.MetaFields["k"] = strings.Repeat("x", size-len(frame))
		requests := 0
		sms := over(t, roundTripper(func(r *http.Request) (*http.Response, error) {
			requests++
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		}), nil)
		err := sms.Trigger(t.Context(), m)
		if !errors.Is(err, want) || errors.Is(err, ada.ErrOutcomeUnknown) || (err == nil) != (requests == 1) {
			t.Errorf("%d bytes: %d requests, %v", size, requests, err)
		}
	}
}

// holds checks what is promised of every call: it sent at most one SMS, and said the truth about it.
func holds(t *testing.T, sent int, err error) {
	t.Helper()
	unknown := errors.Is(err, ada.ErrOutcomeUnknown)
	switch {
	case sent > 1:
		t.Errorf("%d SMS: %v", sent, err)
	case err == nil && sent != 1:
		t.Errorf("%d SMS and no error", sent)
	case err != nil && sent == 1 && !unknown:
		t.Errorf("an SMS was sent, and the error does not say so: %v", err)
	case unknown && ada.Retryable(err):
		t.Errorf("unknown and retryable: %v", err)
	}
	var e *ada.Error
	if err != nil && (!errors.As(err, &e) || e.Operation != operation) {
		t.Errorf("the error is %#v", err)
	}
	if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "41655") {
		t.Errorf("the text is %v", err)
	}
}

const (
	sent      = "sent"
	notSent   = "not sent"
	retryable = "not sent, retryable"
	unknown   = "unknown"
)

// said is what an error says of its message.
func said(err error) string {
	switch {
	case err == nil:
		return sent
	case errors.Is(err, ada.ErrOutcomeUnknown):
		return unknown
	case ada.Retryable(err):
		return retryable
	default:
		return notSent
	}
}

// Every status, of a server that acted before it answered and of one that did not.
func TestAtMostOneSMSByStatus(t *testing.T) {
	for status := 200; status <= 599; status++ {
		want := unknown
		switch {
		case status <= 299:
			want = sent
		case status == 429:
			want = sent // at the second attempt
		case status == 408:
		case status >= 400 && status <= 499, status == 501:
			want = notSent
		}
		for _, acted := range []bool{false, true} {
			if acted && (want == notSent || status == 429) || !acted && status <= 299 {
				continue // a server that lies
			}
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t)
				srv.Fail(operation, adatest.Failure{Status: status, Effect: acted, Header: http.Header{"Location": {route}}})
				err := proactivesms.New(srv.Client()).Trigger(t.Context(), message(0))
				holds(t, len(srv.Outbox()), err)
				calls := 1
				if status == 429 {
					calls = 2
				}
				if got := said(err); got != want || len(srv.Calls()) != calls {
					t.Errorf("%d, acted is %t: %s after %d requests, want %s after %d: %v", status, acted, got, len(srv.Calls()), want, calls, err)
				}
				var e *ada.Error
				if errors.As(err, &e) && e.StatusCode != status {
					t.Errorf("%d: %v", status, err)
				}
			})
		}
	}
}

// What the fake can do to a call. The outbox is what reached phones.
func TestAtMostOneSMSByFailure(t *testing.T) {
	refused := adatest.Failure{Status: 429}
	patient := adatest.Failure{Status: 429, Header: http.Header{"Retry-After": {"3"}}}
	lost := adatest.Failure{Effect: true, Drop: true}
	tests := []struct {
		name     string
		failures []adatest.Failure
		want     string
		outbox   int
		requests int
	}{
		{"none", nil, sent, 1, 1},
		{"the answer is lost", []adatest.Failure{lost}, unknown, 1, 1},
		{"the connection closes before anything is done", []adatest.Failure{{Drop: true}}, unknown, 0, 1},
		{"500 although it was sent", []adatest.Failure{{Effect: true, Status: 500}}, unknown, 1, 1},
		{"500 and not sent", []adatest.Failure{{Status: 500}}, unknown, 0, 1},
		{"504 although it was sent", []adatest.Failure{{Effect: true, Status: 504}}, unknown, 1, 1},
		{"400", []adatest.Failure{{Status: 400}}, notSent, 0, 1},
		{"the answer is cut short", []adatest.Failure{{Truncate: true}}, unknown, 1, 1},
		{"the answer is late", []adatest.Failure{{Delay: time.Minute}}, unknown, 1, 1},
		{"the answer is just in time", []adatest.Failure{{Delay: 29 * time.Second}}, sent, 1, 1},
		{"an error envelope with 200", []adatest.Failure{{Status: 200, Body: `{"errors":[{"type":"internal"}]}`}}, unknown, 0, 1},
		{"429, then well", []adatest.Failure{refused}, sent, 1, 2},
		{"429 with a wait, then well", []adatest.Failure{patient, patient}, sent, 1, 3},
		{"429 for ever", slices.Repeat([]adatest.Failure{refused}, 20), retryable, 0, 7},
		{"429 that asks for too long a wait", []adatest.Failure{{Status: 429, Header: http.Header{"Retry-After": {"3600"}}}}, retryable, 0, 1},
		{"429, then the answer is lost", []adatest.Failure{refused, lost}, unknown, 1, 2},
		{"429, then the answer is cut short", []adatest.Failure{patient, {Truncate: true}}, unknown, 1, 2},
		{"429 by a late answer, then well", []adatest.Failure{{Status: 429, Delay: 20 * time.Second}}, sent, 1, 2},
		{"429 that comes too late", []adatest.Failure{{Status: 429, Delay: time.Minute}}, unknown, 0, 1},
		{"429 cut short, then well", []adatest.Failure{{Status: 429, Truncate: true}}, sent, 1, 2},
		{"429, then 503", []adatest.Failure{refused, {Effect: true, Status: 503}}, unknown, 1, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t)
				srv.Fail(operation, tt.failures...)
				err := proactivesms.New(srv.Client()).Trigger(t.Context(), message(0))
				holds(t, len(srv.Outbox()), err)
				if got := said(err); got != tt.want || len(srv.Outbox()) != tt.outbox || len(srv.Calls()) != tt.requests {
					t.Errorf("%s, %d SMS, %d requests: %v", got, len(srv.Outbox()), len(srv.Calls()), err)
				}
			})
		})
	}
}

// Every way that a network and its servers can break, with every patience. The steps whose answer is a refusal come
// before those that act; the last step repeats.
func TestAtMostOneSMSByFault(t *testing.T) {
	ok := faults.Answer(faults.Say(200, "{}"))
	busy := faults.Answer(faults.Say(429, `{"message":"busy"}`))
	zipped := faults.Gzip("{}")
	redirect := func(status int, to string) []faults.Step {
		return []faults.Step{faults.Answer(faults.Say(status, "", "Location: "+to)), ok}
	}
	const all = math.MaxInt // requests are refused
	type test struct {
		name    string
		steps   []faults.Step
		refused int // how many of the requests, the first ones, were refused
		want    string
		arrived int
	}
	tests := []test{
		{"nothing", []faults.Step{ok}, 0, sent, 1},
		{"connection refused, then well", []faults.Step{faults.Refused(), faults.Refused(), ok}, 0, sent, 1},
		{"connection refused for ever", []faults.Step{faults.Refused()}, 0, retryable, 0},
		{"no such host", []faults.Step{faults.NoHost(), ok}, 0, notSent, 0},
		{"lookup fails, then well", []faults.Step{faults.LookupFails(), ok}, 0, sent, 1},
		{"lookup fails for ever", []faults.Step{faults.LookupFails()}, 0, retryable, 0},
		{"certificate not accepted", []faults.Step{faults.Error(x509.UnknownAuthorityError{}), ok}, 0, notSent, 0},
		{"dial fails oddly, then well", []faults.Step{faults.Error(io.ErrUnexpectedEOF), ok}, 0, sent, 1},
		{"connection refused, then hung up on", []faults.Step{faults.Refused(), faults.HangUp(), ok}, 0, unknown, 1},

		{"hung up on", []faults.Step{faults.HangUp(), ok}, 0, unknown, 1},
		{"silence", []faults.Step{faults.Silence(), ok}, 0, unknown, 1},
		{"a slow drip", []faults.Step{faults.Drip(faults.Say(200, "{}"), time.Second), ok}, 0, unknown, 1},
		{"a drip that is fast enough", []faults.Step{faults.Drip(faults.Say(200, "{}"), 100*time.Millisecond), ok}, 0, sent, 1},
		{"half of the status line", []faults.Step{faults.Answer("HTTP/1.1 20"), ok}, 0, unknown, 1},
		{"half of the headers", []faults.Step{faults.Answer("HTTP/1.1 200 OK\r\nContent-Le"), ok}, 0, unknown, 1},
		{"half of a refusal's headers", []faults.Step{faults.Answer("HTTP/1.1 429 Too Many Requests\r\nRetry-Af"), ok}, 0, unknown, 1},
		{"body shorter than its length", []faults.Step{faults.Answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), ok}, 0, unknown, 1},
		{"body longer than its length", []faults.Step{faults.Answer(faults.Say(200, "{}") + "more"), ok}, 0, sent, 1},
		{"chunks without an end", []faults.Step{faults.Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"), ok}, 0, unknown, 1},
		{"two answers to one request", []faults.Step{faults.Answer(faults.SayAndStay(200, "{}") + faults.SayAndStay(200, "{}")), ok}, 0, sent, 1},

		{"gzip", []faults.Step{faults.Answer(faults.Say(200, zipped, "Content-Encoding: gzip"))}, 0, sent, 1},
		{"half a gzip", []faults.Step{faults.Answer(faults.Say(200, zipped[:len(zipped)/2], "Content-Encoding: gzip")), ok}, 0, unknown, 1},
		{"gzip without its trailer", []faults.Step{faults.Answer(faults.Say(200, zipped[:len(zipped)-8], "Content-Encoding: gzip")), ok}, 0, unknown, 1},
		{"no gzip, though it says so", []faults.Step{faults.Answer(faults.Say(200, "{}", "Content-Encoding: gzip")), ok}, 0, unknown, 1},
		{"an encoding that was not asked for", []faults.Step{faults.Answer(faults.Say(200, "{}", "Content-Encoding: br")), ok}, 0, unknown, 1},
		{"an answer over the limit", []faults.Step{faults.Answer(faults.Say(200, faults.Gzip(strings.Repeat(" ", 11<<20)), "Content-Encoding: gzip")), ok}, 0, unknown, 1},

		// What the body of a good answer looks like is nowhere documented. A page of HTML is that of somebody else.
		{"HTML with 200", []faults.Step{faults.Answer(faults.Say(200, "<html>", "Content-Type: text/html")), ok}, 0, unknown, 1},
		{"empty with 200", []faults.Step{faults.Answer(faults.Say(200, ""))}, 0, sent, 1},
		{"null with 200", []faults.Step{faults.Answer(faults.Say(200, "null"))}, 0, sent, 1},
		{"204", []faults.Step{faults.Answer("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")}, 0, sent, 1},
		{"an error envelope with 200", []faults.Step{faults.Answer(faults.Say(200, `{"errors":[{"type":"t"}]}`)), ok}, 0, unknown, 1},
		{"no error in an envelope with 200", []faults.Step{faults.Answer(faults.Say(200, `{"errors":[]}`))}, 0, sent, 1},

		{"no HTTP", []faults.Step{faults.Answer("hello\r\n\r\n"), ok}, 0, unknown, 1},
		{"no status", []faults.Step{faults.Answer("HTTP/1.1 abc\r\n\r\n"), ok}, 0, unknown, 1},
		{"a status of four digits", []faults.Step{faults.Answer("HTTP/1.1 4000 x\r\n\r\n"), ok}, 0, unknown, 1},
		{"status 999", []faults.Step{faults.Answer(faults.Say(999, "")), ok}, 0, unknown, 1},
		{"endless headers", []faults.Step{faults.Answer("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 11<<10) + "\r\n"), ok}, 0, unknown, 1},
		{"two lengths", []faults.Step{faults.Answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"), ok}, 0, unknown, 1},
		{"a negative length", []faults.Step{faults.Answer("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"), ok}, 0, unknown, 1},
		{"an interim answer, then well", []faults.Step{faults.Answer("HTTP/1.1 103 Early Hints\r\n\r\n" + faults.Say(200, "{}"))}, 0, sent, 1},
		{"an interim answer, then hung up on", []faults.Step{faults.Answer("HTTP/1.1 100 Continue\r\n\r\n"), ok}, 0, unknown, 1},
		{"a switch of protocols", []faults.Step{faults.Answer("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), ok}, 0, unknown, 1},
		{"odd headers", []faults.Step{faults.Answer(faults.Say(200, "{}", "X-RateLimit-Remaining: -1", "X-RateLimit-Reset: soon", "Date: never", "Location: http://evil.example/", "Retry-After: 5"))}, 0, sent, 1},
		{"503 that says when to come again", []faults.Step{faults.Answer(faults.Say(503, "", "Retry-After: 1")), ok}, 0, unknown, 1},
		{"408 on a connection that closes", []faults.Step{faults.Answer(faults.Say(408, "")), ok}, 0, unknown, 1},

		{"429, then well", []faults.Step{busy, ok}, 1, sent, 2},
		{"429 for ever", []faults.Step{busy}, all, retryable, 7},
		{"429, then hung up on", []faults.Step{busy, faults.HangUp(), ok}, 1, unknown, 2},
		{"429, then silence", []faults.Step{busy, busy, faults.Silence(), ok}, 2, unknown, 3},
		{"429, then refused connections", []faults.Step{busy, faults.Refused()}, 1, retryable, 1},
		{"429, then no host", []faults.Step{busy, faults.NoHost(), ok}, 1, notSent, 1},
		{"429 without an end, then well", []faults.Step{faults.Answer("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 9\r\n\r\nx"), ok}, 1, sent, 2},
		{"429 with odd waits, then well", []faults.Step{
			faults.Answer(faults.Say(429, "", "Retry-After: -5")), faults.Answer(faults.Say(429, "", "Retry-After: soon")),
			faults.Answer(faults.Say(429, "", "Retry-After: 1", "Retry-After: 2")), ok,
		}, 3, sent, 4},
		{"429 that asks for too long a wait", []faults.Step{faults.Answer(faults.Say(429, "", "Retry-After: 99999999999999999999")), ok}, 1, retryable, 1},
		{"400", []faults.Step{faults.Answer(faults.Say(400, `{"message":"4165550000 is no phone"}`)), ok}, 1, notSent, 1},
	}
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308, 399} {
		for _, to := range []string{route, "https://acme.ada.support" + route + "/", "https://evil.example" + route, "%"} {
			tests = append(tests, test{fmt.Sprint(status, " to ", to), redirect(status, to), 0, unknown, 1})
		}
	}
	for _, tt := range tests {
		for _, attempts := range []int{0, 1, 100} { // 0: 4
			t.Run(fmt.Sprintf("%s, %d attempts", tt.name, attempts), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := faults.New(t, tt.steps...)
					sms := over(t, n.Transport(), func(c *ada.Config) { c.HTTP.Retry.MaxAttempts = attempts })
					err := sms.Trigger(t.Context(), message(0))
					arrived := len(n.Requests())
					holds(t, max(0, arrived-tt.refused), err)
					if arrived <= tt.refused && errors.Is(err, ada.ErrOutcomeUnknown) {
						t.Errorf("no request was taken, and still: %v", err)
					}
					if got := said(err); attempts == 0 && (got != tt.want || arrived != tt.arrived) {
						t.Errorf("%s after %d requests, want %s after %d: %v", got, arrived, tt.want, tt.arrived, err)
					}
					for _, r := range n.Requests() {
						if r.Header.Get("Idempotency-Key") != "" || r.Header.Get("X-Idempotency-Key") != "" || r.URL.Path != route || r.Host != "acme.ada.support" {
							t.Errorf("sent to %s%s with %v", r.Host, r.URL, r.Header)
						}
					}
				})
			})
		}
	}
}

// Calls that end of themselves, before or while something happens.
func TestAtMostOneSMSByContext(t *testing.T) {
	after := func(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
		return func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			if d <= 0 {
				cancel()
			} else {
				time.AfterFunc(d, cancel)
			}
			return ctx, cancel
		}
	}
	deadline := func(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
		return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
	}
	unlimited := func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} }
	limited := func(wait func(context.Context) error) func(*ada.Config) {
		return func(c *ada.Config) { c.HTTP.Limiter = func(ada.Pace) ada.Limiter { return waiter(wait) } }
	}
	blocked := limited(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	deaf := limited(func(context.Context) error { time.Sleep(10 * time.Second); return nil })
	broken := limited(func(context.Context) error { return errors.New("4165550000") })
	key := func(f func(context.Context) (ada.Secret, error)) func(*ada.Config) {
		return func(c *ada.Config) { c.APIKey, c.KeyFunc = "", f }
	}
	ok := faults.Answer(faults.Say(200, "{}"))
	busy := faults.Answer(faults.Say(429, "", "Retry-After: 30"))
	tests := []struct {
		name    string
		ctx     func(context.Context) (context.Context, context.CancelFunc)
		change  func(*ada.Config)
		steps   []faults.Step
		refused int
		want    string
		arrived int
		is      error
	}{
		{"cancelled before", after(0), nil, []faults.Step{ok}, 0, notSent, 0, context.Canceled},
		{"deadline over before", deadline(-1), nil, []faults.Step{ok}, 0, notSent, 0, context.DeadlineExceeded},
		{"cancelled before a limiter that does not look", after(0), deaf, []faults.Step{ok}, 0, notSent, 0, context.Canceled},
		{"cancelled while pacing", after(time.Second), blocked, []faults.Step{ok}, 0, notSent, 0, context.Canceled},
		{"deadline while pacing", deadline(time.Second), blocked, []faults.Step{ok}, 0, retryable, 0, context.DeadlineExceeded},
		{"cancelled while a limiter does not look", after(time.Second), deaf, []faults.Step{ok}, 0, notSent, 0, context.Canceled},
		{"the limiter fails", unlimited, broken, []faults.Step{ok}, 0, retryable, 0, nil},
		{"cancelled while under way", after(time.Second), nil, []faults.Step{faults.Silence(), ok}, 0, unknown, 1, context.Canceled},
		{"deadline while under way", deadline(time.Second), nil, []faults.Step{faults.Silence(), ok}, 0, unknown, 1, context.DeadlineExceeded},
		{"cancelled while the answer comes", after(time.Second), nil, []faults.Step{faults.Drip(faults.Say(200, "{}"), 40*time.Millisecond), ok}, 0, unknown, 1, context.Canceled},
		{"cancelled when the answer was there", after(time.Second), nil, []faults.Step{ok}, 0, sent, 1, nil},
		{"cancelled while waiting after 429", after(time.Second), nil, []faults.Step{busy, ok}, 1, notSent, 1, context.Canceled},
		{"deadline before the end of the wait after 429", deadline(time.Second), nil, []faults.Step{busy, ok}, 1, retryable, 1, ada.ErrRateLimited},
		{"deadline after the wait after 429", deadline(time.Minute), nil, []faults.Step{busy, ok}, 1, sent, 2, nil},
		{"cancelled while waiting for a connection", after(time.Nanosecond), nil, []faults.Step{faults.Refused(), ok}, 0, notSent, 0, context.Canceled},
		{"cancelled while under way after 429", after(31 * time.Second), nil, []faults.Step{busy, faults.Silence(), ok}, 1, unknown, 2, context.Canceled},
		{"the key function fails", unlimited, key(func(context.Context) (ada.Secret, error) {
			return "", errors.New("4165550000")
		}), []faults.Step{ok}, 0, notSent, 0, ada.ErrUnauthorized},
		{"the key function gives no key", unlimited, key(func(context.Context) (ada.Secret, error) {
			return "", nil
		}), []faults.Step{ok}, 0, notSent, 0, ada.ErrInvalid},
		{"the key function waits", after(time.Second), key(func(ctx context.Context) (ada.Secret, error) {
			<-ctx.Done()
			return "key", nil
		}), []faults.Step{ok}, 0, notSent, 0, context.Canceled},
		{"the key function fails after 429", unlimited, key(failingAfter(1)), []faults.Step{busy, ok}, 1, notSent, 1, ada.ErrUnauthorized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := faults.New(t, tt.steps...)
				sms := over(t, n.Transport(), tt.change)
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				err := sms.Trigger(ctx, message(0))
				arrived := len(n.Requests())
				holds(t, max(0, arrived-tt.refused), err)
				if got := said(err); got != tt.want || arrived != tt.arrived || tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("%s after %d requests, want %s after %d: %v", got, arrived, tt.want, tt.arrived, err)
				}
				time.Sleep(time.Hour) // nothing comes after it
				if again := len(n.Requests()); again != arrived {
					t.Errorf("%d requests after the end", again-arrived)
				}
			})
		})
	}
}

type waiter func(context.Context) error

func (w waiter) Wait(ctx context.Context) error { return w(ctx) }

// failingAfter returns a key function that works n times.
func failingAfter(n int) func(context.Context) (ada.Secret, error) {
	return func(context.Context) (ada.Secret, error) {
		if n--; n < 0 {
			return "", errors.New("4165550000")
		}
		return "key", nil
	}
}

// A connection that is kept alive and dies as the next request is on it: net/http would send a request again that it
// thinks harmless.
func TestKeptConnectionDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := faults.New(t, faults.AnswerAndStay(faults.SayAndStay(200, "{}")), faults.Answer(faults.Say(200, "{}")))
		pool := n.Transport()
		defer pool.CloseIdleConnections()
		sms := over(t, pool, nil)
		if err := sms.Trigger(t.Context(), message(0)); err != nil {
			t.Fatal(err)
		}
		err := sms.Trigger(t.Context(), message(1))
		holds(t, len(n.Requests())-1, err)
		if said(err) != unknown || n.Dials() != 1 {
			t.Errorf("%d connections, %v", n.Dials(), err)
		}
	})
}

// roundTripper is a RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// some returns the first n messages and counts those that were taken.
func some(n int, taken *int) iter.Seq[proactivesms.Message] {
	return func(yield func(proactivesms.Message) bool) {
		for i := range n {
			if *taken++; !yield(message(i)) {
				return
			}
		}
	}
}

// phones counts what reached each phone.
func phones(srv *adatest.Server) map[string]int {
	got := map[string]int{}
	for _, m := range srv.Outbox() {
		got[m.PhoneNumber]++
	}
	return got
}

// honest checks results against the phones, and returns how many there are of each outcome.
func honest(t *testing.T, srv *adatest.Server, results []proactivesms.Result) map[proactivesms.Outcome]int {
	t.Helper()
	got := phones(srv)
	seen := map[int]bool{}
	count := map[proactivesms.Outcome]int{}
	for _, r := range results {
		if seen[r.Index] {
			t.Errorf("two results for message %d", r.Index)
		}
		seen[r.Index] = true
		if want := message(r.Index); r.Message.PhoneNumber != want.PhoneNumber {
			t.Errorf("message %d is one to %s", r.Index, r.Message.PhoneNumber)
		}
		holds(t, got[r.Message.PhoneNumber], r.Err)
		want := map[string]proactivesms.Outcome{
			sent: proactivesms.Sent, unknown: proactivesms.Unknown, notSent: proactivesms.NotSent, retryable: proactivesms.NotSent,
		}[said(r.Err)]
		if r.Outcome() != want {
			t.Errorf("outcome %s of %v", r.Outcome(), r.Err)
		}
		count[r.Outcome()]++
	}
	for phone, n := range got {
		if n > 1 {
			t.Errorf("%d SMS to %s", n, phone)
		}
	}
	return count
}

// Every message has its result, whatever became of the others.
func TestTriggerAll(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 50} {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t)
			srv.Fail(operation,
				adatest.Failure{Status: 429}, adatest.Failure{}, adatest.Failure{Effect: true, Drop: true}, adatest.Failure{},
				adatest.Failure{Status: 400}, adatest.Failure{Status: 502}, adatest.Failure{Delay: time.Minute})
			var taken int
			all := proactivesms.New(srv.Client()).TriggerAll(t.Context(), some(n, &taken))
			if synctest.Wait(); taken != 0 {
				t.Error("a message was taken before the results were ranged over")
			}
			results := slices.Collect(all)
			if len(results) != n || taken != n {
				t.Errorf("%d results of %d messages, want %d", len(results), taken, n)
			}
			got := honest(t, srv, results)
			if n < 8 {
				return // not every failure came up
			}
			want := map[proactivesms.Outcome]int{proactivesms.Sent: n - 4, proactivesms.NotSent: 1, proactivesms.Unknown: 3}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d messages (-want +got)\n%s", n, diff)
			}
		})
	}
}

// A message that is refused before it is sent is a result as any other.
func TestTriggerAllWithABadMessage(t *testing.T) {
	for bad := range 20 {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t)
			messages := make([]proactivesms.Message, 20)
			for i := range messages {
				messages[i] = message(i)
			}
			messages[bad] = proactivesms.Message{CampaignKey: "renewals", PhoneNumber: "1234"}
			results := slices.Collect(proactivesms.New(srv.Client()).TriggerAll(t.Context(), slices.Values(messages)))
			for _, r := range results {
				if r.Index == bad && (!errors.Is(r.Err, ada.ErrInvalid) || r.Outcome() != proactivesms.NotSent) || r.Index != bad && r.Err != nil {
					t.Errorf("message %d: %v", r.Index, r.Err)
				}
				if r.Message.PhoneNumber != messages[r.Index].PhoneNumber {
					t.Errorf("message %d is another one", r.Index)
				}
			}
			if len(results) != 20 || len(srv.Outbox()) != 19 || len(phones(srv)) != 19 {
				t.Errorf("%d results, %d SMS", len(results), len(srv.Outbox()))
			}
		})
	}
}

// Never more than eight are under way, and eight are. Messages are not taken ahead.
func TestTriggerAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most, ended atomic.Int32
		rt := roundTripper(func(r *http.Request) (*http.Response, error) {
			for n := now.Add(1); ; {
				if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
					break
				}
			}
			defer now.Add(-1)
			time.Sleep(time.Second)
			ended.Add(1)
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		})
		sms := over(t, rt, func(c *ada.Config) { c.HTTP.Limiter = ada.Unpaced })
		messages := func(yield func(proactivesms.Message) bool) {
			for i := range 100 {
				if ahead := i - int(ended.Load()); ahead >= 8 {
					t.Errorf("message %d was taken with %d under way", i, ahead)
				}
				if !yield(message(i)) {
					return
				}
			}
		}
		start := time.Now()
		for r := range sms.TriggerAll(t.Context(), messages) {
			if r.Err != nil {
				t.Error(r.Err)
			}
		}
		if most.Load() != 8 || time.Since(start) != 13*time.Second {
			t.Errorf("%d at once, %s", most.Load(), time.Since(start))
		}
	})
}

// A loop body that is slow holds the messages back.
func TestTriggerAllWaitsForTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		var taken, seen int
		for range proactivesms.New(srv.Client()).TriggerAll(t.Context(), some(100, &taken)) {
			time.Sleep(time.Minute)
			synctest.Wait()
			if seen++; taken > seen+8 {
				t.Fatalf("%d messages taken, %d results seen", taken, seen)
			}
			if seen == 10 {
				break
			}
		}
	})
}

// Ada's default limits hold, so that it never has to refuse.
func TestTriggerAllIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		var (
			taken   int
			results []proactivesms.Result
			times   []time.Time
		)
		start := time.Now()
		for r := range proactivesms.New(srv.Client()).TriggerAll(t.Context(), some(250, &taken)) {
			results = append(results, r)
			times = append(times, time.Now())
		}
		if got := honest(t, srv, results); got[proactivesms.Sent] != 250 || len(srv.Calls()) != 250 {
			t.Errorf("%v in %d requests", got, len(srv.Calls()))
		}
		if d := time.Since(start); d < 2*time.Minute || d > 2*time.Minute+10*time.Second {
			t.Errorf("it took %s", d)
		}
		for i := range times {
			if i >= 10 && times[i].Sub(times[i-10]) < time.Second || i >= 100 && times[i].Sub(times[i-100]) < time.Minute {
				t.Errorf("message %d came too soon", i)
			}
		}
	})
}

// When the context ends no further message is taken, and every one that was has its result.
func TestTriggerAllCancelled(t *testing.T) {
	for _, how := range []string{"slow answers", "quick answers", "refusals", "slow messages"} {
		for at := range 30 {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t)
				switch how {
				case "slow answers":
					srv.Fail(operation, slices.Repeat([]adatest.Failure{{Delay: time.Second}}, 100)...)
				case "refusals":
					srv.Fail(operation, slices.Repeat([]adatest.Failure{{}, {Status: 429}}, 50)...)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var taken, before int
				messages := func(yield func(proactivesms.Message) bool) {
					for m := range some(100, &taken) {
						if how == "slow messages" {
							time.Sleep(10 * time.Second)
						}
						if !yield(m) {
							return
						}
					}
				}
				var results []proactivesms.Result
				for r := range proactivesms.New(srv.Client()).TriggerAll(ctx, messages) {
					if results = append(results, r); len(results) == at+1 {
						synctest.Wait()
						before = taken
						cancel()
					}
				}
				if taken != before || taken != len(results) || taken == 100 {
					t.Errorf("%s, %d: %d messages taken until the end, %d in all, %d results", how, at, before, taken, len(results))
				}
				got := honest(t, srv, results)
				if how != "refusals" && got[proactivesms.NotSent] > 8 || how == "slow answers" && got[proactivesms.Unknown] == 0 {
					t.Errorf("%s, %d: %v", how, at, got)
				}
				if extra := len(srv.Outbox()) - got[proactivesms.Sent] - got[proactivesms.Unknown]; extra > 0 {
					t.Errorf("%s, %d: %d SMS that no result tells of", how, at, extra)
				}
			})
		}
	}
}

func TestTriggerAllCancelledBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var taken int
		for r := range proactivesms.New(srv.Client()).TriggerAll(ctx, some(100, &taken)) {
			t.Errorf("got %v", r)
		}
		if taken != 0 || len(srv.Calls()) != 0 {
			t.Errorf("%d messages, %d requests", taken, len(srv.Calls()))
		}
	})
}

// Leaving the loop at any result takes no further message, even where one is just being made, and leaves nothing
// behind: a goroutine that stayed would end the test.
func TestTriggerAllLeftEarly(t *testing.T) {
	for _, slow := range []time.Duration{0, 3 * time.Second} {
		for stop := range 20 {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t)
				var taken, made, before, seen int
				messages := func(yield func(proactivesms.Message) bool) {
					for m := range some(1_000_000, &taken) {
						time.Sleep(slow)
						if made++; !yield(m) {
							return
						}
					}
				}
				for range proactivesms.New(srv.Client()).TriggerAll(t.Context(), messages) {
					if seen == stop {
						synctest.Wait()
						before = taken
						break
					}
					seen++
				}
				if taken != before || made > before {
					t.Errorf("left at %d: %d messages taken until then, %d after", stop, before, taken-before)
				}
				requests := len(srv.Calls())
				if slow > 0 && requests >= taken {
					t.Errorf("left at %d: a message was sent that came after", stop)
				}
				time.Sleep(time.Hour)
				if len(srv.Calls()) != requests || len(srv.Outbox()) != len(phones(srv)) || len(srv.Outbox()) > taken {
					t.Errorf("left at %d: %d requests, then %d", stop, requests, len(srv.Calls()))
				}
			})
		}
	}
}

// Those under way when the loop is left come to their end.
func TestTriggerAllLeftWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		srv.Fail(operation, append([]adatest.Failure{{}}, slices.Repeat([]adatest.Failure{{Delay: 5 * time.Second}}, 20)...)...)
		var taken int
		start := time.Now()
		for range proactivesms.New(srv.Client()).TriggerAll(t.Context(), some(100, &taken)) {
			synctest.Wait()
			break
		}
		if d := time.Since(start); d != 5*time.Second || taken != 9 || len(srv.Outbox()) != 9 {
			t.Errorf("%s, %d SMS of %d messages", d, len(srv.Outbox()), taken)
		}
	})
}

func TestTriggerAllPanicInTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		var taken int
		func() {
			defer func() {
				if r := recover(); r != "out" {
					t.Errorf("recovered %v", r)
				}
			}()
			seen := 0
			for range proactivesms.New(srv.Client()).TriggerAll(t.Context(), some(100, &taken)) {
				if seen++; seen == 3 {
					panic("out")
				}
			}
		}()
		requests := len(srv.Calls())
		time.Sleep(time.Hour)
		if len(srv.Calls()) != requests || requests > taken || taken > 3+8 {
			t.Errorf("%d messages, %d requests, then %d", taken, requests, len(srv.Calls()))
		}
	})
}

// Ranging again sends again, with results of its own.
func TestTriggerAllTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		var taken int
		all := proactivesms.New(srv.Client()).TriggerAll(t.Context(), some(12, &taken))
		for range 2 {
			var indexes []int
			for r := range all {
				if r.Err != nil {
					t.Error(r.Err)
				}
				indexes = append(indexes, r.Index)
			}
			slices.Sort(indexes)
			if diff := cmp.Diff([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, indexes); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		}
		if taken != 24 || len(srv.Outbox()) != 24 || len(phones(srv)) != 12 {
			t.Errorf("%d messages, %d SMS to %d phones", taken, len(srv.Outbox()), len(phones(srv)))
		}
	})
}

// Options are those of each call.
func TestOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		srv.Fail(operation, slices.Repeat([]adatest.Failure{{Status: 429}}, 3)...)
		sms := proactivesms.New(srv.Client())
		once := ada.WithRetry(ada.RetryPolicy{MaxAttempts: 1})
		var resp ada.Response
		if err := sms.Trigger(t.Context(), message(0), once, ada.WithResponse(&resp)); !errors.Is(err, ada.ErrRateLimited) || resp.StatusCode != 429 {
			t.Errorf("status %d, %v", resp.StatusCode, err)
		}
		var taken int
		for r := range sms.TriggerAll(t.Context(), some(2, &taken), once) {
			if !errors.Is(r.Err, ada.ErrRateLimited) {
				t.Error(r.Err)
			}
		}
		for r := range sms.TriggerAll(t.Context(), some(2, &taken), ada.WithRetry(ada.RetryPolicy{MaxAttempts: -1})) {
			if !errors.Is(r.Err, ada.ErrInvalid) || r.Outcome() != proactivesms.NotSent {
				t.Error(r.Err)
			}
		}
		if n := len(srv.Calls()); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
	})
}

// Nothing of a message shows, however it is printed.
func TestMessagesDoNotPrint(t *testing.T) {
	m := proactivesms.Message{CampaignKey: "Canary", PhoneNumber: "416Canary", Language: "Canary", MetaFields: map[string]any{"Canary": "Canary"}}
	r := proactivesms.Result{Index: 7, Message: m, Err: proactivesms.New(newCanaryClient(t)).Trigger(t.Context(), m)}
	values := map[string]any{
		"a message": m, "its pointer": &m, "a result": r, "its pointer too": &r,
		"a slice": []proactivesms.Message{m}, "a map": map[string]proactivesms.Message{"k": m}, "results": []*proactivesms.Result{&r},
		"a struct": struct{ M proactivesms.Message }{m}, "an interface": []any{m, &m, r},
	}
	clean := func(what, text string) {
		t.Helper()
		if strings.Contains(strings.ToLower(text), "canary") || strings.Contains(text, "43616e617279") || strings.Contains(text, "43616E617279") {
			t.Errorf("%s: %s", what, text)
		}
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%t", "%c", "%U", "%e", "%g", "%b", "%o", "%5.1v", "%!", "%z"} {
			clean(name+" "+verb, fmt.Sprintf(verb, v))
		}
		clean(name+" printed", fmt.Sprint(v)+fmt.Sprintln(v))
		b, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		clean(name+" as JSON", string(b))
		for _, handler := range []func(io.Writer) slog.Handler{
			func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
			func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
		} {
			var log bytes.Buffer
			slog.New(handler(&log)).Info("x", "v", v, slog.Group("g", "v", v))
			clean(name+" logged", log.String())
			if log.Len() == 0 {
				t.Error("nothing was logged")
			}
		}
	}
	if got := fmt.Sprintf("%v %+v %d", m, &m, r.Message); got != "[REDACTED] [REDACTED] [REDACTED]" {
		t.Errorf("a message prints as %s", got)
	}
	for err, want := range map[error]string{nil: "message 7: sent", errors.New("no"): "message 7: not sent: no"} {
		if got := fmt.Sprint(proactivesms.Result{Index: 7, Message: m, Err: err}); got != want {
			t.Errorf("a result prints as %s, want %s", got, want)
		}
	}
	if b, err := json.Marshal(m); err != nil || string(b) != `"[REDACTED]"` {
		t.Errorf("a message marshals as %s, %v", b, err)
	}
}

func newCanaryClient(t *testing.T) *ada.Client {
	t.Helper()
	client, err := ada.NewClient(ada.Config{Handle: "acme", APIKey: "canary-key"})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// An iterator may use one map for all of its messages.
func TestTriggerAllReadsAMessageWhenItIsGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		fields := map[string]any{}
		messages := func(yield func(proactivesms.Message) bool) {
			for i := range 8 {
				fields["n"] = i
				if !yield(proactivesms.Message{CampaignKey: "c", PhoneNumber: fmt.Sprint(4165550000 + i), MetaFields: fields}) {
					return
				}
			}
		}
		for r := range proactivesms.New(srv.Client()).TriggerAll(t.Context(), messages) {
			if r.Err != nil || r.Message.MetaFields["n"] != r.Index {
				t.Errorf("message %d came back with %v, %v", r.Index, r.Message.MetaFields["n"], r.Err)
			}
		}
		for _, sms := range srv.Outbox() {
			if want := fmt.Sprint(4165550000 + sms.MetaFields["n"].(int64)); sms.PhoneNumber != want {
				t.Errorf("the message of %s went to %s", want, sms.PhoneNumber)
			}
		}
	})
}

// What the iterator throws can be caught where it is ranged over.
func TestTriggerAllOfAnIteratorThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		results := 0
		defer func() {
			if p := recover(); p != "mine" || results != 1 || len(srv.Outbox()) != 1 {
				t.Errorf("caught %v after %d results and %d messages", p, results, len(srv.Outbox()))
			}
		}()
		messages := func(yield func(proactivesms.Message) bool) {
			yield(proactivesms.Message{CampaignKey: "c", PhoneNumber: "4165550000"})
			panic("mine")
		}
		for range proactivesms.New(srv.Client()).TriggerAll(t.Context(), messages) {
			results++
		}
	})
}
