//go:build !linux

package testsite

import (
	"context"
	"net"
	"net/http"
	"time"
)

// withConn does nothing: only Linux tells when a request arrived.
func withConn(ctx context.Context, _ net.Conn) context.Context { return ctx }

// arrived is now.
func arrived(*http.Request) time.Time { return time.Now() }
