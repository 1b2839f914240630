package apicheck

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExamples proves that users can see everything in use that a public package has: every exported function, and
// every exported method of an exported type, has an Example whose output is checked. Two kinds of methods need none of
// their own, since they are called through an interface:
//
//   - those that fmt, log/slog, encoding/json, errors and net/http call, if the package shows the type: in an Example of
//     the type, of a constructor or of another method, or by its name in the code of any Example
//   - those with which a type implements an exported interface of the package, if there is an Example of the interface
func TestExamples(t *testing.T) {
	list := packagesOf(t)
	imp := importerOf(list)
	standard := standardMethods(t, imp)
	checked := 0
	for _, p := range list {
		if !p.public() {
			continue
		}
		pkg, err := imp.Import(p.ImportPath)
		if err != nil {
			t.Fatal(err)
		}
		var files []*ast.File
		for _, name := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		missing, n := unshown(pkg, examplesOf(pkg, files), standard)
		for _, name := range missing {
			t.Errorf("%s.%s has no Example with an output", strings.TrimPrefix(p.ImportPath, modulePath+"/"), name)
		}
		checked += n
	}
	if checked <= 100 {
		t.Errorf("checked %d functions and methods, want more than 100", checked)
	}
	t.Logf("%d functions and methods", checked)
}

// standardMethods returns, as an interface, the methods that the standard library looks for in what it is given.
func standardMethods(t *testing.T, imp types.Importer) *types.Interface {
	t.Helper()
	const source = `package standard

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
)

type methods interface {
	encoding.TextMarshaler
	error
	fmt.Formatter
	fmt.Stringer
	http.Handler
	json.Marshaler
	json.Unmarshaler
	slog.LogValuer
	Is(error) bool // of errors
	Unwrap() error // of errors
	IsZero() bool  // of encoding/json
}
`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "standard.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	config := types.Config{Importer: imp}
	pkg, err := config.Check("standard", fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return pkg.Scope().Lookup("methods").Type().Underlying().(*types.Interface)
}

// examples is what the Examples of a package with an output show.
type examples struct {
	of   []string        // such as "Client_Create_faults"
	uses map[string]bool // the names of the package in their code
}

func examplesOf(pkg *types.Package, files []*ast.File) examples {
	shown := examples{uses: map[string]bool{}}
	for _, e := range doc.Examples(files...) {
		if e.Output == "" && !e.EmptyOutput {
			continue
		}
		shown.of = append(shown.of, e.Name)
		ast.Inspect(e.Code, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg.Name() {
					shown.uses[s.Sel.Name] = true
				}
			}
			return true
		})
	}
	return shown
}

// has reports whether there is an Example of a function, a type or a method: "Client", "Client_Create".
func (e examples) has(name string) bool {
	return slices.ContainsFunc(e.of, func(of string) bool {
		suffix, ok := strings.CutPrefix(of, name+"_")
		return of == name || ok && suffix[:1] == strings.ToLower(suffix[:1])
	})
}

// unshown returns what of a package the Examples do not show, and how much there is in all.
func unshown(pkg *types.Package, shown examples, standard *types.Interface) (missing []string, n int) {
	var interfaces []*types.TypeName // that are shown
	for _, name := range pkg.Scope().Names() {
		obj, ok := pkg.Scope().Lookup(name).(*types.TypeName)
		if ok && types.IsInterface(obj.Type()) && shown.has(name) {
			interfaces = append(interfaces, obj)
		}
	}
	for _, name := range pkg.Scope().Names() {
		switch obj := pkg.Scope().Lookup(name).(type) {
		case *types.Func:
			if !obj.Exported() {
				continue
			}
			n++
			if !shown.has(name) {
				missing = append(missing, name)
			}
		case *types.TypeName:
			if !obj.Exported() || types.IsInterface(obj.Type()) {
				continue
			}
			for selection := range types.NewMethodSet(types.NewPointer(obj.Type())).Methods() {
				method := selection.Obj().(*types.Func)
				if !method.Exported() {
					continue
				}
				n++
				implements := func(i *types.TypeName) bool {
					of := i.Type().Underlying().(*types.Interface)
					return has(of, method) && types.Implements(selection.Recv(), of)
				}
				if !shown.has(name+"_"+method.Name()) && !(has(standard, method) && shown.shows(pkg, obj)) &&
					!slices.ContainsFunc(interfaces, implements) {
					missing = append(missing, name+"."+method.Name())
				}
			}
		}
	}
	return missing, n
}

// has reports whether a method is one of an interface's.
func has(i *types.Interface, method *types.Func) bool {
	for m := range i.Methods() {
		if m.Name() == method.Name() && types.Identical(m.Type(), method.Type()) {
			return true
		}
	}
	return false
}

// shows reports whether there is an Example of a type, of a method or a constructor of it, or one that names it.
func (e examples) shows(pkg *types.Package, typ *types.TypeName) bool {
	of := func(name string) bool { return name == typ.Name() || strings.HasPrefix(name, typ.Name()+"_") }
	if e.uses[typ.Name()] || slices.ContainsFunc(e.of, of) {
		return true
	}
	for _, name := range pkg.Scope().Names() {
		if f, ok := pkg.Scope().Lookup(name).(*types.Func); ok && e.has(name) && makes(f, typ) {
			return true
		}
	}
	return false
}

// makes reports whether the first result of a function is of the type, or points to it.
func makes(f *types.Func, typ *types.TypeName) bool {
	if f.Signature().Results().Len() == 0 {
		return false
	}
	result := f.Signature().Results().At(0).Type()
	if p, ok := result.(*types.Pointer); ok {
		result = p.Elem()
	}
	named, ok := result.(*types.Named)
	return ok && named.Obj() == typ
}

func TestUnshown(t *testing.T) {
	const source = `package p

import "fmt"

func Func()          {}
func Other()         {}
func WithoutOutput() {}
func unexported()    {}

// All of it is shown.

type Client struct{}

func NewClient() *Client { return nil }

func (*Client) Do()                   {}
func (Client) Format(fmt.State, rune) {}
func (Client) unexported()            {}

type Named struct{}

func (Named) MarshalText() ([]byte, error) { return nil, nil }

type Made struct{}

func NewMade() (Made, error) { return Made{}, nil }

func (Made) String() string { return "" }

type Store interface{ Claim() }

type Memory struct{}

func (Memory) Claim() {}

// Not all of it is.

type Metadata map[string]string

func (Metadata) String(key string) string { return "" }

type Hidden struct{}

func (Hidden) String() string { return "" }

type Payload interface{ Type() }

type Created struct{ base }

type base struct{}

func (base) Type()     {}
func (base) Promoted() {}
`
	const tests = `package p_test

func ExampleFunc() {
	// Output:
}

func ExampleOther_Suffix() {
	// Output:
}

func ExampleWithoutOutput() {}

func ExampleNewClient() {
	// Output:
}

func ExampleClient_Do_twice() {
	// Output:
}

func ExampleNewMade() {
	// Output:
}

func ExampleStore() {
	// Output:
}

func Example_redacted() {
	println(p.Named{}, p.Metadata{}, Hidden{}, q.Hidden{}, p.Created{}, p.Payload)
	// Output:
}
`
	imp := importerOf(packagesOf(t))
	fset := token.NewFileSet()
	var files []*ast.File
	for _, text := range []string{source, tests} {
		file, err := parser.ParseFile(fset, "p.go", text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	config := types.Config{Importer: imp}
	pkg, err := config.Check("example.com/p", fset, files[:1], nil)
	if err != nil {
		t.Fatal(err)
	}
	got, n := unshown(pkg, examplesOf(pkg, files[1:]), standardMethods(t, imp))
	want := []string{"Created.Promoted", "Created.Type", "Hidden.String", "Metadata.String", "Other", "WithoutOutput"}
	if diff := cmp.Diff(want, got); diff != "" || n != 14 {
		t.Errorf("%d functions and methods, want 14; not shown (-want +got):\n%s", n, diff)
	}
}
