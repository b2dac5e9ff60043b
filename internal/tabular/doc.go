// Package tabular is the form of a crawl's Parquet files: the rows of pages, errors and links,
// how a record becomes a row and a row a record again, and the writing of rows.
package tabular
