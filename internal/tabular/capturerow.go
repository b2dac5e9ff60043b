package tabular

import "time"

// CaptureRow is a row of the columnar URL index of Common Crawl: a record of a WARC file, and
// where it is. Names, types, order and which columns may be null are those of its schema
// (https://github.com/commoncrawl/cc-index-table, cc-index-schema-flat.json). The partition
// columns, crawl and subset, are in the names of folders. An optional column is null where the
// field is empty.
type CaptureRow struct {
	SURTKey          string    `parquet:"url_surtkey,delta"`
	URL              string    `parquet:"url,delta"`
	HostName         string    `parquet:"url_host_name,dict"`
	HostTLD          string    `parquet:"url_host_tld,optional,dict"`
	Host2nd          string    `parquet:"url_host_2nd_last_part,optional,dict"`
	Host3rd          string    `parquet:"url_host_3rd_last_part,optional,dict"`
	Host4th          string    `parquet:"url_host_4th_last_part,optional,dict"`
	Host5th          string    `parquet:"url_host_5th_last_part,optional,dict"`
	RegistrySuffix   string    `parquet:"url_host_registry_suffix,optional,dict"`
	RegisteredDomain string    `parquet:"url_host_registered_domain,optional,dict"`
	PrivateSuffix    string    `parquet:"url_host_private_suffix,optional,dict"`
	PrivateDomain    string    `parquet:"url_host_private_domain,optional,dict"`
	HostReversed     string    `parquet:"url_host_name_reversed,optional,dict"`
	Protocol         string    `parquet:"url_protocol,dict"`
	Port             *int32    `parquet:"url_port"`
	Path             string    `parquet:"url_path"`
	Query            *string   `parquet:"url_query"`
	FetchTime        time.Time `parquet:"fetch_time,timestamp(millisecond)"`
	FetchStatus      int16     `parquet:"fetch_status"`
	FetchRedirect    string    `parquet:"fetch_redirect,optional"`
	Digest           string    `parquet:"content_digest,optional"`
	MIMEType         string    `parquet:"content_mime_type,optional,dict"`
	MIMEDetected     string    `parquet:"content_mime_detected,optional,dict"`
	Charset          string    `parquet:"content_charset,optional,dict"`
	Languages        string    `parquet:"content_languages,optional,dict"`
	Truncated        string    `parquet:"content_truncated,optional,dict"`
	RecordID         []byte    `parquet:"warc_record_id"` // the 16 bytes of a UUID
	Filename         string    `parquet:"warc_filename,dict"`
	Offset           int32     `parquet:"warc_record_offset"`
	Length           int32     `parquet:"warc_record_length"`
	Segment          string    `parquet:"warc_segment,dict"`
}
