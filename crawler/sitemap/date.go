package sitemap

import (
	"net/mail"
	"time"
)

// dateForms are those of W3C's note on date and time formats, and what is
// written instead of them. Seconds may have fractions. Without a zone it is UTC.
var dateForms = []string{
	"2006-01-02", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01", "2006",
	"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05 Z07:00",
	"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z0700", "20060102",
}

// longestDate is more than any of the forms takes, in bytes.
const longestDate = 64

// date reads when something was modified, in UTC: the zero time when it can not
// be read. Feeds have dates of e-mail (RFC 5322, 3.3).
func date(s string) time.Time {
	if s == "" || len(s) > longestDate {
		return time.Time{}
	}
	for _, form := range dateForms {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC()
		}
	}
	if t, err := mail.ParseDate(s); err == nil {
		return t.UTC()
	}
	return time.Time{}
}
