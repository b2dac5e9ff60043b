package dashboard

import (
	"bytes"
	"errors"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynqmon"
)

// monitorRoot is where asynq's web UI is.
const monitorRoot = "/asynq"

// monitor is asynq's web UI, whole, but for the links of its page to fonts of
// another host: while they do not load, a browser shows nothing.
type monitor struct {
	ui     *asynqmon.HTTPHandler
	page   []byte // which stands for each of the paths that the UI makes up
	policy string
}

// newMonitor mounts the UI. It connects to Redis when it is first asked.
func newMonitor(redis asynq.RedisConnOpt, readOnly bool) (*monitor, error) {
	ui := asynqmon.New(asynqmon.Options{RootPath: monitorRoot, RedisConnOpt: redis, ReadOnly: readOnly})
	page, err := indexOf(ui)
	if err != nil {
		return nil, errors.Join(err, ui.Close())
	}
	return &monitor{ui: ui, page: page, policy: monitorPolicy(page)}, nil
}

// Close ends the connections to Redis.
func (m *monitor) Close() error { return m.ui.Close() }

// monitorPolicy fits the UI: two inline scripts, and styles that its library
// writes while it runs.
func monitorPolicy(page []byte) string {
	return "default-src 'none'; script-src 'self'" + sourcesOf(page, inlineScript) +
		"; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'" +
		"; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// foreignLink is a link of the page to another host, or to its manifest, which
// browsers ask for without credentials.
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

// keeper keeps an answer in memory.
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

// ServeHTTP answers for the UI: its API, its files, and its page for all else.
func (m *monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, monitorRoot+"/api/") {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		m.ui.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", m.policy)
	m.ui.ServeHTTP(&assetWriter{ResponseWriter: w, path: r.URL.Path, page: m.page}, r)
}

// assetWriter passes a file of the UI on under its right type, and puts the
// page without foreign links in the place of the one with them. The UI names the
// type of its files, and none for the page.
type assetWriter struct {
	http.ResponseWriter
	path  string
	page  []byte
	begun bool
	paged bool // the page is written: drop the other
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

// assetTypes are those that the UI guesses wrong from what is in the file.
var assetTypes = map[string]string{".svg": "image/svg+xml", ".json": "application/json", ".map": "application/json"}

// describe corrects the type of a file, and lets browsers keep those that have
// a hash of their content in the name.
func (a *assetWriter) describe() {
	if kind := assetTypes[path.Ext(a.path)]; kind != "" {
		a.Header().Set("Content-Type", kind)
	}
	if strings.HasPrefix(a.path, monitorRoot+"/static/") {
		a.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	}
}
