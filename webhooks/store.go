package webhooks

import (
	"container/list"
	"context"
	"strconv"
	"sync"
	"time"
)

// State is what a [Store] says of an event.
type State int

// What a [Store] can say.
const (
	Claimed    State = iota + 1 // nobody had it: the caller handles it now
	InProgress                  // somebody else is handling it
	Handled                     // it was handled before
)

// String returns the name of the state in small letters.
func (s State) String() string {
	switch s {
	case Claimed:
		return "claimed"
	case InProgress:
		return "in progress"
	case Handled:
		return "handled"
	}
	return "state " + strconv.Itoa(int(s))
}

// Store remembers which events were handled, so that one that is delivered more than once is handled once. It is
// called concurrently, and Claim must be atomic: of all that claim an id at the same time, one is told Claimed.
//
// In a store that several processes share, a claim has to end by itself some time after the slowest handler would
// have, or an event that a process died over stays in progress.
type Store interface {
	// Claim is called before the handler.
	Claim(ctx context.Context, id string) (State, error)
	// Commit is called after the handler succeeded. The id is remembered for at least 8 days.
	Commit(ctx context.Context, id string) error
	// Release is called after the handler failed: the next delivery is handled again.
	Release(ctx context.Context, id string) error
}

// Ada tries for about 28 hours to deliver an event. People can have what failed sent again until an endpoint has
// failed for a week, when Ada disables it.
const window = 8 * 24 * time.Hour

const defaultLimit = 100_000

// MemoryStore is a [Store] of one process. It forgets an event 8 days after it was handled, and everything with the
// process. The zero value is NewMemoryStore(0).
type MemoryStore struct {
	limit int

	mu      sync.Mutex
	ids     map[string]*list.Element // nil for those in progress
	handled list.List                // of handledID, the first one that was handled at the front
}

type handledID struct {
	id string
	at time.Time
}

// NewMemoryStore returns a store that holds at most limit events, or 100,000 where limit is not positive. When it is
// full, it forgets the one that was handled first. It never forgets one in progress, and so holds more than limit
// while more than that many are.
func NewMemoryStore(limit int) *MemoryStore { return &MemoryStore{limit: limit} }

// Claim implements [Store].
func (s *MemoryStore) Claim(ctx context.Context, id string) (State, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if handled, ok := s.ids[id]; ok && handled != nil {
		return Handled, nil
	} else if ok {
		return InProgress, nil
	}
	if s.ids == nil {
		s.ids = map[string]*list.Element{}
	}
	s.ids[id] = nil
	s.shrink()
	return Claimed, nil
}

// Commit implements [Store]. It never fails.
func (s *MemoryStore) Commit(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if s.ids[id] != nil {
		return nil
	}
	if s.ids == nil {
		s.ids = map[string]*list.Element{}
	}
	s.ids[id] = s.handled.PushBack(handledID{id, time.Now()})
	s.shrink()
	return nil
}

// Release implements [Store]. It never fails, and does nothing to an event that was handled.
func (s *MemoryStore) Release(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids[id] == nil {
		delete(s.ids, id)
	}
	return nil
}

// expire forgets what was handled too long ago. A clock that is set does not matter: the times have monotonic readings.
func (s *MemoryStore) expire() {
	for first := s.handled.Front(); first != nil; first = s.handled.Front() {
		if time.Since(first.Value.(handledID).at) < window {
			return
		}
		s.forget(first)
	}
}

func (s *MemoryStore) shrink() {
	for first := s.handled.Front(); first != nil && len(s.ids) > atLeastOne(s.limit); first = s.handled.Front() {
		s.forget(first)
	}
}

func (s *MemoryStore) forget(e *list.Element) {
	delete(s.ids, s.handled.Remove(e).(handledID).id)
}

// atLeastOne returns a limit as it is meant.
func atLeastOne(limit int) int {
	if limit <= 0 {
		return defaultLimit
	}
	return limit
}
