package adatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/adasdk/ada-go/webhooks"
)

// What Ada documents of end users.
const (
	maxExternalID  = 36
	maxMetadata    = 10 << 10
	maxSensitive   = 20
	maxPage        = 100
	defaultPage    = 20 // not documented
	lifeUnattached = 24 * time.Hour
	lifeSensitive  = 24 * time.Hour
)

var endUserRoutes = []route{
	{"endusers.GetByExternalID", http.MethodGet, "/api/v2/end-users/", []string{"external_id"}, (*Server).lookUp, endUserFamily, maxBody},
	{"endusers.All", http.MethodGet, "/api/v2/end-users/", nil, (*Server).list, endUserFamily, maxBody},
	{"endusers.Create", http.MethodPost, "/api/v2/end-users/", nil, (*Server).create, endUserFamily, maxBody},
	{"endusers.Get", http.MethodGet, "/api/v2/end-users/{id}", nil, (*Server).get, endUserFamily, maxBody},
	{"endusers.Update", http.MethodPatch, "/api/v2/end-users/{id}", nil, (*Server).update, endUserFamily, maxBody},
}

// EndUser is an end user as the fake holds it.
type EndUser struct {
	ID         string         // 24 hexadecimal digits
	ExternalID string         // lower case, as Ada compares it; empty: none
	ChatterID  string         // by which only erasures find the end user; empty: none
	Profile    map[string]any // by the names of the JSON, "metadata" among them, without fields that are null
	Sensitive  map[string]any // write-only for clients
	CreatedAt  time.Time
	UpdatedAt  time.Time

	// InConversation keeps the end user beyond 24 hours. Those that a client creates are in none; those of
	// [Server.AddEndUser] are what it says.
	InConversation bool
}

// user is an end user with what nobody outside needs to know.
type user struct {
	EndUser
	sensitiveAt map[string]time.Time // when each key was set
}

// AddEndUser adds an end user, as a conversation does. What u leaves empty is made up. It returns the end user's id.
func (s *Server) AddEndUser(u EndUser) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	added := s.add(u, now)
	s.emitUser(webhooks.TypeEndUserCreated, added, now)
	return added.ID
}

// EndUser returns the end user with an id or an external id, as it is now.
func (s *Server) EndUser(id string) (u EndUser, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(time.Now())
	found := s.find(func(u *user) bool { return u.ID == id || u.ExternalID != "" && u.ExternalID == canonical(id) })
	if found == nil {
		return EndUser{}, false
	}
	return found.clone(), true
}

// clone returns a copy that shares no map with u.
func (u EndUser) clone() EndUser {
	u.Profile, u.Sensitive = maps.Clone(u.Profile), maps.Clone(u.Sensitive)
	for k, v := range u.Profile {
		if m, ok := v.(map[string]any); ok {
			u.Profile[k] = maps.Clone(m)
		}
	}
	return u
}

func (s *Server) add(given EndUser, now time.Time) *user {
	u := &user{given.clone(), map[string]time.Time{}}
	s.made++
	if u.ID == "" {
		u.ID = fmt.Sprintf("65a17e3f43bec88e%08x", s.made)
	}
	u.ExternalID = canonical(u.ExternalID)
	if u.CreatedAt.IsZero() {
		u.CreatedAt = now
	}
	if u.UpdatedAt.IsZero() {
		u.UpdatedAt = u.CreatedAt
	}
	if u.Profile == nil {
		u.Profile = map[string]any{}
	}
	for k := range u.Sensitive {
		u.sensitiveAt[k] = now
	}
	i := len(s.users)
	for i > 0 && s.users[i-1].CreatedAt.After(u.CreatedAt) {
		i--
	}
	s.users = slices.Insert(s.users, i, u)
	return u
}

func (s *Server) find(is func(*user) bool) *user {
	if i := slices.IndexFunc(s.users, is); i >= 0 {
		return s.users[i]
	}
	return nil
}

func (s *Server) byID(id string) *user {
	return s.find(func(u *user) bool { return u.ID == id })
}

func (s *Server) byExternalID(id string) *user {
	return s.find(func(u *user) bool { return u.ExternalID == canonical(id) })
}

func canonical(externalID string) string { return strings.ToLower(strings.TrimSpace(externalID)) }

// expire forgets what Ada deletes with time.
func (s *Server) expire(now time.Time) {
	s.remove(now)
	s.users = slices.DeleteFunc(s.users, func(u *user) bool {
		return !u.InConversation && now.Sub(u.CreatedAt) >= lifeUnattached
	})
	for _, u := range s.users {
		maps.DeleteFunc(u.Sensitive, func(k string, _ any) bool { return now.Sub(u.sensitiveAt[k]) >= lifeSensitive })
	}
}

func (s *Server) get(r *request) reply {
	s.expire(r.now)
	u := s.byID(r.id)
	if u == nil {
		return refuse(http.StatusNotFound, "not_found", "There is no such end user.")
	}
	return reply{status: http.StatusOK, body: u.json()}
}

func (s *Server) lookUp(r *request) reply {
	s.expire(r.now)
	q := r.URL.Query()
	faults := checkExternalID("external_id", "query", q.Get("external_id"))
	if q.Has("cursor") || q.Has("limit") {
		faults = append(faults, fault{"external_id", "query", "excludes cursor and limit"})
	}
	if len(faults) > 0 {
		return invalid(faults...)
	}
	u := s.byExternalID(q.Get("external_id"))
	if u == nil {
		return refuse(http.StatusNotFound, "not_found", "No end user has this external_id.")
	}
	return reply{status: http.StatusOK, body: u.json()}
}

func (s *Server) list(r *request) reply {
	s.expire(r.now)
	q := r.URL.Query()
	limit := defaultPage
	if q.Has("limit") {
		n, err := strconv.Atoi(q.Get("limit"))
		if err != nil || n < 1 || n > maxPage {
			return invalid(fault{"limit", "query", "must be from 1 to 100"})
		}
		limit = n
	}
	start := 0
	if q.Has("cursor") {
		start = slices.IndexFunc(s.users, func(u *user) bool { return u.ID == q.Get("cursor") })
		if start < 0 {
			return invalid(fault{"cursor", "query", "is not known"})
		}
	}
	end := min(start+limit, len(s.users))
	data := make([]any, 0, limit)
	for _, u := range s.users[start:end] {
		data = append(data, u.json())
	}
	meta := map[string]any{}
	if end < len(s.users) {
		next := url.URL{Scheme: "http", Host: r.Host, Path: "/api/v2/end-users/"}
		if r.TLS != nil {
			next.Scheme = "https"
		}
		params := url.Values{"cursor": {s.users[end].ID}}
		if q.Has("limit") {
			params.Set("limit", q.Get("limit"))
		}
		next.RawQuery = params.Encode()
		meta["next_page_url"] = next.String()
	}
	return reply{status: http.StatusOK, body: map[string]any{"data": data, "meta": meta}}
}

func (s *Server) create(r *request) reply {
	s.expire(r.now)
	change, faults := parse(r.body)
	if change.profile.metadata != nil {
		for k := range change.profile.sensitive {
			if _, ok := change.profile.metadata[k]; ok {
				faults = append(faults, fault{"$.profile.sensitive_metadata.fields", "body", "has a key that metadata has too"})
				break
			}
		}
	}
	if len(faults) > 0 {
		return refuseFaults(faults)
	}
	if change.externalID != nil {
		if u := s.byExternalID(*change.externalID); u != nil {
			return reply{status: http.StatusOK, body: u.json()}
		}
	}
	u := s.add(EndUser{}, r.now)
	s.apply(u, change, r.now)
	s.emitUser(webhooks.TypeEndUserCreated, u, r.now)
	return reply{status: http.StatusCreated, body: u.json()}
}

func (s *Server) update(r *request) reply {
	s.expire(r.now)
	change, faults := parse(r.body)
	if !change.hasProfile {
		faults = append(faults, fault{"$.profile", "body", "is required"})
	}
	if len(faults) > 0 {
		return refuseFaults(faults)
	}
	u := s.byID(r.id)
	if u == nil {
		return refuse(http.StatusNotFound, "not_found", "There is no such end user.")
	}
	if change.externalID != nil {
		if other := s.byExternalID(*change.externalID); other != nil && other != u {
			return refuse(http.StatusConflict, "conflict", "The external_id belongs to another end user.")
		}
	}
	before := u.profileJSON()
	s.apply(u, change, r.now)
	if !bytes.Equal(before, u.profileJSON()) {
		s.emitUser(webhooks.TypeEndUserUpdated, u, r.now)
	}
	return reply{status: http.StatusOK, body: u.json()}
}

// change is a request body, read.
type change struct {
	externalID      *string
	clearExternalID bool
	hasProfile      bool
	profile         struct {
		texts         map[string]*string // nil removes
		metadata      map[string]any
		clearMetadata bool
		sensitive     map[string]any // nil removes
	}
}

func (s *Server) apply(u *user, c change, now time.Time) {
	u.UpdatedAt = now
	if c.externalID != nil {
		u.ExternalID = canonical(*c.externalID)
	} else if c.clearExternalID {
		u.ExternalID = ""
	}
	for k, v := range c.profile.texts {
		if v == nil {
			delete(u.Profile, k)
		} else {
			u.Profile[k] = *v
		}
	}
	if c.profile.clearMetadata {
		delete(u.Profile, "metadata")
	}
	if c.profile.metadata != nil {
		// Whether keys that are left out are kept is not documented; the fake keeps them.
		m, _ := u.Profile["metadata"].(map[string]any)
		m = maps.Clone(m)
		if m == nil {
			m = map[string]any{}
		}
		maps.Copy(m, c.profile.metadata)
		u.Profile["metadata"] = m
	}
	if len(c.profile.sensitive) > 0 {
		if u.Sensitive == nil {
			u.Sensitive = map[string]any{}
		}
		for k, v := range c.profile.sensitive {
			if v == nil {
				delete(u.Sensitive, k)
			} else {
				u.Sensitive[k], u.sensitiveAt[k] = v, now
			}
		}
	}
}

var (
	texts        = []string{"first_name", "last_name", "display_name", "avatar", "email", "language"}
	language     = regexp.MustCompile(`^[a-z]{2}(-[A-Z]{2})?$`)
	sensitiveKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

func parse(body []byte) (c change, faults []fault) {
	bad := func(parameter, message string) { faults = append(faults, fault{parameter, "body", message}) }
	var top map[string]json.RawMessage
	if err := json.Unmarshal(body, &top); err != nil || top == nil {
		bad("$", "is not a JSON object")
		return c, faults
	}
	if raw, ok := top["external_id"]; ok {
		if c.clearExternalID = string(raw) == "null"; !c.clearExternalID {
			if json.Unmarshal(raw, &c.externalID) != nil {
				bad("$.external_id", "is not a string")
			} else {
				faults = append(faults, checkExternalID("$.external_id", "body", *c.externalID)...)
			}
		}
	}
	var profile map[string]json.RawMessage
	if raw, ok := top["profile"]; ok {
		if json.Unmarshal(raw, &profile) != nil || profile == nil {
			bad("$.profile", "is not an object")
		}
		c.hasProfile = true
	}
	c.profile.texts = map[string]*string{}
	for _, k := range texts {
		raw, ok := profile[k]
		if !ok {
			continue
		}
		var text *string
		if json.Unmarshal(raw, &text) != nil {
			bad("$.profile."+k, "is not a string")
		} else if k == "language" && text != nil && !language.MatchString(*text) {
			bad("$.profile.language", "is not a BCP 47 code")
		}
		c.profile.texts[k] = text
	}
	if raw, ok := profile["metadata"]; ok {
		if c.profile.clearMetadata = string(raw) == "null"; !c.profile.clearMetadata {
			c.profile.metadata = values(raw, "$.profile.metadata", bad)
			for _, v := range c.profile.metadata {
				if v == nil {
					bad("$.profile.metadata", "has a value that is null")
				}
			}
			if len(raw) > maxMetadata {
				bad("$.profile.metadata", tooMuchMetadata)
			}
		}
	}
	if raw, ok := profile["sensitive_metadata"]; ok && string(raw) != "null" {
		var wrapper map[string]json.RawMessage
		const at = "$.profile.sensitive_metadata.fields"
		if json.Unmarshal(raw, &wrapper) != nil || wrapper["fields"] == nil {
			bad(at, "is required")
			return c, faults
		}
		c.profile.sensitive = values(wrapper["fields"], at, bad)
		if len(c.profile.sensitive) > maxSensitive {
			bad(at, "has more than 20 keys")
		}
		for _, k := range slices.Sorted(maps.Keys(c.profile.sensitive)) {
			if !sensitiveKey.MatchString(k) {
				bad(at, "has a key with forbidden characters")
			}
			if c.profile.sensitive[k] == "" {
				bad(at, "has an empty value")
			}
		}
	}
	return c, faults
}

const tooMuchMetadata = "Metadata exceeds the maximum size of 10 KB."

// refuseFaults answers a body with faults; metadata that is too large has an error of its own.
func refuseFaults(faults []fault) reply {
	if slices.ContainsFunc(faults, func(f fault) bool { return f.Message == tooMuchMetadata }) {
		return refuse(http.StatusBadRequest, "validation_error", tooMuchMetadata)
	}
	return invalid(faults...)
}

// values reads an object of strings, booleans, integers and nulls.
func values(raw json.RawMessage, at string, bad func(parameter, message string)) map[string]any {
	var m map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if decoder.Decode(&m) != nil || m == nil {
		bad(at, "is not an object")
		return nil
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		switch v := m[k].(type) {
		case nil, string, bool:
		case json.Number:
			n, err := strconv.ParseInt(v.String(), 10, 64)
			if err != nil {
				bad(at, "has a value that is no string, boolean or integer")
			}
			m[k] = n
		default:
			bad(at, "has a value that is no string, boolean or integer")
		}
	}
	return m
}

func checkExternalID(parameter, location, id string) []fault {
	var faults []fault
	bad := func(message string) { faults = append(faults, fault{parameter, location, message}) }
	if canonical(id) == "" {
		bad("is empty")
	}
	if utf8.RuneCountInString(id) > maxExternalID {
		bad("has more than 36 characters")
	}
	if strings.ContainsAny(id, "<>") {
		bad("must not have < or >")
	}
	return faults
}

// json is the end user as Ada shows it: without sensitive metadata, and with timestamps of two kinds.
func (u *EndUser) json() map[string]any {
	profile := map[string]any{
		"metadata":          map[string]any{},
		"system_properties": map[string]any{"sunshine_user_id": nil},
	}
	for _, k := range texts {
		profile[k] = nil
	}
	maps.Copy(profile, u.Profile)
	var externalID any
	if u.ExternalID != "" {
		externalID = u.ExternalID
	}
	return map[string]any{
		"end_user_id": u.ID,
		"external_id": externalID,
		"profile":     profile,
		"created_at":  u.CreatedAt.UTC().Format("2006-01-02T15:04:05+00:00"),
		"updated_at":  u.UpdatedAt.UTC().Format("2006-01-02T15:04:05.000000"),
	}
}
