package sink

import (
	"bytes"
	"hash"
	"io"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/trawlcrawler/trawl/crawler"
)

// How hard records are compressed. Those with small blocks, the requests and
// metadata, hold ids and digests above all, which nothing makes shorter: to
// compress them costs as much as a page does, and saves a tenth of a kilobyte.
const (
	zipLevel   = gzip.BestSpeed
	smallBlock = 1 << 10 // bytes from which on it is worth it
)

// press makes the records of exchanges, each a gzip member of its own (Annex D).
// It is for one goroutine at a time, and used again and again.
type press struct {
	known  *originals
	zip    *gzip.Writer
	store  *gzip.Writer // does not compress
	hashes [2]hash.Hash
	head   fields
	block  fields
	batch  bytes.Buffer // where members go that are not written piece by piece

	out      io.Writer
	at       int64 // how many bytes of members were made
	captures []capture
	fresh    map[sha1sum]original // responses among them that later ones can refer to
}

func newPress(known *originals) *press {
	p := &press{known: known, hashes: [2]hash.Hash{newSHA1(), newSHA1()}, fresh: make(map[sha1sum]original)}
	p.zip, _ = gzip.NewWriterLevel(nil, zipLevel) // fails for a wrong level alone
	p.store, _ = gzip.NewWriterLevel(nil, gzip.NoCompression)
	return p
}

// Write takes in what the compressor makes.
func (p *press) Write(b []byte) (int, error) {
	n, err := p.out.Write(b)
	p.at += int64(n)
	return n, err
}

// start forgets the batch before; members go to w, or into the press itself when
// that is nil.
func (p *press) start(w io.Writer) {
	if p.batch.Cap() > roomy {
		p.batch = bytes.Buffer{}
	}
	p.batch.Reset()
	if p.out = w; w == nil {
		p.out = &p.batch
	}
	p.at, p.captures = 0, p.captures[:0]
	clear(p.fresh)
}

// all makes the records of exchanges: of each the answer first, so that a
// request that was cut off by a kill leaves no request without one.
func (p *press) all(exchanges []exchange) error {
	for _, e := range exchanges {
		if err := p.exchange(e); err != nil {
			return err
		}
	}
	return nil
}

func (p *press) exchange(e exchange) error {
	m, err := measure(e.page, p.hashes[0], p.hashes[1])
	if err != nil {
		return err
	}
	answer := newID()
	if err := p.answer(answer, e.page, m); err != nil {
		return err
	}
	if err := p.request(answer, e.page); err != nil {
		return err
	}
	return p.metadata(answer, e)
}

// answer writes a response, or a revisit where its payload was written before.
func (p *press) answer(id recordID, page *crawler.Page, m *message) error {
	c := capture{
		url: page.URL, date: page.Started, mime: mimeOf(page.Header.Get("Content-Type")),
		status: page.Status, payload: m.payload.String(), offset: p.at,
	}
	was, profile := p.earlier(page, m)
	switch {
	case profile != "":
		c.mime, c.payload = "warc/revisit", was.payload.String()
		if err := p.revisit(id, page, m, was, profile); err != nil {
			return err
		}
	default:
		p.note(id, page, m)
		p.begin("response", id, page)
		p.digests(m.block, c.payload)
		if cut := page.Recording.Cut; cut != "" {
			p.head.add("WARC-Truncated", string(cut))
		}
		if err := p.end(typeResponse, m.blockLength(), m.writeTo); err != nil {
			return err
		}
	}
	c.length = p.at - c.offset
	p.captures = append(p.captures, c)
	return nil
}

// earlier finds the response that a page repeats, and how it does: by its
// payload, or by saying that nothing was modified since. profile is "" when it
// repeats none.
func (p *press) earlier(page *crawler.Page, m *message) (was original, profile string) {
	key := m.payload
	switch {
	case page.Status == http.StatusNotModified:
		key, profile = byURI(page.URL.String()), profileStill
	case m.size == 0 || page.Recording.Cut != "":
		return original{}, ""
	default:
		profile = profileSame
	}
	if was, ok := p.fresh[key]; ok {
		return was, profile
	}
	if was, ok := p.known.find(key); ok {
		return was, profile
	}
	return original{}, ""
}

// note remembers a response that later ones can refer to.
func (p *press) note(id recordID, page *crawler.Page, m *message) {
	if page.Recording.Cut != "" || page.Status == http.StatusNotModified {
		return
	}
	r := original{id: id, uri: page.URL.String(), date: page.Started, payload: m.payload}
	if m.size > 0 {
		p.fresh[m.payload] = r
	}
	if validated(page) {
		p.fresh[byURI(r.uri)] = r
	}
}

// revisit writes the head of an answer and what it repeats (6.7).
func (p *press) revisit(id recordID, page *crawler.Page, m *message, was original, profile string) error {
	h := p.hashes[0]
	h.Reset()
	h.Write(m.head)
	var block sha1sum
	h.Sum(block[:0])
	p.begin("revisit", id, page)
	p.digests(block, was.payload.String())
	p.head.add("WARC-Profile", profile)
	p.head.add("WARC-Refers-To", was.id.String())
	p.head.add("WARC-Refers-To-Target-URI", was.uri)
	p.head.add("WARC-Refers-To-Date", warcDate(was.date))
	return p.end(typeResponse, int64(len(m.head)), bytesOf(m.head))
}

// request writes what the answer was asked for with.
func (p *press) request(answer recordID, page *crawler.Page) error {
	p.begin("request", newID(), page)
	p.head.add("WARC-Concurrent-To", answer.String())
	return p.whole(typeRequest, page.Recording.Request)
}

// metadata writes how the crawl came to the page, in the words of 6.6.
func (p *press) metadata(answer recordID, e exchange) error {
	p.block = p.block[:0]
	if !e.via.IsZero() {
		p.block.add("via", e.via.String())
	}
	if e.hops != "" {
		p.block.add("hopsFromSeed", e.hops)
	}
	p.block.number("fetchTimeMs", e.page.Duration.Milliseconds())
	p.begin("metadata", newID(), e.page)
	p.head.add("WARC-Concurrent-To", answer.String())
	return p.whole(typeFields, p.block)
}

// info writes the record that a file begins with (6.2).
func (p *press) info(file string, began time.Time, block fields) error {
	p.head = append(p.head[:0], warcVersion...)
	p.head.add("WARC-Type", "warcinfo")
	p.head.add("WARC-Record-ID", newID().String())
	p.head.add("WARC-Date", warcDate(began))
	p.head.add("WARC-Filename", file)
	return p.whole(typeFields, block)
}

// begin writes the fields that the records of an exchange share.
func (p *press) begin(kind string, id recordID, page *crawler.Page) {
	p.head = append(p.head[:0], warcVersion...)
	p.head.add("WARC-Type", kind)
	p.head.add("WARC-Record-ID", id.String())
	p.head.add("WARC-Date", warcDate(page.Started))
	p.head.add("WARC-Target-URI", page.URL.String())
	if page.Address.IsValid() {
		p.head.add("WARC-IP-Address", page.Address.Addr().WithZone("").String())
	}
}

func (p *press) digests(block sha1sum, payload string) {
	p.head.add("WARC-Block-Digest", block.String())
	p.head.add("WARC-Payload-Digest", payload)
}

// whole ends a record whose block is in memory, with its digest.
func (p *press) whole(contentType string, block []byte) error {
	h := p.hashes[0]
	h.Reset()
	h.Write(block)
	var sum sha1sum
	h.Sum(sum[:0])
	p.head.add("WARC-Block-Digest", sum.String())
	return p.end(contentType, int64(len(block)), bytesOf(block))
}

// end writes the record.
func (p *press) end(contentType string, length int64, block func(io.Writer) error) error {
	p.head.add("Content-Type", contentType)
	p.head.number("Content-Length", length)
	zip := p.zip
	if length < smallBlock {
		zip = p.store
	}
	zip.Reset(p)
	if _, err := zip.Write(append(p.head, "\r\n"...)); err != nil {
		return err
	}
	if err := block(zip); err != nil {
		return err
	}
	if _, err := zip.Write([]byte("\r\n\r\n")); err != nil {
		return err
	}
	return zip.Close()
}

func bytesOf(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
}
