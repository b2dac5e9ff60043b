package parse

import (
	"bytes"
	"hash/maphash"

	"github.com/trawlcrawler/trawl/crawler"
)

// mostLinks is how many different references of a page are followed.
const mostLinks = 50_000

// refs are the references of one page as they are written, each once, in the
// order of the document. Their memory is kept from page to page.
type refs struct {
	text  []byte // of all references
	list  []ref
	seed  maphash.Seed
	known map[uint64]int32 // place in list, by hash of the reference
	urls  map[crawler.URL]int32
}

// ref is text[start:end].
type ref struct {
	start, end int
	noFollow   bool // on every occurrence
}

func newRefs() refs {
	return refs{
		seed:  maphash.MakeSeed(),
		known: make(map[uint64]int32),
		urls:  make(map[crawler.URL]int32),
	}
}

// add notes a reference. It is cheap for one that is known.
func (r *refs) add(raw []byte, noFollow bool) {
	raw = trimReference(raw)
	if len(raw) > crawler.MaxURLLength {
		return
	}
	hash := maphash.Bytes(r.seed, raw)
	if i, ok := r.known[hash]; ok && bytes.Equal(raw, r.text[r.list[i].start:r.list[i].end]) {
		r.list[i].noFollow = r.list[i].noFollow && noFollow
		return
	}
	if len(r.list) == mostLinks {
		return
	}
	r.known[hash] = int32(len(r.list))
	start := len(r.text)
	r.text = append(r.text, raw...)
	r.list = append(r.list, ref{start, len(r.text), noFollow})
}

// trimReference drops what makes no difference to a URL without fragment, so
// that links into the parts of one page are one reference. White space before
// the fragment does make a difference: it is not at the end.
func trimReference(raw []byte) []byte {
	raw = bytes.TrimFunc(raw, func(r rune) bool { return r <= ' ' })
	if i := bytes.IndexByte(raw, '#'); i == 0 || i > 0 && raw[i-1] > ' ' {
		raw = raw[:i]
	}
	return raw
}

// links resolves the references. What is no http or https URL is dropped, and
// of references that lead to the same URL the first stays.
func (r *refs) links(res resolver) []crawler.Link {
	text := string(r.text) // one allocation for all
	links := make([]crawler.Link, 0, len(r.list))
	for _, ref := range r.list {
		u, ok := res.url(text[ref.start:ref.end])
		if !ok {
			continue
		}
		if i, known := r.urls[u]; known {
			links[i].NoFollow = links[i].NoFollow && ref.noFollow
			continue
		}
		r.urls[u] = int32(len(links))
		links = append(links, crawler.Link{URL: u, NoFollow: ref.noFollow})
	}
	return links
}

// forget empties r for the next page and reports whether its memory is worth
// keeping.
func (r *refs) forget() bool {
	const mostKept = 4096
	if len(r.list) > mostKept || cap(r.text) > mostKept*64 {
		return false // and it costs to clear large maps for small pages
	}
	r.text, r.list = r.text[:0], r.list[:0]
	clear(r.known)
	clear(r.urls)
	return true
}
