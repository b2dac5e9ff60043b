package hostile

import (
	"net/http"
	"time"
)

var refusals = []Misbehaviour{
	{
		Name: "retry-never", Does: "answers 429, and asks to be left alone for a thousand years", Trawl: "rests for no longer than the bound, and gives the host up after some tries", Limit: limitPause,
		rig: refuses(http.StatusTooManyRequests, "31536000000"),
	}, {
		Name: "retry-overflow", Does: "answers 503, and asks for more seconds than there are numbers for", Trawl: "the same", Limit: limitPause,
		rig: refuses(http.StatusServiceUnavailable, "99999999999999999999999999"),
	}, {
		Name: "retry-date", Does: "answers 503, and asks to wait until the year 9999", Trawl: "the same", Limit: limitPause,
		rig: refuses(http.StatusServiceUnavailable, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).Format(http.TimeFormat)),
	}, {
		Name: "retry-noise", Does: "answers 503 with a Retry-After that is none", Trawl: "rests for pauses that double", Limit: limitHostTries,
		rig: refuses(http.StatusServiceUnavailable, "<script>"),
	}, {
		Name: "always-500", Does: "answers 500", Trawl: "tries again, then gives up", Limit: limitRetries, Fate: failed("500"),
		page: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	},
}

// refuses leads to a site that refuses all but its robots.txt.
func refuses(status int, retryAfter string) func(*Host) {
	return func(h *Host) {
		at := h.site(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/robots.txt" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Retry-After", retryAfter)
			w.WriteHeader(status)
		})
		h.lead("http://"+at+"/", "http://"+at+"/", failed(http.StatusText(status)))
	}
}
