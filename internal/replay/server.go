package replay

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/internal/archive"
)

// Config configures a [Server]. The zero value is useful.
type Config struct {
	// Scripts allows archived pages to run their scripts. They still cannot make requests to
	// other origins, but a script can lead the browser to another page. Default false.
	Scripts bool
	// Log receives warnings about records that cannot be read. Default none.
	Log *slog.Logger
}

// Server is an [http.Handler] that shows an archive:
//
//	/                        a list of pages
//	/web/TIME/URL            the capture of a URL that is closest to a time
//	/web/URL                 TimeGate: leads to the capture that Accept-Datetime asks for
//	/web/*/URL               the captures of a URL
//	/web/timemap/link/URL    TimeMap
//	/cdx?url=URL             CDX server API
//
// It answers only requests whose Host is an IP address or localhost, so that no web site
// can reach it through a name that leads here. It is safe for concurrent use.
type Server struct {
	from    *archive.Archive
	scripts bool
	log     *slog.Logger
}

// New returns a server of an archive. It does not close the archive.
func New(from *archive.Archive, cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{from: from, scripts: cfg.Scripts, log: cfg.Log}
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.protect(w.Header())
	if !local(r.Host) {
		s.fail(w, r, http.StatusMisdirectedRequest, "This server answers only under an IP address or localhost.")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		s.fail(w, r, http.StatusMethodNotAllowed, "An archive can only be read: requests other than GET and HEAD have no answer.")
		return
	}
	// The path is not cleaned: it contains URLs, with their double slashes.
	path, query, _ := strings.Cut(r.RequestURI, "?")
	switch {
	case path == "/":
		s.list(w, r)
	case path == "/cdx":
		s.cdx(w, r)
	case strings.HasPrefix(path, mementos):
		rest := strings.TrimPrefix(r.RequestURI, mementos)
		s.memento(w, r, rest)
	default:
		s.lost(w, r, path, query)
	}
}

// mementos begins the paths of captures.
const mementos = "/web/"

// local reports whether the Host of a request cannot be a name that someone else controls.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	_, err := netip.ParseAddr(host)
	return err == nil || host == "localhost"
}

// protect sets what every answer says to the browser about the page.
func (s *Server) protect(h http.Header) {
	policy := "default-src 'self' data: blob: 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; " +
		"worker-src 'none'; "
	if s.scripts {
		policy += "script-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'"
	} else {
		policy += "script-src 'none'; sandbox allow-same-origin allow-forms allow-popups allow-downloads"
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-DNS-Prefetch-Control", "off")
	h.Set("Cache-Control", "no-store")
}

// memento answers what follows /web/: a time and a URL, or a URL alone.
func (s *Server) memento(w http.ResponseWriter, r *http.Request, rest string) {
	if target, ok := strings.CutPrefix(rest, "timemap/link/"); ok {
		s.timeMap(w, r, target)
		return
	}
	stamp, target, dated := strings.Cut(rest, "/")
	if !dated || strings.Contains(stamp, ":") {
		s.timeGate(w, r, rest)
		return
	}
	if stamp == "*" {
		s.captures(w, r, target)
		return
	}
	digits := strings.TrimRight(stamp, "abcdefghijklmnopqrstuvwxyz_") // pywb's modifiers, as in 2026id_
	at, err := archive.ParseStamp(digits)
	if err != nil {
		s.timeGate(w, r, rest)
		return
	}
	s.capture(w, r, at, withScheme(target))
}

// withScheme adds the scheme that people leave out.
func withScheme(target string) string {
	if strings.HasPrefix(target, "http:/") || strings.HasPrefix(target, "https:/") {
		scheme, rest, _ := strings.Cut(target, ":")
		return scheme + "://" + strings.TrimLeft(rest, "/")
	}
	if strings.HasPrefix(target, "urn:") {
		return target
	}
	return "http://" + target
}

// lost answers a path that a script or a style sheet made without the beginning that leads
// into the archive. The page that made it is in the Referer.
func (s *Server) lost(w http.ResponseWriter, r *http.Request, path, query string) {
	from, err := url.Parse(r.Referer())
	if err == nil && from.Host == r.Host {
		stamp, page, ok := strings.Cut(strings.TrimPrefix(from.RequestURI(), mementos), "/")
		base, failed := url.Parse(withScheme(page))
		if strings.HasPrefix(from.RequestURI(), mementos) && ok && failed == nil {
			if query != "" {
				path += "?" + query
			}
			if to, err := base.Parse(path); err == nil {
				w.Header().Set("Location", mementos+stamp+"/"+to.String())
				w.WriteHeader(http.StatusFound)
				return
			}
		}
	}
	s.fail(w, r, http.StatusNotFound, "There is nothing here. The list of pages is at the address of this server.")
}

// trouble answers a request whose capture cannot be shown.
func (s *Server) trouble(w http.ResponseWriter, r *http.Request, target string, err error) {
	if errors.Is(err, archive.ErrMissing) {
		s.fail(w, r, http.StatusNotFound, "This archive does not have "+target)
		return
	}
	s.log.Warn("a record cannot be read", "url", target, "error", err)
	s.fail(w, r, http.StatusBadGateway, "The record of this page cannot be read: "+err.Error())
}

// HTTPServer returns a server with limits for slow clients.
func HTTPServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 64 << 10}
}
