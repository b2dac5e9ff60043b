package output_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/test/outputtest"
	_ "github.com/trawlcrawler/trawl/s3"
)

// s3Server is a server with the S3 API and a bucket "crawls". It records who made requests.
type s3Server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string // credentials and region of each request; ANONYMOUS without credentials
}

func newS3Server(t *testing.T) *s3Server {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("crawls"); err != nil {
		t.Fatal(err)
	}
	s3, c := gofakes3.New(backend).Server(), &s3Server{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.note(r)
		s3.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *s3Server) note(r *http.Request) {
	who := "ANONYMOUS"
	if _, scope, signed := strings.Cut(r.Header.Get("Authorization"), "Credential="); signed {
		part := strings.Split(scope, "/") // key/date/region/s3/aws4_request
		who = part[0] + " " + part[2]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, who)
}

// url returns the URL of the bucket.
func (c *s3Server) url(parameters string) string {
	return "s3://crawls?endpoint=" + url.QueryEscape(c.URL) + "&" + parameters
}

// awsHome sets an environment in which only these files and variables provide credentials.
func awsHome(t *testing.T, config, secrets string, variables ...string) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	dir := t.TempDir()
	for variable, text := range map[string]string{"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": secrets} {
		path := filepath.Join(dir, variable)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(variable, path)
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for i := 0; i < len(variables); i += 2 {
		t.Setenv(variables[i], variables[i+1])
	}
}

func open(t *testing.T, where string) output.Bucket {
	t.Helper()
	b, err := output.OpenBucket(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBucketsKeepFiles(t *testing.T) {
	awsHome(t, "", "[me]\naws_access_key_id=ME\naws_secret_access_key=secret\n")
	const large = 17 << 20 // larger than what the client uploads in one request
	for kind, where := range map[string]func(*testing.T) string{
		"memory":        func(*testing.T) string { return "mem://" },
		"folder":        func(t *testing.T) string { return "file://" + filepath.ToSlash(t.TempDir()) },
		"S3, signed":    func(t *testing.T) string { return newS3Server(t).url("region=eu-central-1&profile=me") },
		"S3, anonymous": func(t *testing.T) string { return newS3Server(t).url("region=us-east-1&anonymous=true") },
		"S3, encrypted": func(t *testing.T) string {
			return newS3Server(t).url("profile=me&ssetype=AES256&use_path_style=true")
		},
	} {
		t.Run(kind, func(t *testing.T) {
			outputtest.Bucket(t, large, func(t *testing.T) output.Bucket { return open(t, where(t)) })
		})
	}
}

func TestS3FindsCredentialsLikeAWSTools(t *testing.T) {
	const config = "[default]\nregion = eu-west-1\n[profile work]\nregion = eu-west-2\n"
	const secrets = "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = s\n[work]\naws_access_key_id = WORK\naws_secret_access_key = s\n"
	role := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"AccessKeyId":"ROLE","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`))
	}))
	defer role.Close()
	for _, c := range []struct {
		situation, config, secrets string
		variables                  []string
		parameters, want           string
	}{
		{"the default profile", config, secrets, nil, "", "DEFAULT eu-west-1"},
		{"a profile of the environment", config, secrets, []string{"AWS_PROFILE", "work"}, "", "WORK eu-west-2"},
		{"a profile of the URL", config, secrets, []string{"AWS_ACCESS_KEY_ID", "ENV", "AWS_SECRET_ACCESS_KEY", "s"},
			"profile=work", "WORK eu-west-2"},
		{"the environment before files", config, secrets,
			[]string{"AWS_ACCESS_KEY_ID", "ENV", "AWS_SECRET_ACCESS_KEY", "s", "AWS_REGION", "eu-west-3"}, "",
			"ENV eu-west-3"},
		{"the region of the URL before all others", config, secrets, []string{"AWS_REGION", "eu-west-3"}, "region=auto",
			"DEFAULT auto"},
		{"the role of a container", "", "", []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI", role.URL,
			"AWS_DEFAULT_REGION", "eu-north-1"}, "", "ROLE eu-north-1"},
		{"anonymous", config, secrets, nil, "anonymous=true", "ANONYMOUS"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			awsHome(t, c.config, c.secrets, c.variables...)
			s3 := newS3Server(t)
			b := open(t, s3.url(c.parameters))
			defer b.Close()
			if _, err := b.Stat(t.Context(), "nothing"); err == nil {
				t.Error("the bucket is not empty")
			}
			if diff := cmp.Diff([]string{c.want}, s3.seen); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestS3FindsItsEndpointInTheEnvironment(t *testing.T) {
	awsHome(t, "", "")
	s3 := newS3Server(t)
	t.Setenv("AWS_ENDPOINT_URL_S3", s3.URL)
	b := open(t, "s3://crawls?anonymous=true&region=us-east-1")
	defer b.Close()
	if _, err := b.Stat(t.Context(), "nothing"); err == nil || len(s3.seen) != 1 {
		t.Errorf("%d requests were made: %v", len(s3.seen), err)
	}
}

func TestWithoutCredentialsNoRequestIsMadeAndTheErrorNamesTheVariables(t *testing.T) {
	awsHome(t, "", "")
	s3 := newS3Server(t)
	l, err := output.Open(t.Context(), s3.url("region=us-east-1"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") ||
		len(s3.seen) > 0 {
		t.Errorf("after %d requests: %v", len(s3.seen), err)
	}
}

func TestAMissingProfileIsNamed(t *testing.T) {
	awsHome(t, "", "")
	if _, err := output.Open(t.Context(), "s3://crawls?profile=work"); err == nil ||
		!strings.Contains(err.Error(), `profile "work" is not in`) {
		t.Errorf("got %v", err)
	}
}

// testDriver is a driver of another program, with buckets in memory.
type testDriver struct{ output.Driver }

func (testDriver) Advice() string { return "ask the other program" }

func (testDriver) Open(ctx context.Context, name string, options url.Values) (output.Bucket, error) {
	return output.OpenBucket(ctx, "mem://")
}

func TestADriverIsRegisteredOnce(t *testing.T) {
	t.Parallel()
	output.Register("borrowed", testDriver{})
	l, err := output.Open(t.Context(), "borrowed://bucket/prefix")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Put(t.Context(), "name", strings.NewReader("text"), 4); err != nil {
		t.Error(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("two drivers were registered for one scheme")
		}
	}()
	output.Register("borrowed", testDriver{})
}
