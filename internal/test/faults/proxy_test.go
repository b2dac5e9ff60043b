package faults_test

import (
	"net"
	"sync"
	"testing"
)

// proxy forwards a process's connections to Redis, and can stop forwarding without closing them,
// like a network that fails silently.
type proxy struct {
	listener net.Listener
	to       string
	serving  sync.WaitGroup

	mu      sync.Mutex
	open    chan struct{} // closed while bytes pass
	conns   []net.Conn
	stopped bool
}

// newProxy listens in front of an address until the test ends.
func newProxy(t testing.TB, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: to, open: make(chan struct{})}
	close(p.open)
	p.serving.Go(p.accept)
	t.Cleanup(p.stop)
	return p
}

// URL returns the address of the Redis behind the proxy.
func (p *proxy) URL() string { return "redis://" + p.listener.Addr().String() + "/0" }

// cut stops all traffic. Connections stay open, and the kernel accepts new ones, but there is no
// response.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = make(chan struct{})
}

// restore lets all traffic pass again, including bytes that were held back.
func (p *proxy) restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.open)
}

// passes returns a channel that is closed when bytes may pass.
func (p *proxy) passes() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.to)
		if err != nil {
			near.Close()
			continue
		}
		if !p.keep(near, far) {
			return
		}
		p.serving.Go(func() { p.forward(far, near) })
		p.serving.Go(func() { p.forward(near, far) })
	}
}

// keep registers connections, which stop closes.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, conns...)
	if p.stopped {
		for _, c := range conns {
			c.Close()
		}
	}
	return !p.stopped
}

// forward passes bytes on until either side closes.
func (p *proxy) forward(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		<-p.passes()
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

func (p *proxy) stop() {
	p.mu.Lock()
	p.stopped = true
	select {
	case <-p.open:
	default:
		close(p.open)
	}
	for _, c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.listener.Close()
	p.serving.Wait()
}
