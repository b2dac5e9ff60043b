package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// page is a document.
type page struct {
	source string // path in the repository: "docs/jobs.md"
	target string // path in the site: "docs/jobs.html"
	title  string // its first heading
	text   []byte
}

// others are the documents outside docs.
var others = []string{
	"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
	"bench/README.md", "deploy/README.md", "examples/README.md",
}

// load reads the documents, in a fixed order.
func load(root string) ([]page, error) {
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return nil, fmt.Errorf("%s has no documents in docs", root)
	}
	sources := slices.Clone(others)
	for _, file := range docs {
		sources = append(sources, "docs/"+filepath.Base(file))
	}
	var pages []page
	for _, source := range sources {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(source)))
		if err != nil {
			return nil, err
		}
		pages = append(pages, page{source: source, target: targetOf(source), title: titleOf(string(text)), text: text})
	}
	return pages, nil
}

// targetOf returns where a document is in the site. README.md is the index of its folder.
func targetOf(source string) string {
	if path.Base(source) == "README.md" {
		return path.Join(path.Dir(source), "index.html")
	}
	return strings.TrimSuffix(source, ".md") + ".html"
}

// titleOf returns the first heading of a document.
func titleOf(text string) string {
	for l := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(l, "# "); ok {
			return strings.TrimSpace(strings.ReplaceAll(title, "`", ""))
		}
	}
	return "Trawl"
}

// section is a part of the menu.
type section struct {
	name    string
	sources []string
}

// menu lists the pages of the menu. Pages that it lacks are appended to its last section.
var menu = []section{
	{"", []string{"README.md", "docs/README.md"}},
	{"Start", []string{"docs/install.md", "docs/first-crawl.md", "docs/first-fleet.md", "docs/first-handler.md"}},
	{"How to", []string{"docs/cookbook.md", "docs/everyday.md", "docs/links.md", "docs/extract.md", "docs/handlers.md",
		"docs/export.md", "docs/commoncrawl.md", "deploy/README.md", "examples/README.md", "docs/faq.md"}},
	{"Reference", []string{"docs/reference.md", "docs/settings.md", "docs/scope.md", "docs/jobs.md", "docs/events.md",
		"docs/records.md", "docs/output.md", "docs/formats.md", "docs/text.md", "docs/rendering.md", "docs/access.md",
		"docs/browser.md", "docs/identity.md", "docs/rights.md", "docs/dashboard.md", "docs/api.md", "docs/metrics.md"}},
	{"Explanation", []string{"docs/politeness.md", "docs/durability.md", "docs/faults.md", "docs/scale.md",
		"docs/recrawl.md", "docs/hostile.md", "docs/simulate.md", "docs/limits.md", "docs/comparison.md"}},
	{"Project", []string{"ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md",
		"docs/robot.md"}},
}

// entry is a line of the menu as a page shows it.
type entry struct {
	Name    string
	Href    string // "" for a heading
	Current bool
}

// menuOf returns the menu for a page.
func menuOf(current page, pages []page) []entry {
	var all []entry
	listed := make(map[string]bool)
	add := func(source string) {
		at := slices.IndexFunc(pages, func(p page) bool { return p.source == source })
		if at < 0 || listed[source] {
			return
		}
		listed[source] = true
		all = append(all, entry{Name: shortTitle(pages[at]), Href: relative(current.target, pages[at].target),
			Current: source == current.source})
	}
	for _, s := range menu {
		if s.name != "" {
			all = append(all, entry{Name: s.name})
		}
		for _, source := range s.sources {
			add(source)
		}
	}
	for _, p := range pages {
		add(p.source)
	}
	return all
}

// shortTitle is the title of a page in the menu: up to its colon.
func shortTitle(p page) string {
	if p.source == "README.md" {
		return "Overview"
	}
	short, _, _ := strings.Cut(p.title, ":")
	return short
}

// relative returns the link from one page of the site to another.
func relative(from, to string) string {
	link, err := filepath.Rel(filepath.Dir(filepath.FromSlash(from)), filepath.FromSlash(to))
	if err != nil {
		panic("site: " + err.Error()) // cannot happen: both are relative
	}
	return filepath.ToSlash(link)
}
