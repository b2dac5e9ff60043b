package render

import (
	_ "embed"
	"net/url"
	"slices"
	"strings"
)

// Block says which requests of a page are not made. The zero value blocks nothing; [Default] is
// what a crawl begins with.
type Block struct {
	Kinds []Kind   // in Blocked, Why is the kind
	Hosts []string // and their subdomains; in Blocked, Why is "tracker"
}

// Default returns the requests that are not made unless an operator says otherwise: kinds that do
// not change a page's text and links, and hosts that measure or advertise. If pictures is true,
// images and fonts are fetched, because a screenshot needs them.
func Default(pictures bool) Block {
	b := Block{
		Kinds: []Kind{KindMedia, KindTextTrack, KindPrefetch, KindEventSource, KindWebSocket,
			KindManifest, KindPing, KindReport},
		Hosts: Trackers(),
	}
	if !pictures {
		b.Kinds = append(b.Kinds, KindImage, KindFont)
	}
	return b
}

//go:embed trackers.txt
var trackers string

// Trackers returns the hosts that measure visitors or advertise, in alphabetical order.
func Trackers() []string {
	var hosts []string
	for line := range strings.Lines(trackers) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			hosts = append(hosts, line)
		}
	}
	return hosts
}

// blocker decides by a Block.
type blocker struct {
	kinds []Kind
	hosts map[string]bool
}

func newBlocker(b Block) blocker {
	hosts := make(map[string]bool, len(b.Hosts))
	for _, h := range b.Hosts {
		hosts[strings.ToLower(h)] = true
	}
	return blocker{kinds: b.Kinds, hosts: hosts}
}

// why returns why a request is not made, or "".
func (b blocker) why(u *url.URL, kind Kind) string {
	if slices.Contains(b.kinds, kind) {
		return string(kind)
	}
	for name, more := strings.ToLower(u.Hostname()), true; more; _, name, more = strings.Cut(name, ".") {
		if b.hosts[name] {
			return "tracker"
		}
	}
	return ""
}
