package crawler

import (
	"encoding/json"
)

// Rights are what a site says about the use of a page, apart from crawling it. They are
// recorded, not enforced: what they mean for a use is for its user to decide. The zero
// Rights mean that the site says nothing.
type Rights struct {
	// NoAI and NoImageAI are the values noai and noimageai of meta robots or X-Robots-Tag:
	// the page, or its images, may not be used for training.
	NoAI      bool `json:"noai,omitempty"`
	NoImageAI bool `json:"noimageai,omitempty"`
	// TDMReservation is "1" if the rights to text and data mining are reserved, "0" if the
	// site says that they are not (TDM Reservation Protocol, in a header or a meta
	// element); "1" if it says both.
	TDMReservation json.Number `json:"tdm_reservation,omitempty"`
	// TDMPolicy is an absolute URL at which the licence can be read.
	TDMPolicy string `json:"tdm_policy,omitempty"`
	// ContentSignal is what the Content-Signal lines of robots.txt say to our product
	// token, such as "ai-train": "no" (contentsignals.org).
	ContentSignal map[string]string `json:"content_signal,omitempty"`
}

// IsZero reports whether the site says nothing.
func (r Rights) IsZero() bool {
	return !r.NoAI && !r.NoImageAI && r.TDMReservation == "" && r.TDMPolicy == "" && len(r.ContentSignal) == 0
}
