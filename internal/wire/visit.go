package wire

import (
	"strconv"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// TypeFetch is the asynq task type of visits.
const TypeFetch = "crawl:fetch"

// Visit says: visit this host of this job. It is the payload of a task of [TypeFetch] with one
// visit.
type Visit struct {
	Job   string       `json:"job"`
	Run   int64        `json:"run"` // distinguishes jobs of the same name
	Host  crawler.Host `json:"host"`
	Epoch int64        `json:"epoch"`
}

// Ref returns the reference by which the frontier knows the visit.
func (v Visit) Ref() queue.VisitRef { return queue.VisitRef{Host: v.Host, Epoch: v.Epoch} }

// id returns the ID of the task that begins with the visit. It is never reused, because asynq
// refuses an ID as long as it keeps a task with that ID, even a completed one.
func (v Visit) id() string {
	return string(v.Host) + "@" + strconv.FormatInt(v.Epoch, 10) + "-" + strconv.FormatInt(v.Run, 36)
}
