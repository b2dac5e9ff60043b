package parse

import (
	"bytes"
	"hash/maphash"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// mostLinks is how many different references of a page are followed.
const mostLinks = 50_000

// refs are the references of one page as they are written, each once, in the
// order of the document. They remember those of earlier pages, and where they led:
// the pages of a folder have most of theirs in common.
type refs struct {
	page  int32   // the pages so far
	found []int32 // the places in list of those of this page

	text  []byte // of all references
	list  []ref
	seed  maphash.Seed
	known map[uint64]int32 // place in list, by hash of the reference

	folders map[string]int32      // what references were resolved against: 1 to len
	urls    map[crawler.URL]int32 // place in links
	links   []link
	held    int // bytes of the names of folders and of urls
}

// ref is text[start:end].
type ref struct {
	start, end int32
	page       int32 // the last that has it
	noFollow   bool  // on every occurrence there
	folder     int32 // that it was last resolved against; 0 for none
	link       int32 // where it led, or nowhere
}

// link is a URL that references led to.
type link struct {
	url   crawler.URL
	page  int32 // the last that has it
	place int32 // among the links of that page
}

// nowhere is where references lead that are no http or https URLs.
const nowhere = -1

func newRefs() refs {
	return refs{
		seed:    maphash.MakeSeed(),
		known:   make(map[uint64]int32),
		folders: make(map[string]int32),
		urls:    make(map[crawler.URL]int32),
	}
}

// add notes a reference. It is cheap for one that is known.
func (r *refs) add(raw []byte, noFollow bool) {
	raw = trimReference(raw)
	if len(raw) > crawler.MaxURLLength {
		return
	}
	hash := maphash.Bytes(r.seed, raw)
	i, ok := r.known[hash]
	if !ok || !bytes.Equal(raw, r.written(i)) {
		if len(r.found) == mostLinks {
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
	case len(r.found) < mostLinks:
		ref.page, ref.noFollow = r.page, noFollow
		r.found = append(r.found, i)
	}
}

// written is a reference as it is written.
func (r *refs) written(i int32) []byte { return r.text[r.list[i].start:r.list[i].end] }

// trimReference drops what makes no difference to a URL without fragment, so
// that links into the parts of one page are one reference. White space before
// the fragment does make a difference: it is not at the end.
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

// resolve resolves the references. What is no http or https URL is dropped, and
// of references that lead to the same URL the first stays.
func (r *refs) resolve(res resolver) []crawler.Link {
	folder := r.folder(res)
	all := make([]crawler.Link, 0, len(r.found))
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
		all = append(all, crawler.Link{URL: l.url, NoFollow: ref.noFollow})
	}
	return all
}

// folder numbers what references are resolved against.
func (r *refs) folder(res resolver) int32 {
	name := res.base.Folder()
	if res.charset != nil {
		name += " " + res.name
	}
	n, ok := r.folders[name]
	if !ok {
		n = int32(len(r.folders) + 1)
		r.folders[strings.Clone(name)] = n
		r.held += len(name)
	}
	return n
}

// lead finds out where a reference leads.
func (r *refs) lead(i, folder int32, res resolver) {
	written := r.written(i)
	ref := &r.list[i]
	if ref.folder, ref.link = folder, nowhere; !withinFolder(written) {
		ref.folder = 0
	}
	u, ok := res.url(string(written))
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

// withinFolder reports whether a reference leads to the same place from all pages
// of a folder: unless it is a query alone, or nothing, also behind a scheme, which
// the page may have (WHATWG URL, "special relative or authority state").
func withinFolder(written []byte) bool {
	if len(written) == 0 || written[0] == '?' {
		return false
	}
	colon := bytes.IndexByte(written, ':')
	return colon < 0 || bytes.HasPrefix(written[colon:], []byte("://"))
}

// forget begins another page. It reports whether its memory is worth keeping.
func (r *refs) forget() bool {
	const most, mostText, mostHeld, mostKept = 4096, 256 << 10, 1 << 20, 4 // times as many
	if len(r.list) > mostKept*most || len(r.text) > mostKept*mostText {
		return false // it costs to clear large maps for small pages
	}
	r.page++
	r.found = r.found[:0]
	if len(r.list) > most || len(r.links) > most || len(r.text) > mostText || len(r.folders) > most || r.held > mostHeld {
		clear(r.links) // of the URLs
		r.text, r.list, r.links, r.held = r.text[:0], r.list[:0], r.links[:0], 0
		clear(r.known)
		clear(r.folders)
		clear(r.urls)
	}
	return true
}
