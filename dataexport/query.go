package dataexport

import (
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/internal/scalar"
)

// Query says what to export. Since is required, or Resume; every other field has a default that exports all there is.
type Query struct {
	// Since is the beginning, which is part of the export. Ada has the last 12 months; at their very edge it can refuse a
	// request that had to wait. It may be left out with Resume.
	Since time.Time
	// Until is the end, which is not part of the export. Zero, or later than now less Lag: now less Lag, so that a
	// checkpoint never says that something was exported which had not happened yet.
	Until time.Time
	// By says by which of their times conversations are selected and ordered; empty: [ByCreated]. Messages have only
	// one.
	By By
	// ConversationID narrows messages to one conversation.
	ConversationID string
	// Version is the version of the API; empty: [V2].
	Version Version
	// PageSize is how many records one request brings, 100 to 10,000; 0: 10,000.
	PageSize int
	// Window is the longest part of the export that one request asks for, 1 s to 60 days; 0: 60 days, Ada's limit.
	Window time.Duration
	// Lag holds back what is younger, since records arrive late: v2 is near real time by Ada's account, and the
	// versions before it take 24 to 48 hours. A record that arrives later than Lag is missing from an export that goes
	// on from a checkpoint, as is one that Ada's clock dates later than this machine's: a minute is for the clocks alone.
	Lag time.Duration
	// Concurrency is how many requests are under way at once, 1 to 32; 0: 1. Ada takes seconds for a page, so that one
	// at a time leaves most of the rate limit unused; 4 are enough to use it up. Records come in the same order. Up to
	// twice as many pages are held, all but their ends in temporary files.
	Concurrency int
	// Resume is where an earlier export came to. Version, By, ConversationID, Since and the AI Agent must be those of
	// that export; Until and all others may differ.
	Resume Checkpoint
	// OnProgress is called after each page, by the goroutine of the loop.
	OnProgress func(Progress)
	// OnBadRecord takes a record that cannot be decoded, with its JSON. The export goes on when it returns nil, and
	// otherwise ends with the error. Without it, such a record ends the export.
	OnBadRecord func(*RecordError) error
}

// By is the time by which conversations are selected and ordered.
type By string

// The times of a conversation.
const (
	// ByCreated exports a conversation once, as it stands when it is exported. It is what an empty By means.
	ByCreated By = "created"
	// ByUpdated exports a conversation as often as it changes while the export is under way, and the last time is its
	// newest state.
	ByUpdated By = "updated"
)

// Version is a version of the Data Export API. Versions differ in the fields that records have. A key from before July
// 2024 may be good only for the versions before v2, and not be the one of other APIs: see [ada.Client.WithAPIKey].
type Version string

// The versions of the API.
const (
	V1   Version = "v1"   // February 2021
	V1_1 Version = "v1.1" // August 2021
	V1_2 Version = "v1.2"
	V1_3 Version = "v1.3"
	V1_4 Version = "v1.4" // March 2024
	V2   Version = "v2"   // November 2024
)

// Progress is how far an export has come.
type Progress struct {
	Since, Until time.Time // of the whole export, before and after a Resume
	At           time.Time // all records before it have been handed out
	Windows      int       // how many parts of at most Query.Window the export has
	WindowsDone  int       // how many of these have been handed out whole
	Pages        int       // handed out since the export was resumed
	Records      int       // in these pages
	Bytes        int64     // of JSON in these pages, with the records that came twice
}

// Fraction is the part of the time between Since and Until that is done, from 0 to 1.
func (p Progress) Fraction() float64 {
	if !p.At.Before(p.Until) {
		return 1
	}
	return float64(p.At.Sub(p.Since)) / float64(p.Until.Sub(p.Since))
}

// Ada's limits: https://docs.ada.cx/reference/data-export/overview
const (
	minPage        = 100
	maxPage        = 10_000
	minWindow      = time.Second
	maxWindow      = 60 * 24 * time.Hour
	maxConcurrency = 32
)

// precision is that of the timestamps in Ada's links.
const precision = time.Microsecond

// check returns all that is wrong with q beside its Resume, which leads to position, if there is one that can be read.
func (q Query) check(r resource, position, now time.Time) (faults []ada.Fault) {
	fault := func(field, reason string) { faults = append(faults, ada.Fault{Field: field, Reason: reason}) }
	within := func(field string, n, least, most int64, words string) {
		if n != 0 && (n < least || n > most) {
			fault(field, "is not within "+words)
		}
	}
	within("PageSize", int64(q.PageSize), minPage, maxPage, "100 and 10,000")
	within("Window", int64(q.Window), int64(minWindow), int64(maxWindow), "1 s and 60 days")
	if q.Lag < 0 {
		fault("Lag", "is negative")
	}
	within("Concurrency", int64(q.Concurrency), 1, maxConcurrency, "1 and 32")
	if _, ok := paths[q.version()]; !ok {
		fault("Version", "is no version of this API")
	}
	switch {
	case q.By != "" && q.By != ByCreated && q.By != ByUpdated:
		fault("By", "is neither ByCreated nor ByUpdated")
	case q.By == ByUpdated && r == messages:
		fault("By", "is ByUpdated, but messages have no time of update")
	}
	if q.ConversationID != "" {
		if r != messages {
			fault("ConversationID", "is for messages only")
		} else if reason := scalar.ID(q.ConversationID); reason != "" {
			fault("ConversationID", reason)
		}
	}

	retention := now.AddDate(-1, 0, 0)
	switch {
	case q.Resume != "" && position.IsZero():
	case q.Resume != "" && position.Before(retention):
		fault("Resume", "is at a position from before the last 12 months, which Ada no longer has")
	case q.Resume != "":
		if !q.Until.IsZero() && q.Until.Before(position) {
			fault("Until", "is before the position of Resume")
		}
	case q.Since.IsZero():
		fault("Since", "is zero, and there is no Resume")
	case q.Since.Before(retention):
		fault("Since", "is before the last 12 months, which is all that Ada has")
	case q.Since.After(now):
		fault("Since", "is in the future")
	}
	if q.Resume == "" && !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		fault("Until", "is not after Since")
	}
	return faults
}

// end returns where an export that begins now ends.
func (q Query) end(now time.Time) time.Time {
	until := now.Add(-q.Lag).UTC().Truncate(precision)
	if given := roundUp(q.Until); !q.Until.IsZero() && given.Before(until) {
		until = given
	}
	return until
}

// roundUp returns the first microsecond that is not before t: what has timestamps in microseconds is before both of
// them, or before neither.
func roundUp(t time.Time) time.Time { return t.UTC().Add(precision - 1).Truncate(precision) }

func (q Query) version() Version {
	if q.Version == "" {
		return V2
	}
	return q.Version
}

func (q Query) by() By {
	if q.By == "" {
		return ByCreated
	}
	return q.By
}

// stamp is how Ada wants a time: in UTC, with a Z.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
