package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed assets/*
var assets embed.FS

// AssetRoot is the path under which [Pages.ServeAsset] must be mounted.
const AssetRoot = "/assets/"

// Policy is the Content-Security-Policy of all pages: files of their own origin, and nothing
// inline.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'" +
	"; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Layout is what every page has. Page structs embed it.
type Layout struct {
	Title   string // of the page, in the browser's title and as the heading
	Path    []Link // the pages above this one, the topmost first
	Section string // the link of the main navigation that is current: "fleet", "api" or ""
	Live    bool   // the page refreshes itself
	Stream  string // the path of its server-sent events; "" for none
	// Trouble says why the page does not show what it should, such as that Redis does not
	// respond. The script then keeps the last regions and shows the text above them.
	Trouble string
	Notice  string // what the last form did; "" for nothing
}

// Link is a link with its text.
type Link struct{ Text, URL string }

// Pages are the pages of the dashboard. They are safe for concurrent use.
type Pages struct {
	pages  map[string]*template.Template // by name
	assets map[string]asset              // by file name in URLs
}

// asset is an embedded file. Its URL has a hash of its content, so that browsers may keep it.
type asset struct {
	kind string
	text []byte
}

// assetTypes are the types of assets by their extensions.
var assetTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml"}

// New parses the templates.
func New() (*Pages, error) {
	p := &Pages{pages: make(map[string]*template.Template), assets: make(map[string]asset)}
	urls, err := p.readAssets()
	if err != nil {
		return nil, err
	}
	layout, err := template.New("layout.html").Funcs(template.FuncMap{
		"asset": func(name string) (string, error) {
			if urls[name] == "" {
				return "", fmt.Errorf("there is no asset %q", name)
			}
			return urls[name], nil
		},
	}).ParseFS(templates, "templates/layout.html")
	if err != nil {
		return nil, fmt.Errorf("ui: %w", err)
	}
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("ui: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" {
			continue
		}
		page, err := template.Must(layout.Clone()).ParseFS(templates, file)
		if err != nil {
			return nil, fmt.Errorf("ui: %w", err)
		}
		p.pages[name] = page
	}
	return p, nil
}

// readAssets reads the assets and returns their URLs, by name.
func (p *Pages) readAssets() (urls map[string]string, err error) {
	entries, err := assets.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("ui: %w", err)
	}
	urls = make(map[string]string)
	for _, entry := range entries {
		text, err := assets.ReadFile("assets/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("ui: %w", err)
		}
		sum := sha256.Sum256(text)
		extension := path.Ext(entry.Name())
		name := strings.TrimSuffix(entry.Name(), extension) + "." + hex.EncodeToString(sum[:6]) + extension
		p.assets[name] = asset{assetTypes[extension], text}
		urls[entry.Name()] = AssetRoot + name
	}
	return urls, nil
}

// Render renders a page by its name, such as "fleet". data is a struct that embeds [Layout].
func (p *Pages) Render(name string, data any) ([]byte, error) {
	page := p.pages[name]
	if page == nil {
		return nil, fmt.Errorf("ui: there is no page %q", name)
	}
	var text bytes.Buffer
	if err := page.Execute(&text, data); err != nil {
		return nil, fmt.Errorf("ui: page %s: %w", name, err)
	}
	return text.Bytes(), nil
}

// ServeAsset serves a file under [AssetRoot].
func (p *Pages) ServeAsset(w http.ResponseWriter, r *http.Request) {
	a, known := p.assets[strings.TrimPrefix(r.URL.Path, AssetRoot)]
	if !known {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	_, _ = w.Write(a.text) // fails only when the client is gone
}
