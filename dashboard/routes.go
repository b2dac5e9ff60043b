package dashboard

import (
	_ "embed"
	"fmt"
	"net/http"
	"strings"
)

// route is one thing that can be asked of the dashboard. All of them are
// behind the doorman.
type route struct {
	method  string // "" for all
	path    string // as http.ServeMux has it
	handler http.Handler
}

// pattern is the route as http.ServeMux has it.
func (r route) pattern() string { return strings.TrimSpace(r.method + " " + r.path) }

// apiRoot is where the API begins.
const apiRoot = "/api/v1"

// routes lists all routes behind the doorman.
func (d *Dashboard) routes() []route {
	return []route{
		{"GET", "/{$}", http.HandlerFunc(d.showPage)},
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
		{"POST", apiRoot + "/jobs/{job}/seeds", d.serve(d.seedJob)},
	}
}

// methodsOf returns the methods of each path of the API, as the header Allow
// has them.
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

// refuseMethod answers what comes to a path of the API with another method.
func refuseMethod(allowed string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", allowed)
		return &problem{http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s, not %s", r.URL.Path, allowed, r.Method), nil}
	}
}

// refusePath answers what comes to a path that the API does not have.
func refusePath(_ http.ResponseWriter, r *http.Request) error {
	return &problem{http.StatusNotFound, fmt.Sprintf("%q is no part of the API, which %s/openapi.json describes", r.URL.Path, apiRoot), nil}
}

// openAPI describes the API. A test holds it to the routes and to the types.
//
//go:embed openapi.json
var openAPI []byte

func describe(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI) // who asked has gone
	return nil
}
