package change

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of a comparison of two texts.
const (
	maxCompared = 1 << 20 // bytes of a text that are compared
	maxEdits    = 1000    // lines added and removed for which the shortest sequence is looked for
	context     = 2       // lines that are shown around what differs
	maxShown    = 64 << 10
)

// Text returns what differs between two texts, as hunks of a unified diff without its two lines of
// names; "" if no line differs. Lines that are longer than 500 bytes are cut where they are shown.
//
// It compares the first MiB of each text, and takes at most 4 MB of memory besides. Where more than
// a thousand lines differ, all lines between the first and the last of them are shown as replaced.
// After 64 KiB, the rest is left out, which the last line says.
func Text(was, now string) string {
	a, b := lines(was), lines(now)
	first := 0
	for first < len(a) && first < len(b) && a[first] == b[first] {
		first++
	}
	last := 0
	for last < len(a)-first && last < len(b)-first && a[len(a)-1-last] == b[len(b)-1-last] {
		last++
	}
	edits := make([]edit, 0, len(a)+len(b))
	for _, line := range a[:first] {
		edits = append(edits, edit{' ', line})
	}
	edits = append(edits, shortest(a[first:len(a)-last], b[first:len(b)-last])...)
	for _, line := range a[len(a)-last:] {
		edits = append(edits, edit{' ', line})
	}
	return hunks(edits)
}

// edit is a line that stays (' '), is removed ('-') or added ('+').
type edit struct {
	kind byte
	line string
}

// lines splits a text.
func lines(text string) []string {
	if len(text) > maxCompared {
		text = text[:maxCompared]
	}
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// shortest returns a shortest sequence of edits that makes b of a (Myers: An O(ND) difference
// algorithm and its variations, 1986), or one that replaces all if it takes too many.
func shortest(a, b []string) []edit {
	var steps [][]int32 // by the number of edits: how far each diagonal got before
	reach := map[int]int{1: 0}
	for d := 0; d <= min(len(a)+len(b), maxEdits); d++ {
		step := make([]int32, 2*d+3)
		for k := -d - 1; k <= d+1; k++ {
			step[k+d+1] = int32(reach[k])
		}
		steps = append(steps, step)
		for k := -d; k <= d; k += 2 {
			x := reach[k-1] + 1
			if k == -d || k != d && reach[k-1] < reach[k+1] {
				x = reach[k+1]
			}
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			reach[k] = x
			if x >= len(a) && x-k >= len(b) {
				return trace(a, b, steps)
			}
		}
	}
	return replaced(a, b)
}

// trace follows the steps back from the end.
func trace(a, b []string, steps [][]int32) []edit {
	x, y := len(a), len(b)
	var back []edit
	for d := len(steps) - 1; d >= 0; d-- {
		at := func(k int) int { return int(steps[d][k+d+1]) }
		k := x - y
		from := k - 1
		if k == -d || k != d && at(k-1) < at(k+1) {
			from = k + 1
		}
		startX := at(from)
		startY := startX - from
		for x > startX && y > startY && x > 0 && y > 0 {
			x, y = x-1, y-1
			back = append(back, edit{' ', a[x]})
		}
		switch {
		case d == 0:
		case from == k+1:
			y--
			back = append(back, edit{'+', b[y]})
		default:
			x--
			back = append(back, edit{'-', a[x]})
		}
	}
	edits := make([]edit, len(back))
	for i, e := range back {
		edits[len(back)-1-i] = e
	}
	return edits
}

func replaced(a, b []string) []edit {
	edits := make([]edit, 0, len(a)+len(b))
	for _, line := range a {
		edits = append(edits, edit{'-', line})
	}
	for _, line := range b {
		edits = append(edits, edit{'+', line})
	}
	return edits
}

// hunks writes what differs with some lines around it.
func hunks(edits []edit) string {
	var out strings.Builder
	a, b := 0, 0 // lines before edits[i]
	for i := 0; i < len(edits); {
		if edits[i].kind == ' ' {
			a, b, i = a+1, b+1, i+1
			continue
		}
		begin := max(0, i-context)
		end, quiet := i, 0
		for ; end < len(edits) && quiet <= 2*context; end++ {
			quiet++
			if edits[end].kind != ' ' {
				quiet = 0
			}
		}
		end -= max(0, quiet-context)
		if out.Len() > maxShown {
			out.WriteString("… the rest is left out\n")
			break
		}
		a, b = hunk(&out, edits[begin:end], a-(i-begin), b-(i-begin))
		i = end
	}
	return out.String()
}

// hunk writes one hunk that begins after so many lines of each text, and returns how many lines
// precede what follows it.
func hunk(out *strings.Builder, edits []edit, a, b int) (nextA, nextB int) {
	removed, added := 0, 0
	for _, e := range edits {
		if e.kind != '+' {
			removed++
		}
		if e.kind != '-' {
			added++
		}
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", span(a, removed), span(b, added))
	for _, e := range edits {
		if out.Len() <= maxShown {
			out.WriteByte(e.kind)
			out.WriteString(cut(e.line))
			out.WriteByte('\n')
		}
	}
	return a + removed, b + added
}

// span names lines of a text as unified diffs do: the first one, from 1, and how many.
func span(before, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", before)
	case 1:
		return fmt.Sprint(before + 1)
	}
	return fmt.Sprintf("%d,%d", before+1, n)
}

// cut shortens a long line, between two characters.
func cut(line string) string {
	const most = 500
	if len(line) <= most {
		return line
	}
	end := most
	for end > 0 && !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + "…"
}
