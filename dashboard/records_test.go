package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// recordList is the records of all jobs. A cursor is the number of records before it.
type recordList struct {
	lines []string
	err   error // returned by Read, if set
}

func (l *recordList) Read(_ context.Context, _ crawler.Status, cursor string,
	do func([]byte) (bool, error)) (next string, more bool, err error) {
	at := 0
	if cursor != "" {
		if at, err = strconv.Atoi(cursor); err != nil || at > len(l.lines) {
			return "", false, fmt.Errorf("%w: %q", queue.ErrCursor, cursor)
		}
	}
	if l.err != nil {
		return "", false, l.err
	}
	for at < len(l.lines) {
		more, err := do([]byte(l.lines[at]))
		if err != nil {
			return "", false, err
		}
		if at++; !more {
			return strconv.Itoa(at), true, nil
		}
	}
	return strconv.Itoa(at), false, nil
}

// newRecords returns a dashboard with a job and ten records of it.
func newRecords(t *testing.T) (*testDashboard, *recordList) {
	t.Helper()
	list := new(recordList)
	for n := range 10 {
		list.lines = append(list.lines, fmt.Sprintf(`{"url":"http://example.com/%d?a&b","status":%d,"fields":{"n":%d}}`,
			n, 200+n, n))
	}
	s := newTestDashboard(t, func(cfg *Config, _ *http.Server) { cfg.Records = list })
	s.job(t, "news")
	return s, list
}

// records asks for records, with a query.
func (s *testDashboard) records(t *testing.T, query ...string) answer {
	t.Helper()
	values := make(url.Values)
	for i := 0; i < len(query); i += 2 {
		values.Add(query[i], query[i+1])
	}
	return s.get(t, apiRoot+"/jobs/news/records?"+values.Encode())
}

// wantRecords checks the lines of a response, and its headers: the cursor, and whether there is
// more.
func (a answer) wantRecords(t *testing.T, cursor, more string, lines ...string) {
	t.Helper()
	a.want(t, http.StatusOK)
	want := strings.Join(lines, "\n")
	if len(lines) > 0 {
		want += "\n"
	}
	if a.body != want {
		t.Errorf("got\n%swant\n%s", a.body, want)
	}
	got := []string{a.header.Get("Trawl-Cursor"), a.header.Get("Trawl-More"), a.header.Get("Content-Type")}
	if got[0] != cursor || got[1] != more || got[2] != "application/x-ndjson" {
		t.Errorf("the headers are %q, want the cursor %q and more %q", got, cursor, more)
	}
}

func TestRecordsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	s, list := newRecords(t)
	s.records(t, "limit", "4").wantRecords(t, "4", "true", list.lines[:4]...)
	s.records(t, "limit", "4", "cursor", "4").wantRecords(t, "8", "true", list.lines[4:8]...)
	s.records(t, "cursor", "8").wantRecords(t, "10", "false", list.lines[8:]...)
	s.records(t, "cursor", "10").wantRecords(t, "10", "false")
}

func TestRecordsAreSelectedByConditionsAndFields(t *testing.T) {
	t.Parallel()
	s, list := newRecords(t)
	list.lines = append(list.lines, `{"url":"torn`)
	s.records(t, "where", "status>=203 and fields.n<8", "where", "not status = 205", "fields", "status,fields.n,url",
		"limit", "3").wantRecords(t, "7", "true",
		`{"status":203,"fields.n":3,"url":"http://example.com/3?a&b"}`,
		`{"status":204,"fields.n":4,"url":"http://example.com/4?a&b"}`,
		`{"status":206,"fields.n":6,"url":"http://example.com/6?a&b"}`)
	s.records(t, "where", "status = 404").wantRecords(t, "11", "false")
}

func TestTheEndOfTheRecordsIsToldWhenTheJobHasEnded(t *testing.T) {
	t.Parallel()
	s, _ := newRecords(t)
	for _, c := range []struct {
		state crawler.State
		limit string
		end   string
	}{
		{crawler.StateRunning, "100", "false"}, {crawler.StateDone, "10", "false"}, {crawler.StateDone, "100", "true"},
	} {
		s.change("news", func(r *fakeJob) { r.status.State = c.state })
		a := s.records(t, "limit", c.limit)
		a.want(t, http.StatusOK)
		if got := a.header.Get("Trawl-End"); got != c.end {
			t.Errorf("with limit %s, the end of a job that is %s is %q, want %q", c.limit, c.state, got, c.end)
		}
	}
}

func TestAResponseWithRecordsIsBounded(t *testing.T) {
	t.Parallel()
	s, list := newRecords(t)
	for i := range list.lines {
		list.lines[i] = fmt.Sprintf(`{"url":"http://example.com/%d","text":%q}`, i, strings.Repeat("x", 3<<20))
	}
	a := s.records(t)
	a.want(t, http.StatusOK)
	if len(a.body) < maxAnswer || len(a.body) > maxAnswer+4<<20 || a.header.Get("Trawl-More") != "true" {
		t.Errorf("the response has %d bytes, and more records: %q", len(a.body), a.header.Get("Trawl-More"))
	}
	p := recordPage{query: recordQuery{limit: 1000}, until: time.Now().Add(-time.Second)}
	if more, err := p.take([]byte(`{"url":"http://example.com/"}`)); more || err != nil {
		t.Errorf("reading continues after its time (%v)", err)
	}
}

func TestRequestsForRecordsThatCannotBeAnsweredSayWhy(t *testing.T) {
	t.Parallel()
	s, list := newRecords(t)
	for _, c := range []struct{ name, value, says string }{
		{"where", "statsu = 404", `unknown field "statsu"`}, {"where", "status =", "expected a value"},
		{"fields", "url,nothing", `unknown field "nothing"`}, {"fields", "fields.*", "name each field"},
		{"limit", "0", `"0" is out of range: want 1 to 10000`}, {"limit", "many", `"many"`},
		{"cursor", "nonsense", `cursor cannot be used: "nonsense"`}, {"curser", "4", `did you mean "cursor"?`},
	} {
		s.records(t, c.name, c.value).wantError(t, http.StatusBadRequest, c.says)
	}
	list.err = fmt.Errorf("%w: worker w1 on machine m2", queue.ErrOutput)
	s.records(t).wantError(t, http.StatusConflict, "cannot be read here", "worker w1 on machine m2")
	s.change("news", func(r *fakeJob) { r.status.Job.Schedule = "@daily" })
	s.records(t).wantError(t, http.StatusConflict, "periodic", "/jobs?run_of=news")
	s.get(t, apiRoot+"/jobs/nothing/records").wantError(t, http.StatusNotFound, "nothing")
	without := newTestDashboard(t)
	without.job(t, "news")
	without.records(t).wantError(t, http.StatusNotImplemented, "trawl export")
}
