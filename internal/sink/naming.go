package sink

import "github.com/trawlcrawler/trawl/crawler"

// Naming names the files of pages in a new folder, as [Files] does: after the URL, never
// hidden, never outside the folder, and never equal to another name on a system that
// ignores case. It takes about 40 bytes of memory per name and is not safe for concurrent
// use.
type Naming struct {
	nameIndex nameIndex
}

// NewNaming returns a Naming in which no name is taken.
func NewNaming() *Naming { return &Naming{nameIndex{owners: map[mark]mark{}}} }

// File returns the name of a page's file, with slashes. end changes the last segment
// before it is claimed, for example to add an extension; its result must still be a valid
// name.
func (n *Naming) File(u crawler.URL, contentType string, end func(name string) string) string {
	name := ""
	segments := wish(u, contentType)
	last := len(segments) - 1
	origin := ""
	for _, segment := range segments[:last] {
		origin += segment + "/"
		name = n.claim(name, segment, origin)
	}
	return n.claim(name, end(segments[last]), u.String())
}

// claim takes the first name for a segment that is free or already belongs to the owner.
func (n *Naming) claim(parent, segment, owner string) string {
	name, _ := n.nameIndex.take(parent, segment, owner, func(name string) (bool, error) {
		if owns, known := n.nameIndex.known(name, owner); known {
			return owns, nil
		}
		return n.nameIndex.enter(name, owner, nil)
	})
	return name
}
