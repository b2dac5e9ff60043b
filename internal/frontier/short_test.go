package frontier

import "testing"

func learnsOfShortage(t *testing.T, b *bench) {
	b.oneShard()
	b.admit(1, "http://a.test/1")
	lease := b.open("a.test")
	renew := func() bool {
		t.Helper()
		if err := lease.Renew(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		return lease.Short()
	}
	if renew() {
		t.Error("the fleet is short of places, and no host waits")
	}
	b.admit(1, "http://b.test/1")
	for !renew() { // once it has been due for long enough
		if t.Context().Err() != nil {
			t.Fatal("a host is due, and the visit does not learn of it")
		}
	}
	b.open("b.test")
	if renew() {
		t.Error("the fleet is short of places, though every host has its visit")
	}
}
