// Package testbrowser opens pages in a real browser, for tests, and records what no page should do.
//
// A [Browser] is a tab of a Chromium that resolves no names. It records dialogs, scripts that fail,
// what the page's policy blocked, and requests to other hosts; [Browser.Calm] fails the test
// because of them. A test that fails leaves a screenshot of the tab.
package testbrowser

import (
	"context"
	"fmt"
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
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is a tab of a Chromium. It ends with the test.
type Browser struct {
	t   testing.TB
	ctx context.Context

	mu    sync.Mutex
	asked []string // URLs
	alarm []string // dialogs, script errors, and what a policy blocked
}

// binaries are the names under which Chromium is installed.
var binaries = []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"}

// New starts a Chromium. The test is skipped if none is on PATH.
func New(t testing.TB) *Browser {
	t.Helper()
	binary := ""
	for _, name := range binaries {
		if path, err := exec.LookPath(name); err == nil && binary == "" {
			binary = path
		}
	}
	if binary == "" {
		t.Skip("no chromium on PATH: install chromium")
	}
	// The context of the test has ended by the time that a screenshot is taken.
	allocator, end := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()),
		append(chromedp.DefaultExecAllocatorOptions[:],
			chromedp.ExecPath(binary), chromedp.NoSandbox, chromedp.WindowSize(1280, 1000),
			chromedp.UserDataDir(t.TempDir()),
			chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))...)
	t.Cleanup(end)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	b := &Browser{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	Call(b, network.Enable, network.EnableParams{})
	Call(b, log.Enable, cdp.Empty{})
	Call(b, runtime.Enable, cdp.Empty{})
	t.Cleanup(b.picture)
	return b
}

// hear records an event. It must not wait for the browser.
func (b *Browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
	case *page.EventJavascriptDialogOpening:
		b.alarm = append(b.alarm, "a dialog opened: "+e.Message)
		go func() {
			_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}()
	case *runtime.EventExceptionThrown:
		b.alarm = append(b.alarm, "a script failed: "+thrown(e.ExceptionDetails))
	case *log.EventEntryAdded:
		if strings.Contains(e.Entry.Text, "Content Security Policy") {
			b.alarm = append(b.alarm, e.Entry.Text)
		}
	}
}

// thrown describes what a script threw.
func thrown(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

// Follow clicks on the element that a selector matches, and waits until another selector matches.
func (b *Browser) Follow(link, after string) {
	b.t.Helper()
	b.Do(chromedp.Click(chromedp.CSS(link)), chromedp.WaitReady(chromedp.CSS(after)))
}

// patience is how long an action may take, on any busy machine. What hangs longer ends the test.
const patience = 10 * time.Minute

// Do carries out actions one after the other.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v; the page is\n%s", err, b.content())
	}
}

// content returns the HTML of the page, or why it cannot be had.
func (b *Browser) content() string {
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	html, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.documentElement.outerHTML"))
	if err != nil {
		return err.Error()
	}
	return html
}

// Call calls a command of the browser.
func Call[P, R any](b *Browser, command cdp.Command[P, R], params P) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

// Ask returns the value of a JavaScript expression in the page.
func Ask[T any](b *Browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("evaluate %s in the page: %v", expression, err)
	}
	return answer
}

// Open opens a page and waits until it shows an element.
func (b *Browser) Open(url, selector string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(url))
	b.Wait(selector)
}

// Wait waits until the page shows an element.
func (b *Browser) Wait(selector string) {
	b.t.Helper()
	b.Do(chromedp.WaitVisible(chromedp.CSS(selector)))
}

// Until waits until a JavaScript expression is true in the page.
func (b *Browser) Until(expression string) {
	b.t.Helper()
	// chromedp's polling compiles the expression in the page, whose policy forbids it.
	for since := time.Now(); !Ask[bool](b, expression); {
		if time.Since(since) > patience {
			b.t.Fatalf("%s is never true; the page is\n%s", expression, b.content())
		}
		b.Do(chromedp.Sleep(20 * time.Millisecond))
	}
}

// Links returns the targets of the page's links, resolved, each once.
func (b *Browser) Links() []string {
	b.t.Helper()
	links := Ask[[]string](b, `[...document.querySelectorAll("a[href]")].map(a => a.href)`)
	slices.Sort(links)
	return slices.Compact(links)
}

// unevenRows counts the table rows that do not have as many cells as the others of their table.
const unevenRows = `[...document.querySelectorAll("table")].flatMap(table => {
	const width = row => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
	const widest = Math.max(0, ...[...table.rows].map(width));
	return [...table.rows].filter(row => width(row) !== widest).map(row => row.innerText.slice(0, 200));
})`

// foreignElements are elements that only markup from elsewhere creates.
const foreignElements = `[...document.querySelectorAll('img[src="x"], [onerror], [onmouseover], [onload], iframe, object, embed, a[href^="javascript:" i]')].map(e => e.outerHTML.slice(0, 200))`

// Sound fails the test if the page is broken.
func (b *Browser) Sound() {
	b.t.Helper()
	for _, trouble := range b.Broken() {
		b.t.Error(trouble)
	}
}

// Broken reports what is wrong with the page: tables with uneven rows, and elements that our pages
// do not have.
func (b *Browser) Broken() (troubles []string) {
	b.t.Helper()
	where := Ask[string](b, "location.href")
	for _, row := range Ask[[]string](b, unevenRows) {
		troubles = append(troubles, fmt.Sprintf("%s has a table that is broken at %q", where, row))
	}
	for _, element := range Ask[[]string](b, foreignElements) {
		troubles = append(troubles, fmt.Sprintf("%s has an element that is from the web: %s", where, element))
	}
	return troubles
}

// Window sets the size of the window in pixels, and whether it is dark. One that is narrower than 500
// pixels is that of a phone.
func (b *Browser) Window(width, height int64, dark bool) {
	b.t.Helper()
	scheme := map[bool]string{false: "light", true: "dark"}[dark]
	Call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height,
		DeviceScaleFactor: 1, Mobile: width < 500})
	Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// Picture writes a screenshot of what the window shows to a file.
func (b *Browser) Picture(path string) {
	b.t.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(path, picture, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// Shot keeps a screenshot of the tab in the folder named by TRAWL_TEST_SHOTS, if that is set.
func (b *Browser) Shot(name string) {
	b.t.Helper()
	if dir := os.Getenv("TRAWL_TEST_SHOTS"); dir != "" {
		if err := b.shoot(filepath.Join(dir, name+".png")); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *Browser) shoot(path string) error {
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return err
	}
	return os.WriteFile(path, picture, 0o644)
}

// picture leaves a screenshot of a test that has failed.
func (b *Browser) picture() {
	if !b.t.Failed() {
		return
	}
	dir, err := os.MkdirTemp(os.Getenv("TRAWL_TEST_SHOTS"), "trawl-failed-")
	if err != nil {
		b.t.Logf("no screenshot of the tab: %v", err)
		return
	}
	path := filepath.Join(dir, strings.ReplaceAll(b.t.Name(), "/", "-")+".png")
	if err := b.shoot(path); err != nil {
		b.t.Logf("no screenshot of the tab: %v", err)
		return
	}
	b.t.Logf("a screenshot of the tab is in %s", path)
}

// Asked returns the requested URLs.
func (b *Browser) Asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.asked)
}

// Calm fails the test if a page made a request to a host other than home, such as
// "http://127.0.0.1:8080", or caused any other alarm.
func (b *Browser) Calm(home string) {
	b.t.Helper()
	for _, trouble := range b.Alarms(home) {
		b.t.Error(trouble)
	}
	if len(b.Asked()) == 0 {
		b.t.Error("the browser made no request")
	}
}

// Alarms returns what pages should not have done: requests to hosts other than home, dialogs,
// script errors, and what a policy blocked.
func (b *Browser) Alarms(home string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	alarms := slices.Clone(b.alarm)
	for _, asked := range b.asked {
		if u, err := url.Parse(asked); err != nil || u.Scheme != "data" && "http://"+u.Host != home {
			alarms = append(alarms, "the browser asked for "+asked)
		}
	}
	return alarms
}
