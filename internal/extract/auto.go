package extract

import (
	"golang.org/x/net/html"
)

// extract finds the main text with one of the extractors.
func (p *page) extract(name string) choice {
	switch name {
	case Readability:
		return p.byReadability()
	case Trafilatura:
		return p.opinionOf(p.byRules())
	case Main:
		at, _ := p.container(p.sum(nil))
		return p.cleaned(at, Main)
	case Body:
		return p.cleaned(p.body, Body)
	}
	return p.auto()
}

// cleaned is an element without what is around the text by its own account.
func (p *page) cleaned(at int, by string) choice {
	return choice{root: p.nodes[at].Node, drop: p.dropped(p.clean(at)), by: by}
}

// byReadability is what readability finds, or the cleaned container if the page is too
// large for it.
func (p *page) byReadability() choice {
	if p.tooHeavy() {
		at, _ := p.container(p.sum(nil))
		c := p.cleaned(at, Main)
		c.hard = tooHeavy
		return c
	}
	return choice{root: p.copyOf(nil).read(p.over), by: Readability}
}

const tooHeavy = "the page is too large for how deeply its elements are nested"

// opinionOf is the text of an opinion, in its place in the page.
func (p *page) opinionOf(o opinion) choice {
	drop := make(map[*html.Node]bool)
	for i := range p.nodes {
		if p.nodes[i].Type == html.TextNode && !o.texts[i] {
			drop[p.nodes[i].Node] = true
		}
	}
	return choice{root: p.nodes[o.at].Node, drop: drop, by: Trafilatura}
}

// manual is how many marks of a manual a page has at least that is one.
const manual = 5

// auto chooses the main text of a page by what kind of page it is: an article, a page
// that names its main element, a manual, or something else.
func (p *page) auto() choice {
	at, by := p.container(p.sum(nil))
	if p.isArticle() {
		return p.article(at)
	}
	gone := p.clean(at)
	marks := p.marksOfManual(at, gone)
	if by == "article" && marks < manual {
		return p.article(at)
	}
	own := choice{root: p.nodes[at].Node, drop: p.dropped(gone), by: Main}
	if by != "body" {
		return own
	}
	own.by = Body
	if marks >= manual {
		return own
	}
	if p.tooHeavy() {
		own.hard = tooHeavy
		return own
	}
	return p.other(own, at, gone, marks)
}

// other chooses between the cleaned body and what readability finds in it. marks is how
// many marks of a manual it has.
func (p *page) other(own choice, at int, gone cuts, marks int) choice {
	found := choice{root: p.copyOf(gone).read(p.over), by: Readability}
	seen := make([]bool, len(p.nodes))
	size := 0
	if found.root != nil {
		for n := range found.root.Descendants() {
			if i, ok := indexOf(n); ok {
				seen[i] = true
				size += int(p.nodes[i].letters)
			}
		}
	}
	whole := max(p.in(p.sum(gone).letters, at), 1)
	lost, all := 0, 1 // letters outside of links
	p.each(at, gone, func(i int) {
		if l := int(p.nodes[i].letters); !p.nodes[i].linked {
			all += l
			if !seen[i] {
				lost += l
			}
		}
	})
	switch {
	case size*4 < whole || lost*2 > all:
		own.hard = "readability finds less than half of the body"
		return own
	case marks >= 1 && (lost*20 > all || size*10 < whole*8 || size*10 > whole*9):
		return own
	}
	return found
}

// article is what readability finds, without the lines that the rules leave out.
func (p *page) article(at int) choice {
	if p.tooHeavy() {
		own := p.cleaned(at, Main)
		own.hard = tooHeavy
		return own
	}
	found := choice{root: p.copyOf(p.popups()).read(p.over), by: Readability}
	if found.root != nil {
		found.drop, found.hard = disagreed(found.root, p.byRules())
	}
	gone := p.clean(at)
	whole := p.in(p.sum(gone).letters, at)
	if l := found.letters(); l < leastText && l*4 < whole {
		return choice{root: p.nodes[at].Node, drop: p.dropped(gone), by: Body,
			hard: "readability finds little of the page"}
	}
	return found
}

// dropped lists the nodes that are cut.
func (p *page) dropped(gone cuts) map[*html.Node]bool {
	drop := make(map[*html.Node]bool)
	for i := range p.nodes {
		if gone[i] {
			drop[p.nodes[i].Node] = true
		}
	}
	return drop
}
