package hostile

import (
	"net/http"
	"time"
)

var refusals = []Misbehaviour{
	{
		Name: "retry-never", Does: "responds with 429 and asks for a pause of a thousand years",
		Trawl: "pauses no longer than the limit, and gives up on the host after some tries", Limit: limitPause,
		setup: refusingSite(http.StatusTooManyRequests, "31536000000"),
	}, {
		Name: "retry-overflow", Does: "responds with 503 and asks for a number of seconds that overflows",
		Trawl: "the same", Limit: limitPause,
		setup: refusingSite(http.StatusServiceUnavailable, "99999999999999999999999999"),
	}, {
		Name: "retry-date", Does: "responds with 503 and asks for a pause until the year 9999", Trawl: "the same",
		Limit: limitPause,
		setup: refusingSite(http.StatusServiceUnavailable,
			time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).Format(http.TimeFormat)),
	}, {
		Name: "retry-noise", Does: "responds with 503 and an invalid Retry-After",
		Trawl: "pauses, twice as long each time", Limit: limitHostTries,
		setup: refusingSite(http.StatusServiceUnavailable, "<script>"),
	}, {
		Name: "always-500", Does: "responds with 500", Trawl: "retries, then gives up", Limit: limitRetries,
		Fate: failed("500"),
		page: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	},
}

// refusingSite links to a site that refuses all requests except those for its robots.txt.
func refusingSite(status int, retryAfter string) func(*Host) {
	return func(h *Host) {
		addr := h.serveSite(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/robots.txt" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Retry-After", retryAfter)
			w.WriteHeader(status)
		})
		h.expectLink("http://"+addr+"/", "http://"+addr+"/", failed(http.StatusText(status)))
	}
}
