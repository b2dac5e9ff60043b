package main

import (
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/dns"
	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/guard"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/setting"
)

// settings are the settings of one command line. In a job file they have the names of the
// flags, with underscores. A flag takes precedence over the environment (TRAWL_ and the
// flag's name in capitals), which takes precedence over the job file, that over the file
// of --config, and that over the default.
type settings struct {
	setting.Values

	base    setting.Values    // the command's defaults
	origins map[string]string // where values come from, by setting; others are defaults
	named   []crawler.URL     // the seeds whose hosts get Header
	file    string            // path of the job file
	source  source            // its content
	restart bool
	verbose bool
}

func defaultSettings() settings { return settings{Values: setting.Default()} }

// register defines the flags of the commands that fetch on this machine.
func (s *settings) register(flags *pflag.FlagSet) {
	flags.StringVarP(&s.file, "file", "f", "",
		"job file in YAML, with the flags' names in underscores; - for standard input")
	flags.BoolVar(&s.restart, "restart", false, "crawl again from the start; earlier results are set aside")
	flags.BoolVarP(&s.verbose, "verbose", "v", false, "log each visit")
	s.registerIn(flags, setting.InCrawl)
}

// registerIn defines the flags of the settings that apply in a place, with the values of s
// as their defaults.
func (s *settings) registerIn(flags *pflag.FlagSet, in setting.Place) {
	s.base = s.Values
	for _, row := range setting.Table() {
		if row.In&in != 0 && flags.Lookup(row.Flag()) == nil {
			defineFlag(flags, row, &s.Values)
		}
	}
}

// defineFlag defines the flag of a setting.
func defineFlag(flags *pflag.FlagSet, row setting.Setting, values *setting.Values) {
	name, help := row.Flag(), flagHelp(row, values)
	switch v := row.Pointer(values).(type) {
	case *string:
		flags.StringVar(v, name, *v, help)
	case *int:
		flags.IntVar(v, name, *v, help)
	case *int64:
		flags.Int64Var(v, name, *v, help)
	case *float64:
		flags.Float64Var(v, name, *v, help)
	case *bool:
		flags.BoolVar(v, name, *v, help)
	case *[]crawler.PriorityRule:
		flags.Var((*priorityRules)(v), name, help)
	case *[]crawler.Webhook:
		flags.Var((*webhooks)(v), name, help)
	case *[]string:
		if row.Whole {
			flags.StringArrayVar(v, name, *v, help)
		} else {
			flags.StringSliceVar(v, name, *v, help)
		}
	case pflag.Value:
		flags.Var(v, name, help)
	default:
		panic("trawl: the setting " + row.Name + " cannot be a flag")
	}
	annotate(flags.Lookup(name), row)
}

// outlet returns the configuration of where the results go.
func (s *settings) outlet(log *slog.Logger) fleet.OutletConfig {
	return fleet.OutletConfig{Where: s.Out, Spool: s.Spool, SpoolLimit: int64(s.SpoolLimit),
		ShipEvery: time.Duration(s.ShipEvery), Log: log}
}

// spill returns how waiting URLs that do not fit in Redis are moved out of it.
func (s *settings) spill() fleet.SpillConfig {
	return fleet.SpillConfig{Budget: int64(s.RedisBudget), Where: s.Spill}
}

// folder is where a crawl on this machine keeps its state: the folder of its results or, if
// they go to a bucket, a folder of its own.
func (s *settings) folder() string {
	if output.IsBucket(s.Out) {
		return "crawl-" + s.Name
	}
	return s.Out
}

// priorityRules is the value of --priorities.
type priorityRules []crawler.PriorityRule

// Set adds a rule.
func (p *priorityRules) Set(short string) error {
	var rule crawler.PriorityRule
	err := rule.Set(short)
	if err == nil {
		*p = append(*p, rule)
	}
	return err
}

// String is empty, because there are no rules by default.
func (p *priorityRules) String() string { return "" }

// Type describes the value of the flag.
func (p *priorityRules) Type() string { return "priority=regexp" }

// webhooks is the value of --webhooks: URLs of receivers of all events.
type webhooks []crawler.Webhook

// Set adds a receiver.
func (w *webhooks) Set(url string) error {
	*w = append(*w, crawler.Webhook{URL: url})
	return nil
}

// String is empty, because there are no webhooks by default.
func (w *webhooks) String() string { return "" }

// Type describes the value of the flag.
func (w *webhooks) Type() string { return "URL" }

// resolve computes the settings of a command whose flags wrote into s: default, --config,
// job file, environment and flags, each overriding the one before.
func (s *settings) resolve(cmd *cobra.Command) error {
	variables, err := fromEnvironment(cmd.Flags())
	if err != nil {
		return err
	}
	said := s.Values
	s.Values, s.origins = s.base, make(map[string]string)
	if err := s.readConfig(configPath(cmd.Flags())); err != nil {
		return err
	}
	if s.file != "" {
		if err := readJob(s.file, os.Stdin, s); err != nil {
			return err
		}
	}
	for _, row := range setting.Table() {
		flag := cmd.Flags().Lookup(row.Flag())
		if flag == nil || !flag.Changed || !isSetting(flag) {
			continue
		}
		row.Copy(&s.Values, &said)
		s.origins[row.Name] = "--" + flag.Name
		if variables[flag.Name] {
			s.origins[row.Name] = row.Variable()
		}
	}
	return s.check()
}

// check validates what the job's own validation does not cover.
func (s *settings) check() error {
	if s.Concurrency < 1 || s.Concurrency > 100_000 {
		return usage("concurrency: %d is out of range: want 1 to 100000", s.Concurrency)
	}
	if s.SpoolLimit < 1 {
		return usage("spool-limit: %d is out of range: want 1 or more bytes", s.SpoolLimit)
	}
	if s.RedisBudget < 0 {
		return usage("redis-budget: %d is out of range: want 0 or more bytes", s.RedisBudget)
	}
	if time.Duration(s.ShipEvery) < time.Second {
		return usage("ship-every: %v is out of range: want 1s or more", time.Duration(s.ShipEvery))
	}
	_, err := s.reach()
	return err
}

// reach returns the fetcher's configuration: where it may connect to, and how.
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
	if cfg.Ports, err = guard.ParsePorts(s.Ports); err != nil {
		return cfg, usage("%v", err)
	}
	if cfg.Rules, err = s.rules(); err != nil {
		return cfg, err
	}
	if cfg.Signer, cfg.Sign, err = s.signer(); err != nil {
		return cfg, err
	}
	cfg.Resolver, err = s.resolver()
	return cfg, err
}

// resolver returns the resolver for host names.
func (s *settings) resolver() (*dns.Resolver, error) {
	var servers []netip.AddrPort
	for _, text := range s.Resolvers {
		server, err := netip.ParseAddrPort(text)
		if err != nil {
			var address netip.Addr
			address, err = netip.ParseAddr(text)
			server = netip.AddrPortFrom(address, 53)
		}
		if err != nil {
			return nil, usage("resolvers: %q is not a name server address (write 9.9.9.9 or 10.0.0.1:5353)", text)
		}
		servers = append(servers, server)
	}
	return dns.NewResolver(servers), nil
}
