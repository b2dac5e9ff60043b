package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	hrefs = regexp.MustCompile(`(?:href|src|srcset)="([^"]*)"`)
	names = regexp.MustCompile(`id="([^"]*)"`)
)

// TestEveryLinkOfTheSiteLeadsToAPage builds the site of this repository.
func TestEveryLinkOfTheSiteLeadsToAPage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := build("..", dir); err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var text []byte
			text, err = os.ReadFile(path)
			texts[path] = string(text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for file, text := range texts {
		for _, m := range hrefs.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			checked++
			path, anchor, _ := strings.Cut(m[1], "#")
			to := file
			if path != "" {
				to = filepath.Join(filepath.Dir(file), path)
			}
			if there, ok := texts[to]; !ok || anchor != "" &&
				!strings.Contains(strings.Join(names.FindAllString(there, -1), " "), `id="`+anchor+`"`) {
				t.Errorf("%s links to %q, which the site does not have", strings.TrimPrefix(file, dir), m[1])
			}
		}
	}
	if checked < 1000 {
		t.Errorf("%d links were checked, want 1000 or more", checked)
	}
}

func TestFilesThatAreNoPagesAreAtTheForge(t *testing.T) {
	t.Parallel()
	pages := []page{
		{source: "docs/a.md", target: "docs/a.html", title: "A",
			text: []byte("# A\n\n[b](../b.md#x) [code](../cmd/trawl) [c](c.md)\n\n## Not `here`!\n")},
		{source: "b.md", target: "b.html", title: "B"},
		{source: "docs/c.md", target: "docs/c.html", title: "C"},
	}
	html, err := render(pages[0], pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`href="../b.html#x"`, `href="` + forge + `cmd/trawl"`, `href="c.html"`,
		`<h2 id="not-here">`} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the page lacks %s:\n%s", want, html)
		}
	}
}
