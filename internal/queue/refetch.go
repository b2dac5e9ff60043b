package queue

// Refetch counts what is fetched again because its record was missing.
type Refetch struct {
	Named     int64 `json:"named"`     // missing URLs that seeds or records name
	Reread    int64 `json:"reread"`    // pages that may lead to others
	Forgotten int64 `json:"forgotten"` // missing URLs that still have to be found again
}
