package webhooks_test

import (
	"context"
	"fmt"
	"time"

	"github.com/adasdk/ada-go/webhooks"
)

func ExampleLatest() {
	mux, verifier := newReceiver()
	latest := webhooks.NewLatest(0)
	webhooks.Handle(mux, func(_ context.Context, e webhooks.Event[webhooks.EndUserUpdated]) error {
		if !latest.Newer(e.Data.ID, e.Timestamp) {
			return nil // what this one says is out of date
		}
		fmt.Println(e.Data.ID, e.Data.Profile.Language)
		return nil
	})

	for i, body := range []string{
		`{"type":"v1.end_user.updated","timestamp":"2026-01-01T12:00:00.500","data":{"end_user_id":"eu1","profile":{"language":"pt"}}}`,
		`{"type":"v1.end_user.updated","timestamp":"2026-01-01T12:00:00.100","data":{"end_user_id":"eu1","profile":{"language":"en"}}}`,
	} {
		send(mux, verifier, fmt.Sprint("msg_", i), body)
	}
	// Output:
	// eu1 pt
	// 200
	// 200
}

// With room for one key, the key that was not asked for of late is forgotten.
func ExampleNewLatest() {
	latest := webhooks.NewLatest(1)
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	fmt.Println(latest.Newer("eu1", noon), latest.Newer("eu1", noon.Add(-time.Hour)))
	fmt.Println(latest.Newer("eu2", noon), latest.Newer("eu1", noon.Add(-time.Hour)))
	// Output:
	// true false
	// true true
}

func ExampleLatest_Newer() {
	latest := webhooks.NewLatest(0)
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	fmt.Println("the first one:", latest.Newer("eu1", noon))
	fmt.Println("an older one:", latest.Newer("eu1", noon.Add(-time.Second)))
	fmt.Println("the first one, delivered again:", latest.Newer("eu1", noon))
	fmt.Println("one of somebody else:", latest.Newer("eu2", noon.Add(-time.Hour)))
	// Output:
	// the first one: true
	// an older one: false
	// the first one, delivered again: true
	// one of somebody else: true
}
