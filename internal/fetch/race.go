package fetch

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// attemptDelay is the delay after which the next address is tried if one does not answer
// (RFC 8305, 5).
const attemptDelay = 250 * time.Millisecond

// attempt is the result of connecting to one address.
type attempt struct {
	conn net.Conn
	to   netip.AddrPort
	err  error
}

// race connects to the first address that answers. There must be at least one. They are
// tried in order, the next one when one fails or takes long. The error is that of the
// first.
func race(ctx context.Context, to []netip.AddrPort) (net.Conn, netip.AddrPort, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan attempt, len(to))
	started, ended := 0, 0
	var first error
	defer func() { go closeLate(results, started-ended) }()
	for {
		if started < len(to) {
			go connect(ctx, to[started], results)
			started++
		}
		a, ok := await(results, started < len(to))
		if !ok {
			continue
		}
		ended++
		switch {
		case a.err == nil:
			return a.conn, a.to, nil
		case first == nil || a.to == to[0]:
			first = a.err
		}
		if ended == len(to) {
			return nil, netip.AddrPort{}, first
		}
	}
}

func connect(ctx context.Context, to netip.AddrPort, results chan<- attempt) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", to.String())
	results <- attempt{conn, to, err}
}

// await waits for the next result. If there are others to try, it waits only attemptDelay.
func await(results <-chan attempt, others bool) (attempt, bool) {
	if !others {
		return <-results, true
	}
	timer := time.NewTimer(attemptDelay)
	defer timer.Stop()
	select {
	case a := <-results:
		return a, true
	case <-timer.C:
		return attempt{}, false
	}
}

// closeLate closes the connections of attempts that lost the race. Their context has ended,
// so they end soon.
func closeLate(results <-chan attempt, n int) {
	for range n {
		if a := <-results; a.conn != nil {
			a.conn.Close()
		}
	}
}
