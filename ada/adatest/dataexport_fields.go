package adatest

import "strconv"

// Values that are made up, as JSON. Some have what a client can stumble over.
var (
	agentNames   = []string{`"Grace H."`, `"Renée O'Neil"`, `"Łukasz \"Luke\" Nowak"`, `"山田 花子"`, `"Sam"`, `"Adaeze Okonkwo"`}
	firstNames   = []string{`"Ada"`, `"José"`, `"Zoë"`, `"Олена"`, `"李雷"`, `"فاطمة"`, `"D'Arcy \"DJ\""`, `""`, `null`}
	browsers     = []string{`"chrome"`, `"safari"`, `"firefox"`, `"edge"`, `null`}
	versions     = []string{`"131.0.6778.86"`, `"18.1"`, `"133.0"`, `"131.0.2903.51"`, `null`}
	devices      = []string{`"macos"`, `"windows"`, `"iphone"`, `"android"`, `null`}
	languages    = []string{`"en"`, `"en"`, `"fr"`, `"pt"`, `"ja"`, `"ar"`, `null`}
	platforms    = []string{`"chat"`, `"chat"`, `"chat"`, `"ios"`, `"android"`, `"whatsapp"`, `"sms"`, `"voice"`, `"email"`}
	channels     = []string{`null`, `null`, `null`, `"facebook"`, `"zendesk"`}
	topics       = []string{`"Delivery"`, `"Refunds & returns"`, `"Konto löschen"`, `"Billing / \"invoice\""`, `"アカウント"`}
	statuses     = []string{`"active"`, `"active"`, `"draft"`}
	comments     = []string{`null`, `null`, `"Great 👍"`, `"It said \"ask later\"\nand I did.\tTwice."`, `"C:\\temp\\bill.pdf was empty"`, `"\ud83d\ude80 fast"`, `"très bien"`}
	feedbacks    = []string{`null`, `[]`, `["(helpful_resolution)"]`, `["(helpful_resolution)","(fast_response)"]`}
	resolutions  = []string{`true`, `false`, `null`}
	styles       = []string{`"EMOJI"`, `"NUMERIC"`, `"THUMBS"`}
	surveys      = []string{`"end_chat"`, `"proactive"`}
	articleNames = []string{`"Where is my order?"`, `"Retours & remboursements"`, `"Change your address \u2013 step by step"`}
	sources      = []string{`"zendesk"`, `"web"`, `null`}
	outcomes     = []string{`"completed"`, `"abandoned"`, `null`}
	playbookText = []string{`"Refund an order"`, `"Verify identity"`, `"Änderung der Adresse"`}
	coachings    = []string{`"improve_response"`, `"use_playbook"`, `null`}
	plans        = []string{`"pro"`, `"free"`, `"enterprise <EU>"`, `7`, `null`}
	answers      = []string{`"Greeting"`, `"Order status"`, `"Rückgabe & Erstattung"`}
	bodies       = []string{
		`Hi there 👋 How can I help?`, `Where is my order #10024?`, `It says \"pending\".\nSince Monday!`, `C'est où ? Merci d'avance…`,
		`\u003cb\u003eNo\u003c/b\u003e, the other one`, `荷物はまだ届いていません。`, `Tab\there, slash \/ there, back\\slash`, `\ud83d\ude80\ud83d\ude80`,
	}
	bigInteger = `9007199254740993` // one more than a float64 can hold
)

// conversationFields are the fields of a conversation, by name.
var conversationFields = []field{
	{"_id", v1x0, func(b []byte, m *made) []byte { return m.id(b) }},
	{"agent_handle_time", v1x4, func(b []byte, m *made) []byte {
		if !m.escalated() {
			return append(b, "null"...)
		}
		return m.seconds(b, dieAgentTime, 7200)
	}},
	{"agent_id", v1x2, func(b []byte, m *made) []byte { return m.agentList(b, appendAgentID) }},
	{"agent_name", v1x2, func(b []byte, m *made) []byte { return m.agentList(b, appendAgentName) }},
	{"automated_resolution_classification", v1x3, func(b []byte, m *made) []byte {
		return m.pick(b, dieResolved, []string{`"Resolved"`, `"Resolved"`, `"Not Resolved"`, `null`})
	}},
	{"automated_resolution_classification_reason", v1x3, func(b []byte, m *made) []byte {
		if m.roll(dieResolved, 4) == 3 {
			return append(b, "null"...)
		}
		return append(m.prose(append(b, '"'), dieReason, 80+m.roll(dieFillerSize, 80)), '"')
	}},
	{"bot_handle_time", v1x4, func(b []byte, m *made) []byte { return m.seconds(b, dieBotTime, 600) }},
	{"browser", v1x2, func(b []byte, m *made) []byte { return m.pick(b, dieBrowser, browsers) }},
	{"browser_version", v1x2, func(b []byte, m *made) []byte { return m.pick(b, dieBrowser, versions) }},
	{"chatter_id", v1x0, func(b []byte, m *made) []byte { return appendObjectID(b, m.talk) }},
	{"classifications", v2, appendClassifications},
	{"csat", v1x0, appendCSAT},
	{"date_created", v1x0, func(b []byte, m *made) []byte { return m.timestamp(b, m.created) }},
	{"date_updated", v1x0, func(b []byte, m *made) []byte { return m.timestamp(b, m.entry.updated) }},
	{"device", v1x2, func(b []byte, m *made) []byte { return m.pick(b, dieDevice, devices) }},
	{"end_user_id", v1x4, func(b []byte, m *made) []byte {
		if m.roll(dieEndUser, 5) == 0 {
			return append(b, "null"...)
		}
		return m.objectID(b, dieEndUser)
	}},
	{"generated_topic_id", v1x4, func(b []byte, m *made) []byte { return m.topicID(b, 1) }},
	{"generated_topic_label", v1x4, func(b []byte, m *made) []byte { return m.topic(b) }},
	{"generated_topic_v2_desc", v1x4, func(b []byte, m *made) []byte {
		if !m.hasTopic() {
			return append(b, "null"...)
		}
		return append(m.prose(append(b, '"'), dieTopic, 60), '"')
	}},
	{"generated_topic_v2_id", v1x4, func(b []byte, m *made) []byte { return m.topicID(b, 2) }},
	{"generated_topic_v2_parent_id", v1x4, func(b []byte, m *made) []byte {
		if m.roll(dieTopicParent, 2) == 0 {
			return append(b, "null"...)
		}
		return m.topicID(b, 3)
	}},
	{"generated_topic_v2_title", v1x4, func(b []byte, m *made) []byte { return m.topic(b) }},
	{"inquiry_summary", v1x4, func(b []byte, m *made) []byte {
		return append(m.prose(append(b, '"'), dieSummary, 60+m.roll(dieBody, 60)), '"')
	}},
	{"is_engaged", v1x0, func(b []byte, m *made) []byte {
		return strconv.AppendBool(b, m.escalated() || m.roll(dieEngaged, 5) > 0)
	}},
	{"is_escalated", v1x0, func(b []byte, m *made) []byte { return strconv.AppendBool(b, m.escalated()) }},
	{"is_test_user", v1x2, func(b []byte, m *made) []byte { return strconv.AppendBool(b, m.roll(dieTestUser, 20) == 0) }},
	{"language", v1x2, func(b []byte, m *made) []byte { return m.pick(b, dieLanguage, languages) }},
	{"last_agent_id", v2, func(b []byte, m *made) []byte { return m.lastAgent(b, appendAgentID) }},
	{"last_agent_name", v2, func(b []byte, m *made) []byte { return m.lastAgent(b, appendAgentName) }},
	{"metavariables", v1x0, appendMetavariables},
	{"oauth_channel", v1x2, func(b []byte, m *made) []byte { return m.pick(b, dieChannel, channels) }},
	{"platform", v1x0, func(b []byte, m *made) []byte { return m.pick(b, diePlatform, platforms) }},
	{"record_last_updated", v1x4, func(b []byte, m *made) []byte {
		if m.roll(dieUploaded, 10) == 0 {
			return append(b, "null"...)
		}
		return m.uploaded(b)
	}},
	{"used_articles", v2, appendUsedArticles},
	{"used_coaching", v2, appendUsedCoaching},
	{"used_playbooks", v2, appendUsedPlaybooks},
	{"variables", v1x0, appendVariables},
}

func (m *made) hasTopic() bool { return m.roll(dieClassified, 4) > 0 }

func (m *made) topic(b []byte) []byte {
	if !m.hasTopic() {
		return append(b, "null"...)
	}
	return m.pick(b, dieTopic, topics)
}

// topicID appends the id of the conversation's topic, of one of its kinds.
func (m *made) topicID(b []byte, kind uint64) []byte {
	if !m.hasTopic() {
		return append(b, "null"...)
	}
	return appendObjectID(b, mix(kind<<8|uint64(m.roll(dieTopic, len(topics)))))
}

func appendClassifications(b []byte, m *made) []byte {
	if !m.hasTopic() {
		return append(b, "[]"...)
	}
	b = append(b, `[{"topic_id":`...)
	b = m.topicID(b, 4)
	b = append(b, `,"topic_name":`...)
	b = m.topic(b)
	b = append(b, `,"intents":[`...)
	for i := range m.roll(dieIntents, 3) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"intent_id":`...)
		b = appendObjectID(b, mix(m.hash+uint64(i)))
		b = append(b, `,"intent_name":`...)
		b = append(b, topics[(m.roll(dieTopic, len(topics))+i)%len(topics)]...)
		b = append(b, `,"status":`...)
		b = m.pick(b, dieStatus, statuses)
		b = append(b, '}')
	}
	return append(b, "]}]"...)
}

func appendCSAT(b []byte, m *made) []byte {
	if m.roll(dieHasCSAT, 3) > 0 {
		return append(b, "null"...)
	}
	score := 1 + m.roll(dieCsatScore, 5)
	b = append(b, `{"comment":`...)
	b = m.pick(b, dieCsatComment, comments)
	b = append(b, `,"feedback":`...)
	b = m.pick(b, dieCsatFeedback, feedbacks)
	b = append(b, `,"is_positive":`...)
	b = strconv.AppendBool(b, score > 3)
	b = append(b, `,"resolved":`...)
	b = m.pick(b, dieResolved, resolutions)
	b = append(b, `,"score":`...)
	b = strconv.AppendInt(b, int64(score), 10)
	b = append(b, `,"style":`...)
	b = m.pick(b, dieCsatStyle, styles)
	b = append(b, `,"survey_type":`...)
	b = m.pick(b, dieCsatSurvey, surveys)
	return append(b, '}')
}

func appendMetavariables(b []byte, m *made) []byte {
	b = append(b, `{"browser":`...)
	b = m.pick(b, dieBrowser, browsers)
	b = append(b, `,"browser_version":`...)
	b = m.pick(b, dieBrowser, versions)
	b = append(b, `,"device":`...)
	b = m.pick(b, dieDevice, devices)
	b = append(b, `,"initialurl":"https://www.example.com/help?from=menu&lang=`...)
	b = strconv.AppendInt(b, int64(m.roll(dieLanguage, 9)), 10)
	b = append(b, `","introshown":"False","language":`...)
	b = m.pick(b, dieLanguage, languages)
	b = append(b, `,"last_answer_id":`...)
	b = m.objectID(b, dieAnswer)
	b = append(b, `,"last_question_asked":`...)
	b = m.pick(b, dieCsatComment, comments)
	b = append(b, `,"test_user":"`...)
	if m.roll(dieTestUser, 20) == 0 {
		b = append(b, '1')
	} else {
		b = append(b, '0')
	}
	return append(b, `","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"}`...)
}

func appendUsedArticles(b []byte, m *made) []byte {
	b = append(b, '[')
	for i := range m.roll(dieArticles, 3) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = appendObjectID(b, mix(m.hash^uint64(i)))
		b = append(b, `,"name":`...)
		b = append(b, articleNames[(m.roll(dieBody, 7)+i)%len(articleNames)]...)
		if b = append(b, `,"url":`...); i == 0 {
			b = append(b, `"https://help.example.com/articles/`...)
			b = strconv.AppendInt(b, int64(m.roll(dieNumber, 100_000)), 10)
			b = append(b, '"')
		} else {
			b = append(b, "null"...)
		}
		b = append(b, `,"source":`...)
		b = m.pick(b, dieArticles, sources)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendUsedCoaching(b []byte, m *made) []byte {
	if m.roll(dieCoaching, 4) > 0 {
		return append(b, "[]"...)
	}
	b = append(b, `[{"id":`...)
	b = m.objectID(b, dieCoaching)
	b = append(b, `,"entity_name":`...)
	b = m.pick(b, dieIntents, articleNames)
	b = append(b, `,"coaching_type":`...)
	b = m.pick(b, dieCoaching, coachings)
	b = append(b, `,"coaching_instructions":"Ask for the order's number first.","coaching_intent":`...)
	b = m.pick(b, dieCsatComment, comments)
	return append(b, "}]"...)
}

func appendUsedPlaybooks(b []byte, m *made) []byte {
	if m.roll(diePlaybooks, 3) > 0 {
		return append(b, "[]"...)
	}
	b = append(b, `[{"id":`...)
	b = m.objectID(b, diePlaybooks)
	b = append(b, `,"name":`...)
	b = m.pick(b, dieStatus, playbookText)
	b = append(b, `,"playbook_execution_id":`...)
	if m.roll(dieIntents, 2) == 0 {
		b = append(b, "null"...)
	} else {
		b = m.objectID(b, dieStatus)
	}
	b = append(b, `,"outcome_status":`...)
	b = m.pick(b, dieVariable, outcomes)
	return append(b, "}]"...)
}

func appendVariables(b []byte, m *made) []byte {
	b = append(b, `{"name":`...)
	b = m.pick(b, dieName, firstNames)
	b = append(b, `,"plan":`...)
	b = m.pick(b, diePlan, plans)
	if m.roll(dieAccount, 5) == 0 {
		b = append(b, `,"account_number":`+bigInteger...)
	}
	b = append(b, `,"order":{"number":"`...)
	b = strconv.AppendInt(b, int64(10_000+m.roll(dieNumber, 90_000)), 10)
	b = append(b, `","total":`...)
	b = m.seconds(b, dieVariable, 500)
	b = append(b, `,"open":`...)
	b = strconv.AppendBool(b, m.roll(dieVariable, 2) == 0)
	b = append(b, `,"items":["lamp","søjle \"B\"",null]},"notes":"`...)
	const rest = 2150 // the bytes of everything else, about
	if room := m.batch.size - rest; room > 0 {
		b = m.prose(b, dieFiller, room*3/4+m.roll(dieFillerSize, room/2+1))
	}
	return append(b, `"}`...)
}

// messageFields are the fields of a message, by name.
var messageFields = []field{
	{"_id", v1x0, func(b []byte, m *made) []byte { return m.id(b) }},
	{"answer_id", v1x2, func(b []byte, m *made) []byte {
		if !m.answered() {
			return append(b, "null"...)
		}
		return m.objectID(b, dieAnswerID)
	}},
	{"answer_title", v1x0, func(b []byte, m *made) []byte {
		if !m.answered() {
			return append(b, "null"...)
		}
		return m.pick(b, dieAnswer, answers)
	}},
	{"chatter_id", v1x1, func(b []byte, m *made) []byte { return appendObjectID(b, m.talk) }},
	{"conversation_id", v1x0, func(b []byte, m *made) []byte {
		if m.detail != nil {
			return append(b, quote(m.detail.conversation)...)
		}
		b = append(b, '"')
		b = m.batch.appendID(b, conversations, m.number/uint32(m.batch.MessagesPer))
		return append(b, '"')
	}},
	{"date_created", v1x0, func(b []byte, m *made) []byte { return m.timestamp(b, m.created) }},
	{"in_response_to", v1x4, func(b []byte, m *made) []byte {
		if m.detail != nil || m.step == 0 || m.roll(dieReply, 2) == 0 {
			return append(b, "null"...)
		}
		b = append(b, '"')
		b = m.batch.appendID(b, messages, m.number-1)
		return append(b, '"')
	}},
	{"link_was_clicked", v1x2, func(b []byte, m *made) []byte { return m.pick(b, dieClicked, []string{"null", "true", "false"}) }},
	{"message_data", v1x0, func(b []byte, m *made) []byte {
		return contents[m.content%len(contents)](b, m)
	}},
	{"recipient", v1x0, func(b []byte, m *made) []byte {
		if m.bySomeone() == "" {
			return append(b, `"ada"`...)
		}
		return appendUUID(b, m.talk)
	}},
	{"record_last_updated", v1x4, func(b []byte, m *made) []byte { return m.uploaded(b) }},
	{"review", v1x0, func(b []byte, m *made) []byte { return m.pick(b, dieReview, []string{"0", "0", "0", "1", "-1"}) }},
	{"sender", v1x0, func(b []byte, m *made) []byte {
		if by := m.bySomeone(); by != "" {
			return append(b, by...)
		}
		return appendUUID(b, m.talk)
	}},
}

// bySomeone returns who sent the message, as JSON, if that was not the chatter.
func (m *made) bySomeone() string {
	if m.content%len(contents) == 0 {
		return ""
	}
	return []string{``, `"bot"`, `"bot"`, `"agent"`}[m.roll(dieSender, 4)]
}

// answered says whether the message is an answer of the bot that somebody wrote.
func (m *made) answered() bool { return m.bySomeone() == `"bot"` && m.roll(dieAnswered, 3) > 0 }

// contents are the forms of message_data. The first one opens conversations.
var contents = []func(b []byte, m *made) []byte{
	func(b []byte, m *made) []byte {
		b = append(b, `{"_type":"greeting","external_chat_id":`...)
		b = appendUUID(b, mix(m.talk))
		return append(b, `,"reviewable_message":false}`...)
	},
	appendText,
	appendText,
	func(b []byte, m *made) []byte {
		b = append(b, `{"_type":"meta","meta_message_data":{"id":`...)
		b = m.objectID(b, dieVariable)
		b = append(b, `,"name":"last_answer_id","new_value":`...)
		b = m.objectID(b, dieAnswerID)
		b = append(b, `,"old_value":`...)
		b = m.pick(b, dieVariable, []string{"null", `"chrome"`})
		return append(b, `,"scope":"meta"},"meta_message_type":"variable_change"}`...)
	},
	appendText,
	func(b []byte, m *made) []byte {
		b = append(b, `{"_type":"quick_replies","has_variables":false,"is_forced":true,"quick_replies":[`...)
		for i := range 1 + m.roll(dieNumber, 3) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"button_type":"suggestion","label":`...)
			b = append(b, topics[(m.roll(dieTopic, 9)+i)%len(topics)]...)
			b = append(b, `,"target":`...)
			b = appendObjectID(b, mix(m.hash+uint64(i)))
			b = append(b, '}')
		}
		return append(b, `],"reviewable_message":true}`...)
	},
	func(b []byte, m *made) []byte {
		b = append(b, `{"_type":"trigger","body":`...)
		b = m.pick(b, dieTopic, topics)
		b = append(b, `,"button_type":"suggestion","external_chat_id":`...)
		b = appendUUID(b, mix(m.talk))
		return append(b, `,"reviewable_message":false}`...)
	},
	appendText,
	func(b []byte, m *made) []byte {
		b = append(b, `{"_type":"tool_call","tool_name":"order_lookup","tool_type":"action","arguments":{"order":`+bigInteger+`,"note":"`...)
		b = m.text(b)
		return append(b, `"},"status":"succeeded"}`...)
	},
	func(b []byte, m *made) []byte {
		b = append(b, `{"_type":"picture","alt_text":"`...)
		b = m.text(b)
		return append(b, `","has_variables":false,"pic_url":"https://static.example.com/images/lamp.gif","reviewable_message":false}`...)
	},
	appendText,
	func(b []byte, m *made) []byte {
		b = append(b, `{"_type":"link","alt_text":"","generate_link_preview":true,"has_variables":false,"is_handoff":false,"link_description":"`...)
		b = m.text(b)
		return append(b, `","link_icon":"","link_text":"Read more","new_window":true,"raw_url":"https://www.example.com/?a=1&b=2","reviewable_message":false,"title":"","url":"https://www.example.com/?a=1&b=2"}`...)
	},
	func(b []byte, m *made) []byte {
		b = append(b, `{"_type":"web_window","has_forced_quick_replies":true,"has_variables":false,"is_handoff":false,"locked":false,"raw_url":"https://www.example.com","reviewable_message":true,"window_button_label":"Open","window_height":568,"window_title":"`...)
		b = m.text(b)
		return append(b, `","window_url":"https://www.example.com","window_width":320}`...)
	},
	appendText,
	func(b []byte, m *made) []byte {
		b = append(b, `{"_type":"csat_shown","sms_text":"`...)
		b = m.text(b)
		b = append(b, `","survey_type":`...)
		b = m.pick(b, dieCsatSurvey, surveys)
		return append(b, '}')
	},
	func(b []byte, m *made) []byte {
		score := 1 + m.roll(dieCsatScore, 5)
		b = append(b, `{"_type":"csat","is_positive":`...)
		b = strconv.AppendBool(b, score > 3)
		b = append(b, `,"score":`...)
		b = strconv.AppendInt(b, int64(score), 10)
		b = append(b, `,"style":`...)
		b = m.pick(b, dieCsatStyle, styles)
		b = append(b, `,"survey_type":`...)
		b = m.pick(b, dieCsatSurvey, surveys)
		return append(b, '}')
	},
	func(b []byte, m *made) []byte {
		b = append(b, `{"_type":"sms_consent_asked","body":"`...)
		b = m.text(b)
		return append(b, `"}`...)
	},
	// What Ada does not document: the set of types is open.
	func(b []byte, m *made) []byte {
		b = append(b, `{"_type":"carousel","cards":[{"caption":"`...)
		b = m.text(b)
		return append(b, `","image":null}]}`...)
	},
}

func appendText(b []byte, m *made) []byte {
	b = append(b, `{"_type":"text","body":"`...)
	b = m.text(b)
	b = append(b, `","has_variables":`...)
	b = strconv.AppendBool(b, m.roll(dieVariable, 3) == 0)
	return append(b, `,"reviewable_message":true}`...)
}

// text appends the text of a message, as long as messages are to be.
func (m *made) text(b []byte) []byte {
	b = m.pick(b, dieBody, bodies)
	const rest = 560 // the bytes of everything else, about
	if room := m.batch.size - rest; room > 0 {
		b = append(b, ' ')
		b = m.prose(b, dieFiller, room*3/4+m.roll(dieFillerSize, room/2+1))
	}
	return b
}
