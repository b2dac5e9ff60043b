package dashboard

import (
	_ "embed"
	"fmt"
	"net/http"
	"strings"

	"github.com/trawlcrawler/trawl/internal/ui"
)

// route is one kind of request to the dashboard. The guard protects all of them.
type route struct {
	method  string // "" for all
	path    string // a pattern of http.ServeMux
	handler http.Handler
}

// pattern returns the route as a pattern of http.ServeMux.
func (r route) pattern() string { return strings.TrimSpace(r.method + " " + r.path) }

// apiRoot is the root path of the API.
const apiRoot = "/api/v1"

// routes lists all routes behind the guard.
func (d *Dashboard) routes() []route {
	return []route{
		{"GET", "/{$}", d.servePage(d.showFleet)},
		{"GET", "/jobs/{job}", d.servePage(d.showJobPage)},
		{"GET", "/jobs/{job}/hosts", d.servePage(d.showHostsPage)},
		{"GET", "/jobs/{job}/hosts/{host}", d.servePage(d.showHostPage)},
		{"GET", "/jobs/{job}/hosts/{host}/rules", d.servePage(d.showRulesForm)},
		{"POST", "/jobs/{job}/hosts/{host}/rules", d.servePage(d.sendRules)},
		{"GET", "/jobs/{job}/errors", d.servePage(d.showErrorsPage)},
		{"GET", "/jobs/{job}/url", d.servePage(d.showURLPage)},
		{"GET", "/find", d.servePage(d.findURL)},
		{"POST", "/jobs/{job}/retry", d.servePage(d.sendRetryForm)},
		{"GET", "/jobs/{job}/pages", d.servePage(d.showTailPage)},
		{"GET", "/jobs/{job}/changes.atom", d.serve(d.serveFeed)},
		{"GET", "/jobs/{job}/live", d.serve(d.streamFigures)},
		{"POST", "/jobs/{job}/pause", d.servePage(d.press("paused", d.jobs.Pause))},
		{"POST", "/jobs/{job}/resume", d.servePage(d.press("resumed", d.jobs.Resume))},
		{"GET", "/jobs/{job}/cancel", d.servePage(d.askToCancel)},
		{"POST", "/jobs/{job}/cancel", d.servePage(d.press("cancelled", d.jobs.Cancel))},
		{"GET", "/jobs/{job}/seed", d.servePage(d.showSeedForm)},
		{"POST", "/jobs/{job}/seed", d.servePage(d.sendSeedForm)},
		{"GET", "/jobs/{job}/settings", d.servePage(d.showSettingsForm)},
		{"POST", "/jobs/{job}/settings", d.servePage(d.sendSettingsForm)},
		{"GET", "/jobs/{job}/export", d.servePage(d.showExportForm)},
		{"GET", "/jobs/{job}/export/file", d.servePage(d.sendExportForm)},
		{"GET", referencePath, d.servePage(d.showReference)},
		{"GET", ui.AssetRoot, http.HandlerFunc(d.pages.ServeAsset)},
		{"GET", "/metrics", d.metrics.handler},
		{"", monitorRoot + "/", d.monitor},

		{"GET", apiRoot + "/openapi.json", d.serve(describe)},
		{"GET", apiRoot + "/jobs", d.serve(d.listJobs)},
		{"POST", apiRoot + "/jobs", d.serve(d.createJob)},
		{"GET", apiRoot + "/jobs/{job}", d.serve(d.showJob)},
		{"PATCH", apiRoot + "/jobs/{job}", d.serve(d.setJob)},
		{"DELETE", apiRoot + "/jobs/{job}", d.serve(d.removeJob)},
		{"POST", apiRoot + "/jobs/{job}/pause", d.serve(d.steer(d.jobs.Pause))},
		{"POST", apiRoot + "/jobs/{job}/resume", d.serve(d.steer(d.jobs.Resume))},
		{"POST", apiRoot + "/jobs/{job}/cancel", d.serve(d.steer(d.jobs.Cancel))},
		{"GET", apiRoot + "/jobs/{job}/hosts", d.serve(d.listHosts)},
		{"GET", apiRoot + "/jobs/{job}/hosts/{host}", d.serve(d.showHost)},
		{"PATCH", apiRoot + "/jobs/{job}/hosts/{host}", d.serve(d.setHost)},
		{"GET", apiRoot + "/jobs/{job}/errors", d.serve(d.listErrors)},
		{"POST", apiRoot + "/jobs/{job}/retry", d.serve(d.retryFailed)},
		{"GET", apiRoot + "/jobs/{job}/distributions", d.serve(d.showDistributions)},
		{"GET", apiRoot + "/jobs/{job}/explain", d.serve(d.explainURL)},
		{"GET", apiRoot + "/jobs/{job}/events", d.serve(d.streamEvents)},
		{"GET", apiRoot + "/jobs/{job}/history", d.serve(d.showHistory)},
		{"GET", apiRoot + "/jobs/{job}/records", d.serve(d.listRecords)},
		{"GET", apiRoot + "/jobs/{job}/export", d.serve(d.exportRecords)},
		{"GET", apiRoot + "/jobs/{job}/changes", d.serve(d.listChanges)},
		{"POST", apiRoot + "/jobs/{job}/refetch", d.serve(d.refetch)},
		{"GET", apiRoot + "/fleet", d.serve(d.showFleetReport)},
		{"GET", apiRoot + "/workers", d.serve(d.listWorkers)},
		{"POST", apiRoot + "/jobs/{job}/seeds", d.serve(d.seedJob)},
	}
}

// methodsOf returns the methods of each path of the API, in the form of the Allow header.
func methodsOf(routes []route) map[string]string {
	methods := make(map[string]string)
	for _, r := range routes {
		if !strings.HasPrefix(r.path, apiRoot) {
			continue
		}
		if methods[r.path] != "" {
			methods[r.path] += ", "
		}
		methods[r.path] += r.method
	}
	return methods
}

// refuseMethod responds to a request to a path of the API with an unsupported method.
func refuseMethod(allowed string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", allowed)
		return &problem{http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s, not %s", r.URL.Path, allowed, r.Method),
			nil}
	}
}

// refusePath responds to a request to a path that the API does not have.
func refusePath(_ http.ResponseWriter, r *http.Request) error {
	return &problem{http.StatusNotFound, fmt.Sprintf("%q is not part of the API, which %s and %s/openapi.json describe",
		r.URL.Path, referencePath, apiRoot), nil}
}

// openAPI describes the API. A test compares it with the routes and the types.
//
//go:embed openapi.json
var openAPI []byte

func describe(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI) // fails only when the client is gone
	return nil
}
