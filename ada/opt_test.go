package ada_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/adasdk/ada-go/ada"
	"github.com/google/go-cmp/cmp"
)

type patch struct {
	Name ada.Opt[string]         `json:"name,omitzero"`
	Age  ada.Opt[int]            `json:"age,omitzero"`
	More ada.Opt[map[string]any] `json:"more,omitzero"`
}

func TestOptJSON(t *testing.T) {
	for want, p := range map[string]patch{
		`{}`:                                 {},
		`{"name":null}`:                      {Name: ada.Null[string]()},
		`{"name":""}`:                        {Name: ada.Set("")},
		`{"name":"Ada","age":0}`:             {Name: ada.Set("Ada"), Age: ada.Set(0)},
		`{"more":{"a":1}}`:                   {More: ada.Set(map[string]any{"a": 1.0})},
		`{"name":null,"age":36,"more":null}`: {Name: ada.Null[string](), Age: ada.Set(36), More: ada.Null[map[string]any]()},
	} {
		got, err := json.Marshal(p)
		if err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
		var back patch
		if err := json.Unmarshal(got, &back); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(p, back); diff != "" {
			t.Errorf("%s does not come back (-want +got)\n%s", want, diff)
		}
	}
	var p patch
	if err := json.Unmarshal([]byte(`{"age":"x"}`), &p); err == nil {
		t.Error("a string was taken for an int")
	}
}

func TestOptStates(t *testing.T) {
	tests := []struct {
		opt          ada.Opt[string]
		value        string
		ok, null, no bool
		text         string
	}{
		{ada.Opt[string]{}, "", false, false, true, "absent"},
		{ada.Null[string](), "", false, true, false, "null"},
		{ada.Set("canary"), "canary", true, false, false, "set"},
		{ada.Set(""), "", true, false, false, "set"},
	}
	for i, tt := range tests {
		value, ok := tt.opt.Get()
		if value != tt.value || ok != tt.ok || tt.opt.IsNull() != tt.null || tt.opt.IsZero() != tt.no {
			t.Errorf("%s: Get %q %t, IsNull %t, IsZero %t", tt.text, value, ok, tt.opt.IsNull(), tt.opt.IsZero())
		}
		for _, verb := range verbs {
			if got := fmt.Sprintf(verb, tt.opt); got != tt.text && verb != "%T" {
				t.Errorf("%s prints %q, want %q", verb, got, tt.text)
			}
		}
		if got := tt.opt.LogValue().String(); got != tt.text {
			t.Errorf("logs %q, want %q", got, tt.text)
		}
		for j, other := range tests {
			if got := tt.opt.Equal(other.opt); got != (i == j) {
				t.Errorf("%d and %d: Equal is %t", i, j, got)
			}
		}
	}
}
