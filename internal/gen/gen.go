// Package gen holds the wire code that oapi-codegen writes from the documents in openapi/, a package for each API.
// Nothing here is edited by hand, and no type of it is in an exported signature of the SDK.
package gen

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config ../../openapi/models-and-requests.yaml -package endusers -o endusers/endusers.gen.go ../../openapi/end-users.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config ../../openapi/models-and-requests.yaml -package compliance -o compliance/compliance.gen.go ../../openapi/compliance.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config ../../openapi/models-and-requests.yaml -package proactivesms -o proactivesms/proactivesms.gen.go ../../openapi/proactive-sms.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config ../../openapi/models-and-requests.yaml -package webhooks -o webhooks/webhooks.gen.go ../../openapi/webhooks.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config ../../openapi/models-and-requests.yaml -package dataexport -o dataexport/dataexport.gen.go ../../openapi/data-export.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config ../../openapi/models-and-requests.yaml -package dataexportv1 -o dataexportv1/dataexportv1.gen.go ../../openapi/data-export-v1.yaml

// For comparison, what oapi-codegen makes of the same document without any of the SDK's settings.
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config ../bench/plain/oapi-codegen.yaml ../../openapi/data-export.yaml
