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
		Name: "silent-answer", Does: "reads the request, and never answers", Trawl: "tries again, then gives up", Limit: limitFirst, Fate: failed("no answer within 30s"),
		page: waits(""),
	}, {
		Name: "silent-headers", Does: "stops within the headers", Trawl: "the same", Limit: limitFirst, Fate: failed("no answer within 30s"),
		page: waits(ok + "A: b\r\n"),
	}, {
		Name: "slow-header", Does: "sends a header byte by byte", Trawl: "the same", Limit: limitFirst, Fate: failed("no answer within 30s"),
		page: trickle(ok+"A: ", 1),
	}, {
		Name: "silent-after-hints", Does: "sends an interim answer, and nothing more", Trawl: "the same", Limit: limitFirst, Fate: failed("no answer within 30s"),
		page: waits("HTTP/1.1 103 Early Hints\r\n\r\n"),
	}, {
		Name: "silent-before-body", Does: "sends headers, and no body", Trawl: "the same", Limit: limitRate, Fate: failed("nothing of the body within 20s"),
		page: waits(okHTML + "Content-Length: 1000\r\n\r\n"),
	}, {
		Name: "silent-body", Does: "stops within the body", Trawl: "keeps what came, marks it as truncated, and reads it", Limit: limitRate, Fate: cut,
		page: waits(okHTML + "Content-Length: 1000000\r\n\r\n" + hello("silent-body")),
	}, {
		Name: "slow-body", Does: "sends ten bytes of the body in a second", Trawl: "the same", Limit: limitRate, Fate: cut,
		page: trickle(okHTML+"\r\n"+hello("slow-body"), 1),
	}, {
		Name: "lasting-body", Does: "sends the body just fast enough, without end", Trawl: "tries again, then keeps and reads what came", Limit: limitTotal, Fate: cut,
		page: trickle(okHTML+"\r\n"+hello("lasting-body"), 50),
	}, {
		Name: "silent-socket", Does: "accepts a connection, and reads and says nothing", Trawl: "gives the host up after some tries, and lets its URLs fail", Limit: limitFirst,
		rig: func(h *Host) {
			at := h.annex(silent)
			h.lead("http://"+at+"/", "http://"+at+"/", disallowed("no answer within 30s"))
		},
	}, {
		Name: "closed-port", Does: "is not there", Trawl: "the same", Limit: limitHostTries,
		rig: func(h *Host) {
			l := h.web.listenAt(h.address)
			at := l.Addr().String()
			l.Close()
			h.lead("http://"+at+"/", "http://"+at+"/", disallowed("refused"))
		},
	}, {
		Name: "shut-door", Does: "accepts connections and closes them", Trawl: "the same", Limit: limitHostTries,
		rig: func(h *Host) {
			at := h.annex(func(net.Conn) {})
			h.lead("http://"+at+"/", "http://"+at+"/", disallowed(""))
		},
	}, {
		Name: "silent-handshake", Does: "accepts a connection for https, and says nothing", Trawl: "the same", Limit: limitHandshake,
		rig: tlsAnnex(silent, "no handshake in time"),
	}, {
		Name: "slow-handshake", Does: "shakes hands byte by byte", Trawl: "the same", Limit: limitHandshake,
		rig: tlsAnnex(func(conn net.Conn) { drip(conn, "\x16\x03\x03\x3f\xff", 1) }, "no handshake in time"),
	}, {
		Name: "no-tls", Does: "speaks plain HTTP where https is expected", Trawl: "the same", Limit: limitHostTries,
		rig: tlsAnnex(func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n"+strings.Repeat("x", 1<<16))
		}, "TLS with"),
	}, {
		Name: "endless-handshake", Does: "sends handshake messages without end", Trawl: "the same", Limit: limitHostTries,
		rig: tlsAnnex(func(conn net.Conn) {
			record := "\x16\x03\x03\x40\x00" + strings.Repeat("\x00", 0x4000)
			for _, err := io.WriteString(conn, record); err == nil; _, err = io.WriteString(conn, record) {
			}
		}, "TLS with"),
	}, {
		Name: "own-certificate", Does: "has a certificate that it made itself", Trawl: "the same: it sends nothing to it", Limit: limitHostTries,
		rig: tlsAnnex(func(conn net.Conn) { shakeHands(conn, time.Now().Add(time.Hour)) }, "certificate"),
	}, {
		Name: "old-certificate", Does: "has a certificate that is out of date", Trawl: "the same", Limit: limitHostTries,
		rig: tlsAnnex(func(conn net.Conn) { shakeHands(conn, time.Now().Add(-time.Hour)) }, "certificate"),
	},
}

// tlsAnnex leads to another server for https.
func tlsAnnex(do func(net.Conn), trouble string) func(*Host) {
	return func(h *Host) {
		url := "https://" + h.annex(do) + "/"
		h.lead(url, url, disallowed(trouble))
	}
}

// shakeHands answers with a certificate of its own, which is valid until some
// time, and then with a page that nobody should read.
func shakeHands(conn net.Conn, until time.Time) {
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
	secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if secure.Handshake() == nil {
		_, _ = io.WriteString(secure, okHTML+"\r\n<title>Poison</title>")
	}
}
