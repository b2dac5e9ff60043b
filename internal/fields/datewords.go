package fields

import (
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/goodsign/monday"
)

// dateWords are the words that occur in dates, in lower case.
type dateWords struct {
	months map[string]time.Month
	idle   map[string]bool // days of the week, and words that join the parts of a date
}

// joining are words that join the parts of a date, in the languages that have them.
const joining = "st nd rd th of at on the de del di da d le la el den der am um uhr à às a las y à h o dnia kl klo den г года в о ben"

// wordsOfDates collects the words when the first date is parsed. A word that names
// different months in different languages, such as listopad, is omitted. English takes
// precedence.
var wordsOfDates = sync.OnceValue(func() *dateWords {
	w := &dateWords{months: make(map[string]time.Month), idle: make(map[string]bool)}
	for _, word := range strings.Fields(joining) {
		w.idle[word] = true
	}
	for _, locale := range monday.ListLocales() {
		w.addDays(locale)
		w.addMonths(locale, false)
	}
	w.addMonths(monday.LocaleEnUS, true)
	w.months["sept"] = time.September // an abbreviation that no locale lists
	for word := range w.months {
		delete(w.idle, word) // "mar" is also a Tuesday
	}
	return w
})

func (w *dateWords) addDays(locale monday.Locale) {
	for day := range 7 {
		t := time.Date(2024, time.January, 1+day, 0, 0, 0, 0, time.UTC)
		for _, layout := range []string{"Monday", "Mon"} {
			for _, word := range words(monday.Format(t, layout, locale)) {
				w.idle[word] = true
			}
		}
	}
}

// addMonths adds the names of months in the forms that they have alone and after a day.
// force overrides the meaning of a word in other languages.
func (w *dateWords) addMonths(locale monday.Locale, force bool) {
	for month := time.January; month <= time.December; month++ {
		t := time.Date(2024, month, 1, 0, 0, 0, 0, time.UTC)
		for _, layout := range []string{"January", "Jan", "2 January 2006", "2 Jan 2006"} {
			all := words(monday.Format(t, layout, locale))
			if len(all) != 1 || len(all[0]) < 3 {
				continue
			}
			if was, ok := w.months[all[0]]; ok && was != month && !force {
				w.months[all[0]] = 0
			} else {
				w.months[all[0]] = month
			}
		}
	}
}

// words returns the runs of letters in a text, in lower case.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text),
		func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
}
