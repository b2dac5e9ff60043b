package testsite

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
)

// Truth contains the paths that can be found at a host. The keys include their query,
// and are percent-encoded, as in "/a%20b?c".
type Truth struct {
	Pages     map[string]bool // status 200
	Redirects map[string]bool // status 301; their targets are followed
	Broken    map[string]bool // status 404
	Malformed map[string]bool // references that net/url rejects
}

// Reachable follows the links in a folder as [Static] serves it, from a path such as
// "/index.html", within the host. It uses every link that [references] finds. It shares
// no code with the crawler: HTML is parsed into a tree, and URLs by net/url, so the two
// agree only if both are right. It ignores robots.txt and nofollow.
func Reachable(folder fs.FS, start string) (*Truth, error) {
	w := &walk{folder: folder, truth: &Truth{
		Pages: make(map[string]bool), Redirects: make(map[string]bool),
		Broken: make(map[string]bool), Malformed: make(map[string]bool),
	}}
	home := &url.URL{Scheme: "http", Host: "site.invalid", Path: "/"}
	w.follow(home, escape(start))
	for len(w.waiting) > 0 {
		next := w.waiting[0]
		w.waiting = w.waiting[1:]
		if err := w.visit(next); err != nil {
			return nil, fmt.Errorf("walk to %q: %w", next.RequestURI(), err)
		}
	}
	return w.truth, nil
}

// walk is a traversal of a folder.
type walk struct {
	folder  fs.FS
	truth   *Truth
	waiting []*url.URL // pages that were found but not read yet
}

// follow records the target of an escaped reference if it is new and on this host.
func (w *walk) follow(base *url.URL, reference string) {
	u, err := base.Parse(reference)
	if err != nil {
		w.truth.Malformed[reference] = true
		return
	}
	if u.Scheme != base.Scheme || u.Host != base.Host || w.knows(u.RequestURI()) {
		return
	}
	switch found := locate(w.folder, u.Path); found.status {
	case http.StatusOK:
		w.truth.Pages[u.RequestURI()] = true
		w.waiting = append(w.waiting, u)
	case http.StatusMovedPermanently:
		w.truth.Redirects[u.RequestURI()] = true
		w.follow(base, withSlash(u).RequestURI())
	default:
		w.truth.Broken[u.RequestURI()] = true
	}
}

func (w *walk) knows(path string) bool {
	return w.truth.Pages[path] || w.truth.Redirects[path] || w.truth.Broken[path]
}

// visit reads a page and follows its references.
func (w *walk) visit(page *url.URL) error {
	name := locate(w.folder, page.Path).file
	if !strings.Contains(contentType(name), "html") {
		return nil
	}
	f, err := w.folder.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	base, found, err := references(f, page)
	if err != nil {
		return err
	}
	for reference := range found {
		w.follow(base, reference)
	}
	return nil
}

// lineBreaks removes the characters that the URL Standard removes within a reference.
var lineBreaks = strings.NewReplacer("\t", "", "\r", "", "\n", "")

// escape removes the fragment from a reference, and percent-encodes the characters that the
// URL Standard encodes but net/url rejects or encodes differently: its path and query
// percent-encode sets.
func escape(reference string) string {
	reference, _, _ = strings.Cut(reference, "#")
	reference = lineBreaks.Replace(strings.Trim(reference, " \t\r\n\f"))
	var b strings.Builder
	encode := "\"<>^`{}"
	for _, c := range []byte(reference) {
		if c == '?' {
			encode = "\"<>'"
		}
		if c <= ' ' || c >= 0x7f || strings.IndexByte(encode, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
