package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/render"
	"github.com/trawlcrawler/trawl/internal/textform"
)

var (
	renderModes = []crawler.RenderMode{crawler.RenderNever, crawler.RenderAuto, crawler.RenderAlways}
	renderPaces = []crawler.RenderPace{crawler.RenderPaceEach, crawler.RenderPacePage}
	// renderFetches are what a rendered page may fetch besides what makes its text and links.
	renderFetches = []string{"images", "fonts", "media", "trackers"}
)

// Bounds of what is done with a page in the browser.
const (
	maxScroll = 1000
	maxClicks = 10 // on one selector
	maxSteps  = 64 // scripts, and selectors to click
)

// checkRendering checks what is done with a page in the browser.
func checkRendering(j crawler.Job) error {
	r := j.Rendering
	if _, err := renderWait(r.Wait); err != nil {
		return settingError("rendering.wait", "%v", err)
	}
	for _, kind := range r.Fetch {
		if !slices.Contains(renderFetches, kind) {
			return settingError("rendering.fetch", "%q is no kind of requests%s: want any of %v", kind,
				plain.Suggest(kind, renderFetches), renderFetches)
		}
	}
	for field, list := range map[string][]string{"rendering.script": r.Script, "rendering.click": r.Click} {
		switch {
		case len(list) > maxSteps:
			return settingError(field, "%d are too many: want at most %d", len(list), maxSteps)
		case slices.ContainsFunc(list, func(s string) bool { return strings.TrimSpace(s) == "" }):
			return settingError(field, "%q does nothing: leave it out", "")
		}
	}
	keeps := r.Screenshot != "" || r.PDF || r.Original
	switch {
	case r.Scroll < 0 || r.Scroll > maxScroll:
		return settingError("rendering.scroll", "%q is out of range: want 0 to %d", fmt.Sprint(r.Scroll), maxScroll)
	case r.Screenshot != "" && r.Screenshot != "viewport" && r.Screenshot != "full":
		return settingError("rendering.screenshot", "%q is out of range%s: want viewport or full", r.Screenshot,
			plain.Suggest(r.Screenshot, []string{"viewport", "full"}))
	case r.ScreenshotFormat != "" && r.ScreenshotFormat != "png" && r.ScreenshotFormat != "webp":
		return settingError("rendering.screenshot_format", "%q is out of range%s: want png or webp", r.ScreenshotFormat,
			plain.Suggest(r.ScreenshotFormat, []string{"png", "webp"}))
	case keeps && !slices.Contains(j.Format, "files"):
		return settingError("rendering", "the formats %v keep no files beside a page: add files, or leave out screenshot, pdf and original",
			j.Format)
	}
	return nil
}

// renderWait returns what a page is waited for, as the setting rendering.wait says it.
func renderWait(text string) (render.Wait, error) {
	if selector, ok := strings.CutPrefix(text, "selector "); ok {
		selector = strings.TrimSpace(selector)
		if selector == "" {
			return render.Wait{}, fmt.Errorf("%q names no selector", text)
		}
		return render.Wait{Until: render.UntilSelector, Selector: selector}, nil
	}
	switch text {
	case "", "idle":
		return render.Wait{Until: render.UntilIdle}, nil
	case "load":
		return render.Wait{Until: render.UntilLoad}, nil
	}
	d, err := textform.ParseDuration(text)
	if err != nil || d == 0 {
		return render.Wait{}, fmt.Errorf("%q is not a wait: want idle, load, a duration such as 2s, or a selector, as in \"selector main .price\"",
			text)
	}
	return render.Wait{Until: render.UntilTime, For: time.Duration(d)}, nil
}

// RenderRequest returns the request to render a page of a job, whose settings must be valid. It
// lacks what belongs to one page: URL, First and Transport.
func RenderRequest(j crawler.Job) render.Request {
	r := j.Rendering
	wait, _ := renderWait(r.Wait)
	req := render.Request{
		UserAgent: j.UserAgent, Wait: wait, Script: r.Script, Scroll: r.Scroll, PDF: r.PDF,
		Limits: render.Limits{Time: j.RenderTime, Bytes: int64(j.BodyLimit), Parallel: j.PerHost},
		Block:  render.Default(r.Screenshot != ""),
	}
	for _, selector := range r.Click {
		req.Click = append(req.Click, render.Click{Selector: selector, Max: maxClicks})
	}
	if r.Screenshot != "" {
		req.Screenshot = &render.Screenshot{Format: r.ScreenshotFormat, FullPage: r.Screenshot == "full"}
	}
	fetched := map[string]render.Kind{"images": render.KindImage, "fonts": render.KindFont, "media": render.KindMedia}
	for _, kind := range r.Fetch {
		if kind == "trackers" {
			req.Block.Hosts = nil
		}
		req.Block.Kinds = slices.DeleteFunc(req.Block.Kinds, func(k render.Kind) bool { return k == fetched[kind] })
	}
	return req
}
