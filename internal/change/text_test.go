package change

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestADiffShowsWhatDiffersWithSomeLinesAround(t *testing.T) {
	t.Parallel()
	numbers := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprint(i+1))
		}
		return strings.Join(all, "\n") + "\n"
	}
	for name, c := range map[string]struct{ was, now, want string }{
		"nothing":     {"a\nb", "a\nb\n", ""},
		"all is new":  {"", "a\nb", "@@ -0,0 +1,2 @@\n+a\n+b\n"},
		"all is gone": {"a\n", "", "@@ -1 +0,0 @@\n-a\n"},
		"one of ten lines": {numbers(10), strings.Replace(numbers(10), "5", "five", 1),
			"@@ -3,5 +3,5 @@\n 3\n 4\n-5\n+five\n 6\n 7\n"},
		"two that are far apart": {numbers(20),
			strings.Replace(strings.Replace(numbers(20), "3\n", "", 1), "15\n", "15\nx\n", 1),
			"@@ -1,5 +1,4 @@\n 1\n 2\n-3\n 4\n 5\n@@ -14,4 +13,5 @@\n 14\n 15\n+x\n 16\n 17\n"},
		"two that are near": {numbers(9), strings.Replace(strings.Replace(numbers(9), "3\n", "", 1), "6\n", "", 1),
			"@@ -1,8 +1,6 @@\n 1\n 2\n-3\n 4\n 5\n-6\n 7\n 8\n"},
	} {
		if got := Text(c.was, c.now); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", name, got, c.want)
		}
	}
}

// apply applies a diff to a text, as patch does.
func apply(t *testing.T, was, diff string) string {
	t.Helper()
	old, at := lines(was), 0
	var now []string
	for _, line := range strings.Split(strings.TrimSuffix(diff, "\n"), "\n") {
		switch {
		case line == "":
		case strings.HasPrefix(line, "@@ "):
			var from int
			if _, err := fmt.Sscanf(line, "@@ -%d", &from); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if strings.Contains(strings.Fields(line)[1], ",0") { // nothing is removed: it begins after that line
				from++
			}
			for at < from-1 {
				now, at = append(now, old[at]), at+1
			}
		case line[0] == '+':
			now = append(now, line[1:])
		default:
			if old[at] != line[1:] {
				t.Fatalf("line %d is %q, and the diff has %q", at+1, old[at], line)
			}
			if at++; line[0] == ' ' {
				now = append(now, line[1:])
			}
		}
	}
	return strings.Join(append(now, old[at:]...), "\n")
}

func TestADiffMakesOneTextOfTheOther(t *testing.T) {
	t.Parallel()
	for i := range uint64(300) {
		rng := rand.New(rand.NewPCG(i, 1))
		text := func() string {
			all := make([]string, rng.IntN(30))
			for i := range all {
				all[i] = string(rune('a' + rng.IntN(4)))
			}
			return strings.Join(all, "\n")
		}
		was, now := text(), text()
		if got := apply(t, was, Text(was, now)); got != now {
			t.Fatalf("%q to %q: the diff gives %q:\n%s", was, now, got, Text(was, now))
		}
	}
}

func TestADiffIsBounded(t *testing.T) {
	t.Parallel()
	other := func(name string) string {
		var b strings.Builder
		for i := range 400_000 {
			fmt.Fprintln(&b, name, i)
		}
		return b.String()
	}
	got := Text(other("a"), other("b"))
	if len(got) > maxShown+1000 {
		t.Errorf("the diff has %d bytes", len(got))
	}
	if got := Text("a\n"+strings.Repeat("ä", 1000), "a"); !strings.HasSuffix(got, "ä…\n") || len(got) > 600 {
		t.Errorf("a long line is shown as %q", got)
	}
}
