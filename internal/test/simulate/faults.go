package simulate

import (
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// planFaults schedules the faults of the world.
func (s *sim) planFaults() {
	for _, f := range s.world.faults {
		if f.busy {
			s.arbiter.at(s.trace.began.Add(f.at), func() { s.site.whenBusy(func() { s.plan(f) }) })
			continue
		}
		s.plan(f)
	}
}

// plan schedules a fault at its time or, if that depends on requests, a moment from now.
func (s *sim) plan(f fault) {
	if f.busy {
		f.at = time.Since(s.trace.began) + f.loses + s.arbiter.between(0, time.Second)
	}
	if f.kind == faultFailover {
		s.planFailover(f)
		return
	}
	s.arbiter.at(s.trace.began.Add(f.at), func() { s.happen(f) })
}

// happen makes a fault happen, unless there is nothing that it can happen to.
func (s *sim) happen(f fault) {
	m := s.machines[f.which%len(s.machines)]
	o := s.schedulers[f.which%len(s.schedulers)]
	until := time.Now().Add(f.lasts)
	var did bool
	switch f.kind {
	case faultKill:
		did = m.kill(s, f.lasts)
	case faultVanish:
		if did = m.kill(s, f.lasts); did {
			m.lose(s)
		}
	case faultDeploy:
		did = m.deploy(s, f.lasts)
	case faultStall:
		if did = m.alive(); did {
			m.worker.process.stalled = until
		}
	case faultCut:
		if did = m.alive(); did {
			m.worker.process.cut = until
		}
	case faultFull:
		did, m.disk.full = true, true
		d := m.disk
		s.arbiter.at(until, func() { d.full = false })
	case faultScheduler:
		did = o.kill(s, f.lasts)
	case faultSchedulerCut:
		if did = o.alive(); did {
			o.process.cut = until
		}
	case faultAway:
		did, s.redis.gone = true, until
	case faultDelete:
		name := s.world.jobs[f.which%len(s.world.jobs)].job.Name
		did = true
		s.queue.empty(name)
	}
	if did {
		s.note(f, "")
	}
}

// note counts a fault that happened.
func (s *sim) note(f fault, more string) {
	s.faulty = true
	s.arbiter.counts[string(f.kind)]++
	s.trace.add("FAULT %s (%d), for %v%s", f.kind, f.which, f.lasts, more)
}

// planFailover schedules a failover to another Redis server, which loses what was written
// last.
func (s *sim) planFailover(f fault) {
	var was snapshot
	var tasks queueState
	at := s.trace.began.Add(f.at)
	s.arbiter.at(at.Add(-f.loses), func() { was, tasks = s.redis.snapshot(), s.queue.state() })
	s.arbiter.at(at, func() {
		s.redis.failover(was)
		s.queue.restore(tasks)
		s.lostTail, s.failovers = time.Now(), s.failovers+1
		s.note(f, fmt.Sprintf(", loses %v", f.loses))
		s.redis.gone = time.Now().Add(f.lasts)
		s.reread(at.Add(-f.loses))
		s.repeat()
	})
}

func (m *machine) alive() bool { return m.worker != nil && !m.worker.process.dead.Load() }

// kill kills the worker of a machine, and starts another one after a while.
func (m *machine) kill(s *sim, rests time.Duration) bool {
	if !m.alive() {
		return false
	}
	m.worker.process.kill()
	for _, t := range m.worker.tasks() {
		if s.arbiter.chance(0.5) {
			s.queue.recover(t)
		}
	}
	s.arbiter.in(rests, func() { m.start(s) })
	return true
}

// lose replaces the disk of a machine by an empty one if there is a bucket. Without a
// bucket, the records are considered to be elsewhere, and nothing changes.
func (m *machine) lose(s *sim) {
	if s.world.bucket {
		m.disk = &disk{name: m.disk.name + "'"}
		s.output.disks[m.number] = m.disk
	}
}

// deploy shuts the worker down in good order and starts another one.
func (m *machine) deploy(s *sim, rests time.Duration) bool {
	if !m.alive() {
		return false
	}
	old := m.worker
	old.leave()
	s.arbiter.in(9*time.Second, func() {
		if !old.process.dead.Load() {
			old.process.kill()
			s.arbiter.in(rests, func() { m.start(s) })
		}
	})
	return true
}

func (o *schedulerMachine) alive() bool { return o.process != nil && !o.process.dead.Load() }

func (o *schedulerMachine) kill(s *sim, rests time.Duration) bool {
	if !o.alive() {
		return false
	}
	o.process.kill()
	s.arbiter.in(rests, func() { o.start(s) })
	return true
}

// hasEnded reports whether a job has ended, as far as was observed.
func (s *sim) hasEnded(job string) bool {
	log := s.jobs[job]
	return log != nil && log.state.Ended() && log.state != crawler.StateCancelled
}
