// Package faultsuite has no code of its own. Its tests put every operation of the SDK that is public through the same
// catalogue of faults, 122 scenarios, on the scripted network of internal/faults and against the fake of ada/adatest:
// T is for transport, B for bodies, R for rate and status, C for context and concurrency, P for the export, A for
// writes and W for webhooks. After each one the same must hold:
//
//	I1  nothing is lost         what the operation hands out, or has Ada do, is all that there is
//	I2  nothing is doubled      and each of it once
//	I3  nothing leaks           no key and nothing personal in errors, logs and printed values, nor in the clear
//	I4  nothing is left behind  goroutines and connections are as many as before
//	I5  errors are typed        with operation, method, route, status and attempts
//	I6  time is bounded         on a clock that is virtual
//	I7  requests are bounded
//	I8  nothing panics
//
// testdata/scenarios.md says which scenario holds for which operation, and why it does not apply to the others. It is
// written by
//
//	go test ./internal/faultsuite -update
//
// and compared with every run of the whole. With the race detector, under which all takes many times as long, a scenario
// runs over a part of its operations, and the document is not looked at.
//
// A new operation is a row in operations_test.go: what it is called, whether repeating it is harmless, a call of it,
// what it has to return, and how often the fake has seen it take effect. The catalogue then runs over it. An API with a
// server of its own brings that as the row's world, in setup: see the rows of braze and of endpoints that the SDK does
// not wrap.
package faultsuite
