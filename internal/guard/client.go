package guard

import (
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// NewClient returns a client whose connections go only where a guard allows, to any port, since the
// URL that an operator or a site has named says which. timeout limits a request and its response. It
// follows no redirect, which would take what is sent to a receiver that no one has named, and uses no
// proxy.
func NewClient(g *Guard, timeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return g.Judge(at.Addr(), 0, nil)
	}}
	return &http.Client{
		Timeout:       timeout,
		Transport:     &http.Transport{DialContext: dialer.DialContext, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
