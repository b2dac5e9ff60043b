package visit

import (
	"net/http"
	"testing"
	"time"
)

func TestHeadersSayForHowLongAResponseStaysFresh(t *testing.T) {
	t.Parallel()
	const date, hourLater = "Mon, 30 Nov 2026 10:00:00 GMT", "Mon, 30 Nov 2026 11:00:00 GMT"
	for name, c := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"nothing is said":          {http.Header{}, 0},
		"an age":                   {http.Header{"Cache-Control": {"public, Max-Age=600"}}, 10 * time.Minute},
		"an age in quotes":         {http.Header{"Cache-Control": {`max-age="60"`}}, time.Minute},
		"the first age counts":     {http.Header{"Cache-Control": {"max-age=60, max-age=90"}}, time.Minute},
		"several headers":          {http.Header{"Cache-Control": {"private", "max-age=60"}}, time.Minute},
		"an age for shared caches": {http.Header{"Cache-Control": {"s-maxage=600"}}, 0},
		"an age beside no-cache":   {http.Header{"Cache-Control": {"max-age=60, no-cache"}}, 0},
		"an age beside no-store":   {http.Header{"Cache-Control": {"no-store, max-age=60"}}, 0},
		"an age that is no number": {http.Header{"Cache-Control": {"max-age=soon"}}, 0},
		"an endless age":           {http.Header{"Cache-Control": {"max-age=9223372036854775807"}}, longestFresh},
		"part of the age is over":  {http.Header{"Cache-Control": {"max-age=60"}, "Age": {"45"}}, 15 * time.Second},
		"the age is over":          {http.Header{"Cache-Control": {"max-age=60"}, "Age": {"90"}}, 0},
		"a date of expiry":         {http.Header{"Expires": {hourLater}, "Date": {date}}, time.Hour},
		"an age beats the date": {
			http.Header{"Cache-Control": {"max-age=60"}, "Expires": {hourLater}, "Date": {date}}, time.Minute,
		},
		"an expiry without a date":      {http.Header{"Expires": {hourLater}}, 0},
		"an expiry that is no date":     {http.Header{"Expires": {"0"}, "Date": {date}}, 0},
		"an expiry that is in the past": {http.Header{"Expires": {date}, "Date": {hourLater}}, 0},
	} {
		if got := freshFor(c.header); got != c.want {
			t.Errorf("%s: it stays fresh for %v, want %v", name, got, c.want)
		}
	}
}
