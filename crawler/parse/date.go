package parse

import (
	"fmt"
	"regexp"
	"time"

	"github.com/markusmobius/go-dateparser"
)

const (
	// mostDate is how long a date may be, in bytes.
	mostDate = 100
	// mostUndated is how many texts of a page may turn out to be none: to know that
	// takes a look at each language, a tenth of a second.
	mostUndated = 30
)

// As ISO 8601 has dates, with as much as the text says.
const (
	isoDay    = "2006-01-02"
	isoMinute = "2006-01-02T15:04"
	isoSecond = "2006-01-02T15:04:05.999999999"
)

// inDigits is a date of which day and month can be told by their order alone.
var inDigits = regexp.MustCompile(`(?:^|[^0-9])[0-9]{1,2}[./-][0-9]{1,2}[./-](?:[0-9]{4}|[0-9]{2})(?:[^0-9]|$)`)

// nowhere is the zone of a time that names none.
var nowhere = time.FixedZone("nowhere", 0)

// date reads a date, in whichever language, as ISO 8601 has it: a day, or a moment
// if the text has a time, with its offset from UTC if it has a zone. It must have
// year, month and day, or be relative to now. order, of the digits, is that of
// [crawler.Field].
func (r *reading) date(text, order string) (iso, why string) {
	if text = collapse(text, 0); len(text) > mostDate {
		return "", fmt.Sprintf("%q is too long for a date", quotable(text))
	}
	for _, layout := range []string{isoDay, time.RFC3339Nano} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format(layout), ""
		}
	}
	if r.undated >= mostUndated {
		return "", fmt.Sprintf("it was not read, after %d texts of the page that are no dates", mostUndated)
	}
	orders := map[string]dateparser.DateOrder{"dmy": dateparser.DMY, "mdy": dateparser.MDY, "ymd": dateparser.YMD}
	first, ok := r.parseDate(text, orders[order])
	if !ok {
		r.undated++
		return "", fmt.Sprintf("%q is no date with day, month and year", quotable(text))
	}
	if order == "" && inDigits.MatchString(text) {
		dmy, _ := r.parseDate(text, dateparser.DMY)
		mdy, _ := r.parseDate(text, dateparser.MDY)
		if dmy != mdy {
			return "", fmt.Sprintf("%q is %s or %s: say order: dmy or mdy", quotable(text), dmy, mdy)
		}
	}
	return first, ""
}

// parseDate reads a date in an order; nil is that of the language.
func (r *reading) parseDate(text string, order dateparser.DateOrder) (iso string, ok bool) {
	if r.ctx.Err() != nil {
		return "", false
	}
	date, err := dateparser.Parse(&dateparser.Configuration{
		StrictParsing: true, ReturnTimeAsPeriod: true, CurrentTime: r.now, DefaultTimezone: nowhere, DateOrder: order,
	}, text)
	if err != nil || date.IsZero() {
		return "", false
	}
	layout := isoDay
	switch date.Period.String() {
	case "Hour", "Minute":
		layout = isoMinute
	case "Second":
		layout = isoSecond
	default:
		return date.Time.Format(layout), true
	}
	t := date.Time
	if zone, _ := t.Zone(); zone == nowhere.String() {
		return t.Format(layout), true
	}
	if t.Location() == time.Local { // seconds since 1970
		t = t.UTC()
	}
	return t.Format(time.RFC3339Nano), true
}
