package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/internal/setting"
)

// doctorTerm bounds all checks of the command together.
const doctorTerm = 30 * time.Second

// doctorCommand returns the command that checks what Trawl needs on this machine.
func doctorCommand() *cobra.Command {
	s := defaultSettings()
	var hosts []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check Redis, limits, disk, names, ports and the browser of this machine, and say what to do",
		Long: `Doctor checks what a crawl needs on this machine. With --redis it checks that Redis: whether it can
be reached, its version, whether it keeps its data, what it does when its memory is full, and how
far its clock is from that of this machine. It also checks the number of files that may be open,
the disk of the output folder, the resolver, and whether the address of --listen is free. It starts
the browser that jobs that render would use, shows nothing in it, and ends it: its version, its
sandbox, how many pages it would render at once, and the room for its files.

Names are looked up only for localhost and for the hosts that you name with --resolve. Doctor makes
no requests to them.

Exit statuses: 0 all is well, 1 something is wrong, 2 usage.`,
		Example: `  trawl doctor
  trawl doctor --redis redis://127.0.0.1:6379/0 --out /data/crawls --listen 127.0.0.1:9091`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			if err := checkRedis(s.Redis); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), doctorTerm)
			defer cancel()
			quiet(newLog(false))
			return report(stdout, "doctor", s.diagnose(ctx, hosts), asJSON)
		},
	}
	flags := cmd.Flags()
	s.registerNamed(flags, "redis", "out", "listen", "resolvers", "browser")
	flags.StringSliceVar(&hosts, "resolve", nil, "host whose addresses are looked up; may be repeated")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// registerNamed defines the flags of some settings.
func (s *settings) registerNamed(flags *pflag.FlagSet, names ...string) {
	s.base = s.Values
	for _, name := range names {
		row, _ := setting.Lookup(name)
		defineFlag(flags, row, &s.Values)
	}
}

// finding is the result of one check.
type finding struct {
	Check string `json:"check"`
	State state  `json:"state"`
	Text  string `json:"text"`         // what was found
	Do    string `json:"do,omitempty"` // what to do about it
}

// state says how serious a finding is.
type state string

const (
	stateGood  state = "ok"
	stateWarn  state = "warning" // a crawl works, with a risk
	stateWrong state = "wrong"   // a crawl does not work
)

// style returns how a terminal shows a state.
func (s state) style() style {
	switch s {
	case stateWarn:
		return styleWarn
	case stateWrong:
		return styleWrong
	}
	return styleGood
}

// diagnose carries out all checks.
func (s *settings) diagnose(ctx context.Context, hosts []string) (all []finding) {
	all = append(all, redisFindings(ctx, s.Redis)...)
	all = append(all, filesFinding(), diskFinding(s.Out))
	for _, host := range append([]string{"localhost"}, hosts...) {
		all = append(all, s.nameFinding(ctx, host))
	}
	if s.Listen != "" {
		all = append(all, portFinding(s.Listen))
	}
	return append(all, browserFindings(ctx, s.Browser)...)
}

// report prints the findings of a command. It is an error if something is wrong.
func report(w io.Writer, command string, all []finding, asJSON bool) error {
	wrong := 0
	for _, f := range all {
		if f.State == stateWrong {
			wrong++
		}
	}
	if asJSON {
		if err := printJSON(w, all); err != nil {
			return err
		}
	} else {
		for _, f := range all {
			if err := paint(w, span{fmt.Sprintf("%-8s", f.State), f.State.style()}); err != nil {
				return err
			}
			fmt.Fprintf(w, " %s: %s\n", f.Check, f.Text)
			if f.Do != "" {
				fmt.Fprintf(w, "         %s\n", f.Do)
			}
		}
	}
	if wrong > 0 {
		return failed("%s: %s wrong", command, plain.Plural(int64(wrong), "thing is", "things are"))
	}
	return nil
}

// redisFindings checks a Redis, or where a private one would come from.
func redisFindings(ctx context.Context, url string) []finding {
	if url == "" {
		if path, ok := redisd.Find(); ok {
			return []finding{{"redis", stateGood, "trawl crawl starts a private one: " + path, ""}}
		}
		return []finding{{"redis", stateGood, "trawl crawl uses the built-in one: there is no redis-server on PATH",
			""}}
	}
	endpoint, err := redisconn.ParseEndpoint(url)
	if err != nil {
		return []finding{{"redis", stateWrong, err.Error(), "Correct --redis."}}
	}
	client := endpoint.Client()
	defer client.Close()
	began := time.Now()
	if err := client.Ping(ctx).Err(); err != nil {
		return []finding{{"redis", stateWrong, fmt.Sprintf("%s cannot be reached: %v", endpoint, err),
			"Start it, or correct --redis. A firewall or a password may be in the way."}}
	}
	took := time.Since(began).Round(100 * time.Microsecond)
	all := []finding{{"redis", stateGood, fmt.Sprintf("%s answers after %v", endpoint, took), ""}}
	info, err := client.Info(ctx).Result()
	if err != nil {
		return append(all, finding{"redis", stateWarn, fmt.Sprintf("INFO is refused: %v", err),
			"Allow the command INFO, so that its settings can be checked."})
	}
	known := infoFields(info)
	return append(all, versionFinding(known), memoryFinding(known), persistenceFinding(known),
		clockFinding(ctx, client))
}

// infoFields parses what INFO returns.
func infoFields(text string) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all
}

func versionFinding(info map[string]string) finding {
	version := info["redis_version"]
	if !redisconn.Supported(version) {
		return finding{"redis version", stateWrong, fmt.Sprintf("%q is older than %s", version, redisconn.Oldest),
			"Update Redis to version " + redisconn.Oldest + " or later."}
	}
	return finding{"redis version", stateGood, version, ""}
}

func memoryFinding(info map[string]string) finding {
	policy := info["maxmemory_policy"]
	if policy != "" && policy != "noeviction" {
		return finding{"redis memory", stateWrong,
			fmt.Sprintf("maxmemory-policy is %q, so that Redis may drop parts of a crawl", policy),
			"Set maxmemory-policy noeviction: Trawl waits while Redis is full."}
	}
	if info["maxmemory"] == "0" {
		return finding{"redis memory", stateGood, info["used_memory_human"] + " used, without a limit", ""}
	}
	return finding{"redis memory", stateGood, info["used_memory_human"] + " used of " + info["maxmemory_human"], ""}
}

func persistenceFinding(info map[string]string) finding {
	switch {
	case info["aof_enabled"] == "1" && info["aof_last_write_status"] == "err", info["rdb_last_bgsave_status"] == "err":
		return finding{"redis persistence", stateWrong, "the last write to disk failed",
			"Look into the log of Redis: its disk may be full."}
	case info["aof_enabled"] == "1":
		return finding{"redis persistence", stateGood, "append-only file", ""}
	}
	return finding{"redis persistence", stateWarn,
		"there is no append-only file: a restart loses what happened since the last snapshot, and it is fetched again",
		"Set appendonly yes and appendfsync everysec."}
}

// maxClockGap is how far two clocks may be apart. Time in Redis is by its own clock, but
// records have that of the worker.
const maxClockGap = 2 * time.Second

func clockFinding(ctx context.Context, client redis.UniversalClient) finding {
	before := time.Now()
	there, err := client.Time(ctx).Result()
	if err != nil {
		return finding{"clock", stateWarn, fmt.Sprintf("Redis does not tell its time: %v", err), ""}
	}
	gap := there.Sub(before.Add(time.Since(before) / 2)).Round(time.Millisecond)
	if gap.Abs() > maxClockGap {
		return finding{"clock", stateWrong, fmt.Sprintf("that of Redis differs by %v", gap), "Set both clocks by NTP."}
	}
	return finding{"clock", stateGood, fmt.Sprintf("that of Redis differs by %v", gap), ""}
}

// wantFiles is how many files a process should be able to have open: a connection for each
// of 256 hosts, those to Redis, and files of results.
const wantFiles = 1024

// filesFinding checks the limit of open files.
func filesFinding() finding {
	limit, err := openFiles()
	switch {
	case err != nil:
		return finding{"open files", stateWarn, err.Error(), ""}
	case limit < wantFiles:
		return finding{"open files", stateWrong, fmt.Sprintf("%d may be open", limit),
			"Run ulimit -n 65536, or set LimitNOFILE in the unit of systemd; or lower --concurrency."}
	}
	return finding{"open files", stateGood, fmt.Sprintf("%d may be open", limit), ""}
}

// wantDisk is how much room the output folder should have.
const wantDisk = 1 << 30

// diskFinding checks the folder of the results: whether it can be written, and its room.
func diskFinding(out string) finding {
	if output.IsBucket(out) {
		return finding{"output", stateGood, "it is a bucket; a worker checks at its start whether it can write there",
			""}
	}
	folder := existing(out)
	probe, err := os.CreateTemp(folder, ".trawl-doctor-*")
	if err != nil {
		return finding{"output", stateWrong, fmt.Sprintf("%q cannot be written: %v", folder, err),
			"Name another folder with --out, or change who may write to it."}
	}
	_ = probe.Close() // nothing was written to it
	if err := os.Remove(probe.Name()); err != nil {
		return finding{"output", stateWarn, err.Error(), ""}
	}
	room, err := roomOn(folder)
	switch {
	case err != nil:
		return finding{"output", stateWarn, err.Error(), ""}
	case room < wantDisk:
		return finding{"output", stateWrong, fmt.Sprintf("%q has room for %v", folder, mebibytes(room)),
			"Make room, or name a folder on another disk with --out."}
	}
	return finding{"output", stateGood, fmt.Sprintf("%q has room for %v", folder, mebibytes(room)), ""}
}

// mebibytes rounds a number of bytes down, for people.
func mebibytes(bytes uint64) crawler.Size { return crawler.Size(bytes >> 20 << 20) }

// existing returns a folder, or the nearest one above it that exists.
func existing(folder string) string {
	for folder = filepath.Clean(folder); ; folder = filepath.Dir(folder) {
		if info, err := os.Stat(folder); err == nil && info.IsDir() || folder == filepath.Dir(folder) {
			return folder
		}
	}
}

// nameFinding looks a host up with the resolver that a crawl would use.
func (s *settings) nameFinding(ctx context.Context, host string) finding {
	check := "name " + host
	resolver, err := s.resolver()
	if err != nil {
		return finding{check, stateWrong, err.Error(), "Correct --resolvers."}
	}
	found, err := resolver.Lookup(ctx, host)
	if host == "localhost" { // name servers do not know it (RFC 6761, 6.3)
		found, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}
	if err != nil {
		return finding{check, stateWrong, err.Error(),
			"Check /etc/resolv.conf and /etc/hosts, or name servers with --resolvers."}
	}
	var texts []string
	for _, a := range found {
		texts = append(texts, a.Unmap().String())
	}
	return finding{check, stateGood, strings.Join(texts, ", "), ""}
}

// portFinding checks whether an address to listen on is free.
func portFinding(listen string) finding {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return finding{"listen", stateWrong, err.Error(),
			"Choose another address with --listen, or stop the process that uses this one."}
	}
	if err := listener.Close(); err != nil {
		return finding{"listen", stateWarn, err.Error(), ""}
	}
	return finding{"listen", stateGood, listen + " is free", ""}
}
