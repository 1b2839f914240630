package journal

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func lines(t *testing.T, f *File) string {
	t.Helper()
	var all []string
	for line, err := range f.Lines() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(line))
	}
	return strings.Join(all, ",")
}

func open(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path, []byte("header"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	f := open(t, path)
	long := strings.Repeat("x", 100_000)
	for _, s := range []string{"a\n", "b\nc\n", long + "\n"} {
		if err := errors.Join(f.Append([]byte(s)), f.Sync()); err != nil {
			t.Fatal(err)
		}
	}
	want := "a,b,c," + long
	if got := lines(t, f); got != want {
		t.Errorf("got %.100s", got)
	}
	if _, err := Open(path, []byte("header")); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if err := f.Rewrite(func(line []byte) bool { return string(line) != "b" }); err != nil {
		t.Fatal(err)
	}
	want = "a,c," + long
	if got := lines(t, f); got != want {
		t.Errorf("rewritten, it is %.100s", got)
	}
	if _, err := Open(path, []byte("header")); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice after it was rewritten: %v", err)
	}
	if err := errors.Join(f.Append([]byte("d\n")), f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	f = open(t, path)
	if got := lines(t, f); got != want+",d" {
		t.Errorf("opened again, it is %.100s", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" || info.Size() != f.Size() {
		t.Errorf("%v of %d bytes: %v", info.Mode(), info.Size(), err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, []byte("another")); !errors.Is(err, ErrForeign) {
		t.Errorf("with another header: %v", err)
	}
}

// A crash can cut the file short anywhere.
func TestJournalIsCutShort(t *testing.T) {
	whole := "header\na\nbb\n" + strings.Repeat("c", 5000) + "\n"
	for n := range len(whole) + 1 {
		if n > 20 && n < len(whole)-5 {
			continue
		}
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, []byte(whole[:n]), 0o600); err != nil {
			t.Fatal(err)
		}
		f := open(t, path)
		if err := f.Append([]byte("d\n")); err != nil {
			t.Fatal(err)
		}
		want := "d"
		if end := strings.LastIndexByte(whole[:n], '\n'); end > len("header") {
			want = strings.ReplaceAll(whole[len("header\n"):end], "\n", ",") + ",d"
		}
		if got := lines(t, f); got != want {
			t.Errorf("cut at %d it has %.50s, want %.50s", n, got, want)
		}
	}
}

// A file can be opened just before another one takes its place, and locked just after.
func TestJournalStaysAloneWhileItIsRewritten(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a second process can have the file there between two steps, and the first one then fails")
	}
	path := filepath.Join(t.TempDir(), "journal")
	f := open(t, path)
	done := make(chan struct{})
	var second sync.WaitGroup
	second.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if other, err := Open(path, []byte("header")); !errors.Is(err, ErrLocked) {
				t.Errorf("opened twice: %v", err)
				if err == nil {
					_ = other.Close()
				}
				return
			}
		}
	})
	for range 200 {
		if err := f.Rewrite(func([]byte) bool { return true }); err != nil {
			t.Error(err)
		}
	}
	close(done)
	second.Wait()
}

// A system can forget what it could not write, and then says so to one sync and not to the next.
func TestJournalAfterASyncThatFailed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	f := open(t, path)
	if err := f.Append([]byte("a\n")); err != nil {
		t.Fatal(err)
	}
	healthy := f.file
	f.file = os.NewFile(^uintptr(0), path)
	if err := f.Sync(); err == nil {
		t.Fatal("a sync of no file")
	}
	f.file = healthy
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Append([]byte("b\n")), f.Sync()); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if os.SameFile(before, after) {
		t.Error("it is in the file that could not be synced")
	}
	if err := errors.Join(f.Append([]byte("c\n")), f.Sync()); err != nil {
		t.Fatal(err)
	}
	last, err := os.Stat(path)
	if err != nil || !os.SameFile(after, last) {
		t.Errorf("it was rewritten once more: %v", err)
	}
	if got := lines(t, f); got != "a,b,c" {
		t.Errorf("it has %s", got)
	}
}

func TestJournalIsSafeForConcurrentUse(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "journal"))
	var writers sync.WaitGroup
	for range 20 {
		writers.Go(func() {
			for range 20 {
				if err := errors.Join(f.Append([]byte("line\n")), f.Sync()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Go(func() {
		if err := f.Rewrite(func([]byte) bool { return true }); err != nil {
			t.Error(err)
		}
	})
	writers.Wait()
	if got := strings.Count(lines(t, f), "line"); got != 400 {
		t.Errorf("%d lines, want 400", got)
	}
}
