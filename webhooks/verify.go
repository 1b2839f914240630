package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Tolerance is how far the timestamp of a delivery may be from the clock, either way.
const Tolerance = 5 * time.Minute

// The errors of [Verifier.Verify] match one of these with errors.Is. They hold nothing of the delivery.
var (
	// ErrHeaders says that headers are missing, doubled, contradictory or malformed.
	ErrHeaders = errors.New("webhooks: unusable headers")
	// ErrTimestamp says that the delivery is too old or too new.
	ErrTimestamp = errors.New("webhooks: timestamp outside of the tolerance")
	// ErrSignature says that no signature of the delivery is one of the secret's.
	ErrSignature = errors.New("webhooks: no valid signature")
)

// errNoSecret is the answer of a Verifier that NewVerifier did not make.
var errNoSecret = errors.New("webhooks: Verifier without a secret")

// Lengths in bytes. Standard Webhooks asks for keys of 24 to 64; Svix takes secrets of up to 100 characters.
const (
	minKey       = 16
	maxKey       = 75
	maxID        = 256
	maxTimestamp = 12
	maxSignature = 16 << 10 // of the header: some 340 signatures
)

// Header names in canonical form: those of Svix, and the same without the brand.
var (
	svixHeaders     = family{"Svix-Id", "Svix-Timestamp", "Svix-Signature"}
	standardHeaders = family{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}
)

type family struct{ id, timestamp, signature string }

// Verifier tells whether a delivery is genuine. It prints no secret. It is safe for concurrent use.
//
// A nil *Verifier and the zero Verifier refuse everything.
type Verifier struct {
	signers []*sync.Pool // of *signer, one pool for each secret: keys are where no encoder and no printer looks
	now     func() time.Time
}

// Message is what is signed beside the body.
type Message struct {
	// ID is the same for every attempt to deliver this message: deduplicate by it.
	ID string
	// Timestamp is the time of this attempt, to the second.
	Timestamp time.Time
}

// NewVerifier returns a Verifier for the signing secret of an endpoint, "whsec_" and base64. The prefix can be absent,
// and blanks around a secret are ignored. With more than one secret, a delivery is genuine if it is signed with any of
// them.
//
// An empty, short, long or malformed secret is an error, which tells the secret by its place, counted from 0.
func NewVerifier(secret string, more ...string) (*Verifier, error) {
	v := &Verifier{now: time.Now}
	for i, s := range append([]string{secret}, more...) {
		key, err := parseSecret(s)
		if err != nil {
			return nil, fmt.Errorf("webhooks: secret %d: %w", i, err)
		}
		v.signers = append(v.signers, &sync.Pool{New: func() any { return &signer{mac: hmac.New(sha256.New, key)} }})
	}
	return v, nil
}

// parseSecret returns the key in a secret. Its errors do not wrap those of base64, which tell a place in the secret.
func parseSecret(s string) (key []byte, err error) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "whsec_")
	if s == "" {
		return nil, errors.New("empty")
	}
	// The decoder ignores line breaks, and bits at the end that belong to no byte: encode again to compare.
	key, err = base64.StdEncoding.DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(key) != s {
		return nil, errors.New(`not "whsec_" and base64`)
	}
	if len(key) < minKey || len(key) > maxKey {
		return nil, fmt.Errorf("the key is of %d bytes, want %d to %d", len(key), minKey, maxKey)
	}
	return key, nil
}

// WithClock returns a copy of v that compares timestamps with another clock than [time.Now].
func (v *Verifier) WithClock(now func() time.Time) *Verifier {
	if v == nil {
		return nil
	}
	return &Verifier{signers: v.signers, now: now}
}

// Verify judges a delivery by its headers and its raw body, and returns what is signed beside the body. The error
// matches [ErrHeaders], [ErrTimestamp] or [ErrSignature], in this order of precedence, or is that of a Verifier without
// a secret.
//
// Header names are looked up in canonical form, the form in which net/http gives them to a server. Either family will
// do, svix-* or webhook-*; where headers of both are present, both must be complete and say the same.
func (v *Verifier) Verify(header http.Header, body []byte) (Message, error) {
	if v == nil || len(v.signers) == 0 {
		return Message{}, errNoSecret
	}
	id, timestamp, signatures, err := read(header)
	if err != nil {
		return Message{}, err
	}
	at, ok := parseTimestamp(timestamp)
	switch {
	case !ok:
		return Message{}, fmt.Errorf("%w: malformed timestamp", ErrHeaders)
	case !validID(id):
		return Message{}, fmt.Errorf("%w: malformed id", ErrHeaders)
	case len(signatures) > maxSignature:
		return Message{}, fmt.Errorf("%w: signature header too long", ErrHeaders)
	}
	now := time.Now
	if v.now != nil {
		now = v.now
	}
	t := now()
	if at.Before(t.Add(-Tolerance)) {
		return Message{}, fmt.Errorf("%w: too old", ErrTimestamp)
	}
	if at.After(t.Add(Tolerance)) {
		return Message{}, fmt.Errorf("%w: too new", ErrTimestamp)
	}
	// Every entry is compared with every secret's signature, so that the time taken tells nothing about either.
	genuine := 0
	for _, pool := range v.signers {
		s := pool.Get().(*signer)
		want := s.sign(id, timestamp, body)
		for entry := range strings.SplitSeq(signatures, " ") {
			genuine |= subtle.ConstantTimeCompare([]byte(entry), want)
		}
		pool.Put(s)
	}
	if genuine == 0 {
		return Message{}, ErrSignature
	}
	return Message{ID: id, Timestamp: at}, nil
}

// Sign returns the headers of a delivery, svix-*, signed with the first secret. It is for tests: it signs what it is
// given, also what Verify refuses, and panics without a secret.
func (v *Verifier) Sign(id string, at time.Time, body []byte) http.Header {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	header := make(http.Header, 3)
	header.Set(svixHeaders.id, id)
	header.Set(svixHeaders.timestamp, timestamp)
	s := v.signers[0].Get().(*signer)
	header.Set(svixHeaders.signature, string(s.sign(id, timestamp, body)))
	v.signers[0].Put(s)
	return header
}

// Format writes "webhooks.Verifier" for every verb.
func (Verifier) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "webhooks.Verifier") }

// signer signs with one key, for one caller at a time.
type signer struct {
	mac         hash.Hash
	head, entry []byte // buffers, used again
}

// sign returns an entry of the signature header: the version, a comma, and the signature in base64. It is overwritten
// by the next call.
func (s *signer) sign(id, timestamp string, body []byte) []byte {
	s.head = append(s.head[:0], id...)
	s.head = append(s.head, '.')
	s.head = append(s.head, timestamp...)
	s.head = append(s.head, '.')
	s.mac.Reset()
	s.mac.Write(s.head)
	s.mac.Write(body) // not appended to the head: no copy
	s.head = s.mac.Sum(s.head[:0])
	s.entry = base64.StdEncoding.AppendEncode(append(s.entry[:0], "v1,"...), s.head)
	return s.entry
}

// read returns the raw values of the family of headers that is present.
func read(header http.Header) (id, timestamp, signatures string, err error) {
	use, other := svixHeaders, standardHeaders
	if !use.present(header) {
		use, other = other, use
	}
	for _, name := range []string{use.id, use.timestamp, use.signature} {
		switch values := header[name]; {
		case len(values) == 0 || values[0] == "":
			return "", "", "", fmt.Errorf("%w: incomplete", ErrHeaders)
		case len(values) > 1:
			return "", "", "", fmt.Errorf("%w: given twice", ErrHeaders)
		}
	}
	if other.present(header) && !(same(header, use.id, other.id) && same(header, use.timestamp, other.timestamp) &&
		same(header, use.signature, other.signature)) {
		return "", "", "", fmt.Errorf("%w: svix-* and webhook-* differ", ErrHeaders)
	}
	return header[use.id][0], header[use.timestamp][0], header[use.signature][0], nil
}

func (f family) present(header http.Header) bool {
	return len(header[f.id])+len(header[f.timestamp])+len(header[f.signature]) > 0
}

// same tells whether both headers have one value, the same.
func same(header http.Header, a, b string) bool {
	return len(header[a]) == 1 && len(header[b]) == 1 && header[a][0] == header[b][0]
}

// parseTimestamp reads seconds since 1970 as a canonical decimal: digits only, none of them a leading zero.
func parseTimestamp(s string) (time.Time, bool) {
	if s == "" || len(s) > maxTimestamp || s[0] == '0' && s != "0" {
		return time.Time{}, false
	}
	var seconds int64
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return time.Time{}, false
		}
		seconds = 10*seconds + int64(c-'0')
	}
	return time.Unix(seconds, 0).UTC(), true
}

// validID tells whether an id is of the characters of Svix's ids. A dot among them would let a signature stand for
// another message, with the parts of the signed text divided elsewhere.
func validID(s string) bool {
	if s == "" || len(s) > maxID {
		return false
	}
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && !('0' <= c && c <= '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
