// Command broad lets crawlers crawl a web of very many hosts, at full speed, and prints what a page
// costs. The cost of a broad crawl is mostly that of its hosts, each of which must be looked up,
// connected to and asked for its robots.txt.
//
// The web is on this machine. Its name server knows the hosts, spreads them over the addresses of
// 127.0.0.0/8, and is as slow and as unreliable as name servers are. Half of the hosts speak TLS, with
// a certificate of an authority that is made here, and HTTP/2. All have a robots.txt. Hosts have few
// pages, and some have many; most pages are small, and some are large.
//
// The contestants take turns: a fleet of Trawl (a redis-server, a scheduler and two workers, as
// processes of their own), and a plain program in Go (package plain) that makes the same requests
// without a queue. A turn is over when nearly all pages were served. The processor time of the
// contestants is read from /proc at that moment. The servers of the web are not counted, but share
// the machine.
package main
