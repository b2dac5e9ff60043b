package robots

import (
	"fmt"
	"strings"
	"testing"
)

// fileOf returns a robots.txt with this many rules, every fifth with a star.
func fileOf(rules int) []byte {
	var b strings.Builder
	b.WriteString("User-agent: *\n")
	for i := range rules {
		if i%5 == 0 {
			fmt.Fprintf(&b, "Disallow: /*/part-%d/*.html$\n", i)
		} else {
			fmt.Fprintf(&b, "Disallow: /section/%d/\n", i)
		}
	}
	return []byte(b.String())
}

func BenchmarkParse20KB(b *testing.B) {
	body := fileOf(820)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		Parse(body, "trawl")
	}
}

func BenchmarkParseLimit(b *testing.B) {
	body := fileOf(25_000)
	b.SetBytes(MaxSize)
	b.ReportAllocs()
	for b.Loop() {
		Parse(body, "trawl")
	}
}

func BenchmarkAllowed(b *testing.B) {
	u := parseURL(b, "/articles/2026/11/23/some-title-of-ordinary-length.html?page=2&sort=asc")
	for _, n := range []int{50, 1_000, 25_000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			rules := Parse(fileOf(n), "trawl")
			b.ReportAllocs()
			for b.Loop() {
				rules.Allowed(u)
			}
		})
	}
}

// The file and the path are built to make matching slow.
func BenchmarkAllowedAdversary(b *testing.B) {
	u := parseURL(b, "/"+strings.Repeat("a", 8000))
	for name, line := range map[string]string{
		"one pattern of stars":   "Disallow: /" + strings.Repeat("*a", 200_000) + "b\n",
		"many patterns of stars": strings.Repeat("Disallow: /*a*a*a*a*ab\n", 20_000),
	} {
		b.Run(name, func(b *testing.B) {
			rules := Parse([]byte("User-agent: *\n"+line), "trawl")
			for b.Loop() {
				rules.Allowed(u)
			}
		})
	}
}
