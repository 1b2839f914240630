package compliance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adasdk/ada-go/ada"
	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/compliance"
	"github.com/google/go-cmp/cmp"
)

var hashKey = []byte("0123456789abcdef")

func open(t *testing.T, path string) *compliance.FileLedger {
	t.Helper()
	l, err := compliance.OpenFileLedger(path, hashKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// people adds n end users with e-mail addresses, and returns their identifiers.
func people(srv *adatest.Server, n int) []compliance.Identifier {
	return ids(n, func(i int) compliance.Identifier {
		email := fmt.Sprintf("person-%d@example.com", i)
		srv.AddEndUser(adatest.EndUser{InConversation: true, Profile: map[string]any{"email": email}})
		return compliance.Email(email)
	})
}

// pairs adds n end users, up to 5, and returns their identifiers. The third of these is so long that a job has room for
// one of the others beside it, and not for two: the jobs are of the first and the second, the third and the fourth, and
// the fifth.
func pairs(srv *adatest.Server, n int) []compliance.Identifier {
	return ids(n, func(i int) compliance.Identifier {
		length := 10_000
		if i == 2 {
			length = 500_000
		}
		key := strings.Repeat("x", length) + fmt.Sprint(i)
		srv.AddEndUser(adatest.EndUser{InConversation: true, Profile: map[string]any{"metadata": map[string]any{"key": key}}})
		return compliance.Variable("key", key)
	})
}

// tally ranges over verdicts and returns how many there were of each outcome, and the error.
func tally(verdicts iter.Seq2[compliance.Verdict, error]) (map[compliance.Outcome]int, error) {
	counts := map[compliance.Outcome]int{}
	for v, err := range verdicts {
		if err != nil {
			return counts, err
		}
		counts[v.Outcome]++
	}
	return counts, nil
}

// submittedOnce checks that everybody was submitted, and nobody twice.
func submittedOnce(t *testing.T, srv *adatest.Server, everybody []compliance.Identifier) {
	t.Helper()
	times := map[string]int{}
	for _, e := range srv.Erasures() {
		for _, id := range e.Identifiers {
			times[strings.ToLower(id.Value)]++
		}
	}
	for _, id := range everybody {
		if n := times[strings.ToLower(id.Value())]; n != 1 {
			t.Fatalf("one of them was submitted %d times", n)
		}
	}
}

func TestEraseAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		c := compliance.New(srv.Client())
		everybody := people(srv, 2001)
		ledger := open(t, filepath.Join(t.TempDir(), "ledger"))
		given := append(slices.Clone(everybody),
			compliance.Email("nobody@example.com"), compliance.Email("not an address"), compliance.EndUserID("not an id"),
			compliance.Email("PERSON-7@example.com "), everybody[8]) // these two were given before

		// Submitted, and looked at once: everything is under way.
		got, err := tally(c.EraseAll(t.Context(), slices.Values(given), compliance.EraseParams{Ledger: ledger}))
		want := map[compliance.Outcome]int{compliance.Pending: 2001, compliance.NotFound: 1, compliance.Refused: 2}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%v (-want +got)\n%s", err, diff)
		}
		submittedOnce(t, srv, everybody)
		if n := len(srv.Erasures()); n != 3 {
			t.Errorf("%d jobs, want 3", n)
		}

		// The same call later: nothing is submitted again, and all is erased.
		time.Sleep(2 * time.Hour)
		got, err = tally(c.EraseAll(t.Context(), slices.Values(given), compliance.EraseParams{Ledger: ledger}))
		want = map[compliance.Outcome]int{compliance.Erased: 2001, compliance.NotFound: 1, compliance.Refused: 2}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%v (-want +got)\n%s", err, diff)
		}
		submittedOnce(t, srv, everybody)

		// One more person beside them, and this time with waiting.
		more := people(srv, 2002)[2001]
		got, err = tally(c.EraseAll(t.Context(), slices.Values([]compliance.Identifier{everybody[0], more}), compliance.EraseParams{Ledger: ledger, Wait: true}))
		if diff := cmp.Diff(map[compliance.Outcome]int{compliance.Erased: 2}, got); diff != "" || err != nil {
			t.Fatalf("%v (-want +got)\n%s", err, diff)
		}
		submittedOnce(t, srv, append(everybody, more))
	})
}

func TestEraseAllSplitsByBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		everybody := ids(300, func(i int) compliance.Identifier {
			return compliance.Variable("v", fmt.Sprintf("%04d%s", i, strings.Repeat("x", 4000)))
		})
		ledger := open(t, filepath.Join(t.TempDir(), "ledger"))
		_, err := tally(compliance.New(srv.Client()).EraseAll(t.Context(), slices.Values(everybody), compliance.EraseParams{Ledger: ledger}))
		if err != nil {
			t.Fatal(err)
		}
		submittedOnce(t, srv, everybody)
		for _, call := range srv.Calls("compliance.Erase") {
			if len(call.Body) > 512_000 {
				t.Errorf("a request has %d bytes", len(call.Body))
			}
		}
		if n := len(srv.Erasures()); n != 3 {
			t.Errorf("%d jobs, want 3", n)
		}
	})
}

// crasher ends the goroutine, as a crash ends the process, at one step of many.
type crasher struct {
	compliance.Ledger
	rt    http.RoundTripper
	step  int
	crash int
}

// now counts a step and reports whether this is the one.
func (c *crasher) now() {
	c.step++
	if c.step == c.crash {
		runtime.Goexit()
	}
}

func (c *crasher) Append(e compliance.Entry) error {
	c.now() // before it is written
	err := c.Ledger.Append(e)
	c.now() // and after
	return err
}

func (c *crasher) RoundTrip(r *http.Request) (*http.Response, error) {
	c.now() // before it is sent
	resp, err := c.rt.RoundTrip(r)
	c.now() // and with an answer that nobody reads
	return resp, err
}

// A crash at any step loses nobody, and has nobody submitted twice, whether the next call comes at once or in an hour.
func TestEraseAllCrashes(t *testing.T) {
	for crash := 1; ; crash++ {
		ended := false
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t)
			everybody := pairs(srv, 5)
			path := filepath.Join(t.TempDir(), "ledger")
			run := func(crash int) (counts map[compliance.Outcome]int, err error, whole bool) {
				ledger := open(t, path)
				defer ledger.Close()
				config := srv.Config()
				c := &crasher{Ledger: ledger, rt: config.HTTP.Client.Transport, crash: crash}
				config.HTTP.Client = &http.Client{Transport: c}
				client, err := ada.NewClient(config)
				if err != nil {
					t.Fatal(err)
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					counts, err = tally(compliance.New(client).EraseAll(t.Context(), slices.Values(everybody), compliance.EraseParams{Ledger: c}))
					whole = true
				}()
				<-done
				return counts, err, whole
			}
			_, err, whole := run(crash)
			if ended = whole; whole && err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(crash%3) * time.Hour)
			if counts, err, _ := run(0); counts[compliance.Pending]+counts[compliance.Erased] != 5 || err != nil {
				t.Fatalf("crash at step %d: %v, %v", crash, counts, err)
			}
			time.Sleep(2 * time.Hour)
			counts, err, _ := run(0)
			if diff := cmp.Diff(map[compliance.Outcome]int{compliance.Erased: 5}, counts); diff != "" || err != nil {
				t.Fatalf("crash at step %d: %v (-want +got)\n%s", crash, err, diff)
			}
			submittedOnce(t, srv, everybody)
		})
		if ended || t.Failed() {
			if crash < 3*4+3*2 { // 3 jobs: two entries and a request each, and looks
				t.Errorf("there were only %d steps", crash)
			}
			return
		}
	}
}

// The file can end anywhere after a crash of the machine.
func TestEraseAllWithACutLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		everybody := people(srv, 3)
		path := filepath.Join(t.TempDir(), "ledger")
		c := compliance.New(srv.Client())
		run := func() (map[compliance.Outcome]int, error) {
			ledger := open(t, path)
			defer ledger.Close()
			return tally(c.EraseAll(t.Context(), slices.Values(everybody), compliance.EraseParams{Ledger: ledger}))
		}
		if _, err := run(); err != nil {
			t.Fatal(err)
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// The entry that says that a job was made is lost, to its last byte or all of it: the request is repeated as
		// it was. What comes before it is on the disk, as the request was made after that.
		lines := bytes.SplitAfter(whole, []byte("\n"))
		made := len(whole) - len(lines[len(lines)-2])
		for end := made; end < len(whole); end += 7 {
			if err := os.WriteFile(path, whole[:end], 0o600); err != nil {
				t.Fatal(err)
			}
			if counts, err := run(); err != nil || counts[compliance.Pending] != 3 {
				t.Fatalf("cut at %d of %d: %v, %v", end, len(whole), counts, err)
			}
			submittedOnce(t, srv, everybody)
		}
		if n := len(srv.Erasures()); n != 1 {
			t.Errorf("%d jobs, want 1", n)
		}
	})
}

// A request whose answer was lost is repeated as it was within 24 hours, is unknown until 7 days have passed, and its
// people are submitted anew after that.
func TestEraseAllAfterALostAnswer(t *testing.T) {
	for _, tt := range []struct {
		later time.Duration
		want  compliance.Outcome
		jobs  int
	}{
		{0, compliance.Pending, 1},
		{22 * time.Hour, compliance.Erased, 1}, // in the meantime
		{24 * time.Hour, compliance.Unknown, 1},
		{7 * 24 * time.Hour, compliance.Unknown, 1},
		{8 * 24 * time.Hour, compliance.NotFound, 2}, // the first one erased them
	} {
		t.Run(tt.later.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t)
				everybody := people(srv, 2)
				ledger := open(t, filepath.Join(t.TempDir(), "ledger"))
				c := compliance.New(srv.Client())
				erase := func(given []compliance.Identifier) (map[compliance.Outcome]int, error) {
					return tally(c.EraseAll(t.Context(), slices.Values(given), compliance.EraseParams{Ledger: ledger}))
				}
				srv.Fail("compliance.Erase", slices.Repeat([]adatest.Failure{{Effect: true, Drop: true}}, 4)...)
				counts, err := erase(everybody)
				if !ada.Retryable(err) || counts[compliance.Unknown] != 2 {
					t.Fatalf("got %v, %v", counts, err)
				}
				time.Sleep(tt.later)
				// Not everybody is given: the request cannot be repeated as it was.
				if tt.later < 24*time.Hour {
					if counts, err := erase(everybody[:1]); err != nil || counts[compliance.Unknown] != 1 {
						t.Errorf("one of two: %v, %v", counts, err)
					}
				}
				// In another case, and in another order.
				given := []compliance.Identifier{compliance.Email(strings.ToUpper(everybody[1].Value())), everybody[0]}
				counts, err = erase(given)
				if diff := cmp.Diff(map[compliance.Outcome]int{tt.want: 2}, counts); diff != "" || err != nil {
					t.Errorf("%v (-want +got)\n%s", err, diff)
				}
				if n := len(srv.Erasures()); n != tt.jobs {
					t.Errorf("%d jobs, want %d", n, tt.jobs)
				}
			})
		})
	}
}

func TestEraseAllFailures(t *testing.T) {
	refused, unknown := compliance.Refused, compliance.Unknown
	for _, tt := range []struct {
		name    string
		failure adatest.Failure
		times   int
		first   map[compliance.Outcome]int // of 3 in two jobs
		err     error
	}{
		{"400 of the first job", adatest.Failure{Status: 400}, 1, map[compliance.Outcome]int{refused: 2, compliance.Pending: 1}, nil},
		{"413 of the first job", adatest.Failure{Status: 413}, 1, map[compliance.Outcome]int{refused: 2, compliance.Pending: 1}, nil},
		{"401", adatest.Failure{Status: 401}, 1, map[compliance.Outcome]int{refused: 2}, ada.ErrUnauthorized},
		{"403", adatest.Failure{Status: 403}, 1, map[compliance.Outcome]int{refused: 2}, ada.ErrForbidden},
		{"outage", adatest.Failure{Status: 503}, 4, map[compliance.Outcome]int{unknown: 2}, ada.ErrServer},
		{"507", adatest.Failure{Status: 507}, 1, map[compliance.Outcome]int{unknown: 2}, ada.ErrServer},
		{"lost answer", adatest.Failure{Effect: true, Drop: true}, 4, map[compliance.Outcome]int{unknown: 2}, nil},
		{"unusable answer", adatest.Failure{Effect: true, Status: 202, Body: "{}"}, 1, map[compliance.Outcome]int{unknown: 2}, ada.ErrAnswer},
		{"429 for a day", adatest.Failure{Status: 429, Header: http.Header{"Retry-After": {"86400"}}}, 1, map[compliance.Outcome]int{unknown: 2}, ada.ErrRateLimited},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := adatest.NewServer(t)
				everybody := pairs(srv, 3)
				path := filepath.Join(t.TempDir(), "ledger")
				ledger := open(t, path)
				c := compliance.New(srv.Client())
				srv.Fail("compliance.Erase", slices.Repeat([]adatest.Failure{tt.failure}, tt.times)...)
				counts, err := tally(c.EraseAll(t.Context(), slices.Values(everybody), compliance.EraseParams{Ledger: ledger}))
				if diff := cmp.Diff(tt.first, counts); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				if tt.err != nil && !errors.Is(err, tt.err) || (err == nil) != (counts[compliance.Pending] > 0) {
					t.Errorf("got %v, want %v", err, tt.err)
				}
				// The next call makes it good.
				counts, err = tally(c.EraseAll(t.Context(), slices.Values(everybody), compliance.EraseParams{Ledger: ledger, Wait: true}))
				if diff := cmp.Diff(map[compliance.Outcome]int{compliance.Erased: 3}, counts); diff != "" || err != nil {
					t.Errorf("%v (-want +got)\n%s", err, diff)
				}
				submittedOnce(t, srv, everybody)
			})
		})
	}
}

// A job that fails leaves its people unknown, and lets them be submitted again when that does no harm any more.
func TestEraseAllOfAJobThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		everybody := people(srv, 10)
		c := compliance.New(srv.Client())
		// Somebody else submits one of them.
		if _, err := c.Erase(t.Context(), compliance.Erasure{Identifiers: []compliance.Identifier{compliance.Variable("email", "person-3@example.com"), everybody[3]}}); err != nil {
			t.Fatal(err)
		}
		ledger := open(t, filepath.Join(t.TempDir(), "ledger"))
		erase := func(wait bool) map[compliance.Outcome]int {
			t.Helper()
			counts, err := tally(c.EraseAll(t.Context(), slices.Values(everybody), compliance.EraseParams{Ledger: ledger, Wait: wait}))
			if err != nil {
				t.Fatal(err)
			}
			return counts
		}
		for range 2 { // however often it is asked
			if diff := cmp.Diff(map[compliance.Outcome]int{compliance.Unknown: 10}, erase(true)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			time.Sleep(3 * 24 * time.Hour)
		}
		if n := len(srv.Erasures()); n != 2 {
			t.Errorf("%d jobs, want 2", n)
		}
		time.Sleep(2 * 24 * time.Hour)
		if diff := cmp.Diff(map[compliance.Outcome]int{compliance.Erased: 9, compliance.NotFound: 1}, erase(true)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestEraseAllWhenJobsCannotBeSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := adatest.NewServer(t)
		everybody := pairs(srv, 5)
		ledger := open(t, filepath.Join(t.TempDir(), "ledger"))
		c := compliance.New(srv.Client())
		srv.Fail("compliance.Job", slices.Repeat([]adatest.Failure{{Status: 503}}, 4)...)
		counts, err := tally(c.EraseAll(t.Context(), slices.Values(everybody), compliance.EraseParams{Ledger: ledger}))
		if diff := cmp.Diff(map[compliance.Outcome]int{compliance.Pending: 5}, counts); diff != "" || !errors.Is(err, ada.ErrServer) {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		if n := len(srv.Calls("compliance.Job")); n != 4 {
			t.Errorf("%d looks during an outage, want 4", n)
		}
		// The context ends while it waits.
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		counts, err = tally(c.EraseAll(ctx, slices.Values(everybody), compliance.EraseParams{Ledger: ledger, Wait: true}))
		if diff := cmp.Diff(map[compliance.Outcome]int{compliance.Pending: 5}, counts); diff != "" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		srv.Fail("compliance.Job", adatest.Failure{Status: 404})
		counts, err = tally(c.EraseAll(t.Context(), slices.Values(everybody), compliance.EraseParams{Ledger: ledger}))
		if diff := cmp.Diff(map[compliance.Outcome]int{compliance.Unknown: 2, compliance.Pending: 3}, counts); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	})
}

// Leaving the loop at any verdict leaves nothing behind, and the next call goes on.
func TestEraseAllLeftEarly(t *testing.T) {
	for stop := range 5 {
		synctest.Test(t, func(t *testing.T) {
			srv := adatest.NewServer(t)
			everybody := people(srv, 4)
			given := append([]compliance.Identifier{compliance.Email("malformed")}, everybody...)
			ledger := open(t, filepath.Join(t.TempDir(), "ledger"))
			c := compliance.New(srv.Client())
			seen := 0
			for range c.EraseAll(t.Context(), slices.Values(given), compliance.EraseParams{Ledger: ledger}) {
				if seen == stop {
					break
				}
				seen++
			}
			counts, err := tally(c.EraseAll(t.Context(), slices.Values(given), compliance.EraseParams{Ledger: ledger, Wait: true}))
			if counts[compliance.Erased] != 4 || err != nil {
				t.Errorf("left at %d: %v, %v", stop, counts, err)
			}
			submittedOnce(t, srv, everybody)
		})
	}
}

func TestEraseAllWithoutALedger(t *testing.T) {
	c, n := answering(t, 202, "{}")
	_, err := tally(c.EraseAll(t.Context(), slices.Values([]compliance.Identifier{compliance.Email("a@b")}), compliance.EraseParams{}))
	wantFaults(t, n, err, ada.Fault{Field: "Ledger", Reason: "is missing"})
}

func TestFileLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	l := open(t, path)
	entries := []compliance.Entry{
		{Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Event: compliance.Submitting, Reference: "r1", Keys: []string{l.Key(compliance.Email("canary@b")), "k"}},
		{Event: compliance.Submitted, Reference: "r1", JobID: "j1"},
	}
	for _, e := range entries {
		if err := l.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := compliance.OpenFileLedger(path, hashKey); !errors.Is(err, compliance.ErrLedger) {
		t.Errorf("opened twice: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(entries[0]); !errors.Is(err, compliance.ErrLedger) {
		t.Errorf("appended to a closed ledger: %v", err)
	}

	l = open(t, path)
	var got []compliance.Entry
	for e, err := range l.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if diff := cmp.Diff(entries, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for range l.Entries() {
		break
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(content, []byte("canary")) {
		t.Errorf("the file shows an identifier:\n%s", content)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("the file has mode %s, %v", info.Mode(), err)
	}
	if fmt.Sprintf("%+v %#v", l, l) != "compliance.FileLedger compliance.FileLedger" {
		t.Errorf("it prints %+v", l)
	}

	// What is not to be opened.
	broken := filepath.Join(t.TempDir(), "broken")
	for name, text := range map[string]string{
		"an older version":  `{"ledger":"ada-go/0"}` + "\n",
		"another file":      "hello\n",
		"a broken line":     string(content) + "{\n" + string(content[bytes.IndexByte(content, '\n')+1:]),
		"plain, but hashed": `{"ledger":"ada-go/1","keys":"plain"}` + "\n",
	} {
		if err := os.WriteFile(broken, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := compliance.OpenFileLedger(broken, hashKey); !errors.Is(err, compliance.ErrLedger) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(broken); err != nil || string(after) != text {
			t.Errorf("%s: the file was changed to %q", name, after)
		}
	}
	if _, err := compliance.OpenFileLedger(path, []byte("another key of 16")); !errors.Is(err, compliance.ErrLedger) {
		t.Errorf("opened with another key: %v", err)
	}
	if _, err := compliance.OpenFileLedger(path, hashKey[:15]); !errors.Is(err, compliance.ErrLedger) {
		t.Errorf("opened with a short key: %v", err)
	}
	if _, err := compliance.OpenPlainFileLedger(path); !errors.Is(err, compliance.ErrLedger) {
		t.Errorf("opened as plain: %v", err)
	}
	if _, err := compliance.OpenPlainFileLedger(filepath.Join(path, "no", "such")); !errors.Is(err, compliance.ErrLedger) {
		t.Errorf("opened nowhere: %v", err)
	}
}

func TestLedgerKeys(t *testing.T) {
	hashed := open(t, filepath.Join(t.TempDir(), "hashed"))
	plain, err := compliance.OpenPlainFileLedger(filepath.Join(t.TempDir(), "plain"))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if got, want := plain.Key(compliance.Variable("n", "v")), `["variable_match","n","v"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, l := range []*compliance.FileLedger{hashed, plain} {
		seen := map[string]bool{}
		for _, id := range []compliance.Identifier{
			compliance.Email("a"), compliance.EndUserID("a"), compliance.ExternalID("a"), compliance.ChatterID("a"),
			compliance.Variable("a", "b"), compliance.Variable("ab", ""), compliance.Variable("", "ab"), compliance.Variable(`a","b`, ""),
		} {
			key := l.Key(id)
			if seen[key] || key != l.Key(id) {
				t.Errorf("the key %s is not of one identifier", key)
			}
			seen[key] = true
		}
	}
}
