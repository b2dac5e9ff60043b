package parse

import (
	"context"
	"fmt"

	"github.com/PuerkitoBio/goquery"

	"github.com/trawlcrawler/trawl/crawler"
)

// Elements returns a page as a tree to select from, or an error that says, for a
// person, why it has none: it is not HTML, or can have no tree. The document must
// be one of a parser with Config.Tree, whose page still has its body. It is used by
// one goroutine; what it changes in the tree, it finds changed.
func Elements(ctx context.Context, page *crawler.Page, doc *crawler.Document) (*goquery.Document, error) {
	if doc == nil || doc.Tree == nil {
		return nil, fmt.Errorf("%s is not HTML", page.URL)
	}
	t, ok := doc.Tree.(*tree)
	if !ok {
		return nil, fmt.Errorf("%s was parsed by another parser: its tree is a %T", page.URL, doc.Tree)
	}
	root, trouble := t.document(ctx)
	if trouble != "" {
		return nil, fmt.Errorf("%s has no tree: %s", page.URL, trouble)
	}
	return goquery.NewDocumentFromNode(root), nil
}
