package braze

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// DedupeConfig says how much a [Dedupe] remembers.
type DedupeConfig struct {
	// MaxAttributes is how many users and attributes of theirs are remembered, of some 150 bytes each. The users who
	// have not been sent for the longest time are forgotten first. 0: 1,000,000.
	MaxAttributes int
	// MaxAge is how long an attribute is taken for what Braze has: others can change it there. 0: 24 hours.
	MaxAge time.Duration
}

// Dedupe remembers what was last sent of each user, so that attributes that have not changed are left out: each custom
// attribute in a request is a data point, changed or not. Give it to a client as [Config.Dedupe].
//
// Two values are the same when they are the same JSON. An attribute is remembered once Braze has taken it, and forgotten
// when it is unknown whether it has, or when an operation such as [Inc] changes it. Never left out are operations,
// subscription states and push tokens, nor anything of an object that is under way at the same time. An object of which
// nothing is left is not sent, and ends as [Processed].
//
// An object that only updates counts as taken although its user may not be there, which Braze does not tell; what it said
// is then not sent again before MaxAge has passed.
//
// It holds hashes, and no personal data. It is safe for concurrent use, and can be shared by clients of one workspace.
type Dedupe struct {
	max    int
	maxAge time.Duration
	seed   maphash.Seed

	mu     sync.Mutex
	users  map[userKey]*list.Element // of *remembered
	recent *list.List                // the user sent last comes first
	count  int                       // of users and attributes
	saved  int
}

type userKey [16]byte

// remembered is one user.
type remembered struct {
	user       userKey
	attributes map[uint64]*attributeState // by the hash of the name
	underWay   int                        // objects that are
}

// attributeState is what is known of an attribute. Names with one hash have one state: they are then never the same.
type attributeState struct {
	value     [16]byte // a hash of the name, the value and how it is applied
	at        time.Time
	known     bool
	underWay  int
	contested bool // several were under way together, so that nobody knows which came last
}

// change is an object that is under way.
type change struct {
	object int32
	user   userKey
	rest   []byte // of the object; nil: nothing is
	saved  int    // data points
	sets   []set
}

type set struct {
	name    uint64
	value   [16]byte
	changes bool // it is an operation
}

// NewDedupe returns a Dedupe that remembers nothing yet.
func NewDedupe(c DedupeConfig) *Dedupe {
	d := &Dedupe{max: c.MaxAttributes, maxAge: c.MaxAge, seed: maphash.MakeSeed(), users: map[userKey]*list.Element{}, recent: list.New()}
	if d.max <= 0 {
		d.max = 1_000_000
	}
	if d.maxAge <= 0 {
		d.maxAge = 24 * time.Hour
	}
	return d
}

// DataPointsSaved returns how many data points were saved by leaving out attributes of objects that were then processed.
func (d *Dedupe) DataPointsSaved() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.saved
}

// Forget has everything of a user sent again, as after a deletion of the profile.
func (d *Dedupe) Forget(user User) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.lookUp(key(user)); r != nil {
		for _, a := range r.attributes {
			a.known = false
			a.contested = a.underWay > 0
		}
	}
}

func key(u User) (k userKey) {
	sum := sha256.Sum256(append(append([]byte{byte(u.kind)}, u.label...), "\x00"+u.id...))
	copy(k[:], sum[:])
	return k
}

func (d *Dedupe) lookUp(user userKey) *remembered {
	if at := d.users[user]; at != nil {
		return at.Value.(*remembered)
	}
	return nil
}

// role is what a member is in an attributes object.
type role uint8

const (
	attribute role = iota // which Braze may have
	control               // it says whose the object is, or how it is applied
	free                  // of charge, and what Braze has can change without us: it is always sent
)

var roles = map[string]role{
	"external_id": control, "user_alias": control, "braze_id": control, "_update_existing_only": control, "_merge_objects": control,
	"push_token_import": free, "email_subscribe": free, "push_subscribe": free, "subscription_groups": free, "push_tokens": free,
}

// part is a member of an attributes object as Dedupe sees it.
type part struct {
	json member
	role role
	set  set // of an attribute
}

func (d *Dedupe) parts(user User, object []byte) (parts []part) {
	merge := bytes.Contains(object, []byte(`"_merge_objects":true`))
	for _, m := range members(object) {
		name := strings.Trim(string(m.name), `"`)
		p := part{json: m, role: roles[name]}
		switch {
		case name == kindNames[user.kind]: // an email address can be the one or the other
			p.role = control
		case user.IsZero(): // several, of whom each needs all
			p.role = free
		}
		if p.role == attribute {
			p.set = set{name: maphash.Bytes(d.seed, m.name), changes: m.operation()}
			var mode byte
			if merge && (m.value[0] == '{' || m.value[0] == '[') {
				mode = 1
			}
			h := sha256.New()
			h.Write(binary.BigEndian.AppendUint32([]byte{mode}, uint32(len(m.name)))) // #nosec G115 -- a name is far shorter
			h.Write(m.name)
			h.Write(m.value)
			copy(p.set.value[:], h.Sum(nil))
		}
		parts = append(parts, p)
	}
	return parts
}

// has reports whether Braze has what the part says.
func (d *Dedupe) has(r *remembered, p part) bool {
	if r == nil || p.role != attribute || p.set.changes {
		return false
	}
	a := r.attributes[p.set.name]
	return a != nil && a.known && a.underWay == 0 && a.value == p.set.value && time.Since(a.at) < d.maxAge
}

// known reports whether Braze has all that an object says, and how many data points leaving it out saves.
func (d *Dedupe) known(user User, object []byte) (saved int, all bool) {
	parts := d.parts(user, object)
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.lookUp(key(user))
	if !d.hasAll(r, parts) {
		return 0, false
	}
	for _, p := range parts {
		if p.role == attribute {
			saved += points(p.json.value)
		}
	}
	d.saved += saved
	return saved, true
}

// hasAll reports whether Braze has all that the parts say. Without an attribute among them that is not known: they may be
// there to make the profile.
func (d *Dedupe) hasAll(r *remembered, parts []part) bool {
	has := false
	for _, p := range parts {
		switch {
		case p.role == control:
		case !d.has(r, p):
			return false
		default:
			has = true
		}
	}
	return has
}

// begin reduces an object that is about to be sent to what is new, and remembers that it is under way.
func (d *Dedupe) begin(user User, object []byte) *change {
	c := &change{user: key(user)}
	parts := d.parts(user, object)
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.lookUp(c.user)
	nothing := d.hasAll(r, parts)
	rest := []byte{'{'}
	for _, p := range parts {
		if d.has(r, p) {
			c.saved += points(p.json.value)
			continue
		}
		if len(rest) > 1 {
			rest = append(rest, ',')
		}
		rest = append(append(append(rest, p.json.name...), ':'), p.json.value...)
		if p.role == attribute {
			c.sets = append(c.sets, p.set)
		}
	}
	if nothing {
		d.saved += c.saved
		return c
	}
	c.rest = append(rest, '}')
	if r == nil {
		r = &remembered{user: c.user, attributes: map[uint64]*attributeState{}}
		d.users[c.user] = d.recent.PushFront(r)
		d.count++
	} else {
		d.recent.MoveToFront(d.users[c.user])
	}
	r.underWay++
	for _, s := range c.sets {
		a := r.attributes[s.name]
		if a == nil {
			a = &attributeState{}
			r.attributes[s.name] = a
			d.count++
		}
		a.contested = a.contested || a.underWay > 0
		a.underWay++
	}
	return c
}

// end says what became of an object that was under way.
func (d *Dedupe) end(c *change, status Status) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if status == Processed {
		d.saved += c.saved
	}
	r := d.lookUp(c.user)
	r.underWay--
	for _, s := range c.sets {
		a := r.attributes[s.name]
		a.underWay--
		switch {
		case a.contested || status == Unknown:
			a.known = false
		case status == Processed: // of an operation this is no value that anything has
			a.known, a.value, a.at = true, s.value, time.Now()
		}
		if a.underWay == 0 {
			a.contested = false
		}
	}
	for at := d.recent.Back(); at != nil && d.count > d.max; {
		r, older := at.Value.(*remembered), at.Prev()
		if r.underWay == 0 {
			d.count -= 1 + len(r.attributes)
			delete(d.users, r.user)
			d.recent.Remove(at)
		}
		at = older
	}
}

// points is how many data points an attribute is: one, or one for each value within an object.
func points(value []byte) (n int) {
	switch value[0] {
	case '{':
		for _, m := range members(value) {
			n += points(m.value)
		}
		return n
	case '[':
		if bytes.HasPrefix(value, []byte("[{")) {
			for at := 1; at < len(value)-1; {
				size := skip(value[at:])
				n += points(value[at : at+size])
				at += size + len(",")
			}
			return n
		}
	}
	return 1
}
