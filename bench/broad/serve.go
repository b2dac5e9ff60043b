package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// web is a web that is served, with counts of the requests since the last reset.
type web struct {
	shape
	names       *nameServer
	plain, safe net.Listener
	servers     []*http.Server
	authority   string // path of the certificate of the authority that signed the web's
	filler      []byte
	hosts       int // that can be reached
	expects     int // pages

	count counts
	mu    sync.Mutex
	seen  map[int]bool  // pages that were served, by host*mostPages+page
	rest  chan struct{} // closed when nearly all pages were served
}

// counts are numbers of requests.
type counts struct {
	pages, again, robots, lost, connections, handshakes, resumed, http2 atomic.Int64
}

// nearly is the share of the pages after which a turn is over, because the last ones wait for slow
// names and large hosts.
const nearly = 0.99

func serveWeb(hosts int, dir string) (*web, error) {
	w := &web{shape: shape{hosts}, authority: filepath.Join(dir, "authority.pem"),
		filler: bytes.Repeat([]byte("<p>Broad is the web, and long are the tails of its hosts.</p>\n"), mostSize/60)}
	w.hosts, w.expects = w.expected()
	w.reset()
	var err error
	if w.names, err = serveNames(w.shape); err != nil {
		return nil, err
	}
	// A socket on 0.0.0.0 accepts connections to all of 127.0.0.0/8; others are refused.
	for _, to := range []*net.Listener{&w.plain, &w.safe} {
		if *to, err = net.Listen("tcp4", "0.0.0.0:0"); err != nil {
			return nil, err
		}
		*to = local{*to}
	}
	certificate, err := w.certify()
	if err != nil {
		return nil, err
	}
	w.start(w.plain, nil)
	w.start(w.safe, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}})
	return w, nil
}

// local accepts connections from this machine alone.
type local struct{ net.Listener }

func (l local) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if from, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil && from.Addr().Unmap().IsLoopback() {
			return conn, nil
		}
		conn.Close()
	}
}

func (w *web) start(l net.Listener, secure *tls.Config) {
	s := &http.Server{Handler: w, TLSConfig: secure, IdleTimeout: time.Minute,
		ErrorLog: log.New(io.Discard, "", 0),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				w.count.connections.Add(1)
			}
		}}
	w.servers = append(w.servers, s)
	if secure == nil {
		go s.Serve(l)
		return
	}
	secure.VerifyConnection = func(state tls.ConnectionState) error {
		w.count.handshakes.Add(1)
		if state.DidResume {
			w.count.resumed.Add(1)
		}
		return nil
	}
	go s.ServeTLS(l, "", "")
}

func (w *web) close() {
	for _, s := range w.servers {
		s.Close()
	}
	w.names.close()
}

// certify makes an authority and the certificate of all hosts.
func (w *web) certify() (tls.Certificate, error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Broad"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	signed, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	if err := os.WriteFile(w.authority, text, 0o600); err != nil {
		return tls.Certificate{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{"*" + domain},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), authorityKey)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// url returns the URL of the first page of a host.
func (w *web) url(host int) string {
	scheme, listener := "http", w.plain
	if w.secure(host) {
		scheme, listener = "https", w.safe
	}
	return fmt.Sprintf("%s://%s:%d/", scheme, w.name(host), listener.Addr().(*net.TCPAddr).Port)
}

// writeSeeds writes the first pages of all hosts into a file, one a line.
func (w *web) writeSeeds(path string) error {
	var b strings.Builder
	for host := range w.shape.hosts {
		b.WriteString(w.url(host) + "\n")
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// reset begins a turn. over is closed when nearly all pages were served.
func (w *web) reset() (over <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count = counts{}
	w.seen, w.rest = make(map[int]bool, w.expects), make(chan struct{})
	if w.names != nil {
		w.names.queries.Store(0)
	}
	return w.rest
}

// ServeHTTP serves a page or a robots.txt.
func (w *web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	name, _, err := net.SplitHostPort(r.Host)
	host, ok := w.hostOf(name)
	if r.ProtoMajor == 2 {
		w.count.http2.Add(1)
	}
	page, numberErr := 0, error(nil)
	if number, found := strings.CutPrefix(r.URL.Path, "/p/"); found {
		page, numberErr = strconv.Atoi(number)
	} else if r.URL.Path == "/robots.txt" && ok {
		w.count.robots.Add(1)
		out.Header().Set("Content-Type", "text/plain")
		io.WriteString(out, "User-agent: *\nDisallow: /private/\nDisallow: /search\n")
		return
	} else if r.URL.Path != "/" {
		numberErr = errors.New("no page")
	}
	if err != nil || !ok || numberErr != nil || page < 0 || page >= w.pages(host) {
		w.count.lost.Add(1)
		http.NotFound(out, r)
		return
	}
	w.note(host, page)
	w.write(out, host, page)
}

// note counts a page.
func (w *web) note(host, page int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := host*mostPages + page
	if w.seen[id] {
		w.count.again.Add(1)
		return
	}
	w.seen[id] = true
	if w.count.pages.Add(1) == int64(float64(w.expects)*nearly) {
		close(w.rest)
	}
}

// write writes a page: links to the next pages of its host and to other hosts, and text.
func (w *web) write(out http.ResponseWriter, host, page int) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!doctype html><html><head><title>Page %d of host %d</title></head><body>\n", page, host)
	for next := page + 1; next < min(page+1+linksEach, w.pages(host)); next++ {
		fmt.Fprintf(&b, "<a href=\"/p/%d\">page %d</a>\n", next, next)
	}
	for i := range elsewhere {
		other := int(draw(host*mostPages+page, "link"+strconv.Itoa(i)) * float64(w.shape.hosts))
		fmt.Fprintf(&b, "<a href=\"%s\">host %d</a>\n", w.url(other), other)
	}
	fill := max(0, w.size(host, page)-b.Len())
	const end = "</body></html>\n"
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	out.Header().Set("Content-Length", strconv.Itoa(b.Len()+min(fill, len(w.filler))+len(end)))
	_, _ = out.Write(b.Bytes())
	_, _ = out.Write(w.filler[:min(fill, len(w.filler))])
	_, _ = io.WriteString(out, end)
}
