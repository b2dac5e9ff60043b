// Command grafana stands in for Grafana, which Debian does not package. It reads the data source and
// the dashboard where docker-compose.yml mounts them, asks the data source for every expression of
// the dashboard, and responds to each request with what came of it, as JSON: see Report.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Report is the response to a request.
type Report struct {
	Source  string            // the URL of the data source
	Series  map[string]int    // the number of series by expression
	Errors  map[string]string // what the data source said to those that it cannot evaluate
	Strange []string          // services of the fleet that can be reached from here
	Writes  string            // why data cannot be kept; "" if it can
}

const (
	provisioning = "/etc/grafana/provisioning/datasources"
	dashboards   = "/var/lib/grafana/dashboards/trawl.json"
	data         = "/var/lib/grafana/grafana.db"
)

var sourceURL = regexp.MustCompile(`(?m)^\s*url:\s*(\S+)`)

// variables replaces those that Grafana fills in.
var variables = strings.NewReplacer("$job", ".*", "$__rate_interval", "1m")

func main() {
	client := &http.Client{Timeout: 10 * time.Second}
	log.Fatal(http.ListenAndServe(":3000", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		report, err := look(client)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(report)
	})))
}

// look reads the files and asks the data source.
func look(client *http.Client) (Report, error) {
	r := Report{Series: make(map[string]int), Errors: make(map[string]string)}
	files, err := filepath.Glob(provisioning + "/*.yml")
	if err != nil || len(files) != 1 {
		return r, fmt.Errorf("data sources: %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return r, err
	}
	match := sourceURL.FindSubmatch(text)
	if match == nil {
		return r, fmt.Errorf("%s has no url", files[0])
	}
	r.Source = string(match[1])
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if text, err = os.ReadFile(dashboards); err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		return r, err
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			n, err := ask(client, r.Source, variables.Replace(target.Expr))
			r.Series[target.Expr] = n
			if err != nil {
				r.Errors[target.Expr] = err.Error()
			}
		}
	}
	for _, service := range []string{"redis:6379", "dashboard:8080", "worker:9090"} {
		if conn, err := net.DialTimeout("tcp", service, time.Second); err == nil {
			_ = conn.Close()
			r.Strange = append(r.Strange, service)
		}
	}
	if err := os.WriteFile(data, []byte("kept"), 0o600); err != nil {
		r.Writes = err.Error()
	}
	return r, nil
}

// ask returns the number of series of an expression.
func ask(client *http.Client, source, expression string) (int, error) {
	answer, err := client.Get(source + "/api/v1/query?query=" + url.QueryEscape(expression))
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	var body struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return 0, err
	}
	if body.Status != "success" {
		return 0, fmt.Errorf("%s", body.Error)
	}
	return len(body.Data.Result), nil
}
