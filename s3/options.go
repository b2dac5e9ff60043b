package s3

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"github.com/trawlcrawler/trawl/internal/output"
)

// settings says how to reach a bucket. The parameters of its URL take precedence over
// the environment variables that AWS's tools read, and those over the profile in the
// shared files.
type settings struct {
	endpoint    string // host and port
	secure      bool   // use TLS
	region      string // "" to ask the service
	lookup      minio.BucketLookupType
	credentials *credentials.Credentials
	encryption  encrypt.ServerSide // nil for the bucket's default
	dualstack   bool
	accelerate  bool
}

// parseOptions parses the parameters of a URL.
func parseOptions(options url.Values) (settings, error) {
	err := output.OnlyOptions(options, "region", "endpoint", "use_path_style", "anonymous", "profile",
		"ssetype", "kmskeyid", "dualstack", "accelerate", "disable_https", "s3ForcePathStyle")
	if err != nil {
		return settings{}, err
	}
	p := parameters{values: options}
	profile, err := loadProfile(cmp.Or(options.Get("profile"), os.Getenv("AWS_PROFILE")))
	if err != nil {
		return settings{}, err
	}
	o := settings{
		region: cmp.Or(options.Get("region"), os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"),
			profile.region),
		lookup:     p.lookup(),
		dualstack:  p.is("dualstack"),
		accelerate: p.is("accelerate"),
		encryption: p.encryption(),
	}
	o.endpoint, o.secure = p.endpoint(cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"),
		profile.endpoint))
	o.credentials = credentials.New(newAWSCredentials(options.Get("profile")))
	if p.is("anonymous") {
		o.credentials = credentials.NewStaticV4("", "", "")
	}
	return o, p.err
}

// parameters parses parameters one by one and keeps the first error.
type parameters struct {
	values url.Values
	err    error
}

func (p *parameters) fail(name string, why string) {
	if p.err == nil {
		p.err = fmt.Errorf("%w: the parameter %s=%s %s", output.ErrURL, name, p.values.Get(name), why)
	}
}

// is parses a boolean parameter.
func (p *parameters) is(name string) bool {
	text := p.values.Get(name)
	if text == "" {
		return false
	}
	yes, err := strconv.ParseBool(text)
	if err != nil {
		p.fail(name, "is neither true nor false")
	}
	return yes
}

// lookup returns where the name of the bucket goes: into the path or into the host. If
// the URL does not say, it goes into the host at the large clouds and into the path
// elsewhere.
func (p *parameters) lookup() minio.BucketLookupType {
	for _, name := range []string{"use_path_style", "s3ForcePathStyle"} {
		switch {
		case p.values.Get(name) == "":
		case p.is(name):
			return minio.BucketLookupPath
		default:
			return minio.BucketLookupDNS
		}
	}
	return minio.BucketLookupAuto
}

// amazon is the endpoint of S3. The client adds the region to it.
const amazon = "s3.amazonaws.com"

// endpoint splits the URL of a service. A host without a scheme uses TLS unless
// disable_https is set.
func (p *parameters) endpoint(configured string) (host string, secure bool) {
	secure = !p.is("disable_https")
	text := cmp.Or(p.values.Get("endpoint"), configured)
	if text == "" {
		return amazon, secure
	}
	if !strings.Contains(text, "://") {
		return text, secure
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		if p.err == nil {
			p.err = fmt.Errorf("%w: the endpoint %q is not the URL of a host: write http:// or https:// and a host name, without a path", output.ErrURL, text)
		}
		return "", false
	}
	return u.Host, u.Scheme == "https"
}

// encryption returns how the service is asked to encrypt what it stores.
func (p *parameters) encryption() encrypt.ServerSide {
	key := p.values.Get("kmskeyid")
	switch how := p.values.Get("ssetype"); {
	case how == "" && key == "":
		return nil
	case strings.EqualFold(how, "AES256") && key == "":
		return encrypt.NewSSE()
	case how == "" || strings.EqualFold(how, "aws:kms"):
		sse, err := encrypt.NewSSEKMS(key, nil)
		if err != nil {
			p.fail("kmskeyid", err.Error())
		}
		return sse
	case strings.EqualFold(how, "AES256"):
		p.fail("kmskeyid", "goes with ssetype=aws:kms")
	default:
		p.fail("ssetype", "is neither AES256 nor aws:kms")
	}
	return nil
}
