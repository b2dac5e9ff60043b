package redisd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// ask sends one command to the server behind a socket and returns the first line of its
// answer, without the line end. It returns io.EOF if the server closes the connection
// instead, which is the answer to SHUTDOWN: by then the server's process has ended.
func ask(ctx context.Context, socket string, command ...string) (string, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()

	if _, err := io.WriteString(conn, encode(command)); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// encode encodes a command as an array of bulk strings (Redis protocol specification,
// "Sending commands to a Redis server").
func encode(command []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(command))
	for _, word := range command {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(word), word)
	}
	return b.String()
}
