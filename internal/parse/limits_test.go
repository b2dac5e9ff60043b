package parse

import (
	"testing"

	"github.com/trawlcrawler/trawl/internal/extract"
	"github.com/trawlcrawler/trawl/internal/htmltree"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/test/hostile"
)

func TestTheDocumentedLimitsHold(t *testing.T) {
	t.Parallel()
	hostile.Holds(t, map[string]any{
		"memory of a tree for --select":              hostile.Bytes(htmltree.MaxWeight),
		"links of a page":                            reference.MaxLinks,
		"links in Link headers":                      maxHeaderLinks,
		"bytes of a title":                           hostile.Bytes(maxTitle),
		"nesting of a tree for --select":             htmltree.MaxDeep,
		"processor time for the main text of a page": maxArticleTime,
		"bytes of a main text, and of its Markdown":  hostile.Bytes(extract.MaxBytes),
	})
}
