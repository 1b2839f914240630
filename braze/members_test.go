package braze

import (
	"bytes"
	"encoding/json"
	"testing"
)

// What is parsed is found again in its parts.
func FuzzParseObject(f *testing.F) {
	for _, s := range []string{
		`{"external_id":"a","b":[1,{"c":"}"}],"d":{"e":"\"\\"},"f":null}`, `{"external_id":"a"}`, `{"user_alias":{"alias_name":"n","alias_label":"l"},"n":{"inc":1}}`,
		`{ "email" : "x" , "k" : -1.5e3 }`, `{"external_id":"a","external_id":"b"}`, `{"external_id":"a","":{}}`, `[1]`, `{"external_id":"\u0000"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseObject(InAttributes, []byte(s))
		if err != nil {
			return
		}
		if !json.Valid(o.JSON()) {
			t.Fatalf("%q is no JSON", o.JSON())
		}
		again := []byte{'{'}
		for i, m := range members(o.JSON()) {
			if i > 0 {
				again = append(again, ',')
			}
			if !json.Valid(m.name) || !json.Valid(m.value) {
				t.Errorf("%q has the member %q: %q", o.JSON(), m.name, m.value)
			}
			again = append(append(append(again, m.name...), ':'), m.value...)
		}
		if again = append(again, '}'); !bytes.Equal(again, o.JSON()) {
			t.Errorf("%q has members that make %q", o.JSON(), again)
		}
		_ = points(o.JSON())
		d := NewDedupe(DedupeConfig{})
		if c := d.begin(o.User(), o.JSON()); !json.Valid(c.rest) {
			t.Errorf("%q becomes %q", o.JSON(), c.rest)
		}
	})
}

// Whatever Braze answers: no index is out of range, and only what it calls a success is one.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"message":"success"}`, `{"message":"success","errors":[{"type":"x","input_array":"events","index":1}]}`, `{"message":"success","errors":["x"]}`,
		`{"message":"success","errors":""}`, `{"message":"queued"}`, `{"message":"success","errors":[{"input_array":"purchases","index":-1}]}`, `null`, `[]`, `{"errors":{}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a := answer{sent: [len(arrays)][]int32{{0, 1}, {2, 3}, nil}}
		err := json.Unmarshal([]byte(s), &a)
		for _, r := range a.refusals {
			if r.object < 0 || r.object > 3 {
				t.Errorf("%q names the object %d", s, r.object)
			}
		}
		if err == nil && s != "null" && a.Message != "success" {
			t.Errorf("%q is a success", s)
		}
	})
}
