package trawl_test

import (
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
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/test/warctest"
)

// roundTripper is a function that is a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// through returns a Config.Transport that passes requests, and the transport below, to a function.
func through(do func(r *http.Request, below http.RoundTripper) (*http.Response, error)) func(
	http.RoundTripper) http.RoundTripper {
	return func(below http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) { return do(r, below) })
	}
}

// keyPair writes a client certificate and its key as PEM files, and returns the certificate.
func keyPair(t *testing.T) (certificate *x509.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the shop's own robot"}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return certificate, certFile, keyFile
}

func TestACrawlPresentsItsClientCertificateAndCookies(t *testing.T) {
	t.Parallel()
	certificate, certFile, keyFile := keyPair(t)
	var mu sync.Mutex
	cookies := make(map[string]string) // by path
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		cookies[r.URL.Path] = r.Header.Get("Cookie")
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/robots.txt":
			w.WriteHeader(http.StatusNotFound)
		case "/":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "fresh", Path: "/"})
			fmt.Fprintf(w, `<title>%s</title><a href="/next">next</a>`, r.TLS.PeerCertificates[0].Subject.CommonName)
		default:
			fmt.Fprint(w, "<title>next</title>")
		}
	}))
	accepted := x509.NewCertPool()
	accepted.AddCert(certificate)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: accepted}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()

	client, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	rule := trawl.AccessRule{
		Hosts: []string{server.Listener.Addr().String()}, CAs: []*x509.Certificate{server.Certificate()},
		Certificates: []tls.Certificate{client},
		Cookies:      []*http.Cookie{{Name: "session", Value: "hunter2"}, {Name: "lang", Value: "de"}},
	}
	for jar, want := range map[bool]map[string]string{
		true: {"/robots.txt": "session=hunter2; lang=de", "/": "session=hunter2; lang=de",
			"/next": "lang=de; session=fresh"},
		false: {"/robots.txt": "session=hunter2; lang=de", "/": "session=hunter2; lang=de",
			"/next": "session=hunter2; lang=de"},
	} {
		b := newLocalSite(t, nil)
		b.job.Seeds, b.job.Cookies = []string{server.URL}, jar
		b.cfg.Access = []trawl.AccessRule{rule}
		if stats := b.crawl(); stats.Pages() != 2 || stats.Failed() != 0 {
			t.Errorf("%d pages, %d failed\n%s", stats.Pages(), stats.Failed(), b.log.Text())
		}
		for path, pairs := range want {
			got := strings.Split(cookies[path], "; ")
			slices.Sort(got)
			if expected := strings.Split(pairs, "; "); !slices.Equal(got, slices.Sorted(slices.Values(expected))) {
				t.Errorf("with cookies: %t, %s is requested with %q, want %q", jar, path, got, expected)
			}
		}
		if strings.Contains(b.log.Text()+fmt.Sprintf("%v %+v %#v", rule, rule, rule), "hunter2") {
			t.Error("a cookie is in the log, or in the rule as it is printed")
		}
	}

	b := newLocalSite(t, nil)
	b.job.Seeds = []string{server.URL}
	b.cfg.Access = []trawl.AccessRule{{Hosts: rule.Hosts, CAs: rule.CAs}}
	if stats := b.crawl(); stats.Pages() != 0 || stats.Failed() != 1 {
		t.Errorf("without a certificate, %d pages, %d failed", stats.Pages(), stats.Failed())
	}
}

func TestATransportOfOnesOwnMakesAllRequests(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var lines, traced []string
	b := newLocalSite(t, nil)
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		traced = append(traced, r.URL.Path+" "+r.Header.Get("X-Trace"))
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/robots.txt" {
			w.WriteHeader(http.StatusNotFound)
		} else if r.URL.Path == "/" {
			fmt.Fprint(w, `<a href="/next">next</a>`)
		}
	}))
	b.job.Seeds = []string{site.URL(0, "/")}
	called := 0
	b.cfg.Transport = func(below http.RoundTripper) http.RoundTripper {
		called++
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			again := r.Clone(r.Context())
			again.Header.Set("X-Trace", "42")
			resp, err := below.RoundTrip(again)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				lines = append(lines, fmt.Sprint(r.URL.RequestURI(), " ", resp.StatusCode))
			}
			return resp, err
		})
	}
	if stats := b.crawl(); stats.Pages() != 2 {
		t.Fatalf("%d pages\n%s", stats.Pages(), b.log.Text())
	}
	if want := []string{"/robots.txt 404", "/ 200", "/next 200"}; !slices.Equal(lines, want) {
		t.Errorf("the transport recorded %q, want %q", lines, want)
	}
	if want := []string{"/robots.txt 42", "/ 42", "/next 42"}; !slices.Equal(traced, want) || called != 1 {
		t.Errorf("the server received %q, want %q; the function was called %d times", traced, want, called)
	}
}

func TestATransportOfOnesOwnIsBelowNothingThatProtects(t *testing.T) {
	t.Parallel()
	secret := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a private host that no seed names was asked")
	}))
	defer secret.Close()
	b := newLocalSite(t, pageMap{"/": `<a href="` + secret.URL + `/">private</a>`}, "/")
	b.job.Retries, b.job.HostTries = 0, 1
	to := strings.TrimPrefix(secret.URL, "http://")
	b.cfg.Transport = through(func(r *http.Request, below http.RoundTripper) (*http.Response, error) {
		if strings.HasSuffix(r.URL.RequestURI(), "/") { // not only where the link leads, but wherever
			again := r.Clone(r.Context())
			again.URL.Host, again.Host = to, to
			return below.RoundTrip(again)
		}
		return below.RoundTrip(r)
	})
	if stats := b.crawl(); stats.Pages() != 0 || stats.Failed() != 1 {
		t.Errorf("%d pages, %d failed, want the page refused", stats.Pages(), stats.Failed())
	}
	if got := b.records()["/"]; got.ErrorClass != trawl.ErrorBlocked {
		t.Errorf("the record is %+v, want one of class %s", got, trawl.ErrorBlocked)
	}
}

func TestATransportOfOnesOwnAnswersItself(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, nil)
	b.job.Seeds = []string{"http://shop.example/"}
	b.job.Format = []string{"jsonl", "warc"}
	b.cfg.Transport = through(func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
		resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/html"}}}
		switch r.URL.RequestURI() {
		case "/robots.txt":
			return &http.Response{StatusCode: http.StatusNotFound}, nil
		case "/":
			resp.Body = io.NopCloser(strings.NewReader(`<title>made up</title><a href="/next">next</a>`))
		}
		return resp, nil
	})
	if stats := b.crawl(); stats.Pages() != 2 {
		t.Fatalf("%d pages\n%s", stats.Pages(), b.log.Text())
	}
	archive := warctest.Open(t, filepath.Join(b.cfg.Out, b.job.Name))
	if n := len(archive.Of("response", "http://shop.example/")); n != 1 {
		t.Errorf("the archive has %d responses", n)
	}
	warctest.Index(t, archive)
	journal, err := filepath.Glob(filepath.Join(b.cfg.Out, b.job.Name, "requests-*.jsonl"))
	if err != nil || len(journal) == 0 {
		t.Errorf("the journal of requests is %v (%v)", journal, err)
	}
}

func TestErrorsOfATransportOfOnesOwnFailTheirURLs(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": `<a href="/a">a</a><a href="/b">b</a><a href="/c">c</a><a href="/d">d</a>`}, "/")
	b.job.Retries = 2
	var mu sync.Mutex
	asked := make(map[string]int)
	b.cfg.Transport = through(func(r *http.Request, below http.RoundTripper) (*http.Response, error) {
		path := r.URL.RequestURI()
		mu.Lock()
		asked[path]++
		mu.Unlock()
		switch path {
		case "/a":
			return nil, errors.New("the quota is spent")
		case "/b":
			return nil, fmt.Errorf("not this one: %w", trawl.SkipRetry)
		case "/c":
			return nil, nil
		case "/d":
			panic("out of cheese")
		}
		return below.RoundTrip(r)
	})
	if stats := b.crawl(); stats.Pages() != 1 || stats.Failed() != 4 {
		t.Errorf("%d pages, %d failed", stats.Pages(), stats.Failed())
	}
	for path, want := range map[string]struct {
		tries int
		says  string
	}{
		"/a": {3, "the program's transport: the quota is spent"}, "/b": {1, "not this one"},
		"/c": {1, "neither a response nor an error"}, "/d": {1, "it panicked: out of cheese"},
	} {
		if r := b.records()[path]; asked[path] != want.tries || !strings.Contains(r.Error, want.says) {
			t.Errorf("%s was tried %d times, with the error %q; want %d times, and %q", path, asked[path], r.Error,
				want.tries, want.says)
		}
	}
	if !strings.Contains(b.log.Text(), "TestErrorsOfATransportOfOnesOwnFailTheirURLs") {
		t.Error("the stack of the panic is not in the log")
	}
}

func TestATransportThatIsNilIsRefused(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	b.cfg.Transport = func(http.RoundTripper) http.RoundTripper { return nil }
	_, crawled := trawl.Crawl(testfleet.Patience(t), b.job, b.cfg)
	_, opened := trawl.Open(testfleet.Patience(t), b.cfg)
	for call, err := range map[string]error{"Crawl": crawled, "Open": opened,
		"Work": trawl.Work(testfleet.Patience(t), b.cfg)} {
		if err == nil || !strings.Contains(err.Error(), "Config.Transport returned nil: return the RoundTripper") {
			t.Errorf("%s returns %v", call, err)
		}
	}
	if n := b.site.Count("/"); n != 0 {
		t.Errorf("the page was requested %d times", n)
	}
}
