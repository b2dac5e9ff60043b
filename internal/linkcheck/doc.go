// Package linkcheck finds the broken links in the results of a job that checks links.
//
// A finding is a URL that something is to be said about, with the pages that link to it. It is
// broken, could not be checked, or has moved. What happened to each URL is in the records; which
// pages have the link is in the link graph, because a record names only the page that was found
// first.
package linkcheck
