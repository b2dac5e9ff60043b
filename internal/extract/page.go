package extract

import (
	"unicode"

	"golang.org/x/net/html"
)

// page is a tree as a list of its nodes in document order, so that an element is the
// range from its own index to its end. Everything that the choice of the main text asks
// of an element is a difference of two sums over that list, whatever the depth.
type page struct {
	nodes []node
	body  int // index of the body, or 0
	over  func() bool
}

// node is one node of a page.
type node struct {
	*html.Node
	parent  int32
	end     int32 // index behind its last descendant
	letters int32 // of a text: characters, with white space collapsed; 0 if it is not shown
	linked  bool  // of a text: it lies in a link
}

// hidden lists elements whose content is not text of the page (HTML, 15.3.1 Hidden
// elements, and what is replaced by something else).
var hidden = setOf("script", "style", "template", "noscript", "head", "title", "select", "textarea",
	"iframe", "object", "svg", "button", "input", "link", "meta", "datalist", "audio", "video", "canvas")

func setOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// newPage lists the nodes of a tree.
func newPage(root *html.Node) *page {
	p := &page{}
	p.add(root, 0, true, false)
	return p
}

func (p *page) add(n *html.Node, parent int32, shown, linked bool) {
	i := len(p.nodes)
	p.nodes = append(p.nodes, node{Node: n, parent: parent, linked: linked})
	switch n.Type {
	case html.TextNode:
		if shown {
			p.nodes[i].letters = int32(lettersOf(n.Data))
		}
	case html.ElementNode:
		shown = shown && !hidden[n.Data]
		linked = linked || n.Data == "a"
		if n.Data == "body" && p.body == 0 {
			p.body = i
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.add(c, int32(i), shown, linked)
	}
	p.nodes[i].end = int32(len(p.nodes))
}

// lettersOf counts the characters of a text, with white space collapsed and trimmed.
func lettersOf(s string) (n int) {
	space := true
	for _, r := range s {
		switch {
		case !unicode.IsSpace(r):
			n++
			space = false
		case !space:
			n++
			space = true
		}
	}
	if space && n > 0 {
		n--
	}
	return n
}

// isElement reports whether the node is an element with that name.
func (p *page) isElement(i int, name string) bool {
	return p.nodes[i].Type == html.ElementNode && p.nodes[i].Data == name
}

// attribute returns the value of an attribute of n, or "".
func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

func hasAttribute(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return true
		}
	}
	return false
}

// cuts marks elements that are left out of a page, with everything in them.
type cuts []bool

// each calls f with the index of each node from i, itself included, to the end of its
// element, without those that are cut.
func (p *page) each(i int, gone cuts, f func(j int)) {
	for j := i; j < int(p.nodes[i].end); {
		if gone != nil && gone[j] {
			j = int(p.nodes[j].end)
			continue
		}
		f(j)
		j++
	}
}

// sums counts what is in the elements of a page. Each list has the sums over the nodes
// before an index, so what an element has is a difference.
type sums struct {
	letters, linked []int32 // of texts, and of those in links
	links, shorts   []int32 // links with text, and those with fewer than shortLink letters
}

const shortLink = 10

// sum counts what is left of a page.
func (p *page) sum(gone cuts) *sums {
	n := len(p.nodes)
	all := make([]int32, 4*(n+1))
	s := &sums{all[:n+1], all[n+1 : 2*(n+1)], all[2*(n+1) : 3*(n+1)], all[3*(n+1):]}
	for i := 0; i < n; {
		to := i + 1
		if gone != nil && gone[i] {
			to = int(p.nodes[i].end)
		}
		letters, linked := int32(0), int32(0)
		if to == i+1 {
			if letters = p.nodes[i].letters; p.nodes[i].linked {
				linked = letters
			}
		}
		for j := i + 1; j <= to; j++ {
			s.letters[j], s.linked[j] = s.letters[i]+letters, s.linked[i]+linked
		}
		i = to
	}
	for i := range p.nodes {
		links, shorts := int32(0), int32(0)
		if p.isElement(i, "a") {
			if l := s.letters[p.nodes[i].end] - s.letters[i]; l > 0 {
				links = 1
				if l < shortLink {
					shorts = 1
				}
			}
		}
		s.links[i+1], s.shorts[i+1] = s.links[i]+links, s.shorts[i]+shorts
	}
	return s
}

func (p *page) in(list []int32, i int) int { return int(list[p.nodes[i].end] - list[i]) }
