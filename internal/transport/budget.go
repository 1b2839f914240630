package transport

import (
	"sync"
	"time"
)

// The figures of a [budget], in tenths of a repetition.
const (
	repetition = 10
	fullBudget = 100 * repetition
	perSuccess = 1           // a tenth of the calls can be repeated in vain, for ever
	perWait    = time.Minute // in which one repetition comes back by itself
)

// budget keeps the repetitions of all calls of an engine from adding to an outage. Each takes its part, and a call that
// the server settles gives back all that it took and a little more: repetitions that help cost nothing. Those that do
// not help use the budget up, and then a call that fails is not repeated.
//
// What comes back with time is for programs that call seldom, which would else pay for an outage long after it. It is
// too little to be felt by a server, and lost in the noise for programs that call often.
type budget struct {
	mu    sync.Mutex
	spent int       // of a full budget
	since time.Time // when the last part came back with time
}

// take takes one repetition, if there is one left.
func (b *budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.spent == 0 {
		b.since = now
	}
	back := now.Sub(b.since) / perWait
	b.since = b.since.Add(back * perWait)
	b.spent = max(b.spent-int(min(back, fullBudget))*repetition, 0)
	if b.spent+repetition > fullBudget {
		return false
	}
	b.spent += repetition
	return true
}

// give gives back tenths of a repetition.
func (b *budget) give(tenths int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = max(b.spent-tenths, 0)
}
