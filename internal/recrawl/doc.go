// Package recrawl decides when a page is fetched again. It is mathematics alone: it uses neither
// Redis nor a clock.
//
// A page changes at a rate λ, as a Poisson process. What is known of λ is a gamma distribution of
// shape a and inverse scale b: its mean is a/b, and the shape says how much is known. Each fetch
// is an observation: the page changed since the fetch before, or not. A [State] is what is kept of
// a page, in 12 bytes.
//
// The crawl value of a page is what a fetch gains now, in seconds of freshness weighted by the
// page's importance μ. For a known rate it is the derivative of freshness by the rate of fetches:
//
//	V(τ) = μ/λ · (1 − e^(−λτ)·(1 + λτ))
//
// τ is the time since the last fetch. For an uncertain rate it is the integral of t by the
// distribution of the first change, from 0 to τ; see [State.Value]. A page is fetched when its
// value passes a threshold κ, which is one number for the whole job. If κ is such that the fetches
// add up to the budget, no other distribution of the budget keeps more pages fresh (Cho and
// Garcia-Molina 2003; the form by values is that of arXiv 2502.02430). The value of a page that
// changes too fast to follow saturates at μ/λ, below κ, so the page takes nothing from the others.
// A longest interval keeps it from being forgotten.
//
// A [Prior] is what is known of all pages of one URL pattern. It serves pages that were not fetched
// often. A [Histogram] counts the known pages by what decides their intervals. A [Threshold] finds
// κ from it, and corrects κ where the histogram is wrong. [Signals] say how far the announcements
// of a site can be trusted.
package recrawl
