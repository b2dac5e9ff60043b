package crawler

import "time"

// Ruling is what the robots.txt of one authority says to one job (RFC 9309).
type Ruling struct {
	// Allowed reports whether a URL of the authority may be fetched. Nil when
	// robots.txt could not be had: nothing may be fetched.
	Allowed func(URL) bool
	// Text is the robots.txt that rules. Nil when the job ignores it, or it could
	// not be had.
	Text *RobotsText
	// Delay is the Crawl-delay, 0 when there is none.
	Delay time.Duration
	// Sitemaps are those that it names, for a job that reads them.
	Sitemaps []URL
	// Signals is what the Content-Signal lines say, by purpose: "yes" or "no". Nil
	// when there are none. It must not be changed.
	Signals map[string]string
	// Unavailable says why robots.txt could not be had; "" when it could.
	Unavailable string
	// Again is how long until an unavailable robots.txt may be asked for again;
	// 0 when it is given up.
	Again time.Duration
}
