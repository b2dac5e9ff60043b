package parse

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// directives is what a page asks of robots. Prohibitions add up; no permission revokes
// one.
type directives struct {
	noIndex, noFollow bool
	noAI, noImageAI   bool
	tdm               byte            // the digit of tdm-reservation; 0 if absent
	tdmPolicy         reference.First // the first one, as written
}

// obeyMeta applies a <meta name content> that is addressed to all robots or to agent,
// which is in lower case.
func (d *directives) obeyMeta(name, content []byte, agent string) {
	if len(name) > len("tdm-") && htmltok.EqualFold(name[:len("tdm-")], "tdm-") {
		d.reserve(name[len("tdm-"):], content)
	}
	if !htmltok.EqualFold(name, "robots") && (agent == "" || !htmltok.EqualFold(name, agent)) {
		return
	}
	for _, rule := range rulesOf(string(content)) {
		d.obey(rule)
	}
}

// reserve applies tdm-reservation or tdm-policy (TDM Reservation Protocol, 5). It ignores
// an empty policy.
func (d *directives) reserve(name, value []byte) {
	value = bytes.TrimSpace(value)
	switch {
	case htmltok.EqualFold(name, "reservation") && len(value) == 1 && (value[0] == '0' || value[0] == '1'):
		d.tdm = max(d.tdm, value[0])
	case htmltok.EqualFold(name, "policy") && len(value) > 0 && len(value) <= urltext.MaxLength:
		d.tdmPolicy.Set(value)
	}
}

// rights returns what was said about the use of the page. res resolves the policy.
func (d *directives) rights(res reference.Resolver) crawler.Rights {
	r := crawler.Rights{NoAI: d.noAI, NoImageAI: d.noImageAI}
	if d.tdm != 0 {
		r.TDMReservation = json.Number(rune(d.tdm))
	}
	if d.tdmPolicy.Found {
		if u, ok := res.URL(d.tdmPolicy.Value); ok {
			r.TDMPolicy = u.String()
		}
	}
	return r
}

// obeyHeader applies X-Robots-Tag and the headers that reserve rights. A name before a
// colon addresses the rest of its line to one robot.
func (d *directives) obeyHeader(h http.Header, agent string) {
	for _, name := range []string{"Reservation", "Policy"} {
		for _, value := range h["Tdm-"+name] {
			d.reserve([]byte(name), []byte(value))
		}
	}
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
				d.obey(rule)
			}
		}
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
func (d *directives) obey(rule string) {
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
		case "noai":
			d.noAI = true
		case "noimageai":
			d.noImageAI = true
		}
	}
}
