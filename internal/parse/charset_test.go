package parse

import (
	"io"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/charset"
)

func TestCharset(t *testing.T) {
	t.Parallel()
	const prescanned = 1024 // bytes; a meta element after them is late
	late := strings.Repeat(" ", prescanned)
	for _, c := range []struct{ name, contentType, body, want, text string }{
		{"a byte order mark overrides all", "text/html;charset=koi8-r", "\xef\xbb\xbf<meta charset=big5>é", "utf-8",
			"<meta charset=big5>é"},
		{"UTF-16 with its mark", "text/html", "\xff\xfea\x00\xe9\x00", "utf-16le", "aé"},
		{"the header overrides the document", "text/html;charset=koi8-r", "<meta charset=big5>\xd0", "koi8-r",
			"<meta charset=big5>п"},
		{"an unknown header is ignored", "text/html;charset=none", "<meta charset=latin2>\xb3", "iso-8859-2",
			"<meta charset=latin2>ł"},
		{"meta", "text/html", "<META x='>' CharSet = ' GBK '>\xc4\xe3", "gbk", "<META x='>' CharSet = ' GBK '>你"},
		{"meta http-equiv", "text/html", "<meta content='a; charset=\"koi8-r\"' http-equiv=content-type>", "koi8-r",
			""},
		{"meta content without http-equiv", "text/html", "<meta content='charset=koi8-r'>", "windows-1252", ""},
		{"meta in a comment", "text/html", "<!-- <meta charset=koi8-r> -->", "windows-1252", ""},
		{"meta after an abrupt comment", "text/html", "<!--><meta charset=koi8-r>", "koi8-r", ""},
		{"meta in an attribute", "text/html", "<p title='<meta charset=koi8-r>'>", "windows-1252", ""},
		{"meta in a script, as browsers", "text/html", "<script>'<meta charset=koi8-r>'", "koi8-r", ""},
		{"meta of an unknown charset", "text/html", "<meta charset=none><meta charset=koi8-r>", "koi8-r", ""},
		{"meta cut off", "text/html", "<meta charset=koi8-r", "windows-1252", ""},
		{"a late meta", "text/html", late + "<meta charset=koi8-r>\xd0", "koi8-r", late + "<meta charset=koi8-r>п"},
		{"a late meta http-equiv, in the body", "text/html",
			"<body><p>x" + late + "<META content='text/html;charset=gbk' http-equiv=Content-Type />", "gbk", ""},
		{"a late meta overrides a guess", "text/html", "é" + late + "<meta charset=latin2>", "iso-8859-2", ""},
		{"the first late meta with a charset", "text/html",
			late + "<meta name=x content=y><meta charset=none><meta charset=big5><meta charset=koi8-r>", "big5", ""},
		{"a meta that begins in time", "text/html", late[:prescanned-9] + "<meta charset=koi8-r>", "koi8-r", ""},
		{"the header overrides a late meta", "text/html;charset=utf-8", late + "<meta charset=koi8-r>", "utf-8", ""},
		{"the earlier meta decides", "text/html", "<meta charset=big5>" + late + "<meta charset=koi8-r>", "big5",
			""},
		{"a late meta in a comment", "text/html", late + "<!-- <meta charset=koi8-r> -->", "windows-1252", ""},
		{"a late meta in a script", "text/html", late + "<script>'<meta charset=koi8-r>'</script>", "windows-1252", ""},
		{"a late meta in a title", "text/html", late + "<title><meta charset=koi8-r></title>", "windows-1252", ""},
		{"a late meta in a template", "text/html", late + "<template><meta charset=koi8-r></template>", "windows-1252",
			""},
		{"a late meta cut off", "text/html", late + "<meta charset=koi8-r", "windows-1252", ""},
		{"a late meta in noscript", "text/html", late + "<noscript><meta charset=koi8-r></noscript>", "koi8-r", ""},
		{"meta cannot be UTF-16", "text/html", "<meta charset=utf-16>", "utf-8", ""},
		{"x-user-defined is windows-1252", "text/html", "<meta charset=x-user-defined>", "windows-1252", ""},
		{"XML declaration", "text/html", "<?xml version='1.0' encoding = 'koi8-r'?>", "koi8-r", ""},
		{"meta overrides the XML declaration", "text/html", "<?xml encoding='koi8-r'?><meta charset=big5>", "big5", ""},
		{"XHTML ignores meta", charset.XHTML, "<?xml encoding='koi8-r'?><meta charset=big5/>", "koi8-r", ""},
		{"XHTML is UTF-8", charset.XHTML, "<html/>", "utf-8", ""},
		{"no declaration, UTF-8", "text/html", "é", "utf-8", "é"},
		{"no declaration, not UTF-8", "text/html", "\x80\xe9", "windows-1252", "€é"},
		{"no declaration, ASCII", "text/html", "e", "windows-1252", "e"},
		{"not what was declared", "text/html;charset=utf-8", "a\xffb", "utf-8", "a\uFFFDb"},
		{"ASCII bytes in another charset", "text/html;charset=iso-2022-jp", "\x1b$BF|\x1b(B", "iso-2022-jp", "日"},
		{"an unsafe charset", "text/html;charset=hz-gb-2312", "<a href=x>", "replacement", "\uFFFD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			declared, _ := charset.ParseMediaType(c.contentType)
			src := charset.NewSource(declared, []byte(c.body), false)
			if src.Charset != c.want {
				t.Errorf("charset %q, want %q", src.Charset, c.want)
			}
			text, err := io.ReadAll(src.Reader())
			if err != nil || c.text != "" && string(text) != c.text {
				t.Errorf("text %q, %v, want %q", text, err, c.text)
			}
		})
	}
}

func TestQueriesAreEncodedInTheCharsetOfTheDocument(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ charset, body, want string }{
		{"windows-1251", "<a href='/\xef?q=\xef&amp;r=%EF#\xef'>", "http://example.com/%D0%BF?q=%EF&r=%EF"},
		{"windows-1251", "<a href='?q=&#20320;\xef'>", "http://example.com/?q=%26%2320320%3B%EF"},
		{"windows-1251", "<base href='/b?\xef'><a href=''>", "http://example.com/b?%EF"},
		{"shift_jis", "<a href='?\x93\xfa\x96\x7b'>", "http://example.com/?%93%FA%96%7B"},
		{"iso-2022-jp", "<a href='?\x1b$BF|\x1b(Bx'>", "http://example.com/?%1B%24%42%46%7C%1B%28%42x"},
		{"utf-8", "<a href='?é'>", "http://example.com/?%C3%A9"},
		{"utf-16le", "<\x00a\x00 \x00h\x00r\x00e\x00f\x00=\x00?\x00\xe9\x00>\x00", "http://example.com/?%C3%A9"},
	} {
		page := htmlPage("http://example.com/", c.body)
		page.Header.Set("Content-Type", "text/html; charset="+c.charset)
		doc := parsePage(t, Config{}, page)
		if len(doc.Links) != 1 || doc.Links[0].URL.String() != c.want {
			t.Errorf("%s: links %v, want %s", c.charset, doc.Links, c.want)
		}
	}
}
