package fetch

import (
	"bytes"
	"net/http"
	"os"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
)

// tape records one exchange from a [tap]: the heads in memory, and of what
// follows the answer's head a chunk in memory and the rest in a file. It takes
// nothing of the memory that bodies share, because a request that holds some of
// it must never wait for more.
type tape struct {
	f     *Fetcher
	limit int64 // of the tail in bytes: more is not recorded

	mu      sync.Mutex // the transport reads and writes in goroutines of its own
	conn    *tap       // that is recorded; nil before and after
	request []byte
	early   []byte // the answer's head, and what came with it
	headed  bool   // the head is known: what comes is tail
	head    []byte
	chunked bool
	left    int64    // bytes of the tail that may still come; -1 when nobody knows
	skip    bool     // the tail is not recorded: the body is the same
	first   *chunk   // the tail's beginning; nil until there is one
	spill   *os.File // its rest; nil until there is one
	size    int64    // of the tail
	over    bool     // the tail was longer than its limit
	err     error    // a failure of our own to record
}

// newTape returns a tape for an answer whose body is bounded by limit. The tail
// may be twice as long, for the framing of its chunks.
func (f *Fetcher) newTape(limit int64) *tape { return &tape{f: f, limit: 2 * limit, left: -1} }

// start records what goes over c from now on, and forgets what went over a
// connection that turned out to be dead.
func (t *tape) start(c *tap) {
	t.stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn, t.request, t.early = c, nil, nil
	c.tape.Store(t)
}

// stop ends the recording. The connection may go on to the next exchange.
func (t *tape) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn != nil {
		t.conn.tape.CompareAndSwap(t, nil)
		t.conn = nil
	}
}

func (t *tape) sent(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.headed {
		t.request = append(t.request, p...)
	}
}

// came takes in what was read from c. Before the head is known that is bounded
// by the transport.
func (t *tape) came(c *tap, p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.conn != c:
	case t.headed:
		t.record(p)
	default:
		t.early = append(t.early, p...)
	}
}

// answered tells what net/http read from the head. same says that the tail will
// be the page's body, octet for octet.
func (t *tape) answered(resp *http.Response, same bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.headed, t.skip = true, same
	begin, end := finalHead(t.early)
	rest := t.early[end:]
	t.head, t.early = t.early[begin:end:end], nil
	t.chunked = len(resp.TransferEncoding) > 0 && resp.Body != http.NoBody
	switch {
	case resp.Body == http.NoBody || resp.StatusCode == http.StatusSwitchingProtocols:
		t.left = 0
	case !t.chunked:
		t.left = resp.ContentLength
	}
	t.record(rest)
}

// record keeps p as a part of the tail.
func (t *tape) record(p []byte) {
	if t.left >= 0 { // what a server sends unasked behind its answer is no part of it
		p = p[:min(int64(len(p)), t.left)]
		t.left -= int64(len(p))
	}
	if t.skip || t.err != nil {
		return
	}
	if room := t.limit - t.size; int64(len(p)) > room {
		p, t.over = p[:room], true
	}
	if len(p) == 0 {
		return
	}
	if t.first == nil {
		t.first = t.f.chunks.Get().(*chunk)
	}
	if t.size < int64(len(t.first)) {
		n := copy(t.first[t.size:], p)
		t.size += int64(n)
		p = p[n:]
	}
	t.overflow(p)
}

func (t *tape) overflow(p []byte) {
	if len(p) == 0 {
		return
	}
	if t.spill == nil {
		if t.spill, t.err = spillFile(t.f.cfg.TempDir); t.err != nil {
			return
		}
	}
	t.err = spilled(t.spill.Write(p))
	t.size += int64(len(p))
}

// recording hands out what was recorded. The error is our own. The tape must not
// be used afterwards.
func (t *tape) recording(cut crawler.Cut) (*crawler.Recording, error) {
	t.stop()
	if t.over {
		cut = crawler.CutLength
	}
	r := &crawler.Recording{Request: t.request, Head: t.head, Chunked: t.chunked, Cut: cut}
	if t.first != nil {
		h := &holding{f: t.f, first: t.first, spill: t.spill}
		h.body = crawler.Body{
			Head: t.first[:min(t.size, int64(len(t.first)))], Spill: t.spill, Size: t.size, Release: h.release,
		}
		r.Tail = &h.body
	}
	return r, t.err
}

// finalHead returns where the head of the final answer begins and ends, with its
// empty line. 1xx answers before it have heads of their own (RFC 9110, 15.2).
func finalHead(b []byte) (begin, end int) {
	for {
		n := emptyLine(b[begin:])
		switch {
		case n == 0:
			return begin, len(b)
		case !isInterim(b[begin:]):
			return begin, begin + n
		}
		begin += n
	}
}

// emptyLine returns where the first empty line ends, or 0. Lines end as
// net/http takes them to: in LF, with or without a CR before it.
func emptyLine(b []byte) int {
	for at := 0; ; {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			return 0
		}
		line := b[at : at+n]
		at += n + 1
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return at
		}
	}
}

// isInterim reports whether a head is of an answer that another follows: 1xx,
// but for 101 (RFC 9110, 15.2.2).
func isInterim(head []byte) bool {
	_, status, ok := bytes.Cut(head[:min(len(head), len("HTTP/1.1 100"))], []byte(" "))
	return ok && len(status) == 3 && status[0] == '1' && string(status) != "101"
}
