package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"syscall"

	"github.com/trawlcrawler/trawl/crawler"
)

// diagnose says what err, which ended the request, means: a fault of the web,
// or an error of our own house. Where the caller ended the request it makes no
// difference what is said.
func (f *Fetcher) diagnose(d *deadline, err error) (*crawler.Fault, error) {
	if ours(err) {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	if d.passed() {
		return &crawler.Fault{Kind: crawler.FaultTimeout, Text: "no whole answer within " + d.timeout.String(), Passes: true}, nil
	}
	if d.slow() {
		return &crawler.Fault{Kind: crawler.FaultTimeout, Text: "nothing of the body within " + f.cfg.RateWindow.String(), Passes: true}, nil
	}
	return f.faultOf(err), nil
}

// ours reports whether err tells of a want of this machine.
func ours(err error) bool {
	for _, want := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

// faultOf puts an error of net/http and what is beneath it in our words.
func (f *Fetcher) faultOf(err error) *crawler.Fault {
	var (
		blocked   *refusal
		port      portRefusal
		name      nameRefusal
		proxied   *proxyError
		resolve   *net.DNSError
		handshake *handshakeError
		op        *net.OpError
	)
	switch {
	case errors.As(err, &blocked):
		return &crawler.Fault{Kind: crawler.FaultBlocked, Text: blocked.Error()}
	case errors.As(err, &port):
		return &crawler.Fault{Kind: crawler.FaultBlocked, Text: port.Error()}
	case errors.As(err, &name):
		return &crawler.Fault{Kind: crawler.FaultBlocked, Text: name.Error()}
	case errors.As(err, &proxied):
		return &crawler.Fault{Kind: proxied.kind, Text: proxied.Error(), Passes: proxied.kind != crawler.FaultBlocked}
	case errors.As(err, &resolve):
		return resolveFault(resolve)
	case errors.As(err, &handshake):
		return handshakeFault(handshake)
	case errors.As(err, &op) && op.Op == "dial":
		return &crawler.Fault{Kind: crawler.FaultConnect, Text: dialText(op), Passes: true}
	case broken(err):
		return &crawler.Fault{Kind: crawler.FaultReset, Text: "the connection broke: " + plain(err), Passes: true}
	case timedOut(err):
		return &crawler.Fault{Kind: crawler.FaultTimeout, Text: "no answer within " + f.cfg.HeaderTimeout.String(), Passes: true}
	}
	return &crawler.Fault{Kind: crawler.FaultProtocol, Text: plain(err)}
}

func resolveFault(err *net.DNSError) *crawler.Fault {
	if err.IsNotFound {
		return &crawler.Fault{Kind: crawler.FaultResolve, Text: fmt.Sprintf("no such host: %q", err.Name)}
	}
	return &crawler.Fault{Kind: crawler.FaultResolve, Text: fmt.Sprintf("can not resolve %q: %s", err.Name, err.Err), Passes: true}
}

// handshakeFault passes when the server was too slow or hung up, which the
// overloaded do, and not when it and we can not agree.
func handshakeFault(err *handshakeError) *crawler.Fault {
	var certificate *tls.CertificateVerificationError
	fault := &crawler.Fault{Kind: crawler.FaultTLS, Text: "TLS with " + err.hostPort + ": " + plain(err.err)}
	switch {
	case errors.As(err, &certificate):
		fault.Text = "the certificate of " + err.hostPort + " is not valid: " + plain(certificate.Err)
	case timedOut(err):
		fault.Text, fault.Passes = "TLS with "+err.hostPort+": no handshake in time", true
	case broken(err):
		fault.Passes = true
	}
	return fault
}

func dialText(op *net.OpError) string {
	cause := op.Err
	var errno syscall.Errno
	if errors.As(cause, &errno) {
		cause = errno
	}
	if op.Addr == nil {
		return "can not connect: " + plain(cause)
	}
	return "can not connect to " + op.Addr.String() + ": " + plain(cause)
}

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// broken reports whether err says that the peer hung up. The errors of HTTP/2
// in net/http have no exported types: they are known by their words.
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
	for _, words := range []string{"server closed idle connection", "received from peer", "server sent GOAWAY", "client connection lost", outOfTurn} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

// outOfTurn is in the error of net/http when a server has sent something before
// it was asked, or ended its connection then.
const outOfTurn = "readLoopPeekFailLocked"

// packageNames are what errors of the standard library begin with.
var packageNames = regexp.MustCompile(`^((net/http|http|http2|tls|x509|HTTP/1\.x transport connection broken): )+`)

// plain is the text of err for a person: without the names of Go's packages and
// of things that he did not ask about, and short.
func plain(err error) string {
	const most = 300
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected end"
	case strings.Contains(err.Error(), outOfTurn):
		return "the server spoke before it was asked"
	}
	text := packageNames.ReplaceAllString(err.Error(), "")
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
