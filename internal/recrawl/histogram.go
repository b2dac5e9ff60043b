package recrawl

import (
	"math"
	"time"
)

// Histogram counts the known pages of a job by what decides how often they are fetched. It has at
// most [Cells] cells for any number of pages. Histograms of several shards are added up. A page
// belongs to the cell that [State.Cell] returns, and leaves it when its state changes.
type Histogram map[uint16]int64

// The cells: 32 ranges of rates, each a factor of 1.8 wide; 8 of knowledge, each a factor of 2.2;
// 33 of importance, each a factor of 1.6.
const (
	rateCell, shapeCell, importanceCell = 8, 32, 8 // steps of a scale

	rateCells       = 256 / rateCell
	shapeCells      = 256 / shapeCell
	importanceCells = 256/importanceCell + 1

	// Cells is how many cells a Histogram has at most. They are numbered from 0.
	Cells = rateCells * shapeCells * importanceCells
)

// Cell returns the number of the page's cell in a [Histogram].
func (s State) Cell() uint16 {
	importance := float64(int8(s.Importance))
	if s.Flags.Has(Gone) {
		importance = max(math.MinInt8, importance+math.Round(math.Log(goneImportance)*importanceSteps))
	}
	i := (int(importance) + 128 + importanceCell/2) / importanceCell
	return uint16((i*shapeCells+int(s.Knowledge)/shapeCell)*rateCells + (int(s.Rate)+128)/rateCell)
}

// cell is the middle of a cell.
type cell struct {
	belief belief
	weight float64
	pages  float64
}

// cells returns the cells that have pages. Numbers that are out of range are left out.
func (h Histogram) cells() []cell {
	all := make([]cell, 0, len(h))
	for n, pages := range h {
		if pages <= 0 || n >= Cells {
			continue
		}
		rate := int(n) % rateCells
		shape := int(n) / rateCells % shapeCells
		importance := int(n) / rateCells / shapeCells
		mean := math.Exp((float64(rate*rateCell)-128+(rateCell-1)/2.0)/rateSteps + rateCentre)
		b := belief{shape: minShape * math.Exp((float64(shape*shapeCell)+(shapeCell-1)/2.0)/shapeSteps)}
		b.scale = b.shape / mean
		all = append(all, cell{
			belief: b, pages: float64(pages),
			weight: math.Exp((float64(importance*importanceCell) - 128) / importanceSteps),
		})
	}
	return all
}

// Merge adds the pages of another histogram.
func (h Histogram) Merge(other Histogram) {
	for n, pages := range other {
		h[n] += pages
	}
}

// Pages returns how many pages the histogram has.
func (h Histogram) Pages() int64 {
	var sum int64
	for n, pages := range h {
		if n < Cells {
			sum += max(0, pages)
		}
	}
	return sum
}

// Forecast is what a threshold leads to for the known pages, once it has been the same for long.
type Forecast struct {
	PerDay float64 // fetches a day
	Fresh  float64 // the share of pages that are up to date, from 0 to 1; 1 if there are none
}

// Forecast returns what a threshold ([Threshold.Value]) leads to, with intervals from shortest to
// longest.
func (h Histogram) Forecast(threshold float64, shortest, longest time.Duration) Forecast {
	return forecast(h.cells(), threshold, bounds(shortest, longest))
}

// BudgetFor returns how many fetches a day keep a share of the pages, from 0 to 1, up to date. If
// even the shortest interval for all pages does not, it returns how many fetches that interval
// takes, and false.
func (h Histogram) BudgetFor(fresh float64, shortest, longest time.Duration) (perDay float64, reached bool) {
	cells, in := h.cells(), bounds(shortest, longest)
	if most := forecast(cells, 0, in); !(most.Fresh >= fresh) {
		return most.PerDay, false
	}
	threshold := solve(func(t float64) bool { return forecast(cells, t, in).Fresh >= fresh })
	return forecast(cells, threshold, in).PerDay, true
}

// interval is the shortest and the longest gap, in seconds.
type interval struct{ shortest, longest float64 }

func bounds(shortest, longest time.Duration) interval {
	shortest = max(shortest, time.Second)
	return interval{shortest.Seconds(), max(longest, shortest).Seconds()}
}

func forecast(cells []cell, threshold float64, in interval) Forecast {
	var f Forecast
	var fresh, pages float64
	for _, c := range cells {
		gap := c.belief.gapOf(threshold/c.weight, in.shortest, in.longest)
		f.PerDay += c.pages * 86400 / gap
		fresh += c.pages * c.belief.freshTime(gap) / gap
		pages += c.pages
	}
	f.Fresh = 1
	if pages > 0 {
		f.Fresh = min(1, fresh/pages)
	}
	return f
}

// The range of thresholds that solve searches, as logarithms of seconds. The value of a page is in
// seconds times its importance, so no page has a value outside this range.
const lowestThreshold, highestThreshold = -28, 32

// solve returns the highest threshold for which holds is true. holds must be true up to some
// threshold, and false above it. solve returns 0 if it is true for none, and +Inf if it is true for
// all.
func solve(holds func(threshold float64) bool) float64 {
	low, high := float64(lowestThreshold), float64(highestThreshold)
	if !holds(math.Exp(low)) {
		return 0
	}
	if holds(math.Exp(high)) {
		return math.Inf(1)
	}
	for high-low > 1e-3 {
		middle := (low + high) / 2
		if holds(math.Exp(middle)) {
			low = middle
		} else {
			high = middle
		}
	}
	return math.Exp(low)
}
