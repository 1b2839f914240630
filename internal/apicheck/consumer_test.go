package apicheck

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestConsumer builds a module that requires the SDK, and bounds what that brings along.
func TestConsumer(t *testing.T) {
	const (
		maxModules = 6  // in the consumer's go.mod, the SDK included
		maxSums    = 40 // lines in the consumer's go.sum
	)
	allowed := []string{
		modulePath,
		"github.com/apapsch/go-jsonmerge/v2",
		"github.com/google/uuid",
		"github.com/hashicorp/go-cleanhttp",
		"github.com/hashicorp/go-retryablehttp",
		"github.com/oapi-codegen/runtime",
	}

	root, dir := moduleRoot(t), t.TempDir()
	read := func(name string) []byte {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	// The files are those that "go mod tidy" leaves behind. Tidy itself wants the go.mod files of modules that nothing
	// here is built from, and a module cache that only the SDK's own build has filled lacks them. It writes the modules
	// that packages are imported from to go.mod, and to go.sum what the SDK's own go.sum has.
	requires := strings.Fields(string(goCommand(t, root, "list", "-deps",
		"-f", "{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}{{end}}{{end}}", "./ada", "./endusers")))
	slices.Sort(requires)
	requires = append(slices.Compact(requires), modulePath+"@v0.0.0")
	mod := bytes.NewBufferString("module example.com/consumer\n\ngo 1.25.0\n\n")
	for _, require := range requires {
		fmt.Fprintln(mod, "require", strings.Replace(require, "@", " ", 1))
	}
	fmt.Fprintf(mod, "replace %s => %q\n", modulePath, root)
	sum := read(filepath.Join(root, "go.sum"))
	write("go.mod", mod.Bytes())
	write("go.sum", sum)
	write("main.go", read("testdata/consumer/main.go"))

	// Both fail when go.mod or go.sum lacks anything or would have to change.
	binary := filepath.Join(dir, "consumer.exe")
	goCommand(t, dir, "build", "-o", binary, ".")
	goCommand(t, dir, "vet", ".")

	if len(requires) > maxModules {
		t.Errorf("go.mod names %d modules, want at most %d: %q", len(requires), maxModules, requires)
	}
	sums := bytes.Count(sum, []byte("\n"))
	if sums > maxSums {
		t.Errorf("go.sum has %d lines, want at most %d", sums, maxSums)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	var linked []string
	for _, module := range info.Deps {
		linked = append(linked, module.Path)
		if !slices.Contains(allowed, module.Path) {
			t.Errorf("the binary has the module %s in it", module.Path)
		}
	}
	if !slices.Contains(linked, modulePath) {
		t.Errorf("the binary has the modules %q in it, and not the SDK", linked)
	}
	stat, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("go.mod names %d modules: %q", len(requires), requires)
	t.Logf("go.sum has %d lines, and two more for the SDK where it is not replaced by a directory", sums)
	t.Logf("the binary has %.1f MB, and in it %d modules: %q", float64(stat.Size())/1e6, len(linked), linked)
}
