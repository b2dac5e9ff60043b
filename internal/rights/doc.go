// Package rights reads what sites say about the use of their pages, and decides what their
// statements mean for a purpose. It makes no requests.
//
// A statement is one thing that a site says, with its source. A vocabulary is a standard that
// statements follow: Content-Usage of the IETF, Content-Signal, the TDM Reservation Protocol
// and others. A purpose is what a job uses its pages for. A statement reserves a page for a purpose
// if it says that the page may not be used for that.
package rights
