package visit

import (
	"maps"
	"net/http"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/identity"
	"github.com/trawlcrawler/trawl/internal/price"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// pay requests a page that costs money again, and offers the price that the server named, if the
// job may pay that much for a page and its budget of money suffices. Otherwise unpaid says why not.
// The money is reserved before the request, so that the job never spends more than it may. If the
// answer is lost, the money counts as spent.
func (e *urlTask) pay(r request) error {
	job, p := e.visitor.settings(), e.result.Page
	if p.Status != http.StatusPaymentRequired || p.Price() == "" || job.MaxPrice == "" || e.check {
		return nil
	}
	cost, err := price.Parse(p.Price())
	if err != nil {
		return nil // the record has what the server says
	}
	most, spendable := prices(job)
	if !cost.Within(most) {
		e.unpaid = "more than max_price, which is " + urltext.Clip(job.MaxPrice)
		return nil
	}
	reserved, err := e.spend(cost.Micros, spendable.Micros)
	if err != nil {
		return err
	}
	if !reserved {
		e.unpaid = "the job would spend more than max_spend, which is " + urltext.Clip(job.MaxSpend)
		return nil
	}
	e.leave()
	r.Header = maps.Clone(r.Header)
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header[identity.HeaderOffer] = []string{cost.String()}
	if e.result.Page, err = e.ask(r); err != nil {
		return err
	}
	if over := cost.Micros - e.charged(cost); over != 0 {
		_, err = e.spend(-over, spendable.Micros)
	}
	return err
}

// charged returns what the page has cost, in millionths: the amount that the server names in the
// currency of the offer, or else the offer; 0 if the answer is an error.
func (e *urlTask) charged(offer price.Price) int64 {
	p := e.result.Page
	if p.Fault == nil && (p.Status < 200 || p.Status >= 300) {
		return 0
	}
	if paid, err := price.Parse(p.Charged()); err == nil && paid.Currency == offer.Currency {
		return paid.Micros
	}
	return offer.Micros
}

// spend reserves money, or gives some back, in millionths.
func (e *urlTask) spend(amount, most int64) (reserved bool, err error) {
	err = e.visit.lease.retry(func() (err error) {
		reserved, err = e.visitor.frontier.Spend(e.visit.life.doing, amount, most)
		return err
	})
	return reserved, err
}

// prices returns what the job may pay for a page, and in total. Its settings are valid.
func prices(job *crawler.Job) (most, spendable price.Price) {
	most, _ = price.Parse(job.MaxPrice)
	spendable, _ = price.Parse(job.MaxSpend)
	return most, spendable
}
