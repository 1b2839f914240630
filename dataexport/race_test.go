//go:build race

package dataexport_test

// schedules is how many exports TestFaultSchedules makes: ten thousand would take a third of the whole package's time with
// the race detector, which looks for something else.
const schedules = 1000
