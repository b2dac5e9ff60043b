package dashboard

import (
	"slices"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
)

func TestTheFleetInABrowser(t *testing.T) {
	t.Parallel()
	b, s := testbrowser.New(t), newMonitored(t)
	b.Open(s.url+"/", "#jobs .empty")
	s.job(t, "news") // the page finds the job by itself
	b.Wait("#job-news")
	s.job(t, "olds")
	b.Wait("#job-olds")
	b.Do(chromedp.SendKeys(chromedp.CSS("#job-search"), "old")) // the search filters as it is typed
	b.Do(chromedp.WaitNotPresent(chromedp.CSS("#job-news")))
	b.Until(`location.search == "?q=old"`)
	if focus := testbrowser.Ask[string](b, `document.activeElement.id`); focus != "job-search" {
		t.Errorf("after a search, the focus is on %q", focus)
	}
	s.addScripts(t, "old-script")
	b.Wait("#job-old-script-ended")
	b.Sound()
	b.Calm(s.url)
}

func TestTheFleetInABrowserWithoutScript(t *testing.T) {
	t.Parallel()
	b, s := testbrowser.New(t), newTestDashboard(t)
	testbrowser.Call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.Open(s.url+"/", "#jobs .empty")
	s.job(t, "news")
	b.Wait("#job-news")
	b.Calm(s.url)
}

func TestAsynqsWebUIInABrowser(t *testing.T) {
	t.Parallel()
	b, s := testbrowser.New(t), newMonitored(t)
	b.Open(s.url+"/asynq/", `a[href="/asynq/queues/news"]`)
	b.Shot("asynq")
	b.Open(s.url+"/asynq/queues/news?status=pending", "pre")
	b.Shot("asynq-queue")
	b.Calm(s.url)
	if !slices.Contains(b.Asked(), s.url+"/asynq/api/queues") {
		t.Errorf("the queues of asynq were not requested: %v", b.Asked())
	}
}
