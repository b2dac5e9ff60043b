package fields

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, decimal, want string }{
		{"42", "", "42"}, {"007", "", "7"}, {"0", "", "0"}, {"3.50", "", "3.50"}, {".5", "", "0.5"},
		{"-.5", "", "-0.5"},
		{"$1,234.50", "", "1234.50"}, {"1.234,50 €", "", "1234.50"}, {"1,234,567", "", "1234567"},
		{"1.234.567", "", "1234567"},
		{"12\u00a0345,67 zł", "", "12345.67"}, {"1\u202f234", "", "1234"}, {"1 234 567", "", "1234567"},
		{"1'234.50", "", "1234.50"}, {"1’234", "", "1234"},
		{"12,34,567.89", "", "1234567.89"}, {"1_000_000", "", "1000000"},
		// A single comma or point.
		{"4,20", "", "4.20"}, {"0,125", "", "0.125"}, {"1,234", "", "1234"}, {"12,3456", "", "12.3456"},
		{"1234,567", "", "1234.567"}, {"1.234", "", "1.234"},
		{"1,234", ",", "1.234"}, {"1.234", ",", "1234"}, {"1.234,5", ",", "1234.5"}, {"1,234", ".", "1234"},
		{"1.234", ".", "1.234"},
		// Surrounding text.
		{"−5 °C", "", "-5"}, {"-$5", "", "-5"}, {"- 5", "", "5"}, {"ISO-8859", "", "8859"}, {"Price: 15.", "", "15"},
		{"15%", "", "15"}, {"10kg", "", "10"},
		{"v5", "", "5"}, {"(3)", "", "3"}, {"5 Kilo", "", "5"},
	} {
		if got, why := readNumber(c.text, c.decimal); string(got) != c.want {
			t.Errorf("%q with %q is %s, %s; want %s", c.text, c.decimal, got, why, c.want)
		}
	}
}

func TestWhatIsNoNumberSaysWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, decimal, why string }{
		{"", "", "not a number"}, {"soon", "", `"soon" is not a number`}, {"4 of 5", "", "more than one number"},
		{"10-20", "", "more than one number"},
		{"3.11.2", "", `"3.11.2" is not a number`}, {"127.0.0.1", "", "not a number"}, {"1,2,3", "", "not a number"},
		{"1.5", ",", "not a number"}, {"1,234.5,6", "", "not a number"},
		{"1.2k", "", "abbreviated"}, {"3M views", "", "abbreviated"}, {"1.234.50", "", "not a number"},
		{"٣", "", "not a number"},
		{strings.Repeat("1", 65), "", "too long"},
	} {
		if got, why := readNumber(c.text, c.decimal); got != "" || !strings.Contains(why, c.why) {
			t.Errorf("%q with %q is %q, because %q; want none, because %q", c.text, c.decimal, got, why, c.why)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"1.234,50 €", "12\u00a0345", "−$.5", "1,2,3", "0'000.0", "1\xff2"} {
		f.Add(seed, "")
		f.Add(seed, ",")
	}
	f.Fuzz(func(t *testing.T, text, decimal string) {
		if decimal != "," && decimal != "." {
			decimal = ""
		}
		n, why := readNumber(text, decimal)
		if (n == "") == (why == "") {
			t.Fatalf("%q is %q, because %q", text, n, why)
		}
		if _, err := json.Marshal(n); err != nil || len(n) > maxDigits+2 {
			t.Errorf("%q is %q, %v", text, n, err)
		}
	})
}
