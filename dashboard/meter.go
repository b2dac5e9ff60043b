package dashboard

import (
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// meter measures the speed of jobs from readings that are made for other reasons. It does
// no reading of its own. It is safe for concurrent use.
type meter struct {
	mu     sync.Mutex
	tracks map[string]*track // by job name
}

// track has the readings of one job, oldest first.
type track struct {
	run      time.Time // when the job was created; distinguishes jobs of the same name
	readings []reading
}

// reading is the number of pages of a job at a time.
type reading struct {
	at    time.Time
	pages int64
}

// A rate is measured between now and the oldest reading that is not older than meterSpan.
// Readings are at least meterStep apart.
const (
	meterSpan = 30 * time.Second
	meterStep = time.Second
)

func newMeter() *meter { return &meter{tracks: make(map[string]*track)} }

// rate records how many pages a job has and returns how many it fetches per second, or nil
// if that is not yet known.
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

// forget drops the tracks of jobs that are no longer read.
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

// note adds a reading and returns the rate since the oldest one.
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
