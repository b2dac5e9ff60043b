package parse

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/htmltree"
)

func TestTreesShareAMemoryBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := htmltree.NewRoom()
		fill := func() *htmltree.Tree { // with the largest allowed tree
			full := htmltree.New(charset.Source{Charset: "utf-8"}, new(htmltree.Formatting), htmltree.MaxWeight,
				htmltree.MaxDeep, room)
			if _, trouble := full.Document(t.Context()); trouble != "" {
				t.Fatalf("the largest tree does not fit into an empty budget: %s", trouble)
			}
			return full
		}
		full := fill()
		p, err := New(Config{Select: []string{"t=title"}, Room: room})
		if err != nil {
			t.Fatal(err)
		}
		page := htmlPage("http://example.com/", "<title>t</title><a href=/a>a</a>")
		doc, err := p.Parse(t.Context(), page)
		if err != nil || len(doc.Links) != 1 || doc.Fields["t"] != nil || !strings.Contains(doc.Trouble, "no room") {
			t.Errorf("while the budget is used up: %+v, %v", doc, err)
		}
		full.LeaveRoom()
		if doc, err = p.Parse(t.Context(), page); err != nil || doc.Fields["t"] != "t" || doc.Trouble != "" {
			t.Errorf("when the budget is free: %+v, %v", doc, err)
		}
		fill().LeaveRoom() // no page still occupies memory
	})
}
