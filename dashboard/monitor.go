package dashboard

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynqmon"
)

// monitorRoot is the path of asynq's web UI.
const monitorRoot = "/asynq"

// monitor is asynq's web UI, complete except for the links of its page to fonts on another
// host: a browser would show nothing until they are loaded.
type monitor struct {
	ui     *asynqmon.HTTPHandler
	page   []byte // the page that the UI serves for each of its paths
	policy string
}

// newMonitor mounts the UI. It connects to Redis at the first request.
func newMonitor(redis asynq.RedisConnOpt, readOnly bool) (*monitor, error) {
	ui := asynqmon.New(asynqmon.Options{RootPath: monitorRoot, RedisConnOpt: redis, ReadOnly: readOnly})
	page, err := indexOf(ui)
	if err != nil {
		return nil, errors.Join(err, ui.Close())
	}
	return &monitor{ui: ui, page: page, policy: monitorPolicy(page)}, nil
}

// Close closes the connections to Redis.
func (m *monitor) Close() error { return m.ui.Close() }

// monitorPolicy returns the policy that the UI needs: it has two inline scripts, and its
// library creates styles at run time.
func monitorPolicy(page []byte) string {
	return "default-src 'none'; script-src 'self'" + sourcesOf(page, inlineScript) +
		"; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'" +
		"; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

var inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// sourcesOf returns the hashes of the inline elements of a page, as sources for a
// Content-Security-Policy (CSP Level 3, 2.3.1), each after a space.
func sourcesOf(page []byte, element *regexp.Regexp) string {
	var sources string
	for _, match := range element.FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(match[1])
		sources += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return sources
}

// foreignLink matches links of the page to another host, or to its manifest, which browsers
// request without credentials.
var foreignLink = regexp.MustCompile(`<link[^>]*(?:href="https?://|rel="manifest")[^>]*>`)

// indexOf renders the page of the UI without its foreign links.
func indexOf(ui http.Handler) ([]byte, error) {
	r, err := http.NewRequest(http.MethodGet, monitorRoot+"/", nil)
	if err != nil {
		return nil, err
	}
	var w keeper
	ui.ServeHTTP(&w, r)
	page := foreignLink.ReplaceAll(w.body.Bytes(), nil)
	if !bytes.Contains(page, []byte(`id="root"`)) {
		return nil, errors.New("dashboard: asynq's web UI has no page")
	}
	return page, nil
}

// keeper keeps a response in memory.
type keeper struct {
	header http.Header
	body   bytes.Buffer
}

func (k *keeper) Header() http.Header {
	if k.header == nil {
		k.header = make(http.Header)
	}
	return k.header
}
func (k *keeper) WriteHeader(int)             {}
func (k *keeper) Write(p []byte) (int, error) { return k.body.Write(p) }

// ServeHTTP serves the UI: its API, its files, and its page for all other paths.
func (m *monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, monitorRoot+"/api/") {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		m.ui.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", m.policy)
	m.ui.ServeHTTP(&assetWriter{ResponseWriter: w, path: r.URL.Path, page: m.page}, r)
}

// assetWriter passes on a file of the UI with the right type, and replaces the UI's page by
// the one without foreign links. The UI sets the type of its files, but none for the page.
type assetWriter struct {
	http.ResponseWriter
	path  string
	page  []byte
	begun bool
	paged bool // the page has been written: drop the original
}

func (a *assetWriter) Write(p []byte) (int, error) {
	if !a.begun {
		a.begun = true
		if a.paged = a.Header().Get("Content-Type") == ""; a.paged {
			a.Header().Set("Content-Type", "text/html; charset=utf-8")
			if _, err := a.ResponseWriter.Write(a.page); err != nil {
				return 0, err
			}
		} else {
			a.describe()
		}
	}
	if a.paged {
		return len(p), nil
	}
	return a.ResponseWriter.Write(p)
}

// assetTypes are the types that the UI guesses wrong from the content of the file.
var assetTypes = map[string]string{".svg": "image/svg+xml", ".json": "application/json", ".map": "application/json"}

// describe corrects the type of a file, and lets browsers cache files that have a hash of
// their content in the name.
func (a *assetWriter) describe() {
	if kind := assetTypes[path.Ext(a.path)]; kind != "" {
		a.Header().Set("Content-Type", kind)
	}
	if strings.HasPrefix(a.path, monitorRoot+"/static/") {
		a.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	}
}
