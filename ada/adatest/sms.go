package adatest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

var smsRoutes = []route{
	{"proactivesms.Trigger", http.MethodPost, "/api/campaigns/sms/trigger", nil, (*Server).trigger, smsFamily, maxBody},
}

// SMS is a message that the fake Ada would have handed to the carrier.
type SMS struct {
	CampaignKey string
	Language    string // empty: the default of the AI Agent
	PhoneNumber string // as the request had it
	MetaFields  map[string]any
}

// Outbox returns the messages that took effect, in their order: one for each request that was served, and for each that
// failed with [Failure.Effect]. The API cannot tell a repetition, so that a message that a client sent twice is here
// twice.
//
// MetaFields has no phone_number, and its values are strings, booleans, int64 for integers and float64 for other
// numbers.
func (s *Server) Outbox() []SMS {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := slices.Clone(s.outbox)
	for i := range sent {
		sent[i].MetaFields = maps.Clone(sent[i].MetaFields)
	}
	return sent
}

func (s *Server) trigger(r *request) reply {
	m, fault := parseSMS(r.body)
	if fault != "" {
		return refuseV1(http.StatusBadRequest, "", fault)
	}
	s.outbox = append(s.outbox, m)
	return reply{status: http.StatusOK, body: map[string]any{}}
}

// parseSMS reads a request. What is not documented is not checked: the form of the campaign key, of the language and
// of the phone number.
func parseSMS(body []byte) (m SMS, fault string) {
	var top, recipient, fields map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil || top == nil {
		return m, "The body is not a JSON object."
	}
	var ok bool
	if m.CampaignKey, ok = text(top["campaign_key"]); !ok || m.CampaignKey == "" {
		return m, "campaign_key is required."
	}
	if raw, given := top["language"]; given {
		if m.Language, ok = text(raw); !ok {
			return m, "language is not a string."
		}
	}
	if json.Unmarshal(top["recipient"], &recipient) != nil || recipient == nil {
		return m, "recipient is required."
	}
	if json.Unmarshal(recipient["meta_fields"], &fields) != nil || fields == nil {
		return m, "recipient.meta_fields is required."
	}
	if m.PhoneNumber, ok = text(fields["phone_number"]); !ok || m.PhoneNumber == "" {
		return m, "recipient.meta_fields.phone_number is required."
	}
	m.MetaFields = map[string]any{}
	for k, raw := range fields {
		if k == "phone_number" {
			continue
		}
		v, ok := scalar(raw)
		if !ok {
			return m, "recipient.meta_fields has a value that is no string, boolean or number."
		}
		m.MetaFields[k] = v
	}
	return m, ""
}

// text reads a JSON string, and nothing else.
func text(raw json.RawMessage) (value string, ok bool) {
	return value, strings.HasPrefix(string(raw), `"`) && json.Unmarshal(raw, &value) == nil
}

// scalar reads a JSON string, boolean or number.
func scalar(raw json.RawMessage) (value any, ok bool) {
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n, true
	}
	if json.Unmarshal(raw, &value) != nil {
		return nil, false // a number out of range
	}
	switch value.(type) {
	case string, bool, float64:
		return value, true
	default:
		return nil, false
	}
}
