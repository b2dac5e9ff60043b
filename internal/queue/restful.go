package queue

import "github.com/trawlcrawler/trawl/crawler"

// Restful reports whether nothing is to be done for a job as a whole until someone changes it or
// brings it URLs: it has ended or is paused, or runs and is not about to end. Its URLs are another
// matter. Periodic and continuous jobs never rest: what they do next depends on the time.
func Restful(job crawler.Status) bool {
	if job.Job.Schedule != "" && !job.State.Ended() || job.Events > job.Told || len(job.Unfinished) > 0 {
		return false
	}
	switch job.State {
	case crawler.StateRunning:
		return job.Ending == "" && !job.Closing && !job.Held && !job.Showing && len(job.Troubles) == 0 &&
			job.Job.Time == 0 && !job.Job.Recrawl.On()
	case crawler.StatePaused:
		return !job.Showing && len(job.Troubles) == 0
	case crawler.StateCancelled:
		return job.Cleared
	case crawler.StateDone, crawler.StateFailed:
		return true
	}
	return false // it is about to begin, or broken and perhaps about to be repaired
}
