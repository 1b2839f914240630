package rawjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/internal/rawjson"
)

// valid reports whether b is one JSON value and nothing else.
func valid(b []byte) bool {
	b = append(bytes.Clone(b), '\n')
	at := rawjson.Space(b)
	n, err := rawjson.Value(b[at:])
	return err == nil && at+n+rawjson.Space(b[at+n:]) == len(b)
}

var good = []string{
	`null`, `true`, `false`, `0`, `-0`, `-1`, `10`, `1.5`, `1e5`, `1E+5`, `-1.25e-05`, `""`, `"a"`, `"\u00e9\n\"\\\/\b\f\r\t"`, `"\uD83D"`,
	`[]`, `[ ]`, `{}`, "{\t}", `[1,2, 3]`, `{"a":1,"a":2}`, ` { "a" : [ { } , null ] } `, `"12345678"`, `"1234567\"90"`, `"` + strings.Repeat("x", 100) + `é"`,
	"\"\xff\xfe\"", `"` + "\x7f" + `"`, `{"":{"":[]}}`, "[1\n,\r2]", `1e400`, strings.Repeat("9", 100_000),
	strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
}

var bad = []string{
	``, ` `, `nul`, `nulL`, `True`, `tru`, `+1`, `01`, `-`, `-a`, `1.`, `.5`, `1.e5`, `1e`, `1e+`, `0x1`, `1 2`, `NaN`, `Infinity`, `-Infinity`,
	`"`, `"a`, `"\`, `"\x"`, `"\u12"`, `"\u123g"`, `"\u 123"`, "\"\n\"", "\"\x00\"", "\"1234567\x1f9\"", "\"\t\"", `'a'`, `a`,
	`[`, `]`, `[1`, `[1,`, `[1,]`, `[,1]`, `[1 2]`, `[1}`, `[1:2]`, `[]]`,
	`{`, `}`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{a:1}`, `{1:1}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"a":1]`, `{"a"::1}`, `{"a":1}{`, `{"a":1}x`, `{"a":}`, `{null:1}`,
	"\ufeff{}", "[\u00a01]", `[1]/**/`, `// x`, "[1,\v2]", "{\"a\":1\x00}", `[""`, `["`, `[tru`, `[1,2`,
	strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001), strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001),
}

func TestValue(t *testing.T) {
	for _, s := range good {
		if !valid([]byte(s)) {
			t.Errorf("%.60q is refused", s)
		}
	}
	for _, s := range bad {
		if valid([]byte(s)) {
			t.Errorf("%.60q is accepted", s)
		}
	}
}

// Every beginning of a good value is short, and not wrong.
func TestShort(t *testing.T) {
	for _, s := range good {
		s = strings.TrimLeft(s, " ")
		if len(s) > 1000 {
			continue
		}
		for i := range strings.TrimRight(s, " ") {
			n, err := rawjson.Value([]byte(s[:i]))
			if !errors.Is(err, rawjson.ErrShort) {
				t.Errorf("%q: got %d, %v, want %v", s[:i], n, err, rawjson.ErrShort)
			}
		}
	}
}

func TestErrorsAreSyntaxErrors(t *testing.T) {
	for text, at := range map[string]int64{`{"a":x}`: 5, `[1,,2]`: 3, `{"a":"\q"}`: 7, "[\"\n\"]": 2, `{"a" 1}`: 5} {
		_, err := rawjson.Value([]byte(text))
		var syntax *json.SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != at {
			t.Errorf("%s: got %#v, want a syntax error at %d", text, err, at)
		}
	}
}

func TestObject(t *testing.T) {
	text := `{ "a" : 1, "b\u0063":"x" ,"a":[{"a":2}],"":null}tail`
	var got []string
	n, err := rawjson.Object([]byte(text), func(key, value []byte) error {
		got = append(got, string(key)+"="+string(value))
		return nil
	})
	if err != nil || text[n:] != "tail" {
		t.Errorf("%d, %v", n, err)
	}
	if diff := cmp.Diff([]string{"a=1", `bc="x"`, `a=[{"a":2}]`, "=null"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	stop := errors.New("stop")
	calls := 0
	if _, err := rawjson.Object([]byte(text), func(_, _ []byte) error { calls++; return stop }); err != stop || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
	if _, err := rawjson.Object([]byte(`[]`), nil); err == nil {
		t.Error("an array is an object")
	}
}

func TestArray(t *testing.T) {
	text := `[ 1 , "x",[2],{}, null ]tail`
	var got []string
	n, err := rawjson.Array([]byte(text), func(value []byte) error {
		got = append(got, string(value))
		return nil
	})
	if err != nil || text[n:] != "tail" {
		t.Errorf("%d, %v", n, err)
	}
	if diff := cmp.Diff([]string{"1", `"x"`, "[2]", "{}", "null"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	stop := errors.New("stop")
	if _, err := rawjson.Array([]byte(text), func([]byte) error { return stop }); err != stop {
		t.Errorf("got %v", err)
	}
	if _, err := rawjson.Array([]byte(`{}`), nil); err == nil {
		t.Error("an object is an array")
	}
}

func TestString(t *testing.T) {
	for text, want := range map[string]string{
		`""`: "", `"a"`: "a", `"\u00e9\n\""`: "é\n\"", "\"a\xffb\"": "a\ufffdb", `"\ud83d\ude42"`: "🙂", `"\ud83d"`: "\ufffd",
		`"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t", `"\u00E9\u00eF"`: "éï", `"\ud83d\ud83d\ude42"`: "\ufffd🙂", `"\ude42\ud83d"`: "\ufffd\ufffd",
		`"\ud83dx"`: "\ufffdx", `"\ud83d\n"`: "\ufffd\n", `"\ud83d\u0041"`: "\ufffdA", "\"\xe2\x82\\n\xff\xff\"": "\ufffd\ufffd\n\ufffd\ufffd",
	} {
		if got, ok := rawjson.String([]byte(text)); !ok || got != want {
			t.Errorf("%q: got %q, %t, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"", `"`, "1", "null", "{}", "[]"} {
		if got, ok := rawjson.String([]byte(text)); ok {
			t.Errorf("%q: got %q", text, got)
		}
	}
	if !rawjson.Null([]byte("null")) || rawjson.Null([]byte("true")) || rawjson.Null([]byte(`"nul`)) {
		t.Error("null")
	}
}

// FuzzValue has encoding/json as its judge.
func FuzzValue(f *testing.F) {
	for _, s := range append(good, bad...) {
		if len(s) < 1000 {
			f.Add([]byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := valid(b), json.Valid(b); got != want {
			t.Errorf("%q: valid %t, want %t", b, got, want)
		}
		var wanted string
		if json.Unmarshal(b, &wanted) == nil && !rawjson.Null(bytes.TrimSpace(b)) {
			if got, ok := rawjson.String(bytes.TrimSpace(b)); !ok || got != wanted {
				t.Errorf("%q is %q, %t, want %q", b, got, ok, wanted)
			}
		}
		if !json.Valid(b) || len(bytes.TrimSpace(b)) == 0 || bytes.TrimSpace(b)[0] != '{' {
			return
		}
		// The last of each key is what encoding/json keeps.
		var want map[string]json.RawMessage
		if json.Unmarshal(b, &want) != nil {
			return
		}
		got := map[string]json.RawMessage{}
		_, err := rawjson.Object(bytes.TrimSpace(b), func(key, value []byte) error {
			got[string([]rune(string(key)))] = bytes.Clone(value) // as encoding/json does with what is no UTF-8
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", b, diff)
		}
	})
}

func BenchmarkValue(b *testing.B) {
	text := []byte("[" + strings.Repeat(`{"_id":"5f7e0e2c1e7c7e000f0f9c3a","is_engaged":true,"agent_handle_time":12.5,"inquiry_summary":"`+strings.Repeat("Lorem ipsum ", 20)+`","variables":{"name":"Ada","n":12}},`, 1000) + "{}]")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := rawjson.Value(text); err != nil {
			b.Fatal(err)
		}
	}
}
