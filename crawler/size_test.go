package crawler

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestSizesAreReadWithUnitsOfBothKinds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Size{
		"0": 0, "1048576": 1 << 20, "512KiB": 512 << 10, "10MB": 10e6, "10 mb": 10e6, " 2GiB ": 2 << 30, "1.5k": 1500,
		"3G": 3e9, "7m": 7e6, "12B": 12, "1e3": 1000,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, int64(got), err, int64(want))
		}
	}
	for _, text := range []string{"", "B", "ten", "-1", "1TB", "1KiBi", "nan", "NaNkB", "inf", "9223372036854775808",
		"8589934592GiB"} {
		if got, err := parseSize(text); err == nil || !strings.Contains(err.Error(), `"`+text+`"`) {
			t.Errorf("%q is %d, %v; want an error that quotes it", text, int64(got), err)
		}
	}
}

func TestASizeIsWrittenWithTheLargestUnitThatDividesIt(t *testing.T) {
	t.Parallel()
	for size, want := range map[Size]string{
		0: "0", 1: "1", 1023: "1023", 1024: "1KiB", 1000: "1kB", 32 << 20: "32MiB", 10e9: "10GB", 5 << 30: "5GiB",
		1536 << 10: "1536KiB",
	} {
		if got := size.String(); got != want {
			t.Errorf("%d is written %q, want %q", int64(size), got, want)
		}
	}
}

func TestSizesAreReadBackFromJSON(t *testing.T) {
	t.Parallel()
	for _, want := range []Size{0, 10e9, 123456789} {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Size
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Errorf("%s is read back as %v, %v", text, got, err)
		}
	}
}

func TestSizesAreFlags(t *testing.T) {
	t.Parallel()
	var s Size
	if err := s.Set("2kB"); err != nil || s != 2000 || s.Type() != "size" {
		t.Errorf("a size of %v, %v", s, err)
	}
	if s.Set("x") == nil {
		t.Error("x is taken for a size")
	}
}
