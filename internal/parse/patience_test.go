package parse

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/fields"
)

// Each of these takes far longer than the given time. The test checks that they end: a
// goroutine that continued to parse would occupy a processor.
func TestParsingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	nested := "<!DOCTYPE html>" + strings.Repeat("<div>", 300)
	for name, c := range map[string]struct{ selector, body string }{
		"a selector that inspects all descendants": {
			"x[]=div:has(i:has(b)), i:has(u)", nested + strings.Repeat("<i>x</i>", 200_000),
		},
		"nested text": {"x[]=div", nested + strings.Repeat("some text ", 100_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := New(Config{Select: []string{c.selector}})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			page := htmlPage("http://example.com/", c.body)
			time.AfterFunc(100*time.Millisecond, cancel)
			doc, err := p.Parse(ctx, page)
			if doc != nil && ctx.Err() != nil || err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, %v", doc, err)
			}
		})
	}
}

func TestTheFieldsOfAPageAreBounded(t *testing.T) {
	t.Parallel()
	body := "<!DOCTYPE html>" + strings.Repeat("<div>", 300) + strings.Repeat("x", 1<<20)
	doc := parsePage(t, Config{Select: []string{"all[]=div", "one=p", "title=title"}},
		htmlPage("http://example.com/", body))
	sum := 0
	for _, s := range doc.Fields["all"].([]any) {
		sum += len(s.(string))
	}
	if sum == 0 || sum > fields.MaxBytes || !strings.Contains(doc.Trouble, "the others were left out") {
		t.Errorf("%d bytes of fields, and trouble %q, want at most %d and a reason", sum, doc.Trouble, fields.MaxBytes)
	}
}
