package sink

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"fmt"
	"hash"
	"io"
	"net/http/httputil"

	"github.com/trawlcrawler/trawl/crawler"
)

// message is an answer as a record holds it: its head, and of what followed the
// head as much as belongs to it.
type message struct {
	head    []byte
	tail    *crawler.Body // nil for none
	length  int64         // of the tail
	payload sha1sum       // of the tail without transfer coding
	size    int64         // of the payload
	block   sha1sum       // of head and tail
}

// blockLength is how many octets the message has.
func (m *message) blockLength() int64 { return int64(len(m.head)) + m.length }

// writeTo writes the whole message.
func (m *message) writeTo(w io.Writer) error {
	if _, err := w.Write(m.head); err != nil {
		return err
	}
	return m.writeTail(w)
}

func (m *message) writeTail(w io.Writer) error {
	if m.length == 0 {
		return nil
	}
	tail := m.tail.Reader() // which may write itself, without a buffer between
	if m.length < m.tail.Size {
		tail = io.LimitReader(tail, m.length)
	}
	n, err := io.Copy(w, tail)
	if err == nil && n != m.length {
		err = fmt.Errorf("%d of %d bytes of an answer were there: %w", n, m.length, io.ErrUnexpectedEOF)
	}
	return err
}

// measure finds the message in a page and its digests. a and b are scratch.
func measure(p *crawler.Page, a, b hash.Hash) (*message, error) {
	m := &message{head: p.Recording.Head, tail: p.Recording.Tail}
	if m.tail == nil {
		m.tail = p.Body
	}
	if m.tail != nil {
		m.length = m.tail.Size
	}
	block, payload := a, b
	block.Reset()
	payload.Reset()
	block.Write(m.head)
	var err error
	if p.Recording.Chunked && m.length > 0 {
		if err = m.dechunk(payload); err == nil {
			err = m.writeTail(block)
		}
	} else {
		m.size = m.length
		err = m.writeTail(io.MultiWriter(block, payload))
	}
	block.Sum(m.block[:0])
	payload.Sum(m.payload[:0])
	return m, err
}

// dechunk digests the payload of a tail in chunks (RFC 9112, 7.1), and cuts off
// what follows its trailers. Of a tail that breaks off, or is not in chunks from
// some point on, the payload is what came before.
func (m *message) dechunk(payload io.Writer) error {
	raw := &counter{r: m.tail.Reader()}
	in := bufio.NewReader(raw)
	n, broken := io.Copy(payload, httputil.NewChunkedReader(in))
	m.size = n
	if raw.err != nil && raw.err != io.EOF {
		return raw.err
	}
	if broken != nil {
		return nil
	}
	for { // trailers, until an empty line
		line, err := in.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return nil
		}
		if err == nil && len(bytes.TrimRight(line, "\r\n")) == 0 {
			m.length = raw.n - int64(in.Buffered())
			return nil
		}
	}
}

// counter counts what is read, and remembers how it ended.
type counter struct {
	r   io.Reader
	n   int64
	err error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.err = err
	return n, err
}

// newSHA1 is a place for a digest.
func newSHA1() hash.Hash { return sha1.New() }
