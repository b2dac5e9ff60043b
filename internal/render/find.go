package render

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
)

// names are the commands of Chromium and of browsers based on it, in order of preference.
var names = []string{
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
	"chrome-headless-shell", "headless-shell",
}

// bundles are their paths on macOS.
var bundles = []string{
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
}

// Find returns the path of a browser: of the named one, or, with "", of a Chromium on PATH. The
// address of a remote one is returned as it is. The error is ErrNoBrowser, and lists the names that
// were looked for.
func Find(browser string) (string, error) {
	if remote(browser) {
		return browser, nil
	}
	if browser != "" {
		path, err := exec.LookPath(browser)
		if err != nil {
			return "", fmt.Errorf("%w at %q: %w; name a Chromium's path, or the address of a remote one (ws://…)",
				ErrNoBrowser, browser, err)
		}
		return path, nil
	}
	looked := names
	if runtime.GOOS == "darwin" {
		looked = append(looked[:len(looked):len(looked)], bundles...)
	}
	for _, name := range looked {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: PATH has none of %s; install Chromium, name its path, or the address of a remote one (ws://…)",
		ErrNoBrowser, strings.Join(looked, ", "))
}

// Examined describes a browser that was started, or connected to, only to examine it.
type Examined struct {
	Path      string // or the address
	Version   string // in its own words, such as "Chrome/156.0.1.2"
	Remote    bool   // it was connected to by its address: the fields below are zero, except Pages
	Sandbox   bool   // its pages are in Chromium's sandbox
	NoNetwork bool   // it has no network interfaces
	Pages     int    // how many pages a worker would render at once
}

// Examine starts a browser, or connects to it, and ends it again. Its errors are those of [Open].
func Examine(ctx context.Context, cfg Config) (Examined, error) {
	p, err := Open(ctx, cfg)
	if err != nil {
		return Examined{}, err
	}
	e := Examined{Path: p.path, Remote: remote(p.path), Pages: p.cfg.MaxContexts}
	p.mu.Lock()
	if p.current != nil { // otherwise it was lost already
		e.Version = p.current.version
	}
	p.mu.Unlock()
	if !e.Remote {
		e.Sandbox, e.NoNetwork = p.how[0].sandbox, p.how[0].network
	}
	return e, p.Close()
}
