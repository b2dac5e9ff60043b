//go:build !linux

package testsite

import (
	"context"
	"net"
	"net/http"
	"time"
)

// withConn returns ctx: only Linux reports when a request arrived.
func withConn(ctx context.Context, _ net.Conn) context.Context { return ctx }

// arrived returns the current time.
func arrived(*http.Request) time.Time { return time.Now() }
