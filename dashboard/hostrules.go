package dashboard

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// errRulesChanged means that someone else has changed the rules of a host since they were shown.
var errRulesChanged = errors.New("the rules of the host were changed in the meantime")

// rulesRevision identifies the rules of a host: equal rules have the same revision.
func rulesRevision(r crawler.HostRules) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(queue.PackHostRules(r))) // never fails
	return hex.EncodeToString(h.Sum(nil))
}

// atRevision restricts a change of rules to rules of one revision; "" for any.
func atRevision(revision string, change func(*crawler.HostRules) error) func(*crawler.HostRules) error {
	return func(r *crawler.HostRules) error {
		if now := rulesRevision(*r); revision != "" && revision != now {
			return fmt.Errorf("%w: they have revision %q", errRulesChanged, now)
		}
		if err := change(r); err != nil {
			return err
		}
		if err := r.Validate(); err != nil {
			return badRequest("%v", err)
		}
		return nil
	}
}

// hostChange is a change to the rules of a host, as the API takes it: a JSON merge patch (RFC 7396) of
// its rules, in which null stands for the job's setting, and "retry".
type hostChange struct {
	rules map[string]json.RawMessage
	retry bool
}

// hostChanges are the fields of a [hostChange].
var hostChanges = []string{"paused", "delay", "pages", "ask", "retry"}

func readHostChange(body io.Reader) (c hostChange, err error) {
	decoder := json.NewDecoder(body)
	var misfit *json.UnmarshalTypeError
	switch err := decoder.Decode(&c.rules); {
	case errors.As(err, &misfit):
		return c, badRequest("the body is a JSON %s: send an object with the rules to change", misfit.Value)
	case err != nil:
		return c, unreadable(jsonTrouble(err))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return c, badRequest("the body has more than one object of rules")
	}
	if len(c.rules) == 0 {
		return c, badRequest(`the body has no rules: send the ones to change, such as {"delay": "5s"}`)
	}
	for _, name := range slices.Sorted(maps.Keys(c.rules)) {
		if !slices.Contains(hostChanges, name) {
			return c, badRequest("%q is not a rule of a host%s: want %s", name, plain.Suggest(name, hostChanges),
				strings.Join(hostChanges, ", "))
		}
	}
	if text, has := c.rules["retry"]; has {
		if json.Unmarshal(text, &c.retry) != nil {
			return c, badRequest("retry: %s is neither true nor false", text)
		}
		delete(c.rules, "retry")
	}
	return c, c.apply(new(crawler.HostRules))
}

// apply changes rules.
func (c hostChange) apply(r *crawler.HostRules) error {
	for name, text := range c.rules {
		if string(text) == "null" {
			c.reset(r, name)
			continue
		}
		one, err := json.Marshal(map[string]json.RawMessage{name: text})
		if err == nil {
			err = json.Unmarshal(one, r)
		}
		if err != nil {
			return badRequest("%s: %v", name, jsonTrouble(err))
		}
	}
	if err := r.Validate(); err != nil {
		return badRequest("%v", err)
	}
	return nil
}

// reset sets a rule to its default.
func (hostChange) reset(r *crawler.HostRules, name string) {
	switch name {
	case "paused":
		r.Paused = false
	case "delay":
		r.Delay = nil
	case "pages":
		r.Pages = 0
	case "ask":
		r.Ask = nil
	}
}

// setHost changes the rules of a host, and responds with the host.
func (d *Dashboard) setHost(w http.ResponseWriter, r *http.Request) error {
	switch mediaType(r) {
	case "", "application/json", "application/merge-patch+json":
	default:
		return wrongType(r, "application/merge-patch+json or application/json")
	}
	host, err := pathHost(r)
	if err != nil {
		return err
	}
	change, err := readHostChange(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return err
	}
	revision := strings.Trim(r.Header.Get("If-Match"), `"`) // RFC 9110, 13.1.1
	if revision == "*" {
		revision = ""
	}
	unhurried(w)
	err = d.jobs.Govern(r.Context(), r.PathValue("job"), host, atRevision(revision, change.apply), change.retry)
	if errors.Is(err, errRulesChanged) {
		return &problem{http.StatusPreconditionFailed, err.Error() + ": read the host, and send the change again", nil}
	}
	if err != nil {
		return err
	}
	return d.answerHost(w, r, host)
}

// pathHost returns the host that the path of a request names.
func pathHost(r *http.Request) (crawler.Host, error) {
	host, err := queue.ParseHost(r.PathValue("host"))
	if err != nil {
		return "", fmt.Errorf("%w: %w", queue.ErrNoHost, err)
	}
	return host, nil
}
