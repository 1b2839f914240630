package adatest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"strconv"
)

// page is a page of the export. It shares nothing that changes.
type page struct {
	version version
	kind    kind
	quirks  ExportQuirks
	rows    []row
	next    string // empty: this is the last page
}

// row is a record of a page.
type row struct {
	entry
	detail *detail // nil: all of it is made up
	batch  *batch
}

// write renders the page, a few records at a time.
func (p *page) write(w io.Writer) error {
	const enough = 32 << 10
	b := make([]byte, 0, 2*enough)
	array, link := "data", "next_page_uri"
	if p.quirks.Items {
		array = "items"
	}
	if p.quirks.PageURL {
		link = "next_page_url"
	}
	b = append(b, `{"`+array+`":[`...)
	var m made
	for i, r := range p.rows {
		if i > 0 {
			b = append(b, ',')
		}
		m = r.made(p.kind, p.version)
		if b = m.appendRecord(b); len(b) >= enough {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	b = append(b, ']')
	next := "null"
	if p.next != "" {
		next = quote(p.next)
	}
	switch {
	case p.version != v2:
		b = append(b, `,"message":"OK","`+link+`":`+next...)
	case p.next != "" || !p.quirks.NoMeta:
		b = append(b, `,"meta":{"`+link+`":`+next+`}`...)
	}
	b = append(b, '}')
	_, err := w.Write(b)
	return err
}

// quote returns a JSON string that has an & as it is.
func quote(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text)
	return string(bytes.TrimSpace(b.Bytes()))
}

// field is a field that Ada documents.
type field struct {
	name   string
	since  version
	render func(b []byte, m *made) []byte
}

func (m *made) appendRecord(b []byte) []byte {
	var given map[string]json.RawMessage
	if m.detail != nil {
		given = m.detail.fields
	}
	fields := conversationFields
	if m.kind == messages {
		fields = messageFields
	}
	separator := byte('{')
	for i := range fields {
		f := &fields[i]
		if f.since > m.version {
			continue
		}
		b = append(b, separator, '"')
		b = append(b, f.name...)
		b = append(b, '"', ':')
		if raw, ok := given[f.name]; ok {
			b = append(b, raw...)
		} else {
			b = f.render(b, m)
		}
		separator = ','
	}
	if len(given) == 0 {
		return append(b, '}')
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.name == name }) {
			b = append(b, ',')
			b = append(b, quote(name)...)
			b = append(b, ':')
			b = append(b, given[name]...)
		}
	}
	return append(b, '}')
}

// made is what a record is made up from. What it rolls depends on nothing but the record and the die, so that a record
// is the same in every version and on every page.
type made struct {
	row
	kind    kind
	version version
	hash    uint64 // of the record
	talk    uint64 // of the conversation
	step    int    // of a message in its conversation
	content int    // which message_data a message has
}

func (r row) made(k kind, v version) made {
	m := made{row: r, kind: k, version: v, hash: mix(r.batch.hash ^ mix(uint64(r.number)<<1|uint64(k)))}
	number := r.number
	switch per := uint32(r.batch.MessagesPer); {
	case k == conversations:
	case per == 0:
		m.step, m.content = 1, int(number)
	case per == 1:
		m.content = int(number)
	default:
		// The first message is a greeting, and the others have each content in turn.
		number, m.step = number/per, int(number%per)
		m.content = int(number)*int(per-1) + m.step
		if m.step == 0 {
			m.content = 0
		}
	}
	m.talk = mix(r.batch.hash ^ mix(uint64(number)))
	if d := r.detail; d != nil {
		id := d.id
		if k == messages {
			id = d.conversation
		}
		if id != "" {
			h := fnv.New64a()
			_, _ = io.WriteString(h, id)
			m.talk = h.Sum64()
		}
	}
	return m
}

// A die is one of the decisions about a record.
type die uint64

const (
	dieEscalated die = iota
	dieEngaged
	dieAgents
	dieAgent
	dieSecondAgent
	dieAgentTime
	dieResolved
	dieReason
	dieBotTime
	dieBrowser
	dieClassified
	dieHasCSAT
	dieCsatComment
	dieCsatFeedback
	dieCsatScore
	dieCsatStyle
	dieCsatSurvey
	dieDevice
	dieEndUser
	dieTopic
	dieIntents
	dieStatus
	dieTopicParent
	dieSummary
	dieTestUser
	dieLanguage
	dieChannel
	diePlatform
	dieUploaded
	dieArticles
	dieCoaching
	diePlaybooks
	dieVariable
	dieAccount
	dieName
	diePlan
	dieFiller
	dieFillerSize
	dieReply
	dieClicked
	dieReview
	dieAnswer
	dieAnswered
	dieAnswerID
	dieBody
	dieNumber
	dieSender
)

// roll returns a number below n.
func (m *made) roll(d die, n int) int { return int(mix(m.hash+uint64(d)) % uint64(n)) }

// pick appends one of some JSON values.
func (m *made) pick(b []byte, d die, from []string) []byte {
	return append(b, from[m.roll(d, len(from))]...)
}

// appendObjectID appends a made-up id, in quotes.
func appendObjectID(b []byte, hash uint64) []byte {
	var id [12]byte
	for i := range id {
		if i == 8 {
			hash = mix(hash)
		}
		id[i] = byte(hash >> (8 * (i % 8)))
	}
	b = append(b, '"')
	b = hex.AppendEncode(b, id[:])
	return append(b, '"')
}

func (m *made) objectID(b []byte, d die) []byte { return appendObjectID(b, mix(m.hash^mix(uint64(d)))) }

// appendUUID appends a made-up UUID of version 4, in quotes.
func appendUUID(b []byte, hash uint64) []byte {
	var id [16]byte
	for i := range id {
		if i == 8 {
			hash = mix(hash)
		}
		id[i] = byte(hash >> (8 * (i % 8)))
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	b = append(b, '"')
	for i, from := range []int{0, 4, 6, 8, 10} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, id[from:[]int{4, 6, 8, 10, 16}[i]])
	}
	return append(b, '"')
}

// timestamp appends a timestamp in quotes, in the form of the endpoint.
func (m *made) timestamp(b []byte, micros int64) []byte {
	b = append(b, '"')
	b = appendMicros(b, micros, true)
	if m.kind == messages || m.version != v2 {
		b = append(b, "+00:00"...)
	}
	return append(b, '"')
}

func (m *made) id(b []byte) []byte {
	if m.detail != nil && m.detail.id != "" {
		return append(b, quote(m.detail.id)...)
	}
	b = append(b, '"')
	b = m.batch.appendID(b, m.kind, m.number)
	return append(b, '"')
}

// uploaded appends when the record came into the export.
func (m *made) uploaded(b []byte) []byte {
	if m.detail != nil && !m.detail.arrives.IsZero() {
		return m.timestamp(b, ceilMicros(m.detail.arrives))
	}
	return m.timestamp(b, m.updated+int64(m.roll(dieUploaded, 90_000_000)))
}

// prose appends about n bytes of text that needs no escapes.
func (m *made) prose(b []byte, d die, n int) []byte {
	for n > 0 {
		from := m.roll(d, len(prose)/2)
		to := min(from+n, len(prose))
		b = append(b, prose[from:to]...)
		n -= to - from
	}
	return b
}

const prose = "The customer asked where the order is that was placed on Monday and has not arrived yet. The agent looked it up, " +
	"found that the parcel waits at the depot, and offered to send it again or to pay the money back. The customer wanted " +
	"the address changed first, then a new delivery on Thursday between nine and noon, and a note for the neighbour. " +
	"After some questions about the invoice, which named another company, the customer confirmed and said thank you. " +
	"Nothing more was needed; the case can be closed unless the carrier reports another delay before the weekend. "

func (m *made) escalated() bool { return m.roll(dieEscalated, 4) == 0 }

// agents is how many agents took part.
func (m *made) agents() int {
	if !m.escalated() {
		return 0
	}
	return 1 + m.roll(dieAgents, 8)/6
}

func (m *made) agent(i int) int { return m.roll(dieAgent+die(i), len(agentNames)) }

// agentList appends the agents of a conversation, each as what of gives.
func (m *made) agentList(b []byte, of func([]byte, int) []byte) []byte {
	b = append(b, '[')
	for i := range m.agents() {
		if i > 0 {
			b = append(b, ',')
		}
		b = of(b, m.agent(i))
	}
	return append(b, ']')
}

func (m *made) lastAgent(b []byte, of func([]byte, int) []byte) []byte {
	if n := m.agents(); n > 0 {
		return of(b, m.agent(n-1))
	}
	return append(b, "null"...)
}

func appendAgentID(b []byte, i int) []byte   { return appendObjectID(b, mix(uint64(i)+1)) }
func appendAgentName(b []byte, i int) []byte { return append(b, agentNames[i]...) }

// seconds appends a duration from 0 to n seconds.
func (m *made) seconds(b []byte, d die, n int) []byte {
	return strconv.AppendFloat(b, float64(m.roll(d, n*1000))/1000, 'f', -1, 64)
}
