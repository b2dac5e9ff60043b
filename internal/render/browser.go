package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// browser is a connected Chromium. It routes the messages of the browser to its pages.
type browser struct {
	pool    *Pool
	conn    *connection
	process *process // nil if it is remote
	version string

	watching context.CancelFunc // ends the watch on its memory
	helpers  sync.WaitGroup

	mu       sync.Mutex
	active   int  // pages that it works on
	served   int  // pages that it began
	retired  bool // it gets no more pages
	contexts map[string]*page
	sessions map[string]*page
}

// greet connects to a browser and asks for its version. On an error, the browser has ended.
func (p *Pool) greet(ctx context.Context, w wire, local *process) (*browser, error) {
	b := &browser{pool: p, process: local, contexts: map[string]*page{}, sessions: map[string]*page{}}
	b.conn = connect(w, b.hear)
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Patience)
	defer cancel()
	var version struct {
		Product string `json:"product"`
	}
	err := b.conn.call(ctx, "", "Browser.getVersion", nil, &version)
	if err == nil {
		err = b.conn.call(ctx, "", "Target.setAutoAttach", attachAll, nil)
	}
	if err != nil {
		return nil, b.stillborn(err)
	}
	b.version = version.Product
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	b.watching = stop
	b.helpers.Go(func() { every(watch, pulseEvery, b.feel) })
	if b.process != nil {
		b.helpers.Go(func() { every(watch, watchEvery, b.weigh) })
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.browsers[b] = true
	p.started++
	p.all.Go(b.attend)
	return b, nil
}

// attachAll makes new targets wait until their requests are intercepted.
var attachAll = object{"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true}

// object is a JSON object.
type object map[string]any

// stillborn ends a browser that did not answer, and returns why.
func (b *browser) stillborn(err error) error {
	b.conn.close()
	if b.process == nil {
		return fmt.Errorf("%w: %w", ErrBrowserLost, err)
	}
	b.process.kill()
	if said := b.process.said.last(); said != "" {
		return fmt.Errorf("%w: %w; it said %q", ErrBrowserLost, err, said)
	}
	return fmt.Errorf("%w: %w", ErrBrowserLost, err)
}

// attend waits until the browser ends, and cleans up after it.
func (b *browser) attend() {
	<-b.conn.lost
	b.pool.forget(b)
	b.retire()
	b.conn.close()
	b.watching()
	b.helpers.Wait()
	if b.process != nil {
		b.process.kill()
	}
	b.pool.mu.Lock()
	defer b.pool.mu.Unlock()
	delete(b.pool.browsers, b)
}

// take takes the browser for one page. It fails if the browser is retired or lost.
func (b *browser) take() bool {
	select {
	case <-b.conn.lost:
		return false
	default:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.retired {
		return false
	}
	b.active++
	if b.served++; b.served >= b.pool.cfg.RecyclePages {
		b.retired = true
	}
	return true
}

// giveBack ends a browser that is retired when its last page is done.
func (b *browser) giveBack() {
	b.mu.Lock()
	b.active--
	over := b.retired && b.active == 0
	b.mu.Unlock()
	if over {
		b.conn.end(errors.New("retired"))
	}
}

// retire makes the browser end when its last page is done.
func (b *browser) retire() {
	b.mu.Lock()
	b.retired = true
	over := b.active == 0
	b.mu.Unlock()
	if over {
		b.conn.end(errors.New("retired"))
	}
}

const (
	// watchEvery is how often the memory of a browser is looked at.
	watchEvery = 500 * time.Millisecond
	// pulseEvery is how often it is asked whether it lives.
	pulseEvery = 5 * time.Second
)

// every calls a function again and again until the context ends.
func every(ctx context.Context, interval time.Duration, do func(context.Context)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do(ctx)
		}
	}
}

// weigh replaces a browser that takes too much memory, and kills pages that take too much.
func (b *browser) weigh(context.Context) {
	total, pages := memory(b.process.cmd.Process.Pid)
	for pid, taken := range pages {
		if taken > b.pool.cfg.PageBytes {
			b.pool.cfg.Logger.Warn("a page took too much memory", "bytes", taken, "limit", b.pool.cfg.PageBytes)
			killOne(pid)
		}
	}
	if total > b.pool.cfg.RecycleBytes {
		b.retire()
	}
}

// feel gives up the browser if it does not answer.
func (b *browser) feel(ctx context.Context) {
	patience := b.pool.cfg.Patience
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := b.conn.call(ctx, "", "Browser.getVersion", nil, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		b.conn.end(fmt.Errorf("it did not answer for %v", patience))
	}
}

// hear routes an event. It is called by the reader of the connection.
func (b *browser) hear(e event) {
	if e.Method == "Target.attachedToTarget" {
		b.attached(e)
		return
	}
	b.mu.Lock()
	p := b.sessions[e.Session]
	if e.Method == "Target.detachedFromTarget" {
		var gone struct {
			Session string `json:"sessionId"`
		}
		_ = json.Unmarshal(e.Params, &gone)
		delete(b.sessions, gone.Session)
	}
	b.mu.Unlock()
	if p != nil {
		p.hear(e)
	}
}

// attachment is the event Target.attachedToTarget.
type attachment struct {
	Session string `json:"sessionId"`
	Target  struct {
		ID      string `json:"targetId"`
		Type    string `json:"type"`
		URL     string `json:"url"`
		Context string `json:"browserContextId"`
	} `json:"targetInfo"`
	Waiting bool `json:"waitingForDebugger"`
}

// attached gives a new target to its page. A target without a page, such as the browser's first
// tab, is left waiting forever.
func (b *browser) attached(e event) {
	var a attachment
	if json.Unmarshal(e.Params, &a) != nil {
		return
	}
	b.mu.Lock()
	p := b.contexts[a.Target.Context]
	if p != nil {
		b.sessions[a.Session] = p
	}
	b.mu.Unlock()
	if p != nil {
		p.attached(a)
	}
}

// adopt assigns a page to its browser context.
func (b *browser) adopt(p *page) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.contexts[p.context] = p
}

// disown forgets a page.
func (b *browser) disown(p *page) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.contexts, p.context)
	for session, of := range b.sessions {
		if of == p {
			delete(b.sessions, session)
		}
	}
}
