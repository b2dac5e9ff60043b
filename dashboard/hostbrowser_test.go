package dashboard

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
)

func TestAPersonChangesTheRulesOfAHostInABrowser(t *testing.T) {
	t.Parallel()
	b := testbrowser.New(t)
	s, _ := newRecords(t)
	for _, width := range []int64{1400, 390} {
		s.troubledHost(t, "news")
		b.Window(width, 900, false)
		click := func(button, next string) {
			b.Do(chromedp.Click(chromedp.CSS(button)))
			b.Wait(next)
		}
		b.Open(s.url+"/jobs/news/hosts/a.test", "#do-pause")
		click("#do-pause", "#do-resume")
		if !s.rules(t).Paused {
			t.Errorf("%d px: after Pause, the host is not paused", width)
		}
		click("#do-resume", "#do-pause")
		click(`button[value="ask"]`, "#to-rules")
		b.Until(`document.querySelector(".notice")?.textContent.includes("URLs of this pattern") ?? false`)
		click("#to-rules", "#rule-delay")
		b.Do(chromedp.SendKeys(chromedp.CSS("#rule-delay"), "5s"), chromedp.SendKeys(chromedp.CSS("#rule-pages"), "50"))
		other := func(r *crawler.HostRules) error { r.Paused = true; return nil } // someone else presses Pause
		if err := s.Govern(t.Context(), "news", "a.test", other, false); err != nil {
			t.Fatal(err)
		}
		click("#save", ".warning")
		delay := testbrowser.Ask[string](b, `document.getElementById("rule-delay").value`)
		if delay != "5s" || s.rules(t).Pages != 0 {
			t.Errorf("%d px: after a conflict, the form has the delay %q, and the rules are %+v", width, delay, s.rules(t))
		}
		click("#save", "#do-resume")
		if r := s.rules(t); r.Delay == nil || *r.Delay != 5*time.Second || r.Pages != 50 || !r.Paused || len(r.Ask) != 1 {
			t.Errorf("%d px: at the end, the rules are %+v", width, r)
		}
		b.Open(s.url+"/jobs/news", "#to-export")
		click("#to-export", "#download")
		b.Do(chromedp.SendKeys(chromedp.CSS("#where"), "statsu=1"))
		click("#download", ".warning")
		if where := testbrowser.Ask[string](b, `document.getElementById("where").value`); where != "statsu=1" {
			t.Errorf("%d px: after an error, the form has the condition %q", width, where)
		}
		b.Sound()
	}
	b.Calm(s.url)
}
