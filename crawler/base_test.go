package crawler

import (
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/urltext"
)

var bases = []string{
	"https://a.test:8443/b/c?d", "http://a.test/", "http://a.test/b//c/", "http://a.test/b/?/c/..", "http://[::1]/b",
	"http://a.test/b;c/d.html",
}

var plainReferences = []string{
	"", "#", "#a b\x00", "d", "d.html#top", "d/e", "../d", "../../d", "../../../../d/", "./d", "./", "../", ".././../d",
	"/", "/d?e=f/../g", "?", "?e", "../?e",
	"..//d", "d//e", "d/e:f", "d?e:f", "http://b.test/", "https://b.test/c?d#e", "d%20e", "a..b/c.",
}

var otherReferences = []string{
	".", "..", "../..", "d/../e", "d/.", "/..", "/%2e%2e/d", "%2e./d", "./%2e", ".d", "//b.test/", "/\\b", "\\b", "d e",
	" d", "d\t", "d\n#e", "é", "d?é", "d?'", "http:d",
	"HTTP://b.test/", "javascript:x", "d:e", "http://B.test/", "./d:e/\x00", strings.Repeat("d", urltext.MaxLength), "<d>",
	`"d"`, "d`", "d{}", "d|e", "d^e",
}

func TestPlainReferencesAreToldFromOthers(t *testing.T) {
	t.Parallel()
	for _, on := range bases {
		base := mustURL(t, on).Base()
		for _, ref := range plainReferences {
			if _, ok := base.plain(ref); !ok {
				t.Errorf("%q is not told to be plain", ref)
			}
			resolvesAsParsed(t, base, ref)
		}
		for _, ref := range otherReferences {
			if u, ok := base.plain(ref); ok {
				t.Errorf("%q is taken for a plain reference to %v", ref, u)
			}
		}
	}
}

// resolvesAsParsed holds what is resolved without the parser to what the parser
// says.
func resolvesAsParsed(t *testing.T, base Base, ref string) {
	t.Helper()
	got, ok := base.plain(ref)
	if !ok {
		return
	}
	want, err := base.resolve(ref)
	if err != nil || got != want {
		t.Errorf("%q on %q is taken for a plain reference to %+v; the parser says %+v (%v)", ref, base.url, got, want,
			err)
	}
}

// All short references of the characters that matter.
func TestShortReferencesResolveAsParsed(t *testing.T) {
	t.Parallel()
	const alphabet, longest = "a./?#:%2e", 4
	for _, on := range bases {
		base := mustURL(t, on).Base()
		for refs := []string{""}; len(refs[0]) <= longest; {
			var longer []string
			for _, ref := range refs {
				resolvesAsParsed(t, base, ref)
				for i := range len(alphabet) {
					longer = append(longer, ref+alphabet[i:i+1])
				}
			}
			refs = longer
		}
	}
}

// FuzzPlainReference looks for a reference that is resolved without the parser,
// and that the parser refuses or resolves otherwise.
func FuzzPlainReference(f *testing.F) {
	for _, on := range bases {
		for _, ref := range plainReferences {
			f.Add(on, ref)
		}
		for _, ref := range otherReferences {
			f.Add(on, ref)
		}
	}
	f.Fuzz(func(t *testing.T, on, ref string) {
		page, err := ParseURL(on)
		if err != nil {
			return
		}
		resolvesAsParsed(t, page.Base(), ref)
	})
}
