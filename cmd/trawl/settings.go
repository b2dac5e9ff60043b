package main

import (
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/crawler/output"
	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// settings are all that a crawl can be told, under the names of the flags with
// underscores. A flag wins over the environment (TRAWL_ and the flag's name in
// capitals), that over the job file, that over the default.
type settings struct {
	crawler.Job `yaml:",inline"`
	Credentials `yaml:",inline"`

	// Out is where the results go: a folder, or the URL of a bucket. Default: a
	// folder that is named after the job.
	Out string `yaml:"out"`
	// Spool is the folder in which results wait for a bucket. Default: the user's own
	// for this, or that of the crawl.
	Spool string `yaml:"spool"`
	// SpoolLimit is about how many bytes may wait there. When there are more, no page
	// is fetched until the bucket has taken some.
	SpoolLimit crawler.Size `yaml:"spool_limit"`
	// ShipEvery is how old a segment is, at most, when it is brought to a bucket.
	ShipEvery crawler.Duration `yaml:"ship_every"`
	// Redis is the URL of a Redis. Default: a private or a built-in one.
	Redis string `yaml:"redis"`
	// Concurrency is the most visits at once: hosts, as each host has one.
	Concurrency int `yaml:"concurrency"`
	// AllowCIDR opens private networks.
	AllowCIDR []string `yaml:"allow_cidr"`
	// AllowPrivate opens all private addresses.
	AllowPrivate bool `yaml:"allow_private"`
	// Ports may be connected to, besides those of seeds: 8080, 8000-9000, any.
	// Default 80, 443, 8000-9000, and every port of private networks that are
	// opened.
	Ports []string `yaml:"ports"`
	// Resolvers are name servers to ask instead of the system's. Default none.
	Resolvers []string `yaml:"resolvers"`

	file    string // of the job
	source  source // what was in it
	restart bool
	verbose bool
}

func defaultSettings() settings {
	return settings{
		Job: crawler.DefaultJob(), Concurrency: 256, SpoolLimit: 10 << 30, ShipEvery: crawler.Duration(time.Minute),
	}
}

// register defines the flags that set s. Only fields that have a flag named
// like them can be set by flag.
func (s *settings) register(flags *pflag.FlagSet) {
	flags.StringVarP(&s.file, "file", "f", "", "job file in YAML, with the flags' names in underscores")
	flags.StringVar(&s.Name, "job", s.Name, "name of the job (default: after the first seed)")
	flags.StringVar(&s.Redis, "redis", s.Redis, "URL of a Redis, such as redis://:password@host:6379/0 (default: a private one)")
	flags.StringVar(&s.Out, "out", s.Out, "where the results go: a folder, or a bucket such as s3://bucket/prefix (gs, azblob, file, mem)")
	s.registerSpool(flags)
	flags.StringSliceVar(&s.Format, "format", s.Format, "what to write: "+strings.Join(sink.Names, ", "))
	flags.StringVar((*string)(&s.Scope), "scope", string(s.Scope), "which links to follow: host, domain or any")
	flags.StringArrayVar(&s.Include, "include", nil, "follow only links that match this regular expression; may be repeated")
	flags.StringArrayVar(&s.Exclude, "exclude", nil, "follow no links that match this regular expression; may be repeated")
	flags.Var((*priorityRules)(&s.Priorities), "priorities", "give URLs that match a regular expression a priority, as in urgent=/news/ (urgent, high, normal, low); may be repeated, the first match counts")
	flags.IntVar(&s.Depth, "depth", s.Depth, "most links away from a seed: 0 the seeds alone, -1 no limit")
	flags.StringSliceVar(&s.Same, "same", nil, "take URLs for the same page: "+strings.Join(crawler.SameKinds, ", "))
	flags.BoolVar(&s.Traps, "traps", s.Traps, "leave URLs alone that look like a trap, as calendars without end")
	flags.IntVar(&s.MaxURLLength, "max-url-length", s.MaxURLLength, "longest URL of a link, in bytes (0: no limit)")
	flags.IntVar(&s.MaxRepeats, "max-repeats", s.MaxRepeats, "how often a segment may stand in the path of a link (0: no limit)")
	flags.IntVar(&s.MaxParams, "max-params", s.MaxParams, "most parameters of a link (0: no limit)")
	flags.BoolVar(&s.Sitemaps, "sitemaps", s.Sitemaps, "read sitemaps too: those that robots.txt names, those met, and their indexes")
	flags.BoolVar(&s.Resources, "resources", s.Resources, "also fetch what pages embed: images, style sheets, scripts, fonts, media")
	flags.StringVar((*string)(&s.ResourceScope), "resource-scope", string(s.ResourceScope), "on which hosts such resources may lie: host, domain or any")
	flags.Int64Var(&s.Pages, "pages", s.Pages, "end after so many pages (0: no limit)")
	flags.Var(&s.Bytes, "bytes", "end after so many bytes, such as 2GB (0: no limit)")
	flags.Var(&s.Time, "time", "end after so long, such as 1h30m (0: no limit)")
	flags.Int64Var(&s.PagesPerHost, "pages-per-host", s.PagesPerHost, "most pages of a host (0: no limit)")
	flags.Var(&s.Delay, "delay", "least time between the starts of two requests to a host")
	flags.StringVar((*string)(&s.Politeness), "politeness", string(s.Politeness), "whom a host is shared with: fleet, all jobs of the fleet; job, this one alone, for a site of your own")
	flags.Var(&s.AddressDelay, "address-delay", "least time between the starts of two requests to one address, whichever hosts they are for (0: none)")
	flags.StringSliceVar(&s.AddressExempt, "address-exempt", nil, "networks that --address-delay is not about, such as 192.0.2.0/24")
	flags.Float64Var(&s.Throttle, "throttle", s.Throttle, "wait so many times as long as a host takes to answer, if that is longer than --delay (0: never)")
	flags.IntVar(&s.PerHost, "per-host", s.PerHost, "most connections to a host at once")
	flags.IntVar(&s.Concurrency, "concurrency", s.Concurrency, "most hosts visited at once")
	flags.StringVar(&s.UserAgent, "user-agent", s.UserAgent, "sent with every request; its first word is what robots.txt is matched with")
	flags.BoolVar(&s.IgnoreRobots, "ignore-robots", s.IgnoreRobots, "fetch what robots.txt forbids: for sites of your own")
	flags.BoolVar(&s.Cookies, "cookies", s.Cookies, "send cookies back to the hosts that set them; each worker has its own, in memory")
	flags.IntVar(&s.RobotsTries, "robots-tries", s.RobotsTries, "how often to ask for a robots.txt that can not be had")
	flags.Var(&s.CrawlDelayCap, "crawl-delay-cap", "longest Crawl-delay of a robots.txt that is obeyed")
	flags.IntVar(&s.HostTries, "host-tries", s.HostTries, "how often in a row a host may refuse or not be reached before it is given up")
	flags.IntVar(&s.Retries, "retries", s.Retries, "how often to try again what failed and may pass")
	flags.Var(&s.RetryPause, "retry-pause", "pause before the first retry; it doubles with each")
	flags.Var(&s.BodyLimit, "body-limit", "most bytes of a body that are kept")
	flags.Var(&s.Timeout, "timeout", "most time for one request")
	flags.Var(&s.MinRate, "min-rate", "least bytes of a body in a second, over 20s; a slower one is cut off there (0: however slow)")
	flags.StringVar((*string)(&s.Durable), "durable", string(s.Durable), "when a page for a bucket counts as settled: shipped (it has arrived there) or disk (it is on the worker's disk)")
	flags.Var(&s.LostAfter, "lost-after", "fetch pages that are not shipped again when their worker has not been heard of for so long")
	flags.BoolVar(&s.KeepNoindex, "keep-noindex", s.KeepNoindex, "keep the content of pages that ask not to be indexed")
	flags.BoolVar(&s.Canonical, "canonical", s.Canonical, "obey rel=canonical: fetch the canonical form, and record the page as its duplicate")
	flags.BoolVar(&s.Duplicates, "duplicates", s.Duplicates, "record of each page the first of its host that had the same body")
	flags.BoolVar(&s.Simhash, "simhash", s.Simhash, "record a fingerprint of each page's text, by which near duplicates are told")
	flags.StringArrayVar(&s.Select, "select", nil, "field to extract: name=css, name=css@attribute, name[]=css for all; may be repeated")
	flags.BoolVar(&s.Text, "text", s.Text, "record the main text of each page, without menus and the like")
	flags.BoolVar(&s.Markdown, "markdown", s.Markdown, "record the main content of each page as Markdown")
	flags.BoolVar(&s.Links, "links", s.Links, "list the links in each record, instead of counting them")
	flags.BoolVar(&s.Journal, "journal", s.Journal, "note every request in the output folder, for trawl audit")
	flags.StringVar(&s.Contact, "contact", "", "how to reach you, such as an e-mail address; sent with every request as From")
	flags.IntVar(&s.Shards, "shards", s.Shards, "slots of a Redis Cluster to spread the job over")
	s.registerReach(flags)
	s.registerHeader(flags)
	flags.BoolVar(&s.restart, "restart", false, "crawl again from the start; earlier results are set aside")
	flags.BoolVarP(&s.verbose, "verbose", "v", false, "log each visit")
}

// registerSpool defines the flags that say how results come to a bucket.
func (s *settings) registerSpool(flags *pflag.FlagSet) {
	flags.StringVar(&s.Spool, "spool", s.Spool, "folder in which results wait for a bucket (default: one of the user's own; of trawl crawl: in its folder)")
	flags.Var(&s.SpoolLimit, "spool-limit", "about how many bytes may wait there; when there are more, nothing is fetched until the bucket has taken some")
	flags.Var(&s.ShipEvery, "ship-every", "bring results to a bucket that are so old, if not before")
}

// outlet says where the results go.
func (s *settings) outlet(log *slog.Logger) fleet.OutletConfig {
	return fleet.OutletConfig{Where: s.Out, Spool: s.Spool, SpoolLimit: int64(s.SpoolLimit), ShipEvery: time.Duration(s.ShipEvery), Log: log}
}

// folder is where a crawl on this machine keeps what it needs to go on:
// that of its results, or, when they go to a bucket, one of its own.
func (s *settings) folder() string {
	if output.IsBucket(s.Out) {
		return "crawl-" + s.Name
	}
	return s.Out
}

// registerReach defines the flags that say how far connections may go. They are
// about a process, not about a job.
func (s *settings) registerReach(flags *pflag.FlagSet) {
	flags.StringSliceVar(&s.AllowCIDR, "allow-cidr", nil, "private networks that may be connected to, such as 10.0.0.0/8; may be repeated")
	flags.BoolVar(&s.AllowPrivate, "allow-private", s.AllowPrivate, "all private addresses may be connected to")
	flags.StringSliceVar(&s.Ports, "ports", nil, "ports that may be connected to, besides those of seeds: 8080, 8000-9000 or any; may be repeated (default: 80, 443, 8000-9000, and all in private networks that are opened)")
	flags.StringSliceVar(&s.Resolvers, "resolvers", nil, "name servers to ask, such as 9.9.9.9 or 10.0.0.1:5353; may be repeated (default: the system's)")
	s.Credentials.register(flags)
}

// priorityRules are the rules of --priorities.
type priorityRules []crawler.PriorityRule

// Set adds a rule.
func (p *priorityRules) Set(short string) error {
	rule, err := crawler.ParsePriorityRule(short)
	if err == nil {
		*p = append(*p, rule)
	}
	return err
}

// String is empty: there are none unless they are given.
func (p *priorityRules) String() string { return "" }

// Type names the value of the flag.
func (p *priorityRules) Type() string { return "priority=regexp" }

// resolve finds the settings of a command whose flags wrote into s: default,
// job file, environment, flags, each over the one before.
func (s *settings) resolve(cmd *cobra.Command) error {
	if err := fromEnvironment(cmd.Flags()); err != nil {
		return err
	}
	said := *s
	final := defaultSettings()
	final.Follow = said.Follow
	final.file, final.restart, final.verbose = said.file, said.restart, said.verbose
	if said.file != "" {
		if err := readJobFile(said.file, &final); err != nil {
			return err
		}
	}
	cmd.Flags().Visit(func(f *pflag.Flag) { copyField(&final, &said, f.Name) })
	*s = final
	return s.check()
}

// fromEnvironment sets the flags that were not given from TRAWL_ variables.
func fromEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := "TRAWL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := os.LookupEnv(name)
		if !ok || f.Changed || err != nil {
			return
		}
		if set := flags.Set(f.Name, value); set != nil {
			err = usage("%s=%q in the environment: %v", name, value, set)
		}
	})
	return err
}

// copyField copies the field that a flag sets, which has its name in the job
// file.
func copyField(to, from *settings, flag string) {
	name := strings.ReplaceAll(flag, "-", "_")
	if name == "job" {
		name = "name"
	}
	for _, part := range []struct{ to, from reflect.Value }{
		{reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem()},
		{reflect.ValueOf(&to.Job).Elem(), reflect.ValueOf(&from.Job).Elem()},
		{reflect.ValueOf(&to.Credentials).Elem(), reflect.ValueOf(&from.Credentials).Elem()},
	} {
		for i := range part.to.NumField() {
			if part.to.Type().Field(i).Tag.Get("yaml") == name {
				part.to.Field(i).Set(part.from.Field(i))
			}
		}
	}
}

// check refuses what the job's own validation does not see.
func (s *settings) check() error {
	if s.Concurrency < 1 || s.Concurrency > 100_000 {
		return usage("concurrency: %d is out of range: want 1 to 100000", s.Concurrency)
	}
	if s.SpoolLimit < 1 {
		return usage("spool-limit: %d is out of range: want 1 or more bytes", s.SpoolLimit)
	}
	if time.Duration(s.ShipEvery) < time.Second {
		return usage("ship-every: %v is out of range: want 1s or more", time.Duration(s.ShipEvery))
	}
	_, err := s.reach()
	return err
}

// reach returns what a fetcher is to be told about how far it may go.
func (s *settings) reach() (fetch.Config, error) {
	cfg := fetch.Config{AllowPrivate: s.AllowPrivate}
	for _, c := range s.AllowCIDR {
		network, err := netip.ParsePrefix(c)
		if err != nil {
			return cfg, usage("allow-cidr: %q is not a network (write 10.0.0.0/8)", c)
		}
		cfg.AllowCIDR = append(cfg.AllowCIDR, network)
	}
	var err error
	if cfg.Ports, err = fetch.ParsePorts(s.Ports); err != nil {
		return cfg, usage("%v", err)
	}
	if cfg.Rules, err = s.rules(); err != nil {
		return cfg, err
	}
	cfg.Resolver, err = s.resolver()
	return cfg, err
}

// resolver returns what finds the addresses of names.
func (s *settings) resolver() (*fetch.Resolver, error) {
	var servers []netip.AddrPort
	for _, text := range s.Resolvers {
		server, err := netip.ParseAddrPort(text)
		if err != nil {
			var address netip.Addr
			address, err = netip.ParseAddr(text)
			server = netip.AddrPortFrom(address, 53)
		}
		if err != nil {
			return nil, usage("resolvers: %q is no name server (write 9.9.9.9 or 10.0.0.1:5353)", text)
		}
		servers = append(servers, server)
	}
	return fetch.NewResolver(servers), nil
}
