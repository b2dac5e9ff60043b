// Package robots implements the Robots Exclusion Protocol, RFC 9309: it decides whether a
// URL may be fetched, and how often its host may be requested.
//
// [Parse] parses one robots.txt for one product token into [Rules]. This package itself
// determines which rule applies, because the standard defines that to the octet. What the
// standard leaves open, the meaning of an HTTP status, Crawl-delay and Sitemap lines, is
// parsed by github.com/temoto/robotstxt.
//
// [Robots] makes the decisions for a whole fleet. It requests the robots.txt of an
// authority once, through the caller's [Getter]. It stores the response, or that there
// was none and when to retry, in a [Cache] that the fleet shares.
package robots
