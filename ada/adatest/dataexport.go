package adatest

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What Ada documents of the export.
const (
	minExportPage = 100
	maxExportPage = 10_000
	exportWindow  = 7 * 24 * time.Hour // without an end
	maxWindow     = 60 * 24 * time.Hour
	historyYears  = 1
)

// version is a version of the Data Export API.
type version int

const (
	v1x0 version = iota
	v1x1
	v1x2
	v1x3
	v1x4
	v2
)

// kind is what an endpoint exports.
type kind int

const (
	conversations kind = iota
	messages
)

var exportRoutes = func() []route {
	routes := []route{
		{"dataexport.Conversations", http.MethodGet, "/api/v2/export/conversations", nil, exporting(v2, conversations), exportFamily, maxBody},
		{"dataexport.Messages", http.MethodGet, "/api/v2/export/messages", nil, exporting(v2, messages), exportFamily, maxBody},
	}
	for i, name := range []string{"v1", "v1.1", "v1.2", "v1.3", "v1.4"} {
		v := v1x0 + version(i)
		routes = append(routes,
			route{"dataexport.Conversations", http.MethodGet, "/data_api/" + name + "/conversations", nil, exporting(v, conversations), conversationsV1Family, maxBody},
			route{"dataexport.Messages", http.MethodGet, "/data_api/" + name + "/messages", nil, exporting(v, messages), messagesV1Family, maxBody},
		)
	}
	return routes
}()

func exporting(v version, k kind) func(*Server, *request) reply {
	return func(s *Server, r *request) reply { return s.export(r, v, k) }
}

// ExportQuirks is what the Data Export API of the fake does otherwise than it does without them. Ada's documentation
// and those who use it disagree about some of this.
type ExportQuirks struct {
	Items   bool          // the records are under "items", and not under "data"
	Links   Links         // the form of the links to the next page
	PageURL bool          // the link is named next_page_url, and not next_page_uri
	NoMeta  bool          // the last page of v2 has no meta at all
	Gzip    bool          // pages are compressed for clients that accept it
	Latency time.Duration // each page takes this long; the rate limit counts its request when it arrives
}

// Links is a form of the links to the next page.
type Links int

// The forms of links.
const (
	RelativeLinks  Links = iota // "/api/v2/export/messages?..."
	AbsoluteLinks               // "https://acme.ada.support/api/v2/export/messages?..."
	SlashlessLinks              // "api/v2/export/messages?...", relative to the origin all the same
)

// WithExportQuirks gives the Data Export API quirks.
func WithExportQuirks(q ExportQuirks) Option {
	return func(s *Server) { s.quirks = q }
}

// Record is a conversation or a message of the Data Export API.
//
// What Fields leaves out is made up. It can have any field, even _id and dates, which are then shown as they are given;
// pages go by what is here. Each version of the API shows the fields that it has; fields that Ada does not document are
// in all of them. Times are cut to microseconds, as Ada shows them: a record of time.Now() is before that time, and so
// not in an export since then.
type Record struct {
	ID        string         // empty: made up, of 24 hexadecimal digits
	CreatedAt time.Time      // zero: now
	UpdatedAt time.Time      // of conversations; zero: CreatedAt
	ArrivesAt time.Time      // the record is in no answer before; zero: at once
	Fields    map[string]any // by the names of the JSON; nil is null
}

// AddConversations adds conversations to the export, of which no two can have the same ID.
func (s *Server) AddConversations(r ...Record) { s.addRecords(conversations, r) }

// AddMessages adds messages to the export, of which no two can have the same ID. The conversation of a message is its
// field conversation_id.
func (s *Server) AddMessages(r ...Record) { s.addRecords(messages, r) }

func (s *Server) addRecords(k kind, given []Record) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range given {
		if err := s.exported[k].add(r, now); err != nil {
			s.fatal(err)
		}
	}
}

// UpdateConversation changes a conversation of the export, which has then been updated at that time: fields are added
// to its fields, or put in place of them.
func (s *Server) UpdateConversation(id string, at time.Time, fields map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.exported[conversations].update(id, at, fields); err != nil {
		s.fatal(err)
	}
}

// RemoveRecords removes conversations and messages from the export, as an erasure does. Ids that no record has are
// ignored.
func (s *Server) RemoveRecords(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.exported {
		x.remove(ids)
	}
}

// export answers a request for a page. The page is rendered when it is written.
func (s *Server) export(r *request, v version, k kind) reply {
	q, faults := parseExport(r.URL.Query(), k, r.now)
	if len(faults) > 0 {
		if v == v2 {
			return invalid(faults...)
		}
		lines := make([]string, len(faults))
		for i, f := range faults {
			lines[i] = f.Parameter + " " + f.Message
		}
		return refuseV1(http.StatusUnprocessableEntity, "", strings.Join(lines, "; "))
	}
	p := &page{version: v, kind: k, quirks: s.quirks}
	rows, next, more := s.exported[k].page(q, r.now)
	if p.rows = rows; more {
		p.next = s.link(r, q, next)
	}
	answer := reply{status: http.StatusOK, body: stream(p.write), takes: s.quirks.Latency}
	if s.quirks.Gzip && acceptsGzip(r.Header) {
		answer.header = http.Header{"Content-Encoding": {"gzip"}}
		answer.body = stream(func(w io.Writer) error {
			z := gzip.NewWriter(w)
			if err := p.write(z); err != nil {
				return err
			}
			return z.Close()
		})
	}
	return answer
}

func acceptsGzip(h http.Header) bool {
	for _, list := range h.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(list, ",") {
			name, _, _ := strings.Cut(coding, ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				return true
			}
		}
	}
	return false
}

// link returns the link to the page that begins with the timestamp next.
func (s *Server) link(r *request, q exportQuery, next int64) string {
	params := r.URL.Query()
	params.Set(q.field+"_since", string(appendMicros(nil, next, true)))
	params.Set(q.field+"_to", string(appendMicros(nil, q.to, q.to%1e6 != 0)))
	link := url.URL{Path: r.URL.Path, RawQuery: params.Encode()}
	switch s.quirks.Links {
	case AbsoluteLinks:
		link.Scheme, link.Host = "http", r.Host
		if r.TLS != nil {
			link.Scheme = "https"
		}
	case SlashlessLinks:
		return strings.TrimPrefix(link.String(), "/")
	}
	return link.String()
}

// exportQuery is a request, read.
type exportQuery struct {
	field        string // "created" or "updated"
	since, to    int64  // in microseconds, the first inclusive and the second exclusive
	size         int
	conversation string // of messages; with filtered
	filtered     bool
}

func parseExport(params url.Values, k kind, now time.Time) (q exportQuery, faults []fault) {
	bad := func(parameter, message string) { faults = append(faults, fault{parameter, "query", message}) }
	q.size = maxExportPage
	if params.Has("page_size") {
		n, err := strconv.Atoi(params.Get("page_size"))
		if err != nil || n < minExportPage || n > maxExportPage {
			bad("page_size", "must be from 100 to 10000")
		}
		q.size = n
	}
	q.field = "created"
	if k == conversations && params.Has("updated_since") {
		q.field = "updated"
		if params.Has("created_since") {
			bad("updated_since", "excludes created_since")
			return q, faults
		}
	}
	if k == messages {
		q.conversation, q.filtered = params.Get("conversation_id"), params.Has("conversation_id")
	}
	sinceName, toName := q.field+"_since", q.field+"_to"
	if !params.Has(sinceName) {
		if k == conversations {
			bad(sinceName, "or updated_since is required")
		} else {
			bad(sinceName, "is required")
		}
		return q, faults
	}
	const form = "is not an ISO 8601 timestamp"
	since, ok := parseTimestamp(params.Get(sinceName))
	if !ok {
		bad(sinceName, form)
	}
	to := since.Add(exportWindow)
	if params.Has(toName) {
		given, valid := parseTimestamp(params.Get(toName))
		if !valid {
			bad(toName, form)
		}
		to, ok = given, ok && valid
	}
	if !ok {
		return q, faults
	}
	if since.Before(now.AddDate(-historyYears, 0, 0)) {
		bad(sinceName, "is more than 12 months ago")
	}
	if !to.After(since) {
		bad(toName, "is not after "+sinceName)
	} else if to.Sub(since) > maxWindow {
		bad(toName, "is more than 60 days after "+sinceName)
	}
	q.since, q.to = ceilMicros(since), ceilMicros(to)
	return q, faults
}

var timestampForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$`)

// parseTimestamp reads a timestamp. One without a zone is in UTC.
func parseTimestamp(text string) (t time.Time, ok bool) {
	form := timestampForm.FindStringSubmatch(text)
	if form == nil {
		return t, false
	}
	if form[2] == "" {
		text += "Z"
	}
	t, err := time.Parse(time.RFC3339, text)
	return t, err == nil
}

// ceilMicros rounds up: a record is not before t exactly if its microseconds are not before the result.
func ceilMicros(t time.Time) int64 { return t.Add(time.Microsecond - 1).UnixMicro() }

func appendMicros(b []byte, micros int64, fraction bool) []byte {
	layout := "2006-01-02T15:04:05"
	if fraction {
		layout = "2006-01-02T15:04:05.000000"
	}
	return time.UnixMicro(micros).UTC().AppendFormat(b, layout)
}

// records are all conversations, or all messages, of the export.
type records struct {
	kind    kind
	entries []entry         // in the order in which they were added; one that was removed keeps its place
	details map[int]*detail // of those that are not as they were generated, by their place
	ids     map[string]int  // the places of those that were added by hand
	batches []*batch        // the first is that of what is added by hand
	created order
	updated order // of conversations
}

// entry is a record, which is made up from it when it is asked for.
type entry struct {
	created, updated int64 // in microseconds
	batch, number    uint32
}

// detail is what a record has that is not made up. It does not change; another takes its place.
type detail struct {
	id           string    // empty: that of the batch
	conversation string    // of messages
	arrives      time.Time // zero: at once
	fields       map[string]json.RawMessage
}

func newRecords(k kind) *records {
	byHand := newBatch(Generated{}, k)
	return &records{kind: k, details: map[int]*detail{}, ids: map[string]int{}, batches: []*batch{byHand}}
}

func (x *records) add(r Record, now time.Time) error {
	place := len(x.entries)
	d := &detail{id: r.ID, arrives: r.ArrivesAt}
	if d.id == "" {
		d.id = string(x.batches[0].appendID(nil, x.kind, uint32(place)))
	}
	if _, ok := x.find(d.id); ok {
		return fmt.Errorf("adatest: there already is a record %s", d.id)
	}
	if r.CreatedAt.IsZero() {
		r.CreatedAt = now
	}
	if r.UpdatedAt.IsZero() {
		r.UpdatedAt = r.CreatedAt
	}
	var err error
	if d.fields, err = encode(r.Fields); err != nil {
		return err
	}
	if x.kind == messages {
		if raw, ok := d.fields["conversation_id"]; ok {
			d.conversation, _ = text(raw)
		} else {
			d.conversation = string(x.batches[0].appendID(nil, conversations, uint32(place)))
		}
	}
	x.entries = append(x.entries, entry{created: r.CreatedAt.UnixMicro(), updated: r.UpdatedAt.UnixMicro(), number: uint32(place)})
	x.details[place], x.ids[d.id] = d, place
	x.created.add(place)
	if x.kind == conversations {
		x.updated.add(place)
	}
	return nil
}

func encode(fields map[string]any) (map[string]json.RawMessage, error) {
	encoded := make(map[string]json.RawMessage, len(fields))
	for name, v := range fields {
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("adatest: field %s: %w", name, err)
		}
		encoded[name] = raw
	}
	return encoded, nil
}

// find returns the place of a record.
func (x *records) find(id string) (place int, ok bool) {
	if place, ok = x.ids[id]; ok {
		return place, true
	}
	for _, b := range x.batches[1:] {
		if n, ok := b.number(id, x.kind); ok {
			place = b.first + int(n)
			return place, x.entries[place] != removed
		}
	}
	return 0, false
}

// removed takes the place of a record.
var removed = entry{}

func (x *records) update(id string, at time.Time, fields map[string]any) error {
	place, ok := x.find(id)
	if !ok {
		return fmt.Errorf("adatest: there is no record %s", id)
	}
	encoded, err := encode(fields)
	if err != nil {
		return err
	}
	d := detail{}
	if old := x.details[place]; old != nil {
		d = *old
	}
	d.fields = maps.Clone(d.fields)
	if d.fields == nil {
		d.fields = map[string]json.RawMessage{}
	}
	maps.Copy(d.fields, encoded)
	x.details[place] = &d
	x.entries[place].updated = at.UnixMicro()
	x.updated.remove(map[int]bool{place: true})
	x.updated.add(place)
	return nil
}

func (x *records) remove(ids []string) {
	gone := map[int]bool{}
	for _, id := range ids {
		if place, ok := x.find(id); ok {
			gone[place] = true
			x.entries[place] = removed
			delete(x.details, place)
			delete(x.ids, id)
		}
	}
	if len(gone) > 0 {
		x.created.remove(gone)
		x.updated.remove(gone)
	}
}

// page returns the records of a page, and the timestamp of the record after them, if there are more.
func (x *records) page(q exportQuery, now time.Time) (rows []row, next int64, more bool) {
	key := func(place uint32) int64 { return x.entries[place].created }
	sorted := &x.created
	if q.field == "updated" {
		key = func(place uint32) int64 { return x.entries[place].updated }
		sorted = &x.updated
	}
	places := sorted.places(key)
	start, _ := slices.BinarySearchFunc(places, q.since, func(place uint32, since int64) int { return cmp.Compare(key(place), since) })
	matches := func(int, *detail) bool { return true }
	if q.filtered {
		matches = x.inConversation(q.conversation)
	}
	for _, place := range places[start:] {
		at := key(place)
		if at >= q.to {
			break
		}
		d := x.details[int(place)]
		if d != nil && now.Before(d.arrives) || !matches(int(place), d) {
			continue
		}
		if len(rows) == q.size {
			return rows, at, true
		}
		e := x.entries[place]
		rows = append(rows, row{e, d, x.batches[e.batch]})
	}
	return rows, 0, false
}

// inConversation returns what tells the messages of a conversation.
func (x *records) inConversation(id string) func(int, *detail) bool {
	from, to := 0, 0
	for _, b := range x.batches[1:] {
		if n, ok := b.number(id, conversations); ok {
			from = b.first + int(n)*b.MessagesPer
			to = from + b.MessagesPer
		}
	}
	return func(place int, d *detail) bool {
		if d != nil {
			return d.conversation == id
		}
		return from <= place && place < to
	}
}

// order is a list of places that is sorted when it is asked for.
type order struct {
	sorted []uint32
	fresh  []uint32 // not yet among sorted
}

func (o *order) add(place int) { o.fresh = append(o.fresh, uint32(place)) }

func (o *order) remove(gone map[int]bool) {
	is := func(place uint32) bool { return gone[int(place)] }
	o.sorted, o.fresh = slices.DeleteFunc(o.sorted, is), slices.DeleteFunc(o.fresh, is)
}

// places returns the places by their key, and those with the same key in their order.
func (o *order) places(key func(place uint32) int64) []uint32 {
	if len(o.fresh) == 0 {
		return o.sorted
	}
	compare := func(a, b uint32) int { return cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a, b)) }
	if !slices.IsSortedFunc(o.fresh, compare) {
		slices.SortFunc(o.fresh, compare)
	}
	if len(o.sorted) == 0 {
		o.sorted, o.fresh = o.fresh, nil
		return o.sorted
	}
	i, j := len(o.sorted)-1, len(o.fresh)-1
	o.sorted = append(o.sorted, o.fresh...)
	for at := len(o.sorted) - 1; j >= 0; at-- {
		if i >= 0 && compare(o.sorted[i], o.fresh[j]) > 0 {
			o.sorted[at] = o.sorted[i]
			i--
		} else {
			o.sorted[at] = o.fresh[j]
			j--
		}
	}
	o.fresh = nil
	return o.sorted
}
