package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Importing is what a program takes on with an SDK: a program with one typed call, of this SDK and of others for Go that
// are well kept, and with net/http alone. Each is a module of its own, made anew, with the pinned version of the SDK and
// what "go mod tidy" adds. It is built with plain "go build", as most programs are. A cold build is one with a cache that
// holds the packages of the standard library that any of the programs needs, and nothing else: compiling these is no
// doing of an SDK. Modules are downloaded before.

const modulePath = "github.com/adasdk/ada-go"

// importer is a program in testdata/imports.
type importer struct {
	title, name     string
	module, version string // what it imports; the SDK is that of this checkout
}

var importers = []importer{
	{"`net/http` and `encoding/json`", "plain", "", ""},
	{"**this SDK**", "ada", modulePath, "v0.0.0"},
	{"go-github v89.0.0", "github", "github.com/google/go-github/v89", "v89.0.0"},
	{"stripe-go v85.0.0", "stripe", "github.com/stripe/stripe-go/v85", "v85.0.0"},
	{"openai-go v3.99.0", "openai", "github.com/openai/openai-go/v3", "v3.99.0"},
}

//go:embed testdata/imports
var importPrograms embed.FS

// imported is what a program took on.
type imported struct {
	importer
	dir      string
	required int // modules in its go.mod
	modules  int // in its graph
	sums     int // lines of its go.sum
	size     int64
}

// measureImports builds all of the programs.
func measureImports(ctx context.Context, c config) (section, error) {
	return imports(ctx, 1, importers) // a build takes up to minutes, and hardly varies
}

func imports(ctx context.Context, rounds int, importers []importer) (section, error) {
	s := section{
		title: "Importing",
		notes: []string{
			"a program with one typed call, as a module after `go mod tidy`, built with plain `go build`; the modules of its graph are those of `go list -m all`",
			"a cold build compiles and links all but the standard library, which is in the cache before",
			"this SDK is the one of this checkout; where it is not replaced by a directory, go.sum has two lines more",
			fmt.Sprintf("median of %d rounds (least to most)", rounds),
		},
		columns: []string{"", "modules in go.mod", "modules in the graph", "lines of go.sum", "binary MB", "cold build s"},
	}
	if _, err := exec.LookPath("go"); err != nil {
		s.skipped = []string{"everything: " + err.Error()}
		return s, nil
	}
	dir, err := os.MkdirTemp("", "imports")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)

	var programs []*imported
	for _, i := range importers {
		program, err := i.make(ctx, filepath.Join(dir, i.name))
		switch {
		case ctx.Err() != nil:
			return s, ctx.Err()
		case err != nil && i.name == "ada":
			return s, err
		case err != nil: // most likely there is no network
			fmt.Fprintf(os.Stderr, "%s: %v\n", i.title, err)
			s.skipped = append(s.skipped, i.title+": its modules cannot be had")
		default:
			programs = append(programs, program)
		}
	}
	if len(programs) == 0 {
		return s, nil
	}
	cache := filepath.Join(dir, "cache")
	if err := cacheStandard(ctx, cache, programs); err != nil {
		return s, err
	}
	results, err := inTurns(ctx, rounds, programs, func(p *imported) (float64, error) { return p.build(ctx, cache) })
	if err != nil {
		return s, err
	}
	for i, p := range programs {
		s.rows = append(s.rows, []string{
			p.title, fmt.Sprint(p.required), fmt.Sprint(p.modules), fmt.Sprint(p.sums), fmt.Sprintf("%.1f", float64(p.size)/1e6),
			newSpread(results[i]).measured(1),
		})
	}
	return s, nil
}

// make makes the module in dir, and counts what it brings along.
func (i importer) make(ctx context.Context, dir string) (*imported, error) {
	p := &imported{importer: i, dir: dir}
	source, err := importPrograms.ReadFile("testdata/imports/" + i.name + "/main.go")
	if err != nil {
		return nil, err
	}
	mod := "module example.com/" + i.name + "\n\ngo 1.25.0\n"
	if i.module != "" {
		mod += "\nrequire " + i.module + " " + i.version + "\n"
	}
	if i.module == modulePath {
		root, err := goCommand(ctx, "", "", "list", "-m", "-f", "{{.Dir}}", modulePath)
		if err != nil {
			return nil, err
		}
		mod += fmt.Sprintf("\nreplace %s => %q\n", modulePath, strings.TrimSpace(root))
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	for name, content := range map[string]string{"main.go": string(source), "go.mod": mod} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	if _, err := goCommand(ctx, dir, "", "mod", "tidy"); err != nil {
		return nil, err
	}
	output, err := goCommand(ctx, dir, "", "mod", "edit", "-json")
	if err != nil {
		return nil, err
	}
	var file struct{ Require []json.RawMessage }
	if err := json.Unmarshal([]byte(output), &file); err != nil {
		return nil, err
	}
	graph, err := goCommand(ctx, dir, "", "list", "-m", "all")
	if err != nil {
		return nil, err
	}
	sums, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	p.required = len(file.Require)
	p.modules = strings.Count(graph, "\n") - 1 // the program itself is the first
	p.sums = bytes.Count(sums, []byte("\n"))
	return p, nil
}

// cacheStandard fills a cache with the packages of the standard library that the programs need.
func cacheStandard(ctx context.Context, cache string, programs []*imported) error {
	var packages []string
	for _, p := range programs {
		deps, err := goCommand(ctx, p.dir, "", "list", "-deps", "-f", "{{if .Standard}}{{.ImportPath}}{{end}}", ".")
		if err != nil {
			return err
		}
		packages = append(packages, strings.Fields(deps)...)
	}
	packages = slices.DeleteFunc(packages, func(path string) bool { // these come with those that import them
		return strings.HasPrefix(path, "vendor/") || slices.Contains(strings.Split(path, "/"), "internal")
	})
	slices.Sort(packages)
	_, err := goCommand(ctx, programs[0].dir, cache, append([]string{"build"}, slices.Compact(packages)...)...)
	return err
}

// build builds the program with a copy of the cache, and returns the seconds that it took.
func (p *imported) build(ctx context.Context, cache string) (seconds float64, err error) {
	own := filepath.Join(p.dir, "cache")
	if err := os.CopyFS(own, os.DirFS(cache)); err != nil {
		return 0, err
	}
	defer os.RemoveAll(own)
	binary := filepath.Join(p.dir, "program.exe")
	start := time.Now()
	if _, err := goCommand(ctx, p.dir, own, "build", "-o", binary, "."); err != nil {
		return 0, err
	}
	seconds = time.Since(start).Seconds()
	info, err := os.Stat(binary)
	if err != nil {
		return 0, err
	}
	p.size = info.Size()
	return seconds, os.Remove(binary)
}

// goCommand runs the go command, as if nothing of its configuration were set but where modules come from. An empty cache
// is the one that there is.
func goCommand(ctx context.Context, dir, cache string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...) // #nosec G204 -- the arguments are made here
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local")
	if cache != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+cache)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, &stderr)
	}
	return string(output), nil
}
