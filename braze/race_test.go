//go:build race

package braze_test

// millions is how many objects TestMillionObjects sends: a million would take minutes with the race detector.
const millions = 100_000
