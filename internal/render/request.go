package render

import (
	"context"
	"net/http"
	"time"
)

// Request is a page to render. URL, First and Transport are required.
type Request struct {
	URL   string // absolute, http or https; scripts see its fragment, if it has one
	First Answer // the answer to the request for the document, after redirects

	// Transport fetches everything that the page requests besides the document. Up to
	// Limits.Parallel goroutines call it at once. All calls have returned when Render returns.
	Transport Transport

	Limits Limits
	Block  Block

	UserAgent      string         // for scripts and subrequests; "": that of the browser
	AcceptLanguage string         // likewise
	Cookies        []*http.Cookie // at the start; those without a Domain belong to the URL's host
	Width, Height  int            // of the viewport in CSS pixels; 0 is 1280 and 1024

	// The steps happen in the order of these fields, after the document has loaded. Wait follows
	// each of them.
	Wait   Wait
	Script []string // JavaScript, each the body of an async function; its return value is kept as JSON
	Click  []Click
	Scroll int // how often to scroll to the end, at most; it stops when the page no longer grows

	Screenshot *Screenshot // nil takes none
	PDF        bool        // whether to print the page as well
}

// Limits bound one page. A zero field means its default.
type Limits struct {
	Time      time.Duration // from a free place in the pool to the result; default 30 s
	Bytes     int64         // of all answers' bodies, and of the document as rendered; default 32 MiB
	Requests  int           // passed to the Transport; default 200
	Redirects int           // navigations of the page after its document; default 5
	Parallel  int           // calls of Transport at once; default 6
	Stuck     time.Duration // how long the page may not answer before its scripts are stopped; default a tenth of Time
}

const (
	defaultTime      = 30 * time.Second
	defaultBytes     = 32 << 20
	defaultRequests  = 200
	defaultRedirects = 5
	defaultParallel  = 6
	defaultWidth     = 1280
	defaultHeight    = 1024
)

// withDefaults returns the limits with defaults in their zero fields.
func (l Limits) withDefaults() Limits {
	if l.Time <= 0 {
		l.Time = defaultTime
	}
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	if l.Requests <= 0 {
		l.Requests = defaultRequests
	}
	if l.Redirects <= 0 {
		l.Redirects = defaultRedirects
	}
	if l.Parallel <= 0 {
		l.Parallel = defaultParallel
	}
	if l.Stuck <= 0 {
		l.Stuck = l.Time / 10
	}
	return l
}

// Until names a condition to wait for.
type Until string

// The conditions to wait for.
const (
	UntilIdle     Until = "idle"     // it has loaded, and then no request was under way for Wait.For
	UntilLoad     Until = "load"     // its event "load"
	UntilSelector Until = "selector" // Wait.Selector matches an element
	UntilTime     Until = "time"     // it has loaded, and then Wait.For has passed
)

// Wait says when a page is ready. The zero value waits until no request was under way for half a
// second. A page that is not ready after Max is taken as it is, and Result.Hit names "wait".
type Wait struct {
	Until    Until         // default UntilIdle
	Selector string        // a CSS selector, for UntilSelector
	For      time.Duration // for UntilIdle and UntilTime; default 500 ms
	Max      time.Duration // default half of Limits.Time, which is also the most
}

// withDefaults returns the wait with defaults in the zero fields that it needs.
func (w Wait) withDefaults(total time.Duration) Wait {
	if w.Until == "" {
		w.Until = UntilIdle
	}
	if w.For <= 0 {
		w.For = 500 * time.Millisecond
	}
	if w.Max <= 0 || w.Max > total/2 {
		w.Max = total / 2
	}
	return w
}

// Click clicks on the first element that a selector matches, such as a "more" button, until none
// matches. A click that leads to another page is not followed; the page is a [Link].
type Click struct {
	Selector string // CSS
	Max      int    // the most clicks; 0 means one
}

// Screenshot says how a picture of the page is taken.
type Screenshot struct {
	Format   string // "png", "webp" or "jpeg"; default "png"
	FullPage bool   // the whole page up to a height of 16,384 pixels, not only the viewport
}

// Transport makes a request of a page. Its context ends with the page. If its error is a
// *[Refusal], the request must not be made; to the page, any other error is a failure of the
// network.
type Transport func(context.Context, Subrequest) (Answer, error)

// Subrequest is an intercepted request of a page.
type Subrequest struct {
	URL        string      // absolute, http or https, without a fragment
	Method     string      // upper case
	Header     http.Header // as the browser would send them, with its cookies
	Body       []byte      // of a POST or PUT; nil without one
	Kind       Kind        //
	Navigation bool        // the page itself would move there: a redirect by a script or a refresh
	Redirected bool        // the answer before was a redirect to here
}

// Answer is a response for a browser.
type Answer struct {
	Status int         // 100 to 599; a redirect with a Location is followed by the browser, by another Subrequest
	Header http.Header // Content-Encoding, Content-Length and fields about the connection are not passed on
	Body   []byte      // decoded: without the codings of Content-Encoding and Transfer-Encoding
}

// Refusal is the error of a Transport that must not make a request. The request is then one of
// Result.Blocked.
type Refusal struct {
	Why string // a word, such as "robots", "address" or "budget"
}

func (r *Refusal) Error() string { return "refused: " + r.Why }

// Kind is what a request is for: Chromium's resource types in lower case.
type Kind string

// The kinds of requests.
const (
	KindDocument    Kind = "document" // of the page or of a frame
	KindStylesheet  Kind = "stylesheet"
	KindImage       Kind = "image" // also the page's icon
	KindMedia       Kind = "media" // audio and video
	KindFont        Kind = "font"
	KindScript      Kind = "script"
	KindTextTrack   Kind = "texttrack"
	KindXHR         Kind = "xhr"   // of XMLHttpRequest and of fetch
	KindFetch       Kind = "fetch" // other fetches of scripts, as Chromium classifies them
	KindPrefetch    Kind = "prefetch"
	KindEventSource Kind = "eventsource"
	KindWebSocket   Kind = "websocket"
	KindManifest    Kind = "manifest"
	KindPing        Kind = "ping" // beacons, and the attribute ping of links
	KindReport      Kind = "cspviolationreport"
	KindPreflight   Kind = "preflight"
	KindWorker      Kind = "serviceworker" // the script of a service worker
	KindOther       Kind = "other"
)
