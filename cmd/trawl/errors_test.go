package main_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// The commands in the tables below are split at spaces.
const aURL = "http://127.0.0.1:1/" // nothing listens there

func TestBadInputIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command string
		status  int
		saying  []string
	}{
		"no such subcommand": {"crawll " + aURL, usage, []string{`"crawll"`}},
		"no such flag":       {"crawl " + aURL + " --deepth 3", usage, []string{"--deepth"}},

		"no seed":                  {"crawl", usage, []string{"no seeds", "URL"}},
		"a seed that is not a URL": {"crawl nowhere", usage, []string{`"nowhere"`, "http://"}},
		"a seed of another scheme": {
			"crawl ftp://127.0.0.1/", usage, []string{`"ftp://127.0.0.1/"`, "http and https"},
		},
		"a seed with a port out of range": {
			"crawl http://127.0.0.1:99999/", usage, []string{`"http://127.0.0.1:99999/"`, "port"},
		},
		"a host that does not resolve": {
			"crawl http://nosuch.invalid/", usage, []string{`"nosuch.invalid"`, "resolve"},
		},

		"a bad pattern to include":  {"crawl " + aURL + " --include a(b", usage, []string{"include", `"a(b"`}},
		"a bad pattern to exclude":  {"crawl " + aURL + " --exclude [z", usage, []string{"exclude", `"[z"`}},
		"a bad duration":            {"crawl " + aURL + " --delay soon", usage, []string{"--delay", `"soon"`, "500ms"}},
		"a duration without a unit": {"crawl " + aURL + " --delay 5", usage, []string{"--delay", `"5"`, "500ms"}},
		"a negative duration": {
			"crawl " + aURL + " --delay=-1s", usage, []string{"--delay", `"-1s"`, "negative"},
		},
		"a bad number": {"crawl " + aURL + " --depth deep", usage, []string{"--depth", `"deep"`}},
		"a number out of range": {
			"crawl " + aURL + " --per-host 0", usage, []string{"per_host", `"0"`, "1 to 256"},
		},
		"a depth out of range":      {"crawl " + aURL + " --depth=-2", usage, []string{"depth", `"-2"`}},
		"a bad size":                {"crawl " + aURL + " --bytes many", usage, []string{"--bytes", `"many"`, "10MB"}},
		"a selector without a name": {"crawl " + aURL + " --select h1", usage, []string{"select", `"h1"`, "name=css"}},
		"a bad selector":            {"crawl " + aURL + " --select title=[", usage, []string{"select", `"title=["`}},
		"a bad scope": {
			"crawl " + aURL + " --scope galaxy", usage, []string{"scope", `"galaxy"`, "domain"},
		},
		"a bad kind of TLS": {
			"crawl " + aURL + " --tls old", usage, []string{"tls", `"old"`, "modern or legacy"},
		},
		"a bad mode of rendering": {
			"crawl " + aURL + " --render often", usage, []string{"render", `"often"`, "never, auto or always"},
		},
		"a browser that is not there": {
			"crawl " + aURL + " --render auto --browser /nowhere/chromium", usage,
			[]string{"render: auto", "no browser", `"/nowhere/chromium"`},
		},
		"a bad format": {"crawl " + aURL + " --format pdf", usage, []string{"format", `"pdf"`, "jsonl"}},
		"a bad user agent": {
			"crawl " + aURL + " --user-agent Schnüffler/1.0", usage, []string{"user_agent", "ASCII"},
		},
		"an empty user agent": {"crawl " + aURL + " --user-agent=", usage, []string{"user_agent"}},
		"a bad name of a job": {
			"crawl " + aURL + " --job Über/Job", usage, []string{"name", `"Über/Job"`, "hyphens"},
		},
		"a bad network": {
			"crawl " + aURL + " --allow-cidr 10.0.0.0", usage, []string{"allow-cidr", `"10.0.0.0"`, "10.0.0.0/8"},
		},
		"a concurrency of zero": {"crawl " + aURL + " --concurrency 0", usage, []string{"concurrency", "0"}},

		"a job file that is missing": {"crawl -f nosuch.yaml", usage, []string{"nosuch.yaml", "no such file"}},
		"a job file of brackets": {
			"crawl -f deep.yaml", usage, []string{"deep.yaml", "30000 lists and maps start with a bracket"},
		},
		"a job file of aliases": {
			"crawl -f laughs.yaml", usage, []string{"laughs.yaml", "aliases expand to more than"},
		},
		"an unknown field in it": {"crawl -f unknown.yaml", usage, []string{"unknown.yaml", "[2:1]", "delya"}},
		"an invalid number":      {"crawl -f number.yaml", usage, []string{"number.yaml", "[2:8]", "depth"}},
		"an invalid duration": {
			"crawl -f duration.yaml", usage, []string{"duration.yaml", "[2:", "delay", `"soon"`},
		},
		"an invalid size": {
			"crawl -f size.yaml", usage, []string{"size.yaml", "[2:", "body_limit", `"huge"`},
		},
		"a value out of range":        {"crawl -f range.yaml", usage, []string{"per_host", `"1000"`, "256"}},
		"a duplicate field":           {"crawl -f twice.yaml", usage, []string{"twice.yaml", "[3:1]", "depth"}},
		"invalid YAML":                {"crawl -f torn.yaml", usage, []string{"torn.yaml", "[1:"}},
		"seeds that are not URLs":     {"crawl -f seeds.yaml", usage, []string{`"example.com"`}},
		"a file as the output folder": {"crawl " + aURL + " --out occupied", failed, []string{`"occupied"`, "--out"}},
		"an output folder below a file": {
			"crawl " + aURL + " --out occupied/site", failed, []string{`"occupied/site"`, "--out"},
		},

		"an unreachable Redis": {
			"crawl " + aURL + " --redis redis://127.0.0.1:1", failed,
			[]string{"no Redis answers", "127.0.0.1:1", "--redis"},
		},
		"an invalid Redis URL": {
			"crawl " + aURL + " --redis http://me:secret@127.0.0.1/", usage, []string{"redis", "redis://"},
		},
		"an unreachable site": {
			"crawl " + aURL + " --robots-tries 1 --retries 0", nothing,
			[]string{"nothing could be fetched", "127.0.0.1:1", "refused"},
		},

		"an unreachable host": {"crawl " + aURL + " --host-tries 2 --retry-pause 600ms", nothing,
			[]string{"trawl: 127.0.0.1:1: robots.txt could not be fetched: ", "connection refused; asked again in ",
				"1 failed"}},

		"nothing to fetch":          {"fetch", usage, []string{"nothing to fetch"}},
		"a list that is missing":    {"fetch nosuch.txt", usage, []string{`"nosuch.txt"`}},
		"a list that is a folder":   {"fetch .", usage, []string{`"."`}},
		"files to standard output":  {"fetch " + aURL + " --format files", usage, []string{"files", "--out"}},
		"a list without URLs":       {"fetch list.txt", nothing, []string{"list.txt, line 1", `"example.com"`}},
		"a bad selector for a list": {"fetch " + aURL + " --select title=[", usage, []string{"select", `"title=["`}},
		"a list of unreachable URLs": {
			"fetch " + aURL + " --robots-tries 1 --retries 0", nothing, []string{"nothing could be fetched"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			for file, text := range map[string]string{
				"unknown.yaml":  "seeds: [" + aURL + "]\ndelya: 1s\n",
				"number.yaml":   "seeds: [" + aURL + "]\ndepth: deep\n",
				"duration.yaml": "seeds: [" + aURL + "]\ndelay: soon\n",
				"size.yaml":     "seeds: [" + aURL + "]\nbody_limit: huge\n",
				"range.yaml":    "seeds: [" + aURL + "]\nper_host: 1000\n",
				"twice.yaml":    "seeds: [" + aURL + "]\ndepth: 1\ndepth: 2\n",
				"torn.yaml":     "seeds: [" + aURL + "\n",
				"seeds.yaml":    "seeds: [example.com]\n",
				"deep.yaml":     "seeds: " + strings.Repeat("[", 30_000) + "\n",
				"laughs.yaml":   aliasBomb,
				"list.txt":      "example.com\n",
				"occupied":      "",
			} {
				s.write(file, text)
			}
			end := s.run(strings.Fields(c.command)...).exits(c.status, c.saying...)
			if strings.Contains(end.stderr, "secret") {
				t.Errorf("trawl prints a password:\n%s", end.stderr)
			}
			if strings.Contains(end.stderr, "goroutine ") || strings.Contains(end.stderr, "Go struct") {
				t.Errorf("trawl prints internals:\n%s", end.stderr)
			}
			left, _ := filepath.Glob(s.path("crawl-*"))
			if c.status == usage && len(left) > 0 {
				t.Errorf("a refused command leaves %q", left)
			}
		})
	}
}

// aliasBomb is a job file whose aliases expand to ten billion words.
var aliasBomb = func() string {
	text := "a: &a [ha]\n"
	for c := 'b'; c <= 'k'; c++ {
		text += fmt.Sprintf("%c: &%c [%s]\n", c, c,
			strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 10), ","))
	}
	return text + "seeds: *k\n"
}()

// redisWithPassword starts a Redis that requires a password, and returns its address.
func redisWithPassword(t *testing.T, password string) string {
	t.Helper()
	newShell(t).withRedis()
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().(*net.TCPAddr)
	free.Close()
	ctx := testfleet.Patience(t)
	server, err := redisd.Start(ctx, redisd.Config{
		Dir: t.TempDir(), Args: []string{"--bind", "127.0.0.1", "--port", strconv.Itoa(addr.Port)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	rdb := redis.NewClient(&redis.Options{Addr: addr.String()})
	defer rdb.Close()
	if err := rdb.ConfigSet(ctx, "requirepass", password).Err(); err != nil {
		t.Fatal(err)
	}
	return addr.String()
}

func TestARedisPasswordIsRequiredAndNeverPrinted(t *testing.T) {
	t.Parallel()
	const password = "open-sesame"
	addr := redisWithPassword(t, password)
	site := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}.Serve(t)
	crawl := func(s *shell, redis string) commandResult {
		return s.run("crawl", site.URL(0, "/"), "--delay", "0", "--out", "site", "--job", redistest.Name(t), "--redis",
			redis)
	}
	s := newShell(t)
	crawl(s, "redis://"+addr).exits(failed, "asks for a password", addr)
	crawl(s, "redis://:barley@"+addr).exits(failed, "refuses", "password", addr)
	right := crawl(s, "redis://:"+password+"@"+addr).exits(done)
	for what, text := range map[string]string{"says": right.stderr,
		"writes into its folder": concatFiles(t, s.path("site"))} {
		if strings.Contains(text, password) {
			t.Errorf("trawl %s the password of Redis", what)
		}
	}
}

// The built-in Redis asks for a password with the same errors as redis-server.
func TestTheBuiltInRedisRequiresItsPassword(t *testing.T) {
	t.Parallel()
	url := redistest.Builtin(t)
	_, addr, _ := strings.Cut(url, "@")
	s := newShell(t)
	s.run("crawl", aURL, "--redis", "redis://"+addr).exits(failed, "asks for a password")
	s.run("crawl", aURL, "--redis", "redis://:barley@"+addr).exits(failed, "refuses", "password")
}

// concatFiles returns the names and contents of all files in a folder as one string.
func concatFiles(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	for file, text := range files(t, dir) {
		all.WriteString(file + "\n" + text)
	}
	return all.String()
}

func TestBadSeedsAreReportedAndTheOthersCrawled(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	g := testsite.Graph{Hosts: 1, PagesPerHost: 10, LinksPerPage: 4}
	site := g.Serve(t)
	s.run("crawl", "nowhere", site.URL(0, "/"), "http://nosuch.invalid/", "mailto:a@b.invalid", "--delay", "0", "--out",
		"site").
		exits(done, `left out: "nowhere"`, `"nosuch.invalid" does not resolve`, `"mailto:a@b.invalid"`)
	fetched(pages(t, s.path("site"))).expectOnce(t, "pages", g.URLs(site))
}

func TestABadEnvironmentVariableIsReportedByName(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.set("TRAWL_DELAY", "soon")
	s.run("crawl", aURL).exits(usage, "TRAWL_DELAY", `"soon"`, "500ms")
}

func TestEveryExitStatusIsInTheHelp(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, command := range []string{"--help", "crawl --help", "fetch --help"} {
		help := s.run(strings.Fields(command)...).exits(done).stdout
		for _, status := range []string{"0    done", "1    failed", "2    usage", "3    nothing", "130  interrupted"} {
			if !strings.Contains(help, status) {
				t.Errorf("%s lacks %q", command, status)
			}
		}
	}
}
