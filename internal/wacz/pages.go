package wacz

import (
	"archive/zip"
	"encoding/json"
	"iter"
	"time"
)

// Page is a page from which readers can start.
type Page struct {
	ID    string    // unique within the archive
	URL   string    // of a capture in the index
	Time  time.Time // of the capture
	Title string    // "" if it has none
}

// Pages writes the list of pages. Readers start at the first one.
func (w *Writer) Pages(pages iter.Seq[Page]) error {
	out, err := w.create(pagesName, zip.Deflate)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	head := struct {
		Format string `json:"format"`
		ID     string `json:"id"`
		Title  string `json:"title"`
	}{"json-pages-1.0", "pages", "All Pages"}
	if err := lines.Encode(head); err != nil {
		return err
	}
	for p := range pages {
		if w.main.URL == "" {
			w.main = p
		}
		line := struct {
			ID    string `json:"id"`
			URL   string `json:"url"`
			Time  string `json:"ts"`
			Title string `json:"title,omitempty"`
		}{p.ID, p.URL, stamp(p.Time), p.Title}
		if err := lines.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
