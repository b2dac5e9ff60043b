package fetch

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// This file tests against servers of other projects, and servers that net/http cannot imitate.

// certificate is a certificate for 127.0.0.1, with a pool that trusts it.
type certificate struct {
	tls.Certificate
	pool      *x509.CertPool
	cert, key string // files in PEM
}

// newCertificate makes a certificate for 127.0.0.1 with an RSA key or an ECDSA one.
func newCertificate(t testing.TB, withRSA bool) certificate {
	t.Helper()
	var key crypto.Signer
	var err error
	if withRSA {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peer"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign, IsCA: true,
		BasicConstraintsValid: true,
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c := certificate{Certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pool: x509.NewCertPool()}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	c.pool.AddCert(parsed)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c.cert, c.key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{c.cert: {Type: "CERTIFICATE", Bytes: der},
		c.key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// openssl starts openssl s_server on a free port and returns its address. It skips the test if
// openssl is not installed or does not support the arguments.
func openssl(t *testing.T, c certificate, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl on PATH: install openssl")
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path,
		append([]string{"s_server", "-accept", "127.0.0.1:0", "-cert", c.cert, "-key", c.key, "-www"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var trouble strings.Builder
	cmd.Stderr = &trouble
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	accepts := regexp.MustCompile(`^ACCEPT (127\.0\.0\.1:\d+)`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := accepts.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return m[1]
		}
	}
	cancel()
	_ = cmd.Wait()
	t.Skipf("openssl s_server %q does not start: %s", args, trouble.String())
	return ""
}

func TestOldCiphersNeedTheLegacySetting(t *testing.T) {
	t.Parallel()
	c := newCertificate(t, true)
	for _, cipher := range []string{"AES128-SHA", "AES256-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256"} {
		t.Run(cipher, func(t *testing.T) {
			t.Parallel()
			at := openssl(t, c, "-tls1_2", "-cipher", cipher+":@SECLEVEL=0")
			modern := newFetcher(t, Config{rootCAs: c.pool})
			page := get(t, modern, request(t, "https://"+at+"/"))
			wantFault(t, page, fetched.FaultTLS, false)
			if !strings.Contains(page.Fault.Text, "tls: legacy") {
				t.Errorf("fault text: got %q", page.Fault.Text)
			}
			req := request(t, "https://"+at+"/")
			req.TLS = crawler.TLSLegacy
			page = get(t, modern, req)
			wantNoFault(t, page)
			if !strings.Contains(string(content(t, page)), cipher) {
				t.Errorf("got %q", content(t, page))
			}
			req.Record = true
			wantNoFault(t, get(t, modern, req))
			rule := Rule{Hosts: []HostPattern{Exactly(req.URL)}, TLS: crawler.TLSLegacy}
			wantNoFault(t, get(t, newFetcher(t, Config{rootCAs: c.pool, Rules: []Rule{rule}}),
				request(t, "https://"+at+"/")))
		})
	}
}

func TestACipherThatLegacyLacksIsNamed(t *testing.T) {
	t.Parallel()
	c := newCertificate(t, true)
	at := openssl(t, c, "-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")
	req := request(t, "https://"+at+"/")
	req.TLS = crawler.TLSLegacy
	page := get(t, newFetcher(t, Config{rootCAs: c.pool}), req)
	wantFault(t, page, fetched.FaultTLS, false)
	if !strings.Contains(page.Fault.Text, "DHE") || strings.Contains(page.Fault.Text, "the setting tls: legacy") {
		t.Errorf("fault text: got %q", page.Fault.Text)
	}
}

func TestAConnectionWithOldCiphersIsNotSharedWithOthers(t *testing.T) {
	t.Parallel()
	c := newCertificate(t, true)
	at := openssl(t, c, "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")
	f := newFetcher(t, Config{rootCAs: c.pool})
	req := request(t, "https://"+at+"/")
	req.TLS = crawler.TLSLegacy
	wantNoFault(t, get(t, f, req))
	wantFault(t, get(t, f, request(t, "https://"+at+"/")), fetched.FaultTLS, false)
}

// http1Server starts a server that calls refuse for requests over HTTP/2, and answers requests over
// HTTP/1.1.
func http1Server(t *testing.T,
	refuse func(f *http2.Framer, stream uint32)) (origin string, pool *x509.CertPool, refused, answered *atomic.Int64) {
	t.Helper()
	c := newCertificate(t, false)
	cfg := &tls.Config{Certificates: []tls.Certificate{c.Certificate}, NextProtos: []string{"h2", "http/1.1"}}
	refused, answered = new(atomic.Int64), new(atomic.Int64)
	origin = listen(t, func(raw net.Conn) {
		conn := tls.Server(raw, cfg)
		if conn.Handshake() != nil {
			return
		}
		in := bufio.NewReader(conn)
		if conn.ConnectionState().NegotiatedProtocol != "h2" {
			if _, err := http.ReadRequest(in); err == nil {
				answered.Add(1)
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
			}
			return
		}
		if _, err := io.CopyN(io.Discard, in, int64(len(http2.ClientPreface))); err != nil {
			return
		}
		f := http2.NewFramer(conn, in)
		_ = f.WriteSettings()
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := frame.(*http2.HeadersFrame); ok {
				refused.Add(1)
				refuse(f, h.StreamID)
				conn.CloseWrite()
				return
			}
		}
	})
	return strings.Replace(origin, "http:", "https:", 1), c.pool, refused, answered
}

func TestHTTP1IsUsedForAServerThatRequiresIt(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(*http2.Framer, uint32){
		"a stream is reset": func(f *http2.Framer, stream uint32) {
			_ = f.WriteRSTStream(stream, http2.ErrCodeHTTP11Required)
		},
		"the connection is closed": func(f *http2.Framer, _ uint32) {
			_ = f.WriteGoAway(0, http2.ErrCodeHTTP11Required, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			origin, pool, refused, answered := http1Server(t, refuse)
			f := newFetcher(t, Config{rootCAs: pool})
			page := get(t, f, request(t, origin))
			wantFault(t, page, fetched.FaultProtocol, true)
			if !page.Fault.Again {
				t.Errorf("the request is not to be repeated at once: %s", faultText(page))
			}
			for range 2 { // the server is remembered
				page = get(t, f, request(t, origin))
				wantNoFault(t, page)
				if string(content(t, page)) != "hello" || page.Proto != "HTTP/1.1" {
					t.Errorf("got %s %q", page.Proto, content(t, page))
				}
			}
			if refused.Load() != 1 || answered.Load() != 2 {
				t.Errorf("the server refused %d requests and answered %d; want 1, 2", refused.Load(), answered.Load())
			}
		})
	}
}

func TestTheNumberOfRememberedHTTP1HostsIsBounded(t *testing.T) {
	t.Parallel()
	var h http1Hosts
	for i := range 3 * maxHTTP1 {
		host := crawler.Host(fmt.Sprintf("h%d.test", i))
		if h.has(host) || !h.add(host) || !h.has(host) || h.add(host) {
			t.Fatalf("%s is not remembered exactly once", host)
		}
		if len(h.since) > maxHTTP1 {
			t.Fatalf("%d hosts are remembered", len(h.since))
		}
	}
}

func TestAWrongSchemeIsReported(t *testing.T) {
	t.Parallel()
	secure, pool := serveTLS(t, func(http.ResponseWriter, *http.Request) {})
	plainServer := serve(t, func(http.ResponseWriter, *http.Request) {})
	plainServer.Config.ErrorLog = quiet()
	f := newFetcher(t, Config{rootCAs: pool})
	page := get(t, f, request(t, strings.Replace(plainServer.URL, "http:", "https:", 1)))
	wantFault(t, page, fetched.FaultTLS, false)
	if !strings.Contains(page.Fault.Text, "speaks http at this port") {
		t.Errorf("https to a port of http: got %q", page.Fault.Text)
	}
	page = get(t, f, request(t, strings.Replace(secure.URL, "https:", "http:", 1)))
	if page.Status != 400 || !strings.Contains(page.Hint, "https://") {
		t.Errorf("http to a port of https: got %d %q", page.Status, page.Hint)
	}
	page = get(t, f, request(t,
		strings.Replace(listen(t, func(c net.Conn) { c.Write([]byte("220 mail.test ESMTP\r\n")) }), "http:", "https:",
			1)))
	if wantFault(t, page, fetched.FaultTLS, false); !strings.Contains(page.Fault.Text, "does not speak TLS") {
		t.Errorf("https to a mail server: got %q", page.Fault.Text)
	}
}

// A realServer is a widely used web server. In its configuration %[1]s is its folder, %[2]s its
// port, %[3]s its certificate and %[4]s its key. It serves "hello" over https.
type realServer struct {
	name, conf string
	args       []string
}

var realServers = []realServer{
	{"nginx", `daemon off; master_process off; pid %[1]s/pid; error_log stderr;
events {}
http {
	access_log off; client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
	server { listen 127.0.0.1:%[2]s ssl; ssl_certificate %[3]s; ssl_certificate_key %[4]s; location / { return 200 "hello"; } }
}
`, []string{"-p", ".", "-c"}},
	{"apache2", `ServerName 127.0.0.1
Listen 127.0.0.1:%[2]s
PidFile %[1]s/pid
ErrorLog /dev/stderr
DefaultRuntimeDir %[1]s
Mutex posixsem
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
DocumentRoot %[1]s/www
SSLEngine on
SSLCertificateFile %[3]s
SSLCertificateKeyFile %[4]s
`, []string{"-X", "-f"}},
}

// start starts the server and returns its port. It skips the test if the server is not installed
// or does not start.
func (s realServer) start(t *testing.T, c certificate) (port string) {
	t.Helper()
	path, err := exec.LookPath(s.name)
	if err != nil {
		if path = "/usr/sbin/" + s.name; !executable(path) {
			t.Skipf("no %s on PATH or in /usr/sbin: install nginx and apache2-bin", s.name)
		}
	}
	dir, port := t.TempDir(), freePort(t)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(dir, 0o755)) // as root, Apache reads pages as another user
	must(os.Mkdir(dir+"/www", 0o755))
	must(os.WriteFile(dir+"/www/index.html", []byte("hello"), 0o644))
	must(os.WriteFile(dir+"/conf", fmt.Appendf(nil, s.conf, dir, port, c.cert, c.key), 0o600))
	cmd := exec.CommandContext(t.Context(), path, append(s.args, dir+"/conf")...)
	cmd.Dir = dir
	var trouble strings.Builder
	cmd.Stderr = &trouble
	if err := cmd.Start(); err != nil {
		t.Skipf("%s does not start: %v", s.name, err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	for {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
			return port
		}
		select {
		case <-ended:
			t.Skipf("%s does not start: %s", s.name, trouble.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestErrorPagesOfServersForHTTPOnAnHTTPSPortAreRecognised(t *testing.T) {
	t.Parallel()
	for _, server := range realServers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			c := newCertificate(t, false)
			port := server.start(t, c)
			f := newFetcher(t, Config{rootCAs: c.pool})
			page := get(t, f, request(t, "http://127.0.0.1:"+port+"/"))
			if page.Status != 400 || !strings.Contains(page.Hint, "https://") {
				t.Errorf("got status %d, hint %q", page.Status, page.Hint)
			}
			page = get(t, f, request(t, "https://127.0.0.1:"+port+"/index.html"))
			wantNoFault(t, page)
			if page.Proto != "HTTP/1.1" || string(content(t, page)) != "hello" || page.Repaired != nil {
				t.Errorf("got %s %q, %q", page.Proto, content(t, page), page.Repaired)
			}
		})
	}
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}

// freePort returns a port without a listener.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
