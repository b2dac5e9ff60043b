package tasks

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
)

// TypeFetch is the asynq task type of a visit.
const TypeFetch = "crawl:fetch"

// Visit is the payload of a task of [TypeFetch]: visit this host of this job.
type Visit struct {
	Job   string       `json:"job"`
	Run   int64        `json:"run"` // tells apart jobs of one name
	Host  crawler.Host `json:"host"`
	Epoch int64        `json:"epoch"`
}

// Order is what the frontier knows the visit by.
func (v Visit) Order() crawler.Order { return crawler.Order{Host: v.Host, Epoch: v.Epoch} }

// task makes the asynq task. Its ID is unique for ever, because asynq refuses
// an ID for as long as a task of that ID is kept, also when it is done.
func (v Visit) task(timeout, retention time.Duration) (*asynq.Task, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("visit of %s: %w", v.Host, err)
	}
	id := string(v.Host) + "@" + strconv.FormatInt(v.Epoch, 10) + "-" + strconv.FormatInt(v.Run, 36)
	return asynq.NewTask(TypeFetch, payload,
		asynq.TaskID(id), asynq.Queue(v.Job), asynq.Timeout(timeout), asynq.Retention(retention),
		// A worker that dies is counted as a try; the second delivery finds its
		// epoch overtaken and ends the task.
		asynq.MaxRetry(1)), nil
}

func parseVisit(t *asynq.Task) (Visit, error) {
	var v Visit
	if err := json.Unmarshal(t.Payload(), &v); err != nil {
		return Visit{}, fmt.Errorf("payload %.200q of a %s task: %w", t.Payload(), t.Type(), err)
	}
	if v.Job == "" || v.Host == "" || v.Epoch <= 0 {
		return Visit{}, fmt.Errorf("payload %.200q of a %s task names no visit: want job, host and epoch", t.Payload(), t.Type())
	}
	return v, nil
}
