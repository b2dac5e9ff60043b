package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// runCLI runs a command line in this process and returns the output of cobra.
func runCLI(args ...string) (string, error) {
	root := rootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	return out.String(), err
}

func TestMisspelledCommandsAndFlagsAreRecognized(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"crwal":                     `unknown command "crwal": did you mean trawl crawl?`,
		"job shw x":                 `unknown command "shw": did you mean trawl job show?`,
		"frobnicate":                `unknown command "frobnicate" for "trawl" (trawl --help lists them)`,
		"crawl --dpeth 3":           "unknown flag --dpeth: did you mean --depth?",
		"crawl --frobnicate":        "unknown flag --frobnicate (trawl crawl --help lists the flags)",
		"worker --conccurency 3":    "unknown flag --conccurency: did you mean --concurrency?",
		"crawl --depth many":        "(trawl crawl --help lists the flags)",
		"config --config nowhere.y": "config file: open nowhere.y",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			if _, err := runCLI(strings.Fields(line)...); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v, want %q", err, want)
			}
		})
	}
}

func TestMisspelledFieldsAndValuesInAJobFileAreRecognized(t *testing.T) {
	t.Parallel()
	s := defaultSettings()
	err := parseJobFile("job.yaml", []byte("name: a\ndealy: 1s\n"), &s)
	if want := `job file job.yaml: [2:1] unknown field "dealy" (did you mean "delay"?)`; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v, want %q", err, want)
	}
	s = defaultSettings()
	err = parseJobFile("job.yaml", []byte("name: a\nextract:\n- fields: {price: {ccs: .price}}\n"), &s)
	if want := `job file job.yaml: [3:20] extract[0].fields.price: unknown field "ccs" (did you mean "css"?)`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v, want %q", err, want)
	}
	for text, want := range map[string]string{
		"scope: hots\n":     `scope: "hots" is out of range (did you mean "host"?): want host, domain or any`,
		"same: [slahs]\n":   `same: "slahs" is not a rule (did you mean "slash"?)`,
		"format: [josnl]\n": `format: "josnl" is unknown (did you mean "jsonl"?)`,
	} {
		s := defaultSettings()
		if err := parseJobFile("job.yaml", []byte("name: a\n"+text), &s); err != nil {
			t.Fatal(err)
		}
		if err := checkJob(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q", text, err, want)
		}
	}
}

func TestHelpHasTheCommonFlagsFirstAndTheOthersInGroups(t *testing.T) {
	t.Parallel()
	help, err := runCLI("crawl", "--help")
	if err != nil {
		t.Fatal(err)
	}
	last := -1
	for _, title := range []string{"\nExamples:", "\nCommon flags:", "--depth", "\nFlags:", "\nScope:", "--max-params",
		"\nLimits:", "\nPoliteness:", "\nOutput:", "\nNetwork:", "\nFlags of all commands:"} {
		at := strings.Index(help, title)
		if at <= last {
			t.Errorf("%q is at %d, want it after %d:\n%s", title, at, last, help)
		}
		last = at
	}
	for line := range strings.Lines(help) {
		if len([]rune(line)) > maxHelpWidth+1 && !strings.Contains(line, "://") {
			t.Errorf("a line has %d columns: %s", len([]rune(line)), line)
		}
	}
}

func TestEveryFlagIsInHelpOnce(t *testing.T) {
	t.Parallel()
	var each func(*cobra.Command)
	each = func(cmd *cobra.Command) {
		seen := make(map[string]int)
		for _, g := range flagGroups(cmd) {
			g.flags.VisitAll(func(f *pflag.Flag) { seen[f.Name]++ })
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if seen[f.Name] != 1 {
				t.Errorf("%s shows --%s %d times", cmd.CommandPath(), f.Name, seen[f.Name])
			}
		})
		for _, c := range cmd.Commands() {
			each(c)
		}
	}
	each(rootCommand())
}

func TestTheTableListsAllFormats(t *testing.T) {
	t.Parallel()
	row, _ := setting.Lookup("format")
	if got, want := strings.Join(row.Choices, " "), strings.Join(sink.Names, " "); got != want {
		t.Errorf("the table lists %s, want %s", got, want)
	}
}

func TestShellsCompleteFlagsAndTheirValues(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"__complete crawl --sco":         "--scope",
		"__complete crawl --scope ":      "domain",
		"__complete worker --log-level ": "debug",
		"__complete job se":              "set",
		"__complete job set news pages_": "pages_per_host=",
		"completion bash":                "__start_trawl",
		"completion zsh":                 "#compdef trawl",
		"completion fish":                "__trawl_perform_completion",
	} {
		args := strings.Split(line, " ")
		if got, err := runCLI(args...); err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v, %q lacks %q", line, err, got, want)
		}
	}
}

func TestManualPagesAreWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := runCLI("man", dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "trawl-job-set.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{".TH TRAWL\\-JOB\\-SET 1", ".SH NAME\ntrawl\\-job\\-set \\- Change settings",
		".SH EXAMPLES", "\\-\\-revision"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the page lacks %q:\n%s", part, text)
		}
	}
}

func TestInitWritesAJobFileAndNeverOverwrites(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new.yaml")
	if _, err := runCLI("init", "--to", path, "http://localhost:1/"); err != nil {
		t.Fatal(err)
	}
	s := resolveSettings(t, "", "--file", path)
	if s.Name != "localhost-1" || len(s.Seeds) != 1 || s.Seeds[0] != "http://localhost:1/" {
		t.Errorf("the job is %q with seeds %q", s.Name, s.Seeds)
	}
	if _, err := runCLI("init", "--to", path); err == nil ||
		!strings.Contains(err.Error(), "exists and is not replaced") {
		t.Errorf("init on an existing file returns %v", err)
	}
	named := filepath.Join(t.TempDir(), "named.yml")
	if _, err := runCLI("init", named, "http://localhost:2/a.yaml"); err != nil {
		t.Fatal(err)
	}
	if s := resolveSettings(t, "", "--file", named); len(s.Seeds) != 1 || s.Seeds[0] != "http://localhost:2/a.yaml" {
		t.Errorf("the job in %s has seeds %q", named, s.Seeds)
	}
	for _, args := range [][]string{{"init", "a.yaml", "b.yaml"}, {"init", "--to", "b.yaml", "a.yaml"}} {
		if _, err := runCLI(args...); err == nil || !strings.Contains(err.Error(), "init writes one file") {
			t.Errorf("%q returns %v", args, err)
		}
	}
}

func TestConfigShowsWhereASettingComesFrom(t *testing.T) {
	dir := t.TempDir()
	config, job := filepath.Join(dir, "trawl.yaml"), filepath.Join(dir, "job.yaml")
	for path, text := range map[string]string{
		config: "contact: a@example.org\ndelay: 2s\nretries: 1\nredis: redis://:secret@localhost/1\n",
		job:    "name: news\nretries: 2\nper_host: 2\ninclude: [a, b]\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TRAWL_PER_HOST", "3")
	s := defaultSettings()
	cmd := &cobra.Command{Use: "config"}
	cmd.Flags().String(configFlag, "", "")
	s.register(cmd.Flags())
	if err := cmd.ParseFlags([]string{"--config", config, "-f", job, "--depth", "4", "--header",
		"X-Key: secret"}); err != nil {
		t.Fatal(err)
	}
	if err := s.resolve(cmd); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, one := range s.inForce(true) {
		got[one.Name] = one.text + " from " + one.From
		if strings.Contains(string(one.Value), "secret") {
			t.Errorf("%s shows a secret: %s", one.Name, one.Value)
		}
	}
	want := map[string]string{
		"contact": "a@example.org from " + config + ":1", "delay": "2s from " + config + ":2",
		"retries":  "2 from " + job + ":2",
		"per_host": "3 from TRAWL_PER_HOST", "depth": "4 from --depth", "name": "news from " + job + ":1",
		"include": "a, b from " + job + ":4", "redis": "redis://:xxxxx@localhost/1 from " + config + ":4",
		"header": "X-Key: … from --header",
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s: %q, want %q", name, got[name], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("settings other than the defaults are %v", got)
	}
}

func TestAConfigFileSetsDefaultsOfFleetCommands(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "trawl.yaml")
	if err := os.WriteFile(path, []byte("redis: redis://localhost/3\nallow_cidr: [10.0.0.0/8, 127.0.0.0/8]\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	s := defaultSettings()
	cmd := &cobra.Command{Use: "worker"}
	cmd.Flags().String(configFlag, path, "")
	s.registerIn(cmd.Flags(), setting.InWorker|setting.InFleet)
	if err := fill(cmd); err != nil {
		t.Fatal(err)
	}
	if s.Redis != "redis://localhost/3" || strings.Join(s.AllowCIDR, " ") != "10.0.0.0/8 127.0.0.0/8" ||
		s.Concurrency != 256 {
		t.Errorf("redis %q, allow_cidr %q, concurrency %d", s.Redis, s.AllowCIDR, s.Concurrency)
	}
	if err := os.WriteFile(path, []byte("seeds: [http://localhost/]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := fill(cmd); err == nil || !strings.Contains(err.Error(), "[1:1] seeds belongs into a job file") {
		t.Errorf("seeds in a config file return %v", err)
	}
}
