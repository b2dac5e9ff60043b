package frontier

import "testing"

func learnsOfShortage(t *testing.T, b *testJob) {
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
		t.Error("the visit learns of a shortage while no host waits")
	}
	b.admit(1, "http://b.test/1")
	for !renew() { // until the host has been due for long enough
		if t.Context().Err() != nil {
			t.Fatal("a host is due, but the visit does not learn of the shortage")
		}
	}
	b.open("b.test")
	if renew() {
		t.Error("the visit learns of a shortage while every host is visited")
	}
}
