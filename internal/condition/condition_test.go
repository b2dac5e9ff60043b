package condition_test

import (
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/condition"
)

const shop = `{"url":"https://shop.example.org:8443/a?b=1","final_url":"https://shop.example.org:8443/a?b=1","redirects":["http://old.example.org/a"],` +
	`"status":404,"outcome":"gone","error":"","fetched_at":"2026-11-25T18:00:00.000Z","duration_ms":120,"bytes":2048,"truncated":true,` +
	`"title":"Lamp (red)","simhash":"ffb9d77f5cfe165e","text_share":0.25,"hard":"little of it","language":"deu",` +
	`"quality":{"words":120,"mean_line":31.5,"stop_share":0.4},"charset_guessed":true,"minhash":["00ff","a1b2"],"near_duplicate_of":"http://x/","links":["http://x/","http://y/"],"usage":{"noai":true},"rights":[{"statement":"noai","source":"meta"},{"statement":"train-ai","value":"n"}],` +
	`"fields":{"price":"19.90","tags":["new","sale"],"stock":7,"colour":null,"a":{"b.c":"deep"},"quoted":"the \"big\" one","path":"C:\\"}}`

// noon is the current time in the tests.
var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func where(t testing.TB, text string) condition.Condition {
	t.Helper()
	c, err := condition.Parse(text, noon)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c
}

func TestAConditionMatchesByTheKindOfEachField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want bool
	}{
		{"outcome=gone", true},
		{"outcome = fetched", false},
		{"outcome != fetched", true},
		{"status>=400", true},
		{"status==404", true},
		{"status=4xx", true},
		{"status=5XX", false},
		{"status!=4xx", false},
		{"status<404", false},
		{"status<=404 and status>403", true},
		{"host=shop.example.org", true},
		{"host=Shop.Example.Org:8443", true},
		{"host=shop.example.org:443", false},
		{"host=example.org", false},
		{`host~\.example\.org`, true},
		{"host!~example", false},
		{"time>=2026-11-25", true},
		{"time=2026-11-25", true},
		{"fetched_at=2026-11-26", false},
		{"time<2026-11-25", false},
		{"time<=2026-11-25", true},
		{"time>2026-11-25", false},
		{"time>=2026-11-25T18:00:00Z", true},
		{"time>2026-11-25T19:00:00+01:00", false},
		{"time>-24h", true},
		{"time>-17h30m", false},
		{"time>=-1d and time<-1h", true},
		{"bytes>2000", true},
		{"bytes>=2KiB and bytes<1MB", true},
		{"truncated=true", true},
		{"truncated!=true", false},
		{"noindex=false", true},
		{`title="Lamp (red)"`, true},
		{`title='Lamp (red)'`, true},
		{`title ~ '^lamp'`, false},
		{`title ~ "(?i)^lamp"`, true},
		{"error=''", true},
		{"url~b=1$", true},
		{"links=2", true},
		{"resources=0", false},
		{"redirects=http://old.example.org/a", true},
		{"redirects~new", false},
		{"fields.price<20", true},
		{"fields.price>19.9", false},
		{"fields.price=19.90", true},
		{"fields.stock=7", true},
		{"fields.tags=sale", true},
		{"fields.tags=old", false},
		{"fields.tags!=old", true},
		{"fields.colour=red", false},
		{"fields.colour!=red", true},
		{"fields.a.b.c=deep", true},
		{"usage.noai=true", true},
		{"rights.statement=train-ai and rights.value=n and rights.source~m", true},
		{"rights.statement=search or rights.error!=null", false},
		{"language=deu and declared_language=''", true},
		{"text_share<0.5 and text_share>=0.25", true},
		{"text_share>1", false},
		{"text_share!=null and quality!=null", true},
		{"quality.words>100 and quality.mean_line<=31.5", true},
		{"quality.link_share<0.5", false},
		{"quality.link_share=null", true},
		{"hard!=''", true},
		{"simhash~^ffb9", true},
		{"minhash=a1b2", true},
		{"minhash=a1b3", false},
		{"near_duplicate_of!=''", true},
		{"charset_guessed=true", true},
		{"not outcome=gone", false},
		{"NOT (outcome=gone AND status=200)", true},
		{"outcome=fetched or status=404 and host~shop", true},
		{"(outcome=fetched or status=404) and host~nowhere", false},
		{"not not status=404", true},
		{"fields.colour=null", true},
		{"fields.colour!=null", false},
		{"fields.weight=null and fields.price!=null", true},
		{"fields.weight=''", false},
		{"fields.weight!=3 and fields.weight!~kg and not fields.weight<3", true},
		{"missing=null", true},
		{"redirects=null", false},
		{"fields=null or rights!=null", true},
		{"fields.tags=NULL", false},
		{"title='null'", false},
		{"fields.tags>2", false},
		{"fields.stock<8 and not fields.title<8", true},
		{`title!="Lamp \"red\"" and title!='Lamp \'red\''`, true},
		{`title ~ "(?i)^lamp\s"`, true},
		{`not title ~ "\\\\"`, true},
		{`fields.quoted="the \"big\" one"`, true},
		{`fields.quoted='the "big" one'`, true},
		{`fields.quoted="the ""big"" one" and fields.path="C:\\"`, true},
		{`fields.path='C:\\'`, true},
		{`fields.path=C:\`, true},
	} {
		r := &condition.Record{Line: []byte(shop)}
		got, err := where(t, c.text).Match(r)
		if err != nil || got != c.want {
			t.Errorf("%s: %v (%v), want %v", c.text, got, err, c.want)
		}
	}
}

func TestAConditionThatCannotBeReadSaysWhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, why, at string }{
		{"status>=4oo", `"4oo" is not a number: status is compared with a number`, "        ^"},
		{"stats=200", `unknown field "stats": want one of url, host, final_url`, "^"},
		{"outcome=fetchd", `unknown outcome "fetchd": want one of fetched, not_modified`, "        ^"},
		{"time>=gestern", `"gestern" is not a time: write 2026-11-01T06:00:00Z, a day such as 2026-11-01, or how long ago, as in -24h`, "      ^"},
		{"time>=2026-02-30", `"2026-02-30" is not a time`, "      ^"},
		{"title~(", `"(" is not a regular expression`, "      ^"},
		{"truncated>true", "true or false", "          ^"},
		{"redirects>3", "redirects is a list and has no order", "          ^"},
		{"host<b", "host has no order", "     ^"},
		{"outcome>=gone", "outcome has no order", "         ^"},
		{"rights=noai", "compare one of them, such as rights.NAME", "       ^"},
		{"fields~x", "fields has several parts", "       ^"},
		{"links~http", "links is a number of items", "      ^"},
		{"time~2026", "fetched_at is a time", "     ^"},
		{"status>=4xx", "a class of statuses has no order: compare it by = or !=, or write status>=400", "        ^"},
		{"title=null", `title is never absent: a record without it means ""`, "      ^"},
		{"fields.price>null", "null can only be compared by = or !=", "             ^"},
		{`title="a\"`, "expected a value", "      ^"},
		{"text_share=half", `"half" is not a number: text_share is compared with a number`, "           ^"},
		{"quality.word>3", `unknown field "quality.word": the parts of quality are words, mean_line`, "^"},
		{"quality>3", "quality has several parts", "        ^"},
		{"truncated=maybe", "true or false", "          ^"},
		{"status", "expected =, !=", "      ^"},
		{"status=", "expected a value", "       ^"},
		{"status=200 host=x", "expected and, or, or the end", "           ^"},
		{"(status=200", "expected )", "           ^"},
		{"status=200)", "expected and, or, or the end", "          ^"},
		{"status=200 and", "expected the name of a field", "              ^"},
		{"", "expected the name of a field", "^"},
		{`title="open`, "expected a value", "      ^"},
		{"titel ü=1", `unknown field "titel"`, "^"},
		{"fields.=1", `unknown field "fields."`, "^"},
		{strings.Repeat("(", 101) + "status=1", "too many parentheses", "^"},
	} {
		_, err := condition.Parse(c.text, noon)
		if err == nil {
			t.Errorf("%q is read", c.text)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if last := lines[len(lines)-1]; !strings.Contains(lines[0], c.why) || !strings.HasSuffix(last, "  "+c.at) &&
			c.at != "^" {
			t.Errorf("%q: the error is\n%v\nwant %q and the position\n  %s", c.text, err, c.why, c.at)
		}
	}
}

func FuzzCondition(f *testing.F) {
	for _, seed := range []string{"status>=400 and (host=x or not title~'a b')", "time>-7d", "fields.a.b!='x", "((((",
		"!~"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := condition.Parse(text, noon)
		if err != nil {
			return
		}
		if _, err := c.Match(&condition.Record{Line: []byte(shop)}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
