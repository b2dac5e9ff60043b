package hostile

import (
	"net/http"
	"slices"
)

// Misbehaviour is one thing that a server may do to a crawler.
type Misbehaviour struct {
	Name  string // "endless-body": of letters, digits and hyphens
	Does  string // what the server does
	Trawl string // what Trawl does about it
	Limit Limit  // the limit that applies; the zero Limit if none does
	Fate  Fate   // of /NAME at its host, if page is set

	page  http.HandlerFunc // serves /NAME; nil if only setup is set
	setup func(*Host)      // adds other pages and servers; may be nil
}

// Fate is the expected result for a URL.
type Fate struct {
	Outcome   string // of its record, such as "fetched" or "fetched or failed"; "" for any, or for no record
	Error     string // a part of the record's error; "" for any
	Truncated bool
	// Read says that the page begins with a link to another page, which must be followed.
	Read bool
	// MaxRequests bounds the number of requests for this path and the paths below it. -1 allows
	// none; 0 means no bound.
	MaxRequests int
}

// Common fates.
var (
	fetched = Fate{Outcome: "fetched"}
	read    = Fate{Outcome: "fetched", Read: true}
	cut     = Fate{Outcome: "fetched", Truncated: true, Read: true}
)

// failed is the fate of a URL that fails with an error that contains text.
func failed(text string) Fate { return Fate{Outcome: "failed", Error: text} }

// disallowed is the fate of a URL whose robots.txt could not be fetched.
func disallowed(text string) Fate { return Fate{Outcome: "disallowed", Error: text} }

// Group is a group of misbehaviours of one kind.
type Group struct {
	Title string
	All   []Misbehaviour
}

// Groups lists all misbehaviours.
func Groups() []Group {
	return []Group{
		{"Bodies", bodies}, {"Content codings", codings}, {"Malformed HTTP", framing}, {"Headers", headers},
		{"Silence", silences}, {"Redirects", redirects}, {"Markup", markup}, {"Traps", traps}, {"robots.txt", robots},
		{"Sitemaps", sitemaps}, {"Refusals", refusals}, {"Ways to a forbidden address", forbiddenLinks},
		{"Names", names}, {"Words", words}, {"Pages in a browser", scripts},
	}
}

// List returns all misbehaviours in one list.
func List() []Misbehaviour {
	var all []Misbehaviour
	for _, g := range Groups() {
		all = slices.Concat(all, g.All)
	}
	return all
}

// Words returns the misbehaviours that concern text: script for browsers, escape
// sequences for terminals, file names.
func Words() []Misbehaviour { return words }
