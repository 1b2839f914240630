package scalar_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/adasdk/ada-go/internal/scalar"
)

type (
	text   string
	hidden string
)

func (hidden) MarshalText() ([]byte, error) { return []byte("hidden"), nil }

func TestOf(t *testing.T) {
	const notFinite, noInteger = "is not a finite number", "is a number but no integer"
	for _, tt := range []struct {
		in, out       any
		integer, both string // what is wrong, without floats and with them
	}{
		{"x", "x", "", ""},
		{"", "", "", ""},
		{text("x"), "x", "", ""},
		{hidden("x"), "x", "", ""},
		{"\xff", nil, "is not valid UTF-8", "is not valid UTF-8"},
		{true, true, "", ""},
		{7, int64(7), "", ""},
		{int8(-7), int64(-7), "", ""},
		{time.Second, int64(1e9), "", ""},
		{uint64(math.MaxUint64), uint64(math.MaxUint64), "", ""},
		{1.5, 1.5, "is a float64, not a string, bool or integer", ""},
		{float32(0.1), float32(0.1), "is a float32, not a string, bool or integer", ""},
		{math.NaN(), nil, "is a float64, not a string, bool or integer", notFinite},
		{math.Inf(-1), nil, "is a float64, not a string, bool or integer", notFinite},
		{json.Number("7"), json.Number("7"), "", ""},
		{json.Number("1.5"), json.Number("1.5"), noInteger, ""},
		{json.Number("+1"), nil, noInteger, notFinite},
		{json.Number("0x1p4"), nil, noInteger, notFinite},
		{json.Number("NaN"), nil, noInteger, notFinite},
		{json.Number("1e999"), nil, noInteger, notFinite},
		{json.Number("true"), nil, noInteger, notFinite},
		{json.Number(""), nil, noInteger, notFinite},
		{nil, nil, "is nil, not a string, bool or integer", "is nil, not a string, bool or number"},
		{[]int{1}, nil, "is a []int, not a string, bool or integer", "is a []int, not a string, bool or number"},
		{new(int), nil, "is a *int, not a string, bool or integer", "is a *int, not a string, bool or number"},
	} {
		for floats, want := range map[bool]string{false: tt.integer, true: tt.both} {
			out, reason := scalar.Of(tt.in, floats)
			if reason != want || reason == "" && out != tt.out {
				t.Errorf("%T(%v), floats %t: got %#v, %q, want %#v, %q", tt.in, tt.in, floats, out, reason, tt.out, want)
			}
		}
	}
}

func TestKey(t *testing.T) {
	for k, want := range map[string]string{
		"plan_type-2": `"plan_type-2"`, strings.Repeat("k", 64): `"` + strings.Repeat("k", 64) + `"`,
		"": "…", "a b": "…", "a@b.example": "…", strings.Repeat("k", 65): "…", "ü": "…",
	} {
		if got := scalar.Key(k); got != want {
			t.Errorf("%q: got %s, want %s", k, got, want)
		}
	}
}
