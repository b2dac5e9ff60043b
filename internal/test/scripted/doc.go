// Package scripted is a web site of pages that need JavaScript, for tests: one [Pattern] for each
// way in which scripts make text and links.
//
// Each pattern has a page of its own beneath its name, which no crawler without a browser gets
// further from. [Site] serves all of them, beside static pages, and [Site.Want] is what a crawl with
// a browser must find.
package scripted
