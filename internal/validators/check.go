package validators

import (
	"net/http"
	"strings"
	"time"
)

// maxETag is the longest entity tag that is sent back, in bytes. The tags of servers have less than
// a hundred bytes.
const maxETag = 1024

// Usable returns the validators of a response that may be sent back: the entity tag, and the date
// of the last change. Those that cannot be trusted are "". received is when the response arrived,
// by our own clock.
func Usable(h http.Header, received time.Time) (etag, lastModified string) {
	if tag := strings.TrimSpace(h.Get("ETag")); isETag(tag) {
		etag = tag
	}
	if date := strings.TrimSpace(h.Get("Last-Modified")); isDate(date, h.Get("Date"), received) {
		lastModified = date
	}
	return etag, lastModified
}

// isETag reports whether a text is an entity tag (RFC 9110, 8.8.3), weak or strong, of printable
// ASCII. Others could not be sent back as they came.
func isETag(tag string) bool {
	opaque := strings.TrimPrefix(tag, "W/")
	if len(tag) > maxETag || len(opaque) < 2 || opaque[0] != '"' || opaque[len(opaque)-1] != '"' {
		return false
	}
	for _, c := range []byte(opaque[1 : len(opaque)-1]) {
		if c <= ' ' || c == '"' || c >= 0x7f {
			return false
		}
	}
	return true
}

// isDate reports whether a date of last change can serve as a validator. It is compared with the
// server's own clock, which may be wrong by years. RFC 9110, 8.8.2.1: the date is not later than
// the response. 8.8.2.2: within the same second, the content may still change without the date.
// So the date of a page that is generated for each request is not a validator.
func isDate(text, responseDate string, received time.Time) bool {
	date, err := http.ParseTime(text)
	if err != nil {
		return false
	}
	now, err := http.ParseTime(responseDate)
	if err != nil {
		now = received
	}
	return now.Sub(date) >= time.Second
}

// codings are what servers add to the entity tag of a compressed response, although the 304 for it
// may lack it: Apache, Jetty.
var codings = []string{"-gzip", "--gzip", ";gzip", "-br", ";br", "-zstd", "-deflate"}

// IfNoneMatch returns the field value that asks for content with an entity tag (RFC 9110, 13.1.2). A
// tag that names a coding is sent without it as well: Apache adds the name to the tag when it
// compresses the response, after it has compared the tags.
func IfNoneMatch(etag string) string {
	plain := opaque(etag)
	if plain == strings.Trim(strings.TrimPrefix(etag, "W/"), `"`) {
		return etag
	}
	weak := ""
	if strings.HasPrefix(etag, "W/") {
		weak = "W/"
	}
	return etag + ", " + weak + `"` + plain + `"`
}

// Confirms reports whether a 304 response is about the content with these validators. RFC 9110,
// 15.4.5: it has the entity tag that a 200 would have had. A 304 without a tag says nothing that
// contradicts it.
func Confirms(h http.Header, etag string) bool {
	tag := strings.TrimSpace(h.Get("ETag"))
	return tag == "" || etag == "" || opaque(tag) == opaque(etag)
}

// opaque returns the opaque part of an entity tag, for the weak comparison (RFC 9110, 8.8.3.2),
// without the suffix that names a coding.
func opaque(tag string) string {
	tag = strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
	for _, coding := range codings {
		if rest, ok := strings.CutSuffix(tag, coding); ok {
			return strings.TrimSuffix(rest, "-")
		}
	}
	return tag
}
