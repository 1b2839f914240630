package dataexport_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/dataexport"
)

// raws reads the one page that body holds.
func raws(tb testing.TB, body func() io.Reader) (got []string, err error) {
	tb.Helper()
	for raw, err := range bodies(tb, body).MessagesRaw(tb.Context(), lastDay()) {
		if err != nil {
			return got, err
		}
		got = append(got, string(raw))
	}
	return got, nil
}

func rawsOf(tb testing.TB, body string) ([]string, error) {
	tb.Helper()
	return raws(tb, func() io.Reader { return strings.NewReader(body) })
}

func TestPage(t *testing.T) {
	const a, b = `{"_id":"a","date_created":"2026-01-02T03:04:05"}`, `{ "_id" : "b", "next_page_uri":"no link", "data":[1] }`
	two := []string{a, b}
	for name, tt := range map[string]struct {
		body string
		want []string
	}{
		"v2":                           {`{"data":[` + a + `,` + b + `],"meta":{"next_page_uri":null}}`, two},
		"v1":                           {`{"data":[` + a + `,` + b + `],"message":"OK","next_page_uri":null}`, two},
		"v1 with an empty link":        {`{"data":[` + a + `,` + b + `],"message":"OK","next_page_uri":""}`, two},
		"meta first":                   {`{"meta":{"next_page_uri":null},"data":[` + a + `,` + b + `]}`, two},
		"no meta":                      {`{"data":[` + a + `,` + b + `]}`, two},
		"meta is null":                 {`{"data":[` + a + `,` + b + `],"meta":null}`, two},
		"meta is empty":                {`{"data":[` + a + `,` + b + `],"meta":{}}`, two},
		"url":                          {`{"data":[` + a + `,` + b + `],"meta":{"next_page_url":null}}`, two},
		"items":                        {`{"items":[` + a + `,` + b + `],"meta":{}}`, two},
		"unknown keys":                 {`{"":{"data":[{"_id":"x"}]},"Data":[{"_id":"x"}],"n":-1.5e3,"s":"\"data\":[]","t":true,"f":false,"z":null,"data":[` + a + `,` + b + `],"ITEMS":[],"l":[[[]]],"meta":{"data":[],"errors":[1]}}`, two},
		"an escaped key":               {`{"d\u0061ta":[` + a + `,` + b + `]}`, two},
		"white space":                  {" \r\n\t{ \"meta\" : { } ,\n\t\"data\" :\r\n[\n" + a + "\n,\t" + b + " ] } \n\n\t\r" + strings.Repeat(" ", 200_000), two},
		"white space between all":      {strings.Repeat(" ", 150_000) + `{"data":[` + strings.Repeat("\n", 150_000) + a + `,` + strings.Repeat("\t", 150_000) + b + `]}`, two},
		"no errors":                    {`{"errors":null,"data":[` + a + `,` + b + `]}`, two},
		"an empty list of errors":      {`{"errors":[ ],"data":[` + a + `,` + b + `]}`, two},
		"no records":                   {`{"data":[],"meta":{"next_page_uri":null}}`, nil},
		"no records and white space":   {`{"data": [ ] }`, nil},
		"records of other types":       {`{"data":[1,-2.5e3,"a",true,false,null,[],[1,[2]],{}]}`, []string{`1`, `-2.5e3`, `"a"`, `true`, `false`, `null`, `[]`, `[1,[2]]`, `{}`}},
		"the same id twice":            {`{"data":[` + a + `,` + a + `]}`, []string{a, a}},
		"no ids":                       {`{"data":[{},{},{"_id":""},{"_id":7}]}`, []string{`{}`, `{}`, `{"_id":""}`, `{"_id":7}`}},
		"bytes that are no UTF-8":      {"{\"\xff\":\"\xfe\",\"data\":[\"\xff\",{\"\xc3\":\"\xc3\"}]}", []string{"\"\xff\"", "{\"\xc3\":\"\xc3\"}"}},
		"no Unicode where it is quiet": {`{"data":["\ud83d","\u0000"]}`, []string{`"\ud83d"`, `"\u0000"`}},
	} {
		got, err := rawsOf(t, tt.body)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}

// Good JSON that is no page. It is never an empty export.
func TestPageOfAnotherShape(t *testing.T) {
	for body, want := range map[string]string{
		`null`:                          "the body is no object",
		`[]`:                            "the body is no object",
		`[{"data":[]}]`:                 "the body is no object",
		`"data"`:                        "the body is no object",
		`true`:                          "the body is no object",
		`{}`:                            "data is missing",
		`{"Data":[]}`:                   "data is missing",
		`{"meta":{"data":[]}}`:          "data is missing",
		`{"message":"OK"}`:              "data is missing",
		`{"data":null}`:                 "data is no list",
		`{"data":{}}`:                   "data is no list",
		`{"data":{"_id":"1"}}`:          "data is no list",
		`{"data":"[]"}`:                 "data is no list",
		`{"data":0}`:                    "data is no list",
		`{"items":null}`:                "items is no list",
		`{"data":[],"items":[]}`:        "items is a second list of records",
		`{"items":[{}],"data":[]}`:      "data is a second list of records",
		`{"data":[],"data":[]}`:         "data is a second list of records",
		`{"data":[],"data":null}`:       "data is no list",
		`{"data":null,"data":[]}`:       "data is no list",
		`{"data":[],"meta":[]}`:         "meta is no object",
		`{"data":[],"meta":"x"}`:        "meta is no object",
		`{"data":[],"next_page_uri":1}`: "next_page_uri is no string",
		`{"data":[],"meta":{"next_page_uri":{}}}`:               "meta.next_page_uri is no string",
		`{"data":[],"meta":{"next_page_url":false}}`:            "meta.next_page_url is no string",
		`{"data":[],"errors":[{"type":"canary"}]}`:              "the body is an error envelope",
		`{"errors":[{"type":"canary","message":"canary"}]}`:     "the body is an error envelope",
		`{"errors":"canary","data":[]}`:                         "the body is an error envelope",
		`{"errors":{"canary":1},"data":[{}]}`:                   "the body is an error envelope",
		`{"data":[],"meta":{"next_page_uri":"canary"}}`:         "next_page_",
		`{"data":[],"next_page_uri":"https://canary.example/"}`: "next_page_",
	} {
		got, err := rawsOf(t, body)
		var e *dataexport.Error
		var api *ada.Error
		if got != nil || !errors.As(err, &e) || !errors.As(err, &api) || !errors.Is(err, ada.ErrAnswer) || api.StatusCode != 200 && api.StatusCode != 0 {
			t.Errorf("%s: got %d records, %v", body, len(got), err)
			continue
		}
		if !strings.Contains(err.Error(), "the answer is not usable: "+want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

// tokens are no JSON, wherever a value is to be.
var tokens = []string{
	``, `,`, `:`, `NaN`, `nan`, `Infinity`, `-Infinity`, `+1`, `01`, `-01`, `00`, `-`, `--1`, `1.`, `.5`, `-.5`, `1.e5`, `1e`, `1e+`, `1E-`, `1e5.5`, `0x1F`, `1_000`, `1,`, `1 2`, `1L`, `٣`,
	`True`, `TRUE`, `False`, `NULL`, `None`, `nil`, `undefined`, `tru`, `nulll`, `truefalse`, `a`,
	`'a'`, `"a`, `a"`, "`a`", `"a" "b"`, `"a"+"b"`, `"\x41"`, `"\u12"`, `"\u12G4"`, `"\U0001F642"`, `"\'"`, `"\a"`, `"\`, `"\"`, "\"\n\"", "\"\t\"", "\"\x00\"", "\"\x1f\"", "“a”",
	`[`, `]`, `[1`, `[1,]`, `[,1]`, `[,]`, `[1,,2]`, `[1 2]`, `[1;2]`, `[1}`, `[1:2]`, `[1]]`, `["a":1]`, `(1)`, `[...]`,
	`{`, `}`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{,"a":1}`, `{a:1}`, `{'a':1}`, `{1:1}`, `{null:1}`, `{"a" 1}`, `{"a","b"}`, `{"a"=1}`, `{"a"::1}`, `{"a":1 "b":2}`, `{"a":1;"b":2}`,
	`{"a":1]`, `{"a":}`, `{"a":1}}`, `{"a":1,,"b":2}`, `{"a":{}`, `{"a"}`, `{[]:1}`, `{"a":1,2}`,
	`1/**/`, `/**/1`, "1 // one\n", "# one\n1", `<!-- -->1`, "1\x00", "\x001", "1\v", "\f1", "\u00a01", "\ufeff1", "1\u2028", "\xff", "\x80", "\x7f", `\u0031`, `1e400e1`,
}

// malformed are bodies that are no JSON.
func malformed() (all []string) {
	const page = `{"data":[{"_id":"1","a":[true,null,-1.5e3]}, "x" ],"meta":{"next_page_uri":null},"n":[0]}`
	for i := range page {
		all = append(all, page[:i])
	}
	for i := range page { // without one byte of its syntax
		if less := page[:i] + page[i+1:]; strings.ContainsRune(`{}[],:"`, rune(page[i])) && !json.Valid([]byte(less)) {
			all = append(all, less)
		}
	}
	for _, token := range tokens {
		all = append(
			all, token, `{"data":[],"a":`+token+`}`, `{"a":`+token+`,"data":[]}`, `{"data":`+token+`}`,
			`{"data":[{"_id":"1","a":`+token+`}]}`, `{"data":[{"_id":"1","a":[{"b":`+token+`}]}]}`, `{"data":[],"meta":{"next_page_uri":`+token+`}}`,
		)
		if !slices.Contains([]string{``, `1,`}, token) { // which leave a list as it was, or a trailing comma
			all = append(all, `{"data":[`+token+`]}`)
		}
		all = append(all, `{"data":[`+token+`,{}]}`, `{"data":[{},`+token+`]}`)
	}
	for _, after := range []string{
		`x`, `,`, `}`, `]`, `{}`, `[]`, `null`, `0`, `""`, page, "\x00", "\ufeff", `// end`, `/**/`, `<html>`, `;`, "\v", "\u00a0", "\n\n.", strings.Repeat(" ", 300_000) + "x",
	} {
		all = append(all, page+after)
	}
	for _, before := range []string{"\ufeff", "\xfe\xff", "\x00", ")]}',\n", "for(;;);", "x", ",", "{", "[", "/**/", "\v", "<html>", "1f\r\n", "null"} {
		all = append(all, before+page)
	}
	return append(
		all, "", " ", "\n", "\x00", `<html><body>canary</body></html>`, `OK`, `data=[]`, "---\ndata: []\n", `{data:[]}`, `{'data':[]}`, `{"data"=[]}`, `{"data":[]`,
		`{"data":[]]`, `{"data":[}`, `{"data":[}]`, `{"data":{]}`, `{"data" []}`, `{"data":,"a":[]}`, `{"data":[]"a":1}`, `{"data":[],}`, `{,"data":[]}`, `{"data":[],,"a":1}`,
		`{"data\":[]}`, `{"data":[] ,"a"}`, `{"data":[],"a":}`, `{"data":[],1:1}`, `{"data":[],null}`, `{"data":[],"\u00":1}`, "{\"data\":[],\"\n\":1}", `{{"data":[]}}`, `{"data":[{}{}]}`,
		`{"data":[{} {}]}`, `{"data":[{},]}`, `{"data":[,{}]}`, `{"data":[{};{}]}`, `{"data":[{}`+strings.Repeat(",", 200_000)+`]}`, `{"data":["`+strings.Repeat("a", 1<<20),
		`{"data":[`+strings.Repeat("[", 10_001)+strings.Repeat("]", 10_001)+`]}`, `{"data":[],"a":`+strings.Repeat(`{"a":`, 10_001)+"1"+strings.Repeat("}", 10_001)+`}`,
		`{"data":[`+strings.Repeat("[", 1<<20),
	)
}

// A page that is no JSON to its last byte is refused, and nothing of it comes.
func TestMalformedPages(t *testing.T) {
	all := malformed()
	if len(all) < 1000 {
		t.Errorf("only %d documents", len(all))
	}
	for _, body := range all {
		if json.Valid([]byte(body)) {
			t.Errorf("%.300q is good", body)
			continue
		}
		got, err := rawsOf(t, body)
		var e *dataexport.Error
		if got != nil || !errors.As(err, &e) || !errors.Is(err, ada.ErrAnswer) {
			t.Errorf("%.300q: got %d records, %v", body, len(got), err)
			continue
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%.300q: %v", body, err)
		}
	}
}

// pieces is a reader that gives at most n bytes at a time.
type pieces struct {
	rest string
	n    int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.rest == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(p.n, len(b))], p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// However the body comes, it is the same page.
func TestPagesComeInPieces(t *testing.T) {
	want := []string{
		`{"_id":"1","sender":"a\"\\\u00e9é👋","n":[-1.5e+3,0,true,false,null]}`, `{ "_id" : "2" ,"date_created":"2026-01-02T03:04:05","o":{"":{}}}`,
		`12`, `"x"`, `null`, `[]`, `{}`, `-0.5`,
	}
	body := "{ \"a\" : [1,{}] , \"data\" : [ " + strings.Join(want, " , ") + "\n] , \"m\\u0065ta\" : {\"next_page_uri\":null} , \"n\" : 12 }\n"
	for n := 1; n <= len(body); n++ {
		got, err := raws(t, func() io.Reader { return &pieces{body, n} })
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("in pieces of %d bytes: %v (-want +got)\n%s", n, err, diff)
		}
	}
	for name, wrap := range map[string]func(io.Reader) io.Reader{"data with EOF": iotest.DataErrReader, "half": iotest.HalfReader, "one byte with EOF": func(r io.Reader) io.Reader {
		return iotest.DataErrReader(iotest.OneByteReader(r))
	}} {
		got, err := raws(t, func() io.Reader { return wrap(strings.NewReader(body)) })
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}

// A body that breaks is an error, even where its text is whole.
func TestPagesThatBreak(t *testing.T) {
	body := pageOf(`{"_id":"1"}`, `{"_id":"2"}`)
	broken := errors.New("broken")
	for i := 0; i <= len(body); i++ {
		for _, end := range []error{broken, io.ErrUnexpectedEOF} {
			got, err := raws(t, func() io.Reader { return io.MultiReader(strings.NewReader(body[:i]), iotest.ErrReader(end)) })
			var e *dataexport.Error
			if got != nil || !errors.As(err, &e) {
				t.Errorf("broken after %d bytes by %v: got %d records, %v", i, end, len(got), err)
			}
		}
	}
}

// The end of a buffer can be anywhere in a record.
func TestBufferBoundaries(t *testing.T) {
	const head, last = `{"data":[`, `{"_id":"1","a":"b\u00e9\"","n":-12.5e3,"t":true,"z":[null]}`
	for _, buffer := range []int{128 << 10, 256 << 10} {
		for shift := -3; shift < len(last)+12; shift += buffer >> 17 {
			first := `"` + strings.Repeat("x", buffer-shift-len(head)-len(last)/2) + `"`
			got, err := rawsOf(t, head+first+`,`+last+`,7],"n":12}`)
			if err != nil || len(got) != 3 || got[0] != first || got[1] != last || got[2] != "7" {
				t.Fatalf("%d bytes, %d before: %d records, %v", buffer, shift, len(got), err)
			}
		}
	}
}

// Records, keys and fields beside the records can be larger than all buffers.
func TestLargeValues(t *testing.T) {
	const part = `Ada Lovelace wrote of an engine, and what it could do with \u00e9, \" and 👋. `
	large := `"` + strings.Repeat(part, 1<<20/len(part)+1) + `"` // more than 1 MiB
	small := `{"_id":"s"}`
	for name, records := range map[string][]string{
		"first":   {`{"_id":"1","body":` + large + `}`, small, small},
		"middle":  {small, `{"body":` + large + `,"_id":"1"}`, small},
		"last":    {small, small, `{` + large + `:"a"}`},
		"all":     slices.Repeat([]string{`[` + large + `]`}, 3),
		"a list":  {small, `{"_id":"1","l":[` + strings.Repeat(`{"a":[1,2.5,"x"]},`, 20_000) + `0]}`, small},
		"numbers": {strings.Repeat("1", 300_000), `{"_id":"1","n":-0.` + strings.Repeat("0", 300_000) + `1e400}`, small},
		"spaces":  {`{` + strings.Repeat(" ", 300_000) + `"_id"` + strings.Repeat("\n", 300_000) + `:"1"}`, small},
	} {
		got, err := rawsOf(t, pageOf(records...))
		if err != nil || !slices.Equal(got, records) {
			t.Errorf("%s: %d records, %v", name, len(got), err)
		}
	}
	got, err := rawsOf(t, `{"before":`+large+`,`+large+`:{},"data":[`+small+`],"after":[`+large+`]}`)
	if err != nil || !slices.Equal(got, []string{small}) {
		t.Errorf("beside the records: %d records, %v", len(got), err)
	}
	c := field(t, "inquiry_summary", large)
	if want := strings.ReplaceAll(strings.ReplaceAll(large[1:len(large)-1], `\u00e9`, "é"), `\"`, `"`); c.InquirySummary != want {
		t.Errorf("the text has %d bytes, want %d", len(c.InquirySummary), len(want))
	}
}

// What does not fit in memory comes back as it was, and leaves nothing behind. Without a place for files it stays in
// memory.
func TestPagesOnDisk(t *testing.T) {
	const unit = 128 << 10
	dir := t.TempDir()
	for _, place := range []string{dir, filepath.Join(dir, "none")} {
		temporaryIn(t, place)
		t.Setenv("TMP", place)
		for _, total := range []int{unit - 1, unit, unit + 1, 2 * unit, 2*unit + 1, 9*unit + 7} {
			for _, size := range []int{total, unit - 1, 1021} {
				var records []string
				for left := total; left > 2; {
					n := min(size, left)
					if left -= n; left <= 2 { // too little for a record
						n, left = n+left, 0
					}
					b := []byte(`"` + strings.Repeat("x", n-2) + `"`)
					copy(b[1:len(b)-1], fmt.Sprint(len(records)))
					records = append(records, string(b))
				}
				name := fmt.Sprintf("%d bytes in records of %d", total, size)
				pages := 0
				for page, err := range holding(t, records...).MessagePages(t.Context(), lastDay()) {
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					pages++
					if page.Len() != len(records) {
						t.Errorf("%s: Len is %d, want %d", name, page.Len(), len(records))
					}
					for range page.Raw() { // a loop that is left, and two whole ones
						break
					}
					for range 2 {
						var got []string
						for raw, err := range page.Raw() {
							if err != nil {
								t.Fatalf("%s: %v", name, err)
							}
							got = append(got, string(raw))
						}
						if !slices.Equal(got, records) {
							t.Errorf("%s: other records came back", name)
						}
					}
				}
				if pages != 1 {
					t.Errorf("%s: %d pages", name, pages)
				}
			}
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// What lies on the disk is not legible, and goes with the process.
func TestFilesAreEncrypted(t *testing.T) {
	if !seesFiles {
		t.Skip("no list of open files here")
	}
	dir := t.TempDir()
	temporaryIn(t, dir)
	record := `"` + strings.Repeat("canary", 1<<18) + `"`
	read := 0
	for page, err := range holding(t, record).MessagePages(t.Context(), lastDay()) {
		if err != nil || page.Len() != 1 {
			t.Fatal(err)
		}
		open, err := filepath.Glob("/proc/self/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		if named, err := os.ReadDir(dir); err != nil || len(named) > 0 {
			t.Errorf("a file has a name: %v, %v", named, err) // and a process that is killed would leave it
		}
		for _, name := range open {
			if target, _ := os.Readlink(name); strings.HasPrefix(target, dir) {
				b, err := os.ReadFile(name)
				if err != nil || len(b) == 0 {
					t.Errorf("%s: %d bytes, %v", target, len(b), err)
				}
				if read++; bytes.Contains(b, []byte("canary")) {
					t.Error("the file shows its records")
				}
			}
		}
	}
	if read != 1 {
		t.Errorf("%d files, want 1", read)
	}
}

// A page is of no use when its loop has gone on.
func TestPageAfterItsLoop(t *testing.T) {
	var kept *dataexport.Page[dataexport.Message]
	for page, err := range holding(t, `{"_id":"1"}`, `{"_id":"2"}`).MessagePages(t.Context(), lastDay()) {
		if err != nil {
			t.Fatal(err)
		}
		kept = page
	}
	const want = "the page is used after the loop that it came from went on: from "
	n := 0
	for m, err := range kept.Records() {
		if n++; m != nil || !errors.As(err, new(*dataexport.Error)) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, %v", m, err)
		}
	}
	for raw, err := range kept.Raw() {
		if n++; raw != nil || !errors.As(err, new(*dataexport.Error)) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, %v", raw, err)
		}
	}
	if n != 2 {
		t.Errorf("%d errors, want 2", n)
	}
}

// Records and Raw are independent of each other, and can be left.
func TestPageIsReadAgain(t *testing.T) {
	want := []string{`{"_id":"0"}`, `{"_id":"1"}`, `{"_id":"2"}`}
	pages := 0
	for page, err := range holding(t, want...).ConversationPages(t.Context(), lastDay()) {
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for leave := range len(want) + 1 {
			n := 0
			for c, err := range page.Records() {
				if err != nil || string(c.Raw) != want[n] {
					t.Errorf("record %d is %v, %v", n, c, err)
				}
				inner := 0
				for raw, err := range page.Raw() {
					if err != nil || string(raw) != want[inner] {
						t.Errorf("inner record %d is %s, %v", inner, raw, err)
					}
					inner++
				}
				if n++; n == leave {
					break
				}
			}
		}
		if page.Len() != 3 || !page.Since.Before(page.Until) || page.Next == "" {
			t.Errorf("page of %d from %s until %s, then %q", page.Len(), page.Since, page.Until, page.Next)
		}
	}
	if pages != 1 {
		t.Errorf("%d pages", pages)
	}
}

// judge reads a page with encoding/json. certain is false where a link leads on, which is another matter.
func judge(body []byte) (records []string, good, certain bool) {
	if !json.Valid(body) {
		return nil, false, true
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if start, _ := d.Token(); start != json.Delim('{') {
		return nil, false, true
	}
	good, certain = true, true
	lists := 0
	link := func(v json.RawMessage) {
		s := new(string)
		if json.Unmarshal(v, &s) != nil {
			good = false
		} else if s != nil && *s != "" {
			certain = false
		}
	}
	for d.More() {
		key, _ := d.Token()
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			panic(err)
		}
		switch key {
		case "data", "items":
			var list []json.RawMessage
			if lists++; v[0] != '[' || json.Unmarshal(v, &list) != nil {
				good = false
			}
			for _, r := range list {
				records = append(records, string(r))
			}
		case "next_page_uri", "next_page_url":
			link(v)
		case "meta":
			m := json.NewDecoder(bytes.NewReader(v))
			switch start, _ := m.Token(); start {
			case nil: // null
			case json.Delim('{'):
				for m.More() {
					key, _ := m.Token()
					var v json.RawMessage
					if err := m.Decode(&v); err != nil {
						panic(err)
					}
					if key == "next_page_uri" || key == "next_page_url" {
						link(v)
					}
				}
			default:
				good = false
			}
		case "errors":
			var e any
			_ = json.Unmarshal(v, &e)
			switch e := e.(type) {
			case nil:
			case []any:
				good = good && len(e) == 0
			case map[string]any:
				good = good && len(e) == 0
			case string:
				if strings.TrimSpace(e) != e {
					certain = false
				}
				good = good && strings.TrimSpace(e) == ""
			default:
				good = false
			}
		}
	}
	return records, good && lists == 1, certain
}

// FuzzPage has encoding/json as its judge.
func FuzzPage(f *testing.F) {
	for _, body := range malformed() {
		if len(body) < 1000 {
			f.Add([]byte(body), uint8(3))
		}
	}
	for _, s := range []string{
		`{"data":[]}`, `{"items":[{"_id":"1"}]}`, `{"data":[{"_id":"1","date_created":"2026-01-02T03:04:05"},{"_id":"1"}],"meta":{"next_page_uri":null}}`,
		`{"meta":null,"errors":[],"data":[1,"a",null,[]]}`, `{"data":[],"items":[]}`, `{"data":[],"meta":{"next_page_uri":"/a"}}`, `{"data":[{"_id":"\ud83d"}],"next_page_uri":""}`,
	} {
		f.Add([]byte(s), uint8(1))
	}
	var body []byte
	var size int
	export := bodies(f, func() io.Reader { return &pieces{string(body), size} })
	q := lastDay()
	q.Until = time.Now()
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		body, size = b, int(n)+1
		want, good, certain := judge(b)
		var got []string
		var failed error
		for page, err := range export.MessagePages(t.Context(), q) {
			if failed = err; err != nil {
				break
			}
			for raw, err := range page.Raw() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(raw))
			}
			if page.Len() != len(got) {
				t.Errorf("%q: %d records of %d", b, len(got), page.Len())
			}
			break
		}
		switch {
		case failed != nil && good && certain:
			t.Errorf("%q is refused: %v", b, failed)
		case failed == nil && !good && certain:
			t.Errorf("%q is accepted", b)
		case failed == nil:
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q (-want +got)\n%s", b, diff)
			}
		case !errors.Is(failed, ada.ErrAnswer):
			t.Errorf("%q: %v", b, failed)
		}
	})
}
