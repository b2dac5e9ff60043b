package parse

import (
	"context"
	"fmt"

	"github.com/PuerkitoBio/goquery"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/htmltree"
	"github.com/trawlcrawler/trawl/internal/reference"
)

// Elements is an HTML page for selecting elements from it. It may be used by one
// goroutine, as long as the page has its body.
type Elements struct {
	tree *htmltree.Tree
	res  reference.Resolver
}

// ElementsOf returns the elements of a page that was parsed with Config.Tree, or nil if
// the page is not HTML.
func ElementsOf(doc *fetched.Document) *Elements {
	if doc == nil {
		return nil
	}
	e, _ := doc.Tree.(*Elements)
	return e
}

// Document returns the page as a tree, which is built on first use. The error says why
// the page can have no tree. Changes to the tree remain.
func (e *Elements) Document(ctx context.Context) (*goquery.Document, error) {
	root, trouble := e.tree.Document(ctx)
	if trouble != "" {
		return nil, fmt.Errorf("its elements cannot be selected: %s", trouble)
	}
	return goquery.NewDocumentFromNode(root), nil
}

// Passing reports whether the error of Document may be gone when the page is fetched again.
func (e *Elements) Passing() bool { return e.tree.Passing() }

// Resolve resolves a reference in the page, using its <base href> and its charset.
func (e *Elements) Resolve(ref string) (crawler.URL, error) { return e.res.Resolve(ref) }
