package rules

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// maxWebhooks is the largest number of webhooks of a job.
const maxWebhooks = 16

// secretName is the name of a secret: part of a variable's name, and the name of a file.
var secretName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// checkEvents checks who is told what happens to a job.
func checkEvents(j crawler.Job) error {
	if j.StalledAfter < 0 {
		return settingError("stalled_after", "%q is out of range: want 0 (never) or more", j.StalledAfter)
	}
	if len(j.Webhooks) > maxWebhooks {
		return settingError("webhooks", "%d are too many: want at most %d", len(j.Webhooks), maxWebhooks)
	}
	for i, hook := range j.Webhooks {
		at := "webhooks[" + strconv.Itoa(i) + "]"
		if err := checkWebhook(at, hook); err != nil {
			return err
		}
		if slices.ContainsFunc(j.Webhooks[:i], func(w crawler.Webhook) bool { return w.URL == hook.URL }) {
			return settingError(SettingAt(at, "url"), "it is there twice: put the events of both into one")
		}
	}
	return nil
}

// checkWebhook checks one receiver. Errors do not quote the whole URL, which may be a secret.
func checkWebhook(at string, hook crawler.Webhook) error {
	u, err := url.Parse(hook.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return settingError(SettingAt(at, "url"), "want the URL of a receiver, such as https://hooks.example.com/trawl")
	case u.User != nil:
		return settingError(SettingAt(at, "url"), "it has a login, which others could read: name a secret instead")
	case u.Fragment != "":
		return settingError(SettingAt(at, "url"), "it has a fragment, which is not sent: leave out #%s", u.Fragment)
	case hook.Secret != "" && !secretName.MatchString(hook.Secret):
		return settingError(SettingAt(at, "secret"),
			"want the name of a secret that the schedulers know: 1 to 63 lower-case letters, digits and hyphens")
	}
	for i, name := range hook.Events {
		if !slices.Contains(events, name) {
			return settingError(fmt.Sprintf("%s.events[%d]", at, i), "%q is not an event%s: want any of %v", name,
				plain.Suggest(string(name), eventNames()), events)
		}
	}
	return nil
}

// events are the names that a webhook may list.
var events = []crawler.EventName{
	crawler.EventBegan, crawler.EventPaused, crawler.EventResumed, crawler.EventDone, crawler.EventFailed,
	crawler.EventCancelled, crawler.EventBudget, crawler.EventStalled, crawler.EventChanges,
	crawler.EventHostGivenUp,
}

func eventNames() (all []string) {
	for _, name := range events {
		all = append(all, string(name))
	}
	return all
}
