package warc

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
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/surt"
)

// Capture is a line of the index of a WARC file: a response and where its record is.
type Capture struct {
	URL    string
	Date   time.Time // to the second
	MIME   string    // "warc/revisit" for a record that refers to another
	Status int
	Digest string // of the payload, "sha1:…"
	File   string
	Offset int64 // in File
	Length int64 // of the compressed record
}

// maxQuoted is how many bytes of a line an error quotes.
const maxQuoted = 120

// ParseCapture parses an index line as package sink writes it.
func ParseCapture(line []byte) (Capture, error) {
	var c Capture
	head, fields, ok := bytes.Cut(line, []byte(" {"))
	_, date, dated := bytes.Cut(head, []byte(" "))
	if !ok || !dated {
		return c, fmt.Errorf("%q is not a line of a CDXJ index", line[:min(len(line), maxQuoted)])
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

// Outcome returns what the response meant for its URL, as far as the status shows.
func (c Capture) Outcome() crawler.Outcome {
	outcome := (&fetched.Page{Status: c.Status}).Outcome()
	if outcome == crawler.OutcomeRetry {
		return crawler.OutcomeFailed
	}
	return outcome
}

// Revisit reports whether the record has no payload and refers to one that has.
func (c Capture) Revisit() bool { return c.MIME == "warc/revisit" }

// Excerpt is a WARC file of exchanges that were recorded in other files. The records are
// copied unchanged, after a warcinfo of its own. It is not safe for concurrent use.
type Excerpt struct {
	// Keys is the form of the keys in the index. Default [surt.PyWB].
	Keys surt.Form

	out   io.Writer
	file  string
	size  int64
	index []byte
}

// NewExcerpt begins a file with that name. Its warcinfo repeats what the warcinfo of the
// file from says about the crawl, and adds the description.
func NewExcerpt(w io.Writer, file string, from io.ReaderAt, description string, began time.Time) (*Excerpt, error) {
	about, err := infoOf(from)
	if err != nil {
		return nil, err
	}
	about.Add("description", description)
	p := NewEncoder(NewOriginals())
	p.Start(w)
	if err := p.Info(file, began, about); err != nil {
		return nil, err
	}
	return &Excerpt{out: w, file: file, size: p.at}, nil
}

// ErrNotWhole is wrapped in errors about records that cannot be read to their end
// although the file can be: they were cut short or changed.
var ErrNotWhole = errors.New("the record is not whole")

// notWhole distinguishes damaged content from a failure to read the file.
func notWhole(raw *Counter, err error) error {
	if err == nil || raw.Err != nil && raw.Err != io.EOF {
		return err
	}
	return fmt.Errorf("%w: %w", ErrNotWhole, err)
}

// infoOf reads the block of the warcinfo that a file begins with. It returns nil for a
// file that begins with anything else.
func infoOf(from io.ReaderAt) (Fields, error) {
	raw := &Counter{R: io.NewSectionReader(from, 0, 1<<62)}
	info, err := readInfo(raw)
	if errors.Is(notWhole(raw, err), ErrNotWhole) {
		return nil, nil
	}
	return info, err
}

func readInfo(raw io.Reader) (Fields, error) {
	zip, err := gzip.NewReader(bufio.NewReader(raw))
	if err != nil {
		return nil, err
	}
	zip.Multistream(false)
	text, err := io.ReadAll(io.LimitReader(zip, maxInfo))
	head, block, _ := bytes.Cut(text, []byte("\r\n\r\n"))
	if err != nil || !bytes.Contains(head, []byte("WARC-Type: warcinfo\r\n")) {
		return nil, err
	}
	return append(bytes.TrimRight(block, "\r\n"), "\r\n"...), nil
}

// maxInfo is how many bytes of a warcinfo are read, at most.
const maxInfo = 64 << 10

// Original is the response that a revisit record refers to because it had the same
// payload.
type Original struct {
	ID, URL string
	Date    time.Time
}

// Add copies the exchange of a capture: its record, and the records after it that belong
// to the same event. in is the file that contains the capture. For a revisit, refers is
// the response that it refers to. The error wraps [ErrNotWhole] when the record is
// damaged; then nothing is copied.
func (e *Excerpt) Add(in io.ReaderAt, c Capture) (id string, refers Original, err error) {
	raw := &Counter{R: io.NewSectionReader(in, c.Offset, 1<<62)}
	buffered := bufio.NewReaderSize(raw, 64<<10)
	var zip gzip.Reader
	first, err := recordHead(&zip, buffered)
	if err != nil {
		return "", refers, fmt.Errorf("%s, at byte %d: %w", c.File, c.Offset, notWhole(raw, err))
	}
	id = first.Get("WARC-Record-ID")
	length := raw.N - int64(buffered.Buffered())
	for {
		next, err := recordHead(&zip, buffered)
		if err != nil || next.Get("WARC-Concurrent-To") != id { // the end, or another exchange
			break
		}
		length = raw.N - int64(buffered.Buffered())
	}
	if err := e.copy(io.NewSectionReader(in, c.Offset, length), c); err != nil {
		return "", refers, err
	}
	refers.ID, refers.URL = first.Get("WARC-Refers-To"), first.Get("WARC-Refers-To-Target-URI")
	refers.Date, _ = time.Parse(time.RFC3339Nano, first.Get("WARC-Refers-To-Date"))
	return id, refers, nil
}

// copy appends records and notes the capture of the first.
func (e *Excerpt) copy(records io.Reader, c Capture) error {
	u, err := crawler.ParseURL(c.URL)
	if err != nil {
		return err
	}
	n, err := io.Copy(e.out, records)
	if err != nil {
		return err
	}
	copied := Line{URL: u, date: c.Date, mime: c.MIME, status: c.Status, payload: c.Digest, Offset: e.size,
		length: c.Length, keys: e.Keys}
	e.index = copied.AppendLine(e.index, e.file)
	e.size += n
	return nil
}

// Index returns the sorted index of the file.
func (e *Excerpt) Index() []byte { return SortedLines(slices.Clone(e.index)) }

// RecordID reads the ID of the record at an offset. The error wraps [ErrNotWhole] when
// the record is damaged.
func RecordID(in io.ReaderAt, offset int64) (string, error) {
	var zip gzip.Reader
	raw := &Counter{R: io.NewSectionReader(in, offset, 1<<62)}
	head, err := recordHead(&zip, bufio.NewReader(raw))
	return head.Get("WARC-Record-ID"), notWhole(raw, err)
}

// recordHead decompresses one gzip member, checksum included, and returns the named
// fields of its record.
func recordHead(zip *gzip.Reader, in *bufio.Reader) (textproto.MIMEHeader, error) {
	if err := zip.Reset(in); err != nil {
		return nil, err
	}
	zip.Multistream(false)
	text := bufio.NewReader(zip)
	lines := textproto.NewReader(text)
	version, err := lines.ReadLine()
	if err != nil || version+"\r\n" != warcVersion {
		return nil, fmt.Errorf("%q is not a version of WARC: %w", version, errors.Join(err, errNoRecord))
	}
	h, err := lines.ReadMIMEHeader()
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, text)
	return h, err
}
