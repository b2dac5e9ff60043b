package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
)

// Bare is a browser that only shows pages, to compare ways of intercepting requests.
type Bare struct {
	conn  *connection
	cmd   *exec.Cmd
	proxy string // requests go through it; "" intercepts them by the domain Fetch

	mu    sync.Mutex
	pages map[string]func(event) // by session
}

// StartBare starts a browser. Its requests go to the proxy at an address of this machine, or, if
// proxy is "", are intercepted by the domain Fetch.
func StartBare(dir, proxy string) (*Bare, error) {
	path, err := Find("")
	if err != nil {
		return nil, err
	}
	commandsOut, commandsIn, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answersOut, answersIn, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	args := arguments(dir, false, pageBytes/2)
	if proxy != "" { // the last one counts
		args = append(args, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
	}
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Dir, cmd.ExtraFiles = environment(dir), dir, []*os.File{commandsOut, answersIn}
	isolate(cmd, isolation{})
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	commandsOut.Close()
	answersIn.Close()
	b := &Bare{cmd: cmd, proxy: proxy, pages: map[string]func(event){}}
	b.conn = connect(newPipe(answersOut, commandsIn), b.hear)
	return b, nil
}

// PID returns the process of the browser.
func (b *Bare) PID() int { return b.cmd.Process.Pid }

// Close ends the browser.
func (b *Bare) Close() {
	b.conn.close()
	killAll(b.PID())
	_ = b.cmd.Wait() // it was killed
}

func (b *Bare) hear(e event) {
	b.mu.Lock()
	page := b.pages[e.Session]
	b.mu.Unlock()
	if page != nil {
		page(e)
	}
}

// Show shows a page until an expression is true in it. Without a proxy, answer answers requests.
func (b *Bare) Show(ctx context.Context, url, until string, answer func(url string) Answer) error {
	var made struct {
		Context string `json:"browserContextId"`
		Target  string `json:"targetId"`
		Session string `json:"sessionId"`
	}
	proxy := nowhere
	if b.proxy != "" {
		proxy = b.proxy
	}
	err := b.conn.call(ctx, "", "Target.createBrowserContext",
		object{"proxyServer": proxy, "proxyBypassList": noBypass}, &made)
	if err != nil {
		return err
	}
	defer b.conn.post("", "Target.disposeBrowserContext", object{"browserContextId": made.Context})
	err = b.conn.call(ctx, "", "Target.createTarget",
		object{"url": "about:blank", "browserContextId": made.Context}, &made)
	if err == nil {
		err = b.conn.call(ctx, "", "Target.attachToTarget", object{"targetId": made.Target, "flatten": true}, &made)
	}
	if err != nil {
		return err
	}
	p := &page{b: &browser{conn: b.conn}, ctx: ctx}
	defer p.tasks.Wait()
	b.mu.Lock()
	b.pages[made.Session] = func(e event) {
		var paused pausedRequest
		if e.Method == "Fetch.requestPaused" && json.Unmarshal(e.Params, &paused) == nil {
			p.fulfil(made.Session, paused.ID, answer(paused.Request.URL))
		}
	}
	b.mu.Unlock()
	if b.proxy == "" {
		b.conn.post(made.Session, "Fetch.enable", object{"patterns": []object{{"urlPattern": "*"}}})
	}
	var went struct {
		Error string `json:"errorText"`
	}
	if err := b.conn.call(ctx, made.Session, "Page.navigate", object{"url": url}, &went); err != nil || went.Error != "" {
		return errors.Join(err, errors.New(went.Error))
	}
	var got evaluated
	err = b.conn.call(ctx, made.Session, "Runtime.evaluate", object{"awaitPromise": true, "returnByValue": true,
		"expression": "(async () => { while (!(" + until + ")) await new Promise(r => setTimeout(r, 10)); return true })()",
	}, &got)
	if err == nil && got.Thrown != nil {
		err = fmt.Errorf("%s: %s", url, got.Thrown.Text)
	}
	return err
}
