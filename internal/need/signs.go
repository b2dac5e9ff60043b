package need

// Signs are what the markup of a page says about whether its scripts make the page.
type Signs struct {
	// Text is the number of characters of visible text, without spaces and punctuation.
	Text int
	// State is the number of bytes in script elements: programs, and data for them.
	State int
	// Scripts is how many script elements a browser would run.
	Scripts int
	// Root says that the page has an element that frameworks render into.
	Root bool
	// Noscript says that a noscript element asks the reader to turn JavaScript on.
	Noscript bool
}

// Bounds of visible text, in characters. A page with less than shellText shows next to nothing, such
// as a title and "Loading…". One with less than thinText shows little, and one with at least
// fullText is complete by itself: a short article, or a list with a menu. The values follow from
// the shells and server-rendered pages in the tests.
const (
	shellText = 80
	thinText  = 250
	fullText  = 1000
)

// Need returns how likely it is that rendering adds text or links, from 0 to 1. links is how many
// links of the page are in scope. Each sign is an independent reason, with its own weight: the
// result is the probability that at least one of them is right.
func (s Signs) Need(links int) float64 {
	if s.Scripts == 0 {
		return 0
	}
	without := 1.0 // probability that no sign is right
	sign := func(present bool, weight float64) {
		if present {
			without *= 1 - weight
		}
	}
	empty := s.Text < fullText
	sign(s.Text < shellText, 0.5)
	sign(s.Text < thinText, 0.3)
	sign(s.Root && s.Text < thinText, 0.5)
	sign(s.Noscript && empty, 0.5)
	sign(links == 0 && empty, 0.3)
	sign(empty && s.State > 4*s.Text && s.State > fullText, 0.2)
	return 1 - without
}

// MoreText is how many times as much text a page must have after rendering for that to count as a
// gain. With a smaller factor, a clock or a cookie banner would count.
const MoreText = 1.3

// leastGain is the smallest number of added characters that can count as a gain.
const leastGain = 40

// Gained reports whether rendering has brought new links, or enough text. fresh is how many links
// in scope the page has only after rendering.
func Gained(before, after Signs, fresh int) bool {
	return fresh > 0 || after.Text-before.Text >= leastGain && float64(after.Text) > MoreText*float64(before.Text)
}
