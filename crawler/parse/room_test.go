package parse

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestTreesShareARoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := NewRoom()
		leave, ok := room.enter(t.Context(), 2*roomSize) // no more than there is
		if !ok {
			t.Fatal("there is no room in an empty room")
		}
		p, err := New(Config{Select: []string{"t=title"}, Room: room})
		if err != nil {
			t.Fatal(err)
		}
		page := htmlPage("http://example.com/", "<title>t</title><a href=/a>a</a>")
		doc, err := p.Parse(t.Context(), page)
		if err != nil || len(doc.Links) != 1 || doc.Fields["t"] != nil || !strings.Contains(doc.Trouble, "no room") {
			t.Errorf("while it is full: %+v, %v", doc, err)
		}
		leave()
		if doc, err = p.Parse(t.Context(), page); err != nil || doc.Fields["t"] != "t" || doc.Trouble != "" {
			t.Errorf("when it is free: %+v, %v", doc, err)
		}
		if !room.free.TryAcquire(roomSize) {
			t.Error("a page has kept room")
		}
	})
}
