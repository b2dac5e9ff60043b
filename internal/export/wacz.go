package export

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/archive"
	"github.com/trawlcrawler/trawl/internal/version"
	"github.com/trawlcrawler/trawl/internal/wacz"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// waczWriter packs the exchanges that a [warcWriter] copies, with an index and a list of
// pages. It takes about 1.4 KB of memory for each exchange.
type waczWriter struct {
	*warcWriter
	file   *wacz.Writer
	reader *archive.Titles
	titles map[uint64]string // of records that have one, by the hash of their URL
	html   map[uint64]bool   // of records of pages, by the hash of their URL
	pages  []wacz.Page
}

// waczData names the WARC file in a WACZ file, as the IIPC recommends (WARC 1.1, Annex C).
func waczData(now time.Time) string {
	at := strings.Replace(now.UTC().Format("20060102150405.000"), ".", "", 1)
	return "export-" + at + "-00001-trawl.warc.gz"
}

func newWACZ(out *draft, o Order) (Writer, error) {
	cfg := wacz.Config{Software: "Trawl/" + version.String() + " (https://github.com/trawlcrawler/trawl)",
		Created: time.Now()}
	if out.Name() != "" {
		var ok bool
		if cfg.Title, ok = strings.CutSuffix(filepath.Base(out.Name()), ".wacz"); !ok {
			return nil, fmt.Errorf("%w: %q: the name of a WACZ file must end in .wacz", ErrOrder, out.Name())
		}
	}
	var err error
	if len(o.SignWith) > 0 {
		if cfg.Signer, err = wacz.ParseSigner(o.SignWith); err != nil {
			return nil, fmt.Errorf("%w: the key to sign with: %w", ErrOrder, err)
		}
	}
	w := &waczWriter{file: wacz.NewWriter(out, cfg), titles: make(map[uint64]string), html: make(map[uint64]bool)}
	if w.reader, err = archive.NewTitles(); err != nil {
		return nil, err
	}
	name := waczData(cfg.Created)
	data, err := w.file.Archive(name)
	if err != nil {
		return nil, err
	}
	if w.warcWriter, err = newExchanges(o, data, name); err != nil {
		return nil, err
	}
	w.copied = w.page
	return w, nil
}

// Write selects the exchanges of a record, and remembers what the record says about the
// page.
func (w *waczWriter) Write(r *Record) error {
	rec, err := r.Read()
	if err != nil {
		return err
	}
	if url := hashOf(rec.FinalURL); found(rec.Outcome) && isPage(rec.ContentType) {
		w.html[url] = true
		if rec.Title != "" {
			w.titles[url] = rec.Title
		}
	}
	return w.warcWriter.Write(r)
}

// found reports whether there is a page with this outcome.
func found(o crawler.Outcome) bool {
	return o == crawler.OutcomeFetched || o == crawler.OutcomeNotModified
}

// isPage reports whether a Content-Type is that of pages.
func isPage(contentType string) bool {
	media, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	media = strings.TrimSpace(media)
	return media == "text/html" || media == "application/xhtml+xml"
}

// page lists an exchange if it is a page.
func (w *waczWriter) page(in io.ReaderAt, c warc.Capture) {
	url := hashOf(c.URL)
	switch again := c.Revisit() && w.html[url]; {
	case c.Status == http.StatusNotModified && again:
	case c.Status != http.StatusOK || !isPage(c.MIME) && !again:
		return
	}
	title, known := w.titles[url]
	if !known {
		title = w.reader.Of(w.ctx, in, c)
	}
	w.pages = append(w.pages, wacz.Page{ID: strconv.Itoa(len(w.pages) + 1), URL: c.URL, Time: c.Date, Title: title})
}

// Close copies the exchanges and ends the file.
func (w *waczWriter) Close() error {
	if err := w.warcWriter.Close(); err != nil {
		return err
	}
	if err := w.file.Index(w.to.Index()); err != nil {
		return err
	}
	if err := w.file.Pages(slices.Values(w.pages)); err != nil {
		return err
	}
	return w.file.Close()
}

// WACZ packs the exchanges of a crawl into a WACZ file. It replaces the file of an earlier
// call.
func WACZ(ctx context.Context, c *Crawl, file string) (Summary, error) {
	form, err := ParseForm("wacz", file)
	if err != nil {
		return Summary{}, err
	}
	return Export(ctx, c, Order{Form: form, To: file, Replace: true})
}
