package frontier

import (
	"context"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// domainAccount is a visit's account of the page budget of its host's domain. Its ledger
// works like the job's, and all hosts of the domain share it, whatever shards they are in.
// A job without such a budget has no such ledgers in Redis.
//
// Pages count twice if they are fetched again because their output segment was lost.
type domainAccount struct {
	ledger
	domain string
	left   int // promised but not taken
}

func (f *Frontier) domainAccount(h crawler.Host, visit string) domainAccount {
	return domainAccount{ledger: ledger{frontier: f, visit: visit}, domain: h.Domain()}
}

// Allow reserves pages of the domain's budget; see [visit.HostLease].
func (l *HostLease) Allow(ctx context.Context, n int) (granted int, spent bool, err error) {
	most := l.frontier.budgets().domain
	if most == 0 {
		return n, false, nil
	}
	d := &l.domain
	if !d.used {
		d.free = l.account.out // taken before there was a budget
	}
	d.done += int64(d.left)
	d.left = 0
	got, err := d.call(ctx, n, most)
	if err != nil {
		return 0, false, err
	}
	d.used, d.left = true, int(got[0])
	return d.left, got[0] == 0 && got[1] >= most, nil
}

// take records that URLs were taken, whether pages were reserved for them or not.
func (d *domainAccount) take(taken int) {
	switch {
	case d.left > 0:
		d.ledger.take(d.left, taken)
	case d.used:
		d.out += int64(taken)
		d.free += int64(taken)
	}
	d.left = 0
}

// settle records the URLs that were settled.
func (d *domainAccount) settle(done []queue.Settlement, fetched int64) {
	if d.used {
		d.ledger.settle(done, fetched)
	}
}

// close closes the account. It may be called again.
func (d *domainAccount) close(ctx context.Context) error {
	if !d.used {
		return nil
	}
	_, err := d.call(ctx, -1, d.frontier.budgets().domain)
	return err
}

func (d *domainAccount) call(ctx context.Context, want int, budget int64) ([]int64, error) {
	name := nameDomain + d.domain
	return d.callAs(ctx, name, want, budget, "", func(ctx context.Context) error {
		return d.frontier.store.setAside(ctx, d.frontier.job.Name, name)
	})
}

// recountDomains sets the spent pages of each domain to the pages fetched from its hosts.
func (f *Frontier) recountDomains(ctx context.Context, hosts map[crawler.Host]*HostAccount) error {
	if f.budgets().domain == 0 {
		return nil
	}
	pages := make(map[string]int64)
	for h, n := range hosts {
		pages[h.Domain()] += n.Pages
	}
	for domain, n := range pages {
		if err := f.rdb.HSet(ctx, jobBase(f.job.Name)+nameDomain+domain, "spent", n).Err(); err != nil {
			return err
		}
	}
	return nil
}
