package event

import (
	"fmt"
	"net/url"
	"time"

	"github.com/trawlcrawler/trawl/internal/plain"
)

// Deliveries says how a webhook of a job was told events.
type Deliveries struct {
	URL       string `json:"url"`
	Delivered int64  `json:"delivered"` // events that it has accepted
	Failed    int64  `json:"failed"`    // tries that failed
	GivenUp   int64  `json:"given_up"`  // events that were tried too often
	// Last is when it was told last, by Redis's clock; nil if it never was.
	Last *time.Time `json:"last,omitempty"`
	// Error is why the last try failed; "" if it did not.
	Error string `json:"error,omitempty"`
	// Disabled says that it wants no more events, until the settings of the job change.
	Disabled bool `json:"disabled,omitempty"`
}

// String describes them in words. It shows only the host of the webhook: the rest of its URL may be a
// secret.
func (d Deliveries) String() string {
	host := "unknown host"
	if u, err := url.Parse(d.URL); err == nil {
		host = u.Host
	}
	text := fmt.Sprintf("%s: %s delivered", host, plain.Plural(d.Delivered, "event", "events"))
	if d.GivenUp > 0 {
		text += fmt.Sprintf(", %d given up", d.GivenUp)
	}
	switch {
	case d.Disabled:
		text += ", disabled: it wants no more (change the settings of the job to enable it again)"
	case d.Error != "":
		text += ", the last try failed: " + d.Error
	}
	return text
}
