package fetch

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/repair"
)

// recorder records one exchange from a [tap]. It keeps the heads in memory; of the tail,
// which follows the head of the answer, it keeps a chunk in memory and the rest in a file.
// It does not use the memory that bodies share, because a request that holds some of it
// must never wait for more.
type recorder struct {
	f     *Fetcher
	limit int64 // of the tail in bytes; more is not recorded

	mu      sync.Mutex // needed because the transport reads and writes in its own goroutines
	conn    *tap       // being recorded; nil before and after
	request []byte
	early   []byte // head of the answer, and what arrived with it
	headed  bool   // the head is known, and what follows is tail
	head    []byte
	chunked bool
	left    int64    // bytes of the tail still to come; -1 if unknown
	skip    bool     // the tail is not recorded, because the body is the same
	first   *chunk   // beginning of the tail; nil until there is one
	spill   *os.File // rest of the tail; nil until there is one
	size    int64    // of the tail
	over    bool     // the tail was longer than its limit
	err     error    // internal error that stopped the recording
}

// newRecorder returns a recorder for an answer whose body is limited to limit. The tail may
// be twice as long, because of the framing of chunks.
func (f *Fetcher) newRecorder(limit int64) *recorder {
	return &recorder{f: f, limit: 2 * limit, left: -1}
}

// start records what is sent and received on c from now on. It discards what was recorded
// from a connection that turned out to be dead.
func (t *recorder) start(c *tap) {
	t.stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn, t.request, t.early = c, nil, nil
	c.recorder.Store(t)
}

// stop ends the recording. The connection may be used for the next exchange.
func (t *recorder) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn != nil {
		t.conn.recorder.CompareAndSwap(t, nil)
		t.conn = nil
	}
}

func (t *recorder) sent(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.headed {
		t.request = append(t.request, p...)
	}
}

// came records what was read from c. Until the head is complete, its size is bounded by the
// transport.
func (t *recorder) came(c *tap, p []byte) {
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

// answered reports what net/http read from the head. same says that the tail will be
// identical to the page's body.
func (t *recorder) answered(resp *http.Response, same bool) {
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
func (t *recorder) record(p []byte) {
	if t.left >= 0 { // ignore what a server sends after its answer
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

func (t *recorder) overflow(p []byte) {
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

// recording returns what was recorded. The error is internal. The recorder must not be used
// afterwards.
func (t *recorder) recording(cut fetched.Cut) (*fetched.Recording, error) {
	t.stop()
	if t.over {
		cut = fetched.CutLength
	}
	r := &fetched.Recording{Request: t.request, Head: t.head, Chunked: t.chunked, Cut: cut}
	if t.first != nil {
		h := &holding{f: t.f, first: t.first, spill: t.spill}
		h.body = fetched.Body{
			Head: t.first[:min(t.size, int64(len(t.first)))], Spill: t.spill, Size: t.size, Release: h.release,
		}
		r.Tail = &h.body
	} else if t.f.wrapped != nil { // the page's body may be another one
		r.Tail = &fetched.Body{Release: func() {}}
	}
	return r, t.err
}

// finalHead returns the beginning and end of the head of the final answer, including its
// empty line. Interim answers (1xx) before it have their own heads (RFC 9110, 15.2).
func finalHead(b []byte) (begin, end int) {
	for {
		n := repair.EmptyLine(b[begin:])
		switch {
		case n == 0:
			return begin, len(b)
		case !isInterim(b[begin:]):
			return begin, begin + n
		}
		begin += n
	}
}

// isInterim reports whether a head belongs to an interim answer: 1xx except 101 (RFC 9110,
// 15.2.2).
func isInterim(head []byte) bool {
	_, status, ok := bytes.Cut(head[:min(len(head), len("HTTP/1.1 100"))], []byte(" "))
	return ok && len(status) == 3 && status[0] == '1' && string(status) != "101"
}

// tap is an HTTP/1.1 connection on which one exchange at a time can be recorded. It is
// above TLS and below net/http, which does not expose the original header lines or the
// framing of chunks.
type tap struct {
	net.Conn
	recorder atomic.Pointer[recorder] // nil while nothing is recorded
}

// Write records before it sends, because the answer may arrive before Write returns.
func (c *tap) Write(p []byte) (int, error) {
	if t := c.recorder.Load(); t != nil {
		t.sent(p)
	}
	return c.Conn.Write(p)
}

func (c *tap) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if t := c.recorder.Load(); t != nil && n > 0 {
		t.came(c, p[:n])
	}
	return n, err
}
