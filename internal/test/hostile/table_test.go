package hostile_test

import (
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/hostile"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

var update = flag.Bool("update", false, "update docs/hostile.md")

const page = "../../../docs/hostile.md"

// tablesBegin is the line of the page before the tables.
const tablesBegin = "<!-- What follows is written by go test ./internal/test/hostile -run Page -update -->\n"

func TestThePageOfMisbehavioursIsCurrent(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, tables, found := strings.Cut(string(text), tablesBegin)
	if !found {
		t.Fatalf("%s lacks the line %s", page, tablesBegin)
	}
	want := "\n" + strings.TrimSuffix(hostile.Table(), "\n")
	if *update {
		if err := os.WriteFile(page, []byte(head+tablesBegin+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if tables != want {
		t.Errorf("%s differs from internal/test/hostile: run go test ./internal/test/hostile -run Page -update", page)
	}
}

// The settings of the limits must be flags of the command, with the same defaults.
func TestTheLimitsOnThePageMatchTheCommand(t *testing.T) {
	t.Parallel()
	binary, err := testfleet.Binary(false)
	if err != nil {
		t.Fatal(err)
	}
	help, err := exec.CommandContext(testfleet.Soon(t), binary, "crawl", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range hostile.List() {
		flag, value, fixed := strings.Cut(m.Limit.Setting, "=")
		if flag == "" {
			continue
		}
		line := regexp.MustCompile(`(?m)^ +(?:-\w, )?` + flag + ` .*$`).FindString(string(help))
		shown := regexp.MustCompile(`\(default ([^()]*)\)$`).FindStringSubmatch(line)
		switch {
		case line == "":
			t.Errorf("%s: trawl crawl has no %s", m.Name, flag)
		case fixed && value != "false":
			t.Errorf("%s: %s is shown with a value", m.Name, m.Limit.Setting)
		case !fixed && shown != nil && shown[1] != m.Limit.Default:
			t.Errorf("%s: the default of %s is %s, not %s", m.Name, flag, shown[1], m.Limit.Default)
		}
	}
}
