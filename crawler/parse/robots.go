package parse

import (
	"net/http"
	"strings"
)

// directives is what a page asks of robots. What forbids adds up: nothing that
// allows takes it back.
type directives struct {
	noIndex, noFollow bool
}

// obeyMeta reads <meta name content> when it is addressed to everyone or to
// agent, which is lower case.
func (d *directives) obeyMeta(name, content []byte, agent string) {
	if !equalFold(name, "robots") && (agent == "" || !equalFold(name, agent)) {
		return
	}
	for _, rule := range rulesOf(string(content)) {
		d.obey(rule)
	}
}

// obeyHeader reads X-Robots-Tag. A name before a colon addresses what follows it
// in its line to one robot.
func (d *directives) obeyHeader(h http.Header, agent string) {
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
		}
	}
}
