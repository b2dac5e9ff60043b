package sink

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

// scanned is what a part of a WARC file holds.
type scanned struct {
	captures []capture
	end      int64 // of the last whole record
	trouble  error // the file could not be read; a record that is torn is none
}

// scan reads the whole records between two offsets, the first of which is where
// a record begins. It stops at the first that is not whole.
func scan(f io.ReaderAt, from, to int64) scanned {
	raw := &counter{r: io.NewSectionReader(f, from, to-from)}
	in := bufio.NewReaderSize(raw, 256<<10)
	s := scanned{end: from}
	var zip gzip.Reader
	for {
		c, isCapture, err := scanRecord(&zip, in)
		if raw.err != nil && raw.err != io.EOF {
			s.trouble = raw.err
		}
		if err != nil {
			return s
		}
		end := from + raw.n - int64(in.Buffered())
		if isCapture {
			c.offset, c.length = s.end, end-s.end
			s.captures = append(s.captures, c)
		}
		s.end = end
	}
}

// scanRecord reads one gzip member, to its checksum.
func scanRecord(zip *gzip.Reader, in *bufio.Reader) (c capture, isCapture bool, err error) {
	if err := zip.Reset(in); err != nil {
		return c, false, err
	}
	zip.Multistream(false)
	text := bufio.NewReader(zip)
	lines := textproto.NewReader(text)
	version, err := lines.ReadLine()
	if err != nil || version+"\r\n" != warcVersion {
		return c, false, fmt.Errorf("%q is no version of WARC: %w", version, errors.Join(err, errNoRecord))
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

// captureOf reads what an index says of a record: its fields, and the head of
// the answer in its block.
func captureOf(h textproto.MIMEHeader, block *textproto.Reader) (c capture, err error) {
	if c.url, err = crawler.ParseURL(h.Get("WARC-Target-URI")); err != nil {
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
	answer, err := block.ReadMIMEHeader() // what net/http takes and this does not has no type
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return c, err
	}
	c.mime = mimeOf(answer.Get("Content-Type"))
	if h.Get("WARC-Type") == "revisit" {
		c.mime = "warc/revisit"
	}
	return c, nil
}

// placeOf reads from a line of an index where its record is.
func placeOf(line []byte) (capture, error) {
	var at struct{ Offset, Length string }
	_, fields, _ := bytes.Cut(line, []byte(" {"))
	if err := json.Unmarshal(append([]byte("{"), fields...), &at); err != nil {
		return capture{}, err
	}
	offset, err := strconv.ParseInt(at.Offset, 10, 64)
	if err != nil {
		return capture{}, err
	}
	length, err := strconv.ParseInt(at.Length, 10, 64)
	return capture{offset: offset, length: length}, err
}
