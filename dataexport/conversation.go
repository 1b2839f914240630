package dataexport

import (
	"bytes"
	"encoding/json"
	"time"
)

// Conversation is a conversation as it stood when it was exported. A field that is empty was not sent, or sent as null:
// what a version before v2 does not have is empty there. It prints, logs and marshals as its ID alone: to store or
// forward one, use Raw.
//
// https://docs.ada.cx/data-export-conversation-object
type Conversation struct {
	ID        string    // Ada's own id
	ChatterID string    // the browser or device record of the person
	EndUserID string    // since v1.4: the end user, as package endusers knows it
	CreatedAt time.Time // in UTC; zero where Ada sent none that can be read, as all times here
	UpdatedAt time.Time
	// ExportedAt is when Ada last wrote the record to the export. Since v1.4.
	ExportedAt time.Time

	Platform       string // where it took place: "chat"
	Browser        string // since v1.2, as the three below
	BrowserVersion string
	Device         string // "iphone", "android", ...
	OAuthChannel   string
	Language       string // ISO 639-1; since v1.2
	TestUser       bool   // it was started by a test user; since v1.2

	Engaged   bool // the person wrote at least one message after the greeting
	Escalated bool // it was handed off, to a person or by e-mail

	// AgentIDs and AgentNames are the human agents, in the order in which they first joined. Since v1.2.
	AgentIDs   []string
	AgentNames []string
	// LastAgentID and LastAgentName are of the agent who was active last. Since v2, and of generative AI Agents only.
	LastAgentID   string
	LastAgentName string
	// AgentHandleTime and BotHandleTime are how long human agents and the AI Agent took. Since v1.4.
	AgentHandleTime time.Duration
	BotHandleTime   time.Duration

	Resolution       Resolution // since v1.3
	ResolutionReason string     // why, in the words of Ada's model; since v1.3
	InquirySummary   string     // what the person wanted, in the words of Ada's model; since v1.4
	CSAT             *CSAT      // the answer to a satisfaction survey; nil where there is none

	Topic           Topic            // found by Ada; since v1.4
	TopicV2         Topic            // found by Ada's second generation of topics; since v1.4
	Classifications []Classification // since v2, June 2026
	UsedArticles    []UsedArticle    // since v2, June 2026
	UsedPlaybooks   []UsedPlaybook   // since v2, June 2026
	UsedCoaching    []UsedCoaching   // since v2, August 2026

	// Metavariables are what Ada knows of the person and the browser, Variables what the conversation has collected.
	Metavariables Variables
	Variables     Variables

	// Raw is the JSON that Ada sent, with the fields that this package does not know. json.Unmarshal makes a
	// Conversation of it again.
	Raw json.RawMessage
}

// Resolution says whether a conversation was resolved without a human agent. Ada can add values.
type Resolution string

// The resolutions that Ada documents.
const (
	Resolved    Resolution = "Resolved"
	NotResolved Resolution = "Not Resolved"
)

// CSAT is a customer's answer to a satisfaction survey. It prints, logs and marshals as "[REDACTED]".
type CSAT struct {
	Score      int      // on the scale of the style
	Positive   bool     // Ada counts the score as a good one
	Resolved   *bool    // what the customer says; nil: nothing
	Comment    string   // in the customer's words
	Feedback   []string // what was picked from the survey, such as "(helpful_resolution)"
	Style      string   // the scale: "EMOJI", "NUMERIC"
	SurveyType string   // when it was asked: "end_chat", "proactive"
}

// Topic is what a conversation was about. Ada has found and named it.
type Topic struct {
	ID          string
	Title       string
	Description string // TopicV2 only
	ParentID    string // the topic above it, if any; TopicV2 only
}

// Classification is a topic of a conversation, as it is set up for the AI Agent, and the intents below it that were
// found. There can be none.
type Classification struct {
	TopicID   string
	TopicName string
	Intents   []Intent
}

// Intent is an intent below a topic.
type Intent struct {
	ID     string
	Name   string
	Status string // "active"
}

// UsedArticle is a knowledge article that an answer drew on.
type UsedArticle struct {
	ID     string
	Name   string
	URL    string
	Source string
}

// UsedPlaybook is a playbook that ran.
type UsedPlaybook struct {
	ID          string
	Name        string
	ExecutionID string // of this run
	Outcome     string // how it ended
}

// UsedCoaching is a coaching that was applied.
type UsedCoaching struct {
	ID           string // of this application
	EntityName   string
	Type         string
	Instructions string
	Intent       string
}

// UnmarshalJSON decodes Ada's JSON form of a conversation, from an answer or from [Conversation.Raw]. A field of another
// type fails it with an [ada.Fault]; of a field that comes twice the last one counts.
func (c *Conversation) UnmarshalJSON(b []byte) error { return c.decode(nil, bytes.Clone(b)) }

func (c *Conversation) decode(in *recent, raw json.RawMessage) error {
	*c = Conversation{Raw: raw}
	return record(in, c.Raw, &c.ID, func(key, v []byte) error {
		switch string(key) {
		case "chatter_id":
			return text(in, &c.ChatterID, v)
		case "end_user_id":
			return text(in, &c.EndUserID, v)
		case "date_created":
			return instant(&c.CreatedAt, v)
		case "date_updated":
			return instant(&c.UpdatedAt, v)
		case "record_last_updated":
			return instant(&c.ExportedAt, v)
		case "platform":
			return text(in, &c.Platform, v)
		case "browser":
			return text(in, &c.Browser, v)
		case "browser_version":
			return text(in, &c.BrowserVersion, v)
		case "device":
			return text(in, &c.Device, v)
		case "oauth_channel":
			return text(in, &c.OAuthChannel, v)
		case "language":
			return text(in, &c.Language, v)
		case "is_test_user":
			return flag(&c.TestUser, v)
		case "is_engaged":
			return flag(&c.Engaged, v)
		case "is_escalated":
			return flag(&c.Escalated, v)
		case "agent_id":
			return list(in, &c.AgentIDs, v, text)
		case "agent_name":
			return list(in, &c.AgentNames, v, text)
		case "last_agent_id":
			return text(in, &c.LastAgentID, v)
		case "last_agent_name":
			return text(in, &c.LastAgentName, v)
		case "agent_handle_time":
			return seconds(&c.AgentHandleTime, v)
		case "bot_handle_time":
			return seconds(&c.BotHandleTime, v)
		case "automated_resolution_classification":
			return text(in, (*string)(&c.Resolution), v)
		case "automated_resolution_classification_reason":
			return text(in, &c.ResolutionReason, v)
		case "inquiry_summary":
			return text(in, &c.InquirySummary, v)
		case "csat":
			return c.csat(in, v)
		case "generated_topic_id":
			return text(in, &c.Topic.ID, v)
		case "generated_topic_label":
			return text(in, &c.Topic.Title, v)
		case "generated_topic_v2_id":
			return text(in, &c.TopicV2.ID, v)
		case "generated_topic_v2_title":
			return text(in, &c.TopicV2.Title, v)
		case "generated_topic_v2_desc":
			return text(in, &c.TopicV2.Description, v)
		case "generated_topic_v2_parent_id":
			return text(in, &c.TopicV2.ParentID, v)
		case "classifications":
			return list(in, &c.Classifications, v, classification)
		case "used_articles":
			return list(in, &c.UsedArticles, v, usedArticle)
		case "used_playbooks":
			return list(in, &c.UsedPlaybooks, v, usedPlaybook)
		case "used_coaching":
			return list(in, &c.UsedCoaching, v, usedCoaching)
		case "metavariables":
			return variables(&c.Metavariables, v)
		case "variables":
			return variables(&c.Variables, v)
		}
		return nil
	})
}

func (c *Conversation) csat(in *recent, v []byte) error {
	c.CSAT = nil
	if isNull(v) {
		return nil
	}
	var s CSAT
	c.CSAT = &s
	return object(v, func(key, v []byte) error {
		switch string(key) {
		case "score":
			return integer(&s.Score, v)
		case "is_positive":
			return flag(&s.Positive, v)
		case "resolved":
			return answer(&s.Resolved, v)
		case "comment":
			return text(in, &s.Comment, v)
		case "feedback":
			return list(in, &s.Feedback, v, text)
		case "style":
			return text(in, &s.Style, v)
		case "survey_type":
			return text(in, &s.SurveyType, v)
		}
		return nil
	})
}

func classification(in *recent, c *Classification, v []byte) error {
	return object(v, func(key, v []byte) error {
		switch string(key) {
		case "topic_id":
			return text(in, &c.TopicID, v)
		case "topic_name":
			return text(in, &c.TopicName, v)
		case "intents":
			return list(in, &c.Intents, v, intent)
		}
		return nil
	})
}

func intent(in *recent, i *Intent, v []byte) error {
	return object(v, func(key, v []byte) error {
		switch string(key) {
		case "intent_id":
			return text(in, &i.ID, v)
		case "intent_name":
			return text(in, &i.Name, v)
		case "status":
			return text(in, &i.Status, v)
		}
		return nil
	})
}

func usedArticle(in *recent, a *UsedArticle, v []byte) error {
	return object(v, func(key, v []byte) error {
		switch string(key) {
		case "id":
			return text(in, &a.ID, v)
		case "name":
			return text(in, &a.Name, v)
		case "url":
			return text(in, &a.URL, v)
		case "source":
			return text(in, &a.Source, v)
		}
		return nil
	})
}

func usedPlaybook(in *recent, p *UsedPlaybook, v []byte) error {
	return object(v, func(key, v []byte) error {
		switch string(key) {
		case "id":
			return text(in, &p.ID, v)
		case "name":
			return text(in, &p.Name, v)
		case "playbook_execution_id":
			return text(in, &p.ExecutionID, v)
		case "outcome_status":
			return text(in, &p.Outcome, v)
		}
		return nil
	})
}

func usedCoaching(in *recent, c *UsedCoaching, v []byte) error {
	return object(v, func(key, v []byte) error {
		switch string(key) {
		case "id":
			return text(in, &c.ID, v)
		case "entity_name":
			return text(in, &c.EntityName, v)
		case "coaching_type":
			return text(in, &c.Type, v)
		case "coaching_instructions":
			return text(in, &c.Instructions, v)
		case "coaching_intent":
			return text(in, &c.Intent, v)
		}
		return nil
	})
}
