package crawler

import "time"

// RenderMode says which pages are rendered in a browser.
type RenderMode string

// The modes of rendering.
const (
	// RenderNever renders no page: their markup is the document.
	RenderNever RenderMode = "never"
	// RenderAuto renders the pages that need it, as far as their markup and earlier pages of the
	// same pattern tell.
	RenderAuto RenderMode = "auto"
	// RenderAlways renders every page.
	RenderAlways RenderMode = "always"
)

// RenderPace says how the requests that a page makes to its own host are paced.
type RenderPace string

// The paces.
const (
	// RenderPaceEach keeps the delay before each request. It is the default.
	RenderPaceEach RenderPace = "each"
	// RenderPacePage counts a page with its requests as one request, as a person's browser makes
	// them. The next page comes after the delay.
	RenderPacePage RenderPace = "page"
)

// Rendering says what is done with a page in the browser, and what is kept of it. The zero value
// waits until the page makes no more requests.
type Rendering struct {
	// Wait is what the page is waited for: "idle" (default; it has loaded, and no request was
	// under way for half a second), "load", a duration such as "2s" after it has loaded, or a CSS
	// selector of an element that must be there, as in "selector main .price".
	Wait string `json:"wait,omitempty" yaml:"wait"`
	// Script lists JavaScript to run in each page, each the body of an async function. Default
	// none.
	Script []string `json:"script,omitempty" yaml:"script"`
	// Click lists CSS selectors of elements to click, such as a button "more", each as long as
	// there is one, at most ten times. Default none.
	Click []string `json:"click,omitempty" yaml:"click"`
	// Scroll is how often to scroll to the end of the page at most, as long as it grows. Default 0.
	Scroll int `json:"scroll,omitempty" yaml:"scroll"`
	// Fetch lists what else the page may fetch: images, fonts, media, trackers. Default none of
	// them, because they change neither text nor links.
	Fetch []string `json:"fetch,omitempty" yaml:"fetch"`
	// Screenshot keeps a picture of each rendered page: "viewport" or "full", the whole page.
	// Images and fonts are fetched then. Default "": none.
	Screenshot string `json:"screenshot,omitempty" yaml:"screenshot"`
	// ScreenshotFormat is "png" (default) or "webp".
	ScreenshotFormat string `json:"screenshot_format,omitempty" yaml:"screenshot_format"`
	// PDF also keeps each rendered page as a PDF. Default false.
	PDF bool `json:"pdf,omitempty" yaml:"pdf"`
	// Original also keeps the body that the server sent, in the formats that keep a page as a
	// file. An archive (warc, wacz) always has it. Default false.
	Original bool `json:"original,omitempty" yaml:"original"`
}

// Renders reports whether the job renders any page.
func (s RequestSettings) Renders() bool { return s.Render == RenderAuto || s.Render == RenderAlways }

// defaultRenderTime is the longest time of one page in the browser, unless the job says otherwise.
const defaultRenderTime = 30 * time.Second

// RenderedBy says how a page was rendered, in its record.
type RenderedBy struct {
	// Why is always, try (too little was known of its pattern), learned (pages of its pattern
	// gain by it), sample, or handler.
	Why    string `json:"why"`
	TookMS int64  `json:"took_ms"`
	// Requests is how many requests the page made, besides that for its document.
	Requests int `json:"requests"`
	// Blocked lists requests that were not made, at most 32, each as its URL and the reason.
	Blocked []RenderBlocked `json:"blocked,omitempty"`
	// Limits are those that cut the page short: wait, requests, bytes, redirects, scripts.
	Limits []string `json:"limits,omitempty"`
	// Error says why the page could not be rendered: then its document is its markup.
	Error string `json:"error,omitempty"`
	// Original, Screenshot and PDF are where these were kept, relative to the output.
	Original   string `json:"original,omitempty"`
	Screenshot string `json:"screenshot,omitempty"`
	PDF        string `json:"pdf,omitempty"`
}

// RenderBlocked is a request of a rendered page that was not made.
type RenderBlocked struct {
	URL string `json:"url"`
	// Why is robots, scope, method, address or another word of docs/rendering.md.
	Why string `json:"why"`
}
