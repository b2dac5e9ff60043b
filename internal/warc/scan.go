package warc

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/trawlcrawler/trawl/crawler"
)

// Scanned is what a part of a WARC file contains.
type Scanned struct {
	Captures []Line // of its whole records
	End      int64  // of the last whole record
	Trouble  error  // the file could not be read; a torn record is not an error
}

// Scan reads the whole records between two offsets. A record must begin at from. It stops
// at the first record that is incomplete.
func Scan(f io.ReaderAt, from, to int64) Scanned {
	raw := &Counter{R: io.NewSectionReader(f, from, to-from)}
	in := bufio.NewReaderSize(raw, 256<<10)
	s := Scanned{End: from}
	var zip gzip.Reader
	for {
		c, isCapture, err := scanRecord(&zip, in)
		if raw.Err != nil && raw.Err != io.EOF {
			s.Trouble = raw.Err
		}
		if err != nil {
			return s
		}
		end := from + raw.N - int64(in.Buffered())
		if isCapture {
			c.Offset, c.length = s.End, end-s.End
			s.Captures = append(s.Captures, c)
		}
		s.End = end
	}
}

// scanRecord decompresses one gzip member, checksum included.
func scanRecord(zip *gzip.Reader, in *bufio.Reader) (c Line, isCapture bool, err error) {
	if err := zip.Reset(in); err != nil {
		return c, false, err
	}
	zip.Multistream(false)
	text := bufio.NewReader(zip)
	lines := textproto.NewReader(text)
	version, err := lines.ReadLine()
	if err != nil || version+"\r\n" != warcVersion {
		return c, false, fmt.Errorf("%q is not a version of WARC: %w", version, errors.Join(err, errNoRecord))
	}
	h, err := lines.ReadMIMEHeader()
	if err != nil {
		return c, false, err
	}
	kind := h.Get("WARC-Type")
	if isCapture = kind == "response" || kind == "revisit"; isCapture {
		if c, err = captureOf(h, lines); err != nil {
			return c, false, err
		}
	}
	if _, err := io.Copy(io.Discard, text); err != nil {
		return c, false, err
	}
	return c, isCapture, nil
}

var errNoRecord = errors.New("no record")

// captureOf reads what an index says about a record: its named fields, and the head of
// the response in its block.
func captureOf(h textproto.MIMEHeader, block *textproto.Reader) (c Line, err error) {
	if c.URL, err = crawler.ParseURL(h.Get("WARC-Target-URI")); err != nil {
		return c, err
	}
	if c.date, err = time.Parse(time.RFC3339Nano, h.Get("WARC-Date")); err != nil {
		return c, err
	}
	c.payload = h.Get("WARC-Payload-Digest")
	first, err := block.ReadLine()
	if err != nil {
		return c, err
	}
	_, status, _ := strings.Cut(first, " ")
	c.status, _ = strconv.Atoi(status[:min(len(status), 3)])
	answer, err := block.ReadMIMEHeader() // a head that net/http accepts and textproto does not gets no type
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return c, err
	}
	c.mime = mimeOf(answer.Get("Content-Type"))
	if h.Get("WARC-Type") == "revisit" {
		c.mime = "warc/revisit"
	}
	return c, nil
}

// placeOf parses the place of a record from an index line.
func placeOf(line []byte) (Line, error) {
	var at struct{ Offset, Length string }
	_, fields, _ := bytes.Cut(line, []byte(" {"))
	if err := json.Unmarshal(append([]byte("{"), fields...), &at); err != nil {
		return Line{}, err
	}
	offset, err := strconv.ParseInt(at.Offset, 10, 64)
	if err != nil {
		return Line{}, err
	}
	length, err := strconv.ParseInt(at.Length, 10, 64)
	return Line{Offset: offset, length: length}, err
}
