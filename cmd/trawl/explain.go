package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/crawler/robots"
	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/export"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
)

// explainCommand tells what happened to a URL.
func explainCommand() *cobra.Command {
	var redisURL, out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain JOB|DIR URL",
		Short: "Say what happened to a URL of a crawl, and why",
		Long: `Explain says what happened to a URL, and why: its normalised form, who linked to it, which rule
of scope, line of robots.txt, trap or budget decides, where it waits and for how long, how it
ended, and which requests were made for it. It makes no request.

A folder is that of a crawl on this machine, which must not be running. A job is one of a
fleet; with --out its results are looked at as well.

` + exitHelp,
		Example: `  trawl explain python-docs http://127.0.0.1:8000/library/
  trawl explain news https://example.org/a --out /data/crawls`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			u, err := crawler.ParseURL(args[1])
			if err != nil {
				return usage("%v", err)
			}
			x := &explanation{Given: args[1], URL: u}
			if _, err := os.Stat(filepath.Join(args[0], localcrawl.StateDir)); err == nil {
				err = x.ofFolder(cmd.Context(), args[0], redisURL, cmd.Flags().Changed("redis"))
				if err != nil {
					return err
				}
			} else if err := x.ofFleet(cmd.Context(), redisURL, args[0], out); err != nil {
				return err
			}
			x.compare()
			if asJSON {
				return printJSON(stdout, x)
			}
			return x.print(stdout)
		},
	}
	registerRedis(cmd.Flags(), &redisURL)
	cmd.Flags().StringVar(&out, "out", "", "the workers' output, a folder or the URL of a bucket, when a job of a fleet is named")
	cmd.Flags().BoolVar(&asJSON, "json", false, "answer in JSON")
	return cmd
}

// explanation is what happened to a URL.
type explanation struct {
	Given string        `json:"given"`
	URL   crawler.URL   `json:"url"`
	Job   string        `json:"job"`
	State crawler.State `json:"state"`
	Why   string        `json:"why"` // the job is in this state

	As     role   `json:"as"`     // what the crawl takes it for; "" when that is not known
	Scope  string `json:"scope"`  // why it does not belong to the job as that, or as a page; "" when it does
	Else   role   `json:"else"`   // what it may belong to the job as, when that is not known and as a page it does not
	Trap   string `json:"trap"`   // why it is left alone
	Robots string `json:"robots"` // what robots.txt says

	Place    crawler.Place       `json:"place"`
	Via      crawler.URL         `json:"via"`
	Depth    int                 `json:"depth"`
	Tries    int                 `json:"tries"`
	Before   int64               `json:"before"`
	Priority crawler.Priority    `json:"priority,omitempty"` // while it waits or is in flight
	DueMS    int64               `json:"due_ms"`
	Host     *crawler.HostStatus `json:"host"`
	Record   *crawler.Record     `json:"record"`
	Requests []sink.Request      `json:"requests"`

	// Lost says that the URL is settled, and that its record is missing in the output.
	Lost bool `json:"lost,omitempty"`
	// Records compares what the job has settled with the output; nil where one of them is
	// not known.
	Records *crawler.Comparison `json:"records,omitempty"`

	embeds  int    // resources in a row that led to it from a page
	results string // the folder that was searched; "" for none
	recall
}

// ofFolder explains by a crawl on this machine.
func (x *explanation) ofFolder(ctx context.Context, path, redisURL string, named bool) (err error) {
	dir, err := localcrawl.OpenFolder(path, words)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	crawl, err := localcrawl.ReadNote(path)
	if err != nil {
		return err
	}
	if crawl == nil {
		return usage("%q holds no crawl", path)
	}
	x.own = true
	if err := x.ofResults(ctx, resultsOf("", path)); err != nil {
		return err
	}
	x.Job, x.State, x.Why, x.called = crawl.Job, crawler.State(crawl.State), crawl.Reason, path
	x.scattered = len(crawl.Elsewhere) > 0
	if crawl.Backing == localcrawl.InMemory || crawl.Backing != localcrawl.InPrivate && !named {
		return x.ofScope(crawl.Settings, nil) // its frontier is gone, or not named
	}
	if crawl.Backing == localcrawl.InPrivate {
		redisURL = ""
	}
	back, err := connectAgain(ctx, redisURL, dir.State(), newLog(false))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back.Close()) }()
	return x.ofStore(ctx, frontier.New(back.Client), crawl.Job)
}

// ofFleet explains by a job of a fleet.
func (x *explanation) ofFleet(ctx context.Context, redisURL, job, out string) (err error) {
	back, err := connectShared(ctx, redisURL, newLog(false))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back.Close()) }()
	if err := x.ofStore(ctx, frontier.New(back.Client), job); err != nil || out == "" {
		return jobError(err)
	}
	return x.ofResults(ctx, resultsOf(out, job))
}

// ofStore explains by what the fleet remembers.
func (x *explanation) ofStore(ctx context.Context, store *frontier.Store, job string) error {
	status, err := store.Status(ctx, job)
	if err != nil {
		return err
	}
	x.Job, x.State, x.Why, x.called = job, status.State, status.Reason, cmp.Or(x.called, job)
	if x.numbers, err = store.Counters(ctx, job); err != nil && !errors.Is(err, crawler.ErrGarbage) {
		return err
	}
	places, err := store.Places(ctx, job)
	if err != nil {
		return err
	}
	x.scattered = x.scattered || len(apart(places)) > 1
	homes, err := store.Homes(ctx, job)
	if err != nil {
		return err
	}
	found, err := store.Frontier(status.Job).Find(ctx, x.URL)
	if err != nil {
		return err
	}
	x.Place, x.Before, x.DueMS = found.Place, found.Before, found.Due.Milliseconds()
	if e := found.Entry; !e.URL.IsZero() {
		x.Via, x.Depth, x.Tries, x.embeds = e.Via, e.Depth, e.Tries+e.Spared, e.Embeds
		x.Priority = e.Band.Priority()
		x.As = roleOf(e.Sitemap, e.Embeds)
	}
	if err := x.ofScope(status.Job, homes); err != nil {
		return err
	}
	host, err := store.Frontier(status.Job).Host(ctx, x.URL.Host())
	if err != nil && !errors.Is(err, crawler.ErrNoHost) {
		return err
	}
	if err == nil {
		x.Host = &host
		for _, m := range host.Muted {
			if m.Matches(x.URL) {
				x.Trap = m.Reason()
			}
		}
	}
	return x.ofRobots(ctx, store, status.Job)
}

func (x *explanation) ofRobots(ctx context.Context, store *frontier.Store, job crawler.Job) error {
	if job.IgnoreRobots {
		x.Robots = "the job ignores it"
		return nil
	}
	known, err := robots.New(store.RobotsCache(), robots.Config{}).Recall(ctx, job, x.URL)
	if err != nil {
		return failed("%v", err)
	}
	switch at := known.At.UTC().Format(time.RFC3339); {
	case known.At.IsZero():
		x.Robots = "not known: it was not asked for within a day"
	case known.Rules == nil:
		x.Robots = fmt.Sprintf("forbids everything: %s (at %s)", known.Unavailable, at)
	default:
		verdict, line := "allows it", known.Rules.Line(x.URL)
		if !known.Rules.Allowed(x.URL) {
			verdict = "forbids it"
		}
		if line != "" {
			verdict += fmt.Sprintf(", by the line %q", line)
		}
		x.Robots = fmt.Sprintf("%s (had at %s)", verdict, at)
	}
	return nil
}

// ofResults explains by what was kept.
func (x *explanation) ofResults(ctx context.Context, dir string) error {
	x.results = dir
	if err := x.findRecord(ctx, dir); err != nil {
		return failed("explain: %v", err)
	}
	journals, err := filesOf(ctx, dir, sink.JournalPrefix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, file := range journals {
		err := eachLine(ctx, file, func(_ int64, line []byte) error {
			var r sink.Request
			if err := json.Unmarshal(line, &r); err != nil {
				return err
			}
			if r.URL == x.URL.String() {
				r.Rules = nil
				x.Requests = append(x.Requests, r)
			}
			return nil
		})
		if err != nil {
			return failed("explain: %v", err)
		}
	}
	return nil
}

// findRecord finds the last record of the URL in an output, whatever its format.
func (x *explanation) findRecord(ctx context.Context, dir string) error {
	crawl, err := export.Open(ctx, dir)
	if errors.Is(err, export.ErrNoOutput) {
		x.whole = x.own
		return nil
	}
	if err != nil {
		return err
	}
	x.whole = crawl.Whole()
	if x.counted, err = crawl.Count(ctx); err == nil {
		err = crawl.Last(ctx, func(r *export.Record) error {
			rec, err := r.Read()
			if err != nil {
				return fmt.Errorf("a line is no record: %w", err)
			}
			x.hear(&rec)
			return nil
		})
	}
	return errors.Join(err, crawl.Close())
}

func (x *explanation) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(t, name+"\t"+format+"\n", args...) }
	line("URL", "%s", x.URL)
	if x.Given != x.URL.String() {
		line("", "normalised from %q", x.Given)
	}
	if x.Why == "" {
		line("job", "%s, %s", x.Job, x.State)
	} else {
		line("job", "%s, %s: %s", x.Job, x.State, x.Why)
	}
	x.printScope(line)
	if x.Trap != "" {
		line("trap", "%s", x.Trap)
	}
	if x.Robots != "" {
		line("robots.txt", "%s", x.Robots)
	}
	x.printPlace(line)
	x.printHost(line)
	x.printRecord(line)
	for _, r := range x.Requests {
		line("request", "at %s by %s: %s", r.Start, r.Worker, answerOf(r))
	}
	return t.Flush()
}

func answerOf(r sink.Request) string {
	if r.Error != "" {
		return r.Error
	}
	return fmt.Sprintf("%d in %dms", r.Status, r.DurationMS)
}

func (x *explanation) printPlace(line func(string, string, ...any)) {
	switch x.Place {
	case "":
		return
	case crawler.PlaceUnseen:
		line("frontier", "it was never seen: no page that was read links to it, or its links are not followed")
		return
	case crawler.PlaceQueue:
		line("frontier", "it waits, behind %d others of its host", x.Before)
	case crawler.PlaceLater:
		line("frontier", "it is to be tried again in %v", time.Duration(x.DueMS)*time.Millisecond)
	case crawler.PlaceFlight:
		line("frontier", "a visit has it")
	case crawler.PlaceSettled:
		line("frontier", "%s", x.settled())
		return
	}
	found := "a seed"
	if !x.Via.IsZero() {
		found = fmt.Sprintf("found on %s", x.Via)
	}
	line("", "%s, depth %d, priority %s, tried %d times", found, x.Depth, x.Priority, x.Tries)
}

func (x *explanation) printHost(line func(string, string, ...any)) {
	h := x.Host
	if h == nil {
		return
	}
	switch {
	case h.Rules.Paused:
		line("host", "paused by an operator")
	case h.State == crawler.HostDue:
		line("host", "a visit is due in %v; %d URLs wait", h.Due, h.Waiting)
	case h.State == crawler.HostOpen:
		line("host", "%s visits it; %d URLs wait", h.Worker, h.Waiting)
	default:
		line("host", "%s; %d URLs wait", h.State, h.Waiting)
	}
	if h.Strikes > 0 {
		line("", "%d times in a row it refused or was not reached: %s", h.Strikes, h.Trouble)
	}
}

func (x *explanation) printRecord(line func(string, string, ...any)) {
	rec := x.Record
	if x.Records != nil && x.Records.Missing() > 0 {
		line("records", "%s", x.Records.Alarm(x.called))
	}
	if rec == nil {
		if x.results != "" {
			line("record", "none in %s", x.results)
		}
		return
	}
	line("record", "%s at %s by %s: status %d, %s", rec.Outcome, rec.FetchedAt, rec.Worker, rec.Status, bytesText(rec.Bytes))
	if rec.Error != "" {
		line("", "%s", rec.Error)
	}
	if rec.FinalURL != rec.URL {
		line("", "redirected to %s", rec.FinalURL)
	}
	if rec.Via != "" {
		line("", "found on %s, depth %d", rec.Via, rec.Depth)
	}
}
