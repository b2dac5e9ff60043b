package fetched

import (
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Rendered is how a page was rendered in a browser, and what came of it.
type Rendered struct {
	Why      string // as [crawler.RenderedBy.Why]
	Took     time.Duration
	Requests int                     // that the page made, besides that for its document
	Bytes    int64                   // of the bodies of their answers
	Blocked  []crawler.RenderBlocked // requests that were not made, at most 32
	Limits   []string                // that cut the page short
	Error    string                  // why it could not be rendered; "" if it was

	Digest [32]byte // SHA-256 of the page as it was shown; zero if it could not be rendered
	Body   *Body    // the page as it was shown, as HTML; nil once no sink wants it
	// KeepOriginal keeps the body that the server sent beside the rendered one.
	KeepOriginal bool
	Screenshot   []byte // nil unless the job asks for it
	PDF          []byte // nil unless the job asks for it
}

// Held returns how many bytes of memory r holds, besides the page.
func (r *Rendered) Held() int64 {
	if r == nil {
		return 0
	}
	held := int64(len(r.Screenshot) + len(r.PDF))
	if r.Body != nil {
		held += r.Body.Size
	}
	return held
}

// record returns the form of r in the output.
func (r *Rendered) record() *crawler.RenderedBy {
	if r == nil {
		return nil
	}
	return &crawler.RenderedBy{
		Why: r.Why, TookMS: r.Took.Milliseconds(), Requests: r.Requests, Blocked: r.Blocked, Limits: r.Limits,
		Error: r.Error,
	}
}
