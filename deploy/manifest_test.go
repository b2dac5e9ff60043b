package deploy_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// manifest has the fields of a Kubernetes object that the tests read.
type manifest struct {
	file string

	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Selector selector
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     pod
		}
		ScaleTargetRef struct{ Kind, Name string } `yaml:"scaleTargetRef"`
		Metrics        []struct {
			External struct{ Metric struct{ Name string } }
		}
		Ports []struct {
			TargetPort string `yaml:"targetPort"`
		}
		PolicyTypes         []string `yaml:"policyTypes"`
		Egress              []any
		Endpoints           []struct{ Port, Path string }
		PodMetricsEndpoints []struct{ Port, Path string } `yaml:"podMetricsEndpoints"`
	}
}

// selector is the selector of a Service or of another object.
type selector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
	Name        string            `yaml:"app.kubernetes.io/name"`
	Component   string            `yaml:"app.kubernetes.io/component"`
}

// matches reports whether it selects a pod with these labels.
func (s selector) matches(labels map[string]string) bool {
	for name, want := range s.MatchLabels {
		if labels[name] != want {
			return false
		}
	}
	return s.MatchLabels != nil || s.Name == labels["app.kubernetes.io/name"] &&
		s.Component == labels["app.kubernetes.io/component"]
}

// pod is the pod template of a Deployment.
type pod struct {
	AutomountServiceAccountToken  *bool `yaml:"automountServiceAccountToken"`
	TerminationGracePeriodSeconds int   `yaml:"terminationGracePeriodSeconds"`
	SecurityContext               struct {
		RunAsNonRoot bool `yaml:"runAsNonRoot"`
		RunAsUser    int  `yaml:"runAsUser"`
	} `yaml:"securityContext"`
	Containers []podContainer
	Volumes    []struct {
		Name                  string
		PersistentVolumeClaim struct {
			ClaimName string `yaml:"claimName"`
		} `yaml:"persistentVolumeClaim"`
	}
}

// podContainer is a container of a pod.
type podContainer struct {
	Name, Image string
	Args        []string
	Env         []variable
	EnvFrom     []struct {
		ConfigMapRef struct{ Name string } `yaml:"configMapRef"`
	} `yaml:"envFrom"`
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	LivenessProbe   probe `yaml:"livenessProbe"`
	ReadinessProbe  probe `yaml:"readinessProbe"`
	Resources       struct{ Requests, Limits map[string]string }
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

// variable is an environment variable of a container.
type variable struct {
	Name, Value string
	ValueFrom   struct {
		SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
	} `yaml:"valueFrom"`
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

// manifests reads all files for Kubernetes.
func manifests(t *testing.T) []manifest {
	t.Helper()
	var all []manifest
	for _, file := range manifestFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		decoder := yaml.NewDecoder(bytes.NewReader(text)) // refuses duplicate keys
		for {
			m := manifest{file: file}
			err := decoder.Decode(&m)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all = append(all, m)
		}
	}
	return all
}

func manifestFiles(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"kubernetes/*", "kubernetes/*/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if strings.HasSuffix(path, ".yaml") {
				all = append(all, path)
			}
		}
	}
	return all
}

// ofKind returns the manifests of a kind.
func ofKind(all []manifest, kind string) []manifest {
	var some []manifest
	for _, m := range all {
		if m.Kind == kind {
			some = append(some, m)
		}
	}
	return some
}

// ofProgram returns the Deployments that run Trawl's image, rather than another program's.
func ofProgram(all []manifest) []manifest {
	var some []manifest
	for _, d := range ofKind(all, "Deployment") {
		if d.Spec.Template.Spec.Containers[0].Image == "trawl" {
			some = append(some, d)
		}
	}
	return some
}

// named reports whether an object of this kind and name exists.
func named(all []manifest, kind, name string) bool {
	for _, m := range ofKind(all, kind) {
		if m.Metadata.Name == name {
			return true
		}
	}
	return false
}
