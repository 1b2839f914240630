package webhooks

import (
	"container/list"
	"sync"
	"time"
)

// Latest tells events that are out of date from others. Ada delivers events in no order, so that an older state of an
// end user can come after a newer one. Ask before you handle an event that says how something is:
//
//	if !latest.Newer(e.Data.ID, e.Timestamp) {
//		return nil // what this one says is out of date
//	}
//
// It is a filter and no lock: two events that are handled at the same time can both be the newest one when they ask.
// It knows what this process was asked since it began, for the keys that it has room for. Where that is not enough,
// keep the timestamp beside what you store, and compare there.
//
// The zero value is NewLatest(0).
type Latest struct {
	limit int

	mu   sync.Mutex
	keys map[string]*list.Element
	used list.List // of *keyTime, the one that was asked for longest ago at the front
}

type keyTime struct {
	key string
	t   time.Time
}

// NewLatest returns a Latest for at most limit keys, or 100,000 where limit is not positive. When it is full, it
// forgets the key that it was asked for longest ago.
func NewLatest(limit int) *Latest { return &Latest{limit: limit} }

// Newer reports whether t is not older than any t that it was asked for with this key, and remembers it. An equal t is
// new too, since an event whose handler failed comes again. A zero t, of an event without a timestamp, is always new
// and is not remembered.
func (l *Latest) Newer(key string, t time.Time) bool {
	if t.IsZero() {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.keys[key]; ok {
		l.used.MoveToBack(e)
		known := e.Value.(*keyTime)
		if t.Before(known.t) {
			return false
		}
		known.t = t
		return true
	}
	if l.keys == nil {
		l.keys = map[string]*list.Element{}
	}
	l.keys[key] = l.used.PushBack(&keyTime{key, t})
	if len(l.keys) > atLeastOne(l.limit) {
		delete(l.keys, l.used.Remove(l.used.Front()).(*keyTime).key)
	}
	return true
}
