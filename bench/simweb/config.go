package simweb

import (
	"fmt"
	"time"
)

// Config says what a web is like. Start from [Default]: the zero values of
// fractions are none.
type Config struct {
	// Hosts is how many there are. 1 or more.
	Hosts int
	// Pages is how many the hosts have together, about: each has one at least.
	Pages int
	// Skew is the exponent of Zipf's law: the nth host has a share of the pages
	// that falls with n to this power. 0: all hosts are of one size.
	Skew float64
	// Links is how many a page has, but for small hosts, which have fewer.
	Links int
	// Abroad is the part of the links that lead to other hosts, big ones above
	// all.
	Abroad float64
	// Bytes is how long a page is at least.
	Bytes int
	// Latency is the median over hosts of the time to answer; one host in a
	// hundred takes ten times as long. 0: they answer at once.
	Latency time.Duration
	// Dead is the part of the hosts that cannot be connected to.
	Dead float64
	// Gone is the part of the pages that answer 404, and Failing the one that
	// answers 500.
	Gone, Failing float64
	// Ruled is the part of the hosts whose robots.txt forbids what lies under
	// /private/; the others have none.
	Ruled float64
	// Private is the part of the pages that lie there, on all hosts.
	Private float64
	// Seed makes another web.
	Seed uint64
	// Naming says what the hosts are called. Default [Names].
	Naming Naming
}

// Default is a web like the real one in small: a long tail of small hosts, links
// of which most were seen, some that fail.
func Default() Config {
	return Config{
		Hosts: 10_000, Pages: 100_000, Skew: 1, Links: 40, Abroad: 0.05, Bytes: 4 << 10,
		Dead: 0.01, Gone: 0.01, Failing: 0.001, Ruled: 0.2, Private: 0.05, Seed: 1,
	}
}

func (c Config) validate() error {
	switch {
	case c.Hosts < 1:
		return fmt.Errorf("simweb: %d hosts: want 1 or more", c.Hosts)
	case c.Pages < c.Hosts:
		return fmt.Errorf("simweb: %d pages on %d hosts: want one a host at least", c.Pages, c.Hosts)
	case c.Skew < 0 || c.Skew > 2:
		return fmt.Errorf("simweb: a skew of %g: want 0 to 2", c.Skew)
	case c.Links < 1:
		return fmt.Errorf("simweb: %d links a page: want 1 or more", c.Links)
	case !c.names(c.Hosts - 1):
		return fmt.Errorf("simweb: %d hosts: there are not so many names", c.Hosts)
	}
	for _, part := range []struct {
		name  string
		value float64
	}{{"abroad", c.Abroad}, {"dead", c.Dead}, {"gone", c.Gone}, {"failing", c.Failing}, {"ruled", c.Ruled},
		{"private", c.Private}} {
		if part.value < 0 || part.value >= 0.5 {
			return fmt.Errorf("simweb: %s is %g: want 0 to less than 0.5", part.name, part.value)
		}
	}
	return nil
}

// names says that the naming knows a host by its name.
func (c Config) names(host int) bool {
	number, ok := c.Naming.Number(c.Naming.Name(host))
	return ok && number == host
}
