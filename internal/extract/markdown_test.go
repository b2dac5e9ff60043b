package extract

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMarkdownSaysWhatThePageSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"a paragraph", "<p>one\n two</p>three", "one two\n\nthree"},
		{"breaks", "<p>one<br>two<br><br>three</p>", "one\\\ntwo\n\nthree"},
		{"a heading", "<h2>C #</h2>", "## C \\#"},
		{"emphasis", "<p><b> one </b>two<i>three</i>.</p>", "**one** two*three*."},
		{"marks that would not be read back", "<p>a<b>(b)</b>c</p>", "a(b)c"},
		{"emphasis next to emphasis", "<p><b>a</b><b>b</b></p>", "**a**b"},
		{"marks within marks", "<p><b>a <i>b</i></b></p>", "**a *b***"},
		{"signs that are text", "<p># *a* _b_ [c](d) `e` 1 < 2 &amp;amp; snake_case ~~g~~</p>",
			"\\# \\*a\\* \\_b\\_ \\[c\\](d) \\`e\\` 1 \\< 2 \\&amp; snake_case \\~\\~g\\~\\~"},
		{"what looks like an item",
			"<p>1. one</p><p>- two</p><p>+</p><p>---</p>",
			"1\\. one\n\n\\- two\n\n\\+\n\n\\---"},
		{"code", "<p><code>a`b</code> <code> c </code></p>", "``a`b`` `c`"},
		{"a block of code", "<pre class='language-go'>a\n  b\n```\n</pre>", "````go\na\n  b\n```\n````"},
		{"code in a quote in an item",
			"<ul><li>a<blockquote><pre>b\n\nc</pre></blockquote></ul>",
			"- a\n\n  > ```\n  > b\n  >\n  > c\n  > ```"},
		{"lists", "<ul><li>a<ol><li>b<li>c</ol><li>d</ul>", "- a\n  1. b\n  2. c\n- d"},
		{"lists next to one another", "<ul><li>a</ul><ul><li>b</ul>", "- a\n\n* b"},
		{"numbers of items", "<ol start=3><li>a<li value=7>b<li>c</ol>", "3. a\n7) b\n8) c"},
		{"an item of paragraphs", "<ul><li><p>a</p><p>b</p><li>c</ul>", "- a\n\n  b\n\n- c"},
		{"a list in a list without an item", "<ul><li>a<ul><li>b</ul><ul><li>c</ul></ul>", "- a\n  - b\n\n  * c"},
		{"an empty item", "<ul><li></li><li>a</ul>", "- a"},
		{"boxes",
			"<ul><li><input type=checkbox checked> a<li><label><input type=checkbox> b</label></ul>",
			"- [x] a\n- [ ] b"},
		{"quotes next to one another", "<blockquote>a</blockquote><blockquote>b</blockquote>", "> a\n\n> b"},
		{"a definition list", "<dl><dt>a<dd>b<dt>c<dd>d</dl>", "**a**\n\nb\n\n**c**\n\nd"},
		{"struck text", "<p><del>a</del> <s>b</s></p>", "~~a~~ ~~b~~"},
		{"links",
			"<p><a href=/a>b</a> <a name=c>d</a> <a href='javascript:x'>e</a> <a href='#f'>#</a></p>",
			"[b](http://example.com/a) d e"},
		{"a link around blocks",
			"<a href=/a><h3>b</h3><p>c</p></a>",
			"### [b](http://example.com/a)\n\n[c](http://example.com/a)"},
		{"code that is a link", "<code><a href=/a>b</a></code>", "[`b`](http://example.com/a)"},
		{"a destination with signs",
			"<a href='/a(b?c=1&amp;lt;=2'>d</a>",
			"[d](http://example.com/a\\(b?c=1&amp;lt;=2)"},
		{"images",
			"<img src=a.png alt='b [c]'><img src='data:image/png;base64," + strings.Repeat("A", 400) + "'>",
			"![b \\[c\\]](http://example.com/dir/a.png)"},
		{"a lazy image", "<img src='data:image/gif;base64,R0' data-src=/a.png>", "![](http://example.com/a.png)"},
		{"a table",
			"<table><caption>t</caption><tr><th>a<th>b<tr><td>c|d<td><p>e</p><p>f</p></table>",
			"t\n\n| a | b |\n| --- | --- |\n| c\\|d | e<br>f |"},
		{"a table without a header",
			"<table><tr><td>a<td>b<tr><td>c<td>d</table>",
			"| | |\n| --- | --- |\n| a | b |\n| c | d |"},
		{"cells that span",
			"<table><tr><th>a<th>b<tr><td rowspan=2>c<td>d<tr><td>e<tr><td colspan=2>f</table>",
			"| a | b |\n| --- | --- |\n| c | d |\n| | e |\n| f | |"},
		{"a list and code in a cell",
			"<table><tr><th>a<th>b<tr><td><ul><li>c<li>d</ul><td><pre>e | f\n g</pre></table>",
			"| a | b |\n| --- | --- |\n| • c<br>• d | `e \\| f`<br>`g` |"},
		{"a table in a table",
			"<table><tr><td>a<td><table><tr><td>b<td>c</table></table>",
			"a\n\n| | |\n| --- | --- |\n| b | c |"},
		{"code beside its line numbers",
			"<table><tr><td class=linenos><pre>1\n2</pre><td><pre>a\nb</pre></table>",
			"```\na\nb\n```"},
		{"a formula",
			"<p>x <span class=katex><span class=katex-mathml><math><semantics><mi>a</mi><annotation encoding='application/x-tex'>a^2</annotation></semantics></math></span><span class=katex-html>a2</span></span></p>",
			"x $a^2$"},
		{"a footnote", "<p>a<sup><a href='#n' class=footnote-ref>1</a></sup></p><ol><li id=n><p>b <a href='#r' role=doc-backlink>back</a></p></ol>", "a[^1]\n\n[^1]: b"},
		{"a rule in a list", "<ul><li>a<hr></ul>", "- a\n\n  ___"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, written(t, c.body)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.body, diff)
			}
		})
	}
}
