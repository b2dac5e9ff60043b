package commoncrawl

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/language"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// MaxBlock is how many bytes of a record, and of a body without its codings, are looked at.
const MaxBlock = 32 << 20

// Reader reads answers. It is safe for concurrent use.
type Reader struct{ decoder *fetch.Decoder }

// NewReader returns a reader.
func NewReader() *Reader { return &Reader{fetch.NewDecoder()} }

// Answer is a recorded response, and what is in it.
type Answer struct {
	URL     crawler.URL
	Capture warc.Capture
	Record  *warc.Stored

	message message
	source  message         // has the payload; for a revisit, that of the response that it refers to
	body    []byte          // of the source, without its codings
	cut     bool            // the body is longer, or broke off
	media   string          // what the body is; "" if unknown
	charset *charset.Source // of a body that is text; nil for others
	view    *view           // of a body that is HTML; nil for others
	lang    string
}

// Read makes an answer of the record of a capture. payload is the record with the payload: the
// same one, or, for a revisit, the one that it refers to; nil if that is not there.
func (r *Reader) Read(ctx context.Context, c warc.Capture, record, payload *warc.Stored) (*Answer, error) {
	u, err := crawler.ParseURL(c.URL)
	if err != nil {
		return nil, err
	}
	a := &Answer{URL: u, Capture: c, Record: record, message: readMessage(record.Block)}
	if payload == nil {
		return a, ctx.Err()
	}
	a.source = a.message
	if payload != record {
		a.source = readMessage(payload.Block)
	}
	a.body, a.cut = r.decoder.Decode(ctx, a.source.header, a.source.payload(), MaxBlock)
	a.cut = a.cut || !payload.Whole() || payload.Get("WARC-Truncated") != ""
	a.look()
	return a, ctx.Err()
}

// look determines what the body is, and reads it if it is HTML.
func (a *Answer) look() {
	if len(a.body) == 0 {
		return
	}
	declared := charset.DeclaredType(a.source.header)
	html := declared.Essence != "image/svg+xml" && charset.IsHTML(declared, charset.NoSniff(a.source.header), a.body)
	a.media = detected(declared.Essence, html, a.body)
	if !html && !textual(a.media) {
		return
	}
	src := charset.NewSource(declared, a.body, a.cut)
	a.charset = &src
	if !html && a.media != "text/plain" {
		return
	}
	text, err := src.Text()
	if err != nil { // reading from memory cannot fail
		return
	}
	if html {
		a.view = viewOf(text)
		text = a.view.text.Bytes()
	}
	a.lang, _ = language.Detect(string(text[:min(len(text), languageBytes)]))
}

// languageBytes is how many bytes of a text its language is determined from.
const languageBytes = 16 << 10

// detected returns the media type of a body by its content (WHATWG MIME Sniffing, 7). Where
// the content shows only that it is text, or nothing, the declared type stands.
func detected(declared string, html bool, body []byte) string {
	if html {
		if declared == charset.XHTML {
			return declared
		}
		return "text/html"
	}
	found, _, _ := strings.Cut(http.DetectContentType(body), ";")
	switch {
	case declared == "":
		return found
	case found == "text/plain", found == "application/octet-stream", found == "text/xml", found == "text/html":
		return declared
	}
	return found
}

// textual reports whether a media type is text.
func textual(media string) bool {
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+xml") || strings.HasSuffix(media, "/xml") ||
		strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json") ||
		strings.HasSuffix(media, "javascript")
}

// Page reports whether the payload is an HTML page, and the response is not an error or a
// redirect.
func (a *Answer) Page() bool {
	return a.view != nil && (a.Capture.Status/100 == 2 || a.Capture.Status == http.StatusNotModified)
}

// Date returns the time of the record, in UTC.
func (a *Answer) Date() (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, a.Record.Get("WARC-Date"))
	if err != nil {
		return at, fmt.Errorf("the record of %q: WARC-Date: %w", a.Capture.URL, err)
	}
	return at.UTC(), nil
}

// Language returns the language of the page as its words tell it (ISO 639-3), or "".
func (a *Answer) Language() string { return a.lang }

// Text returns the visible text of a page, a line for each block, with the title first; "" for
// anything else.
func (a *Answer) Text() string {
	if !a.Page() {
		return ""
	}
	return string(a.view.text.Bytes())
}

// Header returns the header of the response that has the payload.
func (a *Answer) Header() http.Header { return a.source.header }

// Body returns the payload without its codings, up to [MaxBlock] bytes, and whether it is cut.
func (a *Answer) Body() (body []byte, cut bool) { return a.body, a.cut }
