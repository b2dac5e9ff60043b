package main_test

import (
	"net"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// fleetCommands are all commands that use a fleet's Redis, with the arguments that they need.
var fleetCommands = []string{
	"scheduler --listen 127.0.0.1:0", "worker --listen 127.0.0.1:0 --out out", "dashboard --listen 127.0.0.1:0",
	"job ls", "job create job.yaml", "job show news", "job watch news", "job rm news",
	"host ls news", "host set news a.example --pause", "seed news " + aURL, "seed --create news " + aURL,
}

// expectRefused runs commands with a Redis URL and expects each to fail.
func expectRefused(t *testing.T, commands []string, url string, status int, saying ...string) {
	t.Helper()
	for _, command := range commands {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			s.write("job.yaml", "name: news\n")
			s.set("TRAWL_REDIS", url)
			end := s.start(strings.Fields(command)...).waitSoon().exits(status, saying...)
			if strings.Contains(end.stderr, "secret") || end.stdout != "" {
				t.Errorf("trawl says %q and prints %q", end.stderr, end.stdout)
			}
			if strings.Contains(end.stderr, "leave out --redis") {
				t.Errorf("trawl gives advice that does not apply:\n%s", end.stderr)
			}
		})
	}
}

func TestAnInvalidRedisURLIsRefused(t *testing.T) {
	t.Parallel()
	expectRefused(t, fleetCommands, "http://me:secret@127.0.0.1/", usage, "redis", "redis://")
}

func TestAnUnreachableRedisIsReported(t *testing.T) {
	t.Parallel()
	expectRefused(t, fleetCommands, "redis://:secret@127.0.0.1:1/0", failed, "no Redis answers at 127.0.0.1:1")
}

func TestAWrongRedisPasswordIsReported(t *testing.T) {
	t.Parallel()
	addr := redisWithPassword(t, "open-sesame")
	expectRefused(t, []string{"scheduler", "job ls", "seed news " + aURL}, "redis://:secret@"+addr+"/0", failed, addr,
		"refuses the password")
	expectRefused(t, []string{"worker --out out", "job create job.yaml"}, "redis://"+addr+"/0", failed, addr,
		"asks for a password")
}

func TestARedisWithAnotherSchemaVersionIsRefused(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ctx := testfleet.Soon(t)
	if err := ft.redis.Set(ctx, "trawl:schema", "0", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := ft.redis.SAdd(ctx, "trawl:jobs", "news").Err(); err != nil {
		t.Fatal(err)
	}
	expectRefused(t, fleetCommands, ft.URL(), failed, `version "0"`, "trawl:schema", "another Redis or database",
		"trawl job rm")
}

func TestProcessesRefuseARedisThatEvictsKeys(t *testing.T) {
	t.Parallel()
	evicts := redistest.Durable(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
	expectRefused(t, fleetCommands[:3], "redis://"+evicts.TCP+"/0", failed,
		"maxmemory-policy allkeys-lru", "noeviction")
	s := newShell(t)
	s.run("job", "ls", "--redis", "redis://"+evicts.TCP+"/0").exits(done)
}

func TestBadSettingsOfProcessesAndJobsAreRefused(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	inUse := taken.Addr().String()
	commands := map[string]struct {
		command string
		env     string
		status  int
		saying  []string
	}{
		"a log format": {
			"scheduler --log-format xml", "", usage, []string{"log-format", `"xml"`, "json"},
		},
		"a log level": {"scheduler --log-level loud", "", usage, []string{"log-level", `"loud"`}},
		"an address in use, scheduler": {
			"scheduler --listen " + inUse, "", failed, []string{inUse, "in use", "--listen"},
		},
		"an address in use, worker": {
			"worker --out out --listen " + inUse, "", failed, []string{inUse, "in use", "--listen"},
		},
		"an address in use, dashboard": {
			"dashboard --listen " + inUse, "", failed, []string{inUse, "in use", "--listen"},
		},
		"an invalid address": {"scheduler --listen 9090", "", failed, []string{`"9090"`, "--listen"}},
		"an open dashboard without a token": {
			"dashboard --listen 0.0.0.0:0", "", usage, []string{"0.0.0.0:0", "no token"},
		},
		"a worker without a folder":         {"worker", "", usage, []string{"--out"}},
		"a worker with a file for a folder": {"worker --listen= --out job.yaml", "", failed, []string{`"job.yaml"`}},
		"a number in the environment": {
			"worker --out out", "TRAWL_CONCURRENCY=lots", usage, []string{`TRAWL_CONCURRENCY="lots"`},
		},
		"a worker with no places": {
			"worker --out out --concurrency 0", "", usage, []string{"concurrency", "0"},
		},
		"an invalid network": {
			"worker --out out --allow-cidr 10.0.0.0", "", usage, []string{"allow-cidr", `"10.0.0.0"`},
		},
		"an extra argument": {"scheduler now", "", usage, []string{`"now"`}},
		"a job file that is missing": {
			"job create nosuch.yaml", "", usage, []string{"nosuch.yaml", "no such file"},
		},
		"a job file with unknown settings": {
			"job create unknown.yaml", "", usage, []string{"unknown.yaml", "[3:1]", "dealy"},
		},
		"a job file with a bad value": {
			"job create value.yaml", "", usage, []string{"value.yaml", "[2:", "delay", `"soon"`},
		},
		"a job file with a bad seed":     {"job create seed.yaml", "", usage, []string{`"example.com"`}},
		"a job file with a bad selector": {"job create select.yaml", "", usage, []string{"select", `"title=["`}},
		"a name with capitals": {
			"job create job.yaml --job News", "", usage, []string{"name", `"News"`, "hyphens"},
		},
		"a name with a slash":              {"job create job.yaml --job a/b", "", usage, []string{"name", `"a/b"`}},
		"an empty name":                    {"job create unnamed.yaml", "", usage, []string{"name", `""`}},
		"a name that begins with a hyphen": {"job create job.yaml --job=-a", "", usage, []string{"name", `"-a"`}},
		"a name in the environment": {
			"job create job.yaml", "TRAWL_JOB=NEWS", usage, []string{"name", `"NEWS"`},
		},
		"a name that is too long": {
			"job create job.yaml --job " + strings.Repeat("a", 64), "", usage, []string{"name", "63"},
		},
		"no such subcommand": {"job pauze news", "", usage, []string{"pauze"}},
		"no job":             {"job show", "", usage, []string{"accepts 1 arg"}},
	}
	refuse := func(t *testing.T, name string) {
		c := commands[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			s.set("TRAWL_REDIS", ft.URL())
			for file, text := range map[string]string{
				"job.yaml":     "name: news\n",
				"unnamed.yaml": "delay: 1s\n",
				"unknown.yaml": "name: news\ndepth: 3\ndealy: 1s\n",
				"value.yaml":   "name: news\ndelay: soon\n",
				"seed.yaml":    "name: news\nseeds: [example.com]\n",
				"select.yaml":  "name: news\nselect: [\"title=[\"]\n",
			} {
				s.write(file, text)
			}
			if key, value, ok := strings.Cut(c.env, "="); ok {
				s.set(key, value)
			}
			s.start(strings.Fields(c.command)...).waitSoon().exits(c.status, c.saying...)
		})
	}
	t.Run("all", func(t *testing.T) {
		for name := range commands {
			refuse(t, name)
		}
	})
	if jobs := ft.redisKeys("news"); len(jobs) > 0 {
		t.Errorf("refused commands leave the keys %v", jobs)
	}
}
