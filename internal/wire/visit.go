package wire

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// TypeFetch is the asynq task type of a visit.
const TypeFetch = "crawl:fetch"

// Visit is the payload of a task of [TypeFetch]: visit this host of this job.
type Visit struct {
	Job   string       `json:"job"`
	Run   int64        `json:"run"` // distinguishes jobs of the same name
	Host  crawler.Host `json:"host"`
	Epoch int64        `json:"epoch"`
}

// Ref returns the reference by which the frontier knows the visit.
func (v Visit) Ref() queue.VisitRef { return queue.VisitRef{Host: v.Host, Epoch: v.Epoch} }

// task returns the asynq task. Its ID is never reused, because asynq refuses an ID as long
// as it keeps a task with that ID, even a completed one.
func (v Visit) task(timeout, retention time.Duration) (*asynq.Task, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("visit of %s: %w", v.Host, err)
	}
	id := string(v.Host) + "@" + strconv.FormatInt(v.Epoch, 10) + "-" + strconv.FormatInt(v.Run, 36)
	return asynq.NewTask(TypeFetch, payload,
		asynq.TaskID(id), asynq.Queue(v.Job), asynq.Timeout(timeout), asynq.Retention(retention),
		// asynq counts the death of a worker as a try. The second delivery finds that its
		// epoch is outdated and ends the task.
		asynq.MaxRetry(1)), nil
}

func parseVisit(t *asynq.Task) (Visit, error) {
	var v Visit
	if err := json.Unmarshal(t.Payload(), &v); err != nil {
		return Visit{}, fmt.Errorf("payload %.200q of a %s task: %w", t.Payload(), t.Type(), err)
	}
	if v.Job == "" || v.Host == "" || v.Epoch <= 0 {
		return Visit{}, fmt.Errorf("payload %.200q of a %s task names no visit: want job, host and epoch", t.Payload(),
			t.Type())
	}
	return v, nil
}
