package webhooks_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/adasdk/ada-go/webhooks"
)

func TestLatest(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	latest := webhooks.NewLatest(2)
	for i, step := range []struct {
		key  string
		t    time.Time
		want bool
	}{
		{"a", at(10), true},
		{"a", at(9), false},
		{"a", at(10), true}, // the same event again
		{"a", at(10).In(time.FixedZone("", 3600)), true},
		{"a", at(10).Add(-1), false},
		{"b", at(1), true}, // another end user
		{"a", at(11), true},
		{"a", at(10), false},
		{"a", time.Time{}, true}, // no timestamp
		{"a", at(10), false},     // which changed nothing
		{"c", time.Time{}, true}, // and took no room
		{"b", at(0), false},
		{"c", at(1), true}, // a, asked for longest ago, is forgotten
		{"b", at(0), false},
		{"c", at(0), false},
		{"a", at(5), true},
	} {
		if got := latest.Newer(step.key, step.t); got != step.want {
			t.Errorf("step %d: Newer(%s, %s) = %t, want %t", i, step.key, step.t, got, step.want)
		}
	}
}

func TestLatestLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		latest *webhooks.Latest
		limit  int
	}{
		{"0", webhooks.NewLatest(0), 100_000},
		{"1", webhooks.NewLatest(1), 1},
		{"10", webhooks.NewLatest(10), 10},
	} {
		for i := range tt.limit {
			tt.latest.Newer(fmt.Sprint(i), time.Unix(2, 0))
		}
		if tt.latest.Newer("0", time.Unix(1, 0)) {
			t.Errorf("%s: has no room for %d", tt.name, tt.limit)
		}
		for i := range tt.limit {
			tt.latest.Newer(fmt.Sprint("new", i), time.Unix(2, 0))
		}
		if !tt.latest.Newer("0", time.Unix(1, 0)) {
			t.Errorf("%s: has room for more than %d", tt.name, tt.limit)
		}
	}
}

// Of many that ask at once, each t is new at most as often as it is asked for, and the newest one always is.
func TestLatestConcurrently(t *testing.T) {
	latest := new(webhooks.Latest)
	var wg sync.WaitGroup
	var newest atomic.Int32
	for i := range 100 {
		wg.Go(func() {
			if latest.Newer("a", time.Unix(int64(i), 0)) && i == 99 {
				newest.Add(1)
			}
		})
	}
	wg.Wait()
	if newest.Load() != 1 || latest.Newer("a", time.Unix(98, 0)) {
		t.Errorf("the newest was new %d times", newest.Load())
	}
}
