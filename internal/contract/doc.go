// Package contract holds tests only. They judge what the SDK sends and what its fake of Ada answers by OpenAPI
// documents: this project's own, and those that Ada publishes, which are not part of the repository. The tests that
// need the latter look for them in the folder that the environment variable ADA_PUBLISHED_SPECS names, and are skipped
// without it. Of proactive SMS Ada publishes no document, of the versions of Data Export before v2 that of v1.4 alone,
// and Braze none at all.
//
//	cd internal/contract && ADA_PUBLISHED_SPECS=/path/to/specs go test ./...
//
// It is a module of its own, so that the judge is no dependency of the SDK.
package contract
