// Package gen holds the wire code that oapi-codegen writes from the documents in openapi/, a package for each API.
// Nothing here is edited by hand, and no type of it is in an exported signature of the SDK.
package gen

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config ../../openapi/end-users.cfg.yaml -o endusers/endusers.gen.go ../../openapi/end-users.yaml
