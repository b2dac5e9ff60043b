package main_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// newRedis starts a Redis for one test. The processes of a fleet serve every job in their Redis.
func newRedis(s *shell) *redisd.Server {
	s.t.Helper()
	s.withRedis()
	server, err := redisd.Start(testfleet.Patience(s.t), redisd.Config{Dir: s.t.TempDir()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(server.Kill)
	return server
}

// jobState returns the state and the number of seeds in the output of "trawl job show --json".
func jobState(t testing.TB, shown string) (state string, seen int64) {
	t.Helper()
	var job struct {
		State    string
		Counters struct{ Seen int64 }
	}
	if err := json.Unmarshal([]byte(shown), &job); err != nil {
		t.Fatalf("the output of job show is not JSON: %v\n%s", err, shown)
	}
	return job.State, job.Counters.Seen
}

func TestOneSeedCommandStartsACrawl(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.set("TRAWL_REDIS", newRedis(s).URL())
	s.set("TRAWL_OUT", s.path("crawls"))
	s.set("TRAWL_LISTEN", "127.0.0.1:0")
	s.set("TRAWL_ALLOW_CIDR", "10.0.0.0/8,127.0.0.0/8")
	graph := testsite.Graph{Hosts: 2, PagesPerHost: 3, LinksPerPage: 3}
	site := graph.Serve(t)
	fleet := []*process{s.start("scheduler"), s.start("worker")}

	s.run("seed", "--create", "news", site.URL(0, "/"), site.URL(1, "/")).exits(done, "created job news", "2 new")
	s.run("job", "watch", "news").exits(done)
	exported := s.run("export", "news").exits(done).stdout
	fetched(parseRecords(t, "the export", exported)).expectOnce(t, "pages", graph.URLs(site))
	for _, p := range fleet {
		p.signal(os.Interrupt)
		p.waitSoon().exits(done)
	}
}

func TestSeedCreatesAJobOnlyWithTheFlag(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.set("TRAWL_REDIS", newRedis(s).URL())
	s.run("seed", "news", aURL).exits(usage, `"news"`, "no job")
	s.run("seed", "--create", "News!", aURL).exits(usage, `"News!"`, "hyphens")
	if left := s.run("job", "ls", "--json").exits(done).stdout; strings.TrimSpace(left) != "[]" {
		t.Errorf("refused commands leave jobs: %s", left)
	}
	s.run("seed", "--create", "news", aURL).exits(done, "created job news", "1 new")
	s.run("seed", "--create", "news", aURL, aURL+"2").exits(done, "1 new, 1 known")
	shown := s.run("job", "show", "news", "--json").exits(done).stdout
	if state, seen := jobState(t, shown); state != "created" || seen != 2 {
		t.Errorf("the job is %s and has %d seeds, want created and 2", state, seen)
	}
}

func TestAJobFileIsReadFromStandardInput(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.set("TRAWL_REDIS", newRedis(s).URL())
	create := func(text string) commandResult {
		s.write("job.yaml", text)
		file, err := os.Open(s.path("job.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		s.stdin = file
		return s.run("job", "create", "-")
	}
	create("name: piped\ndelya: 1s\n").exits(usage, "standard input", "[2:1]", "delya")
	create("name: piped\nseeds: ["+aURL+"]\n").exits(done, "created job piped with 1 seed")
	s.run("job", "show", "piped").exits(done)
}
