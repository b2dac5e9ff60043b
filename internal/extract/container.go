package extract

import "golang.org/x/net/html"

// enough is how many letters an element with the main text has at least, or else a
// quarter of the page.
const enough = 200

// container returns the element that a page itself says is the main one, and by which
// mark: "main", "role" or "article". Without such an element it is the body.
func (p *page) container(s *sums) (at int, by string) {
	main, role, article, articles := -1, -1, -1, 0
	for i := range p.nodes {
		n := &p.nodes[i]
		if n.Type != html.ElementNode {
			continue
		}
		switch {
		case n.Data == "main" && main < 0:
			main = i
		case role < 0 && attribute(n.Node, "role") == "main":
			role = i
		case n.Data == "article":
			article = i
			articles++
		}
	}
	all := p.in(s.letters, p.body)
	if main >= 0 {
		if l := p.in(s.letters, main); l >= enough || l*4 > all {
			return main, "main"
		}
	}
	if role >= 0 {
		if l := p.in(s.letters, role); l >= enough || l*4 > all {
			return role, "role"
		}
	}
	if articles == 1 && p.in(s.letters, article)*2 > all {
		return article, "article"
	}
	return p.body, "body"
}
