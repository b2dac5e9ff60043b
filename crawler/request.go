package crawler

import (
	"net/http"
	"time"
)

// Request is one GET to be made. One answer comes back for it: redirects are
// for the caller to follow.
type Request struct {
	URL       URL
	UserAgent string
	From      string        // how to reach whoever runs the crawl; "" to send none
	BodyLimit int64         // the most bytes of the decoded body that are kept; more is cut off
	Timeout   time.Duration // from start to last byte
	MinRate   int64         // bytes a second of the body, over 20s, below which it is cut off; 0: however slow
	// PortOpen says that the port may be connected to, because a seed of the job
	// has it.
	PortOpen bool
	// Identity asks for the bytes as the server holds them and removes no
	// content coding, for downloads.
	Identity bool
	// Record asks for the page's Recording, over HTTP/1.1.
	Record bool
	// Waits says that the body will wait for others before it is released, so that it
	// is worth the copy to leave memory that is much larger.
	Waits bool
	// Jar has the cookies to send, and gets those of the answer; nil for none.
	Jar http.CookieJar
}
