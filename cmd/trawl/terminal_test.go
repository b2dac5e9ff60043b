package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// terminalOutput returns the output of a terminal after writing some pieces.
func terminalOutput(t *testing.T, pieces ...string) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := &terminal{file: file}
	for _, p := range pieces {
		if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatalf("wrote %d bytes of %d: %v", n, len(p), err)
		}
	}
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestControlCharactersAreEscapedForATerminal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		pieces []string
		want   string
	}{
		{"lines and tables stay", []string{"a\tb\n", "Größe\t日本語\n\n"}, "a\tb\nGröße\t日本語\n\n"},
		{"escapes do not", []string{"a\x1b[2J\tb\x07\r\nc\u009b\u202e\n"},
			"a\\u001b[2J\tb\\u0007\\u000d\nc\\u009b\\u202e\n"},
		{"nor in pieces", []string{"a\x1b", "[2J\xc2", "\x9b2J\xe2\x80", "\xae."}, `a\u001b[2J\u009b2J\u202e.`},
		{"characters may come in pieces", []string{"\xe6\x97", "\xa5\xf0", "\x9f", "\xa6", "\x80\n"}, "日🦀\n"},
		{"bytes that are no characters are replaced", []string{"\x9b2J\xff\n"}, "\uFFFD2J\uFFFD\n"},
		{"nothing", []string{""}, ""},
	} {
		if got := terminalOutput(t, c.pieces...); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// Only terminal.go may use the standard streams.
func TestAllOutputGoesThroughTheTerminal(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "terminal.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && bypassesTerminal(sel) {
				t.Errorf("%s bypasses terminal.go", name)
			}
			if call, ok := n.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.Ident); ok && (f.Name == "print" || f.Name == "println") {
					t.Errorf("%s bypasses terminal.go", name)
				}
			}
			return true
		})
	}
}

// bypassesTerminal reports whether an expression uses a standard stream directly.
func bypassesTerminal(sel *ast.SelectorExpr) bool {
	pkg, ok := sel.X.(*ast.Ident)
	if !ok {
		return false
	}
	switch pkg.Name + "." + sel.Sel.Name {
	case "os.Stdout", "os.Stderr", "fmt.Print", "fmt.Printf", "fmt.Println":
		return true
	}
	return false
}

func BenchmarkTerminal(b *testing.B) {
	file, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	w := &terminal{file: file}
	text := []byte(strings.Repeat(`{"url":"http://127.0.0.1:8000/download.html","title":"Download — Python 3.11.2 documentation"}`+"\n", 10_000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := w.Write(text); err != nil {
			b.Fatal(err)
		}
	}
}
