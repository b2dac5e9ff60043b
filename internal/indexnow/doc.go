// Package indexnow receives IndexNow: sites say which of their pages have changed, and prove with a
// key file that they may (indexnow.org/documentation).
//
// A [Submission] is what a site sends, by GET for one URL or by POST for up to 10,000. A [Receiver]
// serves submissions: it looks at the key file at the host, and passes the URLs on. Everyone may send
// submissions, so it makes no request to a host that is not in the scope of the job, remembers for a
// while what it found, and makes few requests a second in all.
package indexnow
