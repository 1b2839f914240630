package webhooks_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/webhooks"
)

// storeRun is a script for a MemoryStore, such as "claim a: 1".
type storeRun struct {
	*testing.T
	store *webhooks.MemoryStore
}

func (r storeRun) do(steps ...string) {
	r.Helper()
	for _, step := range steps {
		step, want, _ := strings.Cut(step, ": ")
		call, id, _ := strings.Cut(step, " ")
		got, err := "", error(nil)
		switch call {
		case "claim":
			var state webhooks.State
			state, err = r.store.Claim(r.Context(), id)
			got = state.String()
		case "commit":
			err = r.store.Commit(r.Context(), id)
		case "release":
			err = r.store.Release(r.Context(), id)
		}
		if err != nil || got != want {
			r.Fatalf("%s: got %q, %v, want %q", step, got, err, want)
		}
	}
}

func TestMemoryStore(t *testing.T) {
	for _, store := range []*webhooks.MemoryStore{webhooks.NewMemoryStore(0), webhooks.NewMemoryStore(-1), new(webhooks.MemoryStore)} {
		storeRun{t, store}.do(
			"claim a: claimed", "claim a: in progress", "claim b: claimed",
			"commit a", "claim a: handled", "claim b: in progress",
			"release a", "claim a: handled", // what was handled stays so
			"commit a", "claim a: handled",
			"release b", "claim b: claimed", "release b",
			"release c", "claim c: claimed", // which nobody had claimed
			"commit d", "claim d: handled",
		)
	}
	storeRun{t, new(webhooks.MemoryStore)}.do("release a", "commit a", "claim a: handled")
}

func TestMemoryStoreWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		r := storeRun{t, webhooks.NewMemoryStore(0)}
		r.do("claim a: claimed", "claim busy: claimed")
		time.Sleep(3 * day)
		r.do("commit a", "commit b") // the window begins here
		time.Sleep(day)
		r.do("commit c", "commit b") // and does not begin again
		time.Sleep(7*day - 1)
		r.do("claim a: handled", "claim b: handled", "claim c: handled")
		time.Sleep(time.Nanosecond)
		r.do("claim a: claimed", "claim b: claimed", "claim c: handled")
		time.Sleep(day)
		r.do("claim c: claimed")
		time.Sleep(100 * day)
		r.do("claim busy: in progress", "commit busy", "claim busy: handled")
	})
}

func TestMemoryStoreLimit(t *testing.T) {
	r := storeRun{t, webhooks.NewMemoryStore(3)}
	r.do(
		"claim b: claimed", "claim a: claimed", "claim c: claimed", "commit a", "commit b",
		"claim d: claimed", // one too many: a goes, which was handled first
		"claim b: handled", "claim c: in progress", "claim d: in progress",
		"claim a: claimed", // b goes
		"claim e: claimed", // nothing can go
		"claim b: claimed", // nothing can go
		"claim c: in progress", "claim d: in progress", "claim a: in progress", "claim e: in progress",
		"commit a", // too many are in progress to remember one more
		"claim a: claimed",
		"release a", "release b", "release e", // c and d are left
		"commit a", "claim a: handled",
	)

	for limit, n := range map[int]int{0: 100_000, 1: 1, 500: 500} {
		r := storeRun{t, webhooks.NewMemoryStore(limit)}
		for i := range n + 1 {
			r.do(fmt.Sprintf("commit %d", i))
		}
		if n > 1 {
			r.do("claim 1: handled")
		}
		r.do(fmt.Sprintf("claim %d: handled", n), "claim 0: claimed")
	}
}

func TestMemoryStoreConcurrently(t *testing.T) {
	store := webhooks.NewMemoryStore(10)
	var wg sync.WaitGroup
	var claimed [50]atomic.Int32
	for i := range 1000 {
		wg.Go(func() {
			n := i % len(claimed)
			if state, _ := store.Claim(t.Context(), fmt.Sprint(n)); state == webhooks.Claimed {
				claimed[n].Add(1)
			}
		})
	}
	wg.Wait()
	for i := range claimed {
		if n := claimed[i].Load(); n != 1 {
			t.Errorf("%d was claimed %d times", i, n)
		}
	}
}

func TestMemoryStoreContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	store := webhooks.NewMemoryStore(0)
	if state, err := store.Claim(ctx, "a"); !errors.Is(err, context.Canceled) || state != 0 {
		t.Errorf("got %d, %v", state, err)
	}
	storeRun{t, store}.do("claim a: claimed")
}
