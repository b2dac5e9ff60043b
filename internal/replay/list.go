package replay

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/internal/archive"
)

//go:embed pages.html
var files embed.FS

var pages = template.Must(template.ParseFS(files, "pages.html"))

// maxRows is how many captures a list shows at once.
const maxRows = 100

// row is a capture in a list.
type row struct {
	Time  string
	URL   string
	Title string
	Place string
	Note  string // status and type, if the capture is not a page
}

// list is what the template shows.
type list struct {
	Archive string
	Total   int
	Query   string
	Rows    []row
	Next    string // "" on the last page
	Problem string // "" unless the request failed
	Status  int
}

// list shows the pages of the archive whose URLs contain a text, or the search box alone
// if there are none.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	l := list{Archive: s.from.String(), Total: s.from.Len(), Query: strings.TrimSpace(r.URL.Query().Get("q"))}
	after := r.URL.Query().Get("after")
	for c := range s.from.All() {
		if !c.HTML() || !strings.Contains(c.URL, l.Query) || position(c) <= after {
			continue
		}
		if len(l.Rows) == maxRows {
			break
		}
		l.Rows = append(l.Rows, s.row(r.Context(), c))
		l.Next = position(c)
	}
	if len(l.Rows) < maxRows {
		l.Next = ""
	}
	s.show(w, r, http.StatusOK, l)
}

// position orders captures.
func position(c archive.Capture) string { return c.Key + " " + archive.Stamp(c.Date) }

// row describes a page. A page without a title is shown by its URL.
func (s *Server) row(ctx context.Context, c archive.Capture) row {
	title := ""
	if doc, err := s.from.Document(ctx, c); err == nil && doc != nil {
		title = doc.Title
	}
	return row{Time: c.Date.UTC().Format("2006-01-02 15:04:05"), URL: c.URL, Title: title,
		Place: mementos + archive.Stamp(c.Date) + "/" + c.URL}
}

// captures shows all captures of a URL.
func (s *Server) captures(w http.ResponseWriter, r *http.Request, target string) {
	l := list{Archive: s.from.String(), Total: s.from.Len(), Query: withScheme(target)}
	all := slices.Collect(s.from.Of(l.Query))
	for _, c := range all[:min(len(all), maxRows)] {
		l.Rows = append(l.Rows, row{Time: c.Date.UTC().Format("2006-01-02 15:04:05"), URL: c.URL,
			Place: mementos + archive.Stamp(c.Date) + "/" + c.URL, Note: fmt.Sprintf("%d %s", c.Status, c.MIME)})
	}
	s.show(w, r, http.StatusOK, l)
}

// fail answers with a page that says why.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, status int, why string) {
	s.show(w, r, status, list{Archive: s.from.String(), Total: s.from.Len(), Problem: why, Status: status})
}

// show answers with a page of the server itself.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, l list) {
	var text strings.Builder
	if err := pages.Execute(&text, l); err != nil { // fails for nothing that a list can hold
		s.log.Error("a page cannot be shown", "error", err)
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(text.String())) // the browser went away
	}
}
