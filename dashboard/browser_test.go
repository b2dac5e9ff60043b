package dashboard

import (
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
)

func TestThePageInABrowser(t *testing.T) {
	t.Parallel()
	b, s := testbrowser.New(t), newMonitored(t)
	b.Open(s.url+"/", "section.note")
	b.Shot("page-empty")

	s.job(t, "news") // the page finds the job by itself
	b.Wait("article.job")
	b.Do(chromedp.Click(chromedp.CSS("#settings-news summary")))
	s.change("news", func(r *fakeJob) {
		r.status.Reason = "a word of news"
		r.status.Job.Pages, r.status.Job.Time = 5000, time.Hour
		r.counters = crawler.Counters{
			Seen: 8410, Waiting: 5020, Flight: 60, Hosts: 31, Open: 14, Armed: 2, Bytes: 184_000_000,
			Outcomes: map[crawler.Outcome]int64{
				crawler.OutcomeFetched: 2900, crawler.OutcomeRedirected: 210, crawler.OutcomeGone: 160,
				crawler.OutcomeFailed: 60,
			},
		}
	})
	b.Wait("p.why")
	b.Wait("#settings-news[open] pre") // the details are still open
	b.Shot("page-job")
	s.addScripts(t, "script")
	b.Wait("table .state.failed")
	b.Sound()
	b.Shot("page-script")
	b.Calm(s.url)
}

func TestThePageInABrowserWithoutScript(t *testing.T) {
	t.Parallel()
	b, s := testbrowser.New(t), newTestDashboard(t)
	testbrowser.Call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.Open(s.url+"/", "section.note")
	s.job(t, "news")
	b.Wait("article.job")
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
