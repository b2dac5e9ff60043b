package parse

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// directives is what a page asks of robots. What forbids adds up: nothing that
// allows takes it back.
type directives struct {
	noIndex, noFollow bool
	noAI, noImageAI   bool
	tdm               byte      // the digit of tdm-reservation; 0 when it is not said
	tdmPolicy         reference // as it is written; the first
}

// obeyMeta reads <meta name content> when it is addressed to everyone or to
// agent, which is lower case.
func (d *directives) obeyMeta(name, content []byte, agent string) {
	if len(name) > len("tdm-") && equalFold(name[:len("tdm-")], "tdm-") {
		d.reserve(name[len("tdm-"):], content)
	}
	if !equalFold(name, "robots") && (agent == "" || !equalFold(name, agent)) {
		return
	}
	for _, rule := range rulesOf(string(content)) {
		d.obey(rule)
	}
}

// reserve reads tdm-reservation or tdm-policy (TDM Reservation Protocol, 5). A
// policy that says nothing is none.
func (d *directives) reserve(name, value []byte) {
	value = bytes.TrimSpace(value)
	switch {
	case equalFold(name, "reservation") && len(value) == 1 && (value[0] == '0' || value[0] == '1'):
		d.tdm = max(d.tdm, value[0])
	case equalFold(name, "policy") && len(value) > 0 && len(value) <= crawler.MaxURLLength:
		d.tdmPolicy.set(value)
	}
}

// rights are what was said of the use of the page. res resolves the policy.
func (d *directives) rights(res resolver) crawler.Rights {
	r := crawler.Rights{NoAI: d.noAI, NoImageAI: d.noImageAI}
	if d.tdm != 0 {
		r.TDMReservation = json.Number(rune(d.tdm))
	}
	if d.tdmPolicy.found {
		if u, ok := res.url(d.tdmPolicy.value); ok {
			r.TDMPolicy = u.String()
		}
	}
	return r
}

// obeyHeader reads X-Robots-Tag, and the headers that reserve rights. A name
// before a colon addresses what follows it in its line to one robot.
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
			if name = strings.TrimSpace(name); found && isToken(name) && isLetter(name[0]) && !takesValue(name) {
				toUs = name == "*" || agent != "" && strings.EqualFold(name, agent)
				rule = rest
			}
			if toUs {
				d.obey(rule)
			}
		}
	}
}

// takesValue reports the rules that have a value behind a colon, as names of
// robots do not.
func takesValue(name string) bool {
	switch strings.ToLower(name) {
	case "unavailable_after", "max-snippet", "max-image-preview", "max-video-preview":
		return true
	}
	return false
}

// rulesOf parts rules at commas. Semicolons are mistakes that mean the same.
func rulesOf(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' })
}

// obey follows one rule, or several that only spaces part.
func (d *directives) obey(rule string) {
	if strings.Contains(rule, ":") { // what follows is a value: "none" may be one
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
