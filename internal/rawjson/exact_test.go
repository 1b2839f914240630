package rawjson

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type embedded struct {
	Count int `json:"count"`
}

type record struct {
	embedded
	ID      string `json:"_id"`
	Profile struct {
		Name     string         `json:"first_name,omitempty"`
		Metadata map[string]any `json:"metadata"`
	} `json:"profile"`
	Raw json.RawMessage `json:"raw"`
}

func TestUnmarshal(t *testing.T) {
	want := func(id, name string) (r record) {
		r.ID, r.Profile.Name = id, name
		return r
	}
	counted := want("a", "")
	counted.Count = 7
	metadata := want("a", "b")
	metadata.Profile.Metadata = map[string]any{"Name": "x", "name": "y"}
	raw := want("a", "")
	raw.Raw = json.RawMessage(`{"A":1,"a":2}`)
	for in, want := range map[string]record{
		`{"_id":"a"}`:                         want("a", ""),
		`{"_id":"a","_ID":"b"}`:               want("a", ""),
		`{"_ID":"b","_id":"a"}`:               want("a", ""),
		`{"_Id":"b"}`:                         want("", ""),
		`{"_id":"b","_id":"a"}`:               want("a", ""),
		"{\"_id\":\"a\",\"_\\u0049D\":\"b\"}": want("a", ""),
		`{"_id":"a","profile":{"first_name":"b","First_Name":"c"}}`:                           want("a", "b"),
		`{"_id":"a","PROFILE":{"first_name":"c"}}`:                                            want("a", ""),
		`{"_id":"a","count":7,"Count":8}`:                                                     counted,
		`{"_id":"a","profile":{"first_name":"b","metadata":{"Name":"x","name":"y"}}}`:         metadata,
		`{"_id":"a","_ID":1,"profile":{"first_name":"b","metadata":{"Name":"x","name":"y"}}}`: metadata,
		` { "_id" : "a" , "raw" : {"A":1,"a":2} , "RAW" : 7 } `:                               raw,
	} {
		var got record
		if err := Unmarshal([]byte(in), &got); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", in, diff)
		}
	}
}

// What encoding/json refuses is refused in the same way.
func TestUnmarshalRefuses(t *testing.T) {
	for _, in := range []string{``, `{`, `[]`, `{"_id":7,"_ID":"b"}`, `{"_ID":"b","_id":"a"}x`, `{"_ID":}`, `null x`} {
		var a, b record
		got, want := Unmarshal([]byte(in), &a), json.Unmarshal([]byte(in), &b)
		var mismatch *json.UnmarshalTypeError
		var syntax *json.SyntaxError
		if got == nil || want == nil || errors.As(got, &mismatch) != errors.As(want, &mismatch) || errors.As(got, &syntax) != errors.As(want, &syntax) {
			t.Errorf("%q: %v, want as %v", in, got, want)
		}
	}
}
