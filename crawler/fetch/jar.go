package fetch

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

// Bounds of what a jar keeps. A host that sets more has its oldest forgotten.
const (
	jarHosts      = 1024     // of a job, those that were asked last: 16 MiB at most
	hostCookies   = 50       // as many as RFC 6265, 6.1 asks for at least
	hostBytes     = 16 << 10 // of names, values and paths
	longestCookie = 4096     // name and value together (RFC 6265bis, 5.6)
	longestPath   = 1024     // the same of an attribute
)

// Jar keeps the cookies of one job, by host and port, in memory. A cookie goes
// back to the host that set it and nowhere else, whatever Domain it names: the
// hosts of a job are visited by different workers, at the same time. One that
// came over TLS goes back over TLS alone. It is safe for concurrent use.
type Jar struct {
	mu     sync.Mutex
	kept   map[string]*list.Element // of *hostJar, by host and port
	recent *list.List               // the one that was asked last is in front
}

// hostJar are the cookies of one host. The standard library knows which are to be
// sent; here they are counted.
type hostJar struct {
	host    string
	jar     *cookiejar.Jar
	cookies []*http.Cookie // that were set, the oldest first
	size    int            // of them together
}

// NewJar returns an empty jar.
func NewJar() *Jar { return &Jar{kept: make(map[string]*list.Element), recent: list.New()} }

// Cookies returns what is to be sent with a request for u.
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

// SetCookies takes in what came with the answer for u.
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

// of returns the cookies of a host.
func (j *Jar) of(host string) *hostJar {
	if e := j.kept[host]; e != nil {
		j.recent.MoveToFront(e)
		return e.Value.(*hostJar)
	}
	jar, err := cookiejar.New(nil)
	if err != nil { // it is always nil
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
	switch lower := strings.ToLower(c.Name); {
	case len(c.Name)+len(c.Value) > longestCookie, len(c.Path) > longestPath:
		return false
	case domain != "" && domain != name && !strings.HasSuffix(name, "."+domain):
		return false
	case c.Secure && !secure:
		return false
	case strings.HasPrefix(lower, "__secure-"):
		return c.Secure
	case strings.HasPrefix(lower, "__host-"):
		return c.Secure && c.Path == "/" && c.Domain == ""
	}
	return true
}

// set keeps a cookie, or forgets it when it says so, and then the oldest where
// there are too many.
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

// drop counts a cookie no more.
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
