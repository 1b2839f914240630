package adatest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/adasdk/ada-go/internal/fakeserver"
	"github.com/adasdk/ada-go/webhooks"
)

// What Svix does, which delivers Ada's webhooks.
const (
	deliveryTimeout = 15 * time.Second
	zoneless        = "2006-01-02T15:04:05.000" // of events, as documented
	zonelessMicro   = "2006-01-02T15:04:05.000000"
)

var svixSchedule = []time.Duration{
	0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
}

// DeliverOptions is how [Server.Deliver] delivers. The zero value delivers as Ada does.
type DeliverOptions struct {
	// Handler receives what goes to any URL, through memory. Nil: deliveries go over the network.
	Handler http.Handler
	// Schedule is how long to wait before each attempt. Nil: Ada's, which is eight attempts over some 28 hours.
	Schedule []time.Duration
	// Reverse holds events back for so long, and then delivers them newest first and one at a time. Zero: each is
	// delivered at once.
	Reverse time.Duration
	// Twice takes the first 2xx for each message as lost, so that the message comes again when the schedule says so.
	Twice bool
}

// Attempt is one attempt to deliver a message to a webhook.
type Attempt struct {
	WebhookID string
	MessageID string // the same in all attempts, and for all webhooks
	Type      string // such as "v1.end_user.created"
	Number    int    // from 1
	Status    int    // of the answer; 0: there was none
	At        time.Time
}

// Deliver has the server deliver what happens from now on to its webhooks, those of [Server.AddWebhook] and those that
// clients create: signed with the secret that a webhook then has, repeated until the answer is 2xx or has the header
// "Webhook-Delivery: abort-message", and ended by [Server.Close]. Without Deliver nothing is delivered. It is called
// at most once. Unlike Ada it does not sign with the secret before the last one too, and turns off no webhook that
// fails for a week.
//
// Events are "v1.end_user.created", also for [Server.AddEndUser], "v1.end_user.updated" where a value of the profile
// has changed, and those of [Server.Emit].
func (s *Server) Deliver(o DeliverOptions) {
	d := &deliverer{server: s, options: o, transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	if d.options.Schedule == nil {
		d.options.Schedule = svixSchedule
	}
	d.ctx, d.stop = context.WithCancel(context.Background())
	if o.Handler != nil {
		d.receiver = fakeserver.Serve(o.Handler)
		d.transport = d.receiver.Transport
		d.transport.DialTLSContext = d.transport.DialContext // without TLS
	}
	s.mu.Lock()
	again := s.deliverer != nil
	if !again {
		s.deliverer = d
	}
	s.mu.Unlock()
	if again {
		d.close()
		s.fatal(errors.New("adatest: Deliver was called before"))
	}
}

// Emit makes an event of any type happen now, with data that encoding/json can encode, such as a map. The types of
// package webhooks are none: they are encoded as "[REDACTED]". It does nothing before [Server.Deliver].
func (s *Server) Emit(eventType string, data any, tags ...string) {
	s.mu.Lock()
	err := s.emit(eventType, data, tags, time.Now())
	s.mu.Unlock()
	if err != nil {
		s.fatal(fmt.Errorf("adatest: event %s: %w", eventType, err))
	}
}

// Attempts returns the attempts to deliver something, in the order in which they ended.
func (s *Server) Attempts() []Attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.attempts)
}

// WaitDelivered waits until nothing is left to deliver: every message was received or given up.
func (s *Server) WaitDelivered(ctx context.Context) error {
	s.mu.Lock()
	idle := s.idle
	s.mu.Unlock()
	if idle == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-idle:
		return nil
	}
}

// deliverer is what Svix does for Ada.
type deliverer struct {
	server    *Server
	options   DeliverOptions
	transport *http.Transport
	receiver  *fakeserver.Server // of the Handler
	ctx       context.Context
	stop      context.CancelFunc
	running   sync.WaitGroup

	// With the mutex of the server:
	closed bool
	made   int
	held   []*message // by age
	left   int        // messages that are not done
}

// message is an event on its way to a webhook.
type message struct {
	id      string
	kind    string
	body    []byte
	to      *webhook
	arrived bool
}

func (d *deliverer) close() {
	d.server.mu.Lock()
	d.closed = true
	d.server.mu.Unlock()
	d.stop()
	d.running.Wait()
	if d.receiver != nil {
		d.receiver.Close()
	}
	d.transport.CloseIdleConnections()
}

// endDelivery ends everything that Deliver began.
func (s *Server) endDelivery() {
	s.mu.Lock()
	d := s.deliverer
	s.mu.Unlock()
	if d != nil {
		d.close()
	}
}

// emitUser is an event of an end user. The caller has the mutex.
func (s *Server) emitUser(eventType string, u *user, now time.Time) {
	data := u.json()
	data["created_at"] = u.CreatedAt.UTC().Format(zonelessMicro)
	data["updated_at"] = u.UpdatedAt.UTC().Format(zonelessMicro)
	if err := s.emit(eventType, data, []string{u.ID}, now); err != nil {
		panic(err) // of a profile that was given to AddEndUser, which no answer could show either
	}
}

// profileJSON is the profile as clients see it, to tell whether it changed.
func (u *user) profileJSON() []byte {
	b, _ := json.Marshal(u.json()["profile"])
	return b
}

// emit makes an event. The caller has the mutex.
func (s *Server) emit(eventType string, data any, tags []string, now time.Time) error {
	d := s.deliverer
	if d == nil || d.closed {
		return nil
	}
	body, err := json.Marshal(struct {
		Type      string   `json:"type"`
		Timestamp string   `json:"timestamp"`
		Data      any      `json:"data"`
		Tags      []string `json:"tags,omitempty"`
	}{eventType, now.UTC().Format(zoneless), data, tags})
	if err != nil {
		return err
	}
	d.made++
	id := fmt.Sprintf("msg_2hXq8ZtVbN4k%015d", d.made)
	for _, w := range s.webhooks {
		if w.Disabled || len(w.EventFilters) > 0 && !slices.Contains(w.EventFilters, eventType) {
			continue
		}
		m := &message{id: id, kind: eventType, body: body, to: w}
		if d.left++; d.left == 1 {
			s.idle = make(chan struct{})
		}
		switch {
		case d.options.Reverse <= 0:
			d.running.Go(func() { d.deliver(m, 0) })
		case len(d.held) == 0:
			d.running.Go(d.reverse)
			fallthrough
		default:
			d.held = append(d.held, m)
		}
	}
	return nil
}

// reverse delivers what is held, and what comes to be held in time.
func (d *deliverer) reverse() {
	fakeserver.Pause(d.ctx, d.options.Reverse)
	d.server.mu.Lock()
	held := d.held
	d.held = nil
	d.server.mu.Unlock()
	for _, m := range slices.Backward(held) {
		if !d.step(m, 0) {
			d.running.Go(func() { d.deliver(m, 1) })
		}
	}
}

// deliver makes the attempts from one on.
func (d *deliverer) deliver(m *message, from int) {
	for n := from; !d.step(m, n); n++ {
	}
}

// step makes the attempt number n, from 0, when it is due. It reports whether nothing is left to do.
func (d *deliverer) step(m *message, n int) (done bool) {
	done = n >= len(d.options.Schedule) || !fakeserver.Pause(d.ctx, d.options.Schedule[n]) || d.attempt(m, n+1)
	if done {
		d.server.mu.Lock()
		defer d.server.mu.Unlock()
		if d.left--; d.left == 0 {
			close(d.server.idle)
			d.server.idle = nil
		}
	}
	return done
}

// attempt delivers once. It reports whether that was the last time.
func (d *deliverer) attempt(m *message, number int) (done bool) {
	s := d.server
	s.mu.Lock()
	to := m.to.Webhook
	gone := to.Disabled || !slices.Contains(s.webhooks, m.to)
	s.mu.Unlock()
	if gone {
		return true
	}
	a := Attempt{WebhookID: to.ID, MessageID: m.id, Type: m.kind, Number: number, At: time.Now()}
	var abort bool
	a.Status, abort = d.post(to, m, a.At)
	if d.ctx.Err() != nil {
		return true
	}
	s.mu.Lock()
	s.attempts = append(s.attempts, a)
	s.mu.Unlock()
	if received := a.Status/100 == 2; abort || !received {
		return abort
	}
	again := d.options.Twice && !m.arrived
	m.arrived = true
	return !again
}

// post returns the status of the answer, or 0, and whether the receiver wants no more attempts.
func (d *deliverer) post(to Webhook, m *message, now time.Time) (status int, abort bool) {
	verifier, err := webhooks.NewVerifier(string(to.Secret))
	if err != nil {
		return 0, false // a client gave the webhook a key that is none
	}
	ctx, cancel := context.WithTimeout(d.ctx, deliveryTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(m.body))
	if err != nil {
		return 0, false
	}
	req.Header = verifier.Sign(m.id, now, m.body)
	req.Header.Set("Content-Type", "application/json")
	resp, err := d.transport.RoundTrip(req) // which follows no redirect
	if err != nil {
		return 0, false
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Webhook-Delivery") == "abort-message"
}
