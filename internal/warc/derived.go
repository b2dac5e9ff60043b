package warc

import (
	"io"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Derived is a WARC file of records that were made from those of other files, such as the
// texts of pages, with the lines of its index. It is not safe for concurrent use.
type Derived struct {
	file  string
	p     *Encoder
	index []byte
}

// Derivation is a record that was made from another one.
type Derivation struct {
	// Kind is its WARC-Type: "conversion" or "metadata".
	Kind string
	// From is the capture that it was made from, and Refers the ID of that record.
	From   Capture
	Refers string
	// Date is its WARC-Date.
	Date time.Time
	// ContentType is the media type of the block.
	ContentType string
	// More are further named fields; nil for none.
	More []Field
}

// NewDerived begins a file with that name. Its warcinfo repeats what the warcinfo of the file
// from says about the crawl, and adds the description.
func NewDerived(w io.Writer, file string, from io.ReaderAt, description string, began time.Time) (*Derived, error) {
	about, err := infoOf(from)
	if err != nil {
		return nil, err
	}
	about.Add("description", description)
	d := &Derived{file: file, p: NewEncoder(NewOriginals())}
	d.p.Start(w)
	return d, d.p.Info(file, began, about)
}

// Add writes a record with that block, and adds a line to the index: the URL, the time and the
// status of the capture, the media type and digest of the block, and the place of the record.
func (d *Derived) Add(r Derivation, block []byte) error {
	u, err := crawler.ParseURL(r.From.URL)
	if err != nil {
		return err
	}
	p := d.p
	p.head = append(p.head[:0], warcVersion...)
	p.head.Add("WARC-Type", r.Kind)
	p.head.Add("WARC-Record-ID", newID().String())
	p.head.Add("WARC-Date", warcDate(r.Date))
	p.head.Add("WARC-Target-URI", r.From.URL)
	p.head.Add("WARC-Refers-To", r.Refers)
	for _, f := range r.More {
		p.head.Add(f.Name, f.Value)
	}
	h := newSHA1()
	h.Write(block)
	var sum SHA1
	h.Sum(sum[:0])
	line := Line{URL: u, date: r.From.Date, mime: mimeOf(r.ContentType), status: r.From.Status, payload: sum.String(),
		Offset: p.at}
	if err := p.whole(r.ContentType, block); err != nil {
		return err
	}
	line.length = p.at - line.Offset
	d.index = line.AppendLine(d.index, d.file)
	return nil
}

// Index returns the sorted index of the file.
func (d *Derived) Index() []byte { return SortedLines(d.index) }

// PartOf returns what the warcinfo of a file names the crawl (isPartOf), or "".
func PartOf(from io.ReaderAt) (string, error) {
	about, err := infoOf(from)
	return about.get("isPartOf"), err
}
