// Package contract holds tests only. They judge what the SDK sends and what its fake of Ada answers by two OpenAPI
// documents: this project's own, and the one that Ada publishes, which is not part of the repository. The tests that
// need the latter look for it in the folder that the environment variable ADA_PUBLISHED_SPECS names, and are skipped
// without it.
//
//	cd internal/contract && ADA_PUBLISHED_SPECS=/path/to/specs go test ./...
//
// It is a module of its own, so that the judge is no dependency of the SDK.
package contract
