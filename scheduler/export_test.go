package scheduler

// Scheduler is the scheduler of one job.
type Scheduler = jobScheduler

// Queues are the queues of a runner.
type Queues = taskQueues

// New returns a scheduler for a job.
var New = newJobScheduler
