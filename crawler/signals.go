package crawler

// SignalSettings say who may tell the job that its pages are new, or have changed, while it runs. The
// dashboard of the fleet receives that, at a URL that other sites can reach.
type SignalSettings struct {
	// IndexNow takes what the sites in scope submit by IndexNow. Default false.
	IndexNow bool `json:"indexnow,omitempty" yaml:"indexnow"`
	// WebSub lists feeds whose hubs are asked to tell what is new in them, by WebSub. Default
	// none. At most 64.
	WebSub []string `json:"websub,omitempty" yaml:"websub"`
}
