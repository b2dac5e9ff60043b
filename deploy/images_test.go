package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testcommand"
)

// lastStage is the line of the Dockerfile at which the final image begins.
const lastStage = "\nFROM scratch AS trawl\n"

// buildTrawl builds the image of the Dockerfile. The commands that its first stage runs in a Go
// image run here instead, in a copy of the folder that Docker would send, that is, without what
// .dockerignore excludes. The stage of the image is unchanged; the later stages, of the image with
// all drivers, are left out.
func buildTrawl(s *shell, tag string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		s.t.Fatal(err)
	}
	first, last, found := strings.Cut(string(text), lastStage)
	if !found {
		s.t.Fatal("the Dockerfile has no stage from scratch")
	}
	last, _, _ = strings.Cut(last, "\nFROM ")
	source, dir := sentFolder(s), s.t.TempDir()
	here := strings.NewReplacer(" /image", " "+dir+"/image", " /data", " "+dir+"/data")
	for _, command := range commands(first) {
		s.run(source, "sh", "-ec", here.Replace(command))
	}
	write(s.t, filepath.Join(dir, "Dockerfile"), lastStage+strings.ReplaceAll(last, "--from=build ", ""))
	s.build(tag, dir)
}

var runs = regexp.MustCompile(`(?m)^RUN ((?:.*\\\n)*.*)$`)

// commands returns the commands of the RUN lines of a stage.
func commands(stage string) []string {
	var all []string
	for _, match := range runs.FindAllStringSubmatch(stage, -1) {
		all = append(all, match[1])
	}
	return all
}

// sentFolder returns a copy of the repository as Docker sends it for a build.
func sentFolder(s *shell) string {
	s.t.Helper()
	dir, tag := s.t.TempDir(), unique()
	file := filepath.Join(dir, "Dockerfile")
	write(s.t, file, "FROM scratch\nCOPY . /src\nCMD [\"/none\"]\n")
	s.docker("build", "--quiet", "--tag", tag, "--file", file, root)
	defer s.cleanup("docker", "rmi", "--force", tag)
	id := strings.TrimSpace(s.docker("create", tag))
	defer s.cleanup("docker", "rm", "--volumes", id)
	s.docker("cp", id+":/src", dir)
	return filepath.Join(dir, "src")
}

// buildRedis builds an image of this machine's Redis that is like the official one: the commands
// are on PATH, and /data belongs to user 999.
func buildRedis(s *shell, tag string) {
	s.t.Helper()
	dir := s.t.TempDir()
	copyCommands(s, filepath.Join(dir, "root"), "/usr/local/bin", "redis-server", "redis-cli")
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	write(s.t, filepath.Join(dir, "Dockerfile"),
		"FROM scratch\nCOPY root /\nCOPY --chown=999:1000 data /data\nWORKDIR /data\n")
	s.build(tag, dir)
}

// copyCommands copies commands of this machine, and the libraries that they need, into the root of an
// image. The test is skipped if this machine does not have one of them.
func copyCommands(s *shell, root, folder string, names ...string) {
	s.t.Helper()
	files := map[string]bool{}
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			s.t.Skipf("an image with %s cannot be built: %v", name, err)
		}
		copyFile(s.t, path, filepath.Join(root, folder, name))
		needs, _, _ := s.try(".", "", "ldd", path) // fails for what needs no library
		for _, library := range libraries(needs) {
			files[library] = true
		}
	}
	for library := range files {
		copyFile(s.t, library, filepath.Join(root, library))
	}
}

// buildPrometheus builds an image of this machine's Prometheus that is like the official one: a shell
// and prometheus are on PATH, and /prometheus belongs to its user.
func buildPrometheus(s *shell, tag string) {
	s.t.Helper()
	dir := s.t.TempDir()
	copyCommands(s, filepath.Join(dir, "root"), "/bin", "sh", "prometheus")
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	write(s.t, filepath.Join(dir, "Dockerfile"),
		"FROM scratch\nCOPY root /\nCOPY --chown=65534:65534 data /prometheus\nUSER 65534:65534\n"+
			"WORKDIR /prometheus\nENTRYPOINT [\"/bin/prometheus\"]\n")
	s.build(tag, dir)
}

// buildGrafana builds an image of a program that stands in for Grafana, with the official image's user
// and folder of data.
func buildGrafana(s *shell, tag string) {
	s.t.Helper()
	dir := s.t.TempDir()
	buildProgram(s, dir, "grafana")
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	write(s.t, filepath.Join(dir, "Dockerfile"), "FROM scratch\nCOPY grafana /grafana\n"+
		"COPY --chown=472:0 data /var/lib/grafana\nUSER 472\nENTRYPOINT [\"/grafana\"]\n")
	s.build(tag, dir)
}

// buildProgram builds a program of testdata into a folder.
func buildProgram(s *shell, dir, name string) {
	s.t.Helper()
	cmd := testcommand.Go("build", "-o", filepath.Join(dir, name), "./testdata/"+name)
	if said, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("build testdata/%s: %v\n%s", name, err, said)
	}
}

var library = regexp.MustCompile(`(?m)(/\S+) \(0x`)

// libraries returns the shared libraries that a binary needs, as ldd lists them.
func libraries(ldd string) []string {
	var all []string
	for _, match := range library.FindAllStringSubmatch(ldd, -1) {
		all = append(all, match[1])
	}
	return all
}

// buildSites builds an image of sites to crawl, given their names and numbers of pages.
func buildSites(s *shell, tag string, sites map[string]int) {
	s.t.Helper()
	dir := s.t.TempDir()
	buildProgram(s, dir, "site")
	entrypoint := `"/site"`
	for name, pages := range sites {
		entrypoint += fmt.Sprintf(", \"%s=%d\"", name, pages)
	}
	write(s.t, filepath.Join(dir, "Dockerfile"), "FROM scratch\nCOPY site /site\nUSER 1000:1000\nENTRYPOINT ["+
		entrypoint+"]\n")
	s.build(tag, dir)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}
