// Package s3 lets Trawl read and write buckets of S3 and of services with the same API, such as
// Cloudflare R2, MinIO, Ceph, and Google Cloud Storage with HMAC keys. The command has it. A
// program that wants s3:// URLs imports it:
//
//	import _ "github.com/trawlcrawler/trawl/s3"
package s3
