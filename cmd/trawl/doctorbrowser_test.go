package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/render"
)

func TestDoctorChecksTheBrowser(t *testing.T) {
	t.Parallel()
	found := make(map[string]finding)
	for _, f := range browserFindings(t.Context(), "") {
		found[f.Check] = f
	}
	if _, err := render.Find(""); err != nil {
		if f := found["browser"]; f.State != stateGood || f.Do == "" {
			t.Errorf("without a browser: %+v", f)
		}
		return
	}
	if f := found["browser"]; f.State != stateGood || !strings.Contains(f.Text, "Chrom") ||
		!strings.Contains(f.Text, "at once") {
		t.Errorf("the browser is %+v", f)
	}
	for _, check := range []string{"browser sandbox", "browser files"} {
		if f, ok := found[check]; !ok || f.State == stateWrong {
			t.Errorf("%s: %+v", check, f)
		}
	}
}

func TestDoctorSaysWhatABrowserLacks(t *testing.T) {
	t.Parallel()
	missing := browserFindings(t.Context(), "/no/browser")
	notOne := browserFindings(t.Context(), "/bin/false")
	for name, c := range map[string]struct {
		got  finding
		want state
		do   string
	}{
		"a browser that is missing": {missing[0], stateWrong, "Correct --browser"},
		"not a browser":             {notOne[0], stateWrong, "by hand"},
		"no sandbox":                {isolationFinding(render.Examined{}), stateWarn, "user namespaces"},
		"a sandbox":                 {isolationFinding(render.Examined{Sandbox: true, NoNetwork: true}), stateGood, ""},
		"a full disk":               {browserDiskFinding("/tmp", 1<<20, nil), stateWarn, "TMPDIR"},
		"a disk":                    {browserDiskFinding("/tmp", 1<<40, nil), stateGood, ""},
		"a folder that is missing":  {browserDiskFinding("/tmp", 0, errors.New("missing")), stateWarn, ""},
	} {
		if c.got.State != c.want || !strings.Contains(c.got.Do, c.do) {
			t.Errorf("%s: %+v, want %s and %q", name, c.got, c.want, c.do)
		}
	}
}
