package frontier

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"time"
)

// voice is how what listens at an address speaks.
type voice int

const (
	voiceNone  voice = iota // it does not
	voicePlain              // as Redis, without TLS
	voiceTLS                // TLS, whatever is behind it
	voiceOther              // otherwise
)

// listenTime bounds each attempt to hear a voice.
const listenTime = time.Second

// listen finds out how what listens at an address speaks. It says PING, and
// then, unless it is understood, begins a TLS handshake.
func listen(ctx context.Context, addr string) voice {
	line, err := converse(ctx, addr, func(conn net.Conn) (string, error) {
		if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
			return "", err
		}
		return bufio.NewReader(conn).ReadString('\n')
	})
	if strings.HasPrefix(line, "+PONG") || strings.HasPrefix(line, "-") {
		return voicePlain
	}
	_, tlsErr := converse(ctx, addr, func(conn net.Conn) (string, error) {
		// Nothing is sent over it: it is enough that there is one.
		return "", tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
	})
	switch {
	case tlsErr == nil:
		return voiceTLS
	case err == nil || line != "":
		return voiceOther
	}
	return voiceNone
}

// converse connects and talks for a short time.
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
