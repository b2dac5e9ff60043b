package deploy_test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/dashboard"
	"github.com/trawlcrawler/trawl/internal/render"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

func TestMain(m *testing.M) { os.Exit(testfleet.Main(m)) }

// drain is the time in which a worker may finish its work before it exits.
const drain = 10

// settings asks the command line which TRAWL_ variables a command reads.
func settings(s *shell) func(command string) map[string]bool {
	s.t.Helper()
	binary, err := testfleet.Binary(false)
	if err != nil {
		s.t.Fatal(err)
	}
	flag := regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z-]+)`)
	return func(command string) map[string]bool {
		s.t.Helper()
		known := make(map[string]bool)
		for _, match := range flag.FindAllStringSubmatch(s.run(".", binary, command, "--help"), -1) {
			known["TRAWL_"+strings.ToUpper(strings.ReplaceAll(match[1], "-", "_"))] = true
		}
		return known
	}
}

func TestManifestsNameExistingSettings(t *testing.T) {
	t.Parallel()
	all := manifests(t)
	known := settings(newShell(t))
	used := make(map[string]bool)
	for _, d := range ofProgram(all) {
		for _, c := range d.Spec.Template.Spec.Containers {
			if len(c.Args) != 1 {
				t.Fatalf("%s: the arguments are %q, want one command and no flags", d.file, c.Args)
			}
			obeyed := known(c.Args[0])
			maps.Copy(used, obeyed)
			for _, v := range c.Env {
				if strings.HasPrefix(v.Name, "TRAWL_") && !obeyed[v.Name] {
					t.Errorf("%s: trawl %s knows no %s", d.file, c.Args[0], v.Name)
				}
			}
			for _, from := range c.EnvFrom {
				if !named(all, "ConfigMap", from.ConfigMapRef.Name) {
					t.Errorf("%s: there is no ConfigMap %q", d.file, from.ConfigMapRef.Name)
				}
			}
		}
	}
	for _, m := range ofKind(all, "ConfigMap") {
		for name := range m.Data {
			if !used[name] {
				t.Errorf("%s: no process knows %s", m.file, name)
			}
		}
	}
}

func TestComposeNamesExistingSettings(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Image       string
			Command     []string
			Environment map[string]string
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	known, checked := settings(newShell(t)), 0
	for name, service := range file.Services {
		if !strings.Contains(service.Image, "TRAWL_IMAGE") { // another program
			continue
		}
		checked++
		obeyed := known("export") // the service trawl runs any command
		maps.Copy(obeyed, known("seed"))
		if len(service.Command) > 0 {
			obeyed = known(service.Command[0])
		}
		for variable := range service.Environment {
			if !obeyed[variable] {
				t.Errorf("service %s: trawl %q knows no %s", name, service.Command, variable)
			}
		}
	}
	if checked == 0 {
		t.Error("no service runs Trawl's image")
	}
}

// A browser that could reach the network by itself would be a way around robots.txt and the guard
// of addresses.
func TestBrowsersCannotReachTheNetwork(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct{ Command, Networks []string }
		Networks map[string]struct{ Internal bool }
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	service := compose.Services["browser"]
	for _, network := range service.Networks {
		if !compose.Networks[network].Internal {
			t.Errorf("docker-compose.yml: the browser's network %s leads out", network)
		}
	}
	commands := map[string][]string{"docker-compose.yml": service.Command}
	for _, d := range ofKind(manifests(t), "Deployment") {
		if c := d.Spec.Template.Spec.Containers[0]; c.Name == "browser" {
			commands[d.file] = c.Args
		}
	}
	if len(commands) != 2 {
		t.Fatalf("browsers are only in %v", slices.Collect(maps.Keys(commands)))
	}
	for file, command := range commands {
		for _, argument := range render.Offline() {
			if !slices.Contains(command, argument) {
				t.Errorf("%s: the browser runs without %q", file, argument)
			}
		}
	}
	policies := ofKind(manifests(t), "NetworkPolicy")
	if len(policies) != 1 || !slices.Equal(policies[0].Spec.PolicyTypes, []string{"Ingress", "Egress"}) ||
		len(policies[0].Spec.Egress) != 0 {
		t.Errorf("the policy of browsers lets them out: %+v", policies)
	}
}

func TestManifestsFitTogether(t *testing.T) {
	t.Parallel()
	all := manifests(t)
	for _, d := range ofKind(all, "Deployment") {
		if !d.Spec.Selector.matches(d.Spec.Template.Metadata.Labels) {
			t.Errorf("%s selects none of its own pods", d.file)
		}
	}
	for _, d := range ofProgram(all) {
		for _, c := range d.Spec.Template.Spec.Containers {
			checkPorts(t, d, c)
			checkVolumes(t, all, d, c)
		}
	}
	for _, kind := range []string{"PodDisruptionBudget", "Service"} {
		for _, m := range ofKind(all, kind) {
			if len(selected(all, m.Spec.Selector)) != 1 {
				t.Errorf("%s: %s selects %d Deployments, want 1", m.file, kind, len(selected(all, m.Spec.Selector)))
			}
		}
	}
	for _, m := range all {
		for _, port := range m.Spec.Ports {
			wantPort(t, all, m, port.TargetPort)
		}
		for _, e := range append(m.Spec.Endpoints, m.Spec.PodMetricsEndpoints...) {
			wantPort(t, all, m, e.Port)
		}
		if to := m.Spec.ScaleTargetRef; m.Kind == "HorizontalPodAutoscaler" && !named(all, to.Kind, to.Name) {
			t.Errorf("%s scales %+v, which does not exist", m.file, to)
		}
	}
}

// selected returns the Deployments whose pods a selector selects.
func selected(all []manifest, s selector) []manifest {
	var some []manifest
	for _, d := range ofKind(all, "Deployment") {
		if s.matches(d.Spec.Template.Metadata.Labels) {
			some = append(some, d)
		}
	}
	return some
}

// wantPort checks that a selected Deployment has a port with a name.
func wantPort(t *testing.T, all []manifest, m manifest, name string) {
	t.Helper()
	for _, d := range selected(all, m.Spec.Selector) {
		for _, c := range d.Spec.Template.Spec.Containers {
			for _, p := range c.Ports {
				if p.Name == name {
					return
				}
			}
		}
	}
	t.Errorf("%s: no selected Deployment has a port %q", m.file, name)
}

// checkPorts checks that a container's probes use the port that it listens on.
func checkPorts(t *testing.T, d manifest, c podContainer) {
	t.Helper()
	if len(c.Ports) != 1 {
		t.Fatalf("%s: %s has %d ports, want 1", d.file, c.Name, len(c.Ports))
	}
	want := variable{Name: "TRAWL_LISTEN", Value: fmt.Sprintf("0.0.0.0:%d", c.Ports[0].ContainerPort)}
	if !slices.Contains(c.Env, want) {
		t.Errorf("%s: %s does not listen on its port: want %+v", d.file, c.Name, want)
	}
	for path, p := range map[string]probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		if p.HTTPGet.Path != path || p.HTTPGet.Port != c.Ports[0].Name {
			t.Errorf("%s: %s is probed at %+v, want %s at port %s", d.file, c.Name, p.HTTPGet, path, c.Ports[0].Name)
		}
	}
}

// checkVolumes checks that the volumes that a container mounts exist, and that a worker writes only
// to mounted volumes.
func checkVolumes(t *testing.T, all []manifest, d manifest, c podContainer) {
	t.Helper()
	volumes := make(map[string]bool)
	for _, v := range d.Spec.Template.Spec.Volumes {
		volumes[v.Name] = true
		if claim := v.PersistentVolumeClaim.ClaimName; claim != "" && !named(all, "PersistentVolumeClaim", claim) {
			t.Errorf("%s: there is no PersistentVolumeClaim %q", d.file, claim)
		}
	}
	mounted := make(map[string]bool)
	for _, m := range c.VolumeMounts {
		mounted[m.MountPath] = true
		if !volumes[m.Name] {
			t.Errorf("%s: %s mounts %q, which is not a volume", d.file, c.Name, m.Name)
		}
	}
	if spool := setting(all, "TRAWL_SPOOL"); c.Args[0] == "worker" && !mounted[path.Dir(spool)] {
		t.Errorf("%s: the spool %q is on none of the volumes %v: files that wait for a bucket would be lost with the container", d.file, spool, mounted)
	}
	if c.Args[0] == "worker" && (!mounted[setting(all, "TRAWL_OUT")] || !mounted["/tmp"]) {
		t.Errorf("%s: mounts %v, want %s for results and /tmp for large bodies", d.file, mounted,
			setting(all, "TRAWL_OUT"))
	}
}

// setting returns a value of the ConfigMap.
func setting(all []manifest, name string) string {
	for _, m := range ofKind(all, "ConfigMap") {
		if v, ok := m.Data[name]; ok {
			return v
		}
	}
	return ""
}

func TestPodsAreLockedAndHaveTimeToDrain(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ofKind(manifests(t), "Deployment") {
		p := d.Spec.Template.Spec
		user := fmt.Sprintf("\nUSER %d:", p.SecurityContext.RunAsUser)
		if !p.SecurityContext.RunAsNonRoot || !strings.Contains(string(text), user) {
			t.Errorf("%s: the user is %+v, want the Dockerfile's", d.file, p.SecurityContext)
		}
		if p.AutomountServiceAccountToken == nil || *p.AutomountServiceAccountToken {
			t.Errorf("%s: pods mount a service account token, which they do not need", d.file)
		}
		if p.TerminationGracePeriodSeconds <= drain {
			t.Errorf("%s: pods have %d s to terminate, want more than %d", d.file, p.TerminationGracePeriodSeconds,
				drain)
		}
		for _, c := range p.Containers {
			s := c.SecurityContext
			if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !s.ReadOnlyRootFilesystem ||
				!slices.Contains(s.Capabilities.Drop, "ALL") {
				t.Errorf("%s: %s is not locked down: %+v", d.file, c.Name, s)
			}
			if c.Resources.Requests["cpu"] == "" || c.Resources.Requests["memory"] == "" ||
				c.Resources.Limits["memory"] == "" {
				t.Errorf("%s: %s has no resource limits: %+v", d.file, c.Name, c.Resources)
			}
		}
	}
}

func TestSecretsAreReferencesThatTheReadmeExplains(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := manifests(t)
	if len(ofKind(all, "Secret")) > 0 {
		t.Error("the manifests contain a Secret")
	}
	for _, d := range ofProgram(all) {
		secrets := 0
		for _, v := range d.Spec.Template.Spec.Containers[0].Env {
			ref := v.ValueFrom.SecretKeyRef
			if ref.Name == "" {
				continue
			}
			secrets++
			if !strings.Contains(string(readme), "secret generic "+ref.Name+" ") ||
				!strings.Contains(string(readme), "--from-literal="+ref.Key+"=") {
				t.Errorf("%s: README.md does not say how to create the Secret %+v", d.file, ref)
			}
		}
		if secrets == 0 {
			t.Errorf("%s: TRAWL_REDIS, which may contain a password, does not come from a Secret", d.file)
		}
	}
}

func TestKustomizationsNameExistingFiles(t *testing.T) {
	t.Parallel()
	listed := make(map[string]bool)
	for _, file := range manifestFiles(t) {
		if filepath.Base(file) != "kustomization.yaml" {
			continue
		}
		listed[file] = true
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var k struct{ Resources []string }
		if err := yaml.Unmarshal(text, &k); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, resource := range k.Resources {
			path := filepath.Join(filepath.Dir(file), resource)
			listed[path] = true
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	listed["kubernetes/autoscaling/prometheus-adapter.yaml"] = true // the file is for Helm
	for _, file := range manifestFiles(t) {
		if !listed[file] {
			t.Errorf("%s is in no kustomization", file)
		}
	}
}

// adapterRule is a rule of prometheus-adapter.
type adapterRule struct {
	SeriesQuery string `yaml:"seriesQuery"`
	Name        struct{ As string }
}

func TestTheAutoscalerUsesAnExistingMetric(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("kubernetes/autoscaling/prometheus-adapter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values struct {
		Rules struct{ External []adapterRule }
	}
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	made := make(map[string]bool)
	described := described(t)
	for _, rule := range values.Rules.External {
		made[rule.Name.As] = true
		if !strings.Contains(described, fmt.Sprintf("fqName: %q", rule.SeriesQuery)) {
			t.Errorf("the dashboard does not export a metric %q", rule.SeriesQuery)
		}
	}
	scalers := ofKind(manifests(t), "HorizontalPodAutoscaler")
	if len(scalers) != 1 || !made[scalers[0].Spec.Metrics[0].External.Metric.Name] {
		t.Errorf("the autoscaler uses a metric other than %v", made)
	}
}

// collectorList is a prometheus.Registerer that keeps the registered collectors.
type collectorList struct{ collectors []prometheus.Collector }

func (r *collectorList) Register(c prometheus.Collector) error {
	r.collectors = append(r.collectors, c)
	return nil
}
func (r *collectorList) MustRegister(...prometheus.Collector) {}
func (r *collectorList) Unregister(prometheus.Collector) bool { return true }

// described returns the descriptions of the dashboard's metrics.
func described(t *testing.T) string {
	t.Helper()
	taken := &collectorList{}
	d, err := dashboard.New(nil, dashboard.Config{
		Asynq: asynq.RedisClientOpt{Addr: "127.0.0.1:1"}, Registerer: taken, Gatherer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	descriptions := make(chan *prometheus.Desc)
	go func() {
		defer close(descriptions)
		for _, c := range taken.collectors {
			c.Describe(descriptions)
		}
	}()
	var text strings.Builder
	for one := range descriptions {
		text.WriteString(one.String())
	}
	return text.String()
}
