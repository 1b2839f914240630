// Package redisstore keeps in Redis which webhooks were handled, so that several replicas of a receiver handle each
// event once:
//
//	store, err := redisstore.New(redisstore.Config{Client: redis.NewClient(&redis.Options{Addr: "redis:6379"})})
//	if err != nil { ... }
//	mux := webhooks.NewMux(webhooks.Config{Verifier: verifier, Store: store})
//
// It is a module of its own, so that only those who use it get a Redis client.
//
// # What is stored
//
// One key for each event, the prefix and the event's id. Its value is a random token while the event is handled, and
// "handled" afterwards. Nothing of the event itself and nothing about a person is stored.
//
// Every call is one Lua script on one key, which Redis Cluster can run too. The tests run on a single Redis 7.0. An ACL
// has to allow EVAL, EVALSHA, GET, SET and DEL.
//
// # When Redis fails
//
// Then every call returns an error, and [webhooks.Mux] answers 500 before the handler runs, so that Ada delivers again.
// A call ends with its context, even if the client was made without ContextTimeoutEnabled; what it began in the
// background ends with the timeouts of the client. A Claim that failed may have reached Redis all the same: the event
// is then in progress until the lease ends, and handled in a delivery after that.
//
// The store remembers as well as Redis does. A server that evicts keys, restarts without its data, or fails over to a
// replica that lags behind can forget an event, which is then handled again if Ada delivers it again. Have it keep its
// data (appendonly yes) and evict nothing (maxmemory-policy noeviction).
package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/adasdk/ada-go/webhooks"
	"github.com/redis/go-redis/v9"
)

const (
	defaultPrefix = "ada:webhook:"
	defaultLease  = time.Minute
	attempt       = 15 * time.Second // after which Ada gives up on a delivery
	minWindow     = 8 * 24 * time.Hour
	maxClaims     = 10_000
)

// handled is the value of a key whose event was handled. No token is like it.
const handled = "handled"

// Each script returns the value that the key has then. All of them can run twice, since the client sends a command
// again whose answer it did not get.
var (
	claimScript = redis.NewScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return ARGV[1] end
return redis.call('GET', KEYS[1])`)

	commitScript = redis.NewScript(`
local value = redis.call('GET', KEYS[1])
if value and value ~= ARGV[1] then return value end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return ARGV[2]`)

	releaseScript = redis.NewScript(`
local value = redis.call('GET', KEYS[1])
if value and value ~= ARGV[1] then return value end
redis.call('DEL', KEYS[1])
return ''`)
)

// ErrClaimLost is what [Store.Commit] returns where the claim has ended and another one has taken its place: the
// handler took longer than the lease, and may have run twice.
var ErrClaimLost = errors.New("redisstore: the claim had ended, and another has it")

var errTooMany = errors.New("redisstore: too many events in progress in this process")

// Config is what a [Store] is made from.
type Config struct {
	// Client is the connection to Redis. Required. Closing it is up to the caller.
	Client redis.UniversalClient
	// Prefix is what the names of all keys begin with. Empty: "ada:webhook:". Receivers that do different things with
	// the same events need different ones.
	Prefix string
	// Lease is how long a claim holds if its process dies before the handler has ended. It has to be longer than the
	// slowest handler takes, and more than the 15 seconds that Ada waits for an answer. Zero: a minute.
	Lease time.Duration
	// Window is how long an event is remembered after it was handled, 8 days or more. Zero: 8 days.
	Window time.Duration
}

// Store is a [webhooks.Store] in Redis. It is safe for concurrent use. All replicas of a receiver need the same Redis
// and the same Prefix, each with a Store of its own.
type Store struct {
	client        redis.UniversalClient
	prefix        string
	lease, window time.Duration
	limit         int

	mu     sync.Mutex
	claims map[string]*claim // those of this Store that were neither committed nor released
}

type claim struct {
	token string
	until time.Time
	// holders is more than 1 where this Store claimed the id again after the lease, with the first handler still at
	// it. A Release does not tell whose it is, so only that of the last one is acted upon.
	holders int
}

var _ webhooks.Store = (*Store)(nil)

// New returns a Store. The error names all that is wrong with c. New does not connect to Redis.
func New(c Config) (*Store, error) {
	var faults []error
	if v := reflect.ValueOf(c.Client); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		faults = append(faults, errors.New("redisstore: no Client"))
	}
	if c.Prefix == "" {
		c.Prefix = defaultPrefix
	}
	if c.Lease == 0 {
		c.Lease = defaultLease
	} else if c.Lease <= attempt {
		faults = append(faults, fmt.Errorf("redisstore: Lease is %v, want more than %v", c.Lease, attempt))
	}
	if c.Window == 0 {
		c.Window = minWindow
	} else if c.Window < minWindow {
		faults = append(faults, fmt.Errorf("redisstore: Window is %v, want %v or more", c.Window, minWindow))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return &Store{
		client: c.Client, prefix: c.Prefix, lease: c.Lease, window: c.Window,
		limit: maxClaims, claims: map[string]*claim{},
	}, nil
}

// Claim implements [webhooks.Store]. It fails while 10,000 events are in progress in this process.
func (s *Store) Claim(ctx context.Context, id string) (webhooks.State, error) {
	if !s.room() {
		return 0, errTooMany
	}
	token := rand.Text()
	switch value, err := s.run(ctx, claimScript, id, token, s.lease.Milliseconds()); {
	case err != nil:
		return 0, fmt.Errorf("redisstore: claim: %w", err)
	case value == token:
		s.remember(id, token)
		return webhooks.Claimed, nil
	case value == handled:
		return webhooks.Handled, nil
	}
	return webhooks.InProgress, nil
}

// Commit implements [webhooks.Store]. A claim that has ended can be committed too, unless there is another one by
// then, which is [ErrClaimLost]. After any other error Commit can be called again.
func (s *Store) Commit(ctx context.Context, id string) error {
	token := s.token(id)
	value, err := s.run(ctx, commitScript, id, token, handled, s.window.Milliseconds())
	if err != nil {
		s.ended(id, token)
		return fmt.Errorf("redisstore: commit: %w", err)
	}
	s.forget(id, token)
	if value != handled {
		return ErrClaimLost
	}
	return nil
}

// Release implements [webhooks.Store]. It does nothing to a claim of another process, nor to an event that was
// handled. After an error Release can be called again; without that, the claim ends with its lease.
func (s *Store) Release(ctx context.Context, id string) error {
	token := s.token(id)
	if token == "" || s.leave(id, token) {
		return nil
	}
	if _, err := s.run(ctx, releaseScript, id, token); err != nil {
		s.ended(id, token)
		return fmt.Errorf("redisstore: release: %w", err)
	}
	s.forget(id, token)
	return nil
}

// run runs a script on the key of id. It returns when ctx ends, which the client alone does not promise.
func (s *Store) run(ctx context.Context, script *redis.Script, id string, args ...any) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	type answer struct {
		value string
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := script.Run(ctx, s.client, []string{s.prefix + id}, args...).Text()
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// room reports whether one more claim can be remembered. It forgets those that have ended only where it needs room:
// the token of a late Commit may still be the one in Redis, which has its own clock.
func (s *Store) room() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.claims) < s.limit {
		return true
	}
	now := time.Now()
	for id, c := range s.claims {
		if c.until.Before(now) {
			delete(s.claims, id)
		}
	}
	return len(s.claims) < s.limit
}

func (s *Store) remember(id, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &claim{token: token, until: time.Now().Add(s.lease), holders: 1}
	if ended := s.claims[id]; ended != nil {
		c.holders += ended.holders
	}
	s.claims[id] = c
}

// token returns the token of this Store's claim, or "", which is no token.
func (s *Store) token(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.claims[id]; c != nil {
		return c.token
	}
	return ""
}

// leave reports whether others in this process hold the claim too, and counts one holder less if so.
func (s *Store) leave(id, token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.claims[id]
	if c == nil || c.token != token || c.holders <= 1 {
		return false
	}
	c.holders--
	return true
}

// ended notes that the handler of a claim is done though Redis does not know it yet, so that it is not waited for once
// the id is claimed again.
func (s *Store) ended(id, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.claims[id]; c != nil && c.token == token {
		c.holders = 0
	}
}

func (s *Store) forget(id, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.claims[id]; c != nil && c.token == token {
		delete(s.claims, id)
	}
}
