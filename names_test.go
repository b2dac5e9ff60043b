package trawl_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExportedNamesAreThoseOfTheList freezes what programs can use of the package: a change of
// the list is a change of the API, which the changelog names. With UPDATE=1 in the
// environment, the test writes the list.
func TestExportedNamesAreThoseOfTheList(t *testing.T) {
	t.Parallel()
	const path = "testdata/exported.txt"
	got := strings.Join(exportedNames(t), "\n") + "\n"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("exported names (-list +package); to write the list again: UPDATE=1 go test -run Exported .\n%s", diff)
	}
}

// exportedNames lists the exported names of package trawl, with methods and fields as
// Type.Name.
func exportedNames(t *testing.T) (names []string) {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	pkg, err := doc.NewFromFiles(fset, files, "github.com/trawlcrawler/trawl")
	if err != nil {
		t.Fatal(err)
	}
	add := func(all ...string) { names = append(names, all...) }
	values := func(all []*doc.Value) {
		for _, v := range all {
			add(slices.DeleteFunc(slices.Clone(v.Names), func(name string) bool { return !token.IsExported(name) })...)
		}
	}
	funcs := func(all []*doc.Func, prefix string) {
		for _, f := range all {
			add(prefix + f.Name)
			if f.Doc == "" {
				t.Errorf("%s%s has no documentation", prefix, f.Name)
			}
		}
	}
	values(pkg.Consts)
	values(pkg.Vars)
	funcs(pkg.Funcs, "")
	for _, typ := range pkg.Types {
		add(typ.Name)
		values(typ.Consts)
		values(typ.Vars)
		funcs(typ.Funcs, "")
		funcs(typ.Methods, typ.Name+".")
		for _, spec := range typ.Decl.Specs {
			if s, ok := spec.(*ast.TypeSpec).Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, name := range field.Names {
						if name.IsExported() {
							add(typ.Name + "." + name.Name)
						}
					}
				}
			}
		}
	}
	slices.Sort(names)
	return names
}
