package adatest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/fakeserver"
)

// APIKey is the key that a [Server] accepts.
const APIKey = ada.Secret("adatest-key-0123456789")

// maxBody is the largest body that any of Ada's endpoints takes; beyond it is 413.
const maxBody = 10 << 20

// Server is a fake Ada. It is an [http.Handler] and safe for concurrent use. Make one with [NewServer] or [New].
type Server struct {
	tb      testing.TB // nil outside of tests
	server  *fakeserver.Server
	limits  *limits // of RateLimit; nil: those of each family
	queued  time.Duration
	running time.Duration
	quirks  ExportQuirks

	mu           sync.Mutex
	calls        []Call
	failures     map[string][]Failure
	sends        map[*family][]time.Time // as far back as the limits look
	users        []*user                 // by age
	made         int
	jobs         []*job // by age
	submitted    map[Identifier]time.Time
	subjects     []SubjectRequest
	removals     []removal
	outbox       []SMS
	webhooks     []*webhook // by age
	webhooksMade int
	exported     [2]*records // by kind
	deliverer    *deliverer  // nil before Deliver
	attempts     []Attempt
	idle         chan struct{} // closed when nothing is left to deliver; nil: nothing is
}

// Option changes a [Server].
type Option func(*Server)

// RateLimit replaces the limits that the server holds its clients to, of requests in any second and in any minute, for
// each family of endpoints; 0 lifts one. The clients of [Server.Client] are paced to the same.
//
// Without this option the limits are Ada's own: 30 and 300 for end users, 45 a second for data subject requests, 10 a
// second for each endpoint of the Data Export API before v2, and 10 and 100 for every other family. Of Data Export v2
// they are also 15,000 in any day, and of the endpoints that have no family of their own 10,000; this option lifts those.
// The clients are then paced as they are outside of tests.
func RateLimit(perSecond, perMinute int) Option {
	return func(s *Server) { s.limits = &limits{perSecond: perSecond, perMinute: perMinute} }
}

// NewServer returns a server for one test, which is closed when the test ends. A request to an endpoint that Ada does
// not have, such as one with a missing trailing slash, fails the test.
func NewServer(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	s := New(opts...)
	s.tb = tb
	tb.Cleanup(s.Close)
	return s
}

// New returns a server for a program that is not a test. Close it after use.
func New(opts ...Option) *Server {
	s := &Server{
		queued:    time.Minute,
		running:   time.Hour,
		failures:  map[string][]Failure{},
		sends:     map[*family][]time.Time{},
		submitted: map[Identifier]time.Time{},
		exported:  [2]*records{newRecords(conversations), newRecords(messages)},
	}
	for _, o := range opts {
		o(s)
	}
	s.server = fakeserver.Serve(s)
	return s
}

// Close ends the server and its connections.
func (s *Server) Close() {
	s.endDelivery()
	s.server.Close()
}

// Config returns a configuration for a client of the server, to be changed before [ada.NewClient] is called with it.
func (s *Server) Config() ada.Config {
	return ada.Config{
		BaseURL: "http://localhost",
		APIKey:  APIKey,
		HTTP: ada.HTTPConfig{
			Client: &http.Client{Transport: s.server.Transport},
			Limiter: func(p ada.Pace) ada.Limiter {
				if s.limits != nil {
					p.PerSecond, p.PerMinute = s.limits.perSecond, s.limits.perMinute
				}
				return ada.NewLimiter(p)
			},
		},
	}
}

// Client returns a client of the server, of [Server.Config] as it is.
func (s *Server) Client() *ada.Client {
	client, err := ada.NewClient(s.Config())
	if err != nil {
		s.fatal(err)
	}
	return client
}

func (s *Server) fatal(err error) {
	if s.tb == nil {
		panic(err)
	}
	s.tb.Helper()
	s.tb.Fatal(err)
}

// Call is a request that the server received.
type Call struct {
	Operation  string // such as "endusers.Create"; empty for a path that is no endpoint
	Method     string
	URL        *url.URL
	Header     http.Header
	Body       []byte
	StatusCode int // of the answer; 0 while there is none, and where a failure gave none
}

// Calls returns the requests of the named operations, or all requests, in the order of their arrival. Those that
// failed are among them.
func (s *Server) Calls(operations ...string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var calls []Call
	for _, c := range s.calls {
		if len(operations) == 0 || slices.Contains(operations, c.Operation) {
			calls = append(calls, c)
		}
	}
	return calls
}

// Failure is how one request fails.
type Failure struct {
	Status   int           // what to answer; 0: what Ada would answer
	Header   http.Header   // added to the answer
	Body     string        // with Status: the body to answer; empty: Ada's error envelope
	Effect   bool          // the request takes effect all the same
	Drop     bool          // close the connection in place of the answer
	Truncate bool          // close the connection in the middle of the answer's body
	Delay    time.Duration // before answering
}

// Fail makes the next requests of an operation fail, one for each failure, in this order and after the failures that
// are still to come. The requests after them are served as usual, and so is one whose failure is empty.
func (s *Server) Fail(operation string, failures ...Failure) {
	if !slices.ContainsFunc(routes, func(r route) bool { return r.operation == operation }) {
		s.fatal(fmt.Errorf("adatest: no operation is called %q", operation))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures[operation] = append(s.failures[operation], failures...)
}

// route is an endpoint.
type route struct {
	operation string
	method    string
	path      string   // one segment can be the parameter {id}
	query     []string // parameters that the request must have for it to be this operation
	serve     func(*Server, *request) reply
	family    *family
	maxBody   int
}

var routes = slices.Concat(endUserRoutes, complianceRoutes, smsRoutes, webhookRoutes, exportRoutes)

// family is what endpoints share: the limit, which they use up together, and the form of their errors.
type family struct {
	limits
	refuse func(status int, kind, message string) reply
}

type limits struct{ perSecond, perMinute, perDay int } // 0: none

var (
	endUserFamily = &family{limits{30, 300, 0}, refuse}
	defaultFamily = &family{limits{10, 100, 10_000}, refuse}
	subjectFamily = &family{limits{45, 0, 0}, refuseV1}
	smsFamily     = &family{limits{10, 100, 0}, refuseV1} // Ada documents none of its own

	exportFamily          = &family{limits{10, 100, 15_000}, refuse}
	conversationsV1Family = &family{limits{10, 0, 0}, refuseV1}
	messagesV1Family      = &family{limits{10, 0, 0}, refuseV1}
)

// request is what an endpoint needs to know.
type request struct {
	*http.Request
	id   string // the value of the path's parameter
	body []byte
	now  time.Time
}

// reply is what an endpoint answers.
type reply struct {
	status int
	header http.Header
	body   any           // encoded as JSON; a string goes out as it is, and a stream as JSON that it writes
	takes  time.Duration // before anything of it is sent
}

// stream writes a body. It is called without the server's lock.
type stream func(io.Writer) error

func (r route) match(req *http.Request) (id string, ok bool) {
	if req.Method != r.method {
		return "", false
	}
	for _, q := range r.query {
		if !req.URL.Query().Has(q) {
			return "", false
		}
	}
	path := req.URL.EscapedPath()
	prefix, suffix, parameter := strings.Cut(r.path, "{id}")
	if !parameter {
		return "", path == r.path
	}
	rest, begins := strings.CutPrefix(path, prefix)
	rest, ends := strings.CutSuffix(rest, suffix)
	if !begins || !ends || rest == "" || strings.Contains(rest, "/") {
		return "", false
	}
	id, err := url.PathUnescape(rest)
	return id, err == nil
}

// ServeHTTP answers as Ada.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return // the client is gone
	}
	req := &request{Request: r, body: body, now: time.Now()}
	at := route{family: defaultFamily}
	for _, candidate := range routes {
		if id, ok := candidate.match(r); ok {
			at, req.id = candidate, id
			break
		}
	}

	s.mu.Lock()
	number := len(s.calls)
	s.calls = append(s.calls, Call{Operation: at.operation, Method: r.Method, URL: r.URL, Header: r.Header.Clone(), Body: body})
	var failure Failure
	if queue := s.failures[at.operation]; len(queue) > 0 {
		failure, s.failures[at.operation] = queue[0], queue[1:]
	}
	s.mu.Unlock()
	if at.serve == nil && s.tb != nil {
		s.tb.Errorf("adatest: Ada has no %s %s", r.Method, r.URL.EscapedPath())
	}

	var answer reply
	if failure.Effect || failure.Status == 0 && !failure.Drop {
		answer = s.answer(at, req)
	}
	if failure.Status != 0 {
		answer = reply{status: failure.Status, body: failure.Body}
		if failure.Body == "" {
			answer = at.family.refuse(failure.Status, strings.ReplaceAll(strings.ToLower(http.StatusText(failure.Status)), " ", "_"), http.StatusText(failure.Status))
		}
	}
	if d := failure.Delay + answer.takes; d > 0 && !fakeserver.Pause(r.Context(), d) {
		return
	}
	if failure.Drop {
		fakeserver.Drop(w)
		return
	}
	s.mu.Lock()
	s.calls[number].StatusCode = answer.status
	s.mu.Unlock()
	for _, h := range []http.Header{answer.header, failure.Header} {
		for k, v := range h {
			w.Header()[http.CanonicalHeaderKey(k)] = v
		}
	}
	write(w, answer, failure.Truncate)
}

func write(w http.ResponseWriter, a reply, truncate bool) {
	content, ok := a.body.(string)
	if send, streams := a.body.(stream); streams {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "application/json")
		}
		if !truncate {
			w.WriteHeader(a.status)
			_ = send(w) // or the client is gone
			return
		}
		var whole strings.Builder
		_ = send(&whole)
		content = whole.String()
	} else if !ok {
		b, err := json.Marshal(a.body)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		content = string(b)
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "application/json")
		}
	}
	if a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	}
	w.WriteHeader(a.status)
	if truncate {
		fakeserver.Truncate(w, content)
	}
	_, _ = io.WriteString(w, content)
}

// answer does what Ada does with every request, and then what the endpoint does.
func (s *Server) answer(at route, r *request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+string(APIKey) {
		return at.family.refuse(http.StatusUnauthorized, "unauthorized", "The API key is missing or not valid.")
	}
	if at.serve == nil {
		return at.family.refuse(http.StatusNotFound, "not_found", "There is no such endpoint.")
	}
	limits, ok := s.admit(at.family, r.now)
	if !ok {
		answer := at.family.refuse(http.StatusTooManyRequests, "too_many_requests", "The rate limit is exceeded.")
		answer.header = limits
		return answer
	}
	if len(r.body) > at.maxBody {
		return at.family.refuse(http.StatusRequestEntityTooLarge, "content_too_large", fmt.Sprintf("The body exceeds %d KB.", at.maxBody>>10))
	}
	answer := at.serve(s, r)
	if answer.header == nil {
		answer.header = http.Header{}
	}
	maps.Copy(answer.header, limits)
	return answer
}

// admit counts a request to a family, or refuses it, and returns the headers that say so.
func (s *Server) admit(f *family, now time.Time) (http.Header, bool) {
	limit := f.limits
	if s.limits != nil {
		limit = *s.limits
	}
	sends := s.sends[f]
	since := func(d time.Duration) int { // the first of those that are not older than d
		return sort.Search(len(sends), func(i int) bool { return now.Sub(sends[i]) < d })
	}
	longest := time.Minute
	if limit.perDay > 0 {
		longest = 24 * time.Hour
	}
	sends = sends[since(longest):]
	s.sends[f] = sends
	wait := func(n int, per time.Duration) time.Duration { // until a window of n has room
		i := len(sends) - n
		if n <= 0 || i < 0 {
			return 0
		}
		return sends[i].Add(per).Sub(now)
	}
	ceil := func(d time.Duration) string { return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10) }
	if d := max(wait(limit.perSecond, time.Second), wait(limit.perMinute, time.Minute), wait(limit.perDay, 24*time.Hour)); d > 0 {
		return http.Header{"Retry-After": {ceil(d)}}, false
	}
	sends = append(sends, now)
	s.sends[f] = sends
	if limit.perMinute <= 0 {
		return nil, true
	}
	minute := sends[since(time.Minute):]
	reset := minute[0].Add(time.Minute)
	return http.Header{
		"X-Ratelimit-Limit":     {strconv.Itoa(limit.perMinute)},
		"X-Ratelimit-Remaining": {strconv.Itoa(limit.perMinute - len(minute))},
		"X-Ratelimit-Reset":     {ceil(reset.Sub(time.Unix(0, 0)))},
	}, true
}

// fault is one entry of the details of a validation error.
type fault struct {
	Parameter string `json:"parameter"`
	Location  string `json:"location"`
	Message   string `json:"message"`
}

type problem struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Details any    `json:"details"`
}

// refuse is an answer with Ada's error envelope.
func refuse(status int, kind, message string) reply {
	return reply{status: status, body: map[string][]problem{"errors": {{Type: kind, Message: message}}}}
}

// refuseV1 is an answer with the error envelope of the APIs before v2.
func refuseV1(status int, _, message string) reply {
	return reply{status: status, body: map[string]string{"message": message}}
}

func invalid(faults ...fault) reply {
	return reply{status: http.StatusBadRequest, body: map[string][]problem{"errors": {{
		Type: "validation_error", Message: "The request is not valid.", Details: faults,
	}}}}
}
