package faultsuite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/adasdk/ada-go/endusers"
	"github.com/adasdk/ada-go/internal/faults"
)

// edited is a server whose answers come with another body, in plain text and with status 200.
func edited(edit func(body string) string) []func(*world) faults.Step {
	return changed(func(r faults.Reply) faults.Step {
		r.Body = edit(r.Body)
		if r.Status == http.StatusNoContent {
			r.Status = http.StatusOK
		}
		return faults.Answer(r.String())
	})
}

func instead(body string) []func(*world) faults.Step {
	return edited(func(string) string { return body })
}

// begun puts a field in front of the id of every record, or of the whole answer of an operation that reads none.
func begun(op operation, field string) func(string) string {
	return func(body string) string {
		if op.idKey == "" {
			return strings.Replace(body, "{", "{"+field+",", 1)
		}
		id := `"` + op.idKey + `":`
		if !strings.Contains(body, id) {
			return "" // which no operation takes
		}
		return strings.ReplaceAll(body, id, field+","+id)
	}
}

// valued puts another value in place of every string of a key.
func valued(key, value string) func(string) string {
	pattern := regexp.MustCompile(`"` + regexp.QuoteMeta(key) + `":"[^"]*"`)
	return func(body string) string { return pattern.ReplaceAllLiteralString(body, `"`+key+`":`+value) }
}

// once and thenWell: a broken answer, then a good one. A call that must not be repeated has happened then.
func oneBroken(steps []func(*world) faults.Step) fault { return doubtful(steps, success) }

// broken is an answer that is refused, after a number of attempts where the call can be repeated.
func broken(steps []func(*world) faults.Step, attempts int) fault {
	u := unknown(success)
	u.is = append(u.is, ada.ErrAnswer)
	return fault{steps: steps, forever: true, idempotent: fails(attempts, success, ada.ErrAnswer), other: u}
}

// taken is an answer that is odd and good enough.
func taken(steps []func(*world) faults.Step) fault {
	return fault{steps: steps, forever: true, idempotent: again(0), other: again(0)}
}

// neverWhole is an answer that ends too early each time.
func neverWhole(steps []func(*world) faults.Step) fault {
	w := fails(4, success)
	w.is = []error{errAny}
	return fault{steps: steps, forever: true, only: 1, idempotent: w, other: unknown(success)}
}

const html = "<!DOCTYPE html><html><title>Sign in to canary-name</title></html>"

var bodyScenarios = []scenario{
	{
		id: "B01", title: "Reset in the middle of a body, of lists on page 7 of 20: read again, and nothing of the broken one is handed out.",
		skip: bodies,
		run: func(t *testing.T, op operation) {
			f := oneBroken(changed(func(r faults.Reply) faults.Step {
				s := r.String()
				return faults.AnswerAndReset(s[:len(s)-len(r.Body)/2])
			}))
			if op.list {
				f.pages, f.only = 20, 7
			}
			f.run(t, op, "reset")
		},
	},
	{
		id: "B02", title: "Half a gzip: read again.", skip: bodies,
		run: simple(oneBroken(changed(func(r faults.Reply) faults.Step {
			return faults.Answer(r.Gzipped(len(faults.Gzip(r.Body)) / 2).String())
		}))),
	},
	{
		id: "B03", title: "A gzip without its trailer: read again.", skip: bodies,
		run: simple(oneBroken(changed(func(r faults.Reply) faults.Step { return faults.Answer(r.WithoutTrailer().String()) }))),
	},
	{
		id: "B04", title: "It says gzip and is none: read again, and typed after 4 tries.", skip: bodies,
		run: func(t *testing.T, op operation) {
			steps := changed(func(r faults.Reply) faults.Step {
				return faults.Answer(r.Head("Content-Encoding: gzip", fmt.Sprintf("Content-Length: %d", len(r.Body))) + r.Body)
			})
			oneBroken(steps).run(t, op, "once")
			neverWhole(steps).run(t, op, "for ever")
		},
	},
	{
		id: "B05", title: "Content-Length 100 and 7 bytes: read again.",
		run: func(t *testing.T, op operation) {
			steps := changed(func(r faults.Reply) faults.Step {
				r.Status = http.StatusOK
				return faults.Answer(r.Head("Content-Length: 100") + `{"id":1`)
			})
			oneBroken(steps).run(t, op, "once")
			neverWhole(steps).run(t, op, "for ever")
		},
	},
	{
		id: "B06", title: "More bytes than Content-Length says: they are nobody's, and the next request is unharmed.", skip: bodies,
		note: "net/http writes what comes unasked on an idle connection to the standard logger of package log, which no client of it can change.",
		run: func(t *testing.T, op operation) {
			log.SetOutput(io.Discard)
			defer log.SetOutput(os.Stderr)
			f := taken(changed(func(r faults.Reply) faults.Step {
				r.Stay = true
				return faults.AnswerAndStay(r.String() + faults.Say(500, "canary-name"))
			}))
			f.idempotent.unsure = true // net/http may find out when it has sent a GET, and send it again
			f.run(t, op, "more")
		},
	},
	{
		id: "B07", title: "Chunks without the last one, and chunks that are none: read again.", skip: bodies,
		run: each(map[string]fault{
			"no last one": oneBroken(changed(func(r faults.Reply) faults.Step {
				return faults.Answer(r.Head("Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n%s\r\n", len(r.Body), r.Body))
			})),
			"malformed": oneBroken(changed(func(r faults.Reply) faults.Step {
				return faults.Answer(r.Head("Transfer-Encoding: chunked") + "zz\r\n" + r.Body + "\r\n0\r\n\r\n")
			})),
		}),
	},
	{
		id: "B08", title: "A gzip bomb, 64 MiB from 65 kB: refused at the limit, not repeated, and never in memory.",
		note: "An export's limit is 256 MiB, and its pages are not in memory: 320 MiB of white space in front of one of them.",
		skip: func(op operation) string {
			if op.export != nil && op.name != "dataexport.Conversations" {
				return "the same reader as column 24"
			}
			return ""
		},
		run: func(t *testing.T, op operation) {
			bomb, most := bomb(), uint64(64<<20)
			if op.export != nil { // streams of gzip can follow one another
				bomb, most = strings.Repeat(bomb, 5), 8<<20
			}
			f := broken(toReply(faults.Say(200, bomb, "Content-Encoding: gzip")), 1)
			f.only = 1
			var before, after runtime.MemStats
			f.config = func(*ada.Config) { runtime.ReadMemStats(&before) }
			f.each = func(t *testing.T, o *outcome) {
				runtime.ReadMemStats(&after)
				if n := (after.TotalAlloc - before.TotalAlloc) / uint64(max(o.network.Arrived(), 1)); n > most {
					t.Errorf("%d MiB were allocated", n>>20)
				}
			}
			f.run(t, op, "bomb")
		},
	},
	{
		id: "B09", title: "200 with HTML: refused, after 4 tries where JSON is expected and the call can be repeated.",
		note: "Deviation: it is tried 4 times and not twice; the text is in Error.Body, and no sample of it is in the error, since it can repeat what was sent.",
		run: func(t *testing.T, op operation) {
			attempts := 4
			if op.ignores {
				attempts = 1
			} else {
				oneBroken(instead(html)).run(t, op, "once")
			}
			f := broken(instead(html), attempts)
			f.each = func(t *testing.T, o *outcome) {
				if op.export == nil && o.failure != nil && string(o.failure.Body()) != html {
					t.Errorf("the body is not reachable: %q", o.failure.Body())
				}
			}
			f.run(t, op, "for ever")
		},
	},
	{
		id: "B10", title: "200 and nothing: refused, after 4 tries where the call can be repeated.", skip: decoders,
		run: func(t *testing.T, op operation) {
			oneBroken(instead("")).run(t, op, "once")
			broken(instead(""), 4).run(t, op, "for ever")
		},
	},
	{
		id: "B11", title: "204: good where nothing is read of the answer, else refused.",
		run: func(t *testing.T, op operation) {
			steps := changed(func(r faults.Reply) faults.Step { r.Status, r.Body = 204, ""; return faults.Answer(r.String()) })
			if op.ignores {
				taken(steps).run(t, op, "204")
				return
			}
			f := broken(steps, 4)
			f.idempotent.status, f.other.status = 204, 204
			f.run(t, op, "204")
		},
	},
	{
		id: "B12", title: "null, {}, [], {\"data\":null}: refused, and never the end of a list.", skip: decoders,
		note: "The type that ada.Client.Do decodes into is the caller's, so that {} is the caller's to judge there.",
		run: func(t *testing.T, op operation) {
			for _, body := range []string{"null", "[]", "{}", `{"data":null}`, ` null `, `{"data":{}}`, `{"items":null}`} {
				if strings.HasPrefix(op.name, "ada.") && body[0] == '{' {
					continue
				}
				broken(instead(body), 1).run(t, op, body)
			}
		},
	},
	{
		id: "B13", title: "200 with an error envelope: an error, with Ada's problems in it.",
		note: "The answer to an export is not held in memory, so that its problems are not in the error.",
		run: func(t *testing.T, op operation) {
			f := broken(instead(`{"errors":[{"type":"boom","message":"canary-name","details":null}]}`), 1)
			f.each = func(t *testing.T, o *outcome) {
				if op.export == nil && o.failure != nil && (len(o.failure.Problems) != 1 || o.failure.Problems[0].Type != "boom") {
					t.Errorf("problems: %v", o.failure.Problems)
				}
			}
			f.run(t, op, "envelope")
		},
	},
	{
		id: "B14", title: "Something after the JSON: refused.", skip: decoders,
		run: func(t *testing.T, op operation) {
			for _, more := range []string{"garbage", "{}", ",", "]", "\x00"} {
				f := broken(edited(func(s string) string { return s + more }), 4)
				f.only = 1
				f.run(t, op, more)
			}
		},
	},
	{
		id: "B15", title: "A byte order mark in front: refused.", skip: decoders,
		run: simple(broken(edited(func(s string) string { return "\ufeff" + s }), 4)),
	},
	{
		id: "B16", title: "Invalid UTF-8 in a string: taken, as U+FFFD when decoded and as it came in Raw.", skip: decoders,
		run: func(t *testing.T, op operation) {
			taken(edited(begun(op, "\"note\":\"a\xffb\""))).run(t, op, "a field that is not known")
			inside(t, op, "canary-name", "a\xffb", "a\ufffdb", "a\xffb")
		},
	},
	{
		id: "B17", title: "The key of the id twice: the last one wins.", skip: identified,
		run: func(t *testing.T, op operation) {
			taken(edited(begun(op, `"`+op.idKey+`":"another"`))).run(t, op, "twice")
		},
	},
	{
		id: "B18", title: "The key of the id in capitals behind the right one: the right one wins.", skip: func(op operation) string {
			if strings.HasPrefix(op.name, "ada.") {
				return "the type that is decoded into is the caller's, with encoding/json's rules"
			}
			return identified(op)
		},
		run: func(t *testing.T, op operation) {
			pattern := regexp.MustCompile(`"` + op.idKey + `":"[^"]*"`)
			taken(edited(func(s string) string {
				return pattern.ReplaceAllString(s, `$0,"`+strings.ToUpper(op.idKey)+`":"another"`)
			})).run(t, op, "in capitals")
			taken(edited(func(s string) string {
				return strings.Replace(s, `"data":`, `"DATA":[],"data":`, 1)
			})).run(t, op, "the list before")
			taken(edited(func(s string) string {
				return strings.TrimSuffix(strings.TrimSpace(s), "}") + `,"DATA":[]}`
			})).run(t, op, "the list behind")
		},
	},
	{
		id: "B19", title: "9007199254740993 among values of any type: it comes exactly.", skip: freeForm,
		run: func(t *testing.T, op operation) { number(t, op, "9007199254740993", "9007199254740993") },
	},
	{
		id: "B20", title: "1e400, and a number of 100,000 digits, among values of any type: kept as text, and the page is not dropped.", skip: freeForm,
		run: func(t *testing.T, op operation) {
			number(t, op, "1e400", "1e400")
			digits := strings.Repeat("7", 100_000)
			number(t, op, digits, digits)
		},
	},
	{
		id: "B21", title: "10,001 arrays in one another: refused.", skip: decoders,
		run: func(t *testing.T, op operation) {
			deep := `"deep":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)
			f := broken(edited(begun(op, deep)), 4)
			f.only = 1
			f.run(t, op, "deep")
		},
	},
	{
		id: "B22", title: "A record with a field of another type, in a page of 10,000: the error names its index and its id, and nothing is dropped in silence.",
		note: "Exports: OnBadRecord gets the raw record and the export goes on. Pages of end users and endpoints, which have 100 records at most, fail whole.",
		skip: func(op operation) string {
			switch {
			case op.name == "dataexport.ConversationsRaw" || op.name == "dataexport.MessagesRaw, 4 at once":
				return noDecode
			}
			return lists(op)
		},
		run: wrongRecord,
	},
	{
		id: "B23", title: "Fields, values and types that are not known: taken.", skip: decoders,
		run: func(t *testing.T, op operation) {
			taken(edited(begun(op, `"brand_new":{"x":[1,null,"canary-name"]}`))).run(t, op, "a field")
			if op.export != nil {
				taken(edited(begun(op, `"message_data":{"_type":"hologram","depth":3},"is_escalated":true`))).run(t, op, "a type")
			}
		},
	},
	{
		id: "B24", title: "Dates of every form, and none: read, or zero, and never an error.",
		skip: func(op operation) string {
			if op.dateKey == "" {
				return noDate
			}
			return decoders(op)
		},
		run: func(t *testing.T, op operation) {
			for _, form := range []string{
				`"2026-02-29T00:00:00"`, `"2026-01-02T03:04:05"`, `"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05.123456789+05:30"`,
				`"2026-01-02T03:04:05.1"`, `null`, `""`, `"yesterday"`,
			} {
				f := taken(edited(valued(op.dateKey, form)))
				f.only = 1
				f.run(t, op, form)
			}
		},
	},
	{
		id: "B25", title: "More than 188 texts that JSON forbids, as bodies: as many errors.",
		note: "The texts are of our own making, after the grammar of RFC 8259. More of them are in internal/rawjson.",
		skip: func(op operation) string {
			if op.goesOn {
				return "it goes on over answers that are no JSON: see " + op.under() + ", which reads them for it"
			}
			return decoders(op)
		},
		run: malformed,
	},
}

var bomb = sync.OnceValue(func() string { return faults.Gzip(strings.Repeat(" ", 64<<20)) })

func identified(op operation) string {
	if op.idKey == "" && decoders(op) == "" {
		return "it reads no id of its answer"
	}
	return decoders(op)
}

func freeForm(op operation) string {
	if !op.free {
		return noFree
	}
	return decoders(op)
}

// number puts a number in place of a value of any type.
func number(t *testing.T, op operation, sent, want string) {
	t.Helper()
	taken(edited(func(s string) string { return strings.Replace(s, `"canary-metadata"`, sent, 1) })).run(t, op, "a number")
	inside(t, op, `"canary-metadata"`, sent, want, sent)
}

// inside looks at the values of an end user and a conversation whose text is replaced: one decoded, and one raw.
func inside(t *testing.T, op operation, replaced, by, decoded, kept string) {
	t.Helper()
	tr := trial{op: op, label: "inside", script: func(w *world, _ int) faults.Step {
		return edited(func(s string) string { return strings.ReplaceAll(s, replaced, by) })[0](w)
	}}
	switch op.name {
	case "endusers.Get":
		tr.call = func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			u, err := endusers.New(c).Get(ctx, w.id, o...)
			if err != nil {
				return nil, err
			}
			value := u.Profile.Metadata["m"]
			if raw, ok := value.([]byte); ok {
				value = string(raw)
			}
			return []string{u.Profile.FirstName, text(value), string(u.Raw)}, nil
		}
	case "dataexport.Conversations":
		tr.call = func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			for conversation, err := range dataexport.New(c).Conversations(ctx, w.query, o...) {
				if err != nil {
					return nil, err
				}
				value, _ := conversation.Variables.Get("m")
				return []string{decoded, text(value), string(conversation.Raw)}, nil
			}
			return nil, errors.New("there is no conversation")
		}
		if replaced == "canary-name" {
			return
		}
	default:
		return
	}
	tr.run(t, func(t *testing.T, o *outcome) {
		if o.err != nil || !slices.Contains(o.ids[:2], decoded) || !strings.Contains(o.ids[2], kept) {
			t.Errorf("%.200q, %v", o.ids, o.err)
		}
	})
}

// text is a value as it was sent.
func text(v any) string {
	if raw, ok := v.(interface{ MarshalJSON() ([]byte, error) }); ok {
		b, _ := raw.MarshalJSON()
		return string(b)
	}
	return fmt.Sprint(v)
}

func wrongRecord(t *testing.T, op operation) {
	if op.export == nil {
		bad := edited(valued(op.textKey, "7"))
		if op.name == "endusers.All" {
			bad = edited(valued("first_name", "7"))
		}
		f := broken(bad, 1)
		f.each = func(t *testing.T, o *outcome) {
			if o.failure != nil && (len(o.failure.Faults) != 1 || !strings.HasPrefix(o.failure.Faults[0].Field, "data[0].")) {
				t.Errorf("faults: %v", o.failure.Faults)
			}
		}
		f.run(t, op, "a wrong type")
		return
	}
	for _, hook := range []bool{false, true} {
		n, at := 200, 150
		if op.name == "dataexport.Conversations" && !hook {
			n, at = 10_000, 7_000
		}
		var seen []*dataexport.RecordError
		trial{
			op: op, label: fmt.Sprint("with a hook: ", hook), pages: 1,
			script: func(w *world, _ int) faults.Step { return well(w) },
			before: func(w *world, _ *ada.Client) {
				w.want = nil
				w.query.PageSize, w.query.Since = 10_000, begin.AddDate(0, 0, -30)
				w.query.Until = begin
				for i := range n {
					r := adatest.Record{ID: fmt.Sprintf("%024x", 1<<40+i), CreatedAt: begin.Add(time.Duration(i-n) * time.Second), Fields: map[string]any{"sender": "bot"}}
					if i == at {
						r.Fields = map[string]any{"platform": 7, "sender": 7}
					}
					if strings.Contains(op.name, "Message") {
						w.AddMessages(r)
					} else {
						w.AddConversations(r)
					}
					if i < at || hook && i != at {
						w.want = append(w.want, r.ID)
					}
				}
				if hook {
					w.query.OnBadRecord = func(e *dataexport.RecordError) error { seen = append(seen, e); return nil }
				}
			},
			call: op.call,
		}.run(t, func(t *testing.T, o *outcome) {
			if !slices.Equal(o.ids, o.want) {
				t.Errorf("%d records, want %d", len(o.ids), len(o.want))
			}
			var e *dataexport.RecordError
			if hook && o.err == nil && len(seen) == 1 {
				e = seen[0]
			} else if hook || !errors.As(o.err, &e) || !errors.Is(o.err, ada.ErrAnswer) {
				t.Fatalf("%d bad records, %v", len(seen), o.err)
			}
			if e.Index != at || e.ID != fmt.Sprintf("%024x", 1<<40+at) || !strings.Contains(string(e.Raw), ":7") {
				t.Errorf("index %d, id %s, %s", e.Index, e.ID, e.Raw)
			}
		})
	}
}

// forbidden are values that JSON does not have.
var forbidden = strings.Fields("' '' 'a' 01 00 -01 -00 1. .1 -.1 1.e1 1e 1e+ 1e- 1E+- +1 ++1 -+1 1-1 1+1 0x1 0X1F 1_000 1f 1L NaN nan Inf Infinity -Infinity -inf -- - + " +
	"nul Null NULL nulll tru True TRUE truee fals False yes undefined None nil [ ] { } [1 1] {1 [1,] [,1] [,] [1,,2] [1;2] [1:2] [[] [}] {] [1}, " +
	`{"a"} {"a":} {"a":1,} {,"a":1} {"a":1,,"b":2} {a:1} {'a':1} {1:1} {"a"::1} {"a",1} {"a":1"b":2} {"a"=1} {[]:1} {null:1} {"a":1:2} {"a":1;"b":2} ` +
	`" "a a" "\" "\x" "\a" "\u" "\u1" "\u12" "\u123" "\u123g" "\U1234" "\'" "\0" "\ "a""b" "a"b` + " ` `a` // /**/ # <x> \\ \\n \\u0031 @ $ % & ( ) * ; : , ? ! ~ ^ = | \x7f \x01 \ufeff \u00a0 \u2028 \xff \xc3")

func malformed(t *testing.T, op operation) {
	var texts []string
	for _, value := range forbidden {
		texts = append(texts, value, `{"data":[],"x":`+value+`}`, `{"`+op.idKey+`":"a","data":[{"x":`+value+`}]}`)
	}
	for _, control := range []string{"\x00", "\x01", "\n", "\t", "\r", "\x1f"} {
		texts = append(texts, `{"data":[],"x":"a`+control+`b"}`)
	}
	if len(texts) < 188 {
		t.Fatalf("there are %d texts", len(texts))
	}
	lost := 0
	trial{
		op: op, label: "texts", most: len(texts),
		script: func(_ *world, i int) faults.Step { return faults.Answer(faults.Say(200, texts[min(i, len(texts)-1)])) },
		config: func(c *ada.Config) { c.HTTP.Retry.MaxAttempts, c.HTTP.Limiter = 1, ada.Unpaced },
		call: func(ctx context.Context, w *world, c *ada.Client, o ...ada.CallOption) ([]string, error) {
			for i, body := range texts {
				w.ledger = &memory{}
				w.query.Concurrency = 0
				ids, err := op.call(ctx, w, c, o...)
				if len(ids) > 0 || !errors.Is(err, ada.ErrAnswer) {
					lost++
					t.Errorf("text %d, %q: %q, %v", i, body, ids, err)
				}
			}
			return nil, nil
		},
	}.run(t, nil)
	if lost > 0 {
		t.Errorf("%d of %d texts were taken", lost, len(texts))
	}
}
