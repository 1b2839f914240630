//go:build !race

package dataexport_test

// schedules is how many exports TestFaultSchedules makes.
const schedules = 10_000
