package testsite

import (
	"context"
	"net"
	"net/http"
	"time"

	"golang.org/x/sys/unix"
)

type connKey struct{}

// withConn stores the connection in the context of its requests.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// A value from the kernel is accepted if this process was not delayed while reading it.
const (
	promptly = 2 * time.Millisecond
	attempts = 20
)

// arrived returns when the kernel received the last part of a request without a body, to
// within a few milliseconds, even if this process looked at it much later (tcp(7),
// TCP_INFO). If that is unknown, it returns the current time.
func arrived(r *http.Request) time.Time {
	now := time.Now()
	c, ok := r.Context().Value(connKey{}).(*net.TCPConn)
	if !ok {
		return now
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return now
	}
	at := now
	_ = raw.Control(func(fd uintptr) {
		for range attempts {
			asked := time.Now()
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			if err != nil {
				return
			}
			at = asked.Add(-time.Duration(info.Last_data_recv) * time.Millisecond)
			if time.Since(asked) < promptly {
				return
			}
		}
	})
	return at
}
