package policy

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// maxFiles is how many files besides tests a package may have. A package with more gives
// the reason in its doc comment, in a paragraph that begins with manyFiles.
const (
	maxFiles  = 25
	manyFiles = "Many files:"
)

var figures = flag.Bool("figures", false, "print the size of each package, and what programs can import")

// figure is the size of a package, without its tests.
type figure struct {
	dir      string
	files    int
	longest  int    // lines of its longest function
	function string // the name of that
	exported int    // names at package level
	upward   int    // imports that break the layers
	excused  bool   // its doc comment says why it has many files
}

// public reports whether programs can import the package.
func (f figure) public() bool {
	internal := slices.Contains(strings.Split(f.dir, "/"), "internal")
	return !internal && !within(f.dir, "cmd") && !within(f.dir, "examples") && !within(f.dir, "deploy")
}

func (f figure) String() string {
	return fmt.Sprintf("%-28s %5d files %5d lines %5d names %3d upward  %s", f.dir, f.files, f.longest, f.exported,
		f.upward, f.function)
}

// add counts a file.
func (f *figure) add(fset *token.FileSet, file *ast.File) {
	f.files++
	f.excused = f.excused || strings.Contains(file.Doc.Text(), "\n"+manyFiles)
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			lines := fset.Position(d.End()).Line - fset.Position(d.Pos()).Line + 1
			if lines > f.longest {
				f.longest, f.function = lines, d.Name.Name
			}
			if d.Recv == nil && d.Name.IsExported() {
				f.exported++
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				f.exported += exportedBy(spec)
			}
		}
	}
}

// exportedBy counts the exported names that a type, constant or variable declares.
func exportedBy(spec ast.Spec) (n int) {
	var names []*ast.Ident
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		names = []*ast.Ident{spec.Name}
	case *ast.ValueSpec:
		names = spec.Names
	}
	for _, name := range names {
		if name.IsExported() {
			n++
		}
	}
	return n
}

// figuresOf measures all packages of the module, in the order of their folders.
func figuresOf(t *testing.T) []*figure {
	t.Helper()
	of := make(map[string]*figure)
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, filepath.FromSlash(s.file), nil,
			parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(s.file)
		if of[dir] == nil {
			of[dir] = &figure{dir: dir}
		}
		of[dir].add(fset, file)
		for _, imported := range s.imports {
			if violation(s, imported) != "" {
				of[dir].upward++
			}
		}
	}
	return slices.SortedFunc(maps.Values(of), func(a, b *figure) int { return cmp.Compare(a.dir, b.dir) })
}

// With -figures it prints the table: go test ./internal/policy -run Figures -v -args -figures
func TestFiguresOfPackages(t *testing.T) {
	t.Parallel()
	names := 0
	for _, f := range figuresOf(t) {
		if f.files > maxFiles && !f.excused {
			t.Errorf("%s has %d files, want at most %d, or a paragraph in its doc comment that begins with %q and gives the reason",
				f.dir, f.files, maxFiles, manyFiles)
		}
		if f.public() {
			names += f.exported
		}
		if *figures {
			t.Log(f)
		}
	}
	if *figures {
		t.Logf("%d exported names in the packages that programs can import", names)
	}
}

// surfaceRow is a row of the table of the public surface: a package, and how many names it exports.
var surfaceRow = regexp.MustCompile("(?m)^\\| (?:`([a-z0-9/]+)`|all) \\| ([0-9]+) \\|")

// TestThePublicSurfaceIsThatOfArchitecture holds the number of names that programs can import to the
// table of ARCHITECTURE.md, which says why they are public.
func TestThePublicSurfaceIsThatOfArchitecture(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "### The public surface\n")
	section, _, _ = strings.Cut(section, "\n## ")
	table := make(map[string]string) // by package; "" for all
	for _, row := range surfaceRow.FindAllStringSubmatch(section, -1) {
		table[row[1]] = row[2]
	}
	want, all := make(map[string]string), 0
	for _, f := range figuresOf(t) {
		if !f.public() || f.exported == 0 {
			continue
		}
		name := f.dir
		if name == "." {
			name = "trawl"
		}
		want[name] = strconv.Itoa(f.exported)
		all += f.exported
	}
	want[""] = strconv.Itoa(all)
	if diff := gocmp.Diff(want, table); diff != "" {
		t.Errorf("names that packages export (-code +table of ARCHITECTURE.md): a name that no program needs is internal\n%s", diff)
	}
}
