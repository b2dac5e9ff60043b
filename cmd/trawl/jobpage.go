package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// jobPage is the page of a job on a terminal. It has what trawl job show prints, in the same
// words, with the speed of the job, and the hosts with the most waiting URLs.
type jobPage struct {
	job    dossier
	known  bool // the job was read
	offset int  // the number of lines that were scrolled away
}

// move scrolls the page.
func (p *jobPage) move(by int) { p.offset = max(0, p.offset+by) }

// shownHosts is the number of hosts on a job's page.
const shownHosts = 10

// lines returns the page for a terminal of some size.
func (p *jobPage) lines(columns, rows int) [][]span {
	if !p.known {
		return [][]span{{{"reading the job", styleFaint}}}
	}
	head := []span{{p.job.Name, styleStrong}, {text: "  "}, {string(p.job.State), stateStyle(p.job.jobGlance)},
		{text: "  " + p.job.At.Local().Format(time.TimeOnly)}}
	rest := p.rows(columns)
	rest = append(rest, p.hosts(columns)...)
	p.offset = min(p.offset, max(0, len(rest)-(rows-2)))
	return append([][]span{head, nil}, rest[p.offset:]...)
}

// rows returns the rows of trawl job show, those that are too long on several lines.
func (p *jobPage) rows(columns int) (lines [][]span) {
	var text bytes.Buffer
	p.job.view.print(&text, p.job.status.Now)
	texts := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	if p.job.State == crawler.StateRunning && p.job.view.Periodic == nil {
		speed := fmt.Sprintf("speed\t%s pages/s, %s/s", short(p.job.PagesPerSecond), plain.Bytes(int64(p.job.BytesPerSecond)))
		if p.job.Left != "" {
			speed += "; " + p.job.Left
		}
		texts = append([]string{texts[0], texts[1], speed}, texts[2:]...)
	}
	const label = 11 // the longest is "not found"
	for _, row := range texts {
		name, value, _ := strings.Cut(row, "\t")
		tone := rowStyle(name)
		for i, part := range wrapped(plain.Printable(value), columns-1-label) {
			if i > 0 {
				name = ""
			}
			lines = append(lines, []span{{fmt.Sprintf("%-*s", label, name), styleFaint}, {part, tone}})
		}
	}
	return lines
}

// rowStyle is the style of a row by its name.
func rowStyle(name string) style {
	switch name {
	case "waits", "limit", "output", "trap":
		return styleWarn
	case "trouble", "garbage", "failed":
		return styleWrong
	}
	return ""
}

// hosts lists the hosts with the most waiting URLs.
func (p *jobPage) hosts(columns int) [][]span {
	if len(p.job.hosts) == 0 {
		return nil
	}
	t := newTable(column{"HOST", 0, false}, column{"STATE", 0, false}, column{"WAITING", 1, true},
		column{"IN FLIGHT", 4, true}, column{"PAGES", 3, true}, column{"DUE IN", 2, true}, column{"TROUBLE", 0, false})
	for _, h := range p.job.hosts[:min(len(p.job.hosts), shownHosts)] {
		state, due := string(h.State), "-"
		switch {
		case h.Rules.Paused:
			state = "paused"
		case h.State == queue.HostDue:
			due = h.Due.Round(100 * time.Millisecond).String()
		}
		t.add(string(h.Host), state, fmt.Sprint(h.Waiting), fmt.Sprint(h.Flight), fmt.Sprint(h.Pages), due, h.Trouble)
	}
	return append([][]span{nil}, t.lines(columns)...)
}

// wrapped breaks a text into lines of at most some columns, between words where that is
// possible. It returns at least one line.
func wrapped(text string, columns int) (lines []string) {
	columns = max(columns, 10)
	line := ""
	for word := range strings.FieldsSeq(text) {
		for columnsOf(span{text: word}) > columns { // no line holds it
			if line != "" {
				lines, line = append(lines, line), ""
			}
			fits := 0
			for i, r := range word {
				if columnsOf(span{text: word[:i+len(string(r))]}) > columns {
					break
				}
				fits = i + len(string(r))
			}
			lines, word = append(lines, word[:fits]), word[fits:]
		}
		switch {
		case line == "":
			line = word
		case columnsOf(span{text: line + " " + word}) <= columns:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}
