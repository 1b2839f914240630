package braze

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada"
)

// The REST endpoints that Braze lists. Yours is on the page of the API keys, and need not be one of these.
//
// https://www.braze.com/docs/api/basics#endpoints
const (
	US01 = "https://rest.iad-01.braze.com"
	US02 = "https://rest.iad-02.braze.com"
	US03 = "https://rest.iad-03.braze.com"
	US04 = "https://rest.iad-04.braze.com"
	US05 = "https://rest.iad-05.braze.com"
	US06 = "https://rest.iad-06.braze.com"
	US07 = "https://rest.iad-07.braze.com"
	US08 = "https://rest.iad-08.braze.com"
	US10 = "https://rest.us-10.braze.com"
	EU01 = "https://rest.fra-01.braze.eu"
	EU02 = "https://rest.fra-02.braze.eu"
	AU01 = "https://rest.au-01.braze.com"
	ID01 = "https://rest.id-01.braze.com"
	JP01 = "https://rest.jp-01.braze.com"
	KR01 = "https://rest.kr-01.braze.com"
)

// Config says which workspace a [Client] writes to and how. Give an Endpoint, and an APIKey or a KeyFunc. It prints its
// endpoint alone.
type Config struct {
	// Endpoint is the REST endpoint of your instance, such as [US01]: an https origin, or http on the loopback
	// interface. It is not that of the SDKs nor that of the dashboard.
	Endpoint string
	// APIKey is a REST API key with the permission users.track.
	//
	// https://www.braze.com/docs/api/basics#rest-api-key
	APIKey ada.Secret
	// KeyFunc takes the place of APIKey for keys that rotate, as [ada.Config.KeyFunc] does.
	KeyFunc func(context.Context) (ada.Secret, error)
	// AppID is the app that events and purchases are of which name none themselves. It can be empty.
	AppID string
	// HTTP says how requests are sent. Its zero value is the recommended one.
	HTTP ada.HTTPConfig

	// MaxObjects is how many objects go into one request, in all arrays together. 0: 75, which is Braze's limit; some
	// contracts have a lower one.
	//
	// https://www.braze.com/docs/api/api_limits#batch-user-track
	MaxObjects int
	// PerArray has MaxObjects count in each array by itself, which customers with Braze's older rate limit may do.
	PerArray bool
	// MaxBytes is how long the body of a request can be. 0: 4,000,000, and at most that, which is Braze's limit.
	MaxBytes int
	// Concurrency is how many requests of one [Client.Track] are under way at a time. 0: 4.
	Concurrency int
	// HourlyLimit is how many requests an hour the client sends at most. 0: as many as it likes. Contracts by monthly
	// active users have such a limit, which the whole company shares; it is in the dashboard. To 3,000 requests in 3
	// seconds, Braze's other limit, the client always keeps.
	HourlyLimit int

	// AllowDuplicates has everything repeated on failure, so that events, purchases and increments may count twice.
	// Without it only attributes that set are repeated when it is unknown whether they took effect.
	AllowDuplicates bool
	// Dedupe leaves out attributes that Braze already has. Nil: nothing is left out.
	Dedupe *Dedupe
}

const (
	defaultObjects     = 75
	defaultBytes       = 4_000_000
	defaultConcurrency = 4
)

var opNewClient = ada.Operation{Name: "braze.NewClient"}

// Client writes to one workspace of Braze. It is safe for concurrent use.
type Client struct {
	ada    *ada.Client
	config Config
	track  ada.Operation
}

// NewClient checks the whole configuration and returns a client for it. It sends nothing. The error, which matches
// [ada.ErrInvalid], names every fault.
func NewClient(c Config) (*Client, error) {
	faults := c.faults()
	client, err := ada.NewClient(ada.Config{BaseURL: c.Endpoint, APIKey: c.APIKey, KeyFunc: c.KeyFunc, HTTP: c.HTTP})
	var invalid *ada.Error
	if errors.As(err, &invalid) {
		for _, f := range invalid.Faults {
			if f.Field == "Handle" { // for want of a base URL
				f.Reason = "is empty"
			}
			if f.Field == "Handle" || f.Field == "BaseURL" {
				f.Field = "Endpoint"
			}
			faults = append(faults, f)
		}
	}
	if err := opNewClient.Invalid(faults...); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	return &Client{ada: client, config: c, track: ada.Operation{
		Name:          "braze.Track",
		Method:        http.MethodPost,
		Route:         "/users/track", // without a slash behind: Braze refuses that
		Pace:          ada.Pace{Family: "braze", PerSecond: 1000, PerHour: c.HourlyLimit},
		MaxPayload:    int64(c.MaxBytes),
		PartialErrors: true,
	}}, nil
}

func (c Config) withDefaults() Config {
	if c.MaxObjects == 0 {
		c.MaxObjects = defaultObjects
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultBytes
	}
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	return c
}

func (c Config) faults() (faults []ada.Fault) {
	fault := func(field, reason string) { faults = append(faults, ada.Fault{Field: field, Reason: reason}) }
	if u, err := url.Parse(c.Endpoint); err == nil {
		host := strings.ToLower(u.Hostname())
		switch {
		case strings.HasPrefix(host, "sdk."):
			fault("Endpoint", "is that of Braze's SDKs, not the REST endpoint, which begins with rest.")
		case strings.HasPrefix(host, "dashboard"):
			fault("Endpoint", "is that of Braze's dashboard, not the REST endpoint, which begins with rest.")
		case strings.Contains(u.Path, "/users/track"):
			fault("Endpoint", "has the path of users.track, which the client adds itself")
		}
	}
	for _, f := range []struct {
		field   string
		n, most int
	}{
		{"MaxObjects", c.MaxObjects, defaultObjects},
		{"MaxBytes", c.MaxBytes, defaultBytes},
		{"Concurrency", c.Concurrency, 1000},
		{"HourlyLimit", c.HourlyLimit, 1 << 30},
	} {
		if f.n < 0 || f.n > f.most {
			fault(f.field, fmt.Sprintf("is not within 0 and %d", f.most))
		}
	}
	return faults
}

// String returns the endpoint's host.
func (c Config) String() string {
	host := "invalid"
	if u, err := url.Parse(c.Endpoint); err == nil && u.Host != "" {
		host = u.Host
	}
	return "braze.Config(" + host + ")"
}

// Format writes the same as String for every verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// String returns the endpoint.
func (c *Client) String() string { return "braze.Client(" + c.ada.BaseURL() + ")" }

// Format writes the same as String for every verb.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// TrackEvent sends one event without properties, of the app that [Config.AppID] names. It is repeated on failure as
// [Client.Track] says.
func (c *Client) TrackEvent(ctx context.Context, user User, name string, at time.Time, opts ...ada.CallOption) error {
	_, err := c.Track(ctx, Batch{Events: []Event{{User: user, Name: name, Time: at}}}, opts...)
	return err
}

// UpdateAttribute sets one attribute, whose name is one of Braze's own, such as "first_name", or that of a custom
// attribute, as [Attributes.Set] does. It is repeated on failure as [Client.Track] says.
func (c *Client) UpdateAttribute(ctx context.Context, user User, name string, value any, opts ...ada.CallOption) error {
	a := Attributes{User: user}
	var refused *ada.Error
	if errors.As(a.Set(name, value), &refused) {
		return c.track.Invalid(refused.Faults...)
	}
	_, err := c.Track(ctx, Batch{Attributes: []Attributes{a}}, opts...)
	return err
}
