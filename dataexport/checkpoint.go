package dataexport

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/adasdk/ada-go/ada"
)

// Checkpoint says how far an export has come. It is a line of text to be stored anywhere: it has a version and a
// checksum, and holds the AI Agent, the API, the query and a position with the ids of the records there, but no key and
// nothing personal. It is small, but for an export with thousands of records in one second, whose ids it holds.
//
// [Query.Resume] goes on from it. Its text may change in any release; those of earlier releases stay good.
type Checkpoint string

// ErrCheckpoint says that a [Query.Resume] is damaged, of another version, or of another AI Agent, API or query. The
// error matches [ada.ErrInvalid] too, and nothing was sent.
var ErrCheckpoint = errors.New("checkpoint refused")

const checkpointVersion = "1"

// place is one position in an export, and what is there.
type place struct {
	at   time.Time
	seen map[mark]bool // records at or after the position that have been handed out
}

// mark is a record in one of its states: with another time it is another one.
type mark struct {
	id string
	at int64
}

// state is what a checkpoint holds. Fields that are missing are empty.
type state struct {
	Tenant       string              `json:"tenant"`
	API          string              `json:"api"` // "v2/conversations"
	By           string              `json:"by"`
	Conversation string              `json:"conversation,omitempty"`
	Since        time.Time           `json:"since"` // of the query
	At           time.Time           `json:"at"`
	Seen         map[string][]string `json:"seen,omitempty"` // ids by their time
}

func (s state) checkpoint(p place) Checkpoint {
	s.At = p.at
	s.Seen = map[string][]string{}
	for m := range p.seen {
		at := ""
		if m.at != unplaced {
			at = time.Unix(0, m.at).UTC().Format(time.RFC3339Nano)
		}
		s.Seen[at] = append(s.Seen[at], m.id)
	}
	for _, ids := range s.Seen {
		slices.Sort(ids)
	}
	content, _ := json.Marshal(s) // strings and times of this century
	return Checkpoint(fmt.Sprintf("%s:%08x:%s", checkpointVersion, crc32.ChecksumIEEE(content), content))
}

// resume reads a checkpoint, and checks that it is one of s.
func (s state) resume(c Checkpoint) (state, place, []ada.Fault) {
	refuse := func(reason string) (state, place, []ada.Fault) {
		return s, place{}, []ada.Fault{{Field: "Resume", Reason: reason}}
	}
	version, rest, _ := strings.Cut(string(c), ":")
	sum, content, _ := strings.Cut(rest, ":")
	if _, err := strconv.ParseUint(version, 10, 16); err == nil && version != checkpointVersion && rest != "" {
		return refuse("is of another version of this package")
	}
	var then state
	if version != checkpointVersion || sum != fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(content))) || json.Unmarshal([]byte(content), &then) != nil {
		return refuse("is damaged")
	}
	p := place{at: then.At, seen: map[mark]bool{}}
	for at, ids := range then.Seen {
		m := mark{at: unplaced}
		if at != "" {
			t, err := time.Parse(time.RFC3339Nano, at)
			if err != nil {
				return refuse("is damaged")
			}
			m.at = t.UnixNano()
		}
		for _, m.id = range ids {
			p.seen[m] = true
		}
	}
	if then.At.IsZero() || then.checkpoint(p) != c { // what no export has made, whatever its checksum says
		return refuse("is damaged")
	}
	var faults []ada.Fault
	for _, f := range []struct {
		what  string
		equal bool
	}{
		{"is of another AI Agent", then.Tenant == s.Tenant},
		{"is of another version or resource of the API", then.API == s.API},
		{"is of an export in another order", then.By == s.By},
		{"is of another conversation", then.Conversation == s.Conversation},
		{"is of an export with another Since", s.Since.IsZero() || then.Since.Equal(s.Since)},
	} {
		if !f.equal {
			faults = append(faults, ada.Fault{Field: "Resume", Reason: f.what})
		}
	}
	if len(faults) > 0 {
		return s, place{}, faults
	}
	return then, p, nil
}
