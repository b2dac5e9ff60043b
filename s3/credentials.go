package s3

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"gopkg.in/ini.v1"
)

// profile is what a section of AWS's shared files contains besides credentials.
type profile struct{ region, endpoint string }

// loadProfile reads ~/.aws/config and ~/.aws/credentials, or the files that the
// environment names. It fails for a missing profile only if the profile was named
// explicitly.
func loadProfile(name string) (profile, error) {
	var p profile
	found := name == ""
	for _, file := range []struct{ path, section string }{
		{sharedFile("AWS_CONFIG_FILE", "config"), "profile " + name},
		{sharedFile("AWS_SHARED_CREDENTIALS_FILE", "credentials"), name},
	} {
		sections, err := ini.LooseLoad(file.path) // a file that does not exist is empty
		if err != nil {
			return p, fmt.Errorf("read %q: %w", file.path, err)
		}
		if name == "" || name == "default" {
			file.section = "default"
		}
		if section, err := sections.GetSection(file.section); err == nil {
			found = true
			p.region = cmp.Or(section.Key("region").String(), p.region)
			p.endpoint = cmp.Or(section.Key("endpoint_url").String(), p.endpoint)
		}
	}
	if !found {
		return p, fmt.Errorf("profile %q is not in the files of the aws command", name)
	}
	return p, nil
}

// sharedFile returns the path of a file of AWS's tools: the one that the environment
// names, or the one in the user's home folder.
func sharedFile(variable, name string) string {
	home, _ := os.UserHomeDir()
	return cmp.Or(os.Getenv(variable), filepath.Join(home, ".aws", name))
}

// awsCredentials finds credentials where AWS's tools do: in the environment, in the
// shared files, and at the service that gives a machine or container its role.
type awsCredentials struct {
	sources []credentials.Provider
	current credentials.Provider // nil before the first success
}

// metadataTerm is the timeout for the machine's metadata service. Where there is none,
// its address often drops requests silently.
const metadataTerm = 5 * time.Second

// newAWSCredentials looks in all sources, or only in the profile that the URL names.
func newAWSCredentials(profile string) *awsCredentials {
	files := &credentials.FileAWSCredentials{Profile: profile}
	if profile != "" {
		return &awsCredentials{sources: []credentials.Provider{files}}
	}
	c := &awsCredentials{sources: []credentials.Provider{&credentials.EnvAWS{}, files}}
	if os.Getenv("AWS_EC2_METADATA_DISABLED") != "true" || inContainer() {
		c.sources = append(c.sources, &credentials.IAM{Client: &http.Client{Timeout: metadataTerm}})
	}
	return c
}

// inContainer reports whether the environment says where to get the role of a container.
func inContainer() bool {
	return cmp.Or(os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
		os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")) != ""
}

// RetrieveWithCredContext asks the sources in turn. The error joins their errors.
func (c *awsCredentials) RetrieveWithCredContext(with *credentials.CredContext) (credentials.Value, error) {
	var troubles []error
	for _, source := range c.sources {
		value, err := source.RetrieveWithCredContext(with)
		if err == nil && value.AccessKeyID != "" && value.SecretAccessKey != "" {
			c.current = source
			return value, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			troubles = append(troubles, err)
		}
	}
	return credentials.Value{}, errors.Join(append([]error{errNoCredentials}, troubles...)...)
}

var errNoCredentials = errors.New("no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; a public bucket takes ?anonymous=true")

// Retrieve is RetrieveWithCredContext for clients that have no context to pass.
func (c *awsCredentials) Retrieve() (credentials.Value, error) { return c.RetrieveWithCredContext(nil) }

// IsExpired reports whether credentials have to be retrieved again.
func (c *awsCredentials) IsExpired() bool { return c.current == nil || c.current.IsExpired() }
