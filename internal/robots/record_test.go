package robots

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_795_435_200_123)
	for _, want := range []record{
		{kind: kindRules, at: at},
		{kind: kindRules, at: at, text: "user-agent:*\ndisallow:/\n"},
		{kind: kindUnreachable, at: at, tries: 7, pause: maxPause, text: "robots.txt answered 503"},
		{kind: kindHopeless, at: time.UnixMilli(-1), text: "host does not resolve", class: crawler.ErrorDNS},
		{kind: kindUnreachable, at: at, tries: 1, class: crawler.ErrorReset},
	} {
		if got, ok := unpack(want.pack()); !ok || got != want {
			t.Errorf("read %+v (%v), want %+v", got, ok, want)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(record{kind: kindUnreachable, at: time.UnixMilli(1), tries: 2, pause: time.Second, text: "x"}.pack())
	f.Add([]byte{})
	f.Add([]byte{recordVersion, 9, 0, 0, 0})
	f.Add([]byte{recordVersion, 1, 0x80})
	f.Add([]byte{recordVersion, 1, 0, 0, 0, 9, 'd'})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := unpack(b)
		if !ok {
			return
		}
		if again, ok := unpack(r.pack()); !ok || again != r {
			t.Errorf("%+v is written and read as %+v", r, again)
		}
	})
}

func TestPausesGrowToTenMinutes(t *testing.T) {
	t.Parallel()
	for tries, want := range map[int]time.Duration{
		1: time.Second, 2: 4 * time.Second, 3: 16 * time.Second, 4: 64 * time.Second,
		5: 256 * time.Second, 6: 10 * time.Minute, 1_000_000: 10 * time.Minute,
	} {
		for range 100 {
			if got := pauseAfter(tries, rand.N[time.Duration]); got > want || got < want*3/4 {
				t.Fatalf("%v after %d tries, want %v to %v", got, tries, want*3/4, want)
			}
		}
	}
}
