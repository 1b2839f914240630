package dataexport

import (
	"bytes"
	"encoding/json"
	"time"
)

// Message is one message of a conversation. A field that is empty was not sent, or sent as null: what a version before
// v2 does not have is empty there. It prints, logs and marshals as its ID alone: to store or forward one, use Raw.
//
// https://docs.ada.cx/data-export-message-object
type Message struct {
	ID             string
	ConversationID string    // as [Conversation.ID]
	ChatterID      string    // since v1.1
	CreatedAt      time.Time // in UTC; zero where Ada sent none that can be read
	ExportedAt     time.Time // when Ada last wrote the record to the export; since v1.4
	// Sender and Recipient are "bot", "agent" or "ada", in small letters or not, or the id of the person.
	Sender    string
	Recipient string
	// InResponseTo is the ID of the message that this one answers. Since v1.4.
	InResponseTo string
	// AnswerID and AnswerTitle are of the scripted answer that this message is from. A generative AI Agent has none.
	AnswerID    string // since v1.2
	AnswerTitle string
	LinkClicked *bool // nil: there was no link; since v1.2
	Review      int   // the person's rating of the answer; 0: none
	// Data is what the message consists of: a [Text], a [Picture] or another of the types that implement MessageData.
	// It is nil where Ada sent none.
	Data MessageData

	// Raw is the JSON that Ada sent, with the fields that this package does not know. json.Unmarshal makes a Message
	// of it again.
	Raw json.RawMessage
}

// MessageData is what a message consists of. Use a type switch; what this package does not know is [OtherData].
type MessageData interface {
	// Type returns Ada's name of the type, such as "text".
	Type() string
}

// Greeting is the beginning of a conversation.
type Greeting struct {
	ExternalChatID string
	Reviewable     bool // the person can rate it
}

// Text is a text, of a person or of the AI Agent.
type Text struct {
	Body         string
	HasVariables bool // values were filled in
	Reviewable   bool // the person can rate it
}

// Picture is an image.
type Picture struct {
	URL          string
	AltText      string
	HasVariables bool // values were filled in
	Reviewable   bool // the person can rate it
}

// QuickReplies are buttons that were offered.
type QuickReplies struct {
	Replies      []QuickReply
	Forced       bool // the person has to press one
	HasVariables bool // values were filled in
	Reviewable   bool // the person can rate it
}

// QuickReply is a button.
type QuickReply struct {
	ButtonType string // "suggestion"
	Label      string
	Target     string // the id of the answer that it leads to
}

// Trigger is the press of a button.
type Trigger struct {
	Body           string // what the button says
	ButtonType     string // "suggestion"
	ExternalChatID string
	Reviewable     bool // the person can rate it
}

// Meta is a note of Ada's own: a variable has changed.
type Meta struct {
	Kind     string // "variable_change"
	ID       string // of the variable
	Name     string // of the variable
	Scope    string // "meta"
	OldValue any    // as a value of [Variables] is decoded
	NewValue any    // as a value of [Variables] is decoded
}

// Link is a link.
type Link struct {
	URL             string
	RawURL          string // before values were filled in
	Title           string
	Text            string
	Description     string
	Icon            string
	AltText         string
	NewWindow       bool
	GeneratePreview bool
	Handoff         bool // it leads to a human agent
	HasVariables    bool // values were filled in
	Reviewable      bool // the person can rate it
}

// WebWindow is a web page in the chat window.
type WebWindow struct {
	URL                   string
	RawURL                string // before values were filled in
	Title                 string
	ButtonLabel           string
	Width                 int // in pixels
	Height                int // in pixels
	Locked                bool
	Handoff               bool // it leads to a human agent
	HasForcedQuickReplies bool
	HasVariables          bool // values were filled in
	Reviewable            bool // the person can rate it
}

// CSATShown is a satisfaction survey that was put to the person.
type CSATShown struct {
	SurveyType string // "end_chat", "proactive"
	SMSText    string // since May 2026
}

// CSATAnswer is the answer to a satisfaction survey.
type CSATAnswer struct {
	Score      int // on the scale of the style
	Positive   bool
	Style      string // the scale: "EMOJI", "NUMERIC"
	SurveyType string // "end_chat", "proactive"
}

// SMSConsentAsked says that the person was asked for consent to text messages. Since May 2026.
type SMSConsentAsked struct{}

// OtherData is of a type whose fields Ada does not document, such as "tool_call", or that is new.
type OtherData struct {
	Name string          // Ada's name of the type, which Type returns
	Raw  json.RawMessage // the whole of message_data
}

// Type returns "greeting".
func (Greeting) Type() string { return "greeting" }

// Type returns "text".
func (Text) Type() string { return "text" }

// Type returns "picture".
func (Picture) Type() string { return "picture" }

// Type returns "quick_replies".
func (QuickReplies) Type() string { return "quick_replies" }

// Type returns "trigger".
func (Trigger) Type() string { return "trigger" }

// Type returns "meta".
func (Meta) Type() string { return "meta" }

// Type returns "link".
func (Link) Type() string { return "link" }

// Type returns "web_window".
func (WebWindow) Type() string { return "web_window" }

// Type returns "csat_shown".
func (CSATShown) Type() string { return "csat_shown" }

// Type returns "csat".
func (CSATAnswer) Type() string { return "csat" }

// Type returns "sms_consent_asked".
func (SMSConsentAsked) Type() string { return "sms_consent_asked" }

// Type returns the name.
func (o OtherData) Type() string { return o.Name }

// UnmarshalJSON decodes Ada's JSON form of a message, from an answer or from [Message.Raw]. A field of another type
// fails it with an [ada.Fault]; of a field that comes twice the last one counts.
func (m *Message) UnmarshalJSON(b []byte) error { return m.decode(nil, bytes.Clone(b)) }

func (m *Message) decode(in *recent, raw json.RawMessage) error {
	*m = Message{Raw: raw}
	return record(in, m.Raw, &m.ID, func(key, v []byte) error {
		switch string(key) {
		case "conversation_id":
			return text(in, &m.ConversationID, v)
		case "chatter_id":
			return text(in, &m.ChatterID, v)
		case "date_created":
			return instant(&m.CreatedAt, v)
		case "record_last_updated":
			return instant(&m.ExportedAt, v)
		case "sender":
			return text(in, &m.Sender, v)
		case "recipient":
			return text(in, &m.Recipient, v)
		case "in_response_to":
			return text(in, &m.InResponseTo, v)
		case "answer_id":
			return text(in, &m.AnswerID, v)
		case "answer_title":
			return text(in, &m.AnswerTitle, v)
		case "link_was_clicked":
			return answer(&m.LinkClicked, v)
		case "review":
			return integer(&m.Review, v)
		case "message_data":
			return m.data(in, v)
		}
		return nil
	})
}

func (m *Message) data(in *recent, v []byte) (err error) {
	m.Data = nil
	if isNull(v) {
		return nil
	}
	var kind string
	if err := object(v, func(key, v []byte) error {
		if string(key) == "_type" {
			return text(in, &kind, v)
		}
		return nil
	}); err != nil {
		return err
	}
	switch kind {
	case "greeting":
		m.Data, err = fields(in, v, (*Greeting).field)
	case "text":
		m.Data, err = fields(in, v, (*Text).field)
	case "picture":
		m.Data, err = fields(in, v, (*Picture).field)
	case "quick_replies":
		m.Data, err = fields(in, v, (*QuickReplies).field)
	case "trigger":
		m.Data, err = fields(in, v, (*Trigger).field)
	case "meta":
		m.Data, err = fields(in, v, (*Meta).field)
	case "link":
		m.Data, err = fields(in, v, (*Link).field)
	case "web_window":
		m.Data, err = fields(in, v, (*WebWindow).field)
	case "csat_shown":
		m.Data, err = fields(in, v, (*CSATShown).field)
	case "csat":
		m.Data, err = fields(in, v, (*CSATAnswer).field)
	case "sms_consent_asked":
		m.Data = SMSConsentAsked{}
	default:
		m.Data = OtherData{Name: kind, Raw: v}
	}
	return err
}

// fields decodes message data field by field.
func fields[T MessageData](in *recent, v []byte, field func(*T, *recent, string, []byte) error) (MessageData, error) {
	var data T
	err := object(v, func(key, v []byte) error { return field(&data, in, string(key), v) })
	return data, err
}

func (g *Greeting) field(in *recent, key string, v []byte) error {
	switch key {
	case "external_chat_id":
		return text(in, &g.ExternalChatID, v)
	case "reviewable_message":
		return flag(&g.Reviewable, v)
	}
	return nil
}

func (t *Text) field(in *recent, key string, v []byte) error {
	switch key {
	case "body":
		return text(in, &t.Body, v)
	case "has_variables":
		return flag(&t.HasVariables, v)
	case "reviewable_message":
		return flag(&t.Reviewable, v)
	}
	return nil
}

func (p *Picture) field(in *recent, key string, v []byte) error {
	switch key {
	case "pic_url":
		return text(in, &p.URL, v)
	case "alt_text":
		return text(in, &p.AltText, v)
	case "has_variables":
		return flag(&p.HasVariables, v)
	case "reviewable_message":
		return flag(&p.Reviewable, v)
	}
	return nil
}

func (q *QuickReplies) field(in *recent, key string, v []byte) error {
	switch key {
	case "quick_replies":
		return list(in, &q.Replies, v, quickReply)
	case "is_forced":
		return flag(&q.Forced, v)
	case "has_variables":
		return flag(&q.HasVariables, v)
	case "reviewable_message":
		return flag(&q.Reviewable, v)
	}
	return nil
}

func quickReply(in *recent, q *QuickReply, v []byte) error {
	return object(v, func(key, v []byte) error {
		switch string(key) {
		case "button_type":
			return text(in, &q.ButtonType, v)
		case "label":
			return text(in, &q.Label, v)
		case "target":
			return text(in, &q.Target, v)
		}
		return nil
	})
}

func (t *Trigger) field(in *recent, key string, v []byte) error {
	switch key {
	case "body":
		return text(in, &t.Body, v)
	case "button_type":
		return text(in, &t.ButtonType, v)
	case "external_chat_id":
		return text(in, &t.ExternalChatID, v)
	case "reviewable_message":
		return flag(&t.Reviewable, v)
	}
	return nil
}

func (m *Meta) field(in *recent, key string, v []byte) error {
	switch key {
	case "meta_message_type":
		return text(in, &m.Kind, v)
	case "meta_message_data":
		return object(v, func(key, v []byte) error {
			switch string(key) {
			case "id":
				return text(in, &m.ID, v)
			case "name":
				return text(in, &m.Name, v)
			case "scope":
				return text(in, &m.Scope, v)
			case "old_value":
				m.OldValue = value(v)
			case "new_value":
				m.NewValue = value(v)
			}
			return nil
		})
	}
	return nil
}

func (l *Link) field(in *recent, key string, v []byte) error {
	switch key {
	case "url":
		return text(in, &l.URL, v)
	case "raw_url":
		return text(in, &l.RawURL, v)
	case "title":
		return text(in, &l.Title, v)
	case "link_text":
		return text(in, &l.Text, v)
	case "link_description":
		return text(in, &l.Description, v)
	case "link_icon":
		return text(in, &l.Icon, v)
	case "alt_text":
		return text(in, &l.AltText, v)
	case "new_window":
		return flag(&l.NewWindow, v)
	case "generate_link_preview":
		return flag(&l.GeneratePreview, v)
	case "is_handoff":
		return flag(&l.Handoff, v)
	case "has_variables":
		return flag(&l.HasVariables, v)
	case "reviewable_message":
		return flag(&l.Reviewable, v)
	}
	return nil
}

func (w *WebWindow) field(in *recent, key string, v []byte) error {
	switch key {
	case "window_url":
		return text(in, &w.URL, v)
	case "raw_url":
		return text(in, &w.RawURL, v)
	case "window_title":
		return text(in, &w.Title, v)
	case "window_button_label":
		return text(in, &w.ButtonLabel, v)
	case "window_width":
		return integer(&w.Width, v)
	case "window_height":
		return integer(&w.Height, v)
	case "locked":
		return flag(&w.Locked, v)
	case "is_handoff":
		return flag(&w.Handoff, v)
	case "has_forced_quick_replies":
		return flag(&w.HasForcedQuickReplies, v)
	case "has_variables":
		return flag(&w.HasVariables, v)
	case "reviewable_message":
		return flag(&w.Reviewable, v)
	}
	return nil
}

func (c *CSATShown) field(in *recent, key string, v []byte) error {
	switch key {
	case "survey_type":
		return text(in, &c.SurveyType, v)
	case "sms_text":
		return text(in, &c.SMSText, v)
	}
	return nil
}

func (c *CSATAnswer) field(in *recent, key string, v []byte) error {
	switch key {
	case "score":
		return integer(&c.Score, v)
	case "is_positive":
		return flag(&c.Positive, v)
	case "style":
		return text(in, &c.Style, v)
	case "survey_type":
		return text(in, &c.SurveyType, v)
	}
	return nil
}
