package apicheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// listed is a package as the go command knows it.
type listed struct {
	ImportPath, Dir           string
	Export                    string // the file with its types
	Standard                  bool
	Module                    *struct{ Main bool }
	TestGoFiles, XTestGoFiles []string
}

// public reports whether it is one of the module's that users import.
func (p listed) public() bool {
	return p.Module != nil && p.Module.Main && !strings.HasPrefix(p.ImportPath, modulePath+"/examples/") &&
		!slices.Contains(strings.Split(p.ImportPath, "/"), "internal")
}

// found is what packagesOf has returned, as go list takes a second.
var found []listed

// packagesOf returns the packages of the module and all that they import.
func packagesOf(t *testing.T) (list []listed) {
	t.Helper()
	if found != nil {
		return found
	}
	out := goCommand(t, moduleRoot(t), "list", "-export", "-deps",
		"-json=ImportPath,Dir,Export,Standard,Module,TestGoFiles,XTestGoFiles", "./...")
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			found = list
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// importerOf returns one of the listed packages.
func importerOf(list []listed) types.Importer {
	exports := map[string]string{}
	for _, p := range list {
		exports[p.ImportPath] = p.Export
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
}
