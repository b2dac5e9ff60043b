package crawler

import (
	"context"
	"slices"
)

// How a visit keeps what pages lead to, in a job in which depth decides what is
// admitted ([Job.DepthLimit]). A page may turn out to be nearer to a seed after its
// links were admitted, or were found too deep. Then they are admitted again, at the
// smaller depth, without the page being fetched again.

// Outlinks are what a page leads to, whether or not it is near enough now.
type Outlinks struct {
	Page  URL // as it was admitted
	Depth int // as it was taken
	Links []Outlink
}

// Outlink is a URL that a page leads to.
type Outlink struct {
	Entry Entry // its Depth is how much deeper it is than the page: 0 or 1
	Most  int   // the largest depth at which it is admitted; -1 for any
}

// At returns what is to be admitted of the links of a page that has a depth.
func (o Outlinks) At(depth int) []Entry {
	entries := make([]Entry, 0, len(o.Links))
	for _, l := range o.Links {
		if l.Entry.Depth += depth; l.Most < 0 || l.Entry.Depth <= l.Most {
			entries = append(entries, l.Entry)
		}
	}
	return entries
}

// asked is the depth that the scope is asked about for a link. Where depth decides
// what is admitted, each link is kept with the largest depth that it may have, and
// the scope is asked about everything else.
func (e *errand) asked(step int) int {
	if e.visit.deep {
		return 0
	}
	return e.taken.Entry.Depth + step
}

// add adds a link of the page that was asked for last, which is so much deeper than
// the page, and may be admitted up to a depth of most; -1 for any.
func (e *errand) add(link Entry, step, most int) {
	if link.Hops == 0 { // a redirect keeps the priority of what led there
		link.Band = e.visit.scope.Band(link.URL, link.Band)
	}
	if !e.visit.deep {
		link.Depth = e.taken.Entry.Depth + step
		e.links = append(e.links, link)
		return
	}
	link.Depth = step
	node := e.node()
	node.Links = append(node.Links, Outlink{link, most})
}

// expect makes room for so many links of the page that was asked for last.
func (e *errand) expect(links int) {
	if !e.visit.deep {
		e.links = slices.Grow(e.links, links)
	} else if links > 0 {
		node := e.node()
		node.Links = slices.Grow(node.Links, links)
	}
}

// node returns what the URL leads to that was asked for last. A redirect within the
// host leads to a URL that has a depth of its own: what is found there belongs to it.
func (e *errand) node() *Outlinks {
	at := e.taken.Entry.URL
	if e.hops > 0 {
		at = e.result.Redirects[e.hops-1]
	}
	for i := range e.nodes {
		if e.nodes[i].Page == at {
			return &e.nodes[i]
		}
	}
	e.nodes = append(e.nodes, Outlinks{Page: at, Depth: e.taken.Entry.Depth})
	return &e.nodes[len(e.nodes)-1]
}

// found is how many links the errand has.
func (e *errand) found() int {
	n := len(e.links)
	for _, node := range e.nodes {
		n += len(node.Links)
	}
	return n
}

// outlinks adds what the URLs lead to that the errand asked for; first comes the URL
// that was taken. Of one that is to be tried again the depth does not matter yet.
func (e *errand) outlinks(all []Outlinks) []Outlinks {
	if len(e.nodes) == 0 || e.nodes[0].Page != e.taken.Entry.URL {
		all = append(all, Outlinks{Page: e.taken.Entry.URL, Depth: e.taken.Entry.Depth})
	}
	return append(all, e.nodes...)
}

// remember keeps what the pages of the batch lead to, and learns how deep they are
// now. From then on, whoever finds one nearer finds its links as well.
func (c *commitment) remember(ctx context.Context) error {
	if c.deep == nil {
		return nil
	}
	var pages []Outlinks
	first := make([]int, len(c.deep)) // where the pages of each errand begin
	for i, e := range c.deep {
		first[i] = len(pages)
		if e.result.Outcome.Final() {
			pages = e.outlinks(pages)
		}
	}
	depths, err := c.visit.turn.Remember(ctx, pages)
	if err != nil {
		return err
	}
	for i, e := range c.deep {
		if !e.result.Outcome.Final() {
			for _, node := range e.nodes {
				c.links = append(c.links, node.At(node.Depth)...)
			}
			continue
		}
		e.result.Entry.Depth = depths[first[i]]
	}
	for i, page := range pages {
		c.links = append(c.links, page.At(depths[i])...)
	}
	c.deep = nil
	return nil
}
