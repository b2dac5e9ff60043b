package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
)

// forge is where the files are that the site does not have.
const forge = "https://github.com/trawlcrawler/trawl/blob/main/"

//go:embed style.css
var style []byte

//go:embed page.html
var layout string

var frame = template.Must(template.New("page").Parse(layout))

// render returns a page as HTML.
func render(p page, pages []page) ([]byte, error) {
	markdown := goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(html.WithUnsafe()), // comments: the documents are our own
	)
	context := parser.NewContext(parser.WithIDs(newAnchors()))
	tree := markdown.Parser().Parse(text.NewReader(p.text), parser.WithContext(context))
	if err := relink(tree, p, pages); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := markdown.Renderer().Render(&body, p.text, tree); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err := frame.Execute(&out, map[string]any{
		"Title": p.title,
		"Style": relative(p.target, "style.css"),
		"Home":  relative(p.target, "index.html"),
		"Edit":  forge + p.source,
		"Menu":  menuOf(p, pages),
		"Body":  template.HTML(wrapTables(body.String())), // rendered from our own documents
	})
	return out.Bytes(), err
}

// wrapTables lets wide tables scroll by themselves, so that a phone does not scroll the
// whole page.
func wrapTables(body string) string {
	return strings.NewReplacer("<table>", `<div class="table"><table>`, "</table>", "</table></div>").Replace(body)
}

// relink turns links between documents into links between pages, and links to other files
// into links to the forge.
func relink(tree ast.Node, from page, pages []page) error {
	return ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		link, ok := n.(*ast.Link)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		target := string(link.Destination)
		if strings.Contains(target, "://") || strings.HasPrefix(target, "#") || strings.HasPrefix(target, "mailto:") {
			return ast.WalkContinue, nil
		}
		file, anchor, hasAnchor := strings.Cut(target, "#")
		file = path.Join(path.Dir(from.source), file)
		if strings.HasPrefix(file, "..") {
			return ast.WalkStop, fmt.Errorf("link %q leads out of the repository", target)
		}
		href := forge + file
		if at := slices.IndexFunc(pages, func(p page) bool { return p.source == file }); at >= 0 {
			href = relative(from.target, pages[at].target)
		}
		if hasAnchor {
			href += "#" + anchor
		}
		link.Destination = []byte(href)
		return ast.WalkContinue, nil
	})
}

// anchors gives headings the names that GitHub gives them, which the documents link to.
type anchors struct{ used map[string]bool }

func newAnchors() *anchors { return &anchors{used: make(map[string]bool)} }

// Generate returns the anchor of a heading, from its source.
func (a *anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(string(value)))
	name := slug
	for n := 1; a.used[name]; n++ {
		name = slug + "-" + strconv.Itoa(n)
	}
	a.used[name] = true
	return []byte(name)
}

// Put marks an anchor as used.
func (a *anchors) Put(value []byte) { a.used[string(value)] = true }
