package endpoints

import (
	"context"
	"iter"
	"net/http"

	"github.com/adasdk/ada-go/ada"
	gen "github.com/adasdk/ada-go/internal/gen/webhooks"
	"github.com/adasdk/ada-go/internal/paging"
)

const (
	collection = "/api/v2/webhooks/"
	member     = "/api/v2/webhooks/{id}" // without a slash
	rotation   = "/api/v2/webhooks/{id}/secret/rotate/"
)

var (
	opAll        = ada.Operation{Name: "endpoints.All", Method: http.MethodGet, Route: collection}
	opGet        = ada.Operation{Name: "endpoints.Get", Method: http.MethodGet, Route: member}
	opCreate     = ada.Operation{Name: "endpoints.Create", Method: http.MethodPost, Route: collection}
	opUpdate     = ada.Operation{Name: "endpoints.Update", Method: http.MethodPatch, Route: member, Idempotent: true}
	opDelete     = ada.Operation{Name: "endpoints.Delete", Method: http.MethodDelete, Route: member, Idempotent: true}
	opSecret     = ada.Operation{Name: "endpoints.Secret", Method: http.MethodGet, Route: "/api/v2/webhooks/{id}/secret/"}
	opRotate     = ada.Operation{Name: "endpoints.RotateSecret", Method: http.MethodPost, Route: rotation}
	opRotateTo   = ada.Operation{Name: "endpoints.RotateSecret", Method: http.MethodPost, Route: rotation, Idempotent: true}
	opEventTypes = ada.Operation{Name: "endpoints.EventTypes", Method: http.MethodGet, Route: "/api/v2/webhooks/event-types/"}
)

// Client calls the webhook management API. It is safe for concurrent use.
type Client struct {
	ada *ada.Client
}

// New returns a client that sends through client.
func New(client *ada.Client) *Client { return &Client{ada: client} }

// ListParams narrows [Client.All].
type ListParams struct {
	PageSize int // how many endpoints one request brings at most; 0 leaves it to Ada
}

// All returns an iterator over all endpoints. It is lazy and holds one page at a time: a request is made when the loop
// comes to a page, and is repeated on failure. An error comes last, once, with a nil endpoint. Leaving the loop early
// costs nothing; ranging again starts over.
//
// https://docs.ada.cx/reference/webhooks/list-webhooks
func (c *Client) All(ctx context.Context, p ListParams, opts ...ada.CallOption) iter.Seq2[*Endpoint, error] {
	req, err := c.firstPage(p)
	return paging.All[Endpoint](ctx, c.ada, opAll, req, err, opts)
}

func (c *Client) firstPage(p ListParams) (*http.Request, error) {
	var params gen.ListWebhooksParams
	if p.PageSize < 0 {
		return nil, opAll.Invalid(ada.Fault{Field: "PageSize", Reason: "is negative"})
	}
	if p.PageSize > 0 {
		params.Limit = &p.PageSize
	}
	req, err := gen.NewListWebhooksRequest(c.ada.BaseURL(), &params)
	if err != nil {
		return nil, unencodable(opAll)
	}
	return req, nil
}

// Get returns the endpoint with Ada's id. It fails with [ada.ErrNotFound] when there is none. Repeated on failure.
//
// https://docs.ada.cx/reference/webhooks/get-webhook
func (c *Client) Get(ctx context.Context, id string, opts ...ada.CallOption) (*Endpoint, error) {
	if err := opGet.Invalid(checkID(id)...); err != nil {
		return nil, err
	}
	req, err := gen.NewGetWebhookRequest(c.ada.BaseURL(), id)
	return c.one(ctx, opGet, req, err, opts)
}

// Create makes an endpoint, of which Ada makes the secret: see [Client.Secret]. Deliveries begin at once, unless
// [NewEndpoint.Disabled] says otherwise.
//
// Every call makes another endpoint, also with a URL that has one, and each of them gets every event. So the call is
// repeated only when it cannot have happened, and otherwise fails with [ada.ErrOutcomeUnknown]: look through
// [Client.All] for the endpoint then, before calling again.
//
// https://docs.ada.cx/reference/webhooks/create-webhook
func (c *Client) Create(ctx context.Context, e NewEndpoint, opts ...ada.CallOption) (*Endpoint, error) {
	if err := opCreate.Invalid(e.check()...); err != nil {
		return nil, err
	}
	req, err := gen.NewCreateWebhookRequest(c.ada.BaseURL(), e.wire())
	return c.one(ctx, opCreate, req, err, opts)
}

// Update changes the fields of an endpoint that u sets, and returns the endpoint with all of its fields. It fails with
// [ada.ErrNotFound] when there is no such endpoint. Repeated on failure.
//
// https://docs.ada.cx/reference/webhooks/update-webhook
func (c *Client) Update(ctx context.Context, id string, u Update, opts ...ada.CallOption) (*Endpoint, error) {
	if err := opUpdate.Invalid(append(checkID(id), u.check()...)...); err != nil {
		return nil, err
	}
	req, err := gen.NewUpdateWebhookRequest(c.ada.BaseURL(), id, u.wire())
	return c.one(ctx, opUpdate, req, err, opts)
}

// Delete deletes an endpoint. It fails with [ada.ErrNotFound] when there is no such endpoint. Repeated on failure, so
// that this error can also mean that an earlier attempt, whose answer was lost, deleted it: gone it is in any case.
//
// https://docs.ada.cx/reference/webhooks/delete-webhook
func (c *Client) Delete(ctx context.Context, id string, opts ...ada.CallOption) error {
	if err := opDelete.Invalid(checkID(id)...); err != nil {
		return err
	}
	req, err := gen.NewDeleteWebhookRequest(c.ada.BaseURL(), id)
	return c.send(ctx, opDelete, req, err, nil, opts)
}

// Secret returns the secret that deliveries to an endpoint are signed with, which begins with "whsec_". It fails with
// [ada.ErrNotFound] when there is no such endpoint. Repeated on failure.
//
// https://docs.ada.cx/reference/webhooks/get-webhook-secret
func (c *Client) Secret(ctx context.Context, id string, opts ...ada.CallOption) (ada.Secret, error) {
	if err := opSecret.Invalid(checkID(id)...); err != nil {
		return "", err
	}
	req, err := gen.NewGetWebhookSecretRequest(c.ada.BaseURL(), id)
	var answer secret
	err = c.send(ctx, opSecret, req, err, &answer, opts)
	return answer.key, err
}

// RotateSecret replaces the secret of an endpoint: by key, which is "whsec_" and 24 to 64 bytes in base64, or by one
// that Ada makes when key is empty. The answer does not hold the new secret; call [Client.Secret] for it. It fails with
// [ada.ErrNotFound] when there is no such endpoint.
//
// Ada does not document from when on, and for how long beside the earlier one, the new secret signs. So have the
// receiver accept both for a time, as a webhooks.Verifier can: rotate to a key that it knows already.
//
// With a key the call is repeated on failure. Without one every call makes another secret, so the call is repeated only
// when it cannot have happened, and otherwise fails with [ada.ErrOutcomeUnknown]; Secret tells then which one it is.
//
// https://docs.ada.cx/reference/webhooks/rotate-webhook-secret
func (c *Client) RotateSecret(ctx context.Context, id string, key ada.Secret, opts ...ada.CallOption) error {
	op, faults := opRotate, checkID(id)
	if key != "" {
		op, faults = opRotateTo, append(faults, checkKey(key)...)
	}
	if err := op.Invalid(faults...); err != nil {
		return err
	}
	req, err := gen.NewRotateWebhookSecretRequest(c.ada.BaseURL(), id, gen.RotateSecretRequest{Key: string(key)})
	return c.send(ctx, op, req, err, nil, opts)
}

// EventTypes returns the event types that Ada has, whose names are what [NewEndpoint.EventFilters] takes. Repeated on
// failure.
//
// https://docs.ada.cx/reference/webhooks/list-webhook-event-types
func (c *Client) EventTypes(ctx context.Context, opts ...ada.CallOption) ([]EventType, error) {
	req, err := gen.NewListWebhookEventTypesRequest(c.ada.BaseURL())
	if err != nil {
		err = unencodable(opEventTypes)
	}
	var all []EventType
	for t, err := range paging.All[EventType](ctx, c.ada, opEventTypes, req, err, opts) { // one page, as documented
		if err != nil {
			return nil, err
		}
		all = append(all, *t)
	}
	return all, nil
}

// one sends a request that the generated builder made, and whose answer is an endpoint.
func (c *Client) one(ctx context.Context, op ada.Operation, req *http.Request, err error, opts []ada.CallOption) (*Endpoint, error) {
	var e Endpoint
	if err := c.send(ctx, op, req, err, &e, opts); err != nil {
		return nil, err
	}
	return &e, nil
}

// send sends a request that the generated builder made; out is nil or where the answer goes.
func (c *Client) send(ctx context.Context, op ada.Operation, req *http.Request, err error, out any, opts []ada.CallOption) error {
	if err != nil {
		return unencodable(op)
	}
	_, err = c.ada.Do(req.WithContext(ctx), op, out, opts...)
	return err
}

func unencodable(op ada.Operation) error {
	return op.Invalid(ada.Fault{Field: "the parameters", Reason: "cannot be encoded"})
}
