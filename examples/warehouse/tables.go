package main

import (
	"time"

	"github.com/adasdk/ada-go/dataexport"
)

// table is a table of the warehouse. Its first column is the key and its last one the record as Ada sent it.
type table struct {
	name    string
	columns []column
}

type column struct {
	name string
	kind kind
}

// kind is what a column holds, or null.
type kind int

const (
	text     kind = iota // string
	instant              // time.Time
	boolean              // bool
	integer              // int64
	number               // float64
	document             // json.RawMessage
)

// source is a table with the records that it is made from.
type source[T any] struct {
	table
	row func(*T) []any // the values of the columns
}

var conversations = source[dataexport.Conversation]{
	table{"conversations", []column{
		{"id", text},
		{"created_at", instant},
		{"updated_at", instant},
		{"end_user_id", text},
		{"chatter_id", text},
		{"platform", text},
		{"language", text},
		{"test_user", boolean},
		{"engaged", boolean},
		{"escalated", boolean},
		{"resolution", text},
		{"resolution_reason", text},
		{"inquiry_summary", text},
		{"topic", text},
		{"csat_score", integer},
		{"csat_positive", boolean},
		{"csat_comment", text},
		{"agent_handle_seconds", number},
		{"bot_handle_seconds", number},
		{"raw", document},
	}},
	func(c *dataexport.Conversation) []any {
		var score, positive, comment any
		if c.CSAT != nil {
			score, positive, comment = int64(c.CSAT.Score), c.CSAT.Positive, orNull(c.CSAT.Comment)
		}
		return []any{
			c.ID, instantOrNull(c.CreatedAt), instantOrNull(c.UpdatedAt), orNull(c.EndUserID), orNull(c.ChatterID),
			orNull(c.Platform), orNull(c.Language), c.TestUser, c.Engaged, c.Escalated,
			orNull(string(c.Resolution)), orNull(c.ResolutionReason), orNull(c.InquirySummary), orNull(c.TopicV2.Title),
			score, positive, comment, c.AgentHandleTime.Seconds(), c.BotHandleTime.Seconds(), c.Raw,
		}
	},
}

var messages = source[dataexport.Message]{
	table{"messages", []column{
		{"id", text},
		{"conversation_id", text},
		{"created_at", instant},
		{"chatter_id", text},
		{"sender", text},
		{"recipient", text},
		{"type", text},
		{"body", text},
		{"answer_title", text},
		{"link_clicked", boolean},
		{"review", integer},
		{"raw", document},
	}},
	func(m *dataexport.Message) []any {
		var kind, body string
		if m.Data != nil {
			kind = m.Data.Type()
		}
		switch data := m.Data.(type) {
		case dataexport.Text:
			body = data.Body
		case dataexport.Trigger: // a button that was pressed
			body = data.Body
		}
		var clicked any
		if m.LinkClicked != nil {
			clicked = *m.LinkClicked
		}
		return []any{
			m.ID, orNull(m.ConversationID), instantOrNull(m.CreatedAt), orNull(m.ChatterID), orNull(m.Sender), orNull(m.Recipient),
			orNull(kind), orNull(body), orNull(m.AnswerTitle), clicked, int64(m.Review), m.Raw,
		}
	},
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func instantOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
