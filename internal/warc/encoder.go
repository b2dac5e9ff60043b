package warc

import (
	"bytes"
	"hash"
	"io"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// How strongly records are compressed. Small blocks, of requests and metadata, consist
// mostly of IDs and digests, which do not compress. Compressing them costs as much time
// as a page and saves only about 100 bytes.
const (
	zipLevel   = gzip.BestSpeed
	smallBlock = 1 << 10 // bytes; smaller blocks are stored uncompressed
)

// Encoder makes the records of exchanges, each a gzip member of its own (Annex D). It
// is reused, and not safe for concurrent use.
type Encoder struct {
	known  *Originals
	zip    *gzip.Writer
	store  *gzip.Writer // does not compress
	hashes [2]hash.Hash
	head   Fields
	block  Fields
	Batch  bytes.Buffer // the members of a batch that is not written piece by piece

	out      io.Writer
	at       int64             // bytes of members made so far
	Captures []Line            // of the batch, with offsets from its beginning
	Fresh    map[SHA1]original // responses in the batch that later ones can refer to
}

// NewEncoder returns an encoder that refers to known responses instead of repeating them.
func NewEncoder(known *Originals) *Encoder {
	p := &Encoder{known: known, hashes: [2]hash.Hash{newSHA1(), newSHA1()}, Fresh: make(map[SHA1]original)}
	p.zip, _ = gzip.NewWriterLevel(nil, zipLevel) // fails only for an invalid level
	p.store, _ = gzip.NewWriterLevel(nil, gzip.NoCompression)
	return p
}

// Write receives the output of the compressor.
func (p *Encoder) Write(b []byte) (int, error) {
	n, err := p.out.Write(b)
	p.at += int64(n)
	return n, err
}

// roomyBuffer is the capacity in bytes above which a batch is not kept for the next one.
const roomyBuffer = 1 << 20

// Start forgets the previous batch. Members go to w, or to p.batch if w is nil.
func (p *Encoder) Start(w io.Writer) {
	if p.Batch.Cap() > roomyBuffer {
		p.Batch = bytes.Buffer{}
	}
	p.Batch.Reset()
	if p.out = w; w == nil {
		p.out = &p.Batch
	}
	p.at, p.Captures = 0, p.Captures[:0]
	clear(p.Fresh)
}

// All makes the records of exchanges, the response first in each. So if a kill cuts off
// the end, no request is left without its response.
func (p *Encoder) All(exchanges []exchange) error {
	for _, e := range exchanges {
		if err := p.exchange(e); err != nil {
			return err
		}
	}
	return nil
}

func (p *Encoder) exchange(e exchange) error {
	m, err := measure(e.page, p.hashes[0], p.hashes[1])
	if err != nil {
		return err
	}
	answer := newID()
	if err := p.answer(answer, e, m); err != nil {
		return err
	}
	if err := p.request(answer, e.page); err != nil {
		return err
	}
	return p.metadata(answer, e)
}

// answer writes a response, or a revisit if its payload was written before. It notes in the result
// of a page which response has the payload.
func (p *Encoder) answer(id recordID, e exchange, m *message) error {
	page := e.page
	c := Line{
		URL: page.URL, date: page.Started, mime: mimeOf(page.Header.Get("Content-Type")),
		status: page.Status, payload: m.payload.String(), Offset: p.at,
	}
	was, profile := p.earlier(e, m)
	switch {
	case profile != "":
		e.captured(was)
		c.mime, c.payload = "warc/revisit", was.payload.String()
		if err := p.revisit(id, page, m, was, profile); err != nil {
			return err
		}
	default:
		p.note(id, page, m)
		if page.Recording.Cut == "" && page.Status != http.StatusNotModified {
			e.captured(original{id: id, uri: page.URL.String(), date: page.Started, payload: m.payload})
		}
		p.begin("response", id, page)
		p.digests(m.block, c.payload)
		if cut := page.Recording.Cut; cut != "" {
			p.head.Add("WARC-Truncated", string(cut))
		}
		if err := p.end(typeResponse, m.blockLength(), m.writeTo); err != nil {
			return err
		}
	}
	c.length = p.at - c.Offset
	p.Captures = append(p.Captures, c)
	return nil
}

// earlier finds the response that a page repeats, and how: with the same payload, or by
// saying that nothing was modified since. profile is "" if it repeats none. What a visit knew of
// the page comes first: a 304 is about the response whose validators were sent.
func (p *Encoder) earlier(e exchange, m *message) (was original, profile string) {
	page, key := e.page, m.payload
	if c := e.known(); c != nil {
		switch {
		case page.Status == http.StatusNotModified:
			return originalOf(c), profileStill
		case m.size > 0 && page.Recording.Cut == "" && m.payload == SHA1(c.Payload):
			return originalOf(c), profileSame
		}
	}
	switch {
	case page.Status == http.StatusNotModified:
		key, profile = byURI(page.URL.String()), profileStill
	case m.size == 0 || page.Recording.Cut != "":
		return original{}, ""
	default:
		profile = profileSame
	}
	if was, ok := p.Fresh[key]; ok {
		return was, profile
	}
	if was, ok := p.known.find(key); ok {
		return was, profile
	}
	return original{}, ""
}

// note remembers a response that later ones can refer to.
func (p *Encoder) note(id recordID, page *fetched.Page, m *message) {
	if page.Recording.Cut != "" || page.Status == http.StatusNotModified {
		return
	}
	r := original{id: id, uri: page.URL.String(), date: page.Started, payload: m.payload}
	if m.size > 0 {
		p.Fresh[m.payload] = r
	}
	if validated(page) {
		p.Fresh[byURI(r.uri)] = r
	}
}

// revisit writes the head of a response and a reference to the one that it repeats (6.7).
func (p *Encoder) revisit(id recordID, page *fetched.Page, m *message, was original, profile string) error {
	h := p.hashes[0]
	h.Reset()
	h.Write(m.head)
	var block SHA1
	h.Sum(block[:0])
	p.begin("revisit", id, page)
	p.digests(block, was.payload.String())
	p.head.Add("WARC-Profile", profile)
	p.head.Add("WARC-Refers-To", was.id.String())
	p.head.Add("WARC-Refers-To-Target-URI", was.uri)
	p.head.Add("WARC-Refers-To-Date", warcDate(was.date))
	return p.end(typeResponse, int64(len(m.head)), bytesOf(m.head))
}

// request writes the request of a response.
func (p *Encoder) request(answer recordID, page *fetched.Page) error {
	p.begin("request", newID(), page)
	p.head.Add("WARC-Concurrent-To", answer.String())
	return p.whole(typeRequest, page.Recording.Request)
}

// metadata writes how the crawl found the page, with the field names of 6.6, and what it
// says, with those of records.
func (p *Encoder) metadata(answer recordID, e exchange) error {
	p.block = p.block[:0]
	if !e.via.IsZero() {
		p.block.Add("via", e.via.String())
	}
	if e.hops != "" {
		p.block.Add("hopsFromSeed", e.hops)
	}
	p.block.number("fetchTimeMs", e.page.Duration.Milliseconds())
	if e.text != nil {
		p.block.content(e.text)
	}
	p.begin("metadata", newID(), e.page)
	p.head.Add("WARC-Concurrent-To", answer.String())
	return p.whole(typeFields, p.block)
}

// Info writes the record that a file begins with (6.2).
func (p *Encoder) Info(file string, began time.Time, block Fields) error {
	p.head = append(p.head[:0], warcVersion...)
	p.head.Add("WARC-Type", "warcinfo")
	p.head.Add("WARC-Record-ID", newID().String())
	p.head.Add("WARC-Date", warcDate(began))
	p.head.Add("WARC-Filename", file)
	return p.whole(typeFields, block)
}

// begin writes the fields that the records of an exchange share.
func (p *Encoder) begin(kind string, id recordID, page *fetched.Page) {
	p.head = append(p.head[:0], warcVersion...)
	p.head.Add("WARC-Type", kind)
	p.head.Add("WARC-Record-ID", id.String())
	p.head.Add("WARC-Date", warcDate(page.Started))
	p.head.Add("WARC-Target-URI", page.URL.String())
	if page.Address.IsValid() {
		p.head.Add("WARC-IP-Address", page.Address.Addr().WithZone("").String())
	}
}

func (p *Encoder) digests(block SHA1, payload string) {
	p.head.Add("WARC-Block-Digest", block.String())
	p.head.Add("WARC-Payload-Digest", payload)
}

// whole ends a record whose block is in memory, and adds the digest of the block.
func (p *Encoder) whole(contentType string, block []byte) error {
	h := p.hashes[0]
	h.Reset()
	h.Write(block)
	var sum SHA1
	h.Sum(sum[:0])
	p.head.Add("WARC-Block-Digest", sum.String())
	return p.end(contentType, int64(len(block)), bytesOf(block))
}

// end writes the record.
func (p *Encoder) end(contentType string, length int64, block func(io.Writer) error) error {
	p.head.Add("Content-Type", contentType)
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
