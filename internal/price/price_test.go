package price

import "testing"

func TestPricesAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"USD 0.01": "USD 0.01", " EUR 1 ": "EUR 1.00", "USD 0.000001": "USD 0.000001", "USD 999999999.5": "USD 999999999.50",
		"USD 0": "USD 0.00", "": "", "0.01": "", "usd 0.01": "", "USD -1": "", "USD 1e3": "", "USD 0.0000001": "",
		"USD 1,00": "", "USD 1000000000": "", "US$ 1": "", "USD 1.": "", "USD  1": "",
	} {
		p, err := Parse(text)
		switch {
		case (err == nil) != (want != ""):
			t.Errorf("%q: %v", text, err)
		case err == nil && p.String() != want:
			t.Errorf("%q is read as %q, want %q", text, p, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("USD 0.01")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(p.String()); err != nil || again != p {
			t.Errorf("%q is read as %+v, and again as %+v: %v", text, p, again, err)
		}
	})
}
