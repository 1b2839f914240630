package main

import (
	"strconv"
	"time"

	"github.com/adasdk/ada-go/dataexport"
)

var conversationColumns = []string{
	"id", "created_at", "updated_at", "end_user_id", "platform", "language", "engaged", "escalated", "resolution", "csat_score", "topic", "inquiry_summary",
}

func conversationRow(c *dataexport.Conversation) []string {
	score := ""
	if c.CSAT != nil {
		score = strconv.Itoa(c.CSAT.Score)
	}
	return []string{
		c.ID, stamp(c.CreatedAt), stamp(c.UpdatedAt), c.EndUserID, c.Platform, c.Language,
		strconv.FormatBool(c.Engaged), strconv.FormatBool(c.Escalated), string(c.Resolution), score, c.TopicV2.Title, c.InquirySummary,
	}
}

var messageColumns = []string{"id", "conversation_id", "created_at", "sender", "recipient", "type", "text"}

func messageRow(m *dataexport.Message) []string {
	kind, text := "", ""
	if m.Data != nil {
		kind = m.Data.Type()
	}
	switch data := m.Data.(type) {
	case dataexport.Text:
		text = data.Body
	case dataexport.Trigger: // a button that was pressed
		text = data.Body
	}
	return []string{m.ID, m.ConversationID, stamp(m.CreatedAt), m.Sender, m.Recipient, kind, text}
}

// stamp writes a time, and nothing where Ada sent none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}
