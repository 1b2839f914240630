//go:build !race

package braze_test

// millions is how many objects TestMillionObjects sends.
const millions = 1_000_000
