package braze_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/braze"
	network "github.com/adasdk/ada-go/internal/faults"
)

// A million objects, of 500,000 users, through one Track: beyond the batch itself it holds a few dozen bytes for each.
func TestMillionObjects(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	const objects = millions
	var arrived, answered, most atomic.Int64
	var measuring sync.RWMutex // what others allocate during a collection counts as in use
	// Without a connection in between, which would be most of the work.
	answer := network.RoundTripper(func(r *http.Request) (*http.Response, error) {
		measuring.RLock()
		body, err := io.ReadAll(r.Body)
		measuring.RUnlock()
		if err != nil {
			return nil, err
		}
		arrived.Add(int64(bytes.Count(body, []byte(`"external_id"`))))
		if n := answered.Add(1); n%(objects/400) == 0 {
			measuring.Lock()
			most.Store(max(most.Load(), live()))
			measuring.Unlock()
		}
		return &http.Response{
			StatusCode: http.StatusCreated, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"message":"success"}`)), Request: r,
		}, nil
	})
	client, err := braze.NewClient(braze.Config{
		Endpoint: "https://rest.iad-01.braze.com", APIKey: "key", HTTP: ada.HTTPConfig{Limiter: ada.Unpaced, Client: &http.Client{Transport: answer}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := braze.Batch{Attributes: make([]braze.Attributes, objects/2), Events: make([]braze.Event, objects/2)}
	plan := braze.Custom{"plan": "pro", "seats": 12}
	for i := range b.Attributes {
		u := braze.ExternalID(fmt.Sprint("user-", i))
		b.Attributes[i] = braze.Attributes{User: u, Custom: plan}
		b.Events[i] = braze.Event{User: u, Name: "asked", Time: at}
	}
	before := live()
	result, err := client.Track(t.Context(), b)
	if err != nil || result.Count(braze.Processed) != objects {
		t.Fatalf("%v: %v", result, err)
	}
	if arrived.Load() != objects {
		t.Errorf("%d objects arrived, want %d", arrived.Load(), objects)
	}
	// In pairs that stay together, 37 of them.
	if want := int64((objects/2 + 36) / 37); answered.Load() != want {
		t.Errorf("%d requests, want %d", answered.Load(), want)
	}
	held := most.Load() - before
	t.Logf("%d MB for %d objects, beyond a batch of about %d MB", held>>20, objects, before>>20)
	if held > 32*objects+8<<20 || most.Load() == 0 {
		t.Errorf("Track held %d bytes for %d objects", held, objects)
	}
	runtime.KeepAlive(b)
}

// live is how many bytes of the heap a garbage collection has found in use.
func live() int64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
