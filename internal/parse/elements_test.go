package parse

import (
	"context"
	"strings"
	"testing"
)

func TestElementsSelectAndResolveAsTheParserDid(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/a/", `<meta charset=iso-8859-1><base href="/shop/"><a href="?q=%E9t`+"\xe9"+
		`">x</a>`)
	doc := parsePage(t, Config{Tree: true}, page)
	elements := ElementsOf(doc)
	tree, err := elements.Document(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	href := tree.Find("a").AttrOr("href", "")
	u, err := elements.Resolve(href)
	if err != nil || u != doc.Links[0].URL || !strings.HasPrefix(u.String(), "http://example.com/shop/?q=") {
		t.Errorf("%q becomes %s (%v), and the link is %s", href, u, err, doc.Links[0].URL)
	}
	again, _ := elements.Document(t.Context())
	if again.Nodes[0] != tree.Nodes[0] {
		t.Error("the tree is built twice")
	}
	if _, err := elements.Resolve("mailto:a@b"); err == nil {
		t.Error("an address is a URL")
	}
}

func TestFieldsAndElementsShareATree(t *testing.T) {
	t.Parallel()
	doc := parsePage(t, Config{Tree: true, Select: []string{"t=b"}}, htmlPage("http://example.com/", "<b>bold</b>"))
	late, cancel := context.WithCancel(t.Context())
	cancel() // no further tree can be built
	if _, err := ElementsOf(doc).Document(late); doc.Fields["t"] != "bold" || err != nil {
		t.Errorf("fields %v; the tree is not built: %v", doc.Fields, err)
	}
}

func TestTheErrorForAPageWithoutATreeSaysWhy(t *testing.T) {
	t.Parallel()
	doc := parsePage(t, Config{Tree: true}, htmlPage("http://example.com/", strings.Repeat("<div>", 600)))
	_, err := ElementsOf(doc).Document(t.Context())
	if err == nil || !strings.Contains(err.Error(),
		"its elements cannot be selected: elements are nested more than 512 deep") {
		t.Errorf("the error is %v", err)
	}
}

func TestOnlyWhatIsDueToThePageIsWrongForEver(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		body    string
		passing bool
	}{
		"the time is over":        {over, "<b>bold</b>", true},
		"it is nested too deeply": {t.Context(), strings.Repeat("<div>", 600), false},
	} {
		e := ElementsOf(parsePage(t, Config{Tree: true}, htmlPage("http://example.com/", c.body)))
		if _, err := e.Document(c.ctx); err == nil || e.Passing() != c.passing {
			t.Errorf("%s: the error is %v, and it is %t that it passes", name, err, e.Passing())
		}
	}
}

func TestElementsAreOnlyAvailableIfRequested(t *testing.T) {
	t.Parallel()
	if doc := parsePage(t, Config{}, htmlPage("http://example.com/", "<b>bold</b>")); doc.Tree != nil ||
		ElementsOf(doc) != nil {
		t.Errorf("the document has the tree %v", doc.Tree)
	}
	if ElementsOf(nil) != nil {
		t.Error("no document has elements")
	}
}
