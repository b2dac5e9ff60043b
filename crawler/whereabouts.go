package crawler

import "time"

// Place is where a URL of a job is.
type Place string

// The places of URLs.
const (
	PlaceUnseen  Place = "unseen"    // it was never admitted
	PlaceQueue   Place = "waiting"   // in the queue of its host
	PlaceLater   Place = "later"     // it is to be tried again, when its time has come
	PlaceFlight  Place = "in flight" // a visit has it
	PlaceSettled Place = "settled"   // it has its outcome; or it waits farther back than was looked
)

// Whereabouts is where a URL of a job is, and what is known of it there.
type Whereabouts struct {
	Place  Place
	Entry  Entry         // zero unless it waits or is in flight
	Before int64         // URLs that are taken before it, while it is in a queue
	Due    time.Duration // until it may be tried again
}
