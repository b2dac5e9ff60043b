package doctest

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testcommand"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// step is a command with the output that it should have.
type step struct {
	line    int
	command string // without "$ "; it may have several lines
	want    []string
}

// steps returns the commands of a document, and what they need besides the command and
// the site: the values of "run=".
func steps(text string) (all []step, needs []string) {
	for _, l := range lines(text) {
		run, isRun := strings.CutPrefix(l.fence, "console run")
		if !isRun {
			continue
		}
		if need := strings.TrimPrefix(run, "="); need != "" && !slices.Contains(needs, need) {
			needs = append(needs, need)
		}
		command, isCommand := strings.CutPrefix(l.text, "$ ")
		more, continues := strings.CutPrefix(l.text, "> ")
		switch last := len(all) - 1; {
		case isCommand:
			all = append(all, step{line: l.number, command: command})
		case continues && len(all[last].want) == 0:
			all[last].command += "\n" + more
		default:
			all[last].want = append(all[last].want, l.text)
		}
	}
	return all, needs
}

func TestCommandsDoWhatDocumentsShow(t *testing.T) {
	t.Parallel()
	ran := 0
	for _, name := range guides(t) {
		all, needs := steps(read(t, name))
		if len(all) == 0 {
			continue
		}
		ran++
		t.Run(strings.TrimSuffix(filepath.Base(name), ".md"), func(t *testing.T) {
			t.Parallel()
			s := newSession(t, needs)
			for _, one := range all {
				if got := s.run(one.command); !shown(one.want, got) {
					t.Fatalf("%s:%d: $ %s\nprinted\n%s\nbut the document shows\n%s", name, one.line, one.command, got,
						strings.Join(one.want, "\n"))
				}
			}
		})
	}
	if ran < 5 {
		t.Errorf("%d documents have commands to run, want 5 or more", ran)
	}
}

// The addresses and the job's name in documents.
const (
	shownSite = "127.0.0.1:8000"
	shownJob  = "127-0-0-1-8000"
	manual    = "/usr/share/doc/python3-doc/html"
	// manualTitle is of the version whose pages README.md shows.
	manualTitle = "3.11.2 Documentation"
)

// session is a shell in which the commands of one document run.
type session struct {
	t     *testing.T
	in    io.Writer
	out   *bufio.Reader
	site  string // address of the site
	marks int
}

// newSession starts a shell in a new folder. It is killed at the end of the test, with all
// that it has started.
func newSession(t *testing.T, needs []string) *session {
	t.Helper()
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash on PATH: install bash")
	}
	trawl, err := testfleet.Binary(false)
	if err != nil {
		t.Fatal(err)
	}
	redistest.New(t) // the summaries name a private redis-server: the test is skipped without one
	s := &session{t: t, site: serve(t, slices.Contains(needs, "python3-doc"))}
	path := filepath.Dir(trawl) + string(filepath.ListSeparator) + os.Getenv("PATH")
	env := []string{"HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "LC_ALL=C"}
	if slices.Contains(needs, "books") {
		path = buildBooks(t) + string(filepath.ListSeparator) + path
	}
	if slices.Contains(needs, "fleet") {
		env = append(env, "TRAWL_REDIS=redis://"+redistest.Durable(t).TCP+"/0")
	}
	s.start(shell, append(env, "PATH="+path))
	return s
}

// serve serves the example site, or Python's manual, and returns its address.
func serve(t *testing.T, python bool) string {
	t.Helper()
	site := testsite.ServeLinked(t, 1, func(hosts []string) []http.Handler {
		if python {
			return []http.Handler{testsite.Static(pythonManual(t))}
		}
		return []http.Handler{testsite.Static(exampleSite(t, hosts[0]))}
	})
	return site.Hosts()[0]
}

// pythonManual skips the test if the manual is not that of README.md.
func pythonManual(t *testing.T) fs.FS {
	t.Helper()
	index, err := os.ReadFile(manual + "/index.html")
	if err != nil || !strings.Contains(string(index), manualTitle) {
		t.Skip("no python3-doc of Python 3.11.2: install it on Debian 12")
	}
	return os.DirFS(manual)
}

// exampleSite returns examples/site with another address in its files.
func exampleSite(t *testing.T, address string) fs.FS {
	t.Helper()
	const folder = "examples/site"
	site := make(fstest.MapFS)
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name := strings.TrimPrefix(filepath.ToSlash(path), folder+"/")
		site[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(text), shownSite, address)), Mode: 0o644}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// buildBooks builds examples/books, and returns the folder of the program.
func buildBooks(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if said, err := testcommand.Go("build", "-o", filepath.Join(dir, "books"),
		"./examples/books").CombinedOutput(); err != nil {
		t.Fatalf("build examples/books: %v\n%s", err, said)
	}
	return dir
}

// start starts the shell. Standard output and standard error are one pipe.
func (s *session) start(shell string, env []string) {
	s.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(shell, "--norc", "--noprofile")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.t.TempDir(), env, w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	w.Close()
	s.in, s.out = in, bufio.NewReader(r)
	deadline := testfleet.Soon(s.t)
	stop := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	done := make(chan struct{})
	go func() {
		select {
		case <-deadline.Done():
			stop()
		case <-done:
		}
	}()
	s.t.Cleanup(func() {
		close(done)
		stop()
		_ = cmd.Wait()
		r.Close()
	})
}

// run runs a command and returns what it printed, with the addresses that documents show.
func (s *session) run(command string) string {
	s.t.Helper()
	s.marks++
	mark := fmt.Sprintf("end of command %d", s.marks)
	fmt.Fprintf(s.in, "%s\nprintf '%%s\\n' '%s'\n", strings.ReplaceAll(command, shownSite, s.site), mark)
	var printed strings.Builder
	for {
		text, err := s.out.ReadString('\n')
		if before, found := strings.CutSuffix(text, mark+"\n"); found {
			printed.WriteString(before)
			break
		}
		printed.WriteString(text)
		if err != nil {
			s.t.Fatalf("$ %s\nended the shell (%v), after it printed\n%s", command, err, printed.String())
		}
	}
	host, port, _ := strings.Cut(s.site, ":")
	return strings.NewReplacer(
		s.site, shownSite, host+"%3A"+port, "127.0.0.1%3A8000",
		strings.ReplaceAll(host, ".", "-")+"-"+port, shownJob,
	).Replace(printed.String())
}

// varying are parts of output that differ from run to run.
var varying = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?`), "TIME"},
	{regexp.MustCompile(`\b\d+(\.\d+)? a second\b`), "RATE"},
	{regexp.MustCompile(`  +`), "  "},                             // columns are as wide as addresses
	{regexp.MustCompile(`\b\d+(\.\d+)? (bytes|kB|MB)\b`), "SIZE"}, // servers differ in the bodies of their errors
	{regexp.MustCompile(`\b(\d+m)?\d+(\.\d+)?(µs|ms|s)\b`), "DURATION"},
}

// shown reports whether a document shows an output.
func shown(want []string, got string) bool {
	var pattern strings.Builder
	for _, l := range want {
		switch {
		case progress.MatchString(l):
			continue
		case l == "…":
			pattern.WriteString(`(?:.*\n)*`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(steady(l)), "…", ".*") + "\n")
	}
	return regexp.MustCompile(`\A` + pattern.String() + `\z`).MatchString(steady(got))
}

// progress matches a line of progress. A crawl prints one every ten seconds, so how many there are
// depends on how fast it is.
var progress = regexp.MustCompile(`(?m)^\d+ pages? +[\d.k]+/s .*\d+s .*$\n?`)

// steady replaces what differs from run to run, and drops lines of progress, and spaces and carriage
// returns at the ends of lines.
func steady(text string) string {
	text = progress.ReplaceAllString(text, "")
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.name)
	}
	all := strings.Split(text, "\n")
	for i := range all {
		all[i] = strings.TrimRight(all[i], " \r")
	}
	return strings.Join(all, "\n")
}

func TestOutputIsComparedWithPatterns(t *testing.T) {
	t.Parallel()
	const got = "3 pages  2/s  3 waiting  1 host  10s  all is well\npages 6 in 1.5s, 4 a second\nat 2026-11-29T17:06:24.235Z by w7\nend  \n"
	for name, c := range map[string]struct {
		want  []string
		shown bool
	}{
		"the same": {
			[]string{"pages 6 in 1.5s, 4 a second", "at 2026-11-29T17:06:24.235Z by w7", "end"}, true,
		},
		"other times": {
			[]string{"pages 6 in 20ms, 300 a second", "at 2026-01-01 10:00:00 by w7", "end"}, true,
		},
		"another progress": {
			[]string{"pages 6 in 1.5s, 4 a second", "at 2026-11-29T17:06:24.235Z by w7",
				"6 pages  4/s  0 waiting  1 host  10s  nothing waits", "end"}, true,
		},
		"parts left out":        {[]string{"pages 6 …", "… by …", "end"}, true},
		"lines left out":        {[]string{"…", "end"}, true},
		"no lines to leave out": {[]string{"pages 6 …", "… by …", "…", "end"}, true},
		"another number":        {[]string{"pages 7 in 1.5s, 4 a second", "…"}, false},
		"a line missing":        {[]string{"pages 6 …", "end"}, false},
		"a line too many":       {[]string{"…", "end", "more"}, false},
	} {
		if shown(c.want, got) != c.shown {
			t.Errorf("%s: shown is %v, want %v", name, !c.shown, c.shown)
		}
	}
}
