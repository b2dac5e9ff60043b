package fetch

import (
	"errors"
	"io"
	"net/http"

	"github.com/trawlcrawler/trawl/crawler"
)

// answer is what comes back for one request, from when its headers have come.
type answer struct {
	f        *Fetcher
	req      crawler.Request
	deadline *deadline
	resp     *http.Response
	src      *source  // the body as it comes off the wire
	codings  []string // that are to be removed from it
	page     *crawler.Page
}

func (f *Fetcher) answer(d *deadline, req crawler.Request, resp *http.Response, page *crawler.Page) *answer {
	a := &answer{f: f, req: req, deadline: d, resp: resp, src: &source{r: resp.Body}, page: page}
	page.Status, page.Proto, page.Header = resp.StatusCode, resp.Proto, resp.Header
	if !req.Identity {
		a.codings = codingsOf(resp.Header)
	}
	return a
}

// read fills in the page. The error is our own trouble.
func (a *answer) read() error {
	switch {
	case a.page.IsRedirect():
		a.page.Location = location(a.req.URL, a.resp.Header)
		a.src.drain(a.unwanted())
		return nil
	case bodiless(a.resp.StatusCode):
		a.src.err = io.EOF
		return nil
	}
	return a.readBody()
}

// unwanted is how much is read of a body that does not become the page's.
func (a *answer) unwanted() int64 {
	if a.req.Record {
		return a.req.BodyLimit
	}
	return drainBytes
}

// readOnto does what read does, and takes the recording from the tape.
func (a *answer) readOnto(t *tape) error {
	kept := !a.page.IsRedirect() && !bodiless(a.resp.StatusCode)
	same := kept && len(a.codings) == 0 && len(a.resp.TransferEncoding) == 0
	t.answered(a.resp, same)
	err := a.read()
	cut := a.cut()
	if same && a.page.Truncated && cut == "" {
		cut = crawler.CutLength // the last byte that came was the first too many
	}
	recording, trouble := t.recording(cut)
	a.page.Recording = recording
	return errors.Join(err, trouble)
}

// cut says why the octets of the answer end where they do.
func (a *answer) cut() crawler.Cut {
	switch {
	case a.src.err == io.EOF:
		return ""
	case a.src.err == nil:
		return crawler.CutLength
	case a.deadline.passed():
		return crawler.CutTime
	case broken(a.src.err):
		return crawler.CutDisconnect
	}
	return crawler.CutUnspecified
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
func (a *answer) readBody() error {
	length := a.resp.ContentLength
	if len(a.codings) > 0 {
		length = -1
	}
	k := a.f.keeper(a.deadline, a.req.BodyLimit, length)
	defer func() { a.page.Body = k.body() }()

	ended, err := a.decode(k)
	if err != nil {
		return err
	}
	if ended == errCut {
		a.page.Truncated = true
		a.deadline.stop() // closes the connection, which Close alone might read on
		return nil
	}
	a.src.drain(drainBytes)
	a.page.Truncated = a.page.Truncated || ended != nil || a.src.broke()
	if a.src.broke() {
		a.page.Fault, err = a.f.diagnose(a.deadline, a.src.err)
	}
	return err
}

// decode keeps what is in the source under its codings. Where it is not in them
// at all, the bytes are kept as they came, with a fault.
func (a *answer) decode(k *keeper) (ended, err error) {
	if len(a.codings) == 0 {
		return k.fill(a.src)
	}
	first := a.f.chunks.Get().(*chunk)
	defer a.f.chunks.Put(first)
	a.src.first = first[:0]
	ended, err = a.f.decoders.fill(k, a.src, a.codings)
	switch {
	case err != nil, ended == nil, ended == errCut, k.size > 0, a.src.broke():
		return ended, err
	case a.src.empty(): // as servers send it under a Content-Encoding nevertheless
		return nil, nil
	}
	a.page.Fault = undecodable(a.codings, ended)
	var r io.Reader
	r, whole := a.src.again()
	a.page.Truncated = !whole
	return k.fill(r)
}
