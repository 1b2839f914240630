package redisstore_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/adasdk/ada-go/webhooks/redisstore"
	"github.com/redis/go-redis/v9"
)

// TestMain leaves out the Examples of Store where there is no Redis, since an Example cannot skip itself.
func TestMain(m *testing.M) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		_ = flag.Set("test.skip", "^ExampleStore_")
	}
	os.Exit(m.Run())
}

// newReplicas returns the stores of two processes that have one Redis.
func newReplicas() (a, b *redisstore.Store, done func()) {
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		panic(err)
	}
	addr, stop, err := startRedis("redis-server", dir)
	if err != nil {
		panic(err)
	}
	client := redis.NewClient(&redis.Options{Addr: addr})
	a, err = redisstore.New(redisstore.Config{Client: client})
	if err != nil {
		panic(err)
	}
	b, err = redisstore.New(redisstore.Config{Client: client})
	if err != nil {
		panic(err)
	}
	return a, b, func() {
		_ = client.Close()
		stop()
		_ = os.RemoveAll(dir)
	}
}

func ExampleNew() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer client.Close()

	_, err := redisstore.New(redisstore.Config{Client: client, Prefix: "billing:webhook:"}) // it does not connect yet
	fmt.Println(err)
	_, err = redisstore.New(redisstore.Config{Client: client, Lease: 5 * time.Second})
	fmt.Println(err)
	// Output:
	// <nil>
	// redisstore: Lease is 5s, want more than 15s
}

// Of all replicas that are given an event, one handles it.
func ExampleStore_Claim() {
	a, b, done := newReplicas()
	defer done()
	ctx := context.Background()

	state, err := a.Claim(ctx, "msg_1")
	fmt.Println(state, err)
	state, err = b.Claim(ctx, "msg_1")
	fmt.Println(state, err)
	// Output:
	// claimed <nil>
	// in progress <nil>
}

// A handler that took longer than the lease may have run twice.
func ExampleStore_Commit() {
	a, b, done := newReplicas()
	defer done()
	ctx := context.Background()
	if _, err := a.Claim(ctx, "msg_1"); err != nil {
		fmt.Println(err)
		return
	}

	if err := a.Commit(ctx, "msg_1"); err != nil { // redisstore.ErrClaimLost after a lease that has ended
		fmt.Println(err)
		return
	}
	state, err := b.Claim(ctx, "msg_1")
	fmt.Println(state, err)
	// Output: handled <nil>
}

// When a handler failed, the next delivery can be handled by any replica.
func ExampleStore_Release() {
	a, b, done := newReplicas()
	defer done()
	ctx := context.Background()
	if _, err := a.Claim(ctx, "msg_1"); err != nil {
		fmt.Println(err)
		return
	}

	if err := a.Release(ctx, "msg_1"); err != nil {
		fmt.Println(err)
		return
	}
	state, err := b.Claim(ctx, "msg_1")
	fmt.Println(state, err)
	// Output: claimed <nil>
}
