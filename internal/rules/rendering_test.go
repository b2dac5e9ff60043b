package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/render"
)

func TestARenderingIsChecked(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]crawler.Rendering{
		`rendering.wait: "forever"`:                      {Wait: "forever"},
		`rendering.wait: "selector "`:                    {Wait: "selector "},
		`rendering.fetch: "image"`:                       {Fetch: []string{"image"}},
		`rendering.scroll: "-1"`:                         {Scroll: -1},
		`rendering.click: ""`:                            {Click: []string{" "}},
		`rendering.screenshot: "fulll"`:                  {Screenshot: "fulll"},
		`rendering.screenshot_format: "gif"`:             {ScreenshotFormat: "gif"},
		`rendering: the formats [jsonl] keep no files`:   {PDF: true},
		`rendering: the formats [jsonl] keep no files b`: {Screenshot: "full"},
	} {
		j := crawler.DefaultJob()
		j.Name, j.Render, j.Rendering = "shop", crawler.RenderAuto, r
		if err := Validate(j); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
	j := crawler.DefaultJob()
	j.Name, j.Render, j.Format = "shop", crawler.RenderAlways, []string{"jsonl", "files"}
	j.Rendering = crawler.Rendering{Wait: "selector main", Click: []string{".more"}, Scroll: 3, Screenshot: "full",
		PDF: true, Original: true, Fetch: []string{"media"}}
	if err := Validate(j); err != nil {
		t.Errorf("a valid rendering is refused: %v", err)
	}
}

func TestARenderRequestFollowsTheSettings(t *testing.T) {
	t.Parallel()
	j := crawler.DefaultJob()
	j.PerHost, j.RenderTime = 3, 7*time.Second
	plain := RenderRequest(j)
	if plain.Wait.Until != render.UntilIdle || plain.Limits.Time != 7*time.Second || plain.Limits.Parallel != 3 ||
		plain.UserAgent != j.UserAgent || plain.Screenshot != nil {
		t.Errorf("the request of a default job is %+v", plain)
	}
	if !slices.Contains(plain.Block.Kinds, render.KindImage) || len(plain.Block.Hosts) == 0 {
		t.Errorf("it fetches images, or from trackers: %+v", plain.Block)
	}
	j.Rendering = crawler.Rendering{Wait: "2s", Fetch: []string{"media", "trackers"}, Screenshot: "full",
		ScreenshotFormat: "webp", Click: []string{"#more"}}
	full := RenderRequest(j)
	if full.Wait != (render.Wait{Until: render.UntilTime, For: 2 * time.Second}) || !full.Screenshot.FullPage ||
		full.Screenshot.Format != "webp" || full.Click[0].Selector != "#more" {
		t.Errorf("the request is %+v", full)
	}
	for _, kind := range []render.Kind{render.KindImage, render.KindFont, render.KindMedia} {
		if slices.Contains(full.Block.Kinds, kind) {
			t.Errorf("%s is blocked, want it fetched", kind)
		}
	}
	if len(full.Block.Hosts) != 0 {
		t.Error("trackers are blocked, want them fetched")
	}
}
