package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// answer is the answer to one request, once its headers have arrived.
type answer struct {
	f        *Fetcher
	req      fetched.Request
	deadline *deadline
	resp     *http.Response
	came     *http.Response // as it came over the connection, for a recording
	src      *source        // the body as received
	codings  []string       // to be removed from it
	page     *fetched.Page
}

func (f *Fetcher) answer(d *deadline, req fetched.Request, resp *http.Response, page *fetched.Page) *answer {
	a := &answer{f: f, req: req, deadline: d, resp: resp,
		src: &source{r: resp.Body, meter: newMeter(d, req.MinRate, f.cfg.RateWindow)}, page: page}
	page.Status, page.Proto, page.Header = resp.StatusCode, resp.Proto, resp.Header
	if !req.Identity {
		a.codings = codingsOf(resp.Header)
	}
	return a
}

// read fills in the page. The error is internal.
func (a *answer) read() error {
	switch {
	case a.page.IsRedirect():
		a.page.Location = location(a.req.URL, a.resp.Header)
		a.src.drain(a.unwanted())
		return nil
	case a.bodiless():
		a.src.err = io.EOF
		return nil
	}
	return a.readBody()
}

// unwanted returns how much to read of a body that does not become the page's.
func (a *answer) unwanted() int64 {
	if a.req.Record {
		return a.req.BodyLimit
	}
	return drainBytes
}

// readOnto is read with a recorder. It adds the recording to the page.
func (a *answer) readOnto(t *recorder) error {
	kept := !a.page.IsRedirect() && !a.bodiless()
	// A program's transport may have changed the body that was received.
	same := kept && len(a.codings) == 0 && len(a.resp.TransferEncoding) == 0 && a.f.wrapped == nil
	t.answered(a.came, same)
	err := a.read()
	cut := a.cut()
	if same && a.page.Truncated && cut == "" {
		cut = fetched.CutLength // the last byte that arrived was the first one too many
	}
	recording, trouble := t.recording(cut)
	a.page.Recording = recording
	return errors.Join(err, trouble)
}

// cut says why the bytes of the answer end where they do.
func (a *answer) cut() fetched.Cut {
	switch {
	case a.src.err == io.EOF:
		return ""
	case a.src.err == nil:
		return fetched.CutLength
	case a.deadline.passed():
		return fetched.CutTime
	case broken(a.src.err):
		return fetched.CutDisconnect
	}
	return fetched.CutUnspecified
}

// bodiless reports whether there is no body that represents the URL: for HEAD, for 304, and for
// an unrequested switch of protocols.
func (a *answer) bodiless() bool {
	return a.req.Head || a.resp.StatusCode < 200 || a.resp.StatusCode == http.StatusNotModified
}

// location returns the target of a redirect from u, or the zero URL.
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

// readBody keeps the body. What was kept belongs to the page even if there is a fault or an
// error.
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
		a.deadline.stop() // closes the connection; Close might keep reading
		return nil
	}
	a.src.drain(drainBytes)
	a.page.Truncated = a.page.Truncated || ended != nil || a.src.broke()
	if a.src.broke() && !(a.deadline.slow() && k.size > 0) { // the beginning of a slow body is still useful
		a.page.Fault, err = a.f.diagnose(a.deadline, a.src.err)
	}
	return err
}

// decode keeps the decoded content of the source. If the source is not encoded as its
// headers say, the bytes are kept as received, with a fault.
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
	case a.src.empty(): // servers may send an empty body despite a Content-Encoding
		return nil, nil
	}
	a.page.Fault = undecodable(a.codings, ended)
	var r io.Reader
	r, whole := a.src.again()
	a.page.Truncated = !whole
	return k.fill(r)
}

// layerSlack is how far a compressed body may exceed the body limit, because incompressible
// data gets longer.
const layerSlack = 64 << 10

// decodeTime is how long decoding a received body may take.
const decodeTime = 20 * time.Second

// decoded reports whether the result of decoding is usable. It is not if the source was not
// encoded at all.
func (a *answer) decoded(k *keeper, ended, err error) bool {
	return err != nil || ended == nil || ended == errCut || ended == errSwollen || k.size > 0 || a.src.broke()
}

// decodeLater is decode, but it receives the whole source before it decodes.
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
	// Not limited by the request's time: what was received can be decoded.
	ctx, cancel := context.WithTimeoutCause(a.deadline.caller, decodeTime, errDeadline)
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
