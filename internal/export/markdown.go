package export

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// markdown writes pages as Markdown, each with a YAML header that identifies the page: as
// files in a folder, or one after another to a stream.
type markdown struct {
	folder  string         // "" for a stream
	stream  io.WriteCloser // nil for a folder
	names   *sink.Naming
	sources texts
	written int
}

func newMarkdown(out *draft, o Order) (Writer, error) {
	m := &markdown{names: sink.NewNaming(), sources: texts{ctx: o.ctx, crawl: o.crawl}}
	if out.file == nil && out.out == nil {
		m.folder = out.Path
		return m, nil
	}
	var err error
	m.stream, err = pressed(out)
	return m, err
}

// head is the header of a page.
type head struct {
	URL       string `yaml:"url"`
	Title     string `yaml:"title,omitempty"`
	FetchedAt string `yaml:"fetched_at"`
	Digest    string `yaml:"digest,omitempty"`
}

// Write writes a page that has a text, and skips others.
func (m *markdown) Write(r *Record) error {
	rec, err := r.Read()
	if err != nil {
		return err
	}
	text, err := m.sources.of(rec)
	if text == "" || err != nil {
		return err
	}
	meta, err := yaml.Marshal(head{rec.FinalURL, rec.Title, rec.FetchedAt, rec.Digest})
	if err != nil {
		return err
	}
	m.written++
	whole := fmt.Sprintf("---\n%s---\n\n%s\n", meta, strings.TrimSpace(text))
	if m.stream != nil {
		if m.written > 1 {
			whole = "\n" + whole
		}
		_, err := io.WriteString(m.stream, whole)
		return err
	}
	return m.file(rec, whole)
}

func (m *markdown) file(rec crawler.Record, text string) error {
	u, err := crawler.ParseURL(rec.FinalURL)
	if err != nil {
		return fmt.Errorf("the record of %q: %w", rec.URL, err)
	}
	name := m.names.File(u, "text/html", func(name string) string {
		switch ext := path.Ext(name); strings.ToLower(ext) {
		case ".html", ".htm", ".xhtml":
			name = strings.TrimSuffix(name, ext)
		}
		return name + ".md"
	})
	to := filepath.Join(m.folder, filepath.FromSlash(name))
	return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, []byte(text), 0o644))
}

func (m *markdown) Close() error {
	var err error
	if m.stream != nil {
		err = m.stream.Close()
	}
	if m.written == 0 && err == nil {
		err = fmt.Errorf("%q: no matching page has a text: crawl with --markdown or --text, or keep the bodies, with --format files", m.sources.crawl)
	}
	return err
}
