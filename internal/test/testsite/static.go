package testsite

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// Static serves the files of a folder unchanged, each at its own path. A folder's
// index.html is also served at the path of the folder with a trailing slash. The folder's
// path without the slash redirects (301) to that. Nothing else redirects. No charset is
// declared, so the files must do so themselves.
func Static(folder fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found := locate(folder, r.URL.Path)
		switch found.status {
		case http.StatusOK:
			serveFile(w, r, folder, found.file)
		case http.StatusMovedPermanently:
			w.Header().Set("Location", withSlash(r.URL).RequestURI())
			w.WriteHeader(found.status)
		default:
			http.Error(w, "no such file", found.status)
		}
	})
}

// location describes a path: a file, a redirect or nothing.
type location struct {
	status int    // 200, 301 or 404
	file   string // its name in the folder, if the status is 200
}

// locate finds a decoded URL path in a folder.
func locate(folder fs.FS, urlPath string) location {
	missing := location{status: http.StatusNotFound}
	name, slash := strings.CutSuffix(strings.TrimPrefix(urlPath, "/"), "/")
	if name == "" {
		name, slash = ".", true
	}
	if !fs.ValidPath(name) {
		return missing
	}
	if slash {
		name = path.Join(name, "index.html")
	}
	info, err := fs.Stat(folder, name)
	switch {
	case err != nil:
		return missing
	case !info.IsDir():
		return location{http.StatusOK, name}
	case slash: // a folder named index.html
		return missing
	}
	return location{status: http.StatusMovedPermanently}
}

// withSlash returns u with a slash after its path.
func withSlash(u *url.URL) *url.URL { return u.JoinPath("/") }

func serveFile(w http.ResponseWriter, r *http.Request, folder fs.FS, name string) {
	content, err := fs.ReadFile(folder, name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var modified time.Time
	if info, err := fs.Stat(folder, name); err == nil {
		modified = info.ModTime()
	}
	w.Header().Set("Content-Type", contentType(name))
	http.ServeContent(w, r, name, modified, bytes.NewReader(content))
}

// contentTypes is a fixed list, because package mime reads the list of the machine.
var contentTypes = map[string]string{
	".css": "text/css", ".csv": "text/csv", ".gif": "image/gif", ".gz": "application/gzip",
	".htm": "text/html", ".html": "text/html", ".ico": "image/vnd.microsoft.icon",
	".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".js": "text/javascript",
	".json": "application/json", ".md": "text/markdown", ".pdf": "application/pdf",
	".png": "image/png", ".svg": "image/svg+xml", ".txt": "text/plain",
	".webp": "image/webp", ".woff": "font/woff", ".woff2": "font/woff2",
	".xhtml": "application/xhtml+xml", ".xml": "application/xml", ".zip": "application/zip",
}

func contentType(name string) string {
	if t, ok := contentTypes[strings.ToLower(path.Ext(name))]; ok {
		return t
	}
	return "application/octet-stream"
}
