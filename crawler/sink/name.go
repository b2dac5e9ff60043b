package sink

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trawlcrawler/trawl/crawler"
)

// Bounds of names, in bytes. The register may lengthen each segment by a
// suffix, which is what lies between mostWished and 1,000, the most of all.
const (
	mostSegment = 120
	mostLevels  = 10
	mostWished  = 800
)

// wish returns the name that the body of u has unless another URL was there
// first: its host, the segments of its path, and behind the last one the query.
// It depends on nothing but the URL and, where the path ends in a slash, on
// whether the content is HTML. Percent-encoding is undone where what it hides is
// harmless in a file name on every system, and put on where it is not, so that
// names differ where paths do; an empty segment becomes "%".
func wish(u crawler.URL, contentType string) []string {
	p, query, asked := strings.Cut(u.Path(), "?")
	segments := strings.Split(strings.TrimPrefix(p, "/"), "/")
	last := len(segments) - 1
	if segments[last] == "" {
		segments[last] = index(contentType)
	}
	for i, s := range segments {
		segments[i] = escape(unescape(s))
	}
	if asked { // a query keeps its encoding: %26 and & are not the same in it
		segments[last] += "@" + strings.ReplaceAll(escape(query), "%25", "%")
	}
	return bounded(append([]string{hostName(u.Host())}, segments...))
}

// told makes a wish one that no other URL has, nor one that is a folder of
// another's, without knowing any other: of a folder the dots are encoded, and the
// file has a suffix where its name has no extension, or is not the URL's path as
// it is. What ends in a slash is told as its index.
func told(u crawler.URL, segments []string) []string {
	last := len(segments) - 1
	plain := "https://" + strings.Join(segments, "/")
	if dir, isIndex := strings.CutSuffix(plain, "/index.html"); isIndex {
		plain = dir + "/"
	}
	for i, s := range segments[1:max(1, last)] {
		segments[i+1] = strings.ReplaceAll(s, ".", "%2E")
	}
	if plain != u.String() || path.Ext(segments[last]) == "" {
		segments[last] = suffixed(segments[last], u.String())
	}
	return segments
}

// index names what a path that ends in a slash leads to.
func index(contentType string) string {
	media, _, _ := mime.ParseMediaType(contentType)
	if media == "text/html" || media == "application/xhtml+xml" {
		return "index.html"
	}
	return "index"
}

// hostName keeps clear of the records, and of the folders of Markdown and of the
// mirror, which lie beside the folders of hosts.
func hostName(h crawler.Host) string {
	name := escape(string(h))
	if name == markdownFolder || name == FormatMirror {
		return encoded(name[:1]) + name[1:]
	}
	if stem, ok := strings.CutSuffix(name, ".jsonl"); ok {
		return stem + "%2Ejsonl"
	}
	return name
}

// bounded finishes the segments. Those that are too deep, or too much, are
// joined into one, with a hash.
func bounded(segments []string) []string {
	room := mostWished
	for i, s := range segments {
		name := finish(s)
		last := i == len(segments)-1
		room -= len(name) + len("/")
		if !last && (i == mostLevels-1 || room < mostSegment) {
			joined := strings.Join(segments[i:], "%2F")
			return append(segments[:i], suffixed(harmless(joined), joined))
		}
		segments[i] = name
	}
	return segments
}

// unescape undoes percent-encoding (RFC 3986, 2.1) and leaves what is none.
func unescape(s string) string {
	return percent.ReplaceAllStringFunc(s, func(code string) string {
		b, _ := hex.DecodeString(code[1:])
		return string(b)
	})
}

var percent = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// escape percent-encodes what may not stand anywhere in a file name on some
// system, what is no UTF-8, what can not be seen or turns the direction of
// writing, and the percent sign.
func escape(s string) string {
	var b strings.Builder
	for i, width := 0, 0; i < len(s); i += width {
		var r rune
		r, width = utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && width == 1 || !unicode.IsPrint(r) || strings.ContainsRune(`%/\:*?"<>|`, r) {
			b.WriteString(encoded(s[i : i+width]))
			continue
		}
		b.WriteString(s[i : i+width])
	}
	return b.String()
}

// encoded percent-encodes every byte.
func encoded(bytes string) string {
	return "%" + strings.ReplaceAll(fmt.Sprintf("% X", bytes), " ", "%")
}

// finish makes one segment of escaped text: harmless and not too long.
func finish(s string) string {
	s = harmless(s)
	if len(s) > mostSegment {
		return suffixed(s, s)
	}
	return s
}

// harmless changes escaped text so that nothing at its ends hides it, looks like
// an option or is dropped by some system, and that it names no device.
func harmless(s string) string {
	if s == "" {
		return "%"
	}
	if strings.ContainsRune(".- ", rune(s[0])) || device.MatchString(s) {
		s = encoded(s[:1]) + s[1:]
	}
	if end := s[len(s)-1]; end == '.' || end == ' ' {
		s = s[:len(s)-1] + encoded(string(end))
	}
	return s
}

// device matches the names that Windows keeps for devices, with any extension
// ("Naming Files, Paths, and Namespaces" in Microsoft's documentation).
var device = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)`)

// suffixed puts "~" and a hash of what behind a finished segment, before its
// extension, and shortens it to fit.
func suffixed(segment, what string) string {
	sum := sha256.Sum256([]byte(what))
	ext := path.Ext(segment)
	if len(ext) > 12 || len(ext) == len(segment) {
		ext = ""
	}
	tail := "~" + hex.EncodeToString(sum[:8]) + ext
	return cut(strings.TrimSuffix(segment, ext), mostSegment-len(tail)) + tail
}

// cut shortens escaped text to at most so many bytes, and breaks neither a rune
// nor the percent-encoding of a byte.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for !utf8.RuneStart(s[most]) {
		most--
	}
	if i := strings.LastIndexByte(s[:most], '%'); i >= 0 && i > most-len("%XX") {
		most = i
	}
	return s[:most]
}
