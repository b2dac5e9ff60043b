package sitemap

import (
	"strconv"
	"strings"
	"time"
)

// pace is what a feed says of how often it is to be read: the ttl of RSS 2.0, in minutes, and the
// elements of RSS 1.0's module "syndication", which other feeds have as well.
type pace struct {
	ttl       time.Duration
	period    time.Duration // in which it is updated frequency times
	frequency int
}

// Names of elements, in lower case.
const (
	fieldTTL       = "ttl"
	fieldPeriod    = "updateperiod"
	fieldFrequency = "updatefrequency"
)

// paces are the elements of the module, under any prefix.
var paces = map[string]bool{fieldPeriod: true, fieldFrequency: true}

// periods are the values of updatePeriod.
var periods = map[string]time.Duration{"hourly": time.Hour, "daily": 24 * time.Hour, "weekly": 7 * 24 * time.Hour,
	"monthly": 30 * 24 * time.Hour, "yearly": 365 * 24 * time.Hour}

// mostOften is the largest number of minutes, or of updates in a period, that is believed: a year of
// minutes.
const mostOften = 365 * 24 * 60

// set records the text of an element. What is no number, or none of the periods, is ignored.
func (p *pace) set(name, value string) {
	n, err := strconv.Atoi(value)
	number := err == nil && n > 0 && n <= mostOften
	switch {
	case name == fieldTTL && number:
		p.ttl = time.Duration(n) * time.Minute
	case name == fieldFrequency && number:
		p.frequency = n
	case name == fieldPeriod:
		p.period = periods[strings.ToLower(value)]
	}
}

// keeps returns for how long the feed stays as it is: the longer time, if it says two; 0 if it says
// none. A frequency without a period is one of a day.
func (p *pace) keeps() time.Duration {
	if p.frequency > 0 && p.period == 0 {
		p.period = periods["daily"]
	}
	return max(p.ttl, p.period/time.Duration(max(1, p.frequency)))
}
