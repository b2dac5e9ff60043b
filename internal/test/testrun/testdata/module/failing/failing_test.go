package failing

import "testing"

func TestPasses(t *testing.T) { t.Log("nobody reads this") }

func TestFails(t *testing.T) {
	t.Log("what led to it")
	t.Run("part", func(t *testing.T) { t.Error("this is wrong") })
}

func TestPanics(t *testing.T) { panic("out of order") }
