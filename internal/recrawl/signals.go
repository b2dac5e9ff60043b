package recrawl

import (
	"encoding/binary"
	"fmt"
	"math"
)

// SignalsSize is how many bytes packed [Signals] have.
const SignalsSize = 8

// Signals say how far one site's announcements of changes can be trusted, for one kind of them,
// such as the lastmod of its sitemaps. The zero value knows nothing: it trusts half of them.
type Signals struct {
	Right float32 // signals after which the page had changed
	Wrong float32 // signals after which it had not
}

// signalMemory is how many observations count; each further one makes it forget others.
const signalMemory = 200

// Observe returns the signals after a page was fetched again.
func (g Signals) Observe(signalled, changed bool) Signals {
	switch {
	case signalled && changed:
		g.Right++
	case signalled:
		g.Wrong++
	}
	return g.bounded()
}

// Merge returns the signals that have learned from the pages of both.
func (g Signals) Merge(other Signals) Signals {
	return Signals{g.Right + other.Right, g.Wrong + other.Wrong}.bounded()
}

// Precision returns the share of signals that are right, from 0 to 1.
func (g Signals) Precision() float64 {
	return (float64(g.Right) + 1) / (float64(g.Right) + float64(g.Wrong) + 2)
}

func (g Signals) bounded() Signals {
	sum := g.Right + g.Wrong
	if !g.valid() {
		return Signals{}
	}
	if sum > signalMemory {
		f := signalMemory / sum
		g.Right, g.Wrong = g.Right*f, g.Wrong*f
	}
	return g
}

func (g Signals) valid() bool {
	return g.Right >= 0 && g.Wrong >= 0 && !math.IsInf(float64(g.Right+g.Wrong), 0)
}

// Append appends the packed form to b.
func (g Signals) Append(b []byte) []byte {
	for _, v := range [...]float32{g.Right, g.Wrong} {
		b = binary.BigEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// ParseSignals reads packed signals, which must be all of b.
func ParseSignals(b []byte) (Signals, error) {
	if len(b) != SignalsSize {
		return Signals{}, fmt.Errorf("signals of a site: want %d bytes, got %d", SignalsSize, len(b))
	}
	at := func(i int) float32 { return math.Float32frombits(binary.BigEndian.Uint32(b[i:])) }
	g := Signals{at(0), at(4)}
	if !g.valid() {
		return Signals{}, fmt.Errorf("signals of a site: %g right, %g wrong are out of range",
			g.Right, g.Wrong)
	}
	return g.bounded(), nil
}
