package testsite

import (
	"context"
	"net"
	"net/http"
	"time"

	"golang.org/x/sys/unix"
)

type connKey struct{}

// withConn lets requests know their connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// An answer of the kernel counts when this process was not kept waiting around it.
const (
	promptly = 2 * time.Millisecond
	attempts = 20
)

// arrived is when the kernel received the last of a request without a body, to a
// few milliseconds, however long this process took to look at it (tcp(7),
// TCP_INFO). It is now where that can not be had.
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
