package render_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/render"
)

// web is the world as pages see it: the answers of its Transport. No server listens for it.
type web struct {
	pages map[string]string // by URL; the kind follows from the path

	mu    sync.Mutex
	asked []render.Subrequest
}

// home is the site of the tests. No host has this name.
const home = "http://www.site.test"

// transport answers by the pages of the web.
func (w *web) transport(_ context.Context, s render.Subrequest) (render.Answer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, s)
	return w.answer(s.URL), nil
}

func (w *web) answer(url string) render.Answer {
	body, ok := w.pages[url]
	if !ok {
		return render.Answer{Status: http.StatusNotFound, Header: http.Header{}}
	}
	if to, ok := strings.CutPrefix(body, "-> "); ok {
		return render.Answer{Status: http.StatusFound, Header: http.Header{"Location": {to}}}
	}
	return render.Answer{Status: http.StatusOK, Body: []byte(body), Header: http.Header{
		"Content-Type": {contentType(url)}, "Access-Control-Allow-Origin": {"*"}}}
}

func contentType(url string) string {
	for ending, kind := range map[string]string{
		".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml",
		".zip": "application/zip",
	} {
		if strings.HasSuffix(url, ending) {
			return kind
		}
	}
	return "text/html; charset=utf-8"
}

// patient is more time than any page takes, on a slow machine too.
const patient = 10 * time.Minute

// request returns a request for the page of the web at a path.
func (w *web) request(path string) render.Request {
	return render.Request{
		URL: home + path, First: w.answer(home + path), Transport: w.transport, Block: render.Default(false),
		Limits: render.Limits{Time: patient}, Wait: render.Wait{Max: patient},
	}
}

// urls returns the URLs that were requested.
func (w *web) urls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, s := range w.asked {
		all = append(all, s.URL)
	}
	return all
}

// one returns a web of one page, at "/".
func one(body string) *web { return &web{pages: map[string]string{home + "/": body}} }

// shared is the pool of the tests that need no pool of their own.
var shared struct {
	once sync.Once
	pool *render.Pool
	err  error
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		beKilled(dir)
		return
	}
	code := m.Run()
	if shared.pool != nil {
		_ = shared.pool.Close()
	}
	os.Exit(code)
}

// pool returns the shared pool, or skips the test where there is no browser.
func pool(t *testing.T) *render.Pool {
	t.Helper()
	shared.once.Do(func() {
		shared.pool, shared.err = render.Open(context.Background(),
			render.Config{Logger: slog.Default(), Patience: patient})
	})
	usable(t, shared.err)
	return shared.pool
}

// usable skips the test where there is no browser, and fails it where one does not start.
func usable(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, render.ErrNoBrowser) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// opened returns a pool of the test's own.
func opened(
	t *testing.T, open func(context.Context, render.Config) (*render.Pool, error), cfg render.Config,
) *render.Pool {
	t.Helper()
	cfg.Dir, cfg.Patience = t.TempDir(), patient
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	pool, err := open(t.Context(), cfg)
	usable(t, err)
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

// show renders a page, which must succeed.
func show(t *testing.T, pool *render.Pool, req render.Request) *render.Result {
	t.Helper()
	res, err := pool.Render(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// has fails the test unless the document contains what it should.
func has(t *testing.T, res *render.Result, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(string(res.HTML), text) {
			t.Errorf("the document has no %q, it is\n%s", text, res.HTML)
		}
	}
}

// leads fails the test unless the page leads somewhere in a certain way.
func leads(t *testing.T, res *render.Result, url string, by render.LinkBy) {
	t.Helper()
	if !slices.Contains(res.Links, render.Link{URL: url, By: by}) {
		t.Errorf("no link to %s by %s: %v", url, by, res.Links)
	}
}

func TestScriptsOfAPageAreCarriedOut(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><meta charset=iso-8859-1><title>before</title><div id=root></div><script src="/app.js"></script>`)
	w.pages[home+"/app.js"] = `
		document.title = "after";
		fetch("/data.json").then(r => r.json()).then(d => {
			root.innerHTML = d.items.map(i => "<a href=/item/" + i + ">item " + i + "</a>").join("");
			history.pushState({}, "", "/route");
		});`
	w.pages[home+"/data.json"] = `{"items": [1, 2, "ü"]}`
	res := show(t, pool(t), w.request("/"))
	has(t, res, `<!DOCTYPE html>`, `<a href="/item/1">item 1</a>`, `item ü`, `charset="utf-8"`)
	leads(t, res, home+"/route", render.ByHistory)
	if res.Title != "after" || res.FinalURL != home+"/route" {
		t.Errorf("the page is %q at %s", res.Title, res.FinalURL)
	}
	if got, want := w.urls(), []string{home + "/app.js", home + "/data.json"}; !slices.Equal(got, want) {
		t.Errorf("%v were requested, not %v", got, want)
	}
	if len(res.Requests) != 2 || res.Requests[1].Kind != render.KindXHR || res.Requests[1].Status != 200 {
		t.Errorf("the requests are %+v", res.Requests)
	}
	if len(res.Hit) != 0 || res.Took <= 0 || res.Took > patient {
		t.Errorf("it hit %v and took %v", res.Hit, res.Took)
	}
}
