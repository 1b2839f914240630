module github.com/adasdk/ada-go/internal/webhookoracle

go 1.26.0

require (
	github.com/adasdk/ada-go v0.0.0-00010101000000-000000000000
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.1
	github.com/svix/svix-webhooks v1.44.0
)

require gopkg.in/validator.v2 v2.0.1 // indirect

replace github.com/adasdk/ada-go => ../..
