package sink

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"slices"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/trawlcrawler/trawl/crawler"
)

// Capture is a line of the index of a WARC file: an answer, and where its record
// lies.
type Capture struct {
	URL    string
	Date   time.Time // by the second
	MIME   string    // "warc/revisit" for a record that refers to another
	Status int
	Digest string // of the payload, "sha1:…"
	File   string
	Offset int64 // in File
	Length int64 // of the record as it is compressed
}

// ParseCapture reads a line of an index as [WARC] writes it.
func ParseCapture(line []byte) (Capture, error) {
	var c Capture
	head, fields, ok := bytes.Cut(line, []byte(" {"))
	_, date, dated := bytes.Cut(head, []byte(" "))
	if !ok || !dated {
		return c, fmt.Errorf("%q is no line of a CDXJ index", cut(string(line), min(len(line), mostSegment)))
	}
	var f struct{ URL, MIME, Status, Digest, Length, Offset, Filename string }
	if err := json.Unmarshal(append([]byte("{"), fields...), &f); err != nil {
		return c, err
	}
	c = Capture{URL: f.URL, MIME: f.MIME, Digest: f.Digest, File: f.Filename}
	var errs [4]error
	c.Date, errs[0] = time.Parse("20060102150405", string(date))
	c.Status, errs[1] = strconv.Atoi(f.Status)
	c.Offset, errs[2] = strconv.ParseInt(f.Offset, 10, 64)
	c.Length, errs[3] = strconv.ParseInt(f.Length, 10, 64)
	return c, errors.Join(errs[:]...)
}

// Outcome is what the answer meant for its URL, as far as its status tells.
func (c Capture) Outcome() crawler.Outcome {
	outcome := (&crawler.Page{Status: c.Status}).Outcome()
	if outcome == crawler.OutcomeRetry {
		return crawler.OutcomeFailed
	}
	return outcome
}

// Revisit reports whether the record has no payload, and refers to one that has.
func (c Capture) Revisit() bool { return c.MIME == "warc/revisit" }

// Excerpt is a WARC file of exchanges that were recorded in others: their records
// are copied as they are, behind a warcinfo of its own. It is for one goroutine.
type Excerpt struct {
	out   io.Writer
	file  string
	size  int64
	index []byte
}

// NewExcerpt begins a file of that name. Its warcinfo says of the crawl what that
// of a file it is copied from does, and what the excerpt is.
func NewExcerpt(w io.Writer, file string, from io.ReaderAt, description string, began time.Time) (*Excerpt, error) {
	about, err := infoOf(from)
	if err != nil {
		return nil, err
	}
	about.add("description", description)
	p := newPress(newOriginals())
	p.start(w)
	if err := p.info(file, began, about); err != nil {
		return nil, err
	}
	return &Excerpt{out: w, file: file, size: p.at}, nil
}

// infoOf reads the block of the warcinfo that a file begins with; none of a file
// that begins otherwise.
func infoOf(from io.ReaderAt) (fields, error) {
	zip, err := gzip.NewReader(bufio.NewReader(io.NewSectionReader(from, 0, 1<<62)))
	if err != nil {
		return nil, err
	}
	zip.Multistream(false)
	text, err := io.ReadAll(io.LimitReader(zip, mostInfo))
	head, block, _ := bytes.Cut(text, []byte("\r\n\r\n"))
	if err != nil || !bytes.Contains(head, []byte("WARC-Type: warcinfo\r\n")) {
		return nil, err
	}
	return append(bytes.TrimRight(block, "\r\n"), "\r\n"...), nil
}

// mostInfo is how many bytes of a warcinfo are read.
const mostInfo = 64 << 10

// Original is the response that a record refers to, because it had the same
// payload.
type Original struct {
	ID, URL string
	Date    time.Time
}

// Add copies the exchange of a capture: its record, and those behind it that say
// they are of the same event. in is the file that the capture is in. Of a
// revisit, it tells what it refers to.
func (e *Excerpt) Add(in io.ReaderAt, c Capture) (id string, refers Original, err error) {
	raw := &counter{r: io.NewSectionReader(in, c.Offset, 1<<62)}
	buffered := bufio.NewReaderSize(raw, 64<<10)
	var zip gzip.Reader
	first, err := recordHead(&zip, buffered)
	if err != nil {
		return "", refers, fmt.Errorf("%s, at byte %d: %w", c.File, c.Offset, err)
	}
	id = first.Get("WARC-Record-ID")
	length := raw.n - int64(buffered.Buffered())
	for {
		next, err := recordHead(&zip, buffered)
		if err != nil || next.Get("WARC-Concurrent-To") != id { // the end, or another exchange
			break
		}
		length = raw.n - int64(buffered.Buffered())
	}
	if err := e.copy(io.NewSectionReader(in, c.Offset, length), c); err != nil {
		return "", refers, err
	}
	refers.ID, refers.URL = first.Get("WARC-Refers-To"), first.Get("WARC-Refers-To-Target-URI")
	refers.Date, _ = time.Parse(time.RFC3339Nano, first.Get("WARC-Refers-To-Date"))
	return id, refers, nil
}

// copy appends records and notes the capture that they begin with.
func (e *Excerpt) copy(records io.Reader, c Capture) error {
	u, err := crawler.ParseURL(c.URL)
	if err != nil {
		return err
	}
	n, err := io.Copy(e.out, records)
	if err != nil {
		return err
	}
	copied := capture{url: u, date: c.Date, mime: c.MIME, status: c.Status, payload: c.Digest, offset: e.size, length: c.Length}
	e.index = copied.appendLine(e.index, e.file)
	e.size += n
	return nil
}

// Index is the index of the file, sorted.
func (e *Excerpt) Index() []byte { return sortedLines(slices.Clone(e.index)) }

// RecordID reads the name of the record at a place.
func RecordID(in io.ReaderAt, offset int64) (string, error) {
	var zip gzip.Reader
	head, err := recordHead(&zip, bufio.NewReader(io.NewSectionReader(in, offset, 1<<62)))
	return head.Get("WARC-Record-ID"), err
}

// recordHead reads one gzip member, to its checksum, and returns the fields of
// its record.
func recordHead(zip *gzip.Reader, in *bufio.Reader) (textproto.MIMEHeader, error) {
	if err := zip.Reset(in); err != nil {
		return nil, err
	}
	zip.Multistream(false)
	text := bufio.NewReader(zip)
	lines := textproto.NewReader(text)
	version, err := lines.ReadLine()
	if err != nil || version+"\r\n" != warcVersion {
		return nil, fmt.Errorf("%q is no version of WARC: %w", version, errors.Join(err, errNoRecord))
	}
	h, err := lines.ReadMIMEHeader()
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, text)
	return h, err
}
