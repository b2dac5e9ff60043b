// Package robots answers whether a URL may be fetched, and how often its host
// may be asked: the Robots Exclusion Protocol, RFC 9309.
//
// [Parse] reads one robots.txt for one product token into [Rules]. Which rule
// decides is worked out here, because the standard fixes it to the octet; the
// status of an answer, Crawl-delay and Sitemap lines, which it leaves to
// custom, are read by github.com/temoto/robotstxt.
//
// [Robots] rules for a whole fleet. It asks the robots.txt of an authority
// once, through the caller's [Getter], and remembers the answer, or that there
// was none and when to ask again, in a [Cache] that the fleet shares.
package robots
