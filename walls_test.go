package trawl_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/trawlcrawler/trawl"

// source is a Go file of the house and what it imports.
type source struct {
	file    string // "crawler/fetch/fetch.go"
	pkg     string // its package's name
	imports []string
}

// dir is the folder of the file's package: "crawler/fetch", "." at the top.
func (s source) dir() string { return path.Dir(s.file) }

// room is the part of the house that the file is in: "crawler", "cmd".
func (s source) room() string { return first(s.dir()) }

// guest says that the file tests its package from outside. Such a test may put
// parts of the house together, and use whatever it likes.
func (s source) guest() bool {
	return strings.HasSuffix(s.file, "_test.go") && strings.HasSuffix(s.pkg, "_test")
}

// test says that the file is a test.
func (s source) test() bool { return strings.HasSuffix(s.file, "_test.go") }

func first(dir string) string {
	name, _, _ := strings.Cut(dir, "/")
	return name
}

// ours returns the folder of an imported package of the house.
func ours(imported string) (dir string, ok bool) { return strings.CutPrefix(imported, module+"/") }

// standard says that a package is of the standard library: the first part of
// its path has no dot.
func standard(imported string) bool { return !strings.Contains(first(imported), ".") }

func within(imported, library string) bool {
	return imported == library || strings.HasPrefix(imported, library+"/")
}

// wall is a rule about imports.
type wall struct {
	sentence string
	// broken says that the import breaks the rule. It is not asked about tests
	// from outside.
	broken func(s source, imported string) bool
	// trial is a file and an import that break the rule.
	trial [2]string
}

var walls = []wall{{
	sentence: "crawler imports the standard library, parsers of URLs and schedules, publicsuffix, and nothing else",
	broken: func(s source, imported string) bool {
		allowed := []string{"github.com/nlnwa/whatwg-url/url", "golang.org/x/net/publicsuffix", "github.com/robfig/cron/v3"}
		return s.dir() == "crawler" && !s.test() && !standard(imported) && !slices.Contains(allowed, imported)
	},
	trial: [2]string{"crawler/visit.go", "golang.org/x/net/html"},
}, {
	sentence: "crawler's own tests import nothing of the house but internal packages",
	broken: func(s source, imported string) bool {
		dir, ok := ours(imported)
		return s.dir() == "crawler" && s.test() && ok && first(dir) != "internal"
	},
	trial: [2]string{"crawler/visit_test.go", module + "/crawler/frontier"},
}, {
	sentence: "packages under crawler/ import nothing of the house but crawler, and so not each other",
	broken: func(s source, imported string) bool {
		dir, ok := ours(imported)
		return strings.HasPrefix(s.dir(), "crawler/") && ok && dir != "crawler" && first(dir) != "internal"
	},
	trial: [2]string{"crawler/fetch/fetch.go", module + "/crawler/robots"},
}, {
	sentence: "scheduler, tasks and dashboard import nothing of the house but crawler, and so not each other; but tasks, whose Client is the door for other programs, imports crawler/frontier, and crawler/parse to refuse jobs by",
	broken: func(s source, imported string) bool {
		dir, ok := ours(imported)
		shared := slices.Contains([]string{"scheduler", "tasks", "dashboard"}, s.room())
		door := s.room() == "tasks" && (dir == "crawler/frontier" || dir == "crawler/parse")
		return shared && ok && !door && dir != "crawler" && first(dir) != "internal"
	},
	trial: [2]string{"scheduler/scheduler.go", module + "/tasks"},
}, {
	sentence: "export imports nothing of the house but crawler and what reads and writes outputs: crawler/output, crawler/parse, crawler/sink",
	broken: func(s source, imported string) bool {
		dir, ok := ours(imported)
		allowed := []string{"crawler", "crawler/output", "crawler/parse", "crawler/sink"}
		return s.room() == "export" && ok && !slices.Contains(allowed, dir) && first(dir) != "internal"
	},
	trial: [2]string{"export/crawl.go", module + "/crawler/frontier"},
}, {
	sentence: "only cmd imports export",
	broken: func(s source, imported string) bool {
		dir, ok := ours(imported)
		return ok && dir == "export" && s.room() != "cmd" && s.room() != "export"
	},
	trial: [2]string{"crawler/sink/sink.go", module + "/export"},
}, {
	sentence: "internal packages are for cmd, for tests and for each other, and internal/fleet and internal/localcrawl for package trawl",
	broken: func(s source, imported string) bool {
		dir, ok := ours(imported)
		door := s.dir() == "." && (dir == "internal/fleet" || dir == "internal/localcrawl")
		return ok && first(dir) == "internal" && !door && !s.test() && s.room() != "cmd" && s.room() != "internal"
	},
	trial: [2]string{"crawler/frontier/frontier.go", module + "/internal/redisd"},
}, {
	sentence: "internal packages import nothing of the house but each other; but internal/fleet and internal/localcrawl, which put processes together, import what they put together, and internal/testfleet, which tests with whole fleets stand upon, crawler, crawler/output and tasks, and internal/simulate what it simulates",
	broken: func(s source, imported string) bool {
		dir, ok := ours(imported)
		door := s.dir() == "internal/testfleet" && (dir == "crawler" || dir == "crawler/output" || dir == "tasks") ||
			s.dir() == "internal/simulate" && slices.Contains([]string{"crawler", "crawler/frontier", "crawler/robots", "scheduler"}, dir) ||
			slices.Contains([]string{"internal/fleet", "internal/localcrawl"}, s.dir()) && slices.Contains([]string{"crawler", "scheduler", "tasks"}, first(dir))
		return s.room() == "internal" && ok && !door && first(dir) != "internal"
	},
	trial: [2]string{"internal/testsite/site.go", module + "/crawler"},
}, {
	sentence: "only tasks, dashboard, cmd, internal/fleet and package trawl, whose pages enqueue tasks, import asynq, and examples, which are programs of others",
	broken: func(s source, imported string) bool {
		return within(imported, "github.com/hibiken/asynq") && s.dir() != "internal/fleet" &&
			!slices.Contains([]string{"tasks", "dashboard", "cmd", "examples", "."}, s.room())
	},
	trial: [2]string{"scheduler/scheduler.go", "github.com/hibiken/asynq"},
}, {
	sentence: "only crawler/frontier and cmd import go-redis, and internal/fleet, internal/redisd, internal/redistest and internal/simulate, which are for cmd and tests",
	broken: func(s source, imported string) bool {
		allowed := []string{"crawler/frontier", "internal/fleet", "internal/redisd", "internal/redistest", "internal/simulate"}
		return within(imported, "github.com/redis/go-redis") && s.room() != "cmd" && !slices.Contains(allowed, s.dir())
	},
	trial: [2]string{"tasks/client.go", "github.com/redis/go-redis/v9"},
}, {
	sentence: "only crawler/parse imports goquery, package trawl, whose handlers get selections, and examples, which are programs of others",
	broken: func(s source, imported string) bool {
		return within(imported, "github.com/PuerkitoBio/goquery") && s.dir() != "crawler/parse" && s.dir() != "." && s.room() != "examples"
	},
	trial: [2]string{"cmd/trawl/main.go", "github.com/PuerkitoBio/goquery"},
}}

func TestTheWallsStand(t *testing.T) {
	t.Parallel()
	sources := house(t)
	if len(sources) == 0 {
		t.Fatal("the house is empty")
	}
	for _, s := range sources {
		for _, imported := range s.imports {
			for _, w := range walls {
				if !s.guest() && w.broken(s, imported) {
					t.Errorf("%s imports %q, but %s", s.file, imported, w.sentence)
				}
			}
		}
	}
}

func TestEachWallHolds(t *testing.T) {
	t.Parallel()
	for _, w := range walls {
		t.Run(w.sentence, func(t *testing.T) {
			t.Parallel()
			if s := (source{file: w.trial[0], pkg: path.Base(path.Dir(w.trial[0]))}); !w.broken(s, w.trial[1]) {
				t.Errorf("%s may import %q", s.file, w.trial[1])
			}
		})
	}
}

// house reads the imports of all Go files beneath this one, for every system.
func house(t *testing.T) []source {
	t.Helper()
	var sources []source
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (foreign(entry.Name()) || annexed(file)) {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(file) != ".go" {
			return nil
		}
		s, err := read(file)
		sources = append(sources, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

// foreign says that the go tool does not look into a folder.
func foreign(name string) bool {
	hidden := name != "." && strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
	return hidden || name == "testdata" || name == "vendor"
}

// annexed says that a folder is a module of its own, as bench is.
func annexed(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return dir != "." && err == nil
}

func read(file string) (source, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return source{}, err
	}
	s := source{file: filepath.ToSlash(file), pkg: parsed.Name.Name}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source{}, err
		}
		s.imports = append(s.imports, imported)
	}
	return s, nil
}
