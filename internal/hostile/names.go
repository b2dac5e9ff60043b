package hostile

import (
	"fmt"
	"net"
	"net/http"
)

var names = []Misbehaviour{
	{
		Name: "name-inside", Does: "has a name whose address is forbidden", Trawl: "judges the address, not the name", Limit: limitAddresses,
		rig: named("inside", func(*Host, int) []string { return []string{"60 A " + forbiddenAddress} }, blocked),
	}, {
		Name: "name-alias", Does: "has a name that is an alias of localhost", Trawl: "the same", Limit: limitAddresses,
		rig: named("alias", func(*Host, int) []string { return []string{"60 CNAME localhost.", "60 A 127.0.0.1"} }, disallowed("")),
	}, {
		Name: "name-mapped", Does: "has a name whose address of IPv6 hides a forbidden one", Trawl: "the same", Limit: limitAddresses,
		rig: named("mapped", func(*Host, int) []string { return []string{"60 AAAA 64:ff9b::7f42:606"} }, disallowed("address")),
	}, {
		Name: "rebinding", Does: "names an open address when it is first asked, and a forbidden one from then on", Trawl: "connects to the address that it judged, and judges each that it is told", Limit: limitTTL,
		rig: named("rebinding", func(h *Host, asked int) []string {
			if asked == 0 {
				return []string{"0 A " + h.address}
			}
			return []string{"0 A " + forbiddenAddress}
		}, fetched),
	}, {
		Name: "name-mixed", Does: "names a forbidden address and an open one", Trawl: "connects to the open one alone", Limit: limitAddresses,
		rig: named("mixed", func(h *Host, _ int) []string {
			return []string{"60 A " + forbiddenAddress, "60 A " + h.address, "60 AAAA ::ffff:127.66.6.6"}
		}, fetched),
	}, {
		Name: "name-flood", Does: "names a thousand forbidden addresses", Trawl: "judges them all, and connects to none", Limit: limitAddresses,
		rig: named("flood", func(*Host, int) []string {
			var all []string
			for i := range 1000 {
				all = append(all, fmt.Sprintf("60 A 127.66.%d.%d", i/250+6, i%250+6))
			}
			return all
		}, disallowed("loopback address")),
	}, {
		Name: "name-loop", Does: "has a name that is an alias of itself", Trawl: "finds no address",
		rig: named("loop", func(*Host, int) []string { return []string{"60 CNAME loop" + zoneName + "."} }, disallowed("resolve")),
	}, {
		Name: "name-silent", Does: "has a name server that never answers", Trawl: "gives up in time", Limit: limitConnect,
		rig: named("silent", func(*Host, int) []string { return []string{"nothing"} }, disallowed("resolve")),
	}, {
		Name: "name-missing", Does: "links to a name that there is not", Trawl: "fails the page at once", Fate: fetched,
		rig: func(h *Host) {
			url := "http://missing" + zoneName + "/"
			h.lead(url, url, disallowed("no such host"))
		},
	},
}

// named leads to the host's own port by a name with such records.
func named(label string, records func(h *Host, asked int) []string, f Fate) func(*Host) {
	return func(h *Host) {
		name := h.web.names.name(label, func(asked int) []string { return records(h, asked) })
		port := h.web.forbiddenPort()
		if f.Outcome == "fetched" {
			_, port, _ = net.SplitHostPort(h.at)
			h.pages["/by-name/"+label] = func(w http.ResponseWriter, r *http.Request) { markupOf("<title>by name</title>")(w, r) }
		}
		url := "http://" + name + ":" + port + "/by-name/" + label
		h.lead(url, url, f)
	}
}
