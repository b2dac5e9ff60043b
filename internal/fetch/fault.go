package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/guard"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/proxy"
	"github.com/trawlcrawler/trawl/internal/repair"
)

// diagnose interprets the error that ended a request: as a fault of the remote side, or as
// an internal error. If the caller ended the request, the result is ignored.
func (f *Fetcher) diagnose(d *deadline, err error) (*fetched.Fault, error) {
	if ours(err) {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	if d.passed() {
		return &fetched.Fault{Kind: fetched.FaultTimeout, Text: "no whole answer within " + d.timeout.String(),
			Passes: true}, nil
	}
	if d.slow() {
		return &fetched.Fault{Kind: fetched.FaultTimeout,
			Text: "nothing of the body within " + f.cfg.RateWindow.String(), Passes: true}, nil
	}
	return f.faultOf(err), nil
}

// ours reports whether err means that this machine lacks a resource.
func ours(err error) bool {
	for _, want := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

// faultOf describes an error of net/http or of the layers below it.
func (f *Fetcher) faultOf(err error) *fetched.Fault {
	var (
		own       *transportError
		blocked   *guard.Refusal
		port      guard.PortRefusal
		name      guard.NameRefusal
		proxied   *proxy.Error
		resolve   *net.DNSError
		handshake *handshakeError
		op        *net.OpError
	)
	switch {
	case errors.As(err, &own):
		return f.transportFault(own)
	case errors.As(err, &blocked):
		return &fetched.Fault{Kind: fetched.FaultBlocked, Text: blocked.Error()}
	case errors.As(err, &port):
		return &fetched.Fault{Kind: fetched.FaultBlocked, Text: port.Error()}
	case errors.As(err, &name):
		return &fetched.Fault{Kind: fetched.FaultBlocked, Text: name.Error()}
	case errors.As(err, &proxied):
		return &fetched.Fault{Kind: proxied.Kind, Text: proxied.Error(), Passes: proxied.Kind != fetched.FaultBlocked}
	case errors.As(err, &resolve):
		return resolveFault(resolve)
	case errors.As(err, &handshake):
		return handshakeFault(handshake)
	case errors.Is(err, repair.ErrSpeaksTLS):
		return &fetched.Fault{Kind: fetched.FaultTLS, Text: repair.ErrSpeaksTLS.Error()}
	case errors.As(err, &op) && op.Op == "remote error": // an alert after the handshake
		return &fetched.Fault{Kind: fetched.FaultTLS, Text: "TLS: " + plain.Cause(op.Err) + wantsCertificate(op.Err)}
	case errors.As(err, &op) && op.Op == "dial":
		return &fetched.Fault{Kind: fetched.FaultConnect, Text: dialText(op), Passes: true}
	case broken(err):
		return &fetched.Fault{Kind: fetched.FaultReset, Text: "the connection broke: " + plain.Cause(err), Passes: true}
	case timedOut(err):
		return &fetched.Fault{Kind: fetched.FaultTimeout, Text: "no answer within " + f.cfg.HeaderTimeout.String(),
			Passes: true}
	}
	return &fetched.Fault{Kind: fetched.FaultProtocol, Text: plain.Cause(err)}
}

func resolveFault(err *net.DNSError) *fetched.Fault {
	if err.IsNotFound {
		return &fetched.Fault{Kind: fetched.FaultResolve, Text: fmt.Sprintf("no such host: %q", err.Name)}
	}
	return &fetched.Fault{Kind: fetched.FaultResolve, Text: fmt.Sprintf("cannot resolve %q: %s", err.Name, err.Err),
		Passes: true}
}

// handshakeFault can be retried if the server was too slow or hung up, as overloaded
// servers do, but not if client and server cannot agree.
func handshakeFault(err *handshakeError) *fetched.Fault {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	fault := &fetched.Fault{Kind: fetched.FaultTLS, Text: "TLS with " + err.hostPort + ": " + plain.Cause(err.err)}
	switch {
	case errors.As(err, &certificate):
		fault.Text = "the certificate of " + err.hostPort + " is not valid: " + plain.Cause(certificate.Err)
	case errors.As(err, &record) && strings.EqualFold(string(record.RecordHeader[:]), "http/"):
		fault.Text = err.hostPort + " speaks http at this port, and not https: write http:// in the URL"
	case errors.As(err, &record):
		fault.Text = err.hostPort + " does not speak TLS at this port: https needs it"
	case cannotAgree(err.err):
		fault.Text += noCipher[err.legacy]
	case timedOut(err):
		fault.Text, fault.Passes = "TLS with "+err.hostPort+": no handshake in time", true
	case broken(err):
		fault.Passes = true
	}
	return fault
}

// cannotAgree reports whether server and client have no cipher in common. The server's
// alert has no Go type (RFC 8446, 6.2: handshake_failure, insufficient_security).
func cannotAgree(err error) bool {
	for _, words := range []string{"handshake failure", "insufficient security level",
		"server chose an unconfigured cipher suite"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

// wantsCertificate says what to do about an alert that demands a client certificate; "" for
// any other. The alert has no Go type (RFC 8446, 6.2: certificate_required).
func wantsCertificate(alert error) string {
	if !strings.Contains(alert.Error(), "certificate required") {
		return ""
	}
	return "; the host wants a client certificate: name one in an access rule"
}

// noCipher says what to do about that. The key says whether old ciphers were offered.
var noCipher = map[bool]string{
	false: "; a server that has old ciphers of TLS 1.2 alone (RSA key exchange, CBC) is asked with the setting tls: legacy",
	true:  ", with the old ciphers of tls: legacy as well; DHE, RC4 and versions before TLS 1.2 are not supported (docs/access.md)",
}

// wantsHTTP1 reports whether an HTTP/2 server demands HTTP/1.1 for the request (RFC 9113,
// 7). net/http exports no type for errors of streams or for GOAWAY.
func wantsHTTP1(err error) bool { return strings.Contains(err.Error(), "HTTP_1_1_REQUIRED") }

// httpsExpected are texts that servers answer with status 400 when they get http at an
// https port: nginx, Apache, and servers written in Go.
var httpsExpected = []string{
	"plain HTTP request was sent to HTTPS port", "speaking plain HTTP to an SSL-enabled server port",
	"sent an HTTP request to an HTTPS server",
}

// hintOf says how to correct a request that was made in the wrong way, according to its
// answer; "" if there is nothing to say.
func hintOf(p *fetched.Page) string {
	if p.Status != 400 || p.URL.Scheme() != "http" || p.Body == nil {
		return ""
	}
	for _, words := range httpsExpected {
		if bytes.Contains(p.Body.Head, []byte(words)) {
			return "it expects https at this port: write https:// in the URL"
		}
	}
	return ""
}

func dialText(op *net.OpError) string {
	cause := op.Err
	var errno syscall.Errno
	if errors.As(cause, &errno) {
		cause = errno
	}
	if op.Addr == nil {
		return "cannot connect: " + plain.Cause(cause)
	}
	return "cannot connect to " + op.Addr.String() + ": " + plain.Cause(cause)
}

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// broken reports whether err says that the peer hung up. net/http exports no types for its
// HTTP/2 errors, so they are recognized by their text.
func broken(err error) bool {
	for _, end := range []error{
		io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed,
		syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE,
	} {
		if errors.Is(err, end) {
			return true
		}
	}
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "read" || op.Op == "write") {
		return true
	}
	for _, words := range []string{"server closed idle connection", "received from peer", "server sent GOAWAY",
		"client connection lost", "client conn could not be established", plain.OutOfTurn} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}
