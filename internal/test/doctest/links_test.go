package doctest

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var (
	inlineCode = regexp.MustCompile("`[^`]*`")
	linkTarget = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	// linkMarkup is a link in a heading, of which the words count for its anchor.
	linkMarkup = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	htmlAnchor = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
)

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, name := range append(guides(t)[:len(guides(t))-1], documents...) {
		for _, l := range lines(read(t, name)) {
			if l.code || strings.HasPrefix(l.text, "    ") {
				continue
			}
			for _, m := range linkTarget.FindAllStringSubmatch(inlineCode.ReplaceAllString(l.text, "`code`"), -1) {
				if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
					continue
				}
				checked++
				if problem := follow(t, name, m[1]); problem != "" {
					t.Errorf("%s:%d links to %q: %s", name, l.number, m[1], problem)
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("%d links were checked, want 100 or more", checked)
	}
}

// follow returns what is wrong with a relative link of a document, or "".
func follow(t *testing.T, from, target string) string {
	t.Helper()
	path, anchor, _ := strings.Cut(target, "#")
	file := from
	if path != "" {
		file = filepath.Join(filepath.Dir(from), path)
	}
	if strings.HasPrefix(file, "..") {
		return "it leads out of the repository"
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return err.Error()
	case anchor == "":
		return ""
	case info.IsDir() || filepath.Ext(file) != ".md":
		return "only documents have anchors"
	}
	if !anchors(read(t, file))[anchor] {
		return file + " has no such heading"
	}
	return ""
}

// anchors returns the anchors of a document's headings, by GitHub's rules.
func anchors(text string) map[string]bool {
	found := make(map[string]bool)
	for _, l := range lines(text) {
		if l.code {
			continue
		}
		for _, m := range htmlAnchor.FindAllStringSubmatch(l.text, -1) {
			found[m[1]] = true
		}
		title := strings.TrimLeft(l.text, "#")
		if title == l.text || !strings.HasPrefix(title, " ") {
			continue
		}
		slug := slugOf(linkMarkup.ReplaceAllString(strings.TrimSpace(title), "$1"))
		name := slug
		for n := 1; found[name]; n++ {
			name = slug + "-" + strconv.Itoa(n)
		}
		found[name] = true
	}
	return found
}

// slugOf keeps letters, digits, hyphens and underscores in lower case, and turns spaces
// into hyphens.
func slugOf(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

func TestAnchorsFollowTheRulesOfForges(t *testing.T) {
	t.Parallel()
	found := anchors("# Jobs of a fleet\n\n## `extract`\n\n```\n# no heading\n```\n## What holds, and why?\n## What holds, and why?\n#no\n")
	for _, want := range []string{"jobs-of-a-fleet", "extract", "what-holds-and-why", "what-holds-and-why-1"} {
		if !found[want] {
			t.Errorf("there is no anchor %q in %v", want, found)
		}
	}
	if len(found) != 4 {
		t.Errorf("there are %d anchors, want 4: %v", len(found), found)
	}
}
