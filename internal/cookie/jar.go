package cookie

import (
	"container/list"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of a jar. If a host sets more cookies, its oldest are dropped.
const (
	jarHosts      = 1024     // hosts of a job, those requested last: 16 MiB at most
	hostCookies   = 50       // the minimum that RFC 6265, 6.1 requires
	hostBytes     = 16 << 10 // of names, values and paths
	longestCookie = 4096     // name and value together (RFC 6265bis, 5.6)
	longestPath   = 1024     // the same, for an attribute
)

// Jar keeps the cookies of one job in memory, by host and port. A cookie is only sent back
// to the host that set it, whatever Domain it names, because the hosts of a job are visited
// by different workers at the same time. A cookie received over TLS is only sent over TLS.
// A Jar is safe for concurrent use.
type Jar struct {
	mu     sync.Mutex
	kept   map[string]*list.Element // of *hostJar, by host and port
	recent *list.List               // most recently used first
}

// hostJar holds the cookies of one host. The standard library decides which to send; this
// type counts them.
type hostJar struct {
	host    string
	jar     *cookiejar.Jar
	cookies []*http.Cookie // oldest first
	size    int            // total size
	preset  map[string]bool
}

// NewJar returns an empty jar.
func NewJar() *Jar { return &Jar{kept: make(map[string]*list.Element), recent: list.New()} }

// Cookies returns the cookies to send with a request for u.
func (j *Jar) Cookies(u *url.URL) []*http.Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.kept[u.Host]
	if e == nil {
		return nil
	}
	j.recent.MoveToFront(e)
	return e.Value.(*hostJar).jar.Cookies(u)
}

// SetCookies adds the cookies of the answer for u.
func (j *Jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	if len(cookies) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	h := j.of(u.Host)
	for _, c := range cookies {
		if acceptable(u, c) {
			h.set(u, c)
		}
	}
}

// Preset adds cookies that an operator configured, as if the host of u had set them for all its
// paths. It adds a name only once: later calls leave alone what the host has made of it. Only
// names and values count, and Secure, for a cookie that is never sent without TLS.
func (j *Jar) Preset(u *url.URL, cookies []*http.Cookie) {
	if len(cookies) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	h := j.of(u.Host)
	for _, c := range cookies {
		if h.preset[c.Name] {
			continue
		}
		if h.preset == nil {
			h.preset = make(map[string]bool)
		}
		h.preset[c.Name] = true
		at := &url.URL{Scheme: "http", Host: u.Host, Path: "/"}
		if c.Secure {
			at.Scheme = "https"
		}
		h.set(at, &http.Cookie{Name: c.Name, Value: c.Value, Path: "/"})
	}
}

// of returns the cookies of a host.
func (j *Jar) of(host string) *hostJar {
	if e := j.kept[host]; e != nil {
		j.recent.MoveToFront(e)
		return e.Value.(*hostJar)
	}
	jar, err := cookiejar.New(nil)
	if err != nil { // never happens
		panic("fetch: " + err.Error())
	}
	h := &hostJar{host: host, jar: jar}
	j.kept[host] = j.recent.PushFront(h)
	if len(j.kept) > jarHosts {
		last := j.recent.Back()
		delete(j.kept, last.Value.(*hostJar).host)
		j.recent.Remove(last)
	}
	return h
}

// acceptable reports whether a host may set a cookie (RFC 6265bis, 5.7).
func acceptable(u *url.URL, c *http.Cookie) bool {
	secure := u.Scheme == "https"
	domain := strings.ToLower(strings.TrimPrefix(c.Domain, "."))
	name := u.Hostname()
	lower := strings.ToLower(c.Name)
	if lower == "" { // a cookie without a name is sent as its value, which could look like a name
		lower = strings.ToLower(c.Value)
	}
	switch {
	case len(c.Name)+len(c.Value) > longestCookie, len(c.Path) > longestPath:
		return false
	case domain != "" && domain != name && !strings.HasSuffix(name, "."+domain):
		return false
	case c.Secure && !secure:
		return false
	case c.Name == "" && (strings.HasPrefix(lower, "__secure-") || strings.HasPrefix(lower, "__host-")):
		return false
	case strings.HasPrefix(lower, "__secure-"):
		return c.Secure
	case strings.HasPrefix(lower, "__host-"):
		return c.Secure && c.Path == "/" && c.Domain == ""
	}
	return true
}

// set keeps a cookie, or removes it if it is expired. If there are too many, it removes the
// oldest.
func (h *hostJar) set(u *url.URL, c *http.Cookie) {
	own := *c
	own.Domain = ""
	own.Secure = own.Secure || u.Scheme == "https"
	if !strings.HasPrefix(own.Path, "/") {
		own.Path = defaultPath(u.Path)
	}
	h.drop(slices.IndexFunc(h.cookies, func(k *http.Cookie) bool { return k.Name == own.Name && k.Path == own.Path }))
	h.jar.SetCookies(u, []*http.Cookie{&own})
	if own.MaxAge < 0 || own.MaxAge == 0 && !own.Expires.IsZero() && own.Expires.Before(time.Now()) {
		return
	}
	own.Raw, own.Unparsed, own.RawExpires = "", nil, ""
	h.cookies = append(h.cookies, &own)
	h.size += sizeOf(&own)
	for len(h.cookies) > hostCookies || h.size > hostBytes {
		oldest := *h.cookies[0]
		h.drop(0)
		oldest.MaxAge = -1
		h.jar.SetCookies(&url.URL{Scheme: "https", Host: h.host, Path: "/"}, []*http.Cookie{&oldest})
	}
}

// drop stops counting a cookie.
func (h *hostJar) drop(i int) {
	if i >= 0 {
		h.size -= sizeOf(h.cookies[i])
		h.cookies = slices.Delete(h.cookies, i, i+1)
	}
}

func sizeOf(c *http.Cookie) int { return len(c.Name) + len(c.Value) + len(c.Path) }

// defaultPath is RFC 6265, 5.1.4.
func defaultPath(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 {
		return "/"
	}
	return path[:i]
}
