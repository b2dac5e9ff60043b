package warc

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"fmt"
	"hash"
	"io"
	"net/http/httputil"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// message is a response as a record holds it: the head, and as much of what followed as
// belongs to it.
type message struct {
	head    []byte
	tail    *fetched.Body // nil for none
	length  int64         // of the tail
	payload SHA1          // of the tail without transfer coding
	size    int64         // of the payload
	block   SHA1          // of head and tail
}

// blockLength returns the size of the message in bytes.
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
	tail := m.tail.Reader() // it may implement io.WriterTo, which avoids a buffer
	if m.length < m.tail.Size {
		tail = io.LimitReader(tail, m.length)
	}
	n, err := io.Copy(w, tail)
	if err == nil && n != m.length {
		err = fmt.Errorf("%d of %d bytes of an answer were there: %w", n, m.length, io.ErrUnexpectedEOF)
	}
	return err
}

// measure finds the message in a page and computes its digests. a and b are scratch
// space.
func measure(p *fetched.Page, a, b hash.Hash) (*message, error) {
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

// dechunk computes the digest of the payload of a chunked tail (RFC 9112, 7.1), and cuts
// off what follows the trailers. If the tail breaks off, or its chunks are malformed from
// some point on, the payload is what came before.
func (m *message) dechunk(payload io.Writer) error {
	raw := &Counter{R: m.tail.Reader()}
	in := bufio.NewReader(raw)
	n, broken := io.Copy(payload, httputil.NewChunkedReader(in))
	m.size = n
	if raw.Err != nil && raw.Err != io.EOF {
		return raw.Err
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
			m.length = raw.N - int64(in.Buffered())
			return nil
		}
	}
}

// Counter counts the bytes read and remembers the last error.
type Counter struct {
	R   io.Reader
	N   int64 // bytes read from R
	Err error // the last error of R
}

// Read reads from R.
func (c *Counter) Read(p []byte) (int, error) {
	n, err := c.R.Read(p)
	c.N += int64(n)
	c.Err = err
	return n, err
}

// newSHA1 returns a hash for digests.
func newSHA1() hash.Hash { return sha1.New() }
