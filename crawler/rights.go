package crawler

import "encoding/json"

// Rights are what a site says about the use of a page, apart from its crawling.
// They are recorded, not enforced: what they mean for a use is for its user to
// decide. The zero Rights are those of a site that says nothing.
type Rights struct {
	// NoAI and NoImageAI are the words noai and noimageai of meta robots or
	// X-Robots-Tag: the page, or its images, are not for training.
	NoAI      bool `json:"noai,omitempty"`
	NoImageAI bool `json:"noimageai,omitempty"`
	// TDMReservation is "1" where the rights to text and data mining are
	// reserved, "0" where it is said that they are not (TDM Reservation Protocol,
	// in a header or a meta element); "1" when both are said.
	TDMReservation json.Number `json:"tdm_reservation,omitempty"`
	// TDMPolicy is where the licence for it can be read, an absolute URL.
	TDMPolicy string `json:"tdm_policy,omitempty"`
	// ContentSignal is what the Content-Signal lines of robots.txt say to our
	// product token, as "ai-train": "no" (contentsignals.org).
	ContentSignal map[string]string `json:"content_signal,omitempty"`
}

// empty reports whether nothing is said.
func (r Rights) empty() bool {
	return !r.NoAI && !r.NoImageAI && r.TDMReservation == "" && r.TDMPolicy == "" && len(r.ContentSignal) == 0
}
