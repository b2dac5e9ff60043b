package rights

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// What statements say, besides categories and purposes of Content-Usage and Content-Signal.
const (
	Reservation = "reservation" // TDM Reservation Protocol
	Policy      = "policy"      // likewise
	License     = "license"     // RSL, rel=license
	NoAI        = "noai"        // meta robots, X-Robots-Tag
	NoImageAI   = "noimageai"   // likewise
	NoArchive   = "noarchive"   // likewise
	LLMsText    = "llms.txt"    // a link

	TDMFree     = "0" // the value of Reservation if no rights are reserved
	TDMReserved = "1"
)

// MaxAddresses is how many statements whose value is a URL are kept for a page. Other statements
// can say only a few different things.
const MaxAddresses = 16

// refusal is a statement that reserves a page.
type refusal struct {
	vocabulary       string
	statement, value string
}

var mining = refusal{VocabularyTDMRep, Reservation, TDMReserved}

// refusals says which statements reserve a page for a purpose.
//
// The TDM Reservation Protocol is about text and data mining (Directive (EU) 2019/790, 2
// (2)): automated analysis to generate information, of which training and answering
// questions are kinds, but not showing or finding a page. A licence (RSL) reserves nothing
// here, because what it says is not read.
var refusals = map[crawler.Purpose][]refusal{
	crawler.PurposeSearch: {
		{VocabularyAIPref, "search", UsageDisallow},
		{VocabularySignal, "search", signalNo},
	},
	crawler.PurposeAIInput: {
		{VocabularySignal, "ai-input", signalNo}, mining,
		{VocabularyRobots, NoAI, ""},
	},
	crawler.PurposeTrainAI: {
		{VocabularyAIPref, "train-ai", UsageDisallow},
		{VocabularySignal, "ai-train", signalNo}, mining,
		{VocabularyRobots, NoAI, ""},
	},
	crawler.PurposeMining:  {mining},
	crawler.PurposeArchive: {{VocabularyRobots, NoArchive, ""}},
}

// Reserved returns the first statement that reserves a page for a purpose, and whether there is
// one. One statement suffices, even if others allow the use. mediaType is the page's Content-Type;
// "" if it is not known.
func Reserved(purpose crawler.Purpose, mediaType string, all []crawler.Statement) (crawler.Statement, bool) {
	if purpose == "" || len(all) == 0 {
		return crawler.Statement{}, false
	}
	own := ownReservation(all)
	for _, s := range all {
		if s.Error == "" && !overridden(s, own) && refuses(purpose, mediaType, s) {
			return s, true
		}
	}
	return crawler.Statement{}, false
}

func refuses(purpose crawler.Purpose, mediaType string, s crawler.Statement) bool {
	said := refusal{s.Vocabulary, s.Statement, s.Value}
	if said == (refusal{VocabularyRobots, NoImageAI, ""}) && len(mediaType) > len("image/") &&
		strings.EqualFold(mediaType[:len("image/")], "image/") {
		said.statement = NoAI
	}
	return slices.Contains(refusals[purpose], said)
}

// ownReservation reports whether the page itself says whether it is reserved, and not only its
// site.
func ownReservation(all []crawler.Statement) bool {
	return slices.ContainsFunc(all, func(s crawler.Statement) bool {
		return s.Vocabulary == VocabularyTDMRep && s.Statement == Reservation &&
			s.Source != InTDMRep
	})
}

// overridden reports whether a statement of tdmrep.json is overridden by the page's own
// (TDM Reservation Protocol, 5).
func overridden(s crawler.Statement, own bool) bool { return own && s.Source == InTDMRep }

// Of summarizes statements.
func Of(all []crawler.Statement) crawler.Usage {
	var r crawler.Usage
	own := ownReservation(all)
	for _, s := range all {
		if s.Error != "" || overridden(s, own) {
			continue
		}
		switch s.Vocabulary {
		case VocabularyAIPref:
			r.ContentUsage = with(r.ContentUsage, s, UsageDisallow)
		case VocabularySignal:
			r.ContentSignal = with(r.ContentSignal, s, signalNo)
		case VocabularyTDMRep:
			if s.Statement == Reservation {
				r.TDMReservation = max(r.TDMReservation, json.Number(s.Value))
			} else if r.TDMPolicy == "" {
				r.TDMPolicy = s.Value
			}
		case VocabularyRSL, VocabularyLicense:
			if !slices.Contains(r.License, s.Value) {
				r.License = append(r.License, s.Value)
			}
		case VocabularyRobots:
			r.NoAI = r.NoAI || s.Statement == NoAI
			r.NoImageAI = r.NoImageAI || s.Statement == NoImageAI
		}
	}
	return r
}

// with adds a statement. If there are several values for it, strictest applies.
func with(values map[string]string, s crawler.Statement, strictest string) map[string]string {
	if values == nil {
		values = make(map[string]string)
	}
	if values[s.Statement] != strictest {
		values[s.Statement] = s.Value
	}
	return values
}

// Text says what a statement says, for people: "aipref train-ai=n (robots.txt)".
func Text(s crawler.Statement) string {
	text := string(s.Vocabulary) + " " + s.Statement
	if s.Value != "" {
		text += "=" + s.Value
	}
	return text + " (" + string(s.Source) + ")"
}
