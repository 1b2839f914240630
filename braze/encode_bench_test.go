package braze

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada"
)

var benchTime = time.Date(2026, 6, 1, 12, 30, 0, 0, time.UTC)

// benchAttributes returns attributes, and the map that encoding/json makes the same JSON of.
func benchAttributes() (Attributes, map[string]any) {
	custom := Custom{
		"plan": "pro", "seats": 12, "ratio": 0.75, "trial": false, "topics": []any{"refunds", "shipping", "returns"},
		"address":              map[string]any{"city": "São Paulo", "zip": "01310-100", "geo": map[string]any{"lat": -23.5, "lon": -46.6}},
		"last_conversation_at": benchTime, "summary": "asked about a refund, and was told how to get one",
	}
	same := map[string]any{"external_id": "crm-42", "first_name": "Ada", "language": "pt", "email": "ada@example.com"}
	maps.Copy(same, custom)
	return Attributes{
		User: ExternalID("crm-42"), FirstName: ada.Set("Ada"), Language: ada.Set("pt"), Email: ada.Set("ada@example.com"), Custom: custom,
	}, same
}

func TestBenchmarksEncodeTheSame(t *testing.T) {
	a, same := benchAttributes()
	delete(a.Custom, "last_conversation_at") // which has milliseconds with us
	delete(same, "last_conversation_at")
	e := &encoder{}
	e.attributes(&a)
	var got, want any
	ours, err := json.Marshal(same)
	if err != nil || json.Unmarshal(e.out, &got) != nil || json.Unmarshal(ours, &want) != nil {
		t.Fatal(err, string(e.out))
	}
	a1, _ := json.Marshal(got)
	a2, _ := json.Marshal(want)
	if string(a1) != string(a2) || len(e.faults) > 0 {
		t.Errorf("%s\n%s\n%v", a1, a2, e.faults)
	}
}

// Checking included, beside encoding/json alone.
func BenchmarkEncode(b *testing.B) {
	a, same := benchAttributes()
	b.Run("braze", func(b *testing.B) {
		b.ReportAllocs()
		e := &encoder{}
		for b.Loop() {
			e.out = e.out[:0]
			e.attributes(&a)
		}
		b.SetBytes(int64(len(e.out)))
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		var out []byte
		for b.Loop() {
			out, _ = json.Marshal(same)
		}
		b.SetBytes(int64(len(out)))
	})
}
