package endusers

import (
	"context"
	"iter"
	"net/http"

	"github.com/adasdk/ada-go/ada"
	gen "github.com/adasdk/ada-go/internal/gen/endusers"
	"github.com/adasdk/ada-go/internal/paging"
)

// pace is Ada's limit for the end user endpoints: https://docs.ada.cx/reference/introduction/limits
var pace = ada.Pace{Family: "end-users", PerSecond: 30, PerMinute: 300}

const (
	collection = "/api/v2/end-users/" // with its slash
	member     = "/api/v2/end-users/{end_user_id}"

	maxPayload = 4096
)

var (
	opGet              = ada.Operation{Name: "endusers.Get", Method: http.MethodGet, Route: member, Pace: pace}
	opGetByExternalID  = ada.Operation{Name: "endusers.GetByExternalID", Method: http.MethodGet, Route: collection, Pace: pace}
	opAll              = ada.Operation{Name: "endusers.All", Method: http.MethodGet, Route: collection, Pace: pace}
	opCreateAnonymous  = ada.Operation{Name: "endusers.Create", Method: http.MethodPost, Route: collection, Pace: pace, MaxPayload: maxPayload}
	opCreateExternalID = ada.Operation{Name: "endusers.Create", Method: http.MethodPost, Route: collection, Pace: pace, MaxPayload: maxPayload, Idempotent: true}
	opUpdate           = ada.Operation{Name: "endusers.Update", Method: http.MethodPatch, Route: member, Pace: pace, MaxPayload: maxPayload, Idempotent: true}
)

// Client calls the End Users API. It is safe for concurrent use.
type Client struct {
	ada *ada.Client
}

// New returns a client that sends through client.
func New(client *ada.Client) *Client { return &Client{ada: client} }

// Get returns the end user with Ada's id. It fails with [ada.ErrNotFound] when there is none. Repeated on failure.
//
// https://docs.ada.cx/reference/end-users/get-end-user-by-id
func (c *Client) Get(ctx context.Context, id string, opts ...ada.CallOption) (*User, error) {
	if err := opGet.Invalid(checkID(id)...); err != nil {
		return nil, err
	}
	req, err := gen.NewGetEndUserRequest(c.ada.BaseURL(), id)
	return c.one(ctx, opGet, req, err, opts)
}

// GetByExternalID returns the end user with an identifier of your own system, of 1 to 36 characters without < and >,
// whatever its case. It fails with [ada.ErrNotFound] when there is none. Repeated on failure.
//
// https://docs.ada.cx/reference/end-users/get-end-users
func (c *Client) GetByExternalID(ctx context.Context, externalID string, opts ...ada.CallOption) (*User, error) {
	if err := opGetByExternalID.Invalid(checkExternalID(externalID)...); err != nil {
		return nil, err
	}
	req, err := gen.NewListEndUsersRequest(c.ada.BaseURL(), &gen.ListEndUsersParams{ExternalID: &externalID})
	return c.one(ctx, opGetByExternalID, req, err, opts)
}

// Create makes an end user, or finds the one that already has the external id; created says which. One that is found
// is returned as Ada has it, and do not count on the given profile being applied: use [Client.Upsert] for that.
//
// With an ExternalID the call is repeated on failure, and created is then what the last answer said: it can be false
// although an earlier attempt, whose answer was lost, made the end user. Without one every call makes another end
// user, so the call is repeated only when it cannot have happened, and otherwise fails with [ada.ErrOutcomeUnknown].
//
// https://docs.ada.cx/reference/end-users/create-end-user
func (c *Client) Create(ctx context.Context, u NewUser, opts ...ada.CallOption) (user *User, created bool, err error) {
	op := opCreateAnonymous
	if u.ExternalID != "" {
		op = opCreateExternalID
	}
	wire := u.wire()
	if err := op.Invalid(u.check(wire)...); err != nil {
		return nil, false, err
	}
	req, err := gen.NewCreateEndUserRequest(c.ada.BaseURL(), wire)
	var resp ada.Response
	user, err = c.one(ctx, op, req, err, append([]ada.CallOption{ada.WithResponse(&resp)}, opts...))
	return user, resp.StatusCode == http.StatusCreated, err
}

// Upsert makes an end user, or gives the one that already has the external id the profile and the sensitive metadata
// of u, which takes a second request; created says which. Fields of u that are empty leave those of an end user that
// exists as they are. An ExternalID is required. Repeated on failure.
//
// When the second request fails, the end user is returned as it was found, with the error.
//
// https://docs.ada.cx/reference/end-users/create-end-user and
// https://docs.ada.cx/reference/end-users/patch-end-user-by-id
func (c *Client) Upsert(ctx context.Context, u NewUser, opts ...ada.CallOption) (user *User, created bool, err error) {
	if u.ExternalID == "" {
		faults := append([]ada.Fault{{Field: "ExternalID", Reason: "is empty, but Upsert needs one"}}, u.check(u.wire())...)
		return nil, false, opCreateExternalID.Invalid(faults...)
	}
	user, created, err = c.Create(ctx, u, opts...)
	if err != nil || created || u.empty() {
		return user, created, err
	}
	updated, err := c.Update(ctx, user.ID, u.update(), opts...)
	if err != nil {
		return user, false, err
	}
	return updated, false, nil
}

// Update changes the fields of an end user that u sets, and returns the end user with all of its fields. It fails with
// [ada.ErrNotFound] when there is no such end user, and with [ada.ErrConflict] when another one has the external id.
// Repeated on failure.
//
// https://docs.ada.cx/reference/end-users/patch-end-user-by-id
func (c *Client) Update(ctx context.Context, id string, u Update, opts ...ada.CallOption) (*User, error) {
	wire := u.wire()
	if err := opUpdate.Invalid(append(checkID(id), u.check(wire)...)...); err != nil {
		return nil, err
	}
	req, err := gen.NewUpdateEndUserRequest(c.ada.BaseURL(), id, wire)
	return c.one(ctx, opUpdate, req, err, opts)
}

// one sends a request that the generated builder made, and whose answer is an end user.
func (c *Client) one(ctx context.Context, op ada.Operation, req *http.Request, err error, opts []ada.CallOption) (*User, error) {
	if err != nil {
		return nil, op.Invalid(ada.Fault{Field: "the parameters", Reason: "cannot be encoded"})
	}
	var user User
	if _, err := c.ada.Do(req.WithContext(ctx), op, &user, opts...); err != nil {
		return nil, err
	}
	return &user, nil
}

// ListParams narrows [Client.All].
type ListParams struct {
	PageSize int    // how many end users one request brings, 1 to 100; 0 leaves it to Ada
	Start    string // the id of the end user to start at; empty: the first one
}

// All returns an iterator over all end users. It is lazy and holds one page at a time: a request is made when the loop
// comes to a page, and is repeated on failure. An error comes last, once, with a nil end user. Leaving the loop early
// costs nothing; ranging again starts over.
//
// https://docs.ada.cx/reference/end-users/get-end-users
func (c *Client) All(ctx context.Context, p ListParams, opts ...ada.CallOption) iter.Seq2[*User, error] {
	req, err := c.firstPage(p)
	return paging.All[User](ctx, c.ada, opAll, req, err, opts)
}

func (c *Client) firstPage(p ListParams) (*http.Request, error) {
	var params gen.ListEndUsersParams
	if p.PageSize != 0 {
		params.Limit = &p.PageSize
		if p.PageSize < 1 || p.PageSize > 100 {
			return nil, opAll.Invalid(ada.Fault{Field: "PageSize", Reason: "is not within 1 and 100"})
		}
	}
	if p.Start != "" {
		params.Cursor = &p.Start
	}
	req, err := gen.NewListEndUsersRequest(c.ada.BaseURL(), &params)
	if err != nil {
		return nil, opAll.Invalid(ada.Fault{Field: "the parameters", Reason: "cannot be encoded"})
	}
	return req, nil
}
