package testsite

import (
	"net/http"
	"sync"
	"time"
)

// Hooks are what a site was told to do at some paths instead of, or before, its
// usual answer. A path is given with its query, as "/page/1?a=b" for every host
// or as "127.0.0.1:4711/page/1" for one. The last hook of a path replaces the
// ones before. It is safe for concurrent use; its zero value has none.
type Hooks struct {
	mu       sync.Mutex
	hooks    map[string]hook
	releases []func()
}

// hook answers a request and returns true, or leaves it to the usual handler.
type hook func(w http.ResponseWriter, r *http.Request) (answered bool)

func (h *Hooks) set(path string, do hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hooks == nil {
		h.hooks = make(map[string]hook)
	}
	h.hooks[path] = do
}

// intervene gives a request to its hook, if it has one.
func (h *Hooks) intervene(w http.ResponseWriter, r *http.Request, host string) (answered bool) {
	h.mu.Lock()
	do := h.hooks[host+r.RequestURI]
	if do == nil {
		do = h.hooks[r.RequestURI]
	}
	h.mu.Unlock()
	return do != nil && do(w, r)
}

// Handle lets a handler answer at a path.
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

// Delay makes the answers at a path come so much later.
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

// Fail answers the next requests at a path with these statuses, one after the
// other, and later ones as usual.
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

// Hang keeps the requests at a path waiting until release is called, once or
// more often, or the test ends; then they are answered as usual. reached is
// closed when the first of them has come.
func (h *Hooks) Hang(path string) (reached <-chan struct{}, release func()) {
	came, released := make(chan struct{}), make(chan struct{})
	arrive := sync.OnceFunc(func() { close(came) })
	release = sync.OnceFunc(func() { close(released) })
	h.set(path, func(_ http.ResponseWriter, r *http.Request) bool {
		arrive()
		select {
		case <-released:
			return false
		case <-r.Context().Done():
			return true
		}
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.releases = append(h.releases, release)
	return came, release
}

func (h *Hooks) releaseAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, release := range h.releases {
		release()
	}
}
