package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
)

// reader returns a client that asks the name server of a web, and trusts the web's authority.
func reader(t *testing.T, w *web) (*http.Client, *net.Resolver) {
	t.Helper()
	text, err := os.ReadFile(w.authority)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	names := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, w.names.address())
	}}
	transport := &http.Transport{DialContext: (&net.Dialer{Resolver: names}).DialContext,
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, names
}

func TestEachHostIsAsItsNameSays(t *testing.T) {
	t.Parallel()
	w, err := serveWeb(60, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	over := w.reset()
	client, names := reader(t, w)
	for host := range w.shape.hosts {
		found, err := names.LookupHost(t.Context(), w.name(host)+".")
		kind, _ := w.naming(host)
		var dns *net.DNSError
		switch {
		case kind == named && (err != nil || !strings.HasPrefix(found[0], "127.")):
			t.Errorf("host %d has the addresses %q, %v", host, found, err)
		case kind == absent && (!errors.As(err, &dns) || !dns.IsNotFound):
			t.Errorf("host %d does not exist, but: %q, %v", host, found, err)
		case kind == failing && (!errors.As(err, &dns) || dns.IsNotFound):
			t.Errorf("the name server fails for host %d, but: %q, %v", host, found, err)
		}
		if kind == named {
			readHost(t, client, w, host)
		}
	}
	<-over
	if n := w.count.pages.Load(); n != int64(w.expects) || w.count.again.Load() > 0 {
		t.Errorf("%d pages were served, want %d, each once", n, w.expects)
	}
	if w.count.http2.Load() == 0 || w.count.handshakes.Load() == 0 {
		t.Error("no host speaks TLS and HTTP/2")
	}
}

// readHost reads the robots.txt of a host and all its pages.
func readHost(t *testing.T, client *http.Client, w *web, host int) {
	t.Helper()
	read := func(url string) string {
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v", url, resp.StatusCode, err)
		}
		return string(text)
	}
	if !strings.Contains(read(w.url(host)+"robots.txt"), "Disallow: /private/") {
		t.Errorf("host %d has no robots.txt", host)
	}
	first := read(w.url(host))
	if many := w.pages(host) > 1; many != strings.Contains(first, `href="/p/1"`) {
		t.Errorf("the first page of host %d, which has %d, links to a second one: %v", host, w.pages(host), !many)
	}
	for page := 1; page < w.pages(host); page++ {
		read(w.url(host) + "p/" + strconv.Itoa(page))
	}
}
