package dashboard

import (
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// meter measures how fast jobs fetch, from what is read of them for other
// reasons: nobody looks, nothing is measured. It is safe for concurrent use.
type meter struct {
	mu     sync.Mutex
	tracks map[string]*track // by job
}

// track are the readings of one run of a job, oldest first.
type track struct {
	run      time.Time // tells apart jobs of one name
	readings []reading
}

// reading is how many pages a job had.
type reading struct {
	at    time.Time
	pages int64
}

// A rate is that between now and the oldest reading that is at most meterSpan
// old. Readings are kept that are at least meterStep apart.
const (
	meterSpan = 30 * time.Second
	meterStep = time.Second
)

func newMeter() *meter { return &meter{tracks: make(map[string]*track)} }

// rate notes how many pages a job has and returns how many it fetches a
// second, or nil while that is not known.
func (m *meter) rate(s crawler.Status, pages int64, now time.Time) *float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.State != crawler.StateRunning {
		delete(m.tracks, s.Job.Name)
		return nil
	}
	t := m.tracks[s.Job.Name]
	if t == nil || !t.run.Equal(s.Created) {
		m.forget(now)
		t = &track{run: s.Created}
		m.tracks[s.Job.Name] = t
	}
	return t.note(reading{now, pages})
}

// forget drops the tracks of jobs that nobody reads any more.
func (m *meter) forget(now time.Time) {
	for name, t := range m.tracks {
		if t.drop(now); len(t.readings) == 0 {
			delete(m.tracks, name)
		}
	}
}

// drop drops the readings that are too old.
func (t *track) drop(now time.Time) {
	for len(t.readings) > 0 && now.Sub(t.readings[0].at) > meterSpan {
		t.readings = t.readings[1:]
	}
}

// note keeps a reading and returns the rate since the oldest.
func (t *track) note(r reading) *float64 {
	t.drop(r.at)
	if len(t.readings) == 0 {
		t.readings = append(t.readings, r)
		return nil
	}
	first, last := t.readings[0], t.readings[len(t.readings)-1]
	if r.at.Sub(last.at) >= meterStep {
		t.readings = append(t.readings, r)
	}
	if r.at.Sub(first.at) < meterStep {
		return nil
	}
	rate := float64(max(0, r.pages-first.pages)) / r.at.Sub(first.at).Seconds()
	return &rate
}
