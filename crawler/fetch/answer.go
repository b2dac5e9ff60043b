package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

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
	a := &answer{f: f, req: req, deadline: d, resp: resp, src: &source{r: resp.Body, meter: newMeter(d, req.MinRate, f.cfg.RateWindow)}, page: page}
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
	k := a.f.keeper(a.deadline, a.req.BodyLimit, length, a.req.Waits)
	defer func() { a.page.Body = k.body() }()

	ended, err := a.decode(k)
	if err != nil {
		return err
	}
	if ended == errCut || ended == errSwollen {
		a.page.Truncated = true
		a.deadline.stop() // closes the connection, which Close alone might read on
		return nil
	}
	a.src.drain(drainBytes)
	a.page.Truncated = a.page.Truncated || ended != nil || a.src.broke()
	if a.src.broke() && !(a.deadline.slow() && k.size > 0) { // of a slow body, what came is good
		a.page.Fault, err = a.f.diagnose(a.deadline, a.src.err)
	}
	return err
}

// decode keeps what is in the source under its codings. Where it is not in them
// at all, the bytes are kept as they came, with a fault.
func (a *answer) decode(k *keeper) (ended, err error) {
	switch {
	case len(a.codings) == 0:
		return k.fill(a.src)
	case looksFar(a.codings):
		return a.decodeLater(k)
	}
	first := a.f.chunks.Get().(*chunk)
	defer a.f.chunks.Put(first)
	a.src.first = first[:0]
	ended, err = a.f.decoders.fill(a.deadline.ctx, k, a.src, a.codings, 0, k.limit+layerSlack)
	switch {
	case a.decoded(k, ended, err):
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

// layerSlack is how much longer than a body's limit it may be under its codings,
// as what can not be made shorter is.
const layerSlack = 64 << 10

// decodeTime is how long a body that is there may take to be decoded.
const decodeTime = 20 * time.Second

// decoded reports whether what came of a coding stands: unless it is not in the
// coding at all.
func (a *answer) decoded(k *keeper, ended, err error) bool {
	return err != nil || ended == nil || ended == errCut || ended == errSwollen || k.size > 0 || a.src.broke()
}

// decodeLater does what decode does, once all of the source has come.
func (a *answer) decodeLater(k *keeper) (ended, err error) {
	s := &spool{f: a.f}
	defer s.release()
	came, err := s.take(a.src, k.limit+layerSlack)
	if err != nil {
		return nil, err
	}
	need := min(windows(a.codings, s.head()), a.f.cfg.Windows)
	if err := a.f.windows.take(a.deadline, need); err != nil {
		return nil, err
	}
	defer a.f.windows.give(need)
	ctx, cancel := context.WithTimeoutCause(a.deadline.caller, decodeTime, errDeadline) // the request's time may be up, what came is good
	defer cancel()
	ended, err = a.f.decoders.fill(ctx, k, s.reader(), a.codings, need, k.limit+layerSlack)
	switch {
	case !a.decoded(k, ended, err) && a.src.empty():
		return nil, nil
	case !a.decoded(k, ended, err):
		a.page.Fault, a.page.Truncated = undecodable(a.codings, ended), came != nil
		return k.fill(s.reader())
	case came == errCut:
		ended = errCut
	}
	return ended, err
}
