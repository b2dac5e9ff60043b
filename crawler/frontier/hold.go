package frontier

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// party is one run of a job, and the shard that a host of it lies in.
type party struct {
	job   string
	run   int64 // when the job was created, in unix milliseconds: another of its name is another job
	shard int
}

func (p party) String() string { return fmt.Sprintf("%s %d %d", p.job, p.run, p.shard) }

// mostParties is how many jobs are remembered of a host.
const mostParties = 64

// hold says which job of the fleet holds a host, or held it last. It holds it for as
// long as it has a visit open there. The zero value is nobody's.
//
// In Redis it is text: "JOB RUN SHARD EPOCH" of the holder, then for each other job
// ",JOB RUN SHARD", and ",>JOB RUN SHARD UNTIL" for the one that is to have it next.
type hold struct {
	holder party
	epoch  int64   // of the holder's visit
	others []party // other jobs with URLs there: those that held it most recently come last
	next   party   // that is to have it until then; zero: any
	until  int64   // unix milliseconds
}

func (h hold) pack() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d", h.holder, h.epoch)
	for _, p := range h.others[max(0, len(h.others)-mostParties):] {
		fmt.Fprintf(&b, ",%s", p)
	}
	return b.String()
}

// unpackHold reads a hold. One that cannot be read is nobody's.
func unpackHold(text string) hold {
	var h hold
	for i, part := range strings.Split(text, ",") {
		part, reserved := strings.CutPrefix(part, ">")
		p, number, ok := unpackParty(part)
		switch {
		case !ok:
			return hold{}
		case i == 0:
			h.holder, h.epoch = p, number
		case reserved:
			h.next, h.until = p, number
		default:
			h.others = append(h.others, p)
		}
	}
	return h
}

// unpackParty reads "JOB RUN SHARD", and the number that may stand behind it.
func unpackParty(text string) (p party, number int64, ok bool) {
	fields := strings.Fields(text)
	if len(fields) < 3 || len(fields) > 4 {
		return party{}, 0, false
	}
	var numbers [3]int64
	for i, f := range fields[1:] {
		var err error
		if numbers[i], err = strconv.ParseInt(f, 10, 64); err != nil {
			return party{}, 0, false
		}
	}
	return party{fields[0], numbers[0], int(numbers[1])}, numbers[2], true
}

// unpackRivals reads what rival.lua noted: for each job the time between requests that
// it owes the host, in milliseconds.
func unpackRivals(text string) (rivals []party, gap int64) {
	for part := range strings.SplitSeq(text, ",") {
		if p, ms, ok := unpackParty(part); ok {
			rivals, gap = append(rivals, p), max(gap, ms)
		}
	}
	return rivals, gap
}

// addParties adds those to all that are not there.
func addParties(all []party, more ...party) []party {
	for _, p := range more {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// withoutParty returns all but one.
func withoutParty(all []party, p party) []party {
	return slices.DeleteFunc(slices.Clone(all), func(q party) bool { return q == p })
}
