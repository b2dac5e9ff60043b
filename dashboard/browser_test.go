package dashboard

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	chromepage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/trawlcrawler/trawl/crawler"
)

// browser is a tab of a Chromium that resolves no name. It notes what a page
// should not do.
type browser struct {
	ctx context.Context

	mu    sync.Mutex
	asked []string // URLs
	alarm []string // dialogs, and what the policy forbade
}

// newBrowser starts a Chromium. The test is skipped where none is on PATH.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	binary := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil && binary == "" {
			binary = path
		}
	}
	if binary == "" {
		t.Skip("no chromium is on PATH")
	}
	allocator, end := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(binary), chromedp.NoSandbox, chromedp.WindowSize(1280, 1000),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))...)
	t.Cleanup(end)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	b := &browser{ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	call(t, b, network.Enable, network.EnableParams{})
	call(t, b, log.Enable, cdp.Empty{})
	return b
}

// hear notes an event. It must not wait for the browser.
func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
	case *chromepage.EventJavascriptDialogOpening:
		b.alarm = append(b.alarm, "a dialog opened: "+e.Message)
		go func() {
			_, _ = chromedp.Call(b.ctx, chromepage.HandleJavaScriptDialog, chromepage.HandleJavaScriptDialogParams{Accept: true})
		}()
	case *log.EventEntryAdded:
		if strings.Contains(e.Entry.Text, "Content Security Policy") {
			b.alarm = append(b.alarm, e.Entry.Text)
		}
	}
}

func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func call[P, R any](t *testing.T, b *browser, command cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		t.Fatal(err)
	}
}

// open goes to a page and waits until it shows an element.
func (b *browser) open(t *testing.T, url, selector string) {
	t.Helper()
	b.do(t, chromedp.Navigate(url))
	b.wait(t, selector)
}

// wait waits until the page shows an element.
func (b *browser) wait(t *testing.T, selector string) {
	t.Helper()
	b.do(t, chromedp.WaitVisible(chromedp.CSS(selector)))
}

// shot keeps a picture of the tab in the folder that TRAWL_TEST_SHOTS names, if
// it does.
func (b *browser) shot(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("TRAWL_TEST_SHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// calm fails the test if a page asked another host or was up to something.
func (b *browser) calm(t *testing.T, home string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, asked := range b.asked {
		if u, err := url.Parse(asked); err != nil || u.Scheme != "data" && "http://"+u.Host != home {
			t.Errorf("the browser asked for %s", asked)
		}
	}
	if len(b.asked) == 0 {
		t.Error("the browser asked for nothing")
	}
	for _, alarm := range b.alarm {
		t.Error(alarm)
	}
}

func TestThePageInABrowser(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), newMonitored(t)
	b.open(t, s.url+"/", "section.note")
	b.shot(t, "page-empty")

	s.job(t, "news") // the page finds it by itself
	b.wait(t, "article.job")
	b.do(t, chromedp.Click(chromedp.CSS("#settings-news summary")))
	s.change("news", func(r *resident) {
		r.status.Reason = "a word of news"
		r.status.Job.Pages, r.status.Job.Time = 5000, crawler.Duration(time.Hour)
		r.counters = crawler.Counters{
			Seen: 8410, Waiting: 5020, Flight: 60, Hosts: 31, Open: 14, Armed: 2, Bytes: 184_000_000,
			Outcomes: map[crawler.Outcome]int64{
				crawler.OutcomeFetched: 2900, crawler.OutcomeRedirected: 210, crawler.OutcomeGone: 160, crawler.OutcomeFailed: 60,
			},
		}
	})
	b.wait(t, "p.why")
	b.wait(t, "#settings-news[open] pre") // still open
	b.shot(t, "page-job")
	s.script(t, "script")
	b.wait(t, "table .state.failed")
	b.shot(t, "page-script")
	b.calm(t, s.url)
}

func TestThePageInABrowserWithoutScript(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), newStage(t)
	call(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.open(t, s.url+"/", "section.note")
	s.job(t, "news")
	b.wait(t, "article.job")
	b.calm(t, s.url)
}

func TestAsynqsWebUIInABrowser(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), newMonitored(t)
	b.open(t, s.url+"/asynq/", `a[href="/asynq/queues/news"]`)
	b.shot(t, "asynq")
	b.open(t, s.url+"/asynq/queues/news?status=pending", "pre")
	b.shot(t, "asynq-queue")
	b.calm(t, s.url)
	if !slices.Contains(b.asked, s.url+"/asynq/api/queues") {
		t.Errorf("asynq was not asked for its queues, but %v", b.asked)
	}
}
