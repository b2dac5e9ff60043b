package hostile_test

import (
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/test/hostile"
	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/warctest"
)

// firstUnprintable returns the first line of a text with characters that terminals or readers
// interpret instead of showing; "" if there is none.
func firstUnprintable(text string) string {
	for line := range strings.Lines(text) {
		text := strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\t", " ")
		if plain.Printable(text) != text {
			return line
		}
	}
	return ""
}

// crawlWords crawls the misbehaviours that concern text.
func crawlWords(t *testing.T) *crawl {
	t.Helper()
	c := newCrawl(t, hostile.Words(), 0)
	c.job.Format = []string{"jsonl", "files", "warc"}
	c.run()
	c.checkUnharmed()
	c.checkFates()
	return c
}

func TestTextFromTheWebIsNeverInterpreted(t *testing.T) {
	t.Parallel()
	c := crawlWords(t)
	dir := filepath.Join(c.Out, c.job.Name)

	t.Run("no path", func(t *testing.T) {
		err := filepath.WalkDir(c.Out, func(path string, entry fs.DirEntry, err error) error {
			if name := entry.Name(); err == nil &&
				(firstUnprintable(name) != "" || !utf8.ValidString(name) || len(name) > 255) {
				t.Errorf("a file has the name %q", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for url, r := range c.records {
			if r.Path != "" && !filepath.IsLocal(filepath.FromSlash(r.Path)) {
				t.Errorf("%s is stored at %q", url, r.Path)
			}
		}
	})
	t.Run("no key of Redis", func(t *testing.T) {
		rdb := redis.NewClient(&redis.Options{Addr: c.Redis.TCP})
		defer rdb.Close()
		keys, err := rdb.Keys(t.Context(), "*").Result()
		if err != nil || len(keys) == 0 {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for _, key := range keys {
			if firstUnprintable(key) != "" || strings.ContainsAny(key, " <>\"'") {
				t.Errorf("a key has the name %q", key)
			}
		}
	})
	t.Run("no line of a log", func(t *testing.T) {
		log := c.worker.Log()
		if line := firstUnprintable(log); line != "" {
			t.Errorf("the worker logs %q", line)
		}
		for line := range strings.Lines(log) {
			if !strings.HasPrefix(line, "time=") {
				t.Errorf("the worker logs a line that it did not format: %q", line)
			}
		}
	})
	t.Run("no label of a metric", func(t *testing.T) {
		_, dashboard := c.Dashboard()
		for _, url := range []string{"http://" + c.worker.Address() + "/metrics", dashboard + "/metrics"} {
			text := read(t, url)
			for line := range strings.Lines(text) {
				if !strings.HasPrefix(line, "#") && strings.ContainsAny(line, "<>/%@") ||
					strings.Contains(line, "127.1.") || firstUnprintable(line) != "" {
					t.Errorf("%s contains %q", url, line)
				}
			}
			if !strings.Contains(text, c.job.Name) {
				t.Errorf("%s does not mention the job", url)
			}
		}
	})
	t.Run("no field of WARC", func(t *testing.T) {
		c.worker.Terminate() // finishes its archives
		a := warctest.Open(t, dir)
		warctest.Index(t, a)
		if n := len(a.Of("response")); n == 0 {
			t.Error("the archive has no response")
		}
	})
	// A piped export contains every byte unchanged. Tests in cmd/trawl check that a terminal
	// receives none of them.
	t.Run("no control character on a terminal", func(t *testing.T) {
		commands := [][]string{
			{"job", "ls"}, {"job", "show", c.job.Name}, {"job", "show", c.job.Name, "--json"},
			{"host", "ls", c.job.Name},
			{"audit", c.job.Name, "--out", c.Out},
			{"seed", c.job.Name, "http://" + strings.ReplaceAll(hostile.Escapes, "\x00", "")},
			{"explain", c.job.Name, hostile.Script},
		}
		for url := range c.records {
			commands = append(commands, []string{"explain", c.job.Name, url, "--out", c.Out})
		}
		for _, command := range commands[:min(len(commands), 40)] {
			output, _ := c.Run(command...)
			if line := firstUnprintable(output); line != "" || output == "" {
				t.Errorf("trawl %q prints %q in %d bytes", command, line, len(output))
			}
		}
	})
	t.Run("titles are stored unchanged", func(t *testing.T) {
		kept := 0
		for url, r := range c.records {
			if strings.HasSuffix(url, "/script-title") && r.Title == hostile.Script ||
				strings.HasSuffix(url, "/escape-title") && strings.Contains(r.Title, "\x1b]0;hostile") {
				kept++
			}
		}
		if kept != 2 {
			t.Errorf("%d of 2 titles are in the records", kept)
		}
	})
}

// read returns the body at a URL.
func read(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// asynqPages are the pages of asynq's web UI that link to all others.
var asynqPages = []string{"/asynq/", "/asynq/servers", "/asynq/schedulers", "/asynq/redis", "/asynq/settings",
	"/asynq/q/metrics"}

// taskStates are the states by which asynq's web UI lists the tasks of a queue.
var taskStates = []string{"active", "pending", "aggregating", "scheduled", "retry", "archived", "completed"}

func TestNoDashboardPageRunsScriptFromTheWeb(t *testing.T) {
	t.Parallel()
	b, c := testbrowser.New(t), crawlWords(t)
	_, home := c.Dashboard()
	c.addScripts()

	script := c.job.Name + "-script"
	queue := []string{home + "/", home + "/jobs/" + script + "/hosts/127.66.6.6", home + "/jobs/" + script + "/settings"}
	for _, path := range asynqPages {
		queue = append(queue, home+path)
	}
	for _, name := range []string{c.job.Name, script, "crawl:seed"} {
		for _, state := range taskStates {
			queue = append(queue, home+"/asynq/queues/"+name+"?status="+state)
		}
	}
	for _, path := range c.taskPaths() {
		queue = append(queue, home+path)
	}
	opened := map[string]bool{}
	for len(queue) > 0 && len(opened) < 150 {
		url, _, _ := strings.Cut(queue[0], "#")
		queue = queue[1:]
		if opened[url] {
			continue
		}
		opened[url] = true
		b.Open(url, readySelector(strings.TrimPrefix(url, home)))
		b.Sound()
		for _, link := range b.Links() {
			if strings.HasPrefix(link, home+"/") && !strings.Contains(link, "sort=") { // the same jobs in another order
				queue = append(queue, link)
			}
		}
	}
	for _, path := range []string{"/jobs/" + c.job.Name, "/jobs/" + c.job.Name + "/hosts", "/jobs/" + script,
		"/asynq/queues/" + c.job.Name + "?status=completed"} {
		if !opened[home+path] {
			t.Errorf("%s is not among the %d pages that were opened", path, len(opened))
		}
	}
	t.Logf("%d pages were opened", len(opened))
	b.Calm(home)
}

// readySelector returns a selector of an element that exists once a page is complete.
func readySelector(path string) string {
	switch {
	case strings.Contains(path, "/tasks/"):
		return "main pre"
	case path == "/asynq/" || strings.HasPrefix(path, "/asynq/queues/"):
		return `main table, main [class*="MuiAlert"], main [class*="alert" i]`
	case strings.HasPrefix(path, "/asynq/"):
		return "main *"
	}
	return "body"
}

// taskPaths returns the paths of all tasks in asynq's web UI.
func (c *crawl) taskPaths() (paths []string) {
	c.t.Helper()
	redis, err := asynq.ParseRedisURI(c.URL())
	if err != nil {
		c.t.Fatal(err)
	}
	inspector := asynq.NewInspector(redis)
	defer inspector.Close()
	queues, err := inspector.Queues()
	if err != nil {
		c.t.Fatal(err)
	}
	for _, name := range queues {
		for _, list := range []func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
			inspector.ListPendingTasks, inspector.ListScheduledTasks, inspector.ListRetryTasks,
			inspector.ListArchivedTasks, inspector.ListCompletedTasks,
		} {
			tasks, err := list(name)
			if err != nil {
				c.t.Fatal(err)
			}
			for _, task := range tasks {
				paths = append(paths, "/asynq/queues/"+name+"/tasks/"+task.ID)
			}
		}
	}
	return paths
}

// addScripts adds more script for the dashboard to show: a paused job with script in its settings
// and seeds, and tasks with script as their type and payload.
func (c *crawl) addScripts() {
	c.t.Helper()
	ctx := testfleet.Soon(c.t)
	scriptJob := crawler.DefaultJob()
	scriptJob.Name, scriptJob.Seeds = c.job.Name+"-script", []string{"http://127.66.6.6/" + hostile.Script}
	scriptJob.Exclude = []string{"<script>alert\\(1\\)</script>|<img src=x onerror=alert\\(1\\)>"}
	scriptJob.UserAgent, scriptJob.Contact = hostile.Script, hostile.Script
	scriptJob.Select = []string{"x=a[href=\"<script>alert(1)</script>\"]"}
	c.Create(scriptJob)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	// Pausing fails until the job runs.
	for err := c.Client.Pause(ctx, scriptJob.Name); err != nil; err = c.Client.Pause(ctx, scriptJob.Name) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			c.t.Fatal(err)
		}
	}
	redis, err := asynq.ParseRedisURI(c.URL())
	if err != nil {
		c.t.Fatal(err)
	}
	client := asynq.NewClient(redis)
	defer client.Close()
	for _, payload := range []string{`{"job":"` + c.job.Name +
		`","urls":["http://<script>alert(1)</script>/","<img src=x onerror=alert(1)>"]}`, hostile.Script,
		hostile.Escapes} {
		for _, options := range [][]asynq.Option{
			{asynq.Queue("crawl:seed"), asynq.MaxRetry(0)}, {asynq.Queue(scriptJob.Name)},
			{asynq.Queue(scriptJob.Name), asynq.ProcessIn(3600e9)},
		} {
			task := asynq.NewTask("crawl:seed", []byte(payload))
			if options[0].Value() == scriptJob.Name {
				task = asynq.NewTask(hostile.Script, []byte(payload))
			}
			if _, err := client.EnqueueContext(ctx, task, options...); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}
