package adatest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada/adatest"
)

// user is an end user on the wire.
type user struct {
	ID         string         `json:"end_user_id"`
	ExternalID *string        `json:"external_id"`
	Profile    map[string]any `json:"profile"`
	CreatedAt  string         `json:"created_at"`
	UpdatedAt  string         `json:"updated_at"`
}

type page struct {
	Data []user `json:"data"`
	Meta struct {
		Next *string `json:"next_page_url"`
	} `json:"meta"`
}

func (a answer) user(t *testing.T) (u user) { a.read(t, &u); return u }
func (a answer) page(t *testing.T) (p page) { a.read(t, &p); return p }

func (a answer) read(t *testing.T, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil || a.status > 299 {
		t.Fatalf("answer %d %.300s: %v", a.status, a.body, err)
	}
}

func TestWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which it is midnight of 2000-01-01
		srv := adatest.NewServer(t)
		got := send(t, srv, "POST", collection, `{"external_id":"CRM-42","ignored":1,"profile":{"first_name":"Ada","email":null,"ignored":1,
			"metadata":{"plan":"pro","seats":12,"trial":false},"sensitive_metadata":{"fields":{"token":"canary","pin":1815}}}}`).want(t, 201)
		id := got.user(t).ID
		const form = `{"created_at":"2000-01-01T00:00:00+00:00","end_user_id":"%s","external_id":"crm-42","profile":{"avatar":null,` +
			`"display_name":null,"email":null,"first_name":"%s","language":null,"last_name":null,` +
			`"metadata":{"plan":"pro","seats":12,"trial":false},"system_properties":{"sunshine_user_id":null}},"updated_at":"%s"}`
		if diff := cmp.Diff(fmt.Sprintf(form, id, "Ada", "2000-01-01T00:00:00.000000"), got.body); diff != "" {
			t.Errorf("created (-want +got)\n%s", diff)
		}
		time.Sleep(1500*time.Millisecond + 123*time.Microsecond)
		got = send(t, srv, "PATCH", collection+id, `{"profile":{"first_name":"Augusta"}}`)
		one := fmt.Sprintf(form, id, "Augusta", "2000-01-01T00:00:01.500123")
		if diff := cmp.Diff(one, got.body); diff != "" {
			t.Errorf("updated (-want +got)\n%s", diff)
		}
		for path, want := range map[string]string{
			id:                    one,
			"?external_id=crm-42": one,
			"":                    `{"data":[` + one + `],"meta":{}}`,
		} {
			if diff := cmp.Diff(want, send(t, srv, "GET", collection+path, "").body); diff != "" {
				t.Errorf("%q (-want +got)\n%s", path, diff)
			}
		}
		got = send(t, srv, "POST", collection, `{}`).want(t, 201)
		if u := got.user(t); u.ExternalID != nil || u.ID == id || len(u.ID) != 24 || strings.Trim(u.ID, "0123456789abcdef") != "" {
			t.Errorf("created blank: %s", got.body)
		}
	})
}

// object returns JSON with n keys of one value.
func object(n int, value string) string {
	fields := make([]string, n)
	for i := range fields {
		fields[i] = fmt.Sprintf(`"k-%d_K":%s`, i, value)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func TestValidation(t *testing.T) {
	profile := func(fields string) string { return `{"profile":{` + fields + `}}` }
	sensitive := func(fields string) string { return profile(`"sensitive_metadata":{"fields":` + fields + `}`) }
	metadata := func(size int) string { // of so many bytes
		return profile(`"metadata":{"k":"` + strings.Repeat("x", size-len(`{"k":""}`)) + `"}`)
	}
	const (
		secret   = "body $.profile.sensitive_metadata.fields "
		public   = "body $.profile.metadata "
		noValue  = "has a value that is no string, boolean or integer"
		tooMuch  = "Metadata exceeds the maximum size of 10 KB."
		noObject = "body $ is not a JSON object"
	)
	type test struct{ method, path, body, want string } // want: the details in lines; empty: accepted
	tests := []test{
		{"GET", "?limit=1", "", ""},
		{"GET", "?limit=100", "", ""},
		{"GET", "?limit=0", "", "query limit must be from 1 to 100"},
		{"GET", "?limit=101", "", "query limit must be from 1 to 100"},
		{"GET", "?limit=-1", "", "query limit must be from 1 to 100"},
		{"GET", "?limit=abc", "", "query limit must be from 1 to 100"},
		{"GET", "?limit=", "", "query limit must be from 1 to 100"},
		{"GET", "?cursor=" + someID, "", ""},
		{"GET", "?cursor=65a17e3f43bec88effffffff", "", "query cursor is not known"},
		{"GET", "?cursor=", "", "query cursor is not known"},
		{"GET", "?external_id=crm-1", "", ""},
		{"GET", "?external_id=crm-1&limit=1", "", "query external_id excludes cursor and limit"},
		{"GET", "?external_id=crm-1&cursor=" + someID, "", "query external_id excludes cursor and limit"},

		{"PATCH", someID, `{}`, "body $.profile is required"},
		{"PATCH", someID, `{"external_id":"crm-2"}`, "body $.profile is required"},
		{"PATCH", someID, `{"external_id":null}`, "body $.profile is required"},
		{"PATCH", someID, `[]`, noObject + "\nbody $.profile is required"},
		{"POST", "", ``, noObject},
		{"POST", "", `{`, noObject},
		{"POST", "", `{}{}`, noObject},
		{"POST", "", `null`, noObject},
		{"POST", "", `[]`, noObject},
		{"POST", "", `"profile"`, noObject},
		{"POST", "", `{"external_id":<}`, noObject},
		// Two keys of one name in metadata and in sensitive metadata are an error of creation alone.
		{"PATCH", someID, profile(`"metadata":{"k":1},"sensitive_metadata":{"fields":{"k":1}}`), ""},
		{"POST", "", profile(`"metadata":{"k":1},"sensitive_metadata":{"fields":{"k":1}}`), secret + "has a key that metadata has too"},
		{"POST", "", profile(`"metadata":{"k":1},"sensitive_metadata":{"fields":{"K":1}}`), ""},
	}
	for id, want := range map[string]string{
		strings.Repeat("x", 36):             "",
		strings.Repeat("é", 36):             "",
		"a b.c/d?e&f=g":                     "",
		strings.Repeat("x", 37):             "has more than 36 characters",
		"a<b":                               "must not have < or >",
		"a>b":                               "must not have < or >",
		"":                                  "is empty",
		" \t ":                              "is empty",
		"<" + strings.Repeat("x", 35) + ">": "has more than 36 characters\n%s must not have < or >", // %s: the place again
	} {
		at := func(place string) string {
			if want == "" {
				return ""
			}
			return strings.ReplaceAll(place+" "+want, "%s", place)
		}
		encoded, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		tests = append(tests,
			test{"GET", "?external_id=" + url.QueryEscape(id), "", at("query external_id")},
			test{"POST", "", fmt.Sprintf(`{"external_id":%s}`, encoded), at("body $.external_id")},
			test{"PATCH", someID, fmt.Sprintf(`{"external_id":%s,"profile":{}}`, encoded), at("body $.external_id")})
	}
	for body, want := range map[string]string{ // of POST and of PATCH
		`{"external_id":null,"profile":{}}`: "",
		`{"external_id":5,"profile":{}}`:    "body $.external_id is not a string",
		`{"profile":null}`:                  "body $.profile is not an object",
		`{"profile":[]}`:                    "body $.profile is not an object",
		`{"external_id":"<","profile":{"email":1,"avatar":true}}`: "body $.external_id must not have < or >\n" +
			"body $.profile.avatar is not a string\nbody $.profile.email is not a string",

		profile(`"first_name":"","last_name":"x","display_name":null,"avatar":null,"email":"no address"`): "",
		profile(`"first_name":{}`):    "body $.profile.first_name is not a string",
		profile(`"language":null`):    "",
		profile(`"language":"pt"`):    "",
		profile(`"language":"pt-BR"`): "",
		profile(`"language":""`):      "body $.profile.language is not a BCP 47 code",
		profile(`"language":"PT"`):    "body $.profile.language is not a BCP 47 code",
		profile(`"language":"por"`):   "body $.profile.language is not a BCP 47 code",
		profile(`"language":"pt-br"`): "body $.profile.language is not a BCP 47 code",
		profile(`"language":"pt_BR"`): "body $.profile.language is not a BCP 47 code",
		profile(`"language":5`):       "body $.profile.language is not a string",

		metadata(10240):            "",
		metadata(10241):            tooMuch,
		profile(`"metadata":null`): "",
		profile(`"metadata":{}`):   "",
		profile(`"metadata":{"any key, of any length!":"","b":false,"c":-9223372036854775808}`): "",
		profile(`"metadata":[]`):                       public + "is not an object",
		profile(`"metadata":"x"`):                      public + "is not an object",
		profile(`"metadata":{"k":1.5}`):                public + noValue,
		profile(`"metadata":{"k":1.0}`):                public + noValue,
		profile(`"metadata":{"k":1e3}`):                public + noValue,
		profile(`"metadata":{"k":{"nested":1}}`):       public + noValue,
		profile(`"metadata":{"k":[1]}`):                public + noValue,
		profile(`"metadata":{"k":null}`):               public + "has a value that is null",
		profile(`"metadata":{"a":1,"b":0.5,"c":[]}`):   public + noValue + "\n" + public + noValue,
		profile(`"sensitive_metadata":null`):           "",
		profile(`"sensitive_metadata":{}`):             secret + "is required",
		profile(`"sensitive_metadata":{"token":"x"}`):  secret + "is required",
		profile(`"sensitive_metadata":{"Fields":{}}`):  secret + "is required",
		profile(`"sensitive_metadata":[]`):             secret + "is required",
		sensitive(`null`):                              secret + "is not an object",
		sensitive(`[]`):                                secret + "is not an object",
		sensitive(`{}`):                                "",
		sensitive(object(20, "1")):                     "",
		sensitive(object(20, "null")):                  "",
		sensitive(object(21, "1")):                     secret + "has more than 20 keys",
		sensitive(object(21, "null")):                  secret + "has more than 20 keys",
		sensitive(`{"azAZ09_-":" ","b":false,"c":-1}`): "",
		sensitive(`{"":1}`):                            secret + "has a key with forbidden characters",
		sensitive(`{"a b":1}`):                         secret + "has a key with forbidden characters",
		sensitive(`{"a.b":1}`):                         secret + "has a key with forbidden characters",
		sensitive(`{"é":1}`):                           secret + "has a key with forbidden characters",
		sensitive(`{"k":""}`):                          secret + "has an empty value",
		sensitive(`{"a b":1,"a":"","c d":""}`): secret + "has an empty value\n" + secret + "has a key with forbidden characters\n" +
			secret + "has a key with forbidden characters\n" + secret + "has an empty value",
		sensitive(`{"k":0.5}`): secret + noValue,
		sensitive(`{"k":{}}`):  secret + noValue,
	} {
		tests = append(tests, test{"POST", "", body, want}, test{"PATCH", someID, body, want})
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %s %.60s", tt.method, tt.path, tt.body), func(t *testing.T) {
			srv := newServer(t)
			before := send(t, srv, "GET", collection, "").body
			got := send(t, srv, tt.method, collection+tt.path, tt.body)
			if tt.want == "" {
				if got.status > 299 && got.status != 404 { // an end user that is valid to ask for, and unknown
					t.Errorf("answer %d %.300s", got.status, got.body)
				}
				return
			}
			p := got.want(t, 400).problem(t)
			var lines []string
			for _, d := range p.Details {
				lines = append(lines, d.Location+" "+d.Parameter+" "+d.Message)
			}
			if p.Details == nil {
				lines = []string{p.Message}
			}
			if diff := cmp.Diff(tt.want, strings.Join(lines, "\n")); diff != "" || p.Type != "validation_error" {
				t.Errorf("%s (-want +got)\n%s", p.Type, diff)
			}
			if diff := cmp.Diff(before, send(t, srv, "GET", collection, "").body); diff != "" {
				t.Errorf("it took effect (-before +after)\n%s", diff)
			}
		})
	}
}

func TestExternalID(t *testing.T) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	first := send(t, srv, "POST", collection, `{"external_id":" CRM-Ä-42 ","profile":{"first_name":"Ada","metadata":{"plan":"pro"}}}`).want(t, 201)
	if got := first.user(t).ExternalID; got == nil || *got != "crm-ä-42" {
		t.Errorf("stored as %v", got)
	}
	for _, body := range []string{
		`{"external_id":"crm-ä-42"}`,
		`{"external_id":"Crm-Ä-42","profile":{"first_name":"Augusta","metadata":{"seats":1},"sensitive_metadata":{"fields":{"k":1}}}}`,
	} {
		if got := send(t, srv, "POST", collection, body).want(t, 200); got.body != first.body {
			t.Errorf("POST of %s: %s, want it unchanged: %s", body, got.body, first.body)
		}
	}
	id := first.user(t).ID
	for _, key := range []string{id, "crm-ä-42", "CRM-Ä-42"} {
		if u, ok := srv.EndUser(key); !ok || u.ID != id || u.ExternalID != "crm-ä-42" || len(u.Sensitive) > 0 {
			t.Errorf("EndUser(%q): %+v, %t", key, u, ok)
		}
	}
	if u, ok := srv.EndUser("crm-1"); ok || !cmp.Equal(u, adatest.EndUser{}) {
		t.Errorf("an unknown end user: %+v", u)
	}
	if u, ok := srv.EndUser(""); ok {
		t.Errorf("no id at all: %+v", u)
	}

	other := send(t, srv, "POST", collection, `{}`).want(t, 201).user(t).ID
	for _, step := range []struct {
		id, body string
		status   int
		holder   string // who then has the external id
	}{
		{other, `{"external_id":"CRM-Ä-42","profile":{"first_name":"Augusta"}}`, 409, id},
		{id, `{"external_id":"CRM-Ä-42","profile":{}}`, 200, id},
		{id, `{"profile":{}}`, 200, id},
		{id, `{"external_id":null,"profile":{}}`, 200, ""},
		{other, `{"external_id":"CRM-Ä-42","profile":{}}`, 200, other},
		{id, `{"external_id":"crm-ä-42","profile":{}}`, 409, other},
		{id, `{"external_id":"crm-43","profile":{}}`, 200, other},
		{other, `{"external_id":"crm-44","profile":{}}`, 200, ""},
		{id, `{"external_id":"crm-ä-42","profile":{}}`, 200, id},
	} {
		send(t, srv, "PATCH", collection+step.id, step.body).want(t, step.status)
		got := send(t, srv, "GET", collection+"?external_id="+url.QueryEscape("crm-Ä-42"), "")
		if step.holder == "" {
			got.want(t, 404)
		} else if u := got.user(t); u.ID != step.holder {
			t.Errorf("after %s of %s: %s has it, want %s", step.body, step.id, u.ID, step.holder)
		}
	}
	if u, _ := srv.EndUser(other); u.Profile["first_name"] != nil {
		t.Errorf("a refused update changed %+v", u)
	}
}

func TestUpdate(t *testing.T) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	id := srv.AddEndUser(adatest.EndUser{})
	none := map[string]any{}
	for _, step := range []struct {
		profile            string
		profileIs, secrets map[string]any
	}{
		{`{}`, map[string]any{}, none},
		{
			`{"first_name":"Ada","last_name":"","email":"ada@example.com","metadata":{"plan":"pro","seats":1},"sensitive_metadata":{"fields":{"a":"x","b":1,"c":true}}}`,
			map[string]any{"first_name": "Ada", "last_name": "", "email": "ada@example.com", "metadata": map[string]any{"plan": "pro", "seats": int64(1)}},
			map[string]any{"a": "x", "b": int64(1), "c": true},
		},
		{
			`{"email":null,"language":null,"metadata":{"seats":2,"trial":true},"sensitive_metadata":{"fields":{"a":null,"b":2,"unknown":null}}}`,
			map[string]any{"first_name": "Ada", "last_name": "", "metadata": map[string]any{"plan": "pro", "seats": int64(2), "trial": true}},
			map[string]any{"b": int64(2), "c": true},
		},
		{
			`{"first_name":null,"last_name":null,"metadata":{},"sensitive_metadata":null}`,
			map[string]any{"metadata": map[string]any{"plan": "pro", "seats": int64(2), "trial": true}},
			map[string]any{"b": int64(2), "c": true},
		},
		{`{"metadata":null,"sensitive_metadata":{"fields":{}}}`, map[string]any{}, map[string]any{"b": int64(2), "c": true}},
		{
			`{"metadata":{"plan":"basic"},"sensitive_metadata":{"fields":{"b":null,"c":null}}}`,
			map[string]any{"metadata": map[string]any{"plan": "basic"}},
			none,
		},
	} {
		got := send(t, srv, "PATCH", collection+id, `{"profile":`+step.profile+`}`).want(t, 200)
		u, _ := srv.EndUser(id)
		if diff := cmp.Diff(step.profileIs, u.Profile); diff != "" {
			t.Errorf("profile after %s (-want +got)\n%s", step.profile, diff)
		}
		if diff := cmp.Diff(step.secrets, u.Sensitive); diff != "" && len(step.secrets)+len(u.Sensitive) > 0 {
			t.Errorf("sensitive metadata after %s (-want +got)\n%s", step.profile, diff)
		}
		if get := send(t, srv, "GET", collection+id, ""); get.body != got.body || strings.Contains(get.body, "sensitive") {
			t.Errorf("PATCH answers %s, GET %s", got.body, get.body)
		}
	}
}

func TestPaging(t *testing.T) {
	for _, tt := range []struct {
		users int
		query string
		pages []int
	}{
		{0, "", []int{0}},
		{0, "?limit=3", []int{0}},
		{1, "?limit=1", []int{1}},
		{20, "", []int{20}},
		{21, "", []int{20, 1}},
		{7, "?limit=3", []int{3, 3, 1}},
		{6, "?limit=3", []int{3, 3}},
		{101, "?limit=100", []int{100, 1}},
	} {
		t.Run(fmt.Sprintf("%d%s", tt.users, tt.query), func(t *testing.T) {
			srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
			now := time.Now()
			ids := make([]string, tt.users)
			for i := range ids { // the younger half first
				i = (i + tt.users/2) % tt.users
				ids[i] = srv.AddEndUser(adatest.EndUser{CreatedAt: now.Add(time.Duration(i) * time.Second)})
			}
			var got []string
			var sizes []int
			for next := collection + tt.query; next != ""; {
				a := send(t, srv, "GET", next, "")
				if !strings.Contains(a.body, `"data":[`) {
					t.Fatalf("%s: %s", next, a.body)
				}
				p := a.page(t)
				sizes = append(sizes, len(p.Data))
				for _, u := range p.Data {
					got = append(got, u.ID)
				}
				next = ""
				if p.Meta.Next != nil {
					next = *p.Meta.Next
					want := url.Values{"cursor": {ids[len(got)]}}
					if tt.query != "" {
						want.Set("limit", strings.TrimPrefix(tt.query, "?limit="))
					}
					if want := srv.Config().BaseURL + collection + "?" + want.Encode(); next != want {
						t.Errorf("next_page_url %s, want %s", next, want)
					}
				}
			}
			if diff := cmp.Diff(tt.pages, sizes); diff != "" {
				t.Errorf("sizes of the pages (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(ids, append([]string{}, got...)); diff != "" {
				t.Errorf("end users (-want +got)\n%s", diff)
			}
		})
	}
}

func TestLifetimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		made := send(t, srv, "POST", collection, `{"external_id":"made"}`).want(t, 201).user(t).ID
		added := srv.AddEndUser(adatest.EndUser{ExternalID: "added"})
		kept := srv.AddEndUser(adatest.EndUser{ExternalID: "kept", InConversation: true, Sensitive: map[string]any{"a": 1, "b": 2, "c": 3}})
		old := srv.AddEndUser(adatest.EndUser{CreatedAt: time.Now().Add(-day)})
		send(t, srv, "GET", collection+old, "").want(t, 404)

		sensitive := func(want ...string) {
			t.Helper()
			u, ok := srv.EndUser(kept)
			got := make([]string, 0, len(u.Sensitive))
			for _, k := range []string{"a", "b", "c", "d"} {
				if _, ok := u.Sensitive[k]; ok {
					got = append(got, k)
				}
			}
			if diff := cmp.Diff(append([]string{}, want...), got); diff != "" || !ok {
				t.Errorf("exists: %t, sensitive metadata (-want +got)\n%s", ok, diff)
			}
		}
		time.Sleep(time.Hour) // what is set again lives longer, and nothing else does
		send(t, srv, "PATCH", collection+kept, `{"profile":{"sensitive_metadata":{"fields":{"a":null,"b":5,"d":6}}}}`).want(t, 200)
		send(t, srv, "PATCH", collection+made, `{"profile":{}}`).want(t, 200)
		sensitive("b", "c", "d")

		time.Sleep(day - time.Hour - time.Nanosecond)
		sensitive("b", "c", "d")
		for _, id := range []string{made, added, kept} {
			send(t, srv, "GET", collection+id, "").want(t, 200)
		}
		time.Sleep(time.Nanosecond)
		sensitive("b", "d")
		send(t, srv, "GET", collection+kept, "").want(t, 200)
		for _, id := range []string{made, added} {
			send(t, srv, "GET", collection+id, "").want(t, 404)
			send(t, srv, "PATCH", collection+id, `{"profile":{}}`).want(t, 404)
			if _, ok := srv.EndUser(id); ok {
				t.Errorf("%s is still there", id)
			}
		}
		send(t, srv, "GET", collection+"?external_id=made", "").want(t, 404)
		if p := send(t, srv, "GET", collection, "").page(t); len(p.Data) != 1 || p.Data[0].ID != kept {
			t.Errorf("left: %+v", p)
		}
		send(t, srv, "POST", collection, `{"external_id":"made"}`).want(t, 201)

		time.Sleep(time.Hour)
		sensitive()
		time.Sleep(365 * day)
		send(t, srv, "GET", collection+kept, "").want(t, 200)
	})
}

func TestAddEndUser(t *testing.T) {
	srv := adatest.NewServer(t)
	created := time.Date(2026, 1, 2, 4, 4, 5, 678901234, time.FixedZone("", 3600))
	given := adatest.EndUser{
		ID:         someID,
		ExternalID: "CRM-42",
		Profile: map[string]any{
			"first_name":        "Ada",
			"metadata":          map[string]any{"plan": "pro"},
			"system_properties": map[string]any{"sunshine_user_id": "s-1"},
		},
		Sensitive:      map[string]any{"token": "canary"},
		CreatedAt:      created,
		UpdatedAt:      created.Add(time.Second),
		InConversation: true,
	}
	if id := srv.AddEndUser(given); id != someID {
		t.Errorf("id %s, want %s", id, someID)
	}
	want := given
	want.ExternalID = "crm-42"
	want.Profile = map[string]any{
		"first_name":        "Ada",
		"metadata":          map[string]any{"plan": "pro"},
		"system_properties": map[string]any{"sunshine_user_id": "s-1"},
	}
	want.Sensitive = map[string]any{"token": "canary"}
	deface := func(u adatest.EndUser) {
		u.Profile["first_name"] = "changed"
		u.Profile["metadata"].(map[string]any)["plan"] = "changed"
		u.Profile["system_properties"].(map[string]any)["sunshine_user_id"] = "changed"
		u.Sensitive["token"] = "changed"
	}
	deface(given)
	got, _ := srv.EndUser(someID)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after changes to what was added (-want +got)\n%s", diff)
	}
	deface(got)
	got, _ = srv.EndUser(someID)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after changes to what was returned (-want +got)\n%s", diff)
	}
	const wire = `{"created_at":"2026-01-02T03:04:05+00:00","end_user_id":"` + someID + `","external_id":"crm-42","profile":{"avatar":null,` +
		`"display_name":null,"email":null,"first_name":"Ada","language":null,"last_name":null,"metadata":{"plan":"pro"},` +
		`"system_properties":{"sunshine_user_id":"s-1"}},"updated_at":"2026-01-02T03:04:06.678901"}`
	if diff := cmp.Diff(wire, send(t, srv, "GET", collection+someID, "").body); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCreateAtOnce(t *testing.T) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	var created atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			got, err := try(t, srv, "POST", collection, `{"external_id":"crm-42","profile":{"metadata":{"plan":"pro"}}}`)
			if err != nil {
				t.Error(err)
			}
			if got.status == http.StatusCreated {
				created.Add(1)
			}
			if u, ok := srv.EndUser("crm-42"); !ok || len(srv.Calls()) == 0 {
				t.Errorf("%+v, %t", u, ok)
			}
			_, _ = try(t, srv, "PATCH", collection+someID, `{"profile":{}}`)
		})
	}
	wg.Wait()
	if n := created.Load(); n != 1 {
		t.Errorf("created %d times", n)
	}
}
