package fetch

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// clientCertificate returns a client certificate that signs itself.
func clientCertificate(t testing.TB, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// serveCertified starts a server that requires the client certificate and says whom it belongs to.
func serveCertified(t testing.TB, wanted tls.Certificate, version uint16) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = quiet()
	accepted := x509.NewCertPool()
	accepted.AddCert(wanted.Leaf)
	s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: accepted, MaxVersion: version}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestAClientCertificateIsPresentedOnlyToItsHosts(t *testing.T) {
	t.Parallel()
	ann, bob := clientCertificate(t, "ann"), clientCertificate(t, "bob")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		first, second := serveCertified(t, ann, version), serveCertified(t, ann, version)
		f := newFetcher(t, Config{Rules: []Rule{
			{CAs: []*x509.Certificate{first.Certificate(), second.Certificate()}},
			{Hosts: []HostPattern{pattern(t, strings.TrimPrefix(first.URL, "https://"))},
				Certificates: []tls.Certificate{bob, ann}},
		}})
		page := get(t, f, request(t, first.URL))
		wantNoFault(t, page)
		if got := string(content(t, page)); got != "ann" {
			t.Errorf("TLS %x: the server knows the client as %q, want ann", version, got)
		}
		// With TLS 1.3, the server's alert comes after the handshake, and HTTP/2 may be faster.
		page = get(t, f, request(t, second.URL))
		if page.Fault == nil || page.Fault.Kind != fetched.FaultTLS && page.Fault.Kind != fetched.FaultReset {
			t.Errorf("TLS %x: without a certificate, the fault is %s", version, faultText(page))
		}
	}
}

func TestAHostThatWantsAClientCertificateSaysWhatToDo(t *testing.T) {
	t.Parallel()
	alert := &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}
	fault := newFetcher(t, Config{}).faultOf(fmt.Errorf("round trip: %w", alert))
	const want = "TLS: certificate required; the host wants a client certificate: name one in an access rule"
	if fault.Kind != fetched.FaultTLS || fault.Passes || fault.Text != want {
		t.Errorf("the fault is %+v, want %q", fault, want)
	}
}
