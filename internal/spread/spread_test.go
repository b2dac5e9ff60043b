package spread

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPagesAreCountedByDepthSizeAndStatus(t *testing.T) {
	t.Parallel()
	c := make(Counts)
	c.Page("u0", 0, 0)
	c.Page("u1", 2, 1023)
	c.Page("u2", 2, 1024)
	c.Page("u3", 1000, 1<<40)
	c.Response("u4", 404)
	c.Response("u5", 404)
	c.Response("u6", 200)
	c.Response("u7", 0)
	c["s"], c["b99"], c["sx"], c["s500"] = Count{1, ""}, Count{1, ""}, Count{1, ""}, Count{0, ""} // garbage, and none
	for kind, want := range map[Kind][]Bucket{
		Depth:  {{0, 0, 1, "u0"}, {2, 2, 2, "u1"}, {MaxDepth, MaxDepth, 1, "u3"}},
		Size:   {{0, 0, 1, "u0"}, {1, 1023, 1, "u1"}, {1024, 4095, 1, "u2"}, {16 << 20, -1, 1, "u3"}},
		Status: {{200, 200, 1, "u6"}, {404, 404, 2, "u4"}},
	} {
		if diff := cmp.Diff(want, c.Buckets(kind)); diff != "" {
			t.Errorf("kind %c (-want +got):\n%s", kind, diff)
		}
	}
}
