package frontier

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPagesThatAreDueShareTheRoom(t *testing.T) {
	t.Parallel()
	due := []dueAgain{
		{at: 0, value: 1, late: time.Hour}, {at: 1, value: 2, late: 3 * time.Hour}, {at: 2, value: 9, late: -time.Hour},
		{at: 3, value: 7, late: -2 * time.Hour}, {at: 4, value: 3, late: 2 * time.Hour},
	}
	for name, c := range map[string]struct {
		most   int
		chance bool
		want   []int
	}{
		"room for all":                 {5, false, []int{2, 3, 4, 1, 0}},
		"half for each kind":           {4, false, []int{2, 3, 4, 1}},
		"chance gives to the late":     {3, true, []int{2, 4, 1}},
		"chance gives to the valuable": {3, false, []int{2, 3, 1}},
		"one place, for a late page":   {1, true, []int{1}},
		"one place, for the value":     {1, false, []int{2}},
		"no room":                      {0, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []int
			for _, d := range chosen(slices.Clone(due), c.most, c.chance) {
				got = append(got, d.at)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	notLate := []dueAgain{{at: 0, value: 1, late: -1}, {at: 1, value: 2, late: -1}, {at: 2, value: 3, late: -1}}
	if got := chosen(notLate, 2, true); got[0].at != 2 || got[1].at != 1 {
		t.Errorf("without late pages, %+v", got)
	}
}

func TestChanceLooksRandom(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	yes, same := 0, 0
	for i := range 1000 {
		one, next := looksRandom(at.Add(time.Duration(i)*time.Minute)), looksRandom(at.Add(time.Duration(i+1)*time.Minute))
		if one {
			yes++
		}
		if one == next {
			same++
		}
	}
	if yes < 400 || yes > 600 || same < 300 || same > 700 {
		t.Errorf("of a thousand minutes, %d are chosen, and %d are as the next", yes, same)
	}
}
