package parse

import (
	"bytes"
	"hash/maphash"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// refs collects the references of a page as they are written, without duplicates, in
// document order. It remembers references of earlier pages and the URLs that they led to,
// because pages in the same folder share most of them.
type refs struct {
	page  int32   // number of the current page
	found []int32 // indexes in list of the current page's references

	text  []byte // of all references
	list  []ref
	seed  maphash.Seed
	known map[uint64]int32 // index in list, by hash of the reference

	folders map[string]int32      // numbers of the bases that references were resolved against: 1 to len
	urls    map[crawler.URL]int32 // index in links
	links   []link
	held    int // bytes of the keys of folders and urls
}

// ref is text[start:end].
type ref struct {
	start, end int32
	page       int32 // the last page that contains it
	noFollow   bool  // set if every occurrence on that page has it
	folder     int32 // the folder that it was last resolved against; 0 for none
	link       int32 // index of the link that it led to, or nowhere
}

// link is a URL that references led to.
type link struct {
	url   crawler.URL
	page  int32 // the last page that contains it
	place int32 // index among the links of that page
}

// nowhere marks references that are not http or https URLs.
const nowhere = -1

func newRefs() refs {
	return refs{
		seed:    maphash.MakeSeed(),
		known:   make(map[uint64]int32),
		folders: make(map[string]int32),
		urls:    make(map[crawler.URL]int32),
	}
}

// add records a reference. It is cheap for a known one.
func (r *refs) add(raw []byte, noFollow bool) {
	raw = trimReference(raw)
	if len(raw) > urltext.MaxLength {
		return
	}
	hash := maphash.Bytes(r.seed, raw)
	i, ok := r.known[hash]
	if !ok || !bytes.Equal(raw, r.written(i)) {
		if len(r.found) == reference.MaxLinks {
			return
		}
		i = int32(len(r.list))
		r.known[hash] = i
		start := int32(len(r.text))
		r.text = append(r.text, raw...)
		r.list = append(r.list, ref{start: start, end: int32(len(r.text)), page: r.page - 1})
	}
	switch ref := &r.list[i]; {
	case ref.page == r.page:
		ref.noFollow = ref.noFollow && noFollow
	case len(r.found) < reference.MaxLinks:
		ref.page, ref.noFollow = r.page, noFollow
		r.found = append(r.found, i)
	}
}

// written returns a reference as it is written.
func (r *refs) written(i int32) []byte { return r.text[r.list[i].start:r.list[i].end] }

// trimReference removes what makes no difference to a URL without fragment, so that links
// to different parts of a page are the same reference. White space before the fragment
// makes a difference, because it is not at the end.
func trimReference(raw []byte) []byte {
	for len(raw) > 0 && raw[0] <= ' ' {
		raw = raw[1:]
	}
	for len(raw) > 0 && raw[len(raw)-1] <= ' ' {
		raw = raw[:len(raw)-1]
	}
	if i := bytes.IndexByte(raw, '#'); i == 0 || i > 0 && raw[i-1] > ' ' {
		raw = raw[:i]
	}
	return raw
}

// resolve resolves the references. It drops what is not an http or https URL. Of
// references to the same URL, the first counts.
func (r *refs) resolve(res reference.Resolver) []rules.Link {
	folder := r.folder(res)
	all := make([]rules.Link, 0, len(r.found))
	for _, i := range r.found {
		ref := &r.list[i]
		if ref.folder != folder {
			r.lead(i, folder, res)
		}
		if ref.link == nowhere {
			continue
		}
		l := &r.links[ref.link]
		if l.page == r.page {
			all[l.place].NoFollow = all[l.place].NoFollow && ref.noFollow
			continue
		}
		l.page, l.place = r.page, int32(len(all))
		all = append(all, rules.Link{URL: l.url, NoFollow: ref.noFollow})
	}
	return all
}

// folder returns the number of the base that references are resolved against.
func (r *refs) folder(res reference.Resolver) int32 {
	name := res.Folder()
	n, ok := r.folders[name]
	if !ok {
		n = int32(len(r.folders) + 1)
		r.folders[strings.Clone(name)] = n
		r.held += len(name)
	}
	return n
}

// lead determines where a reference leads.
func (r *refs) lead(i, folder int32, res reference.Resolver) {
	written := r.written(i)
	ref := &r.list[i]
	if ref.folder, ref.link = folder, nowhere; !withinFolder(written) {
		ref.folder = 0
	}
	u, ok := res.URL(string(written))
	if !ok {
		return
	}
	at, ok := r.urls[u]
	if !ok {
		at = int32(len(r.links))
		r.urls[u] = at
		r.held += len(u.String())
		r.links = append(r.links, link{url: u, page: r.page - 1})
	}
	ref.link = at
}

// withinFolder reports whether a reference leads to the same URL from all pages in a
// folder. That is not so for an empty reference or a mere query, nor after a scheme
// without slashes, which is relative if it is the page's scheme (WHATWG URL, "special
// relative or authority state").
func withinFolder(written []byte) bool {
	if len(written) == 0 || written[0] == '?' {
		return false
	}
	colon := bytes.IndexByte(written, ':')
	return colon < 0 || bytes.HasPrefix(written[colon:], []byte("://"))
}

// forget begins another page. It reports whether its memory is worth keeping.
func (r *refs) forget() bool {
	const most, maxText, maxHeld, maxKept = 4096, 256 << 10, 1 << 20, 4 // maxKept is a factor
	if len(r.list) > maxKept*most || len(r.text) > maxKept*maxText {
		return false // clearing large maps for small pages is expensive
	}
	r.page++
	r.found = r.found[:0]
	if len(r.list) > most || len(r.links) > most || len(r.text) > maxText || len(r.folders) > most || r.held > maxHeld {
		clear(r.links) // releases the URLs
		r.text, r.list, r.links, r.held = r.text[:0], r.list[:0], r.links[:0], 0
		clear(r.known)
		clear(r.folders)
		clear(r.urls)
	}
	return true
}
