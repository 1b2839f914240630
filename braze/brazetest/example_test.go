package brazetest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/adasdk/ada-go/braze"
	"github.com/adasdk/ada-go/braze/brazetest"
)

// The answer to a request is lost, and the test sees that the service does not record the event twice. In a test, make
// the server with NewServer(t).
func Example() {
	srv := brazetest.New()
	defer srv.Close()
	srv.Fail(brazetest.Failure{Effect: true, Drop: true})

	err := srv.Client().TrackEvent(context.Background(), braze.ExternalID("crm-42"), "asked_for_refund", time.Now())
	fmt.Println(err)
	fmt.Println(len(srv.Calls()), "request,", len(srv.Events()), "event")
	// Output:
	// braze.Track: POST /users/track: no answer: the connection failed: outcome unknown
	// 1 request, 1 event
}
