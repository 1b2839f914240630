package apicheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNoInternalTypesInPublicAPI proves that users can name every type that they meet, and that none of them comes
// from a dependency, whose next major version would then be one of the SDK.
func TestNoInternalTypesInPublicAPI(t *testing.T) {
	w := newWalker()
	list := packagesOf(t)
	for _, pkg := range list {
		w.standard[pkg.ImportPath], w.public[pkg.ImportPath] = pkg.Standard, pkg.public()
	}
	imp := importerOf(list)
	var visited []string
	for _, listed := range list {
		if !listed.public() {
			continue
		}
		pkg, err := imp.Import(listed.ImportPath)
		if err != nil {
			t.Fatal(err)
		}
		w.walk(pkg)
		visited = append(visited, listed.ImportPath)
	}

	for _, leak := range w.leaks {
		t.Error(leak)
	}
	for _, name := range []string{"ada", "ada/adatest", "endusers"} {
		if !slices.Contains(visited, modulePath+"/"+name) {
			t.Errorf("visited %q, and not %s", visited, name)
		}
	}
	if w.objects <= 50 {
		t.Errorf("visited %d exported objects, want more than 50", w.objects)
	}
	t.Logf("%d exported objects in %q", w.objects, visited)
}

func TestWalker(t *testing.T) {
	sources := []struct{ path, source string }{
		{"io", `package io; type Reader interface{ Read([]byte) (int, error) }`},
		{"example.com/dep", `package dep; type T int; type E struct{}; func (E) Close(T) {}; type C interface{ M() }`},
		{"example.com/sdk/other", `package other; type Box[V any] struct{ Value V }`},
		{"example.com/sdk", `package sdk

import (
	"example.com/dep"
	"example.com/sdk/other"
	"io"
)

// Leaks.

const Const dep.T = 1

var Var [2]chan *dep.T

func Func(a int, rest ...dep.T) {}

func Result() (r io.Reader, err error, x dep.T) { return }

func Generic[V dep.C](V) {}

type Callbacks map[string][]func(n int, x dep.T) error

type Embeds struct{ *dep.E }

type Alias = dep.T

type GenericAlias[V dep.C] = []V

type Argument struct{ Field other.Box[other.Box[dep.T]] }

type Constraint[V interface{ ~string | dep.T }] struct{}

type Methods struct{}

func (*Methods) Pointer(func() dep.T) {}
func (Methods) Value() map[dep.T]int  { return nil }

type Interface interface {
	dep.C
	io.Reader
	Method(struct{ F dep.T })
}

type Inherits struct{ hidden }

type hidden struct{ Promoted dep.T }

func (hidden) Method(dep.T) {}

func Unexported() *returned { return nil }

type returned struct {
	next  *returned
	Field dep.T
}

type hiddenAlias = dep.E

type EmbedsAlias struct{ hiddenAlias }

// What a user does not see, or may.

var private dep.T

func helper(dep.T) {}

type unreached struct{ Field dep.T }

type Clean[V any] struct {
	io.Reader
	Next   *Clean[V]
	Box    other.Box[Methods]
	Err    error
	engine dep.T
}

func (Clean[V]) private(dep.T)             {}
func (*Clean[V]) Method(V, any) io.Reader { return nil }

type Sealed interface{ seal(dep.T) }
`},
	}
	w := newWalker()
	w.standard["io"] = true
	w.public["example.com/sdk"], w.public["example.com/sdk/other"] = true, true

	pkgs, fset := packages{}, token.NewFileSet()
	for _, s := range sources {
		file, err := parser.ParseFile(fset, s.path, s.source, 0)
		if err != nil {
			t.Fatal(err)
		}
		config := types.Config{Importer: pkgs}
		if pkgs[s.path], err = config.Check(s.path, fset, []*ast.File{file}, nil); err != nil {
			t.Fatal(err)
		}
	}
	w.walk(pkgs["example.com/sdk"])

	want := []string{
		"sdk.Alias mentions example.com/dep.T",
		"sdk.Argument.Field mentions example.com/dep.T",
		"sdk.Callbacks mentions example.com/dep.T",
		"sdk.Const mentions example.com/dep.T",
		"sdk.Constraint mentions example.com/dep.T",
		"sdk.Embeds.E mentions example.com/dep.E",
		"sdk.Func mentions example.com/dep.T",
		"sdk.Generic mentions example.com/dep.C",
		"sdk.GenericAlias mentions example.com/dep.C",
		"sdk.Interface mentions example.com/dep.C",
		"sdk.Interface.Method.F mentions example.com/dep.T",
		"sdk.Methods.Pointer mentions example.com/dep.T",
		"sdk.Methods.Value mentions example.com/dep.T",
		"sdk.Result mentions example.com/dep.T",
		"sdk.Var mentions example.com/dep.T",
		"sdk.hidden.Method mentions example.com/dep.T",
		"sdk.hidden.Promoted mentions example.com/dep.T",
		"sdk.hiddenAlias mentions example.com/dep.E",
		"sdk.returned.Field mentions example.com/dep.T",
	}
	slices.Sort(w.leaks)
	if diff := cmp.Diff(want, w.leaks); diff != "" {
		t.Error("leaks (-want +got):\n" + diff)
	}
}

// packages is an importer of packages that have been checked before.
type packages map[string]*types.Package

func (p packages) Import(path string) (*types.Package, error) { return p[path], nil }
