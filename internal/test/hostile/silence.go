package hostile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"strings"
	"time"
)

var silences = []Misbehaviour{
	{
		Name: "silent-answer", Does: "reads the request and never responds", Trawl: "retries, then gives up",
		Limit: limitFirst, Fate: failed("no answer within 30s"),
		page: hangAfter(""),
	}, {
		Name: "silent-headers", Does: "stops in the middle of the headers", Trawl: "the same", Limit: limitFirst,
		Fate: failed("no answer within 30s"),
		page: hangAfter(ok + "A: b\r\n"),
	}, {
		Name: "slow-header", Does: "sends a header byte by byte", Trawl: "the same", Limit: limitFirst,
		Fate: failed("no answer within 30s"),
		page: trickle(ok+"A: ", 1),
	}, {
		Name: "silent-after-hints", Does: "sends an interim response and nothing more", Trawl: "the same",
		Limit: limitFirst, Fate: failed("no answer within 30s"),
		page: hangAfter("HTTP/1.1 103 Early Hints\r\n\r\n"),
	}, {
		Name: "silent-before-body", Does: "sends headers but no body", Trawl: "the same", Limit: limitRate,
		Fate: failed("nothing of the body within 20s"),
		page: hangAfter(okHTML + "Content-Length: 1000\r\n\r\n"),
	}, {
		Name: "silent-body", Does: "stops in the middle of the body",
		Trawl: "keeps what came, marks it as truncated, and parses it", Limit: limitRate, Fate: cut,
		page: hangAfter(okHTML + "Content-Length: 1000000\r\n\r\n" + pageStart("silent-body")),
	}, {
		Name: "slow-body", Does: "sends the body at ten bytes per second", Trawl: "the same", Limit: limitRate,
		Fate: cut,
		page: trickle(okHTML+"\r\n"+pageStart("slow-body"), 1),
	}, {
		Name: "lasting-body", Does: "sends an endless body, just fast enough",
		Trawl: "retries, then keeps and parses what came", Limit: limitTotal, Fate: cut,
		page: trickle(okHTML+"\r\n"+pageStart("lasting-body"), 50),
	}, {
		Name: "silent-socket", Does: "accepts a connection, reads, and sends nothing",
		Trawl: "gives up on the host after some tries; its URLs fail", Limit: limitFirst,
		setup: func(h *Host) {
			addr := h.serveConns(waitForClose)
			h.expectLink("http://"+addr+"/", "http://"+addr+"/", failed("no answer within 30s"))
		},
	}, {
		Name: "closed-port", Does: "refuses connections", Trawl: "the same", Limit: limitHostTries,
		setup: func(h *Host) {
			l := h.web.listenAt(h.address)
			addr := l.Addr().String()
			l.Close()
			h.expectLink("http://"+addr+"/", "http://"+addr+"/", failed("refused"))
		},
	}, {
		Name: "shut-door", Does: "accepts connections and closes them", Trawl: "the same", Limit: limitHostTries,
		setup: func(h *Host) {
			addr := h.serveConns(func(net.Conn) {})
			h.expectLink("http://"+addr+"/", "http://"+addr+"/", failed(""))
		},
	}, {
		Name: "silent-handshake", Does: "accepts a connection for https and sends nothing", Trawl: "the same",
		Limit: limitHandshake,
		setup: tlsServer(waitForClose, "no handshake in time"),
	}, {
		Name: "slow-handshake", Does: "sends its TLS handshake byte by byte", Trawl: "the same", Limit: limitHandshake,
		setup: tlsServer(func(conn net.Conn) { drip(conn, "\x16\x03\x03\x3f\xff", 1) }, "no handshake in time"),
	}, {
		Name: "no-tls", Does: "speaks plain HTTP where https is expected", Trawl: "the same", Limit: limitHostTries,
		setup: tlsServer(func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n"+strings.Repeat("x", 1<<16))
		}, "speaks http at this port"),
	}, {
		Name: "tls-alert", Does: "responds to http with a TLS alert",
		Trawl: "reports that the port speaks https, and gives up on the host", Limit: limitHostTries,
		setup: func(h *Host) {
			addr := h.serveConns(func(conn net.Conn) { _, _ = io.WriteString(conn, "\x15\x03\x01\x00\x02\x02\x46") })
			h.expectLink("http://"+addr+"/", "http://"+addr+"/", failed("speaks https at this port"))
		},
	}, {
		Name: "endless-handshake", Does: "sends endless TLS handshake messages",
		Trawl: "gives up on the host after some tries; its URLs fail", Limit: limitHostTries,
		setup: tlsServer(func(conn net.Conn) {
			record := "\x16\x03\x03\x40\x00" + strings.Repeat("\x00", 0x4000)
			for _, err := io.WriteString(conn, record); err == nil; _, err = io.WriteString(conn, record) {
			}
		}, "TLS with"),
	}, {
		Name: "own-certificate", Does: "has a self-signed certificate", Trawl: "the same, without sending a request",
		Limit: limitHostTries,
		setup: tlsServer(func(conn net.Conn) { handshake(conn, time.Now().Add(time.Hour)) }, "certificate"),
	}, {
		Name: "old-certificate", Does: "has an expired certificate", Trawl: "the same", Limit: limitHostTries,
		setup: tlsServer(func(conn net.Conn) { handshake(conn, time.Now().Add(-time.Hour)) }, "certificate"),
	},
}

// tlsServer links to an https URL of another server.
func tlsServer(do func(net.Conn), trouble string) func(*Host) {
	return func(h *Host) {
		url := "https://" + h.serveConns(do) + "/"
		h.expectLink(url, url, failed(trouble))
	}
}

// handshake presents a self-signed certificate that is valid until the given time, and
// then sends a page that must not be read.
func handshake(conn net.Conn, until time.Time) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hostile"},
		NotBefore: until.Add(-24 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{conn.LocalAddr().(*net.TCPAddr).IP},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return
	}
	secure := tls.Server(conn,
		&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if secure.Handshake() == nil {
		_, _ = io.WriteString(secure, okHTML+"\r\n<title>Poison</title>")
	}
}
