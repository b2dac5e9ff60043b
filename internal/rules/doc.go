// Package rules decides what a job takes: which URLs are in its [Scope], which links its
// [FollowRules] follow, which queue its [PriorityRules] put a URL into, and which URLs are
// the same page ([Identity]). [Validate] checks all settings of a job.
//
// Whatever is compiled here is safe for concurrent use.
package rules
