package ada

import (
	"sync"
	"time"
)

// CallOption changes one call. Every method that sends takes any number of them, last.
type CallOption interface{ apply(*callSettings) }

type callSettings struct {
	config    HTTPConfig
	timeout   time.Duration // of an attempt; 0: what the configuration says
	responses []func(Response)
	faults    []Fault
}

type callOption func(*callSettings)

func (o callOption) apply(s *callSettings) { o(s) }

// WithResponse stores in r what is known of the call's answer: status, headers, rate limit and raw body. It is set
// when the call fails, too. Of a call that takes several requests, such as a list, it is the last one.
func WithResponse(r *Response) CallOption {
	var mu sync.Mutex // for calls that send several requests at once
	store := func(resp Response) {
		mu.Lock()
		defer mu.Unlock()
		*r = resp
	}
	return callOption(func(s *callSettings) { s.responses = append(s.responses, store) })
}

// WithRetry replaces the client's [RetryPolicy] for this call.
func WithRetry(p RetryPolicy) CallOption {
	return callOption(func(s *callSettings) {
		s.faults = append(s.faults, p.faults("WithRetry.")...)
		s.config.Retry = p.withDefaults()
	})
}

// WithAttemptTimeout replaces the client's [HTTPConfig.AttemptTimeout] for this call.
func WithAttemptTimeout(d time.Duration) CallOption {
	return callOption(func(s *callSettings) {
		if d <= 0 {
			s.faults = append(s.faults, Fault{"WithAttemptTimeout", "is not positive"})
		}
		s.timeout = d
	})
}
