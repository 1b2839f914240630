package apicheck

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	// Building these brings what they depend on into the module cache, which a run of only these tests needs.
	_ "github.com/adasdk/ada-go/ada/adatest"
	_ "github.com/adasdk/ada-go/endusers"
)

const modulePath = "github.com/adasdk/ada-go"

// moduleRoot returns the absolute path of the module.
//
// It also reads every directory of it. The tests here leave the reading to the go command, which "go test" does not
// see, and without this it would answer with a cached result after the packages have changed.
func moduleRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// goCommand runs the go command in dir and returns what it prints. It uses no network: what building the module has
// brought into the module cache must do.
func goCommand(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GOFLAGS=-mod=readonly -buildvcs=false", "GOPROXY=off", "GOTOOLCHAIN=local", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return out
}
