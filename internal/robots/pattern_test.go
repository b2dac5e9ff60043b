package robots

import (
	"strings"
	"testing"
)

func TestTheLongestMatchingRuleDecides(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		rules   string // each word is a rule: "+" allows, "-" disallows
		path    string
		allowed bool
	}{
		{"no rule matches", "-/a", "/b", true},
		{"a prefix matches", "-/a", "/ab/c", false},
		{"case counts", "-/A", "/a", true},
		{"the query takes part", "-/a?x=", "/a?x=1", false},
		{"the longer allow wins", "-/a +/a/b", "/a/b/c", true},
		{"the longer disallow wins", "+/a -/a/b", "/a/b/c", false},
		{"their order does not count", "-/a/b +/a", "/a/b/c", false},
		{"allow wins a tie", "-/a +/a", "/a", true},
		{"allow wins a tie of different patterns", "-/*b +/ab", "/ab", true},
		{"a star counts as one octet", "-/*.html +/x/page.", "/x/page.html", true},
		{"an empty pattern matches nothing", "- -/a", "/b", true},
		{"a pattern without a slash matches nothing", "-a", "/a", true},
		{"a root rule matches the bare host", "-/$", "", false},
		{"robots.txt is always allowed", "-/", "/robots.txt", true},
		{"robots.txt elsewhere is not", "-/", "/a/robots.txt", false},

		{"a star matches nothing", "-/a*b", "/ab", false},
		{"a star matches slashes", "-/a*b", "/a/x/y/b", false},
		{"a star alone matches everything", "-*", "/a", false},
		{"stars in a row match as one", "-/a***b", "/axb", false},
		{"a trailing star changes nothing", "-/a*", "/a", false},
		{"a pattern with a star begins at the root", "-/a*b", "/x/ab", true},
		{"literals match in order", "-/*b*a", "/ab", true},
		{"literals do not overlap", "-/*aba*aba", "/ababa", true},
		{"a dollar ends the path", "-/a$", "/ab", true},
		{"a dollar ends the path exactly", "-/a$", "/a", false},
		{"a dollar matches after the query", "-/*.gif$", "/a.gif?x", true},
		{"a suffix is looked for at the end", "-/*.gif$", "/a.gif.gif", false},
		{"a suffix does not overlap a literal", "-/*ab*bc$", "/abc", true},
		{"a suffix does not overlap the prefix", "-/a*a$", "/a", true},
		{"a dollar after a star changes nothing", "-/a*$", "/abc", false},
		{"a dollar inside is an octet", "-/a$b", "/a$b", false},
		{"a dollar inside ends nothing", "-/a$b", "/a", true},
		{"only the last of two dollars is special", "-/a$$", "/a$", false},
		{"characters of regular expressions are literal", "-/a.b", "/axb", true},

		{"an escaped letter is the letter", "-/%62%61%7A", "/baz", false},
		{"an escaped letter in the URL is the letter", "-/~joe", "/%7Ejoe", false},
		{"escapes have no case", "-/%c3%bc", "/%C3%BC", false},
		{"octets beyond ASCII are their escapes", "-/ü", "/%C3%BC", false},
		{"an octet that is not UTF-8 is its escape", "-/\xfc", "/%FC", false},
		{"a reserved octet is its escape", "-/a?b=c:d", "/a?b=c%3Ad", false},
		{"brackets are their escapes", "-/*[id]=", "/x?f%5Bid%5D=1", false},
		{"an escaped slash is no slash", "-/a%2fb", "/a/b", true},
		{"an escaped slash is itself", "-/a%2fb", "/a%2Fb", false},
		{"an escaped question mark begins no query", "-/a%3Fb", "/a?b", true},
		{"an escaped percent sign escapes nothing", "-/a%2562", "/ab", true},
		{"an escaped star is an octet", "-/a%2Ab", "/axb", true},
		{"an escaped star is a star of the URL", "-/a%2Ab", "/a*b", false},
		{"an escaped dollar is a dollar of the URL", "-/a%24", "/a$b", false},
		{"what is not an escape stays", "-/a%3Mb", "/a%3Mb", false},
		{"spellings weigh the same", "-/*%C3%BC +/ü", "/ü", false},
		{"spellings tie", "-/%C3%BC +/ü", "/ü", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rules := Parse([]byte("User-agent: *\n"+spellOut(test.rules)), "trawl")
			if got := rules.Allowed(parseURL(t, test.path)); got != test.allowed {
				t.Errorf("%q allows %q: %v, want %v", test.rules, test.path, got, test.allowed)
			}
		})
	}
}

// spellOut writes "+/a -/b" as the lines of a robots.txt.
func spellOut(rules string) string {
	var b strings.Builder
	for _, word := range strings.Fields(rules) {
		key := map[byte]string{'+': "Allow: ", '-': "Disallow: "}[word[0]]
		b.WriteString(key + word[1:] + "\n")
	}
	return b.String()
}

// FuzzMatch compares the matcher with one that tries every possibility.
func FuzzMatch(f *testing.F) {
	f.Add("/a*b$", "/axb")
	f.Add("/*aba*aba", "/abaXaba")
	f.Fuzz(func(t *testing.T, value, path string) {
		if len(value) > 16 || len(path) > 24 || strings.Contains(value+path, "%") {
			return
		}
		p := newPattern(value)
		if got, want := p.matches(path), tryEverything(value, path); got != want {
			t.Errorf("%q matches %q: %v, want %v", value, path, got, want)
		}
	})
}

func tryEverything(value, path string) bool {
	switch {
	case value == "":
		return true
	case value == "$":
		return path == ""
	case value[0] == '*':
		return tryEverything(value[1:], path) || path != "" && tryEverything(value, path[1:])
	}
	return path != "" && value[0] == path[0] && tryEverything(value[1:], path[1:])
}

func TestAPatternIsWrittenAsItWasRead(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"/", "/a", "/a$", "*", "/*", "/a*b", "/a*b*c$", "/a*$", "*.gif$", "/*?*x"} {
		if p := newPattern(s); p.String() != s {
			t.Errorf("%q is written as %q", s, p.String())
		}
	}
}
