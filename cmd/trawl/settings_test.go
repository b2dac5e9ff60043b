package main

import (
	"cmp"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/crawler"
)

// resolveSettings returns the settings from a command line, a job file and the environment.
func resolveSettings(t *testing.T, jobFile string, args ...string) settings {
	t.Helper()
	if jobFile != "" {
		path := filepath.Join(t.TempDir(), "job.yaml")
		if err := os.WriteFile(path, []byte(jobFile), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--file", path)
	}
	s := defaultSettings()
	cmd := &cobra.Command{Use: "crawl"}
	s.register(cmd.Flags())
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	if err := s.resolve(cmd); err != nil {
		t.Fatal(err)
	}
	return s
}

// ignoreOrigins compares the values of settings, not their sources.
var ignoreOrigins = diff.Options{
	diff.AllowUnexported(settings{}), cmpopts.IgnoreFields(settings{}, "source", "base", "origins"),
}

func TestWithoutSettingsTheDefaultsApply(t *testing.T) {
	t.Parallel()
	got := resolveSettings(t, "")
	if d := diff.Diff(defaultSettings(), got, ignoreOrigins); d != "" {
		t.Errorf("settings (-want +got):\n%s", d)
	}
}

// Tests that change the environment of the process do not run in parallel.
func TestPrecedenceIsFlagEnvironmentJobFileDefault(t *testing.T) {
	const job = "depth: 1\nper_host: 1\nscope: domain\ndelay: 1ms\ninclude: [file]\nselect: [a=file]\nbytes: 1kB\nlinks: true\nout: file\n"
	t.Setenv("TRAWL_DEPTH", "2")
	t.Setenv("TRAWL_PER_HOST", "2")
	t.Setenv("TRAWL_DELAY", "2ms")
	t.Setenv("TRAWL_INCLUDE", "environment")
	t.Setenv("TRAWL_LINKS", "false")
	t.Setenv("TRAWL_OUT", "environment")
	got := resolveSettings(t, job, "--depth", "3", "--delay", "3ms", "--include", "flag", "--include", "another",
		"--out", "flag")

	want := defaultSettings()
	want.Depth, want.Delay, want.Out = 3, 3e6, "flag"
	want.Include = []string{"flag", "another"}
	want.PerHost, want.Links = 2, false
	want.Scope, want.Select, want.Bytes = crawler.ScopeDomain, []string{"a=file"}, 1000
	got.file = ""
	if d := diff.Diff(want, got, ignoreOrigins); d != "" {
		t.Errorf("settings (-want +got):\n%s", d)
	}
}

func TestAnExplicitDefaultOverridesTheJobFile(t *testing.T) {
	t.Parallel()
	s := resolveSettings(t, "depth: 5\nlinks: true\nformat: [files]\ndelay: 5s\n", "--depth", "-1", "--links=false",
		"--format", "jsonl", "--delay", "1s")
	want := defaultSettings()
	s.file = ""
	if d := diff.Diff(want, s, ignoreOrigins); d != "" {
		t.Errorf("settings (-want +got):\n%s", d)
	}
}

func TestAJobFileCanBeNamedInTheEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "job.yaml")
	if err := os.WriteFile(path, []byte("name: from-the-file\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TRAWL_FILE", path)
	if s := resolveSettings(t, ""); s.Name != "from-the-file" {
		t.Errorf("the job is named %q, want the name in the file", s.Name)
	}
}

func TestAnEmptyJobFileLeavesTheDefaults(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"a comment": "# nothing yet\n", "a document": "---\n", "blank": "\n\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := resolveSettings(t, text)
			s.file = ""
			if d := diff.Diff(defaultSettings(), s, ignoreOrigins); d != "" {
				t.Errorf("settings (-want +got):\n%s", d)
			}
		})
	}
}

func TestAFieldWithoutAValueLeavesItsDefault(t *testing.T) {
	t.Parallel()
	s := resolveSettings(t, "delay:\ndepth:\nformat:\nuser_agent:\nconcurrency:\n")
	s.file = ""
	if d := diff.Diff(defaultSettings(), s, ignoreOrigins); d != "" {
		t.Errorf("settings (-want +got):\n%s", d)
	}
}

// withoutFlag has the fields of a job file without a flag, and the reasons.
var withoutFlag = map[string]string{
	"name":   "the flag is --job",
	"seeds":  "they are the arguments",
	"follow": "crawl and fetch set it",

	"follow_rules": "they are too complex for a flag",
	"extract":      "it is too complex for a flag; --select is its short form",
	"handlers":     "they are functions of a program, which this command does not have",
	"items":        "only handlers emit items",

	"weight":   "it is about a fleet",
	"schedule": "it is about a fleet",
	"runs":     "it is about a fleet",

	"listen":        "it is about the processes of a fleet",
	"log_format":    "it is about the processes of a fleet",
	"stalled_after": "it belongs to webhooks with names of events, which need a job file",
	"on_done":       "it has parts",
	"changes":       "it is about a fleet",
	"indexnow":      "it is about a fleet",
	"websub":        "it is about a fleet",
	"rendering":     "it has parts",
	"log_level":     "it is about the processes of a fleet",
}

// fields returns the fields of a job file, including those of the embedded job.
func fields(of reflect.Type) []reflect.StructField {
	var all []reflect.StructField
	for _, f := range reflect.VisibleFields(of) {
		if f.Tag.Get("yaml") != "" && !strings.Contains(f.Tag.Get("yaml"), "inline") {
			all = append(all, f)
		}
	}
	return all
}

func TestEveryFieldOfAJobFileHasAFlagOfItsName(t *testing.T) {
	t.Parallel()
	var s settings
	cmd := &cobra.Command{Use: "crawl"}
	s.register(cmd.Flags())
	for _, f := range fields(reflect.TypeFor[settings]()) {
		name := f.Tag.Get("yaml")
		flag := cmd.Flags().Lookup(strings.ReplaceAll(name, "_", "-"))
		if why, ok := withoutFlag[name]; ok && flag != nil {
			t.Errorf("field %s has a flag, though %s", name, why)
		} else if !ok && flag == nil {
			t.Errorf("field %s has no flag", name)
		}
	}
}

// wholeJob sets every field to a value other than its default.
const wholeJob = `# Every field of a job file.
name: whole
seeds: [http://example.com/, http://example.org/]
follow: false
follow_rules: [{match: /category/, links: "a.next"}]
sitemaps: true
scope: domain
seed_redirects: stay
include: [a, b]
exclude: [c]
priorities: [urgent=/news/, {match: d, priority: low}]
depth: 2
resources: true
resource_scope: host
keep_noindex: true
keep_block_pages: true
canonical: true
duplicates: true
simhash: true
minhash: true
near_duplicates: skip
llms_txt: true
accept_markdown: true
rights: stop
purpose: train-ai
tdmrep: true
check: links
pages: 3
recrawl: {budget: 5000/day, max: 30d, value: {/news/: 5}}
items: 31
bytes: 4MiB
time: 5m
pages_per_host: 6
max_price: USD 0.01
max_spend: USD 5
pages_per_domain: 26
delay: 7ms
per_host: 8
user_agent: Nine/1.0
ignore_robots: true
cookies: true
tls: legacy
conditional: always
render: auto
render_requests: page
render_scope: any
render_time: 21s
rendering: {wait: load, scroll: 3}
robots_tries: 10
crawl_delay_cap: 11s
retries: 12
traps: false
same: [order, www]
max_url_length: 21
max_repeats: 22
max_params: 23
journal: false
contact: somebody@example.org
throttle: 12.5
address_delay: 6s
politeness: job
durable: disk
lost_after: 20s
address_exempt: [192.0.2.0/24]
host_tries: 12
retry_pause: 13s
body_limit: 14kB
timeout: 15s
min_rate: 24B
format: [files, jsonl]
select: [title=title, 'links[]=a@href']
extract: [{match: /product/, fields: {title: h1, price: {css: .price, type: number}}}]
text: true
markdown: true
extractor: [main]
handlers: [shop]
links: true
weight: 16
schedule: "@daily"
runs: 3
access: access.yaml
identity: bot/key.pem
sign: when-asked
signature_form: string
header: ["X-Key: key"]
proxy: ["http://proxy.example:3128"]
proxy_remote_dns: true
ca: [ca.pem]
insecure: [intranet.example]
shards: 16
webhooks: [{url: "https://hooks.example.org/", events: [done], secret: shop}]
on_done: {webhook: {url: "https://end.example.org/", secret: shop}, task: index, seeds: status=200, job: {name: next, delay: 25ms}}
stalled_after: 27s
changes: true
indexnow: true
websub: ["https://example.com/feed"]
out: somewhere
spool: elsewhere
spool_limit: 3GB
ship_every: 19s
redis: redis://localhost/17
redis_budget: 4GB
spill: spilled
concurrency: 18
browser: /usr/bin/chromium
allow_cidr: [10.0.0.0/8]
allow_private: true
ports: [80, 8080-8089]
resolvers: [127.0.0.1, "[::1]:5353"]
listen: 127.0.0.1:9999
log_format: json
log_level: debug
`

func TestAJobFileWithEveryFieldIsRead(t *testing.T) {
	t.Parallel()
	s := defaultSettings()
	if err := parseJobFile("whole.yaml", []byte(wholeJob), &s); err != nil {
		t.Fatal(err)
	}
	got, before := reflect.ValueOf(s), reflect.ValueOf(defaultSettings())
	for _, f := range fields(got.Type()) {
		if !strings.Contains(wholeJob, "\n"+f.Tag.Get("yaml")+": ") {
			t.Errorf("wholeJob lacks %s", f.Tag.Get("yaml"))
		}
		if reflect.DeepEqual(got.FieldByIndex(f.Index).Interface(), before.FieldByIndex(f.Index).Interface()) {
			t.Errorf("%s is still %v after parsing", f.Tag.Get("yaml"), got.FieldByIndex(f.Index))
		}
	}
	s.AddressDelay = 0       // a non-zero value allows only one shard
	s.AcceptMarkdown = false // it excludes others
	s.Recrawl = crawler.Recrawl{}
	if err := checkJob(s); err != nil {
		t.Error(err)
	}
	if !slices.Equal(s.Select, []string{"title=title", "links[]=a@href"}) || s.BodyLimit != 14_000 || s.Bytes != 4<<20 {
		t.Errorf("values are not as written: %q, %d, %d", s.Select, s.BodyLimit, s.Bytes)
	}
}

func TestEveryFlagIsSetByTheEnvironment(t *testing.T) {
	values := map[string]string{ // for flags that do not accept "2"
		"scope": "any", "seed-redirects": "stay", "resources": "true", "resource-scope": "domain", "depth": "2",
		"throttle": "2.5", "address-delay": "2s", "politeness": "job", "tls": "legacy", "conditional": "never",
		"render": "auto", "render-requests": "page", "render-scope": "any", "render-time": "2s",
		"address-exempt": "192.0.2.0/24", "bytes": "2MB", "time": "2m", "recrawl": "2/hour",
		"delay": "2ms", "crawl-delay-cap": "2s",
		"extractor": "main", "keep-noindex": "true", "keep-block-pages": "true", "text": "true", "markdown": "true",
		"canonical": "true", "max-price": "USD 0.02", "max-spend": "USD 2",
		"duplicates": "true", "simhash": "true", "minhash": "true", "near-duplicates": "stop", "check": "links",
		"llms-txt": "true", "accept-markdown": "true", "rights": "skip", "purpose": "search", "tdmrep": "true",
		"retry-pause": "2ms", "body-limit": "2kB", "timeout": "2s", "ship-every": "2s", "lost-after": "20s",
		"durable": "disk", "min-rate": "2B", "allow-cidr": "10.0.0.0/8", "resolvers": "127.0.0.1",
		"redis":         "redis://localhost/2",
		"ignore-robots": "true", "journal": "false", "same": "slash", "traps": "false", "links": "true",
		"sitemaps": "true", "priorities": "low=2", "allow-private": "true", "restart": "true", "verbose": "true",
	}
	var s settings
	cmd := &cobra.Command{Use: "crawl"}
	s.register(cmd.Flags())
	path := filepath.Join(t.TempDir(), "empty.yaml")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	values["file"], values["access"], values["ca"] = path, path, authorityFile(t)
	values["identity"], values["sign"], values["signature-form"] = identityFile(t), "when-asked", "string"
	values["header"], values["proxy"], values["proxy-remote-dns"], values["cookies"] = "X-Key: 2", "http://2", "true",
		"true"
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		t.Setenv("TRAWL_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")), cmp.Or(values[f.Name], "2"))
	})
	got := reflect.ValueOf(resolveSettings(t, ""))
	before := reflect.ValueOf(defaultSettings())
	for _, f := range fields(got.Type()) {
		name := f.Tag.Get("yaml")
		if _, without := withoutFlag[name]; without && name != "name" {
			continue
		}
		if reflect.DeepEqual(got.FieldByIndex(f.Index).Interface(), before.FieldByIndex(f.Index).Interface()) {
			t.Errorf("the environment does not set %s", name)
		}
	}
}

func TestAJobFileMayStartWithABOMOrADocumentMarker(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"\ufeffdepth: 7\n", "---\ndepth: 7\n", "# mine\n---\ndepth: 7\n---\n",
		"\ufeff---\ndepth: 7\n...\n", "\ufeffdepth: 7\r\n"} {
		if s := resolveSettings(t, text); s.Depth != 7 {
			t.Errorf("%q: the depth is %d", text, s.Depth)
		}
	}
	for text, why := range map[string]string{
		"depth: 7\n---\ndepth: 8\n":             "[3:1] a second document starts",
		"depth: 7\n---\n---\nname: other\n":     "a second document starts",
		"depth: 7\n...\n---\n[1]\n":             "a second document starts",
		"\xff\xfed\x00e\x00":                    "the file is UTF-16",
		"depth: 7\n---\nno setting: [at all}\n": "job file",
	} {
		s := defaultSettings()
		if err := readJob("-", strings.NewReader(text), &s); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", text, err, why)
		}
	}
}

func TestSitesCannotTellWhoCrawlsWithoutContactAndIdentity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		host crawler.Host
		args []string
		want bool
	}{
		{"nothing", "example.org", nil, true},
		{"another name", "example.org", []string{"--user-agent", "Bot/1.0"}, true},
		{"a contact", "example.org", []string{"--contact", "ops@bot.example"}, false},
		{"an identity", "example.org", []string{"--identity", "bot/key.pem"}, false},
		{"an address in the User-Agent", "example.org", []string{"--user-agent", "Bot/1.0 (+https://bot.example/)"}, false},
		{"an own host", "localhost:8000", nil, false},
		{"a private host", "10.0.0.1", nil, false},
	} {
		s := resolveUnchecked(t, c.args...)
		if got := s.anonymous([]crawler.Host{"127.0.0.1", c.host}); got != c.want {
			t.Errorf("%s: anonymous %v, want %v", c.name, got, c.want)
		}
	}
}

// resolveUnchecked returns the settings of a command line, without looking at the files that
// it names.
func resolveUnchecked(t *testing.T, args ...string) settings {
	t.Helper()
	s := defaultSettings()
	cmd := &cobra.Command{Use: "crawl"}
	s.register(cmd.Flags())
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return s
}
