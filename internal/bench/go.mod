module github.com/adasdk/ada-go/internal/bench

go 1.26.0

require (
	github.com/adasdk/ada-go v0.0.0-00010101000000-000000000000
	github.com/hashicorp/go-retryablehttp v0.7.8
	github.com/oapi-codegen/runtime v1.8.0
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.1
	github.com/svix/svix-webhooks v1.44.0
)

require (
	github.com/apapsch/go-jsonmerge/v2 v2.0.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	gopkg.in/validator.v2 v2.0.1 // indirect
)

replace github.com/adasdk/ada-go => ../..
