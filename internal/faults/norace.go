//go:build !race

package faults

// Racing reports whether the race detector is on.
const Racing = false
