package visit

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestFresh is the longest time that counts: a year, by which servers usually mean "always".
const longestFresh = 365 * 24 * time.Hour

// freshFor returns how long a response stays fresh according to its header (RFC 9111, 4.2.1): 0 if
// the header says nothing, or that the response must not be stored. Trawl counts as a cache of one
// user, so s-maxage does not count.
func freshFor(h http.Header) time.Duration {
	age, found := time.Duration(0), false
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			if s, ok := wholeSeconds(value); ok && !found { // the first one counts (4.2.1)
				age, found = s, true
			}
		}
	}
	if !found {
		age = expiry(h)
	}
	spent, _ := wholeSeconds(h.Get("Age"))
	return max(0, age-spent)
}

// expiry returns how long a response stays fresh by its Expires header, by the server's own clock
// (RFC 9111, 5.3); 0 without that header.
func expiry(h http.Header) time.Duration {
	expires, err := http.ParseTime(h.Get("Expires"))
	if err != nil { // such as "0", which means in the past
		return 0
	}
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, min(expires.Sub(date), longestFresh))
}

// wholeSeconds reads a number of seconds, which may be in quotes.
func wholeSeconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(text), `"`), 10, 63)
	if err != nil {
		return 0, false
	}
	return time.Duration(min(n, uint64(longestFresh/time.Second))) * time.Second, true
}
