package compliance

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/adasdk/ada-go/internal/journal"
)

// Ledger remembers what [Client.EraseAll] has submitted, so that nobody is submitted twice or forgotten whatever
// happens in between. [FileLedger] is one; a table of a database makes another. There is one for each AI Agent, and it
// serves one EraseAll at a time.
type Ledger interface {
	// Key returns what an identifier is called in the ledger: the same for identifiers that Ada takes for the same,
	// and different for others. EraseAll gives it identifiers in the form in which Ada compares them.
	Key(Identifier) string
	// Entries returns all entries, in the order in which they were appended.
	Entries() iter.Seq2[Entry, error]
	// Append adds an entry. When it returns nil, the entry must outlive a crash of the machine.
	Append(Entry) error
}

// Entry is one line of a [Ledger]. It prints and logs as its event and reference.
type Entry struct {
	Time      time.Time `json:"time"`
	Event     Event     `json:"event"`
	Agent     string    `json:"agent"`           // the base URL of the AI Agent
	Reference string    `json:"reference"`       // of the request
	JobID     string    `json:"job_id,omitzero"` // of a Submitted or JobFailed one
	Keys      []string  `json:"keys,omitempty"`  // of a Submitting one: its identifiers, in their order
}

// Format writes the event and the reference for every verb.
func (e Entry) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "compliance.Entry("+string(e.Event)+" "+e.Reference+")")
}

// LogValue returns the same as Format.
func (e Entry) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(e)) }

// Event is what an [Entry] tells of a request.
type Event string

// The events of a request.
const (
	Submitting  Event = "submitting"   // it is about to be sent, for the first time or again
	Submitted   Event = "submitted"    // Ada has made a job of it
	NotAccepted Event = "not accepted" // Ada has refused it, and did nothing
	JobFailed   Event = "job failed"   // its job has ended as failed
)

// ErrLedger is what every failure of a [FileLedger] matches.
var ErrLedger = errors.New("compliance: ledger")

func ledgerError(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrLedger}, args...)...)
}

// FileLedger is a ledger in a file: a line of JSON for each entry, appended and synced to the disk before Append
// returns. One process at a time may have it open; Linux, macOS, the BSDs and Windows refuse a second one. It is safe
// for concurrent use, though a second EraseAll on it fails while the first goes on.
type FileLedger struct {
	hashKey []byte // nil: plain
	busy    atomic.Bool
	file    *journal.File
}

// header is the first line of the file. Check tells whether the hash key is the one that the file was begun with: with
// another one nobody would be found in it, and everybody would be submitted again.
type header struct {
	Ledger string `json:"ledger"`
	Keys   string `json:"keys"`
	Check  string `json:"check,omitzero"`
}

const (
	ledgerVersion = "ada-go/1"
	hashedKeys    = "hmac-sha256"
	plainKeys     = "plain"
	minHashKey    = 16
)

// OpenFileLedger opens the ledger at path, or begins one. Identifiers stand in it as keyed hashes, so that who has the
// file cannot tell who is in it without hashKey. hashKey is of 16 bytes at least, is secret, and must be the same each
// time.
//
// A last line that a crash has cut short is dropped: what it would have told had not been acted on, or is safe to do
// again.
func OpenFileLedger(path string, hashKey []byte) (*FileLedger, error) {
	if len(hashKey) < minHashKey {
		return nil, ledgerError("the hash key has %d bytes, not %d", len(hashKey), minHashKey)
	}
	return openLedger(path, bytes.Clone(hashKey))
}

// OpenPlainFileLedger is OpenFileLedger for a file in which identifiers stand as they are, e-mail addresses among them.
func OpenPlainFileLedger(path string) (*FileLedger, error) { return openLedger(path, nil) }

func openLedger(path string, hashKey []byte) (*FileLedger, error) {
	l := &FileLedger{hashKey: hashKey}
	first, err := json.Marshal(l.header())
	if err != nil {
		return nil, ledgerError("%w", err)
	}
	l.file, err = journal.Open(path, first)
	switch {
	case errors.Is(err, journal.ErrForeign):
		return nil, ledgerError("the file is no ledger of this version, or was begun with another hash key, or plain")
	case err != nil:
		return nil, ledgerError("%w", err)
	}
	for _, err := range l.Entries() {
		if err != nil {
			_ = l.file.Close()
			return nil, err
		}
	}
	return l, nil
}

func (l *FileLedger) header() header {
	if l.hashKey == nil {
		return header{Ledger: ledgerVersion, Keys: plainKeys}
	}
	return header{Ledger: ledgerVersion, Keys: hashedKeys, Check: l.hash([]byte("check"))}
}

// Key returns the keyed hash of the identifier, or the identifier itself in a plain ledger, in the form in which Ada
// compares it.
func (l *FileLedger) Key(id Identifier) string {
	id = id.canonical()
	// As JSON the parts cannot run into one another.
	text, err := json.Marshal([]string{string(id.kind), id.variable, id.value})
	if err != nil || l.hashKey == nil {
		return string(text)
	}
	return l.hash(text)
}

func (l *FileLedger) hash(text []byte) string {
	mac := hmac.New(sha256.New, l.hashKey)
	mac.Write(text)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Entries reads the file from its beginning to where it ends now.
func (l *FileLedger) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		n := 1 // the first line is the header
		for line, err := range l.file.Lines() {
			n++
			var e Entry
			if err == nil {
				err = json.Unmarshal(line, &e)
			}
			if err != nil {
				yield(Entry{}, ledgerError("line %d cannot be read: %w", n, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Append writes the entry and syncs the file.
func (l *FileLedger) Append(e Entry) error {
	line, err := json.Marshal(e)
	if err == nil {
		err = l.file.Append(append(line, '\n'))
	}
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return ledgerError("%w", err)
	}
	return nil
}

// Close closes the file.
func (l *FileLedger) Close() error {
	if err := l.file.Close(); err != nil {
		return ledgerError("%w", err)
	}
	return nil
}

// Format writes the name of the type for every verb.
func (l *FileLedger) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "compliance.FileLedger") }
