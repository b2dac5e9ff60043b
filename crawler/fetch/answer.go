package fetch

import (
	"io"
	"net/http"

	"github.com/trawlcrawler/trawl/crawler"
)

// read fills in the page from an answer whose headers have come. The error is
// our own trouble.
func (f *Fetcher) read(d *deadline, req crawler.Request, resp *http.Response, page *crawler.Page) error {
	page.Status, page.Proto, page.Header = resp.StatusCode, resp.Proto, resp.Header
	switch {
	case page.IsRedirect():
		page.Location = location(req.URL, resp.Header)
		(&source{r: resp.Body}).drain()
		return nil
	case bodiless(resp.StatusCode):
		return nil
	}
	return f.readBody(d, req, resp, page)
}

// bodiless reports the statuses under which no body says anything of the URL:
// 304, and a switch of protocols that nobody asked for.
func bodiless(status int) bool {
	return status < 200 || status == http.StatusNotModified
}

// location returns where a redirect from u points, or the zero URL.
func location(u crawler.URL, h http.Header) crawler.URL {
	ref := h.Get("Location")
	if ref == "" {
		return crawler.URL{}
	}
	to, err := u.Base().Resolve(ref)
	if err != nil {
		return crawler.URL{}
	}
	return to
}

// readBody keeps the body. What was kept belongs to the page even where it ends
// in a fault or an error.
func (f *Fetcher) readBody(d *deadline, req crawler.Request, resp *http.Response, page *crawler.Page) error {
	var codings []string
	if !req.Identity {
		codings = codingsOf(resp.Header)
	}
	length := resp.ContentLength
	if len(codings) > 0 {
		length = -1
	}
	src := &source{r: resp.Body}
	k := f.keeper(d, req.BodyLimit, length)
	defer func() { page.Body = k.body() }()

	ended, err := f.decode(k, src, codings, page)
	if err != nil {
		return err
	}
	if ended == errCut {
		page.Truncated = true
		d.stop() // closes the connection, which Close alone might read on
		return nil
	}
	src.drain()
	page.Truncated = page.Truncated || ended != nil || src.broke()
	if src.broke() {
		page.Fault, err = f.diagnose(d, src.err)
	}
	return err
}

// decode keeps what is in src under its codings. Where it is not in them at
// all, the bytes are kept as they came, with a fault.
func (f *Fetcher) decode(k *keeper, src *source, codings []string, page *crawler.Page) (ended, err error) {
	if len(codings) == 0 {
		return k.fill(src)
	}
	first := f.chunks.Get().(*chunk)
	defer f.chunks.Put(first)
	src.first = first[:0]
	ended, err = f.decoders.fill(k, src, codings)
	switch {
	case err != nil, ended == nil, ended == errCut, k.size > 0, src.broke():
		return ended, err
	case src.empty(): // as servers send it under a Content-Encoding nevertheless
		return nil, nil
	}
	page.Fault = undecodable(codings, ended)
	var r io.Reader
	r, whole := src.again()
	page.Truncated = !whole
	return k.fill(r)
}
