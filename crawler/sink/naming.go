package sink

import "github.com/trawlcrawler/trawl/crawler"

// Naming names the files of pages in a folder that is written anew, as [Files]
// does: after the URL, without a name that would hide, or lead out of the folder,
// or be another's on a system that takes a and A for the same. It costs about 40
// bytes of memory a name, and is for one goroutine at a time.
type Naming struct {
	register register
}

// NewNaming returns names none of which is taken.
func NewNaming() *Naming { return &Naming{register{owners: map[mark]mark{}}} }

// File names the file of a page, with slashes. end changes the last part of the
// name before it is claimed, as to give it an extension; it must leave it a name.
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

// claim takes the first name for a segment that is free, or is its owner's.
func (n *Naming) claim(parent, segment, owner string) string {
	name, _ := n.register.take(parent, segment, owner, func(name string) (bool, error) {
		if owns, known := n.register.known(name, owner); known {
			return owns, nil
		}
		return n.register.enter(name, owner, nil)
	})
	return name
}
