package webhooks

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The vector that the libraries of Svix and Standard Webhooks share in every language.
const (
	secretA    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secretB    = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	idA        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	timestampA = "1614265330"
	bodyA      = `{"test": 2432232314}`
	signatureA = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var timeA = time.Unix(1614265330, 0)

func at(seconds int64) func() time.Time { return func() time.Time { return time.Unix(seconds, 0) } }

func newVerifier(t testing.TB, secret string, more ...string) *Verifier {
	t.Helper()
	v, err := NewVerifier(secret, more...)
	if err != nil {
		t.Fatal(err)
	}
	return v.WithClock(at(timeA.Unix()))
}

// headers returns headers of svix-*, or of webhook-* if so told.
func headers(standard bool, id, timestamp, signature string) http.Header {
	f := svixHeaders
	if standard {
		f = standardHeaders
	}
	return http.Header{f.id: {id}, f.timestamp: {timestamp}, f.signature: {signature}}
}

func headersA() http.Header { return headers(false, idA, timestampA, signatureA) }

func TestVectors(t *testing.T) {
	vectors := []struct {
		name, secret, id, timestamp, body, signature string
	}{
		{"A", secretA, idA, timestampA, bodyA, signatureA},
		{"A, no prefix", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", idA, timestampA, bodyA, signatureA},
		{"A, blanks around the secret", " \t" + secretA + "\r\n", idA, timestampA, bodyA, signatureA},
		{"B", secretB, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1649367553", `{"email":"test@example.com","username":"test_user"}`, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="},
		{"C1", secretA, idA, timestampA, strings.Repeat("a", 1<<20), "v1,txpEUxqWZJ5nteTnymUVa+7C4NHpBeXJ6CsBAW0c3/A="},
		{"C2", secretA, idA, timestampA, strings.Repeat("a", 1<<18), "v1,Mw4Pe2WgApuT7NSqnSq0PQPV9gbLdggCl9B865x5Xh0="},
		{"C3", secretA, idA, timestampA, strings.Repeat("a", 1<<18-1), "v1,NTItnqyWMoFhk2Bbe5V/BMdcFRWgcSQaTgqLHX7FC7c="},
		{"D", "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=", "wh_685c059ae39c8190af8c71ed1022a24d", "1750861210", `{"id": "evt_685c059ae3a481909bdc86819b066fb6", "object": "event", "created_at": 1750861210, "type": "response.completed", "data": {"id": "resp_123"}}`, "v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY="},
		{"F: no body", secretA, idA, timestampA, "", "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A="},
		{"G: byte order mark", secretA, idA, timestampA, "\ufeff{}", "v1,c6GTItmAwbOx6p4W1z3UPeZOoWZFPBiNo46aigDIswc="},
		{"H: CRLF", secretA, idA, timestampA, "{\r\n}", "v1,ACcXNsVt39ifCzxPc6VvLNvcO6bXQ0b+w6EWf6DFBSE="},
		{"I: beyond ASCII", secretA, idA, timestampA, `{"n":"Zoë 🙂"}`, "v1,f6Yw2lGOIKg7HiRKhvs/PUjzVNHO2/LLAQccXIaHWHs="},
		{"J: no UTF-8", secretA, idA, timestampA, "\xff\xfe\x00", "v1,3jg4eW7u8bRdDDGq2uq+cH74GMn0QRxtzvZDV5Akycg="},
		{"K: the other secret", secretB, idA, timestampA, bodyA, "v1,78nXHjpFP0tVJQW5D0SBwmVyyW87BV/rL6MgfM/Bw44="},
		{"L: long secret", "whsec_TUdfVE5UMnZlci1TeWxOYXQtX1ZlTW1kLTRtMFdhYmEwanIxdHJvenRCbmlTQ2hFdzBnbHhFbWdFaTJLdzQwSA==", idA, timestampA, "{}", "v1,8CQYlJJrQ5cyJuYywy84749a9srlwZctM5Z5wTnWaaQ="},
	}
	for _, tt := range vectors {
		t.Run(tt.name, func(t *testing.T) {
			seconds, err := strconv.ParseInt(tt.timestamp, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			v := newVerifier(t, tt.secret).WithClock(at(seconds))
			for _, standard := range []bool{false, true} {
				m, err := v.Verify(headers(standard, tt.id, tt.timestamp, tt.signature), []byte(tt.body))
				if err != nil || m.ID != tt.id || m.Timestamp.Unix() != seconds || m.Timestamp.Location() != time.UTC {
					t.Errorf("webhook-* %v: %+v, %v", standard, m, err)
				}
				if _, err := v.Verify(headers(standard, tt.id, tt.timestamp, tt.signature), []byte(tt.body+" ")); !errors.Is(err, ErrSignature) {
					t.Errorf("webhook-* %v, longer body: %v, want ErrSignature", standard, err)
				}
			}
			if got := v.Sign(tt.id, time.Unix(seconds, 0), []byte(tt.body)).Get("svix-signature"); got != tt.signature {
				t.Errorf("signed %s, want %s", got, tt.signature)
			}
		})
	}
}

func TestSignatureHeader(t *testing.T) {
	const other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
	const asymmetric = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
	bare := strings.TrimPrefix(signatureA, "v1,")
	for header, genuine := range map[string]bool{
		signatureA:                             true,
		signatureA + " " + other:               true,
		other + " " + signatureA:               true,
		other + " " + signatureA + " " + other: true,
		signatureA + " " + signatureA:          true,
		asymmetric + " " + signatureA:          true,
		"v2,x " + signatureA:                   true,
		"v1,%%% " + signatureA:                 true,
		"v1 v1, , ,, " + signatureA:            true,
		" " + signatureA + "  ":                true,

		// Published as wrong.
		other: false,
		"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=": false,
		"v1,dawfeoifkpqwoekfpqoekf":                       false,
		"v1,R3PTzyfHASBKHH98a7yexTwaJ4yNIcGhFQc1yuN+BPU=": false,
		"tFtCZ5RDCPxzWQRWXWPgrCgE2frDBe9gjpbWQxnVfsQ=":    false,
		"Mm7xgUVICxZfQ3bgf0h0Dof65L/IFx+PnZvnDWPCX6Q=":    false,
		"9DfC1c3eeOrXB6w/5dIDydLNQaEyww5KalE5jLBZucE=":    false,
		"BAD_SIG_NATURE": false,

		asymmetric:               false,
		other + " " + other:      false,
		bare:                     false,
		"v1":                     false,
		"v1,":                    false,
		" ":                      false,
		"v1a," + bare:            false,
		"v2," + bare:             false,
		"V1," + bare:             false,
		"v1=" + bare:             false,
		"v1, " + bare:            false,
		"v1,v1," + bare:          false,
		signatureA + ",x":        false, // both libraries accept it
		signatureA + ",":         false,
		signatureA + "=":         false,
		signatureA[:8]:           false,
		signatureA[:46]:          false, // no padding
		"v1," + bare[:42] + "F=": false, // other bits that belong to no byte
		"\t" + signatureA:        false,
		strings.ReplaceAll(strings.ReplaceAll(signatureA, "+", "-"), "/", "_"): false,
		signatureA + "," + signatureA:                                          false,
		signatureA + "\t" + signatureA:                                         false,
	} {
		_, err := newVerifier(t, secretA).Verify(headers(false, idA, timestampA, header), []byte(bodyA))
		if genuine && err != nil || !genuine && !errors.Is(err, ErrSignature) {
			t.Errorf("%q: %v", header, err)
		}
	}
}

func TestHeaders(t *testing.T) {
	// One captured delivery with an attacker's text in it, {"text":"hi.1614265630.bye"}, divided at another dot: it
	// would have a fresh timestamp and a new id.
	smuggled := headers(false, idA+`.1614265330.{"text":"hi`, "1614265630", "v1,lvFFNj6fDooRdICbfeRudB0m24mz560P0DtmvBIi4kY=")
	if _, err := newVerifier(t, secretA).WithClock(at(1614265630)).Verify(smuggled, []byte(`bye"}`)); !errors.Is(err, ErrHeaders) {
		t.Errorf("dots in the id: %v, want ErrHeaders", err)
	}

	// All are signed as they are given, so that nothing but the header is at fault.
	v := newVerifier(t, secretA)
	resigned := func(id, timestamp string) http.Header {
		return headers(false, id, timestamp, string(v.signers[0].Get().(*signer).sign(id, timestamp, []byte(bodyA))))
	}
	for _, timestamp := range []string{
		"+1614265330", "-1614265330", "0001614265330", "01614265330", " 1614265330", "1614265330 ", "1614265330\n",
		"1614265330.0", "1.614265330e9", "1_614_265_330", "0x60379972", "hello", "NaN", "-1", "+0", "-0", "00",
		"1614265330,1614265330", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"18446744075323816946", "1614265330000", "１６１４２６５３３０", "2021-02-25T15:02:10Z",
	} {
		if _, err := v.Verify(resigned(idA, timestamp), []byte(bodyA)); !errors.Is(err, ErrHeaders) {
			t.Errorf("timestamp %q: %v, want ErrHeaders", timestamp, err)
		}
		// The same with the signature over the canonical form, which is what the libraries check.
		if _, err := v.Verify(headers(false, idA, timestamp, signatureA), []byte(bodyA)); !errors.Is(err, ErrHeaders) {
			t.Errorf("timestamp %q: %v, want ErrHeaders", timestamp, err)
		}
	}
	for _, timestamp := range []string{"0", "1", "999999999999", "161426533000"} {
		if _, err := v.Verify(resigned(idA, timestamp), []byte(bodyA)); !errors.Is(err, ErrTimestamp) {
			t.Errorf("timestamp %q: %v, want ErrTimestamp", timestamp, err)
		}
	}
	for _, id := range []string{
		"msg.1", ".", "msg_1.", " msg", "msg 1", "msg\t1", "msg\n1", "msg\x00", "msg\x7f", "msg,1", "msg/1", "msg:1", "msg=",
		"zoë", "\xff", strings.Repeat("a", 257),
	} {
		if _, err := v.Verify(resigned(id, timestampA), []byte(bodyA)); !errors.Is(err, ErrHeaders) {
			t.Errorf("id %q: %v, want ErrHeaders", id, err)
		}
	}
	for _, id := range []string{"a", "-", "_", "0", "msg_AZaz09-", strings.Repeat("a", 256)} {
		if m, err := v.Verify(resigned(id, timestampA), []byte(bodyA)); err != nil || m.ID != id {
			t.Errorf("id %q: %v", id, err)
		}
	}
}

func TestFamilies(t *testing.T) {
	v := newVerifier(t, secretA, secretB)
	elsewhere := v.Sign("msg_other", timeA, []byte(bodyA))
	tests := []struct {
		name   string
		change func(h http.Header)
		want   error
	}{
		{"svix-* only", func(http.Header) {}, nil},
		{"both, the same", func(h http.Header) { both(h, headersA()) }, nil},
		{"both, webhook-* for another message", func(h http.Header) { both(h, elsewhere) }, ErrHeaders},
		{"both, forged svix-* before webhook-*", func(h http.Header) {
			both(h, headersA())
			h.Set("svix-id", "msg_forged")
		}, ErrHeaders},
		{"both, other order of signatures", func(h http.Header) {
			both(h, headersA())
			h.Set("webhook-signature", "v1,x "+signatureA)
		}, ErrHeaders},
		{"a part of webhook-* besides", func(h http.Header) { h.Set("webhook-id", idA) }, ErrHeaders},
		{"an empty part of webhook-* besides", func(h http.Header) { h.Set("webhook-id", "") }, ErrHeaders},
		{"webhook-* doubled besides", func(h http.Header) {
			both(h, headersA())
			h.Add("webhook-timestamp", timestampA)
		}, ErrHeaders},
		{"webhook-* and a part of svix-*", func(h http.Header) {
			both(h, headersA())
			h.Del("svix-timestamp")
		}, ErrHeaders},
		{"id of the other family", func(h http.Header) {
			h.Set("webhook-id", h.Get("svix-id"))
			h.Del("svix-id")
		}, ErrHeaders},
		{"signature of the other family", func(h http.Header) {
			h.Set("webhook-signature", h.Get("svix-signature"))
			h.Del("svix-signature")
		}, ErrHeaders},
		{"no headers", func(h http.Header) { clear(h) }, ErrHeaders},
		{"names that are not canonical", func(h http.Header) {
			clear(h)
			h["svix-id"], h["svix-timestamp"], h["svix-signature"] = []string{idA}, []string{timestampA}, []string{signatureA}
		}, ErrHeaders},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := headersA()
			tt.change(h)
			if _, err := v.Verify(h, []byte(bodyA)); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
	for _, standard := range []bool{false, true} {
		for name := range headers(standard, "", "", "") {
			for what, change := range map[string]func(h http.Header){
				"missing":              func(h http.Header) { h.Del(name) },
				"without values":       func(h http.Header) { h[name] = []string{} },
				"empty":                func(h http.Header) { h.Set(name, "") },
				"doubled":              func(h http.Header) { h.Add(name, h.Get(name)) },
				"doubled, another one": func(h http.Header) { h.Add(name, "another") },
				"doubled, empty first": func(h http.Header) { h[name] = []string{"", h.Get(name)} },
				"doubled, empty next":  func(h http.Header) { h.Add(name, "") },
			} {
				h := headers(standard, idA, timestampA, signatureA)
				change(h)
				if _, err := v.Verify(h, []byte(bodyA)); !errors.Is(err, ErrHeaders) {
					t.Errorf("%s %s: %v, want ErrHeaders", name, what, err)
				}
			}
		}
	}
	if _, err := v.Verify(nil, nil); !errors.Is(err, ErrHeaders) {
		t.Errorf("nil header: %v", err)
	}
}

// both adds webhook-* with the values of svix-* in from.
func both(h, from http.Header) {
	for _, part := range []string{"id", "timestamp", "signature"} {
		h.Set("webhook-"+part, from.Get("svix-"+part))
	}
}

// TestOverHTTP has net/http bring the headers, in whatever case they are sent.
func TestOverHTTP(t *testing.T) {
	v := newVerifier(t, secretA)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		if _, err := v.Verify(r.Header, body.Bytes()); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer srv.Close()
	for _, prefix := range []string{"svix-", "SVIX-", "webhook-", "Webhook-"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, strings.NewReader(bodyA))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{prefix + "id": {idA}, prefix + "timestamp": {timestampA}, prefix + "signature": {signatureA}}
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", prefix, resp.Status)
		}
	}
}

func TestTolerance(t *testing.T) {
	tests := []struct {
		clock time.Duration // ahead of the timestamp
		want  error
	}{
		{0, nil},
		{Tolerance, nil},
		{-Tolerance, nil},
		{Tolerance + 1, ErrTimestamp},
		{-Tolerance - 1, ErrTimestamp},
		{Tolerance + time.Second, ErrTimestamp},
		{-Tolerance - time.Second, ErrTimestamp},
		{10 * time.Minute, ErrTimestamp},
		{-10 * time.Minute, ErrTimestamp},
		{time.Hour * 24 * 365 * 200, ErrTimestamp},
		{-time.Hour * 24 * 365 * 200, ErrTimestamp},
	}
	for _, tt := range tests {
		v := newVerifier(t, secretA).WithClock(func() time.Time { return timeA.Add(tt.clock) })
		if _, err := v.Verify(headersA(), []byte(bodyA)); !errors.Is(err, tt.want) {
			t.Errorf("clock %v ahead: %v, want %v", tt.clock, err, tt.want)
		}
	}
	for _, clock := range []time.Time{{}, time.Unix(0, 0), time.Unix(1<<62, 0), time.Unix(-1<<62, 0)} {
		v := newVerifier(t, secretA).WithClock(func() time.Time { return clock })
		if _, err := v.Verify(headersA(), []byte(bodyA)); !errors.Is(err, ErrTimestamp) {
			t.Errorf("clock at %v: %v, want ErrTimestamp", clock, err)
		}
	}
}

func TestClockJumps(t *testing.T) {
	clock := timeA
	v := newVerifier(t, secretA).WithClock(func() time.Time { return clock })
	for _, step := range []struct {
		jump time.Duration
		want error
	}{{0, nil}, {10 * time.Minute, ErrTimestamp}, {-20 * time.Minute, ErrTimestamp}, {10 * time.Minute, nil}} {
		clock = clock.Add(step.jump)
		if _, err := v.Verify(headersA(), []byte(bodyA)); !errors.Is(err, step.want) {
			t.Errorf("after %v: %v, want %v", step.jump, err, step.want)
		}
		if _, err := v.Verify(v.Sign(idA, clock, nil), nil); err != nil {
			t.Errorf("after %v: signed now: %v", step.jump, err)
		}
	}
}

func TestDefaultClock(t *testing.T) {
	v, err := NewVerifier(secretA)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []*Verifier{v, v.WithClock(nil), v.WithClock(at(0)).WithClock(time.Now)} {
		if _, err := v.Verify(v.Sign(idA, time.Now(), []byte(bodyA)), []byte(bodyA)); err != nil {
			t.Error(err)
		}
		if _, err := v.Verify(headersA(), []byte(bodyA)); !errors.Is(err, ErrTimestamp) {
			t.Errorf("%v, want ErrTimestamp", err)
		}
	}
	if other := v.WithClock(at(timeA.Unix())); other == v {
		t.Error("not a copy")
	}
}

func TestRotation(t *testing.T) {
	before, during, after := newVerifier(t, secretA), newVerifier(t, secretB, secretA), newVerifier(t, secretB)
	signedBefore, signedAfter := before.Sign(idA, timeA, []byte(bodyA)), after.Sign(idA, timeA, []byte(bodyA))
	signedDuring := headers(false, idA, timestampA, signedBefore.Get("svix-signature")+" "+signedAfter.Get("svix-signature"))
	for name, tt := range map[string]struct {
		v    *Verifier
		h    http.Header
		want error
	}{
		"old secret, signed with both":        {before, signedDuring, nil},
		"new secret, signed with both":        {after, signedDuring, nil},
		"both secrets, signed with both":      {during, signedDuring, nil},
		"both secrets, signed with the old":   {during, signedBefore, nil},
		"both secrets, signed with the new":   {during, signedAfter, nil},
		"new secret, signed with the old":     {after, signedBefore, ErrSignature},
		"old secret, signed with the new":     {before, signedAfter, ErrSignature},
		"both secrets, signed with the first": {during, during.Sign(idA, timeA, []byte(bodyA)), nil},
	} {
		if _, err := tt.v.Verify(tt.h, []byte(bodyA)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if got, want := during.Sign(idA, timeA, nil), after.Sign(idA, timeA, nil); got.Get("svix-signature") != want.Get("svix-signature") {
		t.Error("not signed with the first secret")
	}
}

func TestSecrets(t *testing.T) {
	encoded := func(n int) string { return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), n)) }
	for _, secret := range []string{
		"", " ", "\n", "whsec_", " whsec_\n", "w", "whsec_%", "whsec_wronglength", "whsec_YQ==", "bm90LXZhbGlkCg==",
		encoded(15), encoded(76), encoded(81), encoded(1000),
		"hwsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + secretA,
		"whsec_ MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjU\nPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjU\r\nPD8ILPZIo2LaLaSw",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr", // no padding
		"whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24-Aj40c=", // of the alphabet for URLs
		"whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40d=", // bits that belong to no byte
		secretA + " " + secretB, secretA + "," + secretB, `"` + secretA + `"`,
		"whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
		"whsk_6Xb/dCcHpPea21PS1N9VY", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa\x00w",
	} {
		v, err := NewVerifier(secret)
		if v != nil || err == nil {
			t.Errorf("%q: accepted", secret)
			continue
		}
		if !strings.Contains(err.Error(), "secret 0") {
			t.Errorf("%q: %v does not name the secret", secret, err)
		}
		if text := strings.TrimPrefix(strings.TrimSpace(secret), "whsec_"); len(text) > 8 && strings.Contains(err.Error(), text[:8]) {
			t.Errorf("%q: %v holds it", secret, err)
		}
		if v, err := NewVerifier(secretA, secretB, secret); v != nil || err == nil || !strings.Contains(err.Error(), "secret 2") {
			t.Errorf("%q as the third: %v, want an error that names secret 2", secret, err)
		}
	}
	for _, secret := range []string{encoded(16), encoded(24), encoded(64), encoded(75), secretA + "\n", "\t" + secretA + " "} {
		if _, err := NewVerifier(secret); err != nil {
			t.Errorf("%q: %v", secret, err)
		}
	}
}

func TestWithoutSecret(t *testing.T) {
	var none *Verifier
	for name, v := range map[string]*Verifier{"nil": none, "zero": {}, "nil with a clock": none.WithClock(time.Now)} {
		m, err := v.Verify(headersA(), []byte(bodyA))
		if err == nil || m != (Message{}) {
			t.Errorf("%s Verifier: accepted", name)
		}
	}
}

// countingMAC counts the sums made of a hash.
type countingMAC struct {
	hash.Hash
	n *int
}

func (m countingMAC) Sum(b []byte) []byte {
	*m.n++
	return m.Hash.Sum(b)
}

// TestOneHMAC counts HMACs: a delivery costs at most one for each secret, however many signatures it comes with.
func TestOneHMAC(t *testing.T) {
	var n int
	counting := func(v *Verifier) *Verifier {
		for i, pool := range v.signers {
			v.signers[i] = &sync.Pool{New: func() any { return &signer{mac: countingMAC{pool.New().(*signer).mac, &n}} }}
		}
		return v
	}
	one, two := counting(newVerifier(t, secretA)), counting(newVerifier(t, secretA, secretB))
	const wrong = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= "
	limit := strings.Repeat(wrong, 400)[:maxSignature-len(signatureA)-1] + " " + signatureA
	for name, tt := range map[string]struct {
		v         *Verifier
		signature string
		hmacs     int
		want      error
	}{
		"genuine":              {one, signatureA, 1, nil},
		"300 wrong":            {one, strings.Repeat(wrong, 300), 1, ErrSignature},
		"300 wrong, 2 secrets": {two, strings.Repeat(wrong, 300), 2, ErrSignature},
		"longest header":       {one, limit, 1, nil},
		"one byte longer":      {one, " " + limit, 0, ErrHeaders},
		"10,000 wrong":         {one, strings.Repeat(wrong, 10_000), 0, ErrHeaders},
		"all blanks":           {one, strings.Repeat(" ", maxSignature), 1, ErrSignature},
	} {
		n = 0
		_, err := tt.v.Verify(headers(false, idA, timestampA, tt.signature), []byte(bodyA))
		if !errors.Is(err, tt.want) || n != tt.hmacs {
			t.Errorf("%s: %d HMACs and %v, want %d and %v", name, n, err, tt.hmacs, tt.want)
		}
	}
}

// TestAllocations allows for pools that now and then are emptied; the race detector has them drop a part of what they
// get.
func TestAllocations(t *testing.T) {
	v := newVerifier(t, secretA)
	for _, size := range []int{0, 500, 1 << 20} {
		body := bytes.Repeat([]byte("a"), size)
		h := v.Sign(idA, timeA, body)
		h.Set("svix-signature", strings.Repeat("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= ", 100)+h.Get("svix-signature"))
		n := testing.AllocsPerRun(100, func() {
			if _, err := v.Verify(h, body); err != nil {
				t.Fatal(err)
			}
		})
		if n > 6 {
			t.Errorf("body of %d bytes: %v allocations", size, n)
		}
	}
}

func TestPrintsNoSecret(t *testing.T) {
	v := newVerifier(t, secretA, secretB)
	key, err := parseSecret(secretA)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "v", v, "value", *v)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "v", v, "value", *v)
	encoded, err := json.Marshal(map[string]any{"v": v})
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{logged.String(), string(encoded)}
	type holder struct {
		v     Verifier
		p     *Verifier
		Shown Verifier
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, value := range []any{v, *v, []*Verifier{v}, holder{*v, v, *v}, &holder{*v, v, *v}} {
			printed = append(printed, fmt.Sprintf(verb, value))
		}
	}
	for _, text := range printed {
		for _, secret := range []string{
			secretA[6:14], string(key[:4]), fmt.Sprintf("%x", key[:4]), fmt.Sprintf("%X", key[:4]),
			strings.Trim(fmt.Sprintf("%d", key[:4]), "[]"), strings.Trim(fmt.Sprintf("%#v", key[:3]), "[]byte{}"),
		} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds a secret", text)
			}
		}
	}
	if got, want := fmt.Sprintf("%v %+v %s", v, *v, v), "webhooks.Verifier webhooks.Verifier webhooks.Verifier"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	var none *Verifier
	if got := fmt.Sprint(none); got != "<nil>" {
		t.Errorf("printed %q", got)
	}
}

// TestErrorsHoldNothing has every refusal be one of a few constant texts.
func TestErrorsHoldNothing(t *testing.T) {
	v := newVerifier(t, secretA)
	seen := map[string]bool{}
	for _, h := range []http.Header{
		{},
		headers(false, "x.y", timestampA, signatureA),
		headers(false, idA, "soon", signatureA),
		headers(false, idA, "1", signatureA),
		headers(false, idA, "99999999999", signatureA),
		headers(false, "other", timestampA, signatureA),
		headers(false, idA, timestampA, strings.Repeat("v1,", maxSignature)),
		{"Svix-Id": {"a", "b"}, "Svix-Timestamp": {timestampA}, "Svix-Signature": {signatureA}},
		{"Svix-Id": {idA}, "Svix-Timestamp": {timestampA}, "Svix-Signature": {signatureA}, "Webhook-Id": {"c"}},
	} {
		m, err := v.Verify(h, []byte(bodyA))
		if err == nil || m != (Message{}) {
			t.Errorf("%v: accepted", h)
			continue
		}
		seen[err.Error()] = true
	}
	want := []string{
		"webhooks: no valid signature",
		"webhooks: timestamp outside of the tolerance: too new",
		"webhooks: timestamp outside of the tolerance: too old",
		"webhooks: unusable headers: given twice",
		"webhooks: unusable headers: incomplete",
		"webhooks: unusable headers: malformed id",
		"webhooks: unusable headers: malformed timestamp",
		"webhooks: unusable headers: signature header too long",
		"webhooks: unusable headers: svix-* and webhook-* differ",
	}
	var got []string
	for text := range seen {
		got = append(got, text)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("errors %q, want %q", got, want)
	}
}

func TestConcurrentUse(t *testing.T) {
	v := newVerifier(t, secretA, secretB)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				id, body := fmt.Sprintf("msg_%d_%d", i, j), bytes.Repeat([]byte{byte(i)}, j)
				if m, err := v.Verify(v.Sign(id, timeA, body), body); err != nil || m.ID != id {
					t.Errorf("%s: %v", id, err)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzVerify signs and verifies, and then has one bit wrong.
func FuzzVerify(f *testing.F) {
	f.Add(idA, timeA.Unix(), []byte(bodyA), uint(0))
	f.Add("a", int64(0), []byte{}, uint(7))
	f.Add(strings.Repeat("z", 256), int64(999999999999), []byte("\xff\x00"), uint(2050))
	f.Fuzz(func(t *testing.T, id string, seconds int64, body []byte, bit uint) {
		if !validID(id) || seconds < 0 || seconds > 999999999999 {
			t.Skip()
		}
		v := newVerifier(t, secretA).WithClock(at(seconds))
		h := v.Sign(id, time.Unix(seconds, 0), body)
		m, err := v.Verify(h, body)
		if err != nil || m.ID != id || m.Timestamp.Unix() != seconds {
			t.Fatalf("%+v, %v", m, err)
		}
		names := []string{"svix-id", "svix-timestamp", "svix-signature"}
		total := uint(len(body)) * 8
		for _, name := range names {
			total += uint(len(h.Get(name))) * 8
		}
		bit %= total
		flip := func(b []byte) bool {
			if bit < uint(len(b))*8 {
				b[bit/8] ^= 1 << (bit % 8)
				return true
			}
			bit -= uint(len(b)) * 8
			return false
		}
		body = bytes.Clone(body)
		if !flip(body) {
			for _, name := range names {
				value := []byte(h.Get(name))
				if flip(value) {
					h.Set(name, string(value))
					break
				}
			}
		}
		if _, err := v.Verify(h, body); err == nil {
			t.Errorf("accepted with a bit wrong: %q %q", h, body)
		}
	})
}

// FuzzSignatureHeader compares with the plainest reading of the header.
func FuzzSignatureHeader(f *testing.F) {
	for _, s := range []string{signatureA, "", "v1", "v1, " + signatureA, signatureA + ",x", "v1a,x " + signatureA, "  ", signatureA + "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := s != "" && len(s) <= maxSignature && slices.Contains(strings.Split(s, " "), signatureA)
		_, err := newVerifier(t, secretA).Verify(headers(false, idA, timestampA, s), []byte(bodyA))
		if got := err == nil; got != want {
			t.Errorf("%q: %v", s, err)
		}
	})
}
