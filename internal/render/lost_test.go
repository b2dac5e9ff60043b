package render_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/render"
)

// victimDir names the folder of a process that the tests start to kill it.
const victimDir = "TRAWL_TEST_VICTIM_DIR"

// beKilled opens a pool, says so, and waits for its end.
func beKilled(dir string) {
	pool, err := render.Open(context.Background(), render.Config{Dir: dir})
	if err != nil {
		fmt.Println("no browser:", err)
		return
	}
	fmt.Println(pool.BrowserPID())
	select {}
}

func TestNoBrowserOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	pool(t) // skips where there is no browser
	dir := t.TempDir()
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), victimDir+"="+dir)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	browser, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the process said %q", line)
	}
	if len(processesOf(dir)) < 2 {
		t.Errorf("the browser has only the processes %v", processesOf(dir))
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // it was killed
	for len(processesOf(dir)) > 0 || syscall.Kill(browser, 0) == nil {
		if t.Context().Err() != nil {
			t.Fatalf("still there: %v", processesOf(dir))
		}
		time.Sleep(20 * time.Millisecond)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "trawl-browser-*"))
	if len(left) != 1 {
		t.Errorf("the killed process left %v", left)
	}
	next, err := render.Open(t.Context(), render.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	now, _ := filepath.Glob(filepath.Join(dir, "trawl-browser-*"))
	if len(now) != 1 || slices.Equal(now, left) {
		t.Errorf("after %v there is %v: it was not swept", left, now)
	}
}

// processesOf returns the processes that have a folder in their command line.
func processesOf(dir string) (all []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, _ := os.ReadFile(file)
		if strings.Contains(string(line), "--user-data-dir="+dir) {
			all = append(all, file)
		}
	}
	return all
}

func TestAKilledBrowserCostsThePageAlone(t *testing.T) {
	t.Parallel()
	pool := opened(t, render.Open, render.Config{})
	w := one(`<!DOCTYPE html><body><script>fetch("/data").then(() => document.body.append("done"))</script>`)
	req := w.request("/")
	killed := false
	req.Transport = func(ctx context.Context, s render.Subrequest) (render.Answer, error) {
		if !killed { // one request, so one call at a time
			killed = true
			_ = syscall.Kill(pool.BrowserPID(), syscall.SIGKILL)
			<-ctx.Done()
			return render.Answer{}, ctx.Err()
		}
		return w.transport(ctx, s)
	}
	if _, err := pool.Render(t.Context(), req); !errors.Is(err, render.ErrBrowserLost) {
		t.Errorf("the error is %v", err)
	}
	has(t, show(t, pool, req), "done")
}

// A browser is given up when it does not close one page in time. The others were not too slow.
func TestAPageOfABrowserThatIsGivenUpIsNotLate(t *testing.T) {
	t.Parallel()
	pool := opened(t, render.Open, render.Config{})
	w := one(`<!DOCTYPE html><body><script>fetch("/data")</script>`)
	req := w.request("/")
	req.Transport = func(ctx context.Context, _ render.Subrequest) (render.Answer, error) {
		pool.LoseBrowser(fmt.Errorf("it did not close a page: %w", context.DeadlineExceeded))
		<-ctx.Done()
		return render.Answer{}, ctx.Err()
	}
	_, err := pool.Render(t.Context(), req)
	var late *render.LimitError
	if !errors.Is(err, render.ErrBrowserLost) || errors.As(err, &late) {
		t.Errorf("the error is %v", err)
	}
}

func TestABrowserIsReplacedAfterItsPages(t *testing.T) {
	t.Parallel()
	pool := opened(t, render.Open, render.Config{RecyclePages: 2})
	w := one(`<!DOCTYPE html><p>here`)
	var pids []int
	for range 5 {
		pids = append(pids, pool.BrowserPID())
		has(t, show(t, pool, w.request("/")), "here")
	}
	slices.Sort(pids)
	if n := len(slices.Compact(pids)); n < 2 || n > 5 {
		t.Errorf("there were %d browsers for 5 pages", n)
	}
}

func TestAClosedPoolRendersNothing(t *testing.T) {
	t.Parallel()
	pool := opened(t, render.Open, render.Config{})
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Render(t.Context(), one("").request("/")); !errors.Is(err, render.ErrClosed) {
		t.Errorf("the error is %v", err)
	}
}

func TestABrowserThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	_, err := render.Open(t.Context(), render.Config{Browser: "/no/such/browser"})
	if !errors.Is(err, render.ErrNoBrowser) || !strings.Contains(err.Error(), `"/no/such/browser"`) {
		t.Errorf("the error is %v", err)
	}
	_, err = render.Open(t.Context(), render.Config{Browser: "/bin/false", Dir: t.TempDir()})
	if !errors.Is(err, render.ErrBrowserLost) {
		t.Errorf("the error is %v", err)
	}
}

func TestAPageThatTakesTooMuchMemoryDiesAlone(t *testing.T) {
	t.Parallel()
	if total, _ := render.Memory(os.Getpid()); total == 0 {
		t.Skip("the memory of processes is not known on this system")
	}
	pool := opened(t, render.Open, render.Config{PageBytes: 256 << 20, MaxContexts: 2})
	w := one(`<!DOCTYPE html><script>
const all = [];
setInterval(() => all.push(new Uint8Array(1 << 24).fill(all.length + 1)), 10);</script>`)
	w.pages[home+"/honest"] = `<!DOCTYPE html><p>here<script>fetch("/wait")</script>`
	crashed := make(chan struct{})
	go func() {
		defer close(crashed)
		req := w.request("/")
		req.Wait = render.Wait{Until: render.UntilSelector, Selector: "#never", Max: patient}
		if _, err := pool.Render(t.Context(), req); !errors.Is(err, render.ErrCrashed) {
			t.Errorf("the error is %v", err)
		}
	}()
	req := w.request("/honest")
	req.Transport = func(ctx context.Context, _ render.Subrequest) (render.Answer, error) {
		select { // the honest page is there while the other dies
		case <-crashed:
		case <-ctx.Done():
		}
		return w.answer(home + "/wait"), nil
	}
	has(t, show(t, pool, req), "here")
	<-crashed
}
