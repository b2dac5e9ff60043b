package robots

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rights"
)

// tdmrepPath is where an authority says which of its paths are reserved from text and data
// mining (TDM Reservation Protocol, 6.1).
const tdmrepPath = "/.well-known/tdmrep.json"

// reservations are the rules of a tdmrep.json.
type reservations struct {
	rules  []reservation // the first that matches applies
	origin string
	at     time.Time // when it was requested
}

type reservation struct {
	pattern
	said   string // rights.TDMFree or rights.TDMReserved
	policy string // an absolute URL; "" for none
}

// WithReservations returns a policy whose Rights include what the tdmrep.json of u's origin
// says. It requests that file once a day for the whole fleet, if policy allows it, through
// get, as [Robots.RobotsPolicy] requests a robots.txt. A file that is missing says nothing;
// one that could not be fetched says nothing for an hour. Of a long file, its beginning
// counts. The errors are those of the cache, of get, and of ctx.
func (r *Robots) WithReservations(ctx context.Context, policy fetched.RobotsPolicy, u crawler.URL,
	get Getter) (fetched.RobotsPolicy, error) {
	file, err := crawler.ParseURL(u.Origin() + tdmrepPath)
	if err != nil || policy.Allowed == nil || !policy.Allowed(file) {
		return policy, err
	}
	leave, err := r.turns.take(ctx, file.String())
	if err != nil {
		return policy, fmt.Errorf("wait for %s: %w", file, err)
	}
	defer leave()
	rec, err := r.reservations(ctx, file, get)
	if err != nil {
		return policy, fmt.Errorf("%s: %w", file, err)
	}
	said := newReservations(rec, u)
	if len(said.rules) == 0 {
		return policy, nil
	}
	others := policy.Rights
	policy.Rights = func(u crawler.URL) []crawler.Statement {
		all := said.rights(u)
		if others == nil {
			return all
		}
		return slices.Concat(others(u), all)
	}
	return policy, nil
}

// reservations returns what the fleet knows about a tdmrep.json, as a record whose text is
// the rules in JSON. It requests the file if that is due.
func (r *Robots) reservations(ctx context.Context, file crawler.URL, get Getter) (record, error) {
	key := file.String()
	rec, err := r.known(ctx, key)
	if err != nil || rec.kind != 0 {
		return rec, err
	}
	rec, asked := r.kept.take(key)
	if !asked || !r.now().Before(rec.at.Add(rec.life())) {
		if rec, err = askReservations(ctx, file, get); err != nil {
			return record{}, err
		}
		rec.at = r.now().Truncate(time.Millisecond)
	}
	err = r.store(ctx, key, &rec)
	return rec, err
}

// askReservations fetches a tdmrep.json. Redirects are followed.
func askReservations(ctx context.Context, file crawler.URL, get Getter) (record, error) {
	page, err := follow(ctx, file, get)
	if err != nil || page == nil {
		return record{kind: kindRules}, err
	}
	defer page.Release()
	switch {
	case page.Fault != nil && page.Fault.Kind != fetched.FaultRedirect:
		return faulty(page.Fault), nil
	case !accessible(page.Status):
		return unreachable("tdmrep.json answered %d", page.Status), nil
	case page.Status < 200 || page.Status >= 300 || page.Body == nil:
		return record{kind: kindRules}, nil
	}
	body, err := io.ReadAll(io.LimitReader(page.Body.Reader(), MaxSize))
	if err != nil {
		return record{}, fmt.Errorf("read the body of %s: %w", page.URL, err)
	}
	rules := rights.Locations(body)
	if len(rules) == 0 {
		return record{kind: kindRules}, nil
	}
	text, err := json.Marshal(rules)
	return record{kind: kindRules, text: string(text)}, err
}

// newReservations returns the rules in a record. u is a URL of the authority.
func newReservations(rec record, u crawler.URL) reservations {
	var locations []rights.Location
	if rec.kind != kindRules || rec.text == "" || json.Unmarshal([]byte(rec.text), &locations) != nil {
		return reservations{}
	}
	all := reservations{origin: u.Origin(), at: rec.at}
	base := u.Base()
	for _, l := range locations {
		one := reservation{pattern: newPattern(l.Pattern), said: l.Reservation}
		if policy, err := base.Resolve(l.Policy); err == nil && l.Policy != "" {
			one.policy = policy.String()
		}
		all.rules = append(all.rules, one)
	}
	return all
}

// rights returns what the rules say about u.
func (r reservations) rights(u crawler.URL) []crawler.Statement {
	path := plain(u.Path())
	for i := range r.rules {
		if r.rules[i].matches(path) {
			return r.statements(r.rules[i])
		}
	}
	return nil
}

func (r reservations) statements(rule reservation) []crawler.Statement {
	s := crawler.Statement{
		Vocabulary: rights.VocabularyTDMRep, Statement: rights.Reservation, Value: rule.said,
		Source: rights.InTDMRep, Where: r.origin + tdmrepPath, At: fetched.FormatRecordTime(r.at),
	}
	all := []crawler.Statement{s}
	if rule.policy != "" {
		s.Statement, s.Value = rights.Policy, rule.policy
		all = append(all, s)
	}
	return all
}
