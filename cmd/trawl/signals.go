package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/guard"
	"github.com/trawlcrawler/trawl/internal/indexnow"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/robots"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/version"
	"github.com/trawlcrawler/trawl/internal/websub"
	"github.com/trawlcrawler/trawl/tasks"
)

// signalFlags say whether other sites may tell the fleet that pages have changed.
type signalFlags struct {
	public   string
	networks []string
}

func (f *signalFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.public, "public-url", "",
		"URL at which other sites reach this dashboard: opens /indexnow/JOB and /websub/… there, without the token, for jobs with indexnow or websub (default: closed)")
	flags.StringSliceVar(&f.networks, "signal-cidr", nil,
		"private networks in which key files, feeds and hubs may be, such as 10.0.0.0/8 (default: only public addresses)")
}

// check checks the flags.
func (f *signalFlags) check(readOnly bool) error {
	if _, err := rules.ParsePrefixes(f.networks); err != nil {
		return usage("signal-cidr: %v", err)
	}
	if f.public == "" {
		return nil
	}
	u, err := url.Parse(f.public)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "":
		return usage("public-url: %q is not the URL of a dashboard: want one such as https://trawl.example.com/", f.public)
	case readOnly:
		return usage("public-url: what other sites say changes jobs, and this dashboard is read-only: leave one of the two out")
	}
	return nil
}

// receivers serve the requests of other sites. Without a public URL there are no receivers.
type receivers struct {
	handlers map[string]http.Handler
	close    func()
}

// open starts the receivers.
func (f *signalFlags) open(ctx context.Context, c *tasks.Client, log *slog.Logger) (receivers, error) {
	if f.public == "" {
		return receivers{close: func() {}}, nil
	}
	networks, err := rules.ParsePrefixes(f.networks)
	if err != nil {
		return receivers{}, err
	}
	words := guard.Words{Private: "--signal-cidr 0.0.0.0/0", CIDR: "--signal-cidr"}
	fetcher, err := fetch.New(fetch.Config{AllowCIDR: networks, Words: words, IdleConns: 8})
	if err != nil {
		return receivers{}, err
	}
	id, err := c.FleetID(ctx)
	if err != nil {
		fetcher.Close()
		return receivers{}, err
	}
	s := &siteSignals{client: c, fetcher: fetcher}
	subscriber := websub.New(s.webSub(strings.TrimSuffix(f.public, "/"), id, networks, words, log))
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { subscriber.Run(ctx) })
	return receivers{
		handlers: map[string]http.Handler{
			"/indexnow/{job}": indexnow.New(indexnow.Config{
				Covers: s.covers, Fetch: s.keyFile, Changed: s.changed, Log: log}),
			"/websub/{id}": subscriber,
		},
		close: func() {
			cancel()
			running.Wait()
			fetcher.Close()
		},
	}, nil
}

// siteSignals passes signals of other sites to the jobs of the fleet.
type siteSignals struct {
	client  *tasks.Client
	fetcher *fetch.Fetcher
}

// Bounds of fetching.
const (
	signalTimeout = 15 * time.Second
	keyBytes      = 1 << 10
	topicBytes    = 1 << 20
)

// covers reports whether a host is in the scope of a job that takes IndexNow.
func (s *siteSignals) covers(ctx context.Context, job string, host crawler.Host) (bool, error) {
	status, err := s.running(ctx, job)
	if errors.Is(err, queue.ErrNoJob) || err == nil && !status.Job.IndexNow {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return s.client.Covers(ctx, status, host)
}

// changed tells a job what a site has announced.
func (s *siteSignals) changed(ctx context.Context, job string, urls []crawler.URL) error {
	status, err := s.running(ctx, job)
	if err != nil {
		return err
	}
	return s.client.Announced(ctx, status.Job.Name, urls)
}

// running returns a job, or the last run of a periodic job, which fetches nothing itself.
func (s *siteSignals) running(ctx context.Context, job string) (crawler.Status, error) {
	status, err := s.client.Status(ctx, job)
	if err == nil && status.Job.Schedule != "" {
		return s.client.Status(ctx, status.Run)
	}
	return status, err
}

// keyFile fetches the key file of a site. It ignores robots.txt, because the site itself has asked
// for this request.
func (s *siteSignals) keyFile(ctx context.Context, u crawler.URL) (status int, body []byte, err error) {
	status, _, body, err = s.fetch(ctx, u, "IndexNow", keyBytes)
	return status, body, err
}

// fetch makes one request.
func (s *siteSignals) fetch(ctx context.Context, u crawler.URL, purpose string,
	most int64) (status int, header http.Header, body []byte, err error) {
	page, err := s.fetcher.Fetch(ctx, fetched.Request{URL: u, UserAgent: "Trawl/" + version.Series + " (" + purpose + ")",
		BodyLimit: most, Timeout: signalTimeout, PortOpen: true})
	if err != nil {
		return 0, nil, nil, err
	}
	defer page.Release()
	if page.Fault != nil {
		return 0, nil, nil, errors.New(page.Fault.Text)
	}
	if page.Body != nil {
		if body, err = io.ReadAll(page.Body.Reader()); err != nil {
			return 0, nil, nil, err
		}
	}
	return page.Status, page.Header, body, nil
}

// webSub configures the subscriber. Its key is derived from the fleet's ID, which only the
// dashboards of the fleet know.
func (s *siteSignals) webSub(public, fleetID string, networks []netip.Prefix, words guard.Words,
	log *slog.Logger) websub.Config {
	key := sha256.Sum256([]byte("websub\x00" + fleetID))
	return websub.Config{
		Callback: public + "/websub", Key: key[:], Topics: s.topics, Fetch: s.topic, Changed: s.changed, Log: log,
		Client: guard.NewClient(guard.New(guard.Config{AllowCIDR: networks, Words: words}), signalTimeout),
	}
}

// topics lists the topics of all jobs that run.
func (s *siteSignals) topics(ctx context.Context) (all []websub.Topic, err error) {
	jobs, err := s.client.Jobs(ctx)
	for _, job := range jobs {
		if job.State.Ended() || job.Job.Schedule != "" {
			continue
		}
		for _, text := range job.Job.WebSub {
			if u, err := crawler.ParseURL(text); err == nil {
				all = append(all, websub.Topic{Job: job.Job.Name, Created: job.Created, URL: u})
			}
		}
	}
	return all, err
}

// topic fetches a topic to find its hub, if the topic's robots.txt, which the crawl has fetched
// before, allows it.
func (s *siteSignals) topic(ctx context.Context, t websub.Topic) (int, http.Header, []byte, error) {
	status, err := s.client.Status(ctx, t.Job)
	if err != nil {
		return 0, nil, nil, err
	}
	if !status.Job.IgnoreRobots {
		known, err := s.client.Robots(ctx, t.Job, t.URL.Host())
		if err != nil {
			return 0, nil, nil, err
		}
		if err := allowed(known, t.URL, status.Job.ProductToken()); err != nil {
			return 0, nil, nil, err
		}
	}
	return s.fetch(ctx, t.URL, "WebSub", topicBytes)
}

// allowed returns an error unless a robots.txt that is known allows a URL.
func allowed(known []queue.Robots, u crawler.URL, token string) error {
	for _, r := range known {
		switch {
		case r.Origin != u.Origin():
		case r.Unavailable != "":
			return fmt.Errorf("the robots.txt of %s is not available: %s", u.Host(), r.Unavailable)
		case !robots.Parse([]byte(r.Text), token).Allowed(u):
			return fmt.Errorf("robots.txt forbids %q", u)
		default:
			return nil
		}
	}
	return fmt.Errorf("the crawl has not asked for the robots.txt of %s: %w", u.Host(), websub.ErrNotYet)
}
