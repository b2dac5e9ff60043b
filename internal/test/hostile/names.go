package hostile

import (
	"fmt"
	"net"
	"net/http"
)

var names = []Misbehaviour{
	{
		Name: "name-inside", Does: "has a name with a forbidden address", Trawl: "checks the address, not the name",
		Limit: limitAddresses,
		setup: named("inside", func(*Host, int) []string { return []string{"60 A " + forbiddenAddress} }, blocked),
	}, {
		Name: "name-alias", Does: "has a name that is an alias of localhost", Trawl: "the same", Limit: limitAddresses,
		setup: named("alias", func(*Host, int) []string { return []string{"60 CNAME localhost.", "60 A 127.0.0.1"} },
			failed("")),
	}, {
		Name: "name-mapped", Does: "has a name with an IPv6 address that contains a forbidden one", Trawl: "the same",
		Limit: limitAddresses,
		setup: named("mapped", func(*Host, int) []string { return []string{"60 AAAA 64:ff9b::7f42:606"} },
			failed("address")),
	}, {
		Name: "rebinding", Does: "resolves to an allowed address at first, and to a forbidden one from then on",
		Trawl: "connects to the address that it checked, and checks every address", Limit: limitTTL,
		setup: named("rebinding", func(h *Host, asked int) []string {
			if asked == 0 {
				return []string{"0 A " + h.address}
			}
			return []string{"0 A " + forbiddenAddress}
		}, fetched),
	}, {
		Name: "name-mixed", Does: "resolves to a forbidden address and an allowed one",
		Trawl: "connects only to the allowed one", Limit: limitAddresses,
		setup: named("mixed", func(h *Host, _ int) []string {
			return []string{"60 A " + forbiddenAddress, "60 A " + h.address, "60 AAAA ::ffff:127.66.6.6"}
		}, fetched),
	}, {
		Name: "name-flood", Does: "resolves to a thousand forbidden addresses",
		Trawl: "checks them all and connects to none", Limit: limitAddresses,
		setup: named("flood", func(*Host, int) []string {
			var all []string
			for i := range 1000 {
				all = append(all, fmt.Sprintf("60 A 127.66.%d.%d", i/250+6, i%250+6))
			}
			return all
		}, failed("loopback address")),
	}, {
		Name: "name-loop", Does: "has a name that is an alias of itself", Trawl: "finds no address",
		setup: named("loop", func(*Host, int) []string { return []string{"60 CNAME loop" + zoneName + "."} },
			failed("resolve")),
	}, {
		Name: "name-silent", Does: "has a name server that never answers", Trawl: "gives up at the limit",
		Limit: limitConnect,
		setup: named("silent", func(*Host, int) []string { return []string{"nothing"} }, failed("resolve")),
	}, {
		Name: "name-missing", Does: "links to a name that does not exist", Trawl: "fails the page at once",
		Fate: fetched,
		setup: func(h *Host) {
			url := "http://missing" + zoneName + "/"
			h.expectLink(url, url, failed("no such host"))
		},
	},
}

// named links to a name with these records: at the port of the host, or at the forbidden port if
// the page must fail.
func named(label string, records func(h *Host, asked int) []string, f Fate) func(*Host) {
	return func(h *Host) {
		name := h.web.names.name(label, func(asked int) []string { return records(h, asked) })
		port := h.web.forbiddenPort()
		if f.Outcome == "fetched" {
			_, port, _ = net.SplitHostPort(h.addr)
			h.pages["/by-name/"+label] = func(w http.ResponseWriter, r *http.Request) {
				htmlPage("<title>by name</title>")(w, r)
			}
		}
		url := "http://" + name + ":" + port + "/by-name/" + label
		h.expectLink(url, url, f)
	}
}
