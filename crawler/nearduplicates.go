package crawler

// NearDuplicates says what happens to a page whose main text is nearly that of an earlier
// page of the job.
type NearDuplicates string

// The kinds of NearDuplicates. The zero value does not look for near duplicates.
const (
	// NearDuplicatesRecord names the earlier page in the record.
	NearDuplicatesRecord NearDuplicates = "record"
	// NearDuplicatesSkip also keeps no content of the page, as for pages that ask not to be
	// indexed.
	NearDuplicatesSkip NearDuplicates = "skip"
	// NearDuplicatesStop also does not follow its links.
	NearDuplicatesStop NearDuplicates = "stop"
)
