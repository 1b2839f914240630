package redisstore

import "time"

// SetLease makes the claims from now on short enough for a test.
func (s *Store) SetLease(d time.Duration) { s.lease = d }

// SetLimit makes room for fewer claims.
func (s *Store) SetLimit(n int) { s.limit = n }

// Claims returns how many claims are remembered.
func (s *Store) Claims() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.claims)
}
