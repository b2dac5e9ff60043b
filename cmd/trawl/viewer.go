package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/tasks"
)

// viewer shows a fleet and its jobs on a screen, and carries out keys. Everything except reading
// runs in one goroutine.
type viewer struct {
	screen *screen
	client *tasks.Client
	every  time.Duration

	fleet fleetPage
	job   *jobPage // the job that is shown; nil for the fleet
	sole  bool     // only this job is shown

	help    bool
	pending *intent // the change that a key asked for, until it is confirmed
	notice  span    // the last change, or why something cannot be read

	looks    chan look
	done     chan string // the changes that were made, for the notice
	cancel   func()      // stops reading what is shown
	steering sync.WaitGroup
}

// look has the data that was read for the page that is shown.
type look struct {
	job   string // "" for the fleet
	fleet fleetGlance
	of    dossier
	err   error
}

// intent is a change to a job that has to be confirmed.
type intent struct {
	job, verb string
	do        func(ctx context.Context, job string) error
}

// errQuit ends a viewer because the user quits.
var errQuit = errors.New("quit")

// onScreen shows the fleet, or only a job, until its user quits or ctx ends.
func onScreen(ctx context.Context, c *tasks.Client, job string, every time.Duration) (err error) {
	s, err := openScreen(stdout)
	if err != nil {
		return failed("%v: use --json, or pipe the output to get lines", err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	v := &viewer{screen: s, client: c, every: every, sole: job != "", looks: make(chan look), done: make(chan string)}
	if v.every <= 0 {
		v.every = screenEvery
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	v.open(ctx, job)
	err = v.run(ctx)
	cancel()
	v.cancel()
	v.steering.Wait()
	if errors.Is(err, errQuit) {
		return nil
	}
	return err
}

// resizeEvery is how often the size of the terminal is checked.
const resizeEvery = 200 * time.Millisecond

// run draws pages until the user quits or ctx ends.
func (v *viewer) run(ctx context.Context) error {
	sizes := time.NewTicker(resizeEvery)
	defer sizes.Stop()
	columns, rows := v.screen.size()
	v.draw(columns, rows)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sizes.C:
			if c, r := v.screen.size(); c == columns && r == rows {
				continue
			}
		case l := <-v.looks:
			v.see(l)
		case text := <-v.done:
			v.notice = span{text: text}
		case k := <-v.screen.keys:
			if err := v.press(ctx, k, rows); err != nil {
				return err
			}
		}
		columns, rows = v.screen.size()
		v.draw(columns, rows)
	}
}

// open shows a job, or the fleet for "".
func (v *viewer) open(ctx context.Context, job string) {
	if v.cancel != nil {
		v.cancel()
	}
	v.job, v.notice = nil, span{}
	if job != "" {
		v.job = &jobPage{job: dossier{jobGlance: jobGlance{Name: job}}}
	}
	reading, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		v.read(reading, job)
	}()
	v.cancel = func() {
		cancel()
		<-ended
	}
}

// read reads the data of the page of a job, or of the fleet, again and again.
func (v *viewer) read(ctx context.Context, job string) {
	tick := time.NewTicker(v.every)
	defer tick.Stop()
	for {
		l := look{job: job}
		if job == "" {
			l.fleet, l.err = glanceAtFleet(ctx, v.client)
		} else {
			l.of, l.err = dossierOf(ctx, v.client, job)
		}
		select {
		case <-ctx.Done():
			return
		case v.looks <- l:
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// see takes over new data. After an error, the page still shows the old data.
func (v *viewer) see(l look) {
	switch {
	case l.err != nil:
		v.notice = span{l.err.Error(), styleWrong}
		return
	case l.job == "":
		v.fleet.see(l.fleet)
	case v.job != nil:
		v.job.job, v.job.known = l.of, true
	}
	if v.notice.style == styleWrong {
		v.notice = span{}
	}
}

// press carries out a key.
func (v *viewer) press(ctx context.Context, k key, rows int) error {
	v.notice = span{}
	switch {
	case k == keyInterrupt:
		return context.Canceled
	case v.help:
		v.help = false
	case v.pending != nil:
		v.confirm(ctx, k == 'y' || k == 'Y')
	case k == 'q' && (v.job == nil || v.sole):
		return errQuit
	case k == 'q', k == keyEscape:
		if v.job != nil && !v.sole {
			v.open(ctx, "")
		}
	case k == '?':
		v.help = true
	case k == 'p':
		v.ask()
	case k == 's' && v.job == nil:
		v.fleet.order = (v.fleet.order + 1) % len(jobOrders)
		v.fleet.sort()
	case k == keyEnter && v.job == nil && v.fleet.chosen != "":
		v.open(ctx, v.fleet.chosen)
	default:
		v.move(k, rows)
	}
	return nil
}

// move moves the cursor, or scrolls the page.
func (v *viewer) move(k key, rows int) {
	const all = 1 << 20
	by, ok := map[key]int{keyUp: -1, 'k': -1, keyDown: 1, 'j': 1, keyPageUp: -rows / 2, keyPageDown: rows / 2,
		keyHome: -all, 'g': -all, keyEnd: all, 'G': all}[k]
	switch {
	case !ok:
	case v.job != nil:
		v.job.move(by)
	default:
		v.fleet.move(by)
	}
}

// ask asks whether to pause or resume the job that is shown or chosen.
func (v *viewer) ask() {
	j := jobGlance{}
	if v.job != nil {
		j = v.job.job.jobGlance
	} else if i := v.fleet.index(); i >= 0 {
		j = v.fleet.glance.Jobs[i]
	}
	switch j.State {
	case crawler.StateRunning:
		v.pending = &intent{j.Name, "pause", v.client.Pause}
	case crawler.StatePaused:
		v.pending = &intent{j.Name, "resume", v.client.Resume}
	case "":
	default:
		v.notice = span{fmt.Sprintf("job %s is %s: only a running job can be paused, and a paused one resumed", j.Name, j.State), styleWarn}
	}
}

// confirm carries out the pending change, if the user confirms it. The page continues meanwhile.
func (v *viewer) confirm(ctx context.Context, yes bool) {
	s := v.pending
	v.pending = nil
	if !yes {
		v.notice = span{text: fmt.Sprintf("did not %s job %s", s.verb, s.job)}
		return
	}
	v.notice = span{text: fmt.Sprintf("%s job %s…", s.verb, s.job)}
	v.steering.Go(func() {
		text := fmt.Sprintf("job %s: %sd", s.job, s.verb)
		if err := s.do(ctx, s.job); err != nil {
			text = err.Error()
		}
		select {
		case v.done <- text:
		case <-ctx.Done():
		}
	})
}

// draw draws the page and, in the last row, the keys, a question or a notice.
func (v *viewer) draw(columns, rows int) {
	var page [][]span
	switch {
	case v.help:
		page = helpPage()
	case v.job != nil:
		page = v.job.lines(columns, rows-1)
	default:
		page = v.fleet.lines(columns, rows-1)
	}
	page = page[:min(len(page), max(0, rows-1))]
	for len(page) < rows-1 {
		page = append(page, nil)
	}
	v.screen.draw(append(page, v.foot()))
}

// foot is the last row.
func (v *viewer) foot() []span {
	switch {
	case v.help:
		return []span{{"any key goes back", styleFaint}}
	case v.pending != nil:
		return []span{{fmt.Sprintf("%s job %s? (y/n)", v.pending.verb, v.pending.job), styleChosen}}
	case v.notice.text != "":
		return []span{v.notice}
	case v.sole:
		return []span{{"q quit  j/k scroll  p pause or resume  ? help", styleFaint}}
	case v.job != nil:
		return []span{{"q back  j/k scroll  p pause or resume  ? help", styleFaint}}
	}
	return []span{{"q quit  enter open  j/k move  s sort  p pause or resume  ? help", styleFaint}}
}

// helpPage explains the keys.
func helpPage() (page [][]span) {
	page = append(page, []span{{"keys", styleStrong}}, nil)
	for _, row := range [][2]string{
		{"up, down, k, j", "move the cursor, or scroll the page of a job"},
		{"page up, page down", "move by half a screen"},
		{"home, end, g, G", "move to the first or the last line"},
		{"enter", "open the job with the cursor"},
		{"s", "sort jobs by rate, name, waiting URLs, pages or errors"},
		{"p", "pause the job, or resume it; asks first"},
		{"q, escape", "go back from a job; q on the first page quits"},
		{"ctrl-c", "quit"},
	} {
		page = append(page, []span{{fmt.Sprintf("%-20s", row[0]), styleStrong}, {text: row[1]}})
	}
	return page
}
