package simweb

import (
	"math"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Web is a simulated web. It is safe for concurrent use.
type Web struct {
	cfg    Config
	first  []int64 // by host: the number of its page 0 among all pages; one more at the end
	ledger *Ledger
}

// Ref names a page.
type Ref struct{ Host, Page int }

// New makes a web.
func New(cfg Config) (*Web, error) {
	if cfg.Naming == nil {
		cfg.Naming = Names{}
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	w := &Web{cfg: cfg, first: make([]int64, cfg.Hosts+1)}
	scale := cfg.scale()
	for i := range cfg.Hosts {
		w.first[i+1] = w.first[i] + cfg.size(i, scale)
	}
	w.ledger = newLedger(w)
	return w, nil
}

// size is how many pages the host of a rank has, when the first one has scale.
func (c Config) size(rank int, scale float64) int64 {
	return max(1, int64(scale/math.Pow(float64(rank+1), c.Skew)))
}

// scale is the size of the first host with which there are about as many pages
// as there should be.
func (c Config) scale() float64 {
	low, high := 1.0, float64(c.Pages)
	for range 40 {
		middle, pages := (low+high)/2, int64(0)
		for i := range c.Hosts {
			pages += c.size(i, middle)
		}
		if pages > int64(c.Pages) {
			high = middle
		} else {
			low = middle
		}
	}
	return low
}

// Hosts is how many hosts there are.
func (w *Web) Hosts() int { return w.cfg.Hosts }

// Pages is how many pages there are, those that cannot be had among them.
func (w *Web) Pages() int { return int(w.first[w.cfg.Hosts]) }

// Size is how many pages a host has.
func (w *Web) Size(host int) int { return int(w.first[host+1] - w.first[host]) }

// Ledger is what was asked for.
func (w *Web) Ledger() *Ledger { return w.ledger }

// Origin is the URL of a host without a path.
func (w *Web) Origin(host int) string { return "http://" + w.cfg.Naming.Name(host) }

// URL is the URL of a page.
func (w *Web) URL(r Ref) string { return w.Origin(r.Host) + w.path(r) }

// hostOf reads the name of a host.
func (w *Web) hostOf(name string) (host int, ok bool) {
	host, ok = w.cfg.Naming.Number(name)
	return host, ok && host < w.cfg.Hosts
}

const (
	publicPath  = "/articles/"
	privatePath = "/private/"
)

// path is the path of a page.
func (w *Web) path(r Ref) string {
	switch {
	case r.Page == 0:
		return "/"
	case w.private(r):
		return privatePath + strconv.Itoa(r.Page) + ".html"
	}
	return publicPath + strconv.Itoa(r.Page) + ".html"
}

// pageOf reads a path.
func (w *Web) pageOf(host int, path string) (Ref, bool) {
	r := Ref{Host: host}
	if path != "/" {
		name := strings.TrimPrefix(strings.TrimPrefix(path, publicPath), privatePath)
		page, err := strconv.Atoi(strings.TrimSuffix(name, ".html"))
		if err != nil || page < 0 || page >= w.Size(host) {
			return r, false
		}
		r.Page = page
	}
	return r, w.path(r) == path
}

// popular returns a host for a number between 0 and 1, such that each page of
// the web is as likely as any other.
func (w *Web) popular(where float64) int {
	page := int64(where * float64(w.Pages()))
	return sort.Search(w.cfg.Hosts, func(i int) bool { return w.first[i+1] > page })
}

// What is so of a host or page, always.

func (w *Web) dead(host int) bool  { return host > 0 && w.chance(saltDead, host, 0) < w.cfg.Dead }
func (w *Web) ruled(host int) bool { return w.chance(saltRuled, host, 0) < w.cfg.Ruled }
func (w *Web) private(r Ref) bool {
	return r.Page > 0 && w.chance(saltPrivate, r.Host, r.Page) < w.cfg.Private
}
func (w *Web) forbidden(r Ref) bool { return w.private(r) && w.ruled(r.Host) }

// status is what the page answers, where it may be asked for.
func (w *Web) status(r Ref) int {
	if r.Page == 0 {
		return 200
	}
	switch where := w.chance(saltStatus, r.Host, r.Page); {
	case where < w.cfg.Gone:
		return 404
	case where < w.cfg.Gone+w.cfg.Failing:
		return 500
	}
	return 200
}

// readable says that the page gives its links to whoever obeys robots.txt.
func (w *Web) readable(r Ref) bool { return !w.forbidden(r) && w.status(r) == 200 }

// latency is how long the host takes to answer.
func (w *Web) latency(host int) time.Duration {
	if w.cfg.Latency == 0 {
		return 0
	}
	slow := 1.0
	if w.chance(saltSlow, host, 0) < 0.01 {
		slow = 10
	}
	return time.Duration(slow * float64(w.cfg.Latency) * (0.5 + w.chance(saltLatency, host, 0)))
}

// What chance is about.
const (
	saltDead = iota + 1
	saltRuled
	saltPrivate
	saltStatus
	saltSlow
	saltLatency
	saltLinks
)

// chance is a number from 0 to less than 1 that depends on nothing but the seed
// and what it is about.
func (w *Web) chance(salt, host, page int) float64 {
	x := w.cfg.Seed*0x9e3779b97f4a7c15 ^ uint64(salt)<<56 ^
		uint64(host)*0xd1342543de82ef95 ^ uint64(page)*0xaef17502108ef2d9
	for range 2 { // the finalizer of SplitMix64
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return float64(x>>11) / (1 << 53)
}
