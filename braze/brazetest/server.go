package brazetest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/internal/fakeserver"
)

// APIKey is the key that the server accepts.
const APIKey ada.Secret = "brazetest-key" // #nosec G101 -- of a fake

const (
	path    = "/users/track"
	maxBody = 4_000_000
)

// Server is a fake Braze. It is an [http.Handler] and safe for concurrent use. Make one with [NewServer] or [New].
type Server struct {
	tb         testing.TB // nil outside of tests
	server     *fakeserver.Server
	maxObjects int
	perArray   bool
	perWindow  int
	window     time.Duration
	latency    time.Duration
	reject     func(braze.Array, map[string]any) string

	mu        sync.Mutex
	calls     []Call
	failures  []Failure
	began     time.Time // of the window
	used      int       // in it
	profiles  []*profile
	index     map[string]*profile // by an identifier that is of one profile
	contacts  map[string][]*profile
	made      int
	touched   int
	events    []Event
	purchases []Purchase
	points    int
}

// Option changes a [Server].
type Option func(*Server)

// RateLimit replaces the limit of 3,000 requests in 3 seconds; n of 0 lifts it. Windows follow one another by the clock:
// those of an hour begin on the hour, as Braze's do.
func RateLimit(n int, per time.Duration) Option {
	return func(s *Server) { s.perWindow, s.window = n, per }
}

// MaxObjects replaces the limit of 75 objects in a request.
func MaxObjects(n int) Option { return func(s *Server) { s.maxObjects = n } }

// PerArray has the limit of objects count in each array by itself, as for customers with Braze's older rate limit.
func PerArray() Option { return func(s *Server) { s.perArray = true } }

// Latency has every answer wait.
func Latency(d time.Duration) Option { return func(s *Server) { s.latency = d } }

// Reject has objects refused for which f, given the array and the decoded object, returns a type of error, such as
// "BLACKLISTED_EXTERNAL_USER_ID". It is called beside the fake's own checks, for one object at a time.
func Reject(f func(array braze.Array, object map[string]any) (kind string)) Option {
	return func(s *Server) { s.reject = f }
}

// NewServer returns a server for one test, which is closed when the test ends. A request to another path, such as one
// with a slash behind, fails the test.
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
		maxObjects: 75, perWindow: 3000, window: 3 * time.Second,
		index: map[string]*profile{}, contacts: map[string][]*profile{},
	}
	for _, o := range opts {
		o(s)
	}
	s.server = fakeserver.Serve(s)
	return s
}

// Close ends the server and its connections.
func (s *Server) Close() { s.server.Close() }

// Config returns a configuration for a client of the server, to be changed before [braze.NewClient] is called with it.
func (s *Server) Config() braze.Config {
	return braze.Config{
		Endpoint: "http://localhost",
		APIKey:   APIKey,
		HTTP:     ada.HTTPConfig{Client: &http.Client{Transport: s.server.Transport}},
	}
}

// Client returns a client of the server, of [Server.Config] as it is.
func (s *Server) Client() *braze.Client {
	client, err := braze.NewClient(s.Config())
	if err != nil {
		if s.tb == nil {
			panic(err)
		}
		s.tb.Helper()
		s.tb.Fatal(err)
	}
	return client
}

// Call is a request that the server received.
type Call struct {
	Method     string
	Path       string
	Header     http.Header
	Body       []byte
	StatusCode int // of the answer; 0 while there is none, and where a failure gave none
}

// Calls returns the requests in the order of their arrival. Those that failed are among them.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Failure is how one request fails.
type Failure struct {
	Status   int           // what to answer; 0: what Braze would answer
	Header   http.Header   // added to the answer
	Body     string        // with Status: the body to answer; empty: a message
	Effect   bool          // the request takes effect all the same
	Drop     bool          // close the connection in place of the answer
	Truncate bool          // close the connection in the middle of the answer's body
	Delay    time.Duration // before answering
}

// Fail makes the next requests fail, one for each failure, in this order and after the failures that are still to come.
// The requests after them are served as usual, and so is one whose failure is empty.
func (s *Server) Fail(failures ...Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failures...)
}

// reply is what the server answers.
type reply struct {
	status int
	header http.Header
	body   any // encoded as JSON; a string goes out as it is
}

func refuse(status int, message string) reply {
	return reply{status: status, body: map[string]string{"message": message}}
}

// ServeHTTP answers as Braze.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return // the client is gone
	}
	s.mu.Lock()
	number := len(s.calls)
	s.calls = append(s.calls, Call{Method: r.Method, Path: r.URL.EscapedPath(), Header: r.Header.Clone(), Body: body})
	var failure Failure
	if len(s.failures) > 0 {
		failure, s.failures = s.failures[0], s.failures[1:]
	}
	s.mu.Unlock()
	if s.tb != nil && (r.Method != http.MethodPost || r.URL.EscapedPath() != path) {
		s.tb.Errorf("brazetest: there is no %s %s", r.Method, r.URL.EscapedPath())
	}

	var answer reply
	if failure.Effect || failure.Status == 0 && !failure.Drop {
		answer = s.answer(r, body)
	}
	if failure.Status != 0 {
		answer = reply{status: failure.Status, body: failure.Body}
		if failure.Body == "" {
			answer = refuse(failure.Status, http.StatusText(failure.Status))
		}
	}
	if !fakeserver.Pause(r.Context(), s.latency+failure.Delay) {
		return
	}
	if failure.Drop {
		fakeserver.Drop(w)
		return
	}
	s.mu.Lock()
	s.calls[number].StatusCode = answer.status
	s.mu.Unlock()
	content, ok := answer.body.(string)
	if !ok {
		b, err := json.Marshal(answer.body)
		if err != nil {
			panic(err)
		}
		content = string(b)
	}
	w.Header().Set("Content-Type", "application/json")
	for _, h := range []http.Header{answer.header, failure.Header} {
		for k, v := range h {
			w.Header()[http.CanonicalHeaderKey(k)] = v
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(answer.status)
	if failure.Truncate {
		fakeserver.Truncate(w, content)
	}
	_, _ = io.WriteString(w, content)
}

// answer does what Braze does with a request.
func (s *Server) answer(r *http.Request, body []byte) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.EscapedPath() != path || r.Method != http.MethodPost {
		return refuse(http.StatusNotFound, "Invalid URL")
	}
	if r.Header.Get("Authorization") != "Bearer "+string(APIKey) {
		return refuse(http.StatusUnauthorized, "Invalid API Key")
	}
	header, ok := s.admit(time.Now())
	if !ok {
		answer := refuse(http.StatusTooManyRequests, "Rate limit exceeded")
		answer.header = header
		return answer
	}
	answer := s.track(r, body)
	answer.header = header
	return answer
}

// admit counts a request, or refuses it, and returns the headers that say so.
func (s *Server) admit(now time.Time) (http.Header, bool) {
	if s.perWindow <= 0 {
		return nil, true
	}
	if began := now.Truncate(s.window); began.After(s.began) {
		s.began, s.used = began, 0
	}
	end := s.began.Add(s.window)
	remain := int64((end.Sub(now) + time.Second - 1) / time.Second)
	if s.used >= s.perWindow {
		return http.Header{"X-Ratelimit-Retry-After": {strconv.FormatInt(remain, 10)}}, false
	}
	s.used++
	return http.Header{
		"X-Ratelimit-Limit":     {strconv.Itoa(s.perWindow)},
		"X-Ratelimit-Remaining": {strconv.Itoa(s.perWindow - s.used)},
		"X-Ratelimit-Reset":     {strconv.FormatInt(end.Unix(), 10)},
	}, true
}

// refusal is one entry of errors.
type refusal struct {
	Type  string      `json:"type"`
	Array braze.Array `json:"input_array"`
	Index int         `json:"index"`
}

const noData = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."

func (s *Server) track(r *http.Request, body []byte) reply {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "Unsupported Media Type")
	}
	if len(body) > maxBody {
		return refuse(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	}
	var request struct {
		Attributes []map[string]any `json:"attributes"`
		Events     []map[string]any `json:"events"`
		Purchases  []map[string]any `json:"purchases"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return refuse(http.StatusBadRequest, "Invalid JSON")
	}
	sizes := []int{len(request.Attributes), len(request.Events), len(request.Purchases)}
	count := sizes[0] + sizes[1] + sizes[2]
	if s.perArray {
		count = slices.Max(sizes)
	}
	if count > s.maxObjects {
		return refuse(http.StatusBadRequest, "Max Input Length Exceeded")
	}
	if count == 0 {
		return refuse(http.StatusBadRequest, noData)
	}
	answer := map[string]any{"message": "success"}
	var refusals []refusal
	processed := 0
	for _, part := range []struct {
		array   braze.Array
		objects []map[string]any
		apply   func(map[string]any) (kind string)
	}{
		{braze.InAttributes, request.Attributes, s.applyAttributes},
		{braze.InEvents, request.Events, s.applyEvent},
		{braze.InPurchases, request.Purchases, s.applyPurchase},
	} {
		n := len(part.objects)
		for i, o := range part.objects {
			kind := ""
			if s.reject != nil {
				kind = s.reject(part.array, o)
			}
			if kind == "" {
				kind = identified(part.array, o)
			}
			if kind == "" {
				kind = part.apply(o)
			}
			if kind != "" {
				n--
				refusals = append(refusals, refusal{kind, part.array, i})
			}
		}
		if len(part.objects) > 0 {
			answer[string(part.array)+"_processed"] = n
			processed += n
		}
	}
	if len(refusals) > 0 {
		answer["errors"] = refusals
	}
	if processed == 0 {
		answer["message"] = noData
		return reply{status: http.StatusBadRequest, body: answer}
	}
	return reply{status: http.StatusCreated, body: answer}
}

// text returns a member that is a string.
func text(o map[string]any, name string) string {
	s, _ := o[name].(string)
	return s
}

// identified reports what is wrong with the identifiers of an object.
func identified(array braze.Array, o map[string]any) (kind string) {
	primary := 0
	for _, name := range []string{"external_id", "braze_id"} {
		if v, ok := o[name]; ok && v != nil {
			primary++
			if s, _ := v.(string); s == "" {
				return fmt.Sprintf("'%s' is not valid", name)
			}
		}
	}
	if v, ok := o["user_alias"]; ok {
		primary++
		alias, _ := v.(map[string]any)
		if text(alias, "alias_name") == "" || text(alias, "alias_label") == "" {
			return "'user_alias' is not valid"
		}
	}
	imports, _ := o["push_token_import"].(bool)
	switch {
	case primary > 1:
		return "only one of 'external_id', 'braze_id' or 'user_alias' is allowed"
	case primary == 0 && text(o, "email") == "" && text(o, "phone") == "" && (!imports || array != braze.InAttributes):
		return "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"
	case len(text(o, "external_id")) > 987:
		return "EXTERNAL_USER_ID_TOO_LARGE"
	}
	if email, ok := o["email"]; ok && email != nil {
		if s, _ := email.(string); !strings.Contains(s, "@") || strings.ContainsAny(s, " \t\n") {
			return "The value provided for the 'email' field is not a valid email."
		}
	}
	return ""
}
