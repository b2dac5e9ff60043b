package crawler

// Seeding is the result of adding URLs to a job.
type Seeding struct {
	Admitted int64     `json:"admitted"`           // new to the job
	Seen     int64     `json:"seen"`               // already seen
	Refused  int64     `json:"refused"`            // not URLs that can be crawled
	Refusals []Refusal `json:"refusals,omitempty"` // the first 100 of them
}

// Refusal is one URL that was refused.
type Refusal struct {
	Line   int64  `json:"line"` // in the list, from 1; 0 if it was not in a list
	URL    string `json:"url"`  // its beginning, if it is long
	Reason string `json:"reason"`
}
