package crawler

import (
	"bytes"
	"encoding/json"
)

// Rights are what a site says about the use of a page, apart from crawling it: each statement
// with its source. Nil means that the site says nothing. [Usage] says what follows from them.
type Rights []Statement

// UnmarshalJSON reads the list. Earlier records have an object in its place, whose list is
// called statements; without one, they are read as nil.
func (r *Rights) UnmarshalJSON(text []byte) error {
	var list []Statement
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		err := json.Unmarshal(text, &list)
		*r = list
		return err
	}
	earlier := struct {
		Statements *[]Statement `json:"statements"`
	}{&list}
	err := json.Unmarshal(text, &earlier)
	*r = list
	return err
}

// Usage summarizes the statements of a site about the use of a page. The zero Usage means that
// the site says nothing.
type Usage struct {
	// NoAI and NoImageAI are the values noai and noimageai of meta robots or X-Robots-Tag:
	// the page, or its images, may not be used for training.
	NoAI      bool `json:"noai,omitempty"`
	NoImageAI bool `json:"noimageai,omitempty"`
	// TDMReservation is "1" if the rights to text and data mining are reserved, "0" if the
	// site says that they are not (TDM Reservation Protocol); "1" if it says both. What the
	// page says overrides the site's tdmrep.json.
	TDMReservation json.Number `json:"tdm_reservation,omitempty"`
	// TDMPolicy is an absolute URL at which the licence can be read.
	TDMPolicy string `json:"tdm_policy,omitempty"`
	// ContentSignal is what the Content-Signal lines of robots.txt and the header of that
	// name say, such as "ai-train": "no" (contentsignals.org).
	ContentSignal map[string]string `json:"content_signal,omitempty"`
	// ContentUsage is what the Content-Usage rules of robots.txt and the header of that name
	// say together, such as "train-ai": "n" (draft-ietf-aipref-attach).
	ContentUsage map[string]string `json:"content_usage,omitempty"`
	// License lists the addresses of licences that the site names (RSL, rel=license). They
	// are never requested.
	License []string `json:"license,omitempty"`
	// ReservedFor is the job's purpose, if the site reserves its rights for that; "" if it
	// does not, or if the job declares no purpose.
	ReservedFor Purpose `json:"reserved_for,omitempty"`
}

// Statement is one thing that a site says about the use of a page, with its source and
// time, so that it can be proved later.
type Statement struct {
	Vocabulary string `json:"vocabulary"`      // the standard or convention that it follows: "aipref", "tdmrep"
	Statement  string `json:"statement"`       // "train-ai", "reservation", "license"
	Value      string `json:"value,omitempty"` // "n", "1", a URL
	Source     string `json:"source"`          // where it was found: "robots.txt", "header", "meta"
	Where      string `json:"where"`           // URL of the response that says it
	At         string `json:"at"`              // when that was requested: RFC 3339, milliseconds, UTC
	// Error says why the statement could not be read, so that it means nothing. Then Value
	// is its beginning as the site wrote it.
	Error string `json:"error,omitempty"`
}

// Purpose is what the pages of a job are for.
type Purpose string

// The purposes.
const (
	PurposeSearch  Purpose = "search"   // to find pages by what they say
	PurposeAIInput Purpose = "ai-input" // as the input of a model that answers a question
	PurposeTrainAI Purpose = "train-ai" // to train models
	PurposeMining  Purpose = "tdm"      // other text and data mining
	PurposeArchive Purpose = "archive"  // to keep and show pages as they were
)

// RightsPolicy says what a job does with pages whose rights are reserved for its purpose.
type RightsPolicy string

// The policies.
const (
	// RightsRecord records what sites say.
	RightsRecord RightsPolicy = "record"
	// RightsSkip also keeps no content of a page whose rights are reserved.
	RightsSkip RightsPolicy = "skip"
	// RightsStop also does not fetch what robots.txt or tdmrep.json reserves.
	RightsStop RightsPolicy = "stop"
)

// RightsSettings say what a job does about what sites say about the use of their pages.
type RightsSettings struct {
	// Rights says what to do with a page whose rights are reserved for Purpose: "record"
	// (default) records what the site says, as for every page; "skip" also keeps no content
	// of the page; "stop" also does not fetch what robots.txt or tdmrep.json reserves.
	Rights RightsPolicy `json:"rights,omitempty" yaml:"rights"`
	// Purpose is what the pages are for: search, ai-input, train-ai, tdm or archive. Records
	// say whether a page is reserved for it. Rights other than "record" require it. Default
	// "": none is declared.
	Purpose Purpose `json:"purpose,omitempty" yaml:"purpose"`
	// TDMRep requests /.well-known/tdmrep.json once a day of each host, in addition to
	// robots.txt. Default false.
	TDMRep bool `json:"tdmrep" yaml:"tdmrep"`
}
