package policy

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

// layers lists the packages from the bottom up. A package may import those of the
// layers below its own, and none of its own layer. "." is package trawl.
var layers = [][]string{
	{"internal/language"},
	{
		"internal/activity", "internal/trace",
		"internal/extract", "internal/heap", "internal/redisd", "internal/version", "internal/htmltok", "internal/plain",
		"internal/ui", "internal/identity", "internal/verify", "internal/minhash", "internal/price", "internal/simhash",
		"internal/urltext", "internal/pathblock",
		"internal/textform", "internal/latency", "internal/spread", "internal/surt", "internal/recrawl",
		"internal/need",
	},
	{"crawler", "cmd/trawl/early", "internal/charset", "internal/blockpage"},
	{
		"internal/queue", "internal/account", "internal/waiting", "internal/seedfile", "internal/periodic",
		"internal/rights", "internal/tail", "internal/event", "internal/change",
		"internal/announce", "internal/indexnow", "internal/render",
	},
	{"internal/rules", "internal/forecast"},
	{"internal/fetched"},
	{"internal/condition", "internal/signature", "internal/validators"},
	{
		"internal/setting", "internal/visit", "internal/reference", "internal/htmltree", "internal/dns",
		"internal/repair", "internal/cookie",
		"internal/guard", "internal/proxy", "internal/redisconn", "internal/warc", "internal/tabular",
		"internal/wacz",
	},
	{"internal/fields", "parquet"},
	{
		"internal/fetch", "internal/frontier", "internal/output", "internal/parse", "internal/robots",
		"internal/sink", "internal/sitemap", "internal/spool", "internal/webhook", "scheduler", "dashboard",
	},
	{
		"internal/rewrite", "internal/audit", "internal/archive", "internal/commoncrawl", "internal/wire",
		"internal/websub",
	},
	{"tasks", "internal/export", "s3", "internal/recordstream", "internal/replay"},
	{"internal/fleet", "internal/explain", "internal/linkcheck"},
	{"internal/localcrawl"},
	{"."},
	{"cmd/trawl", "examples"},
}

// tests is the folder of the packages that only tests use. These packages may
// import any layer.
const tests = "internal/test"

// libraryRule names the packages that may import a library. Others use it through them.
type libraryRule struct {
	library string
	users   []string // folders, with those beneath them
}

var libraryRules = []libraryRule{
	{"github.com/hibiken/asynq", []string{"tasks", "dashboard", "internal/wire", "internal/fleet", "cmd", "examples",
		"."}},
	{"github.com/redis/go-redis", []string{"internal/redisconn", "internal/frontier", "internal/fleet",
		"internal/redisd", "cmd", tests}},
	{"github.com/PuerkitoBio/goquery", []string{"internal/fields", "internal/parse", "examples", "."}},
	{"github.com/minio/minio-go", []string{"s3"}},
}

// vocabularyImports are the only packages outside the standard library that package
// crawler may import: the parser of URLs and the Public Suffix List.
var vocabularyImports = []string{
	"github.com/nlnwa/whatwg-url/url", "golang.org/x/net/publicsuffix",
}

// source is a Go file and what it imports.
type source struct {
	file    string // "internal/fetch/fetch.go"
	pkg     string // the name of its package
	imports []string
}

// dir is the folder of the file: "internal/fetch", or "." for package trawl.
func (s source) dir() string { return path.Dir(s.file) }

// external reports whether the file is a test in a package of its own. Such a test may
// combine packages of any layer.
func (s source) external() bool { return s.test() && strings.HasSuffix(s.pkg, "_test") }

func (s source) test() bool { return strings.HasSuffix(s.file, "_test.go") }

// layerOf returns the index of a package's layer, or -1.
func layerOf(dir string) int {
	return slices.IndexFunc(layers, func(layer []string) bool {
		return slices.Contains(layer, dir) || slices.ContainsFunc(layer,
			func(l string) bool { return l == "examples" && within(dir, l) })
	})
}

func within(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }

// standard reports whether a package is part of the standard library: the first
// element of its path has no dot.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// violation says which rule an import breaks, or "".
func violation(s source, imported string) string {
	for _, r := range libraryRules {
		allowed := slices.ContainsFunc(r.users, func(user string) bool {
			return s.dir() == user || user != "." && within(s.dir(), user)
		})
		if within(imported, r.library) && !allowed {
			return "only " + strings.Join(r.users, ", ") + " may import it"
		}
	}
	dir, ours := ".", imported == module
	if !ours {
		dir, ours = strings.CutPrefix(imported, module+"/")
	}
	switch {
	case within(s.dir(), tests):
		return ""
	case ours && within(dir, tests):
		if !s.test() {
			return "only tests may import it"
		}
	case ours:
		from, to := layerOf(s.dir()), layerOf(dir)
		if from < 0 || to < 0 {
			return "a package has no layer: add it to layers"
		}
		if from <= to {
			return "its layer is not below"
		}
	case s.dir() == "crawler" && !s.test() && !standard(imported) && !slices.Contains(vocabularyImports, imported):
		return "package crawler imports parsers only"
	}
	return ""
}

func TestImportsPointDownTheLayers(t *testing.T) {
	t.Parallel()
	all := sources(t)
	if len(all) < 100 {
		t.Fatalf("only %d files were found", len(all))
	}
	for _, s := range all {
		if s.external() {
			continue
		}
		for _, imported := range s.imports {
			if broken := violation(s, imported); broken != "" {
				t.Errorf("%s imports %q, but %s", s.file, imported, broken)
			}
		}
	}
}

func TestImportsThatPointUpAreFound(t *testing.T) {
	t.Parallel()
	for file, imported := range map[string]string{
		"crawler/url.go":               "golang.org/x/net/html",
		"crawler/job.go":               module + "/internal/frontier",
		"crawler/job_test.go":          module + "/internal/frontier",
		"internal/fetch/fetch.go":      module + "/internal/robots",
		"internal/frontier/keys.go":    module + "/internal/test/redistest",
		"internal/sink/sink.go":        module + "/internal/export",
		"scheduler/scheduler.go":       module + "/tasks",
		"scheduler/runner.go":          "github.com/hibiken/asynq",
		"tasks/client.go":              "github.com/redis/go-redis/v9",
		"cmd/trawl/main.go":            "github.com/PuerkitoBio/goquery",
		"dashboard/dashboard.go":       module + "/internal/frontier/nosuch",
		"internal/localcrawl/crawl.go": module,
	} {
		if violation(source{file: file, pkg: path.Base(path.Dir(file))}, imported) == "" {
			t.Errorf("%s may import %q", file, imported)
		}
	}
}

// sources reads the imports of all Go files of the module, for every system.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (ignored(entry.Name()) || otherModule(file)) {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(file) != ".go" {
			return nil
		}
		s, err := read(file)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// ignored reports whether the go tool ignores a folder of this name.
func ignored(name string) bool {
	hidden := name != "." && strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
	return hidden || name == "testdata" || name == "vendor"
}

// otherModule reports whether a folder is a module of its own, such as bench.
func otherModule(dir string) bool {
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
