package replay

import (
	"fmt"
	"net/http"
	"time"

	"github.com/trawlcrawler/trawl/internal/archive"
)

// timeGate leads to the capture that Accept-Datetime asks for, or the last one (RFC 7089,
// 4.1).
func (s *Server) timeGate(w http.ResponseWriter, r *http.Request, target string) {
	target = withScheme(target)
	at := time.Now()
	w.Header().Set("Vary", "Accept-Datetime")
	if asked := r.Header.Get("Accept-Datetime"); asked != "" {
		var err error
		if at, err = http.ParseTime(asked); err != nil {
			s.fail(w, r, http.StatusBadRequest, "Accept-Datetime is not a date of HTTP.")
			return
		}
	}
	c, err := s.from.Closest(target, at)
	if err != nil {
		s.trouble(w, r, target, err)
		return
	}
	w.Header().Set("Link", links(c.URL))
	w.Header().Set("Location", mementos+archive.Stamp(c.Date)+"/"+c.URL)
	w.WriteHeader(http.StatusFound)
}

// timeMap lists the captures of a URL (RFC 7089, 5).
func (s *Server) timeMap(w http.ResponseWriter, r *http.Request, target string) {
	target = withScheme(target)
	base := "http://" + r.Host
	n := 0
	for c := range s.from.Of(target) {
		if n == 0 {
			w.Header().Set("Content-Type", "application/link-format")
			original := linkSafe(c.URL)
			fmt.Fprintf(w, "<%s>; rel=\"original\",\n", original)
			fmt.Fprintf(w, "<%s%stimemap/link/%s>; rel=\"self\"; type=\"application/link-format\",\n", base, mementos,
				original)
			fmt.Fprintf(w, "<%s%s%s>; rel=\"timegate\"", base, mementos, original)
		}
		n++
		fmt.Fprintf(w, ",\n<%s%s%s/%s>; rel=\"memento\"; datetime=\"%s\"", base, mementos, archive.Stamp(c.Date),
			linkSafe(c.URL), c.Date.UTC().Format(http.TimeFormat))
	}
	if n == 0 {
		s.trouble(w, r, target, fmt.Errorf("%s: %w", target, archive.ErrMissing))
		return
	}
	fmt.Fprintln(w)
}
