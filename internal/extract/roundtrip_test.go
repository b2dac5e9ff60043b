package extract

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	markup "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"
)

// reading is what a parser finds in a page: its words in order, and its parts.
type reading struct {
	Words    []string
	Rows     []string // of tables, the words of their cells
	Code     []string
	Headings []string
	Links    []string
}

// readingOf reads a tree. Text and Markdown are read from the same choice, so whatever one
// of them loses shows.
func readingOf(c choice) (r reading) {
	r.Words = wordsOf(plainText(c, never, 1<<30))
	var visit func(n *html.Node)
	visit = func(n *html.Node) {
		for k := n.FirstChild; k != nil; k = k.NextSibling {
			if c.skip(k) || k.Type != html.ElementNode || hidden[k.Data] && k.Data != "input" {
				continue
			}
			part := choice{root: k, drop: c.drop}
			switch k.Data {
			case "pre":
				if !inside(k, "td", "th") {
					r.Code = append(r.Code, codeLines(preText(k, c.skip)))
				}
			case "tr":
				if words := wordsOf(plainText(part, never, 1<<30)); len(words) > 0 && len(cellsOf(k)) > 1 {
					r.Rows = append(r.Rows, strings.Join(words, " "))
				}
			case "h1", "h2", "h3", "h4", "h5", "h6":
				if words := wordsOf(plainText(part, never, 1<<30)); len(words) > 0 &&
					!inside(k, "td", "th", "a", "dt") {
					r.Headings = append(r.Headings, k.Data+" "+strings.Join(words, " "))
				}
			case "a":
				if href := attribute(k, "href"); href != "" && !inside(k, "pre") && !partOfCode(k) {
					if u, ok := exampleLinks.Link(href); ok {
						if words := wordsOf(plainText(part, never, 1<<30)); len(words) > 0 {
							r.Links = append(r.Links, strings.Join(words, " ")+" "+u)
						}
					}
				}
			}
			visit(k)
		}
	}
	visit(c.root)
	return r
}

func inside(n *html.Node, names ...string) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if slices.Contains(names, p.Data) {
			return true
		}
	}
	return false
}

// partOfCode reports whether a link lies in code that has more than the link, which
// Markdown cannot say.
func partOfCode(a *html.Node) bool {
	for p := a.Parent; p != nil; p = p.Parent {
		switch p.Data {
		case "code", "tt", "kbd", "samp":
			return onlyLink(p) != a
		}
	}
	return false
}

func wordsOf(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
}

func codeLines(s string) string {
	var all []string
	for line := range strings.SplitSeq(s, "\n") {
		all = append(all, strings.TrimRight(line, " \t"))
	}
	return strings.Trim(strings.Join(all, "\n"), "\n")
}

// readBack reads Markdown with goldmark.
func readBack(t testing.TB, markdown string) reading {
	t.Helper()
	var b bytes.Buffer
	md := goldmark.New(
		goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList, extension.Footnote),
		goldmark.WithRendererOptions(markup.WithUnsafe()),
	)
	if err := md.Convert([]byte(markdown), &b); err != nil {
		t.Fatal(err)
	}
	p := newPage(parsed(t, b.String()))
	return readingOf(choice{root: p.nodes[p.body].Node})
}

// checkRoundTrip writes a choice and reads it back.
func checkRoundTrip(t *testing.T, c choice) {
	t.Helper()
	want := readingOf(c)
	markdown := markdownOf(c, exampleLinks, never, 1<<30)
	got := readBack(t, markdown)
	if len(footnotesOf(c.root, c.skip)) > 0 { // the other parser puts them at the end
		want.Words, got.Words, want.Links, got.Links = nil, nil, nil, nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		if len(diff) > 3000 {
			diff = diff[:3000]
		}
		t.Errorf("read back (-page +Markdown):\n%s", diff)
	}
}

// TestMarkdownOfManualsIsReadBack writes real pages and reads them with another parser.
func TestMarkdownOfManualsIsReadBack(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{
		"/usr/share/doc/python3-doc/html", "/usr/share/doc/postgresql-doc-15/html", "/usr/share/doc/openjdk-17-doc/api",
		"/usr/share/doc/nodejs/api",
	} {
		t.Run(filepath.Base(filepath.Dir(folder)), func(t *testing.T) {
			t.Parallel()
			for _, file := range someFiles(t, folder, 40) {
				page, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) > 300_000 {
					continue
				}
				t.Run(filepath.Base(file), func(t *testing.T) {
					p := newPage(parsed(t, string(page)))
					p.over = never
					checkRoundTrip(t, p.auto())
				})
			}
		})
	}
}

// someFiles lists up to n HTML files of a folder, spread over it.
func someFiles(t *testing.T, folder string, n int) (some []string) {
	t.Helper()
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		t.Skipf("the manual is not here: %v", err)
	}
	var all []string
	filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".html") {
			all = append(all, path)
		}
		return nil
	})
	for i := 0; i < len(all); i += max(1, len(all)/n) {
		some = append(some, all[i])
	}
	return some
}
