package webhooks_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/adasdk/ada-go/webhooks"
)

// A store is of use without a Mux too: here, to the worker of a queue.
func ExampleMemoryStore() {
	ctx := context.Background()
	store := webhooks.NewMemoryStore(0)
	handle := func(id string, work func() error) error {
		switch state, err := store.Claim(ctx, id); {
		case err != nil:
			return err
		case state == webhooks.InProgress:
			return errors.New("another worker has it")
		case state == webhooks.Handled:
			return nil
		}
		if err := work(); err != nil {
			return errors.Join(err, store.Release(ctx, id))
		}
		return store.Commit(ctx, id)
	}

	fails := func() error { return errors.New("the database is down") }
	works := func() error { fmt.Println("handled"); return nil }
	fmt.Println(handle("msg_1", fails))
	fmt.Println(handle("msg_1", works))
	fmt.Println(handle("msg_1", works)) // not again
	// Output:
	// the database is down
	// handled
	// <nil>
	// <nil>
}

// A store that is full forgets the event that was handled first.
func ExampleNewMemoryStore() {
	ctx := context.Background()
	store := webhooks.NewMemoryStore(1000)
	for i := range 1001 {
		id := fmt.Sprint("msg_", i)
		_, _ = store.Claim(ctx, id)
		_ = store.Commit(ctx, id)
	}

	state, _ := store.Claim(ctx, "msg_1000")
	fmt.Println(state)
	state, _ = store.Claim(ctx, "msg_0")
	fmt.Println(state)
	// Output:
	// handled
	// claimed
}

// Of all that claim an event at the same time, one handles it.
func ExampleMemoryStore_Claim() {
	ctx := context.Background()
	store := webhooks.NewMemoryStore(0)
	state, err := store.Claim(ctx, "msg_1")
	fmt.Println(state, err)
	state, err = store.Claim(ctx, "msg_1")
	fmt.Println(state, err)
	// Output:
	// claimed <nil>
	// in progress <nil>
}

func ExampleMemoryStore_Commit() {
	ctx := context.Background()
	store := webhooks.NewMemoryStore(0)
	_, _ = store.Claim(ctx, "msg_1")
	_ = store.Commit(ctx, "msg_1") // its handler succeeded

	state, err := store.Claim(ctx, "msg_1")
	fmt.Println(state, err)
	// Output: handled <nil>
}

func ExampleMemoryStore_Release() {
	ctx := context.Background()
	store := webhooks.NewMemoryStore(0)
	_, _ = store.Claim(ctx, "msg_1")
	_ = store.Release(ctx, "msg_1") // its handler failed: the next delivery is handled again

	state, err := store.Claim(ctx, "msg_1")
	fmt.Println(state, err)
	// Output: claimed <nil>
}

func ExampleState_String() {
	for _, state := range []webhooks.State{webhooks.Claimed, webhooks.InProgress, webhooks.Handled} {
		fmt.Println(state)
	}
	// Output:
	// claimed
	// in progress
	// handled
}
