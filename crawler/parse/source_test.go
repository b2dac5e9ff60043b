package parse

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestMediaType(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]mediaType{
		"":                                     {},
		"html":                                 {},
		"text/":                                {},
		"te xt/html":                           {},
		"text/html":                            {essence: "text/html"},
		" Text/HTML ; x":                       {essence: "text/html"},
		"text/html;charset=a":                  {"text/html", "a"},
		"text/html; CHARSET=a ;charset=b":      {"text/html", "a"},
		"text/html;;x;charset=a":               {"text/html", "a"},
		"text/html;charset=;charset=b":         {"text/html", "b"},
		"text/html;charset = a":                {essence: "text/html"},
		`text/html;charset="a\"\b`:             {"text/html", `a"b`},
		`text/html;charset="a";charset="b"`:    {"text/html", "a"},
		`text/html;x=";charset=a";charset="b"`: {"text/html", "b"},
	} {
		if got, _ := parseMediaType(value); got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
	}
}

func TestTheLastContentTypeCounts(t *testing.T) {
	t.Parallel()
	h := http.Header{"Content-Type": {"text/plain", "text/html;charset=a", "*/*", "bad"}}
	if got := declaredType(h); got.essence != "text/html" {
		t.Errorf("declared type %q, want text/html", got)
	}
}

func TestIsHTML(t *testing.T) {
	t.Parallel()
	const document, text = "  <!doctype html><p>", "plain words"
	for _, c := range []struct {
		declared, body string
		noSniff, want  bool
	}{
		{"text/html", text, true, true},
		{"application/xhtml+xml", text, true, true},
		{"text/plain", document, false, false},
		{"image/png", document, false, false},
		{"", document, false, true},
		{"", "\xef\xbb\xbf" + document, false, true},
		{"", document, true, false},
		{"", text, false, false},
		{"", "%PDF-1.7 <html>", false, false},
		{"application/unknown", document, false, true},
	} {
		if got := isHTML(mediaType{essence: c.declared}, c.noSniff, []byte(c.body)); got != c.want {
			t.Errorf("%q declared as %q is HTML: %v, want %v", c.body, c.declared, got, c.want)
		}
	}
}

func TestCharset(t *testing.T) {
	t.Parallel()
	late := strings.Repeat(" ", prescanned)
	for _, c := range []struct{ name, contentType, body, want, text string }{
		{"a byte order mark beats all", "text/html;charset=koi8-r", "\xef\xbb\xbf<meta charset=big5>é", "utf-8", "<meta charset=big5>é"},
		{"UTF-16 with its mark", "text/html", "\xff\xfea\x00\xe9\x00", "utf-16le", "aé"},
		{"the header beats the document", "text/html;charset=koi8-r", "<meta charset=big5>\xd0", "koi8-r", "<meta charset=big5>п"},
		{"an unknown header is passed over", "text/html;charset=none", "<meta charset=latin2>\xb3", "iso-8859-2", "<meta charset=latin2>ł"},
		{"meta", "text/html", "<META x='>' CharSet = ' GBK '>\xc4\xe3", "gbk", "<META x='>' CharSet = ' GBK '>你"},
		{"meta http-equiv", "text/html", "<meta content='a; charset=\"koi8-r\"' http-equiv=content-type>", "koi8-r", ""},
		{"meta content without http-equiv", "text/html", "<meta content='charset=koi8-r'>", "windows-1252", ""},
		{"meta in a comment", "text/html", "<!-- <meta charset=koi8-r> -->", "windows-1252", ""},
		{"meta after an abrupt comment", "text/html", "<!--><meta charset=koi8-r>", "koi8-r", ""},
		{"meta in an attribute", "text/html", "<p title='<meta charset=koi8-r>'>", "windows-1252", ""},
		{"meta in a script, as browsers", "text/html", "<script>'<meta charset=koi8-r>'", "koi8-r", ""},
		{"meta of an unknown charset", "text/html", "<meta charset=none><meta charset=koi8-r>", "koi8-r", ""},
		{"meta cut off", "text/html", "<meta charset=koi8-r", "windows-1252", ""},
		{"meta too late", "text/html", late + "<meta charset=koi8-r>", "windows-1252", ""},
		{"meta can not be UTF-16", "text/html", "<meta charset=utf-16>", "utf-8", ""},
		{"x-user-defined is not what it says", "text/html", "<meta charset=x-user-defined>", "windows-1252", ""},
		{"XML declaration", "text/html", "<?xml version='1.0' encoding = 'koi8-r'?>", "koi8-r", ""},
		{"meta beats the XML declaration", "text/html", "<?xml encoding='koi8-r'?><meta charset=big5>", "big5", ""},
		{"but not in XHTML", xhtml, "<?xml encoding='koi8-r'?><meta charset=big5/>", "koi8-r", ""},
		{"XHTML is UTF-8", xhtml, "<html/>", "utf-8", ""},
		{"no declaration, UTF-8", "text/html", "é", "utf-8", "é"},
		{"no declaration, not UTF-8", "text/html", "\x80\xe9", "windows-1252", "€é"},
		{"no declaration, ASCII", "text/html", "e", "windows-1252", "e"},
		{"not what was declared", "text/html;charset=utf-8", "a\xffb", "utf-8", "a\uFFFDb"},
		{"ASCII that is none", "text/html;charset=iso-2022-jp", "\x1b$BF|\x1b(B", "iso-2022-jp", "日"},
		{"a charset that is a danger", "text/html;charset=hz-gb-2312", "<a href=x>", "replacement", "\uFFFD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			declared, _ := parseMediaType(c.contentType)
			src := newSource(declared, []byte(c.body), false)
			if src.charset != c.want {
				t.Errorf("charset %q, want %q", src.charset, c.want)
			}
			text, err := io.ReadAll(src.reader())
			if err != nil || c.text != "" && string(text) != c.text {
				t.Errorf("text %q, %v, want %q", text, err, c.text)
			}
		})
	}
}

func TestQueriesAreWrittenInTheCharsetOfTheDocument(t *testing.T) {
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
