// Package examples_test runs the examples as their readers do, against a fleet of real processes
// and a site, and checks their output.
package examples_test

import (
	"bytes"
	"context"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testcommand"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func TestMain(m *testing.M) { os.Exit(testfleet.Main(m)) }

// exampleFleet is a fleet and a site for it to crawl.
type exampleFleet struct {
	*testfleet.Fleet
	t     *testing.T
	graph testsite.Graph
	site  *testsite.Site
	api   string
	dir   string
}

func newExampleFleet(t *testing.T) *exampleFleet {
	t.Helper()
	g := testsite.Graph{Hosts: 4, PagesPerHost: 15, LinksPerPage: 4}
	c := &exampleFleet{Fleet: testfleet.New(t), t: t, graph: g, site: g.Serve(t), dir: t.TempDir()}
	c.Scheduler()
	c.Workers(2)
	_, c.api = c.Dashboard()
	return c
}

// list is the standard input of the examples: a page of each host that leads to all its other
// pages, one of them twice, and a line that is not a URL.
func (c *exampleFleet) list() string {
	lines := []string{"nowhere"}
	for _, at := range c.graph.Roots() {
		lines = append(lines, c.site.URL(at.Host, c.graph.Path(at.Page)))
	}
	return strings.Join(append(lines, lines[1]), "\n") + "\n"
}

// run runs an example to its end with list as standard input, and returns its output.
func (c *exampleFleet) run(command string, args ...string) (stdout, stderr string) {
	c.t.Helper()
	trawl, err := testfleet.Binary(false)
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.CommandContext(testfleet.Patience(c.t), command, args...)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(trawl)+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"TRAWL_REDIS="+c.URL(), "DASHBOARD="+c.api, "DELAY=0s", "TMPDIR="+c.dir)
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.list()), &out, &said
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("%s: %v\n%s%s", filepath.Base(command), err, out.String(), said.String())
	}
	return out.String(), said.String()
}

var fetched = regexp.MustCompile(`"fetched": ?(\d+)`)

// wantCrawled checks that the job crawled each page once, and that the example printed the number
// of pages.
func (c *exampleFleet) wantCrawled(job, stdout string) {
	c.t.Helper()
	c.Done(job)
	want := c.graph.URLs(c.site)
	pages := testfleet.Pages(c.Export(job))
	pages.Expect(c.t, "pages", want)
	asked := testfleet.Asked(c.site)
	asked.Expect(c.t, "requests", want)
	if pages.Again()+asked.Again() > 0 {
		c.t.Errorf("%d pages and %d requests are duplicates", pages.Again(), asked.Again())
	}
	if n := fetched.FindStringSubmatch(stdout); n == nil || n[1] != strconv.Itoa(len(want)) {
		c.t.Errorf("the example printed %q, want that %d pages were fetched", stdout, len(want))
	}
}

// wantText checks that the output contains all texts.
func (c *exampleFleet) wantText(told string, texts ...string) {
	c.t.Helper()
	for _, text := range texts {
		if !strings.Contains(told, text) {
			c.t.Errorf("the output does not contain %q:\n%s", text, told)
		}
	}
}

// lookPath returns the path of a program, or skips the test if it is missing.
func lookPath(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("no %[1]s on PATH: install %[1]s", program)
	}
	return path
}

// build builds a Go example.
func build(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if said, err := testcommand.Go("build", "-o", path, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, said)
	}
	return path
}

func TestTheShellScriptSeedsWithTheCommand(t *testing.T) {
	t.Parallel()
	lookPath(t, "sh")
	c := newExampleFleet(t)
	stdout, told := c.run("./seed.sh", "trawl", "shell", "-")
	c.wantText(told, "6 URLs, 4 new, 1 known, 1 refused", `line 1: "nowhere" is not a URL`)
	c.wantCrawled("shell", stdout)
}

func TestTheShellScriptSeedsWithCurl(t *testing.T) {
	t.Parallel()
	lookPath(t, "curl")
	c := newExampleFleet(t)
	list := filepath.Join(c.dir, "list.txt")
	if err := os.WriteFile(list, []byte(c.list()), 0o644); err != nil {
		t.Fatal(err)
	}
	stdout, told := c.run("./seed.sh", "curl", "curl", list)
	c.wantText(told, `"admitted": 4`, `"seen": 1`, `"refused": 1`, "nowhere")
	c.wantCrawled("curl", stdout)
}

func TestTheShellScriptSeedsFromAPipeWithCurl(t *testing.T) {
	t.Parallel()
	lookPath(t, "curl")
	c := newExampleFleet(t)
	stdout, told := c.run("./seed.sh", "curl", "pipe", "-")
	c.wantText(told, `"admitted": 4`)
	c.wantCrawled("pipe", stdout)
}

func TestThePythonScript(t *testing.T) {
	t.Parallel()
	python := lookPath(t, "python3")
	c := newExampleFleet(t)
	stdout, told := c.run(python, "./seed.py", "python")
	c.wantText(told, "4 new, 1 known, 1 refused", `line 1: "nowhere" is not a URL`)
	c.wantCrawled("python", stdout)

	// The first error of a reader is likely to be that the job exists.
	again := exec.CommandContext(testfleet.Patience(t), python, "./seed.py", "python")
	again.Env = append(os.Environ(), "DASHBOARD="+c.api)
	if said, err := again.CombinedOutput(); err == nil || !strings.Contains(string(said), "409: ") {
		t.Errorf("creating the job again says %q (%v)", said, err)
	}
}

func TestTheGoProgram(t *testing.T) {
	t.Parallel()
	c := newExampleFleet(t)
	stdout, told := c.run(build(t, "seed"), "-redis", c.URL(), "-job", "go", "-delay", "0s")
	c.wantText(told, "4 new, 1 known, 1 refused", `line 1: "nowhere" is not a URL`)
	c.wantCrawled("go", stdout)
}

func TestTheGoProgramWithAsynq(t *testing.T) {
	t.Parallel()
	c := newExampleFleet(t)
	job := crawler.DefaultJob()
	job.Name, job.Delay = "enqueue", 0
	c.Create(job)
	if ids, _ := c.run(build(t, "enqueue"), "-redis", c.URL(), "-job", "enqueue"); len(strings.Fields(ids)) != 1 {
		t.Errorf("the tasks are %q, want one", ids)
	}
	c.Done("enqueue")
	numbers, err := c.Client.Counters(context.Background(), "enqueue")
	if err != nil {
		t.Fatal(err)
	}
	c.wantCrawled("enqueue", `"fetched": `+strconv.FormatInt(numbers.Pages(), 10))
}

// Package trawl has names for what programs need of package crawler, as the examples and the
// programs of its documentation show.
func TestProgramsNeedNoPackageOfTrawlButTrawl(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("*/main.go")
	if err != nil || len(paths) < 8 {
		t.Fatalf("the examples are %v (%v)", paths, err)
	}
	for _, path := range append(paths, "../example_test.go", "../run_example_test.go", "../client_example_test.go") {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			if strings.Contains(i.Path.Value, "trawl/crawler") {
				t.Errorf("%s imports %s", path, i.Path.Value)
			}
		}
	}
}
