// Package endpoints is the client of Ada's webhook management API: which of your URLs Ada delivers webhooks to, for
// which events, and with which secrets it signs them. What Ada calls a webhook there is an endpoint here.
//
//	hooks := endpoints.New(client)
//	endpoint, err := hooks.Create(ctx, endpoints.NewEndpoint{
//		URL:          "https://example.com/hooks/ada",
//		EventFilters: []string{"v1.end_user.created", "v1.end_user.updated"},
//	})
//	if err != nil { ... }
//	secret, err := hooks.Secret(ctx, endpoint.ID)
//	if err != nil { ... }
//	verifier, err := webhooks.NewVerifier(string(secret))
//
// What arrives at the endpoint is for package webhooks.
//
// What to know before using it:
//
//   - An endpoint without event filters gets all events, also those of types that Ada has yet to invent. A list of
//     filters that your program makes and that comes out empty turns everything on: to have nothing delivered, disable
//     the endpoint.
//   - Ada turns an endpoint off when all deliveries to it fail for a week. Turn it on again with [Client.Update].
//   - Ada delivers to https alone.
//   - The channels that an endpoint gets events of cannot be chosen here, but in Ada's dashboard alone. What is made
//     here is in the dashboard, and the other way round.
//   - These endpoints are in Ada's default family of limits, 10 requests a second, 100 a minute and 10,000 a day for all
//     of it. The client keeps to it.
//
// Parameters are checked before anything is sent; the error matches [ada.ErrInvalid] and names every fault at once.
//
// An endpoint's URL often holds a token. Values of this package that have a URL print, log and marshal without it, and
// secrets are of [ada.Secret]. [Endpoint.Raw] is the form to store.
//
// Ada's pages: https://docs.ada.cx/reference/webhooks/overview and
// https://docs.ada.cx/reference/webhooks/list-webhooks
package endpoints
