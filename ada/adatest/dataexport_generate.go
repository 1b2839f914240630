package adatest

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/bits"
	"slices"
	"strconv"
	"time"
)

// Generated describes conversations and messages that [Server.Generate] makes.
type Generated struct {
	Seed          uint64        // another one makes other records
	Conversations int           // how many there are
	MessagesPer   int           // the messages of each conversation
	Since, Until  time.Time     // of all that is created and updated; the second is exclusive
	Granularity   time.Duration // timestamps are multiples of it; zero: a microsecond
	// Size is about how many bytes a record with text has in v2; zero: 2,200 for conversations and 600 for messages.
	Size int
}

// Generate adds conversations and their messages to the export. They are the same for the same g, in every program,
// and of any number: a record takes some 30 bytes until it is asked for. A server takes the same g once.
//
// As far as the range and the granularity leave room, no two of them are created at the same time.
func (s *Server) Generate(g Generated) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.generate(g); err != nil {
		s.fatal(err)
	}
}

func (s *Server) generate(g Generated) error {
	g.Granularity = max(g.Granularity.Truncate(time.Microsecond), time.Microsecond)
	tick := g.Granularity.Microseconds()
	first, end := ceilDiv(ceilMicros(g.Since), tick), ceilDiv(ceilMicros(g.Until), tick)
	switch {
	case g.Conversations < 0 || g.MessagesPer < 0 || int64(g.Conversations) > 1<<31 || int64(g.Conversations)*int64(g.MessagesPer) > 1<<31:
		return errors.New("adatest: Generate of a number that is out of range")
	case g.Conversations > 0 && end <= first:
		return errors.New("adatest: Generate of an empty range of time")
	}
	for _, b := range s.exported[conversations].batches[1:] {
		if b.Generated == g {
			return errors.New("adatest: the same was generated before")
		}
	}
	whole, of := newBatch(g, conversations), newBatch(g, messages)
	// The range is split into parts of the same length, of which each conversation has one, and each message.
	parts := uint64(g.Conversations) * uint64(1+g.MessagesPer)
	at := func(part uint64) int64 {
		from, to := mulDiv(part, uint64(end-first), parts), mulDiv(part+1, uint64(end-first), parts)
		return first + int64(from+mix(whole.hash+part)%max(to-from, 1))
	}
	s.exported[conversations].grow(whole, g.Conversations)
	s.exported[messages].grow(of, g.Conversations*g.MessagesPer)
	for c := range uint64(g.Conversations) {
		part := c * uint64(1+g.MessagesPer)
		created := at(part)
		last := created
		for m := range uint64(g.MessagesPer) {
			last = at(part + 1 + m)
			s.exported[messages].append(last*tick, last*tick)
		}
		s.exported[conversations].append(created*tick, (last+updateAfter(whole.hash^mix(c), end-1-last, tick))*tick)
	}
	return nil
}

// updateAfter returns after how many ticks, of at most limit, a conversation is updated: most often soon, and at the
// latest after two days.
func updateAfter(hash uint64, limit, tick int64) int64 {
	limit = min(limit, (48*time.Hour).Microseconds()/tick)
	share := float64(mix(hash)>>11) / (1 << 53)
	return int64(share * share * share * float64(limit))
}

func ceilDiv(a, b int64) int64 {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}

// mulDiv returns a*b/c, rounded down.
func mulDiv(a, b, c uint64) uint64 {
	high, low := bits.Mul64(a, b)
	q, _ := bits.Div64(high, low, c)
	return q
}

// grow begins a batch of n entries.
func (x *records) grow(b *batch, n int) {
	b.first = len(x.entries)
	x.batches = append(x.batches, b)
	x.entries = slices.Grow(x.entries, n)
	x.created.fresh = slices.Grow(x.created.fresh, n)
	if x.kind == conversations {
		x.updated.fresh = slices.Grow(x.updated.fresh, n)
	}
}

// append adds an entry to the last batch.
func (x *records) append(created, updated int64) {
	place, batch := len(x.entries), len(x.batches)-1
	x.entries = append(x.entries, entry{created, updated, uint32(batch), uint32(place - x.batches[batch].first)})
	x.created.add(place)
	if x.kind == conversations {
		x.updated.add(place)
	}
}

// batch is what was generated at once, of one kind, or what was added by hand.
type batch struct {
	Generated
	hash   uint64    // of what was generated
	prefix [2]uint64 // of the ids of each kind
	size   int       // about the bytes of a record
	first  int       // the place of the first entry
}

func newBatch(g Generated, k kind) *batch {
	b := &batch{Generated: g, size: g.Size}
	for _, n := range []uint64{
		g.Seed, uint64(g.Conversations), uint64(g.MessagesPer), uint64(g.Since.UnixMicro()), uint64(g.Until.UnixMicro()),
		uint64(g.Granularity), uint64(g.Size),
	} {
		b.hash = mix(b.hash + n)
	}
	for i := range b.prefix {
		b.prefix[i] = mix(b.hash + uint64(i))
	}
	if b.size == 0 {
		b.size = []int{2200, 600}[k]
	}
	return b
}

// appendID appends the id of a record of the batch, or of the one of the other kind that was generated with it.
func (b *batch) appendID(to []byte, k kind, number uint32) []byte {
	var id [12]byte
	binary.BigEndian.PutUint64(id[:], b.prefix[k])
	binary.BigEndian.PutUint32(id[8:], number)
	return hex.AppendEncode(to, id[:])
}

// number returns which record of the batch has an id.
func (b *batch) number(id string, k kind) (n uint32, ok bool) {
	if len(id) != 24 {
		return 0, false
	}
	last, err := strconv.ParseUint(id[16:], 16, 32)
	limit := b.Conversations
	if k == messages {
		limit *= b.MessagesPer
	}
	return uint32(last), err == nil && last < uint64(limit) && string(b.appendID(nil, k, uint32(last))) == id
}

// mix scrambles a number.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
