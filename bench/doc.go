// Command bench compares crawlers over real sites on one machine, in one run.
//
// A corpus is a manual that a Debian package installs. A site is a corpus that
// nginx serves on the loopback interface. A contestant is a crawler with the
// settings that suit it best; some need processes that are there before, such as
// a Redis. A trial is one crawl of one corpus by one contestant, with what it
// cost. In a round each contestant has one trial at each corpus, and ratios are
// taken within a round, so that what else the machine does spoils them less.
//
// An insight is where it goes in a crawl by Trawl: its stacks, waits, calls of the
// system and commands of Redis.
//
// What a crawler fetched is not asked of the crawler: the access log of nginx says
// it, and truth, which is found out by reading all pages into trees.
package main
