package archive

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"
)

// Response is a response that was read from its record.
type Response struct {
	Capture Capture
	Status  int
	Header  http.Header // without those of its codings and its length, which no longer apply
	Body    io.Reader   // decoded; it fails with an error that wraps ErrDamaged
	close   func()
}

// Close releases the decoders of the response.
func (r *Response) Close() { r.close() }

// Read reads the record of a capture. If it is a revisit, the body is that of the response
// that it refers to. The caller closes the response. The error wraps [ErrDamaged] if the
// record cannot be read, and [ErrMissing] if what a revisit refers to is not in the
// archive.
func (a *Archive) Read(ctx context.Context, c Capture) (*Response, error) {
	rec, err := a.record(ctx, c)
	if err != nil {
		return nil, err
	}
	kind := rec.header.Get("WARC-Type")
	if kind == "resource" {
		h := http.Header{"Content-Type": rec.header["Content-Type"]}
		return &Response{Capture: c, Status: http.StatusOK, Header: h, Body: rec.block, close: func() {}}, nil
	}
	if kind != "response" && kind != "revisit" {
		return nil, fmt.Errorf("%s: %w: its record in %q at byte %d is a %q", c.URL, ErrDamaged, c.File, c.Offset, kind)
	}
	status, head, err := responseHead(rec)
	if err != nil && kind == "response" {
		return nil, damaged(c, err)
	}
	body := rec.block
	if kind == "revisit" {
		was, original, failed := a.revisited(ctx, c, rec)
		if failed != nil {
			return nil, failed
		}
		if err != nil || status == http.StatusNotModified { // it says that the original is still valid
			status, head = 0, nil
		}
		body = original.block
		if status, head, err = merged(status, head, original); err != nil {
			return nil, damaged(was, err)
		}
	}
	r := &Response{Capture: c, Status: status, Header: head, close: func() {}}
	r.decode(c, body)
	return r, nil
}

// merged reads the head of an original, from which a revisit takes what it lacks: without a
// head of its own everything, and otherwise the codings of the body.
func merged(status int, head http.Header, original *record) (int, http.Header, error) {
	itsStatus, itsHead, err := responseHead(original)
	if err != nil || head == nil {
		return itsStatus, itsHead, err
	}
	for _, name := range []string{"Content-Encoding", "Transfer-Encoding"} {
		head[name] = itsHead[name]
	}
	return status, head, nil
}

// record opens the record of a capture.
func (a *Archive) record(ctx context.Context, c Capture) (*record, error) {
	file, err := a.from.open(ctx, c.File)
	if err != nil {
		return nil, err
	}
	length := c.Length
	if length == 0 {
		length = 1<<62 - c.Offset
	}
	rec, err := readRecord(io.NewSectionReader(file, c.Offset, length))
	if err != nil {
		return nil, damaged(c, err)
	}
	return rec, nil
}

func damaged(c Capture, err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%s: %w: its record in %q at byte %d: %w", c.URL, ErrDamaged, c.File, c.Offset, err)
}

// revisited opens the record that a revisit refers to.
func (a *Archive) revisited(ctx context.Context, c Capture, rec *record) (Capture, *record, error) {
	url := rec.header.Get("WARC-Refers-To-Target-URI")
	at, err := time.Parse(time.RFC3339Nano, rec.header.Get("WARC-Refers-To-Date"))
	if err != nil {
		at = c.Date
	}
	if url == "" {
		url = c.URL
	}
	was, ok := a.original(strings.Trim(url, "<>"), at, rec.header.Get("WARC-Payload-Digest"))
	if !ok {
		return was, nil, fmt.Errorf("%s: %w: it repeats %s of %s", c.URL, ErrMissing, url, at.UTC().Format(time.RFC3339))
	}
	original, err := a.record(ctx, was)
	return was, original, err
}

// responseHead reads the head of the response in a record.
func responseHead(rec *record) (status int, head http.Header, err error) {
	first, head, err := readHead(rec.block)
	if err != nil {
		return 0, nil, err
	}
	_, code, _ := strings.Cut(first, " ")
	status, err = strconv.Atoi(strings.TrimSpace(code[:min(len(code), 3)]))
	if err != nil || !strings.HasPrefix(first, "HTTP/") || status < 100 || status > 599 {
		return 0, nil, fmt.Errorf("%q is not the first line of a response", first[:min(len(first), 80)])
	}
	return status, head, nil
}

// decode makes the body readable, and removes the fields that described it.
func (r *Response) decode(c Capture, block *bufio.Reader) {
	var body io.Reader = block
	if strings.Contains(strings.ToLower(strings.Join(r.Header["Transfer-Encoding"], ",")), "chunked") && chunked(block) {
		body = httputil.NewChunkedReader(block)
	}
	body, r.close = decoded(body, r.Header["Content-Encoding"])
	r.Body = &checked{r: body, c: c}
	for _, name := range []string{"Transfer-Encoding", "Content-Encoding", "Content-Length", "Connection", "Keep-Alive"} {
		delete(r.Header, name)
	}
}

// chunked reports whether a body begins with the size of a chunk. Some programs store a body
// without its chunks, and leave the field that says that it has some.
func chunked(body *bufio.Reader) bool {
	head, _ := body.Peek(64)
	line, _, whole := bytes.Cut(head, []byte("\n"))
	size, _, _ := bytes.Cut(bytes.TrimRight(line, "\r"), []byte(";"))
	_, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 63)
	return whole && err == nil
}

// checked adds to errors of reading a body where it is.
type checked struct {
	r io.Reader
	c Capture
}

// Read reads the body.
func (k *checked) Read(b []byte) (int, error) {
	n, err := k.r.Read(b)
	if err != nil && err != io.EOF {
		err = damaged(k.c, err)
	}
	return n, err
}
