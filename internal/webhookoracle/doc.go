// Package webhookoracle holds tests only. They compare the signature verification of package webhooks with the Go
// libraries of Svix and of Standard Webhooks, on a million random deliveries, and in speed.
//
//	cd internal/webhookoracle && go test -v ./...
//	cd internal/webhookoracle && go test -run '^$' -bench . ./...
//
// It is a module of its own, so that the libraries are no dependencies of the SDK.
package webhookoracle
