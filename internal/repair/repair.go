package repair

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"sync"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Repairer is an HTTP/1 connection that fixes slightly malformed answers so that net/http
// can read them: a malformed header line costs that line rather than the page, as in curl
// and wget. Anything that could be a smuggled message (RFC 9112, 11.2) is passed on
// unchanged, for net/http to refuse. A [tap] below the repairer records what the server
// really sent.
//
// It follows the framing of answers as far as necessary: heads, and the lines of chunks. It
// passes on anything it does not understand unchanged.
type Repairer struct {
	net.Conn
	most int // most bytes of one head, or of the trailers of one answer, that are examined

	mu      sync.Mutex // needed because the transport reads in its own goroutine
	used    bool       // the connection has been used for an exchange
	headers bool       // the answer of this exchange has no body
	state   framingState
	held    []byte // incomplete head or trailers
	line    int    // start of the last line in held
	chunk   chunkLine
	left    uint64 // remaining bytes of the chunk
	out     []byte // repaired but not read yet
	err     error  // to return after out
	foreign error  // set if the server does not speak HTTP here
	notes   *fetched.Repairs
}

// framingState is the position of a connection within an answer.
type framingState int

const (
	inHead      framingState = iota
	inRest                   // everything is passed on
	inChunkLine              // size of a chunk
	inChunk                  // bytes of a chunk
	inChunkEnd               // line end after a chunk
	inTrailers               // header lines after the last chunk
)

// New returns a repairer for a connection that was not read from yet.
func New(conn net.Conn, most int64) *Repairer {
	return &Repairer{Conn: conn, most: int(most), notes: new(fetched.Repairs)}
}

// Begin starts the next exchange: the head of its answer comes next. It returns where the
// repairs of that answer will be recorded, which only told may read.
func (c *Repairer) Begin() *fetched.Repairs {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used {
		c.state, c.held, c.line = inHead, c.held[:0], 0
	}
	c.used, c.headers, c.notes = true, false, new(fetched.Repairs)
	return c.notes
}

// WithoutBody says that the request of this exchange is a HEAD, so that no body follows the head
// of its answer, whatever its framing says (RFC 9112, 6.3). It is called after Begin, before
// the request is sent.
func (c *Repairer) WithoutBody() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = true
}

// Told returns the repairs of an answer so far, even if the next exchange on the connection
// has begun.
func (c *Repairer) Told(notes *fetched.Repairs) fetched.Repairs {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(*notes)
}

// Read returns what was read from the connection, repaired.
func (c *Repairer) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if n, err := c.pending(p); n > 0 || err != nil {
			return n, err
		}
		n, err := c.Conn.Read(p)
		if n, err = c.repair(p, n, err); n > 0 || err != nil {
			return n, err
		}
	}
}

// pending returns bytes that are already repaired.
func (c *Repairer) pending(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := copy(p, c.out)
	if c.out = c.out[n:]; n == 0 {
		return 0, c.err
	}
	return n, nil
}

// repair repairs the n bytes that were read into p, and returns their new number. What does
// not fit becomes pending, and err is then returned after it.
func (c *Repairer) repair(p []byte, n int, err error) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := editor{in: p[:n]}
	for e.rest() != nil && c.foreign == nil {
		c.step(&e)
	}
	if err != nil && len(c.held) > 0 { // no more will come: let net/http see how far it got
		e.put(c.held)
		c.held, c.line = c.held[:0], 0
	}
	if c.foreign != nil {
		return 0, c.foreign
	}
	out, changed := e.result()
	if !changed {
		return n, err
	}
	n = copy(p, out)
	if c.out = out[n:]; len(c.out) > 0 {
		c.err = err
		return n, nil
	}
	return n, err
}

// step processes some of the input, at least one byte.
func (c *Repairer) step(e *editor) {
	switch c.state {
	case inRest:
		e.keep(len(e.rest()))
	case inHead:
		c.head(e)
	case inTrailers:
		c.trailers(e)
	case inChunk:
		n := min(uint64(len(e.rest())), c.left)
		e.keep(int(n))
		if c.left -= n; c.left == 0 {
			c.state = inChunkEnd
		}
	default:
		c.chunks(e)
	}
}

// hold collects a block of lines that ends in an empty line. It returns the block once it
// is complete, and nil while it is not. It also returns nil if the block is too long, or
// not a head of HTTP; the block is then passed on unchanged.
func (c *Repairer) hold(e *editor) []byte {
	rest := e.rest()
	if len(c.held) == 0 {
		if n := EmptyLine(rest); n > 0 && n <= c.most { // most heads arrive in one piece
			return rest[:n]
		}
	}
	for len(rest) > 0 {
		end := bytes.IndexByte(rest, '\n') + 1
		part := rest
		if end > 0 {
			part = rest[:end]
		}
		if len(c.held)+len(part) > c.most {
			c.give(e)
			return nil
		}
		c.held = append(c.held, part...)
		e.drop(len(part))
		if rest = rest[len(part):]; end == 0 {
			return nil
		}
		line := trimEnd(c.held[c.line:])
		if _, ok := parseStatus(line); !ok && c.line == 0 && c.state == inHead {
			c.give(e)
			return nil
		}
		if c.line = len(c.held); len(line) == 0 {
			return c.held
		}
	}
	return nil
}

// give passes on what is held, and everything that follows, unchanged.
func (c *Repairer) give(e *editor) {
	e.put(c.held)
	c.held, c.line, c.state = nil, 0, inRest
}

// release passes on a block from hold, replaced by text. If the block is a part of the
// input and unchanged, nothing is copied.
func (c *Repairer) release(e *editor, block, text []byte) {
	came := len(c.held) == 0
	switch {
	case came && len(block) == len(text) && &block[0] == &text[0]:
		e.keep(len(block))
	case came:
		e.drop(len(block))
		e.put(text)
	default:
		e.put(text)
	}
	if c.held = c.held[:0]; cap(c.held) > 4<<10 {
		c.held = nil
	}
	c.line = 0
}

// head processes the head of an answer. The head of an interim answer is followed by
// another.
func (c *Repairer) head(e *editor) {
	if len(c.held) == 0 && len(e.rest()) > 1 && e.rest()[0] == tlsAlert && e.rest()[1] == tlsMajor {
		c.foreign = ErrSpeaksTLS
		return
	}
	block := c.hold(e)
	if block == nil {
		return
	}
	h := repairHead(block, c.notes)
	c.release(e, block, h.text)
	switch {
	case h.status >= 100 && h.status < 200 && h.status != 101:
	case h.chunked && !c.headers && h.status >= 200 && h.status != 204 && h.status != 304:
		c.state, c.chunk = inChunkLine, chunkLine{}
	default:
		c.state = inRest
	}
}

// trailers processes what follows the last chunk.
func (c *Repairer) trailers(e *editor) {
	block := c.hold(e)
	if block == nil {
		return
	}
	text := block
	if len(block) != 2 || block[0] != '\r' { // usually there are none
		text = repairTrailers(block, c.notes)
	}
	c.release(e, block, text)
	c.state = inRest
}

// chunkLine is the state of the line at the start of a chunk (RFC 9112, 7.1).
type chunkLine struct {
	size   uint64
	digits int
	behind bool // past the digits, in white space or an extension
	cr     bool // the last byte was CR
}

// chunks processes line ends and sizes of chunks. It inserts a missing CR before an LF,
// which curl, wget and browsers accept but net/http does not.
func (c *Repairer) chunks(e *editor) {
	b := e.rest()[0]
	if b == '\n' {
		if !c.chunk.cr {
			e.put([]byte{'\r'})
			c.notes.Add("a line of a chunk ended in LF alone")
		}
		e.keep(1)
		c.endChunkLine()
		return
	}
	wrong := c.chunk.cr // CR may only end a line
	digit := hexDigit(b)
	switch {
	case b == '\r':
		c.chunk.cr = true
	case c.state == inChunkEnd:
		wrong = true
	case c.chunk.behind:
	case digit >= 0:
		wrong = wrong || c.chunk.size>>59 != 0
		c.chunk.size, c.chunk.digits = c.chunk.size<<4|uint64(digit), c.chunk.digits+1
	case b == ';' || b == ' ' || b == '\t':
		c.chunk.behind = true
	default:
		wrong = true
	}
	e.keep(1)
	if wrong {
		c.state = inRest // net/http will report it
	}
}

func (c *Repairer) endChunkLine() {
	line := c.chunk
	c.chunk = chunkLine{}
	switch {
	case c.state == inChunkEnd:
		c.state = inChunkLine
	case line.digits == 0:
		c.state = inRest
	case line.size == 0:
		c.state = inTrailers
	default:
		c.state, c.left = inChunk, line.size
	}
}

func hexDigit(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}

// What a TLS server answers to a request without TLS (RFC 8446, 5.1).
const (
	tlsAlert = 21
	tlsMajor = 3
)

// ErrSpeaksTLS means that a server answers in TLS at an http port.
var ErrSpeaksTLS = errors.New("the server speaks https at this port, and not http: write https:// in the URL")

// editor edits bytes as it moves through them. It copies only if something changes.
type editor struct {
	in  []byte
	at  int    // everything before was processed
	out []byte // the result so far; nil while nothing has changed
}

// rest returns the input that is left; nil at the end.
func (e *editor) rest() []byte {
	if e.at == len(e.in) {
		return nil
	}
	return e.in[e.at:]
}

// keep copies n bytes unchanged.
func (e *editor) keep(n int) {
	if e.out != nil {
		e.out = append(e.out, e.in[e.at:e.at+n]...)
	}
	e.at += n
}

// drop skips n bytes.
func (e *editor) drop(n int) {
	e.change()
	e.at += n
}

// put inserts bytes.
func (e *editor) put(b []byte) {
	e.change()
	e.out = append(e.out, b...)
}

func (e *editor) change() {
	if e.out == nil {
		e.out = make([]byte, 0, len(e.in)+64)
		e.out = append(e.out, e.in[:e.at]...)
	}
}

// result returns the result for everything that was processed.
func (e *editor) result() (out []byte, changed bool) {
	if e.out == nil {
		return e.in[:e.at], false
	}
	return e.out, true
}
