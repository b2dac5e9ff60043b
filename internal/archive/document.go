package archive

import (
	"context"
	"fmt"
	"io"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// MaxPage is how many bytes of a page or a style sheet are read into memory.
const MaxPage = 32 << 20

// Bytes reads the whole body of a response. It fails if that is larger than [MaxPage].
func (r *Response) Bytes() ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPage+1))
	if err == nil && len(body) > MaxPage {
		err = fmt.Errorf("%s: the body is larger than %d MiB", r.Capture.URL, MaxPage>>20)
	}
	return body, err
}

// Document parses the page or style sheet of a capture: its title, its links, and what it
// embeds. It is nil if the capture is neither.
func (a *Archive) Document(ctx context.Context, c Capture) (*fetched.Document, error) {
	u, err := crawler.ParseURL(c.URL)
	if err != nil {
		return nil, err
	}
	r, err := a.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body, err := r.Bytes()
	if err != nil {
		return nil, err
	}
	return a.parser.Parse(ctx, &fetched.Page{URL: u, Status: r.Status, Header: r.Header,
		Body: &fetched.Body{Head: body, Size: int64(len(body)), Release: func() {}}})
}

// Titles reads the titles of pages in WARC files. It is safe for concurrent use.
type Titles struct{ parser *parse.Parser }

// NewTitles returns a reader of titles.
func NewTitles() (*Titles, error) {
	p, err := parse.New(parse.Config{})
	return &Titles{p}, err
}

// maxTitled is how many bytes of a page are searched for its title.
const maxTitled = 1 << 20

// Of returns the title of the page whose response is recorded in a WARC file; "" if it has
// none, or cannot be read.
func (t *Titles) Of(ctx context.Context, in io.ReaderAt, c warc.Capture) string {
	u, err := crawler.ParseURL(c.URL)
	if err != nil {
		return ""
	}
	rec, err := readRecord(io.NewSectionReader(in, c.Offset, c.Length))
	if err != nil || rec.header.Get("WARC-Type") != "response" {
		return ""
	}
	status, head, err := responseHead(rec)
	if err != nil {
		return ""
	}
	r := &Response{Capture: Capture{Capture: c}, Status: status, Header: head}
	r.decode(r.Capture, rec.block)
	defer r.Close()
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxTitled)) // what was read may have the title
	doc, err := t.parser.Parse(ctx, &fetched.Page{URL: u, Status: status, Header: head,
		Body: &fetched.Body{Head: body, Size: int64(len(body)), Release: func() {}}})
	if err != nil || doc == nil {
		return ""
	}
	return doc.Title
}
