package charset

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

// FuzzCharset determines the charset of a body by its Content-Type and its first bytes,
// and reads the body.
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
		declared := DeclaredType(http.Header{"Content-Type": {contentType}})
		checkMediaType(t, contentType, declared)
		checkPrescan(t, body)
		for _, src := range []Source{
			NewSource(declared, body, false), NewSource(declared, body, true), NewStyleSource(declared, body),
		} {
			checkSource(t, src, body)
		}
	})
}

// checkMediaType compares a Content-Type with the result of mime.ParseMediaType, where
// their standards agree.
func checkMediaType(t *testing.T, value string, got MediaType) {
	t.Helper()
	if strings.ContainsFunc(value,
		func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`\*{}`, r) }) {
		return
	}
	essence, params, err := mime.ParseMediaType(value)
	if err != nil || !strings.Contains(essence, "/") || essence == "*/*" {
		return
	}
	if got.Essence != essence || got.Charset != params["charset"] {
		t.Errorf("%q is %+v, and to package mime %s with %q", value, got, essence, params["charset"])
	}
}

// checkPrescan checks the declared charset of a document against its first bytes.
func checkPrescan(t *testing.T, body []byte) {
	t.Helper()
	far := append(bytes.Repeat([]byte(" "), prescanned), body...)
	if name := metaCharset(far) + xmlCharset(far); name != "" {
		t.Errorf("%q is found beyond where it counts", name)
	}
	for _, name := range []string{metaCharset(body), xmlCharset(body)} {
		if name != "" && name != Name(name) || strings.HasPrefix(name, "utf-16") {
			t.Errorf("a document says of itself that it is %q", name)
		}
	}
}

// checkSource reads a source at once and byte by byte.
func checkSource(t *testing.T, src Source, body []byte) {
	t.Helper()
	if src.Charset == "" || src.Charset != Name(src.Charset) || src.Encoding == nil {
		t.Fatalf("%+q is %q, %v", body, src.Charset, src.Encoding)
	}
	if name, _ := ByteOrderMark(body); name != "" && name != src.Charset {
		t.Errorf("%+q with its byte order mark is read as %q", body, src.Charset)
	}
	text, err := io.ReadAll(src.Reader())
	if err != nil || !utf8.Valid(text) {
		t.Errorf("%+q read as %s is %+q, %v", body, src.Charset, text, err)
	}
	slowly, err := io.ReadAll(iotest.OneByteReader(src.Reader()))
	if err != nil || !bytes.Equal(text, slowly) {
		t.Errorf("%+q read as %s is %+q, and byte by byte %+q, %v", body, src.Charset, text, slowly, err)
	}
}
