package surt

import (
	"regexp"
	"strings"
)

// pathSession matches the session IDs of ASP.NET within a path.
var pathSession = []*regexp.Regexp{
	regexp.MustCompile(`(?i)^(.*/)(?:\((?:[a-z]\([0-9a-z]{24}\))+\)/)([^?]+\.aspx.*)$`),
	regexp.MustCompile(`(?i)^(.*/)(?:\([0-9a-z]{24}\)/)([^?]+\.aspx.*)$`),
}

// withoutPathSession drops the session ID of a path in lower case.
func withoutPathSession(path string) string {
	if !strings.Contains(path, "(") || !strings.Contains(path, ".aspx") {
		return path
	}
	for _, session := range pathSession {
		path = session.ReplaceAllString(path, "$1$2")
	}
	return path
}

// sessionParameter is a parameter that holds a session ID.
type sessionParameter struct {
	name   string // in lower case; a query without it needs no look
	within *regexp.Regexp
}

// querySession lists the parameters of PHP, Java servlets, ASP and ColdFusion. They are
// dropped one after the other.
var querySession = []sessionParameter{
	{"jsessionid=", regexp.MustCompile(`(?i)^(.*)jsessionid=[0-9a-z]{32}(?:&(.*))?$`)},
	{"phpsessid=", regexp.MustCompile(`(?i)^(.*)phpsessid=[0-9a-z]{32}(?:&(.*))?$`)},
	{"sid=", regexp.MustCompile(`(?i)^(.*)sid=[0-9a-z]{32}(?:&(.*))?$`)},
	{"aspsessionid", regexp.MustCompile(`(?i)^(.*)ASPSESSIONID[a-z]{8}=[a-z]{24}(?:&(.*))?$`)},
	{"cfid=", regexp.MustCompile(`(?i)^(.*)cfid=[^&]+&cftoken=[^&]+(?:&(.*))?$`)},
}

// withoutQuerySession drops the session IDs of a query.
func withoutQuerySession(query string) string {
	if query == "" {
		return ""
	}
	for _, session := range querySession {
		if strings.Contains(lower(query), session.name) {
			query = session.within.ReplaceAllString(query, "$1$2")
		}
	}
	return query
}
