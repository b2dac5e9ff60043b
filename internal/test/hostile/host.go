package hostile

import (
	"fmt"
	"html"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Host is a host of a web. Its first page links to honest pages and to a misbehaviour.
type Host struct {
	web     *Web
	address string // "127.1.0.7"
	addr    string // address and port
	current string // name of the misbehaviour that setup is adding
	main    net.Listener
	server  *http.Server

	links    []string // on the first page, as markup
	pages    map[string]http.HandlerFunc
	honest   map[string]string // titles by path
	fates    map[string]map[string]Fate
	closers  []io.Closer
	sitemaps []string // listed in robots.txt

	mu       sync.Mutex
	requests []string // paths
}

func (w *Web) newHost(name string) *Host {
	h := &Host{
		web: w, address: w.newAddress(),
		pages: make(map[string]http.HandlerFunc), honest: make(map[string]string),
		fates: make(map[string]map[string]Fate),
	}
	h.main = w.listenAt(h.address)
	h.addr = h.main.Addr().String()
	h.addHonestPage("/", "First of "+name, nil)
	h.addHonestPage("/honest/1", "Honest 1 of "+name, []string{"/honest/2"})
	h.addHonestPage("/honest/2", "Honest 2 of "+name, nil)
	h.addHonestPage("/honest/3", "Honest 3 of "+name, nil)
	h.addLink("/honest/1")
	return h
}

// URL returns the URL of a path.
func (h *Host) URL(path string) string { return "http://" + h.addr + path }

// addHonestPage adds a page that the crawler must fetch.
func (h *Host) addHonestPage(path, title string, links []string) {
	h.honest[path] = title
	h.pages[path] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!DOCTYPE html>\n<title>%s</title>\n", html.EscapeString(title))
		if path == "/" {
			_, _ = io.WriteString(w, strings.Join(h.links, "\n"))
		}
		for _, href := range links {
			fmt.Fprintf(w, "<a href=%q>on</a>\n", href)
		}
	}
}

// addLink adds a link to the first page.
func (h *Host) addLink(href string) {
	h.links = append(h.links, `<p><a href="`+html.EscapeString(href)+`">x</a>`)
}

// expect records the expected fate of a URL.
func (h *Host) expect(m string, url string, f Fate) {
	if h.fates[m] == nil {
		h.fates[m] = make(map[string]Fate)
	}
	h.fates[m][url] = f
}

// add adds a misbehaviour to the host.
func (h *Host) add(m Misbehaviour) {
	if m.page != nil {
		path := "/" + m.Name
		h.pages[path] = m.page
		h.addLink(path)
		h.expect(m.Name, h.URL(path), m.Fate)
		if m.Fate.Read {
			h.addHonestPage("/behind/"+m.Name, "Behind "+m.Name, nil)
		}
	}
	if h.current = m.Name; m.setup != nil {
		m.setup(h)
	}
	h.addLink("/honest/3")
}

// expectLink adds a link to the first page, and records the expected fate of its URL. url is
// spelled as in records.
func (h *Host) expectLink(href, url string, f Fate) {
	h.addLink(href)
	h.expect(h.current, url, f)
}

// serveConns starts another server at the address of the host, which calls do with each
// connection. It returns the address with the port.
func (h *Host) serveConns(do func(net.Conn)) string {
	l := h.web.listenAt(h.address)
	h.closers = append(h.closers, l)
	h.web.closing.Go(func() { h.web.accept(l, do) })
	return l.Addr().String()
}

// serveSite starts another HTTP server at the address of the host. It returns the address with
// the port.
func (h *Host) serveSite(handler http.HandlerFunc) string {
	l := h.web.listenAt(h.address)
	server := quiet(handler)
	h.closers = append(h.closers, server)
	h.web.closing.Go(func() { _ = server.Serve(l) })
	return l.Addr().String()
}

func quiet(handler http.HandlerFunc) *http.Server {
	return &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
}

// accept calls do with each connection until the listener is closed.
func (w *Web) accept(l net.Listener, do func(net.Conn)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		w.closing.Go(func() {
			defer conn.Close()
			gone := make(chan struct{})
			defer close(gone)
			go func() { // ends do when the web is closed
				select {
				case <-w.stopped:
					conn.Close()
				case <-gone:
				}
			}()
			do(conn)
		})
	}
}

// open begins to serve.
func (h *Host) open() {
	if h.pages["/robots.txt"] == nil && len(h.sitemaps) > 0 {
		h.pages["/robots.txt"] = func(w http.ResponseWriter, _ *http.Request) {
			for _, url := range h.sitemaps {
				fmt.Fprintf(w, "Sitemap: %s\n", url)
			}
		}
	}
	h.server = quiet(h.answer)
	h.web.closing.Go(func() { _ = h.server.Serve(h.main) })
}

// close closes all connections.
func (h *Host) close() {
	for _, a := range h.closers {
		a.Close()
	}
	if h.server != nil {
		h.server.Close()
	}
}

// answer responds with the page at the path, or with the page of the longest prefix that ends
// with a slash.
func (h *Host) answer(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.requests = append(h.requests, r.RequestURI)
	h.mu.Unlock()
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if page := h.pages[path]; page != nil {
		page(w, r)
		return
	}
	for _, prefix := range slices.Backward(slices.Sorted(maps.Keys(h.pages))) {
		if prefix != "/" && strings.HasSuffix(prefix, "/") && strings.HasPrefix(path, prefix) {
			h.pages[prefix](w, r)
			return
		}
	}
	http.NotFound(w, r)
}

// requestCount returns the number of requests for a URL and the URLs below it.
func (h *Host) requestCount(url string) (n int) {
	path, ours := strings.CutPrefix(url, h.URL(""))
	if !ours {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.requests {
		if strings.HasPrefix(r, path) {
			n++
		}
	}
	return n
}
