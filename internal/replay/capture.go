package replay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/archive"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/rewrite"
)

// capture answers with the capture of a URL that is closest to a time.
func (s *Server) capture(w http.ResponseWriter, r *http.Request, at time.Time, target string) {
	c, err := s.from.Closest(target, at)
	if err != nil {
		s.trouble(w, r, target, err)
		return
	}
	response, err := s.from.Read(r.Context(), c)
	if err != nil {
		s.trouble(w, r, target, err)
		return
	}
	defer response.Close()
	body, err := s.shown(r.Context(), response)
	if err != nil {
		s.trouble(w, r, target, err)
		return
	}
	h := w.Header()
	h.Set("Memento-Datetime", c.Date.UTC().Format(http.TimeFormat))
	h.Set("Link", links(c.URL))
	if location := response.Header.Get("Location"); location != "" && response.Status/100 == 3 {
		if to, ok := placeOf(c.URL, location, c.Date); ok {
			h.Set("Location", to)
		}
	}
	for _, name := range []string{"Content-Type", "Content-Language", "X-Content-Type-Options"} {
		if value := response.Header.Get(name); value != "" {
			h.Set(name, value)
		}
	}
	status := response.Status
	if status < 200 || status == http.StatusNotModified {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		_, _ = io.Copy(w, body) // the browser went away, or the record is cut short
	}
}

// shown returns the body of a response with its references rewritten, if its type has any.
// If the type is not declared, it sets it.
func (s *Server) shown(ctx context.Context, r *archive.Response) (io.Reader, error) {
	declared := charset.DeclaredType(r.Header)
	head := make([]byte, 512)
	n, err := io.ReadFull(r.Body, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	r.Body = io.MultiReader(bytes.NewReader(head[:n]), r.Body)
	isHTML := charset.IsHTML(declared, charset.NoSniff(r.Header), head[:n])
	if !isHTML && declared.Essence != "text/css" {
		return r.Body, nil
	}
	if declared.Essence == "" {
		r.Header["Content-Type"] = []string{"text/html"}
	}
	u, err := crawler.ParseURL(r.Capture.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", archive.ErrDamaged, err)
	}
	body, err := r.Bytes()
	if err != nil {
		return nil, err
	}
	stamp := archive.Stamp(r.Capture.Date)
	text, err := rewrite.Page(ctx, rewrite.Copy{
		URL: u, ContentType: r.Header.Get("Content-Type"), Body: body,
		Place: func(u crawler.URL) (string, bool) { return mementos + stamp + "/" + u.String(), true },
	})
	return bytes.NewReader(text), err
}

// placeOf returns where the target of a redirect is shown.
func placeOf(from, location string, at time.Time) (string, bool) {
	target, ok := targetOf(from, location)
	return mementos + archive.Stamp(at) + "/" + target.String(), ok
}

// targetOf resolves the Location of a response.
func targetOf(from, location string) (crawler.URL, bool) {
	page, err := crawler.ParseURL(from)
	if err != nil {
		return crawler.URL{}, false
	}
	return reference.ResolverAt(page).URL(location)
}

// links returns the Link header of a memento (RFC 7089, 2.2).
func links(target string) string {
	target = linkSafe(target)
	return strings.Join([]string{
		`<` + target + `>; rel="original"`,
		`<` + mementos + target + `>; rel="timegate"`,
		`<` + mementos + "timemap/link/" + target + `>; rel="timemap"; type="application/link-format"`,
	}, ", ")
}

// linkSafe encodes what would end a URL in a Link header or in the lines of a TimeMap.
func linkSafe(target string) string {
	return strings.NewReplacer("<", "%3C", ">", "%3E", "\n", "", "\r", "").Replace(target)
}
