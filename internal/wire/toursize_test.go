package wire

import "testing"

func TestATaskHasSeveralVisitsOnlyIfManyAreDue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ due, workers, want int }{
		{1, 1, 1}, {5, 1, 5}, {500, 1, 32},
		{6, 4, 1}, {31, 4, 1}, {32, 4, 2}, {10_000, 4, 32},
		{500, 0, 1}, // perhaps one worker, perhaps many
	} {
		if got := tourOf(c.due, c.workers); got != c.want {
			t.Errorf("%d visits are due and %d workers serve the job: %d in a task, want %d", c.due, c.workers, got, c.want)
		}
	}
}
