package setting

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// JobFile returns a job file with the given name and seeds, in which each other setting of a
// crawl stands as a comment with its meaning and its default.
func JobFile(name string, seeds []string) string {
	usual := Default()
	var b strings.Builder
	b.WriteString("# A job of Trawl. Remove the # before a setting to change it; what is left out keeps the\n" +
		"# default that is shown. trawl crawl -f FILE crawls it here, trawl job create FILE on a fleet.\n\n")
	fmt.Fprintf(&b, "name: %s\n", yamlText(name))
	b.WriteString("seeds:\n")
	for _, s := range seeds {
		fmt.Fprintf(&b, "  - %s\n", yamlText(s))
	}
	for _, g := range Groups {
		var rows []Setting
		for _, s := range table {
			if s.Group == g && s.In&(InJob|InCrawl) != 0 && s.Name != "name" && s.Name != "seeds" {
				rows = append(rows, s)
			}
		}
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n# ---- %s ----\n", g)
		for _, s := range rows {
			b.WriteString("\n")
			for _, line := range wrap(s.sentence(), 90) {
				b.WriteString("# " + line + "\n")
			}
			fmt.Fprintf(&b, "# %s: %s\n", s.Name, s.yaml(&usual))
		}
	}
	return b.String()
}

// sentence returns the meaning with the choices, as a sentence.
func (s Setting) sentence() string {
	text := s.Explained()
	if s.Empty != "" {
		text += ". Default: " + s.Empty
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// Explained returns the meaning with the choices, if it does not name them itself.
func (s Setting) Explained() string {
	if n := len(s.Choices); n > 0 && !strings.Contains(s.Meaning, s.Choices[n-1]) {
		return s.Meaning + ": " + strings.Join(s.Choices, ", ")
	}
	return s.Meaning
}

// yaml returns the value as a value in YAML.
func (s Setting) yaml(of *Values) string {
	value, err := s.Encode(of)
	if err != nil || string(value) == "null" {
		return "[]"
	}
	var words []string
	if s.IsList() && json.Unmarshal(value, &words) == nil {
		for i := range words {
			words[i] = yamlText(words[i])
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	var text string
	if json.Unmarshal(value, &text) == nil {
		return yamlText(text)
	}
	return string(value)
}

// yamlPlain matches texts that mean the same in YAML without quotes.
var yamlPlain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9./_-]*$`)

// yamlText writes a text in YAML. A JSON string is one.
func yamlText(text string) string {
	if yamlPlain.MatchString(text) {
		return text
	}
	quoted, _ := json.Marshal(text) // encoding a string cannot fail
	return string(quoted)
}

// wrap breaks a text into lines of at most width bytes, where its words allow it.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// Markdown returns the reference of all settings, docs/settings.md.
func Markdown() string {
	usual := Default()
	var b strings.Builder
	b.WriteString(`# Settings

<!-- Made from internal/setting/table.go. To write it again: UPDATE=1 go test ./internal/setting -->

Every setting has one name. A job file and the file of --config use it as it is. On the command
line it is a flag with hyphens, such as --max-url-length. In the environment it is in capitals after
TRAWL_, such as TRAWL_MAX_URL_LENGTH. The flag of the setting name is --job.

A flag takes precedence over the environment, which takes precedence over the job file, that over
the file of --config, and that over the default. ` + "`trawl config`" + ` shows what is in force and
where it comes from. ` + "`trawl init`" + ` writes a job file with all settings as comments.

The column Applies to says where a setting counts:

- job: it is stored with the job. ` + "`trawl job set`" + ` changes it where the column says so.
- crawl: a flag of ` + "`trawl crawl`, `fetch` and `extract`" + `.
- seed, worker: a flag of that command.
- fleet: a flag of ` + "`trawl scheduler`, `worker` and `dashboard`" + `.
- clients: a flag of the commands that ask a fleet, such as ` + "`trawl job`" + `.
`)
	for _, g := range Groups {
		fmt.Fprintf(&b, "\n## %s\n\n| setting | default | meaning | applies to | since |\n| --- | --- | --- | --- | --- |\n", g)
		for _, s := range table {
			if s.Group == g {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.Name, s.shownDefault(&usual), cell(s.Explained()),
					s.places(), s.Since)
			}
		}
	}
	return b.String()
}

// shownDefault is the default in a cell of a table.
func (s Setting) shownDefault(usual *Values) string {
	text := s.Text(usual)
	switch {
	case s.Empty != "":
		return cell(s.Empty)
	case text == "" || text == "null":
		return "none"
	}
	return "`" + cell(text) + "`"
}

// cell escapes a text for a cell of a table in Markdown.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;").Replace(text)
}

// places describes where the setting applies.
func (s Setting) places() string {
	var all []string
	for _, p := range []struct {
		in   Place
		text string
	}{{InJob, "job"}, {InCrawl, "crawl"}, {InSeed, "seed"}, {InWorker, "worker"}, {InFleet, "fleet"},
		{InClients, "clients"}} {
		if s.In&p.in == 0 {
			continue
		}
		if p.in == InJob && s.Changes {
			p.text = "job (can change)"
		}
		all = append(all, p.text)
	}
	return strings.Join(all, ", ")
}
