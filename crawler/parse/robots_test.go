package parse

import "testing"

func TestRobotsDirectives(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body        string
		header            []string
		noIndex, noFollow bool
	}{
		{"nothing is allowed", "", nil, false, false},
		{"rules for everyone", "<meta name=ROBOTS content=' NoIndex ,follow'>", nil, true, false},
		{"none is both", "<meta name=robots content=none>", nil, true, true},
		{"rules for us", "<meta name=Trawl content=nofollow>", nil, false, true},
		{"rules for another", "<meta name=otherbot content=none>", nil, false, false},
		{"rules add up", "<meta name=robots content=noindex><meta name=trawl content='index, nofollow'>", nil, true, true},
		{"rules without commas", "<meta name=robots content='noindex nofollow'>", nil, true, true},
		{"rules between semicolons", "<meta name=robots content='noindex;max-snippet:3;nofollow'>", nil, true, true},
		{"the value of a rule is none", "<meta name=robots content='max-image-preview: none'>", nil, false, false},
		{"in a comment or template", "<!--<meta name=robots content=none>--><template><meta name=robots content=none></template>", nil, false, false},
		{"in noscript and in the body", "<noscript><meta name=robots content=noindex></noscript><p><meta name=robots content=nofollow>", nil, true, true},
		{"header", "", []string{"noindex", "nofollow"}, true, true},
		{"header for us", "", []string{"TRAWL: noindex, nofollow"}, true, true},
		{"header for another", "", []string{"otherbot: noindex, nofollow"}, false, false},
		{"header for several", "", []string{"otherbot: noindex, trawl: nofollow"}, false, true},
		{"header with values", "", []string{"unavailable_after: 25 Jun 2030 15:00:00 PST, max-snippet:20, noindex"}, true, false},
		{"header for us with values", "", []string{"trawl: max-image-preview: none, nofollow"}, false, true},
		{"header and meta add up", "<meta name=robots content=index,nofollow>", []string{"noindex,follow"}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			page := htmlPage("http://example.com/", c.body)
			page.Header["X-Robots-Tag"] = c.header
			doc := parsePage(t, Config{ProductToken: "Trawl"}, page)
			if doc.NoIndex != c.noIndex || doc.NoFollow != c.noFollow {
				t.Errorf("noindex %v, nofollow %v, want %v, %v", doc.NoIndex, doc.NoFollow, c.noIndex, c.noFollow)
			}
		})
	}
}
