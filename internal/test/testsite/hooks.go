package testsite

import (
	"net/http"
	"sync"
	"time"
)

// Hooks change what a site does at some paths, instead of or before its usual response. A
// path includes its query, as in "/page/1?a=b" for every host or "127.0.0.1:4711/page/1"
// for one. The last hook of a path replaces earlier ones. Hooks is safe for concurrent
// use; its zero value has no hooks.
type Hooks struct {
	mu       sync.Mutex
	hooks    map[string]hook
	releases []func()
	came     int  // requests so far
	held     hook // for requests beyond some number; nil if none is held
	free     int  // the number
}

// hook responds to a request and returns true, or leaves it to the usual handler.
type hook func(w http.ResponseWriter, r *http.Request) (answered bool)

func (h *Hooks) set(path string, do hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hooks == nil {
		h.hooks = make(map[string]hook)
	}
	h.hooks[path] = do
}

// intervene passes a request to its hook, if it has one.
func (h *Hooks) intervene(w http.ResponseWriter, r *http.Request, host string) (answered bool) {
	h.mu.Lock()
	h.came++
	do, held := h.hooks[host+r.RequestURI], hook(nil)
	if do == nil {
		do = h.hooks[r.RequestURI]
	}
	if h.came > h.free {
		held = h.held
	}
	h.mu.Unlock()
	return held != nil && held(w, r) || do != nil && do(w, r)
}

// HoldAfter blocks all requests after the first n that the site receives, until release is
// called, which may happen more than once, or the test ends. Then they are handled as usual. It
// replaces an earlier hold. So a crawl cannot end before the test has done something to it,
// however slow the machine is.
func (h *Hooks) HoldAfter(n int) (release func()) {
	_, release, wait := h.gate()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held, h.free = wait, n
	return release
}

// Handle makes a handler respond at a path.
func (h *Hooks) Handle(path string, handler http.Handler) {
	h.set(path, func(w http.ResponseWriter, r *http.Request) bool {
		handler.ServeHTTP(w, r)
		return true
	})
}

// Robots gives every host a robots.txt.
func (h *Hooks) Robots(text string) {
	h.Handle("/robots.txt", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(text))
	}))
}

// Delay delays the responses at a path.
func (h *Hooks) Delay(path string, d time.Duration) {
	h.set(path, func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-time.After(d):
			return false
		case <-r.Context().Done():
			return true
		}
	})
}

// Fail responds to the next requests at a path with these statuses, one after another,
// and to later ones as usual.
func (h *Hooks) Fail(path string, statuses ...int) {
	var mu sync.Mutex
	h.set(path, func(w http.ResponseWriter, _ *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if len(statuses) == 0 {
			return false
		}
		http.Error(w, http.StatusText(statuses[0]), statuses[0])
		statuses = statuses[1:]
		return true
	})
}

// Hang blocks the requests at a path until release is called, which may happen more than
// once, or the test ends. Then they are handled as usual. reached is closed when the
// first request has arrived.
func (h *Hooks) Hang(path string) (reached <-chan struct{}, release func()) {
	reached, release, wait := h.gate()
	h.set(path, wait)
	return reached, release
}

// gate returns a hook that blocks requests until release is called.
func (h *Hooks) gate() (reached <-chan struct{}, release func(), wait hook) {
	came, released := make(chan struct{}), make(chan struct{})
	arrive := sync.OnceFunc(func() { close(came) })
	release = sync.OnceFunc(func() { close(released) })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.releases = append(h.releases, release)
	return came, release, func(_ http.ResponseWriter, r *http.Request) bool {
		arrive()
		select {
		case <-released:
			return false
		case <-r.Context().Done():
			return true
		}
	}
}

func (h *Hooks) releaseAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, release := range h.releases {
		release()
	}
}
