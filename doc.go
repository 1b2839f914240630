// Package adasdk is the front page of the Go SDK for Ada. It declares nothing; import the package that you need:
//
//   - [github.com/adasdk/ada-go/ada]: the client, its configuration, errors, retries and pacing
//   - [github.com/adasdk/ada-go/endusers]: End Users v2
//   - [github.com/adasdk/ada-go/ada/adatest]: a fake Ada for your tests
package adasdk
