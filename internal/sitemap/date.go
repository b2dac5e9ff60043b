package sitemap

import (
	"net/mail"
	"time"
)

// dateForms are the formats of W3C's note on date and time formats, and formats that
// occur instead of them. Seconds may have fractions. A time without a zone is in UTC.
var dateForms = []string{
	"2006-01-02", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01", "2006",
	"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05 Z07:00",
	"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z0700", "20060102",
}

// longestDate is longer than any date in these formats, in bytes.
const longestDate = 64

// date parses a modification date and returns it in UTC, or the zero time if it cannot be
// parsed. Feeds have dates in the format of e-mail (RFC 5322, 3.3).
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
