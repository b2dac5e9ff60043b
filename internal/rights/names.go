package rights

import "github.com/trawlcrawler/trawl/crawler"

// The standards and conventions that statements follow: [crawler.Statement.Vocabulary].
const (
	VocabularyAIPref  = "aipref"         // Content-Usage (IETF)
	VocabularySignal  = "content-signal" // Content-Signal (contentsignals.org)
	VocabularyTDMRep  = "tdmrep"         // TDM Reservation Protocol (W3C community group)
	VocabularyRSL     = "rsl"            // Really Simple Licensing
	VocabularyLicense = "license"        // rel=license of any other kind
	VocabularyRobots  = "robots"         // meta robots and X-Robots-Tag
	VocabularyLLMs    = "llms.txt"       // a link to an llms.txt
)

// Where statements are found: [crawler.Statement.Source].
const (
	InRobots = "robots.txt"
	InTDMRep = "tdmrep.json" // /.well-known/tdmrep.json
	InHeader = "header"
	InMeta   = "meta" // a meta element
	InLink   = "link" // an element with href
)

// Purposes lists all purposes of a job.
var Purposes = []crawler.Purpose{crawler.PurposeSearch, crawler.PurposeAIInput, crawler.PurposeTrainAI,
	crawler.PurposeMining, crawler.PurposeArchive}

// Policies lists what a job can do with pages that are reserved for its purpose.
var Policies = []crawler.RightsPolicy{crawler.RightsRecord, crawler.RightsSkip, crawler.RightsStop}
