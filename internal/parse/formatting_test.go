package parse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/htmltree"
	"github.com/trawlcrawler/trawl/internal/test/corpus"
)

// treeSize returns the estimate for a document, and the actual number of elements in its
// tree.
func treeSize(t testing.TB, body string) (estimate, elements int) {
	t.Helper()
	s := newScan(Config{})
	s.wantTree()
	page := htmlPage("http://example.com/", body)
	if err := s.read(context.Background(), charset.NewSource(charset.MediaType{Charset: "utf-8"}, page.Body.Head,
		false), ""); err != nil {
		t.Fatal(err)
	}
	root, err := html.ParseWithOptions(strings.NewReader(body), html.ParseOptionEnableScripting(false))
	if err != nil {
		return s.regrowth.Reopened, 0
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			elements++
		}
	}
	return s.regrowth.Reopened, elements
}

// unbalancedTags are tags whose misnesting makes trees grow. "*" stands for an attribute
// that makes each occurrence different.
var unbalancedTags = strings.Fields("<b*> </b> <i*> </i> <a*> </a> <nobr*> </nobr> <font*> </font> <p> </p> <div> </div> <li> <h1> </h1> <table> </table> <tr> <td> </td> " +
	"<th> <caption> </caption> <object> </object> <select> </select> <option> <button> </button> <template> </template> <svg> </svg> <math> <mi> </mi> " +
	"<foreignobject> <desc> </desc> <span> </span> <br> </br> <form> </form> <body> </body> <html> </html> <noscript> </noscript> <marquee> </marquee> <ruby> <rt> x")

// unbalancedDocument generates a document of unbalancedTags: a start, many formatting
// elements, and the same few tags repeated.
func unbalancedDocument(pick func(int) int) (body string, tags int) {
	var b strings.Builder
	add := func(words []string) {
		for _, w := range words {
			tags++
			b.WriteString(strings.ReplaceAll(w, "*", fmt.Sprintf(" id=%d", tags)))
		}
	}
	some := func(most int) (words []string) {
		for range pick(most + 1) {
			words = append(words, unbalancedTags[pick(len(unbalancedTags))])
		}
		return words
	}
	add(some(3))
	for range 60 {
		add([]string{[]string{"<b*>", "<i*>", "<font*>"}[pick(3)]})
	}
	add(some(3))
	unit := some(5)
	for range 100 {
		add(unit)
	}
	return b.String(), tags
}

func TestTheEstimateOfATreeIsNotTooLow(t *testing.T) {
	t.Parallel()
	const perTag = 9 // the elements of a tag itself; a misnested one is copied up to eight times
	random := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		body, tags := unbalancedDocument(random.IntN)
		if estimate, elements := treeSize(t, body); elements > perTag*tags+estimate {
			t.Errorf("%d elements from %d tags, estimated %d more: %.900s", elements, tags, estimate, body)
		}
	}
}

func TestTheEstimateOfAnOrdinaryPageIsLow(t *testing.T) {
	t.Parallel()
	for name, unit := range map[string]string{
		"well-formed":                   "<p>a <b>b <i>c</i></b> <a href=x>d</a></p>",
		"cells and items without ends":  "<table><tr><td><b>x</b><td><font>y</font></table><ul><li><em>z</em><li>x</ul>",
		"anchors that are never closed": "<a name=x><p>text",
	} {
		if estimate, _ := treeSize(t, strings.Repeat(unit, 10_000)); estimate > 100_000 {
			t.Errorf("%s: %d", name, estimate)
		}
	}
	for _, c := range corpus.Manuals() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			for _, page := range c.Pages(t, 50) {
				if estimate, elements := treeSize(t, string(page.Body.Head)); estimate > 10*elements {
					t.Errorf("%s has %d elements and is estimated to have %d more", page.URL, elements, estimate)
				}
			}
		})
	}
}

func TestAPageWithTooLargeATreeHasLinksButNoFields(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("<title>t</title><p>")
	for i := range 400 {
		fmt.Fprintf(&b, "<b id=%d>", i)
	}
	b.WriteString(strings.Repeat("<p>x", 20_000) + "<a href=/last>") // a tree of 1.2 GB
	doc := parsePage(t, Config{Select: []string{"t=title"}}, htmlPage("http://example.com/", b.String()))
	if len(doc.Links) != 1 || doc.Fields["t"] != nil || !strings.Contains(doc.Trouble, "not closed") {
		t.Errorf("links %v, fields %v, trouble %q", doc.Links, doc.Fields, doc.Trouble)
	}
}

func TestATreeIsGivenUpWhenItTakesTooLong(t *testing.T) {
	t.Parallel()
	// Each <body> inspects all attributes of the first one, which takes minutes in total.
	var b strings.Builder
	b.WriteString("<body")
	for i := range 100_000 {
		fmt.Fprintf(&b, " a%d", i)
	}
	b.WriteString(">" + strings.Repeat("<body x>", 1<<16))
	p, err := New(Config{Select: []string{"t=title"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	src := charset.NewSource(charset.MediaType{Charset: "utf-8"}, []byte(b.String()), false)
	s := newScan(Config{})
	s.wantTree()
	slow := htmltree.New(src, s.regrowth, s.weight, p.deep, p.room)
	slow.LeaveRoom() // trees of other tests may occupy the budget for longer than this one may wait
	if _, trouble := slow.Document(ctx); !strings.Contains(trouble, "takes more than") {
		t.Errorf("trouble %q, want that it takes too long", trouble)
	}
}
