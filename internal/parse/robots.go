package parse

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/rights"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// directives is what a page asks of robots, and says about its use. Prohibitions add up; no
// permission revokes one.
type directives struct {
	noIndex, noFollow bool
	said              []said // nil for nothing, which is the usual case
	addresses         int    // how many of them are about an address
}

// said is a statement about the use of the page, as written.
type said struct {
	crawler.Statement
	isURL bool // its value is a reference, to be resolved
}

// state adds a statement, unless it is known.
func (d *directives) state(s said) {
	switch {
	case slices.Contains(d.said, s), s.isURL && d.addresses == rights.MaxAddresses:
		return
	case s.isURL:
		d.addresses++
	}
	d.said = append(d.said, s)
}

// obeyMeta applies a <meta name content> that is addressed to all robots or to agent,
// which is in lower case.
func (d *directives) obeyMeta(name, content []byte, agent string) {
	if len(name) > len("tdm-") && htmltok.EqualFold(name[:len("tdm-")], "tdm-") {
		d.reserve(name[len("tdm-"):], content, rights.InMeta)
	}
	if !htmltok.EqualFold(name, "robots") && (agent == "" || !htmltok.EqualFold(name, agent)) {
		return
	}
	for _, rule := range rulesOf(string(content)) {
		d.obey(rule, rights.InMeta)
	}
}

// reserve applies tdm-reservation or tdm-policy (TDM Reservation Protocol, 5). It ignores
// an empty policy.
func (d *directives) reserve(name, value []byte, source string) {
	value = bytes.TrimSpace(value)
	s := crawler.Statement{Vocabulary: rights.VocabularyTDMRep, Value: string(value), Source: source}
	switch {
	case htmltok.EqualFold(name, "reservation") && (s.Value == rights.TDMFree || s.Value == rights.TDMReserved):
		s.Statement = rights.Reservation
		d.state(said{s, false})
	case htmltok.EqualFold(name, "policy") && len(value) > 0 && len(value) <= urltext.MaxLength:
		s.Statement = rights.Policy
		d.state(said{s, true})
	}
}

// license notes a licence that a link names: of RSL (4.3), or of any other kind.
func (d *directives) license(ref, kind []byte, source string) {
	s := crawler.Statement{
		Vocabulary: rights.VocabularyLicense, Statement: rights.License, Value: string(ref), Source: source,
	}
	if kind, _, _ = bytes.Cut(kind, []byte(";")); htmltok.EqualFold(bytes.TrimSpace(kind), "application/rsl+xml") {
		s.Vocabulary = rights.VocabularyRSL
	}
	if len(ref) <= urltext.MaxLength {
		d.state(said{s, true})
	}
}

// llmsName is how the address of an llms.txt ends.
var llmsName = []byte("/" + rights.LLMsText)

// list notes a link to the llms.txt of the site.
func (d *directives) list(ref []byte) {
	if len(ref) <= urltext.MaxLength {
		d.state(said{crawler.Statement{
			Vocabulary: rights.VocabularyLLMs, Statement: rights.LLMsText, Value: string(ref),
			Source: rights.InLink,
		}, true})
	}
}

// rights returns what was said about the use of a page. res resolves addresses.
func (d *directives) rights(page *fetched.Page, res reference.Resolver) []crawler.Statement {
	if len(d.said) == 0 {
		return nil
	}
	all := make([]crawler.Statement, 0, len(d.said))
	at := fetched.FormatRecordTime(page.Started)
	for _, one := range d.said {
		s := one.Statement
		s.Where, s.At = page.URL.String(), at
		if one.isURL {
			u, ok := res.URL(s.Value)
			if !ok || s.Vocabulary == rights.VocabularyLLMs && u.Host() != page.URL.Host() {
				continue
			}
			s.Value = u.String()
		}
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// obeyHeader applies X-Robots-Tag, and the headers about the use of the page. A name before
// a colon addresses the rest of its line to one robot.
func (d *directives) obeyHeader(h http.Header, agent string) {
	for _, name := range []string{"Reservation", "Policy"} {
		for _, value := range h["Tdm-"+name] {
			d.reserve([]byte(name), []byte(value), rights.InHeader)
		}
	}
	d.prefer(h["Content-Usage"])
	d.signal(h["Content-Signal"])
	for _, line := range h["X-Robots-Tag"] {
		toUs := true
		for _, rule := range rulesOf(line) {
			name, rest, found := strings.Cut(rule, ":")
			if name = strings.TrimSpace(name); found && charset.IsToken(name) && htmltok.IsLetter(name[0]) &&
				!takesValue(name) {
				toUs = name == "*" || agent != "" && strings.EqualFold(name, agent)
				rule = rest
			}
			if toUs {
				d.obey(rule, rights.InHeader)
			}
		}
	}
}

// prefer applies Content-Usage (draft-ietf-aipref-attach). One that cannot be read states
// nothing, but is noted.
func (d *directives) prefer(lines []string) {
	if len(lines) == 0 {
		return
	}
	s := crawler.Statement{Vocabulary: rights.VocabularyAIPref, Source: rights.InHeader}
	preferences, err := rights.Usage(lines...)
	if err != nil {
		s.Statement, s.Value = "content-usage", htmltok.Clean(urltext.Clip(strings.Join(lines, ", ")))
		s.Error = htmltok.Clean(err.Error())
		d.state(said{s, false})
	}
	for _, p := range preferences {
		s.Statement, s.Value = p.Category, p.Value
		d.state(said{s, false})
	}
}

// signal applies Content-Signal (contentsignals.org).
func (d *directives) signal(lines []string) {
	if len(lines) == 0 {
		return
	}
	var signals rights.Signals
	for _, line := range lines {
		signals.Read(line)
	}
	for _, purpose := range signals.Purposes() {
		d.state(said{crawler.Statement{
			Vocabulary: rights.VocabularySignal, Statement: purpose, Value: signals[purpose],
			Source: rights.InHeader,
		}, false})
	}
}

// takesValue reports whether a rule has a value after a colon. Names of robots, which
// also precede a colon, do not.
func takesValue(name string) bool {
	switch strings.ToLower(name) {
	case "unavailable_after", "max-snippet", "max-image-preview", "max-video-preview":
		return true
	}
	return false
}

// rulesOf splits rules at commas. Semicolons are a common mistake with the same meaning.
func rulesOf(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' })
}

// obey applies one rule, or several that only spaces separate.
func (d *directives) obey(rule string, source string) {
	if strings.Contains(rule, ":") { // a value follows, which may be "none"
		return
	}
	for word := range strings.FieldsSeq(rule) {
		switch strings.ToLower(word) {
		case "noindex":
			d.noIndex = true
		case "nofollow":
			d.noFollow = true
		case "none":
			d.noIndex, d.noFollow = true, true
		case rights.NoAI, rights.NoImageAI, rights.NoArchive:
			d.state(said{crawler.Statement{
				Vocabulary: rights.VocabularyRobots, Statement: strings.ToLower(word), Source: source,
			}, false})
		}
	}
}
