package redisconn

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"time"
)

// protocol is what a server at an address speaks.
type protocol int

const (
	protocolNone  protocol = iota // nothing
	protocolPlain                 // the Redis protocol, without TLS
	protocolTLS                   // TLS, with any protocol inside
	protocolOther                 // anything else
)

// listenTime bounds each attempt to detect a protocol.
const listenTime = time.Second

// listen detects what the server at an address speaks. It sends PING, and tries a TLS
// handshake if the answer is not one of Redis.
func listen(ctx context.Context, addr string) protocol {
	line, err := converse(ctx, addr, func(conn net.Conn) (string, error) {
		if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
			return "", err
		}
		return bufio.NewReader(conn).ReadString('\n')
	})
	if strings.HasPrefix(line, "+PONG") || strings.HasPrefix(line, "-") {
		return protocolPlain
	}
	_, tlsErr := converse(ctx, addr, func(conn net.Conn) (string, error) {
		// Nothing is sent over this connection, so the certificate does not matter.
		return "", tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
	})
	switch {
	case tlsErr == nil:
		return protocolTLS
	case err == nil || line != "":
		return protocolOther
	}
	return protocolNone
}

// converse connects and calls talk, for a short time.
func converse(ctx context.Context, addr string, talk func(net.Conn) (string, error)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, listenTime)
	defer cancel()
	network := "tcp"
	if strings.HasPrefix(addr, "/") {
		network = "unix"
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	return talk(conn)
}
