package braze

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/adasdk/ada-go/ada"
	gen "github.com/adasdk/ada-go/internal/gen/braze"
	"github.com/adasdk/ada-go/internal/rawjson"
)

// Track sends a batch of any size, and tells in its result what became of every object. Nothing is sent when an object
// has a fault: the error then matches [ada.ErrInvalid] and names every fault with its array and index. Otherwise the
// error is nil when all objects are [Processed].
//
// It makes requests of up to [Config.MaxObjects] objects and [Config.MaxBytes] bytes. The objects of one user stay
// together in one request, and in their order; where they do not fit in one, the requests follow one another, and the
// rest is [Unsent] when one of them fails. Requests without a user in common go at the same time. Objects of one person
// by different identifiers are not known to be of the same user.
//
// Requests are repeated on failure as those of package ada are: with attributes that only set they are idempotent, and
// with anything else - events, purchases, [Inc], [ArrayChange], [ObjectsChange], opt-ins and imports - they are not,
// unless [Config.AllowDuplicates]. Of a request that failed and may have taken effect all the same, the objects are
// [Unknown]. A request that Braze refuses has no effect on the others, but when it refuses the key, the host or the
// rate, when nobody answers, or when three requests in a row come to nothing, no more are made and the rest is Unsent.
//
// The error holds one [*ada.Error] for each request that failed, to 16, and one for all objects that Braze rejected,
// joined as by [errors.Join]. The batch must not be changed before Track returns. A few dozen bytes are held for each
// object.
//
// https://www.braze.com/docs/api/endpoints/user_data/post_user_track
func (c *Client) Track(ctx context.Context, b Batch, opts ...ada.CallOption) (Result, error) {
	s := &sending{client: c, batch: b, result: newResult(b), opts: opts}
	if err := s.plan(c.track); err != nil {
		return s.result, err
	}
	s.send(ctx)
	return s.result, s.err()
}

// sending is one Track under way.
type sending struct {
	client *Client
	batch  Batch
	opts   []ada.CallOption
	before func(objects []int32) error // called with the objects of each request before it is made; nil: nothing is

	items []item
	order []int32 // indexes of items: each user's together

	mu       sync.Mutex
	result   Result
	failures []error
	tooLarge map[int32]bool // what is unsent for that
	inRow    int            // requests that came to nothing since the last that did not
	stopped  bool
}

// item is what is planned with of an object. The objects of a batch are counted through all of its fields.
type item struct {
	user  uint64 // a hash: users that have it in common are taken for one, which does no harm
	size  int32
	array uint8
}

// at returns the field of the batch that an object is in, and its index there.
func (s *sending) at(object int32) (field, index int) {
	i := int(object)
	for field, n := range []int{len(s.batch.Attributes), len(s.batch.Events), len(s.batch.Purchases)} {
		if i < n {
			return field, i
		}
		i -= n
	}
	return len(arrays), i
}

var fieldNames = [...]string{"Attributes", "Events", "Purchases", "Objects"}

// encode writes an object, and returns whose it is.
func (s *sending) encode(e *encoder, object int32) User {
	field, i := s.at(object)
	e.path = append(e.path[:0], step{field: fieldNames[field], index: -1}, step{index: i})
	switch field {
	case 0:
		e.attributes(&s.batch.Attributes[i])
		return s.batch.Attributes[i].User
	case 1:
		e.event(&s.batch.Events[i])
		return s.batch.Events[i].User
	case 2:
		e.purchase(&s.batch.Purchases[i])
		return s.batch.Purchases[i].User
	}
	e.encoded(&s.batch.Objects[i])
	return s.batch.Objects[i].user
}

var seed = maphash.MakeSeed()

// plan checks all objects, as parameters of op, and puts them in order.
func (s *sending) plan(op ada.Operation) error {
	s.items = make([]item, s.batch.Len())
	e := s.client.encoder()
	defer encoders.Put(e)
	for i := range s.items {
		e.out = e.out[:0]
		user := s.encode(e, int32(i))
		// #nosec G115 -- an object is far smaller
		it := item{user: maphash.Comparable(seed, user), size: int32(len(e.out))}
		if user.IsZero() { // not one person, but as many as there are objects
			it.user = maphash.Comparable(seed, i)
		}
		field, index := s.at(int32(i))
		if it.array = uint8(field); field == len(arrays) { // #nosec G115 -- there are few arrays
			it.array = s.batch.Objects[index].array
		}
		if !s.fits(load{}.plus(it)) {
			e.path = e.path[:2]
			e.fault("has %d bytes, more than fit in a request of %d", len(e.out), s.client.config.MaxBytes)
		}
		s.items[i] = it
	}
	if err := op.Invalid(e.faults...); err != nil {
		return err
	}
	s.arrange()
	return nil
}

// arrange puts the objects of each user together, users in the order in which they first occur.
func (s *sending) arrange() {
	group := make(map[uint64]int32)
	var next []int32 // where the next object of a group goes; first, how many it has
	for _, it := range s.items {
		g, ok := group[it.user]
		if !ok {
			g = int32(len(next)) // #nosec G115 -- no batch has so many objects
			group[it.user] = g
			next = append(next, 0)
		}
		next[g]++
	}
	sum := int32(0)
	for g, n := range next {
		next[g] = sum
		sum += n
	}
	s.order = make([]int32, len(s.items))
	for array := range arrays { // as Braze does
		for i, it := range s.items {
			if int(it.array) == array {
				g := group[it.user]
				s.order[next[g]] = int32(i)
				next[g]++
			}
		}
	}
}

// load is what a request carries.
type load struct {
	objects [len(arrays)]int
	bytes   int
}

// envelope is what a request has around its objects, at most.
const envelope = len(`{"attributes":[],"events":[],"purchases":[]}`)

func (l load) plus(it item) load {
	l.objects[it.array]++
	l.bytes += int(it.size) + len(",")
	return l
}

func (s *sending) fits(l load) bool {
	c := s.client.config
	count := l.objects[0] + l.objects[1] + l.objects[2]
	if c.PerArray {
		count = max(l.objects[0], l.objects[1], l.objects[2])
	}
	return count <= c.MaxObjects && l.bytes+envelope <= c.MaxBytes
}

// next returns where the requests end that begin with an object of the order and have to follow one another: one
// request, or more where a user's objects do not fit in one.
func (s *sending) next(from int) (ends []int) {
	begin := from
	var carried load
	for at := from; at < len(s.order); {
		end, with := at, carried
		for user := s.items[s.order[at]].user; end < len(s.order) && s.items[s.order[end]].user == user; end++ {
			with = with.plus(s.items[s.order[end]])
		}
		switch {
		case s.fits(with):
			carried, at = with, end
		case at > begin:
			return append(ends, at)
		default:
			for ; at < end; at++ {
				with := carried.plus(s.items[s.order[at]])
				if !s.fits(with) {
					ends = append(ends, at)
					begin, with = at, load{}.plus(s.items[s.order[at]])
				}
				carried = with
			}
		}
	}
	return append(ends, len(s.order))
}

// send makes the requests.
func (s *sending) send(ctx context.Context) {
	s.dedupe()
	slots := make(chan struct{}, s.client.config.Concurrency)
	var under sync.WaitGroup
	for from := 0; from < len(s.order); {
		ends := s.next(from)
		begin := from
		from = ends[len(ends)-1]
		slots <- struct{}{}
		if s.isStopped() {
			break
		}
		under.Go(func() {
			defer func() { <-slots }()
			for _, end := range ends {
				if s.isStopped() || !s.request(ctx, s.order[begin:end]) {
					return
				}
				begin = end
			}
		})
	}
	under.Wait()
}

func (s *sending) isStopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

func (c *Client) encoder() *encoder {
	e := encoders.Get().(*encoder)
	*e = encoder{out: e.out[:0], path: e.path[:0], keys: e.keys[:0], appID: c.config.AppID}
	return e
}

// request sends objects in one request, and reports whether those that come after them can be sent.
func (s *sending) request(ctx context.Context, objects []int32) bool {
	e := s.client.encoder()
	defer encoders.Put(e)
	var sent [len(arrays)][]int32
	for _, o := range objects {
		array := s.items[o].array
		sent[array] = append(sent[array], o)
	}
	var changes []*change
	e.out = append(e.out, '{')
	for array, name := range arrays {
		begin := len(e.out)
		e.plainName(string(name))
		e.out = append(e.out, '[')
		var kept []int32
		for _, o := range sent[array] {
			before := len(e.out)
			e.comma()
			at := len(e.out)
			user := s.encode(e, o)
			if d := s.client.config.Dedupe; d != nil && name == InAttributes {
				c := d.begin(user, e.out[at:])
				c.object = o
				if c.rest == nil {
					e.out = e.out[:before]
					s.leaveOut(o, c.saved)
					continue
				}
				e.out = append(e.out[:at], c.rest...)
				changes = append(changes, c)
			}
			kept = append(kept, o)
		}
		sent[array] = kept
		e.out = append(e.out, ']')
		if len(kept) == 0 {
			e.out = e.out[:begin]
		}
	}
	e.out = append(e.out, '}')
	if len(e.out) == len("{}") {
		return true
	}
	ok := s.exchange(ctx, e, sent)
	for _, c := range changes {
		s.mu.Lock()
		status := *s.status(c.object)
		if status == Processed {
			s.result.DataPointsSaved += c.saved
		}
		s.mu.Unlock()
		s.client.config.Dedupe.end(c, status)
	}
	return ok
}

// leaveOut marks an object that says nothing new.
func (s *sending) leaveOut(object int32, saved int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.status(object) = Processed
	s.result.DataPointsSaved += saved
}

// dedupe takes out of the order what says nothing new, so that requests are made of the rest. Of a user it stops at the
// first object that is kept: what is new depends on that.
func (s *sending) dedupe() {
	d := s.client.config.Dedupe
	if d == nil {
		return
	}
	e := s.client.encoder()
	defer encoders.Put(e)
	kept := s.order[:0]
	var keeps uint64 // the user of the object that was kept last
	for _, o := range s.order {
		if it := s.items[o]; arrays[it.array] == InAttributes && (len(kept) == 0 || it.user != keeps) {
			e.out = e.out[:0]
			user := s.encode(e, o)
			if saved, all := d.known(user, e.out); all {
				s.leaveOut(o, saved)
				continue
			}
		}
		kept, keeps = append(kept, o), s.items[o].user
	}
	s.order = kept
}

// exchange makes a request and judges its answer.
func (s *sending) exchange(ctx context.Context, e *encoder, sent [len(arrays)][]int32) bool {
	op := s.client.track
	op.Idempotent = !e.once || s.client.config.AllowDuplicates
	if s.before != nil {
		if err := s.before(slices.Concat(sent[:]...)); err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.failures, s.stopped = append(s.failures, err), true
			return false
		}
	}
	req, err := gen.NewTrackUsersRequestWithBody(s.client.ada.BaseURL(), "application/json", bytes.NewReader(e.out))
	if err != nil {
		err = op.Invalid(ada.Fault{Field: "the request", Reason: "cannot be made"})
		return s.judge(answer{sent: sent}, err)
	}
	a := answer{sent: sent}
	_, err = s.client.ada.Do(req.WithContext(ctx), op, &a, s.opts...)
	return s.judge(a, err)
}

// answer is what Braze says of a request.
type answer struct {
	gen.TrackResponse
	refusals []refusal
	sent     [len(arrays)][]int32 // the objects of the request
}

// refusal is what Braze says against one object.
type refusal struct {
	Type  string `json:"type"`
	Array Array  `json:"input_array"`
	Index *int   `json:"index"`

	object int32
}

// UnmarshalJSON decodes the answer to a request that was taken.
func (a *answer) UnmarshalJSON(b []byte) error {
	*a = answer{sent: a.sent}
	if err := rawjson.Unmarshal(b, &a.TrackResponse); err != nil {
		return err
	}
	clear := a.readErrors()
	switch {
	case a.Message != "success":
		return ada.Fault{Field: "message", Reason: `is not "success"`}
	case !clear: // some are refused, and nobody can tell which
		return ada.Fault{Field: "errors", Reason: "does not name objects that were sent"}
	}
	return nil
}

// readErrors reads what Braze says against single objects, and reports whether each is one that was sent. Errors are
// objects, or in other answers strings, or one string, or not there.
func (a *answer) readErrors() (clear bool) {
	switch string(a.Errors) {
	case "", "null", `""`:
		return true
	}
	var entries []json.RawMessage
	clear = json.Unmarshal(a.Errors, &entries) == nil
	for _, entry := range entries {
		var r refusal
		err := rawjson.Unmarshal(entry, &r)
		array := slices.Index(arrays[:], r.Array)
		if err != nil || array < 0 || r.Index == nil || *r.Index < 0 || *r.Index >= len(a.sent[array]) {
			clear = false
			continue
		}
		r.object = a.sent[array][*r.Index]
		a.refusals = append(a.refusals, r)
	}
	return clear
}

// status is where the status of an object is kept.
func (s *sending) status(object int32) *Status {
	field, i := s.at(object)
	return &s.result.fields()[field][i]
}

// maxFailures is how many errors of requests are kept.
const maxFailures = 16

// judge writes down what became of the objects of a request, and reports whether those that come after them can be
// sent.
func (s *sending) judge(a answer, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.Requests++
	rest := Processed
	var failed *ada.Error
	if errors.As(err, &failed) {
		rest = Unsent
		refused := failed.StatusCode == http.StatusBadRequest || failed.StatusCode == http.StatusUnprocessableEntity
		if refused {
			_ = a.UnmarshalJSON(failed.Body()) // its message is not success
		}
		switch {
		case failed.MayHaveHappened() || a.AttributesProcessed+a.EventsProcessed+a.PurchasesProcessed > 0:
			rest = Unknown
		case refused && len(a.refusals) == 0:
			rest = Rejected
		}
	}
	named := map[int32]string{}
	for _, r := range a.refusals {
		named[r.object] = r.Type
	}
	for _, objects := range a.sent {
		for _, o := range objects {
			kind, is := named[o]
			if is || rest == Rejected {
				*s.status(o) = Rejected
				field, i := s.at(o)
				s.result.Rejections = append(s.result.Rejections, Rejection{fieldArrays[field], i, kind})
				continue
			}
			*s.status(o) = rest
			if rest == Unsent && errors.Is(err, ada.ErrTooLarge) {
				if s.tooLarge == nil {
					s.tooLarge = map[int32]bool{}
				}
				s.tooLarge[o] = true
			}
		}
	}
	if err == nil {
		s.inRow = 0
		return true
	}
	if len(s.failures) < maxFailures {
		s.failures = append(s.failures, err)
	}
	switch {
	case rest == Unknown, errors.Is(err, ada.ErrTooLarge):
		s.inRow++
		s.stopped = s.stopped || s.inRow == maxInRow
	case rest == Unsent && len(named) == 0:
		s.stopped = true // it would be the same with any other
	}
	return rest == Rejected
}

// maxInRow is after how many requests that came to nothing no more are made.
const maxInRow = 3

var fieldArrays = [...]Array{InAttributes, InEvents, InPurchases, InObjects}

// err is the error of the whole: what nobody knows comes first, since it is the worst, then what is refused, and of that
// requests before objects.
func (s *sending) err() error {
	var unknown, refused, others []error
	for _, err := range s.failures {
		switch {
		case errors.Is(err, ada.ErrOutcomeUnknown):
			unknown = append(unknown, err)
		case !ada.Retryable(err):
			refused = append(refused, err)
		default:
			others = append(others, err)
		}
	}
	if len(s.result.Rejections) > 0 {
		slices.SortFunc(s.result.Rejections, func(a, b Rejection) int {
			return cmp.Or(cmp.Compare(slices.Index(fieldArrays[:], a.Array), slices.Index(fieldArrays[:], b.Array)), cmp.Compare(a.Index, b.Index))
		})
		faults := make([]ada.Fault, 0, len(s.result.Rejections))
		for _, r := range s.result.Rejections {
			faults = append(faults, r.fault())
		}
		refused = append(refused, s.client.track.Invalid(faults...))
	}
	return errors.Join(slices.Concat(unknown, refused, others)...)
}

// saying is the form of the types that Braze has been seen to answer with. They hold no value of the object's.
var saying = regexp.MustCompile(`^[A-Z_]{1,64}$|^('[a-z_]{1,32}'(, | or )?){1,5} is (required|not valid)$|^Invalid '[a-z_]{1,32}' field$`)

func (r Rejection) fault() ada.Fault {
	f := ada.Fault{Field: fmt.Sprintf("%s[%d]", fieldNames[slices.Index(fieldArrays[:], r.Array)], r.Index), Reason: "was rejected"}
	if kind := strings.TrimSuffix(r.Type, "."); saying.MatchString(kind) {
		f.Reason += ": " + kind
	}
	return f
}

// String returns which object it is, and what Braze said where that can hold no personal data.
func (r Rejection) String() string { return r.fault().Error() }

// Format writes the same as String for every verb.
func (r Rejection) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// MarshalText returns the same as String.
func (r Rejection) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
