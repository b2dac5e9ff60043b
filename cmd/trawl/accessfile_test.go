package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// authorityFile writes the certificate of httptest servers to a file and returns its path.
func authorityFile(t testing.TB) string {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	path := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// accessFileOf writes an access file and returns its path.
func accessFileOf(t testing.TB, mode os.FileMode, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "access.yaml")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// writeClientCertificate writes client.pem and client.key to a folder.
func writeClientCertificate(t testing.TB, folder string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "trawl test"}}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"client.pem": {Type: "CERTIFICATE", Bytes: certificate}, "client.key": {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnAccessFileIsRead(t *testing.T) {
	t.Setenv("TRAWL_TEST_KEY", "from the environment")
	t.Setenv("TRAWL_TEST_PASSWORD", "p@ss/w:rd")
	ca := authorityFile(t)
	path := accessFileOf(t, 0o600, `
- hosts: [api.example.org, "*.example.com:8443"]
  headers:
    X-Api-Key: ${TRAWL_TEST_KEY}
    x-number: 0123
    X-Dollar: $${x}$y
  cookies:
    session: ${TRAWL_TEST_KEY}
    b.lang: de
- hosts: http://intranet.example
  cert: client.pem
  key: client.key
  user: ann
  password: ${file:password}
  insecure: true
- hosts: [plain.example]
  proxies: direct
  tls: legacy
- ca: `+ca+`
  proxies:
    - socks5://ann:${TRAWL_TEST_PASSWORD}@10.0.0.1
    - https://10.0.0.2:3128
  proxy_remote_dns: true
`)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "password"), []byte("from a file\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	writeClientCertificate(t, filepath.Dir(path))
	rules, err := readAccess(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(rules) != 4 {
		t.Fatalf("read %d rules, want 4", len(rules))
	}
	for what, got := range map[string]string{
		"[api.example.org *.example.com:8443]": fmt.Sprint(rules[0].Hosts),
		"from the environment":                 rules[0].Header.Get("X-Api-Key"),
		"0123":                                 rules[0].Header.Get("X-Number"),
		"${x}$y":                               rules[0].Header.Get("X-Dollar"),
		"session=from the environment":         rules[0].Cookies[0].Name + "=" + rules[0].Cookies[0].Value,
		"b.lang":                               rules[0].Cookies[1].Name,
		"trawl test":                           rules[1].Certificates[0].Leaf.Subject.CommonName,
		"[http://intranet.example]":            fmt.Sprint(rules[1].Hosts),
		"ann":                                  rules[1].Login.User,
		"from a file":                          rules[1].Login.Password(),
		"true":                                 fmt.Sprint(rules[1].Insecure),
		"legacy":                               string(rules[2].TLS),
		"1":                                    fmt.Sprint(len(rules[3].CAs)),
		"[socks5://10.0.0.1:1080 https://10.0.0.2:3128]": fmt.Sprint(rules[3].Proxies),
	} {
		if got != what {
			t.Errorf("got %q, want %q", got, what)
		}
	}
	if len(rules[2].Proxies) != 1 || rules[2].Proxies[0] != nil {
		t.Errorf("direct is parsed as %v", rules[2].Proxies)
	}
}

func TestAnInvalidAccessFileIsRefusedWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, says string }{
		"not a list":       {"password: hunter2", "line 1: not a list of rules"},
		"not a rule":       {"- hunter2", "line 1: not a rule"},
		"an unknown field": {"- hosts: [a.test]\n  pasword: hunter2", `line 2: unknown field "pasword"`},
		"invalid YAML":     {"- hosts: [a.test\n  password: \"hunter2", "not valid YAML"},
		"a host with a space": {
			"- hosts:\n    - a.test\n    - a b\n  password: hunter2", `line 3: "a b" is no host`,
		},
		"a secret for all hosts": {
			"- user: ann\n  password: hunter2", "are for hosts that are named",
		},
		"an unknown kind of TLS": {
			"- hosts: [a.test]\n  tls: ancient", `line 1: tls: "ancient" is unknown: want modern or legacy`,
		},
		"old TLS for all hosts": {"- tls: legacy", "are for hosts that are named"},
		"an unset variable": {
			"- hosts: [a.test]\n  password: ${TRAWL_TEST_NOSUCH}", "line 2: ${TRAWL_TEST_NOSUCH}",
		},
		"a missing file": {
			"- hosts: [a.test]\n  headers:\n    X-Key: ${file:nosuch}", "line 3: ${file:nosuch}",
		},
		"a list for a string": {"- hosts: [a.test]\n  password: [hunter2]", "line 2: want a string"},
		"headers as a string": {"- hosts: [a.test]\n  headers: hunter2", "line 2: headers"},
		"a reserved header": {
			"- hosts: [a.test]\n  headers:\n    User-Agent: hunter2", "line 3: the header User-Agent",
		},
		"a value with a newline": {
			"- hosts: [a.test]\n  headers:\n    X-Key: \"hunter2\\nX: y\"", "line 3: the header X-Key",
		},
		"an ftp proxy":           {"- proxies:\n    - ftp://ann:hunter2@a.test", `proxy "ftp://***@a.test"`},
		"neither true nor false": {"- hosts: [a.test]\n  insecure: hunter2", "line 2: want true or false"},
		"cookies as a string":    {"- hosts: [a.test]\n  cookies: hunter2", "line 2: cookies: want NAME: VALUE"},
		"a cookie for all hosts": {"- cookies: {a: hunter2}", "are for hosts that are named"},
		"two cookies in one":     {"- hosts: [a.test]\n  cookies: {a: 'b; hunter2'}", "line 2: the cookie a"},
		"a name with a space":    {"- hosts: [a.test]\n  cookies: {a b: hunter2}", `line 2: "a b" cannot be the name`},
		"a certificate alone":    {"- hosts: [a.test]\n  cert: a.pem", "name the file of its private key (key)"},
		"a key alone":            {"- hosts: [a.test]\n  key: a.key", "name its file (cert)"},
		"a missing certificate":  {"- hosts: [a.test]\n  cert: nosuch.pem\n  key: a.key", "nosuch.pem: no such file"},
		"a missing authority":    {"- ca: nosuch.pem", "line 1: ca"},
		"a duplicate field":      {"- hosts: [a.test]\n  user: ann\n  user: hunter2", "not valid YAML"},
		"an Authorization and a user": {
			"- hosts: [a.test]\n  user: ann\n  password: hunter2\n  headers: {Authorization: hunter2}",
			"leave one of them out",
		},
	} {
		path := accessFileOf(t, 0o600, c.text)
		_, err := readAccess(path)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
	}
}

func TestAWorldReadableAccessFileWithSecretsIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	t.Setenv("TRAWL_TEST_KEY", "key")
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		good bool
	}{
		"a secret, mode 0600":      {"- hosts: [a.test]\n  headers: {X-Key: key}", 0o600, true},
		"a secret, mode 0640":      {"- hosts: [a.test]\n  headers: {X-Key: key}", 0o640, true},
		"a secret, mode 0644":      {"- hosts: [a.test]\n  headers: {X-Key: key}", 0o644, false},
		"a cookie, mode 0644":      {"- hosts: [a.test]\n  cookies: {a: key}", 0o644, false},
		"a password, mode 0644":    {"- hosts: [a.test]\n  user: ann\n  password: key", 0o644, false},
		"a proxy login, mode 0644": {"- proxies: ['http://ann:key@a.test']", 0o644, false},
		"a reference to a secret":  {"- hosts: [a.test]\n  headers: {X-Key: '${TRAWL_TEST_KEY}'}", 0o644, true},
		"a reference in a proxy":   {"- proxies: ['http://ann:${TRAWL_TEST_KEY}@a.test']", 0o644, true},
		"no secret":                {"- hosts: [a.test]\n  insecure: true\n- proxies: ['http://a.test']", 0o644, true},
		"an empty file":            {"# nothing\n", 0o644, true},
	} {
		path := accessFileOf(t, c.mode, c.text)
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := readAccess(path)
		if (err == nil) != c.good || err != nil && !strings.Contains(err.Error(), "chmod") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
