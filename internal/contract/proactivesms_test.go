package contract

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"testing"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/proactivesms"
)

const triggerPath = "/api/campaigns/sms/trigger"

func trigger(t *testing.T, j judge) {
	type plan string
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	client := proactivesms.New(sdk(t, srv, j))
	messages := []proactivesms.Message{
		{CampaignKey: "renewals", PhoneNumber: "4165551234"},
		{CampaignKey: "renewals", PhoneNumber: "+1 (416) 555-1234", Language: "fr"},
		{CampaignKey: "renewals", PhoneNumber: "4165551234", MetaFields: map[string]any{
			"string":  "Ada",
			"empty":   "",
			"named":   plan("pro"),
			"true":    true,
			"false":   false,
			"int":     -12,
			"int64":   int64(math.MinInt64),
			"uint64":  uint64(math.MaxUint64),
			"float32": float32(0.1),
			"float64": math.MaxFloat64,
			"tiny":    math.SmallestNonzeroFloat64,
			"number":  json.Number("18.15e2"),
			"a b.c/d": "a key of other characters",
		}},
	}
	for i, m := range messages {
		if err := client.Trigger(t.Context(), m); err != nil {
			t.Errorf("Trigger of message %d: %v", i, err)
		}
	}
	if n := len(srv.Outbox()); n != len(messages) {
		t.Errorf("%d messages were sent, want %d", n, len(messages))
	}
}

// sms is the body of a trigger.
func sms(fields string) string {
	return `{"campaign_key":"renewals","recipient":{"meta_fields":{` + fields + `}}}`
}

// sendInvalidSMS sends what the SDK refuses to send, past it.
func sendInvalidSMS(t *testing.T, j judge) {
	srv := adatest.NewServer(t, adatest.RateLimit(0, 0))
	for _, body := range []string{
		`{`,
		`[]`,
		`{"recipient":{"meta_fields":{"phone_number":"4165551234"}}}`,
		`{"campaign_key":"renewals"}`,
		`{"campaign_key":"renewals","recipient":{}}`,
		`{"campaign_key":"renewals","language":5,"recipient":{"meta_fields":{"phone_number":"4165551234"}}}`,
		sms(``),
		sms(`"phone_number":4165551234`),
		sms(`"phone_number":"4165551234","list":[]`),
		sms(`"phone_number":"4165551234","null":null`),
	} {
		request{http.MethodPost, triggerPath, body}.expect(t, srv, j.forgiving(), http.StatusBadRequest)
	}
}

// failSMS leaves out the wrong key and the limit: Ada does not document what this API answers then.
func failSMS(t *testing.T, j judge) {
	failCalls(t, j, map[string]call{
		"proactivesms.Trigger": func(ctx context.Context, client *ada.Client) error {
			return proactivesms.New(client).Trigger(ctx, proactivesms.Message{CampaignKey: "renewals", PhoneNumber: "4165551234"})
		},
	}, adatest.Failure{Status: http.StatusInternalServerError})
}
