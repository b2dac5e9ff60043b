package rules

import (
	"fmt"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
)

// maxTopics is the largest number of topics of WebSub of a job.
const maxTopics = 64

// checkSignals checks who may tell the job that pages have changed.
func checkSignals(j crawler.Job) error {
	if len(j.WebSub) > maxTopics {
		return settingError("websub", "%d feeds are too many: want at most %d", len(j.WebSub), maxTopics)
	}
	for i, text := range j.WebSub {
		at := fmt.Sprintf("websub[%d]", i)
		if _, err := crawler.ParseURL(text); err != nil {
			return settingError(at, "%v", err)
		}
		if slices.Contains(j.WebSub[:i], text) {
			return settingError(at, "%q is there twice", text)
		}
	}
	return nil
}
