package hostile

import (
	"fmt"
	"strings"
)

// Table returns all misbehaviours as Markdown tables, one for each group.
func Table() string {
	b := new(strings.Builder)
	for _, g := range Groups() {
		fmt.Fprintf(b, "## %s\n\n| | the server | Trawl | limit | setting |\n| --- | --- | --- | --- | --- |\n",
			g.Title)
		for _, m := range g.All {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", m.Name, m.Does, m.Trawl, m.Limit.text(), m.Limit.setting())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// text returns the limit with its value; "" for none.
func (l Limit) text() string {
	if l.Name == "" {
		return ""
	}
	return l.Name + ": " + l.Default
}

// setting returns how the limit is set.
func (l Limit) setting() string {
	switch {
	case l.Name == "":
		return ""
	case l.Setting == "":
		return "fixed"
	}
	return "`" + l.Setting + "`"
}
