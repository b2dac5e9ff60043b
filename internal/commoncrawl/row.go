package commoncrawl

import (
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/surt"
	"github.com/trawlcrawler/trawl/internal/tabular"
)

// Subsets of the index, by what a record is good for.
const (
	SubsetWARC        = "warc"             // pages: successful responses with their payload
	SubsetDiagnostics = "crawldiagnostics" // redirects, errors, revisits
	SubsetRobots      = "robotstxt"        // robots.txt of hosts, whatever the status
)

// Subset returns the subset that the record belongs to. A revisit is among the diagnostics,
// because it has no payload to read.
func (a *Answer) Subset() string {
	switch {
	case a.URL.Path() == "/robots.txt":
		return SubsetRobots
	case a.Capture.Revisit() || a.Capture.Status < 200 || a.Capture.Status > 299:
		return SubsetDiagnostics
	}
	return SubsetWARC
}

// Row returns the row of the record in the columnar URL index. The error says what in the
// record has no place in its columns.
func (a *Answer) Row() (row tabular.CaptureRow, err error) {
	row.SURTKey = surt.Key(a.Capture.URL)
	urlColumns(&row, a.URL)
	hostColumns(&row, a.URL.Host())
	if row.FetchTime, err = a.Date(); err != nil {
		return row, err
	}
	row.FetchTime = row.FetchTime.Truncate(time.Millisecond)
	row.FetchStatus = int16(a.Capture.Status)
	row.FetchRedirect = a.redirect()
	row.Digest = strings.TrimPrefix(a.Capture.Digest, "sha1:")
	row.MIMEType = a.mimeType()
	if !a.Capture.Revisit() {
		row.MIMEDetected, row.Languages, row.Charset = a.media, a.lang, a.charsetName()
		row.Truncated = a.Record.Get("WARC-Truncated")
	}
	err = a.placeColumns(&row)
	return row, err
}

// urlColumns fills the columns of the parts of a URL, apart from its host.
func urlColumns(row *tabular.CaptureRow, u crawler.URL) {
	row.URL, row.Protocol = u.String(), u.Scheme()
	if port, err := strconv.ParseUint(u.Host().Port(), 10, 16); err == nil {
		n := int32(port)
		row.Port = &n
	}
	way, query, asked := strings.Cut(u.Path(), "?")
	if row.Path = way; asked {
		row.Query = &query
	}
}

// placeColumns fills the columns that say where the record is.
func (a *Answer) placeColumns(row *tabular.CaptureRow) error {
	id := strings.NewReplacer("<urn:uuid:", "", ">", "", "-", "").Replace(a.Record.Get("WARC-Record-ID"))
	var err error
	if row.RecordID, err = hex.DecodeString(id); err != nil || len(row.RecordID) != 16 {
		return fmt.Errorf("the record of %q: WARC-Record-ID: %q is not a UUID", a.Capture.URL,
			a.Record.Get("WARC-Record-ID"))
	}
	if a.Capture.Offset > math.MaxInt32 || a.Capture.Length > math.MaxInt32 {
		return fmt.Errorf("the record of %q is %d bytes long at byte %d of %q: the index of Common Crawl has room "+
			"for offsets and lengths up to %d", a.Capture.URL, a.Capture.Length, a.Capture.Offset, a.Capture.File,
			math.MaxInt32)
	}
	row.Filename, row.Offset, row.Length = a.Capture.File, int32(a.Capture.Offset), int32(a.Capture.Length)
	row.Segment = strings.TrimSuffix(path.Base(a.Capture.File), ".warc.gz")
	return nil
}

// mimeType returns the declared media type, or "" for none.
func (a *Answer) mimeType() string {
	if a.Capture.MIME == "unk" {
		return ""
	}
	return a.Capture.MIME
}

// redirect returns where a redirect leads: an absolute URL if the reference can be resolved.
func (a *Answer) redirect() string {
	switch a.Capture.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect:
		if to := a.message.header.Get("Location"); to != "" {
			return strings.ToValidUTF8(reference.ResolverAt(a.URL).Reference(to), "\uFFFD")
		}
	}
	return ""
}

// charsets are the names of charsets in the index where they are not in capital letters.
var charsets = map[string]string{"big5": "Big5", "shift_jis": "Shift_JIS", "macintosh": "x-MacRoman",
	"x-mac-cyrillic": "x-MacCyrillic"}

// charsetName returns the charset under the name that the index uses, such as UTF-8 or
// windows-1252; "" if the body is not text.
func (a *Answer) charsetName() string {
	if a.charset == nil {
		return ""
	}
	name := a.charset.Charset
	if other := charsets[name]; other != "" {
		return other
	}
	if strings.HasPrefix(name, "windows-") {
		return name
	}
	return strings.ToUpper(name)
}
