package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"text/tabwriter"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/condition"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// explainFields describes where the values of a page's fields came from.
func explainFields(w io.Writer, extract []crawler.Extraction, page crawler.URL, doc *fetched.Document,
	findings []parse.Finding) {
	fmt.Fprintf(w, "page %s\n", page)
	if doc.Trouble != "" {
		fmt.Fprintf(w, "trouble: %s\n", doc.Trouble)
	}
	for i, x := range extract {
		about := "every page"
		if x.Match != "" {
			about = "pages that match " + x.Match
		}
		fmt.Fprintf(w, "extract[%d], for %s: %s\n", i, about, applies(x.Match, page))
	}
	if len(findings) == 0 {
		fmt.Fprintln(w, "the job extracts nothing from this page")
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FIELD\tPLACE\tMATCHES\tTEXT\tVALUE")
	for _, f := range findings {
		name := f.Field
		if f.Required {
			name += " (required)"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", name, shortened(f.Place), f.Matches, quoteShort(f.Text), outcomeOf(f))
	}
	_ = t.Flush()
	fmt.Fprintln(w)
}

// applies says in words whether a rule applies to a page.
func applies(match string, page crawler.URL) string {
	if re, err := regexp.Compile(match); err == nil && re.MatchString(page.String()) {
		return "applies"
	}
	return "does not apply"
}

// outcomeOf returns the value of a field, or why it has none.
func outcomeOf(f parse.Finding) string {
	if f.Tried == 0 {
		return "– " + f.Why
	}
	if f.Empty == f.Tried {
		return "– " + f.Why
	}
	text := valueText(f.Value)
	if f.Empty > 0 {
		text += fmt.Sprintf("; empty in %d of %d cases: %s", f.Empty, f.Tried, f.Why)
	}
	return text
}

// valueText returns a value as the table shows it.
func valueText(v any) string {
	switch v := v.(type) {
	case []any:
		return fmt.Sprintf("%d, the first %s", len(v), valueText(v[0]))
	case string:
		return quoteShort(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return shortened(string(text))
}

// widest is the largest number of characters of a text that the table shows.
const widest = 60

func shortened(text string) string {
	if runes := []rune(text); len(runes) > widest {
		return string(runes[:widest-1]) + "…"
	}
	return text
}

func quoteShort(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf("%q", shortened(text))
}

// explainText describes the main text of a page and how it was found. It prints nothing if
// the job does not ask for the text.
func explainText(w io.Writer, rec crawler.Record) {
	if rec.CharsetGuessed {
		fmt.Fprintf(w, "charset %s, guessed from the text, because the page declares none\n", rec.Charset)
	}
	if rec.Quality == nil || rec.TextShare == nil {
		return
	}
	fmt.Fprintf(w, "main text: found by %s, %d words, %.0f %% of those that the page shows\n", rec.Extractor,
		rec.Quality.Words, 100**rec.TextShare)
	if rec.Hard != "" {
		fmt.Fprintf(w, "main text: uncertain, because %s\n", rec.Hard)
	}
	fmt.Fprintf(w, "language: %s by its words, %s by the page\n", cmp.Or(rec.Language, "unknown"),
		cmp.Or(rec.DeclaredLanguage, "not declared"))
}

// way is a link that the job's rules select.
type way struct {
	url     crawler.URL
	by      rules.RuleSet // the rules that select it; empty if the job has none
	refused string        // why it is out of scope; "" if it is in scope
}

// waysOf returns the links that a crawl would follow from a page, if the page were a seed.
func waysOf(job crawler.Job, r *fetched.Result) ([]way, error) {
	page, doc := r.Page.URL, r.Document
	if !job.Follow || doc.NoFollow {
		return nil, nil
	}
	follow, err := rules.NewFollowRules(job.FollowRules)
	if err != nil {
		return nil, err
	}
	homes := []crawler.Host{page.Host()}
	for s := range literal(job.Seeds) {
		if s.Err == nil {
			homes = append(homes, s.URL.Host())
		}
	}
	scope, err := rules.NewScope(job.ScopeSettings, homes)
	if err != nil {
		return nil, err
	}
	const depth = 1
	set, err := rulesOn(job, follow, r)
	if err != nil {
		return nil, err
	}
	var ways []way
	for _, l := range doc.Links {
		by := follow.Take(set, l, depth)
		if len(follow) > 0 && by == 0 {
			continue
		}
		refused := scope.Refuses(l.URL, depth)
		if l.NoFollow {
			refused = "rel=nofollow"
		}
		ways = append(ways, way{l.URL, by, refused})
	}
	return ways, nil
}

// rulesOn returns the follow rules that apply to a page.
func rulesOn(job crawler.Job, follow rules.FollowRules, r *fetched.Result) (rules.RuleSet, error) {
	where, err := condition.NewFollowConditions(job, time.Now())
	if err != nil {
		return 0, err
	}
	return where.Hold(follow.On(r.Page.URL), r), nil
}

// maxWays is the number of links that are listed.
const maxWays = 20

// explainWays prints which link rules apply, and which links they select.
func explainWays(w io.Writer, job crawler.Job, r *fetched.Result, ways []way) {
	doc := r.Document
	switch {
	case !job.Follow:
		fmt.Fprintln(w, "the job follows no links")
		return
	case doc.NoFollow:
		fmt.Fprintln(w, "the page asks crawlers to follow none of its links")
		return
	case len(job.FollowRules) == 0:
		fmt.Fprintf(w, "the page has %s; the job has no follow rules\n",
			plain.Plural(int64(len(doc.Links)), "link", "links"))
		return
	}
	follow, err := rules.NewFollowRules(job.FollowRules)
	if err != nil {
		return // waysOf has reported it
	}
	set, err := rulesOn(job, follow, r)
	if err != nil {
		return
	}
	for i, rule := range job.FollowRules {
		taken := 0
		for _, p := range ways {
			if p.by.Has(i) {
				taken++
			}
		}
		if !set.Has(i) {
			fmt.Fprintf(w, "follow_rules[%d], %s: does not apply", i, wording(rule))
		} else {
			fmt.Fprintf(w, "follow_rules[%d], %s: applies", i, wording(rule))
			fmt.Fprintf(w, ", and selects %d of %s", taken, plain.Plural(int64(len(doc.Links)), "link", "links"))
		}
		fmt.Fprintln(w)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range ways[:min(len(ways), maxWays)] {
		if p.refused == "" {
			fmt.Fprintf(t, "followed\t%s\n", p.url)
		} else {
			fmt.Fprintf(t, "left out\t%s\t%s\n", p.url, p.refused)
		}
	}
	_ = t.Flush()
	if more := len(ways) - maxWays; more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
}

// wording describes a rule in words.
func wording(r crawler.FollowRule) string {
	text := "links"
	if r.Links != "" {
		text += " in " + r.Links
	}
	if r.To != "" {
		text += " to " + r.To
	}
	if r.Match != "" {
		text += " of pages that match " + r.Match
	}
	if r.Where != "" {
		text += " where " + r.Where
	}
	if r.Depth > 0 {
		text += fmt.Sprintf(" up to depth %d", r.Depth)
	}
	return text
}
