package extract

import (
	"strings"
	"testing"
)

func TestCountersOfATextAreThoseOfTheText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want Quality
	}{
		"words are runs of letters and digits": {
			"<p>one two-three 4th, l'eau</p>", Quality{Words: 6, MeanLine: 24},
		},
		"words of a script without spaces are its runs": {"<p>港の事務所、船</p>", Quality{Words: 2, MeanLine: 7}},
		"empty lines have no length": {
			"<p>abcd</p><p></p><p>ab</p>", Quality{Words: 2, MeanLine: 3},
		},
		"lines that occurred before are duplicates": {
			"<p>same</p><p>other</p><p>same</p><p> same </p>", Quality{Words: 4, MeanLine: 4.25, DuplicateShare: 0.5},
		},
		"links have a share of the letters": {
			"<p>four <a href=/x>five5<b>abc</b></a></p>", Quality{Words: 2, MeanLine: 13, LinkShare: 0.667},
		},
		"signs of markup and code are symbols, punctuation is not": {
			"<p>a.b,c! d?</p><p>{x} #y</p>", Quality{Words: 6, MeanLine: 7.5, SymbolShare: 0.176},
		},
		"symbols of other kinds": {"<p>abc€™→</p>", Quality{Words: 1, MeanLine: 6, SymbolShare: 0.5}},
	} {
		p := newPage(parsed(t, "<body>"+c.body))
		p.over = never
		choice := choice{root: p.nodes[p.body].Node}
		got, _ := qualityOf(plainText(choice, never, MaxBytes), choice)
		got.StopShare = 0 // see below
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestStopWordsHaveAShareOfProseAndNoneOfLists(t *testing.T) {
	t.Parallel()
	of := func(body string) (Quality, string) {
		p := newPage(parsed(t, "<body>"+body))
		p.over = never
		choice := choice{root: p.nodes[p.body].Node}
		return qualityOf(plainText(choice, never, MaxBytes), choice)
	}
	prose, lang := of("<p>" +
		strings.Repeat("It was the best of times, and it was the worst of times for all of us in the city. ", 5))
	if lang != "eng" || prose.StopShare < 0.4 || prose.StopShare > 1 {
		t.Errorf("prose: %s, %+v", lang, prose)
	}
	list, _ := of("<p>" + strings.Repeat("bolt nut washer rivet hinge bracket screw anchor dowel ", 5))
	if list.StopShare > 0.1 {
		t.Errorf("a list of goods: %+v", list)
	}
}

// The counters are those of the text that is recorded, not of the page.
func TestCountersLeaveOutWhatTheTextLeavesOut(t *testing.T) {
	t.Parallel()
	c := extracted(t, "<nav>"+strings.Repeat("<a href=/x>menu</a> ", 50)+"</nav><main><p>"+prose+"</p></main>")
	if want := len(strings.Fields(prose)); c.Quality.Words != want || c.Quality.LinkShare != 0 ||
		c.Quality.DuplicateShare != 0 {
		t.Errorf("%+v, want %d words and no links", c.Quality, want)
	}
	if c := extracted(t, ""); c.Quality != (Quality{}) || c.Language != "" {
		t.Errorf("of no text: %+v, %q", c.Quality, c.Language)
	}
}

// FuzzExtract extracts pages by all extractors: none panics, and shares are shares.
func FuzzExtract(f *testing.F) {
	for _, page := range []string{
		"", story, "<main><table><tr><td rowspan=9 colspan=3>a<br>b|<td><ul><li>c</table>",
		"<p>a<b> b <i> c</b> d</i>* _e_ `f` <code>``</code>", "<ul><li><pre>x\n y</pre><ol start=7><li>z",
		"<blockquote><pre><code class=language-go>a</code></pre>",
		"<dl><dt>a<dd>b<dd><dl><dt>c</dl>", "<p><math><annotation encoding=application/x-tex>x^2</annotation></math>$5",
		"<sup id=r><a href=#n>1</a></sup><li id=n>note <a href=#r>back</a>",
		"<a href=javascript:x>a</a><a href='mailto:a@b'>b</a><img src=data:,x alt=i>",
		"<frameset><frame src=a>", "<svg><a href=x>y</a></svg><template>z</template>",
		"<article dir=rtl><p>مكتب الميناء 港の事務所 mixed",
		`<script type=application/ld+json>{"@type":"Article","articleBody":"x"}</script><p>x`,
		"<h1>a<h2>b</h1></h2><del>c<input type=checkbox checked>d",
	} {
		f.Add(page)
	}
	extractors := make([]*Extractor, len(Names))
	for i, name := range Names {
		var err error
		if extractors[i], err = New(Config{Text: true, Markdown: true, Metadata: true,
			Extractors: []string{name}}); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, page string) {
		if len(page) > 10_000 || strings.Count(page, "<") > 400 {
			return // deep pages are refused before
		}
		for i, e := range extractors {
			c := e.Extract(parsed(t, page), exampleLinks, never)
			q := c.Quality
			for _, share := range []float64{c.Share, q.StopShare, q.SymbolShare, q.LinkShare, q.DuplicateShare} {
				if !(share >= 0 && share <= 1) {
					t.Errorf("%s: a share of %v: %+v", Names[i], share, c)
				}
			}
			if q.Words < 0 || q.MeanLine < 0 || c.Text == "" && q.Words > 0 {
				t.Errorf("%s: %+v of %q", Names[i], q, c.Text)
			}
		}
	})
}
