package adatest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/adasdk/ada-go/ada"
)

var webhookRoutes = []route{
	{"endpoints.All", http.MethodGet, "/api/v2/webhooks/", nil, (*Server).listWebhooks, defaultFamily, maxBody},
	{"endpoints.Create", http.MethodPost, "/api/v2/webhooks/", nil, (*Server).createWebhook, defaultFamily, maxBody},
	{"endpoints.EventTypes", http.MethodGet, "/api/v2/webhooks/event-types/", nil, (*Server).eventTypes, defaultFamily, maxBody},
	{"endpoints.Get", http.MethodGet, "/api/v2/webhooks/{id}", nil, (*Server).getWebhook, defaultFamily, maxBody},
	{"endpoints.Update", http.MethodPatch, "/api/v2/webhooks/{id}", nil, (*Server).updateWebhook, defaultFamily, maxBody},
	{"endpoints.Delete", http.MethodDelete, "/api/v2/webhooks/{id}", nil, (*Server).deleteWebhook, defaultFamily, maxBody},
	{"endpoints.Secret", http.MethodGet, "/api/v2/webhooks/{id}/secret/", nil, (*Server).webhookSecret, defaultFamily, maxBody},
	{"endpoints.RotateSecret", http.MethodPost, "/api/v2/webhooks/{id}/secret/rotate/", nil, (*Server).rotateSecret, defaultFamily, maxBody},
}

// Webhook is an endpoint that the fake Ada delivers webhooks to, once [Server.Deliver] was called.
type Webhook struct {
	ID           string
	URL          string
	Description  string
	EventFilters []string // empty: all events
	Disabled     bool
	Secret       ada.Secret // that deliveries are signed with
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// webhook is a Webhook with its place in the list.
type webhook struct {
	Webhook
	number int
}

// AddWebhook adds a webhook, as somebody at the dashboard does. The ID, the Secret and the times are made up where w
// leaves them empty. It returns the webhook's id.
func (s *Server) AddWebhook(w Webhook) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addWebhook(w, time.Now()).ID
}

// Webhooks returns the webhooks as they are now, by age. One that a client created twice is here twice.
func (s *Server) Webhooks() []Webhook {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Webhook, len(s.webhooks))
	for i, w := range s.webhooks {
		all[i] = w.Webhook
		all[i].EventFilters = slices.Clone(w.EventFilters)
	}
	return all
}

func (s *Server) addWebhook(given Webhook, now time.Time) *webhook {
	s.webhooksMade++
	w := &webhook{given, s.webhooksMade}
	w.EventFilters = slices.Clone(w.EventFilters)
	if w.ID == "" {
		w.ID = fmt.Sprintf("ep_2hXq8ZtVbN4k%015d", w.number)
	}
	if w.Secret == "" {
		w.Secret = newSecret()
	}
	if w.CreatedAt.IsZero() {
		w.CreatedAt = now
	}
	if w.UpdatedAt.IsZero() {
		w.UpdatedAt = w.CreatedAt
	}
	s.webhooks = append(s.webhooks, w)
	return w
}

func newSecret() ada.Secret {
	key := make([]byte, 24)
	_, _ = rand.Read(key) // never fails
	return ada.Secret("whsec_" + base64.StdEncoding.EncodeToString(key))
}

// webhook returns the one that the request names, or nil and the answer that says so.
func (s *Server) webhook(r *request) (*webhook, reply) {
	i := slices.IndexFunc(s.webhooks, func(w *webhook) bool { return w.ID == r.id })
	if i < 0 {
		return nil, refuse(http.StatusNotFound, "not_found", "There is no such webhook.")
	}
	return s.webhooks[i], reply{}
}

// listWebhooks refuses a limit and a cursor that make no sense, although Ada documents no such answer. Nor does it
// document a limit that is too high.
func (s *Server) listWebhooks(r *request) reply {
	q := r.URL.Query()
	limit, from := defaultPage, 0
	var faults []fault
	number := func(name string, n *int) {
		if !q.Has(name) {
			return
		}
		var err error
		if *n, err = strconv.Atoi(q.Get(name)); err != nil || *n < 1 {
			faults = append(faults, fault{name, "query", "is not valid"})
		}
	}
	number("limit", &limit)
	number("cursor", &from)
	if len(faults) > 0 {
		return invalid(faults...)
	}
	data := []any{}
	meta := map[string]any{"next_page_url": nil}
	for _, w := range s.webhooks {
		if w.number < from {
			continue
		}
		if len(data) == limit {
			next := url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path}
			if r.TLS != nil {
				next.Scheme = "https"
			}
			params := url.Values{"cursor": {strconv.Itoa(w.number)}}
			if q.Has("limit") {
				params.Set("limit", q.Get("limit"))
			}
			next.RawQuery = params.Encode()
			meta["next_page_url"] = next.String()
			break
		}
		data = append(data, w.json())
	}
	return reply{status: http.StatusOK, body: map[string]any{"data": data, "meta": meta}}
}

func (s *Server) createWebhook(r *request) reply {
	c, faults := parseWebhook(r.body, true)
	if len(faults) > 0 {
		return invalid(faults...)
	}
	var w Webhook
	c.apply(&w)
	return reply{status: http.StatusCreated, body: s.addWebhook(w, r.now).json()}
}

func (s *Server) getWebhook(r *request) reply {
	w, missing := s.webhook(r)
	if w == nil {
		return missing
	}
	return reply{status: http.StatusOK, body: w.json()}
}

func (s *Server) updateWebhook(r *request) reply {
	c, faults := parseWebhook(r.body, false)
	if len(faults) > 0 {
		return invalid(faults...)
	}
	w, missing := s.webhook(r)
	if w == nil {
		return missing
	}
	c.apply(&w.Webhook)
	w.UpdatedAt = r.now
	return reply{status: http.StatusOK, body: w.json()}
}

func (s *Server) deleteWebhook(r *request) reply {
	w, missing := s.webhook(r)
	if w == nil {
		return missing
	}
	s.webhooks = slices.DeleteFunc(s.webhooks, func(other *webhook) bool { return other == w })
	return reply{status: http.StatusNoContent, body: ""}
}

func (s *Server) webhookSecret(r *request) reply {
	w, missing := s.webhook(r)
	if w == nil {
		return missing
	}
	return reply{status: http.StatusOK, body: map[string]string{"key": string(w.Secret)}}
}

// rotateSecret takes any key: Ada does not document what one looks like.
func (s *Server) rotateSecret(r *request) reply {
	var body struct {
		Key *string `json:"key"`
	}
	if len(r.body) > 0 && (json.Unmarshal(r.body, &body) != nil || body.Key != nil && *body.Key == "") {
		return invalid(fault{"$.key", "body", "is not valid"})
	}
	w, missing := s.webhook(r)
	if w == nil {
		return missing
	}
	w.Secret = newSecret()
	if body.Key != nil {
		w.Secret = ada.Secret(*body.Key)
	}
	return reply{status: http.StatusOK, body: map[string]any{}}
}

func (s *Server) eventTypes(*request) reply {
	data := make([]map[string]string, len(eventTypes))
	for i, t := range eventTypes {
		data[i] = map[string]string{"name": t[0], "description": t[1]}
	}
	return reply{status: http.StatusOK, body: map[string]any{"data": data}}
}

// eventTypes are those that Ada documents, with descriptions of the fake.
var eventTypes = [][2]string{
	{"v1.audit_log.emitted", "Somebody changed something in the dashboard."},
	{"v1.conversation.created", "A conversation began."},
	{"v1.conversation.ended", "A conversation ended."},
	{"v1.conversation.handoff.ended", "The handoff of a conversation ended."},
	{"v1.conversation.message", "A message was added to a conversation."},
	{"v1.end_user.created", "An end user was created."},
	{"v1.end_user.updated", "An end user was changed."},
	{"v1.proactive_call.answered", "A proactive call was answered."},
	{"v1.proactive_call.failed", "A proactive call failed."},
	{"v1.proactive_call.initiated", "A proactive call began."},
	{"v1.proactive_call.machine_detected", "A machine answered a proactive call."},
	{"v1.proactive_call.queued", "A proactive call is to be made."},
}

// webhookChange is a request body, read. What is nil was left out.
type webhookChange struct {
	url, description *string
	eventFilters     *[]string
	enabled          *bool
}

func (c webhookChange) apply(w *Webhook) {
	if c.url != nil {
		w.URL = *c.url
	}
	if c.description != nil {
		w.Description = *c.description
	}
	if c.eventFilters != nil {
		w.EventFilters = *c.eventFilters
	}
	if c.enabled != nil {
		w.Disabled = !*c.enabled
	}
}

// parseWebhook reads a request. It takes event filters of any name: what Ada says to one that it does not know is not
// documented.
func parseWebhook(body []byte, needsURL bool) (c webhookChange, faults []fault) {
	bad := func(parameter, message string) { faults = append(faults, fault{parameter, "body", message}) }
	var top map[string]json.RawMessage
	if err := json.Unmarshal(body, &top); err != nil || top == nil {
		bad("$", "is not a JSON object")
		return c, faults
	}
	read := func(field string, into any, kind string) (ok bool) {
		raw, given := top[field]
		if given && (string(raw) == "null" || json.Unmarshal(raw, into) != nil) {
			bad("$."+field, "is not "+kind)
			return false
		}
		return given
	}
	if _, ok := top["url"]; needsURL && !ok {
		bad("$.url", "is required")
	}
	if read("url", &c.url, "a string") {
		if u, err := url.Parse(*c.url); err != nil || u.Scheme != "https" || u.Host == "" {
			bad("$.url", "is not a URL of https")
		}
	}
	read("description", &c.description, "a string")
	read("event_filters", &c.eventFilters, "a list of strings")
	read("enabled", &c.enabled, "a boolean")
	return c, faults
}

// json is the webhook as Ada shows it: without its secret.
func (w *webhook) json() map[string]any {
	const layout = "2006-01-02T15:04:05.000000+00:00"
	return map[string]any{
		"id":            w.ID,
		"url":           w.URL,
		"description":   w.Description,
		"event_filters": append([]string{}, w.EventFilters...),
		"enabled":       !w.Disabled,
		"created_at":    w.CreatedAt.UTC().Format(layout),
		"updated_at":    w.UpdatedAt.UTC().Format(layout),
	}
}
