package apicheck

import (
	"fmt"
	"go/types"
)

// walker finds the types in exported signatures that are neither of a standard nor of a public package.
type walker struct {
	standard map[string]bool // by package path
	public   map[string]bool // by package path

	objects int                      // how many exported objects were walked
	leaks   []string                 // such as "ada.Foo.Bar mentions example.com/dep.Type"
	reached map[*types.TypeName]bool // unexported types that were walked
}

func newWalker() *walker {
	return &walker{standard: map[string]bool{}, public: map[string]bool{}, reached: map[*types.TypeName]bool{}}
}

// walk visits all that pkg exports.
func (w *walker) walk(pkg *types.Package) {
	for _, name := range pkg.Scope().Names() {
		obj := pkg.Scope().Lookup(name)
		if !obj.Exported() {
			continue
		}
		w.objects++
		if typeName, ok := obj.(*types.TypeName); ok {
			w.declaration(typeName)
		} else {
			w.mention(pkg.Name()+"."+name, obj.Type())
		}
	}
}

// declaration visits what a type is made of. Promoted fields and methods are visited with the type that has them,
// which is embedded and so mentioned.
func (w *walker) declaration(name *types.TypeName) {
	at := name.Pkg().Name() + "." + name.Name()
	switch typ := name.Type().(type) {
	case *types.Alias:
		w.constraints(at, typ.TypeParams())
		w.mention(at, typ.Rhs())
	case *types.Named:
		w.constraints(at, typ.TypeParams())
		w.mention(at, typ.Underlying())
		for method := range typ.Methods() {
			if method.Exported() {
				w.mention(at+"."+method.Name(), method.Type())
			}
		}
	default:
		panic(fmt.Sprintf("%s is declared as %T", at, typ))
	}
}

// mention visits a type that is written at a place, down to the names in it.
func (w *walker) mention(at string, typ types.Type) {
	switch typ := typ.(type) {
	case *types.Basic:
	case *types.TypeParam: // its constraint is visited where it is declared
	case *types.Alias:
		w.name(at, typ.Obj(), typ.TypeArgs())
	case *types.Named:
		w.name(at, typ.Obj(), typ.TypeArgs())
	case *types.Map:
		w.mention(at, typ.Key())
		w.mention(at, typ.Elem())
	case interface{ Elem() types.Type }: // pointer, slice, array, channel
		w.mention(at, typ.Elem())
	case *types.Signature:
		w.constraints(at, typ.TypeParams())
		w.mention(at, typ.Params())
		w.mention(at, typ.Results())
	case *types.Tuple:
		for v := range typ.Variables() {
			w.mention(at, v.Type())
		}
	case *types.Struct:
		for field := range typ.Fields() {
			if field.Exported() || field.Embedded() {
				w.mention(at+"."+field.Name(), field.Type())
			}
		}
	case *types.Interface:
		for embedded := range typ.EmbeddedTypes() {
			w.mention(at, embedded)
		}
		for method := range typ.ExplicitMethods() {
			if method.Exported() {
				w.mention(at+"."+method.Name(), method.Type())
			}
		}
	case *types.Union:
		for term := range typ.Terms() {
			w.mention(at, term.Type())
		}
	default:
		panic(fmt.Sprintf("%s mentions a %T", at, typ))
	}
}

func (w *walker) constraints(at string, params *types.TypeParamList) {
	for param := range params.TypeParams() {
		w.mention(at, param.Constraint())
	}
}

// name judges the name of a type. Exported types of public packages are visited by walk. Unexported ones have fields
// and methods that can be reached from here, and are visited once.
func (w *walker) name(at string, name *types.TypeName, args *types.TypeList) {
	for arg := range args.Types() {
		w.mention(at, arg)
	}
	switch pkg := name.Pkg(); {
	case pkg == nil: // error, any and comparable
	case w.standard[pkg.Path()]:
	case !w.public[pkg.Path()]:
		w.leaks = append(w.leaks, fmt.Sprintf("%s mentions %s.%s", at, pkg.Path(), name.Name()))
	case !name.Exported() && !w.reached[name]:
		w.reached[name] = true
		w.declaration(name)
	}
}
