// Package apicheck is tests that see the module from outside, as its users do: what its packages export, and what a
// module that requires it builds with.
package apicheck
