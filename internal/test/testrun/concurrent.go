package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// parseFiles parses the files of a package.
func parseFiles(dir string, names []string) (files []*ast.File, err error) {
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// startsGoroutines reports whether a file has a go statement or calls a method Go.
func startsGoroutines(file *ast.File) bool { return starts(file, file) }

// starts reports whether a node of a file is or has a go statement or a call of a method Go, as those
// of sync.WaitGroup and errgroup.Group. A function Go of another package, such as testcommand.Go,
// does not count.
func starts(file *ast.File, node ast.Node) bool {
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = true
		case *ast.CallExpr:
			method, ok := n.Fun.(*ast.SelectorExpr)
			found = found || ok && method.Sel.Name == "Go" && !importedName(file, method.X)
		}
		return !found
	})
	return found
}

// concurrentTests returns the names of the tests in files that start goroutines, or mention a
// function that does: a name that several functions have stands for all of them.
func concurrentTests(files []*ast.File) []string {
	concurrent := make(map[string]bool)
	for _, file := range files {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && starts(file, f) {
				concurrent[f.Name.Name] = true
			}
		}
	}
	for known := 0; known < len(concurrent); {
		known = len(concurrent)
		for _, file := range files {
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && mentions(f, concurrent) {
					concurrent[f.Name.Name] = true
				}
			}
		}
	}
	names := slices.Sorted(maps.Keys(concurrent))
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, "Test") })
}

// mentions reports whether a function mentions one of some names.
func mentions(f *ast.FuncDecl, names map[string]bool) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && names[id.Name]
		return !found
	})
	return found
}

// importedName reports whether an expression is the name of a package that a file imports.
func importedName(file *ast.File, x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	return ok && slices.ContainsFunc(file.Imports, func(spec *ast.ImportSpec) bool {
		if spec.Name != nil {
			return spec.Name.Name == id.Name
		}
		imported, err := strconv.Unquote(spec.Path.Value)
		return err == nil && path.Base(imported) == id.Name
	})
}
