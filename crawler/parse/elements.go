package parse

import (
	"context"
	"fmt"

	"github.com/PuerkitoBio/goquery"

	"github.com/trawlcrawler/trawl/crawler"
)

// Elements is a page of HTML for whoever selects from it. It may be used for as
// long as the page has its body, by one goroutine.
type Elements struct {
	tree *tree
	res  resolver
}

// ElementsOf returns the elements of a page that was read by a parser with
// Config.Tree, or nil of what is no HTML.
func ElementsOf(doc *crawler.Document) *Elements {
	if doc == nil {
		return nil
	}
	e, _ := doc.Tree.(*Elements)
	return e
}

// Document returns the page as a tree, which is built when it is first asked for.
// The error says, for a person, why it can have none. What one changes in it stays
// changed.
func (e *Elements) Document(ctx context.Context) (*goquery.Document, error) {
	root, trouble := e.tree.document(ctx)
	if trouble != "" {
		return nil, fmt.Errorf("its elements can not be selected: %s", trouble)
	}
	return goquery.NewDocumentFromNode(root), nil
}

// Resolve makes a URL of a reference in the page, by its <base href> and in its
// charset.
func (e *Elements) Resolve(ref string) (crawler.URL, error) { return e.res.resolve(ref) }
