package compliance_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/compliance"
	"github.com/google/go-cmp/cmp"
)

type outcomes = map[compliance.Outcome]int

// world is an Ada and one ledger, and what it takes to call EraseAll again and again.
type world struct {
	t      *testing.T
	srv    *adatest.Server
	ledger *compliance.FileLedger
	key    error // what asking for the key fails with
	people []compliance.Identifier
}

func newWorld(t *testing.T) *world {
	srv := adatest.NewServer(t)
	return &world{t: t, srv: srv, ledger: open(t, filepath.Join(t.TempDir(), "ledger")), people: people(srv, 2)}
}

func (w *world) client() *ada.Client {
	config := w.srv.Config()
	config.APIKey = ""
	config.KeyFunc = func(context.Context) (ada.Secret, error) { return adatest.APIKey, w.key }
	client, err := ada.NewClient(config)
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// erase calls EraseAll and compares the outcomes. The error is for the caller to look at.
func (w *world) erase(ctx context.Context, p compliance.EraseParams, want outcomes) error {
	w.t.Helper()
	p.Ledger = w.ledger
	got, err := tally(compliance.New(w.client()).EraseAll(ctx, slices.Values(w.people), p))
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	return err
}

func (w *world) jobs(want int) {
	w.t.Helper()
	if n := len(w.srv.Erasures()); n != want {
		w.t.Errorf("%d jobs were made, want %d", n, want)
	}
}

// However the later attempts end, what an earlier one may have done is not forgotten.
func TestEraseAllDoesNotForgetAnEarlierAttempt(t *testing.T) {
	lost := slices.Repeat([]adatest.Failure{{Effect: true, Drop: true}}, 4)
	for name, later := range map[string]func(*world){
		"no key": func(w *world) {
			w.srv.Fail("compliance.Erase", lost...)
			_ = w.erase(w.t.Context(), compliance.EraseParams{}, outcomes{compliance.Unknown: 2})
			w.key = errors.New("the vault is sealed")
			if err := w.erase(w.t.Context(), compliance.EraseParams{}, outcomes{compliance.Unknown: 2}); !errors.Is(err, ada.ErrUnauthorized) {
				w.t.Error(err)
			}
			w.key = nil
		},
		"unauthorized, then": func(w *world) {
			w.srv.Fail("compliance.Erase", append(lost, adatest.Failure{Status: 401})...)
			_ = w.erase(w.t.Context(), compliance.EraseParams{}, outcomes{compliance.Unknown: 2})
			_ = w.erase(w.t.Context(), compliance.EraseParams{}, outcomes{compliance.Unknown: 2})
		},
		"forbidden in the same call": func(w *world) {
			w.srv.Fail("compliance.Erase", adatest.Failure{Effect: true, Status: 504}, adatest.Failure{Status: 403})
			if err := w.erase(w.t.Context(), compliance.EraseParams{}, outcomes{compliance.Unknown: 2}); !errors.Is(err, ada.ErrForbidden) {
				w.t.Error(err)
			}
		},
		"given up": func(w *world) {
			w.srv.Fail("compliance.Erase", adatest.Failure{Effect: true, Status: 504}, adatest.Failure{Status: 429, Header: http.Header{"Retry-After": {"60"}}})
			ctx, cancel := context.WithCancel(w.t.Context())
			time.AfterFunc(10*time.Second, cancel)
			_ = w.erase(ctx, compliance.EraseParams{}, outcomes{compliance.Unknown: 2})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				later(w)
				if err := w.erase(t.Context(), compliance.EraseParams{Wait: true}, outcomes{compliance.Erased: 2}); err != nil {
					t.Error(err)
				}
				w.jobs(1)
			})
		})
	}
}

// The seven days count from the last time that the request was made, which may be the one that arrived.
func TestEraseAllCountsFromTheLastTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.srv.Fail("compliance.Erase", slices.Repeat([]adatest.Failure{{Drop: true}}, 4)...)
		_ = w.erase(t.Context(), compliance.EraseParams{}, outcomes{compliance.Unknown: 2})
		time.Sleep(22 * time.Hour)
		w.srv.Fail("compliance.Erase", slices.Repeat([]adatest.Failure{{Effect: true, Drop: true}}, 4)...)
		_ = w.erase(t.Context(), compliance.EraseParams{}, outcomes{compliance.Unknown: 2})
		time.Sleep(6*24*time.Hour + 4*time.Hour)
		if err := w.erase(t.Context(), compliance.EraseParams{}, outcomes{compliance.Unknown: 2}); err != nil {
			t.Error(err)
		}
		w.jobs(1)
	})
}

// Somebody who asks again is submitted again, when it does no harm.
func TestEraseAllSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if err := w.erase(t.Context(), compliance.EraseParams{Wait: true}, outcomes{compliance.Erased: 2}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * 24 * time.Hour)
		asked := time.Now()
		people(w.srv, 2) // they are back
		if err := w.erase(t.Context(), compliance.EraseParams{Since: asked}, outcomes{compliance.Pending: 2}); err != nil {
			t.Error(err)
		}
		w.jobs(1)
		time.Sleep(6 * 24 * time.Hour)
		for range 2 { // and once only
			if err := w.erase(t.Context(), compliance.EraseParams{Since: asked, Wait: true}, outcomes{compliance.Erased: 2}); err != nil {
				t.Error(err)
			}
			w.jobs(2)
		}
	})
}

// One answer of 404 for a job must not have its people submitted again.
func TestEraseAllOfAJobThatIsNotFoundOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.srv.Fail("compliance.Job", adatest.Failure{Status: 404})
		_ = w.erase(t.Context(), compliance.EraseParams{}, outcomes{compliance.Unknown: 2})
		time.Sleep(9 * 24 * time.Hour)
		if err := w.erase(t.Context(), compliance.EraseParams{}, outcomes{compliance.Erased: 2}); err != nil {
			t.Error(err)
		}
		w.jobs(1)
	})
}

func TestEraseAllWithALedgerOfAnotherAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		entry := compliance.Entry{Time: time.Now(), Event: compliance.Submitting, Agent: "https://other.ada.support/", Reference: "r"}
		if err := w.ledger.Append(entry); err != nil {
			t.Fatal(err)
		}
		if err := w.erase(t.Context(), compliance.EraseParams{}, outcomes{}); !errors.Is(err, compliance.ErrLedger) {
			t.Error(err)
		}
		w.jobs(0)
	})
}

// A clock that was put back says nothing of how old a request is.
func TestEraseAllWithAnEntryOfTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		keys := []string{w.ledger.Key(w.people[0]), w.ledger.Key(w.people[1])}
		entry := compliance.Entry{Time: time.Now().Add(72 * time.Hour), Event: compliance.Submitting, Agent: "http://localhost/", Reference: "r", Keys: keys}
		if err := w.ledger.Append(entry); err != nil {
			t.Fatal(err)
		}
		if err := w.erase(t.Context(), compliance.EraseParams{}, outcomes{compliance.Unknown: 2}); err != nil {
			t.Error(err)
		}
		w.jobs(0)
	})
}

func TestEraseAllOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := true
		for v, err := range compliance.New(w.client()).EraseAll(t.Context(), slices.Values(w.people), compliance.EraseParams{Ledger: w.ledger}) {
			if err != nil || v.Outcome != compliance.Pending {
				t.Fatal(v, err)
			}
			if first {
				if err := w.erase(t.Context(), compliance.EraseParams{}, outcomes{}); !errors.Is(err, compliance.ErrLedger) {
					t.Error(err)
				}
			}
			first = false
		}
		if err := w.erase(t.Context(), compliance.EraseParams{}, outcomes{compliance.Pending: 2}); err != nil {
			t.Error(err)
		}
		w.jobs(1)
	})
}

// When a later request fails, those of an earlier one are told as well.
func TestEraseAllTellsOfEarlierJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.people = pairs(w.srv, 5)
		w.srv.Fail("compliance.Erase", adatest.Failure{Delay: time.Second}, adatest.Failure{Status: 403})
		err := w.erase(t.Context(), compliance.EraseParams{}, outcomes{compliance.Refused: 2, compliance.Pending: 2})
		if !errors.Is(err, ada.ErrForbidden) {
			t.Error(err)
		}
	})
}

// One identifier that is too large for a request of EraseAll's is in one of its own.
func TestEraseAllOfAHugeIdentifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.people = []compliance.Identifier{compliance.Variable("v", string(make([]byte, 600_000)))}
		if err := w.erase(t.Context(), compliance.EraseParams{}, outcomes{compliance.Refused: 1}); err != nil {
			t.Error(err)
		}
		for e, err := range w.ledger.Entries() {
			if err != nil || e.Event == compliance.Submitting && len(e.Keys) != 1 {
				t.Errorf("%v of %d, %v", e, len(e.Keys), err)
			}
		}
	})
}

// A file that is no ledger stays as it is.
func TestOpenFileLedgerLeavesOtherFilesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "requests.csv")
	for _, text := range []string{"a@b.c,d@e.f", "email\na@b.c", "{", `{"ledger":"ada-go/2"}`, "\n", "\x00"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := compliance.OpenFileLedger(path, hashKey)
		if text == "{" { // which a crash can have left of a header
			if err != nil {
				t.Error(err)
			} else {
				_ = l.Close()
			}
			continue
		}
		if after, _ := os.ReadFile(path); !errors.Is(err, compliance.ErrLedger) || string(after) != text {
			t.Errorf("%q became %q: %v", text, after, err)
		}
	}
}

// A request that was recorded is one that EraseAll has made, also when it is recorded twice.
func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		erasure := compliance.New(w.client())
		request := compliance.Erasure{Identifiers: w.people[:1]}
		job, err := erasure.Erase(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		for range 2 {
			if err := erasure.Record(w.ledger, request, job); err != nil {
				t.Fatal(err)
			}
		}
		for entry, err := range w.ledger.Entries() {
			if err != nil || !entry.Time.Equal(job.CreatedAt) || entry.Reference != job.Reference {
				t.Errorf("%v at %s: %v", entry, entry.Time, err)
			}
		}
		if err := w.erase(t.Context(), compliance.EraseParams{}, outcomes{compliance.Erased: 1, compliance.Pending: 1}); err != nil {
			t.Error(err)
		}
		w.jobs(2)
	})
}

func TestRecordParameters(t *testing.T) {
	w := newWorld(t)
	erasure := compliance.New(w.client())
	job := &compliance.Job{ID: "j", Reference: "r"}
	good := compliance.Erasure{Identifiers: w.people, Reference: "r"}
	const prefix = "compliance.Record: invalid: "
	for want, record := range map[string]func() error{
		"Ledger is missing":                           func() error { return erasure.Record(nil, good, job) },
		"Job has no ID: the request was not accepted": func() error { return erasure.Record(w.ledger, good, &compliance.Job{Reference: "r"}) },
		"Job is of a request with another Reference":  func() error { return erasure.Record(w.ledger, good, &compliance.Job{ID: "j"}) },
		"Identifiers is empty":                        func() error { return erasure.Record(w.ledger, compliance.Erasure{}, job) },
	} {
		if err := record(); !errors.Is(err, ada.ErrInvalid) || err.Error() != prefix+want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for entry := range w.ledger.Entries() {
		t.Error(entry)
	}
	if err := w.ledger.Close(); err != nil {
		t.Fatal(err)
	}
	if err := erasure.Record(w.ledger, good, job); !errors.Is(err, compliance.ErrLedger) {
		t.Error(err)
	}
	if err := erasure.Record(&table{}, good, job); err != nil { // without a time of Ada's it is now
		t.Error(err)
	}
}
