package parse

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// FuzzCharset decides the charset of a body by its Content-Type and its first
// bytes, and reads it.
func FuzzCharset(f *testing.F) {
	for _, seed := range []struct{ contentType, body string }{
		{"text/html; charset=utf-8", "<title>ä</title>"},
		{`text/html;charset="shift\_jis";charset=koi8-r`, "\x93\xfa\x96\x7b"},
		{"Text/HTML ;x=y; Charset = gb18030", "\xc4\xe3\x81\x30\x81"},
		{"text/html;charset=;charset=x-user-defined", "\x80"},
		{"application/xhtml+xml", `<?xml version="1.0" encoding='windows-1251'?><p>`},
		{"", `<!-- > --><meta http-equiv=Content-Type content='text/html; charset="iso-2022-jp"'>` + "\x1b$B"},
		{"text/html", "<meta /charset==utf-16/><x charset='<'><meta charset=big5>\xa4"},
		{"text/css", `@charset "euc-kr";url(` + "\xb0\xa1)"},
		{"text/html;charset=utf-16", "\xff\xfe<\x00\x00\xd8"},
		{"text/html;charset=replacement", "\xef\xbb\xbfx"},
	} {
		f.Add(seed.contentType, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		declared := declaredType(http.Header{"Content-Type": {contentType}})
		checkMediaType(t, contentType, declared)
		checkPrescan(t, body)
		for _, src := range []source{
			newSource(declared, body, false), newSource(declared, body, true), newStyleSource(declared, body),
		} {
			checkSource(t, src, body)
		}
	})
}

// checkMediaType compares a Content-Type with what mime.ParseMediaType makes of
// it, where the two standards that they follow agree.
func checkMediaType(t *testing.T, value string, got mediaType) {
	t.Helper()
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`\*{}`, r) }) {
		return
	}
	essence, params, err := mime.ParseMediaType(value)
	if err != nil || !strings.Contains(essence, "/") || essence == "*/*" {
		return
	}
	if got.essence != essence || got.charset != params["charset"] {
		t.Errorf("%q is %+v, and to package mime %s with %q", value, got, essence, params["charset"])
	}
}

// checkPrescan holds what a document says of itself to its first bytes.
func checkPrescan(t *testing.T, body []byte) {
	t.Helper()
	far := append(bytes.Repeat([]byte(" "), prescanned), body...)
	if name := metaCharset(far) + xmlCharset(far); name != "" {
		t.Errorf("%q is found beyond where it counts", name)
	}
	for _, name := range []string{metaCharset(body), xmlCharset(body)} {
		if name != "" && name != charsetName(name) || strings.HasPrefix(name, "utf-16") {
			t.Errorf("a document says of itself that it is %q", name)
		}
	}
}

// checkSource reads a source, at once and by the byte.
func checkSource(t *testing.T, src source, body []byte) {
	t.Helper()
	if src.charset == "" || src.charset != charsetName(src.charset) || src.encoding == nil {
		t.Fatalf("%+q is %q, %v", body, src.charset, src.encoding)
	}
	if name, _ := byteOrderMark(body); name != "" && name != src.charset {
		t.Errorf("%+q with its byte order mark is read as %q", body, src.charset)
	}
	text, err := io.ReadAll(src.reader())
	if err != nil || !utf8.Valid(text) {
		t.Errorf("%+q read as %s is %+q, %v", body, src.charset, text, err)
	}
	slowly, err := io.ReadAll(iotest.OneByteReader(src.reader()))
	if err != nil || !bytes.Equal(text, slowly) {
		t.Errorf("%+q read as %s is %+q, and byte by byte %+q, %v", body, src.charset, text, slowly, err)
	}
}
