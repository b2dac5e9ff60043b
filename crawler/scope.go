package crawler

// ScopeKind says how far a job goes from its seeds.
type ScopeKind string

// The kinds of scope.
const (
	ScopeHost   ScopeKind = "host"   // the hosts of the seeds, with or without "www."
	ScopeDomain ScopeKind = "domain" // the registrable domains of the seeds
	ScopeAny    ScopeKind = "any"    // any host that links lead to
)

// CheckKind says which links a job only checks. A link is checked if it leads out of scope and
// [ScopeSettings] has [CheckLinks]: its URL is requested to find out whether it works, and the
// response is not read for links.
type CheckKind string

// The kinds of checks.
const (
	CheckNone  CheckKind = "none"  // links that lead out of scope are skipped
	CheckLinks CheckKind = "links" // links that lead out of scope are checked
)

// FollowRule says which links of the pages of one kind are followed. A job that has such
// rules follows no other links. All rules that match a page apply together; if none
// matches, no links of the page are followed. The job's scope applies to the selected links
// as well.
type FollowRule struct {
	// Match is a regular expression (RE2) that must match anywhere in the URL of the page,
	// after redirects. The default "" matches every page.
	Match string `json:"match,omitempty" yaml:"match"`
	// Links is a CSS selector. Links that it selects, or that are within what it selects,
	// are followed. The default "" selects all links.
	Links string `json:"links,omitempty" yaml:"links"`
	// To is a regular expression that must match anywhere in the URL of the link. The
	// default "" matches every URL.
	To string `json:"to,omitempty" yaml:"to"`
	// Depth is the largest distance from a seed, in links, of the URLs that the rule
	// follows. The job's own Depth applies as well. The default 0 is no limit.
	Depth int `json:"depth,omitempty" yaml:"depth"`
	// Where is a condition on the record of the page, as of trawl export --where:
	// "language = deu and quality.words > 100". It is checked by parse.Check. The default ""
	// is no condition.
	Where string `json:"where,omitempty" yaml:"where"`
}
