// Package websub subscribes to topics of WebSub (W3C Recommendation of 23 January 2018): a hub tells a
// subscriber when a feed has something new.
//
// A [Topic] is a feed of a job. A [Subscriber] finds the hub that the feed names, subscribes, answers
// the hub that verifies it, renews leases, and takes what hubs deliver. Callbacks have paths that no
// one can guess, and deliveries are signed: both are made of one key, which all processes of a fleet
// share, so that any of them may be called.
package websub
