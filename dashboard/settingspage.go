package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// settingsPage is the form by which settings are changed.
type settingsPage struct {
	ui.Layout
	stamp
	Revision     int64
	Action, Back string
	Warning      string
	Fields       []settingField
}

// settingField is a setting that can change.
type settingField struct {
	Name, Meaning, Value string
	List                 bool // one value in each line
	Rows                 int
}

// newSettingsPage returns the form with the settings in force.
func newSettingsPage(status crawler.Status) settingsPage {
	name := status.Job.Name
	p := settingsPage{Layout: ui.Layout{Title: "Change settings of " + name, Path: pathOf(name)}, stamp: stampOf(status),
		Revision: status.Revision, Action: jobURL(name) + "/settings", Back: jobURL(name)}
	for _, key := range setting.Changeable() {
		s, _ := setting.Lookup(key)
		if status.Job.Schedule == "" && (key == "schedule" || key == "runs") {
			continue // of periodic jobs only
		}
		if text, ok := fieldText(s, status.Job); ok {
			p.Fields = append(p.Fields, settingField{Name: key, Meaning: meaningOf(s), Value: text, List: s.IsList(),
				Rows: 2 + strings.Count(text, "\n")})
		}
	}
	return p
}

// meaningOf returns what a setting means, as a sentence.
func meaningOf(s setting.Setting) string {
	text := sentence(s.Meaning)
	if len(s.Choices) > 0 {
		text += " One of " + strings.Join(s.Choices, ", ") + "."
	}
	return text
}

// fieldText returns a setting as the form has it: a list has a value in each line.
func fieldText(s setting.Setting, job crawler.Job) (string, bool) {
	values := setting.Values{Job: job}
	if !s.IsList() {
		return s.Text(&values), true
	}
	text, err := s.Encode(&values)
	var lines []string
	if err != nil || json.Unmarshal(text, &lines) != nil {
		return "", false
	}
	return strings.Join(lines, "\n"), true
}

func (d *Dashboard) showSettingsForm(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	status, err := d.jobs.Status(ctx, r.PathValue("job"))
	if err != nil {
		return err
	}
	d.respond(w, http.StatusOK, "settings", newSettingsPage(status))
	return nil
}

// sendSettingsForm changes the settings that the form has other values for. If it is refused,
// or the settings were changed by someone else, the form is shown again as it was filled in.
func (d *Dashboard) sendSettingsForm(w http.ResponseWriter, r *http.Request) error {
	status, err := d.readForm(w, r)
	if err != nil {
		return err
	}
	revision, err := strconv.ParseInt(r.PostFormValue("revision"), 10, 64)
	if err != nil {
		return badRequest("the form has no revision of the settings: open the job's page again")
	}
	p := newSettingsPage(status)
	pairs := p.changed(r)
	if revision != status.Revision {
		p.Warning = "Someone else has changed the settings since this form was shown: " + sinceText(status.Changes, revision) +
			". Nothing of yours was changed. The fields have your values: compare them, and change the settings again."
		d.respond(w, http.StatusConflict, "settings", p)
		return nil
	}
	if len(pairs) == 0 {
		d.sayDone(w, r, "same")
		return nil
	}
	changes, err := setting.ParseChanges(pairs)
	if err != nil {
		err = badRequest("%v", err)
	} else {
		unhurried(w)
		_, err = d.jobs.Set(r.Context(), status.Job.Name, revision, changes)
	}
	switch code := statusOfPage(err); {
	case err == nil:
	case code == http.StatusBadRequest || errors.Is(err, queue.ErrJobChanged):
		p.Warning = "Nothing was changed. " + sentence(err.Error())
		d.respond(w, code, "settings", p)
		return nil
	default:
		return err
	}
	d.sayDone(w, r, "changed")
	return nil
}

// changed copies the values of the form to the page, and returns those that differ from the
// settings in force, in the form of the arguments of trawl job set.
func (p *settingsPage) changed(r *http.Request) (pairs []string) {
	for i := range p.Fields {
		f := &p.Fields[i]
		sent, has := r.PostForm[f.Name]
		if !has {
			continue
		}
		value := strings.TrimSpace(strings.ReplaceAll(sent[0], "\r\n", "\n"))
		if value == f.Value {
			continue
		}
		f.Value = value
		if !f.List || value == "" {
			pairs = append(pairs, f.Name+"="+value)
			continue
		}
		for line := range strings.SplitSeq(value, "\n") {
			if line = strings.TrimSpace(line); line != "" {
				pairs = append(pairs, f.Name+"="+line)
			}
		}
	}
	return pairs
}

// sinceText lists the changes after a revision.
func sinceText(changes []crawler.Change, revision int64) string {
	var list []string
	for _, c := range changes {
		if c.Revision > revision {
			list = append(list, c.String())
		}
	}
	if len(list) == 0 {
		return fmt.Sprintf("the form showed revision %d", revision)
	}
	return strings.Join(list, "; ")
}

// statusOfPage returns the status of a response with an error, or 200.
func statusOfPage(err error) int {
	if err == nil {
		return http.StatusOK
	}
	return problemOf(err).Status
}
