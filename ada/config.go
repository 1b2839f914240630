package ada

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/adasdk/ada-go/internal/transport"
)

// Config says which AI Agent a [Client] talks to and how it authenticates. Give a Handle or a BaseURL, and an APIKey
// or a KeyFunc. It prints its base URL alone; see [Secret] for the limits of that.
type Config struct {
	// Handle is the name of the AI Agent, the first label of its host: "acme" for https://acme.ada.support. It is
	// one DNS label.
	Handle string
	// Cluster is the data centre where the AI Agent lives, when its host names one: "eu" for
	// https://acme.eu.ada.support, "maple" for Canada. Empty for the default one.
	Cluster string
	// BaseURL takes the place of Handle and Cluster: an https origin such as "https://ada.example.com", or http on
	// the loopback interface. It has a path only for a gateway that wants one in front of Ada's own paths, which
	// begin with "/api/". Behind one, Ada's links to next pages must have the gateway's host; its path may be missing.
	BaseURL string
	// APIKey is sent as the bearer token of every request.
	//
	// https://docs.ada.cx/reference/introduction/authentication
	APIKey Secret
	// KeyFunc takes the place of APIKey for keys that rotate: it is asked before every attempt, from any goroutine,
	// and should answer from memory.
	KeyFunc func(context.Context) (Secret, error)
	// HTTP says how requests are sent. Its zero value is the recommended one.
	HTTP HTTPConfig
}

// HTTPConfig says how requests are sent. The zero value is the recommended one, and each field's zero value stands
// for the default that it names.
type HTTPConfig struct {
	// Client is used for its Transport and for its Timeout, which ends an attempt where it is the shorter one, and is
	// not changed. Redirects are refused and cookies are not kept, whatever it says. Nil: a client of the SDK's own,
	// with HTTP/2 and the proxy of the environment.
	Client *http.Client
	// UserAgent is put before the SDK's own, as "billing/1.4".
	UserAgent string
	// AttemptTimeout ends one attempt, from dialling to the last byte of the answer; waiting for a slot and between
	// attempts does not count. Zero: 30 s, and 2 min for a page of Data Export. The call as a whole ends with its
	// context.
	AttemptTimeout time.Duration
	// MaxResponse is the longest answer that is read, in bytes after decompression, and at most 1 GiB. Zero: 10 MiB.
	// Pages of Data Export, which are not held in memory, can have 256 MiB or this, if it is more.
	MaxResponse int64
	// MaxPayload raises the payload limit of every operation whose own limit is lower, in bytes and up to 1 GiB. Zero:
	// 10 MiB, or less where an endpoint takes less. End Users bodies are held to 4,096 bytes, which Ada's
	// documentation names; its v2 endpoints have been seen to accept more.
	MaxPayload int64
	// Retry says how often a call is tried.
	Retry RetryPolicy
	// Limiter is asked once for each [Pace], and gives the limiter that its operations share. Nil: [NewLimiter].
	// With [Unpaced], or where it returns nil, requests are not paced. It can hand out limiters that several clients
	// share, or that keep their count outside of the process.
	Limiter func(Pace) Limiter
	// Logger gets one record for each attempt, at debug level. Nil: none.
	Logger *slog.Logger
	// Hooks are called around each attempt.
	Hooks Hooks
}

// RetryPolicy says how often a call is tried and how long it waits in between. What may be repeated at all is not a
// matter of policy, nor is the budget that ends repetitions in an outage; the package comment has both.
type RetryPolicy struct {
	// MaxAttempts is how often a call is tried, the first time included, at most 100. Two attempts that a 429 refused
	// count as one. Zero: 4. One: nothing is repeated.
	MaxAttempts   int
	FirstBackoff  time.Duration // the longest wait after the first attempt, doubled with each; 0: 500 ms
	MaxBackoff    time.Duration // the longest wait of the SDK's own choosing; 0: 30 s
	MaxRetryAfter time.Duration // the longest wait of the server's; when it asks for more, the call fails at once; 0: 65 s
}

// Hooks observe attempts, for traces and metrics. They are called from the goroutine of the call, and ctx is the
// call's.
type Hooks struct {
	// Start is called when an attempt has its slot, just before it is sent.
	Start func(ctx context.Context, a Attempt)
	// Done is called when it has ended, once for each Start.
	Done func(ctx context.Context, a Attempt)
}

// Attempt is one request of a call.
type Attempt struct {
	Operation string        // its name, such as "endusers.Create"
	Method    string        // the HTTP method
	Route     string        // the path with its parameters in braces
	Number    int           // 1 for the first
	Paced     time.Duration // how long it waited for its slot; for Start only

	// For Done only:
	StatusCode int           // 0: no answer came
	Duration   time.Duration // from the slot to the end of the answer
	RetryIn    time.Duration // until the next attempt; 0: this was the last one
	Err        error         // nil for a good answer, else an *Error
}

// ConfigFromEnv returns the configuration in ADA_HANDLE, ADA_CLUSTER, ADA_BASE_URL and ADA_API_KEY. Nothing else in
// the SDK reads them; [NewClient] reports what is missing.
func ConfigFromEnv() Config {
	return Config{
		Handle:  os.Getenv("ADA_HANDLE"),
		Cluster: os.Getenv("ADA_CLUSTER"),
		BaseURL: os.Getenv("ADA_BASE_URL"),
		APIKey:  Secret(os.Getenv("ADA_API_KEY")),
	}
}

// String returns the base URL, or says that there is none.
func (c Config) String() string {
	base, faults := c.base()
	if len(faults) > 0 {
		return "ada.Config(invalid)"
	}
	return "ada.Config(" + base.String() + ")"
}

// Format writes the same as String for every verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

func (h HTTPConfig) withDefaults() HTTPConfig {
	if h.Limiter == nil {
		h.Limiter = NewLimiter
	}
	h.Retry = h.Retry.withDefaults()
	return h
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	p.MaxAttempts = or(p.MaxAttempts, 4)
	p.FirstBackoff = or(p.FirstBackoff, 500*time.Millisecond)
	p.MaxBackoff = or(p.MaxBackoff, 30*time.Second)
	p.MaxRetryAfter = or(p.MaxRetryAfter, 65*time.Second)
	return p
}

func or[T int | int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// maxLimit is the highest that a limit on bytes can be set to: what is read is held in memory.
const maxLimit = 1 << 30

func (h HTTPConfig) faults() []Fault {
	faults := h.Retry.faults("HTTP.Retry.")
	for _, f := range []struct {
		name string
		n    int64
	}{
		{"HTTP.AttemptTimeout", int64(h.AttemptTimeout)},
		{"HTTP.MaxResponse", h.MaxResponse},
		{"HTTP.MaxPayload", h.MaxPayload},
	} {
		switch {
		case f.n < 0:
			faults = append(faults, Fault{f.name, "is negative"})
		case f.n > maxLimit && f.name != "HTTP.AttemptTimeout":
			faults = append(faults, Fault{f.name, "is over 1 GiB"})
		}
	}
	if strings.ContainsFunc(h.UserAgent, func(c rune) bool { return c < ' ' || c > '~' }) {
		faults = append(faults, Fault{"HTTP.UserAgent", "has characters that are not printable ASCII"})
	}
	return faults
}

func (p RetryPolicy) faults(prefix string) []Fault {
	var faults []Fault
	for _, f := range []struct {
		name string
		n    int64
	}{
		{"MaxAttempts", int64(p.MaxAttempts)},
		{"FirstBackoff", int64(p.FirstBackoff)},
		{"MaxBackoff", int64(p.MaxBackoff)},
		{"MaxRetryAfter", int64(p.MaxRetryAfter)},
	} {
		if f.n < 0 {
			faults = append(faults, Fault{prefix + f.name, "is negative"})
		}
	}
	if p.MaxAttempts > 100 {
		faults = append(faults, Fault{prefix + "MaxAttempts", "is over 100"})
	}
	return faults
}

// base returns the URL that routes are appended to. It ends in a slash.
func (c Config) base() (*url.URL, []Fault) {
	if c.BaseURL != "" {
		if c.Handle != "" || c.Cluster != "" {
			return nil, []Fault{{"BaseURL", "excludes Handle and Cluster"}}
		}
		return parseBase(c.BaseURL)
	}
	var faults []Fault
	host := c.Handle + "."
	if c.Handle == "" {
		faults = append(faults, Fault{"Handle", "is empty, and so is BaseURL"})
	} else if !isLabel(c.Handle) {
		faults = append(faults, Fault{"Handle", "is not a DNS label"})
	}
	if c.Cluster != "" {
		host += c.Cluster + "."
		if !isLabel(c.Cluster) {
			faults = append(faults, Fault{"Cluster", "is not a DNS label"})
		}
	}
	return &url.URL{Scheme: "https", Host: strings.ToLower(host) + "ada.support", Path: "/"}, faults
}

func parseBase(s string) (*url.URL, []Fault) {
	fault := func(reason string) (*url.URL, []Fault) { return nil, []Fault{{"BaseURL", reason}} }
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Opaque != "" {
		return fault("is not an absolute URL")
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	switch path := strings.TrimSuffix(u.Path, "/"); {
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback):
		return fault("is neither https nor http on the loopback interface")
	case u.User != nil:
		return fault("holds credentials")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s, "#"):
		return fault("has a query or a fragment")
	case ip == nil && !isHost(u.Hostname()):
		return fault("has a host that is no DNS name")
	case path != "" && strings.HasSuffix(strings.ToLower(u.Hostname()), ".ada.support"):
		return fault("has a path, which Ada's own hosts do not take: routes bring their /api with them")
	case u.RawPath != "" || strings.Contains(path+"/", "//") || strings.Contains(path+"/", "/./") || strings.Contains(path+"/", "/../"):
		return fault("has a path with escapes, empty or dot segments")
	default:
		return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: path + "/"}, nil
	}
}

func isHost(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

// isLabel reports whether s is a plain DNS label: 1 to 63 letters, digits and inner hyphens, and not the encoded form
// of another script, which can look like a name that it is not.
func isLabel(s string) bool {
	return s != "" && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-' &&
		!strings.HasPrefix(strings.ToLower(s), "xn--") &&
		!strings.ContainsFunc(s, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-'
		})
}

// faults reports whether s can be sent in a header.
func (s Secret) faults() []Fault {
	switch {
	case s == "":
		return []Fault{{"APIKey", "is empty"}}
	case len(s) > 4096:
		return []Fault{{"APIKey", "is longer than 4096 bytes"}}
	case strings.ContainsFunc(string(s), func(c rune) bool { return c <= ' ' || c > '~' }):
		return []Fault{{"APIKey", "has spaces or characters that are not printable ASCII"}}
	}
	return nil
}

func (h HTTPConfig) transport() http.RoundTripper {
	if h.Client == nil {
		return transport.NewTransport()
	}
	if h.Client.Transport == nil {
		return http.DefaultTransport
	}
	return h.Client.Transport
}
