package setting

import (
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/identity"
	"github.com/trawlcrawler/trawl/internal/textform"
)

// Values are the values of all settings: those of a job, and those of the process that
// works on it. The tags are the keys of a YAML file. Start from [Default].
type Values struct {
	crawler.Job `yaml:",inline"`
	Process     `yaml:",inline"`
	Credentials `yaml:",inline"`
}

// Process are the settings of a process. They are not stored with a job.
type Process struct {
	// Out is where the results go: a folder, or the URL of a bucket. The default is a
	// folder named after the job.
	Out string `yaml:"out"`
	// Spool is the folder in which results wait to be shipped to a bucket. The default is a
	// folder of the user, or the folder of the crawl.
	Spool string `yaml:"spool"`
	// SpoolLimit is approximately how many bytes may wait there. Above it, no page is
	// fetched until some have been shipped.
	SpoolLimit crawler.Size `yaml:"spool_limit"`
	// ShipEvery is the longest time before a segment is shipped to a bucket.
	ShipEvery textform.Duration `yaml:"ship_every"`
	// Browser is the path or the address of the browser that renders pages. The default is a
	// Chromium on PATH.
	Browser string `yaml:"browser"`
	// Redis is the URL of a Redis. By default it is private or embedded.
	Redis string `yaml:"redis"`
	// RedisBudget is how much memory Redis may use before waiting URLs are moved to Spill. The
	// default 0 is three quarters of its maxmemory.
	RedisBudget crawler.Size `yaml:"redis_budget"`
	// Spill is the folder, or the URL of a bucket, for waiting URLs that do not fit. The default is
	// a folder beneath the results, or in the folder of the crawl.
	Spill string `yaml:"spill"`
	// Concurrency is the largest number of open visits, and so of hosts, since each has
	// one.
	Concurrency int `yaml:"concurrency"`
	// AllowCIDR lists private networks that may be connected to.
	AllowCIDR []string `yaml:"allow_cidr"`
	// AllowPrivate allows connections to all private addresses.
	AllowPrivate bool `yaml:"allow_private"`
	// Ports lists ports that may be connected to in addition to those of seeds: 8080,
	// 8000-9000, any. The default is 80, 443, 8000-9000, and every port in the private
	// networks that are allowed.
	Ports []string `yaml:"ports"`
	// Resolvers lists name servers to use instead of the system's. The default is none.
	Resolvers []string `yaml:"resolvers"`
	// Listen is the address of the endpoints for health and metrics; "" for none.
	Listen string `yaml:"listen"`
	// LogFormat is the format of the log: text or json.
	LogFormat string `yaml:"log_format"`
	// LogLevel is the lowest level that is logged: debug, info, warn or error.
	LogLevel string `yaml:"log_level"`
}

// Credentials are the secrets and proxies that a process uses to reach hosts, and the
// certificate authorities that it trusts. They stay in the process: they are never stored
// in a job, and so never in Redis.
type Credentials struct {
	// Access is the path of a file of rules.
	Access string `yaml:"access"`
	// Identity is the path of the file with the key that signs requests; "" signs none.
	Identity string `yaml:"identity"`
	// Sign is when requests are signed: always, when-asked or never.
	Sign string `yaml:"sign"`
	// SignatureForm is the form of the Signature-Agent header: dictionary or string.
	SignatureForm string `yaml:"signature_form"`
	// Header lists headers, as NAME: VALUE, for the hosts of the seeds that the user named.
	Header []string `yaml:"header"`
	// Proxy lists the proxies for all hosts that no rule gives other proxies.
	Proxy []string `yaml:"proxy"`
	// ProxyRemoteDNS makes these proxies resolve host names.
	ProxyRemoteDNS bool `yaml:"proxy_remote_dns"`
	// CA lists files of certificate authorities to trust in addition to the system's.
	CA []string `yaml:"ca"`
	// Insecure lists hosts whose certificates are not verified.
	Insecure []string `yaml:"insecure"`
}

// DefaultRedis is the Redis that the commands of a fleet use unless they are told another.
const DefaultRedis = "redis://127.0.0.1:6379/0"

// Default returns all settings at their defaults.
func Default() Values {
	return Values{Job: crawler.DefaultJob(), Process: Process{
		Concurrency: 256, SpoolLimit: 10 << 30, ShipEvery: textform.Duration(time.Minute), LogFormat: "text",
		LogLevel: "info",
	}, Credentials: Credentials{Sign: string(identity.ModeAlways), SignatureForm: string(identity.FormDictionary)}}
}
