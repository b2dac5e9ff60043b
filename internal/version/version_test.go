package version

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestTheVersionComesFromTheLinkerOrTheModule(t *testing.T) {
	t.Parallel()
	main := func(v string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Path: module, Version: v}}
	}
	program := func(dep debug.Module) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Path: "example.org/shop", Version: "v3.1.0"},
			Deps: []*debug.Module{&dep}}
	}
	for name, c := range map[string]struct {
		release string
		build   *debug.BuildInfo
		want    string
	}{
		"release build":      {"v0.2.5", main("(devel)"), "0.2.5"},
		"go install":         {"", main("v0.2.1"), "0.2.1"},
		"prerelease":         {"", main("v0.2.1-rc.1"), "0.2.1-rc.1"},
		"checkout":           {"", main("v0.2.1-0.20261129120000-0123456789ab+dirty"), Series + ".0-dev"},
		"no version control": {"", main("(devel)"), Series + ".0-dev"},
		"no build info":      {"", nil, Series + ".0-dev"},
		"imported":           {"", program(debug.Module{Path: module, Version: "v0.2.1"}), "0.2.1"},
		"imported, replaced": {
			"", program(debug.Module{Path: module, Version: "v0.2.1", Replace: &debug.Module{Path: "../trawl"}}),
			Series + ".0-dev",
		},
		"imported, elsewhere": {
			"", program(debug.Module{Path: "example.org/other", Version: "v0.2.1"}), Series + ".0-dev",
		},
	} {
		if got := describe(c.release, c.build).Version; got != c.want {
			t.Errorf("%s: version %q, want %q", name, got, c.want)
		}
	}
}

func TestTheCommitIsRecorded(t *testing.T) {
	t.Parallel()
	got := describe("", &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"},
		{Key: "vcs.modified", Value: "true"}}})
	if got.Revision != "abc" || !got.Modified || !strings.HasPrefix(got.Go, "go") ||
		!strings.Contains(got.Platform, "/") {
		t.Errorf("the build is described as %+v", got)
	}
}
