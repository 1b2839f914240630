//go:build race

package faults

// Racing reports whether the race detector is on. It makes everything ten times as slow: a test that goes through all of
// many cases without it does a part of them with it.
const Racing = true
