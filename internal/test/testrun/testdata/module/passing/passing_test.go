package passing

import "testing"

func TestPasses(t *testing.T) { t.Log("nobody reads this") }

func TestSkips(t *testing.T) {
	t.Log("before")
	t.Skip("no telescope: install telescope,\nor look up")
}

func TestSkipsAPart(t *testing.T) {
	t.Run("part", func(t *testing.T) { t.Skipf("no %s: install it", "ruler") })
	t.Run("other part", func(t *testing.T) { t.Skip("no ruler: install it") })
	t.Run("last part", func(t *testing.T) { t.SkipNow() })
}
