package fields

import (
	"strings"
	"testing"
	"time"
)

func readingOn(t testing.TB) *Reading {
	return &Reading{ctx: t.Context(), now: time.Date(2024, 3, 11, 12, 30, 0, 0, time.UTC)}
}

func TestDates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, order, want string }{
		{"2024-03-09", "", "2024-03-09"},
		{"2024-03-09T10:00:00Z", "", "2024-03-09T10:00:00Z"},
		{"2024-03-09T10:00:00.5+02:00", "", "2024-03-09T10:00:00.5+02:00"},
		{"2024-03-09 10:00", "", "2024-03-09T10:00"},
		{"2024-03-09 10:00:30", "", "2024-03-09T10:00:30"},
		{"Sat, 09 Mar 2024 10:00:00 GMT", "", "2024-03-09T10:00:00Z"},
		{"Mar 9, 2024", "", "2024-03-09"},
		{"9 March 2024", "", "2024-03-09"},
		{"Saturday, March 9, 2024 at 3:04 PM", "", "2024-03-09T15:04"},
		{"9. März 2024", "", "2024-03-09"},
		{"le 9 mars 2024", "", "2024-03-09"},
		{"2024年3月9日", "", "2024-03-09"},
		{"2024년 3월 9일 15:04", "", "2024-03-09T15:04"},
		{"Samstag, 9. März 2024, 15:04 Uhr", "", "2024-03-09T15:04"},
		{"9 de marzo de 2024", "", "2024-03-09"},
		{"sábado, 9 de março de 2024 às 15:04", "", "2024-03-09T15:04"},
		{"9 marca 2024", "", "2024-03-09"},
		{"9 марта 2024 г.", "", "2024-03-09"},
		{"9 Mar 24", "", "2024-03-09"},
		{"the 9th of March, 2024", "", "2024-03-09"},
		{"09/03/2024 15:04:05 +0200", "dmy", "2024-03-09T15:04:05+02:00"},
		{"1709978400000", "", "2024-03-09T10:00:00Z"},
		{"an hour ago", "", "2024-03-11T11:30:00Z"},
		{"1709978400", "", "2024-03-09T10:00:00Z"},
		{"yesterday", "", "2024-03-10"},
		{"3 days ago", "", "2024-03-08"},
		{"03/04/2024", "dmy", "2024-04-03"},
		{"03/04/2024", "mdy", "2024-03-04"},
		{"24/04/2024", "", "2024-04-24"},
		{"09.03.2024", "dmy", "2024-03-09"},
		{"03/03/2024", "", "2024-03-03"},
	} {
		got, why := readingOn(t).date(c.text, c.order)
		if got != c.want {
			t.Errorf("%q in order %q is %q, %s; want %q", c.text, c.order, got, why, c.want)
		}
	}
}

func TestWhatIsNoDateSaysWhy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"soon": `"soon" is not a date`, "12": "is not a date", "2024": "is not a date", "May 2024": "is not a date",
		"3.11.2":     "is not a date",
		"2024-02-30": "is not a date", "9 bananas 2024": "is not a date", "March 9, 2024 at 25:00": "is not a date",
		"31 June 2024": "is not a date", "10:30": "is not a date", "": "is not a date",
		"03/04/2024":             `"03/04/2024" is 2024-04-03 or 2024-03-04: say order: dmy or mdy`,
		"04.03.2024":             "say order",
		strings.Repeat("9", 101): "too long",
	} {
		if got, why := readingOn(t).date(text, ""); got != "" || !strings.Contains(why, want) {
			t.Errorf("%q is %q, because %q; want none, because %q", text, got, why, want)
		}
	}
}

func FuzzDate(f *testing.F) {
	for _, seed := range []string{"2024-03-09", "9. März 2024", "03/04/24", "1709978400", "a year ago",
		"2024-03-09T25:61:00Z", "0000-00-00", "٩ مارس"} {
		f.Add(seed, "dmy")
	}
	f.Fuzz(func(t *testing.T, text, order string) {
		got, why := readingOn(t).date(text, order)
		if (got == "") == (why == "") {
			t.Fatalf("%q is %q, because %q", text, got, why)
		}
	})
}
