// Package gcs lets Trawl write to Google Cloud Storage: a program that imports it can use
// outputs such as gs://bucket/prefix.
//
//	import _ "github.com/trawlcrawler/trawl/drivers/gcs"
//
// Credentials are those that Google's own tools use. The parameters of the URL are those of
// gocloud.dev/blob/gcsblob.
package gcs

import (
	_ "gocloud.dev/blob/gcsblob" // gs://

	"github.com/trawlcrawler/trawl/drivers/internal/cloud"
	"github.com/trawlcrawler/trawl/internal/output"
)

func init() {
	output.Register("gs", cloud.Driver{Scheme: "gs",
		Advises: "create the bucket, let these credentials list and write there, " +
			"set GOOGLE_APPLICATION_CREDENTIALS, or log in with gcloud auth application-default login"})
}
