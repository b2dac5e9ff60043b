package dashboard

import (
	"net/http"
	"strings"
	"testing"
)

func TestSettingsOfAJobAreChanged(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	patch := func(body string, header ...string) answer {
		t.Helper()
		return s.ask(t, "PATCH", apiRoot+"/jobs/news", strings.NewReader(body), header...)
	}
	kind := []string{"Content-Type", "application/merge-patch+json"}
	patch(`{"delay": "5s", "exclude": ["/a/"]}`, kind...).want(t, http.StatusOK, `"delay": "5s"`, `"revision": 1`,
		`"from": "1s"`, "links that were admitted are still fetched")
	patch(`{"delay": null}`, append(kind, "If-Match", `"1"`)...).want(t, http.StatusOK, `"delay": "1s"`,
		`"revision": 2`)
	patch(`{"delay": "7s"}`, append(kind, "If-Match", `"1"`)...).want(t, http.StatusPreconditionFailed,
		"changed in the meantime")
	patch(`{"delay": "7s"}`, append(kind, "If-Match", "soon")...).want(t, http.StatusBadRequest, "If-Match", "revision")
	for body, says := range map[string]string{
		`{"dealy": "5s"}`: `did you mean \"delay\"?`, `{"delay": 5}`: "delay: ",
		`{"format": ["warc"]}`: "cannot change",
		`{}`:                   "no settings", `[]`: "object", `{"pages": -1}`: "out of range",
		`{"delay": "1s"} {}`: "more than one object",
	} {
		patch(body, kind...).want(t, http.StatusBadRequest, says)
	}
	patch(`delay: 5s`, "Content-Type", "application/yaml").want(t, http.StatusUnsupportedMediaType, "merge-patch")
	s.ask(t, "PATCH", apiRoot+"/jobs/nothing", strings.NewReader(`{"delay": "5s"}`)).want(t, http.StatusNotFound)
}
