package simweb

import "math/rand/v2"

const (
	fan      = 4  // children of a page in the tree of its host
	hostFan  = 2  // of a host in the tree of hosts
	menuSize = 12 // pages that every page of a host links to
)

// Links are the pages that a page links to: some perhaps twice, as on real
// pages.
func (w *Web) Links(r Ref) []Ref {
	links := w.children(r, nil)
	if r.Page == 0 {
		links = w.below(r.Host, links)
	}
	size := w.Size(r.Host)
	for page := range min(menuSize, size) {
		links = append(links, Ref{r.Host, page})
	}
	rng := rand.New(rand.NewPCG(w.cfg.Seed+saltLinks, uint64(w.first[r.Host]+int64(r.Page))))
	for len(links) < w.cfg.Links {
		switch {
		case w.cfg.Hosts > 1 && rng.Float64() < w.cfg.Abroad:
			host := w.popular(rng.Float64())
			links = append(links, Ref{host, rng.IntN(w.Size(host))})
		case size > menuSize:
			links = append(links, Ref{r.Host, rng.IntN(size)})
		default: // a small host has little to link to
			return links
		}
	}
	return links
}

// children appends those of a page in the tree of its host, and behind each that
// cannot be read its own.
func (w *Web) children(r Ref, links []Ref) []Ref {
	for i := 1; i <= fan; i++ {
		child := Ref{r.Host, r.Page*fan + i}
		if child.Page >= w.Size(r.Host) {
			break
		}
		links = append(links, child)
		if !w.readable(child) {
			links = w.children(child, links)
		}
	}
	return links
}

// below appends the first pages of the hosts under one in the tree of hosts, and
// behind each that is dead of those under it.
func (w *Web) below(host int, links []Ref) []Ref {
	for i := 1; i <= hostFan; i++ {
		child := host*hostFan + i
		if child >= w.cfg.Hosts {
			break
		}
		links = append(links, Ref{Host: child})
		if w.dead(child) {
			links = w.below(child, links)
		}
	}
	return links
}
