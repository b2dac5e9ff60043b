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
	Limit Limit  // that it meets; the zero one where none is needed
	Fate  Fate   // of what is at /NAME of its host, where page is set

	page http.HandlerFunc // what is at /NAME; nil where only rig is set
	rig  func(*Host)      // what else is set up; may be nil
}

// Fate is what becomes of a URL.
type Fate struct {
	Outcome   string // of its record: "fetched", "fetched or failed"; "" for any, or no record
	Error     string // a part of the record's; "" for any
	Truncated bool
	// Read says that the page begins with a link to another, which is followed.
	Read bool
	// Most bounds the requests for this path and what is beneath it; -1: there may
	// be none. 0: they are not counted.
	Most int
}

// Fates that are met often.
var (
	fetched = Fate{Outcome: "fetched"}
	read    = Fate{Outcome: "fetched", Read: true}
	cut     = Fate{Outcome: "fetched", Truncated: true, Read: true}
)

// failed is the fate of what ends with such an error.
func failed(text string) Fate { return Fate{Outcome: "failed", Error: text} }

// disallowed is the fate of what is behind a robots.txt that can not be had.
func disallowed(text string) Fate { return Fate{Outcome: "disallowed", Error: text} }

// Group is some misbehaviours of one kind.
type Group struct {
	Title string
	All   []Misbehaviour
}

// Groups lists all misbehaviours.
func Groups() []Group {
	return []Group{
		{"Bodies", bodies}, {"Content codings", codings}, {"What is no HTTP, or hardly", framing}, {"Headers", headers},
		{"Silence", silences}, {"Redirects", redirects}, {"Markup", markup}, {"Traps", traps}, {"robots.txt", robots},
		{"Sitemaps", sitemaps}, {"Refusals", refusals}, {"Ways to a forbidden address", ways}, {"Names", names}, {"Words", words},
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

// Words returns the misbehaviours that are about text: script for browsers,
// sequences for terminals, names of files.
func Words() []Misbehaviour { return words }
