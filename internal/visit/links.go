package visit

import (
	"context"
	"slices"
	"sync"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// asked returns the depth to ask the scope about for a link. Where depth decides what is
// admitted, each link is kept with the greatest depth at which it may be admitted, and the
// scope is asked about everything else.
func (e *urlTask) asked(step int) int {
	if e.visitor.deep {
		return 0
	}
	return e.taken.Entry.Depth + step
}

// add adds a link of the page that was fetched last. The link is step deeper than the page
// and may be admitted down to depth most; -1 for any depth.
func (e *urlTask) add(link queue.Entry, step, most int) {
	if link.Hops == 0 { // a redirect keeps the priority of the link that led to it
		link.Band = e.visitor.scope.Band(link.URL, link.Band)
	}
	if !e.visitor.deep {
		link.Depth = e.taken.Entry.Depth + step
		e.links = append(e.links, link)
		return
	}
	link.Depth = step
	node := e.node()
	node.Links = append(node.Links, fetched.Outlink{Entry: link, Most: most})
}

// lists has lists of links, empty. They are not kept by visit: there may be thousands of visits, most
// of which only wait.
type lists struct{ free sync.Pool }

var (
	pageLists  lists // for the links of a page
	batchLists lists // for those of a batch, which are many more
)

// take returns a list with room for n links.
func (l *lists) take(n int) []queue.Entry {
	var links []queue.Entry
	if free, ok := l.free.Get().(*[]queue.Entry); ok {
		links = *free
	}
	return slices.Grow(links, n)
}

// give makes the memory of a list available to others, and the list nil.
func (l *lists) give(links *[]queue.Entry) {
	if cap(*links) == 0 {
		return
	}
	clear(*links) // they may hold whole pages in memory
	free := (*links)[:0]
	*links = nil
	l.free.Put(&free)
}

// expect makes room for more links of the page that was fetched last.
func (e *urlTask) expect(links int) {
	if !e.visitor.deep {
		if e.links == nil {
			e.links = pageLists.take(links)
		} else {
			e.links = slices.Grow(e.links, links)
		}
	} else if links > 0 {
		node := e.node()
		node.Links = slices.Grow(node.Links, links)
	}
}

// node returns the outlinks of the URL that was fetched last. After a redirect within the
// host that is the target, which has a depth of its own: links found there belong to it.
func (e *urlTask) node() *fetched.Outlinks {
	at := e.taken.Entry.URL
	if e.hops > 0 {
		at = e.result.Redirects[e.hops-1]
	}
	for i := range e.nodes {
		if e.nodes[i].Page == at {
			return &e.nodes[i]
		}
	}
	e.nodes = append(e.nodes, fetched.Outlinks{Page: at, Depth: e.taken.Entry.Depth})
	return &e.nodes[len(e.nodes)-1]
}

// found returns the number of links of the URL task.
func (e *urlTask) found() int {
	n := len(e.links)
	for _, node := range e.nodes {
		n += len(node.Links)
	}
	return n
}

// outlinks appends the outlinks of all URLs that the URL task fetched, starting with the
// URL that was taken. The depth of a URL that will be retried does not matter yet.
func (e *urlTask) outlinks(all []fetched.Outlinks) []fetched.Outlinks {
	if len(e.nodes) == 0 || e.nodes[0].Page != e.taken.Entry.URL {
		all = append(all, fetched.Outlinks{Page: e.taken.Entry.URL, Depth: e.taken.Entry.Depth})
	}
	return append(all, e.nodes...)
}

// remember stores the outlinks of the pages in the batch, and learns the current depths of
// the pages. From then on, when a page is found at a smaller depth, its links are admitted again.
func (w *commitment) remember(ctx context.Context) error {
	if w.deep == nil {
		return nil
	}
	var pages []fetched.Outlinks
	first := make([]int, len(w.deep)) // index in pages where each URL task begins
	for i, e := range w.deep {
		first[i] = len(pages)
		if e.result.Outcome.Final() {
			pages = e.outlinks(pages)
		}
	}
	depths, err := w.committer.lease.host.Remember(ctx, pages)
	if err != nil {
		return err
	}
	for i, e := range w.deep {
		if !e.result.Outcome.Final() {
			for _, node := range e.nodes {
				w.links = append(w.links, node.At(node.Depth)...)
			}
			continue
		}
		e.result.Entry.Depth = depths[first[i]]
	}
	for i, page := range pages {
		w.links = append(w.links, page.At(depths[i])...)
	}
	w.tooDeep(pages, first, depths)
	w.deep = nil
	return nil
}

// tooDeep records the links that are too deep to be admitted now, except those that were
// admitted before, as far as the worker remembers.
func (w *commitment) tooDeep(pages []fetched.Outlinks, first, depths []int) {
	skips := w.committer.visitor.skips
	for _, e := range w.committer.batch {
		skips.first(e.taken.Entry.URL, queue.RuleDepth)
	}
	for _, link := range w.links {
		skips.first(link.URL, queue.RuleDepth)
	}
	for n, e := range w.deep {
		if !e.result.Outcome.Final() {
			continue
		}
		end := len(pages)
		if n+1 < len(first) {
			end = first[n+1]
		}
		for i := first[n]; i < end; i++ {
			for _, l := range pages[i].Links {
				if depth := depths[i] + l.Entry.Depth; l.Most >= 0 && depth > l.Most {
					e.note(queue.Skipped{URL: l.Entry.URL, Referrer: pages[i].Page, Depth: depth,
						SkipReason: rules.TooDeep})
				}
			}
		}
	}
}
