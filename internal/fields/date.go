package fields

import (
	"fmt"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxDate is the maximum length of a date in bytes.
const maxDate = 100

// ISO 8601 formats for results, with as much precision as the text has.
const (
	isoDay    = "2006-01-02"
	isoMinute = "2006-01-02T15:04"
	isoSecond = "2006-01-02T15:04:05.999999999"
)

// standardDates are formats that programs write.
var standardDates = []struct{ read, write string }{
	{isoDay, isoDay}, {time.RFC3339Nano, time.RFC3339Nano},
	{isoMinute, isoMinute}, {isoSecond, isoSecond}, {"2006-01-02 15:04", isoMinute},
	{"2006-01-02 15:04:05.999999999", isoSecond},
	{"2006-01-02T15:04Z07:00", time.RFC3339Nano}, {"2006-01-02 15:04:05Z07:00", time.RFC3339Nano},
	{"2006-01-02 15:04:05 -0700", time.RFC3339Nano},
	{"2006-01-02T15:04:05-0700", time.RFC3339Nano}, {"20060102", isoDay}, {"20060102T150405Z", time.RFC3339Nano},
}

var (
	clock    = regexp.MustCompile(`(?i)(?:^|[\sT,])([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2}))?(?:\s*(am|pm|a\.m\.|p\.m\.))?(?:\s*(z|utc|gmt|[+-][0-9]{2}:?[0-9]{2}))?(?:\s*(?:uhr|h))?(?:$|[\s,)])`)
	inDigits = regexp.MustCompile(`^([0-9]{1,4})\s?[./-]\s?([0-9]{1,2})\s?[./-]\s?([0-9]{1,4})\.?$`)
	inHan    = regexp.MustCompile(`^([0-9]{4})\s*[年년]\s*([0-9]{1,2})\s*[月월]\s*([0-9]{1,2})\s*[日일]`)
	unixTime = regexp.MustCompile(`^[0-9]{10}(?:[0-9]{3})?$`)
	relative = regexp.MustCompile(`(?i)^(?:about )?(an?|[0-9]{1,4}) (second|minute|hour|day|week|month|year)s? ago$`)
)

// date parses a date in any of many languages and returns it in ISO 8601: a day, or a
// moment if the text contains a time, with the UTC offset if it contains a zone. The text
// must contain year, month and day, or be relative to now, in English. order is the order
// of numeric dates, as in [crawler.Field].
func (r *Reading) date(text, order string) (iso, why string) {
	if text = htmltok.Collapse(text, 0); len(text) > maxDate {
		return "", fmt.Sprintf("%q is too long for a date", htmltok.Quotable(text))
	}
	for _, form := range standardDates {
		if t, err := time.Parse(form.read, text); err == nil {
			return t.Format(form.write), ""
		}
	}
	if iso, ok := r.machineDate(text); ok {
		return iso, ""
	}
	rest, suffix, ok := cutClock(text)
	day, other := dayOf(rest, order)
	switch {
	case !ok || day.IsZero():
		return "", fmt.Sprintf("%q is not a date with day, month and year", htmltok.Quotable(text))
	case !other.IsZero():
		return "", fmt.Sprintf("%q is %s or %s: say order: dmy or mdy", htmltok.Quotable(text), day.Format(isoDay),
			other.Format(isoDay))
	}
	return day.Format(isoDay) + suffix, ""
}

// machineDate parses seconds or milliseconds since 1970, and dates that are relative to
// the time of the fetch.
func (r *Reading) machineDate(text string) (iso string, ok bool) {
	if unixTime.MatchString(text) {
		n, _ := strconv.ParseInt(text, 10, 64) // cannot fail: 10 or 13 digits
		if len(text) == len("1709978400") {
			n *= 1000
		}
		return time.UnixMilli(n).UTC().Format(time.RFC3339Nano), true
	}
	switch strings.ToLower(text) {
	case "today":
		return r.now.Format(isoDay), true
	case "yesterday":
		return r.now.AddDate(0, 0, -1).Format(isoDay), true
	}
	m := relative.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		n = 1
	}
	switch unit := strings.ToLower(m[2]); unit {
	case "second", "minute", "hour":
		of := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour}[unit]
		return r.now.UTC().Add(-time.Duration(n) * of).Format(time.RFC3339), true
	case "day":
		return r.now.AddDate(0, 0, -n).Format(isoDay), true
	case "week":
		return r.now.AddDate(0, 0, -7*n).Format(isoDay), true
	case "month":
		return r.now.AddDate(0, -n, 0).Format(isoDay), true
	}
	return r.now.AddDate(-n, 0, 0).Format(isoDay), true
}

// cutClock cuts the time out of a text and returns it as the ISO 8601 suffix of a day; ""
// if there isn't one. ok is false if it is not a valid time of day.
func cutClock(text string) (rest, suffix string, ok bool) {
	at := clock.FindStringSubmatchIndex(text)
	if at == nil {
		return text, "", true
	}
	part := func(n int) string {
		if at[2*n] < 0 {
			return ""
		}
		return text[at[2*n]:at[2*n+1]]
	}
	if part(3) == "" && strings.Contains(text[at[2]:at[5]], ".") && part(4) == "" &&
		!strings.Contains(text[at[5]:], "h") {
		return text, "", true // "9.03" is the beginning of a date
	}
	hour, _ := strconv.Atoi(part(1)) // cannot fail: at most two digits
	minute, _ := strconv.Atoi(part(2))
	second, _ := strconv.Atoi(part(3))
	if half := strings.ToLower(part(4)); half != "" {
		if hour < 1 || hour > 12 {
			return text, "", false
		}
		hour %= 12
		if half[0] == 'p' {
			hour += 12
		}
	}
	suffix = fmt.Sprintf("T%02d:%02d", hour, minute)
	zone := zoneOf(part(5))
	if part(3) != "" || zone != "" {
		suffix += fmt.Sprintf(":%02d", second)
	}
	rest = strings.Trim(text[:at[0]]+" "+text[at[1]:], " ,")
	return rest, suffix + zone, hour < 24 && minute < 60 && second < 60
}

// zoneOf returns an offset from UTC in ISO 8601.
func zoneOf(text string) string {
	switch {
	case text == "":
		return ""
	case text[0] != '+' && text[0] != '-', strings.Trim(text[1:], "0:") == "":
		return "Z"
	case !strings.Contains(text, ":"):
		return text[:3] + ":" + text[3:]
	}
	return text
}

// dayOf parses a day; it is zero if the text is not one. other is a second possible
// interpretation, or zero.
func dayOf(text, order string) (day, other time.Time) {
	if m := inHan.FindStringSubmatch(text); m != nil {
		return dayFrom(m[1], m[2], m[3]), other
	}
	if m := inDigits.FindStringSubmatch(strings.Trim(text, " ,")); m != nil {
		return digits(order, m[1], m[2], m[3])
	}
	return spelled(text), other
}

// digits parses a day whose month is a number.
func digits(order, a, b, c string) (day, other time.Time) {
	if len(a) == 4 || order == "ymd" && len(c) <= 2 {
		return dayFrom(a, b, c), other
	}
	dmy, mdy := dayFrom(c, b, a), dayFrom(c, a, b)
	switch {
	case order == "dmy":
		return dmy, other
	case order == "mdy" || dmy.IsZero():
		return mdy, other
	case mdy == dmy:
		return dmy, other
	}
	return dmy, mdy
}

// spelled parses a day whose month is a word. It rejects a text with words that do not
// occur in dates, because a sentence about a day is not a date.
func spelled(text string) time.Time {
	known, month := wordsOfDates(), time.Month(0)
	for _, word := range words(text) {
		if m := known.months[word]; m != 0 && month == 0 {
			month = m
		} else if !known.idle[word] && m == 0 {
			return time.Time{}
		}
	}
	numbers := strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if month == 0 || len(numbers) != 2 {
		return time.Time{}
	}
	year := slices.IndexFunc(numbers, func(n string) bool { return len(n) == 4 })
	if year < 0 {
		year = 1 // 9 Mar 24
	}
	return dayFrom(numbers[year], strconv.Itoa(int(month)), numbers[1-year])
}

// dayFrom returns the day if it exists in the calendar, or zero. A year may have only its
// last two digits; those up to 68 are in this century, as in POSIX.
func dayFrom(year, month, day string) time.Time {
	if len(year) != 4 && len(year) != 2 || len(day) > 2 || len(month) > 2 {
		return time.Time{}
	}
	y, _ := strconv.Atoi(year) // cannot fail: at most four digits
	m, _ := strconv.Atoi(month)
	d, _ := strconv.Atoi(day)
	if len(year) == 2 && y <= 68 {
		y += 2000
	} else if len(year) == 2 {
		y += 1900
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if t.Year() != y || t.Month() != time.Month(m) || t.Day() != d || y == 0 {
		return time.Time{}
	}
	return t
}
