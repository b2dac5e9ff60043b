package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

func TestRecordsAreExportedAsAFile(t *testing.T) {
	t.Parallel()
	s, list := newRecords(t)
	list.lines = append(list.lines, `{"url":"torn`, `{"url":"http://example.com/=","title":"=1+1","status":300}`)
	const path = apiRoot + "/jobs/news/export"
	a := s.get(t, path)
	if want := strings.Join(append(list.lines[:10:10], list.lines[11]), "\n") + "\n"; a.body != want {
		t.Errorf("got\n%swant\n%s", a.body, want)
	}
	if kind, name := a.header.Get("Content-Type"), a.header.Get("Content-Disposition"); a.status != http.StatusOK ||
		kind != "application/x-ndjson" || name != `attachment; filename="news.jsonl"` {
		t.Errorf("status %d, type %q, disposition %q", a.status, kind, name)
	}
	a = s.get(t, path+"?"+url.Values{"format": {"csv"}, "where": {"status >= 208", "status < 301"},
		"fields": {"status,title,url"}}.Encode())
	if want := "status,title,url\r\n208,,http://example.com/8?a&b\r\n209,,http://example.com/9?a&b\r\n" +
		"300,'=1+1,http://example.com/=\r\n"; a.body != want ||
		a.header.Get("Content-Disposition") != `attachment; filename="news.csv"` {
		t.Errorf("got\n%swant\n%s, as %q", a.body, want, a.header.Get("Content-Disposition"))
	}
	a = s.get(t, path+"?format=csv&fields=url&where=status=404")
	if a.body != "url\r\n" {
		t.Errorf("a table without records is %q", a.body)
	}
	a = s.ask(t, http.MethodHead, path, nil)
	a.want(t, http.StatusOK)
}

func TestExportsThatAreNotPossibleSayWhy(t *testing.T) {
	t.Parallel()
	s, list := newRecords(t)
	const path, page = apiRoot + "/jobs/news/export", "/jobs/news/export"
	s.get(t, page).want(t, http.StatusOK, `action="/jobs/news/export/file"`, `<option value="csv">CSV</option>`,
		"<code>url</code>")
	for query, says := range map[string]string{
		"format=xml": `"xml" is not a form of a file`, "where=statsu%3D404": `unknown field "statsu"`,
		"fields=nothing": `unknown field "nothing"`, "limit=3": `unknown parameter "limit"`,
	} {
		s.get(t, path+"?"+query).wantError(t, http.StatusBadRequest, says)
	}
	s.get(t, page+"/file?format=csv&where=statsu%3D%3Cscript%3Ealert&fields=url").want(t, http.StatusBadRequest,
		"Nothing was exported.", `value="csv" selected`, `name="fields" value="url"`, "&lt;script&gt;")
	s.get(t, page+"/file?format=jsonl&where=&fields=").want(t, http.StatusOK, list.lines[9])
	list.err = fmt.Errorf("%w: worker w1 on machine m2", queue.ErrOutput)
	s.get(t, path).wantError(t, http.StatusConflict, "worker w1 on machine m2")
	s.get(t, page+"/file").want(t, http.StatusConflict, "Nothing was exported.", "worker w1 on machine m2")
	s.change("news", func(r *fakeJob) { r.status.Job.Schedule = "@daily" })
	s.get(t, path).wantError(t, http.StatusConflict, "periodic")
	s.get(t, apiRoot+"/jobs/nothing/export").wantError(t, http.StatusNotFound, "nothing")
	s.get(t, "/jobs/nothing/export").want(t, http.StatusNotFound, "There is no such job")
	without := newTestDashboard(t)
	without.job(t, "news")
	without.get(t, path).wantError(t, http.StatusNotImplemented, "trawl export")
}

// endless has records without end; after each, it calls step.
type endless struct{ step func(n int) error }

func (e endless) Read(_ context.Context, _ crawler.Status, _ string,
	do func([]byte) (bool, error)) (next string, more bool, err error) {
	for n := 0; ; n++ {
		line := fmt.Appendf(nil, `{"url":"http://example.com/%d","title":%q}`, n, strings.Repeat("x", 1000))
		if _, err := do(line); err != nil {
			return "", false, err
		}
		if err := e.step(n); err != nil {
			return "", false, err
		}
	}
}

func TestAnExportHoldsNoMoreThanABuffer(t *testing.T) {
	t.Parallel()
	sent := httptest.NewRecorder()
	f := &exportFile{w: sent, control: http.NewResponseController(sent), query: exportQuery{format: exportFormats[0]}}
	read := 0
	for n := range 1000 {
		line := fmt.Appendf(nil, `{"url":"http://example.com/%d","title":%q}`, n, strings.Repeat("x", 1000))
		if more, err := f.take(line); !more || err != nil {
			t.Fatal(more, err)
		}
		read += len(line) + 1
		if held := read - sent.Body.Len(); held > exportPart+len(line) {
			t.Fatalf("after %d records, %d bytes are held", n, held)
		}
	}
	if err := f.end(); err != nil || sent.Body.Len() != read {
		t.Errorf("%d of %d bytes are sent (%v)", sent.Body.Len(), read, err)
	}
}

func TestAnExportThatBreaksOffDoesNotLookComplete(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t, func(cfg *Config, _ *http.Server) {
		cfg.Records = endless{func(n int) error {
			if n < 1000 {
				return nil
			}
			return errors.New("the disk is broken")
		}}
	})
	s.job(t, "news")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+apiRoot+"/jobs/news/export", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if n, err := io.Copy(io.Discard, response.Body); err == nil {
		t.Errorf("after %d bytes, the response ends as if it were whole", n)
	}
}

func TestOnlySomeExportsAreSentAtOnce(t *testing.T) {
	t.Parallel()
	began, finish := make(chan bool), make(chan bool)
	s := newTestDashboard(t, func(cfg *Config, _ *http.Server) {
		cfg.Records = endless{func(int) error { began <- true; <-finish; return fmt.Errorf("%w: away", queue.ErrOutput) }}
	})
	s.job(t, "news")
	const path = apiRoot + "/jobs/news/export?where=status=1" // of which there is no record: the error is the response
	var all []<-chan answer
	for range mostExports {
		all = append(all, s.asks(t, http.MethodGet, path, nil))
		<-began
	}
	s.get(t, path).wantError(t, http.StatusTooManyRequests, "4 files of records")
	s.get(t, "/jobs/news/export/file").want(t, http.StatusTooManyRequests, "Nothing was exported. 4 files")
	close(finish)
	for _, one := range all {
		a := <-one
		a.wantError(t, http.StatusConflict, "away")
	}
}
