package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Result is a rendered page.
type Result struct {
	// HTML is the serialised document in UTF-8, and its meta elements say so. A shadow tree is in
	// it as shown: in place of its host's children, which fill its slots. The content of a frame of
	// the same site follows the frame's element, in a section with the attribute data-frame, with
	// absolute references.
	HTML     []byte
	FinalURL string        // where the page is now: after the History API, or redirects by scripts
	Title    string        // of the document
	Took     time.Duration // since the page had a place
	Bytes    int64         // of the bodies of all answers, without that of First

	Requests []Made    // passed to the Transport, in the order of their answers
	Blocked  []Blocked // not made
	Links    []Link    // where the page would lead other than by links in HTML, without duplicates
	Cookies  []*http.Cookie

	Values     []json.RawMessage // what each Script returned; null if it threw or had no time
	Screenshot []byte
	PDF        []byte

	Dialogs int      // how many the page opened; each was closed
	Hit     []string // the limits that cut the page short: "wait", "requests", "bytes", "redirects", "scripts"
}

// Made is a request that was passed to the Transport.
type Made struct {
	URL    string
	Method string
	Kind   Kind
	Status int           // 0 if it failed
	Bytes  int64         // of the body
	Took   time.Duration // of the Transport
	Err    string        // why it failed
}

// Blocked is a request that was not made.
type Blocked struct {
	URL  string
	Kind Kind
	Why  string // the kind or "tracker" (see Block), "scheme", the name of a limit, or the word of a Refusal
}

// Link is where a page would lead other than by a link in its HTML.
type Link struct {
	URL string
	By  LinkBy
}

// LinkBy is how a page would lead somewhere.
type LinkBy string

// How a page leads elsewhere.
const (
	ByHistory    LinkBy = "history"    // a route of the History API, or a fragment
	ByWindow     LinkBy = "window"     // a window that it opened
	ByNavigation LinkBy = "navigation" // a script, a refresh or a click
	ByDownload   LinkBy = "download"
)

// Errors of Open and Render.
var (
	// ErrNoBrowser is the error of Open if no Chromium is installed.
	ErrNoBrowser = errors.New("no browser")
	// ErrBrowserLost means that the browser died, hangs, or cannot be reached. The page may be
	// rendered again; the next one gets another browser.
	ErrBrowserLost = errors.New("the browser was lost")
	// ErrCrashed means that the page's process died, mostly because it took too much memory. It
	// will probably die again.
	ErrCrashed = errors.New("the page crashed")
	// ErrClosed means that the pool is closed.
	ErrClosed = errors.New("the pool of browsers is closed")
)

// LimitError means that a page could not be rendered within a limit. If its document could be read,
// there is a Result instead, whose Hit names the limits.
type LimitError struct {
	Limit string // "time", "bytes" or "nodes"
	Most  string // its value, for people
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the page exceeds the limit of %s: %s", e.Limit, e.Most)
}
