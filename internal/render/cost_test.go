package render_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/render"
)

// shop is a page like that of a single-page application: a bundle of 500 kB, an answer of an API,
// and a list of 200 items made from that answer.
func shop() *web {
	w := one(`<!DOCTYPE html><title>shop</title><link rel=stylesheet href="/app.css"><div id=root></div>
<script src="/app.js"></script>`)
	var code strings.Builder
	for i := range 8000 {
		fmt.Fprintf(&code, "function part%d(a) { return a.map(x => x + %d).filter(Boolean); }\n", i, i)
	}
	code.WriteString(`fetch("/items.json").then(r => r.json()).then(items => {
		for (const i of items) {
			const e = document.createElement("article");
			e.innerHTML = "<h2><a href='/item/" + i.id + "'>" + i.name + "</a></h2><p>" + i.text + "</p>";
			root.append(e);
		}
	});`)
	w.pages[home+"/app.js"] = code.String()
	w.pages[home+"/app.css"] = `article { display: grid; padding: 1em; border: 1px solid } h2 { font-size: 1.2em }`
	var items []string
	for i := range 200 {
		text := strings.Repeat("what it is ", 20)
		items = append(items, fmt.Sprintf(`{"id": %d, "name": "item %d", "text": %q}`, i, i, text))
	}
	w.pages[home+"/items.json"] = "[" + strings.Join(items, ",") + "]"
	return w
}

// BenchmarkPages renders pages as many at once as the pool allows, and reports what one costs.
// docs/browser.md has its figures.
func BenchmarkPages(b *testing.B) {
	for _, at := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("contexts=%d", at), func(b *testing.B) { benchmarkPages(b, at) })
	}
}

func benchmarkPages(b *testing.B, contexts int) {
	pool, err := render.Open(b.Context(), render.Config{MaxContexts: contexts, RecyclePages: 1 << 30, Dir: b.TempDir()})
	if err != nil {
		b.Skip(err)
	}
	defer pool.Close()
	w := shop()
	req := w.request("/")
	req.Wait = render.Wait{}
	one := func() {
		res, err := pool.Render(context.Background(), req)
		if err != nil {
			b.Error(err)
			return
		}
		if n := strings.Count(string(res.HTML), "<article>"); n != 200 {
			b.Errorf("the page has %d items", n)
		}
	}
	one()
	idle, _ := render.Memory(pool.BrowserPID())
	before, began := processorTime(pool.BrowserPID()), time.Now()
	todo := make(chan struct{}, b.N)
	for range b.N {
		todo <- struct{}{}
	}
	close(todo)
	b.ResetTimer()
	var all sync.WaitGroup
	for range contexts {
		all.Go(func() {
			for range todo {
				one()
			}
		})
	}
	stop, sampled := make(chan struct{}), make(chan int64)
	go func() { sampled <- peak(pool.BrowserPID(), stop) }()
	all.Wait()
	close(stop)
	most := max(idle, <-sampled)
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "pages/s")
	b.ReportMetric((processorTime(pool.BrowserPID())-before)*1000/float64(b.N), "cpu-ms/page")
	b.ReportMetric(float64(idle)/(1<<20), "idle-MiB")
	b.ReportMetric(float64(most-idle)/(1<<20)/float64(contexts), "MiB/context")
}

// BenchmarkFreshBrowsers renders each page in a browser of its own, and reports what one costs.
func BenchmarkFreshBrowsers(b *testing.B) {
	w, spent := shop(), 0.0
	req := w.request("/")
	req.Wait = render.Wait{}
	for b.Loop() {
		pool, err := render.Open(b.Context(), render.Config{MaxContexts: 1, Dir: b.TempDir()})
		if err != nil {
			b.Skip(err)
		}
		if _, err := pool.Render(b.Context(), req); err != nil {
			b.Error(err)
		}
		spent += processorTime(pool.BrowserPID())
		if err := pool.Close(); err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(spent*1000/float64(b.N), "cpu-ms/page")
}

// BenchmarkInterception shows pages in one browser. Its requests are intercepted by the domain
// Fetch, or by a proxy of this machine that does the same. It reports the processor time of the
// browser and of this process, and how many pages were not shown.
func BenchmarkInterception(b *testing.B) {
	w := shop()
	for _, by := range []string{"Fetch", "proxy"} {
		b.Run(by, func(b *testing.B) {
			address := ""
			if by == "proxy" {
				proxy := httptest.NewServer(http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
					answer := w.answer(r.URL.String())
					maps.Copy(to.Header(), answer.Header)
					to.WriteHeader(answer.Status)
					_, _ = to.Write(answer.Body) // the browser may have gone
				}))
				defer proxy.Close()
				address = proxy.Listener.Addr().String()
			}
			browser, err := render.StartBare(b.TempDir(), address)
			if err != nil {
				b.Skip(err)
			}
			defer browser.Close()
			benchmarkInterception(b, browser, w)
		})
	}
}

func benchmarkInterception(b *testing.B, browser *render.Bare, w *web) {
	const shown = `document.getElementsByTagName("article").length === 200`
	wrong := 0
	show := func() {
		if err := browser.Show(b.Context(), home+"/", shown, w.answer); err != nil {
			wrong++
			b.Log(err)
		}
	}
	show()
	browserBefore, ownBefore := processorTime(browser.PID()), ownTime(b)
	for b.Loop() {
		show()
	}
	b.ReportMetric((processorTime(browser.PID())-browserBefore)*1000/float64(b.N), "cpu-ms/page")
	b.ReportMetric((ownTime(b)-ownBefore)*1000/float64(b.N), "own-cpu-ms/page")
	b.ReportMetric(float64(wrong), "wrong-pages")
}

// ownTime returns the seconds of processor time that this process has used.
func ownTime(b *testing.B) float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

// peak returns the most memory that a process and its descendants take until it is stopped.
func peak(pid int, stop <-chan struct{}) (most int64) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return most
		case <-tick.C:
			now, _ := render.Memory(pid)
			most = max(most, now)
		}
	}
}

// processorTime returns the seconds that the processes of a group have used, with those of their
// children that have ended.
func processorTime(group int) (seconds float64) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 15 || fields[2] != strconv.Itoa(group) {
			continue
		}
		for _, field := range fields[11:15] { // utime, stime, cutime, cstime (proc(5)), of 10 ms each
			ticks, _ := strconv.ParseFloat(field, 64)
			seconds += ticks / 100
		}
	}
	return seconds
}
