package frontier

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// party is one run of a job, and the shard in which it keeps a host.
type party struct {
	job   string
	run   int64 // when the job was created, in unix milliseconds; it tells apart jobs of the same name
	shard int
}

func (p party) String() string { return fmt.Sprintf("%s %d %d", p.job, p.run, p.shard) }

// maxParties is how many jobs are remembered for a host.
const maxParties = 64

// hold says which job of the fleet holds a host, or held it last. A job holds a host as
// long as it has an open visit there. The zero value has no holder.
//
// In Redis it is text: "JOB RUN SHARD EPOCH" of the holder, then ",JOB RUN SHARD" for each
// other job, and ",>JOB RUN SHARD UNTIL" if the host is reserved for the next one.
type hold struct {
	holder party
	epoch  int64   // of the holder's visit
	others []party // other jobs with URLs there, the most recent holder last
	next   party   // the job that the host is reserved for until then; zero: none
	until  int64   // unix milliseconds
}

func (h hold) pack() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d", h.holder, h.epoch)
	for _, p := range h.others[max(0, len(h.others)-maxParties):] {
		fmt.Fprintf(&b, ",%s", p)
	}
	return b.String()
}

// unpackHold parses a hold. If it cannot, the hold has no holder.
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

// unpackParty parses "JOB RUN SHARD" and the number that may follow it.
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

// unpackRivals parses what rival.lua recorded: other jobs that want the host, and the
// longest gap that they owe it, in milliseconds.
func unpackRivals(text string) (rivals []party, gap int64) {
	for part := range strings.SplitSeq(text, ",") {
		if p, ms, ok := unpackParty(part); ok {
			rivals, gap = append(rivals, p), max(gap, ms)
		}
	}
	return rivals, gap
}

// addParties returns all with the missing ones of more appended.
func addParties(all []party, more ...party) []party {
	for _, p := range more {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// withoutParty returns all without p.
func withoutParty(all []party, p party) []party {
	return slices.DeleteFunc(slices.Clone(all), func(q party) bool { return q == p })
}
