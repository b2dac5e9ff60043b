package main

import (
	"fmt"
	"hash/fnv"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// shape describes a web. Everything about a web follows from the names of its hosts.
type shape struct {
	hosts int
}

const (
	domain    = ".broad.test"
	mostPages = 200       // of a host
	leastSize = 2 << 10   // of a page, in bytes
	mostSize  = 512 << 10 // of a page
	linksEach = 20        // links of a page to others of its host, at most
	elsewhere = 3         // links of a page to other hosts
)

// Shares of the names, in thousandths.
const (
	absentNames  = 30 // do not exist
	failingNames = 10 // the name server fails for them
	slowNames    = 20 // the name server takes a second or two
)

// name returns the name of a host.
func (s shape) name(host int) string { return "h" + strconv.Itoa(host) + domain }

// hostOf returns the host of a name.
func (s shape) hostOf(name string) (host int, ok bool) {
	number, found := strings.CutSuffix(strings.TrimPrefix(strings.ToLower(name), "h"), domain)
	host, err := strconv.Atoi(number)
	return host, found && err == nil && host >= 0 && host < s.hosts
}

// draw returns a number in [0, 1) for something about a host.
func draw(host int, what string) float64 {
	h := fnv.New64a()
	fmt.Fprint(h, host, what)
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}

// pareto returns a long-tailed number: at least least, at most most.
func pareto(u, alpha, least, most float64) int {
	return int(min(least*math.Pow(1-u, -1/alpha), most))
}

// pages returns how many pages a host has: half have one, one in a hundred more than thirty.
func (s shape) pages(host int) int { return pareto(draw(host, "pages"), 1.3, 1, mostPages) }

// size returns about how long a page is.
func (s shape) size(host, page int) int {
	return pareto(draw(host*mostPages+page, "size"), 1.2, leastSize, mostSize)
}

// secure reports whether a host speaks TLS.
func (s shape) secure(host int) bool { return draw(host, "tls") < 0.5 }

// address returns the address of a host: somewhere in 127.0.0.0/8, but not 127.0.0.1 itself.
func (s shape) address(host int) netip.Addr {
	n := 2 + int(draw(host, "address")*(1<<24-4))
	return netip.AddrFrom4([4]byte{127, byte(n >> 16), byte(n >> 8), byte(n)})
}

// naming is how the name server treats the name of a host.
type naming int

const (
	named naming = iota
	absent
	failing
)

// naming returns how the name server treats the name of a host, and how long it takes.
func (s shape) naming(host int) (naming, time.Duration) {
	took := time.Duration(-math.Log(1-draw(host, "latency")) * float64(15*time.Millisecond))
	switch kind := int(draw(host, "naming") * 1000); {
	case kind < absentNames:
		return absent, took
	case kind < absentNames+failingNames:
		return failing, took
	case kind < absentNames+failingNames+slowNames:
		return named, time.Second + time.Duration(draw(host, "slow")*float64(time.Second))
	}
	return named, took
}

// expected returns how many hosts can be reached, and how many pages they have.
func (s shape) expected() (hosts, pages int) {
	for host := range s.hosts {
		if kind, _ := s.naming(host); kind == named {
			hosts++
			pages += s.pages(host)
		}
	}
	return hosts, pages
}
