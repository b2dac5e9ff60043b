package render

import "context"

// OpenBare opens a pool whose browsers have no namespaces and no sandbox, so that only the command
// line and the interception keep pages from the network.
func OpenBare(ctx context.Context, cfg Config) (*Pool, error) {
	p, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	p.how = []isolation{{}}
	p.mu.Lock()
	first := p.current
	p.mu.Unlock()
	first.retire()
	p.forget(first)
	return p, nil
}

// BrowserPID returns the process of the current browser, 0 if there is none.
func (p *Pool) BrowserPID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil || p.current.process == nil {
		return 0
	}
	return p.current.process.cmd.Process.Pid
}

// LoseBrowser ends the connection to the current browser, for a reason.
func (p *Pool) LoseBrowser(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current.conn.end(why)
}

// Memory is what a process and its descendants take.
var Memory = memory
