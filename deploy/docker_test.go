// These tests compare the deployment files with Trawl itself: the fleet of docker-compose.yml runs
// in real containers, and the manifests for Kubernetes are compared with the command line.
//
// No image is pulled. The images that the files name are replaced by images from scratch with
// binaries of this machine.
package deploy_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// root is the root folder of the repository.
const root = ".."

// shell runs commands for a test.
type shell struct {
	t   *testing.T
	ctx context.Context
	env []string
}

func newShell(t *testing.T) *shell {
	s := &shell{t: t, ctx: testfleet.Patience(t)}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TRAWL_") && !strings.HasPrefix(v, "DASHBOARD_") && !strings.HasPrefix(v, "COMPOSE_") {
			s.env = append(s.env, v)
		}
	}
	return s
}

// try runs a command in a folder and returns its output.
func (s *shell) try(dir, stdin string, command ...string) (stdout, stderr string, err error) {
	var out, said strings.Builder
	cmd := exec.CommandContext(s.ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, s.env, strings.NewReader(stdin), &out, &said
	err = cmd.Run()
	return out.String(), said.String(), err
}

// run runs a command that must succeed.
func (s *shell) run(dir string, command ...string) string {
	s.t.Helper()
	stdout, stderr, err := s.try(dir, "", command...)
	if err != nil {
		s.t.Fatalf("%s: %v\n%s%s", strings.Join(command, " "), err, stdout, stderr)
	}
	return stdout
}

// docker runs a docker command.
func (s *shell) docker(args ...string) string {
	s.t.Helper()
	return s.run(".", append([]string{"docker"}, args...)...)
}

// composeCommand finds Docker Compose, as a plugin or as a command of its own. It skips the test if
// there is no Docker or no Compose.
func composeCommand(s *shell) []string {
	s.t.Helper()
	if runtime.GOOS != "linux" {
		s.t.Skip("the images need Linux binaries of this machine")
	}
	if _, said, err := s.try(".", "", "docker", "info"); err != nil {
		s.t.Skipf("Docker is not running: install and start docker: %v %s", err, said)
	}
	for _, command := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		if _, _, err := s.try(".", "", append(command, "version")...); err == nil {
			return command
		}
	}
	s.t.Skip("no Docker Compose: install docker-compose-v2 or docker-compose")
	return nil
}

// build builds an image from a folder with a Dockerfile. The image is removed when the test ends.
func (s *shell) build(tag, dir string) {
	s.t.Helper()
	s.run(dir, "docker", "build", "--quiet", "--tag", tag, ".")
	s.t.Cleanup(func() { s.cleanup("docker", "rmi", "--force", tag) })
}

// cleanup runs a command when the test ends, whatever its result.
func (s *shell) cleanup(command ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = s.env
	if said, err := cmd.CombinedOutput(); err != nil {
		s.t.Errorf("%s: %v\n%s", strings.Join(command, " "), err, said)
	}
}

// container is the output of docker inspect for one container.
type container struct {
	ID     string
	Config struct {
		User   string
		Labels map[string]string
	}
	State struct {
		Status   string
		ExitCode int
		Health   struct{ Status string }
	}
	HostConfig struct {
		ReadonlyRootfs bool
		CapDrop        []string
		SecurityOpt    []string
	}
	NetworkSettings struct {
		Ports    map[string][]struct{ HostIp, HostPort string }
		Networks map[string]struct{ NetworkID string }
	}
}

// service is the name of the container's service in the compose file.
func (c container) service() string { return c.Config.Labels["com.docker.compose.service"] }

// project is docker-compose.yml, brought up under a name of the test's own.
type project struct {
	*shell
	name    string
	command []string
}

// newProject creates a project from docker-compose.yml as it is, with the settings of a file .env,
// and another compose file on top.
func newProject(s *shell, command []string, settings map[string]string, over string) *project {
	s.t.Helper()
	dir := s.t.TempDir()
	var env strings.Builder
	for name, value := range settings {
		fmt.Fprintf(&env, "%s=%s\n", name, value)
	}
	write(s.t, filepath.Join(dir, ".env"), env.String())
	write(s.t, filepath.Join(dir, "over.yml"), over)
	p := &project{shell: s, name: unique()}
	p.command = append(command, "--project-name", p.name, "--env-file", filepath.Join(dir, ".env"),
		"-f", filepath.Join(root, "docker-compose.yml"), "-f", filepath.Join(dir, "over.yml"))
	return p
}

// unique returns a name that only this test uses.
func unique() string { return "trawl-test-" + strings.ToLower(rand.Text()[:8]) }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// compose runs a docker compose command.
func (p *project) compose(args ...string) string {
	p.t.Helper()
	return p.run(".", append(p.command, args...)...)
}

// trawl runs trawl as the README does, with a text as standard input.
func (p *project) trawl(stdin string, args ...string) string {
	p.t.Helper()
	command := append(append(p.command, "run", "--rm", "-T", "trawl"), args...)
	stdout, stderr, err := p.try(".", stdin, command...)
	if err != nil {
		p.t.Fatalf("trawl %s: %v\n%s%s", strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout
}

// up brings the project up, and down when the test ends.
func (p *project) up(args ...string) {
	p.t.Helper()
	p.t.Cleanup(func() {
		if p.t.Failed() {
			p.cleanup(append(p.command, "ps")...)
			said, _ := exec.Command(p.command[0], append(p.command[1:], "logs", "--tail", "50")...).CombinedOutput()
			p.t.Logf("%s", said)
		}
		p.cleanup(append(p.command, "down", "--volumes", "--remove-orphans", "--timeout", "5")...)
		p.wantNothingLeft()
	})
	p.compose(append([]string{"up", "--detach", "--no-build"}, args...)...)
}

// wantNothingLeft checks that nothing of the project exists when it is down.
func (p *project) wantNothingLeft() {
	for _, kind := range []string{"container", "volume", "network"} {
		args := []string{kind, "ls", "--quiet", "--filter", "label=com.docker.compose.project=" + p.name}
		if left, err := exec.Command("docker", args...).Output(); err != nil || len(left) > 0 {
			p.t.Errorf("the project is down but left %ss: %s (%v)", kind, left, err)
		}
	}
}

// containers inspects the containers of the project.
func (p *project) containers() []container {
	p.t.Helper()
	ids := strings.Fields(p.docker("ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project="+p.name))
	var all []container
	if err := json.Unmarshal([]byte(p.docker(append([]string{"inspect"}, ids...)...)), &all); err != nil {
		p.t.Fatal(err)
	}
	return all
}

// id returns the ID of the container of a service with one container.
func (p *project) id(service string) string {
	p.t.Helper()
	return strings.TrimSpace(p.docker("ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project="+p.name,
		"--filter", "label=com.docker.compose.service="+service))
}

// waitUntil waits until a condition holds. The condition returns what is missing, or "".
func (p *project) waitUntil(condition func() (missing string)) {
	p.t.Helper()
	for {
		missing := condition()
		if missing == "" {
			return
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-p.ctx.Done():
			p.t.Fatalf("timed out: %s", missing)
		}
	}
}
