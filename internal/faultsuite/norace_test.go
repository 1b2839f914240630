//go:build !race

package faultsuite

const racing = false
