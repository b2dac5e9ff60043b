// Package version says which release of Trawl a program was built from. The command,
// the User-Agent header, WARC files, metrics and image labels all take it from here.
//
// Releases are numbered by Semantic Versioning 2.0.0. A release build sets the version
// with
//
//	go build -ldflags "-X github.com/trawlcrawler/trawl/internal/version.release=v0.2.0"
//
// Other builds take it from what the go command records: the version of the module for
// go install …@v0.2.0 and for programs that import Trawl, or the commit of a checkout.
package version

import (
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// Series is the major and minor version that this source belongs to. The User-Agent
// header has no more than that, so that sites can match it across patch releases.
const Series = "0.2"

const module = "github.com/trawlcrawler/trawl"

// release is set by the linker in release builds: "v0.2.0".
var release string

// Info describes the build.
type Info struct {
	Version  string `json:"version"`            // "0.2.0", or "0.2.0-dev" between releases
	Revision string `json:"revision,omitempty"` // the commit, in hexadecimal
	Modified bool   `json:"modified,omitempty"` // the checkout had changes that were not committed
	Go       string `json:"go"`                 // "go1.26.8"
	Platform string `json:"platform"`           // "linux/amd64"
}

// Get returns the description of this build. It is safe for concurrent use.
var Get = sync.OnceValue(func() Info {
	build, _ := debug.ReadBuildInfo()
	return describe(release, build)
})

// String returns the version alone, such as "0.2.0".
func String() string { return Get().Version }

// describe prefers what the linker was told over what the go command recorded.
func describe(release string, build *debug.BuildInfo) Info {
	info := Info{Version: release, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if build != nil {
		if info.Version == "" {
			info.Version = recorded(build)
		}
		for _, s := range build.Settings {
			switch s.Key {
			case "vcs.revision":
				info.Revision = s.Value
			case "vcs.modified":
				info.Modified = s.Value == "true"
			}
		}
	}
	info.Version = strings.TrimPrefix(info.Version, "v")
	if info.Version == "" {
		info.Version = Series + ".0-dev"
	}
	return info
}

// recorded returns the version of the module in a build, or "" when it has none: a
// checkout, or a replaced module. A pseudo-version says no more than the commit does.
func recorded(build *debug.BuildInfo) string {
	m := &build.Main
	if m.Path != module {
		m = nil
		for _, dep := range build.Deps {
			if dep.Path == module && dep.Replace == nil {
				m = dep
			}
		}
	}
	if m == nil || !strings.HasPrefix(m.Version, "v"+Series+".") || pseudo(m.Version) {
		return ""
	}
	return m.Version
}

// pseudo reports whether a version was made from a commit: it ends in a time and a
// revision of twelve digits, "v0.2.1-0.20261129120000-0123456789ab".
func pseudo(v string) bool {
	v, _, _ = strings.Cut(v, "+") // +dirty
	parts := strings.Split(v, "-")
	return len(parts) >= 3 && len(parts[len(parts)-1]) == 12
}
