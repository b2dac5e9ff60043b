package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// beside is what the other workers of a Redis may do for a crawl of this command. The
// zero value is for a Redis without other workers.
type beside struct {
	origin crawler.Origin
	opened crawler.Opened
}

// commandName names the command of this process in the job that it begins.
func commandName() string {
	return fmt.Sprintf("trawl crawl on %s, process %d", fleet.HostName(), os.Getpid())
}

// besides says what other workers may do for a crawl: whatever the operator opened by
// naming hosts and networks travels with the job, and they may connect there for it.
// They may do nothing where pages would differ, or be lost, if they fetched them:
// logins, headers, proxies, authorities and name servers are of this process alone, and
// so is standard output.
func besides(s settings, b *fleet.Backing, home []crawler.Host, toStdout bool) (beside, error) {
	if b.Private {
		return beside{}, nil
	}
	reach, err := s.reach()
	if err != nil {
		return beside{}, err
	}
	with := beside{
		origin: crawler.Origin{Opens: true},
		opened: crawler.Opened{Hosts: home, Networks: reach.AllowCIDR, Private: s.AllowPrivate},
	}
	own := s.Access != "" || len(s.Header)+len(s.Proxy)+len(s.CA)+len(s.Insecure)+len(s.Resolvers)+len(s.Ports) > 0
	if own || toStdout || slices.ContainsFunc(home, isMetadata) {
		with.origin.Owner = commandName()
	}
	return with, nil
}

// isMetadata reports whether a host is written as the address of a cloud's metadata
// service, which is never opened for others.
func isMetadata(h crawler.Host) bool {
	address, ok := h.Address()
	return ok && fetch.IsMetadata(address)
}

// create creates the job.
func (b beside) create(ctx context.Context, store *frontier.Store, job crawler.Job) error {
	if b.origin.Opens {
		if err := store.OpenHosts(ctx, job.Name, b.opened); err != nil {
			return err
		}
	}
	return store.CreateFrom(ctx, job, b.origin)
}

// renew notes them with a job that goes on.
func (b beside) renew(ctx context.Context, store *frontier.Store, job crawler.Job) error {
	if !b.origin.Opens {
		return nil
	}
	if err := store.OpenHosts(ctx, job.Name, b.opened); err != nil {
		return err
	}
	return store.SetOrigin(ctx, job.Name, b.origin)
}

// alone is after how long all workers have let go of a job that they may not serve any
// more.
const alone = 2 * time.Second

// lend opens a host of a list for the other workers, and takes the crawl from them when
// the list has a login, which they do not have.
func (l *laptop) lend(ctx context.Context, s seed) {
	if !l.beside.origin.Opens {
		return
	}
	name, h := l.settings.Name, s.url.Host()
	var err error
	switch {
	case l.beside.origin.Owner != "":
	case !s.login.IsZero() || isMetadata(h):
		l.beside.origin.Owner = commandName()
		err = l.store.SetOrigin(ctx, name, l.beside.origin)
		select {
		case <-time.After(alone):
		case <-ctx.Done():
		}
	case !l.lent[h]:
		l.lent[h] = true
		err = l.store.OpenHosts(ctx, name, crawler.Opened{Hosts: []crawler.Host{h}})
	}
	if err != nil && ctx.Err() == nil {
		l.fail(failed("%v", err))
	}
}

// keeps tells the job how many pages of a visit are in the folder of this command.
func (l *laptop) keeps(r crawler.Report) {
	if !l.beside.origin.Opens {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), fleet.ReadyTerm)
	defer cancel()
	kept := crawler.Kept{Worker: ownPlace, Machine: fleet.HostName(), Where: l.settings.Out, Pages: r.Pages}
	_ = l.store.Keep(ctx, l.settings.Name, kept) // it is a help for people
}

// ownPlace is the place of the command's own pages among those of the job: no worker has
// such a name, which would not do for a file.
const ownPlace = "trawl crawl/"

// toldAfter is for how long the reports of other workers are waited for at the end.
const toldAfter = 2 * time.Second

// elsewhere returns where other workers keep pages of the crawl.
func (l *laptop) elsewhere(ctx context.Context, pages int64) []crawler.Kept {
	if !l.beside.origin.Opens {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), toldAfter)
	defer cancel()
	for {
		all, err := l.store.Places(ctx, l.settings.Name)
		told := int64(0)
		for _, k := range all {
			told += k.Pages
		}
		if err != nil || told >= pages || ctx.Err() != nil {
			return slices.DeleteFunc(all, func(k crawler.Kept) bool { return k.Worker == ownPlace || k.Pages == 0 })
		}
		select {
		case <-time.After(watchEvery):
		case <-ctx.Done():
		}
	}
}

// sayElsewhere says where pages of a crawl are besides in its own folder.
func sayElsewhere(w io.Writer, job string, places []crawler.Kept) {
	for _, k := range places {
		fmt.Fprintf(w, "trawl: %d pages of %s are in %q on machine %s, where worker %s keeps them: read them there, too\n",
			k.Pages, job, k.Where, k.Machine, k.Worker)
	}
}
