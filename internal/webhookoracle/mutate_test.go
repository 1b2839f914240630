package webhookoracle

import (
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// vector is a published delivery, or one with a published secret.
type vector struct {
	secret, id string
	seconds    int64
	body       string
	signature  string
}

const (
	secretA = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secretB = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	idA     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
)

// vectors are grouped by the time at which they are judged, in order.
var vectors = [][]vector{
	{
		{secretA, idA, 1614265330, `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		{secretA, idA, 1614265330, "", "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A="},
		{secretA, idA, 1614265330, "\ufeff{}", "v1,c6GTItmAwbOx6p4W1z3UPeZOoWZFPBiNo46aigDIswc="},
		{secretA, idA, 1614265330, "{\r\n}", "v1,ACcXNsVt39ifCzxPc6VvLNvcO6bXQ0b+w6EWf6DFBSE="},
		{secretA, idA, 1614265330, `{"n":"Zoë 🙂"}`, "v1,f6Yw2lGOIKg7HiRKhvs/PUjzVNHO2/LLAQccXIaHWHs="},
		{secretA, idA, 1614265330, "\xff\xfe\x00", "v1,3jg4eW7u8bRdDDGq2uq+cH74GMn0QRxtzvZDV5Akycg="},
		{secretB, idA, 1614265330, `{"test": 2432232314}`, "v1,78nXHjpFP0tVJQW5D0SBwmVyyW87BV/rL6MgfM/Bw44="},
		{"whsec_TUdfVE5UMnZlci1TeWxOYXQtX1ZlTW1kLTRtMFdhYmEwanIxdHJvenRCbmlTQ2hFdzBnbHhFbWdFaTJLdzQwSA==", idA, 1614265330, `{}`, "v1,8CQYlJJrQ5cyJuYywy84749a9srlwZctM5Z5wTnWaaQ="},
		// Signed once, and divided anew at another dot of the body: here the body before the division.
		{secretA, idA, 1614265330, `{"text":"hi.1614265630.bye"}`, "v1,lvFFNj6fDooRdICbfeRudB0m24mz560P0DtmvBIi4kY="},
	},
	{
		{secretB, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553, `{"email":"test@example.com","username":"test_user"}`, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="},
	},
	{
		{"whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=", "wh_685c059ae39c8190af8c71ed1022a24d", 1750861210, `{"id": "evt_685c059ae3a481909bdc86819b066fb6", "object": "event", "created_at": 1750861210, "type": "response.completed", "data": {"id": "resp_123"}}`, "v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY="},
	},
}

// message is a delivery in parts, which mutators change before it is signed, or after.
type message struct {
	secrets       []string
	key           string // the secret that signs
	id, timestamp string
	body          []byte
	entries       []string // of the signature header; made from the rest unless given
	space         string   // between the entries
	family        string   // "Svix", "Webhook" or "both"
	d             delivery // once signed
}

// newMessage returns a vector, or a valid delivery at random.
func newMessage(r *rand.Rand, group []vector) *message {
	m := &message{space: " ", family: []string{"Svix", "Webhook", "both"}[r.IntN(3)]}
	if r.IntN(2) == 0 {
		v := group[r.IntN(len(group))]
		m.key, m.id, m.timestamp, m.body = v.secret, v.id, strconv.FormatInt(v.seconds, 10), []byte(v.body)
		m.entries = []string{v.signature}
	} else {
		m.key = "whsec_" + encode(random(r, 16+r.IntN(60)))
		m.id = "msg_" + text(r, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", r.IntN(40))
		m.timestamp = strconv.FormatInt(time.Now().Unix()+int64(r.IntN(601)-300), 10)
		m.body = random(r, r.IntN(300))
	}
	m.secrets = []string{m.key}
	if r.IntN(4) == 0 {
		m.secrets = append(m.secrets, "whsec_"+encode(random(r, 24)))
		shuffle(r, m.secrets)
	}
	return m
}

// mutate returns the delivery with one to four mutations, and their names.
func (m *message) mutate(r *rand.Rand) (*delivery, []string) {
	var chosen []int
	for range 1 + r.IntN(4) {
		chosen = append(chosen, r.IntN(len(mutators)))
	}
	slices.Sort(chosen) // those before signing come first
	chosen = slices.Compact(chosen)
	var steps []string
	signed := false
	for _, i := range chosen {
		if !signed && mutators[i].after {
			m.sign(r)
			signed = true
		}
		mutators[i].do(r, m)
		steps = append(steps, mutators[i].name)
	}
	if !signed {
		m.sign(r)
	}
	m.d.secrets = m.secrets
	return &m.d, steps
}

// sign makes the delivery.
func (m *message) sign(r *rand.Rand) {
	if m.entries == nil {
		m.entries = []string{sign(m.key, m.id, m.timestamp, m.body)}
	}
	m.d.body = m.body
	m.d.header = http.Header{}
	for _, f := range []string{"Svix", "Webhook"} {
		if m.family == f || m.family == "both" {
			m.d.header[f+"-Id"] = []string{m.id}
			m.d.header[f+"-Timestamp"] = []string{m.timestamp}
			m.d.header[f+"-Signature"] = []string{strings.Join(m.entries, m.space)}
		}
	}
}

// change has a header changed in every family that has it, or now and then in one only.
func (m *message) change(r *rand.Rand, part string, do func(s string) string) {
	one := r.IntN(8) == 0
	for _, f := range []string{"Svix", "Webhook"} {
		if values := m.d.header[f+part]; len(values) > 0 {
			m.d.header[f+part] = append([]string{do(values[0])}, values[1:]...)
			if one {
				return
			}
		}
	}
}

// edit has the entries of the signature header changed.
func (m *message) edit(r *rand.Rand, do func(entries []string) []string) {
	m.change(r, "-Signature", func(s string) string { return strings.Join(do(strings.Split(s, " ")), " ") })
}

// rekey has the message signed with another secret, which takes the former's place.
func (m *message) rekey(secret string) {
	for i, s := range m.secrets {
		if s == m.key {
			m.secrets[i] = secret
		}
	}
	m.key, m.entries = secret, nil
}

// mutators change a message: first those that change it before it is signed, or its secrets, then those after.
var mutators = []struct {
	name  string
	after bool
	do    func(r *rand.Rand, m *message)
}{
	{"secret empty", false, func(r *rand.Rand, m *message) { m.rekey(pick(r, "", "whsec_", "\n", " whsec_ ")) }},
	{"secret short", false, func(r *rand.Rand, m *message) { m.rekey("whsec_" + encode(random(r, 1+r.IntN(16)))) }},
	{"secret long", false, func(r *rand.Rand, m *message) { m.rekey("whsec_" + encode(random(r, 74+r.IntN(30)))) }},
	{"secret with other last bits", false, func(r *rand.Rand, m *message) {
		s := []byte("whsec_" + encode(random(r, 16+3*r.IntN(10))))
		s[len(s)-3] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[r.IntN(32)]
		m.rekey(string(s))
	}},
	{"secret without prefix", false, func(r *rand.Rand, m *message) { m.rekey(strings.TrimPrefix(m.key, "whsec_")) }},
	{"another id, signed", false, func(r *rand.Rand, m *message) {
		m.entries = nil
		switch r.IntN(4) {
		case 0:
			m.id = text(r, "ab.", 1+r.IntN(20))
		case 1:
			m.id = text(r, "abcdefghijk0123456789_-", 250+r.IntN(13))
		case 2:
			m.id += pick(r, " ", ",", ":", "/", "\t", "\x00", "ä", "\xff", "~", "@", "[", "`", "{")
		default:
			m.id = text(r, "AZaz09_-", 1+r.IntN(256))
		}
	}},
	{"another timestamp, signed", false, func(r *rand.Rand, m *message) {
		m.entries = nil
		now := time.Now().Unix()
		m.timestamp = pick(r,
			strconv.FormatInt(now+int64(r.IntN(700)-350), 10),
			strconv.FormatInt(now+int64(r.IntN(5)-302), 10),
			strconv.FormatInt(now+int64(r.IntN(5)+298), 10),
			strconv.FormatInt(r.Int64()>>r.IntN(63), 10),
			"0"+strconv.FormatInt(now, 10), "+"+strconv.FormatInt(now, 10), "0", "-1", "9223372036854775807", "-9223372036854775808", "1e9", "NaN", "")
	}},
	{"another body, signed", false, func(r *rand.Rand, m *message) {
		m.body, m.entries = random(r, r.IntN(2000)), nil
	}},
	{"body and id divided elsewhere, signed", false, func(r *rand.Rand, m *message) {
		now := strconv.FormatInt(time.Now().Unix()+int64(r.IntN(300)), 10)
		signature := sign(m.key, m.id, m.timestamp, []byte("hi."+now+".bye"))
		m.id, m.timestamp, m.body, m.entries = m.id+"."+m.timestamp+".hi", now, []byte("bye"), []string{signature}
	}},
	{"a published delivery divided elsewhere", false, func(r *rand.Rand, m *message) {
		if m.timestamp == "1614265330" {
			m.rekey(secretA)
			m.id, m.timestamp, m.body = idA+`.1614265330.{"text":"hi`, "1614265630", []byte(`bye"}`)
			m.entries = []string{"v1,lvFFNj6fDooRdICbfeRudB0m24mz560P0DtmvBIi4kY="}
		}
	}},
	{"signed with another secret", false, func(r *rand.Rand, m *message) {
		m.entries = []string{sign("whsec_"+encode(random(r, 24)), m.id, m.timestamp, m.body)}
	}},

	{"blanks around the secret", true, func(r *rand.Rand, m *message) {
		i := r.IntN(len(m.secrets))
		m.secrets[i] = text(r, " \t\r\n", r.IntN(3)) + m.secrets[i] + text(r, " \t\r\n", r.IntN(3))
	}},
	{"something inside the secret", true, func(r *rand.Rand, m *message) {
		i := r.IntN(len(m.secrets))
		m.secrets[i] = insert(r, m.secrets[i], pick(r, "\n", "\r\n", "\n", " ", "%", "=", "whsec_", "-", "_", "A"))
	}},
	{"a byte of the secret gone", true, func(r *rand.Rand, m *message) {
		i := r.IntN(len(m.secrets))
		m.secrets[i] = remove(r, m.secrets[i])
	}},
	{"one more secret", true, func(r *rand.Rand, m *message) {
		m.secrets = append(m.secrets, pick(r, "whsec_"+encode(random(r, 24+r.IntN(40))), "whsec_"+encode(random(r, 32)),
			m.key, "", "whsec_%", "whsk_abc", "whsec_wronglength", "whsec_YQ=="))
		shuffle(r, m.secrets)
	}},
	{"a bit of the body", true, func(r *rand.Rand, m *message) { m.d.body = flip(r, m.d.body) }},
	{"spacing of the body", true, func(r *rand.Rand, m *message) {
		m.d.body = []byte(insert(r, string(m.d.body), pick(r, " ", "\n", "\r\n", "\ufeff", "\x00")))
	}},
	{"a bit of the id", true, func(r *rand.Rand, m *message) {
		m.change(r, "-Id", func(s string) string { return string(flip(r, []byte(s))) })
	}},
	{"id changed", true, func(r *rand.Rand, m *message) {
		m.change(r, "-Id", func(s string) string {
			return pick(r, insert(r, s, pick(r, " ", ".", "\x00", "a")), remove(r, s), strings.ToUpper(s), " "+s, s+" ", "")
		})
	}},
	{"a bit of the timestamp", true, func(r *rand.Rand, m *message) {
		m.change(r, "-Timestamp", func(s string) string { return string(flip(r, []byte(s))) })
	}},
	{"timestamp written otherwise", true, func(r *rand.Rand, m *message) {
		m.change(r, "-Timestamp", func(s string) string {
			return pick(r, "+"+s, "0"+s, "000"+s, "+00"+s, "-"+s, s+" ", " "+s, s+".0", s+"000", s+"e0", s+",", "", insert(r, s, "_"))
		})
	}},
	{"a bit of the signature", true, func(r *rand.Rand, m *message) {
		m.change(r, "-Signature", func(s string) string { return string(flip(r, []byte(s))) })
	}},
	{"more after a signature", true, func(r *rand.Rand, m *message) {
		m.edit(r, func(entries []string) []string {
			entries[r.IntN(len(entries))] += pick(r, ",x", ",", ",,", ",v1", "=", "A", "\t", "\n", ";x")
			return entries
		})
	}},
	{"version of a signature", true, func(r *rand.Rand, m *message) {
		m.edit(r, func(entries []string) []string {
			i := r.IntN(len(entries))
			entries[i] = pick(r, "v1a,", "v2,", "V1,", "v01,", "", ",", "v1,v1,", "v1=", "v1 ,", "v1, ") + strings.TrimPrefix(entries[i], "v1,")
			return entries
		})
	}},
	{"encoding of a signature", true, func(r *rand.Rand, m *message) {
		m.edit(r, func(entries []string) []string {
			i := r.IntN(len(entries))
			s := strings.TrimPrefix(entries[i], "v1,")
			raw, err := base64.StdEncoding.DecodeString(s)
			if err != nil || len(s) < 3 {
				return entries
			}
			other := []byte(s)
			other[len(s)-2] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[r.IntN(32)]
			entries[i] = "v1," + pick(r, base64.URLEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw), string(other), string(raw))
			return entries
		})
	}},
	{"other signatures around", true, func(r *rand.Rand, m *message) {
		m.edit(r, func(entries []string) []string {
			for range 1 + r.IntN(5) {
				entries = append(entries, pick(r, "v1,"+encode(random(r, 32)), "v1,", "v1", "", ",", "v1a,"+encode(random(r, 64)), "v1,%%%", "v2,x"))
			}
			shuffle(r, entries)
			return entries
		})
	}},
	{"hundreds of signatures before", true, func(r *rand.Rand, m *message) {
		if r.IntN(4) != 0 { // they take time
			return
		}
		wrong := "v1," + encode(random(r, 32))
		m.edit(r, func(entries []string) []string {
			return append(slices.Repeat([]string{wrong}, 335+r.IntN(10)), entries...)
		})
	}},
	{"a signature twice", true, func(r *rand.Rand, m *message) {
		m.edit(r, func(entries []string) []string { return append(entries, entries[r.IntN(len(entries))]) })
	}},
	{"spacing of the signatures", true, func(r *rand.Rand, m *message) {
		m.change(r, "-Signature", func(s string) string {
			return pick(r, " "+s, s+" ", strings.ReplaceAll(s, " ", "  "), strings.ReplaceAll(s, " ", "\t"), strings.ReplaceAll(s, " ", ","), insert(r, s, " "), s+"\t")
		})
	}},
	{"a header twice", true, func(r *rand.Rand, m *message) {
		name := m.name(r)
		if values := m.d.header[name]; len(values) > 0 {
			m.d.header[name] = pick(r, []string{values[0], values[0]}, []string{values[0], "x"}, []string{"x", values[0]}, []string{"", values[0]}, []string{values[0], ""})
		}
	}},
	{"a header gone", true, func(r *rand.Rand, m *message) { delete(m.d.header, m.name(r)) }},
	{"a header empty", true, func(r *rand.Rand, m *message) { m.d.header[m.name(r)] = pick(r, []string{""}, []string{}, nil) }},
	{"a header more", true, func(r *rand.Rand, m *message) {
		m.d.header[m.name(r)] = []string{pick(r, m.id, m.timestamp, "x", strings.Join(m.entries, " "))}
	}},
	{"a header in the other family", true, func(r *rand.Rand, m *message) {
		name := m.name(r)
		other := "Webhook" + strings.TrimPrefix(name, "Svix")
		if rest, ok := strings.CutPrefix(name, "Webhook"); ok {
			other = "Svix" + rest
		}
		m.d.header[name], m.d.header[other] = m.d.header[other], m.d.header[name]
	}},
	{"values in the wrong headers", true, func(r *rand.Rand, m *message) {
		a, b := m.name(r), m.name(r)
		m.d.header[a], m.d.header[b] = m.d.header[b], m.d.header[a]
	}},
}

func (m *message) name(r *rand.Rand) string {
	return pick(r, "Svix", "Webhook") + parts[r.IntN(len(parts))]
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func shuffle[T any](r *rand.Rand, s []T) {
	r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func text(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

func flip(r *rand.Rand, b []byte) []byte {
	if b = slices.Clone(b); len(b) > 0 {
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	}
	return b
}

func insert(r *rand.Rand, s, what string) string {
	i := r.IntN(len(s) + 1)
	return s[:i] + what + s[i:]
}

func remove(r *rand.Rand, s string) string {
	if s == "" {
		return s
	}
	i := r.IntN(len(s))
	return s[:i] + s[i+1:]
}
