package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/rewrite"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// mirror copies the bodies that a crawl kept so that a browser can open them from disk:
// pages get names with the extension of their type, links between them become relative,
// and other links absolute. First all pages get their names, which takes about 150 bytes
// of memory each; then each page is rewritten.
type mirror struct {
	o     Order
	out   string
	names *sink.Naming
	kept  map[uint64]string // names of files, by the hash of a URL
	also  map[uint64]uint64 // redirects, by the hash of the URL
}

// errNoBodies says that there is nothing to copy.
var errNoBodies = errors.New("the crawl kept no bodies: crawl with --format files or mirror")

func newMirror(out *draft, o Order) (Writer, error) {
	return &mirror{o: o, out: out.Path, names: sink.NewNaming(), kept: make(map[uint64]string),
		also: make(map[uint64]uint64)}, nil
}

// Write gives a page its name.
func (m *mirror) Write(r *Record) error {
	rec, err := r.Read()
	if err != nil {
		return err
	}
	final := hashOf(rec.FinalURL)
	for _, url := range append([]string{rec.URL}, rec.Redirects...) {
		if hash := hashOf(url); hash != final {
			m.also[hash] = final
		}
	}
	if rec.Path == "" {
		return nil
	}
	u, err := crawler.ParseURL(rec.FinalURL)
	if err != nil {
		return fmt.Errorf("the record of %q: %w", rec.URL, err)
	}
	m.kept[final] = m.names.File(u, contentType(rec),
		func(name string) string { return withEnd(name, contentType(rec)) })
	return nil
}

// contentType returns the media type of a record. A page that was parsed without one is
// HTML.
func contentType(rec crawler.Record) string {
	if rec.ContentType == "" && rec.Charset != "" {
		return "text/html"
	}
	return rec.ContentType
}

// ends are the extensions by which browsers recognize the type of a file on disk. A name
// with none of them gets the first.
var ends = map[string][]string{
	"text/html":              {".html", ".htm"},
	"application/xhtml+xml":  {".xhtml", ".xht"},
	"text/css":               {".css"},
	"text/javascript":        {".js", ".mjs"},
	"application/javascript": {".js", ".mjs"},
	"image/svg+xml":          {".svg"},
	"image/png":              {".png"},
	"image/jpeg":             {".jpg", ".jpeg"},
	"image/gif":              {".gif"},
	"image/webp":             {".webp"},
	"image/avif":             {".avif"},
	"font/woff2":             {".woff2"},
	"font/woff":              {".woff"},
	"application/pdf":        {".pdf"},
	"video/mp4":              {".mp4"},
	"video/webm":             {".webm"},
}

// withEnd gives a name the extension that its Content-Type asks for.
func withEnd(name, contentType string) string {
	media, _, _ := mime.ParseMediaType(contentType)
	known := ends[media]
	if len(known) == 0 || slices.Contains(known, strings.ToLower(path.Ext(name))) {
		return name
	}
	return name + known[0]
}

// Close rewrites the pages that have names.
func (m *mirror) Close() error {
	if len(m.kept) == 0 {
		return fmt.Errorf("%q: %w", m.o.crawl, errNoBodies)
	}
	written := make(map[string]bool) // because of redirects, several records can lead to one page
	return m.o.survey.each(m.o.ctx, func(r *Record) error {
		if ok, err := m.o.Where.Match(r); !ok || err != nil {
			return err
		}
		rec, err := r.Read()
		name := m.kept[hashOf(rec.FinalURL)]
		if err != nil || rec.Path == "" || written[name] {
			return err
		}
		written[name] = true
		if err := m.page(rec, name); err != nil {
			return fmt.Errorf("the page %s: %w", rec.FinalURL, err)
		}
		return nil
	})
}

// page copies a body, and rewrites the references in it if its type has any.
func (m *mirror) page(rec crawler.Record, name string) error {
	in, err := m.o.crawl.Body(m.o.ctx, rec.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	to := filepath.Join(m.out, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	kind := contentType(rec)
	media, _, _ := mime.ParseMediaType(kind)
	if kinds := ends[media]; len(kinds) > 0 && (kinds[0] == ".html" || kinds[0] == ".xhtml" || kinds[0] == ".css") {
		return m.rewrite(rec, kind, name, in, to)
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func (m *mirror) rewrite(rec crawler.Record, kind, name string, in io.Reader, to string) error {
	body, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	u, err := crawler.ParseURL(rec.FinalURL)
	if err != nil {
		return err
	}
	text, err := rewrite.Page(m.o.ctx, rewrite.Copy{
		URL: u, ContentType: kind, Body: body,
		Place: func(u crawler.URL) (string, bool) { return m.place(name, u) },
	})
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}

// place returns the path to the copy of a page, relative to another.
func (m *mirror) place(from string, u crawler.URL) (string, bool) {
	url := hashOf(u.String())
	for range maxRedirects {
		if name, ok := m.kept[url]; ok {
			return relative(from, name), true
		}
		next, ok := m.also[url]
		if !ok {
			break
		}
		url = next
	}
	return "", false
}

// maxRedirects is how many records a chain of redirects may go through.
const maxRedirects = 20

// relative returns the reference from one name to another, percent-encoded.
func relative(from, to string) string {
	a, b := strings.Split(from, "/"), strings.Split(to, "/")
	same := 0
	for same < len(a)-1 && same < len(b)-1 && a[same] == b[same] {
		same++
	}
	var ref strings.Builder
	ref.WriteString(strings.Repeat("../", len(a)-1-same))
	for i, segment := range b[same:] {
		if i > 0 {
			ref.WriteByte('/')
		}
		ref.WriteString(escapeSegment(segment))
	}
	return ref.String()
}

// escapeSegment percent-encodes all but the unreserved characters (RFC 3986, 2.3) and a
// few that have no meaning in a path, in markup or in a style sheet.
func escapeSegment(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~@=+", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// Mirror creates a mirror of a crawl in a folder. It replaces the mirror of an earlier
// call.
func Mirror(ctx context.Context, c *Crawl, dir string) (Summary, error) {
	form, err := ParseForm("mirror", dir)
	if err != nil {
		return Summary{}, err
	}
	return Export(ctx, c, Order{Form: form, To: dir, Replace: true})
}
